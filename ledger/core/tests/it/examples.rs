//! One of each thing that is signed, stored or sent, from a ledger in memory.

use crate::scene::{LOT, PLACE, PRODUCT, Scene, UNKNOWN, scene, story};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::access::record::{PartRead, ReadRecord, Reads};
use ledger::cbor::Value;
use ledger::check::{Act, Attested, Question, check};
use ledger::disclosure::encode_body;
use ledger::event::hash_id::{Profile, event_hash_id};
use ledger::event::{DocumentContext, Event};
use ledger::event_proof::EventProof;
use ledger::hash::{Digest, leaf_hash};
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::merkle::inclusion_proof;
use ledger::merkle::tile::TileNodes;
use ledger::note::{KeyKind, NoteKey};
use ledger::personal::{Kept, PartPlace};
use ledger::policy::{GuardedAct, Policy};
use ledger::provenance::{Limits, trace};
use ledger::receipt::{Receipt, ReceiptClaims, ReceiptFacts};
use ledger::registry::{Action, possession_message};
use ledger::seal::{ViewPages, ViewTiles};
use ledger::signature::Signer as _;
use ledger::state::{Config, GuardedActs, Licence, Record as _, RegionRecord, Role, StateKey};
use ledger::statement::{Issuer, Payload, SignedStatement};
use ledger::store::{EventRef, Store as _, View as _};
use ledger::testing::{Member, ORIGIN, World, map_of_json};
use ledger::token::{Claims, Token};
use ledger::{bundle, policy, statemap};
use serde_json::{Value as Json, json};

/// The exact bytes of something, the CDDL rule they follow, and what follows from them.
#[derive(Debug)]
pub(crate) struct Example {
    /// The rule in `suyuan.cddl`; `checkpoint` is text and has none.
    pub(crate) rule: &'static str,
    /// Its name in the file.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Hashes, keys and the like that another implementation must get too.
    pub(crate) facts: Json,
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

fn example(rule: &'static str, name: &str, bytes: Vec<u8>, facts: Json) -> Example {
    Example {
        rule,
        name: name.to_owned(),
        bytes,
        facts,
    }
}

/// One of each.
pub(crate) fn examples() -> Vec<Example> {
    let mut scene = scene();
    let mut all = events();
    all.extend(statements(&mut scene));
    all.extend(registry(&mut scene));
    all.extend(chain(&scene));
    all.extend(state(&scene));
    all.extend(proofs(&scene));
    all.extend(checks(&scene));
    all.push(token(&scene));
    all.push(read_record(&scene));
    all
}

/// The shop was shown a quantity and a name.
fn read_record(scene: &Scene) -> Example {
    let part = |index, personal| PartRead {
        at: EventRef {
            leaf: scene.events,
            index,
        },
        personal,
    };
    let record = ReadRecord {
        number: 1,
        previous: Digest([7; 32]),
        time: scene.world.now,
        reads: Reads {
            reader: scene.shop.handle,
            key: scene.shop.key.public_key().key_id(),
            endpoint: "GET /trace".to_owned(),
            parts: [("510117".to_owned(), vec![part(0, true), part(1, false)])].into(),
        },
    };
    let bytes = record.encode();
    assert_eq!(ReadRecord::decode(&bytes), Ok(record.clone()));
    let facts = json!({"digest": record.digest().to_string()});
    example("read-record", "two disclosures", bytes, facts)
}

/// The maker asks the log, for five minutes.
fn token(scene: &Scene) -> Example {
    let issued_s = u64::try_from(scene.world.now.0 / 1000).unwrap();
    let claims = Claims {
        issuer: scene.maker.handle,
        audience: ORIGIN.to_owned(),
        expires_s: issued_s + 300,
        issued_s,
    };
    let bytes = Token::issue(&scene.maker.key, &claims);
    let facts = json!({
        "publicKey": hex(scene.maker.key.public_key().as_bytes()),
        "iss": claims.issuer,
        "aud": claims.audience,
        "exp": claims.expires_s,
        "iat": claims.issued_s,
    });
    example("token", "a maker's", bytes, facts)
}

fn events() -> Vec<Example> {
    let context = DocumentContext::default();
    story()
        .iter()
        .map(|json| {
            let event = Event::from_json(json, &context).unwrap();
            let facts = json!({
                "json": event.to_json(),
                "hashIds, reference then text": [
                    event_hash_id(&event, Profile::Reference),
                    event_hash_id(&event, Profile::Text),
                ],
                "items": event.items(),
            });
            example("event", event.kind().as_str(), event.encode(), facts)
        })
        .collect()
}

/// A stored statement with the body kept beside its entry, as its submitter sent it.
fn submitted(scene: &Scene, leaf: LeafIndex) -> SignedStatement {
    let view = scene.world.store.view();
    let entry = SignedStatement::parse(&view.entry(leaf).unwrap().unwrap()).unwrap();
    let body = view.body(leaf).unwrap().unwrap_or_default();
    let opened = ledger::stored::open(&view, &entry, &body, |_, _| true).unwrap();
    assert_eq!(opened.closed, []);
    entry.with_disclosures(opened.disclosed)
}

fn statement_facts(statement: &SignedStatement, public_key: &[u8; 32]) -> Json {
    json!({
        "publicKey": hex(public_key),
        "keyId": statement.header().key.to_string(),
        "leafHash": statement.leaf_hash().to_string(),
        "signedDigest": statement.signed_digest().to_string(),
    })
}

/// The place of the personal part of the two events.
fn part_place(scene: &Scene) -> PartPlace<'_> {
    let entry = scene.world.store.view().entry(scene.events).unwrap();
    let entry = SignedStatement::parse(&entry.unwrap()).unwrap();
    PartPlace {
        origin: ORIGIN,
        statement: entry.signed_digest(),
        index: 0,
    }
}

