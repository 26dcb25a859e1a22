//! Acts of the registry out of JSON files: profiles, products, places, and master data that came
//! with a document.

use super::value::record;
use crate::exit::Failure;
use ledger::cbor::{Map, Value};
use ledger::identifier::{Identifier, Kind};
use ledger::ids::{Handle, UnixMillis};
use ledger::registry::{Action, NewKey};
use ledger::state::{Licence, Role, Roles};
use ledger::time::parse_date;
use serde::Deserialize;
use std::path::Path;

/// Bytes of a file of products or places.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Records of one statement.
pub(crate) const RECORDS_MAX: usize = 1000;

const DAY_MS: i64 = 86_400_000;

/// China has one time zone: licences begin and end at midnight there.
const CHINA_MS: i64 = 8 * 3_600_000;

/// What decides, out of a profile; the rest of it is the record.
#[derive(Debug, Deserialize)]
struct Inline {
    handle: Option<String>,
    roles: Vec<Role>,
    district: String,
    #[serde(default)]
    licences: Vec<Dates>,
}

#[derive(Debug, Deserialize)]
struct Dates {
    kind: String,
    from: String,
    until: String,
}

/// A participant's profile, ready to be admitted or amended.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// The handle it names, if it names one.
    pub(crate) handle: Option<Handle>,
    roles: Roles,
    /// Its district, or an authority's jurisdiction: a region-code prefix.
    pub(crate) district: String,
    licences: Vec<Licence>,
    /// What the registry disclosure holds.
    pub(crate) record: Map,
}

/// Fields that stand inline in the act, or that are no part of it.
const NOT_IN_RECORD: [&str; 4] = ["district", "handle", "key", "roles"];

impl Profile {
    /// Reads a profile in the shape of `schemas/examples/participants.json`.
    ///
    /// # Errors
    /// [`Failure`], malformed.
    pub(crate) fn read(json: &serde_json::Value) -> Result<Self, Failure> {
        let inline = Inline::deserialize(json).map_err(Failure::malformed)?;
        let handle = inline.handle.map(|text| {
            Handle::parse(&text).ok_or_else(|| Failure::malformed(format!("{text}: not a handle")))
        });
        let licences = inline
            .licences
            .iter()
            .map(Dates::licence)
            .collect::<Result<_, _>>()?;
        let mut fields = json.as_object().cloned().unwrap_or_default();
        for name in NOT_IN_RECORD {
            fields.remove(name);
        }
        Ok(Self {
            handle: handle.transpose()?,
            roles: inline.roles.into_iter().collect(),
            district: inline.district,
            licences,
            record: record(&fields)?,
        })
    }

    /// The act that admits the participant.
    pub(crate) fn admit(&self, handle: Handle, keys: Vec<NewKey>) -> Action {
        Action::Admit {
            handle,
            roles: self.roles,
            district: self.district.clone(),
            licences: self.licences.clone(),
            keys,
        }
    }

    /// The act that replaces what is recorded of the participant.
    pub(crate) fn amend(&self, handle: Handle) -> Action {
        Action::Amend {
            handle,
            roles: self.roles,
            district: self.district.clone(),
            licences: self.licences.clone(),
        }
    }
}

impl Dates {
    fn licence(&self) -> Result<Licence, Failure> {
        let midnight = |text: &str| {
            let day = parse_date(text).ok_or_else(|| {
                Failure::malformed(format!("{text}: not a date")).remedy("write 2026-11-23")
            })?;
            Ok::<_, Failure>(UnixMillis(day.0 - CHINA_MS))
        };
        let last = midnight(&self.until)?;
        Ok(Licence {
            kind: self.kind.clone(),
            from: midnight(&self.from)?,
            until: UnixMillis(last.0 + DAY_MS),
        })
    }
}

/// Reads a JSON file.
///
/// # Errors
/// [`Failure`].
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Value, Failure> {
    let failed = |error| Failure::file(path, &error);
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        let what = format!("{}: larger than {FILE_BYTES_MAX} bytes", path.display());
        return Err(Failure::malformed(what));
    }
    serde_json::from_slice(&std::fs::read(path).map_err(failed)?)
        .map_err(|error| Failure::malformed(format!("{}: {error}", path.display())))
}

/// Records of products or places: one object or a list of them, in the shape of
/// `schemas/examples/products.json` and `places.json`.
///
/// # Errors
/// [`Failure`], malformed.
pub(crate) fn records(json: &serde_json::Value) -> Result<Vec<Map>, Failure> {
    let items = json
        .as_array()
        .map_or_else(|| std::slice::from_ref(json), Vec::as_slice);
    items
        .iter()
        .enumerate()
        .map(|(at, item)| one_record(at, item))
        .collect()
}

fn one_record(at: usize, item: &serde_json::Value) -> Result<Map, Failure> {
    let malformed = |what: String| Failure::malformed(format!("record {at}: {what}"));
    let mut fields = item
        .as_object()
        .cloned()
        .ok_or_else(|| malformed("not an object".to_owned()))?;
    // Who owns it is who signs it.
    fields.remove("owner");
    let mut record = record(&fields)?;
    let id = record.get("id").and_then(Value::as_text);
    let id = id.ok_or_else(|| malformed("id is missing".to_owned()))?;
    let id = Identifier::parse(id).map_err(|error| malformed(format!("id: {error}")))?;
    record.insert("id", id.as_str());
    Ok(record)
}

