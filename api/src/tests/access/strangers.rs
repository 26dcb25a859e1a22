//! What strangers can put together, by whatever they ask.

use super::town::*;
use crate::app::{ApiOptions, router};
use crate::rate::Rate;
use crate::tests::Client;
use axum::http::Request;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every target that a stranger may think of, built from what answers have shown before.
fn targets(learned: &BTreeSet<String>) -> Vec<String> {
    let mut all = vec![
        "/".to_owned(),
        "/events".to_owned(),
        "/access-log".to_owned(),
        "/metrics".to_owned(),
        "/checkpoint".to_owned(),
        "/checkpoint/witnessed".to_owned(),
        "/events?EQ_bizStep=receiving".to_owned(),
    ];
    for leaf in 0..80 {
        all.push(format!("/entries/{leaf}"));
        all.push(format!("/tile/0/000.p/{}", leaf + 1));
        all.push(format!("/tile/entries/000.p/{}", leaf + 1));
        all.push(format!("/events/{leaf}.0"));
        all.push(format!("/events/{leaf}/parts"));
    }
    for word in learned {
        let word: String = form_urlencoded::byte_serialize(word.as_bytes()).collect();
        for parameter in [
            "MATCH_anyEPC",
            "MATCH_anyEPCClass",
            "MATCH_parentID",
            "MATCH_inputEPCClass",
            "MATCH_outputEPCClass",
            "EQ_transformationID",
        ] {
            all.push(format!("/events?{parameter}={word}&perPage=1000"));
        }
        for more in [
            "&format=json",
            "&format=bundle",
            "&format=page",
            "&format=linkset",
            "&direction=forward",
            "&parts=confidential",
            "&parts=all",
            "&lang=zh&format=page",
        ] {
            all.push(format!("/trace?code={word}{more}"));
        }
        all.push(format!("/id/{word}"));
        all.push(format!("/participants/{word}"));
        for issuer in learned.iter().filter(|word| word.len() == 22) {
            all.push(format!("/events/{word}?issuer={issuer}"));
        }
    }
    all
}

/// Identifiers, handles and event ids in an answer.
fn words(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let parts = text.split(|letter: char| {
        letter.is_whitespace() || letter.is_control() || "\"'<>\\,(){}[]".contains(letter)
    });
    parts
        .filter(|word| {
            let handle = word.len() == 22
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            handle || word.starts_with("urn:") || word.starts_with("https://id.gs1.org/")
        })
        .map(str::to_owned)
        .collect()
}

/// A stranger asks everything it can think of, then everything that the answers bring up, until
/// nothing new comes: it learns no customer of the maker, no event of theirs, and no place of
/// theirs on the log.
#[tokio::test]
async fn a_stranger_cannot_list_customers_by_any_sequence_of_requests() {
    let town = town();
    // How often one may ask is not what is tried here.
    let rate = Rate {
        per_second: 1e9,
        burst: 1e9,
    };
    let options = ApiOptions {
        rate,
        ..ApiOptions::default()
    };
    let stranger = Client {
        router: router(Arc::clone(&town.fake), options),
        ..Client::stranger(&town.fake)
    };
    let secrets = town.secrets();
    // It begins with every code that there is, a distributor's pallet among them.
    let mut learned: BTreeSet<String> =
        [LOT, INPUT, PALLET, "https://id.gs1.org/01/06901234567892"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    learned.insert(town.maker.handle.to_string());
    let mut asked = BTreeSet::new();
    loop {
        let new: Vec<String> = targets(&learned)
            .into_iter()
            .filter(|one| asked.insert(one.clone()))
            .collect();
        if new.is_empty() {
            break;
        }
        for target in new {
            let got = stranger.get(&target, "*/*").await;
            assert_ne!(got.status.as_u16(), 429);
            for secret in &secrets {
                assert!(
                    !holds(&got.body, secret),
                    "{target} tells {}",
                    String::from_utf8_lossy(secret)
                );
            }
            learned.extend(words(&got.body));
        }
        for code in &learned {
            for act in ["receive", "sell", "use"] {
                // Alone, and for everybody it has heard of.
                let handles = learned.iter().filter(|word| word.len() == 22);
                let actors = handles.map(|handle| json!(handle)).chain([Json::Null]);
                for actor in actors {
                    let body = json!({"code": code, "act": act, "actor": actor}).to_string();
                    if !asked.insert(body.clone()) {
                        continue;
                    }
                    let request = Request::post("/check").header("accept", "application/json");
                    let got = stranger.send(request, body.clone()).await;
                    for secret in &secrets {
                        assert!(!holds(&got.body, secret), "{body}: {}", got.text());
                    }
                    let named = !actor.is_null() && got.status.as_u16() == 200;
                    assert!(!named, "{body}: {}", got.text());
                }
            }
        }
        assert!(learned.len() < 400, "{learned:#?}");
    }
    // It did find the maker, its supplier and the laboratory.
    for known in [&town.maker, &town.supplier, &town.laboratory] {
        assert!(learned.contains(&known.handle.to_string()), "{learned:#?}");
    }
    assert!(asked.len() > 300);
    // A pallet's number does not lead from the distributor to the goods it buys.
    let got = stranger.get_json(&format!("/trace?code={PALLET}")).await;
    assert!(!holds(&got.body, b"06901234567892"), "{}", got.text());
}

/// A curve is drawn for everyone, and by the hour: its ends are hand-overs.
#[tokio::test]
async fn a_strangers_curve_is_known_to_the_hour() {
    let town = town();
    let path = format!("/trace?code={LOT}");
    let got = Client::stranger(&town.fake).get_json(&path).await.json();
    let read = |got: &Json| {
        let mut all = got["temperature"].as_array().unwrap().clone();
        all.retain(|one| one["readings"] != json!([]));
        all.remove(0)
    };
    let stretch = read(&got);
    assert_eq!(stretch["hourly"], true, "{got:#}");
    let readings = stretch["readings"].as_array().unwrap();
    assert_eq!(
        readings.iter().map(|one| &one[1]).collect::<Vec<_>>(),
        [&json!(30), &json!(40), &json!(90)]
    );
    for reading in readings {
        assert!(reading[0].as_str().unwrap().ends_with(":00:00.000Z"));
    }
    let got = town.client(&town.authority).get_json(&path).await.json();
    assert_eq!(read(&got)["hourly"], false);
    assert!(got.to_string().contains(":23:11"));
}

/// Two lots in the same hands: nothing in the answers lets a stranger tell that they are the same.
#[tokio::test]
async fn numbers_are_no_names() {
    let town = town();
    let got = Client::stranger(&town.fake)
        .get_json(&format!("/trace?code={LOT}"))
        .await;
    let json = got.json();
    let numbered: Vec<&str> = json["participants"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|handle| handle.starts_with("AAAAAAAAAAAAAAAA"))
        .collect();
    assert_eq!(numbered.len(), 4, "{json:#}");
    for step in json["steps"].as_array().unwrap() {
        if step["at"]["leaf"] == 0 {
            let time = step["time"].as_str().unwrap();
            assert!(
                time.ends_with("T16:00:00.000Z"),
                "{time}: a day of Chengdu's"
            );
            assert!(step["event_id"].is_null());
        }
    }
    for handle in numbered {
        let got = Client::stranger(&town.fake)
            .get_json(&format!("/participants/{handle}"))
            .await;
        assert_eq!(got.problem(), (404, "participant-unknown".to_owned()));
    }
}