/// What the personal part of the two events is sealed to, and its key.
fn stored_facts(scene: &Scene) -> Json {
    let view = scene.world.store.view();
    let body = view.body(scene.events).unwrap().unwrap();
    let stored = ledger::stored::decode(&body).unwrap();
    let sealed = stored[0].sealed().next().unwrap();
    let place = part_place(scene);
    let Kept::Here(key) = view.part_key(&sealed.key_ref(place)).unwrap() else {
        unreachable!("nothing was deleted")
    };
    json!({
        "part": sealed.digest.to_string(),
        "associatedData": hex(&place.associated_data(&sealed.digest)),
        "keyName": place.key_name(&sealed.digest).to_string(),
        "key": hex(key.as_bytes()),
    })
}

fn statements(scene: &mut Scene) -> Vec<Example> {
    let statement = submitted(scene, scene.events);
    let key = *scene.maker.key.public_key().as_bytes();
    let facts = statement_facts(&statement, &key);
    let mut all = vec![
        example("statement", "two events", statement.encode(), facts.clone()),
        example("entry", "two events", statement.entry().to_vec(), facts),
        example(
            "sig-structure",
            "two events",
            statement.signed_bytes().to_vec(),
            json!({"sha256": statement.signed_digest().to_string()}),
        ),
        example(
            "body",
            "two events",
            encode_body(statement.disclosed()),
            json!({}),
        ),
        example(
            "stored-body",
            "two events",
            scene
                .world
                .store
                .view()
                .body(scene.events)
                .unwrap()
                .unwrap(),
            stored_facts(scene),
        ),
        example(
            "part-place",
            "of an operator",
            part_place(scene).associated_data(&Digest::of(b"a part")),
            json!({"part": Digest::of(b"a part").to_string()}),
        ),
    ];
    for one in statement.disclosed() {
        let name = format!("disclosure {}", one.index);
        let bytes = one.disclosure.encoded().to_vec();
        let facts = json!({"leafHash": one.disclosure.leaf().to_string()});
        all.push(example("disclosure", &name, bytes, facts));
        for part in &one.parts {
            let name = format!("{} part of disclosure {}", part.class().word(), one.index);
            let facts = json!({"sha256": part.digest().to_string()});
            all.push(example("part", &name, part.encoded().to_vec(), facts));
        }
    }
    // Meant for two logs, signed under the other number of the same algorithm.
    let capture = ledger::ids::CaptureId(scene.world.salt().0);
    let statement = SignedStatement::sign(
        &scene.shop.key,
        Issuer::Participant {
            handle: scene.maker.handle,
            capture,
        },
        vec![ORIGIN.to_owned(), "other.example/log".to_owned()],
        1_795_392_000,
        statement.payload().clone(),
        statement.disclosed().to_vec(),
    );
    let key = *scene.shop.key.public_key().as_bytes();
    let facts = statement_facts(&statement, &key);
    all.push(example(
        "statement",
        "for two logs, by a delegate",
        statement.encode(),
        facts,
    ));
    all
}

