//! A ledger in memory: events and registry acts by whom and when, and their items' lists.

use crate::cbor::{Map, Value};
use crate::event::{DocumentContext, Event};
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::order::CASES;
use crate::policy;
use crate::provenance::source::{Content, Source, Touch, Touches};
use crate::provenance::{Answer, Forward, Limits, Start, forward, trace};
use crate::registry::Action;
use crate::state::{Licence, Role};
use crate::store::EventRef;
use crate::time;
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;

/// The lists of a small ledger. `asked` records every question.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    lists: BTreeMap<String, Vec<Touch>>,
    next: u64,
    pub(super) asked: Vec<String>,
}

impl Source for Ledger {
    type Error = Infallible;

    fn touches(&mut self, item: &str) -> Result<Touches, Infallible> {
        self.asked.push(item.to_owned());
        let shown = self.lists.get(item).cloned().unwrap_or_default();
        Ok(Touches {
            total: u64::try_from(shown.len()).unwrap(),
            shown,
        })
    }
}

/// The participant of this number: a name for tests.
pub(super) fn who(number: u8) -> Handle {
    Handle([number; 16])
}

pub(super) fn party(number: u8) -> String {
    format!("urn:suyuan:participant:{}", who(number))
}

/// Minutes after the beginning of all test stories.
pub(super) fn at(minute: i64) -> i64 {
    time::parse("2026-11-01T00:00:00Z").unwrap().0 + minute * 60_000
}

/// The case that this participant opens.
pub(super) fn case(number: u8) -> String {
    let case = Identifier::case(who(number), "2026-1").unwrap();
    case.as_str().to_owned()
}

/// A lot of a test product.
pub(super) fn lot(number: u32) -> String {
    format!("https://id.gs1.org/01/06909813001010/10/L{number}")
}

/// One item of that product.
pub(super) fn serial(number: u32) -> String {
    format!("https://id.gs1.org/01/06909813001010/21/S{number}")
}

/// A vehicle or crate.
pub(super) fn asset(number: u32) -> String {
    format!("https://id.gs1.org/8004/6909815A{number}")
}

impl Ledger {
    fn push(&mut self, issuer: Handle, recorded: i64, content: Content, items: &[String]) {
        let touch = Touch {
            at: EventRef {
                leaf: LeafIndex(self.next),
                index: 0,
            },
            recorded: UnixMillis(recorded),
            issuer,
            signer: issuer,
            suspect_from: None,
            content: Rc::new(content),
        };
        self.next += 1;
        for item in items {
            self.lists
                .entry(item.clone())
                .or_default()
                .push(touch.clone());
        }
    }

    pub(super) fn event(&mut self, issuer: Handle, recorded: i64, event: Event) {
        let items: Vec<String> = event.items().into_iter().map(Cow::into_owned).collect();
        self.push(issuer, recorded, Content::Event(event), &items);
    }

    pub(super) fn act(&mut self, issuer: Handle, action: Action, record: Map, items: &[String]) {
        self.act_at(at(-10_000), issuer, action, record, items);
    }

    pub(super) fn act_at(
        &mut self,
        recorded: i64,
        issuer: Handle,
        action: Action,
        record: Map,
        items: &[String],
    ) {
        let content = Content::Registry { action, record };
        self.push(issuer, recorded, content, items);
    }

    pub(super) fn admit(&mut self, handle: Handle, roles: &[Role], record: Map, glns: &[String]) {
        self.admit_in("510100", handle, roles, record, glns);
    }

    pub(super) fn admit_in(
        &mut self,
        district: &str,
        handle: Handle,
        roles: &[Role],
        record: Map,
        glns: &[String],
    ) {
        let action = Action::Admit {
            handle,
            roles: roles.iter().copied().collect(),
            district: district.to_owned(),
            licences: licences(&record),
            keys: Vec::new(),
        };
        let mut items = vec![Identifier::participant(handle).as_str().to_owned()];
        items.extend(
            glns.iter()
                .map(|gln| format!("https://id.gs1.org/417/{gln}")),
        );
        self.act(handle, action, record, &items);
    }

    /// Participants 1 to 9: 7 is a carrier, 8 a laboratory, 9 a regulator, the others firms.
    pub(super) fn with_firms() -> Self {
        let mut ledger = Self::default();
        for number in 1..=9 {
            let role = match number {
                7 => Role::Carrier,
                8 => Role::Laboratory,
                9 => Role::Regulator,
                _ => Role::Distributor,
            };
            ledger.admit(who(number), &[role], Map::new(), &[]);
        }
        ledger
    }

