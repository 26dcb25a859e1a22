//! The settings: each with its key, and the one form of its value.

use crate::cbor::{Map, Value};
use crate::provenance::Rule;
use crate::state::Role;
use serde::Serialize;

/// Minutes in a day: no interval between readings is longer.
const MINUTES_MAX: i64 = 1440;
/// Tenths of °C of any limit: what thermometers of goods show.
const TENTHS_MAX: u64 = 5_000;
/// Hours or days of any deadline: ten years.
const LONG_MAX: i64 = 87_600;
/// Kinds of licence that may stand for one another, tests of one product: lists for people.
const LIST_MAX: usize = 64;
/// Bytes of a word in a key or value.
const WORD_BYTES_MAX: usize = 64;

pub(super) const EVIDENCE_AGE: &str = "evidence/age-hours";
pub(super) const CALIBRATION_REQUIRED: &str = "calibration/required";

/// What a row sets.
///
/// | key | value |
/// |---|---|
/// | `authorisation/{role}/{sector}` | list of `{"kind", "form"}`, any one enough; empty: none needed |
/// | `calibration/required` | boolean |
/// | `class/{CLASS}` | `{"lowestTenths"?, "highestTenths"?, "carriedMinutes", "storedMinutes", "storedRequired"}` |
/// | `evidence/age-hours` | hours |
/// | `key-variety/{category}` | boolean |
/// | `recall/{sector}/{1..3}` | `{"startHours", "finishWorkingDays"?}` |
/// | `second-signature/{act}` | boolean |
/// | `severity/{rule}` | `flag`, `hold` or `reject` |
/// | `tests/{category}` | list of tests, as results name them |
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// What a role needs to hold to act on goods of a sector.
    Authorisation {
        /// The role.
        role: Role,
        /// The goods.
        sector: Sector,
        /// Any one of these; none needed where empty.
        any: Vec<Authorisation>,
    },
    /// Whether a device must have its calibration on the ledger.
    CalibrationRequired(bool),
    /// The limits of a storage class.
    Class {
        /// The class's word, as in product master data.
        name: String,
        /// Its limits.
        limits: ClassLimits,
    },
    /// How old evidence may be.
    EvidenceAge {
        /// Hours.
        hours: u32,
    },
    /// Whether a category is a key variety (重点品种).
    KeyVariety {
        /// The category, as in product master data.
        category: String,
        /// Whether it is one.
        key: bool,
    },
    /// Deadlines of a recall.
    Recall {
        /// The goods.
        sector: Sector,
        /// 1 is the gravest, 3 the least.
        level: u8,
        /// How soon.
        deadline: Deadline,
    },
    /// Whether an act needs two signatures.
    SecondSignature {
        /// The act.
        act: GuardedAct,
        /// Whether it does.
        required: bool,
    },
    /// How grave a finding is.
    Severity {
        /// The rule that finds it.
        rule: Rule,
        /// How grave.
        severity: Severity,
    },
    /// Tests that a category needs before sale.
    Tests {
        /// The category, as in product master data.
        category: String,
        /// The tests' keys, as in results.
        tests: Vec<String>,
    },
}

/// Temperatures in tenths of °C and longest times between readings in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassLimits {
    /// Lowest allowed.
    pub lowest_tenths: Option<i32>,
    /// Highest allowed.
    pub highest_tenths: Option<i32>,
    /// Between readings on the road.
    pub carried_minutes: u32,
    /// Between readings in a place.
    pub stored_minutes: u32,
    /// Whether a place owes readings at all; without, those it gives are judged.
    pub stored_required: bool,
}

impl ClassLimits {
    /// Whether anything is limited.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.lowest_tenths.is_some() || self.highest_tenths.is_some()
    }
}

/// One authorisation that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorisation {
    /// Its kind, as registry acts name it: `SC`, `JY`, `YB`, ...
    pub kind: String,
    /// What it is in law.
    pub form: Form,
}

