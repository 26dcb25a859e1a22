//! Other regions: whose logs this ledger believes, by which policy, and what it takes from them.
//!
//! A *region* act by this ledger's authorities has one disclosure for each log:
//!
//! ```text
//! { "log": origin, "name": {"zh": …, "en": …}, "district": "50",
//!   "url": "https://…", "policy": C2SP tlog-policy }
//! ```
//! The policy must name that log and ask for witnesses. A later record of the same log replaces an
//! earlier one; one that has only `log` ends it: nothing more is taken, and what was taken stays.
//!
//! An *import* act by any participant brings events of such logs, one disclosure each:
//!
//! ```text
//! { "log": origin, "proof": base64 of an event proof }
//! ```
//! It stands on the lists of everything the event names, as if it had been said here, and on one
//! of its own ([`import_item`]), which so counts who relied on it.

use crate::cbor::{Map, Value};
use crate::event_proof::{EVENT_PROOF_BYTES_MAX, EventProof, EventProofError};
use crate::hash::Digest;
use crate::provenance::answer::Text;
use crate::provenance::source::{Content, Source};
use crate::registry::Action;
use crate::store::EventRef;
use crate::tlog_policy::TlogPolicy;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::collections::BTreeMap;

/// The item on whose list other regions stand.
pub const ITEM: &str = "urn:suyuan:regions";

/// Events of one import act: a delivery's papers. Each costs some signatures on the sequencer.
pub const IMPORTS_MAX: usize = 16;

/// Bytes of an address: a host and a path.
const URL_BYTES_MAX: usize = 256;

/// Another region, as this ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The origin of its log.
    pub log: String,
    /// What it is called.
    pub name: Text,
    /// Its GB/T 2260 code: `50` is Chongqing.
    pub district: String,
    /// Where its node is reached, `https://host[/path]` without a slash at the end.
    pub url: String,
    /// By which its checkpoints are judged; `None` ends it.
    pub policy: Option<TlogPolicy>,
}

impl Region {
    /// Reads a record.
    ///
    /// # Errors
    /// The name of the first field that is wrong.
    pub fn read(record: &Map) -> Result<Self, &'static str> {
        let text = |field| record.get(field).and_then(Value::as_text);
        let log = text("log").filter(|log| !log.is_empty()).ok_or("log")?;
        if record.get("policy").is_none() {
            return Ok(Self {
                log: log.to_owned(),
                name: Text::default(),
                district: String::new(),
                url: String::new(),
                policy: None,
            });
        }
        let named = |lang| {
            let names = record.get("name").and_then(Value::as_map);
            let name = names.and_then(|names| names.get(lang)?.as_text());
            name.map(str::to_owned).ok_or("name")
        };
        let district = text("district").unwrap_or_default();
        let digits = district.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(2..=6).contains(&district.len()) {
            return Err("district");
        }
        let url = text("url").filter(|url| is_address(url)).ok_or("url")?;
        let policy = text("policy").and_then(|text| TlogPolicy::parse(text).ok());
        let names_it = |policy: &TlogPolicy| {
            policy.log_of_origin(log).is_some() && policy.asks_for_witnesses()
        };
        let policy = policy.filter(names_it).ok_or("policy")?;
        Ok(Self {
            log: log.to_owned(),
            name: Text {
                zh: named("zh")?,
                en: named("en")?,
            },
            district: district.to_owned(),
            url: url.to_owned(),
            policy: Some(policy),
        })
    }
}

fn is_address(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let plain = |rest: &str| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && !rest.ends_with('/')
            // What comes after is a code's path; a user's name can look like a host.
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\".contains(&byte))
    };
    url.len() <= URL_BYTES_MAX && rest.is_some_and(plain)
}

/// The regions that count now, by the origin of their logs.
///
/// # Errors
/// The source's own.
pub fn regions<S: Source>(source: &mut S) -> Result<BTreeMap<String, Region>, S::Error> {
    let mut found = BTreeMap::new();
    for touch in source.touches(ITEM)?.shown {
        let Content::Registry {
            action: Action::Region,
            record,
        } = &*touch.content
        else {
            continue;
        };
        // Admission has read it before.
        if let Ok(region) = Region::read(record) {
            found.insert(region.log.clone(), region);
        }
    }
    found.retain(|_, region| region.policy.is_some());
    Ok(found)
}

/// The item on whose list everyone stands who imported the event at `at` of `log`.
#[must_use]
pub fn import_item(log: &str, at: EventRef) -> String {
    let log = Digest::of(log.as_bytes());
    format!("urn:suyuan:import:{log}:{}.{}", at.leaf, at.index)
}

/// The record by which a proof is imported.
#[must_use]
pub fn import_record(log: &str, proof: &EventProof) -> Map {
    let proof = STANDARD.encode(proof.encode());
    let fields = [("log", log.to_owned()), ("proof", proof)];
    fields
        .into_iter()
        .map(|(key, value)| (key, Value::Text(value)))
        .collect()
}

/// Why a record imports nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A field is missing or malformed.
    #[error("{0} is missing or malformed")]
    Field(&'static str),
    /// The proof in it proves nothing.
    #[error(transparent)]
    Proof(#[from] EventProofError),
}

/// The origin and the proof in an import's record.
///
/// # Errors
/// [`ImportError`].
pub fn read_import(record: &Map) -> Result<(&str, EventProof), ImportError> {
    let text = |field| {
        let value = record.get(field).and_then(Value::as_text);
        value.ok_or(ImportError::Field(field))
    };
    let log = text("log")?;
    let proof = text("proof")?;
    if proof.len() > EVENT_PROOF_BYTES_MAX.div_ceil(3) * 4 {
        return Err(ImportError::Field("proof"));
    }
    let bytes = STANDARD.decode(proof);
    let bytes = bytes.map_err(|_| ImportError::Field("proof"))?;
    Ok((log, EventProof::decode(&bytes)?))
}

#[cfg(test)]
pub(crate) mod tests;