    /// A row of the policy, recorded at `minute`.
    pub(super) fn policy(&mut self, minute: i64, key: &str, value: &Json) -> &mut Self {
        let row = json!({"key": key, "value": value, "source": "a test", "confirmed": true});
        let record = map(&json!({"id": policy::ITEM, "rows": [row]}));
        let content = Content::Registry {
            action: Action::Policy,
            record,
        };
        self.push(who(9), at(minute), content, &[policy::ITEM.to_owned()]);
        self
    }

    /// Admits a participant in one role with licences: kind, first day, first day after.
    pub(super) fn licensed(&mut self, number: u8, role: Role, licences: &[(&str, &str, &str)]) {
        let licences: Vec<Json> = licences
            .iter()
            .map(|(kind, from, until)| json!({"kind": kind, "from": from, "until": until}))
            .collect();
        self.admit(
            who(number),
            &[role],
            map(&json!({"licences": licences})),
            &[],
        );
    }

    /// Master data of the test product with these fields too.
    pub(super) fn product_with(&mut self, mut fields: Json) {
        fields["id"] = json!("https://id.gs1.org/01/06909813001010");
        let id = "https://id.gs1.org/01/06909813001010".to_owned();
        self.act(who(1), Action::Product, map(&fields), &[id]);
    }

    /// Amends what is recorded of a participant, at `minute`.
    pub(super) fn amend_at(&mut self, minute: i64, number: u8, role: Role, record: Map) {
        let action = Action::Amend {
            handle: who(number),
            roles: [role].into_iter().collect(),
            district: "510100".to_owned(),
            licences: licences(&record),
        };
        let item = Identifier::participant(who(number)).as_str().to_owned();
        let content = Content::Registry { action, record };
        self.push(who(9), at(minute), content, &[item]);
    }

    /// Master data of the test product.
    pub(super) fn product(&mut self, class: &str, shelf_life_days: i64) {
        let id = "https://id.gs1.org/01/06909813001010".to_owned();
        let record = map(&json!({
            "id": id,
            "name": {"zh": "豆瓣", "en": "Doubanjiang"},
            "storageClass": class,
            "shelfLifeDays": shelf_life_days,
        }));
        self.act(who(1), Action::Product, record, &[id]);
    }

    /// An event at `minute`, recorded then, with these fields beside its type and time.
    pub(super) fn say(&mut self, number: u8, minute: i64, fields: Json) -> &mut Self {
        self.say_recorded(number, minute, minute, fields)
    }

    pub(super) fn say_recorded(
        &mut self,
        number: u8,
        minute: i64,
        recorded: i64,
        fields: Json,
    ) -> &mut Self {
        let event = event(minute, fields);
        self.event(who(number), at(recorded), event);
        self
    }

    pub(super) fn make(&mut self, number: u8, minute: i64, item: &str) -> &mut Self {
        self.say(number, minute, on(item, "ADD", "commissioning"))
    }

    pub(super) fn ship(&mut self, from: u8, to: u8, minute: i64, item: &str) -> &mut Self {
        self.say(from, minute, hand_over(item, "shipping", from, to))
    }

    pub(super) fn receive(&mut self, to: u8, from: u8, minute: i64, item: &str) -> &mut Self {
        self.say(to, minute, hand_over(item, "receiving", from, to))
    }

    pub(super) fn stock(&mut self, number: u8, minute: i64, item: &str) -> &mut Self {
        self.say(number, minute, on(item, "OBSERVE", "stocking"))
    }

    pub(super) fn pack(
        &mut self,
        number: u8,
        minute: i64,
        action: &str,
        parent: &str,
        children: &[String],
    ) -> &mut Self {
        let step = if action == "ADD" {
            "packing"
        } else {
            "unpacking"
        };
        let mut fields = json!({
            "type": "AggregationEvent", "action": action, "bizStep": step, "parentID": parent,
        });
        put(&mut fields, "childEPCs", "childQuantityList", children);
        self.say(number, minute, fields)
    }

    pub(super) fn transform(
        &mut self,
        number: u8,
        minute: i64,
        inputs: &[String],
        outputs: &[String],
    ) -> &mut Self {
        let mut fields = json!({"type": "TransformationEvent", "bizStep": "commissioning"});
        put(&mut fields, "inputEPCList", "inputQuantityList", inputs);
        put(&mut fields, "outputEPCList", "outputQuantityList", outputs);
        self.say(number, minute, fields)
    }

    pub(super) fn recode(&mut self, number: u8, old: &str, new: &str) -> &mut Self {
        let record = map(&json!({"old": old, "new": new}));
        self.act(
            who(number),
            Action::Recode,
            record,
            &[old.to_owned(), new.to_owned()],
        );
        self
    }

