//! Many lists at once: the source for recalls.
//!
//! A scan reads a few lists and keeps whole statements, to prove them. A recall reads tens of
//! thousands, and proves nothing to anybody who asks: so it asks the store once for a level of the
//! walk, decodes only the disclosures that the lists name, and takes the form of events for
//! granted, which admission has checked.

use super::directory::Directory;
use super::{Opened, Reader, complete, corrupt, imported_of};
use crate::access::{Sight, sight};
use crate::block::BlockRecord;
use crate::cbor::{DecodeError, Map, Reader as Cbor};
use crate::disclosure::{DISCLOSURES_MAX, Disclosed};
use crate::event::Event;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::provenance::source::{Content, Source, Touch, Touches};
use crate::registry::Action;
use crate::state::{KeyRecord, Record as _, StateKey};
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::{EventRef, StoreError, View};
use crate::stored::{Stored, StoredPart, read_one};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

/// Members of one list that a recall reads; as [`crate::provenance::Limits::RECALL`] has it.
const LIST_MAX: usize = 50_000;

/// Bytes of bodies that one recall reads: a few hundred thousand events. One such answer at a time
/// is the caller's to see to.
pub const RECALL_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Bytes of bodies that a list of cases reads; many may ask for one at a time.
pub const CASES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Statements whose keys and blocks are looked up together.
const FETCH: usize = 4096;

/// Statements whose bodies are read together: by so many of 4 MiB each a recall may go beyond
/// its budget.
const FETCH_BODIES: usize = 32;

/// What is known of one statement.
#[derive(Debug)]
struct Leaf {
    issuer: Handle,
    signer: Handle,
    suspect_from: Option<UnixMillis>,
    recorded: UnixMillis,
    action: Option<Action>,
    body: Vec<u8>,
    /// Where in the body each disclosure is, by index.
    places: Vec<(u16, Range<usize>)>,
}

/// Reads lists of one view of a store, many at a time.
#[derive(Debug)]
pub struct BatchSource<'v, V: View> {
    view: &'v V,
    reader: Reader,
    leaves: BTreeMap<LeafIndex, Leaf>,
    contents: BTreeMap<EventRef, Option<Rc<Content>>>,
    keys: BTreeMap<StateKey, KeyRecord>,
    body_bytes: usize,
    body_bytes_max: usize,
    directory: Directory,
    sights: BTreeMap<EventRef, Sight>,
    opened: BTreeMap<EventRef, Opened>,
}

impl<'v, V: View> BatchSource<'v, V> {
    /// A source over `view` for `reader` that reads at most `body_bytes_max` of bodies, and a chunk
    /// more. Whom its events name is still to be limited:
    /// [`crate::access::shown`].
    pub fn new(view: &'v V, reader: Reader, body_bytes_max: usize) -> Self {
        Self {
            view,
            reader,
            leaves: BTreeMap::new(),
            contents: BTreeMap::new(),
            keys: BTreeMap::new(),
            body_bytes: 0,
            body_bytes_max,
            directory: Directory::default(),
            sights: BTreeMap::new(),
            opened: BTreeMap::new(),
        }
    }

    /// How much of an event that was read its reader may see.
    #[must_use]
    pub fn sight(&self, at: EventRef) -> Sight {
        self.sights.get(&at).copied().unwrap_or(Sight::Outline)
    }

    /// The withheld parts that were put back for a bearer: what the access record must hold before
    /// anything computed from them is shown.
    #[must_use]
    pub const fn opened(&self) -> &BTreeMap<EventRef, Opened> {
        &self.opened
    }

    fn fetch(&mut self, leaves: BTreeSet<LeafIndex>) -> Result<(), StoreError> {
        let new = leaves
            .into_iter()
            .filter(|leaf| !self.leaves.contains_key(leaf));
        let wanted: Vec<LeafIndex> = new.collect();
        for some in wanted.chunks(FETCH) {
            let parsed = self.fetch_bodies(some)?;
            let some = some.get(..parsed.len()).unwrap_or(some);
            self.fetch_keys(&parsed)?;
            let blocks = self.view.blocks_of(some)?;
            for ((leaf, (statement, body)), block) in some.iter().zip(parsed).zip(blocks) {
                let block = block.ok_or_else(|| corrupt(*leaf, "no block"))?;
                let read = self.leaf(*leaf, statement, body, block)?;
                self.leaves.insert(*leaf, read);
            }
        }
        Ok(())
    }

