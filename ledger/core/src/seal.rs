//! Sealing a block: from checked statements to one write set.
//!
//! Everything is computed in memory from one view of the store; nothing is promised until the
//! caller has committed the write set. If the process dies before, the checkpoint signed here
//! dies with it, unseen.

use crate::admission::{Checked, Moment, Verdict, admit, rules_in_force};
use crate::block::{BlockHeader, BlockRecord, Head};
use crate::checkpoint::Checkpoint;
use crate::disclosure::Part;
use crate::forget::{named_keys, orders_of};
use crate::hash::{Digest, leaf_hash};
use crate::ids::{LeafIndex, TreeSize, UnixMillis};
use crate::merkle::Frontier;
use crate::merkle::tile::{TileError, TiledTree, Tiles};
use crate::personal::{KeyRef, PartKey, PartPlace, Secrets, seal_part};
use crate::reject::RejectReason;
use crate::signature::Signer;
use crate::state::{Effects, Overlay, StateKey, apply};
use crate::statemap;
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::{EntryWrite, EventRef, StoreError, View, WriteSet};
use crate::stored;

/// The log that seals: its name and its key.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    /// The origin line of its checkpoints.
    pub origin: &'a str,
    /// The log's own key; shared with no witness, mirror or participant.
    pub signer: &'a dyn Signer,
}

impl std::fmt::Debug for Log<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// What became of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gets this leaf, once the block is committed.
    Admitted(LeafIndex),
    /// It had this leaf already.
    Again(LeafIndex),
    /// It is refused.
    Rejected(RejectReason),
}

/// A block ready to be committed, or none if no statement was admitted.
#[derive(Debug)]
pub struct Sealed {
    /// One outcome for each statement, in order.
    pub outcomes: Vec<Outcome>,
    /// What to commit.
    pub write: Option<WriteSet>,
}

/// Decides about `statements` in order and seals those admitted into one block at `now`, or at
/// the previous block's time if that is later. `secrets` gives the keys of personal parts, which
/// leave this function encrypted.
///
/// # Errors
/// [`StoreError`].
pub fn seal<V: View>(
    view: &V,
    log: Log<'_>,
    secrets: &dyn Secrets,
    statements: &[Checked],
    now: UnixMillis,
) -> Result<Sealed, StoreError> {
    let head = view.head()?;
    let mut block = Block::open(view, head.as_ref(), log, secrets, now)?;
    block
        .state
        .prefetch(statements.iter().flat_map(Checked::keys))?;
    let outcomes = statements
        .iter()
        .map(|one| block.add(one))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let write = if block.entries.is_empty() {
        None
    } else {
        Some(block.close(head)?)
    };
    Ok(Sealed { outcomes, write })
}

/// Seals what a dishonest log seals: these statements with these effects, whatever the rules say.
/// Everything else is as [`seal`] does it, so that nothing but the rules can find the fraud.
///
/// # Errors
/// [`StoreError`].
#[cfg(any(test, feature = "testing"))]
pub fn seal_unruled<V: View>(
    view: &V,
    log: Log<'_>,
    secrets: &dyn Secrets,
    statements: &[(Checked, Effects)],
    now: UnixMillis,
) -> Result<WriteSet, StoreError> {
    let head = view.head()?;
    let mut block = Block::open(view, head.as_ref(), log, secrets, now)?;
    for (checked, effects) in statements {
        block.take(checked, effects)?;
    }
    block.close(head)
}

/// A block being filled.
struct Block<'a, V: View> {
    view: &'a V,
    log: Log<'a>,
    secrets: &'a dyn Secrets,
    time: UnixMillis,
    rules_version: u16,
    tree: TiledTree,
    effects: Frontier,
    state: Overlay<'a, V>,
    entries: Vec<EntryWrite>,
    hashes: Vec<Digest>,
    postings: Vec<(StateKey, EventRef)>,
    events: u64,
    part_keys: Vec<(KeyRef, PartKey)>,
    destroyed: Vec<KeyRef>,
}

