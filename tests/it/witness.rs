//! Three nodes in processes of their own: two logs that witness each other, and one more witness.

use ledger::testing::object_event;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tests::demo::{get, printed, suyuan};
use tests::link::Link;
use tests::region::{Region, until};

const BUNDLE: &str = "application/vnd.suyuan.bundle+cbor";

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

/// Chengdu and Chongqing witness each other; Kunming witnesses both. Two of two are the quorum.
fn three() -> [Region; 3] {
    let [mut chengdu, mut chongqing, mut kunming] =
        ["chengdu", "chongqing", "kunming"].map(Region::found);
    let by_chengdu = chengdu.watch("chengdu.example/w", &[&chongqing]);
    let by_chongqing = chongqing.watch("chongqing.example/w", &[&chengdu]);
    let by_kunming = kunming.watch("kunming.example/w", &[&chengdu, &chongqing]);
    let quorum = "quorum two";
    for (region, other, name) in [
        (&chengdu, &by_chongqing, "chongqing.example/w"),
        (&chongqing, &by_chengdu, "chengdu.example/w"),
    ] {
        let group = format!("group two all {name} kunming.example/w");
        region.trust(&[other, &by_kunming, &group, quorum]);
    }
    for region in [&mut kunming, &mut chongqing, &mut chengdu] {
        region.start();
    }
    [chengdu, chongqing, kunming]
}

/// What `suyuan verify` says of a proof that the node gives, by a policy.
fn standing(region: &Region, policy: &Path) -> (String, usize) {
    // Of a code that is not there: its absence is proved like any other answer.
    let url = format!(
        "{}/trace?code=https://id.gs1.org/01/06901234567892/10/A1",
        region.url()
    );
    let file = region.file("proof.bundle");
    std::fs::write(&file, get(&url, BUNDLE).body).unwrap();
    let (policy, file) = (policy.to_str().unwrap(), file.to_str().unwrap());
    let said = printed(&["verify", "--json", "--trust", policy, file]);
    let cosigned = said["cosigned"].as_array().unwrap().len();
    (said["standing"].as_str().unwrap().to_owned(), cosigned)
}

/// How long after its receipt a statement is in a checkpoint that the quorum has cosigned.
fn witnessed_after(region: &mut Region) -> Duration {
    let size = region.record();
    let new_enough = || {
        let witnessed = region.witnessed()?;
        (witnessed.claim().size >= size).then_some(())
    };
    until("the quorum cosigns", new_enough).1
}

#[test]
fn two_logs_and_a_third_witness_cosign_within_a_second_and_heal_by_themselves() {
    let [mut chengdu, mut chongqing, mut kunming] = three();
    for region in [&mut chengdu, &mut chongqing] {
        let mut took: Vec<Duration> = (0..5).map(|_| witnessed_after(region)).collect();
        took.sort();
        println!("{}: witnessed after {took:?}", region.origin());
        assert!(took[4] < Duration::from_secs(1), "{took:?}");
    }
    let both = chengdu.dir().join("trust.txt");
    assert_eq!(standing(&chengdu, &both), ("witnessed".to_owned(), 2));

    // Without one of two, what is new is recorded and no more; the quorum's last word stays.
    kunming.kill();
    let before = chengdu.witnessed().unwrap();
    let size = chengdu.record();
    let cosigned = || {
        let checkpoint = chengdu.checkpoint();
        (checkpoint.claim().size >= size && checkpoint.signatures() == 2).then_some(())
    };
    until("the other witness cosigns", cosigned);
    assert_eq!(chengdu.witnessed(), Some(before));
    assert_eq!(standing(&chengdu, &both), ("recorded".to_owned(), 1));
    // A reader for whom one of them is enough computes otherwise, from the same bytes.
    let text = std::fs::read_to_string(&both).unwrap();
    let one = chengdu.file("one.txt");
    std::fs::write(&one, text.replace("group two all", "group two any")).unwrap();
    assert_eq!(standing(&chengdu, &one), ("witnessed".to_owned(), 1));

    // Back again, it knows where it was; nobody has to do anything.
    kunming.start();
    let healed = || (chengdu.witnessed()?.claim().size >= size).then_some(());
    let (_, took) = until("the killed witness cosigns again", healed);
    println!("healed {took:?} after the witness came back");
    assert_eq!(standing(&chengdu, &both), ("witnessed".to_owned(), 2));

    // The log itself killed: it asks anew, from wherever its witnesses are.
    chengdu.kill();
    chengdu.start();
    let again = || (chengdu.witnessed()?.claim().size >= size).then_some(());
    until("the log has its checkpoint cosigned again", again);
    assert!(witnessed_after(&mut chengdu) < Duration::from_secs(1));
}

