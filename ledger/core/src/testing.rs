//! A small ledger in memory, for tests of every crate: members with keys, statements, blocks.
//!
//! Everything is drawn from counters, so that a test's bytes are the same in every run.

pub mod story;

use crate::admission::{Checked, check};
use crate::cbor::{Map, Value};
use crate::disclosure::{Disclosed, Disclosure, Salt};
use crate::event::{DocumentContext, Event};
use crate::identifier::Identifier;
use crate::ids::{CaptureId, Handle, UnixMillis};
use crate::memory::MemoryStore;
use crate::personal::{Nonce, PartKey, Secrets};
use crate::registry::{Action, NewKey, RegistryPayload, possession_message};
use crate::reject::RejectReason;
use crate::seal::{Log, Outcome, seal};
use crate::signature::{Signer as _, SigningKey};
use crate::state::Role;
use crate::statement::{Commitment, Issuer, Payload, SignedStatement};
use crate::store::{Store as _, StoreError};
use crate::visibility::split;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The origin of the test log.
pub const ORIGIN: &str = "test.suyuan.example/log";

/// Keys and nonces drawn from a counter.
#[derive(Debug, Default)]
pub struct CountedSecrets(AtomicU64);

impl Secrets for CountedSecrets {
    fn fresh(&self) -> Result<(PartKey, Nonce), StoreError> {
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let (mut key, mut nonce) = ([0xc3; 32], [0x3c; 12]);
        key[..8].copy_from_slice(&count);
        nonce[..8].copy_from_slice(&count);
        Ok((PartKey::new(key), nonce))
    }
}

/// A participant with its key.
#[derive(Debug)]
pub struct Member {
    /// Its handle.
    pub handle: Handle,
    /// Its key.
    pub key: SigningKey,
}

/// A founded ledger in memory and its one authority, of jurisdiction `51`.
#[derive(Debug)]
pub struct World {
    /// The store.
    pub store: MemoryStore,
    /// The log's key.
    pub log_key: SigningKey,
    /// The authority.
    pub authority: Rc<Member>,
    /// Keys of personal parts.
    pub secrets: CountedSecrets,
    /// The time of the next block.
    pub now: UnixMillis,
    /// The log's name.
    pub origin: String,
    next: u64,
}

impl World {
    /// A founded ledger at 2026-11-23T00:00:00Z.
    ///
    /// # Panics
    /// If founding is refused: a bug.
    #[must_use]
    pub fn new() -> Self {
        Self::of(ORIGIN, "51", 1)
    }

    /// The same for a log called `origin`, with an authority of `jurisdiction`. Worlds that meet
    /// need different `seed`s, for their keys and handles.
    ///
    /// # Panics
    /// If founding is refused: a bug.
    #[must_use]
    pub fn of(origin: &str, jurisdiction: &str, seed: u64) -> Self {
        let mut next = seed;
        let log_key = key(&mut next);
        let authority = Rc::new(Member {
            handle: handle(&mut next),
            key: key(&mut next),
        });
        let now = UnixMillis(1_795_392_000_000);
        let mut world = Self {
            store: MemoryStore::new(),
            log_key,
            authority,
            secrets: CountedSecrets::default(),
            now,
            origin: origin.to_owned(),
            next,
        };
        let founder = (
            world.authority.handle,
            jurisdiction.to_owned(),
            world.possession(&world.authority),
        );
        let action = Action::Found {
            threshold: 1,
            founders: vec![founder],
            predecessor: None,
        };
        let issuer = Issuer::Log {
            origin: origin.to_owned(),
            subject: "founding".to_owned(),
        };
        let payload = Payload::Registry(RegistryPayload {
            action,
            commitment: Commitment::to(&[]),
            approvals: Vec::new(),
        });
        let audience = vec![origin.to_owned()];
        let statement =
            SignedStatement::sign(&world.log_key, issuer, audience, 0, payload, Vec::new());
        world.admitted(vec![statement]);
        world
    }

    /// A fresh number.
    pub const fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A fresh salt.
    pub fn salt(&mut self) -> Salt {
        let mut bytes = [0xa5; 16];
        bytes[..8].copy_from_slice(&self.tick().to_be_bytes());
        Salt(bytes)
    }

