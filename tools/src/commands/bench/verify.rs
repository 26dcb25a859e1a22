//! Bundles offline: how large their proofs are, and what verifying costs beside its signatures.
//!
//! Native only: a browser's time is measured in one, by the test `verifier`.

use super::fault;
use super::figures::{Figure, Report};
use super::ingest::Bench;
use super::limits::{Signed, percentile};
use super::workload::{CHAIN, Chains, ORIGIN};
use crate::exit::Failure;
use ledger::bundle::{self, Bundle, prove};
use ledger::identifier::Identifier;
use ledger::ids::UnixMillis;
use ledger::lists::{Reader, ViewSource};
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::{self, Limits};
use ledger::store::Store as _;
use ledger::tlog_policy::TlogPolicy;
use std::path::Path;
use std::time::Instant;

/// Bytes that the proof of 30 single-event statements may take at 10⁶ leaves, besides disclosures
/// and state proofs: a figure that partners were promised.
const OVERHEAD_BYTES: f64 = 60_000.0;

/// Any moment after the load's events.
const NOW: UnixMillis = UnixMillis(1_760_200_000_000);

/// Fills a ledger, and verifies bundles of lots spread over it.
pub(super) fn measure(
    events: usize,
    name: &str,
    answers: usize,
    dir: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut chains = Chains::new();
    let mut bench = Bench::found(&dir.join("verify"), &chains)?;
    bench.ingest_to(&mut chains, events)?;
    bench.settle()?;
    let key = NoteKey::new(ORIGIN, KeyKind::Ed25519, bench.log_key().clone()).map_err(fault)?;
    let trust = TlogPolicy::of_log(key).map_err(fault)?;
    let lots = chains.complete_lots();
    let signed = Signed::new(0);
    let (mut whole, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut sizes = Sizes::default();
    for number in 0..answers.min(lots) {
        let bytes = one(&bench, &Chains::lot(number * 7919 % lots))?;
        let started = Instant::now();
        let proved = prove(&bytes, &trust, NOW).map_err(fault)?;
        let took = started.elapsed().as_secs_f64();
        if proved.answer.steps.len() < CHAIN {
            return Err(fault(format!("{} has no whole chain", proved.answer.item)));
        }
        // One after the other, so that a busy neighbour slows both alike.
        let limit = signed.seconds(proved.proved.facts().signatures);
        whole.push(took * 1e3);
        bare.push(limit * 1e3);
        ratios.push(took / limit);
        sizes.add(&Sizes::of(&bytes)?);
    }
    let count = f64::from(u32::try_from(whole.len()).map_err(fault)?);
    let (whole, bare) = (percentile(&mut whole, 50), percentile(&mut bare, 50));
    report.add(Figure::new(&format!("verify_{name}"), whole, "ms", bare))?;
    report.note(&format!(
        "  its ratio, bundle by bundle: median {:.2}",
        percentile(&mut ratios, 50)
    ))?;
    let overhead = format!("proof_overhead_{name}");
    report.add(Figure::new(
        &overhead,
        sizes.overhead / count,
        "bytes",
        OVERHEAD_BYTES,
    ))?;
    report.note(&format!(
        "  beside it: disclosures {:.0}, state proofs {:.0} bytes of {:.0}",
        sizes.disclosures / count,
        sizes.state / count,
        sizes.whole / count
    ))
}

/// The bundle of one lot, with whole lists.
fn one(bench: &Bench, lot: &str) -> Result<Vec<u8>, Failure> {
    let item = Identifier::parse(lot).map_err(fault)?;
    let view = bench.store().view();
    let mut source = ViewSource::new(&view, Reader::Public);
    provenance::trace(&mut source, &item, NOW, Limits::DEFAULT)?;
    Ok(bundle::build(&view, &source, item.as_str())?.encode())
}

/// What a bundle's bytes are for.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    whole: f64,
    disclosures: f64,
    /// State records and the proof of them.
    state: f64,
    /// Entries, Merkle paths, block headers, checkpoint, lists.
    overhead: f64,
}

impl Sizes {
    fn of(bytes: &[u8]) -> Result<Self, Failure> {
        let mut bundle = Bundle::decode(bytes).map_err(fault)?;
        let map_proof = bundle.map_proof.encode().len();
        for statement in &mut bundle.statements {
            statement.disclosed.clear();
        }
        let undisclosed = bundle.encode().len();
        bundle.records.clear();
        let rest = bundle.encode().len() - map_proof;
        let bytes_of = |len: usize| u32::try_from(len).map(f64::from).map_err(fault);
        Ok(Self {
            whole: bytes_of(bytes.len())?,
            disclosures: bytes_of(bytes.len() - undisclosed)?,
            state: bytes_of(undisclosed - rest)?,
            overhead: bytes_of(rest)?,
        })
    }

    fn add(&mut self, other: &Self) {
        self.whole += other.whole;
        self.disclosures += other.disclosures;
        self.state += other.state;
        self.overhead += other.overhead;
    }
}
