//! Admission of registry acts, rules version 1: who may do what to whom, and the effects.

mod orders;
mod regions;

use super::events::{is_standing, owner_of};
use super::{Moment, RULES_VERSION, Refusal, config, participant};
use crate::access::open::open_list;
use crate::access::{Agreement, agreement_item, covers};
use crate::cbor::{Map, Value};
use crate::forget::{ORDERS, Order, entry_item};
use crate::identifier::Identifier;
use crate::ids::{CaptureId, Handle, UnixMillis};
use crate::policy::{self, GuardedAct, PolicyError, Setting};
use crate::registry::{Action, NewKey, RegistryPayload, possession_message};
use crate::reject::RejectReason;
use crate::signature::{KeyId, PublicKey};
use crate::state::{
    CaptureRecord, Config, Delegation, Effects, GuardedActs, KeyRecord, Participant, PrefixOwners,
    Record, Role, Roles, State, StateKey,
};
use crate::statement::{Issuer, Payload, SignedStatement};
use std::collections::BTreeSet;

/// A participant's GS1 prefixes and locations in one record: a large firm's, bounded.
const NUMBERS_MAX: usize = 256;

/// The founding entry: leaf 0, signed by the log itself, once.
pub(super) fn found(
    state: &mut impl State,
    statement: &SignedStatement,
    moment: Moment<'_>,
) -> Result<Effects, Refusal> {
    let Payload::Registry(RegistryPayload {
        action:
            Action::Found {
                threshold,
                founders,
                predecessor,
            },
        ..
    }) = statement.payload()
    else {
        return Err(RejectReason::WithoutObject {
            what: "a participant as issuer",
        }
        .into());
    };
    if moment.leaf.0 != 0 || state.load::<Config>(StateKey::config())?.is_some() {
        return Err(RejectReason::WithoutObject {
            what: "an unfounded ledger",
        }
        .into());
    }
    if *threshold == 0 || usize::from(*threshold) > founders.len() {
        return Err(RejectReason::RecordInvalid {
            index: 0,
            field: "threshold",
        }
        .into());
    }
    // A log cannot continue itself: its name is one history's for ever.
    if predecessor
        .as_ref()
        .is_some_and(|one| statement.header().audience.contains(&one.claim().origin))
    {
        return Err(RejectReason::RecordInvalid {
            index: 0,
            field: "predecessor",
        }
        .into());
    }
    let mut act = Act::new(moment);
    let districts: BTreeSet<String> = founders.iter().map(|(_, one, _)| one.clone()).collect();
    let config = Config {
        authority_threshold: *threshold,
        rules_version: RULES_VERSION,
        founding_districts: districts.into_iter().collect(),
        second_signature: GuardedActs::default(),
    };
    act.set(StateKey::config(), &config);
    for (handle, district, key) in founders {
        let record = Participant {
            suspended: false,
            roles: [Role::Authority].into_iter().collect(),
            district: district.clone(),
            licences: Vec::new(),
            since: moment.leaf,
        };
        act.add_participant(state, *handle, &record)?;
        act.add_key(state, *handle, key)?;
    }
    Ok(act.effects.in_order())
}