    /// A member that is not admitted yet.
    pub fn stranger(&mut self) -> Member {
        Member {
            handle: handle(&mut self.next),
            key: key(&mut self.next),
        }
    }

    /// A key with its proof of possession.
    #[must_use]
    pub fn possession(&self, member: &Member) -> NewKey {
        let public_key = *member.key.public_key().as_bytes();
        let message = possession_message(&self.origin, member.handle, &public_key);
        NewKey {
            public_key,
            possession: member.key.sign(&message),
        }
    }

    /// Admits a participant with one key and a profile of these fields (JSON).
    ///
    /// # Panics
    /// If it is refused.
    pub fn admit(&mut self, roles: &[Role], district: &str, profile: &serde_json::Value) -> Member {
        let member = self.stranger();
        let action = Action::Admit {
            handle: member.handle,
            roles: roles.iter().copied().collect(),
            district: district.to_owned(),
            licences: Vec::new(),
            keys: vec![self.possession(&member)],
        };
        let record = map_of_json(profile);
        let statement = self.registry_by_authority(action, vec![record]);
        self.admitted(vec![statement]);
        member
    }

    /// An act of the authority.
    pub fn registry_by_authority(&mut self, action: Action, records: Vec<Map>) -> SignedStatement {
        let authority = Rc::clone(&self.authority);
        self.registry(&authority, action, records)
    }

    /// An act of `member`, with one disclosure for each record.
    ///
    /// # Panics
    /// On more than 65,535 records.
    pub fn registry(
        &mut self,
        member: &Member,
        action: Action,
        records: Vec<Map>,
    ) -> SignedStatement {
        let disclosed: Vec<Disclosed> = (0_u16..)
            .zip(records)
            .map(|(index, record)| Disclosed {
                index,
                disclosure: Disclosure::seal(self.salt(), record),
                parts: Vec::new(),
            })
            .collect();
        let payload = Payload::Registry(RegistryPayload {
            action,
            commitment: Commitment::to(&disclosed),
            approvals: Vec::new(),
        });
        self.sign(member, payload, disclosed)
    }

    /// Events of `member` in one statement, from EPCIS JSON without `@context`.
    ///
    /// # Panics
    /// If an event breaks the model.
    pub fn events(&mut self, member: &Member, events: &[serde_json::Value]) -> SignedStatement {
        let context = DocumentContext::default();
        let mut disclosed = Vec::new();
        for (index, json) in (0_u16..).zip(events) {
            let event = Event::from_json(json, &context).expect("a well-formed test event");
            let mut salt = || self.salt();
            disclosed.push(split(index, event.as_map().clone(), &mut salt));
        }
        self.disclosures(member, disclosed)
    }

    /// Disclosures of `member` as they are, in one events statement.
    pub fn disclosures(&mut self, member: &Member, disclosed: Vec<Disclosed>) -> SignedStatement {
        self.sign(
            member,
            Payload::Events(Commitment::to(&disclosed)),
            disclosed,
        )
    }

    /// Signs as `member` under a fresh capture id, for this log.
    pub fn sign(
        &mut self,
        member: &Member,
        payload: Payload,
        disclosed: Vec<Disclosed>,
    ) -> SignedStatement {
        let capture = CaptureId(self.salt().0);
        let origin = self.origin.clone();
        Self::sign_for(&origin, member, capture, payload, disclosed)
    }

    /// Signs as `member` under `capture`, for the test log.
    #[must_use]
    pub fn sign_as(
        member: &Member,
        capture: CaptureId,
        payload: Payload,
        disclosed: Vec<Disclosed>,
    ) -> SignedStatement {
        Self::sign_for(ORIGIN, member, capture, payload, disclosed)
    }

    fn sign_for(
        origin: &str,
        member: &Member,
        capture: CaptureId,
        payload: Payload,
        disclosed: Vec<Disclosed>,
    ) -> SignedStatement {
        let issuer = Issuer::Participant {
            handle: member.handle,
            capture,
        };
        let audience = vec![origin.to_owned()];
        SignedStatement::sign(&member.key, issuer, audience, 0, payload, disclosed)
    }