/// A statement of each act, whether or not this ledger would admit it now.
fn registry(scene: &mut Scene) -> Vec<Example> {
    let Scene {
        world,
        maker,
        shop,
        events,
    } = scene;
    let new = world.stranger();
    let key = world.possession(&new);
    let id = new.key.public_key().key_id();
    let licence = Licence {
        kind: "SC".to_owned(),
        from: UnixMillis(1_700_000_000_000),
        until: UnixMillis(1_857_000_000_000),
    };
    let roles = [Role::Producer, Role::Processor].into_iter().collect();
    let time = UnixMillis(1_795_500_000_000);
    let case = Identifier::case(maker.handle, "2026-1")
        .unwrap()
        .to_string();
    let acts = [
        (
            Action::Found {
                threshold: 1,
                founders: vec![(new.handle, "51".to_owned(), key)],
                predecessor: None,
            },
            None,
        ),
        (
            Action::Admit {
                handle: new.handle,
                roles,
                district: "510117".to_owned(),
                licences: vec![licence.clone()],
                keys: vec![key],
            },
            Some(json!({"name": {"zh": "丙", "en": "C"}, "prefixes": ["9501101"]})),
        ),
        (
            Action::Amend {
                handle: new.handle,
                roles,
                district: "510104".to_owned(),
                licences: vec![licence],
            },
            Some(json!({"name": {"zh": "丙", "en": "C"}})),
        ),
        (Action::Suspend(maker.handle), None),
        (Action::Reinstate(maker.handle), None),
        (
            Action::AddKey {
                handle: new.handle,
                key,
            },
            None,
        ),
        (
            Action::RetireKey {
                key: id,
                closing: time,
            },
            None,
        ),
        (
            Action::RevokeKey {
                key: id,
                suspect_from: None,
            },
            None,
        ),
        (
            Action::RevokeKey {
                key: id,
                suspect_from: Some(time),
            },
            None,
        ),
        (
            Action::Delegate {
                delegate: shop.handle,
                until: time,
            },
            None,
        ),
        (
            Action::Product,
            Some(json!({"id": PRODUCT, "name": {"zh": "豆瓣", "en": "paste"}})),
        ),
        (
            Action::Place,
            Some(json!({"id": PLACE, "name": {"zh": "厂", "en": "factory"}})),
        ),
        (
            Action::Recode,
            Some(json!({"old": LOT, "new": format!("{PRODUCT}/10/N1")})),
        ),
        (Action::Rules { version: 2 }, None),
        (
            Action::Policy,
            Some(json!({"id": policy::ITEM, "rows": [
                {"key": "second-signature/recall", "value": true,
                 "source": "decision 2026-11", "confirmed": true},
                {"key": "tests/05 乳制品", "value": ["coliforms"],
                 "source": "GB 19302", "confirmed": false},
            ]})),
        ),
        (Action::Forget, Some(forget_json(maker, *events))),
        (Action::Hold, Some(order(&case))),
        (Action::Recall, Some(order(&case))),
        (
            Action::Release,
            Some(json!({
                "id": LOT, "case": case, "retest": "R-9",
                "reason": {"zh": "复检合格", "en": "the re-test passed"},
            })),
        ),
        (
            Action::Respond,
            Some(json!({
                "case": case, "item": LOT, "what": "destroyed", "quantity": 4, "uom": "KGM",
                "evidence": "urn:doc:burned-7",
            })),
        ),
        (
            Action::Agreement,
            Some(json!({
                "partner": shop.handle, "participants": [maker.handle], "districts": ["5101"],
                "parts": "named", "until": "2027-12-31T16:00:00Z",
            })),
        ),
        (Action::Region, Some(region_json())),
        (
            Action::Import,
            Some(json!({"log": ORIGIN, "proof": STANDARD.encode(event_proof(world, *events))})),
        ),
    ];
    let public_key = *world.authority.key.public_key().as_bytes();
    let mut all: Vec<Example> = acts
        .into_iter()
        .map(|(action, record)| {
            let word = action.word();
            let records = record.iter().map(map_of_json).collect();
            let statement = world.registry_by_authority(action, records);
            let facts = statement_facts(&statement, &public_key);
            example(
                "statement",
                &format!("registry: {word}"),
                statement.encode(),
                facts,
            )
        })
        .collect();
    let message = possession_message(ORIGIN, new.handle, &key.public_key);
    let facts = json!({"signature": hex(&key.possession), "publicKey": hex(&key.public_key)});
    all.push(example("possession-message", "a new key's", message, facts));
    all.push(approved(world, &new));
    let record = policy::record(Policy::default().rows().map(|(_, row)| row));
    let facts = json!({"rows": Policy::default().rows().count()});
    let bytes = Value::from(record).encode();
    all.push(example("policy-record", "version 0", bytes, facts));
    let mut config = Config {
        authority_threshold: 2,
        rules_version: 1,
        founding_districts: vec!["51".to_owned()],
        second_signature: GuardedActs::default(),
    };
    all.push(example(
        "region-record",
        "Chengdu",
        RegionRecord {
            policy: POLICY.to_owned(),
        }
        .encode(),
        json!({}),
    ));
    let bytes = event_proof(world, *events);
    let facts = json!({"leaf": events.0, "digest": Digest::of(&bytes).to_string()});
    all.push(example("event-proof", "of a lot's making", bytes, facts));
    config.second_signature.set(GuardedAct::Recall, true);
    all.push(example(
        "config-record",
        "recalls need two signatures",
        config.encode(),
        json!({}),
    ));
    all
}

