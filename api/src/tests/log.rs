//! The log itself: tiles, checkpoints, and this node as a witness.

use super::fake::{Fake, LOT, WITNESS, setting, witness_key};
use super::registration::problem;
use super::{Client, Got};
use crate::app::{ApiOptions, EntryBundles, router};
use axum::body::Body;
use axum::http::Request;
use ledger::cbor::Reader;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::hash::{Digest, leaf_hash};
use ledger::ids::{Handle, LeafIndex, TreeSize};
use ledger::merkle::consistency_proof;
use ledger::merkle::tile::TileNodes;
use ledger::note::{KeyKind, NoteKey};
use ledger::seal::ViewTiles;
use ledger::signature::Signer as _;
use ledger::statement::{Payload, SignedStatement};
use ledger::store::{Store as _, View as _};
use ledger::testing::ORIGIN;
use ledger::tiles::entries_of;
use ledger::tlog_policy::{Standing, TlogPolicy};
use ledger::tlog_proof::TlogProof;
use ledger::witness::AddCheckpoint;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const TYPE: &str = "application/octet-stream";

/// A client of a node that shows entry bundles to these.
fn client(fake: &Arc<Fake>, entry_bundles: EntryBundles) -> Client {
    let options = ApiOptions {
        entry_bundles,
        ..ApiOptions::default()
    };
    Client {
        router: router(Arc::clone(fake), options),
        ..Client::stranger(fake)
    }
}

pub(super) fn size(fake: &Fake) -> u64 {
    fake.store.view().head().unwrap().unwrap().size().0
}

#[tokio::test]
async fn tiles_are_immutable_files_for_everyone() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let size = size(&setting.fake);
    let tile = client.get(&format!("/tile/0/000.p/{size}"), "*/*").await;
    assert_eq!((tile.status.as_u16(), tile.media_type()), (200, TYPE));
    assert_eq!(
        tile.header("cache-control"),
        "public, max-age=604800, immutable"
    );
    assert_eq!(tile.header("vary"), "accept-encoding");
    assert_eq!(tile.header("access-control-allow-origin"), "*");
    let entry = setting
        .fake
        .store
        .view()
        .entry(LeafIndex(3))
        .unwrap()
        .unwrap();
    assert_eq!(tile.body[3 * 32..4 * 32], leaf_hash(&entry).0);
    // The same tile as an earlier checkpoint promised it.
    let part = client.get("/tile/0/000.p/2", "*/*").await;
    assert_eq!(part.body, tile.body[..64]);
}

#[tokio::test]
async fn what_is_no_name_or_not_there_is_told_apart() {
    let setting = setting();
    let client = client(&setting.fake, EntryBundles::ForAll);
    let beyond = size(&setting.fake) + 1;
    for (path, status, reason) in [
        (format!("/tile/0/000.p/{beyond}"), 404, "tile-absent"),
        (format!("/tile/entries/000.p/{beyond}"), 404, "tile-absent"),
        ("/tile/0/000".to_owned(), 404, "tile-absent"),
        ("/tile/0/001.p/1".to_owned(), 404, "tile-absent"),
        ("/tile/1/000.p/1".to_owned(), 404, "tile-absent"),
        ("/tile/entries/x001/234".to_owned(), 404, "tile-absent"),
        ("/tile/64/000".to_owned(), 400, "tile-name-invalid"),
        ("/tile/00/000.p/2".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0/0.p/2".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0/x000/000.p/2".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0/000.p/0".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0/000.p/02".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0/000.p/256".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0/000.p/2/".to_owned(), 400, "tile-name-invalid"),
        ("/tile/0%2F000.p/2".to_owned(), 400, "tile-name-invalid"),
        ("/tile/data/000.p/2".to_owned(), 400, "tile-name-invalid"),
    ] {
        let got = client.get_json(&path).await;
        assert_eq!(got.problem(), (status, reason.to_owned()), "{path}");
        assert!(!got.header("cache-control").contains("immutable"), "{path}");
    }
}

