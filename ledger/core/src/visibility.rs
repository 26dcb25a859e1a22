//! What of an event everyone may see: an allow-list, version 1.
//!
//! Public is what a consumer needs to judge the thing in hand: what happened, when, in which
//! district, to which lot, with which tests and temperatures. Quantities, prices, owners, document
//! numbers, free text and unlisted extensions are confidential; the names under
//! [`PERSONAL_NAMESPACE`] are personal. A client splits an event with [`split`]; admission refuses
//! a public part that shows more ([`first_hidden_field`]), so that a slip of one client cannot
//! put a customer list on the log. Public is what a party sees by name; of that, strangers see only
//! what is on open lists ([`crate::access::open`]).

use crate::cbor::{Map, Value};
use crate::disclosure::{Class, Disclosed, Disclosure, Part, Salt, WITHHELD, withhold};
use crate::event::{MASTER_DATA, VOCABULARY};

/// Extension names that are public: GS1 master data attributes in `ilmd` (CBV 2.0 §10.2).
pub const PUBLIC_NAMESPACES: [&str; 2] = [MASTER_DATA, VOCABULARY];

/// Extension names that are personal data: drivers, farmers, vaccinated persons.
pub const PERSONAL_NAMESPACE: &str = "https://ref.suyuan.example/personal/";

const EVENT_FIELDS: [&str; 22] = [
    "@context",
    "action",
    "bizLocation",
    "bizStep",
    "certificationInfo",
    "childEPCs",
    "disposition",
    "epcList",
    "errorDeclaration",
    "eventID",
    "eventTime",
    "eventTimeZoneOffset",
    "inputEPCList",
    "outputEPCList",
    "parentID",
    "persistentDisposition",
    "readPoint",
    "sensorElementList",
    "transformationID",
    "type",
    "ilmd",
    "recordTime",
];

/// Business documents that everyone may see by number: test results and certificates.
const PUBLIC_DOCUMENTS: [&str; 3] = ["cert", "testprd", "testres"];

/// Parties that everyone may see: who had it and where, not who owned it.
const PUBLIC_PARTIES: [&str; 2] = ["location", "possessing_party"];

/// Where in an event a map stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The event itself.
    Event,
    /// An element of a quantity list.
    Quantity,
    /// An element of `bizTransactionList`.
    Document,
    /// An element of `sourceList` or `destinationList`.
    Party,
    /// `errorDeclaration`, `readPoint`, `bizLocation`, `ilmd`, sensor elements: standard names are
    /// public, extensions by namespace.
    Standard,
    /// Inside something public or confidential as a whole: only what is personal is not.
    Open,
}

/// The class of `key` in a map at `place`; `None` is public.
fn class_of(key: &str, map: &Map, place: Place, event: &Map) -> Option<Class> {
    if key == WITHHELD {
        return None;
    }
    if let Some((prefix, local)) = key.split_once(':') {
        let class = extension_class(prefix, local, event);
        let open = matches!(place, Place::Open) && class != Some(Class::Personal);
        return class.filter(|_| !open);
    }
    let public = match place {
        Place::Event => EVENT_FIELDS.contains(&key) || inner_place(key).is_some(),
        Place::Quantity => key == "epcClass",
        Place::Document => key == "type" || has_type(map, &PUBLIC_DOCUMENTS),
        Place::Party => has_type(map, &PUBLIC_PARTIES),
        Place::Standard | Place::Open => true,
    };
    if public {
        None
    } else {
        Some(Class::Confidential)
    }
}

fn has_type(map: &Map, allowed: &[&str]) -> bool {
    map.get("type")
        .and_then(Value::as_text)
        .is_some_and(|word| allowed.contains(&word))
}

/// The class of an extension, by its full name. What nothing declares is confidential.
fn extension_class(prefix: &str, local: &str, event: &Map) -> Option<Class> {
    let name = full_name(prefix, local, event);
    if name.starts_with(PERSONAL_NAMESPACE) {
        Some(Class::Personal)
    } else if PUBLIC_NAMESPACES
        .iter()
        .any(|public| name.starts_with(public))
    {
        None
    } else {
        Some(Class::Confidential)
    }
}

