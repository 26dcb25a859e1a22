//! Where provenance gets its events: a store's view, or a bundle.

use crate::access::open::open_list;
use crate::cbor::Map;
use crate::event::Event;
use crate::event_proof::ForeignEvent;
use crate::ids::{Handle, UnixMillis};
use crate::registry::Action;
use crate::store::EventRef;
use std::rc::Rc;

/// One statement item that touches something, with who said it and when it was recorded.
#[derive(Clone, Debug)]
pub struct Touch {
    /// Where it stands.
    pub at: EventRef,
    /// The time of its block.
    pub recorded: UnixMillis,
    /// On whose behalf it was said.
    pub issuer: Handle,
    /// Whose key signed.
    pub signer: Handle,
    /// Event times from which statements under that key are suspect, if it was revoked so.
    pub suspect_from: Option<UnixMillis>,
    /// What was said.
    pub content: Rc<Content>,
}

/// What a touching item says.
#[derive(Clone, Debug)]
pub enum Content {
    /// A traceability event, with the parts this reader may see.
    Event(Event),
    /// An act of the registry, with one record's fields, where it has any.
    Registry {
        /// The act.
        action: Action,
        /// The record.
        record: Map,
    },
    /// An event of another region's log, which somebody here imported.
    Imported(Box<ForeignEvent>),
}

impl Content {
    /// The event, whichever log it is of.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Imported(told) => Some(&told.event),
            Self::Registry { .. } => None,
        }
    }
}

impl Touch {
    /// A statement's item, said by `issuer` under a key of `signer`. Of an event of another log the
    /// issuer is whoever said it there: who imports it adds nothing of his own.
    #[must_use]
    pub fn new(
        at: EventRef,
        recorded: UnixMillis,
        (issuer, signer): (Handle, Handle),
        suspect_from: Option<UnixMillis>,
        content: Rc<Content>,
    ) -> Self {
        let told = match &*content {
            Content::Imported(told) => Some(told.issuer),
            Content::Event(_) | Content::Registry { .. } => None,
        };
        Self {
            at,
            recorded,
            issuer: told.unwrap_or(issuer),
            signer: told.unwrap_or(signer),
            suspect_from: suspect_from.filter(|_| told.is_none()),
            content,
        }
    }

    /// Where the event stands on the log that it was imported from.
    #[must_use]
    pub fn imported(&self) -> Option<&ForeignEvent> {
        match &*self.content {
            Content::Imported(told) => Some(told),
            Content::Event(_) | Content::Registry { .. } => None,
        }
    }

    /// The log on which it was said, where that is another one. Event ids are unique for an issuer on
    /// one log, and handles are each log's to give.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        self.imported().map(|told| told.log.as_str())
    }
}

/// What touches an item: the whole list, or its beginning where it is too long.
#[derive(Clone, Debug, Default)]
pub struct Touches {
    /// Length of the item's list.
    pub total: u64,
    /// Its first members, in log order; all of them unless a limit cut it.
    pub shown: Vec<Touch>,
}

/// Which of an item's two lists an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All that was said of it.
    Whole,
    /// What everyone may see in full: making, tests, stops ([`crate::access::open`]). Of hand-overs
    /// and temperature nothing is known then, and nothing is concluded.
    Open,
}

impl Scope {
    /// The name of an item's list in this scope.
    #[must_use]
    pub fn list(self, item: &str) -> String {
        match self {
            Self::Whole => item.to_owned(),
            Self::Open => open_list(item),
        }
    }
}

/// A reader of items' lists. It must give the whole list or say that it did not; a bundle proves
/// that, a store's view is trusted to.
pub trait Source {
    /// Why a list could not be read.
    type Error;

    /// What touches `item`, a canonical identifier; an empty list where the item is unknown.
    ///
    /// # Errors
    /// The source's own.
    fn touches(&mut self, item: &str) -> Result<Touches, Self::Error>;

    /// Which lists these are.
    fn scope(&self) -> Scope {
        Scope::Whole
    }

    /// How much was said of `item` altogether, whichever lists these are.
    ///
    /// # Errors
    /// The source's own.
    fn length(&mut self, item: &str) -> Result<u64, Self::Error> {
        Ok(self.touches(item)?.total)
    }

    /// The participant for whom this is read, if it proved who it is: it sees by name through whose
    /// hands the goods came to it.
    fn reader(&self) -> Option<Handle> {
        None
    }

    /// What touches each of `items`, in their order: one read instead of many, where the source
    /// can do that.
    ///
    /// # Errors
    /// The source's own.
    fn touches_of(&mut self, items: &[&str]) -> Result<Vec<Touches>, Self::Error> {
        items.iter().map(|item| self.touches(item)).collect()
    }
}
