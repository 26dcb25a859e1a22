//! EPCIS queries.

use super::fake::{LOT, setting};
use super::{Client, Got};

fn list(got: &Got) -> Vec<serde_json::Value> {
    let json = got.json();
    assert_eq!(
        (got.status.as_u16(), &json["type"]),
        (200, &"EPCISQueryDocument".into()),
        "{json}"
    );
    assert_eq!(got.header("gs1-epcis-version"), "2.0");
    json["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
        .as_array()
        .unwrap()
        .clone()
}

fn ids(got: &Got) -> Vec<String> {
    let id = |event: &serde_json::Value| event["eventID"].as_str().unwrap().to_owned();
    list(got).iter().map(id).collect()
}

#[tokio::test]
async fn events_of_an_exact_item() {
    let setting = setting();
    let client = Client::of(&setting.fake, &setting.farm);
    let made = vec!["urn:uuid:1".to_owned()];
    let sent = vec!["urn:uuid:2".to_owned()];
    let both = [sent.clone(), made.clone()].concat();
    for (query, wanted) in [
        ("", &both),
        (
            "&orderDirection=ASC",
            &[made.clone(), sent.clone()].concat(),
        ),
        ("&EQ_bizStep=shipping", &sent),
        (
            "&EQ_bizStep=https://ref.gs1.org/cbv/BizStep-shipping|receiving",
            &sent,
        ),
        ("&EQ_bizStep=shipping,commissioning", &both),
        ("&EQ_action=ADD", &made),
        ("&eventType=ObjectEvent&EQ_action=DELETE", &Vec::new()),
        ("&GE_eventTime=2026-11-21T00:00:00Z", &sent),
        ("&LT_eventTime=2026-11-21T08:00:00+08:00", &made),
        ("&EQ_eventID=urn:uuid:1", &made),
        ("&EXISTS_errorDeclaration=true", &Vec::new()),
        ("&LT_recordTime=2020-01-01T00:00:00Z", &Vec::new()),
    ] {
        for parameter in ["MATCH_anyEPC", "MATCH_epcClass", "MATCH_anyEPCClass"] {
            let got = client
                .get_json(&format!("/events?{parameter}={LOT}{query}"))
                .await;
            assert_eq!(&ids(&got), wanted, "{parameter} {query}");
        }
    }
    let got = client
        .get_json(&format!("/events?MATCH_parentID={LOT}"))
        .await;
    assert_eq!(ids(&got), Vec::<String>::new());
    let urn = "urn:epc:class:lgtin:690123456.0789.A1";
    let got = client
        .get_json(&format!("/events?MATCH_anyEPC={urn}"))
        .await;
    assert_eq!(ids(&got), both, "an EPC URN names the same lot");
}

#[tokio::test]
async fn strangers_get_what_is_anyones_to_see() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client
        .get_json(&format!("/events?MATCH_anyEPC={LOT}"))
        .await;
    assert_eq!(
        ids(&got),
        ["urn:uuid:1"],
        "made, and not to whom it was sent"
    );
    // The operator's own machine is nobody in particular.
    let local = Client::local(&setting.fake);
    let got = local.get_json(&format!("/events?MATCH_anyEPC={LOT}")).await;
    assert_eq!(ids(&got), ["urn:uuid:1"]);
}

