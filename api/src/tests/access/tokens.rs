//! What tokens open, and what those that do not hold do not.

use super::town::*;
use crate::routes;
use crate::tests::Client;
use crate::tests::fake::Fake;
use axum::body::Body;
use axum::http::Request;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::signature::SigningKey;
use ledger::testing::{Member, ORIGIN};
use ledger::token::{Claims, Token};
use proptest::prelude::*;

/// Endpoints at which a token opens anything.
const OPENED: [&str; 5] = [
    "/events?parts=all",
    "/access-log",
    "/events/3.0",
    "/trace?code=https%3A%2F%2Fid.gs1.org%2F01%2F06901234567892%2F10%2FA1&parts=all",
    "/trace?code=https%3A%2F%2Fid.gs1.org%2F01%2F06901234567892%2F10%2FA1&direction=forward",
];

#[tokio::test]
async fn tokens_that_do_not_hold_open_nothing_anywhere() {
    let town = town();
    let fake = &town.fake;
    let now_s = 300;
    let mut bad = vec![
        (fake.token(&town.authority, -400, 400), "token-expired"),
        (fake.token(&town.authority, -1000, 900), "token-expired"),
        (fake.token(&town.authority, 600, 300), "token-not-yet-valid"),
        (fake.token(&town.authority, 0, 901), "token-life-too-long"),
        (fake.token(&town.retired, 0, now_s), "token-key-retired"),
        (
            fake.token(&town.suspended, 0, now_s),
            "token-participant-suspended",
        ),
    ];
    let stolen = Member {
        handle: town.authority.handle,
        key: SigningKey::from_seed([77; 32]),
    };
    bad.push((fake.token(&stolen, 0, now_s), "token-key-unknown"));
    let other = Member {
        handle: town.authority.handle,
        key: SigningKey::from_seed([0; 32]),
    };
    bad.push((fake.token(&other, 0, now_s), "token-key-unknown"));
    let borrowed = Claims {
        issuer: town.authority.handle,
        audience: ORIGIN.to_owned(),
        expires_s: seconds(&town, now_s),
        issued_s: seconds(&town, 0),
    };
    let of_another = URL_SAFE_NO_PAD.encode(Token::issue(&town.maker.key, &borrowed));
    bad.push((of_another, "token-key-of-another"));
    let elsewhere = Claims {
        audience: "other.example/log".to_owned(),
        ..borrowed
    };
    let for_another = URL_SAFE_NO_PAD.encode(Token::issue(&town.authority.key, &elsewhere));
    bad.push((for_another, "token-audience-wrong"));
    bad.push(("AAAA".to_owned(), "token-malformed"));
    bad.push(("not base64url!".to_owned(), "token-malformed"));
    bad.push(("A".repeat(9000), "token-malformed"));
    for (token, name) in bad {
        let client = Client {
            token: Some(token),
            ..Client::stranger(fake)
        };
        for target in OPENED {
            let got = client.get_json(target).await;
            assert_eq!(got.problem(), (401, name.to_owned()), "{target}");
        }
        // A stranger is answered; who claims to be somebody and is not, is told so.
        let got = client.get_json(&format!("/trace?code={LOT}")).await;
        assert_eq!(got.status.as_u16(), 401);
    }
    let basic = Request::get("/events")
        .header("authorization", "Basic YTpi")
        .header("accept", "application/json");
    let got = Client::stranger(fake).send(basic, Body::empty()).await;
    assert_eq!(got.problem(), (401, "token-malformed".to_owned()));
}

fn seconds(town: &Town, from_s: u64) -> u64 {
    use crate::service::Service as _;
    u64::try_from(town.fake.now().0 / 1000).unwrap() + from_s
}

#[tokio::test]
async fn a_token_changes_nothing_on_the_ledger() {
    // Every operation that takes a body takes signed statements only, but for a check, which asks,
    // and another log's checkpoint, which that log has signed and which is kept beside the ledger.
    let posts = routes::table::<Fake>();
    let posts = posts
        .iter()
        .filter(|route| !route.operation.takes.is_empty());
    for route in posts {
        for takes in route.operation.takes {
            let beside = ["/add-checkpoint", "/check"].contains(&route.operation.path);
            let signed = ["application/cose", "application/cbor-seq"];
            assert!(beside || signed.contains(takes), "{takes}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// An altered token opens nothing, whatever was altered.
    #[test]
    fn altered_tokens_open_nothing(at in 0_usize..1000, mask in 1_u8.., cut in 0_usize..1000) {
        let town = town();
        let good = URL_SAFE_NO_PAD.decode(town.fake.token(&town.authority, 0, 300)).unwrap();
        let mut altered = good.clone();
        altered[at % good.len()] ^= mask;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for bytes in [altered, good[..cut % good.len()].to_vec()] {
            let client = Client {
                token: Some(URL_SAFE_NO_PAD.encode(&bytes)),
                ..Client::stranger(&town.fake)
            };
            for target in OPENED {
                let got = runtime.block_on(client.get_json(target));
                prop_assert_eq!(got.status.as_u16(), 401, "{}", target);
            }
        }
    }
}
