//! `suyuan submit`: EPCIS documents in, receipts out.
//!
//! Everything is checked before anything is signed, everything is kept before anything is sent,
//! and every answer is kept when it comes: a run may be cut off at any moment and repeated.

use crate::client::document::{self, Checked, Faulty};
use crate::client::ledger::{Answered, Ledger, Refusal, Target, send};
use crate::client::outbox::{Occasion, Outbox, Recorded};
use crate::client::random::Random;
use crate::client::registry::{RECORDS_MAX, of_master_data};
use crate::client::signer::{SignerArgs, Signing};
use crate::commands::verify::now;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::{Args as ClapArgs, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::hash::Digest;
use ledger::ids::LeafIndex;
use ledger::receipt::Receipt;
use ledger::registry::Action;
use ledger::signature::Signer as _;
use ledger::statement::{Issuer, SignedStatement};
use ledger::tlog_policy::{Standing, TlogPolicy};
use ledger::tlog_proof::TlogProof;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Submit EPCIS 2.0 JSON documents; receipts are kept beside them.
///
/// All documents are checked first, and every faulty event is reported with its place, the reason
/// and the remedy. What is signed is kept beside the document, FILE.suyuan-outbox (mode 0600: it
/// holds confidential parts), until its receipts have come: after a broken connection run the same
/// command again. The same file twice gives the same receipts and no duplicates.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan submit harvest.json --key farm.key --node https://trace.example.cn
  suyuan submit day/*.json --key erp.key --dry-run
  suyuan submit day/*.json --key erp.key --trust trust.txt --json
  suyuan submit harvest.json --key farm.key --trust trust.txt --wait witnessed")]
pub(crate) struct Args {
    /// The documents.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    target: Target,
    /// Events in one statement, at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    group: u16,
    /// Check and report only: sign and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// Verify every receipt against this trust file before it counts.
    #[arg(long)]
    trust: Option<PathBuf>,
    /// Until what stands behind each statement. `witnessed`: until a checkpoint that has it met
    /// the quorum of the trust file; its proof is kept beside the document, FILE.tlog-proof.
    #[arg(long, value_enum, default_value_t, requires_if("witnessed", "trust"))]
    wait: Wait,
    /// How long to wait for witnesses, all statements together.
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=3600))]
    timeout: u32,
}

/// What a run waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Wait {
    /// The log's own receipt.
    #[default]
    Recorded,
    /// Enough cosignatures as well.
    Witnessed,
}

/// How long until a node is asked for a proof again: witnesses answer within a second.
const LOOK: Duration = Duration::from_millis(250);

/// What became of one statement, as it is reported.
struct Outcome {
    file: PathBuf,
    capture: String,
    status: &'static str,
    recorded: Option<Recorded>,
    refusal: Option<Refusal>,
    /// Where the proof is that it is witnessed.
    proof: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let trust = args.trust.as_deref().map(trust::read).transpose()?;
    let mut files = Vec::new();
    for path in &args.files {
        files.push((path.clone(), document::read(path)?));
    }
    let checked = document::check(files, now(), console.lang)
        .map_err(|faults| report_faults(console, &faults))?;
    if args.dry_run {
        return report_dry_run(args, console, &checked);
    }
    let signing = args.signer.read()?;
    let ledger = args.target.open(console)?;
    let mut run = Run {
        console,
        ledger: &*ledger,
        signing: &signing,
        group: usize::from(args.group),
        trust: trust.as_ref(),
        witnessed_by: (args.wait == Wait::Witnessed)
            .then(|| Instant::now() + Duration::from_secs(u64::from(args.timeout))),
        outcomes: Vec::new(),
    };
    let mut failed = None;
    for (path, document) in args.files.iter().zip(&checked) {
        // A node that goes away ends the run; what came back before is reported all the same.
        if let Err(failure) = run.document(path, document) {
            failed = Some(failure);
            break;
        }
    }
    let outcomes = run.outcomes;
    report(console, &outcomes)?;
    let refused = outcomes
        .iter()
        .filter(|outcome| outcome.refusal.is_some())
        .count();
    match failed {
        Some(failure) => Err(failure),
        None if refused > 0 => {
            let what = format!("{refused} of {} statements were refused", outcomes.len());
            Err(Failure::new(Code::Rejected, what))
        }
        None => Ok(()),
    }
}

struct Run<'a> {
    console: Console,
    ledger: &'a dyn Ledger,
    signing: &'a Signing,
    group: usize,
    trust: Option<&'a TlogPolicy>,
    /// Until when to wait for witnesses, if at all.
    witnessed_by: Option<Instant>,
    outcomes: Vec<Outcome>,
}

impl Run<'_> {
    fn document(&mut self, path: &Path, document: &Checked) -> Result<(), Failure> {
        let occasion = Occasion {
            document: Digest::of(&document.bytes),
            origin: self.ledger.origin().to_owned(),
            key: self.signing.key.public_key().key_id(),
            handle: self.signing.handle,
            group: self.group,
        };
        let mut outbox = Outbox::open(&Outbox::path_of(path), &occasion)?;
        if !outbox.is_sealed() {
            let statements = self.sign(document)?;
            outbox.fill(statements.iter().map(SignedStatement::encode).collect())?;
        }
        let count = outbox.items().len();
        let mut waiting = Vec::new();
        for (number, item) in outbox.items().iter().enumerate() {
            match &item.recorded {
                Some(recorded) => {
                    let outcome = Outcome::recorded(path, &item.statement, "again", recorded);
                    self.outcomes.push(outcome);
                }
                None => waiting.push((number, item.statement.clone())),
            }
        }
        let bar = self.bar(path, waiting.len());
        let statements: Vec<&[u8]> = waiting
            .iter()
            .map(|(_, statement)| statement.as_slice())
            .collect();
        let (trust, outcomes) = (self.trust, &mut self.outcomes);
        let sent = send(self.ledger, &statements, |at, answer| {
            let (number, statement) = &waiting[at];
            match answer {
                Answered::Recorded {
                    leaf,
                    again,
                    receipt,
                } => {
                    let recorded = Recorded { leaf, receipt };
                    keep(path, *number, count, statement, &recorded, trust)?;
                    outbox.record(*number, recorded.clone())?;
                    let status = if again { "again" } else { "admitted" };
                    outcomes.push(Outcome::recorded(path, statement, status, &recorded));
                }
                Answered::Refused(refusal) => {
                    outcomes.push(Outcome::refused(path, statement, refusal));
                }
                Answered::Busy { .. } | Answered::Halted => {}
            }
            bar.inc(1);
            Ok(())
        });
        bar.finish_and_clear();
        sent?;
        if let (Some(until), Some(trust)) = (self.witnessed_by, self.trust) {
            for (number, item) in outbox.items().iter().enumerate() {
                if let Some(recorded) = &item.recorded {
                    let statement = SignedStatement::parse(&item.statement)
                        .map_err(|reason| Failure::from(&reason))?;
                    let proof = self.witnessed(&statement, recorded.leaf, trust, until)?;
                    let to = beside(path, number, count, "tlog-proof");
                    std::fs::write(&to, proof.to_string())
                        .map_err(|error| Failure::file(&to, &error))?;
                    let capture = capture(&item.statement);
                    let mut outcomes = self.outcomes.iter_mut();
                    if let Some(outcome) = outcomes.find(|one| one.capture == capture) {
                        outcome.proof = Some(to);
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until a checkpoint that meets the quorum of `trust` has the statement at `leaf`.
    fn witnessed(
        &self,
        statement: &SignedStatement,
        leaf: LeafIndex,
        trust: &TlogPolicy,
        until: Instant,
    ) -> Result<TlogProof, Failure> {
        loop {
            if let Some(proof) = self.ledger.witnessed(leaf)? {
                let judged = proof.prove(statement, trust).map_err(|error| {
                    Failure::new(Code::Proof, format!("{}: {error}", error.name()))
                })?;
                // The node's quorum may be less than this one.
                if judged.standing == Standing::Witnessed {
                    let extra = Some(statement.entry().to_vec());
                    return Ok(TlogProof { extra, ..proof });
                }
            }
            if Instant::now() >= until {
                let what = format!("leaf {leaf} is recorded, and not witnessed yet");
                return Err(Failure::new(Code::Busy, what)
                    .remedy("its receipt is kept; run the same command again for the proof"));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Master data first, so that what events name has a name.
    fn sign(&self, document: &Checked) -> Result<Vec<SignedStatement>, Failure> {
        let mut random = Random::default();
        let voice = self.signing.voice(self.ledger.origin());
        let (products, places) = of_master_data(&document.master_data)?;
        let mut statements = Vec::new();
        for (action, records) in [(Action::Product, products), (Action::Place, places)] {
            for records in records.chunks(RECORDS_MAX) {
                statements.push(voice.act(action.clone(), records.to_vec(), &mut random)?);
            }
        }
        statements.extend(voice.events(&document.events, self.group, &mut random)?);
        Ok(statements)
    }

    fn bar(&self, path: &Path, statements: usize) -> ProgressBar {
        if !self.console.shows_progress() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(u64::try_from(statements).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(path.display().to_string());
        bar
    }
}

/// Checks a receipt where there is whom to trust, and writes it and its entry beside the document.
fn keep(
    path: &Path,
    number: usize,
    count: usize,
    statement: &[u8],
    recorded: &Recorded,
    trust: Option<&TlogPolicy>,
) -> Result<(), Failure> {
    let statement = SignedStatement::parse(statement).map_err(|reason| Failure::from(&reason))?;
    if let Some(trust) = trust {
        let proof = |what: String| Failure::new(Code::Proof, what);
        Receipt::parse(&recorded.receipt)
            .and_then(|receipt| receipt.prove(&statement, trust))
            .map_err(|error| proof(format!("{}: the receipt: {error}", error.name())))?;
    }
    for (kind, bytes) in [
        ("entry.cbor", statement.entry()),
        ("receipt.cbor", &recorded.receipt),
    ] {
        let path = beside(path, number, count, kind);
        std::fs::write(&path, bytes).map_err(|error| Failure::file(&path, &error))?;
    }
    Ok(())
}

/// `d.json.receipt.cbor`; of several statements `d.json.2.receipt.cbor`.
fn beside(path: &Path, number: usize, count: usize, kind: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    if count > 1 {
        name.push(format!(".{}", number + 1));
    }
    name.push(format!(".{kind}"));
    PathBuf::from(name)
}

impl Outcome {
    fn recorded(path: &Path, statement: &[u8], status: &'static str, recorded: &Recorded) -> Self {
        let (file, capture) = (path.to_owned(), capture(statement));
        Self {
            file,
            capture,
            status,
            recorded: Some(recorded.clone()),
            refusal: None,
            proof: None,
        }
    }

    fn refused(path: &Path, statement: &[u8], refusal: Refusal) -> Self {
        let (file, capture) = (path.to_owned(), capture(statement));
        Self {
            file,
            capture,
            status: "rejected",
            recorded: None,
            refusal: Some(refusal),
            proof: None,
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let refusal = self.refusal.as_ref();
        serde_json::json!({
            "file": self.file,
            "capture": self.capture,
            "status": self.status,
            "leaf": self.recorded.as_ref().map(|recorded| recorded.leaf.0),
            "proof": self.proof,
            "receipt": self.recorded.as_ref().map(|recorded| STANDARD.encode(&recorded.receipt)),
            "reason": refusal.map(|refusal| &refusal.reason),
            "detail": refusal.map(|refusal| &refusal.detail),
            "remedy": refusal.map(|refusal| &refusal.remedy),
            "refusal": refusal.map(|refusal| STANDARD.encode(&refusal.signed)),
        })
    }
}

fn capture(statement: &[u8]) -> String {
    match SignedStatement::parse(statement) {
        Ok(statement) => match statement.header().issuer {
            Issuer::Participant { capture, .. } => capture.to_string(),
            Issuer::Log { .. } => String::new(),
        },
        // It was read before it was sent.
        Err(_) => String::new(),
    }
}

fn report(console: Console, outcomes: &[Outcome]) -> Result<(), Failure> {
    if console.json {
        let list: Vec<serde_json::Value> = outcomes.iter().map(Outcome::to_json).collect();
        return console.value(&list.into());
    }
    let rows = outcomes.iter().map(|outcome| {
        let told = match (&outcome.recorded, &outcome.refusal) {
            (Some(recorded), _) => recorded.leaf.to_string(),
            (None, Some(refusal)) => format!("{}\n→ {}", refusal.detail, refusal.remedy),
            (None, None) => String::new(),
        };
        let status = match &outcome.proof {
            Some(_) => Standing::Witnessed.word(),
            None => outcome.status,
        };
        vec![
            outcome.file.display().to_string(),
            outcome.capture.clone(),
            status.to_owned(),
            told,
        ]
    });
    console.table(&[text::FILE, text::CAPTURE, text::STATUS, text::LEAF], rows)
}

fn report_dry_run(args: &Args, console: Console, checked: &[Checked]) -> Result<(), Failure> {
    let events: usize = checked.iter().map(|document| document.events.len()).sum();
    if console.json {
        return console.value(&serde_json::json!({"documents": args.files, "events": events}));
    }
    console.line(format_args!(
        "{}: {events}",
        console.lang.pick(text::EVENTS_FINE)
    ))
}

/// Shows every fault, and returns what ends the run.
fn report_faults(console: Console, faults: &[Faulty]) -> Failure {
    let shown = if console.json {
        console.value(&serde_json::json!({ "faults": faults }))
    } else {
        let rows = faults.iter().map(|fault| {
            let file = fault.file.display().to_string();
            vec![
                file,
                fault.path.clone(),
                fault.reason.clone(),
                fault.remedy.clone(),
            ]
        });
        console.table(
            &[text::FILE, text::PLACE_IN_FILE, text::REASON, text::REMEDY],
            rows,
        )
    };
    shown.err().unwrap_or_else(|| {
        Failure::malformed(format!(
            "{} faults; nothing was signed or sent",
            faults.len()
        ))
    })
}
