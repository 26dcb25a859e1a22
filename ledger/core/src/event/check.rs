//! From a value tree to an event's normal form, with every fault on the way.

use super::context::{DocumentContext, Name, name};
use super::error::{EventError, EventFault, Path};
use super::shape::{Kind, Others, Required, Shape};
use super::{Action, EventKind};
use crate::cbor::{Map, Value};
use crate::hash::Digest;
use crate::identifier::Identifier;
use crate::time;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The key that marks parts withheld from a map (design of the disclosure).
pub const WITHHELD_KEY: &str = "";

/// Faults reported for one event: enough to mend it, too few to fill memory.
const FAULTS_MAX: usize = 64;

/// Whether parts of an event may be withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// Everything is there.
    Whole,
    /// The reserved key may stand for fields that are not shown.
    MayBeWithheld,
}

/// One walk through one event.
pub(super) struct Check {
    context: DocumentContext,
    parts: Parts,
    path: Path,
    used: BTreeSet<String>,
    faults: Vec<EventError>,
}

/// Brings an event into normal form.
///
/// # Errors
/// Every fault found, at most 64, in the order of the walk.
pub(super) fn normalise(
    event: Map,
    mut context: DocumentContext,
    parts: Parts,
    prefix: &str,
) -> Result<Map, Vec<EventError>> {
    let mut path = Path::new(prefix.to_owned());
    if let Some(own) = event.get("@context") {
        let here = path.len();
        path.key("@context");
        context.add(own, &path).map_err(|error| vec![error])?;
        path.back_to(here);
    }
    let mut check = Check {
        context,
        parts,
        path,
        used: BTreeSet::new(),
        faults: Vec::new(),
    };
    let map = check.event(event);
    if check.faults.is_empty() {
        Ok(map)
    } else {
        Err(check.faults)
    }
}

impl Check {
    fn event(&mut self, mut event: Map) -> Map {
        let Some(kind) = event
            .get("type")
            .and_then(Value::as_text)
            .and_then(EventKind::parse)
        else {
            let why = match event.get("type") {
                None => EventFault::MissingField("type"),
                Some(Value::Text(_)) => EventFault::UnknownType,
                Some(_) => EventFault::WrongKind { expected: "text" },
            };
            self.fault_at("type", why);
            return event;
        };
        // The record time is the ledger's to say, and `id` is what JSON-LD calls the event ID.
        event.remove("recordTime");
        if event.get("eventID").is_none()
            && let Some(id) = event.remove("id")
        {
            event.insert("eventID", id);
        }
        let mut event = self.map(event, kind.shape());
        self.rules(&event, kind);
        event.remove("@context");
        for keyword in self.context.keywords() {
            self.used.insert(keyword.to_owned());
        }
        if let Some(context) = self.context.only(&self.used) {
            event.insert("@context", context);
        }
        event
    }

    /// What the standard asks of several fields together (EPCIS 2.0 §7.4; EPCIS JSON Schema).
    fn rules(&mut self, event: &Map, kind: EventKind) {
        let has = |key: &str| event.get(key).is_some();
        let some = |key: &str| {
            event
                .get(key)
                .and_then(Value::as_array)
                .is_some_and(|items| !items.is_empty())
        };
        let action = event
            .get("action")
            .and_then(Value::as_text)
            .and_then(Action::parse);
        let delete = action == Some(Action::Delete);
        let shown = event.get(WITHHELD_KEY).is_none();
        match kind {
            EventKind::Object => {
                let sensed = some("sensorElementList") && has("readPoint");
                if shown && !has("epcList") && !some("quantityList") && !sensed {
                    self.fault(EventFault::NoWhat);
                }
                if has("ilmd") && action != Some(Action::Add) {
                    self.fault_at("ilmd", EventFault::IlmdWithoutAdd);
                }
            }
            EventKind::Aggregation | EventKind::Association => {
                if shown && !some("childEPCs") && !some("childQuantityList") && !delete {
                    self.fault(EventFault::NoWhat);
                }
                let needed = matches!(action, Some(Action::Add | Action::Delete));
                if kind == EventKind::Aggregation && needed && !has("parentID") {
                    self.fault(EventFault::ParentMissing);
                }
            }
            EventKind::Transaction => {
                if shown && !has("epcList") && !some("quantityList") && !delete {
                    self.fault(EventFault::NoWhat);
                }
                if event.get("bizTransactionList").is_some() && !some("bizTransactionList") {
                    self.fault_at("bizTransactionList", EventFault::Empty);
                }
            }
            EventKind::Transformation => {
                let input = some("inputEPCList") || some("inputQuantityList");
                let output = some("outputEPCList") || some("outputQuantityList");
                let joined = has("transformationID") && (input || output);
                if shown && !(input && output) && !joined {
                    self.fault(EventFault::TransformationSideMissing);
                }
            }
        }
    }

