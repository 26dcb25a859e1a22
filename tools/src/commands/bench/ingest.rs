//! Statements in: as fast as they go, and at a pace.

use super::fault;
use super::limits::percentile;
use super::workload::{Chains, ORIGIN};
use crate::commands::audit::replay;
use crate::exit::Failure;
use ledger::signature::{PublicKey, SigningKey};
use ledger_rocks::{Options, RocksStore};
use node::clock::SystemClock;
use node::{
    AccessLog, Credentials, Founding, Node, QueueLimits, Running, Settings, Submitted, found,
};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Single-event statements made before the clock starts again: a fraction of a second's ingest.
const BATCH: usize = 16_384;

/// Statements of one call, and calls at once: a few blocks in flight, as a busy node has.
const CALL: usize = 256;
const CALLS: usize = 24;

/// A ledger under measurement.
#[derive(Debug)]
pub(super) struct Bench {
    dir: PathBuf,
    node: Arc<Node<RocksStore>>,
    runtime: Runtime,
    options: Options,
    /// Time spent ingesting and settling, and events ingested in it.
    spent: Duration,
    events: usize,
}

/// Percentiles in seconds.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// The log's key of a bench: it guards nothing.
fn log_key() -> SigningKey {
    SigningKey::from_seed([0x10; 32])
}

fn start(dir: &Path, options: Options, create: bool) -> Result<Node<RocksStore>, Failure> {
    let store = if create {
        RocksStore::create(dir, ORIGIN, options).map_err(fault)?
    } else {
        RocksStore::open(dir, ORIGIN, options).map_err(fault)?
    };
    if create {
        let chains = Chains::new();
        let founder = Chains::possession(chains.authority_handle, &chains.authority);
        let founders = vec![(chains.authority_handle, "51".to_owned(), founder)];
        let founding = Founding {
            founders,
            threshold: 1,
            predecessor: None,
        };
        found(
            &store,
            ORIGIN,
            &log_key(),
            founding,
            &SystemClock::default(),
        )
        .map_err(fault)?;
    }
    let settings = Settings::new(
        ORIGIN.to_owned(),
        "http://127.0.0.1:8080".to_owned(),
        "5101".to_owned(),
    )
    .map_err(fault)?;
    let running = Running {
        settings,
        limits: QueueLimits::default(),
        threads: None,
        clock: Arc::new(SystemClock::default()),
        reads: Some(AccessLog::open(dir).map_err(fault)?),
        policy: None,
        witness: None,
        credentials: Credentials::default(),
        confirmation: node::Confirmation::default(),
        nothing_newer_signed: false,
        dir: None,
    };
    Node::start(store, log_key(), running).map_err(fault)
}