impl<'a, V: View> Block<'a, V> {
    fn open(
        view: &'a V,
        head: Option<&Head>,
        log: Log<'a>,
        secrets: &'a dyn Secrets,
        now: UnixMillis,
    ) -> Result<Self, StoreError> {
        let size = head.map_or(TreeSize(0), Head::size);
        let peaks = head.map_or_else(Vec::new, |head| head.peaks.clone());
        let frontier = Frontier::from_peaks(size, peaks).map_err(|why| StoreError::Corrupt {
            what: "head",
            detail: why.to_string(),
        })?;
        let tree = TiledTree::open(&ViewTiles(view), frontier).map_err(tile_error)?;
        let mut state = Overlay::new(view);
        let rules_version = rules_in_force(&mut state)?;
        Ok(Self {
            view,
            log,
            secrets,
            time: head.map_or(now, |head| now.max(head.block.time)),
            rules_version,
            tree,
            effects: Frontier::new(),
            state,
            entries: Vec::new(),
            hashes: Vec::new(),
            postings: Vec::new(),
            events: 0,
            part_keys: Vec::new(),
            destroyed: Vec::new(),
        })
    }

    fn add(&mut self, checked: &Checked) -> Result<Outcome, StoreError> {
        let leaf = self.next_leaf();
        let moment = Moment {
            origin: self.log.origin,
            leaf,
            time: self.time,
        };
        let effects = match admit(&mut self.state, checked, moment)? {
            Verdict::Admitted(effects) => effects,
            Verdict::Again(leaf) => return Ok(Outcome::Again(leaf)),
            Verdict::Rejected(reason) => return Ok(Outcome::Rejected(reason)),
        };
        self.take(checked, &effects)?;
        Ok(Outcome::Admitted(leaf))
    }

    /// Gives a statement its leaf, with these effects.
    fn take(&mut self, checked: &Checked, effects: &Effects) -> Result<(), StoreError> {
        let leaf = self.next_leaf();
        let statement = checked.statement();
        let hash = statement.leaf_hash();
        self.postings
            .extend(apply(&mut self.state, leaf, &hash, effects)?);
        let effects = effects.encode();
        self.effects.push(leaf_hash(&effects));
        self.events += u64::try_from(checked.event_count()).unwrap_or_default();
        let body = self.stored_body(statement)?;
        self.forget(statement)?;
        self.push(statement.entry().to_vec(), hash, body, effects);
        Ok(())
    }

    /// The body as it will be stored: personal parts encrypted, each under a key of its own.
    fn stored_body(&mut self, statement: &SignedStatement) -> Result<Vec<u8>, StoreError> {
        if statement.disclosed().is_empty() {
            return Ok(Vec::new());
        }
        stored::encode(statement.disclosed(), |index, part: &Part| {
            let slot = match self.part_keys.last() {
                Some((last, _)) => last.slot + 1,
                None => self.view.key_slots()?,
            };
            let place = PartPlace {
                origin: self.log.origin,
                statement: statement.signed_digest(),
                index,
            };
            let (sealed, key) = seal_part(part, place, slot, self.secrets)?;
            self.part_keys.push((sealed.key_ref(place), key));
            Ok(sealed)
        })
    }

    /// Notes the keys that an order names, of statements before this block or in it.
    fn forget(&mut self, statement: &SignedStatement) -> Result<(), StoreError> {
        for order in orders_of(statement)? {
            let leaf = order.at.leaf;
            let here = self.entries.iter().find(|one| one.leaf == leaf);
            let stored = match here {
                Some(one) => Some((one.entry.clone(), one.body.clone())),
                None => self.view.entries_with_bodies(&[leaf])?.pop().flatten(),
            };
            let (entry, body) = stored.ok_or_else(|| StoreError::Corrupt {
                what: "entry",
                detail: format!("leaf {leaf} is missing"),
            })?;
            let keys = named_keys(self.log.origin, &entry, &body, &order)?;
            self.destroyed.extend(keys);
        }
        Ok(())
    }

    /// The leaf that the next entry gets.
    fn next_leaf(&self) -> LeafIndex {
        let before = u64::try_from(self.hashes.len()).unwrap_or(u64::MAX);
        LeafIndex(self.tree.frontier().size().0 + before)
    }

    fn push(&mut self, entry: Vec<u8>, hash: Digest, body: Vec<u8>, effects: Vec<u8>) {
        let leaf = self.next_leaf();
        self.hashes.push(hash);
        self.entries.push(EntryWrite {
            leaf,
            entry,
            body,
            effects,
        });
    }