/// What a participant's act does to the state, or why it may not be done.
pub(super) fn effects(
    state: &mut impl State,
    handle: Handle,
    issuer: &Participant,
    payload: &RegistryPayload,
    records: &[Map],
    statement: &SignedStatement,
    moment: Moment<'_>,
) -> Result<Effects, Refusal> {
    let mut act = Act::new(moment);
    let by = Authority {
        handle,
        issuer,
        payload,
        statement,
    };
    // Master data may be kept by a service provider; acts over participants and keys may not.
    if !matches!(
        payload.action,
        Action::Product | Action::Place | Action::Recode | Action::Respond | Action::Import
    ) {
        by.signed_by_owner(state)?;
    }
    match &payload.action {
        Action::Found { .. } => {
            return Err(RejectReason::WithoutObject {
                what: "an unfounded ledger",
            }
            .into());
        }
        Action::Admit {
            handle,
            roles,
            district,
            licences,
            keys,
        } => {
            by.may_act_in(district)?;
            by.has_approvals(state, *roles, moment)?;
            let record = Participant {
                suspended: false,
                roles: *roles,
                district: district.clone(),
                licences: licences.clone(),
                since: moment.leaf,
            };
            act.add_participant(state, *handle, &record)?;
            for key in keys {
                act.add_key(state, *handle, key)?;
            }
            act.profile(state, *handle, records)?;
        }
        Action::Amend {
            handle,
            roles,
            district,
            licences,
        } => {
            let before = known(state, *handle)?;
            by.may_act_in(&before.district)?;
            by.may_act_in(district)?;
            by.has_approvals(state, before.roles, moment)?;
            by.has_approvals(state, *roles, moment)?;
            let record = Participant {
                suspended: before.suspended,
                roles: *roles,
                district: district.clone(),
                licences: licences.clone(),
                since: moment.leaf,
            };
            act.set(StateKey::participant(*handle), &record);
            act.touch_participant(*handle);
            act.profile(state, *handle, records)?;
        }
        Action::Suspend(handle) => {
            act.suspend(state, by, *handle, true)?;
            let over = [known(state, *handle)?.district];
            by.has_second_signature(state, GuardedAct::Suspend, &over, moment)?;
        }
        Action::Reinstate(handle) => act.suspend(state, by, *handle, false)?,
        Action::AddKey { handle, key } => {
            by.over(state, *handle, moment)?;
            act.add_key(state, *handle, key)?;
            act.touch_participant(*handle);
        }
        Action::RetireKey { key, closing } => act.change_key(state, by, *key, |record| {
            // A closing time in the past would void what was said under the key and admitted.
            let closing = (*closing).max(moment.time);
            record.retired = Some(record.retired.map_or(closing, |old| old.min(closing)));
        })?,
        Action::RevokeKey { key, suspect_from } => act.change_key(state, by, *key, |record| {
            record.revoked = Some(record.revoked.unwrap_or(moment.leaf));
            record.suspect_from = earliest(record.suspect_from, *suspect_from);
        })?,
        Action::Delegate { delegate, until } => {
            known(state, *delegate)?;
            act.set(
                StateKey::delegation(by.handle, *delegate),
                &Delegation { until: *until },
            );
            act.touch_participant(by.handle);
        }
        Action::Product | Action::Place => act.master_data(state, by.handle, records)?,
        Action::Recode => act.recode(state, by.handle, records)?,
        Action::Hold => act.order(by, records)?,
        Action::Recall => {
            act.order(by, records)?;
            let own = std::slice::from_ref(&issuer.district);
            by.has_second_signature(state, GuardedAct::Recall, own, moment)?;
        }
        Action::Release => act.release(state, by, records)?,
        Action::Respond => act.respond(state, by, records)?,
        Action::Agreement => act.agreement(state, by, records)?,
        Action::Rules { version } => {
            by.over_the_ledger(state, moment)?;
            let mut config = config(state)?;
            if *version > RULES_VERSION || *version <= config.rules_version {
                return Err(RejectReason::RulesUnknown { version: *version }.into());
            }
            config.rules_version = *version;
            act.set(StateKey::config(), &config);
        }
        Action::Policy => {
            by.over_the_ledger(state, moment)?;
            act.policy(state, by, records)?;
        }
        Action::Region => {
            by.over_the_ledger(state, moment)?;
            act.region(records)?;
        }
        Action::Import => act.import(state, by.handle, records)?,
        Action::Forget => {
            let over = act.forget(state, by, records)?;
            by.has_second_signature(state, GuardedAct::Forget, &over, moment)?;
        }
    }
    Ok(act.effects)
}

fn earliest(one: Option<UnixMillis>, other: Option<UnixMillis>) -> Option<UnixMillis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A participant's record, suspended or not.
fn known(state: &mut impl State, handle: Handle) -> Result<Participant, Refusal> {
    let record: Option<Participant> = state.load(StateKey::participant(handle))?;
    record.ok_or(Refusal::Reject(RejectReason::ParticipantUnknown { handle }))
}

/// Who acts, and with whose consent.
#[derive(Clone, Copy)]
struct Authority<'a> {
    handle: Handle,
    issuer: &'a Participant,
    payload: &'a RegistryPayload,
    statement: &'a SignedStatement,
}