    fn map(&mut self, mut map: Map, shape: &Shape) -> Map {
        let withheld = map.get(WITHHELD_KEY).is_some();
        for required in shape.required {
            let (name, may_lack) = match required {
                Required::Always(name) => (*name, false),
                Required::UnlessWithheld(name) => (*name, withheld),
            };
            if map.get(name).is_none() && !may_lack {
                self.fault(EventFault::MissingField(name));
            }
        }
        let here = self.path.len();
        for (key, slot) in map.iter_mut() {
            self.path.key(key);
            let value = std::mem::replace(slot, Value::Null);
            *slot = match shape.kind(key) {
                _ if key == WITHHELD_KEY => self.withheld(value),
                Some(kind) => self.field(value, kind),
                None => {
                    self.extension_name(key, shape.others);
                    self.extension(value)
                }
            };
            self.path.back_to(here);
        }
        map
    }

    fn field(&mut self, value: Value, kind: Kind) -> Value {
        match kind {
            Kind::Any => self.extension(value),
            Kind::Context | Kind::Type => value,
            Kind::Bool if matches!(value, Value::Bool(_)) => value,
            Kind::Bool => self.wrong(value, "true or false"),
            Kind::Number if matches!(value, Value::Int(_) | Value::Decimal(_)) => value,
            Kind::Number => self.wrong(value, "a number"),
            Kind::Map(shape) => {
                let Value::Map(map) = value else {
                    return self.wrong(value, "an object");
                };
                Value::Map(self.map(map, shape))
            }
            Kind::List(item) => self.list(value, *item),
            Kind::NonEmpty(item) => {
                if value.as_array().is_some_and(<[Value]>::is_empty) {
                    self.fault(EventFault::Empty);
                }
                self.list(value, *item)
            }
            Kind::OneOrManyUris if value.as_array().is_some() => self.list(value, Kind::Uri),
            Kind::OneOrManyUris => self.field(value, Kind::Uri),
            Kind::Action
            | Kind::Hex
            | Kind::Id
            | Kind::Offset
            | Kind::Text
            | Kind::Time
            | Kind::Unit
            | Kind::Uri
            | Kind::Word(_) => {
                let Value::Text(text) = value else {
                    return self.wrong(value, "text");
                };
                Value::Text(self.text(text, kind))
            }
        }
    }