/// Another region's log and its witness, as C2SP's tlog-policy writes them.
const POLICY: &str = "\
log chengdu.trace.example/batches+c23fd503+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
witness W chongqing.trace.example/w1+7e32a60f+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X
quorum W
";

/// Another region, as its record says it.
pub(crate) fn region_json() -> Json {
    json!({
        "log": "chengdu.trace.example/batches", "name": {"zh": "成都", "en": "Chengdu"},
        "district": "5101", "url": "https://chengdu.example", "policy": POLICY,
    })
}

/// The first of the scene's events, for another log.
fn event_proof(world: &World, leaf: LeafIndex) -> Vec<u8> {
    let view = world.store.view();
    let checkpoint = view.head().unwrap().unwrap().checkpoint;
    let at = EventRef { leaf, index: 0 };
    let proof = EventProof::build(&view, at, &checkpoint).unwrap().unwrap();
    let bytes = proof.encode();
    assert_eq!(EventProof::decode(&bytes), Ok(proof));
    bytes
}

/// An order to delete, as its record says it.
pub(crate) fn forget_json(maker: &Member, leaf: LeafIndex) -> Json {
    json!({
        "id": ledger::forget::entry_item(leaf), "index": 0,
        "issuer": maker.handle.to_string(), "capture": ledger::ids::CaptureId([7; 16]).to_string(),
        "parts": [Digest::of(b"a part").to_string()],
        "basis": {"zh": "个人信息保护法第四十七条", "en": "Personal Information Protection Law art. 47"},
        "number": "川网信删〔2026〕12号",
    })
}

/// One item's hold or recall.
fn order(case: &str) -> Json {
    json!({
        "id": LOT, "case": case, "level": 1, "reach": "forward", "fault": "safety",
        "reason": {"zh": "黄曲霉毒素超标", "en": "aflatoxin above the limit"},
        "retest": "GB 5009.22", "deadline": "2026-12-01T00:00:00.000Z",
    })
}

/// What another authority signs to consent to a suspension.
fn approved(world: &World, other: &Member) -> Example {
    let payload = ledger::registry::RegistryPayload {
        action: Action::Suspend(world.authority.handle),
        commitment: ledger::statement::Commitment::to(&[]),
        approvals: vec![],
    };
    let capture = ledger::ids::CaptureId([7; 16]);
    let message = payload.approval_message(ORIGIN, world.authority.handle, capture);
    let facts = json!({
        "signature": hex(&other.key.sign(&message)),
        "publicKey": hex(other.key.public_key().as_bytes()),
    });
    example("approval-message", "of a suspension", message, facts)
}

