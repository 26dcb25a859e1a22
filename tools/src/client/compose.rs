//! Statements: what a participant says, signed with its key under fresh salts.

use super::random::Random;
use crate::exit::Failure;
use ledger::cbor::Map;
use ledger::disclosure::Disclosed;
use ledger::event::Event;
use ledger::ids::{CaptureId, Handle, UnixMillis};
use ledger::registry::{Action, Approval, RegistryPayload};
use ledger::signature::{Signer as _, SigningKey};
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::visibility::{split, split_record};

/// Encoded events of one statement: half of what a statement may have, since commitments, salts
/// and parts come on top.
const STATEMENT_EVENT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Who speaks, with which key, to which log, and when by its own clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice<'a> {
    pub(crate) key: &'a SigningKey,
    pub(crate) handle: Handle,
    pub(crate) origin: &'a str,
    pub(crate) now: UnixMillis,
}

impl Voice<'_> {
    /// Signs events, at most `group` of them in one statement.
    ///
    /// # Errors
    /// [`Failure`] without random numbers.
    pub(crate) fn events(
        self,
        events: &[Event],
        group: usize,
        random: &mut Random,
    ) -> Result<Vec<SignedStatement>, Failure> {
        groups(events, group)
            .into_iter()
            .map(|group| {
                let split_one = |(index, event): (u16, &Event)| {
                    split(index, event.as_map().clone(), &mut || random.salt())
                };
                let disclosed: Vec<Disclosed> = (0..).zip(group).map(split_one).collect();
                let payload = Payload::Events(Commitment::to(&disclosed));
                self.sign(payload, disclosed, random)
            })
            .collect()
    }

    /// Signs an act of the registry with its records.
    ///
    /// # Errors
    /// [`Failure`] without random numbers.
    pub(crate) fn act(
        self,
        action: Action,
        records: Vec<Map>,
        random: &mut Random,
    ) -> Result<SignedStatement, Failure> {
        self.act_with(action, records, &[], random)
    }

    /// As [`Voice::act`], with the consent of those who hold the keys `approving`.
    ///
    /// # Errors
    /// [`Failure`] without random numbers.
    pub(crate) fn act_with(
        self,
        action: Action,
        records: Vec<Map>,
        approving: &[SigningKey],
        random: &mut Random,
    ) -> Result<SignedStatement, Failure> {
        let seal = |(index, record): (u16, Map)| split_record(index, record, &mut || random.salt());
        let disclosed: Vec<Disclosed> = (0..).zip(records).map(seal).collect();
        let mut payload = RegistryPayload {
            action,
            commitment: Commitment::to(&disclosed),
            approvals: Vec::new(),
        };
        // A consent is to this statement alone, which its capture id names.
        let capture = random.capture();
        let message = payload.approval_message(self.origin, self.handle, capture);
        payload.approvals = approving
            .iter()
            .map(|key| Approval {
                key: key.public_key().key_id(),
                signature: key.sign(&message),
            })
            .collect();
        self.sign_as(capture, Payload::Registry(payload), disclosed, random)
    }

    fn sign(
        self,
        payload: Payload,
        disclosed: Vec<Disclosed>,
        random: &mut Random,
    ) -> Result<SignedStatement, Failure> {
        self.sign_as(random.capture(), payload, disclosed, random)
    }

    fn sign_as(
        self,
        capture: CaptureId,
        payload: Payload,
        disclosed: Vec<Disclosed>,
        random: &Random,
    ) -> Result<SignedStatement, Failure> {
        let issuer = Issuer::Participant {
            handle: self.handle,
            capture,
        };
        random.check()?;
        let audience = vec![self.origin.to_owned()];
        let issued_at = u64::try_from(self.now.0 / 1000).unwrap_or_default();
        Ok(SignedStatement::sign(
            self.key, issuer, audience, issued_at, payload, disclosed,
        ))
    }
}

/// Runs of events that go into one statement each.
fn groups(events: &[Event], count_max: usize) -> Vec<&[Event]> {
    let mut groups = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, event) in events.iter().enumerate() {
        let size = event.encode().len();
        if at > start && (at - start >= count_max || bytes + size > STATEMENT_EVENT_BYTES_MAX) {
            groups.push(&events[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < events.len() {
        groups.push(&events[start..]);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::disclosure::Class;
    use ledger::event::DocumentContext;
    use ledger::state::Role;
    use ledger::testing::{ORIGIN, World, object_event};

    fn event(number: usize) -> Event {
        let lot = "https://id.gs1.org/01/06901234567892/10/A1";
        let id = format!("urn:e:{number}");
        let json = object_event(&id, "OBSERVE", "storing", "2026-11-20T08:00:00Z", lot);
        Event::from_json(&json, &DocumentContext::default()).unwrap()
    }

    #[test]
    fn a_ledger_admits_what_is_composed() {
        let mut world = World::new();
        let member = world.admit(&[Role::Retailer], "510107", &serde_json::json!({}));
        let voice = Voice {
            key: &member.key,
            handle: member.handle,
            origin: ORIGIN,
            now: world.now,
        };
        let events: Vec<Event> = (0..5).map(event).collect();
        let mut random = Random::default();
        let mut statements = voice.events(&events, 2, &mut random).unwrap();
        assert_eq!(statements.len(), 3);
        let place = serde_json::json!({"id": "https://id.gs1.org/414/6909818000018", "n": 1.5});
        let place = super::super::value::record(place.as_object().unwrap()).unwrap();
        statements.push(voice.act(Action::Place, vec![place], &mut random).unwrap());
        world.admitted(statements);
    }

    #[test]
    fn a_contact_is_a_personal_part() {
        let member = World::new().stranger();
        let voice = Voice {
            key: &member.key,
            handle: member.handle,
            origin: ORIGIN,
            now: UnixMillis(0),
        };
        let profile = serde_json::json!({"name": "x", "contact": {"phone": "028-5550-0101"}});
        let record = super::super::value::record(profile.as_object().unwrap()).unwrap();
        let statement = voice
            .act(Action::Place, vec![record], &mut Random::default())
            .unwrap();
        let [one] = statement.disclosed() else {
            panic!("one record")
        };
        assert!(one.disclosure.map().get("contact").is_none());
        assert_eq!(one.parts[0].class(), Class::Personal);
        assert!(!String::from_utf8_lossy(one.disclosure.encoded()).contains("5550"));
    }

    #[test]
    fn large_events_are_spread_over_statements() {
        let mut json = object_event(
            "urn:e:1",
            "OBSERVE",
            "storing",
            "2026-11-20T08:00:00Z",
            "urn:x:1",
        );
        json["sy:note"] = "x".repeat(200 * 1024).into();
        json["@context"] = serde_json::json!({"sy": "https://example.org/"});
        let large = Event::from_json(&json, &DocumentContext::default()).unwrap();
        let events: Vec<Event> = vec![large; 25];
        let sizes: Vec<usize> = groups(&events, 100)
            .into_iter()
            .map(<[Event]>::len)
            .collect();
        assert_eq!(sizes, [10, 10, 5]);
    }
}