#[test]
fn a_submitted_statement_is_proved_witnessed_by_one_file_alone() {
    let [mut chengdu, _chongqing, mut kunming] = three();
    let home = chengdu.file("");
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let (key, doc, profile) = (path("farm.key"), path("harvest.json"), path("farm.json"));
    let authority = chengdu.dir().join("authority.key");
    let (authority, url) = (authority.to_str().unwrap(), chengdu.url());
    let trust = chengdu.dir().join("trust.txt");
    let trust = trust.to_str().unwrap();
    let made = printed(&["keygen", &key, "--origin", chengdu.origin(), "--json"]);
    assert!(made["handle"].is_string(), "{made}");
    let farm = json!({"name": {"zh": "农场", "en": "Farm"}, "roles": ["producer"],
        "district": "510117", "prefixes": ["6901234"], "glns": []});
    std::fs::write(&profile, farm.to_string()).unwrap();
    let request = format!("{key}.request.json");
    let admitted = printed(&[
        "participant",
        "admit",
        "--profile",
        &profile,
        "--request",
        &request,
        "--key",
        authority,
        "--node",
        &url,
        "--json",
    ]);
    assert!(admitted["leaf"].is_u64(), "{admitted}");
    let document = |id: &str| {
        let event = object_event(id, "ADD", "commissioning", "2026-11-20T08:00:00Z", LOT);
        json!({"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-11-20T09:00:00Z", "epcisBody": {"eventList": [event]}})
    };
    std::fs::write(
        &doc,
        document("urn:uuid:11111111-2222-4333-8444-555555555555").to_string(),
    )
    .unwrap();
    let submit = |timeout: &str| {
        let mut run = suyuan(&[
            "submit", &doc, "--key", &key, "--node", &url, "--trust", trust,
        ]);
        run.args(["--wait", "witnessed", "--timeout", timeout, "--json"]);
        run.output().unwrap()
    };
    let proof = path("harvest.json.tlog-proof");

    // One of two witnesses is away: recorded, with its receipt, and no proof of more.
    kunming.kill();
    let ended = submit("1");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(7), "{said}");
    assert!(
        said.contains("is recorded, and not witnessed yet"),
        "{said}"
    );
    let receipt = path("harvest.json.receipt.cbor");
    let said = printed(&["verify", "--json", "--trust", trust, &receipt]);
    assert_eq!(
        (&said["verified"], &said["standing"]),
        (&"receipt".into(), &"recorded".into())
    );
    assert!(!Path::new(&proof).exists());

    // The same command again, once it is back.
    kunming.start();
    let ended = submit("60");
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let said: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (&said[0]["status"], &said[0]["proof"]),
        (&"again".into(), &proof.clone().into())
    );

    // Moved away from everything else, the file still proves the entry that it carries.
    let alone = path("alone.tlog-proof");
    std::fs::rename(&proof, &alone).unwrap();
    chengdu.kill();
    let said = printed(&["verify", "--json", "--trust", trust, &alone]);
    assert_eq!(
        (&said["verified"], &said["standing"]),
        (&"tlog-proof".into(), &"witnessed".into())
    );
    assert_eq!(said["cosigned"].as_array().unwrap().len(), 2);
    let entry = path("harvest.json.entry.cbor");
    let said = printed(&[
        "verify", "--json", "--trust", trust, &alone, "--entry", &entry,
    ]);
    assert_eq!(said["standing"], "witnessed");
    // For a reader who asks for no witness it is recorded.
    let none = path("none.txt");
    std::fs::write(&none, format!("log {}\nquorum none\n", chengdu.vkey())).unwrap();
    let said = printed(&["verify", "--json", "--trust", &none, &alone]);
    assert_eq!(said["standing"], "recorded");
}

