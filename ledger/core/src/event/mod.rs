//! EPCIS 2.0 events (ISO/IEC 19987:2024): what happened to which objects, when, where and why.
//!
//! An [`Event`] keeps everything its document said, in the field names of EPCIS JSON, extensions
//! included, and holding one is the proof that it was checked. Inside the ledger it has one form:
//! standard words bare, identifiers canonical, times in UTC with milliseconds, numbers exact, and
//! under `@context` just the terms it uses, so that it stands alone. All other text is kept byte
//! for byte. The record time is the ledger's and no part of it.
//!
//! **Invariant:** an event has exactly one encoding; reading it back gives the same event.
//!
//! Sources: EPCIS 2.0 §7, CBV 2.0, EPCIS 2.0 JSON Schema.

mod check;
mod context;
pub mod document;
mod error;
pub mod hash_id;
mod json;
mod shape;
mod view;
mod vocabulary;

pub use check::WITHHELD_KEY;
pub use context::{DocumentContext, EPCIS_CONTEXT};
pub use error::{EventError, EventFault};
pub(crate) use json::from_map as json_of_map;
pub use view::{
    ErrorDeclaration, ObjectRef, PersistentDisposition, Quantity, Role, SensorElement,
    SensorReport, SensorTime,
};

use crate::cbor::{Map, Value, Writer};
use crate::ids::UnixMillis;
use crate::time;
use check::Parts;
use error::Path;

/// Namespace of GS1's instance and lot master data (CBV 2.0 §10.2).
pub const MASTER_DATA: &str = "urn:epcglobal:cbv:mda:";

/// Namespace of this ledger's own public vocabulary: tests, certificates, origins, recalls.
pub const VOCABULARY: &str = "https://ref.suyuan.example/voc/";

/// Bytes of one encoded event: room for some two thousand objects, small enough to hash at once.
pub const EVENT_SIZE_MAX_BYTES: usize = 256 * 1024;

/// What most events take when encoded.
const COMMON_BYTES: usize = 512;

/// The five kinds of event (EPCIS 2.0 §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// Objects put into or taken out of a parent.
    Aggregation,
    /// Objects lastingly linked to a parent, such as a sensor to a vehicle.
    Association,
    /// Something happened to objects.
    Object,
    /// Objects linked to a business document.
    Transaction,
    /// Inputs used up, outputs made.
    Transformation,
}

impl EventKind {
    /// Reads the `type` of an event.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Aggregation,
            Self::Association,
            Self::Object,
            Self::Transaction,
            Self::Transformation,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }

    /// The `type` of an event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aggregation => "AggregationEvent",
            Self::Association => "AssociationEvent",
            Self::Object => "ObjectEvent",
            Self::Transaction => "TransactionEvent",
            Self::Transformation => "TransformationEvent",
        }
    }

    const fn shape(self) -> &'static shape::Shape {
        match self {
            Self::Aggregation => &shape::AGGREGATION,
            Self::Association => &shape::ASSOCIATION,
            Self::Object => &shape::OBJECT,
            Self::Transaction => &shape::TRANSACTION,
            Self::Transformation => &shape::TRANSFORMATION,
        }
    }
}

/// How an event relates to the life of its objects (EPCIS 2.0 §7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Begins: created, packed, linked.
    Add,
    /// Ends: destroyed, unpacked, unlinked.
    Delete,
    /// Seen.
    Observe,
}

impl Action {
    /// Reads an `action`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Add, Self::Delete, Self::Observe]
            .into_iter()
            .find(|one| one.as_str() == text)
    }

    /// The `action` as EPCIS writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Delete => "DELETE",
            Self::Observe => "OBSERVE",
        }
    }
}

/// One checked event in normal form. Some of its parts may be withheld (see [`Event::is_whole`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    map: Map,
    kind: EventKind,
    time: UnixMillis,
}

impl Event {
    /// Reads one event of a document whose `@context` is `context`.
    ///
    /// # Errors
    /// The first fault that [`Self::check_json`] finds.
    pub fn from_json(
        json: &serde_json::Value,
        context: &DocumentContext,
    ) -> Result<Self, EventError> {
        Self::read_json(json, context, "").map_err(first)
    }

    /// Every fault of one event, at most 64, with paths below the event. Empty if it is one.
    #[must_use]
    pub fn check_json(json: &serde_json::Value, context: &DocumentContext) -> Vec<EventError> {
        Self::read_json(json, context, "").err().unwrap_or_default()
    }

    /// As [`Self::from_json`], with paths below `prefix` and every fault.
    pub(crate) fn read_json(
        json: &serde_json::Value,
        context: &DocumentContext,
        prefix: &str,
    ) -> Result<Self, Vec<EventError>> {
        let mut path = Path::new(prefix.to_owned());
        let one = |error| vec![error];
        let Value::Map(map) = json::to_value(json, &mut path).map_err(one)? else {
            let expected = "an object";
            return Err(one(path.error(EventFault::WrongKind { expected })));
        };
        let map = check::normalise(map, context.clone(), Parts::Whole, prefix)?;
        let event = Self::dated(map).and_then(Self::sized);
        event.map_err(|why| one(path.error(why)))
    }

