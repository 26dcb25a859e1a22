//! What rules, provenance and pages read of an event. Everything borrows from it.

use super::context::DocumentContext;
use super::error::Path;
use super::{Action, Event, EventKind, MASTER_DATA, VOCABULARY, WITHHELD_KEY};
use crate::cbor::{Map, Value};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::time;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The part an object plays in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// In or linked to the parent.
    Child,
    /// Used up by a transformation.
    Input,
    /// What the event is about.
    Object,
    /// Made by a transformation.
    Output,
    /// What holds the children, or the transaction's parent.
    Parent,
}

/// How much of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity<'a> {
    /// An integer or a decimal.
    pub value: &'a Value,
    /// UN/CEFACT Recommendation 20 code; `None` counts pieces.
    pub uom: Option<&'a str>,
}

/// One object or lot that an event names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectRef<'a> {
    /// The part it plays.
    pub role: Role,
    /// Its canonical identifier.
    pub id: &'a str,
    /// How much, where the event says so and shows it.
    pub quantity: Option<Quantity<'a>>,
}

/// That an earlier event was wrong (EPCIS 2.0 §7.4.1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDeclaration<'a> {
    /// When it was declared; `None` where that is withheld.
    pub time: Option<UnixMillis>,
    /// Why: `did_not_occur`, `incorrect_data`, or a URI.
    pub reason: Option<&'a str>,
    /// The events that put it right.
    pub corrective_ids: Vec<&'a str>,
}

/// Dispositions that stay until unset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersistentDisposition<'a> {
    /// From now on.
    pub set: Vec<&'a str>,
    /// No longer.
    pub unset: Vec<&'a str>,
}

/// When a sensor measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SensorTime {
    /// At one moment.
    At(UnixMillis),
    /// Over a stretch, both ends included.
    Between(UnixMillis, UnixMillis),
}

/// A sensor element: what was common to its reports, and the reports.
#[derive(Clone, Copy, Debug)]
pub struct SensorElement<'a>(&'a Map);

impl<'a> SensorElement<'a> {
    /// The metadata, as it stands.
    #[must_use]
    pub fn metadata(self) -> Option<&'a Map> {
        self.0.get("sensorMetadata").and_then(Value::as_map)
    }

    /// When, for reports that do not say so themselves.
    #[must_use]
    pub fn time(self) -> Option<SensorTime> {
        let metadata = self.metadata()?;
        let at = |key| moment(metadata, key);
        at("time")
            .map(SensorTime::At)
            .or_else(|| match (at("startTime"), at("endTime")) {
                (Some(start), Some(end)) => Some(SensorTime::Between(start, end)),
                (Some(one), None) | (None, Some(one)) => Some(SensorTime::At(one)),
                (None, None) => None,
            })
    }

    /// Which device, for reports that do not say so themselves; a canonical identifier.
    #[must_use]
    pub fn device(self) -> Option<&'a str> {
        text(self.metadata()?, "deviceID")
    }

    /// The reports, each with what it inherits from the metadata.
    pub fn reports(self) -> impl Iterator<Item = SensorReport<'a>> {
        maps(self.0, "sensorReport").map(move |fields| SensorReport {
            kind: text(fields, "type"),
            value: fields.get("value"),
            min: fields.get("minValue"),
            max: fields.get("maxValue"),
            mean: fields.get("meanValue"),
            uom: text(fields, "uom"),
            exception: text(fields, "exception"),
            time: moment(fields, "time")
                .map(SensorTime::At)
                .or_else(|| self.time()),
            device: text(fields, "deviceID").or_else(|| self.device()),
            fields,
        })
    }
}

/// One measurement. Numbers are integers or decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SensorReport<'a> {
    /// What was measured, such as `Temperature`, or a URI.
    pub kind: Option<&'a str>,
    /// The measured value.
    pub value: Option<&'a Value>,
    /// The least value of the stretch.
    pub min: Option<&'a Value>,
    /// The greatest value of the stretch.
    pub max: Option<&'a Value>,
    /// The mean of the stretch.
    pub mean: Option<&'a Value>,
    /// UN/CEFACT Recommendation 20 code, such as CEL.
    pub uom: Option<&'a str>,
    /// `ALARM_CONDITION`, `ERROR_CONDITION`, or a URI.
    pub exception: Option<&'a str>,
    /// When.
    pub time: Option<SensorTime>,
    /// The device's canonical identifier.
    pub device: Option<&'a str>,
    /// Every field, these and all others.
    pub fields: &'a Map,
}

