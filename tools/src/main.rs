//! `suyuan`: run a ledger, feed it, ask it, verify its answers, audit it.

#![cfg_attr(
    not(feature = "node"),
    expect(dead_code, reason = "the verifier alone does not sign, send or serve")
)]

mod client;
mod commands;
mod exit;
mod files;
mod output;
mod qr;
mod text;
mod trust;

use clap::{CommandFactory as _, Parser, Subcommand};
use exit::Failure;
use output::Console;
use std::process::ExitCode;
use text::Lang;

#[cfg(feature = "node")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Suyuan (溯源): a farm-to-table traceability ledger.
///
/// Producers, carriers, laboratories, retailers and regulators sign what happened to a lot; a node
/// checks, orders and seals it; anyone resolves a code to the whole provenance and can check the
/// answer without trusting the node that gave it.
#[derive(Debug, Parser)]
#[command(name = "suyuan", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 ok, 2 usage, 3 malformed input, 4 refused by the ledger, \
5 a proof fails, 6 stale, 7 busy, 8 storage, 9 hold (check)."
)]
struct Cli {
    /// Print one JSON value, for programs.
    #[arg(long, global = true)]
    json: bool,
    /// The language of texts; that of the terminal without it.
    #[arg(long, global = true, value_enum)]
    lang: Option<Lang>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "node")]
    AccessLog(commands::access_log::Args),
    #[cfg(feature = "node")]
    Agreement(commands::agreement::Args),
    #[cfg(feature = "node")]
    Audit(commands::audit::Args),
    #[cfg(feature = "node")]
    Bench(commands::bench::Args),
    #[cfg(feature = "node")]
    Check(commands::check::Args),
    #[cfg(feature = "node")]
    Demo(commands::demo::Args),
    #[cfg(feature = "node")]
    Delegate(commands::delegate::Args),
    #[cfg(feature = "node")]
    EventProof(commands::import::ProofArgs),
    #[cfg(feature = "node")]
    ExportTiles(commands::export_tiles::Args),
    #[cfg(feature = "node")]
    Findings(commands::findings::Args),
    #[cfg(feature = "node")]
    Forget(commands::forget::Args),
    #[cfg(feature = "node")]
    Hold(commands::recall::HoldArgs),
    #[cfg(feature = "node")]
    Import(commands::import::ImportArgs),
    #[cfg(feature = "node")]
    Init(commands::init::Args),
    #[cfg(feature = "node")]
    Mirror(commands::mirror::Args),
    #[cfg(feature = "node")]
    Participant(commands::participant::Args),
    #[cfg(feature = "node")]
    Place(commands::place::Args),
    #[cfg(feature = "node")]
    Policy(commands::policy::Args),
    #[cfg(feature = "node")]
    Product(commands::product::Args),
    #[cfg(feature = "node")]
    Recall(commands::recall::Args),
    #[cfg(feature = "node")]
    Recode(commands::recode::Args),
    #[cfg(feature = "node")]
    Region(commands::region::Args),
    #[cfg(feature = "node")]
    Release(commands::recall::ReleaseArgs),
    #[cfg(feature = "node")]
    Restore(commands::restore::Args),
    #[cfg(feature = "node")]
    Serve(commands::serve::Args),
    #[cfg(feature = "node")]
    Submit(commands::submit::Args),
    #[cfg(feature = "node")]
    Token(commands::token::Args),
    #[cfg(feature = "node")]
    Trace(commands::trace::Args),
    #[cfg(feature = "node")]
    Witness(commands::witness::Args),
    Keygen(commands::keygen::Args),
    Qr(commands::qr::Args),
    Verify(commands::verify::Args),
    /// Print the completions of a shell.
    #[command(after_help = "Example:
  suyuan completions bash > ~/.local/share/bash-completion/completions/suyuan")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let lang = cli.lang.unwrap_or_else(Lang::of_environment);
    let console = Console {
        json: cli.json,
        lang,
    };
    match run(cli.command, console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console.failure(&failure);
            failure.code.into()
        }
    }
}

fn run(command: Command, console: Console) -> Result<(), Failure> {
    match command {
        #[cfg(feature = "node")]
        Command::AccessLog(args) => commands::access_log::run(&args, console),
        #[cfg(feature = "node")]
        Command::Agreement(args) => commands::agreement::run(&args, console),
        #[cfg(feature = "node")]
        Command::Audit(args) => commands::audit::run(&args, console),
        #[cfg(feature = "node")]
        Command::Bench(args) => commands::bench::run(&args, console),
        #[cfg(feature = "node")]
        Command::Check(args) => commands::check::run(&args, console),
        #[cfg(feature = "node")]
        Command::Demo(args) => commands::demo::run(&args, console),
        #[cfg(feature = "node")]
        Command::Delegate(args) => commands::delegate::run(&args, console),
        #[cfg(feature = "node")]
        Command::EventProof(args) => commands::import::event_proof(&args, console),
        #[cfg(feature = "node")]
        Command::ExportTiles(args) => commands::export_tiles::run(&args, console),
        #[cfg(feature = "node")]
        Command::Findings(args) => commands::findings::run(args, console),
        #[cfg(feature = "node")]
        Command::Forget(args) => commands::forget::run(&args, console),
        #[cfg(feature = "node")]
        Command::Hold(args) => commands::recall::hold(&args, console),
        #[cfg(feature = "node")]
        Command::Import(args) => commands::import::import(&args, console),
        #[cfg(feature = "node")]
        Command::Init(args) => commands::init::run(&args, console),
        #[cfg(feature = "node")]
        Command::Mirror(args) => commands::mirror::run(&args, console),
        #[cfg(feature = "node")]
        Command::Participant(args) => commands::participant::run(args, console),
        #[cfg(feature = "node")]
        Command::Place(args) => commands::place::run(&args, console),
        #[cfg(feature = "node")]
        Command::Policy(args) => commands::policy::run(&args, console),
        #[cfg(feature = "node")]
        Command::Product(args) => commands::product::run(&args, console),
        #[cfg(feature = "node")]
        Command::Recall(args) => commands::recall::run(&args, console),
        #[cfg(feature = "node")]
        Command::Recode(args) => commands::recode::run(&args, console),
        #[cfg(feature = "node")]
        Command::Region(args) => commands::region::run(&args, console),
        #[cfg(feature = "node")]
        Command::Release(args) => commands::recall::release(&args, console),
        #[cfg(feature = "node")]
        Command::Restore(args) => commands::restore::run(&args, console),
        #[cfg(feature = "node")]
        Command::Serve(args) => commands::serve::run(args, console),
        #[cfg(feature = "node")]
        Command::Submit(args) => commands::submit::run(&args, console),
        #[cfg(feature = "node")]
        Command::Token(args) => commands::token::run(&args, console),
        #[cfg(feature = "node")]
        Command::Trace(args) => commands::trace::run(&args, console),
        #[cfg(feature = "node")]
        Command::Witness(args) => commands::witness::run(&args, console),
        Command::Keygen(args) => commands::keygen::run(&args, console),
        Command::Qr(args) => commands::qr::run(&args, console),
        Command::Verify(args) => commands::verify::run(&args, console),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "suyuan", &mut std::io::stdout());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