#[test]
fn a_cut_network_leaves_it_recorded_and_heals_by_itself() {
    let mut chengdu = Region::found("chengdu");
    let [mut chongqing, mut kunming] = ["chongqing", "kunming"].map(Region::found);
    let by_chongqing = chongqing.watch("chongqing.example/w", &[&chengdu]);
    let by_kunming = kunming.watch("kunming.example/w", &[&chengdu]);
    let link = Link::to(kunming.listen());
    let by_link = by_kunming.replace(&kunming.url(), &link.url());
    let both = "group two all chongqing.example/w kunming.example/w";
    chengdu.trust(&[&by_chongqing, &by_link, both, "quorum two"]);
    for region in [&mut chongqing, &mut kunming, &mut chengdu] {
        region.start();
    }
    for _ in 0..10 {
        witnessed_after(&mut chengdu);
    }
    // The node's own clock, from the checkpoint to its quorum.
    let figure = |le: &str| -> usize {
        let name = format!("suyuan_witnessed_seconds_bucket{{le=\"{le}\"}} ");
        chengdu.figure(&name).parse().unwrap()
    };
    let tenths = ["0.050000", "0.100000", "0.250000", "1.000000", "+Inf"].map(figure);
    println!("witnessed within 50, 100, 250, 1000 ms and ever: {tenths:?}");
    let [.., within_a_second, all] = tenths;
    assert!(all >= 10 && within_a_second * 2 > all, "{tenths:?}");
    let policy = chengdu.dir().join("trust.txt");
    assert_eq!(standing(&chengdu, &policy), ("witnessed".to_owned(), 2));

    // Nothing comes through, and nobody says so.
    link.set_whole(false);
    let before = chengdu.witnessed().unwrap();
    let mut size = chengdu.record();
    let cosigned_by_one = |chengdu: &Region, size| {
        until("the other witness cosigns", || {
            let checkpoint = chengdu.checkpoint();
            (checkpoint.claim().size >= size && checkpoint.signatures() == 2).then_some(())
        });
    };
    cosigned_by_one(&chengdu, size);
    assert_eq!(standing(&chengdu, &policy), ("recorded".to_owned(), 1));
    // Statements are recorded all the while.
    for _ in 0..3 {
        size = chengdu.record();
    }
    cosigned_by_one(&chengdu, size);
    assert_eq!(chengdu.witnessed(), Some(before));

    link.set_whole(true);
    let healed = || (chengdu.witnessed()?.claim().size >= size).then_some(());
    let (_, took) = until("the witness cosigns again", healed);
    println!("healed {took:?} after the network came back");
    assert_eq!(standing(&chengdu, &policy), ("witnessed".to_owned(), 2));

    // Witnessed checkpoints outlive the process: without any witness they are served at once.
    let before = chengdu.witnessed();
    chengdu.kill();
    link.set_whole(false);
    chongqing.kill();
    chengdu.start();
    let kept = chengdu.witnessed();
    assert_eq!(
        kept.map(|kept| kept.claim().clone()),
        before.map(|one| one.claim().clone())
    );
    assert_eq!(standing(&chengdu, &policy), ("witnessed".to_owned(), 2));
}