    /// A text field's normal form; the text itself where it has none, or is it.
    fn text(&mut self, text: String, kind: Kind) -> String {
        let is = |normal: bool| normal.then_some(Cow::Borrowed(text.as_str()));
        let normal = match kind {
            Kind::Action => is(Action::parse(&text).is_some()).ok_or(EventFault::WrongKind {
                expected: "ADD, OBSERVE or DELETE",
            }),
            Kind::Hex => is(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .ok_or(EventFault::BadHex),
            Kind::Id => Identifier::parse(&self.context.expand(&text))
                .map(|id| id.into_uri().into())
                .map_err(EventFault::BadIdentifier),
            Kind::Offset => is(is_offset(&text)).ok_or(EventFault::BadOffset),
            Kind::Time => normal_time(&text)
                .map(Cow::Owned)
                .ok_or(EventFault::BadTime),
            Kind::Unit => is(is_unit(&text)).ok_or(EventFault::BadUnit),
            Kind::Uri if name(&text) == Name::Bare => {
                Err(EventFault::WrongKind { expected: "a URI" })
            }
            Kind::Uri => Ok(self.context.expand(&text)),
            Kind::Word(vocabulary) => match self.context.expand(&text) {
                Cow::Borrowed(word) => vocabulary.normal(word).map(Cow::Borrowed),
                Cow::Owned(uri) => vocabulary.normal(&uri).map(|word| word.to_owned().into()),
            }
            .ok_or(EventFault::UnknownWord(vocabulary.name)),
            Kind::Any
            | Kind::Bool
            | Kind::Context
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::NonEmpty(_)
            | Kind::Number
            | Kind::OneOrManyUris
            | Kind::Text
            | Kind::Type => return text,
        };
        match normal {
            // Most are in normal form, and stay where they are.
            Ok(normal) if normal == text => text,
            Ok(normal) => normal.into_owned(),
            Err(why) => {
                self.fault(why);
                text
            }
        }
    }

    fn list(&mut self, value: Value, item: Kind) -> Value {
        let Value::Array(items) = value else {
            return self.wrong(value, "an array");
        };
        let here = self.path.len();
        let mut normal = Vec::with_capacity(items.len());
        for (at, value) in items.into_iter().enumerate() {
            self.path.index(at);
            normal.push(self.field(value, item));
            self.path.back_to(here);
        }
        Value::Array(normal)
    }

    fn extension_name(&mut self, key: &str, others: Others) {
        match (name(key), others) {
            (_, Others::Refused) => self.fault(EventFault::UnknownField),
            (Name::Bare, _) if self.context.declares(key) && !key.starts_with('@') => {
                self.used.insert(key.to_owned());
            }
            (Name::Bare, Others::Extensions) => self.fault(EventFault::UnknownField),
            (Name::Bare, Others::Any) | (Name::Absolute, _) => {}
            (Name::Prefixed(prefix, _), _) => self.prefix(prefix),
        }
    }

    fn prefix(&mut self, prefix: &str) {
        // A withheld @context may be what declares it.
        if self.context.knows(prefix) || self.parts == Parts::MayBeWithheld {
            self.used.insert(prefix.to_owned());
        } else {
            self.fault(EventFault::UndeclaredPrefix(prefix.to_owned()));
        }
    }

    /// Extension values stay as they are; their names are noted, so that the event stands alone.
    fn extension(&mut self, value: Value) -> Value {
        match value {
            Value::Map(map) => Value::Map(self.map(
                map,
                &Shape {
                    fields: &[],
                    required: &[],
                    others: Others::Any,
                },
            )),
            Value::Array(_) => self.list(value, Kind::Any),
            Value::Bytes(_) => self.wrong(value, "a JSON value"),
            Value::Text(text) => {
                if let Name::Prefixed(prefix, _) = name(&text)
                    && self.context.declares(prefix)
                {
                    self.used.insert(prefix.to_owned());
                }
                Value::Text(text)
            }
            other @ (Value::Bool(_) | Value::Decimal(_) | Value::Int(_) | Value::Null) => other,
        }
    }

    fn withheld(&mut self, value: Value) -> Value {
        if self.parts == Parts::Whole {
            self.fault(EventFault::ReservedKey);
            return value;
        }
        let is_digest = |item: &Value| matches!(item, Value::Bytes(bytes) if Digest::from_slice(bytes).is_some());
        if !value
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(is_digest))
        {
            self.fault(EventFault::BadWithheld);
        }
        value
    }

    fn wrong(&mut self, value: Value, expected: &'static str) -> Value {
        self.fault(EventFault::WrongKind { expected });
        value
    }

    fn fault_at(&mut self, key: &str, why: EventFault) {
        let here = self.path.len();
        self.path.key(key);
        self.fault(why);
        self.path.back_to(here);
    }

    fn fault(&mut self, why: EventFault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(self.path.error(why));
        }
    }
}

/// UTC with milliseconds, and only moments whose form reads back: years 0000 to 9999.
fn normal_time(text: &str) -> Option<String> {
    let at = time::parse(text)?;
    let form = time::format_utc(at);
    (form == text || time::parse(&form) == Some(at)).then_some(form)
}

/// `±hh:mm`, at most 14 hours (EPCIS 2.0 JSON Schema, eventTimeZoneOffset).
fn is_offset(text: &str) -> bool {
    let &[sign, h1, h2, b':', m1, m2] = text.as_bytes() else {
        return false;
    };
    let digits = [h1, h2, m1, m2];
    matches!(sign, b'+' | b'-')
        && digits.iter().all(u8::is_ascii_digit)
        && m1 <= b'5'
        && (h1 == b'0' || (h1 == b'1' && (h2 <= b'3' || digits == *b"1400")))
}

/// Two or three capitals and digits (EPCIS 2.0 JSON Schema, uom).
fn is_unit(text: &str) -> bool {
    (2..=3).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
