//! Policy: what rules judge by, as data on the ledger.
//!
//! Limits, intervals, deadlines, required tests, needed authorisations and severities are rows of
//! a table. Version 0 is in [`Policy::default`]; each act [`crate::registry::Action::Policy`] of
//! the authorities replaces rows by key and makes the next version. Every row names its source and
//! whether that text was read and confirmed.
//!
//! The acts touch the one item [`ITEM`], so that its list is proved complete like any other, and a
//! verifier judges by the same rows. An event is judged by the policy of the time at which it was
//! *recorded* ([`History::at`]): a later row changes nothing about what was recorded before it.
//!
//! ```text
//! record = {"id": "urn:suyuan:policy", "rows": [{"key", "value", "source", "confirmed"}, ...]}
//! ```
//! Bytes: `schemas/suyuan.cddl`, rule `policy-record`. Keys and values: [`Setting`].

mod deadline;
mod defaults;
mod history;
mod setting;

pub use history::History;
pub use setting::{
    Authorisation, ClassLimits, Deadline, Form, GuardedAct, Sector, Setting, Severity,
};

use crate::cbor::{Map, Value};
use crate::provenance::Rule;
use crate::state::Role;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The item that policy acts touch.
pub const ITEM: &str = "urn:suyuan:policy";

/// Rows of one record: several times the whole default table.
pub const ROWS_MAX: usize = 512;

/// Bytes of a row's source: a citation, not the text.
const SOURCE_BYTES_MAX: usize = 512;

/// One row: a setting with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is set, and to what.
    pub setting: Setting,
    /// The law, standard or decision behind it.
    pub source: String,
    /// Whether that text was read and the value confirmed.
    pub confirmed: bool,
}

/// Why a policy record is refused: which row, and what about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The record is not one about [`ITEM`] with 1 to [`ROWS_MAX`] rows.
    #[error("not a record of {ITEM} with 1 to {ROWS_MAX} rows")]
    Record,
    /// A row lacks its key, value, source or mark, or has more than these.
    #[error("row {row}: {field} is missing, malformed or unknown")]
    Field {
        /// Which row, from 0.
        row: usize,
        /// The field.
        field: String,
    },
    /// No setting has this key.
    #[error("row {row}: no setting has the key {key:?}")]
    KeyUnknown {
        /// Which row, from 0.
        row: usize,
        /// The key.
        key: String,
    },
    /// The value is not one that the key may have.
    #[error("row {row}: the value of {key:?} must be {want}")]
    Value {
        /// Which row, from 0.
        row: usize,
        /// The key.
        key: String,
        /// What it must be.
        want: &'static str,
    },
    /// Two rows of one record set the same key.
    #[error("row {row}: {key:?} is set twice")]
    Twice {
        /// The second of the two, from 0.
        row: usize,
        /// The key.
        key: String,
    },
}

/// Reads the rows of a policy record, in its order.
///
/// # Errors
/// [`PolicyError`], at the first row that is not in order.
pub fn read_record(record: &Map) -> Result<Vec<Row>, PolicyError> {
    if record.get("id").and_then(Value::as_text) != Some(ITEM) || record.len() != 2 {
        return Err(PolicyError::Record);
    }
    let rows = record.get("rows").and_then(Value::as_array);
    let rows = rows.filter(|rows| (1..=ROWS_MAX).contains(&rows.len()));
    let mut found = BTreeSet::new();
    let mut all = Vec::new();
    for (at, row) in rows.ok_or(PolicyError::Record)?.iter().enumerate() {
        let row = Row::read(at, row)?;
        let key = row.setting.key();
        if !found.insert(key.clone()) {
            return Err(PolicyError::Twice { row: at, key });
        }
        all.push(row);
    }
    Ok(all)
}

/// The record that sets `rows`.
#[must_use]
pub fn record<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Map {
    let rows: Vec<Value> = rows.into_iter().map(|row| row.to_map().into()).collect();
    [("id", Value::from(ITEM)), ("rows", rows.into())]
        .into_iter()
        .collect()
}

impl Row {
    fn read(at: usize, value: &Value) -> Result<Self, PolicyError> {
        let field = |field: &str| PolicyError::Field {
            row: at,
            field: field.chars().take(64).collect(),
        };
        let map = value.as_map().ok_or_else(|| field("row"))?;
        let known = ["confirmed", "key", "source", "value"];
        if let Some((other, _)) = map.iter().find(|(name, _)| !known.contains(name)) {
            return Err(field(other));
        }
        let key = map.get("key").and_then(Value::as_text);
        let key = key.ok_or_else(|| field("key"))?;
        let value = map.get("value").ok_or_else(|| field("value"))?;
        let source = map.get("source").and_then(Value::as_text);
        let source = source
            .filter(|source| !source.is_empty() && source.len() <= SOURCE_BYTES_MAX)
            .ok_or_else(|| field("source"))?;
        let Some(Value::Bool(confirmed)) = map.get("confirmed") else {
            return Err(field("confirmed"));
        };
        let shown = || key.chars().take(128).collect();
        let setting = match Setting::parse(key, value) {
            Some(Ok(setting)) => setting,
            Some(Err(want)) => {
                let (row, key) = (at, shown());
                return Err(PolicyError::Value { row, key, want });
            }
            None => {
                return Err(PolicyError::KeyUnknown {
                    row: at,
                    key: shown(),
                });
            }
        };
        Ok(Self {
            setting,
            source: source.to_owned(),
            confirmed: *confirmed,
        })
    }