#[tokio::test]
async fn quantities_are_shown_to_whom_they_concern() {
    let setting = setting();
    let query = format!("/events?MATCH_anyEPC={LOT}&EQ_action=ADD");
    let public = list(&Client::stranger(&setting.fake).get_json(&query).await);
    assert!(
        public[0]["quantityList"][0]["quantity"].is_null(),
        "{}",
        public[0]
    );
    let query = format!("{query}&parts=confidential");
    for member in [&setting.farm, &setting.authority] {
        let whole = list(&Client::of(&setting.fake, member).get_json(&query).await);
        assert_eq!(whole[0]["quantityList"][0]["quantity"], 10);
    }
    for client in [
        Client::stranger(&setting.fake),
        Client::local(&setting.fake),
    ] {
        let got = client.get_json(&query).await;
        assert_eq!(
            got.problem(),
            (401, "confidential-needs-identity".to_owned())
        );
        assert_eq!(got.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn pages_follow_each_other() {
    let setting = setting();
    for (client, first) in [
        (
            Client::of(&setting.fake, &setting.farm),
            format!("/events?MATCH_anyEPC={LOT}&perPage=1"),
        ),
        (
            Client::of(&setting.fake, &setting.authority),
            "/events?perPage=1".to_owned(),
        ),
        (
            Client::of(&setting.fake, &setting.farm),
            format!("/events?perPage=1&participant={}", setting.farm.handle),
        ),
    ] {
        let (mut target, mut found) = (first, Vec::new());
        for _ in 0..9 {
            let got = client.get_json(&target).await;
            found.extend(ids(&got));
            let link = got.header("link");
            let Some(next) = link.strip_prefix("<https://node.example") else {
                break;
            };
            assert!(link.ends_with("rel=\"next\""));
            target = next.split('>').next().unwrap().to_owned();
        }
        found.sort();
        assert_eq!(found, ["urn:uuid:1", "urn:uuid:2"]);
    }
}

#[tokio::test]
async fn bulk_listing_is_for_those_whom_it_concerns() {
    let setting = setting();
    for client in [
        Client::stranger(&setting.fake),
        Client::local(&setting.fake),
    ] {
        let got = client.get_json("/events?EQ_bizStep=shipping").await;
        assert_eq!(
            got.problem(),
            (401, "bulk-listing-needs-identity".to_owned())
        );
    }
    let nobody = ledger::ids::Handle([1; 16]);
    let got = Client::of(&setting.fake, &setting.farm)
        .get_json(&format!("/events?participant={nobody}"))
        .await;
    assert!(ids(&got).is_empty());
    let got = Client::of(&setting.fake, &setting.farm)
        .get_json("/events?EQ_bizStep=shipping")
        .await;
    assert_eq!(ids(&got), ["urn:uuid:2"]);
}

#[tokio::test]
async fn parameters_are_never_passed_over() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    for (query, name) in [
        ("EQ_bizstep=shipping", "parameter-unsupported"),
        ("MATCH_anyEPC=nonsense", "parameter-invalid"),
        (
            "MATCH_anyEPC=https://id.gs1.org/01/06901234567893",
            "parameter-invalid",
        ),
        ("eventType=Event", "parameter-invalid"),
        ("EQ_action=add", "parameter-invalid"),
        ("GE_eventTime=yesterday", "parameter-invalid"),
        ("perPage=0", "parameter-invalid"),
        ("perPage=1001", "parameter-invalid"),
        ("orderBy=bizStep", "parameter-invalid"),
        ("nextPageToken=1.2", "parameter-invalid"),
        ("parts=some", "parameter-invalid"),
        ("participant=me", "parameter-invalid"),
    ] {
        let got = client.get_json(&format!("/events?{query}")).await;
        assert_eq!(got.problem(), (400, name.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn one_event_by_its_id() {
    let setting = setting();
    let stranger = Client::stranger(&setting.fake);
    let farm = Client::of(&setting.fake, &setting.farm);
    let path = format!("/events/urn%3Auuid%3A2?issuer={}", setting.farm.handle);
    let got = stranger.get_json(&path).await;
    assert_eq!(
        got.problem(),
        (404, "event-unknown".to_owned()),
        "a shipment is its parties'"
    );
    let made = format!("/events/urn%3Auuid%3A1?issuer={}", setting.farm.handle);
    assert_eq!(stranger.get_json(&made).await.status.as_u16(), 200);
    let got = farm.get_json(&path).await;
    assert_eq!(got.status.as_u16(), 200);
    assert_eq!(
        got.json()["epcisBody"]["eventList"][0]["eventID"],
        "urn:uuid:2"
    );
    for (path, problem) in [
        (
            "/events/urn%3Auuid%3A2".to_owned(),
            (400, "event-issuer-needed"),
        ),
        (
            format!("/events/urn%3Auuid%3A99?issuer={}", setting.farm.handle),
            (404, "event-unknown"),
        ),
        (
            "/events/urn%3Auuid%3A2?issuer=x".to_owned(),
            (400, "parameter-invalid"),
        ),
        (
            "/events/5.0".to_owned(),
            (401, "bulk-listing-needs-identity"),
        ),
    ] {
        let got = stranger.get_json(&path).await;
        assert_eq!(got.problem(), (problem.0, problem.1.to_owned()), "{path}");
    }
    for (path, problem) in [
        ("/events/0.0", 404),
        ("/events/99999.0", 404),
        ("/events/0.99999", 400),
    ] {
        assert_eq!(farm.get_json(path).await.problem().0, problem, "{path}");
    }
}
