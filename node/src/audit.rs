//! Auditing on all cores: leaves are prepared and their signatures verified side by side, and
//! replayed in order on one thread.

use ledger::audit::{AuditReport, Auditor, Prepared, prepare};
use ledger::ids::LeafIndex;
use ledger::signature::{KeyId, PublicKey};
use ledger::store::{EntryWrite, StoreError, View};
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{PoisonError, RwLock};
use std::thread;

/// Leaves that travel together: their handling costs nothing beside their signatures.
const CHUNK: usize = 256;

/// Chunks that one worker may have before it: enough never to wait, a few megabytes of memory.
const AHEAD: usize = 4;

/// Public keys seen so far, by name. Keys only join: whether one counts at a leaf is decided in
/// the replayed state.
type Keys = RwLock<HashMap<KeyId, PublicKey>>;

/// A prepared leaf, and whether its signature verifies; `None` while its key was not yet known.
type Judged = (Prepared, Option<bool>);

/// Replays the whole ledger that `view` shows and reports every difference.
///
/// `progress` is told the number of leaves replayed. Memory holds the replayed state: about 300
/// bytes for each item, key and event.
///
/// # Errors
/// [`StoreError`] where the ledger cannot even be read; damage that can be read is a finding.
pub fn audit<V: View>(
    view: &V,
    origin: &str,
    log_key: &PublicKey,
    threads: NonZeroUsize,
    mut progress: impl FnMut(u64),
) -> Result<AuditReport, StoreError> {
    let head = view.head()?;
    let size = head.as_ref().map_or(0, |head| head.size().0);
    let keys: Keys = RwLock::new(HashMap::from([(log_key.key_id(), log_key.clone())]));
    let mut auditor = Auditor::new(origin);
    thread::scope(|scope| {
        let workers: Vec<(SyncSender<Vec<EntryWrite>>, Receiver<Vec<Judged>>)> = (0..threads.get())
            .map(|_| {
                let (work, inbox) = sync_channel::<Vec<EntryWrite>>(AHEAD);
                let (outbox, done) = sync_channel(AHEAD);
                let keys = &keys;
                scope.spawn(move || judge(&inbox, &outbox, keys));
                (work, done)
            })
            .collect();
        // Chunks go round the workers and come back in the same round, so that order is kept.
        let mut waiting: VecDeque<usize> = VecDeque::new();
        let (mut next, mut turn) = (0, 0);
        loop {
            if next < size && waiting.len() < AHEAD * workers.len() {
                let leaves = view.leaves(LeafIndex(next), CHUNK)?;
                if leaves.is_empty() {
                    // The auditor finds what is missing when it compares with the head.
                    next = size;
                    continue;
                }
                next += u64::try_from(leaves.len()).unwrap_or(u64::MAX);
                // A worker is gone only if it panicked, which the scope passes on.
                drop(workers[turn].0.send(leaves));
                waiting.push_back(turn);
                turn = (turn + 1) % workers.len();
                continue;
            }
            let Some(worker) = waiting.pop_front() else {
                break;
            };
            for (prepared, signature) in workers[worker].1.recv().unwrap_or_default() {
                let signature = signature.unwrap_or_else(|| verifies(&prepared, &keys));
                learn(&prepared, &keys);
                auditor.leaf(prepared, signature);
            }
            progress(auditor.size().0);
        }
        Ok(())
    })?;
    Ok(auditor.finish(head.as_ref(), log_key))
}

/// One worker.
fn judge(inbox: &Receiver<Vec<EntryWrite>>, outbox: &SyncSender<Vec<Judged>>, keys: &Keys) {
    while let Ok(leaves) = inbox.recv() {
        let judged = leaves
            .into_iter()
            .map(|leaf| {
                let prepared = prepare(leaf);
                let signature = key_of(&prepared, keys).map(|key| prepared.verifies_under(&key));
                (prepared, signature)
            })
            .collect();
        if outbox.send(judged).is_err() {
            return;
        }
    }
}

/// The key that a leaf names, if it has been seen.
fn key_of(prepared: &Prepared, keys: &Keys) -> Option<PublicKey> {
    let id = prepared.statement()?.header().key;
    keys.read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&id)
        .cloned()
}

/// All keys before this leaf are known here: one that is still unknown is nobody's.
fn verifies(prepared: &Prepared, keys: &Keys) -> bool {
    key_of(prepared, keys).is_some_and(|key| prepared.verifies_under(&key))
}

fn learn(prepared: &Prepared, keys: &Keys) {
    let new = prepared.new_keys();
    if !new.is_empty() {
        let mut keys = keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.extend(new.into_iter().map(|key| (key.key_id(), key)));
    }
}
