//! Event hash ids (CBV 2.0 §8.9): a name for an event that anyone computes from its content.
//!
//! `ni:///sha-256;{hex}?ver=CBV2.0` over one string, the pre-hash: fields in a fixed order, each
//! as `key=value`, lists sorted, words and identifiers as full URIs. Record time, event ID, error
//! declaration and comments are left out, so that a correction has the name of what it corrects.
//!
//! The standard's text and its published vectors disagree in places, hence two [`Profile`]s. Both
//! work from the event in normal form. Three traits of the reference tool are lost by that and
//! deliberately not reproduced: it hashes a business transaction by the order of its JSON keys,
//! rounds the millisecond half to even, and fails on a second that rounds up.

use super::context::{DocumentContext, Name, name};
use super::shape::{Kind, Shape};
use super::{Event, WITHHELD_KEY};
use crate::cbor::{Map, Value};
use crate::decimal::Decimal;
use crate::hash::Digest;
use crate::identifier::Identifier;
use std::collections::BTreeSet;

/// Whose reading of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As the reference tool, whose results are the published vectors: business documents,
    /// destinations, ilmd and sources come after the sensor data in alphabetical order, parents
    /// before objects, certificates are hashed, and what looks like a number goes through a
    /// double.
    Reference,
    /// As the text of CBV 2.0: its order throughout, certificates left out, numbers exact.
    Text,
}

/// Fields of the standard that are not hashed; the type stands in front.
const LEFT_OUT: &[&str] = &["@context", "errorDeclaration", "eventID", "type"];

/// Never hashed, at any depth.
const COMMENTS: &[&str] = &["comment", "rdfs:comment", WITHHELD_KEY];

const REFERENCE_ORDER: &[&str] = &[
    "eventTime",
    "eventTimeZoneOffset",
    "certificationInfo",
    "parentID",
    "epcList",
    "inputEPCList",
    "childEPCs",
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "action",
    "transformationID",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "readPoint",
    "bizLocation",
    "sensorElementList",
];

const TEXT_ORDER: &[&str] = &[
    "eventTime",
    "eventTimeZoneOffset",
    "epcList",
    "parentID",
    "inputEPCList",
    "childEPCs",
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "action",
    "transformationID",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
    "ilmd",
];

/// The event's hash id. Defined for whole events; one with withheld parts has another.
#[must_use]
pub fn event_hash_id(event: &Event, profile: Profile) -> String {
    let digest = Digest::of(pre_hash(event, profile, &BTreeSet::new()).as_bytes());
    format!("ni:///sha-256;{digest}?ver=CBV2.0")
}

/// The string whose SHA-256 names the event.
///
/// `ignored`: extension names, as the event writes them, to leave out. Repositories list there
/// what they add themselves.
#[must_use]
pub fn pre_hash(event: &Event, profile: Profile, ignored: &BTreeSet<&str>) -> String {
    let writer = Writer {
        context: event.context(),
        profile,
        ignored,
    };
    let order = match profile {
        Profile::Reference => REFERENCE_ORDER,
        Profile::Text => TEXT_ORDER,
    };
    let (map, shape) = (event.as_map(), event.kind().shape());
    let mut text = format!("eventType={}", event.kind().as_str());
    for key in order {
        if let (Some(value), Some(kind)) = (map.get(key), shape.kind(key)) {
            text.push_str(&writer.field(key, value, kind).concat());
        }
    }
    let mut rest = Vec::new();
    for (key, value) in map.iter().filter(|(key, _)| !order.contains(key)) {
        match shape.kind(key) {
            Some(_) if key == "certificationInfo" => {}
            Some(kind) if !LEFT_OUT.contains(&key) => rest.extend(writer.field(key, value, kind)),
            Some(_) => {}
            None => rest.extend(writer.extension(key, value)),
        }
    }
    rest.sort();
    text.push_str(&rest.concat());
    text
}

struct Writer<'a> {
    context: DocumentContext,
    profile: Profile,
    ignored: &'a BTreeSet<&'a str>,
}

