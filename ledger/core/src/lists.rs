//! Items' lists out of a store: the server's [`Source`] for provenance.

use crate::block::BlockRecord;
use crate::disclosure::{Class, Disclosed};
use crate::event::Event;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::provenance::source::{Content, Source, Touch, Touches};
use crate::registry::Action;
use crate::state::{KeyRecord, Record as _, StateKey};
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::{EventRef, StoreError, View};
use crate::stored::{self, Closed};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Members of one item's list that one answer reads: more is a vehicle's life, not a lot's.
pub const LIST_MAX: usize = 1000;

/// Bytes of bodies that one answer reads: many times a long chain's, and a bound on what one
/// request can make a node hold.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Statements whose bodies are read together.
const FETCH_STATEMENTS: usize = 64;

/// Who reads, and so which parts of events are put back before anything is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Anyone: public fields only.
    Public,
    /// One who may see confidential parts, but no personal ones.
    Confidential,
    /// One who may see everything: the operator's own machine.
    All,
}

impl Reader {
    /// Whether this reader may see parts of that class.
    #[must_use]
    pub const fn sees(self, class: Class) -> bool {
        match (self, class) {
            (Self::All, _) | (Self::Confidential, Class::Confidential) => true,
            (Self::Public, _) | (Self::Confidential, Class::Personal) => false,
        }
    }
}

/// A statement as read back: the entry parsed, with the disclosures this reader may see.
#[derive(Debug)]
pub struct Read {
    /// The statement.
    pub statement: SignedStatement,
    /// On whose behalf.
    pub issuer: Handle,
    /// The key's record now.
    pub key: KeyRecord,
    /// When it was recorded.
    pub recorded: UnixMillis,
    /// The header leaf of its block.
    pub block: LeafIndex,
    /// Personal parts that this reader might see, were their keys there.
    pub closed: Vec<Closed>,
}

/// Reads lists from one view of a store.
#[derive(Debug)]
pub struct ViewSource<'v, V: View> {
    view: &'v V,
    reader: Reader,
    statements: BTreeMap<LeafIndex, Rc<Read>>,
    contents: BTreeMap<EventRef, Option<Rc<Content>>>,
    lists: BTreeMap<String, Vec<EventRef>>,
    body_bytes: usize,
}

impl<'v, V: View> ViewSource<'v, V> {
    /// A source over `view` for `reader`.
    pub const fn new(view: &'v V, reader: Reader) -> Self {
        Self {
            view,
            reader,
            statements: BTreeMap::new(),
            contents: BTreeMap::new(),
            lists: BTreeMap::new(),
            body_bytes: 0,
        }
    }

    /// The lists read so far, by item: what a bundle of the same answer must show.
    #[must_use]
    pub const fn lists(&self) -> &BTreeMap<String, Vec<EventRef>> {
        &self.lists
    }

    /// The statements read so far, by leaf.
    #[must_use]
    pub const fn statements(&self) -> &BTreeMap<LeafIndex, Rc<Read>> {
        &self.statements
    }

    /// Reads the statements at `leaves` that are not here yet, as long as the budget lasts.
    fn fetch(&mut self, leaves: impl Iterator<Item = LeafIndex>) -> Result<(), StoreError> {
        let mut wanted: Vec<LeafIndex> = leaves
            .filter(|leaf| !self.statements.contains_key(leaf))
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        for some in wanted.chunks(FETCH_STATEMENTS) {
            if self.body_bytes > BODY_BYTES_MAX {
                break;
            }
            self.fetch_some(some)?;
        }
        Ok(())
    }

    fn fetch_some(&mut self, wanted: &[LeafIndex]) -> Result<(), StoreError> {
        let found = self.view.entries_with_bodies(wanted)?;
        let mut parsed = Vec::with_capacity(wanted.len());
        for (leaf, pair) in wanted.iter().zip(found) {
            let (entry, body) = pair.ok_or_else(|| corrupt(*leaf, "no entry"))?;
            self.body_bytes += body.len();
            parsed.push((*leaf, parse(self.view, *leaf, &entry, &body, self.reader)?));
        }
        let keys: Vec<StateKey> = parsed
            .iter()
            .map(|(_, (statement, _))| StateKey::key(statement.header().key))
            .collect();
        let records = self.view.records(&keys)?;
        let blocks = self.view.blocks_of(wanted)?;
        for (((leaf, read), record), block) in parsed.into_iter().zip(records).zip(blocks) {
            let block = block.ok_or_else(|| corrupt(leaf, "no block"))?;
            let read = complete(leaf, read, record, block)?;
            self.statements.insert(leaf, Rc::new(read));
        }
        Ok(())
    }

    /// The statement at `leaf`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn statement(&mut self, leaf: LeafIndex) -> Result<Rc<Read>, StoreError> {
        self.fetch(std::iter::once(leaf))?;
        self.statements
            .get(&leaf)
            .cloned()
            .ok_or_else(|| corrupt(leaf, "no entry"))
    }

    fn touch(&mut self, at: EventRef) -> Result<Option<Touch>, StoreError> {
        let read = self.statement(at.leaf)?;
        let content = match self.contents.get(&at) {
            Some(content) => content.clone(),
            None => {
                let content = content_of(&read.statement, at)
                    .map_err(|why| corrupt(at.leaf, &why))?
                    .map(Rc::new);
                self.contents.insert(at, content.clone());
                content
            }
        };
        Ok(content.map(|content| Touch {
            at,
            recorded: read.recorded,
            issuer: read.issuer,
            signer: read.key.owner,
            suspect_from: read.key.suspect_from,
            content,
        }))
    }
}

