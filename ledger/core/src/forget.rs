//! Orders to delete personal parts: what they say, which keys they name, what is left to see.
//!
//! An order is a registry act ([`crate::registry::Action::Forget`]) of an authority, one record for
//! each disclosure it concerns: the statement by leaf, issuer and capture id, the index, the parts
//! by digest, the legal basis and the order's number. Once it is on the ledger the keys are
//! overwritten; every proof stays, since proofs go by digests. What readers see in a part's place
//! is the order: its [`Tombstone`].
//!
//! **Invariant:** which parts are deleted is a function of the ledger. [`ordered_keys`] computes it
//! anew on every opening, so that neither a crash nor an old copy of the keys brings one back.
//!
//! Source: 个人信息保护法 art. 47. Bytes: `schemas/registry-record.schema.json`, `forget`.

use crate::cbor::{Map, Value};
use crate::disclosure::PARTS_MAX;
use crate::hash::Digest;
use crate::ids::{CaptureId, Handle, LeafIndex, UnixMillis};
use crate::lists::{Reader, ViewSource};
use crate::personal::{Gone, Kept, KeyRef, PartPlace};
use crate::provenance::answer::Text;
use crate::provenance::{Content, Source};
use crate::registry::Action;
use crate::state::StateKey;
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::{EntryAndBody, EventRef, StoreError, View};
use crate::stored;
use crate::time::format_utc;
use std::collections::BTreeMap;

/// The item on whose list every order stands. No event can name it: `urn:suyuan:` has no such form
/// for goods ([`crate::identifier`]).
pub const ORDERS: &str = "urn:suyuan:forget";

/// The item on whose list the orders over one statement stand.
#[must_use]
pub fn entry_item(leaf: LeafIndex) -> String {
    format!("{ENTRY_ITEM}{leaf}")
}

const ENTRY_ITEM: &str = "urn:suyuan:entry:";

/// Bytes of a legal basis in one language: a sentence that cites articles.
pub const BASIS_BYTES_MAX: usize = 1024;

/// Bytes of an order's number.
pub const NUMBER_BYTES_MAX: usize = 128;

/// A withheld part of one disclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartRef {
    /// Statement and index.
    pub at: EventRef,
    /// The part's digest, as the public part lists it.
    pub part: Digest,
}

/// One record of an order: which parts of one disclosure, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The disclosure.
    pub at: EventRef,
    /// Whose statement it is.
    pub issuer: Handle,
    /// Its capture id. With the issuer it is what the state knows the statement by.
    pub capture: CaptureId,
    /// The parts, by digest; at least one.
    pub parts: Vec<Digest>,
    /// The law and article, in both languages. Public: it must name no person.
    pub basis: Text,
    /// The number of the authority's order. Public.
    pub number: String,
}

impl Order {
    /// The record that an order's disclosure holds.
    #[must_use]
    pub fn record(&self) -> Map {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|part| part.to_string().into())
            .collect();
        let basis: Map = [
            ("en", self.basis.en.as_str()),
            ("zh", self.basis.zh.as_str()),
        ]
        .into_iter()
        .collect();
        let mut map: Map = [
            ("id", entry_item(self.at.leaf)),
            ("issuer", self.issuer.to_string()),
            ("capture", self.capture.to_string()),
            ("number", self.number.clone()),
        ]
        .into_iter()
        .collect();
        map.insert("index", i64::from(self.at.index));
        map.insert("parts", parts);
        map.insert("basis", basis);
        map
    }

    /// Reads a record.
    ///
    /// # Errors
    /// The name of the field that is missing or malformed.
    pub fn read(record: &Map) -> Result<Self, &'static str> {
        let text = |field| record.get(field).and_then(Value::as_text);
        let leaf = text("id")
            .and_then(|id| id.strip_prefix(ENTRY_ITEM))
            .and_then(|digits| digits.parse().ok())
            .map(LeafIndex)
            .filter(|leaf| leaf.0 < u64::MAX / 2 && Some(entry_item(*leaf).as_str()) == text("id"))
            .ok_or("id")?;
        let index = match record.get("index") {
            Some(Value::Int(index)) => u16::try_from(*index).map_err(|_| "index")?,
            Some(_) | None => return Err("index"),
        };
        let bounded = |text: Option<&str>, bytes_max, field| {
            text.filter(|text| !text.trim().is_empty() && text.len() <= bytes_max)
                .map(str::to_owned)
                .ok_or(field)
        };
        let basis = record.get("basis").and_then(Value::as_map);
        let said = |language| basis.and_then(|basis| basis.get(language)?.as_text());
        Ok(Self {
            at: EventRef { leaf, index },
            issuer: text("issuer").and_then(Handle::parse).ok_or("issuer")?,
            capture: text("capture")
                .and_then(CaptureId::parse)
                .ok_or("capture")?,
            parts: read_parts(record.get("parts")).ok_or("parts")?,
            basis: Text {
                zh: bounded(said("zh"), BASIS_BYTES_MAX, "basis")?,
                en: bounded(said("en"), BASIS_BYTES_MAX, "basis")?,
            },
            number: bounded(text("number"), NUMBER_BYTES_MAX, "number")?,
        })
    }

    /// The parts, each with its place.
    pub fn part_refs(&self) -> impl Iterator<Item = PartRef> {
        self.parts.iter().map(|part| PartRef {
            at: self.at,
            part: *part,
        })
    }
}