/// An extension's name with its prefix written out by the event's own `@context`. A key that is a
/// whole URI stands for itself, whatever a context says of its scheme.
fn full_name(prefix: &str, local: &str, event: &Map) -> String {
    let whole = ["http", "https", "urn"]
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(prefix));
    if whole {
        return format!("{prefix}:{local}");
    }
    match event
        .get("@context")
        .and_then(|context| namespace(context, prefix))
    {
        Some(namespace) => format!("{namespace}{local}"),
        // EPCIS's own context declares this prefix.
        None if prefix == "cbvmda" => format!("{MASTER_DATA}{local}"),
        None => String::new(),
    }
}

/// What a prefix stands for in a context, which may be a list and may define terms by `@id`
/// (JSON-LD 1.1 §9.15); the last declaration counts.
fn namespace<'a>(context: &'a Value, prefix: &str) -> Option<&'a str> {
    match context {
        Value::Array(several) => several.iter().rev().find_map(|one| namespace(one, prefix)),
        Value::Map(terms) => {
            let term = terms.get(prefix)?;
            let definition = term.as_map().and_then(|term| term.get("@id"));
            definition.unwrap_or(term).as_text()
        }
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => None,
    }
}

/// Whether an event's parts hide nothing that rules and readers of the public part rely on, and
/// show nothing personal as merely confidential.
#[must_use]
pub fn parts_in_place(disclosed: &Disclosed) -> bool {
    let event = disclosed.disclosure.map();
    disclosed.parts.iter().all(|part| {
        let personal = part.class() == Class::Personal;
        let hides = |key: &str| EVENT_FIELDS.contains(&key) || inner_place(key).is_some();
        let mut keys = part.fields().iter().map(|(key, _)| key);
        (personal || hidden_in_map(part.fields(), Place::Open, event).is_none())
            && keys.all(|key| key == "type" || !hides(key))
    })
}

/// Fields of registry records that are personal data, whatever the act.
pub const PERSONAL_RECORD_FIELDS: [&str; 1] = ["contact"];

/// The path of the first personal field in a registry record's public part or in one of its
/// confidential parts, however deep: there no order to delete would reach it.
#[must_use]
pub fn personal_in_record(disclosed: &Disclosed) -> Option<String> {
    let confidential = disclosed
        .parts
        .iter()
        .filter(|part| part.class() == Class::Confidential)
        .map(Part::fields);
    std::iter::once(disclosed.disclosure.map())
        .chain(confidential)
        .find_map(personal_in_map)
}

fn split_record_map(map: &mut Map, salt: &mut dyn FnMut() -> Salt, parts: &mut Vec<Part>) {
    let personal = |key: &str| is_personal_in_record(key).then_some(Class::Personal);
    withhold(map, personal, salt, parts);
    for (_, value) in map.iter_mut().filter(|(key, _)| *key != WITHHELD) {
        split_record_value(value, salt, parts);
    }
}

fn split_record_value(value: &mut Value, salt: &mut dyn FnMut() -> Salt, parts: &mut Vec<Part>) {
    match value {
        Value::Map(map) => split_record_map(map, salt, parts),
        Value::Array(items) => {
            for item in items {
                split_record_value(item, salt, parts);
            }
        }
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => {}
    }
}

/// A record has no context, so that a name of the namespace is written out.
fn is_personal_in_record(key: &str) -> bool {
    PERSONAL_RECORD_FIELDS.contains(&key) || key.starts_with(PERSONAL_NAMESPACE)
}

fn personal_in_map(map: &Map) -> Option<String> {
    map.iter().find_map(|(key, value)| {
        if is_personal_in_record(key) {
            return Some(format!("/{key}"));
        }
        personal_in_value(value).map(|rest| format!("/{key}{rest}"))
    })
}

fn personal_in_value(value: &Value) -> Option<String> {
    match value {
        Value::Map(map) => personal_in_map(map),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| personal_in_value(item).map(|rest| format!("/{at}{rest}"))),
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => None,
    }
}

/// Takes the personal fields out of a registry record, however deep, and seals them as parts.
/// `salt` is called once for each.
pub fn split_record(index: u16, record: Map, salt: &mut dyn FnMut() -> Salt) -> Disclosed {
    let (mut parts, mut public) = (Vec::new(), record);
    split_record_map(&mut public, salt, &mut parts);
    Disclosed {
        index,
        disclosure: Disclosure::seal(salt(), public),
        parts,
    }
}