impl Authority<'_> {
    fn is_authority(&self) -> Result<(), Refusal> {
        if self.issuer.roles.has(Role::Authority) {
            Ok(())
        } else {
            Err(self.forbidden())
        }
    }

    fn may_act_in(&self, district: &str) -> Result<(), Refusal> {
        self.is_authority()?;
        if district.starts_with(&self.issuer.district) {
            Ok(())
        } else {
            Err(RejectReason::OutsideJurisdiction {
                jurisdiction: self.issuer.district.clone(),
                district: district.to_owned(),
            }
            .into())
        }
    }

    /// Checks that enough authorities consent to an act over one who has `roles`.
    fn has_approvals(
        &self,
        state: &mut impl State,
        roles: Roles,
        moment: Moment<'_>,
    ) -> Result<(), Refusal> {
        if !roles.has(Role::Authority) {
            return Ok(());
        }
        let want = config(state)?.authority_threshold;
        self.enough(state, want, |_| true, moment)
    }

    /// Checks that enough authorities consent to an act that holds for everyone: each with a say
    /// over a region that founded the ledger, and not over one of its districts only.
    fn over_the_ledger(&self, state: &mut impl State, moment: Moment<'_>) -> Result<(), Refusal> {
        self.is_authority()?;
        let ledger = config(state)?;
        let founded = &ledger.founding_districts;
        let governs = |authority: &Participant| {
            founded
                .iter()
                .any(|district| covers(&authority.district, district))
        };
        if !governs(self.issuer) {
            return Err(RejectReason::OutsideJurisdiction {
                jurisdiction: self.issuer.district.clone(),
                district: founded.join(", "),
            }
            .into());
        }
        self.enough(state, ledger.authority_threshold, governs, moment)
    }

    /// Checks that `want` authorities that count consent, the issuer among them.
    fn enough(
        &self,
        state: &mut impl State,
        want: u16,
        counts: impl Fn(&Participant) -> bool,
        moment: Moment<'_>,
    ) -> Result<(), Refusal> {
        let Issuer::Participant { handle, capture } = self.statement.header().issuer else {
            return Err(self.forbidden());
        };
        let mut consenting = BTreeSet::from([self.handle]);
        for (_, record) in self.approving(state, handle, capture, moment)? {
            if participant(state, record.owner)
                .is_ok_and(|other| other.roles.has(Role::Authority) && counts(&other))
            {
                consenting.insert(record.owner);
            }
        }
        if consenting.len() >= usize::from(want) {
            Ok(())
        } else {
            Err(RejectReason::ApprovalsMissing {
                found: consenting.len(),
                want,
            }
            .into())
        }
    }

    /// Checks that a second person has signed (经办 and 审核), where the policy asks for that: with
    /// another key of the issuer, or as an authority or regulator over each of these districts.
    fn has_second_signature(
        &self,
        state: &mut impl State,
        act: GuardedAct,
        over: &[String],
        moment: Moment<'_>,
    ) -> Result<(), Refusal> {
        if !config(state)?.second_signature.has(act) {
            return Ok(());
        }
        let Issuer::Participant { handle, capture } = self.statement.header().issuer else {
            return Err(self.forbidden());
        };
        for (key, record) in self.approving(state, handle, capture, moment)? {
            let counts = key != self.statement.header().key
                && participant(state, record.owner).is_ok_and(|other| {
                    let office =
                        other.roles.has(Role::Authority) || other.roles.has(Role::Regulator);
                    let mut over = over.iter();
                    record.owner == self.handle
                        || (office && over.all(|district| covers(&other.district, district)))
                });
            if counts {
                return Ok(());
            }
        }
        Err(RejectReason::ApprovalsMissing { found: 1, want: 2 }.into())
    }

    /// The keys whose approval of this act verifies and counts here.
    fn approving(
        &self,
        state: &mut impl State,
        handle: Handle,
        capture: CaptureId,
        moment: Moment<'_>,
    ) -> Result<Vec<(KeyId, KeyRecord)>, Refusal> {
        let message = self
            .payload
            .approval_message(moment.origin, handle, capture);
        let mut found = Vec::new();
        for approval in &self.payload.approvals {
            let key: Option<KeyRecord> = state.load(StateKey::key(approval.key))?;
            let Some(record) = key else { continue };
            let counts = record.standing(moment.leaf, moment.time)
                == crate::state::KeyStanding::Counts
                && record
                    .key()
                    .is_some_and(|key| key.verify(&message, &approval.signature).is_ok());
            if counts {
                found.push((approval.key, record));
            }
        }
        Ok(found)
    }

    /// Checks that the issuer may act over `subject`: it is itself, or an authority there.
    fn over(
        &self,
        state: &mut impl State,
        subject: Handle,
        moment: Moment<'_>,
    ) -> Result<(), Refusal> {
        let record = known(state, subject)?;
        if subject == self.handle && !record.roles.has(Role::Authority) {
            return Ok(());
        }
        self.may_act_in(&record.district)?;
        self.has_approvals(state, record.roles, moment)
    }

    /// Checks that the issuer signed with a key of its own: a delegate speaks of goods, and has no
    /// say over its principal's keys, nor over who else may sign.
    fn signed_by_owner(&self, state: &mut impl State) -> Result<(), Refusal> {
        let key: Option<KeyRecord> = state.load(StateKey::key(self.statement.header().key))?;
        if key.is_some_and(|record| record.owner == self.handle) {
            Ok(())
        } else {
            Err(self.forbidden())
        }
    }

    fn forbidden(&self) -> Refusal {
        RejectReason::RoleForbids {
            index: 0,
            what: self.payload.action.word(),
        }
        .into()
    }
}