/// Digests in lower-case hexadecimal, one spelling each.
fn read_parts(listed: Option<&Value>) -> Option<Vec<Digest>> {
    let listed = listed?.as_array()?;
    if listed.is_empty() || listed.len() > PARTS_MAX {
        return None;
    }
    listed
        .iter()
        .map(|one| {
            let text = one.as_text()?;
            Digest::from_hex(text).filter(|digest| digest.to_string() == text)
        })
        .collect()
}

/// The records of an order; none of any other statement. Admission has read them all before, so
/// that one which does not read is damage.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn orders_of(statement: &SignedStatement) -> Result<Vec<Order>, StoreError> {
    let Payload::Registry(payload) = statement.payload() else {
        return Ok(Vec::new());
    };
    if payload.action != Action::Forget {
        return Ok(Vec::new());
    }
    statement
        .disclosed()
        .iter()
        .map(|one| {
            Order::read(one.disclosure.map()).map_err(|field| StoreError::Corrupt {
                what: "order to delete",
                detail: format!("record {}: {field}", one.index),
            })
        })
        .collect()
}

/// Keys of the parts of one statement that an order names; what it names and is no personal part
/// there has no key.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn named_keys(
    origin: &str,
    entry: &[u8],
    body: &[u8],
    order: &Order,
) -> Result<Vec<KeyRef>, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt {
        what: "statement to delete from",
        detail: format!("leaf {}: {why}", order.at.leaf),
    };
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let statement = SignedStatement::parse(entry).map_err(|why| corrupt(why.to_string()))?;
    let place = PartPlace {
        origin,
        statement: statement.signed_digest(),
        index: order.at.index,
    };
    let stored = stored::decode(body).map_err(|why| corrupt(why.to_string()))?;
    Ok(stored
        .iter()
        .filter(|one| one.index == order.at.index)
        .flat_map(stored::Stored::sealed)
        .filter(|part| order.parts.contains(&part.digest))
        .map(|part| part.key_ref(place))
        .collect())
}

/// Every key that the ledger orders destroyed.
///
/// Reads each order and the statement it concerns: orders are few.
///
/// # Errors
/// [`StoreError`].
pub fn ordered_keys<V: View>(view: &V) -> Result<Vec<KeyRef>, StoreError> {
    if view.head()?.is_none() {
        return Ok(Vec::new());
    }
    let origin = stored::origin(view)?;
    let mut leaves: Vec<LeafIndex> = view
        .postings(&StateKey::item(ORDERS), usize::MAX)?
        .iter()
        .map(|at| at.leaf)
        .collect();
    leaves.dedup();
    let mut keys = Vec::new();
    for leaf in leaves {
        for order in orders_at(view, leaf)? {
            if let Some((entry, body)) = read(view, order.at.leaf)? {
                keys.extend(named_keys(&origin, &entry, &body, &order)?);
            }
        }
    }
    Ok(keys)
}

/// The records of the order at `leaf`.
fn orders_at<V: View>(view: &V, leaf: LeafIndex) -> Result<Vec<Order>, StoreError> {
    let Some((entry, body)) = read(view, leaf)? else {
        return Ok(Vec::new());
    };
    let statement = SignedStatement::parse(&entry).map_err(|why| StoreError::Corrupt {
        what: "entry",
        detail: format!("leaf {leaf}: {why}"),
    })?;
    let opened = stored::open(view, &statement, &body, |_, _| false)?;
    orders_of(&statement.with_disclosures(opened.disclosed))
}

fn read<V: View>(view: &V, leaf: LeafIndex) -> Result<Option<EntryAndBody>, StoreError> {
    Ok(view.entries_with_bodies(&[leaf])?.pop().flatten())
}

/// What stands in the place of a deleted part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The order's leaf.
    pub order: LeafIndex,
    /// The authority that ordered it.
    pub by: Handle,
    /// When the order was recorded.
    pub on: UnixMillis,
    /// The law and article.
    pub basis: Text,
    /// The order's number.
    pub number: String,
}

impl Tombstone {
    /// The tombstone as answers show it.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "by": self.by.to_string(),
            "on": format_utc(self.on),
            "order": self.order.0,
            "basis": {"zh": self.basis.zh, "en": self.basis.en},
            "number": self.number,
        })
    }
}

