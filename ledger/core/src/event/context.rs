//! JSON-LD contexts, as far as EPCIS documents need them: which name stands for which namespace.
//!
//! Nothing is fetched. The standard's own contexts are known by name; another address is kept with
//! the events that may depend on it, since what it declares cannot be known here.

use super::error::{EventError, EventFault, Path};
use super::json;
use crate::cbor::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The EPCIS 2.0 context every document names.
pub const EPCIS_CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// Prefixes the standard context declares.
const STANDARD: &[(&str, &str)] = &[
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("cbvmda", "urn:epcglobal:cbv:mda:"),
    ("dcterms", "http://purl.org/dc/terms/"),
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("gs1", "https://gs1.org/voc/"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// Schemes of URIs that stand without `//`, so that `urn:x` is no name with the prefix `urn`.
const SCHEMES: &[&str] = &[
    "cid", "data", "did", "doi", "geo", "info", "mailto", "mid", "ni", "oid", "sms", "tag", "tel",
    "urn", "uuid",
];

/// What a document's or an event's `@context` declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentContext {
    /// Term → namespace or JSON-LD term definition.
    terms: Map,
    /// Addresses of contexts other than the standard's, in order.
    foreign: Vec<String>,
}

/// What stands before a name's first colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// No colon: a plain word.
    Bare,
    /// A URI with a scheme of its own.
    Absolute,
    /// `prefix:local`.
    Prefixed(&'a str, &'a str),
}

/// Tells words, URIs and prefixed names apart (JSON-LD 1.1 §5.2.2).
pub(super) fn name(text: &str) -> Name<'_> {
    match text.split_once(':') {
        None => Name::Bare,
        Some((prefix, local)) if local.starts_with("//") || is_scheme(prefix) => Name::Absolute,
        Some((prefix, local)) => Name::Prefixed(prefix, local),
    }
}

fn is_scheme(prefix: &str) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(prefix))
}

/// Addresses of contexts by others: real documents name two or three, and each lookup of an
/// extension passes over all.
const FOREIGN_MAX: usize = 16;

/// Terms declared: real documents declare a handful.
const TERMS_MAX: usize = 256;

impl DocumentContext {
    /// Reads a document's `@context`; `None` declares nothing beyond the standard.
    ///
    /// # Errors
    /// `BadContext`, `BadNumber`, `TooDeep`, with paths below `/@context`.
    pub fn from_json(context: Option<&serde_json::Value>) -> Result<Self, EventError> {
        let mut read = Self::default();
        let mut path = Path::new("/@context".to_owned());
        if let Some(context) = context {
            read.add(&json::to_value(context, &mut path)?, &path)?;
        }
        Ok(read)
    }

    /// Adds what `context` declares; later declarations replace earlier ones (JSON-LD 1.1 §4.1).
    pub(super) fn add(&mut self, context: &Value, path: &Path) -> Result<(), EventError> {
        let bad = || path.error(EventFault::BadContext);
        match context {
            Value::Null => {}
            Value::Text(address) if is_standard(address) => {}
            Value::Text(address) => {
                if self.foreign.len() >= FOREIGN_MAX {
                    return Err(bad());
                }
                if !self.foreign.contains(address) {
                    self.foreign.push(address.clone());
                }
            }
            Value::Map(terms) => {
                if self.terms.len() + terms.len() > TERMS_MAX {
                    return Err(bad());
                }
                for (term, definition) in terms.iter() {
                    let keyword = term.starts_with('@');
                    if !keyword
                        && !matches!(definition, Value::Text(_) | Value::Map(_) | Value::Null)
                    {
                        return Err(bad());
                    }
                    self.terms.insert(term, definition.clone());
                }
            }
            Value::Array(several) => {
                for one in several {
                    if one.as_array().is_some() {
                        return Err(bad());
                    }
                    self.add(one, path)?;
                }
            }
            Value::Bool(_) | Value::Bytes(_) | Value::Decimal(_) | Value::Int(_) => {
                return Err(bad());
            }
        }
        Ok(())
    }

    /// Whether `term` is declared here, as opposed to by the standard.
    pub(super) fn declares(&self, term: &str) -> bool {
        self.terms.get(term).is_some()
    }

    /// Whether `term` may be used.
    pub(super) fn knows(&self, term: &str) -> bool {
        self.declares(term) || standard(term).is_some() || !self.foreign.is_empty()
    }

    /// The namespace `prefix` stands for.
    pub(super) fn namespace(&self, prefix: &str) -> Option<&str> {
        let declared = match self.terms.get(prefix) {
            None => return standard(prefix),
            Some(Value::Map(definition)) => definition.get("@id").and_then(Value::as_text),
            Some(definition) => definition.as_text(),
        };
        // A namespace written with another prefix stays unexpanded, so that expanding twice
        // gives what expanding once gave.
        declared.filter(|namespace| name(namespace) == Name::Absolute)
    }

    /// `prefix:local` written out, where the prefix is known; anything else as it is.
    pub(super) fn expand<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match name(text) {
            Name::Prefixed(prefix, local) => self.namespace(prefix).map_or_else(
                || text.into(),
                |namespace| format!("{namespace}{local}").into(),
            ),
            Name::Bare | Name::Absolute => text.into(),
        }
    }

    /// The context an event needs to stand alone: the terms it uses and those these use, and the
    /// foreign addresses if a term may come from there. `None` if the standard's is enough.
    pub(super) fn only(&self, used: &BTreeSet<String>) -> Option<Value> {
        let mut terms = Map::new();
        let mut waiting: Vec<String> = used.iter().cloned().collect();
        let mut open = false;
        // Ends: a term is added at most once, and only an added one brings others.
        while let Some(term) = waiting.pop() {
            match self.terms.get(&term) {
                Some(definition) if terms.get(&term).is_none() => {
                    prefixes(definition, &mut waiting);
                    terms.insert(term, definition.clone());
                }
                Some(_) => {}
                None => open |= standard(&term).is_none(),
            }
        }
        match (open && !self.foreign.is_empty(), terms.is_empty()) {
            (false, true) => None,
            (false, false) => Some(Value::Map(terms)),
            (true, _) => {
                let mut all: Vec<Value> = self
                    .foreign
                    .iter()
                    .map(|address| Value::from(address.as_str()))
                    .collect();
                all.push(Value::Map(terms));
                Some(Value::Array(all))
            }
        }
    }

    /// Keywords such as `@vocab` change the meaning of every name, so that they are always kept.
    pub(super) fn keywords(&self) -> impl Iterator<Item = &str> {
        self.terms
            .iter()
            .map(|(term, _)| term)
            .filter(|term| term.starts_with('@'))
    }
}

/// The prefixes a term's definition uses in turn.
fn prefixes(definition: &Value, found: &mut Vec<String>) {
    let fields = definition
        .as_map()
        .into_iter()
        .flat_map(Map::iter)
        .map(|(_, value)| value);
    for text in fields.chain([definition]).filter_map(Value::as_text) {
        if let Name::Prefixed(prefix, _) = name(text) {
            found.push(prefix.to_owned());
        }
    }
}

fn standard(prefix: &str) -> Option<&'static str> {
    STANDARD
        .iter()
        .find(|(known, _)| *known == prefix)
        .map(|(_, namespace)| *namespace)
}

fn is_standard(address: &str) -> bool {
    address.ends_with("/epcis-context.jsonld")
        && [
            "https://ref.gs1.org/",
            "http://ref.gs1.org/",
            "https://gs1.github.io/EPCIS/",
        ]
        .iter()
        .any(|host| address.starts_with(host))
}