    /// Checks a statement under the key its header names, as a node does before its sequencer.
    ///
    /// # Errors
    /// [`RejectReason`].
    ///
    /// # Panics
    /// If the store cannot be read.
    pub fn check(&self, statement: SignedStatement) -> Result<Checked, RejectReason> {
        use crate::state::{KeyRecord, Overlay, State as _, StateKey};
        let id = statement.header().key;
        let view = self.store.view();
        let record: Option<KeyRecord> = Overlay::new(&view)
            .load(StateKey::key(id))
            .expect("memory can be read");
        let key = match record.and_then(|record| record.key()) {
            Some(key) => key,
            None if id == self.log_key.public_key().key_id() => self.log_key.public_key().clone(),
            None => return Err(RejectReason::KeyUnknown { key: id }),
        };
        check(statement, &key)
    }

    /// Submits statements as one block and returns what became of each.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Panics
    /// Never: sealing gives one outcome for each statement.
    pub fn submit(&mut self, statements: Vec<SignedStatement>) -> Result<Vec<Outcome>, StoreError> {
        let checked: Vec<Result<Checked, RejectReason>> = statements
            .into_iter()
            .map(|statement| self.check(statement))
            .collect();
        let good: Vec<Checked> = checked.iter().filter_map(|one| one.clone().ok()).collect();
        let log = Log {
            origin: &self.origin,
            signer: &self.log_key,
        };
        let sealed = seal(&self.store.view(), log, &self.secrets, &good, self.now)?;
        if let Some(write) = sealed.write {
            self.store.commit(write)?;
        }
        self.now.0 += 1000;
        let mut outcomes = sealed.outcomes.into_iter();
        Ok(checked
            .into_iter()
            .map(|one| match one {
                Ok(_) => outcomes
                    .next()
                    .expect("one outcome for each checked statement"),
                Err(reason) => Outcome::Rejected(reason),
            })
            .collect())
    }

    /// Submits statements that must all be admitted.
    ///
    /// # Panics
    /// If one is not.
    pub fn admitted(&mut self, statements: Vec<SignedStatement>) {
        for outcome in self.submit(statements).expect("memory can be written") {
            assert!(matches!(outcome, Outcome::Admitted(_)), "{outcome:?}");
        }
    }

    /// Why a single statement is refused.
    ///
    /// # Panics
    /// If it is not.
    pub fn refusal(&mut self, statement: SignedStatement) -> RejectReason {
        match self
            .submit(vec![statement])
            .expect("memory can be written")
            .pop()
        {
            Some(Outcome::Rejected(reason)) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// The next key of the test.
fn key(next: &mut u64) -> SigningKey {
    *next += 1;
    let mut seed = [0x5e; 32];
    seed[..8].copy_from_slice(&next.to_be_bytes());
    SigningKey::from_seed(seed)
}

/// The next handle of the test.
fn handle(next: &mut u64) -> Handle {
    *next += 1;
    let mut bytes = [0x4a; 16];
    bytes[..8].copy_from_slice(&next.to_be_bytes());
    Handle(bytes)
}

/// A registry record from JSON.
///
/// # Panics
/// On numbers that are not 64-bit integers.
#[must_use]
pub fn map_of_json(json: &serde_json::Value) -> Map {
    fn value(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(*truth),
            serde_json::Value::Number(number) => {
                Value::Int(number.as_i64().expect("an integer of 64 bits"))
            }
            serde_json::Value::String(text) => Value::from(text.as_str()),
            serde_json::Value::Array(items) => Value::Array(items.iter().map(value).collect()),
            serde_json::Value::Object(object) => object
                .iter()
                .map(|(key, item)| (key.clone(), value(item)))
                .collect::<Map>()
                .into(),
        }
    }
    let Value::Map(map) = value(json) else {
        panic!("a record is an object")
    };
    map
}

/// A lot's commissioning, shipping or any other ObjectEvent on one lot, in EPCIS JSON.
#[must_use]
pub fn object_event(
    id: &str,
    action: &str,
    biz_step: &str,
    time: &str,
    lot: &str,
) -> serde_json::Value {
    serde_json::json!({
        "type": "ObjectEvent",
        "eventID": id,
        "action": action,
        "bizStep": biz_step,
        "eventTime": time,
        "eventTimeZoneOffset": "+08:00",
        "quantityList": [{"epcClass": lot, "quantity": 10, "uom": "KGM"}],
    })
}

/// The canonical identifier of a participant.
#[must_use]
pub fn participant_item(handle: Handle) -> String {
    Identifier::participant(handle).to_string()
}
