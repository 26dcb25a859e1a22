//! Three regions in processes of their own: goods that cross two borders are one chain, in whichever
//! of them they are looked up, and what one of them finds or orders is seen in the others.

use ledger::testing::{object_event, participant_item};
use serde_json::{Value, json};
use tests::demo::{get, printed, suyuan};
use tests::region::{Region, until};

/// Made in Chengdu, and what Chongqing makes of it.
const PASTE: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const HOTPOT: &str = "https://id.gs1.org/01/06909815000011/10/H1";

const VOC: &str = "https://ref.suyuan.example/voc/";

/// Somebody's key, and the handle that goes with it.
struct Member {
    key: String,
    handle: String,
}

impl Member {
    fn new(home: &Region, name: &str, of: &Region) -> Self {
        let key = home.file(&format!("{name}.key"));
        let key = key.to_str().unwrap().to_owned();
        let made = printed(&["keygen", &key, "--origin", of.origin(), "--json"]);
        let handle = made["handle"].as_str().unwrap().to_owned();
        Self { key, handle }
    }

    fn item(&self) -> String {
        participant_item(ledger::ids::Handle::parse(&self.handle).unwrap())
    }
}

/// An act of the authority of `region`.
fn order(region: &Region, args: &[&str]) -> Value {
    let key = region.dir().join("authority.key");
    let (key, url) = (key.to_str().unwrap().to_owned(), region.url());
    let rest = ["--key", &key, "--node", &url, "--json"];
    printed(&[args, &rest].concat())
}

fn admit(region: &Region, member: &Member, role: &str, name: &str) {
    let profile = region.file(&format!("{name}.json"));
    let text = json!({"name": {"zh": name, "en": name}, "roles": [role], "district": "510117",
        "prefixes": [], "glns": []});
    std::fs::write(&profile, text.to_string()).unwrap();
    let (profile, request) = (
        profile.to_str().unwrap(),
        format!("{}.request.json", member.key),
    );
    let act = [
        "participant",
        "admit",
        "--profile",
        profile,
        "--request",
        &request,
    ];
    order(region, &act);
}

/// Has an event recorded and witnessed.
fn say(region: &Region, member: &Member, event: &Value) {
    let id = event["eventID"].as_str().unwrap().replace(':', "-");
    let file = region.file(&format!("{id}.json"));
    let document = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {"sy": VOC}],
        "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-11-20T09:00:00Z", "epcisBody": {"eventList": [event]},
    });
    std::fs::write(&file, document.to_string()).unwrap();
    let trust = region.dir().join("trust.txt");
    let (file, trust, url) = (
        file.to_str().unwrap(),
        trust.to_str().unwrap(),
        region.url(),
    );
    let said = printed(&[
        "submit",
        file,
        "--key",
        &member.key,
        "--node",
        &url,
        "--trust",
        trust,
        "--wait",
        "witnessed",
        "--timeout",
        "60",
        "--json",
    ]);
    assert_eq!(said[0]["status"], "admitted", "{said}");
}

/// Carries an event from one region's log to another's, for `importer`: the statement's digest.
fn carry(
    id: &str,
    (from, issuer): (&Region, &Member),
    (to, importer): (&Region, &Member),
) -> String {
    let file = to.file(&format!("{}.event-proof", id.replace(':', "-")));
    let file = file.to_str().unwrap();
    let (from, to) = (from.url(), to.url());
    let proved = printed(&[
        "event-proof",
        id,
        "--issuer",
        &issuer.handle,
        "--node",
        &from,
        "--key",
        &issuer.key,
        "-o",
        file,
        "--json",
    ]);
    let import = [
        "import",
        file,
        "--key",
        &importer.key,
        "--node",
        &to,
        "--json",
    ];
    assert!(printed(&import)["leaf"].is_u64());
    // Each participant relies on it once.
    let again = suyuan(&import).output().unwrap();
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(
        !again.status.success() && said.contains("import-repeated"),
        "{said}"
    );
    proved["statement"].as_str().unwrap().to_owned()
}

fn parties(mut event: Value, from: &Member, to: &Member) -> Value {
    event["sourceList"] = json!([{"type": "possessing_party", "source": from.item()}]);
    event["destinationList"] = json!([{"type": "possessing_party", "destination": to.item()}]);
    event
}

fn event(id: &str, step: &str, day: u32, lot: &str) -> Value {
    let action = if step == "commissioning" {
        "ADD"
    } else {
        "OBSERVE"
    };
    object_event(id, action, step, &format!("2026-11-{day}T08:00:00Z"), lot)
}

fn shipped(id: &str, day: u32, lot: &str, from: &Member, to: &Member, log: &Region) -> Value {
    let mut event = parties(event(id, "shipping", day, lot), from, to);
    event["sy:destinationLog"] = json!(log.origin());
    event
}

fn received(id: &str, day: u32, lot: &str, from: &Member, to: &Member) -> Value {
    parties(event(id, "receiving", day, lot), from, to)
}

fn answer(region: &Region, code: &str) -> Value {
    let got = get(
        &format!("{}/trace?code={code}", region.url()),
        "application/json",
    );
    serde_json::from_slice(&got.body).unwrap()
}