/// What an authorisation is in law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 备案: the business tells the authority.
    Filing,
    /// 许可: the authority must allow it first.
    Licence,
    /// 登记: the business is entered in a list, as small workshops are.
    Registration,
}

/// How soon a recall must begin, and be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Hours until it must have begun and holders been told.
    pub start_hours: u32,
    /// Working days until it must be finished, where a rule says.
    pub finish_working_days: Option<u32>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its stable word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The one with this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// Kinds of goods that the law treats alike.
    Sector {
        /// Gas cylinders and what is filled into them.
        Cylinder = "cylinder",
        /// Medical devices.
        Device = "device",
        /// Medicines other than vaccines.
        Drug = "drug",
        /// Food from a factory or workshop.
        Food = "food",
        /// Edible farm produce (食用农产品), cut meat included.
        Produce = "produce",
        /// Vaccines.
        Vaccine = "vaccine",
    }
}

words! {
    /// How grave a finding is.
    Severity {
        /// Shown, and to be mended.
        Flag = "flag",
        /// The goods should stay where they are until it is cleared up.
        Hold = "hold",
        /// The act must not be done; a check refuses it.
        Reject = "reject",
    }
}

words! {
    /// Acts for which a second signature can be required.
    GuardedAct {
        /// Deleting a personal part.
        Forget = "forget",
        /// Ordering a recall.
        Recall = "recall",
        /// Suspending a participant.
        Suspend = "suspend",
    }
}

impl Sector {
    /// The sector of a product by its master data: its storage class and category. Categories are
    /// the two digits of GB food production licences, or a Chinese word; `None` for what is not
    /// goods of the law yet (原料, bought in) or has no category.
    #[must_use]
    pub fn of(category: &str, storage_class: &str) -> Option<Self> {
        let digits = category.bytes().take_while(u8::is_ascii_digit).count();
        if storage_class.starts_with("VACCINE") || category.starts_with("疫苗") {
            Some(Self::Vaccine)
        } else if storage_class.starts_with("DRUG") || category.starts_with("药品") {
            Some(Self::Drug)
        } else if category.starts_with("医疗器械") {
            Some(Self::Device)
        } else if category.starts_with("气瓶") || category.starts_with("燃气") {
            Some(Self::Cylinder)
        } else if category.ends_with("农产品") {
            Some(Self::Produce)
        } else if digits == 2 {
            Some(Self::Food)
        } else {
            None
        }
    }
}

impl Form {
    const fn word(self) -> &'static str {
        match self {
            Self::Filing => "filing",
            Self::Licence => "licence",
            Self::Registration => "registration",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Filing, Self::Licence, Self::Registration]
            .into_iter()
            .find(|form| form.word() == word)
    }
}

pub(super) fn authorisation_key(role: Role, sector: Sector) -> String {
    format!("authorisation/{}/{}", role.word(), sector.word())
}

pub(super) fn class_key(name: &str) -> String {
    format!("class/{name}")
}

pub(super) fn key_variety_key(category: &str) -> String {
    format!("key-variety/{category}")
}

pub(super) fn recall_key(sector: Sector, level: u8) -> String {
    format!("recall/{}/{level}", sector.word())
}

pub(super) fn second_signature_key(act: GuardedAct) -> String {
    format!("second-signature/{}", act.word())
}

pub(super) fn severity_key(rule: Rule) -> String {
    format!("severity/{}", rule.word())
}

pub(super) fn tests_key(category: &str) -> String {
    format!("tests/{category}")
}