impl Writer<'_> {
    /// What a field of the standard adds, sorted; nothing for an empty list.
    fn field(&self, key: &str, value: &Value, kind: Kind) -> Vec<String> {
        let (items, item_kind) = match (value, kind) {
            (Value::Array(items), Kind::List(item) | Kind::NonEmpty(item)) => (items, *item),
            (Value::Array(items), _) => {
                return sorted(
                    items
                        .iter()
                        .map(|one| self.scalar(key, one, kind))
                        .collect(),
                );
            }
            (Value::Map(map), Kind::Map(shape)) => return vec![self.map(key, map, shape)],
            (one, _) => return vec![self.scalar(key, one, kind)],
        };
        // The list's own name comes once, then its items, each under the name the XML form gives.
        let name = match key {
            "epcList" | "childEPCs" | "inputEPCList" | "outputEPCList" => "epc",
            "quantityList" | "childQuantityList" | "inputQuantityList" | "outputQuantityList" => {
                "quantityElement"
            }
            "sensorElementList" => "sensorElement",
            "bizTransactionList" | "sourceList" | "destinationList" => "",
            repeated => {
                let each = items
                    .iter()
                    .flat_map(|item| self.field(repeated, item, item_kind));
                return sorted(each.collect());
            }
        };
        if items.is_empty() {
            return Vec::new();
        }
        let each = items
            .iter()
            .flat_map(|item| self.field(name, item, item_kind))
            .collect();
        vec![format!("{key}{}", sorted(each).concat())]
    }

    fn map(&self, key: &str, map: &Map, shape: &Shape) -> String {
        let mut text = key.to_owned();
        for (name, kind) in shape.fields {
            if let Some(value) = map.get(name) {
                text.push_str(&self.field(name, value, *kind).concat());
            }
        }
        let unlisted = map.iter().filter(|(name, _)| shape.kind(name).is_none());
        let others = unlisted
            .flat_map(|(name, value)| self.extension(name, value))
            .collect();
        text.push_str(&sorted(others).concat());
        text
    }

    /// What an extension adds: `{namespace}name=value`, its parts sorted below it, a list as the
    /// same name again and again.
    fn extension(&self, key: &str, value: &Value) -> Vec<String> {
        if COMMENTS.contains(&key) || self.ignored.contains(key) {
            return Vec::new();
        }
        let full = match name(key) {
            Name::Prefixed(prefix, local) => self.context.namespace(prefix).map_or_else(
                || key.to_owned(),
                |namespace| format!("{{{namespace}}}{local}"),
            ),
            Name::Bare | Name::Absolute => key.to_owned(),
        };
        match value {
            Value::Array(items) => items
                .iter()
                .flat_map(|item| self.extension(key, item))
                .collect(),
            Value::Map(map) => {
                let inner = map
                    .iter()
                    .flat_map(|(key, value)| self.extension(key, value));
                vec![format!("{full}{}", sorted(inner.collect()).concat())]
            }
            Value::Bool(_)
            | Value::Bytes(_)
            | Value::Decimal(_)
            | Value::Int(_)
            | Value::Null
            | Value::Text(_) => vec![self.scalar(&full, value, Kind::Any)],
        }
    }

    fn scalar(&self, key: &str, value: &Value, kind: Kind) -> String {
        let text = match value {
            Value::Text(text) => self.text(text.trim(), kind),
            Value::Int(number) => self.number(number.to_string()),
            Value::Decimal(number) => self.number(plain(*number)),
            Value::Bool(truth) => truth.to_string(),
            // As the reference tool prints it; the standard is silent.
            Value::Null => "None".to_owned(),
            Value::Array(_) | Value::Bytes(_) | Value::Map(_) => String::new(),
        };
        if text.is_empty() {
            key.to_owned()
        } else {
            format!("{key}={text}")
        }
    }

    fn text(&self, text: &str, kind: Kind) -> String {
        if let Kind::Word(vocabulary) = kind {
            return vocabulary.uri(text);
        }
        if self.profile == Profile::Reference
            && let Some(number) = as_double(text)
        {
            return number;
        }
        let text = match name(text) {
            Name::Prefixed(prefix, local) => match self.context.namespace(prefix) {
                Some(namespace) if is_gs1(namespace) => format!("{namespace}{local}"),
                _ => text.to_owned(),
            },
            Name::Bare | Name::Absolute => text.to_owned(),
        };
        digital_link(&text).unwrap_or(text)
    }

    fn number(&self, exact: String) -> String {
        match self.profile {
            Profile::Reference => as_double(&exact).unwrap_or(exact),
            Profile::Text => exact,
        }
    }
}

/// The canonical GS1 Digital Link of an EPC URN or of another host's Digital Link.
fn digital_link(text: &str) -> Option<String> {
    if !["urn:epc:", "http://", "https://"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return None;
    }
    let id = Identifier::parse(text).ok()?;
    id.as_str()
        .starts_with("https://id.gs1.org/")
        .then(|| id.as_str().to_owned())
}

fn is_gs1(namespace: &str) -> bool {
    ["https://gs1.org/", "https://ref.gs1.org/"]
        .iter()
        .any(|host| namespace.starts_with(host))
}

fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort();
    items
}

/// All digits of a decimal, without an exponent.
fn plain(number: Decimal) -> String {
    let sign = if number.mantissa() < 0 { "-" } else { "" };
    let digits = number.mantissa().unsigned_abs().to_string();
    let places = usize::from(number.exponent().unsigned_abs());
    if number.exponent() >= 0 {
        return format!("{sign}{digits}{}", "0".repeat(places));
    }
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{fraction}")
}

/// What Python prints of `float(text)`, as an integer where it is one; `None` if it is no number.
///
/// The reference tool passes every value through this, codes of digits too, so that long ones
/// lose digits and zeros in front. It fails on infinity, which is kept as text here.
fn as_double(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let between_digits = |at: usize| {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    };
    if bytes
        .iter()
        .enumerate()
        .any(|(at, byte)| *byte == b'_' && !between_digits(at))
    {
        return None;
    }
    let number: f64 = text
        .replace('_', "")
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    if number.fract() == 0.0 {
        let whole = format!("{number:.0}");
        return Some(if whole == "-0" { "0".to_owned() } else { whole });
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    // Below 1e-4 Python turns to an exponent of at least two digits.
    Some(if exponent < -4 {
        format!("{digits}e-{:02}", exponent.unsigned_abs())
    } else {
        number.to_string()
    })
}
