//! Admission: from parsed bytes to effects, or to one named refusal.
//!
//! Two steps, because they run in different places. [`check`] needs nothing but the statement and
//! the public key it names: signature, disclosures, the form of each event. It runs on all cores
//! at once. [`admit`] needs the state at the statement's leaf and is the sequencer's, the
//! auditor's and the mirror's: the same code, so that they cannot differ.
//!
//! Once released, a version of the rules is never edited: a change is a new version beside it,
//! put into force by an entry ([`crate::registry::Action::Rules`]).

use crate::cbor::Map;
use crate::disclosure::{Disclosed, DisclosureError, check_salts};
use crate::event::Event;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::registry::RegistryPayload;
use crate::reject::RejectReason;
use crate::signature::PublicKey;
use crate::state::{
    CaptureRecord, Config, Delegation, Effects, KeyRecord, KeyStanding, Participant, Record as _,
    State, StateKey,
};
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::StoreError;
use crate::visibility::{first_hidden_field, parts_in_place, personal_in_record};

mod events;
mod registry;
use events::Said;

/// The newest version of the admission rules this software knows.
pub const RULES_VERSION: u16 = 1;

/// How far an event may lie ahead of the ledger's time: clocks of scanners and trucks.
pub const EVENT_AHEAD_MAX_MS: i64 = 5 * 60 * 1000;

/// A statement whose signature, disclosures and events are in order: all that can be known
/// without the state.
#[derive(Clone, Debug)]
pub struct Checked {
    statement: SignedStatement,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// Events.
    Events(Vec<Said>),
    /// The public maps of a registry act's disclosures.
    Registry(Vec<Map>),
}

impl Checked {
    /// The statement.
    #[must_use]
    pub const fn statement(&self) -> &SignedStatement {
        &self.statement
    }

    /// Lets go of the disclosures of events: from here on, what [`admit`] asks of them is at hand.
    pub(crate) fn forget_disclosures(&mut self) {
        if matches!(self.content, Content::Events(_)) {
            self.statement.forget_disclosures();
        }
    }

    /// Number of events; registry acts have none.
    #[must_use]
    pub fn event_count(&self) -> usize {
        match &self.content {
            Content::Events(events) => events.len(),
            Content::Registry(_) => 0,
        }
    }

    /// State keys that [`admit`] will surely read, to be fetched together.
    pub fn keys(&self) -> Vec<StateKey> {
        let mut keys = vec![
            StateKey::config(),
            StateKey::key(self.statement.header().key),
        ];
        if let Issuer::Participant { handle, capture } = self.statement.header().issuer {
            keys.push(StateKey::participant(handle));
            keys.push(StateKey::capture(handle, capture));
            if let Content::Events(events) = &self.content {
                events::keys(handle, events, &mut keys);
            }
        }
        keys
    }
}

/// Checks all that needs no state: the signature under `key`, the disclosures, each event's form.
///
/// # Errors
/// [`RejectReason`]; `key` must be the one the header names, else `KeyUnknown`.
pub fn check(statement: SignedStatement, key: &PublicKey) -> Result<Checked, RejectReason> {
    let id = statement.header().key;
    if key.key_id() != id {
        return Err(RejectReason::KeyUnknown { key: id });
    }
    key.verify(statement.signed_bytes(), statement.signature())
        .map_err(|_| RejectReason::SignatureInvalid { key: id })?;
    check_unsigned(statement)
}

/// [`check`] without the signature: for a replay whose signatures are verified elsewhere.
///
/// # Errors
/// [`RejectReason`].
pub fn check_unsigned(statement: SignedStatement) -> Result<Checked, RejectReason> {
    check_parts(&statement, |one| one.check_whole())?;
    check_content(statement)
}

/// As [`check_unsigned`], of a statement on the ledger: some of its parts may have been deleted on
/// lawful order since it was admitted. What is left of them must belong to it.
///
/// # Errors
/// [`RejectReason`].
pub fn check_recorded(statement: SignedStatement) -> Result<Checked, RejectReason> {
    check_parts(&statement, |one| one.restore().map(drop))?;
    check_content(statement)
}

