//! Items' lists out of a store: the server's [`Source`] for provenance.

use crate::access::{Agreement, Concern, Entitled, Party, Sight, agreement_item, sight};
use crate::block::BlockRecord;
use crate::disclosure::{Class, Disclosed};
use crate::event::Event;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::provenance::source::{Content, Scope, Source, Touch, Touches};
use crate::region::read_import;
use crate::registry::{Action, RegistryPayload};
use crate::state::{ItemRecord, KeyRecord, Record as _, StateKey};
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::{EventRef, StoreError, View};
use crate::stored::{self, Closed};
use crate::token::Bearer;
use directory::{Directory, load};
use std::collections::BTreeMap;
use std::rc::Rc;

mod batch;
mod directory;
mod seen;
mod sharing;

pub use crate::access::Reader;
pub use batch::{BatchSource, CASES_BYTES_MAX, RECALL_BYTES_MAX};
pub use seen::{SEEN_MAX, Seen, seen_at};
pub use sharing::Sharing;

/// Members of one item's list that one answer reads: more is a vehicle's life, not a lot's.
pub const LIST_MAX: usize = 1000;

/// Bytes of bodies that one answer reads: many times a long chain's, and a bound on what one
/// request can make a node hold.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Statements whose bodies are read together: by so many of 4 MiB each an answer may go beyond
/// [`BODY_BYTES_MAX`].
const FETCH_STATEMENTS: usize = 8;

/// An event read in passing, and whom it concerns.
#[derive(Clone, Debug)]
pub struct Passing {
    /// Where it stands.
    pub at: EventRef,
    /// The event, with the parts that its reader may see.
    pub event: Event,
    /// How much that is.
    pub sight: Sight,
    /// Whom it concerns.
    pub concern: Concern,
    /// What of its withheld parts is put back.
    pub opened: Option<Opened>,
    /// Personal parts that its reader might see, were their keys there.
    pub closed: Vec<Closed>,
}

/// The parts of one disclosure that were put back for a reader who had to prove who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Whether a personal part is among them; else they are confidential only.
    pub personal: bool,
    /// The district of the statement's issuer: whose authority audits this read.
    pub district: String,
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
    scope: Scope,
    statements: BTreeMap<LeafIndex, Rc<Read>>,
    contents: BTreeMap<EventRef, Option<Rc<Content>>>,
    lists: BTreeMap<String, Vec<EventRef>>,
    lengths: BTreeMap<String, u64>,
    body_bytes: usize,
    directory: Directory,
    /// Of a bearer: how much of each disclosure read so far it may see, and whose it is.
    sights: BTreeMap<EventRef, (Sight, String)>,
    opened: BTreeMap<EventRef, Opened>,
}

impl<'v, V: View> ViewSource<'v, V> {
    /// A source of whole lists over `view`, with the parts that `reader` may see put back. Whom its
    /// events name is still to be limited: [`crate::access::shown`].
    pub fn new(view: &'v V, reader: Reader) -> Self {
        Self::of(view, reader, Scope::Whole)
    }

    /// A source of open lists: what anyone may see in full, and nothing else.
    pub fn open(view: &'v V) -> Self {
        Self::of(view, Reader::Public, Scope::Open)
    }

    fn of(view: &'v V, reader: Reader, scope: Scope) -> Self {
        Self {
            view,
            reader,
            scope,
            statements: BTreeMap::new(),
            contents: BTreeMap::new(),
            lists: BTreeMap::new(),
            lengths: BTreeMap::new(),
            body_bytes: 0,
            directory: Directory::default(),
            sights: BTreeMap::new(),
            opened: BTreeMap::new(),
        }
    }

    /// How much of an event that was read its reader may see.
    #[must_use]
    pub fn sight(&self, at: EventRef) -> Sight {
        match &self.reader {
            Reader::Public => Sight::Outline,
            Reader::Confidential => Sight::Confidential,
            Reader::All => Sight::Personal,
            Reader::Bearer(_) => self
                .sights
                .get(&at)
                .map_or(Sight::Outline, |(sight, _)| *sight),
        }
    }

    /// The withheld parts that were put back for a bearer: what the access record must hold before
    /// anything computed from them is shown.
    #[must_use]
    pub const fn opened(&self) -> &BTreeMap<EventRef, Opened> {
        &self.opened
    }

