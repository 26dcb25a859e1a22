//! The node itself: health, figures, pages, limits; and what strangers may throw at it.

use super::Client;
use super::fake::setting;
use crate::app::{ApiOptions, router};
use crate::rate::Rate;
use axum::body::Body;
use axum::http::Request;
use ledger::hash::Digest;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn health_readiness_and_metrics() {
    let setting = setting();
    let (stranger, local) = (
        Client::stranger(&setting.fake),
        Client::local(&setting.fake),
    );
    assert_eq!(stranger.get("/health", "*/*").await.json()["status"], "ok");
    assert_eq!(stranger.get("/ready", "*/*").await.status.as_u16(), 200);
    setting.fake.busy.store(true, Ordering::Relaxed);
    let got = stranger.get("/ready", "*/*").await;
    assert_eq!(
        (got.status.as_u16(), &got.json()["ready"]),
        (503, &false.into())
    );
    let got = stranger.get("/metrics", "*/*").await;
    assert_eq!(got.problem(), (403, "metrics-need-identity".to_owned()));
    let got = local.get("/metrics", "text/plain").await;
    assert_eq!(
        (got.status.as_u16(), got.text()),
        (200, "suyuan_statements_total 1\n")
    );
    assert!(got.media_type().starts_with("text/plain; version=0.0.4"));
}

#[tokio::test]
async fn pages_and_their_files() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let home = client.get("/?lang=en", "text/html").await;
    assert_eq!(
        (home.status.as_u16(), home.media_type()),
        (200, "text/html; charset=utf-8")
    );
    assert!(home.text().contains("action=\"/trace\""));
    let style = home
        .text()
        .split('"')
        .find(|text| text.starts_with("/assets/"))
        .unwrap()
        .to_owned();
    let got = client.get(&style, "text/css").await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "text/css; charset=utf-8")
    );
    assert!(got.header("cache-control").contains("immutable"));
    let got = client.get("/assets/none.css", "application/json").await;
    assert_eq!(got.problem(), (404, "not-found".to_owned()));
    let docs = client.get("/docs", "text/html").await;
    assert_eq!(docs.status.as_u16(), 200);
    assert!(docs.text().contains("/entries/{id}"));
}

#[tokio::test]
async fn the_verifier_and_its_digest() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client.get("/verify", "text/html").await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "text/html; charset=utf-8")
    );
    let policy = got.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
        "{policy}"
    );
    let digest = client
        .get("/verify.sha256", "text/plain")
        .await
        .text()
        .to_owned();
    assert_eq!(digest, format!("{}  verify.html\n", Digest::of(&got.body)));
}

#[tokio::test]
async fn texts_are_compressed_for_those_who_can_read_it() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let request = Request::get("/openapi.json").header("accept-encoding", "gzip");
    let got = client.send(request, Body::empty()).await;
    assert_eq!(got.header("content-encoding"), "gzip");
    assert_eq!(got.body.get(..2), Some([0x1f, 0x8b].as_slice()));
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let setting = setting();
    let options = ApiOptions {
        rate: Rate {
            per_second: 0.5,
            burst: 2.0,
        },
        loopback_privileges: true,
        ..ApiOptions::default()
    };
    let router = router(Arc::clone(&setting.fake), options);
    let client = Client {
        router: router.clone(),
        ..Client::stranger(&setting.fake)
    };
    for _ in 0..2 {
        assert_eq!(client.get("/health", "*/*").await.status.as_u16(), 200);
    }
    let got = client.get("/health", "*/*").await;
    assert_eq!(got.problem(), (429, "too-many-requests".to_owned()));
    assert_eq!(got.header("retry-after"), "2");
    let other = Client {
        router: router.clone(),
        peer: "192.0.2.8",
        host: "node.example",
        token: None,
    };
    assert_eq!(other.get("/health", "*/*").await.status.as_u16(), 200);
    let local = Client {
        router,
        peer: "::1",
        host: "[::1]:80",
        token: None,
    };
    for _ in 0..5 {
        assert_eq!(local.get("/health", "*/*").await.status.as_u16(), 200);
    }
}

#[tokio::test]
async fn the_own_machine_has_no_privileges_unless_they_are_granted() {
    let setting = setting();
    let router = router(Arc::clone(&setting.fake), ApiOptions::default());
    let local = Client {
        router,
        ..Client::local(&setting.fake)
    };
    assert_eq!(local.get("/metrics", "*/*").await.status.as_u16(), 403);
}

#[tokio::test]
async fn long_targets_and_many_parameters_are_refused() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client.get_json(&format!("/{}", "a".repeat(17_000))).await;
    assert_eq!(got.problem(), (414, "target-too-long".to_owned()));
    let got = client
        .get_json(&format!("/trace?{}", "a=1&".repeat(101)))
        .await;
    assert_eq!(got.problem(), (400, "parameter-invalid".to_owned()));
}

/// Pieces that mean something here, so that random requests get past the first check.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "01",
        "06901234567892",
        "10",
        "A1",
        "21",
        "00",
        "trace",
        "code=",
        "?",
        "&",
        "=",
        "/",
        "//",
        "id",
        "events",
        "MATCH_anyEPC=",
        "entries",
        "lot",
        "%00",
        "%ff",
        "%2F",
        "%",
        "..",
        "participants",
        "linkType=linkset",
        "format=bundle",
        "format=json",
        "drug",
        "perPage=",
        "nextPageToken=",
        "1.2.3",
        "direction=forward",
        "parts=all",
        "9223372036854775807.65535",
        "18446744073709551615",
        "urn:",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[!-~]{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_request_is_the_nodes_fault(
        pieces in prop::collection::vec(piece(), 0..12),
        accept in prop_oneof!["[ -~]{0,20}", Just("text/html".to_owned()), Just("application/json".to_owned())],
        local in any::<bool>(),
        body in prop::collection::vec(any::<u8>(), 0..64),
        post in any::<bool>(),
    ) {
        let target = format!("/{}", pieces.concat());
        let Ok(uri) = target.parse::<axum::http::Uri>() else { return Ok(()) };
        let setting = setting();
        let client = if local { Client::of(&setting.fake, &setting.authority) } else { Client::stranger(&setting.fake) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let request = if post {
            let media_type = if local { "application/cose" } else { "application/cbor-seq" };
            Request::post("/entries").header("content-type", media_type)
        } else {
            Request::get(uri)
        };
        let got = runtime.block_on(client.send(request.header("accept", accept), body));
        prop_assert!(got.status.as_u16() < 500, "{} {}", target, got.status);
    }
}