/// A statement with what the store knows of its key and block.
fn complete(
    leaf: LeafIndex,
    (statement, closed): (SignedStatement, Vec<Closed>),
    record: Option<Vec<u8>>,
    block: BlockRecord,
) -> Result<Read, StoreError> {
    let (issuer, key) = match &statement.header().issuer {
        Issuer::Participant { handle, .. } => {
            let bytes = record.ok_or_else(|| corrupt(leaf, "no record of its key"))?;
            let key = KeyRecord::decode(&bytes)
                .map_err(|error| corrupt(leaf, &format!("its key's record: {error}")))?;
            (*handle, key)
        }
        // The founding entry speaks for those it names.
        Issuer::Log { .. } => founder(&statement, leaf)?,
    };
    Ok(Read {
        statement,
        issuer,
        key,
        recorded: block.time,
        block: block.header,
        closed,
    })
}

/// The founding entry's voice: the first founder, under a key record made of what it brings.
fn founder(
    statement: &SignedStatement,
    leaf: LeafIndex,
) -> Result<(Handle, KeyRecord), StoreError> {
    let Payload::Registry(payload) = statement.payload() else {
        return Err(corrupt(leaf, "a block header where a statement should be"));
    };
    let Action::Found { founders, .. } = &payload.action else {
        return Err(corrupt(leaf, "an act of the log itself"));
    };
    let (handle, _, key) = founders
        .first()
        .ok_or_else(|| corrupt(leaf, "no founder"))?;
    let record = KeyRecord {
        owner: *handle,
        public_key: key.public_key,
        added: leaf,
        retired: None,
        revoked: None,
        suspect_from: None,
    };
    Ok((*handle, record))
}

fn corrupt(leaf: LeafIndex, why: &str) -> StoreError {
    StoreError::Corrupt {
        what: "entry",
        detail: format!("leaf {leaf}: {why}"),
    }
}

fn parse<V: View>(
    view: &V,
    leaf: LeafIndex,
    entry: &[u8],
    body: &[u8],
    reader: Reader,
) -> Result<(SignedStatement, Vec<Closed>), StoreError> {
    let statement =
        SignedStatement::parse(entry).map_err(|error| corrupt(leaf, &error.to_string()))?;
    let opened = stored::open(view, &statement, body, |class| reader.sees(class))?;
    Ok((statement.with_disclosures(opened.disclosed), opened.closed))
}

/// What a statement says at one index, from the disclosures at hand; `None` where the disclosure
/// is not at hand.
pub(crate) fn content_of(
    statement: &SignedStatement,
    at: EventRef,
) -> Result<Option<Content>, String> {
    let disclosed: Option<&Disclosed> = statement
        .disclosed()
        .iter()
        .find(|one| one.index == at.index);
    match statement.payload() {
        Payload::Block(_) => Err("a block header touches nothing".to_owned()),
        Payload::Registry(payload) => {
            let restored = disclosed.map(Disclosed::restore).transpose();
            Ok(Some(Content::Registry {
                action: payload.action.clone(),
                record: restored
                    .map_err(|error| error.to_string())?
                    .unwrap_or_default(),
            }))
        }
        Payload::Events(_) => disclosed.map(event_of).transpose(),
    }
}

/// An event with the parts at hand, or its public part alone where those do not make an event:
/// admission has checked the public part, and what a signer hid behind it must not hide it too.
fn event_of(disclosed: &Disclosed) -> Result<Content, String> {
    let whole = disclosed
        .restore()
        .ok()
        .and_then(|map| Event::from_public_map(&map).ok());
    match whole {
        Some(event) => Ok(Content::Event(event)),
        None => Event::from_public_map(disclosed.disclosure.map())
            .map(Content::Event)
            .map_err(|error| error.to_string()),
    }
}

impl<V: View> Source for ViewSource<'_, V> {
    type Error = StoreError;

    fn touches(&mut self, item: &str) -> Result<Touches, StoreError> {
        let list = match self.lists.get(item) {
            Some(list) => list.clone(),
            None => {
                let list = self.view.postings(&StateKey::item(item), LIST_MAX + 1)?;
                self.lists.insert(item.to_owned(), list.clone());
                list
            }
        };
        self.fetch(list.iter().map(|at| at.leaf))?;
        let mut shown = Vec::with_capacity(list.len().min(LIST_MAX));
        for at in list.iter().take(LIST_MAX) {
            // Past the budget the list is cut, and the answer says so.
            if !self.statements.contains_key(&at.leaf) {
                break;
            }
            shown.extend(self.touch(*at)?);
        }
        Ok(Touches {
            total: u64::try_from(list.len()).unwrap_or(u64::MAX),
            shown,
        })
    }
}
