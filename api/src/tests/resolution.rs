//! From a code to its provenance.

use super::fake::{LOT, LOT_PATH, setting};
use super::{Client, Got};
use axum::body::Body;
use axum::http::Request;
use ledger::bundle;

const BUNDLE: &str = "application/vnd.suyuan.bundle+cbor";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn item(got: &Got) -> String {
    got.json()["item"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_code_in_every_spelling_and_every_form() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    for target in [
        LOT_PATH.to_owned(),
        "/stem/of/another/01/6901234567892/10/A1?17=271231".to_owned(),
        "/gtin/06901234567892/lot/A1".to_owned(),
        "/trace?code=(01)06901234567892(10)A1".to_owned(),
        "/trace?code=https%3A%2F%2Fbrand.example%2F01%2F06901234567892%2F10%2FA1%3F17%3D271231"
            .to_owned(),
        "/trace?code=6901234567892&lot=A1".to_owned(),
        format!("/id/{}", LOT.replace(':', "%3A").replace('/', "%2F")),
    ] {
        let got = client.get_json(&target).await;
        assert_eq!(
            (got.status.as_u16(), got.media_type()),
            (200, "application/json"),
            "{target}"
        );
        assert_eq!(item(&got), LOT, "{target}");
        assert_eq!(
            got.json()["steps"].as_array().map(Vec::len),
            Some(2),
            "{target}"
        );
        assert_eq!(got.header("access-control-allow-origin"), "*");
        assert!(got.header("link").contains("rel=\"linkset\""));
        assert!(got.header("vary").contains("accept"));
    }
}

#[tokio::test]
async fn the_page_is_for_browsers_in_their_language() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client.get(LOT_PATH, BROWSER).await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "text/html; charset=utf-8")
    );
    assert!(got.text().contains("青椒") && got.text().contains("lang=\"zh"));
    assert!(
        got.text().contains("?format=bundle"),
        "the page offers its proof"
    );
    let english = client.get(&format!("{LOT_PATH}?lang=en"), BROWSER).await;
    assert!(english.text().contains("Green pepper") && english.text().contains("lang=\"en"));
    let policy = got.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert_eq!(got.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn the_bundle_proves_the_answer_and_its_absence() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    for target in [LOT_PATH.to_owned(), format!("{LOT_PATH}?format=bundle")] {
        let got = client.get(&target, BUNDLE).await;
        assert_eq!((got.status.as_u16(), got.media_type()), (200, BUNDLE));
        let proved = bundle::verify(&got.body, &setting.fake.trust()).unwrap();
        assert_eq!(proved.item(), LOT);
    }
    let unknown = "/01/06901234567892/10/NONE";
    let got = client.get(unknown, BUNDLE).await;
    assert_eq!((got.status.as_u16(), got.media_type()), (404, BUNDLE));
    bundle::verify(&got.body, &setting.fake.trust()).unwrap();
    let got = client.get_json(unknown).await;
    assert_eq!(
        (got.status.as_u16(), &got.json()["verdict"]),
        (404, &"unknown".into())
    );
    let got = client.get(unknown, BROWSER).await;
    assert_eq!(got.status.as_u16(), 404);
    assert!(got.text().contains("查无此码"));
}

#[tokio::test]
async fn a_product_asks_for_the_lot() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client.get("/01/06901234567892", BROWSER).await;
    assert_eq!(got.status.as_u16(), 200);
    assert!(got.text().contains("青椒") && got.text().contains("name=\"lot\""));
    for accept in ["application/json", BUNDLE] {
        let got = client.get("/01/06901234567892", accept).await;
        assert_eq!(got.status.as_u16(), 404);
        assert!(got.text().contains("lot-needed"));
    }
    let form = client
        .get_json("/trace?code=06901234567892&lot=A%2F1%20")
        .await;
    assert_eq!(item(&form), "https://id.gs1.org/01/06901234567892/10/A%2F1");
}

