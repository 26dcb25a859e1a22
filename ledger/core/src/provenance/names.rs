//! Who and what things are called, out of the registry's lists.

use super::answer::{Party, Place, Product, Text};
use super::asked::Asked;
use super::authorised::{Standing, standings};
use super::inspections::{Inspection, inspections};
use super::source::{Content, Scope, Source, Touch};
use crate::access::covers;
use crate::cbor::{Map, Value};
use crate::event_proof::ForeignEvent;
use crate::identifier::Identifier;
use crate::ids::{Handle, UnixMillis};
use crate::policy::{self, History};
use crate::registry::Action;
use crate::state::{Role, Roles};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A product's version and when it was recorded.
#[derive(Clone, Debug)]
struct Version {
    recorded: UnixMillis,
    product: Product,
}

/// What was looked up so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Whether only open lists are read, which do not show who had the goods.
    open: bool,
    participants: BTreeMap<Handle, Option<Party>>,
    /// Of those whom other logs have introduced: which log.
    introduced: BTreeMap<Handle, String>,
    parties: BTreeMap<String, Option<Handle>>,
    products: BTreeMap<String, Vec<Version>>,
    places: BTreeMap<String, Option<Place>>,
    standings: BTreeMap<Handle, Vec<Standing>>,
    inspections: BTreeMap<String, Vec<Inspection>>,
    policies: History,
}

