//! Figures, each beside its limit.

use crate::exit::Failure;
use crate::output::Console;
use serde::Serialize;

/// One figure of the report.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// What the machine itself does, in the same unit.
    limit: f64,
    /// `value / limit`.
    ratio: f64,
    #[serde(skip)]
    counted: &'static str,
}

impl Figure {
    /// A figure and the machine's own, in the same unit.
    pub(super) fn new(name: &str, value: f64, unit: &'static str, limit: f64) -> Self {
        let counted = counted(name);
        Self {
            name: name.to_owned(),
            value,
            unit,
            limit,
            ratio: value / limit,
            counted,
        }
    }
}

/// What is counted, at which durability, and what the limit is.
fn counted(name: &str) -> &'static str {
    match name {
        "ingest_single" => {
            "single-event statements: verified, admitted, state map and views written, block synced, \
             checkpoint stored, receipt issued; time until compaction has caught up included. \
             Limit: bare strict verification on all cores"
        }
        "ingest_100" => "events in 100-event statements, counted alike. Limit: as above",
        "receipt_p50" | "receipt_p99" => {
            "from submission to receipt of a synced and checkpointed block, at half of ingest_single. \
             Limit: one bare synced write"
        }
        "recall_p50" | "recall_worst" => {
            "all that came of one ingredient's lot, with holders, amounts held and share sold, in \
             one answer, nothing kept from the answer before but the disk's caches. Limit: bare \
             reads of the same lists, entries and bodies"
        }
        _ if name.starts_with("check_") => {
            "one check of a lot with 30 events: lists, walk, rules, signed answer. \
             Limit: bare multi-get of the same entries and bodies"
        }
        "audit" => {
            "single-event statements replayed: signatures, tree, effects, state map, head. \
             Limit: bare strict verification on all cores"
        }
        "mirror" => {
            "single-event statements fetched over HTTP on loopback from a node on the same cores, \
             replayed as in an audit, state map and views written, synced: until the copy is level. \
             Limit: bare strict verification on all cores"
        }
        _ if name.starts_with("findings") => {
            "every lot's whole story walked and judged once, closed findings too, on all cores, per \
             thousand events. Limit: the time that ingest took for as many"
        }
        _ if name.starts_with("verify_") => {
            "one bundle of a 30-event chain, offline on one core: every signature, the tree, the state, \
             and the answer computed again. Limit: as many bare strict verifications on one core"
        }
        _ if name.starts_with("proof_overhead_") => {
            "a bundle of 30 single-event statements less disclosures and state proofs: entries, block \
             headers, Merkle paths, checkpoint, lists. Limit: what was promised at a million leaves"
        }
        _ => {
            "one 30-event chain: lists, trace, and the whole bundle with its proofs. \
             Limit: bare multi-get of the same entries and bodies"
        }
    }
}

/// The report as it grows.
#[derive(Debug)]
pub(super) struct Report {
    figures: Vec<Figure>,
    console: Console,
}

impl Report {
    /// A report that speaks as it goes, or for programs only at the end.
    pub(super) const fn new(console: Console) -> Self {
        Self {
            figures: Vec::new(),
            console,
        }
    }

    /// Adds a figure.
    pub(super) fn add(&mut self, figure: Figure) -> Result<(), Failure> {
        self.note(&format!(
            "{:<18} {:>12.2} {:<13} limit {:>10.2}  ratio {:.2}",
            figure.name, figure.value, figure.unit, figure.limit, figure.ratio
        ))?;
        self.figures.push(figure);
        Ok(())
    }

    /// Says something beside the figures.
    pub(super) fn note(&self, text: &str) -> Result<(), Failure> {
        if self.console.json {
            Ok(())
        } else {
            self.console.line(text)
        }
    }

    /// Says what is left to say.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        if self.console.json {
            return self.console.value(&serde_json::json!(self.figures));
        }
        self.note("\nWhat is counted:")?;
        for figure in &self.figures {
            self.note(&format!("  {}: {}", figure.name, figure.counted))?;
        }
        Ok(())
    }
}