    /// Statements with their bodies, as many as the budget lasts for.
    fn fetch_bodies(
        &mut self,
        wanted: &[LeafIndex],
    ) -> Result<Vec<(SignedStatement, Vec<u8>)>, StoreError> {
        let mut parsed = Vec::with_capacity(wanted.len());
        for few in wanted.chunks(FETCH_BODIES) {
            if self.body_bytes > self.body_bytes_max {
                break;
            }
            for (leaf, pair) in few.iter().zip(self.view.entries_with_bodies(few)?) {
                let (entry, body) = pair.ok_or_else(|| corrupt(*leaf, "no entry"))?;
                self.body_bytes += body.len();
                let statement = SignedStatement::parse(&entry)
                    .map_err(|error| corrupt(*leaf, &error.to_string()))?;
                parsed.push((statement, body));
            }
        }
        Ok(parsed)
    }

    /// Reads the records of keys not met before: a city has thousands, its ledger millions of
    /// statements under them.
    fn fetch_keys(&mut self, parsed: &[(SignedStatement, Vec<u8>)]) -> Result<(), StoreError> {
        let named = parsed
            .iter()
            .filter(|(statement, _)| {
                matches!(statement.header().issuer, Issuer::Participant { .. })
            })
            .map(|(statement, _)| StateKey::key(statement.header().key));
        let new: BTreeSet<StateKey> = named.filter(|key| !self.keys.contains_key(key)).collect();
        let new: Vec<StateKey> = new.into_iter().collect();
        for (key, record) in new.iter().zip(self.view.records(&new)?) {
            if let Some(bytes) = record {
                let record = KeyRecord::decode(&bytes).map_err(|error| StoreError::Corrupt {
                    what: "key record",
                    detail: error.to_string(),
                })?;
                self.keys.insert(*key, record);
            }
        }
        Ok(())
    }

    fn leaf(
        &self,
        leaf: LeafIndex,
        statement: SignedStatement,
        body: Vec<u8>,
        block: BlockRecord,
    ) -> Result<Leaf, StoreError> {
        let places = places(&body).map_err(|error| corrupt(leaf, &error.to_string()))?;
        let action = match statement.payload() {
            Payload::Registry(payload) => Some(payload.action.clone()),
            Payload::Events(_) | Payload::Block(_) => None,
        };
        let recorded = block.time;
        let (issuer, key) = match statement.header().issuer {
            Issuer::Participant { handle, .. } => {
                let key = self.keys.get(&StateKey::key(statement.header().key));
                let key = key.ok_or_else(|| corrupt(leaf, "no record of its key"))?;
                (handle, key.clone())
            }
            Issuer::Log { .. } => {
                let read = complete(leaf, (statement, Vec::new()), None, block)?;
                (read.issuer, read.key)
            }
        };
        Ok(Leaf {
            issuer,
            signer: key.owner,
            suspect_from: key.suspect_from,
            recorded,
            action,
            body,
            places,
        })
    }

    fn touch(&mut self, at: EventRef) -> Result<Option<Touch>, StoreError> {
        if !self.contents.contains_key(&at) {
            let content = self.content(at)?.map(Rc::new);
            self.contents.insert(at, content);
        }
        let leaf = self.leaves.get(&at.leaf);
        let content = self.contents.get(&at).cloned().flatten();
        Ok(leaf.zip(content).map(|(leaf, content)| {
            let who = (leaf.issuer, leaf.signer);
            Touch::new(at, leaf.recorded, who, leaf.suspect_from, content)
        }))
    }