/// Log, reason, depth and state of each part of a chain.
fn parts(answer: &Value) -> Vec<(&str, &str, u64, &str)> {
    let sections = answer["chain"]["sections"].as_array().into_iter().flatten();
    let mut found = Vec::new();
    for one in sections {
        let text = |value: &'static str| one[value].as_str().unwrap();
        let state = one["told"]["state"].as_str().unwrap();
        found.push((
            text("log"),
            text("why"),
            one["depth"].as_u64().unwrap(),
            state,
        ));
    }
    found
}

/// Three logs; Chengdu and Chongqing witness each other, and Chongqing Kunming. Each knows the
/// others, and asks them as a partner to whom they show who had the goods.
struct Three {
    chengdu: Region,
    chongqing: Region,
    kunming: Region,
}

impl Three {
    fn start() -> Self {
        let [chengdu, chongqing, kunming] = ["chengdu", "chongqing", "kunming"].map(Region::found);
        let by_chengdu = chengdu.watch("chengdu.example/w", &[&chongqing]);
        let by_chongqing = chongqing.watch("chongqing.example/w", &[&chengdu, &kunming]);
        chongqing.trust(&[&by_chengdu, "quorum chengdu.example/w"]);
        for region in [&chengdu, &kunming] {
            region.trust(&[&by_chongqing, "quorum chongqing.example/w"]);
        }
        let mut all = [chengdu, chongqing, kunming];
        let mut partners = Vec::new();
        for (asks, told) in [(0, 1), (1, 0), (1, 2), (2, 0), (2, 1)] {
            let (home, of) = (&all[asks], &all[told]);
            let partner = Member::new(home, &format!("as-partner-of-{told}"), of);
            let entry = format!(
                "[[region]]\nlog = \"{}\"\nhandle = \"{}\"\nkey = \"{}\"\n",
                of.origin(),
                partner.handle,
                partner.key
            );
            let file = home.dir().join("regions.toml");
            let before = std::fs::read_to_string(&file).unwrap_or_default();
            std::fs::write(&file, before + &entry).unwrap();
            partners.push((asks, told, partner));
        }
        for region in &mut all {
            region.start();
        }
        for (asks, told, partner) in &partners {
            let of = &all[*told];
            admit(of, partner, "retailer", &format!("partner-{asks}"));
            let with = [
                "agreement",
                "--partner",
                &partner.handle,
                "--district",
                "5101",
            ];
            order(of, &with);
        }
        for (at, region) in all.iter().enumerate() {
            for (_, other) in all.iter().enumerate().filter(|(other, _)| *other != at) {
                let policy = other.dir().join("trust.txt");
                let (policy, url) = (policy.to_str().unwrap().to_owned(), other.url());
                let act = [
                    "region",
                    "recognise",
                    "--log",
                    other.origin(),
                    "--name-zh",
                    "邻区",
                    "--name-en",
                    "Neighbour",
                    "--district",
                    "51",
                    "--url",
                    &url,
                    "--policy",
                    &policy,
                ];
                order(region, &act);
            }
        }
        let [chengdu, chongqing, kunming] = all;
        Self {
            chengdu,
            chongqing,
            kunming,
        }
    }

    /// Waits until the newest checkpoint of each has its quorum: a part without is not shown.
    fn settle(&self) {
        for region in [&self.chengdu, &self.chongqing, &self.kunming] {
            until("the newest checkpoint is witnessed", || {
                let newest = region.checkpoint().claim().size;
                (region.witnessed()?.claim().size >= newest).then_some(())
            });
        }
    }
}