#[tokio::test]
async fn entries_in_bulk_are_for_those_whom_the_region_names() {
    let setting = setting();
    let path = "/tile/entries/000.p/2";
    let mirrors = |handles: &[Handle]| EntryBundles::For(handles.iter().copied().collect());
    let stranger = client(&setting.fake, mirrors(&[setting.farm.handle]));
    let got = stranger.get_json(path).await;
    let refused = (401, "entry-bundles-need-identity".to_owned());
    assert_eq!(got.problem(), refused);

    let named = Client {
        token: Some(setting.fake.token(&setting.farm, 0, 300)),
        ..client(&setting.fake, mirrors(&[setting.farm.handle]))
    };
    let got = named.get(path, "*/*").await;
    assert_eq!((got.status.as_u16(), got.media_type()), (200, TYPE));
    // No shared cache may keep for others what one may read.
    assert!(got.header("cache-control").starts_with("private"));
    assert!(got.header("vary").contains("authorization"));
    assert_eq!(got.header("access-control-allow-origin"), "");

    let other = Client {
        token: Some(setting.fake.token(&setting.authority, 0, 300)),
        ..client(&setting.fake, mirrors(&[setting.farm.handle]))
    };
    let got = other.get_json(path).await;
    assert_eq!(got.problem(), (403, "not-entitled".to_owned()));

    let got = client(&setting.fake, EntryBundles::ForAll)
        .get(path, "*/*")
        .await;
    assert!(got.header("cache-control").starts_with("public"));
}

/// Every field of a CBOR item, by its place and form, with the lengths of byte strings.
fn fields(reader: &mut Reader<'_>, place: &str, found: &mut BTreeSet<String>) {
    match reader.peek_major() {
        Some(0 | 1) => {
            reader.int().unwrap();
            found.insert(format!("{place} int"));
        }
        Some(2) => {
            let bytes = reader.byte_string().unwrap();
            // The protected header and the payload are CBOR in a byte string.
            let place_in_entry = place.split_once('.').map_or("", |(_, place)| place);
            let wrapped = ["0", "2"].contains(&place_in_entry) && !bytes.is_empty();
            if wrapped {
                fields(&mut Reader::new(bytes), place, found);
            } else {
                found.insert(format!("{place} bytes({})", bytes.len()));
            }
        }
        Some(3) => {
            reader.text().unwrap();
            found.insert(format!("{place} text"));
        }
        Some(4) => {
            let count = reader.array().unwrap();
            for at in 0..count {
                fields(reader, &format!("{place}.{at}"), found);
            }
            if count == 0 {
                found.insert(format!("{place} empty"));
            }
        }
        Some(5) => {
            let count = reader.map().unwrap();
            for _ in 0..count {
                let key = match reader.peek_major() {
                    Some(3) => reader.text().unwrap().to_owned(),
                    _ => reader.int().unwrap().to_string(),
                };
                fields(reader, &format!("{place}.{key}"), found);
            }
            if count == 0 {
                found.insert(format!("{place} empty"));
            }
        }
        other => panic!("{place}: {other:?}"),
    }
}

/// What tiles show of each kind of entry: what SECURITY.md says, and nothing else.
#[tokio::test]
async fn tiles_reveal_exactly_this() {
    let setting = setting();
    let client = client(&setting.fake, EntryBundles::ForAll);
    let size = size(&setting.fake);
    let bundle = client
        .get(&format!("/tile/entries/000.p/{size}"), "*/*")
        .await;
    let entries = entries_of(&bundle.body).unwrap();
    assert_eq!(entries.len(), usize::try_from(size).unwrap());
    let mut found: BTreeSet<String> = BTreeSet::new();
    for entry in entries {
        let kind = match SignedStatement::parse(entry).unwrap().payload() {
            Payload::Block(_) => "block",
            Payload::Events(_) => "events",
            Payload::Registry(_) => "registry",
        };
        // COSE_Sign1's tag, which the reader has no use for.
        let (tag, untagged) = entry.split_first().unwrap();
        assert_eq!(*tag, 0xd2);
        fields(&mut Reader::new(untagged), kind, &mut found);
    }
    let expected: BTreeSet<String> = REVEALED.iter().map(|&line| line.to_owned()).collect();
    assert_eq!(found, expected, "{found:#?}");

    // Nothing that was disclosed with the statements is in there, under any of these fields.
    let tile = client.get(&format!("/tile/0/000.p/{size}"), "*/*").await;
    for secret in [
        "Pidu",
        "郫都",
        "Green pepper",
        "青椒",
        "06901234567892",
        "690123456",
        LOT,
        "commissioning",
        "shipping",
        "urn:uuid:1",
    ] {
        let holds = |got: &Got| {
            let secret = secret.as_bytes();
            got.body.windows(secret.len()).any(|part| part == secret)
        };
        assert!(!holds(&bundle) && !holds(&tile), "{secret}");
    }
}

