//! The two cities of the demo: a lot that crosses from one ledger to the other is one chain, on a
//! phone, in JSON, in a file that proves it, and when one of the cities is silent.

use crate::browser::save;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use tests::chromium::{Chromium, WIDTH};
use tests::demo::{Demo, get, printed, suyuan};
use tests::region::until;

const CHENGDU: &str = "demo.suyuan.example/chengdu";
const CHONGQING: &str = "demo.suyuan.example/chongqing";

/// Where `across` of the demo's value has its scans: where it was made comes first.
const MADE: usize = 0;
const ELSEWHERE: usize = 1;

fn crossing<'v>(started: &'v Value, name: &str) -> &'v Value {
    let all = started["across"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap()
}

/// The address under which a city's node resolves the code of what was made.
fn link<'v>(started: &'v Value, name: &str, city: usize) -> &'v str {
    crossing(started, name)["scans"][city]["url"]
        .as_str()
        .unwrap()
}

fn json_of(url: &str) -> Value {
    serde_json::from_slice(&get(url, "application/json").body).unwrap()
}

fn sections(answer: &Value) -> &[Value] {
    answer["chain"]["sections"].as_array().unwrap()
}

/// Log and reason of each part of a chain, all of which are proved and witnessed.
fn proved(answer: &Value) -> Vec<(&str, &str)> {
    sections(answer)
        .iter()
        .map(|one| {
            assert_eq!(one["told"]["state"], "proved", "{one}");
            assert_eq!(one["told"]["standing"], "witnessed", "{one}");
            (one["log"].as_str().unwrap(), one["why"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn a_lot_that_crossed_the_border_is_one_chain_in_either_city() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    let made = json_of(link(&started, "hotpot-base", MADE));
    assert_eq!(made["verdict"], "complete");
    assert_eq!(proved(&made), [(CHENGDU, "from")]);
    let tests = made["tests"].as_array().unwrap();
    let foreign = tests.iter().find(|one| !one["imported"].is_null());
    let foreign = foreign.expect("a Chengdu laboratory's result counts in Chongqing");
    assert_eq!(foreign["imported"]["log"], CHENGDU);
    assert_eq!(foreign["relied_on"], 1, "by the maker that imported it");

    let elsewhere = json_of(link(&started, "hotpot-base", ELSEWHERE));
    assert_eq!(elsewhere["verdict"], "complete");
    assert_eq!(
        proved(&elsewhere),
        [(CHENGDU, "from"), (CHONGQING, "asked")]
    );

    // The paste itself, where it was made: its story goes on in Chongqing.
    let paste = crossing(&started, "hotpot-base")["goods"].as_str().unwrap();
    let url = started["nodes"][0]["url"].as_str().unwrap();
    let paste = json_of(&format!("{url}/trace?code={paste}"));
    assert_eq!(paste["verdict"], "complete");
    assert_eq!(proved(&paste), [(CHONGQING, "to")]);
}

#[test]
fn a_recall_in_chengdu_is_red_in_chongqing() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    for city in [MADE, ELSEWHERE] {
        // What the demo's own first scan said, and what any later one says.
        let first = &crossing(&started, "hotpot-base-recalled")["scans"][city];
        let answer = json_of(link(&started, "hotpot-base-recalled", city));
        assert_eq!(
            (&first["verdict"], &answer["verdict"]),
            (&json!("recalled"), &json!("recalled"))
        );
    }
    let made = json_of(link(&started, "hotpot-base-recalled", MADE));
    assert_eq!(made["chain"]["own"], "complete", "nothing was ordered here");
}

#[test]
fn one_file_proves_the_chain_over_both_logs() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    for (name, verdict) in [
        ("hotpot-base", "clear"),
        ("hotpot-base-recalled", "recalled"),
    ] {
        let url = format!("{}?format=bundle&regions=all", link(&started, name, MADE));
        let file = demo.dir().join(format!("{name}.chain"));
        std::fs::write(&file, get(&url, "*/*").body).unwrap();
        let both = demo.dir().join("trust-both.txt");
        let args = ["verify", path(&file), "--trust", path(&both), "--json"];
        let said = suyuan(&args).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            said.status.success(),
            "{name}: {text}{}",
            String::from_utf8_lossy(&said.stderr)
        );
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["verdict"], verdict, "{said}");
        // Who trusts Chongqing's log alone is not shown Chengdu's part as proved.
        let own = demo.dir().join("chongqing/trust.txt");
        let args = ["verify", path(&file), "--trust", path(&own), "--json"];
        let refused = suyuan(&args).output().unwrap();
        assert!(!refused.status.success(), "{name}");
    }
}

