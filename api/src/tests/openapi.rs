//! The document says what the router does.

use super::Client;
use super::fake::{Fake, setting};
use crate::{openapi, routes};
use axum::body::Body;
use axum::http::Request;
use std::path::PathBuf;

fn document() -> serde_json::Value {
    let table = routes::table::<Fake>();
    openapi::document(
        table.iter().map(|route| route.operation),
        "https://node.example",
    )
}

/// `BLESS=1` writes the file; the difference is reviewed like code.
#[test]
fn the_golden_document_is_the_served_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi.json");
    let text = format!("{:#}\n", document());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(
        golden == text,
        "schemas/openapi.json differs; BLESS=1 writes it anew"
    );
}

#[tokio::test]
async fn every_documented_operation_is_served_and_no_other_method() {
    let setting = setting();
    let client = Client::local(&setting.fake);
    let document = document();
    let served = client.get("/openapi.json", "*/*").await;
    assert_eq!(served.json(), document);
    let home = client.get("/", "text/html").await;
    let style = home
        .text()
        .split('"')
        .find(|text| text.starts_with("/assets/"))
        .unwrap()
        .to_owned();
    for (path, item) in document["paths"].as_object().unwrap() {
        let target = path.split('/').map(|segment| {
            if segment.starts_with('{') {
                "1"
            } else {
                segment
            }
        });
        let target = target
            .collect::<Vec<_>>()
            .join("/")
            .replace("/assets/1", &style);
        let methods = item.as_object().unwrap();
        for method in ["get", "post", "delete"] {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(&target);
            let got = client
                .send(request.header("accept", "application/json"), Body::empty())
                .await;
            let refused = got.status.as_u16() == 405;
            assert_eq!(
                !refused,
                methods.contains_key(method),
                "{method} {path}: {}",
                got.status
            );
            let reason =
                String::from_utf8_lossy(&got.body).contains("urn:suyuan:problem:not-found");
            assert!(!reason, "{method} {path} is not served");
        }
        for operation in methods.values() {
            let declared = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for name in path.split('/').filter_map(|one| one.strip_prefix('{')) {
                let name = name.trim_end_matches('}');
                assert!(
                    declared
                        .iter()
                        .any(|one| one["name"] == name && one["in"] == "path"),
                    "{path}"
                );
            }
        }
    }
}