/// The effects of one act, as they grow.
struct Act<'a> {
    effects: Effects,
    moment: Moment<'a>,
}

impl<'a> Act<'a> {
    fn new(moment: Moment<'a>) -> Self {
        Self {
            effects: Effects::default(),
            moment,
        }
    }

    /// Puts a record, replacing one this act put before.
    fn set(&mut self, key: StateKey, record: &impl Record) {
        self.effects.sets.retain(|(other, _)| *other != key);
        self.effects.sets.push((key, record.encode()));
    }

    /// Puts a record on both lists of an item: what things are called is everyone's to know.
    fn touch(&mut self, index: u16, canonical: &str) {
        self.touch_whole(index, canonical);
        self.touch_whole(index, &open_list(canonical));
    }

    /// Puts a record on an item's whole list only.
    fn touch_whole(&mut self, index: u16, canonical: &str) {
        self.effects
            .touches
            .push((index, StateKey::item(canonical).digest));
    }

    fn touch_participant(&mut self, handle: Handle) {
        self.touch(0, &Identifier::participant(handle).to_string());
    }

    fn is_set(&self, key: StateKey) -> bool {
        self.effects.sets.iter().any(|(other, _)| *other == key)
    }

    fn add_participant(
        &mut self,
        state: &mut impl State,
        handle: Handle,
        record: &Participant,
    ) -> Result<(), Refusal> {
        let key = StateKey::participant(handle);
        if self.is_set(key) || state.load::<Participant>(key)?.is_some() {
            return Err(RejectReason::ParticipantExists { handle }.into());
        }
        self.set(key, record);
        self.touch_participant(handle);
        Ok(())
    }

    /// A key joins with proof of possession, and once in this ledger's life.
    fn add_key(
        &mut self,
        state: &mut impl State,
        owner: Handle,
        new: &NewKey,
    ) -> Result<(), Refusal> {
        let key = PublicKey::parse(&new.public_key).map_err(|_| RejectReason::KeyUnproved)?;
        let message = possession_message(self.moment.origin, owner, &new.public_key);
        key.verify(&message, &new.possession)
            .map_err(|_| RejectReason::KeyUnproved)?;
        let id = key.key_id();
        let at = StateKey::key(id);
        if self.is_set(at) || state.load::<KeyRecord>(at)?.is_some() {
            return Err(RejectReason::KeyExists { key: id }.into());
        }
        let record = KeyRecord {
            owner,
            public_key: new.public_key,
            added: self.moment.leaf,
            retired: None,
            revoked: None,
            suspect_from: None,
        };
        self.set(at, &record);
        Ok(())
    }

    fn change_key(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        id: KeyId,
        change: impl FnOnce(&mut KeyRecord),
    ) -> Result<(), Refusal> {
        let at = StateKey::key(id);
        let mut record: KeyRecord = state
            .load(at)?
            .ok_or(RejectReason::KeyUnknown { key: id })?;
        by.over(state, record.owner, self.moment)?;
        change(&mut record);
        self.set(at, &record);
        self.touch_participant(record.owner);
        Ok(())
    }

