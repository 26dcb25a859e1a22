//! Proofs that one entry is in a log: receipts and tlog-proofs.

use super::demands::Demands;
use super::{Args, cosigned_json, not_proved, read_proof, row, show_standing};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use ledger::checkpoint::SignedCheckpoint;
use ledger::ids::UnixMillis;
use ledger::receipt::Receipt;
use ledger::statement::{Payload, SignedStatement};
use ledger::time::format_utc;
use ledger::tlog_policy::{Cosigned, Standing, TlogPolicy};
use ledger::tlog_proof::TlogProof;
use std::path::{Path, PathBuf};

pub(super) fn verify_receipt(
    args: &Args,
    bytes: &[u8],
    trust: &TlogPolicy,
    demands: &Demands,
    console: Console,
) -> Result<(), Failure> {
    let statement = statement(args)?.ok_or_else(entry_missing)?;
    let receipt = Receipt::parse(bytes).map_err(|error| failure(error.name(), &error, trust))?;
    let facts = receipt
        .prove(&statement, trust)
        .map_err(|error| failure(error.name(), &error, trust))?;
    let log = &facts.claims.iss;
    demands.allows_entry(log, facts.size, &facts.root)?;
    demands.allows_standing(Standing::Recorded)?;
    let issued = UnixMillis::from_seconds(facts.claims.iat);
    let predecessor = match statement.payload() {
        Payload::Registry(act) => act.action.predecessor().map(SignedCheckpoint::claim),
        Payload::Events(_) | Payload::Block(_) => None,
    };
    if console.json {
        return console.value(&serde_json::json!({
            "verified": "receipt",
            "predecessor": predecessor.map(ToString::to_string),
            "log": log,
            "standing": Standing::Recorded.word(),
            "subject": facts.claims.sub,
            "leaf": facts.leaf.0,
            "treeSize": facts.size.0,
            "root": facts.root.to_string(),
            "issued": format_utc(issued),
        }));
    }
    console.say(text::VERIFIED)?;
    row(console, text::LOG, log)?;
    row(console, text::LEAF, &facts.leaf.to_string())?;
    row(console, text::TREE_SIZE, &facts.size.to_string())?;
    row(console, text::ROOT, &facts.root.to_string())?;
    row(console, text::ISSUED, &format_utc(issued))?;
    if let Some(one) = predecessor {
        let what = format!("{} ({}, {})", one.origin, one.size, one.root);
        row(console, text::CONTINUES, &what)?;
    }
    console.line("")?;
    console.say(text::PROVED)?;
    console.line(format_args!(
        "  {}",
        console.lang.pick(text::RECEIPT_PROVES)
    ))?;
    not_proved(console, &[text::NOT_TRUTH, text::NOT_WITNESSED])
}

pub(super) fn verify_proof(
    args: &Args,
    bytes: &[u8],
    trust: &TlogPolicy,
    demands: &Demands,
    console: Console,
) -> Result<(), Failure> {
    let proof = TlogProof::parse(bytes).map_err(|error| failure(error.name(), &error, trust))?;
    let carried = || {
        let entry = proof.extra.as_deref()?;
        Some(SignedStatement::parse(entry).map_err(Failure::malformed))
    };
    let statement = match statement(args)? {
        Some(statement) => statement,
        None => carried().ok_or_else(entry_missing)??,
    };
    let judged = proof
        .prove(&statement, trust)
        .map_err(|error| failure(error.name(), &error, trust))?;
    let checkpoint = &judged.checkpoint;
    demands.allows_entry(&checkpoint.origin, checkpoint.size, &checkpoint.root)?;
    demands.allows_standing(judged.standing)?;
    let as_of = judged.cosigned.iter().map(|one: &Cosigned| one.time).max();
    let as_of = as_of.map(|time| format_utc(UnixMillis::from_seconds(time)));
    if console.json {
        return console.value(&serde_json::json!({
            "verified": "tlog-proof",
            "log": checkpoint.origin,
            "standing": judged.standing.word(),
            "cosigned": cosigned_json(&judged),
            "asOf": as_of,
            "leaf": proof.leaf.0,
            "treeSize": checkpoint.size.0,
            "root": checkpoint.root.to_string(),
        }));
    }
    console.say(text::VERIFIED)?;
    row(console, text::LOG, &checkpoint.origin)?;
    row(console, text::LEAF, &proof.leaf.to_string())?;
    row(console, text::TREE_SIZE, &checkpoint.size.to_string())?;
    row(console, text::ROOT, &checkpoint.root.to_string())?;
    show_standing(console, &judged)?;
    if let Some(as_of) = as_of {
        row(console, text::AS_OF, &as_of)?;
    }
    console.line("")?;
    console.say(text::PROVED)?;
    console.line(format_args!(
        "  {}",
        console.lang.pick(text::RECEIPT_PROVES)
    ))?;
    let open = [text::NOT_TRUTH, text::NOT_WITNESSED];
    let count = open.len() - usize::from(judged.standing == Standing::Witnessed);
    not_proved(console, &open[..count])
}

/// A failure with the error's name, which scripts compare.
fn failure(name: &str, error: &dyn std::error::Error, trust: &TlogPolicy) -> Failure {
    let what = format!("{name}: {error}");
    match name {
        "malformed" | "too-large" => Failure::malformed(what),
        "log-unknown" => Failure::new(Code::Proof, what)
            .remedy(format!("the trust file names: {}", trust.origins())),
        _ => Failure::new(Code::Proof, what),
    }
}

fn entry_missing() -> Failure {
    Failure::usage("a receipt or tlog-proof is verified with the entry it is for")
        .remedy("name the statement's file with --entry")
}

/// The statement named, or the one that `suyuan submit` keeps beside the file.
fn statement(args: &Args) -> Result<Option<SignedStatement>, Failure> {
    let Some(path) = args.entry.clone().or_else(|| entry_beside(&args.file)) else {
        return Ok(None);
    };
    SignedStatement::parse(&read_proof(&path)?)
        .map(Some)
        .map_err(|reason| Failure::malformed(format!("{}: {reason}", path.display())))
}

/// `x.entry.cbor` beside `x.receipt.cbor` or `x.tlog-proof`.
fn entry_beside(proof: &Path) -> Option<PathBuf> {
    let name = proof.file_name()?.to_str()?;
    let kinds = [".receipt.cbor", ".tlog-proof"];
    let name = kinds.iter().find_map(|kind| name.strip_suffix(kind))?;
    let path = proof.with_file_name(format!("{name}.entry.cbor"));
    path.exists().then_some(path)
}