#[test]
fn goods_that_cross_two_borders_are_one_chain_in_all_three_regions() {
    let mut three = Three::start();
    let Three {
        chengdu,
        chongqing,
        kunming,
    } = &three;
    let member = |region: &Region, role: &str, name: &str| {
        let member = Member::new(region, name, region);
        admit(region, &member, role, name);
        member
    };
    let maker = member(chengdu, "processor", "maker");
    let lab = member(chengdu, "laboratory", "lab");
    let shop = member(chengdu, "retailer", "shop");
    let cook = member(chongqing, "processor", "cook");
    let diner = member(kunming, "retailer", "diner");

    say(
        chengdu,
        &maker,
        &event("urn:e:made", "commissioning", 20, PASTE),
    );
    let mut tested = event("urn:e:tested", "inspecting", 20, PASTE);
    tested["sy:test"] = json!({"sample": "S1", "conclusion": "pass",
        "items": [{"item": "aflatoxin", "verdict": "pass"}]});
    say(chengdu, &lab, &tested);
    say(
        chengdu,
        &maker,
        &shipped("urn:e:sent", 21, PASTE, &maker, &cook, chongqing),
    );

    let statement = carry("urn:e:sent", (chengdu, &maker), (chongqing, &cook));
    carry("urn:e:tested", (chengdu, &lab), (chongqing, &cook));
    let mut got = received("urn:e:got", 22, PASTE, &maker, &cook);
    got["sy:sourceLog"] = json!(chengdu.origin());
    got["sy:sourceStatement"] = json!(statement);
    say(chongqing, &cook, &got);
    let base = json!({
        "type": "TransformationEvent", "eventID": "urn:e:base", "bizStep": "commissioning",
        "eventTime": "2026-11-22T10:00:00Z", "eventTimeZoneOffset": "+08:00",
        "inputQuantityList": [{"epcClass": PASTE}], "outputQuantityList": [{"epcClass": HOTPOT}],
    });
    say(chongqing, &cook, &base);
    say(
        chongqing,
        &cook,
        &shipped("urn:e:on", 22, HOTPOT, &cook, &diner, kunming),
    );

    let statement = carry("urn:e:on", (chongqing, &cook), (kunming, &diner));
    let mut got = received("urn:e:there", 23, HOTPOT, &cook, &diner);
    got["sy:sourceLog"] = json!(chongqing.origin());
    got["sy:sourceStatement"] = json!(statement);
    say(kunming, &diner, &got);
    three.settle();

    let (first, second, third) = (chengdu.origin(), chongqing.origin(), kunming.origin());
    for (region, code, want) in [
        (
            kunming,
            HOTPOT,
            vec![(first, "from", 2, "proved"), (second, "from", 1, "proved")],
        ),
        (
            chongqing,
            HOTPOT,
            vec![(first, "from", 1, "proved"), (third, "to", 1, "proved")],
        ),
        (chongqing, PASTE, vec![(first, "from", 1, "proved")]),
        (chengdu, PASTE, vec![(second, "to", 1, "proved")]),
    ] {
        let found = answer(region, code);
        assert_eq!(parts(&found), want, "{code} in {}", region.origin());
        assert_eq!(
            found["verdict"],
            "complete",
            "{code} in {}: {found}",
            region.origin()
        );
        assert_eq!(found["chain"]["findings"], json!([]));
        for one in found["chain"]["sections"].as_array().unwrap() {
            assert_eq!(one["told"]["standing"], "witnessed");
        }
        // Who asks is nobody in particular, whoever his region's node is to the others.
        let text = found.to_string();
        assert!(!text.contains(&diner.handle), "{text}");
    }
    let test = &answer(chongqing, PASTE)["tests"][0];
    assert_eq!(
        (&test["imported"]["log"], &test["relied_on"]),
        (&json!(first), &json!(1)),
        "a result of Chengdu counts in Chongqing"
    );

    // The first region falls silent: its part stays, marked, as of when it was last proved.
    three.chengdu.kill();
    let (chengdu, kunming) = (&three.chengdu, &three.kunming);
    let silent = || {
        let found = answer(kunming, HOTPOT);
        let sections = found["chain"]["sections"].as_array()?.clone();
        let part = sections
            .into_iter()
            .find(|one| one["log"] == chengdu.origin())?;
        (part["told"]["state"] == "silent").then_some((found, part))
    };
    let ((found, part), _) = until("it is noticed", silent);
    assert!(part["told"]["last_proved"].is_string(), "{part}");
    assert_eq!(
        (&found["verdict"], &found["complete"]),
        (&json!("clear"), &json!(false))
    );
    let page = get(
        &format!("{}/trace?code={HOTPOT}&lang=en", kunming.url()),
        "text/html",
    );
    let page = String::from_utf8(page.body).unwrap();
    assert!(page.contains("cannot be reached; last proved"), "{page}");

    // Back again, it is asked again.
    three.chengdu.start();
    until("it is heard again", || {
        (answer(&three.kunming, HOTPOT)["verdict"] == "complete").then_some(())
    });
    let (chengdu, chongqing, kunming) = (&three.chengdu, &three.chongqing, &three.kunming);

    // A lot that the shop at home says it received too.
    say(
        chengdu,
        &shop,
        &received("urn:e:taken", 22, PASTE, &maker, &shop),
    );
    for region in [chengdu, chongqing] {
        until("both regions find it", || {
            let found = answer(region, PASTE);
            let rule = &found["chain"]["findings"][0]["rule"];
            (*rule == "received_twice" && found["verdict"] == "violation").then_some(())
        });
    }

    // A recall in the first region stops what the third one serves.
    let recall = [
        "recall",
        "start",
        PASTE,
        "--case",
        "2026-1",
        "--reason-zh",
        "霉",
        "--reason-en",
        "mould",
    ];
    order(chengdu, &recall);
    let (found, took) = until("the recall is seen two borders away", || {
        let found = answer(kunming, HOTPOT);
        (found["verdict"] == "recalled").then_some(found)
    });
    println!("seen two borders away {took:?} after its receipt");
    assert_ne!(
        found["chain"]["own"], "recalled",
        "nothing was ordered there"
    );

    // Whoever silences the first region does not end it.
    let in_vain = || three.kunming.said().matches("no answer: ").count();
    let before = in_vain();
    three.chengdu.kill();
    until("it is asked in vain", || {
        let found = answer(&three.kunming, HOTPOT);
        assert_eq!(found["verdict"], "recalled", "{found}");
        (in_vain() > before).then_some(())
    });
    assert_eq!(answer(&three.kunming, HOTPOT)["verdict"], "recalled");
}