    /// The row as it stands in a record.
    #[must_use]
    pub fn to_map(&self) -> Map {
        [
            ("key", Value::from(self.setting.key())),
            ("value", self.setting.value()),
            ("source", Value::from(self.source.as_str())),
            ("confirmed", Value::Bool(self.confirmed)),
        ]
        .into_iter()
        .collect()
    }

    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        crate::event::json_of_map(&self.to_map()).into()
    }
}

/// A version of the table: one row for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    version: u32,
    rows: BTreeMap<String, Row>,
}

static DEFAULT: LazyLock<Policy> = LazyLock::new(|| Policy {
    version: 0,
    rows: defaults::rows()
        .into_iter()
        .map(|row| (row.setting.key(), row))
        .collect(),
});

impl Default for Policy {
    /// Version 0: `domain.md` §4 of the project's requirements, as read so far.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl Policy {
    /// How many acts made it: 0 for the defaults.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Every row, by key.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.rows.iter().map(|(key, row)| (key.as_str(), row))
    }

    /// The table as JSON: `{version, rows}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let rows: Vec<_> = self.rows.values().map(Row::to_json).collect();
        serde_json::json!({"version": self.version, "rows": rows})
    }

    /// The next version: these rows in the place of those of the same keys.
    #[must_use]
    pub fn amended(&self, rows: impl IntoIterator<Item = Row>) -> Self {
        let mut next = self.clone();
        next.version += 1;
        for row in rows {
            next.rows.insert(row.setting.key(), row);
        }
        next
    }

    /// The limits of a storage class, as product master data names it, and their row; `None` where
    /// it has none, as `AMBIENT`.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<(&ClassLimits, &Row)> {
        let row = self.rows.get(&setting::class_key(name))?;
        if let Setting::Class { limits, .. } = &row.setting
            && limits.any()
        {
            Some((limits, row))
        } else {
            None
        }
    }

    /// What of this a `role` may hold to act on goods of a sector, any one of them enough. Empty:
    /// it needs none.
    #[must_use]
    pub fn authorisations(&self, role: Role, sector: Sector) -> &[Authorisation] {
        match self.setting(&setting::authorisation_key(role, sector)) {
            Some(Setting::Authorisation { any, .. }) => any,
            _ => &[],
        }
    }

    /// The tests that every lot of this category needs before it is sold, beside those that its
    /// product's master data names.
    #[must_use]
    pub fn tests(&self, category: &str) -> &[String] {
        match self.setting(&setting::tests_key(category)) {
            Some(Setting::Tests { tests, .. }) => tests,
            _ => &[],
        }
    }

    /// Whether products of this category are key varieties; `None` where the policy does not say,
    /// and the product's own master data does.
    #[must_use]
    pub fn key_variety(&self, category: &str) -> Option<bool> {
        match self.setting(&setting::key_variety_key(category)) {
            Some(Setting::KeyVariety { key, .. }) => Some(*key),
            _ => None,
        }
    }

    /// How soon a recall of this level must begin and end, and the row that says so. Levels 1
    /// (gravest) to 3. Farm produce is recalled as food and vaccines as medicines, unless rows say
    /// otherwise.
    #[must_use]
    pub fn recall(&self, sector: Sector, level: u8) -> Option<(Deadline, &Row)> {
        let wider = match sector {
            Sector::Produce => Sector::Food,
            Sector::Vaccine => Sector::Drug,
            Sector::Cylinder | Sector::Device | Sector::Drug | Sector::Food => sector,
        };
        [sector, wider].into_iter().find_map(|sector| {
            let row = self.rows.get(&setting::recall_key(sector, level))?;
            if let Setting::Recall { deadline, .. } = row.setting {
                Some((deadline, row))
            } else {
                None
            }
        })
    }

    /// How grave a rule's finding is.
    #[must_use]
    pub fn severity(&self, rule: Rule) -> Severity {
        match self.setting(&setting::severity_key(rule)) {
            Some(Setting::Severity { severity, .. }) => *severity,
            _ => Severity::Flag,
        }
    }

    /// Hours after which evidence is too old to answer for goods now.
    #[must_use]
    pub fn evidence_age_hours(&self) -> u32 {
        match self.setting(setting::EVIDENCE_AGE) {
            Some(Setting::EvidenceAge { hours }) => *hours,
            _ => u32::MAX,
        }
    }

    /// Whether readings of a device without any recorded calibration are a finding too.
    #[must_use]
    pub fn calibration_required(&self) -> bool {
        matches!(
            self.setting(setting::CALIBRATION_REQUIRED),
            Some(Setting::CalibrationRequired(true))
        )
    }

    /// Whether an act needs a second signature (经办 and 审核).
    #[must_use]
    pub fn second_signature(&self, act: GuardedAct) -> bool {
        matches!(
            self.setting(&setting::second_signature_key(act)),
            Some(Setting::SecondSignature { required: true, .. })
        )
    }

    fn setting(&self, key: &str) -> Option<&Setting> {
        self.rows.get(key).map(|row| &row.setting)
    }
}

#[cfg(test)]
mod tests;
