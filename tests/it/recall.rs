//! A recall as everyone lives it: the office orders, holders are told and answer, the page turns.
//!
//! All through the binary and over HTTP, on the demo's ledger.

use serde_json::{Value, json};
use std::path::Path;
use tests::chromium::Chromium;
use tests::demo::{Demo, ended, get, printed, suyuan};

/// A running demo, and where it is.
struct Town {
    demo: Demo,
    started: Value,
}

impl Town {
    fn new() -> Self {
        let mut demo = Demo::start(&["--json"]);
        let started = demo.value();
        Self { demo, started }
    }

    fn url(&self) -> &str {
        self.started["nodes"][0]["url"].as_str().unwrap()
    }

    fn chain(&self, name: &str) -> &Value {
        let chains = self.started["chains"].as_array().unwrap();
        chains.iter().find(|one| one["name"] == name).unwrap()
    }

    fn code(&self, name: &str) -> String {
        self.chain(name)["code"].as_str().unwrap().to_owned()
    }

    fn key(&self, name: &str) -> String {
        let path = self.demo.dir().join("keys").join(format!("{name}.key"));
        path.to_str().unwrap().to_owned()
    }

    /// What `suyuan` prints in the name of somebody.
    fn says(&self, who: &str, args: &[&str]) -> Value {
        let key = self.key(who);
        let mut all = args.to_vec();
        all.extend(["--node", self.url(), "--key", &key, "--json"]);
        printed(&all)
    }

    /// The answer that a stranger gets for a code.
    fn answer(&self, name: &str) -> Value {
        let url = self.chain(name)["url"].as_str().unwrap();
        serde_json::from_slice(&get(url, "application/json").body).unwrap()
    }
}

#[test]
fn holders_are_told_answer_and_the_clock_runs_for_who_does_not() {
    let town = Town::new();
    let recall = &town.chain("doubanjiang-recalled")["recall"];
    assert_eq!(
        (&recall["holders"], &recall["told"], &recall["silent"]),
        (&json!(4), &json!(4), &json!(["bean-coop"]))
    );
    let case = recall["case"].as_str().unwrap();
    let status = ["recall", "status", case];
    let office = town.says("chengdu-amr", &status);
    assert_eq!(office["progress"]["items"], 3, "beans, brew and jars");
    assert_eq!(office["clocks"]["start_by"], recall["start_by"]);
    let opened = ledger::time::parse(office["opened"].as_str().unwrap()).unwrap();
    let start_by = ledger::time::parse(recall["start_by"].as_str().unwrap()).unwrap();
    assert_eq!(start_by.0 - opened.0, 24 * 3_600_000, "level 1: 24 hours");
    let holder = |case: &Value, name: &str| -> Value {
        let handle = printed_handle(&town.key(name));
        let holders = case["holders"].as_array().unwrap();
        let found = holders.iter().find(|one| one["holder"] == handle.as_str());
        found.unwrap().clone()
    };
    let shop = holder(&office, "supermarket");
    assert_eq!(shop["held"]["amounts"][0]["amount"], "34", "40 less 6 sold");
    assert_eq!(shop["returned"][0]["quantity"], "34");
    let wholesaler = holder(&office, "food-distributor");
    assert_eq!(wholesaler["held"]["amounts"][0]["amount"], "80");
    assert!(wholesaler["destroyed"][0]["evidence"].is_string());
    let jars = office["totals"].as_array().unwrap().iter();
    let sold: Vec<&Value> = jars.map(|total| &total["sold_permille"]).collect();
    assert!(sold.contains(&&json!(50)), "6 of 120 jars: {sold:?}");

    // The co-operative sees its own part, and nobody's name whom it does not deliver to.
    let coop = town.says("bean-coop", &status);
    assert_eq!(holder(&coop, "bean-coop")["acknowledged"], Value::Null);
    let names = coop["participants"].as_object().unwrap();
    let named = names
        .values()
        .filter(|party| !party["name"]["zh"].as_str().unwrap().is_empty());
    assert_eq!(
        named.count(),
        3,
        "itself, the maker it delivers to, and the office"
    );
    town.says(
        "bean-coop",
        &[
            "recall",
            "acknowledge",
            "https://id.gs1.org/01/06909812001011/10/QH-010",
            "--case",
            case,
        ],
    );
    let office = town.says("chengdu-amr", &status);
    assert!(holder(&office, "bean-coop")["acknowledged"].is_string());
    assert_eq!(office["progress"]["acknowledged"], 4);
    // Strangers see the order and the clocks.
    let stranger = printed(&["recall", "status", case, "--node", town.url(), "--json"]);
    assert_eq!(stranger["answered"], 4);
    assert!(stranger.get("holders").is_none() && stranger.get("items").is_none());
}

/// The handle in the request beside a key.
fn printed_handle(key: &str) -> String {
    let path = Path::new(key).with_extension("key.request.json");
    let text = std::fs::read(&path).unwrap();
    let request: Value = serde_json::from_slice(&text).unwrap();
    request["handle"].as_str().unwrap().to_owned()
}

