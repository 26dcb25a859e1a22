//! `suyuan verify`: any proof file, offline, against a trust file.
//!
//! A receipt or tlog-proof is checked against the entry it speaks of; a bundle proves a whole
//! answer, and the answer is computed again from it by the same code that a node runs; the answer
//! to a check is the log's word; evidence proves that a log has signed two histories.

mod chain;
mod demands;
mod entry;

use super::checked;
use crate::exit::{Code, Failure};
use crate::files::read_bounded;
use crate::output::Console;
use crate::text::{self, Text};
use crate::trust;
use clap::Args as ClapArgs;
use demands::Demands;
use ledger::bundle::{BUNDLE_BYTES_MAX, BundleError, Facts, ProvedAnswer, prove_chain};
use ledger::checkpoint::CheckpointError;
use ledger::evidence::{Evidence, EvidenceError};
use ledger::ids::UnixMillis;
use ledger::proof_file::Kind;
use ledger::provenance::Scope;
use ledger::time::format_utc;
use ledger::tlog_policy::{Cosigned, Judged, Standing, TlogPolicy};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Verify a bundle, a chain, a receipt, a tlog-proof, the answer to a check or evidence, offline.
///
/// Takes nobody's word but that of the logs in the trust file. Exit code 0: proved; 5: it is not,
/// and the error's name says why (keep the file, it is evidence); 6: it is older than you allow;
/// 3: none of these files.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan verify lot.bundle --trust trust.txt
  suyuan verify harvest.receipt.cbor --trust trust.txt
  suyuan verify data/evidence/4f…-1.txt --trust trust.txt
  suyuan verify r.cbor --entry statement.cbor --trust trust.txt --json
  suyuan verify harvest.tlog-proof --trust trust.txt
  suyuan verify lot.bundle --trust trust.txt --remembered checkpoint.txt --max-age 86400

A trust file is a C2SP tlog-policy: `log VKEY` for each log, its witnesses, and their quorum, or
`quorum none`. Get it from the log's operator by another way than the proof, and compare the keys by
telephone. Whether a proof is recorded or witnessed is computed from it.

A remembered checkpoint is any /checkpoint of the log that you saved earlier: another root at its
size is refused (fork), and so is an answer from a smaller tree (older-than-remembered).")]
pub(crate) struct Args {
    /// The bundle or chain (CBOR), receipt or check answer (COSE), tlog-proof or evidence (text).
    file: PathBuf,
    /// The trust file.
    #[arg(long)]
    trust: PathBuf,
    /// The statement or entry that a receipt or tlog-proof is for. Without it: the file that
    /// `suyuan submit` wrote beside it, or what the tlog-proof carries.
    #[arg(long)]
    entry: Option<PathBuf>,
    /// A checkpoint of the log that you kept: what contradicts it is refused.
    #[arg(long, value_name = "FILE")]
    remembered: Option<PathBuf>,
    /// How old a bundle or check answer may be.
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u32>,
    /// Refuse what is recorded and not witnessed, by the quorum of the trust file.
    #[arg(long)]
    witnessed: bool,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let trust = trust::read(&args.trust)?;
    let demands = Demands::read(args, &trust)?;
    let bytes = read_proof(&args.file)?;
    match Kind::of(&bytes) {
        Some(Kind::Bundle | Kind::Chain) => verify_bundle(&bytes, &trust, &demands, console),
        Some(Kind::Check) => verify_check(&bytes, &trust, &demands, console),
        Some(Kind::Receipt) => entry::verify_receipt(args, &bytes, &trust, &demands, console),
        Some(Kind::TlogProof) => entry::verify_proof(args, &bytes, &trust, &demands, console),
        Some(Kind::Evidence) => verify_evidence(&bytes, &trust, console),
        None => Err(Failure::malformed(format!(
            "{}: neither a bundle, a chain, a receipt, a tlog-proof, a check answer nor evidence",
            args.file.display()
        ))),
    }
}

/// Reads a file, but no more than the largest bundle and one byte, which verifying then refuses.
fn read_proof(path: &Path) -> Result<Vec<u8>, Failure> {
    read_bounded(path, BUNDLE_BYTES_MAX)
}

