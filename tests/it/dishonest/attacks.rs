//! A dishonest log: what it hands to whom in each attack.

use super::verifiers::{WITNESS, witness_key};
use ledger::admission::check_unsigned;
use ledger::block::Head;
use ledger::bundle::{Bundle, build};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::disclosure::Disclosed;
use ledger::hash::{Digest, leaf_hash};
use ledger::identifier::Identifier;
use ledger::ids::{CaptureId, LeafIndex, TreeSize};
use ledger::lists::{Reader, ViewSource};
use ledger::merkle::tile::TileNodes;
use ledger::merkle::{Frontier, consistency_proof, inclusion_proof};
use ledger::provenance::{Limits, trace};
use ledger::receipt::{Receipt, ReceiptClaims, ReceiptFacts};
use ledger::registry::Action;
use ledger::seal::{Log, ViewTiles, seal_unruled};
use ledger::signature::Signer as _;
use ledger::state::{Effects, Role, StateKey};
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::store::{EntryWrite, Store as _, View as _};
use ledger::testing::{Member, ORIGIN, World, map_of_json, object_event};
use ledger::tlog_proof::TlogProof;
use ledger::witness::AddCheckpoint;
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

/// Where the lot's making stands, and what is recorded of it next.
const MADE: LeafIndex = LeafIndex(4);
const NEXT: LeafIndex = LeafIndex(6);

/// One attack.
pub(super) struct Attempt {
    /// The ledger that its verifiers are told about.
    pub(super) world: World,
    /// What a witness cosigned last, and what it is asked to cosign.
    pub(super) ask: Option<(Checkpoint, AddCheckpoint)>,
    /// What a mirror is given.
    pub(super) stream: Option<Stream>,
    /// What a reader is given.
    pub(super) file: Option<File>,
}

/// Leaves, and the head that they should lead to.
pub(super) struct Stream {
    pub(super) leaves: Vec<EntryWrite>,
    pub(super) head: Head,
}

/// A proof, and what its reader has besides.
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) entry: Option<Vec<u8>>,
    /// A checkpoint that the reader kept.
    pub(super) kept: String,
}

/// A log on which a lot was made: six leaves.
fn made() -> (World, Member) {
    let mut world = World::new();
    let maker = world.admit(&[Role::Producer], "510117", &json!({}));
    let said = event(&mut world, &maker, "made", "ADD", "commissioning");
    world.admitted(vec![said]);
    (world, maker)
}

fn event(world: &mut World, by: &Member, id: &str, action: &str, step: &str) -> SignedStatement {
    let id = format!("urn:e:{id}");
    let event = object_event(&id, action, step, "2026-11-20T08:00:00Z", LOT);
    world.events(by, &[event])
}

/// Two more leaves: the lot was looked at.
fn grow(world: &mut World, maker: &Member, id: &str) {
    let said = event(world, maker, id, "OBSERVE", "inspecting");
    world.admitted(vec![said]);
}

/// A log of ten leaves.
fn grown(ids: [&str; 2]) -> (World, Member) {
    let (mut world, maker) = made();
    for id in ids {
        grow(&mut world, &maker, id);
    }
    (world, maker)
}

fn recall(world: &mut World) -> SignedStatement {
    let case = Identifier::case(world.authority.handle, "2026-1").unwrap();
    let record = json!({"id": LOT, "case": case.as_str(), "level": 1, "reach": "forward",
        "fault": "safety", "reason": {"zh": "超标", "en": "above the limit"}});
    world.registry_by_authority(Action::Recall, vec![map_of_json(&record)])
}

fn revocation(world: &mut World, of: &Member) -> SignedStatement {
    let key = of.key.public_key().key_id();
    let action = Action::RevokeKey {
        key,
        suspect_from: None,
    };
    world.registry_by_authority(action, Vec::new())
}