impl Setting {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Authorisation { role, sector, .. } => authorisation_key(*role, *sector),
            Self::CalibrationRequired(_) => CALIBRATION_REQUIRED.to_owned(),
            Self::Class { name, .. } => class_key(name),
            Self::EvidenceAge { .. } => EVIDENCE_AGE.to_owned(),
            Self::KeyVariety { category, .. } => key_variety_key(category),
            Self::Recall { sector, level, .. } => recall_key(*sector, *level),
            Self::SecondSignature { act, .. } => second_signature_key(*act),
            Self::Severity { rule, .. } => severity_key(*rule),
            Self::Tests { category, .. } => tests_key(category),
        }
    }

    /// Its value, as in a record.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Authorisation { any, .. } => {
                let one = |one: &Authorisation| -> Value {
                    map([
                        ("kind", one.kind.as_str().into()),
                        ("form", one.form.word().into()),
                    ])
                };
                Value::Array(any.iter().map(one).collect())
            }
            Self::CalibrationRequired(truth)
            | Self::KeyVariety { key: truth, .. }
            | Self::SecondSignature {
                required: truth, ..
            } => Value::Bool(*truth),
            Self::Class { limits, .. } => {
                let mut fields: Vec<(&str, Value)> = Vec::new();
                for (name, tenths) in [
                    ("lowestTenths", limits.lowest_tenths),
                    ("highestTenths", limits.highest_tenths),
                ] {
                    fields.extend(tenths.map(|tenths| (name, Value::Int(tenths.into()))));
                }
                fields.push(("carriedMinutes", number(limits.carried_minutes)));
                fields.push(("storedMinutes", number(limits.stored_minutes)));
                fields.push(("storedRequired", Value::Bool(limits.stored_required)));
                map(fields)
            }
            Self::EvidenceAge { hours } => number(*hours),
            Self::Recall { deadline, .. } => {
                let mut fields = vec![("startHours", number(deadline.start_hours))];
                let finish = deadline.finish_working_days;
                fields.extend(finish.map(|days| ("finishWorkingDays", number(days))));
                map(fields)
            }
            Self::Severity { severity, .. } => severity.word().into(),
            Self::Tests { tests, .. } => {
                Value::Array(tests.iter().map(|test| test.as_str().into()).collect())
            }
        }
    }

    /// The setting of a key and its value; `None` for a key that no setting has, or else what the
    /// value must be.
    pub(super) fn parse(key: &str, value: &Value) -> Option<Result<Self, &'static str>> {
        if key == EVIDENCE_AGE {
            let hours = whole(value, 1, LONG_MAX);
            return Some(
                hours
                    .map(|hours| Self::EvidenceAge { hours })
                    .ok_or("a number of hours"),
            );
        }
        if key == CALIBRATION_REQUIRED {
            return Some(truth(value).map(Self::CalibrationRequired));
        }
        let (form, rest) = key.split_once('/')?;
        Some(match form {
            "authorisation" => {
                let (role, sector) = rest.split_once('/')?;
                let (role, sector) = (Role::parse(role)?, Sector::parse(sector)?);
                authorisations(value)
                    .map(|any| Self::Authorisation { role, sector, any })
                    .ok_or("a list of {kind, form}, form being licence, filing or registration")
            }
            "class" => {
                let name = rest.to_owned();
                let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
                is_word(rest, |byte| upper(byte) || byte == b'_').then_some(())?;
                class(value)
                    .map(|limits| Self::Class { name, limits })
                    .ok_or("{lowestTenths?, highestTenths?, carriedMinutes, storedMinutes, storedRequired}")
            }
            "key-variety" => {
                let category = category(rest)?;
                truth(value).map(|key| Self::KeyVariety { category, key })
            }
            "recall" => {
                let (sector, level) = rest.split_once('/')?;
                let sector = Sector::parse(sector)?;
                let level = ["1", "2", "3"].iter().position(|one| *one == level)?;
                let level = u8::try_from(level).ok()? + 1;
                deadline(value)
                    .map(|deadline| Self::Recall {
                        sector,
                        level,
                        deadline,
                    })
                    .ok_or("{startHours, finishWorkingDays?}")
            }
            "second-signature" => {
                let act = GuardedAct::parse(rest)?;
                truth(value).map(|required| Self::SecondSignature { act, required })
            }
            "severity" => {
                let rule = Rule::parse(rest)?;
                let severity = value.as_text().and_then(Severity::parse);
                severity
                    .map(|severity| Self::Severity { rule, severity })
                    .ok_or("flag, hold or reject")
            }
            "tests" => {
                let category = category(rest)?;
                words(value)
                    .map(|tests| Self::Tests { category, tests })
                    .ok_or("a list of tests")
            }
            _ => return None,
        })
    }
}

