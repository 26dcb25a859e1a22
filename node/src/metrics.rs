//! What the node counts, in Prometheus' text format (version 0.0.4).
//!
//! Names of refusals and patterns of routes come from closed lists in the code, so that no client
//! can make a label. Nothing here tells what was submitted or by whom.

use ledger::ids::TreeSize;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of times, in microseconds: from one signature to a client's patience.
const MICROS: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// Upper bounds of block sizes in statements, up to the largest block.
const SIZES: [u64; 8] = [1, 4, 16, 64, 256, 1024, 2048, 4096];

/// A histogram over `N` bounds and infinity.
#[derive(Debug)]
struct Histogram<const N: usize> {
    bounds: [u64; N],
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    fn new(bounds: [u64; N]) -> Self {
        Self {
            bounds,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn add(&self, value: u64) {
        let place = self.bounds.iter().position(|bound| value <= *bound);
        place
            .map_or(&self.beyond, |place| &self.counts[place])
            .fetch_add(1, Relaxed);
        self.sum.fetch_add(value, Relaxed);
    }

    fn render(
        &self,
        f: &mut impl fmt::Write,
        name: &str,
        labels: &str,
        show: impl Fn(u64) -> String,
    ) -> fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut total = 0;
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            total += count.load(Relaxed);
            writeln!(
                f,
                "{name}_bucket{{{labels}{comma}le=\"{}\"}} {total}",
                show(*bound)
            )?;
        }
        total += self.beyond.load(Relaxed);
        writeln!(f, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {total}")?;
        let braced = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        writeln!(f, "{name}_sum{braced} {}", show(self.sum.load(Relaxed)))?;
        writeln!(f, "{name}_count{braced} {total}")
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Answered requests of one route and status.
#[derive(Debug, Default, Clone, Copy)]
struct Requests {
    count: u64,
    micros: u64,
}

/// What is read at the moment of rendering.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gauges {
    pub(crate) in_flight: usize,
    pub(crate) ready: bool,
    /// Leaves of the newest checkpoint that met the quorum.
    pub(crate) witnessed: Option<TreeSize>,
    /// Whether witnesses must answer before anything is signed.
    pub(crate) unconfirmed: bool,
    /// Files that show two histories of a log.
    pub(crate) evidence: usize,
}

/// The node's counts. All methods may be called from any thread.
#[derive(Debug)]
pub struct Metrics {
    recorded: AtomicU64,
    again: AtomicU64,
    busy: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    tree_size: AtomicU64,
    block_statements: Histogram<8>,
    seal: Histogram<12>,
    commit: Histogram<12>,
    receipt: Histogram<12>,
    witnessed: Histogram<12>,
    requests: Mutex<BTreeMap<(&'static str, u16), Requests>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            recorded: AtomicU64::new(0),
            again: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            refused: Mutex::default(),
            tree_size: AtomicU64::new(0),
            block_statements: Histogram::new(SIZES),
            seal: Histogram::new(MICROS),
            commit: Histogram::new(MICROS),
            receipt: Histogram::new(MICROS),
            witnessed: Histogram::new(MICROS),
            requests: Mutex::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn answered(&self, again: bool) {
        if again { &self.again } else { &self.recorded }.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self, name: &'static str) {
        *self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name)
            .or_default() += 1;
    }

    pub(crate) fn busy(&self, statements: usize) {
        self.busy
            .fetch_add(u64::try_from(statements).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn committed(&self, statements: usize, seal: Duration, commit: Duration) {
        self.block_statements
            .add(u64::try_from(statements).unwrap_or(u64::MAX));
        self.seal.add(micros(seal));
        self.commit.add(micros(commit));
    }

    pub(crate) fn tree_size(&self, size: TreeSize) {
        self.tree_size.store(size.0, Relaxed);
    }

    pub(crate) fn witnessed(&self, after: Duration) {
        self.witnessed.add(micros(after));
    }

    pub(crate) fn waited(&self, time: Duration) {
        self.receipt.add(micros(time));
    }

    /// Counts an answered request by its route's pattern (never its path) and status.
    pub fn request(&self, route: &'static str, status: u16, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let one = requests.entry((route, status)).or_default();
        one.count += 1;
        one.micros = one.micros.saturating_add(micros(took));
    }

    pub(crate) fn render(&self, gauges: Gauges) -> String {
        let mut text = String::new();
        self.write(&mut text, gauges)
            .expect("a string takes all that is written");
        text
    }

    fn write(&self, f: &mut String, gauges: Gauges) -> fmt::Result {
        head(
            f,
            "suyuan_ready",
            "gauge",
            "Whether statements are taken in.",
        )?;
        writeln!(f, "suyuan_ready {}", u8::from(gauges.ready))?;
        head(
            f,
            "suyuan_statements_in_flight",
            "gauge",
            "Statements taken in and unanswered.",
        )?;
        writeln!(f, "suyuan_statements_in_flight {}", gauges.in_flight)?;
        head(f, "suyuan_tree_size", "gauge", "Leaves of the log.")?;
        writeln!(f, "suyuan_tree_size {}", self.tree_size.load(Relaxed))?;
        if let Some(witnessed) = gauges.witnessed {
            head(
                f,
                "suyuan_witnessed_tree_size",
                "gauge",
                "Leaves of the newest checkpoint that met the quorum.",
            )?;
            writeln!(f, "suyuan_witnessed_tree_size {witnessed}")?;
        }

        head(
            f,
            "suyuan_unconfirmed",
            "gauge",
            "Whether witnesses must answer before anything is signed.",
        )?;
        writeln!(f, "suyuan_unconfirmed {}", u8::from(gauges.unconfirmed))?;
        head(
            f,
            "suyuan_evidence_files",
            "gauge",
            "Files that show two histories of a log.",
        )?;
        writeln!(f, "suyuan_evidence_files {}", gauges.evidence)?;

        head(
            f,
            "suyuan_statements_total",
            "counter",
            "Statements answered, by outcome.",
        )?;
        let mut outcome = |name: &str, count: &AtomicU64| {
            let count = count.load(Relaxed);
            writeln!(f, "suyuan_statements_total{{outcome=\"{name}\"}} {count}")
        };
        outcome("recorded", &self.recorded)?;
        outcome("again", &self.again)?;
        outcome("busy", &self.busy)?;
        head(
            f,
            "suyuan_refused_total",
            "counter",
            "Statements refused, by reason.",
        )?;
        for (name, count) in &*self.refused.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(f, "suyuan_refused_total{{reason=\"{name}\"}} {count}")?;
        }

        let name = "suyuan_block_statements";
        head(f, name, "histogram", "Statements in a block.")?;
        self.block_statements
            .render(f, name, "", |size| size.to_string())?;
        let steps = [("seal", &self.seal), ("commit", &self.commit)];
        let name = "suyuan_block_seconds";
        head(
            f,
            name,
            "histogram",
            "Time to seal a block, and to commit it with its sync.",
        )?;
        for (step, histogram) in steps {
            histogram.render(f, name, &format!("step=\"{step}\""), seconds)?;
        }
        let name = "suyuan_receipt_seconds";
        head(
            f,
            name,
            "histogram",
            "Time from taking statements in to answering them.",
        )?;
        self.receipt.render(f, name, "", seconds)?;
        let name = "suyuan_witnessed_seconds";
        head(
            f,
            name,
            "histogram",
            "Time from a checkpoint to its quorum, of those that witnesses were asked about.",
        )?;
        self.witnessed.render(f, name, "", seconds)?;

        let name = "suyuan_http_request_seconds";
        head(
            f,
            name,
            "summary",
            "Answered requests, by route and status.",
        )?;
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ((route, status), one) in &*requests {
            let labels = format!("{{route=\"{route}\",status=\"{status}\"}}");
            writeln!(f, "{name}_sum{labels} {}", seconds(one.micros))?;
            writeln!(f, "{name}_count{labels} {}", one.count)?;
        }
        drop(requests);
        Ok(())
    }
}

fn head(f: &mut String, name: &str, kind: &str, help: impl Display) -> fmt::Result {
    writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_out_in_prometheus_text() {
        let metrics = Metrics::default();
        metrics.answered(false);
        metrics.refused("role-forbids");
        metrics.refused("role-forbids");
        metrics.committed(3, Duration::from_micros(500), Duration::from_secs(9));
        metrics.request("/entries", 201, Duration::from_millis(3));
        let text = metrics.render(Gauges {
            in_flight: 7,
            ready: true,
            witnessed: Some(TreeSize(9)),
            unconfirmed: true,
            evidence: 2,
        });
        for line in [
            "suyuan_ready 1",
            "suyuan_statements_in_flight 7",
            "suyuan_witnessed_tree_size 9",
            "suyuan_unconfirmed 1",
            "suyuan_evidence_files 2",
            "suyuan_statements_total{outcome=\"recorded\"} 1",
            "suyuan_refused_total{reason=\"role-forbids\"} 2",
            "suyuan_block_statements_bucket{le=\"1\"} 0",
            "suyuan_block_statements_bucket{le=\"4\"} 1",
            "suyuan_block_statements_sum 3",
            "suyuan_block_seconds_bucket{step=\"seal\",le=\"0.000500\"} 1",
            "suyuan_block_seconds_bucket{step=\"commit\",le=\"5.000000\"} 0",
            "suyuan_block_seconds_bucket{step=\"commit\",le=\"+Inf\"} 1",
            "suyuan_block_seconds_sum{step=\"commit\"} 9.000000",
            "suyuan_http_request_seconds_count{route=\"/entries\",status=\"201\"} 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is missing from\n{text}"
            );
        }
    }
}
