//! EPCIS documents, checked as a whole before anything is signed.
//!
//! Every fault of every event of every file is reported, so that a clerk mends all of them at
//! once. An event without an id gets its hash id (CBV 2.0 §8.9): the same event sent again by
//! another program has the same name, and the ledger knows the duplicate.

use crate::exit::Failure;
use crate::text::{Lang, Text};
use ledger::cbor::Value;
use ledger::event::document::{self, Document};
use ledger::event::hash_id::{Profile, event_hash_id};
use ledger::event::{Event, EventError, EventFault};
use ledger::ids::UnixMillis;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes of one document: a day of a large firm; more goes into several files.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How far in the future an event may lie, as the ledger allows it.
const FUTURE_MAX_MS: i64 = 5 * 60 * 1000;

/// A document whose every event may be signed.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The file's bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its events, each with an id.
    pub(crate) events: Vec<Event>,
    /// Vocabularies of `epcisMasterData`, as they stand.
    pub(crate) master_data: Vec<serde_json::Value>,
}

/// One fault, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Faulty {
    pub(crate) file: PathBuf,
    /// A JSON Pointer into the file.
    pub(crate) path: String,
    pub(crate) reason: String,
    pub(crate) remedy: String,
}

/// Reads a file for [`check`].
///
/// # Errors
/// [`Failure`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::file(path, &error);
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > DOCUMENT_BYTES_MAX {
        let what = format!("{}: larger than {DOCUMENT_BYTES_MAX} bytes", path.display());
        return Err(Failure::malformed(what).remedy("split it into several documents"));
    }
    std::fs::read(path).map_err(failed)
}

/// Checks documents, each under the name it is reported by. `now` is this machine's clock.
///
/// # Errors
/// Every fault found.
pub(crate) fn check(
    files: Vec<(PathBuf, Vec<u8>)>,
    now: UnixMillis,
    lang: Lang,
) -> Result<Vec<Checked>, Vec<Faulty>> {
    let mut faults = Vec::new();
    let mut checked = Vec::new();
    let mut ids: BTreeMap<String, (PathBuf, usize)> = BTreeMap::new();
    for (file, bytes) in files {
        let Document {
            events,
            master_data,
            ..
        } = match document::parse_bytes(&bytes) {
            Ok(document) => document,
            Err(errors) => {
                let found = errors.into_iter().map(|error| faulty(&file, &error, lang));
                faults.extend(found);
                continue;
            }
        };
        let mut named = Vec::with_capacity(events.len());
        for (at, event) in events.into_iter().enumerate() {
            let path = format!("/epcisBody/eventList/{at}");
            let mut fault = |below: &str, reason: String, remedy: Text| {
                let remedy = lang.pick(remedy).to_owned();
                faults.push(Faulty {
                    file: file.clone(),
                    path: format!("{path}{below}"),
                    reason,
                    remedy,
                });
            };
            if event.time().0 > now.0.saturating_add(FUTURE_MAX_MS) {
                fault(
                    "/eventTime",
                    "time-in-future: the event has not happened yet".to_owned(),
                    CLOCK,
                );
            }
            match with_id(event) {
                Ok((id, event)) => {
                    if let Some((other, index)) = ids.get(&id) {
                        let other = format!("{}, event {index}", other.display());
                        fault(
                            "/eventID",
                            format!("duplicate-event: the same id as {other}"),
                            TWICE,
                        );
                    } else {
                        ids.insert(id, (file.clone(), at));
                    }
                    named.push(event);
                }
                Err(error) => {
                    let remedy = remedy(&error.why);
                    fault(&error.path, error.why.to_string(), remedy);
                }
            }
        }
        checked.push(Checked {
            bytes,
            events: named,
            master_data,
        });
    }
    if faults.is_empty() {
        Ok(checked)
    } else {
        Err(faults)
    }
}

/// The event with its id; where it has none, with its hash id.
fn with_id(event: Event) -> Result<(String, Event), EventError> {
    let mut map = event.as_map().clone();
    if let Some(id) = map.get("eventID").and_then(Value::as_text) {
        return Ok((id.to_owned(), event));
    }
    let id = event_hash_id(&event, Profile::Text);
    map.insert("eventID", id.as_str());
    Ok((id, Event::from_value(map.into())?))
}

fn faulty(file: &Path, error: &EventError, lang: Lang) -> Faulty {
    let path = if error.path.is_empty() {
        "/"
    } else {
        &error.path
    };
    let cause = std::error::Error::source(&error.why)
        .map_or_else(String::new, |cause| format!(": {cause}"));
    Faulty {
        file: file.to_owned(),
        path: path.to_owned(),
        reason: format!("{}{cause}", error.why),
        remedy: lang.pick(remedy(&error.why)).to_owned(),
    }
}

const CLOCK: Text = [
    "请核对事件时间、时区和本机时钟。",
    "Check the event's time and offset, and this machine's clock.",
];
const TWICE: Text = ["请删去重复的事件。", "Remove one of the two."];