/// Products and places of a document's `epcisMasterData` (EPCIS 2.0 §9.5), as records.
///
/// Taken are vocabularies of object classes and of locations whose names are identifiers known
/// here; attributes of the CBV's master data become names and net content, and all are kept under
/// `attributes` as they stand.
///
/// # Errors
/// [`Failure`], malformed.
pub(crate) fn of_master_data(
    vocabularies: &[serde_json::Value],
) -> Result<(Vec<Map>, Vec<Map>), Failure> {
    let (mut products, mut places) = (Vec::new(), Vec::new());
    for vocabulary in vocabularies {
        let kind = vocabulary["type"].as_str().unwrap_or_default();
        let into = match kind.rsplit(':').next() {
            Some("EPCClass") => &mut products,
            Some("Location" | "BusinessLocation" | "ReadPoint") => &mut places,
            Some(_) | None => continue,
        };
        let elements = vocabulary["vocabularyElementList"].as_array();
        for element in elements.map(Vec::as_slice).unwrap_or_default() {
            let id = element["id"].as_str().map(Identifier::parse);
            if let Some(Ok(id)) = id
                && id.kind() != Kind::Opaque
            {
                into.push(record(&described(&id, &element["attributes"]))?);
            }
        }
    }
    Ok((products, places))
}

fn described(
    id: &Identifier,
    attributes: &serde_json::Value,
) -> serde_json::Map<String, serde_json::Value> {
    let mut all = serde_json::Map::new();
    for attribute in attributes.as_array().map(Vec::as_slice).unwrap_or_default() {
        if let Some(name) = attribute["id"].as_str() {
            let local = name.rsplit([':', '#']).next().unwrap_or(name);
            all.insert(local.to_owned(), attribute["attribute"].clone());
        }
    }
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| all.get(*name))
            .and_then(|value| value.as_str())
    };
    let mut fields = serde_json::Map::new();
    fields.insert("id".to_owned(), id.as_str().into());
    if let Some(name) = first(&["descriptionShort", "regulatedProductName", "name"]) {
        fields.insert(
            "name".to_owned(),
            serde_json::json!({"zh": name, "en": name}),
        );
    }
    if let Some(content) = first(&["netContentDescription"]) {
        fields.insert("netContent".to_owned(), content.into());
    }
    fields.insert("attributes".to_owned(), all.into());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_profile_is_split_into_what_decides_and_what_describes() {
        let profile = Profile::read(&json!({
            "key": "x", "handle": "4EgUvJQ7-OKk9eS4tHtZzQ", "name": {"zh": "超市", "en": "Shop"},
            "roles": ["retailer"], "district": "510107", "glns": ["6909818000001"],
            "licences": [{"kind": "JY", "number": "JY1", "from": "2024-03-01", "until": "2024-03-01"}],
        }))
        .unwrap();
        let Action::Admit {
            roles, licences, ..
        } = profile.admit(Handle([1; 16]), Vec::new())
        else {
            panic!("an admission")
        };
        assert!(roles.has(Role::Retailer));
        // One day, from midnight to midnight in Chengdu.
        assert_eq!(licences[0].until.0 - licences[0].from.0, DAY_MS);
        assert_eq!(
            ledger::time::format_utc(licences[0].from),
            "2024-02-29T16:00:00.000Z"
        );
        let keys: Vec<&str> = profile.record.iter().map(|(key, _)| key).collect();
        assert!(keys.contains(&"name") && keys.contains(&"licences") && keys.contains(&"glns"));
        assert!(!keys.contains(&"roles") && !keys.contains(&"key"));
        for bad in [
            json!({"roles": ["king"], "district": "5101"}),
            json!({"roles": [], "district": "5101", "handle": "x"}),
            json!({"district": "5101"}),
        ] {
            assert_eq!(
                Profile::read(&bad).unwrap_err().code,
                crate::exit::Code::Malformed
            );
        }
    }

    #[test]
    fn a_record_gets_its_canonical_id() {
        let json = json!({"id": "urn:epc:id:sgln:6909818.00001.0", "owner": "x", "kind": "shop"});
        let records = records(&json).unwrap();
        let id = records[0].get("id").and_then(Value::as_text).unwrap();
        assert!(id.starts_with("https://id.gs1.org/414/6909818"), "{id}");
        assert!(records[0].get("owner").is_none());
        assert!(super::records(&json!({"kind": "shop"})).is_err());
    }

    #[test]
    fn master_data_of_a_document_becomes_records() {
        let (products, places) = of_master_data(&[
            json!({"type": "urn:epcglobal:epcis:vtype:EPCClass", "vocabularyElementList": [
                {"id": "https://id.gs1.org/01/06909813001010", "attributes": [
                    {"id": "urn:epcglobal:cbv:mda#descriptionShort", "attribute": "豆瓣"}]},
                {"id": "urn:unknown:class", "attributes": []},
            ]}),
            json!({"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": [
                {"id": "https://id.gs1.org/414/6909813000013"}]}),
            json!({"type": "urn:other"}),
        ])
        .unwrap();
        assert_eq!((products.len(), places.len()), (1, 1));
        let name = products[0].get("name").and_then(Value::as_map).unwrap();
        assert_eq!(name.get("zh").and_then(Value::as_text), Some("豆瓣"));
    }
}