fn check_parts(
    statement: &SignedStatement,
    belong: impl Fn(&Disclosed) -> Result<(), DisclosureError>,
) -> Result<(), RejectReason> {
    statement.check_commitment()?;
    check_salts(statement.disclosed()).map_err(|_| RejectReason::SaltWeak)?;
    let events = matches!(statement.payload(), Payload::Events(_));
    for one in statement.disclosed() {
        let in_place = belong(one).and_then(|()| {
            if events && !parts_in_place(one) {
                return Err(DisclosureError::WrongPart);
            }
            Ok(())
        });
        let index = one.index;
        in_place.map_err(|why| RejectReason::Disclosure { index, why })?;
    }
    Ok(())
}

fn check_content(statement: SignedStatement) -> Result<Checked, RejectReason> {
    let content = match statement.payload() {
        Payload::Block(_) => {
            return Err(RejectReason::RoleForbids {
                index: 0,
                what: "block header",
            });
        }
        Payload::Registry(_) => Content::Registry(
            statement
                .disclosed()
                .iter()
                .map(|one| match personal_in_record(one) {
                    Some(path) => Err(RejectReason::FieldNotPublic {
                        index: one.index,
                        path,
                    }),
                    None => Ok(one.disclosure.map().clone()),
                })
                .collect::<Result<_, _>>()?,
        ),
        Payload::Events(_) => Content::Events(
            statement
                .disclosed()
                .iter()
                .map(|one| {
                    let map = one.disclosure.map();
                    if let Some(path) = first_hidden_field(map) {
                        return Err(RejectReason::FieldNotPublic {
                            index: one.index,
                            path,
                        });
                    }
                    Event::from_public_map(map).map(Said::from).map_err(|why| {
                        RejectReason::EventInvalid {
                            index: one.index,
                            why,
                        }
                    })
                })
                .collect::<Result<_, _>>()?,
        ),
    };
    Ok(Checked { statement, content })
}

/// What became of a statement at its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is admitted, with these effects.
    Admitted(Effects),
    /// The same statement was admitted before: the same receipt answers.
    Again(LeafIndex),
    /// It is refused, and nothing changes.
    Rejected(RejectReason),
}

/// Why admission could not go on: the sender's fault, or the disk's.
enum Refusal {
    Reject(RejectReason),
    Store(StoreError),
}

