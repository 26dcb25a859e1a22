//! `suyuan delegate`: let another participant sign on one's behalf.

use super::act::{ActArgs, act};
use super::keygen::parse_handle;
use super::participant::parse_time;
use crate::exit::Failure;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::ids::{Handle, UnixMillis};
use ledger::registry::Action;

/// Let another participant sign on your behalf, until a moment.
///
/// What it signs is shown as signed by it for you. A moment in the past ends the leave.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan delegate lWIOi9hTbgiM33Pqt_Qspw --until 2027-06-30T23:59:59+08:00 --key farm.key")]
pub(crate) struct Args {
    /// Who may sign: a handle.
    #[arg(allow_hyphen_values = true, value_parser = parse_handle)]
    delegate: Handle,
    /// The last moment, by the ledger's time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: UnixMillis,
    #[command(flatten)]
    act: ActArgs,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let action = Action::Delegate {
        delegate: args.delegate,
        until: args.until,
    };
    act(&args.act, console, action, Vec::new())
}
