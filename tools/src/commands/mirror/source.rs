//! The log that is mirrored, over HTTP. Nothing that comes from here is believed.

use crate::client::http::{IN_FLIGHT, Remote};
use crate::exit::{Code, Failure};
use ledger::checkpoint::Checkpoint;
use ledger::excerpt::{self, EXCERPT_LEAVES_MAX};
use ledger::hash::Digest;
use ledger::ids::{LeafIndex, TreeSize};
use ledger::merkle::tile::{TileKind, TileName, TileNodes, Tiles};
use ledger::merkle::{consistency_proof, prefix_root, verify_consistency};
use ledger::store::EntryWrite;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::iter;
use std::ops::Range;
use std::thread;
use std::time::Duration;

/// Leaves of the first share, before it is known how large they are; and of any.
const FIRST_SHARE: u64 = 256;
const SHARE_MAX: u64 = EXCERPT_LEAVES_MAX as u64;

/// Bytes that one share aims at.
const SHARE_BYTES: u64 = 2 * 1024 * 1024;

/// Bytes after which a share ends: eight of them in flight and as many that wait are, parsed, some
/// hundred megabytes.
const SHARE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How often a busy node is asked again for one excerpt, and how long at most between: a minute.
const TRIES_MAX: usize = 12;
const WAIT_MAX_S: u64 = 5;

/// A log's node.
#[derive(Debug)]
pub(crate) struct Source {
    remote: Remote,
    /// Which withheld parts to ask for.
    parts: &'static str,
    /// A thread for each request in flight.
    pool: ThreadPool,
}

impl Source {
    pub(crate) fn new(remote: Remote, parts: &'static str) -> Result<Self, Failure> {
        let pool = ThreadPoolBuilder::new().num_threads(IN_FLIGHT).build();
        Ok(Self {
            remote,
            parts,
            pool: pool.map_err(|error| Failure::new(Code::Store, error))?,
        })
    }

    pub(crate) const fn remote(&self) -> &Remote {
        &self.remote
    }

    /// What it gives as its newest checkpoint.
    pub(crate) fn checkpoint(&self) -> Result<String, Failure> {
        let bytes = self.get("/checkpoint", &[], "text/plain")?;
        String::from_utf8(bytes).map_err(|_| Failure::new(Code::Proof, "checkpoint: not UTF-8"))
    }

    /// The leaves of a range in order, in excerpts as they come; several are in flight.
    pub(crate) fn excerpts(
        &self,
        range: Range<u64>,
    ) -> impl Iterator<Item = Result<Vec<EntryWrite>, Failure>> + Send {
        let (mut next, mut share) = (range.start, FIRST_SHARE);
        let mut fetched = VecDeque::new();
        iter::from_fn(move || {
            if fetched.is_empty() && next < range.end {
                match self.fetch(next..range.end, share) {
                    Ok(some) => fetched.extend(some),
                    Err(failure) => return Some(Err(failure)),
                }
                let (mut came, mut bytes) = (0, 1);
                for leaf in fetched.iter().flatten() {
                    came += 1;
                    bytes += leaf.entry.len() + leaf.body.len() + leaf.effects.len();
                }
                next += came;
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                share = (SHARE_BYTES.saturating_mul(came) / bytes).clamp(16, SHARE_MAX);
            }
            fetched.pop_front().map(Ok)
        })
    }

    /// The first of a range, in as many shares as are in flight.
    fn fetch(&self, range: Range<u64>, share: u64) -> Result<Vec<Vec<EntryWrite>>, Failure> {
        let step = usize::try_from(share).unwrap_or(usize::MAX);
        let starts = range.clone().step_by(step).take(IN_FLIGHT);
        let starts: Vec<u64> = starts.collect();
        let whole = |start: u64| start..range.end.min(start + share);
        let mut fetched: Vec<Vec<EntryWrite>> = self.pool.install(|| {
            let starts = starts.par_iter();
            let some = starts.map(|start| self.leaves(whole(*start)));
            some.collect::<Result<_, _>>()
        })?;
        // What follows one that came short, for a limit of its own, is asked for again.
        let short = |(start, leaves): (&u64, &Vec<EntryWrite>)| {
            let wanted = whole(*start);
            u64::try_from(leaves.len()) != Ok(wanted.end - wanted.start)
        };
        if let Some(at) = starts.iter().zip(&fetched).position(short) {
            fetched.truncate(at + 1);
        }
        Ok(fetched)
    }