impl From<RejectReason> for Refusal {
    fn from(reason: RejectReason) -> Self {
        Self::Reject(reason)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Where and when a statement would be admitted, and in which log.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// The leaf it would get.
    pub leaf: LeafIndex,
    /// The block's time.
    pub time: UnixMillis,
}

/// Decides about one statement in the state before its leaf. Changes nothing.
///
/// # Errors
/// [`StoreError`].
pub fn admit(
    state: &mut impl State,
    checked: &Checked,
    moment: Moment<'_>,
) -> Result<Verdict, StoreError> {
    match decide(state, checked, moment) {
        Ok(verdict) => Ok(verdict),
        Err(Refusal::Reject(reason)) => Ok(Verdict::Rejected(reason)),
        Err(Refusal::Store(error)) => Err(error),
    }
}

fn decide(
    state: &mut impl State,
    checked: &Checked,
    moment: Moment<'_>,
) -> Result<Verdict, Refusal> {
    let statement = &checked.statement;
    let header = statement.header();
    if !statement.is_meant_for(moment.origin) {
        return Err(RejectReason::AudienceWrong {
            found: header.audience.clone(),
            want: moment.origin.to_owned(),
        }
        .into());
    }
    let (handle, capture) = match &header.issuer {
        Issuer::Participant { handle, capture } => (*handle, *capture),
        Issuer::Log { .. } => {
            return registry::found(state, statement, moment).map(Verdict::Admitted);
        }
    };
    let capture_key = StateKey::capture(handle, capture);
    let signed = statement.signed_digest();
    if let Some(earlier) = state.load::<CaptureRecord>(capture_key)? {
        return if earlier.signed == signed {
            Ok(Verdict::Again(earlier.leaf))
        } else {
            Err(RejectReason::CaptureIdReused { leaf: earlier.leaf }.into())
        };
    }
    let issuer = participant(state, handle)?;
    signer(state, checked, handle, moment)?;
    let mut effects = match (&checked.content, statement.payload()) {
        (Content::Events(events), _) => events::effects(state, handle, &issuer, events, moment)?,
        (Content::Registry(records), Payload::Registry(payload)) => {
            registry::effects(state, handle, &issuer, payload, records, statement, moment)?
        }
        (Content::Registry(_), Payload::Block(_) | Payload::Events(_)) => {
            return Err(RejectReason::RoleForbids {
                index: 0,
                what: "block header",
            }
            .into());
        }
    };
    let record = CaptureRecord {
        leaf: moment.leaf,
        signed,
    };
    effects.sets.push((capture_key, record.encode()));
    Ok(Verdict::Admitted(effects.in_order()))
}

/// The participant `handle`, in good standing.
fn participant(state: &mut impl State, handle: Handle) -> Result<Participant, Refusal> {
    let record: Participant = state
        .load(StateKey::participant(handle))?
        .ok_or(RejectReason::ParticipantUnknown { handle })?;
    if record.suspended {
        return Err(RejectReason::ParticipantSuspended {
            handle,
            since: record.since,
        }
        .into());
    }
    Ok(record)
}

/// Checks that the signing key counts here and may speak for `issuer`.
fn signer(
    state: &mut impl State,
    checked: &Checked,
    issuer: Handle,
    moment: Moment<'_>,
) -> Result<(), Refusal> {
    let key = checked.statement.header().key;
    let record: KeyRecord = state
        .load(StateKey::key(key))?
        .ok_or(RejectReason::KeyUnknown { key })?;
    match record.standing(moment.leaf, moment.time) {
        KeyStanding::Counts => {}
        KeyStanding::NotYet => {
            return Err(RejectReason::KeyNotYetValid {
                key,
                added: record.added,
            }
            .into());
        }
        KeyStanding::Retired(closing) => {
            return Err(RejectReason::KeyRetired { key, closing }.into());
        }
        KeyStanding::Revoked(revoked) => {
            return Err(RejectReason::KeyRevoked { key, revoked }.into());
        }
    }
    if record.owner == issuer {
        return Ok(());
    }
    let delegation: Option<Delegation> = state.load(StateKey::delegation(issuer, record.owner))?;
    if delegation.is_none_or(|leave| leave.until < moment.time) {
        return Err(RejectReason::KeyOfAnother {
            key,
            owner: record.owner,
            issuer,
        }
        .into());
    }
    participant(state, record.owner).map(|_| ())
}

/// The ledger's own record; a log without one was never founded.
fn config(state: &mut impl State) -> Result<Config, Refusal> {
    let record: Option<Config> = state.load(StateKey::config())?;
    record.ok_or(Refusal::Reject(RejectReason::WithoutObject {
        what: "a founded ledger",
    }))
}

/// The rules version in force for the next block, or 0 before the founding entry.
///
/// # Errors
/// [`StoreError`].
pub fn rules_in_force(state: &mut impl State) -> Result<u16, StoreError> {
    let record: Option<Config> = state.load(StateKey::config())?;
    Ok(record.map_or(RULES_VERSION, |record| record.rules_version))
}

/// The payload of a registry statement, for those who show it.
#[must_use]
pub const fn registry_payload(checked: &Checked) -> Option<&RegistryPayload> {
    match checked.statement.payload() {
        Payload::Registry(payload) => Some(payload),
        Payload::Block(_) | Payload::Events(_) => None,
    }
}

#[cfg(test)]
mod tests;
