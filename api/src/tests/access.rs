//! Who is shown what: callers × parts × events × endpoints.

use super::Client;
use ledger::signature::Signer as _;
use ledger::store::EventRef;
use ledger::testing::Member;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

mod strangers;
mod tokens;
mod town;

use town::*;

/// A caller; events by name; with confidential parts; with personal ones.
type Row<'t> = (&'t Member, &'t [&'t str], &'t [&'t str], &'t [&'t str]);

/// For each caller the events it sees by name, those whose confidential and whose personal parts it
/// sees; the same through every endpoint.
#[tokio::test]
async fn callers_by_parts_by_events_by_endpoints() {
    let town = town();
    let all = [
        "grown",
        "beans-sent",
        "beans-got",
        "made",
        "tested",
        "sent1",
        "got1",
        "sent2",
        "got2",
        "packed",
        "carried",
        "sent3",
        "got3",
        "sold",
    ];
    let makers = [
        "beans-sent",
        "beans-got",
        "made",
        "sent1",
        "got1",
        "sent2",
        "got2",
    ];
    let firsts = ["sent1", "got1", "packed", "sent3", "got3"];
    let table: [Row<'_>; 11] = [
        (&town.authority, &all, &all, &all),
        (
            &town.maker,
            &makers,
            &makers,
            &["beans-got", "made", "sent1", "sent2"],
        ),
        (
            &town.supplier,
            &["grown", "beans-sent", "beans-got"],
            &["grown", "beans-sent", "beans-got"],
            &["grown", "beans-sent"],
        ),
        (&town.first, &firsts, &firsts, &["got1", "packed", "sent3"]),
        (
            &town.second,
            &["sent2", "got2"],
            &["sent2", "got2"],
            &["got2"],
        ),
        (
            &town.shop,
            &["sent3", "got3", "sold"],
            &["sent3", "got3", "sold"],
            &["got3", "sold"],
        ),
        (&town.carrier, &["carried"], &["carried"], &["carried"]),
        (&town.laboratory, &["tested"], &["tested"], &["tested"]),
        (&town.regulator, &firsts, &firsts, &[]),
        (&town.partner, &["sent3", "got3", "sold"], &[], &[]),
        (&town.elsewhere, &[], &[], &[]),
    ];
    for (member, by_name, confidential, personal) in table {
        let client = town.client(member);
        let who = member.handle;
        // In bulk: what concerns it, and nothing else.
        let got = client.get_json("/events?perPage=100").await;
        assert_eq!(ids(&got), set(by_name), "{who} in bulk");
        assert!(!holds(&got.body, SECRET.as_bytes()) && !holds(&got.body, PERSON.as_bytes()));
        for (parts, secrets, persons) in [
            ("confidential", confidential, &[][..]),
            ("all", confidential, personal),
        ] {
            let got = client
                .get_json(&format!("/events?perPage=100&parts={parts}"))
                .await;
            assert_eq!(ids(&got), set(by_name), "{who} in bulk");
            for id in all {
                let has = |word: &str| holds(&got.body, format!("{word}-{id}\"").as_bytes());
                let plain = ["made", "packed", "carried"].contains(&id);
                assert_eq!(
                    has(SECRET),
                    secrets.contains(&id) && !plain,
                    "{who} {parts} {id}"
                );
                assert_eq!(
                    has(PERSON),
                    persons.contains(&id) && !plain,
                    "{who} {parts} {id}"
                );
            }
        }
        // One by one, by id and by place.
        for id in all {
            let issuer = by_id(&town, id);
            let path = format!("/events/urn%3Ae%3A{id}?issuer={issuer}&parts=all");
            let got = client.get_json(&path).await;
            let open = ["grown", "made", "tested"].contains(&id);
            let seen = by_name.contains(&id) || open;
            assert_eq!(
                got.status.as_u16(),
                if seen { 200 } else { 404 },
                "{who} {id}"
            );
            let plain = ["made", "packed", "carried"].contains(&id);
            let secret = holds(&got.body, SECRET.as_bytes());
            assert_eq!(secret, confidential.contains(&id) && !plain, "{who} {id}");
            let person = holds(&got.body, PERSON.as_bytes());
            assert_eq!(person, personal.contains(&id) && !plain, "{who} {id}");
            // Whoever counts through places meets its own only.
            let EventRef { leaf, index } = town.place(id);
            let got = client.get_json(&format!("/events/{leaf}.{index}")).await;
            let status = if by_name.contains(&id) { 200 } else { 404 };
            assert_eq!(got.status.as_u16(), status, "{who} {id} by place");
        }
        // Along an item: its own, and what is anyone's.
        let got = client
            .get_json(&format!("/events?MATCH_anyEPC={LOT}&perPage=100&parts=all"))
            .await;
        let mut want: BTreeSet<String> = set(by_name);
        want.extend(set(&["made", "tested"]));
        for other in ["grown", "beans-sent", "beans-got", "carried"] {
            want.remove(other);
        }
        assert_eq!(ids(&got), want, "{who} along the lot");
        // In the story: the parts of its own events, and of no other.
        let got = client
            .get_json(&format!("/trace?code={LOT}&parts=all"))
            .await;
        assert_eq!(got.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn a_bundle_is_whole_for_who_sees_all_and_open_for_others() {
    let town = town();
    let path = format!("/trace?code={LOT}&format=bundle");
    let whole = town.client(&town.authority).get(&path, "*/*").await;
    let open = Client::stranger(&town.fake).get(&path, "*/*").await;
    for (got, customers) in [(&whole, true), (&open, false)] {
        assert_eq!(got.status.as_u16(), 200);
        ledger::bundle::verify(&got.body, &town.fake.trust()).unwrap();
        assert_eq!(
            holds(&got.body, &town.shop.handle.0),
            customers || holds(&got.body, town.shop.handle.to_string().as_bytes())
        );
    }
    assert!(holds(&whole.body, town.shop.handle.to_string().as_bytes()));
    for member in [&town.maker, &town.first, &town.partner, &town.elsewhere] {
        let got = town.client(member).get(&path, "*/*").await;
        assert_eq!(got.body, open.body, "who sees a part gets the open one");
    }
}

#[tokio::test]
async fn every_read_of_a_withheld_part_is_recorded_for_the_authority() {
    let town = town();
    let first = town.client(&town.first);
    let authority = town.client(&town.authority);
    first.get_json(&format!("/trace?code={LOT}")).await;
    first.get_json("/events").await;
    assert_eq!(
        authority.get_json("/access-log").await.json()["records"],
        json!([])
    );
    first
        .get_json(&format!("/events?MATCH_anyEPC={LOT}&parts=confidential"))
        .await;
    first
        .get_json(&format!("/trace?code={LOT}&parts=all"))
        .await;
    let issuer = town.first.handle;
    first
        .get_json(&format!("/events/urn%3Ae%3Agot1?issuer={issuer}&parts=all"))
        .await;
    let got = authority.get_json("/access-log").await;
    let records = got.json()["records"].as_array().unwrap().clone();
    let endpoints: Vec<&str> = records
        .iter()
        .map(|one| one["endpoint"].as_str().unwrap())
        .collect();
    assert_eq!(endpoints, ["GET /events", "GET /trace", "GET /events/{id}"]);
    for record in &records {
        assert_eq!(record["reader"], town.first.handle.to_string());
        assert_eq!(
            record["key"],
            town.first.key.public_key().key_id().to_string()
        );
        let parts = record["parts"].as_array().unwrap();
        assert!(
            parts
                .iter()
                .all(|part| part["leaf"].is_u64() && part["district"].is_string())
        );
    }
    assert_eq!(records[1]["previous"], records[0]["digest"]);
    let classes = |record: &Json, class: &str| {
        record["parts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|part| part["class"] == class)
            .count()
    };
    assert_eq!(classes(&records[0], "personal"), 0);
    assert!(classes(&records[1], "personal") > 0);
    assert_eq!(records[2]["parts"].as_array().unwrap().len(), 1);
    // A regulator audits its own; one of elsewhere finds nothing; others may not look.
    let own = town
        .client(&town.regulator)
        .get_json("/access-log")
        .await
        .json();
    let own = own["records"].as_array().unwrap();
    let districts = own
        .iter()
        .flat_map(|record| record["parts"].as_array().unwrap());
    assert!(!own.is_empty() && districts.clone().all(|part| part["district"] == "510703"));
    let other = town.client(&town.elsewhere).get_json("/access-log").await;
    assert_eq!(other.json()["records"], json!([]));
    let maker = town.client(&town.maker).get_json("/access-log").await;
    assert_eq!(maker.problem(), (403, "not-entitled".to_owned()));
    let stranger = Client::stranger(&town.fake).get_json("/access-log").await;
    assert_eq!(
        stranger.problem(),
        (401, "access-log-needs-identity".to_owned())
    );
    // Pages follow each other.
    let page = authority.get_json("/access-log?perPage=2").await;
    assert!(page.header("link").contains("from=2&perPage=2"));
    let page = authority.get_json("/access-log?from=2").await.json();
    assert_eq!(page["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let town = town();
    town.fake.unrecorded.store(true, Ordering::Relaxed);
    let first = town.client(&town.first);
    let issuer = town.first.handle;
    for target in [
        format!("/events?MATCH_anyEPC={LOT}&parts=confidential"),
        "/events?parts=confidential".to_owned(),
        format!("/events/urn%3Ae%3Agot1?issuer={issuer}&parts=all"),
        format!("/trace?code={LOT}&parts=confidential"),
        format!("/trace?code={LOT}&parts=confidential&format=bundle"),
        format!("/trace?code={LOT}&parts=confidential&format=page"),
        format!("/trace?code={LOT}&parts=confidential&direction=forward"),
    ] {
        let got = first.get_json(&target).await;
        assert_eq!(got.status.as_u16(), 500, "{target}");
        assert!(!holds(&got.body, SECRET.as_bytes()), "{target}");
        assert!(!holds(&got.body, b"\"quantity\""), "{target}");
    }
    // What needs no record is answered.
    let got = first.get_json(&format!("/trace?code={LOT}")).await;
    assert_eq!(got.status.as_u16(), 200);
}

#[tokio::test]
async fn forward_traces_are_for_those_whom_they_concern() {
    let town = town();
    let path = format!("/trace?code={INPUT}&direction=forward");
    for (member, status, named) in [
        (
            &*town.authority,
            200,
            &["Shop Ltd", "First Ltd", "Maker Ltd"][..],
        ),
        (&town.supplier, 200, &["Maker Ltd"]),
        (&town.maker, 200, &["Maker Ltd", "First Ltd"]),
        (&town.second, 403, &[]),
        (&town.elsewhere, 403, &[]),
    ] {
        let got = town.client(member).get_json(&path).await;
        assert_eq!(got.status.as_u16(), status, "{}", member.handle);
        for name in ["Shop Ltd", "First Ltd", "Maker Ltd"] {
            let want = named.contains(&name);
            assert_eq!(
                holds(&got.body, name.as_bytes()),
                want,
                "{} {name}",
                member.handle
            );
        }
    }
}