/// The place of maps found under `key` of the event, if the event's own fields go on inside.
fn inner_place(key: &str) -> Option<Place> {
    Some(match key {
        "quantityList" | "childQuantityList" | "inputQuantityList" | "outputQuantityList" => {
            Place::Quantity
        }
        "bizTransactionList" => Place::Document,
        "sourceList" | "destinationList" => Place::Party,
        "errorDeclaration" | "readPoint" | "bizLocation" | "ilmd" | "sensorElementList" => {
            Place::Standard
        }
        _ => return None,
    })
}

/// Where maps under `key` of a map at `place` stand.
fn below(key: &str, place: Place) -> Place {
    match place {
        Place::Event => inner_place(key).unwrap_or(Place::Open),
        Place::Standard if !key.contains(':') => Place::Standard,
        Place::Standard | Place::Open | Place::Quantity | Place::Document | Place::Party => {
            Place::Open
        }
    }
}

/// Splits a whole event into its disclosure and its parts. `salt` is called once for each.
pub fn split(index: u16, event: Map, salt: &mut dyn FnMut() -> Salt) -> Disclosed {
    let mut parts = Vec::new();
    let context = event.clone();
    let mut public = event;
    split_map(&mut public, Place::Event, &context, salt, &mut parts);
    Disclosed {
        index,
        disclosure: Disclosure::seal(salt(), public),
        parts,
    }
}

fn split_map(
    map: &mut Map,
    place: Place,
    event: &Map,
    salt: &mut dyn FnMut() -> Salt,
    parts: &mut Vec<Part>,
) {
    let before = map.clone();
    // What is personal inside something confidential becomes a part inside that part.
    for (key, value) in map.iter_mut() {
        if class_of(key, &before, place, event) == Some(Class::Confidential) {
            split_value(value, Place::Open, event, salt, parts);
        }
    }
    withhold(map, |key| class_of(key, &before, place, event), salt, parts);
    for (key, value) in map.iter_mut().filter(|(key, _)| *key != WITHHELD) {
        split_value(value, below(key, place), event, salt, parts);
    }
}

fn split_value(
    value: &mut Value,
    place: Place,
    event: &Map,
    salt: &mut dyn FnMut() -> Salt,
    parts: &mut Vec<Part>,
) {
    match value {
        Value::Map(map) => split_map(map, place, event, salt, parts),
        Value::Array(items) => {
            for item in items {
                split_value(item, place, event, salt, parts);
            }
        }
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => {}
    }
}

/// The path of the first field in an event's public part that is not on the list.
#[must_use]
pub fn first_hidden_field(event: &Map) -> Option<String> {
    hidden_in_map(event, Place::Event, event)
}

fn hidden_in_map(map: &Map, place: Place, event: &Map) -> Option<String> {
    map.iter().find_map(|(key, value)| {
        if class_of(key, map, place, event).is_some() {
            return Some(format!("/{key}"));
        }
        hidden_in_value(value, below(key, place), event).map(|rest| format!("/{key}{rest}"))
    })
}

