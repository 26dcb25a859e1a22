//! Who parties are and where they belong: what deciding about access needs of the state.

use super::corrupt;
use crate::access::{Concern, Party};
use crate::cbor::{Map, Value};
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex};
use crate::registry::Action;
use crate::state::{Participant, PrefixOwners, Record, StateKey};
use crate::statement::{Payload, SignedStatement};
use crate::store::{StoreError, View};
use crate::stored::{self, Stored, StoredPart};
use std::collections::BTreeMap;

/// Acts about one location number that are looked through, newest last: a number changes hands
/// once in years.
const NUMBER_ACTS_MAX: usize = 64;

/// What was looked up so far.
#[derive(Debug, Default)]
pub(super) struct Directory {
    districts: BTreeMap<Handle, String>,
    owners: BTreeMap<String, Option<Handle>>,
}

impl Directory {
    /// Whom one disclosure of a statement concerns; `act`: what the statement does, unless it
    /// tells of events. Owners are read out of the parts that withhold them.
    pub(super) fn concern<V: View>(
        &mut self,
        view: &V,
        issuer: Handle,
        signer: Handle,
        act: Option<&Action>,
        disclosed: &Stored,
    ) -> Result<Concern, StoreError> {
        let mut handles = Vec::new();
        if let Some(act) = act {
            handles.extend(subject(act));
        } else {
            for id in named_parties(disclosed) {
                handles.extend(self.owner(view, id)?);
            }
        }
        handles.sort_unstable();
        handles.dedup();
        let mut parties = Vec::with_capacity(handles.len());
        for handle in handles {
            parties.push(self.party(view, handle)?);
        }
        Ok(Concern {
            issuer: self.party(view, issuer)?,
            signer,
            parties,
        })
    }

    /// A participant with its district.
    pub(super) fn party<V: View>(&mut self, view: &V, handle: Handle) -> Result<Party, StoreError> {
        if let Some(district) = self.districts.get(&handle) {
            let district = district.clone();
            return Ok(Party { handle, district });
        }
        let record: Option<Participant> = load(view, StateKey::participant(handle))?;
        let district = record.map(|record| record.district).unwrap_or_default();
        self.districts.insert(handle, district.clone());
        Ok(Party { handle, district })
    }

    /// The participant that a party's or place's identifier is, or belongs to.
    fn owner<V: View>(&mut self, view: &V, id: &str) -> Result<Option<Handle>, StoreError> {
        if let Some(known) = self.owners.get(id) {
            return Ok(*known);
        }
        let owner = look_up(view, id)?;
        self.owners.insert(id.to_owned(), owner);
        Ok(owner)
    }
}

/// The participant an act is about: its contacts are in the record.
const fn subject(action: &Action) -> Option<Handle> {
    match action {
        Action::Admit { handle, .. }
        | Action::Amend { handle, .. }
        | Action::Suspend(handle)
        | Action::Reinstate(handle)
        | Action::AddKey { handle, .. } => Some(*handle),
        Action::Found { .. }
        | Action::RetireKey { .. }
        | Action::RevokeKey { .. }
        | Action::Delegate { .. }
        | Action::Product
        | Action::Place
        | Action::Recode
        | Action::Rules { .. }
        | Action::Policy
        | Action::Hold
        | Action::Recall
        | Action::Release
        | Action::Respond
        | Action::Forget
        | Action::Agreement
        | Action::Region
        | Action::Import => None,
    }
}

/// Identifiers of all sources and destinations, withheld ones too.
fn named_parties(disclosed: &Stored) -> Vec<&str> {
    let map = disclosed.disclosure.map();
    let shown = [("sourceList", "source"), ("destinationList", "destination")]
        .into_iter()
        .flat_map(|(list, key)| {
            let items = map.get(list).and_then(Value::as_array).unwrap_or_default();
            items
                .iter()
                .filter_map(Value::as_map)
                .filter_map(move |item| item.get(key))
        });
    let plain = disclosed.parts.iter().filter_map(|part| match part {
        StoredPart::Plain(part) => Some(part),
        StoredPart::Sealed(_) => None,
    });
    let withheld = plain.flat_map(|part| {
        ["source", "destination"]
            .into_iter()
            .filter_map(|key| part.fields().get(key))
    });
    shown.chain(withheld).filter_map(Value::as_text).collect()
}

fn look_up<V: View>(view: &V, id: &str) -> Result<Option<Handle>, StoreError> {
    let Ok(identifier) = Identifier::parse(id) else {
        return Ok(None);
    };
    if let Some(handle) = identifier
        .participant_handle()
        .or_else(|| identifier.own_lot_handle())
    {
        return Ok(Some(handle));
    }
    if let Some((_, gln)) = id.rsplit_once("/417/")
        && let Some(handle) = of_number(view, id, gln)?
    {
        return Ok(Some(handle));
    }
    let Some(digits) = identifier.gs1_prefix_digits() else {
        return Ok(None);
    };
    let Some(seven) = digits.get(..7) else {
        return Ok(None);
    };
    let owners: Option<PrefixOwners> = load(view, StateKey::prefix(seven))?;
    Ok(owners.and_then(|owners| owners.owner_of(digits)))
}

/// Whom the newest act that lists this number admits or amends.
fn of_number<V: View>(view: &V, id: &str, gln: &str) -> Result<Option<Handle>, StoreError> {
    let acts = view.postings(&StateKey::item(id), NUMBER_ACTS_MAX)?;
    let leaves: Vec<LeafIndex> = acts.iter().map(|at| at.leaf).collect();
    let bodies = view.entries_with_bodies(&leaves)?;
    for (at, found) in acts.iter().zip(bodies).rev() {
        let (entry, body) = found.ok_or_else(|| corrupt(at.leaf, "no entry"))?;
        let statement =
            SignedStatement::parse(&entry).map_err(|error| corrupt(at.leaf, &error.to_string()))?;
        let Payload::Registry(payload) = statement.payload() else {
            continue;
        };
        let (Action::Admit { handle, .. } | Action::Amend { handle, .. }) = &payload.action else {
            continue;
        };
        if body.is_empty() {
            continue;
        }
        let disclosed =
            stored::decode(&body).map_err(|error| corrupt(at.leaf, &error.to_string()))?;
        let lists = |map: &Map| {
            let glns = map
                .get("glns")
                .and_then(Value::as_array)
                .unwrap_or_default();
            glns.iter().any(|one| one.as_text() == Some(gln))
        };
        if disclosed.iter().any(|one| lists(one.disclosure.map())) {
            return Ok(Some(*handle));
        }
    }
    Ok(None)
}

/// A decoded state record.
pub(super) fn load<V: View, R: Record>(view: &V, key: StateKey) -> Result<Option<R>, StoreError> {
    let record = view.records(&[key])?.into_iter().next().flatten();
    record
        .map(|bytes| R::decode(&bytes))
        .transpose()
        .map_err(|error| StoreError::Corrupt {
            what: "state record",
            detail: format!("{key:?}: {error}"),
        })
}