/// Every kind of entry: algorithm (1), kind of payload (3), key's thumbprint (4), issuer, capture
/// id, audience and the signer's time (15); no unprotected header; a signature. Events: their number
/// and a salted root. A registry act: its number and fields, here handles, roles, districts, keys
/// with their proofs of possession, no licences; then number and root of what it discloses, and no
/// second signatures. A block: what its header says of the log itself.
const REVEALED: &[&str] = &[
    "events.0.1 int",
    "events.0.3 text",
    "events.0.4 bytes(32)",
    "events.0.15.1 text",
    "events.0.15.2 text",
    "events.0.15.3 text",
    "events.0.15.6 int",
    "events.1 empty",
    "events.3 bytes(64)",
    "events.2.0 int",
    "events.2.1 bytes(32)",
    "registry.0.1 int",
    "registry.0.3 text",
    "registry.0.4 bytes(32)",
    "registry.0.15.1 text",
    "registry.0.15.2 text",
    "registry.0.15.3 text",
    "registry.0.15.6 int",
    "registry.1 empty",
    "registry.3 bytes(64)",
    "registry.2.0.0 int",
    "registry.2.0.1 bytes(16)",
    "registry.2.0.1 int",
    "registry.2.0.2 int",
    "registry.2.0.2.0.0 bytes(16)",
    "registry.2.0.2.0.1 text",
    "registry.2.0.2.0.2.0 bytes(32)",
    "registry.2.0.2.0.2.1 bytes(64)",
    "registry.2.0.3 text",
    "registry.2.0.4 empty",
    "registry.2.0.5.0.0 bytes(32)",
    "registry.2.0.5.0.1 bytes(64)",
    "registry.2.1 int",
    "registry.2.2 bytes(32)",
    "registry.2.3 empty",
    "block.0.1 int",
    "block.0.3 text",
    "block.0.4 bytes(32)",
    "block.0.15.1 text",
    "block.0.15.2 text",
    "block.0.15.3 text",
    "block.0.15.6 int",
    "block.1 empty",
    "block.3 bytes(64)",
    "block.2.0 int",
    "block.2.1 bytes(32)",
    "block.2.2 int",
    "block.2.3 bytes(32)",
    "block.2.4 int",
    "block.2.5 int",
    "block.2.6 int",
    "block.2.7 int",
    "block.2.8 bytes(32)",
    "block.2.9 bytes(32)",
];

/// A checkpoint of the fake's tree at `size`, signed by its log.
fn checkpoint(fake: &Fake, size: u64) -> SignedCheckpoint {
    let view = fake.store.view();
    let block = view
        .block_of(TreeSize(size).last().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(block.size(), TreeSize(size), "a block ends there");
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: TreeSize(size),
        root: block.root,
    };
    SignedCheckpoint::parse(&checkpoint.sign(&fake.log_key)).unwrap()
}

pub(super) fn request(fake: &Fake, old: u64, new: u64) -> AddCheckpoint {
    let view = fake.store.view();
    let tiles = ViewTiles(&view);
    let nodes = TileNodes::new(&tiles);
    let proof = match old {
        0 => Vec::new(),
        _ => consistency_proof(&nodes, TreeSize(old), TreeSize(new)).unwrap(),
    };
    AddCheckpoint {
        old: TreeSize(old),
        proof,
        checkpoint: checkpoint(fake, new),
    }
}

pub(super) async fn add(client: &Client, body: impl ToString) -> Got {
    let request = Request::post("/add-checkpoint").header("accept", "application/json");
    client.send(request, Body::from(body.to_string())).await
}