/// What to do about a fault.
fn remedy(fault: &EventFault) -> Text {
    match fault {
        EventFault::BadContext => [
            "@context 请写成标准地址和本方扩展的列表。",
            "Write @context as a list: the standard's address, then your own terms.",
        ],
        EventFault::BadEncoding(_) | EventFault::NotNormal | EventFault::BadWithheld => {
            ["请提交 EPCIS 2.0 JSON 文件。", "Submit EPCIS 2.0 JSON."]
        }
        EventFault::BadHex => ["请只写十六进制数字。", "Write hexadecimal digits only."],
        EventFault::BadIdentifier(_) => [
            "请核对编码和校验码。",
            "Compare the code with the label; the check digit finds a mistyped figure.",
        ],
        EventFault::BadNumber(_) => [
            "请写成十进制数，如 4.5。",
            "Write a decimal number such as 4.5.",
        ],
        EventFault::BadOffset => ["时区请写成 +08:00。", "Write the offset as +08:00."],
        EventFault::BadTime => [
            "时间请写成 2026-11-23T16:00:00+08:00。",
            "Write times as 2026-11-23T16:00:00+08:00.",
        ],
        EventFault::BadUnit => [
            "单位请用 UN/CEFACT 代码，如 KGM。",
            "Use a UN/CEFACT unit code such as KGM.",
        ],
        EventFault::Empty => ["请填写内容，或删去此项。", "Fill it in, or leave it out."],
        EventFault::IlmdWithoutAdd => [
            "ilmd 只用于新建批次（action ADD）或产出的事件。",
            "Keep ilmd for events that begin a lot: action ADD, or a transformation.",
        ],
        EventFault::MissingField(_) => ["请补上此项。", "Add the field."],
        EventFault::NoWhat => [
            "请写明货品：epcList、quantityList 或 sensorElementList。",
            "Say what it is about: epcList, quantityList or sensorElementList.",
        ],
        EventFault::ParentMissing => ["请写上 parentID。", "Add parentID."],
        EventFault::ReservedKey => ["请给此项一个名称。", "Give the field a name."],
        EventFault::TooDeep { .. } => ["请减少嵌套层数。", "Nest less deeply."],
        EventFault::TooLarge { .. } => ["请把事件拆成几个。", "Split it into several events."],
        EventFault::TransformationSideMissing => [
            "请写上投入和产出，或用 transformationID 连接。",
            "Name inputs and outputs, or join them by transformationID.",
        ],
        EventFault::UndeclaredPrefix(_) => [
            "请在 @context 中声明此前缀。",
            "Declare the prefix in @context.",
        ],
        EventFault::UnknownField => [
            "请核对名称；扩展字段要有前缀。",
            "Check the name; a field of your own needs a prefix.",
        ],
        EventFault::UnknownType => [
            "请用 EPCISDocument 和五种事件类型之一。",
            "Use EPCISDocument and one of the five event types.",
        ],
        EventFault::UnknownWord(_) => [
            "请用标准词表中的词；自定义的词写成 URI。",
            "Use a word of the standard's list; write a word of your own as a URI.",
        ],
        EventFault::WrongKind { .. } => [
            "请按标准写成此类型。",
            "Write the kind of value that the standard has here.",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: UnixMillis = UnixMillis(1_795_392_000_000);

    fn document(events: &serde_json::Value) -> Vec<u8> {
        json!({
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-11-20T08:00:00Z",
            "epcisBody": {"eventList": events},
        })
        .to_string()
        .into_bytes()
    }

    fn event(id: &str, time: &str) -> serde_json::Value {
        let lot = "https://id.gs1.org/01/06901234567892/10/A1";
        ledger::testing::object_event(id, "OBSERVE", "storing", time, lot)
    }

    #[test]
    fn every_fault_of_every_file_is_reported_with_place_and_remedy() {
        let mut bad_digit = event("urn:e:1", "2026-11-20T08:00:00Z");
        bad_digit["quantityList"][0]["epcClass"] =
            "https://id.gs1.org/01/06901234567893/10/A1".into();
        let mut bad_word = event("urn:e:2", "2026-11-20T08:00:00Z");
        bad_word["bizStep"] = "stroing".into();
        let good = event("urn:e:3", "2026-11-20T08:00:00Z");
        let late = event("urn:e:4", "2027-11-20T08:00:00Z");
        let files = vec![
            (
                PathBuf::from("a.json"),
                document(&json!([bad_digit, good, bad_word])),
            ),
            (
                PathBuf::from("b.json"),
                document(&json!([good, good, late])),
            ),
            (PathBuf::from("c.json"), b"{".to_vec()),
        ];
        let faults = check(files, NOW, Lang::En).unwrap_err();
        let shown: Vec<(&str, &str)> = faults
            .iter()
            .map(|fault| (fault.file.to_str().unwrap(), fault.path.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("a.json", "/epcisBody/eventList/0/quantityList/0/epcClass"),
                ("a.json", "/epcisBody/eventList/2/bizStep"),
                ("b.json", "/epcisBody/eventList/1/eventID"),
                ("b.json", "/epcisBody/eventList/2/eventTime"),
                ("c.json", "/"),
            ]
        );
        assert!(
            faults
                .iter()
                .all(|fault| !fault.reason.is_empty() && !fault.remedy.is_empty())
        );
        assert!(
            faults[0].reason.contains("check digit"),
            "{}",
            faults[0].reason
        );
    }

    #[test]
    fn an_event_without_an_id_gets_its_hash_id() {
        let mut nameless = event("urn:e:1", "2026-11-20T08:00:00Z");
        nameless.as_object_mut().unwrap().remove("eventID");
        let files = vec![(PathBuf::from("a.json"), document(&json!([nameless])))];
        let checked = check(files, NOW, Lang::Zh).unwrap();
        let id = checked[0].events[0]
            .as_map()
            .get("eventID")
            .and_then(Value::as_text)
            .unwrap();
        assert!(
            id.starts_with("ni:///sha-256;") && id.ends_with("?ver=CBV2.0"),
            "{id}"
        );
        let twice = vec![(
            PathBuf::from("a.json"),
            document(&json!([nameless, nameless])),
        )];
        assert_eq!(check(twice, NOW, Lang::Zh).unwrap_err().len(), 1);
    }
}