/// The machine's time, against which expiry is read.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn verify_bundle(
    bytes: &[u8],
    trust: &TlogPolicy,
    demands: &Demands,
    console: Console,
) -> Result<(), Failure> {
    let chain = prove_chain(bytes, trust, now()).map_err(|error| bundle_failure(&error, trust))?;
    for (facts, judged) in chain.rests_on() {
        demands.allows_answer(&judged.checkpoint.origin, facts.size, &facts.root)?;
        demands.allows_age(facts.time, now())?;
        demands.allows_standing(judged.standing)?;
    }
    for standing in chain.imports().filter_map(|import| import.standing) {
        demands.allows_standing(standing)?;
    }
    if console.json {
        return console.value(&chain::json(&chain));
    }
    let ProvedAnswer {
        proved,
        answer,
        judged,
    } = &chain.root;
    let name = answer
        .subject
        .product
        .as_ref()
        .and_then(|product| answer.products.get(product));
    console.say(text::VERIFIED)?;
    row(console, text::ITEM, &answer.item)?;
    if let Some(product) = name {
        console.line(format_args!("  {}", console.lang.pick_of(&product.name)))?;
    }
    row(
        console,
        text::VERDICT,
        console.lang.pick(text::verdict(answer.verdict.word())),
    )?;
    let complete = if answer.complete {
        text::COMPLETE
    } else {
        text::INCOMPLETE
    };
    row(console, text::RECORD, console.lang.pick(complete))?;
    row(console, text::LOG, &judged.checkpoint.origin)?;
    show_facts(console, &proved.facts())?;
    show_standing(console, judged)?;
    chain::show(console, &chain)?;
    console.line("")?;
    console.say(text::PROVED)?;
    let proves = match answer.scope {
        Scope::Whole => text::BUNDLE_PROVES,
        Scope::Open => text::OPEN_PROVES,
    };
    console.line(format_args!("  {}", console.lang.pick(proves)))?;
    for signer in answer.participants.values() {
        console.line(format_args!("  · {}", console.lang.pick_of(&signer.name)))?;
    }
    let open = [
        text::NOT_TRUTH,
        text::NOT_COPY,
        text::NOT_LATER,
        text::NOT_WITNESSED,
    ];
    // What witnesses have proved is the last of these.
    let standing = chain.rests_on().map(|(_, judged)| judged.standing).min();
    let count = open.len() - usize::from(standing == Some(Standing::Witnessed));
    not_proved(console, &open[..count])?;
    chain::show_missing(console, answer)
}

fn cosigned_json(judged: &Judged) -> Vec<serde_json::Value> {
    let one = |cosigned: &Cosigned| {
        let time = format_utc(UnixMillis::from_seconds(cosigned.time));
        serde_json::json!({ "witness": cosigned.witness, "time": time })
    };
    judged.cosigned.iter().map(one).collect()
}

fn show_standing(console: Console, judged: &Judged) -> Result<(), Failure> {
    let standing = match judged.standing {
        Standing::Recorded => text::RECORDED,
        Standing::Witnessed => text::WITNESSED,
    };
    row(console, text::STANDING_BEHIND, console.lang.pick(standing))?;
    for cosigned in &judged.cosigned {
        let time = format_utc(UnixMillis::from_seconds(cosigned.time));
        let what = format!("{} ({time})", cosigned.witness);
        row(console, text::WITNESSED_BY, &what)?;
    }
    Ok(())
}

fn show_facts(console: Console, facts: &Facts) -> Result<(), Failure> {
    row(console, text::AS_OF, &format_utc(facts.time))?;
    row(console, text::TREE_SIZE, &facts.size.to_string())?;
    row(console, text::ROOT, &facts.root.to_string())?;
    row(console, text::SIGNATURES, &facts.signatures.to_string())?;
    row(console, text::STATEMENTS, &facts.statements.to_string())
}

fn row(console: Console, label: Text, value: &str) -> Result<(), Failure> {
    console.line(format_args!("  {}: {value}", console.lang.pick(label)))
}

fn not_proved(console: Console, what: &[Text]) -> Result<(), Failure> {
    console.say(text::NOT_PROVED)?;
    for one in what {
        console.line(format_args!("  {}", console.lang.pick(*one)))?;
    }
    Ok(())
}