/// Blocks: header, record, head, checkpoint, and the effects of their statements.
fn chain(scene: &Scene) -> Vec<Example> {
    let view = scene.world.store.view();
    let head = view.head().unwrap().unwrap();
    let mut all = Vec::new();
    for (name, height) in [("founding", 0), ("newest", head.block.height)] {
        let is_it = |statement: &SignedStatement| matches!(statement.payload(), Payload::Block(header) if header.height == height);
        let statement = view
            .leaves(LeafIndex(0), 1000)
            .unwrap()
            .iter()
            .map(|leaf| SignedStatement::parse(&leaf.entry).unwrap())
            .find(is_it)
            .unwrap();
        let Payload::Block(header) = statement.payload() else {
            unreachable!("found above")
        };
        let key = *scene.world.log_key.public_key().as_bytes();
        let facts = statement_facts(&statement, &key);
        all.push(example(
            "block-header",
            name,
            header.encode(),
            facts.clone(),
        ));
        all.push(example(
            "entry",
            &format!("{name} block header"),
            statement.entry().to_vec(),
            facts,
        ));
    }
    for (name, leaf) in [("founding", LeafIndex(0)), ("two events", scene.events)] {
        let bytes = view.effects(leaf).unwrap().unwrap();
        let facts = json!({"leaf": leaf.0, "leafHash": leaf_hash(&bytes).to_string()});
        all.push(example("effects", name, bytes, facts));
    }
    all.push(example(
        "block-record",
        "newest",
        head.block.encode(),
        json!({}),
    ));
    let facts = json!({"size": head.size().0, "root": head.block.root.to_string()});
    let verifier = NoteKey::new(
        ORIGIN,
        KeyKind::Ed25519,
        scene.world.log_key.public_key().clone(),
    )
    .unwrap();
    let note = json!({"text": head.checkpoint, "verifierKey": verifier.to_string()});
    all.push(example(
        "checkpoint",
        "newest",
        head.checkpoint.clone().into_bytes(),
        note,
    ));
    all.push(example("head", "newest", head.encode(), facts));
    all
}

/// A record of each class, with its key.
fn state(scene: &Scene) -> Vec<Example> {
    let Scene {
        world,
        maker,
        shop,
        events,
    } = scene;
    let statement = submitted(scene, *events);
    let Issuer::Participant { handle, capture } = statement.header().issuer else {
        unreachable!("a participant's statement")
    };
    let key = maker.key.public_key().key_id();
    [
        ("config-record", "", StateKey::config()),
        (
            "participant-record",
            "maker",
            StateKey::participant(maker.handle),
        ),
        ("key-record", "maker's", StateKey::key(key)),
        (
            "delegation-record",
            "the shop's",
            StateKey::delegation(maker.handle, shop.handle),
        ),
        ("prefix-record", "6901234", StateKey::prefix("6901234")),
        ("item-record", LOT, StateKey::item(LOT)),
        (
            "capture-record",
            "two events",
            StateKey::capture(handle, capture),
        ),
        (
            "event-record",
            "urn:e:1",
            StateKey::event(handle, "urn:e:1"),
        ),
    ]
    .into_iter()
    .map(|(rule, name, key)| {
        let record = world
            .store
            .view()
            .records(&[key])
            .unwrap()
            .pop()
            .flatten()
            .unwrap();
        let facts = json!({
            "stateKey": hex(&key.to_bytes()), "sha256": Digest::of(&record).to_string(),
        });
        example(rule, name, record, facts)
    })
    .collect()
}

