//! A node of one thread over a ledger in memory: every statement its own block.

use crate::service::{CosignError, Service, SubmitError, Submitted};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::access::record::{ReadRecord, Reads};
use ledger::admission::check;
use ledger::check::Attested;
use ledger::hash::Digest;
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::memory::MemoryStore;
use ledger::merkle::inclusion_proof;
use ledger::merkle::tile::TileNodes;
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::Answer;
use ledger::provenance::across::{Following, Told};
use ledger::receipt::{Receipt, ReceiptClaims, ReceiptFacts};
use ledger::registry::Action;
use ledger::reject::RejectReason;
use ledger::seal::{Log, Outcome, ViewTiles, seal};
use ledger::signature::{PublicKey, Signer as _, SigningKey};
use ledger::state::{KeyRecord, Record as _, Role, StateKey};
use ledger::statement::{Issuer, SignedStatement};
use ledger::store::{Store as _, StoreError, View as _};
use ledger::testing::{CountedSecrets, Member, ORIGIN, World, map_of_json, object_event};
use ledger::token::{Claims, Token};
use ledger::witness::{AddCheckpoint, Cosignature, Watched};
use serde_json::json;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The lot of the story below.
pub(super) const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
/// Its path.
pub(super) const LOT_PATH: &str = "/01/06901234567892/10/A1";

/// The fake node.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) store: MemoryStore,
    pub(super) log_key: SigningKey,
    secrets: CountedSecrets,
    pub(super) busy: AtomicBool,
    /// Whether reads cannot be recorded.
    pub(super) unrecorded: AtomicBool,
    reads: Mutex<Vec<ReadRecord>>,
    now: UnixMillis,
    turn: Mutex<()>,
    /// As a witness it watches its own log: this is what it cosigned last.
    pub(super) latest: Mutex<Option<Cosignature>>,
    /// Whether it cannot keep what it cosigns.
    pub(super) forgetful: AtomicBool,
    /// What the log of another region says of whatever it is asked; there is none without.
    pub(super) elsewhere: Mutex<Option<Told>>,
}

/// The log of that region.
pub(super) const ELSEWHERE: &str = "next.example/log";

/// The witness's name and key.
pub(super) const WITNESS: &str = "w.example";

pub(super) fn witness_key() -> SigningKey {
    SigningKey::from_seed([0x77; 32])
}

/// A fake with a farm's story on it, and statements that were not submitted yet.
pub(super) struct Setting {
    pub(super) fake: Arc<Fake>,
    pub(super) authority: Rc<Member>,
    pub(super) farm: Member,
    pub(super) fresh: Vec<SignedStatement>,
}

/// A farm that commissions and ships a lot, recorded; and five more statements of it.
pub(super) fn setting() -> Setting {
    let mut world = World::new();
    let profile = json!({
        "name": { "zh": "郫都蔬菜合作社", "en": "Pidu Vegetable Co-operative" },
        "gs1Prefixes": ["690123456"],
    });
    let farm = world.admit(&[Role::Producer], "510117", &profile);
    let product = json!({
        "id": "https://id.gs1.org/01/06901234567892",
        "name": { "zh": "青椒", "en": "Green pepper" },
    });
    let statement = world.registry(&farm, Action::Product, vec![map_of_json(&product)]);
    world.admitted(vec![statement]);
    let made = object_event(
        "urn:uuid:1",
        "ADD",
        "commissioning",
        "2026-11-20T08:00:00+08:00",
        LOT,
    );
    let sent = object_event(
        "urn:uuid:2",
        "OBSERVE",
        "shipping",
        "2026-11-21T08:00:00+08:00",
        LOT,
    );
    let statement = world.events(&farm, &[made, sent]);
    world.admitted(vec![statement]);
    let fresh = (3..8).map(|number| {
        let id = format!("urn:uuid:{number}");
        let time = "2026-11-22T08:00:00+08:00";
        let event = object_event(&id, "OBSERVE", "inspecting", time, LOT);
        world.events(&farm, &[event])
    });
    let fresh = fresh.collect();
    let authority = Rc::clone(&world.authority);
    Setting {
        fake: Arc::new(Fake::of(world)),
        authority,
        farm,
        fresh,
    }
}