    fn suspend(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        handle: Handle,
        suspended: bool,
    ) -> Result<(), Refusal> {
        let mut record = known(state, handle)?;
        by.may_act_in(&record.district)?;
        by.has_approvals(state, record.roles, self.moment)?;
        if record.suspended == suspended {
            let what = if suspended {
                "a participant in standing"
            } else {
                "a suspension"
            };
            return Err(RejectReason::WithoutObject { what }.into());
        }
        record.suspended = suspended;
        record.since = self.moment.leaf;
        self.set(StateKey::participant(handle), &record);
        self.touch_participant(handle);
        Ok(())
    }

    /// Takes GLNs and prefixes of a participant's profile into the state.
    fn profile(
        &mut self,
        state: &mut impl State,
        handle: Handle,
        records: &[Map],
    ) -> Result<(), Refusal> {
        for (index, record) in (0_u16..).zip(records) {
            for gln in texts(record, "glns", index)? {
                let party =
                    Identifier::parse(&format!("https://id.gs1.org/417/{gln}")).map_err(|_| {
                        RejectReason::RecordInvalid {
                            index,
                            field: "glns",
                        }
                    })?;
                self.touch(index, &party.to_string());
            }
            for prefix in texts(record, "prefixes", index)? {
                self.own_prefix(state, handle, prefix)?;
            }
        }
        Ok(())
    }

    fn own_prefix(
        &mut self,
        state: &mut impl State,
        handle: Handle,
        prefix: &str,
    ) -> Result<(), Refusal> {
        let taken = || RejectReason::PrefixTaken {
            prefix: prefix.to_owned(),
        };
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(7..=12).contains(&prefix.len()) {
            return Err(taken().into());
        }
        let key = StateKey::prefix(&prefix[..7]);
        let pending = self.effects.sets.iter().find(|(other, _)| *other == key);
        let mut owners: PrefixOwners = match pending {
            Some((_, bytes)) => PrefixOwners::decode(bytes).map_err(RejectReason::from)?,
            None => state.load(key)?.unwrap_or_default(),
        };
        let overlaps = |other: &str| other.starts_with(prefix) || prefix.starts_with(other);
        if owners
            .0
            .iter()
            .any(|(other, owner)| overlaps(other) && *owner != handle)
        {
            return Err(taken().into());
        }
        if owners.0.iter().all(|(other, _)| other != prefix) {
            owners.0.push((prefix.to_owned(), handle));
            owners.0.sort();
            self.set(key, &owners);
        }
        Ok(())
    }

    /// Master data, by the owner of the identifier's prefix or handle, or of none.
    fn master_data(
        &mut self,
        state: &mut impl State,
        handle: Handle,
        records: &[Map],
    ) -> Result<(), Refusal> {
        for (index, record) in (0_u16..).zip(records) {
            // Who has no location number of its own is a place under its own name.
            let identifier = identifier_in(record, "id", index, Some(handle))?;
            owned(state, index, &identifier, handle)?;
            self.touch(index, &identifier.to_string());
        }
        Ok(())
    }

    /// Policy rows are read when something is judged; what decides about later acts goes into the
    /// ledger's own record.
    /// To do without a second signature from now on needs one last time.
    fn policy(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        records: &[Map],
    ) -> Result<(), Refusal> {
        let mut config = config(state)?;
        if records.is_empty() {
            let why = PolicyError::Record;
            return Err(RejectReason::PolicyInvalid { index: 0, why }.into());
        }
        for (index, record) in (0_u16..).zip(records) {
            let rows = policy::read_record(record)
                .map_err(|why| RejectReason::PolicyInvalid { index, why })?;
            for row in rows {
                if let Setting::SecondSignature { act, required } = row.setting {
                    if !required {
                        let own = std::slice::from_ref(&by.issuer.district);
                        by.has_second_signature(state, act, own, self.moment)?;
                    }
                    config.second_signature.set(act, required);
                }
            }
            self.touch(index, policy::ITEM);
        }
        self.set(StateKey::config(), &config);
        Ok(())
    }