#[tokio::test]
async fn codes_that_cannot_be_read_say_why() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let got = client.get_json("/01/06901234567893/10/A1").await;
    assert_eq!(got.problem(), (400, "code-invalid".to_owned()));
    assert!(
        got.json()["detail"]
            .as_str()
            .unwrap()
            .contains("check digit")
    );
    assert_eq!(got.json()["where"], "/01/06901234567893/10/A1");
    let got = client.get("/trace?code=%3Cb%3E", BROWSER).await;
    assert_eq!(got.status.as_u16(), 400);
    assert!(!got.text().contains("<b>"), "what was typed is escaped");
    let got = client.get_json("/trace").await;
    assert_eq!(got.problem(), (400, "parameter-missing".to_owned()));
    let got = client.get_json("/nothing/here").await;
    assert_eq!(got.problem(), (404, "not-found".to_owned()));
    let got = client.get("/nothing/here", BROWSER).await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (404, "text/html; charset=utf-8")
    );
    let got = client.get(LOT_PATH, "image/png").await;
    assert_eq!(got.problem(), (406, "not-acceptable".to_owned()));
    let got = client.send(Request::post("/anything"), Body::empty()).await;
    assert_eq!(got.problem(), (405, "method-not-allowed".to_owned()));
    let foreign = client
        .get("/trace?code=https%3A%2F%2Fbrand.example%2Fx%2F9", BROWSER)
        .await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.media_type()),
        (404, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn problems_speak_the_readers_language() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let request = || Request::get("/trace").header("accept", "application/json");
    let chinese = client.send(request(), Body::empty()).await;
    let english = client
        .send(request().header("accept-language", "en-GB"), Body::empty())
        .await;
    assert_eq!(chinese.json()["title"], "缺少参数");
    assert_eq!(english.json()["title"], "Parameter missing");
}

#[tokio::test]
async fn link_sets_name_what_there_is() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    for (target, accept) in [
        (format!("{LOT_PATH}?linkType=linkset"), "*/*"),
        (LOT_PATH.to_owned(), "application/linkset+json"),
    ] {
        let got = client.get(&target, accept).await;
        assert_eq!(
            (got.status.as_u16(), got.media_type()),
            (200, "application/linkset+json")
        );
        let links = &got.json()["linkset"][0];
        assert_eq!(links["anchor"], format!("https://node.example{LOT_PATH}"));
        let default = &links["https://ref.gs1.org/voc/defaultLink"][0]["href"];
        assert_eq!(default, &format!("https://node.example{LOT_PATH}"));
        assert!(
            links["https://ref.gs1.org/voc/traceability"]
                .as_array()
                .is_some()
        );
    }
    let got = client
        .get(&format!("{LOT_PATH}?linkType=gs1:epcis"), "*/*")
        .await;
    assert_eq!(got.status.as_u16(), 307);
    let events = client.get_json(got.header("location")).await;
    assert_eq!(events.status.as_u16(), 200);
    let got = client
        .get(&format!("{LOT_PATH}?linkType=gs1:traceability"), BROWSER)
        .await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "text/html; charset=utf-8")
    );
    let got = client.get_json("/.well-known/gs1resolver").await;
    assert_eq!(got.json()["resolverRoot"], "https://node.example");
}

#[tokio::test]
async fn what_is_not_public_needs_a_token() {
    let setting = setting();
    let stranger = Client::stranger(&setting.fake);
    let local = Client::local(&setting.fake);
    let farm = Client::of(&setting.fake, &setting.farm);
    let forward = format!("/trace?code={LOT}&direction=forward");
    for client in [&stranger, &local] {
        let got = client.get_json(&forward).await;
        assert_eq!(got.problem(), (401, "forward-needs-identity".to_owned()));
    }
    let got = farm.get_json(&forward).await;
    assert_eq!(
        (got.status.as_u16(), &got.json()["asked"][0]),
        (200, &LOT.into())
    );
    assert_eq!(got.header("cache-control"), "no-store");
    assert_eq!(got.header("access-control-allow-origin"), "");
    let parts = format!("{LOT_PATH}?parts=all");
    for client in [&stranger, &local] {
        let got = client.get_json(&parts).await;
        assert_eq!(
            got.problem(),
            (401, "confidential-needs-identity".to_owned())
        );
    }
    assert_eq!(farm.get_json(&parts).await.status.as_u16(), 200);
    let public = stranger.get_json(LOT_PATH).await;
    assert_eq!(public.header("access-control-allow-origin"), "*");
    assert!(public.header("vary").contains("authorization"));
}

#[tokio::test]
async fn participants_by_name() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let path = format!("/participants/{}", setting.farm.handle);
    let got = client.get_json(&path).await;
    assert_eq!(got.status.as_u16(), 200);
    let party = &got.json()["participant"];
    assert_eq!(party["name"]["en"], "Pidu Vegetable Co-operative");
    assert_eq!(
        (&party["district"], &party["roles"][0]),
        (&"510117".into(), &"producer".into())
    );
    let got = client.get(&path, BROWSER).await;
    assert!(got.text().contains("郫都蔬菜合作社"));
    let code = format!("/trace?code=urn:suyuan:participant:{}", setting.farm.handle);
    let got = client.get(&code, BROWSER).await;
    assert_eq!(
        (got.status.as_u16(), got.header("location")),
        (307, path.as_str())
    );
    for handle in ["nobody", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let got = client.get_json(&format!("/participants/{handle}")).await;
        assert_eq!(got.problem(), (404, "participant-unknown".to_owned()));
    }
}