#[expect(
    clippy::result_large_err,
    reason = "an answer is large either way: a receipt or a refusal"
)]
impl Fake {
    /// A node over this ledger, at the moment of its next block.
    pub(super) fn of(world: World) -> Self {
        let World {
            store,
            log_key,
            secrets,
            now,
            ..
        } = world;
        Self {
            store,
            log_key,
            secrets,
            busy: AtomicBool::new(false),
            unrecorded: AtomicBool::new(false),
            reads: Mutex::default(),
            now,
            turn: Mutex::new(()),
            latest: Mutex::default(),
            forgetful: AtomicBool::new(false),
            elsewhere: Mutex::default(),
        }
    }

    /// A token of `member` for this log, from `from_s` seconds after now and for `life_s`.
    pub(super) fn token(&self, member: &Member, from_s: i64, life_s: u64) -> String {
        let issued_s = u64::try_from(self.now.0 / 1000 + from_s).unwrap();
        let claims = Claims {
            issuer: member.handle,
            audience: ORIGIN.to_owned(),
            expires_s: issued_s + life_s,
            issued_s,
        };
        URL_SAFE_NO_PAD.encode(Token::issue(&member.key, &claims))
    }

    pub(super) fn record(&self, bytes: &[u8]) -> Result<Submitted, SubmitError> {
        if self.busy.load(Ordering::Relaxed) {
            return Err(SubmitError::Busy { retry_after_s: 7 });
        }
        let _turn = self.turn.lock().unwrap();
        let mut capture = None;
        let outcome = SignedStatement::parse(bytes).and_then(|statement| {
            if let Issuer::Participant { capture: id, .. } = statement.header().issuer {
                capture = Some(id);
            }
            let id = statement.header().key;
            let record = self
                .store
                .view()
                .records(&[StateKey::key(id)])
                .unwrap()
                .remove(0);
            let key = record.and_then(|bytes| KeyRecord::decode(&bytes).unwrap().key());
            let key = key.ok_or(RejectReason::KeyUnknown { key: id })?;
            let log = Log {
                origin: ORIGIN,
                signer: &self.log_key,
            };
            let mut sealed = seal(
                &self.store.view(),
                log,
                &self.secrets,
                &[check(statement, &key)?],
                self.now,
            )
            .unwrap();
            if let Some(write) = sealed.write {
                self.store.commit(write).unwrap();
            }
            match sealed.outcomes.remove(0) {
                Outcome::Admitted(leaf) => Ok((leaf, false)),
                Outcome::Again(leaf) => Ok((leaf, true)),
                Outcome::Rejected(reason) => Err(reason),
            }
        });
        match outcome {
            Ok((leaf, again)) => {
                let receipt = self.receipt(leaf).unwrap().unwrap();
                Ok(Submitted {
                    leaf,
                    capture,
                    again,
                    receipt,
                })
            }
            Err(reason) => {
                let refusal = reason.name().as_bytes().to_vec();
                Err(SubmitError::Rejected {
                    reason,
                    capture,
                    refusal,
                })
            }
        }
    }

    /// The bundle's trust, as a client would have it.
    pub(super) fn trust(&self) -> ledger::bundle::Trust {
        let log_key = self.log_key.public_key().clone();
        ledger::bundle::Trust {
            origin: ORIGIN.to_owned(),
            log_key,
        }
    }
}

#[expect(clippy::result_large_err, reason = "as above")]
impl Service for Fake {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn submit(&self, statement: Vec<u8>) -> Result<Submitted, SubmitError> {
        std::future::ready(self.record(&statement)).await
    }

    async fn submit_many(&self, statements: Vec<Vec<u8>>) -> Vec<Result<Submitted, SubmitError>> {
        let all = statements
            .iter()
            .map(|statement| self.record(statement))
            .collect();
        std::future::ready(all).await
    }

