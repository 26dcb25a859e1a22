//! Orders: what stops goods, what ends that, and what their holders answer.
//!
//! An authority or whoever made or had the goods **holds** them (until it is known whether they
//! are sound) or **recalls** them; a **release** ends either; holders **respond**. Each is a
//! registry act with one record for each item, under one **case**, whose identifier carries its
//! opener's handle. This module reads the records, and knows when what they ask for is due. Who of
//! those that may speak is entitled to stop *these* goods needs the goods' story, and is decided
//! in [`crate::provenance`].
//!
//! Bytes: `schemas/suyuan.cddl`, rules `order`, `release-record`, `response`. Law: 食品安全法 art.
//! 63 (stop, recall, notify; label faults may be mended and sold on); 食品召回管理办法 art. 13, 18
//! for the three levels' deadlines.

use crate::cbor::{Map, Value};
use crate::identifier::{Identifier, Kind};
use crate::ids::UnixMillis;
use crate::provenance::answer::Text;
use crate::time;
use serde::Serialize;

/// The item whose list leads to every case of a ledger: each hold, recall and release touches it
/// once, so that the list of all recalls is proved complete as any other.
pub const CASES: &str = "urn:suyuan:cases";

/// Longest reason in one language, in bytes: a paragraph on a phone.
const REASON_MAX: usize = 1000;

/// Longest document number or test name, in bytes.
const REFERENCE_MAX: usize = 256;

/// How grave it is: the law's three levels of recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It has harmed, or can gravely harm, health.
    One,
    /// It can harm health.
    Two,
    /// A label that can mislead, and other lesser faults.
    Three,
}

impl Level {
    /// 1 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }

    /// The level of this number.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            3 => Some(Self::Three),
            _ => None,
        }
    }
}

impl Serialize for Level {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// How far an order reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The item under all its codes, and of a lot its serials.
    Item,
    /// That, and everything made of it.
    Forward,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The goods may harm: they never come back.
    Safety,
    /// Only what is written on them is wrong: it may be put right, and they are sold on.
    Label,
}

/// One item's hold or recall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is stopped.
    pub item: Identifier,
    /// Under which case.
    pub case: Identifier,
    /// Why, for whoever holds the pack.
    pub reason: Text,
    /// How grave it is.
    pub level: Level,
    /// How far it reaches.
    pub reach: Reach,
    /// What is wrong.
    pub fault: Fault,
    /// What must be tested before the goods are released.
    pub retest: Option<String>,
    /// By when it should be decided, or done.
    pub deadline: Option<UnixMillis>,
}

impl Order {
    /// Reads a record of a hold or recall.
    ///
    /// # Errors
    /// The field that is missing or malformed.
    pub fn read(record: &Map) -> Result<Self, &'static str> {
        Ok(Self {
            item: goods(record, "id")?,
            case: case(record)?,
            reason: reason(record)?,
            level: match record.get("level") {
                Some(Value::Int(number)) => Level::from_number(*number).ok_or("level")?,
                _ => return Err("level"),
            },
            reach: match text(record, "reach") {
                Some("item") => Reach::Item,
                Some("forward") => Reach::Forward,
                _ => return Err("reach"),
            },
            fault: match text(record, "fault") {
                Some("safety") => Fault::Safety,
                Some("label") => Fault::Label,
                _ => return Err("fault"),
            },
            retest: reference(record, "retest")?,
            deadline: match record.get("deadline") {
                None => None,
                Some(value) => {
                    let moment = value.as_text().and_then(time::parse);
                    Some(moment.ok_or("deadline")?)
                }
            },
        })
    }
}

/// The end of one item's hold or recall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// What is released.
    pub item: Identifier,
    /// Under which case it was stopped.
    pub case: Identifier,
    /// Why it may go on.
    pub reason: Text,
    /// The report of the test that the order asked for.
    pub retest: Option<String>,
}

impl Release {
    /// Reads a record of a release.
    ///
    /// # Errors
    /// The field that is missing or malformed.
    pub fn read(record: &Map) -> Result<Self, &'static str> {
        Ok(Self {
            item: goods(record, "id")?,
            case: case(record)?,
            reason: reason(record)?,
            retest: reference(record, "retest")?,
        })
    }
}

/// What a holder did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It knows, and has stopped selling and using.
    Acknowledged,
    /// It sent goods back.
    Returned,
    /// It destroyed goods, and names the evidence.
    Destroyed,
    /// It put the label right.
    Corrected,
    /// The case is done, says who opened it or an authority; names the closing report. What is
    /// still somewhere stays stopped: only a release ends that.
    Closed,
}