impl Names {
    /// Reads the policy. Asked for first, so that every answer rests on it.
    pub(super) fn load_policy<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
    ) -> Result<(), S::Error> {
        self.policies = History::of(&asked.names(policy::ITEM)?);
        Ok(())
    }

    /// Every version of the policy.
    pub(super) const fn policies(&self) -> &History {
        &self.policies
    }

    /// For answers in `scope`.
    pub(super) fn of(scope: Scope) -> Self {
        Self {
            open: scope == Scope::Open,
            ..Self::default()
        }
    }

    /// Whether only open lists are read.
    pub(super) const fn open(&self) -> bool {
        self.open
    }

    /// Looks up a participant.
    pub(super) fn load_participant<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        handle: Handle,
    ) -> Result<(), S::Error> {
        if let Entry::Vacant(entry) = self.participants.entry(handle) {
            let list = asked.names(Identifier::participant(handle).as_str())?;
            entry.insert(participant(&list, handle));
            self.standings.insert(handle, standings(&list, handle));
        }
        Ok(())
    }

    /// Takes note of somebody of another region, as its log introduces him: under the handle and
    /// the location numbers that he has there, unless somebody here has them, or another log has
    /// introduced somebody under them first.
    pub(super) fn introduce<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        told: &ForeignEvent,
    ) -> Result<(), S::Error> {
        self.load_participant(asked, told.issuer)?;
        let known = self.participants.entry(told.issuer).or_default();
        let by = self.introduced.get(&told.issuer);
        if by.map_or_else(|| known.is_some(), |log| *log != told.log) {
            return Ok(());
        }
        self.introduced.insert(told.issuer, told.log.clone());
        let profile = &told.standing.profile;
        let party = known.get_or_insert_default();
        describe(party, told.standing.roles, &told.standing.district, profile);
        for gln in texts(profile, "glns") {
            let party = format!("https://id.gs1.org/417/{gln}");
            self.load_party(asked, &party)?;
            self.parties
                .entry(party)
                .and_modify(|known| *known = known.or(Some(told.issuer)));
        }
        Ok(())
    }

    /// Looks up who a party's identifier names.
    pub(super) fn load_party<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        id: &str,
    ) -> Result<(), S::Error> {
        if self.parties.contains_key(id) {
            return Ok(());
        }
        let own = Identifier::parse(id)
            .ok()
            .and_then(|id| id.participant_handle());
        let handle = match (own, id.rsplit_once("/417/")) {
            (Some(handle), _) => Some(handle),
            (None, Some((_, gln))) => owner_of_gln(&asked.names(id)?, gln),
            (None, None) => None,
        };
        self.parties.insert(id.to_owned(), handle);
        Ok(())
    }

    /// Looks up a product.
    pub(super) fn load_product<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        id: &str,
    ) -> Result<(), S::Error> {
        if !self.products.contains_key(id) {
            let list = asked.names(id)?;
            let versions = list.iter().filter_map(|touch| {
                let record = record(touch, &Action::Product, id)?;
                Some(Version {
                    recorded: touch.recorded,
                    product: product(record),
                })
            });
            self.products.insert(id.to_owned(), versions.collect());
        }
        Ok(())
    }

    /// Looks up what inspectors found on a thing: a device, a cylinder, a valve.
    pub(super) fn load_inspections<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        id: &str,
    ) -> Result<(), S::Error> {
        if !self.inspections.contains_key(id) {
            let list = asked.names(id)?;
            for touch in list.iter() {
                self.load_participant(asked, touch.issuer)?;
            }
            let found = inspections(&list, id, self);
            self.inspections.insert(id.to_owned(), found);
        }
        Ok(())
    }

    /// What inspectors found on a thing, in the order of time.
    pub(super) fn inspections(&self, id: &str) -> &[Inspection] {
        self.inspections.get(id).map_or(&[], Vec::as_slice)
    }

    /// What a participant was authorised to do, in log order.
    pub(super) fn standings(&self, handle: Handle) -> &[Standing] {
        self.standings.get(&handle).map_or(&[], Vec::as_slice)
    }

    /// Looks up a place.
    pub(super) fn load_place<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        id: &str,
    ) -> Result<(), S::Error> {
        let participant = Identifier::parse(id).is_ok_and(|id| id.participant_handle().is_some());
        if !participant && !self.places.contains_key(id) {
            let list = asked.names(id)?;
            let newest = list
                .iter()
                .rev()
                .find_map(|touch| record(touch, &Action::Place, id));
            self.places.insert(id.to_owned(), newest.map(place));
        }
        Ok(())
    }

    /// Whose identifier this is, if it was looked up and is known.
    pub(super) fn party(&self, id: &str) -> Option<Handle> {
        self.parties.get(id).copied().flatten()
    }

    /// The one spelling of a party: the participant's identifier where it is one.
    pub(super) fn spelling(&self, id: &str) -> String {
        self.party(id).map_or_else(|| id.to_owned(), spelled)
    }

    /// A participant that was looked up, if it is known.
    pub(super) fn participant(&self, handle: Handle) -> Option<&Party> {
        self.participants.get(&handle).and_then(Option::as_ref)
    }

    /// Whether a participant is known to act in any of these roles.
    pub(super) fn is_any(&self, handle: Handle, roles: &[Role]) -> bool {
        let party = self.participants.get(&handle).and_then(Option::as_ref);
        party.is_some_and(|party| party.roles.iter().any(|role| roles.contains(role)))
    }

    /// Whether `authority` has a say over `other`: an authority or regulator whose district is, or
    /// contains, the other's (GB/T 2260: two digits a level; `00` leaves a level open). Another log
    /// says what its own offices are over, and nothing of who is over anyone here.
    pub(super) fn governs(&self, authority: Handle, other: Handle) -> bool {
        let district = |handle| {
            let party = self.participants.get(&handle).and_then(Option::as_ref);
            party.map_or("", |party| party.district.as_str())
        };
        self.introduced.get(&authority) == self.introduced.get(&other)
            && self.is_any(authority, &[Role::Authority, Role::Regulator])
            && covers(district(authority), district(other))
    }

    /// Whether it is known to be suspended.
    pub(super) fn suspended(&self, handle: Handle) -> bool {
        let party = self.participants.get(&handle).and_then(Option::as_ref);
        party.is_some_and(|party| party.suspended)
    }

    /// Whether it does nothing but watch: laboratories, regulators, authorities.
    pub(super) fn only_watches(&self, handle: Handle) -> bool {
        let party = self.participants.get(&handle).and_then(Option::as_ref);
        party.is_some_and(|party| {
            !party.roles.is_empty() && party.roles.iter().all(|role| watches(*role))
        })
    }

    /// The newest version of a product that was looked up.
    pub(super) fn product(&self, id: &str) -> Option<&Product> {
        let newest = self.products.get(id)?.last();
        newest.map(|version| &version.product)
    }

    /// The version of a product that held at `moment`; the first where it is older.
    pub(super) fn product_at(&self, id: &str, moment: UnixMillis) -> Option<&Product> {
        let versions = self.products.get(id)?;
        let then = versions
            .iter()
            .rev()
            .find(|version| version.recorded <= moment);
        then.or_else(|| versions.first())
            .map(|version| &version.product)
    }

    /// Everyone and everything found, for display: the newest versions.
    pub(super) fn into_parts(
        self,
    ) -> (
        BTreeMap<Handle, Party>,
        BTreeMap<String, Product>,
        BTreeMap<String, Place>,
    ) {
        let policy = self.policies.newest();
        let known = |(key, value): (_, Option<_>)| Some((key, value?));
        (
            self.participants
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect(),
            self.products
                .into_iter()
                .filter_map(|(id, mut versions)| {
                    let mut product = versions.pop()?.product;
                    // Which categories count is the city's to say, where it does.
                    if let Some(key) = policy.key_variety(&product.category) {
                        product.key_variety = key;
                    }
                    Some((id, product))
                })
                .collect(),
            self.places.into_iter().filter_map(known).collect(),
        )
    }
}