/// Records what no rule lets in, or with effects that no rule gives.
fn force(world: &mut World, statement: SignedStatement, effects: Effects) {
    let log = Log {
        origin: ORIGIN,
        signer: &world.log_key,
    };
    let checked = check_unsigned(statement).unwrap();
    let sealed = seal_unruled(
        &world.store.view(),
        log,
        &world.secrets,
        &[(checked, effects)],
        world.now,
    );
    world.store.commit(sealed.unwrap()).unwrap();
    world.now.0 += 1000;
}

fn head(world: &World) -> Head {
    world.store.view().head().unwrap().unwrap()
}

fn leaves(world: &World) -> Vec<EntryWrite> {
    world.store.view().leaves(LeafIndex(0), 100).unwrap()
}

/// All leaves but the block that begins with `from`.
fn without(world: &World, from: LeafIndex) -> Vec<EntryWrite> {
    let mut leaves = leaves(world);
    leaves.retain(|one| one.leaf != from && one.leaf.0 != from.0 + 1);
    leaves
}

fn checkpoint(world: &World, size: u64) -> Checkpoint {
    let size = TreeSize(size);
    let view = world.store.view();
    let block = view.block_of(size.last().unwrap()).unwrap().unwrap();
    assert_eq!(block.size(), size, "a block ends there");
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: block.root,
    }
}

fn proof(world: &World, old: u64, new: u64) -> Vec<Digest> {
    let view = world.store.view();
    let tiles = ViewTiles(&view);
    consistency_proof(&TileNodes::new(&tiles), TreeSize(old), TreeSize(new)).unwrap()
}

fn ask(world: &World, old: u64, proof: Vec<Digest>, new: &Checkpoint) -> AddCheckpoint {
    AddCheckpoint {
        old: TreeSize(old),
        proof,
        checkpoint: SignedCheckpoint::parse(&new.sign(&world.log_key)).unwrap(),
    }
}

/// The whole story of the lot, proved.
fn bundle(world: &World) -> Bundle {
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Reader::Confidential);
    let item = Identifier::parse(LOT).unwrap();
    trace(&mut source, &item, world.now, Limits::DEFAULT).unwrap();
    build(&view, &source, LOT).unwrap()
}

/// The bundle without what the lot's list says of `leaf`.
fn silent_about(world: &World, leaf: LeafIndex) -> Bundle {
    let mut bundle = bundle(world);
    let mut omitted = 0;
    for (item, list) in &mut bundle.lists {
        let before = list.len();
        list.retain(|at| item != LOT || at.leaf != leaf);
        omitted += before - list.len();
    }
    assert_eq!(omitted, 1);
    bundle
}

fn file(world: &World, bytes: Vec<u8>) -> Option<File> {
    Some(File {
        bytes,
        entry: None,
        kept: head(world).checkpoint,
    })
}

fn stream(leaves: Vec<EntryWrite>, head: Head) -> Option<Stream> {
    Some(Stream { leaves, head })
}

/// No attack: what is shown is what is so, and witnessed.
pub(super) fn none() -> Attempt {
    let (world, _) = grown(["x", "z"]);
    let mut bundle = bundle(&world);
    let mut cosigned = SignedCheckpoint::parse(&bundle.checkpoint).unwrap();
    cosigned.cosign(WITNESS, &witness_key(), 7).unwrap();
    bundle.checkpoint = cosigned.to_string();
    Attempt {
        ask: Some((
            checkpoint(&world, 8),
            ask(&world, 8, proof(&world, 8, 10), &checkpoint(&world, 10)),
        )),
        stream: stream(leaves(&world), head(&world)),
        file: file(&world, bundle.encode()),
        world,
    }
}

pub(super) fn two_histories() -> Attempt {
    let (shown, _) = grown(["x", "z"]);
    let (world, _) = grown(["x", "other"]);
    Attempt {
        ask: Some((
            checkpoint(&shown, 10),
            ask(&world, 10, Vec::new(), &checkpoint(&world, 10)),
        )),
        stream: stream(leaves(&shown), head(&world)),
        file: file(&shown, bundle(&world).encode()),
        world,
    }
}

