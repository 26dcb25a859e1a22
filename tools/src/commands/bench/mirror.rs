//! Catching up with a log of single-event statements over HTTP, on this machine's loopback: the
//! node that serves takes its share of the same cores.

use super::fault;
use super::figures::{Figure, Report};
use super::ingest::{Bench, to_f64};
use super::limits::verify_rate;
use super::workload::{Chains, ORIGIN};
use crate::client::http::Remote;
use crate::client::signer::Signing;
use crate::commands::audit::replay;
use crate::commands::mirror::copy::Mirror;
use crate::commands::serve::{listen, runtime, serve};
use crate::exit::Failure;
use crate::text::Lang;
use api::ApiOptions;
use ledger::note::{KeyKind, NoteKey};
use ledger::tlog_policy::TlogPolicy;
use ledger_rocks::{Options, ReadOnlyStore};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Fills a ledger, serves it, and mirrors it from nothing.
pub(super) fn measure(
    events: usize,
    during: Duration,
    dir: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut chains = Chains::new();
    let mut bench = Bench::found(&dir.join("log"), &chains)?;
    bench.ingest_to(&mut chains, events)?;
    bench.settle()?;
    let bare = verify_rate(during);
    let audited = bench.audit()?;
    report.add(Figure::new("audit", audited, "statements/s", bare))?;
    // What the audit's view held back from compaction is the ingest's, not the mirror's.
    bench.settle()?;

    let key = NoteKey::new(ORIGIN, KeyKind::Ed25519, bench.log_key().clone()).map_err(fault)?;
    let policy = TlogPolicy::of_log(key).map_err(fault)?;
    let options = ApiOptions {
        loopback_privileges: true,
        mirrors: [chains.authority_handle].into(),
        ..ApiOptions::default()
    };
    let listener = listen(([127, 0, 0, 1], 0).into())?;
    let url = format!("http://{}", listener.local_addr()?);
    let runtime = runtime()?;
    let (stop, stopped) = oneshot::channel();
    let node = Arc::clone(bench.node());
    let serving = runtime.spawn(serve(node, listener, None, options, stopped));
    let asker = Signing {
        handle: chains.authority_handle,
        key: chains.authority,
    };
    let remote = Remote::connect(&url, Lang::En)?.asked_by(Some(asker));
    let copy = dir.join("copy");
    let mirror = Mirror::open(&copy, policy, remote, "confidential")?;
    let mut follower = mirror.follower()?;
    let started = Instant::now();
    let round = mirror.round(&mut follower, |_| {})?;
    let took = started.elapsed();
    drop(follower);
    drop(mirror);
    // Whoever would hear of it has gone where serving failed; its result says so.
    let _gone = stop.send(());
    runtime.block_on(serving).map_err(fault)?.map_err(fault)?;
    if round.taken > 0 {
        return Err(fault(format!("{} bodies did not come", round.taken)));
    }
    let store = ReadOnlyStore::open(&copy, ORIGIN, Options::default()).map_err(fault)?;
    let audit = replay(&store.view(), ORIGIN, bench.log_key(), |_| {})?;
    if !audit.findings.is_empty() || audit.size != round.size {
        return Err(fault(format!(
            "the copy's audit finds {:?}",
            audit.findings
        )));
    }
    let rate = to_f64(usize::try_from(round.events).unwrap_or_default()) / took.as_secs_f64();
    // Once more afterwards: neighbours come and go.
    let bare = f64::midpoint(bare, verify_rate(during));
    report.add(Figure::new("mirror", rate, "statements/s", bare))
}
