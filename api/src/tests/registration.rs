//! Statements in, receipts out.

use super::Client;
use super::fake::{Fake, setting};
use crate::limits::STATEMENT_BYTES_MAX;
use axum::body::Body;
use axum::http::Request;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::cbor::Reader;
use ledger::checkpoint::Checkpoint;
use ledger::receipt::Receipt;
use ledger::signature::{PublicKey, Signer as _};
use ledger::statement::SignedStatement;
use ledger::testing::ORIGIN;
use std::sync::atomic::Ordering;

const PROBLEM: &str = "application/concise-problem-details+cbor";

/// Title, detail, status and our reason of concise problem details.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Concise {
    title: String,
    detail: String,
    pub(super) status: u64,
    pub(super) reason: String,
    refusal: Vec<u8>,
}

fn concise(reader: &mut Reader<'_>) -> Concise {
    assert_eq!(reader.map().unwrap(), 4);
    assert_eq!(reader.int().unwrap(), -1);
    let title = reader.text().unwrap().to_owned();
    assert_eq!(reader.int().unwrap(), -2);
    let detail = reader.text().unwrap().to_owned();
    assert_eq!(reader.int().unwrap(), -4);
    let status = reader.uint().unwrap();
    assert_eq!(reader.text().unwrap(), "urn:suyuan:problem");
    let (mut reason, mut refusal) = (String::new(), Vec::new());
    for _ in 0..reader.map().unwrap() {
        match reader.text().unwrap() {
            "reason" => reader.text().unwrap().clone_into(&mut reason),
            "refusal" => refusal = reader.byte_string().unwrap().to_vec(),
            _ => assert!(!reader.text().unwrap().is_empty()),
        }
    }
    Concise {
        title,
        detail,
        status,
        reason,
        refusal,
    }
}

pub(super) fn problem(bytes: &[u8]) -> Concise {
    let mut reader = Reader::new(bytes);
    let problem = concise(&mut reader);
    reader.end().unwrap();
    problem
}

fn verify(fake: &Fake, receipt: &[u8], statement: &SignedStatement) -> u64 {
    let receipt = Receipt::parse(receipt).unwrap();
    receipt
        .verify(statement.entry(), fake.log_key.public_key())
        .unwrap()
        .leaf
        .0
}

#[tokio::test]
async fn a_statement_gets_one_receipt_however_often_it_is_sent() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let statement = &setting.fresh[0];
    let first = client
        .post(
            "application/cose; cose-type=\"cose-sign1\"",
            statement.encode(),
        )
        .await;
    assert_eq!(
        (first.status.as_u16(), first.media_type()),
        (201, "application/cose")
    );
    let leaf = verify(&setting.fake, &first.body, statement);
    assert_eq!(
        first.header("location"),
        format!("https://node.example/entries/{leaf}")
    );
    let again = client.post("application/cose", statement.encode()).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    let fetched = client.get(&format!("/entries/{leaf}"), "*/*").await;
    assert_eq!(
        (fetched.status.as_u16(), fetched.media_type()),
        (200, "application/cose")
    );
    assert_eq!(fetched.body, first.body);
    assert_eq!(fetched.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn refusals_carry_name_title_and_the_signed_refusal() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let mut forged = setting.fresh[0].encode();
    *forged.last_mut().unwrap() ^= 1;
    let got = client.post("application/cose", forged).await;
    assert_eq!((got.status.as_u16(), got.media_type()), (400, PROBLEM));
    let found = problem(&got.body);
    assert_eq!(
        (found.title.as_str(), found.reason.as_str()),
        ("Rejected", "signature-invalid")
    );
    assert!(
        found
            .detail
            .starts_with("signature-invalid: the signature does not verify")
    );
    assert_eq!(
        (found.status, found.refusal.as_slice()),
        (400, b"signature-invalid".as_slice())
    );

    for garbage in [Vec::new(), vec![0xff], b"{}".to_vec()] {
        let got = client.post("application/cose", garbage).await;
        let found = problem(&got.body);
        assert_eq!(
            (found.title.as_str(), found.reason.as_str()),
            ("Malformed request", "malformed")
        );
    }
    let got = client.post("application/json", b"{}".to_vec()).await;
    assert_eq!(problem(&got.body).reason, "unsupported-media-type");
    assert_eq!(got.status.as_u16(), 415);
    let got = client
        .post("application/cose", vec![0; STATEMENT_BYTES_MAX + 1])
        .await;
    assert_eq!(
        (got.status.as_u16(), problem(&got.body).reason.as_str()),
        (413, "body-too-large")
    );
}

#[tokio::test]
async fn a_body_that_does_not_say_its_length_is_cut_off_at_the_limit() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let announced = (STATEMENT_BYTES_MAX + 1).to_string();
    let request = || Request::post("/entries").header("content-type", "application/cose");
    let got = client
        .send(request().header("content-length", announced), Body::empty())
        .await;
    assert_eq!(problem(&got.body).reason, "body-too-large");
    let got = client
        .send(request(), vec![0; STATEMENT_BYTES_MAX + 1])
        .await;
    assert_eq!(problem(&got.body).reason, "body-too-large");
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again() {
    let setting = setting();
    setting.fake.busy.store(true, Ordering::Relaxed);
    let client = Client::stranger(&setting.fake);
    let got = client
        .post("application/cose", setting.fresh[0].encode())
        .await;
    assert_eq!((got.status.as_u16(), got.header("retry-after")), (429, "7"));
    let found = problem(&got.body);
    assert_eq!(
        (found.title.as_str(), found.reason.as_str()),
        ("Too Many Requests", "busy")
    );
}