pub(super) fn rolled_back() -> Attempt {
    let (mut shown, maker) = made();
    grow(&mut shown, &maker, "x");
    let (world, _) = grown(["other", "z"]);
    let mut given = leaves(&shown);
    given.extend(leaves(&world).drain(8..));
    Attempt {
        ask: Some((
            checkpoint(&shown, 8),
            ask(&world, 8, proof(&world, 8, 10), &checkpoint(&world, 10)),
        )),
        stream: stream(given, head(&world)),
        file: file(&shown, bundle(&world).encode()),
        world,
    }
}

pub(super) fn truncated() -> Attempt {
    let (shown, _) = grown(["x", "z"]);
    let (mut world, maker) = made();
    grow(&mut world, &maker, "x");
    Attempt {
        ask: Some((
            checkpoint(&shown, 10),
            ask(&world, 10, Vec::new(), &checkpoint(&world, 8)),
        )),
        stream: stream(leaves(&shown), head(&world)),
        file: file(&shown, bundle(&world).encode()),
        world,
    }
}

pub(super) fn skipped_middle() -> Attempt {
    let (world, _) = grown(["x", "z"]);
    let kept = without(&world, NEXT);
    let mut tree = Frontier::new();
    for one in &kept {
        tree.push(leaf_hash(&one.entry));
    }
    let skipping = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: tree.size(),
        root: tree.root(),
    };
    Attempt {
        ask: Some((checkpoint(&world, 8), ask(&world, 8, Vec::new(), &skipping))),
        stream: stream(kept, head(&world)),
        file: file(&world, silent_about(&world, NEXT).encode()),
        world,
    }
}

pub(super) fn wrong_size() -> Attempt {
    let (world, _) = grown(["x", "z"]);
    let view = world.store.view();
    let earlier = checkpoint(&world, 6).sign(&world.log_key);
    let proved = TlogProof::build(&view, MADE, earlier).unwrap().unwrap();
    let moved = TlogProof {
        extra: Some(view.entry(MADE).unwrap().unwrap()),
        checkpoint: head(&world).checkpoint,
        ..proved
    };
    drop(view);
    Attempt {
        ask: Some((
            checkpoint(&world, 6),
            ask(&world, 6, proof(&world, 6, 8), &checkpoint(&world, 10)),
        )),
        stream: None,
        file: file(&world, moved.to_string().into_bytes()),
        world,
    }
}

pub(super) fn altered_index() -> Attempt {
    let (world, _) = grown(["x", "z"]);
    let view = world.store.view();
    let tiles = ViewTiles(&view);
    let block = head(&world).block;
    let path = inclusion_proof(&TileNodes::new(&tiles), MADE, block.size()).unwrap();
    let facts = ReceiptFacts {
        claims: ReceiptClaims {
            iss: ORIGIN.to_owned(),
            sub: "capture".to_owned(),
            iat: 7,
        },
        size: block.size(),
        leaf: MADE,
        root: block.root,
    };
    let mut bytes = Receipt::issue(&world.log_key, &facts, &path);
    // [10, 4, path], which nothing signs.
    let place = bytes.windows(3).position(|three| three == [0x83, 10, 4]);
    bytes[place.unwrap() + 2] = 5;
    let entry = view.entry(MADE).unwrap();
    let kept = head(&world).checkpoint;
    drop(view);
    Attempt {
        ask: None,
        stream: None,
        file: Some(File { bytes, entry, kept }),
        world,
    }
}

pub(super) fn swapped_body() -> Attempt {
    let (world, _) = grown(["x", "z"]);
    let mut given = leaves(&world);
    let at = |leaf: LeafIndex| usize::try_from(leaf.0).unwrap();
    given[at(MADE)].body = given[at(NEXT)].body.clone();
    let mut bundle = bundle(&world);
    let of = |bundle: &Bundle, leaf| bundle.statements.iter().position(|one| one.leaf == leaf);
    let (made, next) = (of(&bundle, MADE).unwrap(), of(&bundle, NEXT).unwrap());
    bundle.statements[made].disclosed = bundle.statements[next].disclosed.clone();
    Attempt {
        ask: None,
        stream: stream(given, head(&world)),
        file: file(&world, bundle.encode()),
        world,
    }
}