fn map<'k>(fields: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    fields.into_iter().collect::<Map>().into()
}

fn number(number: u32) -> Value {
    Value::Int(number.into())
}

fn is_word(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(allowed)
}

fn category(text: &str) -> Option<String> {
    is_word(text, |byte| !byte.is_ascii_control()).then(|| text.to_owned())
}

fn truth(value: &Value) -> Result<bool, &'static str> {
    if let Value::Bool(truth) = value {
        Ok(*truth)
    } else {
        Err("true or false")
    }
}

fn whole(value: &Value, least: i64, most: i64) -> Option<u32> {
    if let Value::Int(number) = value
        && (least..=most).contains(number)
    {
        u32::try_from(*number).ok()
    } else {
        None
    }
}

/// The fields of a map that has no others than `known`.
fn fields<'v>(value: &'v Value, known: &[&str]) -> Option<&'v Map> {
    let map = value.as_map()?;
    map.iter()
        .all(|(key, _)| known.contains(&key))
        .then_some(map)
}

fn words(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?;
    let word = |item: &Value| {
        let text = item.as_text()?;
        is_word(text, |byte| !byte.is_ascii_control()).then(|| text.to_owned())
    };
    let words: Option<Vec<String>> = items.iter().map(word).collect();
    words.filter(|words| words.len() <= LIST_MAX)
}

fn authorisations(value: &Value) -> Option<Vec<Authorisation>> {
    let items = value.as_array().filter(|items| items.len() <= LIST_MAX)?;
    items
        .iter()
        .map(|item| {
            let map = fields(item, &["kind", "form"])?;
            let kind = map.get("kind").and_then(Value::as_text)?;
            // As long as the licence kinds of registry acts.
            (!kind.is_empty() && kind.len() <= 16).then_some(())?;
            Some(Authorisation {
                kind: kind.to_owned(),
                form: Form::parse(map.get("form").and_then(Value::as_text)?)?,
            })
        })
        .collect()
}

fn class(value: &Value) -> Option<ClassLimits> {
    let known = [
        "lowestTenths",
        "highestTenths",
        "carriedMinutes",
        "storedMinutes",
        "storedRequired",
    ];
    let map = fields(value, &known)?;
    let tenths = |key| match map.get(key) {
        None => Some(None),
        Some(Value::Int(tenths)) if tenths.unsigned_abs() <= TENTHS_MAX => {
            Some(Some(i32::try_from(*tenths).ok()?))
        }
        Some(_) => None,
    };
    let limits = ClassLimits {
        lowest_tenths: tenths("lowestTenths")?,
        highest_tenths: tenths("highestTenths")?,
        carried_minutes: whole(map.get("carriedMinutes")?, 1, MINUTES_MAX)?,
        stored_minutes: whole(map.get("storedMinutes")?, 1, MINUTES_MAX)?,
        stored_required: truth(map.get("storedRequired")?).ok()?,
    };
    let crossed = limits.lowest_tenths > limits.highest_tenths && limits.highest_tenths.is_some();
    (!crossed).then_some(limits)
}

fn deadline(value: &Value) -> Option<Deadline> {
    let map = fields(value, &["startHours", "finishWorkingDays"])?;
    let finish_working_days = match map.get("finishWorkingDays") {
        None => None,
        Some(days) => Some(whole(days, 1, LONG_MAX)?),
    };
    Some(Deadline {
        start_hours: whole(map.get("startHours")?, 1, LONG_MAX)?,
        finish_working_days,
    })
}