    /// What a statement says at one index, with the parts that this reader may see; `None` where
    /// that was deleted. No rule reads personal parts, so that their keys are never asked for.
    fn content(&mut self, at: EventRef) -> Result<Option<Content>, StoreError> {
        let Some(leaf) = self.leaves.get(&at.leaf) else {
            return Ok(None);
        };
        let broken = |why: &dyn std::fmt::Display| corrupt(at.leaf, &why.to_string());
        let Some(stored) = leaf.disclosure(at.index).map_err(|why| broken(&why))? else {
            return Ok(leaf.action.clone().map(|action| Content::Registry {
                action,
                record: Map::default(),
            }));
        };
        let action = leaf.action.as_ref();
        let (sight, district) = match &self.reader {
            Reader::Public => (Sight::Outline, None),
            Reader::Confidential => (Sight::Confidential, None),
            Reader::All => (Sight::Personal, None),
            Reader::Bearer(_) => {
                let (issuer, signer) = (leaf.issuer, leaf.signer);
                let directory = &mut self.directory;
                let concern = directory.concern(self.view, issuer, signer, action, &stored)?;
                (sight(&self.reader, &concern), Some(concern.issuer.district))
            }
        };
        self.sights.insert(at, sight);
        let parts = stored.parts.into_iter().filter_map(|part| match part {
            StoredPart::Plain(part) => Some(part).filter(|part| part.class().opens_at() <= sight),
            StoredPart::Sealed(_) => None,
        });
        let one = Disclosed {
            index: stored.index,
            disclosure: stored.disclosure,
            parts: parts.collect(),
        };
        if let Some(district) = district.filter(|_| !one.parts.is_empty()) {
            let personal = false;
            self.opened.insert(at, Opened { personal, district });
        }
        if action == Some(&Action::Import) {
            return imported_of(&one).map(Some).map_err(|why| broken(&why));
        }
        if let Some(action) = action {
            return Ok(Some(Content::Registry {
                action: action.clone(),
                record: one.restore().map_err(|why| broken(&why))?,
            }));
        }
        let whole = one.restore().ok().and_then(Event::from_admitted);
        whole
            .or_else(|| Event::from_admitted(one.disclosure.map().clone()))
            .map(|event| Some(Content::Event(event)))
            .ok_or_else(|| corrupt(at.leaf, "an event without type or time"))
    }

    fn of_lists(&mut self, lists: &[Vec<EventRef>]) -> Result<Vec<Touches>, StoreError> {
        // The one too many of a list only tells that there are more.
        let shown = lists.iter().flat_map(|list| list.iter().take(LIST_MAX));
        self.fetch(shown.map(|at| at.leaf).collect())?;
        let mut all = Vec::with_capacity(lists.len());
        for list in lists {
            let mut shown = Vec::with_capacity(list.len().min(LIST_MAX));
            for at in list.iter().take(LIST_MAX) {
                // Past the budget the list is cut, and the answer says so.
                if !self.leaves.contains_key(&at.leaf) {
                    break;
                }
                shown.extend(self.touch(*at)?);
            }
            all.push(Touches {
                total: u64::try_from(list.len()).unwrap_or(u64::MAX),
                shown,
            });
        }
        Ok(all)
    }
}

impl Leaf {
    /// What its body holds at one index; `None` where that was deleted.
    fn disclosure(&self, index: u16) -> Result<Option<Stored>, DecodeError> {
        let found = self
            .places
            .binary_search_by_key(&index, |(index, _)| *index);
        let place = found.ok().and_then(|place| self.places.get(place));
        let bytes = place.and_then(|(_, range)| self.body.get(range.clone()));
        bytes
            .map(|bytes| read_one(&mut Cbor::new(bytes)))
            .transpose()
    }
}

/// Where a body's disclosures are, without decoding any.
fn places(body: &[u8]) -> Result<Vec<(u16, Range<usize>)>, DecodeError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Cbor::new(body);
    let count = reader.array()?.min(DISCLOSURES_MAX);
    (0..count)
        .map(|_| {
            let start = reader.offset();
            reader.array_of(3, "[index, disclosure, parts]")?;
            let index = u16::try_from(reader.uint()?).unwrap_or(u16::MAX);
            reader.byte_string()?;
            for _ in 0..reader.array()? {
                reader.skip()?;
            }
            Ok((index, start..reader.offset()))
        })
        .collect()
}

impl<V: View> Source for BatchSource<'_, V> {
    type Error = StoreError;

    fn touches(&mut self, item: &str) -> Result<Touches, StoreError> {
        let all = self.touches_of(&[item])?;
        Ok(all.into_iter().next().unwrap_or_default())
    }

    fn touches_of(&mut self, items: &[&str]) -> Result<Vec<Touches>, StoreError> {
        let keys: Vec<StateKey> = items.iter().map(|item| StateKey::item(item)).collect();
        let lists = self.view.postings_of(&keys, LIST_MAX + 1)?;
        self.of_lists(&lists)
    }
}