impl Bench {
    /// Founds a ledger in `dir` and admits the load's firms.
    pub(super) fn found(dir: &Path, chains: &Chains) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir)?;
        let options = Options::default();
        let node = Arc::new(start(dir, options, true)?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let bench = Self {
            dir: dir.to_owned(),
            node,
            runtime,
            options,
            spent: Duration::ZERO,
            events: 0,
        };
        // One after the other: each counts from the next block on.
        for act in chains.registry() {
            bench
                .runtime
                .block_on(bench.node.submit(act))
                .map_err(fault)?;
        }
        Ok(bench)
    }

    /// Signs the answer to a check, as the node does.
    pub(super) fn attest(&self, answer: &ledger::check::Attested) -> Vec<u8> {
        self.node.attest(answer)
    }

    /// Its node, to be served.
    pub(super) const fn node(&self) -> &Arc<Node<RocksStore>> {
        &self.node
    }

    /// The key that signs its checkpoints.
    pub(super) fn log_key(&self) -> &PublicKey {
        self.node.log_key()
    }

    /// The store, for reads.
    pub(super) fn store(&self) -> &RocksStore {
        self.node.store()
    }

    /// Ingests single-event statements as fast as they go, until the ledger has `events`. Making
    /// them does not count.
    pub(super) fn ingest_to(&mut self, chains: &mut Chains, events: usize) -> Result<(), Failure> {
        while chains.made() < events {
            let batch = (events - chains.made()).min(BATCH);
            let statements = chains.singles(batch);
            self.drive(statements)?;
            self.events += batch;
        }
        Ok(())
    }

    /// Ingests events in 100-event statements.
    pub(super) fn ingest_groups(
        &mut self,
        chains: &mut Chains,
        events: usize,
    ) -> Result<(), Failure> {
        for _ in 0..events / 10_000 {
            let statements = chains.hundreds(100);
            self.drive(statements)?;
            self.events += 10_000;
        }
        Ok(())
    }

    fn drive(&mut self, statements: Vec<Vec<u8>>) -> Result<(), Failure> {
        let mut calls = VecDeque::new();
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            calls.push_back(statements.by_ref().take(CALL).collect::<Vec<_>>());
        }
        let node = &self.node;
        let started = Instant::now();
        self.runtime.block_on(async {
            let mut running = JoinSet::new();
            while !calls.is_empty() || !running.is_empty() {
                while running.len() < CALLS
                    && let Some(call) = calls.pop_front()
                {
                    let node = Arc::clone(node);
                    running.spawn(async move { node.submit_many(call).await });
                }
                if let Some(done) = running.join_next().await {
                    recorded(done.unwrap_or_default())?;
                }
            }
            Ok::<(), Failure>(())
        })?;
        self.spent += started.elapsed();
        Ok(())
    }

    /// Waits until everything is in files and compaction has caught up; the wait counts.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        self.node.store().settle()?;
        self.spent += started.elapsed();
        Ok(())
    }

    /// Events a second since the ledger was founded.
    pub(super) fn rate(&self) -> f64 {
        to_f64(self.events) / self.spent.as_secs_f64()
    }

    /// Closes the ledger and opens it with a block cache of a tenth of its size on disk.
    pub(super) fn reopen_with_cache_of_a_tenth(self) -> Result<Self, Failure> {
        let Self {
            dir,
            node,
            runtime,
            mut options,
            spent,
            events,
        } = self;
        runtime.block_on(node.shutdown());
        drop(node);
        let bytes = directory_bytes(&dir)?;
        options.block_cache_bytes = usize::try_from(bytes / 10).unwrap_or(usize::MAX);
        let node = Arc::new(start(&dir, options, false)?);
        Ok(Self {
            dir,
            node,
            runtime,
            options,
            spent,
            events,
        })
    }

    /// Submits at `rate` statements a second and measures each one's time to its receipt, from
    /// the moment it was due.
    pub(super) fn paced(
        &mut self,
        chains: &mut Chains,
        rate: f64,
        during: Duration,
    ) -> Result<Latency, Failure> {
        let tick = Duration::from_millis(2);
        let each = (rate * tick.as_secs_f64()).round().max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive whole number"
        )]
        let each = each as usize;
        let ticks = usize::try_from(during.as_millis() / tick.as_millis()).unwrap_or(1);
        let mut statements = chains.singles(each * ticks).into_iter();
        let node = &self.node;
        let mut times = self.runtime.block_on(async {
            let mut running = JoinSet::new();
            let mut clock = tokio::time::interval(tick);
            for _ in 0..ticks {
                let due = clock.tick().await.into_std();
                let group: Vec<Vec<u8>> = statements.by_ref().take(each).collect();
                let node = Arc::clone(node);
                running.spawn(async move {
                    let count = group.len();
                    let answers = node.submit_many(group).await;
                    recorded(answers).map(|()| (due.elapsed().as_secs_f64(), count))
                });
            }
            let mut times = Vec::new();
            while let Some(done) = running.join_next().await {
                let (time, count) = done.map_err(|_| fault("a paced call panicked"))??;
                times.extend(std::iter::repeat_n(time, count));
            }
            Ok::<_, Failure>(times)
        })?;
        self.events += each * ticks;
        Ok(Latency {
            p50: percentile(&mut times, 50),
            p99: percentile(&mut times, 99),
        })
    }

    /// Audits the whole ledger and returns its leaves a second; anything but a clean audit fails.
    pub(super) fn audit(&self) -> Result<f64, Failure> {
        let started = Instant::now();
        let view = ledger::store::Store::view(self.node.store());
        let report = replay(&view, ORIGIN, self.node.log_key(), |_| {})?;
        let took = started.elapsed();
        if !report.findings.is_empty() {
            return Err(fault(format!("the audit finds {:?}", report.findings)));
        }
        let events = usize::try_from(report.events).unwrap_or_default();
        Ok(to_f64(events) / took.as_secs_f64())
    }
}

/// All of them, or the first that is not.
fn recorded(answers: Vec<Result<Submitted, node::SubmitError>>) -> Result<(), Failure> {
    for answer in answers {
        answer.map_err(fault)?;
    }
    Ok(())
}

fn directory_bytes(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            directory_bytes(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub(super) const fn to_f64(count: usize) -> f64 {
    count as f64
}