pub(super) fn omitted_recall() -> Attempt {
    let (mut world, maker) = made();
    let order = recall(&mut world);
    world.admitted(vec![order]);
    grow(&mut world, &maker, "x");
    Attempt {
        ask: None,
        stream: stream(without(&world, NEXT), head(&world)),
        file: file(&world, silent_about(&world, NEXT).encode()),
        world,
    }
}

pub(super) fn recall_without_effect() -> Attempt {
    let (mut world, _) = made();
    let order = recall(&mut world);
    force(&mut world, order, Effects::default());
    Attempt {
        ask: None,
        stream: stream(leaves(&world), head(&world)),
        file: file(&world, bundle(&world).encode()),
        world,
    }
}

pub(super) fn omitted_revocation() -> Attempt {
    let (mut world, maker) = made();
    let before = bundle(&world);
    let revoked = revocation(&mut world, &maker);
    world.admitted(vec![revoked]);
    world.admit(&[Role::Retailer], "510117", &json!({}));
    let mut bundle = bundle(&world);
    let key = StateKey::key(maker.key.public_key().key_id());
    let of = |records: &[(StateKey, Option<Vec<u8>>)]| {
        let at = records.iter().position(|(one, _)| *one == key).unwrap();
        (at, records[at].1.clone())
    };
    let (at, now) = of(&bundle.records);
    let (_, then) = of(&before.records);
    assert_ne!(now, then, "its revocation");
    bundle.records[at].1 = then;
    Attempt {
        ask: None,
        stream: stream(without(&world, NEXT), head(&world)),
        file: file(&world, bundle.encode()),
        world,
    }
}

pub(super) fn revoked_key() -> Attempt {
    let (mut world, maker) = made();
    let revoked = revocation(&mut world, &maker);
    world.admitted(vec![revoked]);
    let late = event(&mut world, &maker, "late", "OBSERVE", "inspecting");
    // What it would have done, had its key counted.
    let (mut twin, _) = made();
    twin.admitted(vec![late.clone()]);
    force(&mut world, late, effects(&twin, NEXT));
    Attempt {
        ask: None,
        stream: stream(leaves(&world), head(&world)),
        file: file(&world, bundle(&world).encode()),
        world,
    }
}

fn effects(world: &World, leaf: LeafIndex) -> Effects {
    let bytes = world.store.view().effects(leaf).unwrap().unwrap();
    Effects::decode(&bytes).unwrap()
}

pub(super) fn replayed() -> Attempt {
    let (shown, _) = grown(["x", "z"]);
    let (mut world, maker) = made();
    grow(&mut world, &maker, "x");
    Attempt {
        // The very request that brought this checkpoint its cosignature.
        ask: Some((
            checkpoint(&shown, 10),
            ask(&world, 6, proof(&world, 6, 8), &checkpoint(&world, 8)),
        )),
        stream: stream(leaves(&shown), head(&world)),
        file: file(&shown, bundle(&world).encode()),
        world,
    }
}

pub(super) fn other_log() -> Attempt {
    let (mut world, maker) = made();
    let here = event(&mut world, &maker, "there", "OBSERVE", "inspecting");
    let disclosed: Vec<Disclosed> = here.disclosed().to_vec();
    let issuer = Issuer::Participant {
        handle: maker.handle,
        capture: CaptureId([9; 16]),
    };
    let there = SignedStatement::sign(
        &maker.key,
        issuer,
        vec!["other.example/log".to_owned()],
        0,
        Payload::Events(Commitment::to(&disclosed)),
        disclosed,
    );
    // What it would have done, had it been meant for this log.
    let (mut twin, _) = made();
    twin.admitted(vec![here]);
    force(&mut world, there, effects(&twin, NEXT));
    Attempt {
        ask: None,
        stream: stream(leaves(&world), head(&world)),
        file: file(&world, bundle(&world).encode()),
        world,
    }
}