fn hidden_in_value(value: &Value, place: Place, event: &Map) -> Option<String> {
    match value {
        Value::Map(map) => hidden_in_map(map, place, event),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| {
            hidden_in_value(item, place, event).map(|rest| format!("/{at}{rest}"))
        }),
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(json: &serde_json::Value) -> Map {
        fn value(json: &serde_json::Value) -> Value {
            match json {
                serde_json::Value::Object(object) => Value::Map(
                    object
                        .iter()
                        .map(|(key, item)| (key.clone(), value(item)))
                        .collect(),
                ),
                serde_json::Value::Array(items) => Value::Array(items.iter().map(value).collect()),
                serde_json::Value::String(text) => Value::from(text.as_str()),
                serde_json::Value::Number(number) => Value::Int(number.as_i64().unwrap()),
                serde_json::Value::Bool(truth) => Value::Bool(*truth),
                serde_json::Value::Null => Value::Null,
            }
        }
        let Value::Map(map) = value(json) else {
            panic!("an object")
        };
        map
    }

    fn example() -> Map {
        map(&serde_json::json!({
            "@context": {
                "sy": "https://ref.suyuan.example/voc/",
                "p": "https://ref.suyuan.example/personal/",
                "erp": "https://erp.example/",
                "p:author": "author qian"
            },
            "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "shipping",
            "quantityList": [{"epcClass": "urn:x", "quantity": 3, "uom": "KGM"}],
            "bizTransactionList": [
                {"type": "inv", "bizTransaction": "INV-77"},
                {"type": "testres", "bizTransaction": "R-1"}
            ],
            "sourceList": [
                {"type": "owning_party", "source": "urn:owner"},
                {"type": "possessing_party", "source": "urn:holder"}
            ],
            "readPoint": {"id": "urn:place", "erp:dock": "7"},
            "sy:test": {"conclusion": "pass", "p:analyst": "analyst li"},
            "certificationInfo": [{"certificate": "C-1", "p:inspector": "inspector zhao"}],
            "p:driver": "wang", "erp:price": 9,
            "erp:delivery": {"van": "A12345", "stops": [{"p:customer": "customer sun"}]}
        }))
    }

    fn shown_and_whole() -> (Map, Disclosed) {
        let mut next = 0_u8;
        let mut salt = || {
            next += 1;
            Salt([next; 16])
        };
        let disclosed = split(0, example(), &mut salt);
        (disclosed.disclosure.map().clone(), disclosed)
    }

    #[test]
    fn a_split_event_shows_only_the_list_and_is_whole_again_with_its_parts() {
        let (shown, disclosed) = shown_and_whole();
        let text = format!("{shown:?}");
        for hidden in [
            "KGM",
            "INV-77",
            "urn:owner",
            "wang",
            "erp:price",
            "erp:dock",
        ] {
            assert!(!text.contains(hidden), "{hidden} is shown");
        }
        for public in ["urn:x", "R-1", "urn:holder", "conclusion", "urn:place"] {
            assert!(text.contains(public), "{public} is hidden");
        }
        assert_eq!(first_hidden_field(&shown), None);
        assert_eq!(disclosed.check_whole(), Ok(()));
        assert_eq!(disclosed.restore(), Ok(example()));
    }

    #[test]
    fn a_driver_is_personal_and_a_price_is_not() {
        let (_, disclosed) = shown_and_whole();
        let class_with = |key: &str| {
            disclosed
                .parts
                .iter()
                .find(|part| part.fields().get(key).is_some())
                .map(Part::class)
        };
        assert_eq!(class_with("p:driver"), Some(Class::Personal));
        assert_eq!(class_with("erp:price"), Some(Class::Confidential));
    }

    #[test]
    fn what_is_personal_leaves_every_depth_for_a_personal_part() {
        let (shown, disclosed) = shown_and_whole();
        let persons = [
            "wang",
            "analyst li",
            "inspector zhao",
            "customer sun",
            "author qian",
        ];
        let of_class = |class: Class| {
            let parts = disclosed.parts.iter().filter(|part| part.class() == class);
            let fields: Vec<String> = parts.map(|part| format!("{:?}", part.fields())).collect();
            fields.concat()
        };
        let clear = format!("{shown:?}{}", of_class(Class::Confidential));
        assert!(clear.contains("A12345"));
        for person in persons {
            assert!(!clear.contains(person), "{person} is not deletable");
            assert!(of_class(Class::Personal).contains(person), "{person}");
        }
        assert!(parts_in_place(&disclosed));
    }

    #[test]
    fn a_record_is_split_at_every_depth() {
        let record = map(&serde_json::json!({
            "name": "x", "contact": {"phone": "1"},
            "places": [{"id": "urn:place", "contact": "wang"}]
        }));
        let mut next = 0_u8;
        let mut salt = || {
            next += 1;
            Salt([next; 16])
        };
        let disclosed = split_record(0, record.clone(), &mut salt);
        assert_eq!(personal_in_record(&disclosed), None);
        assert_eq!(disclosed.restore(), Ok(record.clone()));
        let clear = Disclosed {
            index: 0,
            disclosure: Disclosure::seal(Salt([9; 16]), record),
            parts: Vec::new(),
        };
        assert_eq!(
            personal_in_record(&clear).as_deref(),
            Some("/places/0/contact")
        );
    }

    #[test]
    fn the_first_field_that_shows_too_much_is_named() {
        for (change, path) in [
            (("erp:price", Value::Int(9)), "/erp:price"),
            (("depth", Value::Int(9)), "/depth"),
            (
                (
                    "sy:more",
                    map(&serde_json::json!({"p:name": "wang"})).into(),
                ),
                "/sy:more/p:name",
            ),
        ] {
            let (mut shown, _) = shown_and_whole();
            shown.insert(change.0, change.1);
            assert_eq!(first_hidden_field(&shown).as_deref(), Some(path));
        }
        assert!(first_hidden_field(&example()).is_some());
    }
}