    /// An event of the ledger, whole.
    ///
    /// # Errors
    /// As [`Self::from_json`]; `NotNormal` where `value` has another normal form than itself.
    pub fn from_value(value: Value) -> Result<Self, EventError> {
        let Value::Map(map) = value else {
            return Err(root_error(EventFault::WrongKind {
                expected: "an object",
            }));
        };
        Self::from_parts(&map, Parts::Whole)?
            .sized()
            .map_err(root_error)
    }

    /// An event of the ledger of which parts may be withheld.
    ///
    /// Under [`WITHHELD_KEY`] any map may hold the 32-byte digests of such parts; fields that are
    /// otherwise required may then be missing from it. Never missing are type, time, offset,
    /// action, and the identifiers of parents and of classes. The limit on its bytes is kept where
    /// they are read: here, and by disclosures, which have the same.
    ///
    /// # Errors
    /// As [`Self::from_value`] but `TooLarge`; `BadWithheld`.
    pub fn from_public_map(map: &Map) -> Result<Self, EventError> {
        Self::from_parts(map, Parts::MayBeWithheld)
    }

    /// As [`Self::from_value`], from bytes.
    ///
    /// # Errors
    /// As [`Self::from_value`]; `TooLarge` before anything is read; `BadEncoding`.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventError> {
        Self::from_value(decode(bytes)?)
    }

    /// An event that admission has checked, of which parts may be withheld: only its type and time
    /// are looked at again.
    pub(crate) fn from_admitted(map: Map) -> Option<Self> {
        let text = |key| map.get(key).and_then(Value::as_text);
        let kind = text("type").and_then(EventKind::parse)?;
        let time = text("eventTime").and_then(time::parse)?;
        Some(Self { map, kind, time })
    }

    /// As [`Self::from_public_map`], from bytes.
    ///
    /// # Errors
    /// As [`Self::from_public_map`]; `TooLarge` before anything is read; `BadEncoding`.
    pub fn decode_public(bytes: &[u8]) -> Result<Self, EventError> {
        let Value::Map(map) = decode(bytes)? else {
            return Err(root_error(EventFault::WrongKind {
                expected: "an object",
            }));
        };
        Self::from_public_map(&map)
    }

    fn from_parts(map: &Map, parts: Parts) -> Result<Self, EventError> {
        let context = DocumentContext::default();
        let mut normal = check::normalise(map.clone(), context, parts, "").map_err(first)?;
        // What is withheld may use terms that nothing shown uses.
        if parts == Parts::MayBeWithheld
            && let Some(context) = map.get("@context")
        {
            normal.insert("@context", context.clone());
        }
        if normal != *map {
            let differs = |key: &&str| normal.get(key) != map.get(key);
            let mut path = Path::default();
            if let Some(key) = map.iter().map(|(key, _)| key).find(differs) {
                path.key(key);
            }
            return Err(path.error(EventFault::NotNormal));
        }
        Self::dated(normal).map_err(root_error)
    }

    fn dated(map: Map) -> Result<Self, EventFault> {
        let text = |key| map.get(key).and_then(Value::as_text);
        let kind = text("type")
            .and_then(EventKind::parse)
            .ok_or(EventFault::UnknownType)?;
        let time = text("eventTime")
            .and_then(time::parse)
            .ok_or(EventFault::BadTime)?;
        Ok(Self { map, kind, time })
    }

    fn sized(self) -> Result<Self, EventFault> {
        if self.encode().len() > EVENT_SIZE_MAX_BYTES {
            return Err(EventFault::TooLarge {
                limit_bytes: EVENT_SIZE_MAX_BYTES,
            });
        }
        Ok(self)
    }

    /// The event's one encoding: a deterministic CBOR map.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(COMMON_BYTES);
        writer.value_map(&self.map);
        writer.finish()
    }

    /// The event as a value tree.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Map(self.map.clone())
    }

    /// The event's fields.
    #[must_use]
    pub const fn as_map(&self) -> &Map {
        &self.map
    }

    /// The event as EPCIS JSON that stands alone, the standard's context included.
    ///
    /// Withheld parts leave no trace, so that such an event may lack required fields.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = json::from_map(&self.map);
        let mut contexts = vec![EPCIS_CONTEXT.into()];
        match json.remove("@context") {
            None => {}
            Some(serde_json::Value::Array(own)) => contexts.extend(own),
            Some(own) => contexts.push(own),
        }
        json.insert("@context".to_owned(), contexts.into());
        json.into()
    }
}

fn decode(bytes: &[u8]) -> Result<Value, EventError> {
    if bytes.len() > EVENT_SIZE_MAX_BYTES {
        return Err(root_error(EventFault::TooLarge {
            limit_bytes: EVENT_SIZE_MAX_BYTES,
        }));
    }
    Value::decode(bytes).map_err(|why| root_error(EventFault::BadEncoding(why)))
}

fn root_error(why: EventFault) -> EventError {
    Path::default().error(why)
}

fn first(faults: Vec<EventError>) -> EventError {
    faults
        .into_iter()
        .next()
        .expect("a refusal has at least one fault")
}

#[cfg(test)]
mod tests;