#[tokio::test]
async fn a_witness_answers_each_case_with_its_status() {
    let setting = setting();
    let fake = &setting.fake;
    let client = Client::stranger(fake);
    // The founding block ends at leaf 1, the next at leaf 3.
    let (first, second) = (request(fake, 0, 2), request(fake, 2, 4));

    let status = |got: &Got| got.problem();
    let named = |status: u16, reason: &str| (status, reason.to_owned());
    let other = first.to_string().replace(ORIGIN, "other.example/log");
    assert_eq!(
        status(&add(&client, other).await),
        named(404, "origin-unknown")
    );
    let altered = first.to_string().replace("\n2\n", "\n3\n");
    assert_eq!(
        status(&add(&client, altered).await),
        named(403, "log-signature")
    );
    assert_eq!(
        status(&add(&client, "old x\n").await),
        named(400, "request-malformed")
    );
    let beyond = first.to_string().replace("old 0", "old 3");
    assert_eq!(
        status(&add(&client, beyond).await),
        named(400, "old-size-beyond")
    );
    let long = format!("old 0\n{}", "A".repeat(70_000));
    assert_eq!(
        status(&add(&client, long).await),
        named(400, "request-too-large")
    );
    let got = client
        .send(
            Request::post("/add-checkpoint").header("accept", "application/json"),
            vec![0xff; 9],
        )
        .await;
    assert_eq!(got.problem(), named(400, "request-malformed"));

    let none = client.get_json("/checkpoint/witnessed").await;
    assert_eq!(none.problem(), named(404, "not-witnessed"));
    let hash = Digest::of(ORIGIN.as_bytes());
    let none = client
        .get_json(&format!("/witness/{hash}/checkpoint"))
        .await;
    assert_eq!(none.problem(), named(404, "not-cosigned"));

    let got = add(&client, &first).await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "text/plain; charset=utf-8")
    );
    let key = NoteKey::new(
        WITNESS,
        KeyKind::Cosignature,
        witness_key().public_key().clone(),
    );
    let keys = [key.unwrap()];
    let mut note = first.checkpoint.clone();
    let signed = note.adopt(got.text(), &keys).unwrap();
    assert_eq!((signed.len(), signed[0].time), (1, Some(7)));
    // The answer is the line alone.
    assert_eq!(got.text(), note.lines_by(&keys));

    // Again from nothing: the size to prove from, and nothing else.
    let got = add(&client, &first).await;
    assert_eq!(
        (got.status.as_u16(), got.media_type(), got.text()),
        (409, "text/x.tlog.size", "2\n")
    );
    let mut swapped = second.clone();
    swapped.proof[0] = Digest([0; 32]);
    assert_eq!(
        status(&add(&client, &swapped).await),
        named(422, "inconsistent")
    );
    let fork = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: TreeSize(2),
        root: Digest([0; 32]),
    };
    let fork = AddCheckpoint {
        old: TreeSize(2),
        proof: Vec::new(),
        checkpoint: SignedCheckpoint::parse(&fork.sign(&fake.log_key)).unwrap(),
    };
    assert_eq!(
        status(&add(&client, &fork).await),
        named(422, "root-changed")
    );
    fake.forgetful.store(true, Ordering::Relaxed);
    assert_eq!(
        status(&add(&client, &second).await),
        named(500, "cosign-not-kept")
    );
    fake.forgetful.store(false, Ordering::Relaxed);
    assert_eq!(add(&client, &second).await.status.as_u16(), 200);

    let got = client
        .get(&format!("/witness/{hash}/checkpoint"), "*/*")
        .await;
    let latest = SignedCheckpoint::parse(got.text()).unwrap();
    assert_eq!((latest.claim().size, latest.signatures()), (TreeSize(4), 2));
    let upper = hash.to_string().to_uppercase();
    let got = client
        .get_json(&format!("/witness/{upper}/checkpoint"))
        .await;
    assert_eq!(got.problem(), named(404, "not-cosigned"));
}

