//! `suyuan event-proof` and `suyuan import`: events carried from one region's log to another's.

use super::act::{ActArgs, act};
use super::keygen::parse_handle;
use crate::client::http::Remote;
use crate::client::signer::SignerArgs;
use crate::exit::Failure;
use crate::files::read_bounded;
use crate::output::Console;
use clap::Args as ClapArgs;
use ledger::event_proof::{EVENT_PROOF_BYTES_MAX, EventProof};
use ledger::ids::Handle;
use ledger::region::{IMPORTS_MAX, import_record};
use ledger::registry::Action;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Fetch the proof of one event, for a partner in another region.
///
/// It holds the event's public part and who said it, under a checkpoint that witnesses cosigned.
/// Send it along with the goods; the receiver imports it with `suyuan import`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan event-proof 812.0 --node https://trace.cd.example --key maker.key -o shipment.event-proof")]
pub(crate) struct ProofArgs {
    /// The event: `leaf.index`, or its eventID with --issuer.
    event: String,
    /// Who issued it, where the event is named by its eventID.
    #[arg(long, value_parser = parse_handle, allow_hyphen_values = true)]
    issuer: Option<Handle>,
    /// The node whose log holds it.
    #[arg(long)]
    node: String,
    #[command(flatten)]
    signer: SignerArgs,
    /// Where to put the proof; a file that is there is not replaced.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn event_proof(args: &ProofArgs, console: Console) -> Result<(), Failure> {
    let remote = Remote::connect(&args.node, console.lang)?.asked_by(Some(args.signer.read()?));
    // Every byte escaped: an eventID is a URI of somebody's own.
    let event: String = args
        .event
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let issuer = args.issuer.map(|issuer| issuer.to_string());
    let query: Vec<(&str, &str)> = issuer
        .iter()
        .map(|issuer| ("issuer", issuer.as_str()))
        .collect();
    let accept = "application/vnd.suyuan.event-proof+cbor";
    let bytes = remote
        .get(&format!("/events/{event}/proof"), &query, accept)?
        .success()?;
    let told = EventProof::decode(&bytes).and_then(|proof| proof.told());
    let told = told.map_err(|why| Failure::malformed(format!("{}: {why}", args.node)))?;
    let failed = |error| Failure::file(&args.output, &error);
    let mut file = File::create_new(&args.output).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    let path = args.output.display();
    if console.json {
        return console.value(&serde_json::json!({
            "log": told.log, "leaf": told.at.leaf.0, "index": told.at.index,
            "issuer": told.issuer, "statement": told.statement.to_string(), "file": args.output,
        }));
    }
    console.line(format_args!("{path}  {}  {}", told.log, told.statement))
}

/// Import events of another region's log, by their proofs.
///
/// The receipt of a delivery from there names the log and the statement that this command prints, in
/// `suyuan:sourceLog` and `suyuan:sourceStatement`. A test result counts here as if it had been made
/// here. Each participant imports an event once.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan import shipment.event-proof test.event-proof --key cook.key --node https://trace.cq.example")]
pub(crate) struct ImportArgs {
    /// Event proofs.
    #[arg(required = true, num_args = 1..=IMPORTS_MAX)]
    proofs: Vec<PathBuf>,
    #[command(flatten)]
    act: ActArgs,
}

pub(crate) fn import(args: &ImportArgs, console: Console) -> Result<(), Failure> {
    let mut records = Vec::new();
    for path in &args.proofs {
        let proof = read_proof(path)?;
        let told = proof.told();
        let told = told.map_err(|why| Failure::malformed(format!("{}: {why}", path.display())))?;
        if !console.json {
            console.line(format_args!("{}  {}", told.log, told.statement))?;
        }
        records.push(import_record(&told.log, &proof));
    }
    act(&args.act, console, Action::Import, records)
}

fn read_proof(path: &Path) -> Result<EventProof, Failure> {
    EventProof::decode(&read_bounded(path, EVENT_PROOF_BYTES_MAX)?)
        .map_err(|why| Failure::malformed(format!("{}: {why}", path.display())))
}