    /// An order about `item` in case `case` of that participant's, recorded at `minute`.
    pub(super) fn order(
        &mut self,
        number: u8,
        minute: i64,
        action: Action,
        item: &str,
        more: &Json,
    ) -> &mut Self {
        let case = match more.get("case").and_then(Json::as_str) {
            Some(case) => case.to_owned(),
            None => case(number),
        };
        let mut fields = json!({
            "id": item, "case": case, "reason": {"zh": "黄曲霉毒素超标", "en": "aflatoxin"},
            "level": 1, "reach": "forward", "fault": "safety",
        });
        for (key, value) in more.as_object().unwrap() {
            fields[key] = value.clone();
        }
        let content = Content::Registry {
            action,
            record: map(&fields),
        };
        let items = [item.to_owned(), case, CASES.to_owned()];
        self.push(who(number), at(minute), content, &items);
        self
    }

    pub(super) fn trace(&mut self, item: &str) -> Answer {
        self.trace_at(item, 1_000)
    }

    pub(super) fn trace_at(&mut self, item: &str, minute: i64) -> Answer {
        let item = Identifier::parse(item).unwrap();
        trace(self, &item, UnixMillis(at(minute)), Limits::DEFAULT).unwrap()
    }

    /// A holder's answer to the case of another.
    pub(super) fn respond(&mut self, number: u8, minute: i64, of: u8, fields: &Json) -> &mut Self {
        let mut record = json!({"case": case(of), "item": lot(1), "what": "acknowledged"});
        for (key, value) in fields.as_object().unwrap() {
            record[key] = value.clone();
        }
        let content = Content::Registry {
            action: Action::Respond,
            record: map(&record),
        };
        self.push(who(number), at(minute), content, &[case(of)]);
        self
    }

    pub(super) fn forward(&mut self, item: &str) -> Forward {
        let item = Identifier::parse(item).unwrap();
        let start = [Start::Item(item)];
        forward(self, &start, UnixMillis(at(1_000)), Limits::DEFAULT).unwrap()
    }
}

/// Licences as registry acts have them inline, from a record that gives dates.
fn licences(record: &Map) -> Vec<Licence> {
    let listed = record.get("licences").and_then(Value::as_array);
    listed
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_map)
        .map(|licence| {
            let text = |key| licence.get(key).and_then(Value::as_text).unwrap();
            Licence {
                kind: text("kind").to_owned(),
                from: time::parse_date(text("from")).unwrap(),
                until: time::parse_date(text("until")).unwrap(),
            }
        })
        .collect()
}

fn is_class(item: &str) -> bool {
    Identifier::parse(item).unwrap().is_class()
}

/// Puts items into the list for instances or the one for classes.
fn put(fields: &mut Json, single: &str, class: &str, items: &[String]) {
    let (classes, singles): (Vec<_>, Vec<_>) = items.iter().partition(|item| is_class(item));
    if !singles.is_empty() {
        fields[single] = json!(singles);
    }
    if !classes.is_empty() {
        let classes: Vec<Json> = classes.iter().map(|id| json!({"epcClass": id})).collect();
        fields[class] = json!(classes);
    }
}

/// An object event's fields about one item.
pub(super) fn on(item: &str, action: &str, step: &str) -> Json {
    let mut fields = json!({"type": "ObjectEvent", "action": action, "bizStep": step});
    put(&mut fields, "epcList", "quantityList", &[item.to_owned()]);
    fields
}

pub(super) fn hand_over(item: &str, step: &str, from: u8, to: u8) -> Json {
    let mut fields = on(item, "OBSERVE", step);
    fields["sourceList"] = json!([{"type": "possessing_party", "source": party(from)}]);
    fields["destinationList"] = json!([{"type": "possessing_party", "destination": party(to)}]);
    fields
}

/// `fields` with one more.
pub(super) fn with(mut fields: Json, key: &str, value: Json) -> Json {
    fields[key] = value;
    fields
}

pub(super) fn event(minute: i64, mut fields: Json) -> Event {
    fields["eventTime"] = time::format_utc(UnixMillis(at(minute))).into();
    if fields.get("eventTimeZoneOffset").is_none() {
        fields["eventTimeZoneOffset"] = "+08:00".into();
    }
    fields["@context"] = json!([
        {"sy": "https://ref.suyuan.example/voc/", "cbvmda": "urn:epcglobal:cbv:mda:"}
    ]);
    Event::from_json(&fields, &DocumentContext::default()).unwrap()
}

/// JSON as a record's fields.
pub(super) fn map(json: &Json) -> Map {
    let Value::Map(map) = value(json) else {
        panic!("{json} is no object")
    };
    map
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => crate::decimal::parse_number(&number.to_string()).unwrap(),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(fields) => Value::Map(
            fields
                .iter()
                .map(|(key, item)| (key.clone(), value(item)))
                .collect(),
        ),
    }
}