    /// An order to delete concerns a statement that is there, of an issuer over whom the authority
    /// has a say; returns whose districts these are. Which of its parts are personal is not state, and no rule reads them: an order
    /// that names another part deletes nothing.
    fn forget(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        records: &[Map],
    ) -> Result<Vec<String>, Refusal> {
        by.is_authority()?;
        if records.is_empty() {
            return Err(RejectReason::WithoutObject { what: "a part" }.into());
        }
        let mut districts = Vec::new();
        for (index, record) in (0_u16..).zip(records) {
            let order = Order::read(record)
                .map_err(|field| RejectReason::RecordInvalid { index, field })?;
            let stands: Option<CaptureRecord> =
                state.load(StateKey::capture(order.issuer, order.capture))?;
            if stands.is_none_or(|record| record.leaf != order.at.leaf) {
                return Err(RejectReason::WithoutObject {
                    what: "a statement of that leaf, issuer and capture id",
                }
                .into());
            }
            let issuer = known(state, order.issuer)?;
            by.may_act_in(&issuer.district)?;
            districts.push(issuer.district);
            self.touch(index, &entry_item(order.at.leaf));
            self.touch(index, ORDERS);
        }
        Ok(districts)
    }

    /// Agreements of an authority, each over participants and districts of its own jurisdiction.
    fn agreement(
        &mut self,
        state: &mut impl State,
        by: Authority<'_>,
        records: &[Map],
    ) -> Result<(), Refusal> {
        by.is_authority()?;
        for (index, record) in (0_u16..).zip(records) {
            let agreement = Agreement::read(record)
                .map_err(|field| RejectReason::RecordInvalid { index, field })?;
            known(state, agreement.partner)?;
            for handle in &agreement.participants {
                by.may_act_in(&known(state, *handle)?.district)?;
            }
            for district in &agreement.districts {
                by.may_act_in(district)?;
            }
            self.touch_whole(index, &agreement_item(agreement.partner));
        }
        Ok(())
    }

    /// A re-coding touches both codes; the new one must be the issuer's to give.
    fn recode(
        &mut self,
        state: &mut impl State,
        handle: Handle,
        records: &[Map],
    ) -> Result<(), Refusal> {
        for (index, record) in (0_u16..).zip(records) {
            let old = identifier_in(record, "old", index, None)?;
            let new = identifier_in(record, "new", index, None)?;
            if old == new {
                return Err(RejectReason::RecordInvalid {
                    index,
                    field: "new",
                }
                .into());
            }
            owned(state, index, &new, handle)?;
            // Whoever scans the new code is led back; the old one's maker keeps its customers.
            self.touch_whole(index, &old.to_string());
            self.touch(index, &new.to_string());
        }
        Ok(())
    }
}

/// Checks that no other participant owns the identifier's prefix or handle.
fn owned(
    state: &mut impl State,
    index: u16,
    identifier: &Identifier,
    handle: Handle,
) -> Result<(), Refusal> {
    match owner_of(state, identifier)? {
        Some(owner) if owner != handle => {
            let identifier = identifier.to_string();
            Err(RejectReason::ForeignIdentifier {
                index,
                identifier,
                owner,
            }
            .into())
        }
        Some(_) | None => Ok(()),
    }
}

/// The identifier of a thing or place, canonical; of somebody's lists only `own` may be named.
fn identifier_in(
    record: &Map,
    field: &'static str,
    index: u16,
    own: Option<Handle>,
) -> Result<Identifier, RejectReason> {
    let text = record.get(field).and_then(Value::as_text);
    let named = |identifier: &Identifier| {
        let handle = identifier.participant_handle();
        !is_standing(identifier.kind()) || (handle.is_some() && handle == own)
    };
    text.and_then(|text| Identifier::parse(text).ok())
        .filter(named)
        // Only the canonical spelling: what is hashed into the state must be what is shown.
        .filter(|identifier| Some(identifier.to_string().as_str()) == text)
        .ok_or(RejectReason::RecordInvalid { index, field })
}

/// A list of texts that may be absent.
fn texts<'a>(
    record: &'a Map,
    field: &'static str,
    index: u16,
) -> Result<Vec<&'a str>, RejectReason> {
    let malformed = || RejectReason::RecordInvalid { index, field };
    let Some(value) = record.get(field) else {
        return Ok(Vec::new());
    };
    let items = value
        .as_array()
        .filter(|items| items.len() <= NUMBERS_MAX)
        .ok_or_else(malformed)?;
    items
        .iter()
        .map(|item| item.as_text().ok_or_else(malformed))
        .collect()
}