#[test]
fn page_and_check_turn_with_the_order_and_back_with_its_release() {
    let town = Town::new();
    let code = town.code("doubanjiang");
    let verdict = || town.answer("doubanjiang")["verdict"].clone();
    let may_sell = || {
        let key = town.key("supermarket");
        let args = [
            "check",
            &code,
            "--act",
            "sell",
            "--node",
            town.url(),
            "--key",
            &key,
        ];
        let output = suyuan(&args).arg("--json").output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["decision"].clone()
    };
    assert_eq!((verdict(), may_sell()), (json!("complete"), json!("allow")));
    // Of the chilli that went into it. Each answer is the first after the receipt.
    let chilli = "https://id.gs1.org/01/06909811001012/10/EJT-018";
    let order = |what: &'static str, extra: &[&str]| {
        let mut args = vec![what, chilli, "--case", "2026-18", "--retest", "R-881"];
        args.extend([
            "--reason-zh",
            "抽检待复检",
            "--reason-en",
            "to be tested again",
        ]);
        args.extend(extra);
        town.says("chengdu-amr", &args)
    };
    order("hold", &[]);
    assert_eq!((verdict(), may_sell()), (json!("held"), json!("hold")));
    let answer = town.answer("hotpot");
    assert_eq!(answer["verdict"], "held", "made of the same brew");
    assert_eq!(answer["orders"][0]["item"], chilli);
    let proof = printed(&[
        "verify",
        bundle(&town, "doubanjiang").to_str().unwrap(),
        "--trust",
        town.demo.trust_file().to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(proof["verdict"], "held", "anyone can prove it: {proof}");
    order("release", &[]);
    assert_eq!((verdict(), may_sell()), (json!("complete"), json!("allow")));
}

/// The bundle that a stranger gets for a chain, in the demo's directory.
fn bundle(town: &Town, name: &str) -> std::path::PathBuf {
    let url = town.chain(name)["url"].as_str().unwrap();
    let body = get(url, "application/vnd.suyuan.bundle+cbor").body;
    let path = town.demo.dir().join(format!("{name}.bundle"));
    std::fs::write(&path, body).unwrap();
    path
}

#[test]
fn an_order_by_who_never_had_the_goods_stops_nothing_and_tells_nobody() {
    let town = Town::new();
    let code = town.code("doubanjiang");
    town.says(
        "kiwi-farm",
        &[
            "recall",
            "start",
            &code,
            "--case",
            "1",
            "--reason-zh",
            "坏",
            "--reason-en",
            "bad",
        ],
    );
    assert_eq!(town.answer("doubanjiang")["verdict"], "complete");
    let cases = printed(&["recall", "status", "--node", town.url(), "--json"]);
    // The demo's own two: beans, and bean paste that went to Chongqing.
    assert_eq!(cases.as_array().map(Vec::len), Some(2), "{cases}");
    // Its own answer says that it proved nothing.
    let own = format!(
        "urn:suyuan:case:{}:1",
        printed_handle(&town.key("kiwi-farm"))
    );
    let status = town.says("kiwi-farm", &["recall", "status", &own]);
    assert_eq!(
        (&status["proved"], &status["items"]),
        (&json!(false), &json!([]))
    );
    // To answer another's case gives no part in it.
    let case = town.chain("doubanjiang-recalled")["recall"]["case"].as_str();
    let case = case.unwrap();
    town.says(
        "kiwi-farm",
        &["recall", "acknowledge", &code, "--case", case],
    );
    let status = town.says("kiwi-farm", &["recall", "status", case]);
    assert!(status.get("holders").is_none() && status.get("items").is_none());
    // And it may not answer for others' cases as their opener.
    let case = town.chain("doubanjiang-recalled")["recall"]["case"]
        .as_str()
        .unwrap();
    let output = suyuan(&[
        "recall",
        "close",
        &code,
        "--case",
        case,
        "--evidence",
        "x",
        "--node",
        town.url(),
        "--key",
        &town.key("kiwi-farm"),
    ])
    .output()
    .unwrap();
    let (exit, said) = ended(&output);
    assert_ne!(exit, 0);
    assert!(said.contains("2026-17"), "{said}");
}

#[test]
fn the_page_of_recalled_goods_says_what_to_do_in_both_languages() {
    let town = Town::new();
    let url = town.chain("doubanjiang-recalled")["url"].as_str().unwrap();
    let mut browser = Chromium::start();
    for (languages, says) in [
        (
            "zh-CN,zh;q=0.9",
            [
                "已召回",
                "请不要食用或使用",
                "黄曲霉毒素",
                "QH-010",
                "一级",
                "示例成都市市场监管局",
            ],
        ),
        (
            "en-GB,en;q=0.9",
            [
                "Recalled",
                "Do not eat or use it",
                "aflatoxin",
                "QH-010",
                "level 1",
                "Example Chengdu Administration for Market Regulation",
            ],
        ),
    ] {
        let page = browser.open(url, languages);
        let text = browser.evaluate(&page, "document.body.innerText");
        let text = text.as_str().unwrap();
        for word in says {
            assert!(text.contains(word), "{languages}: no {word:?} in {text}");
        }
        browser.close(page);
    }
}