fn verify_check(
    bytes: &[u8],
    trust: &TlogPolicy,
    demands: &Demands,
    console: Console,
) -> Result<(), Failure> {
    let (attested, origin) = checked::verify(bytes, trust)?;
    demands.allows_answer(&origin, attested.size, &attested.root)?;
    demands.allows_age(attested.answer.at, now())?;
    demands.allows_standing(Standing::Recorded)?;
    let mut answer = attested.to_json();
    if console.json {
        answer["verified"] = "check".into();
        answer["log"] = origin.into();
        return console.value(&answer);
    }
    console.say(text::VERIFIED)?;
    checked::show(console, &answer)?;
    row(console, text::LOG, &origin)?;
    row(console, text::AS_OF, &format_utc(attested.answer.at))?;
    row(console, text::TREE_SIZE, &attested.size.to_string())?;
    row(console, text::ROOT, &attested.root.to_string())?;
    console.line("")?;
    console.say(text::PROVED)?;
    console.line(format_args!("  {}", console.lang.pick(text::CHECK_PROVES)))?;
    not_proved(
        console,
        &[
            text::NOT_RIGHT,
            text::NOT_TRUTH,
            text::NOT_COPY,
            text::NOT_LATER,
        ],
    )
}

fn verify_evidence(bytes: &[u8], trust: &TlogPolicy, console: Console) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(bytes);
    let fork = Evidence::parse(&text).and_then(|evidence| evidence.verify(trust));
    let fork = fork.map_err(|error| evidence_failure(&error, trust))?;
    let both: Vec<&str> = fork.cosigned_both().collect();
    if console.json {
        let one = |judged: &Judged| {
            serde_json::json!({
                "treeSize": judged.checkpoint.size.0,
                "root": judged.checkpoint.root.to_string(),
                "key": judged.log.to_string(),
                "standing": judged.standing.word(),
                "cosigned": cosigned_json(judged),
            })
        };
        return console.value(&serde_json::json!({
            "verified": "evidence",
            "log": fork.newer.checkpoint.origin,
            "older": one(&fork.older),
            "newer": one(&fork.newer),
            "newerBeginsWith": fork.prefix.to_string(),
            "cosignedBoth": both,
        }));
    }
    console.say(text::FORK)?;
    row(console, text::LOG, &fork.newer.checkpoint.origin)?;
    for (which, judged) in [
        (text::FORK_OLDER, &fork.older),
        (text::FORK_NEWER, &fork.newer),
    ] {
        console.line("")?;
        console.say(which)?;
        row(
            console,
            text::TREE_SIZE,
            &judged.checkpoint.size.to_string(),
        )?;
        row(console, text::ROOT, &judged.checkpoint.root.to_string())?;
        row(console, text::LOG_KEY, &judged.log.to_string())?;
        show_standing(console, judged)?;
    }
    if fork.older.checkpoint.size < fork.newer.checkpoint.size {
        row(console, text::FORK_PREFIX, &fork.prefix.to_string())?;
    }
    console.line("")?;
    console.say(text::PROVED)?;
    console.line(format_args!("  {}", console.lang.pick(text::FORK_PROVES)))?;
    for witness in both {
        row(console, text::FORK_BOTH, witness)?;
    }
    not_proved(console, &[text::NOT_WHICH, text::NOT_WHO])
}

fn evidence_failure(error: &EvidenceError, trust: &TlogPolicy) -> Failure {
    match error {
        EvidenceError::Checkpoint {
            why: why @ CheckpointError::Origin { .. },
            ..
        } => unknown_log(&why.to_string(), trust),
        EvidenceError::Malformed { .. } => Failure::malformed(format!("{}: {error}", error.name())),
        EvidenceError::Checkpoint { .. }
        | EvidenceError::Origins { .. }
        | EvidenceError::Consistent
        | EvidenceError::Proof(_) => {
            Failure::new(Code::Proof, format!("{}: {error}", error.name()))
        }
    }
}

fn unknown_log(what: &str, trust: &TlogPolicy) -> Failure {
    Failure::new(Code::Proof, format!("log-unknown: {what}"))
        .remedy(format!("the trust file names: {}", trust.origins()))
}

/// A failure with the error's name, which scripts compare.
pub(crate) fn bundle_failure(error: &BundleError, trust: &TlogPolicy) -> Failure {
    if let BundleError::Checkpoint(CheckpointError::Origin { .. }) = error {
        return unknown_log(&error.to_string(), trust);
    }
    let code = if let BundleError::Malformed(_) = error {
        Code::Malformed
    } else {
        Code::Proof
    };
    Failure::new(code, format!("{}: {error}", error.name()))
}