    /// Whether the reader may see by name every event read so far: whole lists, and so a whole
    /// bundle, hold nothing that it may not.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        match &self.reader {
            Reader::Public => false,
            Reader::Confidential | Reader::All => true,
            Reader::Bearer(_) => self.lists.values().flatten().all(|at| {
                // What was not read, because a limit was reached, nobody has shown it may see.
                self.statements.get(&at.leaf).is_some_and(|read| {
                    let open = match read.statement.payload() {
                        Payload::Events(_) => false,
                        // What it imports is an event, and it says who relied on it.
                        Payload::Registry(payload) => payload.action != Action::Import,
                        Payload::Block(_) => true,
                    };
                    open || self.sight(*at) >= Sight::Named
                })
            }),
        }
    }

    /// The events of one leaf, read in passing and not kept, each with how much of it this reader
    /// may see and its parts limited to that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn passing(
        &mut self,
        leaf: LeafIndex,
        entry: &[u8],
        body: &[u8],
    ) -> Result<Vec<Passing>, StoreError> {
        let statement =
            SignedStatement::parse(entry).map_err(|error| corrupt(leaf, &error.to_string()))?;
        let Issuer::Participant { handle: issuer, .. } = statement.header().issuer else {
            return Ok(Vec::new());
        };
        if !matches!(statement.payload(), Payload::Events(_)) {
            return Ok(Vec::new());
        }
        let key: Option<KeyRecord> = load(self.view, StateKey::key(statement.header().key))?;
        let signer = key
            .ok_or_else(|| corrupt(leaf, "no record of its key"))?
            .owner;
        let concerns = self.concerns(leaf, issuer, signer, &statement, body)?;
        let reader = self.reader.clone();
        let sights: BTreeMap<u16, Sight> = concerns
            .iter()
            .map(|(index, concern)| (*index, sight(&reader, concern)))
            .collect();
        let sees = |index, class: Class| {
            sights
                .get(&index)
                .is_some_and(|sight| class.opens_at() <= *sight)
        };
        let opened = stored::open(self.view, &statement, body, sees)?;
        let mut found = Vec::with_capacity(opened.disclosed.len());
        for (one, (index, concern)) in opened.disclosed.iter().zip(concerns) {
            let personal = one.parts.iter().any(|part| part.class() == Class::Personal);
            let shows = reader.bearer().is_some() && !one.parts.is_empty();
            let district = concern.issuer.district.clone();
            let closed = opened.closed.iter().filter(|part| part.index == index);
            let Content::Event(event) = event_of(one).map_err(|why| corrupt(leaf, &why))? else {
                continue;
            };
            found.push(Passing {
                at: EventRef { leaf, index },
                event,
                sight: sights.get(&index).copied().unwrap_or(Sight::Outline),
                concern,
                opened: shows.then_some(Opened { personal, district }),
                closed: closed.copied().collect(),
            });
        }
        Ok(found)
    }

    /// Notes that withheld parts of an event read in passing are about to be shown.
    pub fn note(&mut self, at: EventRef, opened: Opened) {
        self.opened.insert(at, opened);
    }

    /// Whether an event stands on the open list of anything it names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_open(&self, at: EventRef, event: &Event) -> Result<bool, StoreError> {
        for item in event.items() {
            let key = StateKey::item(&Scope::Open.list(&item));
            if self.view.postings(&key, LIST_MAX)?.contains(&at) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Items whose lists' lengths were asked for, without the lists.
    #[must_use]
    pub const fn lengths(&self) -> &BTreeMap<String, u64> {
        &self.lengths
    }

    /// A participant with its district, by the newest state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn party(&mut self, handle: Handle) -> Result<Party, StoreError> {
        self.directory.party(self.view, handle)
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
            let statement = SignedStatement::parse(&entry)
                .map_err(|error| corrupt(*leaf, &error.to_string()))?;
            parsed.push((*leaf, statement, body));
        }
        let keys: Vec<StateKey> = parsed
            .iter()
            .map(|(_, statement, _)| StateKey::key(statement.header().key))
            .collect();
        let records = self.view.records(&keys)?;
        let blocks = self.view.blocks_of(wanted)?;
        for (((leaf, statement, body), record), block) in
            parsed.into_iter().zip(records).zip(blocks)
        {
            let block = block.ok_or_else(|| corrupt(leaf, "no block"))?;
            let mut read = complete(leaf, (statement, Vec::new()), record, block)?;
            let opened =
                self.open_body(leaf, read.issuer, read.key.owner, &read.statement, &body)?;
            read.statement = read.statement.with_disclosures(opened.disclosed);
            read.closed = opened.closed;
            self.statements.insert(leaf, Rc::new(read));
        }
        Ok(())
    }

    /// A statement's disclosures with those parts only that this reader may see.
    fn open_body(
        &mut self,
        leaf: LeafIndex,
        issuer: Handle,
        signer: Handle,
        statement: &SignedStatement,
        body: &[u8],
    ) -> Result<stored::Opened, StoreError> {
        match &self.reader {
            Reader::Public => return stored::open(self.view, statement, body, |_, _| false),
            Reader::Confidential => {
                let plain = |_, class| class == Class::Confidential;
                return stored::open(self.view, statement, body, plain);
            }
            Reader::All => return stored::open(self.view, statement, body, |_, _| true),
            Reader::Bearer(_) => {}
        }
        let mut sights = BTreeMap::new();
        for (index, concern) in self.concerns(leaf, issuer, signer, statement, body)? {
            let sight = sight(&self.reader, &concern);
            sights.insert(index, sight);
            let at = EventRef { leaf, index };
            self.sights.insert(at, (sight, concern.issuer.district));
        }
        let sees = |index, class: Class| {
            let sight = sights.get(&index).copied();
            sight.is_some_and(|sight| class.opens_at() <= sight)
        };
        stored::open(self.view, statement, body, sees)
    }

    /// Whom each disclosure of a statement concerns, by index.
    fn concerns(
        &mut self,
        leaf: LeafIndex,
        issuer: Handle,
        signer: Handle,
        statement: &SignedStatement,
        body: &[u8],
    ) -> Result<Vec<(u16, Concern)>, StoreError> {
        if body.is_empty() {
            return Ok(Vec::new());
        }
        let stored = stored::decode(body).map_err(|error| corrupt(leaf, &error.to_string()))?;
        let act = match statement.payload() {
            Payload::Registry(payload) => Some(&payload.action),
            Payload::Events(_) | Payload::Block(_) => None,
        };
        let mut found = Vec::with_capacity(stored.len());
        for one in &stored {
            let concern = self
                .directory
                .concern(self.view, issuer, signer, act, one)?;
            found.push((one.index, concern));
        }
        Ok(found)
    }

    /// Notes that the withheld parts of a disclosure are about to be used.
    fn note_opened(&mut self, read: &Read, at: EventRef) {
        let Some((_, district)) = self.sights.get(&at) else {
            return;
        };
        let disclosed = read.statement.disclosed();
        let Some(one) = disclosed.iter().find(|one| one.index == at.index) else {
            return;
        };
        if one.parts.is_empty() {
            return;
        }
        let personal = one.parts.iter().any(|part| part.class() == Class::Personal);
        let district = district.clone();
        self.opened.insert(at, Opened { personal, district });
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
                self.note_opened(&read, at);
                let content = content_of(&read.statement, at)
                    .map_err(|why| corrupt(at.leaf, &why))?
                    .map(Rc::new);
                self.contents.insert(at, content.clone());
                content
            }
        };
        let who = (read.issuer, read.key.owner);
        let suspect = read.key.suspect_from;
        Ok(content.map(|content| Touch::new(at, read.recorded, who, suspect, content)))
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