/// One holder's answer about one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// About which case.
    pub case: Identifier,
    /// About which item.
    pub item: Identifier,
    /// What was done.
    pub what: Done,
    /// How much, where that is shown: above zero.
    pub quantity: Option<Value>,
    /// Its unit, UN/CEFACT Recommendation 20; `None` counts pieces.
    pub uom: Option<String>,
    /// A document's number or address.
    pub evidence: Option<String>,
}

impl Response {
    /// Reads a record of a response.
    ///
    /// # Errors
    /// The field that is missing or malformed.
    pub fn read(record: &Map) -> Result<Self, &'static str> {
        let what = match text(record, "what") {
            Some("acknowledged") => Done::Acknowledged,
            Some("returned") => Done::Returned,
            Some("destroyed") => Done::Destroyed,
            Some("corrected") => Done::Corrected,
            Some("closed") => Done::Closed,
            _ => return Err("what"),
        };
        let evidence = reference(record, "evidence")?;
        if matches!(what, Done::Destroyed | Done::Closed) && evidence.is_none() {
            return Err("evidence");
        }
        let quantity = match record.get("quantity") {
            None => None,
            Some(Value::Int(whole)) if *whole > 0 => Some(Value::Int(*whole)),
            Some(Value::Decimal(decimal)) if decimal.mantissa() > 0 => {
                Some(Value::Decimal(*decimal))
            }
            Some(_) => return Err("quantity"),
        };
        let uom = match record.get("uom") {
            None => None,
            Some(value) => {
                let word = value.as_text().filter(|word| (2..=3).contains(&word.len()));
                Some(word.ok_or("uom")?.to_owned())
            }
        };
        Ok(Self {
            case: case(record)?,
            item: goods(record, "item")?,
            what,
            quantity,
            uom,
            evidence,
        })
    }
}

fn text<'a>(record: &'a Map, field: &str) -> Option<&'a str> {
    record.get(field).and_then(Value::as_text)
}

/// An identifier in its canonical spelling: what is hashed into the state must be what is shown.
fn identifier(record: &Map, field: &'static str) -> Result<Identifier, &'static str> {
    let text = text(record, field).ok_or(field)?;
    Identifier::parse(text)
        .ok()
        .filter(|identifier| identifier.as_str() == text)
        .ok_or(field)
}

/// An identifier that can name goods or what they are in; not a person, place, licence or case.
fn goods(record: &Map, field: &'static str) -> Result<Identifier, &'static str> {
    let found = identifier(record, field)?;
    match found.kind() {
        Kind::Gtin
        | Kind::OwnProduct
        | Kind::Location
        | Kind::Party
        | Kind::Document
        | Kind::Service
        | Kind::Coupon
        | Kind::Payment
        | Kind::Model
        | Kind::Uscc
        | Kind::FoodProductionLicence
        | Kind::FoodOperationLicence
        | Kind::FoodOperationFiling
        | Kind::Participant
        | Kind::Case => Err(field),
        Kind::Lot
        | Kind::Serial
        | Kind::ThirdPartySerial
        | Kind::Sscc
        | Kind::ReturnableAsset
        | Kind::IndividualAsset
        | Kind::Consignment
        | Kind::Shipment
        | Kind::Component
        | Kind::Piece
        | Kind::OwnLot
        | Kind::Drug
        | Kind::Opaque => Ok(found),
    }
}

fn case(record: &Map) -> Result<Identifier, &'static str> {
    let found = identifier(record, "case")?;
    if found.kind() == Kind::Case {
        Ok(found)
    } else {
        Err("case")
    }
}

fn reason(record: &Map) -> Result<Text, &'static str> {
    let map = record
        .get("reason")
        .and_then(Value::as_map)
        .ok_or("reason")?;
    let one = |language| {
        let said = text(map, language).filter(|said| (1..=REASON_MAX).contains(&said.len()));
        said.map(str::to_owned).ok_or("reason")
    };
    Ok(Text {
        zh: one("zh")?,
        en: one("en")?,
    })
}

fn reference(record: &Map, field: &'static str) -> Result<Option<String>, &'static str> {
    let Some(value) = record.get(field) else {
        return Ok(None);
    };
    let said = value
        .as_text()
        .filter(|said| (1..=REFERENCE_MAX).contains(&said.len()));
    said.map(|said| Some(said.to_owned())).ok_or(field)
}

#[cfg(test)]
mod tests;