    /// The leaves of a range, or the first of them.
    fn leaves(&self, range: Range<u64>) -> Result<Vec<EntryWrite>, Failure> {
        let (mut leaves, mut bytes) = (Vec::new(), 0);
        let mut next = range.start;
        while next < range.end && bytes < SHARE_BYTES_MAX {
            let (from, count) = (next.to_string(), (range.end - next).to_string());
            let query = [
                ("from", from.as_str()),
                ("count", count.as_str()),
                ("parts", self.parts),
            ];
            let got = self.get("/leaves", &query, "application/cbor")?;
            bytes += got.len();
            let some = excerpt::decode(LeafIndex(next), &got).map_err(|error| {
                Failure::new(Code::Proof, format!("leaves from {next}: {error}"))
            })?;
            let came = u64::try_from(some.len()).unwrap_or(u64::MAX);
            if came == 0 || came > range.end - next {
                let what = format!("truncated: {came} leaves from {next} on, of {count}");
                return Err(Failure::new(Code::Proof, what)
                    .remedy("the node does not serve what its own checkpoint promises"));
            }
            next += came;
            leaves.extend(some);
        }
        Ok(leaves)
    }

    /// Asks, and asks again where the node is busy.
    fn get(&self, path: &str, query: &[(&str, &str)], accept: &str) -> Result<Vec<u8>, Failure> {
        for _ in 1..TRIES_MAX {
            let got = self.remote.get(path, query, accept)?;
            let Some(wait_s) = got.busy_s() else {
                return got.success().map_err(|mut failure| {
                    if failure.code == Code::Store {
                        // Its disk, not ours: it may be mended.
                        failure.code = Code::Busy;
                    }
                    failure
                });
            };
            thread::sleep(Duration::from_secs(wait_s.min(WAIT_MAX_S)));
        }
        self.remote.get(path, query, accept)?.success()
    }

    /// What its tree of `new` begins with, by its own hash tiles, which lead to the root it signed:
    /// the root over the first `size` leaves, and the consistency proof from there.
    pub(crate) fn beginning(
        &self,
        size: TreeSize,
        new: &Checkpoint,
    ) -> Result<(Digest, Vec<Digest>), Failure> {
        let tiles = RemoteTiles {
            source: self,
            size: new.size,
            failed: RefCell::new(None),
        };
        let nodes = TileNodes::new(&tiles);
        let failed = |error: &dyn std::fmt::Display| {
            let own = tiles.failed.borrow_mut().take();
            own.unwrap_or_else(|| Failure::new(Code::Proof, format!("tiles: {error}")))
        };
        let root_at = |size| prefix_root(&nodes, size).map_err(|error| failed(&error));
        if root_at(new.size)? != new.root {
            let what = "tiles: they do not lead to the checkpoint's root";
            return Err(Failure::new(Code::Proof, what));
        }
        let prefix = root_at(size)?;
        let path = consistency_proof(&nodes, size, new.size)
            .map_err(|error| failed(&format_args!("{error:?}")))?;
        // Tiles that do not agree with each other show nothing.
        verify_consistency(size, &prefix, new.size, &new.root, &path)
            .map_err(|error| failed(&error))?;
        Ok((prefix, path))
    }
}

/// Hash tiles of the tree of one checkpoint.
struct RemoteTiles<'a> {
    source: &'a Source,
    size: TreeSize,
    /// Why one could not be had.
    failed: RefCell<Option<Failure>>,
}

impl Tiles for RemoteTiles<'_> {
    type Error = Failure;

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, Failure> {
        let Some(name) = TileName::at_size(TileKind::Hashes(level), index, self.size) else {
            return Ok(None);
        };
        let bytes = self
            .source
            .get(&format!("/{name}"), &[], "application/octet-stream")
            .inspect_err(|failure| drop(self.failed.replace(Some(failure.clone()))))?;
        let (hashes, _) = bytes.as_chunks::<32>();
        Ok(Some(hashes.iter().copied().map(Digest).collect()))
    }
}