/// A proved participant with the agreements that hold for it at `now`: of each authority the
/// newest.
///
/// # Errors
/// [`StoreError`].
pub fn entitled<V: View>(
    view: &V,
    bearer: Bearer,
    wants: Sight,
    now: UnixMillis,
) -> Result<Entitled, StoreError> {
    let mut source = ViewSource::new(view, Reader::Public);
    let mut newest: BTreeMap<Handle, Agreement> = BTreeMap::new();
    for touch in source.touches(&agreement_item(bearer.handle()))?.shown {
        if let Content::Registry { record, .. } = &*touch.content
            && let Ok(agreement) = Agreement::read(record)
        {
            newest.insert(touch.issuer, agreement);
        }
    }
    let agreements = newest
        .into_values()
        .filter(|agreement| agreement.holds(now))
        .collect();
    Ok(Entitled {
        bearer,
        agreements,
        wants,
    })
}

/// How many members an item's list has.
///
/// # Errors
/// [`StoreError`].
pub fn length<V: View>(view: &V, item: &str) -> Result<u64, StoreError> {
    let record: Option<ItemRecord> = load(view, StateKey::item(item))?;
    Ok(record.map_or(0, |record| record.size))
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
        Payload::Registry(RegistryPayload {
            action: Action::Import,
            ..
        }) => disclosed.map(imported_of).transpose(),
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

/// The event of another log that a record imports. This log has verified the proof in it, by the
/// policy of then, as an auditor does again.
fn imported_of(disclosed: &Disclosed) -> Result<Content, String> {
    let (_, proof) = read_import(disclosed.disclosure.map()).map_err(|error| error.to_string())?;
    let told = proof.told().map_err(|error| error.to_string())?;
    Ok(Content::Imported(Box::new(told)))
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

    fn scope(&self) -> Scope {
        self.scope
    }

    fn reader(&self) -> Option<Handle> {
        self.reader.bearer().map(Bearer::handle)
    }

    fn length(&mut self, item: &str) -> Result<u64, StoreError> {
        if let Some(length) = self.lengths.get(item) {
            return Ok(*length);
        }
        let length = length(self.view, item)?;
        self.lengths.insert(item.to_owned(), length);
        Ok(length)
    }

    fn touches(&mut self, item: &str) -> Result<Touches, StoreError> {
        let name = self.scope.list(item);
        let list = match self.lists.get(&name) {
            Some(list) => list.clone(),
            None => {
                let list = self.view.postings(&StateKey::item(&name), LIST_MAX + 1)?;
                self.lists.insert(name, list.clone());
                list
            }
        };
        // The one too many only tells that there are more.
        self.fetch(list.iter().take(LIST_MAX).map(|at| at.leaf))?;
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