/// The tombstones of one disclosure, by the digest of the part. The first order counts.
///
/// # Errors
/// The source's own.
pub fn tombstones<S: Source>(
    source: &mut S,
    at: EventRef,
) -> Result<BTreeMap<Digest, Tombstone>, S::Error> {
    let mut found = BTreeMap::new();
    for touch in source.touches(&entry_item(at.leaf))?.shown {
        let Content::Registry {
            action: Action::Forget,
            record,
        } = &*touch.content
        else {
            continue;
        };
        let Ok(order) = Order::read(record) else {
            continue;
        };
        if order.at != at {
            continue;
        }
        for part in &order.parts {
            found.entry(*part).or_insert_with(|| Tombstone {
                order: touch.at.leaf,
                by: touch.issuer,
                on: touch.recorded,
                basis: order.basis.clone(),
                number: order.number.clone(),
            });
        }
    }
    Ok(found)
}

/// What became of a personal part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be read.
    Kept,
    /// It was ordered deleted.
    Deleted(Tombstone),
    /// It cannot be read, and no order says so.
    Gone(Gone),
}

/// A personal part of a statement, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalPart {
    /// Its disclosure's index.
    pub index: u16,
    /// Its digest.
    pub part: Digest,
    /// What became of it.
    pub standing: Standing,
}

/// A statement's personal parts, and what an order over them must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsOf {
    /// The statement.
    pub leaf: LeafIndex,
    /// Whose it is.
    pub issuer: Handle,
    /// Its capture id.
    pub capture: CaptureId,
    /// Its personal parts, by index and as they stand there.
    pub parts: Vec<PersonalPart>,
}

impl PartsOf {
    /// The parts as answers show them; those of one disclosure, if `index` names one.
    #[must_use]
    pub fn to_json(&self, index: Option<u16>) -> serde_json::Value {
        let wanted = |part: &&PersonalPart| index.is_none_or(|index| part.index == index);
        let one = |part: &PersonalPart| {
            let (word, tombstone) = match &part.standing {
                Standing::Kept => ("kept", None),
                Standing::Deleted(tombstone) => ("deleted", Some(tombstone)),
                Standing::Gone(Gone::Elsewhere) => ("elsewhere", None),
                Standing::Gone(Gone::Destroyed | Gone::Lost) => ("lost", None),
            };
            let mut json = serde_json::json!({
                "index": part.index,
                "part": part.part.to_string(),
                "standing": word,
            });
            if let Some(tombstone) = tombstone {
                json["deleted"] = tombstone.to_json();
            }
            json
        };
        serde_json::json!({
            "leaf": self.leaf.0,
            "issuer": self.issuer.to_string(),
            "capture": self.capture.to_string(),
            "parts": self.parts.iter().filter(wanted).map(one).collect::<Vec<_>>(),
        })
    }
}

/// The personal parts of the statement at `leaf`; `None` where no participant's statement stands.
///
/// # Errors
/// [`StoreError`].
pub fn parts_of<V: View>(view: &V, leaf: LeafIndex) -> Result<Option<PartsOf>, StoreError> {
    let Some((entry, body)) = read(view, leaf)? else {
        return Ok(None);
    };
    let corrupt = |why: String| StoreError::Corrupt {
        what: "entry",
        detail: format!("leaf {leaf}: {why}"),
    };
    let statement = SignedStatement::parse(&entry).map_err(|why| corrupt(why.to_string()))?;
    let Issuer::Participant { handle, capture } = statement.header().issuer else {
        return Ok(None);
    };
    let mut found = PartsOf {
        leaf,
        issuer: handle,
        capture,
        parts: Vec::new(),
    };
    if body.is_empty() {
        return Ok(Some(found));
    }
    let origin = stored::origin(view)?;
    let signed = statement.signed_digest();
    let mut source = ViewSource::new(view, Reader::Public);
    for one in stored::decode(&body).map_err(|why| corrupt(why.to_string()))? {
        let place = PartPlace {
            origin: &origin,
            statement: signed,
            index: one.index,
        };
        let mut orders = None;
        for part in one.sealed() {
            let standing = match view.part_key(&part.key_ref(place))? {
                Kept::Here(_) => Standing::Kept,
                Kept::Gone(why) => {
                    let at = EventRef {
                        leaf,
                        index: one.index,
                    };
                    let orders = match &mut orders {
                        Some(orders) => orders,
                        None => orders.insert(tombstones(&mut source, at)?),
                    };
                    let ordered = orders.get(&part.digest).cloned();
                    ordered.map_or(Standing::Gone(why), Standing::Deleted)
                }
            };
            found.parts.push(PersonalPart {
                index: one.index,
                part: part.digest,
                standing,
            });
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests;