    fn close(mut self, before: Option<Head>) -> Result<WriteSet, StoreError> {
        let statements = u64::try_from(self.entries.len()).unwrap_or_default();
        let records = std::mem::replace(&mut self.state, Overlay::new(self.view)).into_changes();
        let root = before
            .as_ref()
            .map_or(statemap::EMPTY_ROOT, |head| head.state);
        let state = update_map(self.view, &root, &records)?;
        // The header names the tree before itself, so that the tree grows in two steps.
        let mut tiles = self.tree.append(&self.hashes);
        self.hashes.clear();
        let header = BlockHeader {
            height: before.as_ref().map_or(0, |head| head.block.height + 1),
            previous: before
                .as_ref()
                .map_or(Digest([0; 32]), |head| head.header_hash),
            size: self.tree.frontier().size(),
            root: self.tree.frontier().root(),
            time: self.time,
            statements,
            events: self.events,
            rules_version: self.rules_version,
            effects: self.effects.root(),
            state: state.root,
        };
        let statement = sign_header(self.log, &header);
        let header_hash = statement.leaf_hash();
        self.push(
            statement.entry().to_vec(),
            header_hash,
            Vec::new(),
            Vec::new(),
        );
        let last = self.tree.append(&self.hashes);
        tiles.retain(|tile| {
            last.iter()
                .all(|other| (tile.0, tile.1) != (other.0, other.1))
        });
        tiles.extend(last);
        let root = self.tree.frontier().root();
        let block = BlockRecord {
            header: header.leaf(),
            height: header.height,
            root,
            time: header.time,
        };
        let checkpoint = Checkpoint {
            origin: self.log.origin.to_owned(),
            size: block.size(),
            root,
        };
        let head = Head {
            block,
            header_hash,
            peaks: self.tree.frontier().peaks().to_vec(),
            state: header.state,
            events: before.map_or(0, |head| head.events) + self.events,
            checkpoint: checkpoint.sign(self.log.signer),
        };
        Ok(WriteSet {
            entries: self.entries,
            tiles,
            records,
            pages: state.pages,
            postings: self.postings,
            earlier: Vec::new(),
            block,
            head,
            part_keys: self.part_keys,
            destroyed: self.destroyed,
        })
    }
}

/// The header as the log's own statement: subject is the height, audience the log itself.
#[must_use]
pub fn sign_header(log: Log<'_>, header: &BlockHeader) -> SignedStatement {
    let issuer = Issuer::Log {
        origin: log.origin.to_owned(),
        subject: header.height.to_string(),
    };
    let seconds = u64::try_from(header.time.0 / 1000).unwrap_or_default();
    let payload = Payload::Block(header.clone());
    let audience = vec![log.origin.to_owned()];
    SignedStatement::sign(log.signer, issuer, audience, seconds, payload, Vec::new())
}

/// The state map after `changes`.
fn update_map<V: View>(
    view: &V,
    root: &Digest,
    changes: &[(StateKey, Vec<u8>)],
) -> Result<statemap::Update, StoreError> {
    let mut hashes: Vec<(Digest, Digest)> = changes
        .iter()
        .filter(|(key, _)| key.class.authenticated())
        .map(|(key, record)| (key.digest, Digest::of(record)))
        .collect();
    hashes.sort_unstable();
    statemap::update(&ViewPages(view), root, &hashes).map_err(page_error)
}

/// What a damaged page means for the store that gave it.
pub fn page_error(error: statemap::PageError<StoreError>) -> StoreError {
    match error {
        statemap::PageError::Read(error) => error,
        statemap::PageError::TooManyKeys { asked, limit } => StoreError::Corrupt {
            what: "answer",
            detail: format!("{asked} state proofs asked at once, at most {limit}"),
        },
        statemap::PageError::Damaged { path } => StoreError::Corrupt {
            what: "state map page",
            detail: format!("{path:?} does not hash to what its parent says"),
        },
    }
}

/// What damaged tiles mean for the store that gave them.
pub fn tile_error(error: TileError<StoreError>) -> StoreError {
    match error {
        TileError::Tiles(error) => error,
        damage @ (TileError::PeaksMismatch | TileError::Width { .. }) => StoreError::Corrupt {
            what: "tiles",
            detail: damage.to_string(),
        },
    }
}

/// A view as a reader of hash tiles.
#[derive(Debug)]
pub struct ViewTiles<'a, V>(pub &'a V);

impl<V: View> Tiles for ViewTiles<'_, V> {
    type Error = StoreError;

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, StoreError> {
        self.0.tile(level, index)
    }
}

/// A view as a reader of the state map's pages.
#[derive(Debug)]
pub struct ViewPages<'a, V>(pub &'a V);

impl<V: View> statemap::Pages for ViewPages<'_, V> {
    type Error = StoreError;

    fn pages(
        &self,
        paths: &[statemap::PagePath],
    ) -> Result<Vec<Option<statemap::Page>>, StoreError> {
        self.0.pages(paths)
    }
}