    fn receipt(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        let view = self.store.view();
        let (Some(entry), Some(block)) = (view.entry(leaf)?, view.block_of(leaf)?) else {
            return Ok(None);
        };
        let statement = SignedStatement::parse(&entry).unwrap();
        let Issuer::Participant { capture, .. } = statement.header().issuer else {
            return Ok(None);
        };
        let tiles = ViewTiles(&view);
        let path = inclusion_proof(&TileNodes::new(&tiles), leaf, block.size());
        let claims = ReceiptClaims {
            iss: ORIGIN.to_owned(),
            sub: capture.to_string(),
            iat: u64::try_from(block.time.0 / 1000).unwrap(),
        };
        let facts = ReceiptFacts {
            claims,
            size: block.size(),
            leaf,
            root: block.root,
        };
        Ok(Some(Receipt::issue(&self.log_key, &facts, &path.unwrap())))
    }

    fn attest(&self, answer: &Attested) -> Vec<u8> {
        answer.sign(ORIGIN, &self.log_key)
    }

    fn record_reads(&self, reads: Reads) -> Result<(), StoreError> {
        if self.unrecorded.load(Ordering::Relaxed) {
            return Err(StoreError::Io("disk full".to_owned()));
        }
        let mut records = self.reads.lock().unwrap();
        let previous = records.last().map_or(Digest([0; 32]), ReadRecord::digest);
        let number = u64::try_from(records.len()).unwrap();
        records.push(ReadRecord {
            number,
            previous,
            time: self.now,
            reads,
        });
        Ok(())
    }

    fn read_records(&self, from: u64, limit: usize) -> Result<Vec<ReadRecord>, StoreError> {
        let records = self.reads.lock().unwrap();
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(records.iter().skip(from).take(limit).cloned().collect())
    }

    fn with_cosignatures(&self, checkpoint: String) -> String {
        let latest = self.latest.lock().unwrap();
        let note = latest.as_ref().map(|latest| latest.note.clone());
        note.filter(|note| note.starts_with(&checkpoint))
            .unwrap_or(checkpoint)
    }

    fn witnessed_checkpoint(&self) -> Option<String> {
        let latest = self.latest.lock().unwrap();
        latest.as_ref().map(|latest| latest.note.clone())
    }

    fn follow(&self, answer: &mut Answer) -> Result<(), StoreError> {
        let Some(told) = self.elsewhere.lock().unwrap().clone() else {
            return Ok(());
        };
        let mut following = Following::new(ORIGIN, answer, [ELSEWHERE]);
        while let Some(wanted) = following.wanted() {
            following.told(wanted, told.clone());
        }
        following.finish(answer);
        Ok(())
    }

    fn cosign(&self, request: AddCheckpoint) -> Result<Cosignature, CosignError> {
        let key = NoteKey::new(ORIGIN, KeyKind::Ed25519, self.log_key().clone()).unwrap();
        let watched = Watched::new(vec![key]).unwrap();
        let authentic = watched.authenticate(request)?;
        let mut latest = self.latest.lock().unwrap();
        let before = latest.as_ref().map(|latest| &latest.checkpoint);
        let consistent = authentic.follows(before)?;
        if self.forgetful.load(Ordering::Relaxed) {
            return Err(CosignError::NotKept);
        }
        let cosigned = consistent.cosign(WITNESS, &witness_key(), 7).unwrap();
        *latest = Some(cosigned.clone());
        Ok(cosigned)
    }

    fn latest_cosigned(&self, origin_hash: &Digest) -> Option<String> {
        let own = *origin_hash == Digest::of(ORIGIN.as_bytes());
        self.witnessed_checkpoint().filter(|_| own)
    }

    fn origin(&self) -> &str {
        ORIGIN
    }

    fn public_url(&self) -> &str {
        "https://node.example"
    }

    fn region(&self) -> &str {
        "5101"
    }

    fn log_key(&self) -> &PublicKey {
        self.log_key.public_key()
    }

    fn policy(&self) -> String {
        "log test\nquorum none\n".to_owned()
    }

    fn now(&self) -> UnixMillis {
        self.now
    }

    fn ready(&self) -> bool {
        !self.busy.load(Ordering::Relaxed)
    }

    fn sign_notice(&self, kind: ledger::feed::Kind, payload: Vec<u8>) -> Vec<u8> {
        ledger::feed::sign(kind, ORIGIN, self.now, &self.log_key, payload)
    }

    fn metrics(&self) -> String {
        "suyuan_statements_total 1\n".to_owned()
    }
}