impl Event {
    /// Which of the five kinds.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// The action; transformations have none.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.text("action").and_then(Action::parse)
    }

    /// When it happened, as the sender says.
    #[must_use]
    pub const fn time(&self) -> UnixMillis {
        self.time
    }

    /// The offset of the place where it happened, such as `+08:00`.
    #[must_use]
    pub fn offset(&self) -> &str {
        self.text("eventTimeZoneOffset").unwrap_or("+00:00")
    }

    /// The sender's name for the event, a URI.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.text("eventID")
    }

    /// The business step: a standard word or a URI.
    #[must_use]
    pub fn biz_step(&self) -> Option<&str> {
        self.text("bizStep")
    }

    /// The disposition: a standard word or a URI.
    #[must_use]
    pub fn disposition(&self) -> Option<&str> {
        self.text("disposition")
    }

    /// Where it happened; canonical.
    #[must_use]
    pub fn read_point(&self) -> Option<&str> {
        text(self.map.get("readPoint")?.as_map()?, "id")
    }

    /// Where the objects are afterwards; canonical.
    #[must_use]
    pub fn biz_location(&self) -> Option<&str> {
        text(self.map.get("bizLocation")?.as_map()?, "id")
    }

    /// (type, canonical identifier) of every source shown.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.typed("sourceList", "source")
    }

    /// (type, canonical identifier) of every destination shown.
    pub fn destinations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.typed("destinationList", "destination")
    }

    /// (type, identifier) of every business document shown; the type may be left out.
    pub fn biz_transactions(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        maps(&self.map, "bizTransactionList")
            .filter_map(|item| Some((text(item, "type"), text(item, "bizTransaction")?)))
    }

    /// Addresses of certificates.
    pub fn certification_info(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self.map.get("certificationInfo") {
            Some(Value::Array(many)) => (None, many.as_slice()),
            other => (other.and_then(Value::as_text), [].as_slice()),
        };
        one.into_iter()
            .chain(many.iter().filter_map(Value::as_text))
    }

    /// That this event takes an earlier one back.
    #[must_use]
    pub fn error_declaration(&self) -> Option<ErrorDeclaration<'_>> {
        let fields = self.map.get("errorDeclaration")?.as_map()?;
        Some(ErrorDeclaration {
            time: moment(fields, "declarationTime"),
            reason: text(fields, "reason"),
            corrective_ids: texts(fields, "correctiveEventIDs").collect(),
        })
    }

    /// Instance and lot master data: what is true of the objects from their beginning.
    #[must_use]
    pub fn ilmd(&self) -> Option<&Map> {
        self.map.get("ilmd")?.as_map()
    }

    /// The sensor elements.
    pub fn sensor_elements(&self) -> impl Iterator<Item = SensorElement<'_>> {
        maps(&self.map, "sensorElementList").map(SensorElement)
    }

    /// Dispositions set and unset.
    #[must_use]
    pub fn persistent_disposition(&self) -> Option<PersistentDisposition<'_>> {
        let fields = self.map.get("persistentDisposition")?.as_map()?;
        let all = |key| texts(fields, key).collect();
        Some(PersistentDisposition {
            set: all("set"),
            unset: all("unset"),
        })
    }

    /// What joins the events of one transformation; canonical.
    #[must_use]
    pub fn transformation_id(&self) -> Option<&str> {
        self.text("transformationID")
    }

    /// An extension's value by its full name: namespace and local name.
    #[must_use]
    pub fn extension(&self, namespace: &str, local: &str) -> Option<&Value> {
        self.extension_in(&self.map, namespace, local)
    }

    /// An extension's value in one of the event's maps.
    #[must_use]
    pub fn extension_in<'a>(
        &self,
        map: &'a Map,
        namespace: &str,
        local: &str,
    ) -> Option<&'a Value> {
        let context = self.context();
        let named = |key: &str| {
            context
                .expand(key)
                .strip_prefix(namespace)
                .is_some_and(|rest| rest == local)
        };
        map.iter()
            .find(|(key, _)| named(key))
            .map(|(_, value)| value)
    }

    /// The terms the event declares.
    pub(super) fn context(&self) -> DocumentContext {
        let mut context = DocumentContext::default();
        if let Some(own) = self.map.get("@context") {
            context
                .add(own, &Path::default())
                .expect("an event's context was read before");
        }
        context
    }

    /// Whether nothing is withheld from it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        map_is_whole(&self.map)
    }

    /// Every object and lot the event names, in the order of its fields' roles.
    #[must_use]
    pub fn objects(&self) -> Vec<ObjectRef<'_>> {
        let mut found = Vec::new();
        if let Some(id) = self.text("parentID") {
            found.push(ObjectRef {
                role: Role::Parent,
                id,
                quantity: None,
            });
        }
        for (role, list, quantity_list) in [
            (Role::Object, "epcList", "quantityList"),
            (Role::Child, "childEPCs", "childQuantityList"),
            (Role::Input, "inputEPCList", "inputQuantityList"),
            (Role::Output, "outputEPCList", "outputQuantityList"),
        ] {
            let single = texts(&self.map, list);
            found.extend(single.map(|id| ObjectRef {
                role,
                id,
                quantity: None,
            }));
            found.extend(maps(&self.map, quantity_list).filter_map(|item| {
                let uom = text(item, "uom");
                let quantity = item.get("quantity").map(|value| Quantity { value, uom });
                Some(ObjectRef {
                    role,
                    id: text(item, "epcClass")?,
                    quantity,
                })
            }));
        }
        found
    }

    /// The canonical identifiers under which the ledger's state lists this event, sorted, unique:
    /// its objects and transformation; if it names none, its sensors and read point.
    #[must_use]
    pub fn items(&self) -> Vec<Cow<'_, str>> {
        let mut items: Vec<&str> = self.objects().iter().map(|object| object.id).collect();
        items.extend(self.transformation_id());
        if items.is_empty() {
            items.extend(self.sensor_elements().filter_map(SensorElement::device));
            for element in self.sensor_elements() {
                items.extend(element.reports().filter_map(|report| report.device));
            }
            items.extend(self.read_point());
        }
        let lots = self.lots_made().into_iter().map(Cow::Owned);
        let mut all: Vec<Cow<'_, str>> = items.into_iter().map(Cow::Borrowed).chain(lots).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The lots of the serials and trace codes that this event brings into being, by the lot number
    /// in its `ilmd`; canonical. A recall of the lot must find its boxes.
    #[must_use]
    pub fn lots_made(&self) -> BTreeSet<String> {
        let makes = self.kind() == EventKind::Transformation || self.action() == Some(Action::Add);
        let Some(ilmd) = self.ilmd().filter(|_| makes) else {
            return BTreeSet::new();
        };
        let text = |namespace: &str, local: &str| {
            self.extension_in(ilmd, namespace, local)
                .and_then(Value::as_text)
        };
        let Some(lot) = text(MASTER_DATA, "lotNumber") else {
            return BTreeSet::new();
        };
        let said = text(VOCABULARY, "product").and_then(|id| Identifier::parse(id).ok());
        self.objects()
            .into_iter()
            .filter(|object| matches!(object.role, Role::Object | Role::Output))
            .filter_map(|object| Identifier::parse(object.id).ok())
            .filter(Identifier::is_instance)
            .filter_map(|instance| instance.product().or_else(|| said.clone()))
            .filter_map(|product| product.with_lot(lot))
            .map(|lot| lot.as_str().to_owned())
            .collect()
    }

    fn text(&self, key: &str) -> Option<&str> {
        text(&self.map, key)
    }

    fn typed(&self, list: &str, key: &str) -> impl Iterator<Item = (&str, &str)> {
        maps(&self.map, list).filter_map(move |item| Some((text(item, "type")?, text(item, key)?)))
    }
}

fn text<'a>(map: &'a Map, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_text)
}

fn moment(map: &Map, key: &str) -> Option<UnixMillis> {
    text(map, key).and_then(time::parse)
}

fn list<'a>(map: &'a Map, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    map.get(key)
        .and_then(Value::as_array)
        .unwrap_or_default()
        .iter()
}

fn texts<'a>(map: &'a Map, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    list(map, key).filter_map(Value::as_text)
}

fn maps<'a>(map: &'a Map, key: &str) -> impl Iterator<Item = &'a Map> + use<'a> {
    list(map, key).filter_map(Value::as_map)
}

fn map_is_whole(map: &Map) -> bool {
    map.get(WITHHELD_KEY).is_none() && map.iter().all(|(_, value)| is_whole(value))
}

fn is_whole(value: &Value) -> bool {
    match value {
        Value::Map(map) => map_is_whole(map),
        Value::Array(items) => items.iter().all(is_whole),
        Value::Bool(_)
        | Value::Bytes(_)
        | Value::Decimal(_)
        | Value::Int(_)
        | Value::Null
        | Value::Text(_) => true,
    }
}