fn proofs(scene: &Scene) -> Vec<Example> {
    let world = &scene.world;
    let view = world.store.view();
    let head = view.head().unwrap().unwrap();
    let mut all = Vec::new();
    for (name, key) in [
        ("present", StateKey::item(LOT)),
        ("absent", StateKey::item(UNKNOWN)),
    ] {
        let proof = statemap::prove(&ViewPages(&view), &head.state, &key.digest).unwrap();
        let record = view.records(&[key]).unwrap().pop().flatten();
        let value = record.as_deref().map(Digest::of);
        proof.verify(&head.state, &[(key.digest, value)]).unwrap();
        let facts = json!({
            "root": head.state.to_string(),
            "key": key.digest.to_string(),
            "valueHash": value.map(|value| value.to_string()),
        });
        all.push(example("map-proof", name, proof.encode(), facts));
    }
    let statement = submitted(scene, scene.events);
    let tiles = ViewTiles(&view);
    let path = inclusion_proof(&TileNodes::new(&tiles), scene.events, head.size()).unwrap();
    let Issuer::Participant { capture, .. } = statement.header().issuer else {
        unreachable!("a participant's statement")
    };
    let claims = ReceiptClaims {
        iss: ORIGIN.to_owned(),
        sub: capture.to_string(),
        iat: 1_795_392_000,
    };
    let facts = ReceiptFacts {
        claims,
        size: head.size(),
        leaf: scene.events,
        root: head.block.root,
    };
    let receipt = Receipt::issue(&world.log_key, &facts, &path);
    let log = world.log_key.public_key();
    assert_eq!(
        Receipt::parse(&receipt)
            .unwrap()
            .verify(statement.entry(), log),
        Ok(facts)
    );
    let log_key = hex(log.as_bytes());
    let facts = json!({"entry": hex(statement.entry()), "logPublicKey": log_key});
    all.push(example("receipt", "two events", receipt, facts));
    let mut source = ViewSource::new(&view, Reader::Public);
    let item = Identifier::parse(LOT).unwrap();
    let answer = trace(&mut source, &item, world.now, Limits::DEFAULT).unwrap();
    let built = bundle::build(&view, &source, LOT).unwrap().encode();
    let facts = json!({
        "logPublicKey": log_key, "origin": ORIGIN, "verdict": answer.verdict.word(),
    });
    all.push(example("bundle", "a lot, whole", built, facts));
    let mut open = ViewSource::open(&view);
    let answer = trace(&mut open, &item, world.now, Limits::DEFAULT).unwrap();
    let built = bundle::build(&view, &open, LOT).unwrap().encode();
    let facts = json!({
        "logPublicKey": log_key, "origin": ORIGIN, "verdict": answer.verdict.word(),
    });
    all.push(example("bundle", "a lot, for everyone", built, facts));
    all
}

/// Signed answers to checks: one without a reason and one with.
fn checks(scene: &Scene) -> Vec<Example> {
    let world = &scene.world;
    let view = world.store.view();
    let head = view.head().unwrap().unwrap();
    let log = world.log_key.public_key();
    let asked = [
        (
            "a lot by its maker",
            LOT,
            Act::Use,
            Some(scene.maker.handle),
        ),
        (
            "an unknown code by nobody in particular",
            UNKNOWN,
            Act::Receive,
            None,
        ),
    ];
    let answered = asked.map(|(name, item, act, actor)| {
        let question = Question {
            item: Identifier::parse(item).unwrap(),
            act,
            actor,
            at: world.now,
        };
        let mut source = ViewSource::new(&view, Reader::Public);
        let attested = Attested {
            answer: check(&mut source, &question, Limits::DEFAULT)
                .unwrap()
                .answer,
            size: head.size(),
            root: head.block.root,
        };
        let bytes = attested.sign(ORIGIN, &world.log_key);
        let facts = json!({
            "logPublicKey": hex(log.as_bytes()), "origin": ORIGIN, "json": attested.to_json(),
        });
        assert_eq!(Attested::verify(&bytes, ORIGIN, log), Ok(attested));
        example("check-answer", name, bytes, facts)
    });
    answered.into()
}

/// The events above, as the ledger returns them.
pub(crate) fn event_json() -> Vec<Json> {
    let context = DocumentContext::default();
    story()
        .iter()
        .map(|json| Event::from_json(json, &context).unwrap().to_json())
        .collect()
}

/// The answer of which the bundle above is the proof, as JSON.
pub(crate) fn answer_json() -> Json {
    let scene = scene();
    let view = scene.world.store.view();
    let mut source = ViewSource::new(&view, Reader::All);
    let item = Identifier::parse(LOT).unwrap();
    let answer = trace(&mut source, &item, scene.world.now, Limits::DEFAULT).unwrap();
    serde_json::to_value(answer).unwrap()
}