#[tokio::test]
async fn the_checkpoint_carries_the_cosignatures_that_it_has() {
    let setting = setting();
    let fake = &setting.fake;
    let client = Client::stranger(fake);
    let count = |got: &Got| SignedCheckpoint::parse(got.text()).unwrap().signatures();
    let before = client.get("/checkpoint", "*/*").await;
    assert_eq!(count(&before), 1);
    assert_eq!(before.header("cache-control"), "public, max-age=1");
    assert_eq!(
        add(&client, request(fake, 0, size(fake)))
            .await
            .status
            .as_u16(),
        200
    );
    let after = client.get("/checkpoint", "*/*").await;
    assert_eq!(count(&after), 2);
    let witnessed = client.get("/checkpoint/witnessed", "*/*").await;
    assert_eq!(witnessed.text(), after.text());
    // A proof takes them along.
    let page = client
        .get(&format!("{}?lang=en", super::fake::LOT_PATH), "text/html")
        .await;
    assert!(page.text().contains("<dt>Outside witnesses</dt><dd>1</dd>"));
    let bundle = client
        .get(super::fake::LOT_PATH, "application/vnd.suyuan.bundle+cbor")
        .await;
    let bundle = ledger::bundle::Bundle::decode(&bundle.body).unwrap();
    assert_eq!(bundle.checkpoint, after.text());
}

#[tokio::test]
async fn an_entry_is_proved_under_a_witnessed_checkpoint_once_there_is_one() {
    let setting = setting();
    let fake = &setting.fake;
    let client = Client::stranger(fake);
    let size = size(fake);
    let entry = SignedStatement::parse(&fake.store.view().entry(LeafIndex(3)).unwrap().unwrap());
    let entry = entry.unwrap();
    let proved = |got: &Got, witness: &str| {
        let log = NoteKey::new(ORIGIN, KeyKind::Ed25519, fake.log_key.public_key().clone());
        let policy = format!("log {}\n{witness}\n", log.unwrap());
        let policy = TlogPolicy::parse(&policy).unwrap();
        let judged = TlogProof::parse(&got.body).unwrap().prove(&entry, &policy);
        let judged = judged.unwrap();
        (judged.checkpoint.size.0, judged.standing)
    };
    let key = NoteKey::new(
        WITNESS,
        KeyKind::Cosignature,
        witness_key().public_key().clone(),
    );
    let witness = format!("witness w {}\nquorum w", key.unwrap());

    // This node's own policy asks for no witness: there is nothing to wait for.
    let got = client.get("/entries/3/proof", "*/*").await;
    assert_eq!(problem(&got.body).reason, "not-witnessed");
    assert_eq!(got.header("retry-after"), "");
    let newest = client
        .get("/entries/3/proof?checkpoint=newest", "*/*")
        .await;
    assert_eq!(
        (newest.status.as_u16(), newest.media_type()),
        (200, "text/plain; charset=utf-8")
    );
    assert_eq!(proved(&newest, &witness), (size, Standing::Recorded));
    assert_eq!(TlogProof::parse(&newest.body).unwrap().extra, None);

    // The block that ends before the newest one is what has been cosigned.
    let block = |leaf| {
        fake.store
            .view()
            .block_of(LeafIndex(leaf))
            .unwrap()
            .unwrap()
    };
    let earlier = block(3).size().0;
    assert!(earlier < size);
    assert_eq!(add(&client, request(fake, 0, earlier)).await.status, 200);
    let got = client.get("/entries/3/proof", "*/*").await;
    assert_eq!(proved(&got, &witness), (earlier, Standing::Witnessed));
    let got = client
        .get_json(&format!("/entries/{}/proof", size - 1))
        .await;
    assert_eq!(got.status, 404, "the witnessed tree does not reach it");

    for (path, status, reason) in [
        (format!("/entries/{size}/proof"), 404, "entry-unknown"),
        ("/entries/03/proof".to_owned(), 400, "entry-id-invalid"),
        (
            "/entries/3/proof?checkpoint=7".to_owned(),
            400,
            "parameter-invalid",
        ),
    ] {
        let got = client.get(&path, "*/*").await;
        let found = problem(&got.body);
        assert_eq!(
            (found.status, found.reason.as_str()),
            (status, reason),
            "{path}"
        );
    }
}