#[tokio::test]
async fn a_sequence_gets_one_answer_for_each_statement_in_order() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let mut forged = setting.fresh[1].encode();
    *forged.last_mut().unwrap() ^= 1;
    let sequence = [
        setting.fresh[0].encode(),
        forged,
        setting.fresh[2].encode(),
        setting.fresh[0].encode(),
    ];
    let mut bytes = sequence.concat();
    bytes.push(0xff);
    let got = client.post("application/cbor-seq", bytes).await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "application/cbor-seq")
    );
    let mut reader = Reader::new(&got.body);
    let mut statuses = Vec::new();
    while reader.peek_byte().is_some() {
        let mut status = String::new();
        for _ in 0..reader.map().unwrap() {
            match reader.text().unwrap() {
                "leaf" => assert!(reader.uint().unwrap() > 0),
                "status" => reader.text().unwrap().clone_into(&mut status),
                "capture" => assert_eq!(reader.text().unwrap().len(), 22),
                "receipt" => {
                    let which = if statuses.len() == 2 { 2 } else { 0 };
                    verify(
                        &setting.fake,
                        reader.byte_string().unwrap(),
                        &setting.fresh[which],
                    );
                }
                "problem" => status = format!("{status} {}", concise(&mut reader).reason),
                other => panic!("{other}"),
            }
        }
        statuses.push(status);
    }
    let wanted = [
        "admitted",
        "rejected signature-invalid",
        "admitted",
        "again",
        "rejected sequence-malformed",
    ];
    assert_eq!(statuses, wanted);
}

#[tokio::test]
async fn a_sequence_without_a_first_item_is_refused_whole() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client.post("application/cbor-seq", vec![0xff]).await;
    assert_eq!(
        (got.status.as_u16(), problem(&got.body).reason.as_str()),
        (400, "sequence-malformed")
    );
    let got = client.post("application/cbor-seq", vec![0x42, 0]).await;
    assert_eq!(problem(&got.body).reason, "sequence-malformed");
    let got = client.post("application/cbor-seq", Vec::new()).await;
    assert_eq!((got.status.as_u16(), got.body.len()), (200, 0));
}

#[tokio::test]
async fn entries_that_are_not_there() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    for (path, status, title, reason) in [
        ("/entries/999", 404, "Not Found", "entry-unknown"),
        (
            "/entries/18446744073709551615",
            404,
            "Not Found",
            "entry-unknown",
        ),
        ("/entries/007", 400, "Invalid locator", "entry-id-invalid"),
        ("/entries/x", 400, "Invalid locator", "entry-id-invalid"),
        (
            "/.well-known/scitt-keys/none",
            404,
            "No such key",
            "log-key-unknown",
        ),
    ] {
        let got = client.get(path, "*/*").await;
        let found = problem(&got.body);
        assert_eq!(got.media_type(), PROBLEM);
        let all = (
            got.status.as_u16(),
            found.title.as_str(),
            found.reason.as_str(),
        );
        assert_eq!(all, (status, title, reason), "{path}");
    }
}

#[tokio::test]
async fn the_log_shows_its_keys_and_checkpoint() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let key = setting.fake.log_key.public_key();
    let read = |reader: &mut Reader<'_>| {
        assert_eq!(reader.map().unwrap(), 5);
        assert_eq!((reader.int().unwrap(), reader.int().unwrap()), (1, 1));
        assert_eq!(reader.int().unwrap(), 2);
        assert_eq!(reader.byte_string().unwrap(), key.key_id().as_bytes());
        assert_eq!((reader.int().unwrap(), reader.int().unwrap()), (3, -8));
        assert_eq!((reader.int().unwrap(), reader.int().unwrap()), (-1, 6));
        assert_eq!(reader.int().unwrap(), -2);
        PublicKey::parse(&reader.byte_array().unwrap()).unwrap()
    };
    let got = client
        .get("/.well-known/scitt-keys", "application/cbor")
        .await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "application/cbor")
    );
    let mut reader = Reader::new(&got.body);
    assert_eq!(reader.array().unwrap(), 1);
    assert_eq!(&read(&mut reader), key);
    for id in [
        URL_SAFE_NO_PAD.encode(key.key_id().as_bytes()),
        key.key_id().to_string(),
    ] {
        let got = client
            .get(&format!("/.well-known/scitt-keys/{id}"), "*/*")
            .await;
        assert_eq!(&read(&mut Reader::new(&got.body)), key);
    }
    let got = client.get("/checkpoint", "*/*").await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "text/plain; charset=utf-8")
    );
    Checkpoint::verify(got.text(), ORIGIN, key).unwrap();
}