/// A participant as a party's identifier.
pub(crate) fn spelled(handle: Handle) -> String {
    Identifier::participant(handle).as_str().to_owned()
}

const fn watches(role: Role) -> bool {
    match role {
        Role::Authority | Role::Laboratory | Role::Regulator => true,
        Role::Carrier
        | Role::Distributor
        | Role::Processor
        | Role::Producer
        | Role::Retailer
        | Role::Site => false,
    }
}

/// The record of an act of this kind about `id`.
fn record<'t>(touch: &'t Touch, wanted: &Action, id: &str) -> Option<&'t Map> {
    match &*touch.content {
        Content::Registry { action, record } if action == wanted => {
            (text(record, "id") == id).then_some(record)
        }
        Content::Registry { .. } | Content::Event(_) | Content::Imported(_) => None,
    }
}

/// Whom the newest act that lists this number admits or amends.
fn owner_of_gln(list: &[Touch], gln: &str) -> Option<Handle> {
    list.iter().rev().find_map(|touch| match &*touch.content {
        Content::Registry {
            action: Action::Admit { handle, .. } | Action::Amend { handle, .. },
            record,
        } => {
            let glns = record
                .get("glns")
                .and_then(Value::as_array)
                .unwrap_or_default();
            glns.iter()
                .any(|one| one.as_text() == Some(gln))
                .then_some(*handle)
        }
        Content::Registry { .. } | Content::Event(_) | Content::Imported(_) => None,
    })
}

/// A participant as the acts about it leave it; `list`: its own item's.
#[must_use]
pub fn participant(list: &[Touch], wanted: Handle) -> Option<Party> {
    let mut found: Option<Party> = None;
    for touch in list {
        let Content::Registry { action, record } = &*touch.content else {
            continue;
        };
        if let Some((roles, district)) = action.standing_of(wanted) {
            describe(found.get_or_insert_default(), roles, district, record);
        }
        if let Action::Suspend(handle) | Action::Reinstate(handle) = action
            && *handle == wanted
            && let Some(party) = &mut found
        {
            party.suspended = matches!(action, Action::Suspend(_));
        }
    }
    found
}

fn describe(party: &mut Party, roles: Roles, district: &str, record: &Map) {
    party.roles = roles.iter().collect();
    district.clone_into(&mut party.district);
    if let Some(name) = record.get("name") {
        party.name = both(Some(name));
    }
    if let Some(uscc) = record.get("uscc").and_then(Value::as_text) {
        party.uscc = Some(uscc.to_owned());
    }
    if let Some(licences) = record.get("licences").and_then(Value::as_array) {
        let maps = licences.iter().filter_map(Value::as_map);
        party.licences = maps
            .map(|licence| {
                (
                    text(licence, "kind").to_owned(),
                    text(licence, "number").to_owned(),
                )
            })
            .collect();
    }
}

fn product(record: &Map) -> Product {
    let specification = both(record.get("specification"));
    Product {
        name: both(record.get("name")),
        specification: joined(&specification),
        net_content: text(record, "netContent").to_owned(),
        category: text(record, "category").to_owned(),
        storage_class: text(record, "storageClass").to_owned(),
        key_variety: matches!(record.get("keyVariety"), Some(Value::Bool(true))),
        shelf_life_days: match record.get("shelfLifeDays") {
            Some(Value::Int(days)) => Some(*days),
            _ => None,
        },
        required_tests: texts(record, "requiredTests").map(str::to_owned).collect(),
    }
}

/// The texts of a list field.
pub(super) fn texts<'a>(map: &'a Map, key: &str) -> impl Iterator<Item = &'a str> {
    let items = map.get(key).and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(Value::as_text)
}

fn place(record: &Map) -> Place {
    Place {
        name: both(record.get("name")),
        district: text(record, "district").to_owned(),
        kind: text(record, "kind").to_owned(),
    }
}

/// `{zh, en}`, or one text for both.
pub(super) fn both(value: Option<&Value>) -> Text {
    let Some(map) = value.and_then(Value::as_map) else {
        let one = value.and_then(Value::as_text).unwrap_or_default();
        return Text {
            zh: one.to_owned(),
            en: one.to_owned(),
        };
    };
    Text {
        zh: text(map, "zh").to_owned(),
        en: text(map, "en").to_owned(),
    }
}

fn joined(text: &Text) -> String {
    if text.zh == text.en {
        text.zh.clone()
    } else {
        format!("{} / {}", text.zh, text.en)
    }
}

/// A text field; nothing where it is missing or withheld.
pub(super) fn text<'a>(map: &'a Map, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_text).unwrap_or_default()
}
