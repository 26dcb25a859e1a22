//! Agreements: what an authority lets a partner see of those in its jurisdiction.
//!
//! An agreement is a registry act with one disclosure for each partner, signed by an authority:
//!
//! ```text
//! { "partner": handle, "participants": [handle …], "districts": ["5101" …],
//!   "parts": "named" / "confidential" / "personal", ? "until": "2027-12-31T16:00:00Z" }
//! ```
//! It touches the partner's own item, [`agreement_item`]. A later one of the same authority with
//! the same partner replaces it; one without participants and districts ends it.
//!
//! Admission checks that partner and participants exist and that everything lies within the
//! authority's jurisdiction.

use super::{Party, Sight, covers};
use crate::cbor::{Map, Value};
use crate::ids::{Handle, UnixMillis};
use crate::time;

/// Participants or districts of one agreement: a city has some twenty districts, and who names
/// more firms one by one means a district.
const NAMED_MAX: usize = 256;

/// The item on whose list a partner's agreements stand.
#[must_use]
pub fn agreement_item(partner: Handle) -> String {
    format!("urn:suyuan:agreement:{partner}")
}

/// What one authority lets one partner see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// With whom.
    pub partner: Handle,
    /// Participants it covers.
    pub participants: Vec<Handle>,
    /// Districts it covers: region-code prefixes.
    pub districts: Vec<String>,
    /// What may be seen of events that concern them.
    pub parts: Sight,
    /// The last moment at which it holds.
    pub until: Option<UnixMillis>,
}

impl Agreement {
    /// Reads a record.
    ///
    /// # Errors
    /// The name of the first field that is wrong.
    pub fn read(record: &Map) -> Result<Self, &'static str> {
        let text = |field| record.get(field).and_then(Value::as_text);
        let partner = text("partner").and_then(Handle::parse).ok_or("partner")?;
        let participants = texts(record, "participants")?
            .into_iter()
            .map(Handle::parse)
            .collect::<Option<_>>()
            .ok_or("participants")?;
        let districts = texts(record, "districts")?;
        let is_prefix = |text: &&str| {
            (2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !districts.iter().all(is_prefix) {
            return Err("districts");
        }
        let parts = text("parts").and_then(Sight::parse).ok_or("parts")?;
        let until = match record.get("until") {
            None => None,
            Some(value) => Some(value.as_text().and_then(time::parse).ok_or("until")?),
        };
        Ok(Self {
            partner,
            participants,
            districts: districts.into_iter().map(str::to_owned).collect(),
            parts,
            until,
        })
    }

    /// Whether it holds at `now` and covers anyone.
    #[must_use]
    pub fn holds(&self, now: UnixMillis) -> bool {
        let anyone = !self.participants.is_empty() || !self.districts.is_empty();
        anyone && self.until.is_none_or(|until| now <= until)
    }

    /// Whether it covers this participant.
    #[must_use]
    pub fn reaches(&self, party: &Party) -> bool {
        let within = |prefix: &String| covers(prefix, &party.district);
        self.participants.contains(&party.handle) || self.districts.iter().any(within)
    }
}

fn texts<'a>(record: &'a Map, field: &'static str) -> Result<Vec<&'a str>, &'static str> {
    let Some(value) = record.get(field) else {
        return Ok(Vec::new());
    };
    let items = value.as_array().filter(|items| items.len() <= NAMED_MAX);
    items
        .ok_or(field)?
        .iter()
        .map(|item| item.as_text().ok_or(field))
        .collect()
}