#[test]
fn the_page_of_one_chain_is_read_on_a_phone_in_both_languages() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    let mut browser = Chromium::start();
    let headings = "[...document.querySelectorAll('.region')].map(one => one.innerText.trim())";
    let hero = "document.querySelector('.hero').innerText";
    for (languages, lang, [base, maker, from, to, here, unnamed]) in [
        (
            "zh-CN,zh;q=0.9",
            "zh",
            [
                "重庆牛油火锅底料",
                "重庆椒江沸火锅食品有限公司",
                "成都 货从这里来",
                "重庆 该码记录在这里",
                "本地账本",
                "未登记名称",
            ],
        ),
        (
            "en-GB,en;q=0.9",
            "en",
            [
                "Chongqing beef-tallow hotpot base",
                "Chongqing Jiaojiangfei Hotpot Foods Co., Ltd.",
                "Chengdu The goods came from here",
                "Chongqing The code is recorded here",
                "This ledger",
                "without a registered name",
            ],
        ),
    ] {
        for (name, city) in [
            ("hotpot-base", MADE),
            ("hotpot-base", ELSEWHERE),
            ("hotpot-base-recalled", MADE),
            ("hotpot-base-recalled", ELSEWHERE),
        ] {
            let page = browser.open(link(&started, name, city), languages);
            let at = format!("across-{name}-{city}-{lang}");
            save(&browser.first_screen(&page), &format!("{at}.png"));
            save(&browser.whole_page(&page), &format!("{at}-whole.png"));
            assert_eq!(page.complaints, [""; 0], "{at}");
            let width = browser.evaluate(&page, "document.documentElement.scrollWidth");
            assert_eq!(width, WIDTH, "{at}: wider than the screen");
            // Origin first, each part under the name of its region.
            let parts = browser.evaluate(&page, headings);
            if city == MADE {
                assert_eq!(parts, json!([from, here]), "{at}");
            } else {
                let [own, made] = parts.as_array().unwrap().as_slice() else {
                    panic!("{at}: {parts}")
                };
                assert!(own.as_str().unwrap().starts_with(here), "{at}: {own}");
                assert_eq!(made, to, "{at}");
            }
            // The first screen says who made it, in the other city too.
            let hero = browser.evaluate(&page, hero);
            for word in [base, maker] {
                assert!(hero.as_str().unwrap().contains(word), "{at}: {hero}");
            }
            let open = "document.querySelectorAll('details').forEach(one => one.open = true)";
            let _none = browser.evaluate(&page, open);
            let text = browser.evaluate(&page, "document.body.innerText");
            assert!(!text.as_str().unwrap().contains(unnamed), "{at}: {text}");
            browser.close(page);
        }
    }
}

/// One node of a demo that has ended, served again.
struct Again(Child);

impl Again {
    fn serve(node: &Value) -> Self {
        let listen = node["url"]
            .as_str()
            .unwrap()
            .strip_prefix("http://")
            .unwrap();
        let args = [
            "serve",
            "--dir",
            node["dir"].as_str().unwrap(),
            "--listen",
            listen,
        ];
        let mut child = suyuan(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("suyuan runs");
        until("the node listens", || {
            assert_eq!(child.try_wait().expect("a child of ours"), None);
            std::net::TcpStream::connect(listen).ok()
        });
        Self(child)
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        // Gone already, in a test that ends badly.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn a_city_that_does_not_answer_leaves_its_part_marked() {
    let home = tempfile::tempdir().unwrap();
    let dir: PathBuf = home.path().join("demo");
    let args = [
        "demo",
        "--once",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--dir",
    ];
    let mut args = args.to_vec();
    args.push(path(&dir));
    let started = printed(&args);
    let chongqing = Again::serve(&started["nodes"][1]);
    let url = link(&started, "hotpot-base", MADE);
    let silent = json_of(url);
    let [part] = sections(&silent) else {
        panic!("{silent}")
    };
    assert_eq!(
        (&part["log"], &part["told"]["state"]),
        (&json!(CHENGDU), &json!("silent"))
    );
    assert!(part["told"]["last_proved"].is_string(), "{part}");
    assert_eq!(
        (&silent["verdict"], &silent["complete"]),
        (&json!("clear"), &json!(false))
    );
    let mut browser = Chromium::start();
    for (languages, lang, says) in [
        ("zh-CN,zh;q=0.9", "zh", "联系不上该地区账本；最近一次证实于"),
        ("en-GB,en;q=0.9", "en", "cannot be reached; last proved"),
    ] {
        let page = browser.open(url, languages);
        save(
            &browser.whole_page(&page),
            &format!("across-silent-{lang}-whole.png"),
        );
        let text = browser.evaluate(&page, "document.body.innerText");
        let text = text.as_str().unwrap();
        assert!(text.contains(says), "{lang}: no {says:?} in {text}");
        browser.close(page);
    }
    // It heals by itself, once the other city is there and the pause after a silence is over.
    let _chengdu = Again::serve(&started["nodes"][0]);
    until("the part is proved again", || {
        let answer = json_of(url);
        (answer["verdict"] == "complete").then_some(())
    });
    drop(chongqing);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
