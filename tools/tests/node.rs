//! The commands that run or feed a node, end to end: the demo, and what can be done with its
//! directory afterwards.
#![cfg(feature = "node")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suyuan"));
    command
        .args(args)
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL");
    command
}

fn suyuan(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command that must end well, and reads what it prints.
fn value(args: &[&str]) -> Value {
    let output = suyuan(&[args, &["--json"]].concat());
    assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A directory with the demo's ledger in it.
struct Demo {
    dir: tempfile::TempDir,
    printed: Value,
}

impl Demo {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("demo");
        let printed = value(&[
            "demo",
            "--once",
            "--dir",
            text(&home),
            "--listen",
            "127.0.0.1:0",
        ]);
        Self { dir, printed }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An event that the kiwi farm may say, about its own lot.
    fn document(&self, name: &str, events: &Value) -> PathBuf {
        let path = self.path(name);
        write_document(&path, events);
        path
    }
}

fn write_document(path: &Path, events: &Value) {
    let document = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-01-01T00:00:00Z",
        "epcisBody": {"eventList": events},
    });
    std::fs::write(path, document.to_string()).unwrap();
}

fn event(id: &str) -> Value {
    json!({
        "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "storing", "eventID": id,
        "eventTime": "2026-01-02T08:00:00+08:00", "eventTimeZoneOffset": "+08:00",
        "quantityList": [{"epcClass": "urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007", "quantity": 3, "uom": "KGM"}],
    })
}

#[test]
fn the_demo_shows_what_its_chains_say() {
    let demo = Demo::new();
    let home = demo.path("demo");
    let expected = include_str!("../../schemas/examples/chains.json");
    let expected: Value = serde_json::from_str(expected).unwrap();
    let expected = expected["chains"].as_array().unwrap();
    let chains = demo.printed["chains"].as_array().unwrap();
    assert_eq!(chains.len(), expected.len());
    for (chain, expected) in chains.iter().zip(expected) {
        assert_eq!(chain["check"]["decision"], expected["check"]["decision"]);
        for field in ["name", "code", "verdict", "complete"] {
            assert_eq!(
                chain[field], expected[field],
                "{field} of {}",
                expected["name"]
            );
        }
        let known = expected["verdict"] != "unknown";
        assert_eq!(
            chain["events"].as_u64().unwrap() > 0,
            known,
            "{}",
            expected["name"]
        );
        assert!(
            chain["url"]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:")
        );
    }
    let node = &demo.printed["nodes"][0];
    assert_eq!(
        (&node["region"], &node["dir"]),
        (&json!("5101"), &json!(text(&home)))
    );

    // A second demo never mixes with the first.
    assert_eq!(code(&suyuan(&["demo", "--once", "--dir", text(&home)])), 2);

    let audit = value(&["audit", "--dir", text(&home)]);
    assert_eq!(
        (&audit["clean"], &audit["findings"]),
        (&json!(true), &json!([]))
    );

    let (bundle, trust) = (demo.path("lot.bundle"), home.join("trust.txt"));
    let jar = chains[0]["code"].as_str().unwrap();
    let traced = value(&[
        "trace",
        jar,
        "--dir",
        text(&home),
        "--bundle",
        text(&bundle),
        "--trust",
        text(&trust),
    ]);
    assert_eq!(traced["verdict"], "complete");
    let verified = value(&["verify", text(&bundle), "--trust", text(&trust)]);
    assert_eq!(
        (&verified["verdict"], &verified["complete"]),
        (&json!("complete"), &json!(true))
    );
    let forward = value(&["trace", jar, "--dir", text(&home), "--direction", "forward"]);
    assert!(forward["items"].as_array().unwrap().len() > 1);
    let table = suyuan(&["trace", jar, "--dir", text(&home)]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("Chengdu Wangtan Gujiang"),
        "names, not codes: {table}"
    );
}

#[test]
fn submitting_is_checked_first_and_safe_to_repeat() {
    let demo = Demo::new();
    let (home, trust) = (demo.path("demo"), demo.path("demo").join("trust.txt"));
    let key = home.join("keys/kiwi-farm.key");
    let submit = |file: &Path, more: &[&str]| {
        let args = [
            "submit",
            text(file),
            "--key",
            text(&key),
            "--dir",
            text(&home),
            "--json",
        ];
        suyuan(&[&args, more].concat())
    };

    let mut wrong = event("urn:e:1");
    wrong["bizStep"] = "stroing".into();
    let faulty = submit(
        &demo.document("faulty.json", &json!([event("urn:e:0"), wrong])),
        &[],
    );
    assert_eq!(code(&faulty), 3);
    let faults: Value = serde_json::from_slice(&faulty.stdout).unwrap();
    assert_eq!(
        faults["faults"][0]["path"],
        "/epcisBody/eventList/1/bizStep"
    );
    assert!(
        !demo.path("faulty.json.suyuan-outbox").exists(),
        "nothing was signed"
    );

    let good = demo.document("good.json", &json!([event("urn:e:1"), event("urn:e:2")]));
    let dry: Value = serde_json::from_slice(&submit(&good, &["--dry-run"]).stdout).unwrap();
    assert_eq!(dry["events"], 2);
    let options = ["--group", "1", "--trust", text(&trust)];
    let first = submit(&good, &options);
    assert_eq!(code(&first), 0, "{}", err(&first));
    let first: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(first.as_array().unwrap().len(), 2);
    let second: Value = serde_json::from_slice(&submit(&good, &options).stdout).unwrap();
    // Out of the outbox, without sending anything.
    for (one, other) in first
        .as_array()
        .unwrap()
        .iter()
        .zip(second.as_array().unwrap())
    {
        assert_eq!(
            (&one["status"], &other["status"]),
            (&json!("admitted"), &json!("again"))
        );
        for field in ["capture", "leaf", "receipt"] {
            assert_eq!(one[field], other[field]);
        }
    }
    let receipt = demo.path("good.json.2.receipt.cbor");
    let verified = value(&["verify", text(&receipt), "--trust", text(&trust)]);
    assert_eq!(verified["leaf"], first[1]["leaf"]);

    // The same events signed again, by a clerk who lost the outbox: known by their ids.
    let copy = demo.document("copy.json", &json!([event("urn:e:1"), event("urn:e:2")]));
    let refused = submit(&copy, &[]);
    assert_eq!(code(&refused), 4);
    let refused: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(
        (&refused[0]["status"], &refused[0]["reason"]),
        (&json!("rejected"), &json!("duplicate-event"))
    );
    assert!(refused[0]["remedy"].is_string() && refused[0]["refusal"].is_string());

    std::fs::write(&good, std::fs::read_to_string(&good).unwrap() + " ").unwrap();
    assert_eq!(
        code(&submit(&good, &options)),
        6,
        "a changed document under an old outbox"
    );
}

#[test]
fn the_registry_is_kept_from_the_command_line() {
    let demo = Demo::new();
    let home = demo.path("demo");
    let authority = home.join("keys/chengdu-amr.key");
    let act = |args: &[&str], key: &Path| {
        suyuan(&[args, &["--key", text(key), "--dir", text(&home), "--json"]].concat())
    };
    let good = |args: &[&str], key: &Path| {
        let output = act(args, key);
        assert_eq!(code(&output), 0, "{args:?}: {}", err(&output));
    };
    let farm = demo.path("farm.key");
    let request = demo.path("farm.key.request.json");
    let origin = demo.printed["nodes"][0]["origin"].as_str().unwrap();
    let made = value(&["keygen", text(&farm), "--origin", origin]);
    let handle = made["handle"].as_str().unwrap();
    let profile = demo.path("farm.json");
    let record = json!({"name": {"zh": "新农场", "en": "New farm"}, "roles": ["producer"],
        "district": "510116", "contact": {"phone": "028-5550-0199"}});
    std::fs::write(&profile, record.to_string()).unwrap();
    let (profile, request) = (text(&profile), text(&request));
    let admit = [
        "participant",
        "admit",
        "--profile",
        profile,
        "--request",
        request,
    ];
    let admitted = act(&admit, &authority);
    assert_eq!(code(&admitted), 0, "{}", err(&admitted));
    let admitted: Value = serde_json::from_slice(&admitted.stdout).unwrap();
    let farm_leaf = admitted["leaf"].as_u64().unwrap();
    forgets_the_contact(&home, &authority, farm_leaf);
    good(
        &[
            "participant",
            "amend",
            "--profile",
            profile,
            "--handle",
            handle,
        ],
        &authority,
    );
    let product = format!("urn:suyuan:product:{handle}:TOMATO");
    good(
        &[
            "product",
            "--id",
            &product,
            "--zh",
            "番茄",
            "--set",
            "shelfLifeDays=5",
        ],
        &farm,
    );
    let (old, new) = (
        format!("urn:suyuan:lot:{handle}:TOMATO:1"),
        format!("urn:suyuan:lot:{handle}:TOMATO:2"),
    );
    good(&["recode", &old, &new], &farm);
    good(
        &[
            "delegate",
            "lWIOi9hTbgiM33Pqt_Qspw",
            "--until",
            "2099-01-01T00:00:00Z",
        ],
        &farm,
    );
    good(
        &[
            "place",
            "--id",
            "https://id.gs1.org/414/6901234000016",
            "--en",
            "Shed",
        ],
        &farm,
    );

    let second = demo.path("second.key");
    let made = value(&[
        "keygen",
        text(&second),
        "--origin",
        origin,
        "--handle",
        handle,
    ]);
    let request = demo.path("second.key.request.json");
    good(
        &["participant", "add-key", "--request", text(&request)],
        &farm,
    );
    good(
        &["participant", "retire-key", made["keyId"].as_str().unwrap()],
        &farm,
    );
    good(
        &["participant", "revoke-key", made["keyId"].as_str().unwrap()],
        &farm,
    );
    let revoked = act(&["recode", &new, &old], &second);
    assert_eq!(code(&revoked), 4);
    assert!(err(&revoked).contains("key-revoked"), "{}", err(&revoked));

    good(&["participant", "suspend", handle], &authority);
    let suspended = act(&["recode", &new, &old], &farm);
    assert_eq!(code(&suspended), 4);
    assert!(
        err(&suspended).contains("participant-suspended"),
        "{}",
        err(&suspended)
    );
    good(&["participant", "reinstate", handle], &authority);
    let audit = value(&["audit", "--dir", text(&home)]);
    assert_eq!(audit["clean"], true);
}

/// A contact is a personal part: listed, ordered deleted, and then taken on order by the audit.
fn forgets_the_contact(home: &Path, authority: &Path, leaf: u64) {
    let (id, dir) = (leaf.to_string(), text(home));
    let list = || value(&["forget", "list", &id, "--dir", dir]);
    assert_eq!(list()["parts"][0]["standing"], "kept");
    let order = [
        "forget",
        "order",
        &id,
        "--number",
        "12",
        "--basis-zh",
        "第四十七条",
        "--basis-en",
        "art. 47",
        "--key",
        text(authority),
        "--dir",
        dir,
        "--json",
    ];
    let ordered = suyuan(&order);
    assert_eq!(code(&ordered), 0, "{}", err(&ordered));
    let ordered: Value = serde_json::from_slice(&ordered.stdout).unwrap();
    let listed = list();
    let part = &listed["parts"][0];
    assert_eq!(
        (&part["standing"], &part["deleted"]["order"]),
        (&json!("deleted"), &ordered["leaf"])
    );
    let table = suyuan(&["forget", "list", &id, "--dir", dir, "--lang", "zh"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("已依令删除"), "{table}");
    let again = suyuan(&order);
    assert_eq!(code(&again), 2, "{}", err(&again));
    let audit = value(&["audit", "--dir", dir]);
    assert_eq!(audit["clean"], true, "{audit}");
    let deleted = json!([{
        "leaf": leaf, "index": 0, "part": part["part"], "order": ordered["leaf"],
    }]);
    assert_eq!(audit["deletedOnOrder"], deleted);
}

/// The farm's quantities: for the farm, with its key; each read in the authority's record.
fn withheld_parts_are_shown_with_a_key_and_recorded(dir: &Path, home: &Path, url: &str) {
    let (farm, authority) = (dir.join("farm.key"), home.join("authority.key"));
    let document = dir.join("stored.json");
    write_document(&document, &json!([event("urn:e:1")]));
    value(&[
        "submit",
        text(&document),
        "--key",
        text(&farm),
        "--node",
        url,
    ]);
    let lot = "urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007";
    let trace = ["trace", lot, "--parts", "confidential", "--node", url];
    let stranger = suyuan(&trace);
    assert_eq!(code(&stranger), 4);
    assert!(
        err(&stranger).contains("confidential-needs-identity"),
        "{}",
        err(&stranger)
    );
    let log = |key: &Path| suyuan(&["access-log", "--key", text(key), "--node", url, "--json"]);
    let records = |output: &Output| -> Vec<Value> {
        assert_eq!(code(output), 0, "{}", err(output));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        printed["records"].as_array().unwrap().clone()
    };
    assert_eq!(records(&log(&authority)), [json!(null); 0]);
    value(&[&trace[..], &["--key", text(&farm)]].concat());
    let read = records(&log(&authority));
    assert_eq!(read.len(), 1);
    assert_eq!(
        (&read[0]["endpoint"], &read[0]["parts"][0]["class"]),
        (&json!("GET /trace"), &json!("confidential"))
    );
    let local = value(&["access-log", "--dir", text(home)]);
    assert_eq!(local["records"], json!(read));
    let farms = log(&farm);
    assert_eq!(code(&farms), 4);
    assert!(err(&farms).contains("not-entitled"), "{}", err(&farms));

    // A token by itself, for other programs; one for another log opens nothing here.
    let token = value(&["token", "--key", text(&farm)]);
    assert_eq!(token["origin"], "log.example/chengdu");
    assert!(token["token"].as_str().unwrap().len() > 200);
    let plain = suyuan(&[
        "token",
        "--key",
        text(&farm),
        "--origin",
        "other.example/log",
    ]);
    assert_eq!(String::from_utf8(plain.stdout).unwrap().lines().count(), 1);
    assert_eq!(
        code(&suyuan(&["token", "--key", text(&farm), "--life", "901"])),
        2
    );
}

/// A node in its own process, ended with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // Ended already, in a test that went well.
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn a_founded_ledger_is_served_until_told_to_stop() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("data");
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}");
    let origin = "log.example/chengdu";
    let made = value(&[
        "init",
        "--dir",
        text(&home),
        "--origin",
        origin,
        "--public-url",
        &url,
    ]);
    assert_eq!(made["origin"], origin);
    let again = suyuan(&[
        "init",
        "--dir",
        text(&home),
        "--origin",
        origin,
        "--public-url",
        &url,
    ]);
    assert_eq!(code(&again), 2, "{}", err(&again));

    let listen = address.to_string();
    let mut child = command(&["serve", "--dir", text(&home), "--listen", &listen])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap());
    let mut serving = Serving(child);
    let mut started = String::new();
    for line in lines.lines() {
        started = line.unwrap();
        if started.contains("serving") {
            break;
        }
    }
    assert!(started.contains(&listen), "{started}");

    let farm = dir.path().join("farm.key");
    value(&["keygen", text(&farm), "--origin", origin]);
    let profile = dir.path().join("farm.json");
    let record =
        json!({"name": {"zh": "农场", "en": "Farm"}, "roles": ["producer"], "district": "510116"});
    std::fs::write(&profile, record.to_string()).unwrap();
    let request = dir.path().join("farm.key.request.json");
    let authority = home.join("authority.key");
    let admitted = value(&[
        "participant",
        "admit",
        "--profile",
        text(&profile),
        "--request",
        text(&request),
        "--key",
        text(&authority),
        "--node",
        &url,
    ]);
    assert_eq!(admitted["act"], "admit");
    let unknown = value(&["trace", "(01)06901234567892(10)A1", "--node", &url]);
    assert_eq!(unknown["verdict"], "unknown");
    let twice = suyuan(&[
        "participant",
        "admit",
        "--profile",
        text(&profile),
        "--request",
        text(&request),
        "--key",
        text(&authority),
        "--node",
        &url,
    ]);
    assert_eq!(code(&twice), 4);
    assert!(
        err(&twice).contains("participant-exists"),
        "{}",
        err(&twice)
    );

    withheld_parts_are_shown_with_a_key_and_recorded(dir.path(), &home, &url);

    let pid = serving.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = serving.0.try_wait().unwrap() {
            break status;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it does not stop"
        );
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    let nobody = suyuan(&["trace", "(01)06901234567892(10)A1", "--node", &url]);
    assert_eq!(code(&nobody), 7);
}

#[test]
fn the_policy_is_set_by_authorities_and_judges_what_comes_after() {
    let demo = Demo::new();
    let home = demo.path("demo");
    let show = |only: &str| value(&["policy", "show", "--only", only, "--dir", text(&home)]);
    let before = show("severity/temperature");
    assert_eq!(before["version"], 0);
    let rows = before["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(
        (&rows[0]["value"], &rows[0]["confirmed"]),
        (&json!("hold"), &json!(false))
    );

    let file = demo.path("rows.json");
    let set = |rows: &Value, key: &str| {
        std::fs::write(&file, rows.to_string()).unwrap();
        let key = home.join(format!("keys/{key}.key"));
        suyuan(&[
            "policy",
            "set",
            text(&file),
            "--key",
            text(&key),
            "--dir",
            text(&home),
        ])
    };
    let row = |key: &str, value: Value| json!([{"key": key, "value": value, "source": "notice 12", "confirmed": true}]);
    let malformed = set(&row("severity/temprature", json!("flag")), "chengdu-amr");
    assert_eq!(code(&malformed), 3);
    assert!(
        err(&malformed).contains("severity/temprature"),
        "{}",
        err(&malformed)
    );
    let good = row("severity/temperature", json!("reject"));
    let refused = set(&good, "kiwi-farm");
    assert_eq!(code(&refused), 4, "{}", err(&refused));
    assert!(err(&refused).contains("role-forbids"), "{}", err(&refused));
    let done = set(&good, "chengdu-amr");
    assert_eq!(code(&done), 0, "{}", err(&done));
    let after = show("severity/temperature");
    assert_eq!(after["version"], 1);
    assert_eq!(after["rows"][0]["value"], "reject");
    // What is shown can be set again.
    assert_eq!(code(&set(&after, "chengdu-amr")), 0);
    let table = suyuan(&["policy", "show", "--only", "class/", "--dir", text(&home)]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("class/CHILLED_MEAT") && table.contains("GB 31605"),
        "{table}"
    );
}

#[test]
fn findings_say_what_is_wrong_whose_turn_it_is_and_what_mends_it() {
    let demo = Demo::new();
    let home = demo.path("demo");
    let chains = demo.printed["chains"].as_array().unwrap();
    let code_of = |name: &str| {
        let chain = chains.iter().find(|chain| chain["name"] == name).unwrap();
        chain["code"].as_str().unwrap()
    };
    let trust = home.join("trust.txt");
    let found = value(&[
        "findings",
        code_of("pork"),
        "--dir",
        text(&home),
        "--trust",
        text(&trust),
    ]);
    let [finding] = found["findings"].as_array().unwrap().as_slice() else {
        panic!("{found:#}")
    };
    assert_eq!(
        (
            &finding["rule"],
            &finding["severity"],
            &finding["closed_at"]
        ),
        (&json!("temperature"), &json!("hold"), &Value::Null)
    );
    assert_eq!(
        finding["articles"][0],
        json!({"law": "gb31605", "number": "2.2"})
    );
    assert!(finding["opened_at"].is_string() && !finding["events"].as_array().unwrap().is_empty());
    let table = |lang: &str, name: &str| {
        let args = [
            "findings",
            code_of(name),
            "--dir",
            text(&home),
            "--lang",
            lang,
        ];
        String::from_utf8(suyuan(&args).stdout).unwrap()
    };
    let english = table("en", "pork");
    for words in [
        "The temperature left its limits",
        "GB 31605-2020",
        "Cold Chain Transport",
        "hold",
    ] {
        assert!(english.contains(words), "{words}: {english}");
    }
    let chinese = table("zh", "tofu");
    for words in ["有一项检验不合格", "食品安全法第63条", "怎么办"] {
        assert!(chinese.contains(words), "{words}: {chinese}");
    }
    assert_eq!(table("en", "kiwi").trim(), "nothing found");
}

/// Serves a founded ledger on a free port; ends when dropped.
fn served(home: &Path) -> (Serving, String) {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let listen = address.to_string();
    let mut child = command(&["serve", "--dir", text(home), "--listen", &listen])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap());
    let serving = Serving(child);
    let mut lines = lines.lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("serving")));
    // Whoever writes to a closed pipe ends: what the node still says must be read.
    std::thread::spawn(move || lines.for_each(drop));
    (serving, format!("http://{listen}"))
}

fn handle(key: &str) -> String {
    let all = include_str!("../../schemas/examples/participants.json");
    let all: Value = serde_json::from_str(all).unwrap();
    let all = all.as_array().unwrap();
    let found = all.iter().find(|one| one["key"] == key).unwrap();
    found["handle"].as_str().unwrap().to_owned()
}

#[test]
fn an_act_is_checked_before_it_and_the_answer_verifies_offline() {
    let demo = Demo::new();
    let home = demo.path("demo");
    let (_serving, url) = served(&home);
    let trust = home.join("trust.txt");
    let signed = demo.path("answer.cose");
    let good = "https://id.gs1.org/8004/6909835CYL0392";
    let overdue = "(8004)6909835CYL0417";
    let filler = handle("gas-filler");
    let key = home.join("keys/gas-filler.key");
    let fill = |cylinder, more: &[&str]| {
        let asked = [
            "check",
            cylinder,
            "--act",
            "fill",
            "--key",
            text(&key),
            "--node",
            &url,
        ];
        let known = ["--out", text(&signed), "--trust", text(&trust)];
        suyuan(&[&asked[..], &known, more].concat())
    };

    let allowed = fill(good, &["--json"]);
    assert_eq!(code(&allowed), 0, "{}", err(&allowed));
    let answer: Value = serde_json::from_slice(&allowed.stdout).unwrap();
    assert_eq!(
        (&answer["decision"], &answer["act"]),
        (&json!("allow"), &json!("fill"))
    );

    let refused = fill(overdue, &[]);
    assert_eq!(code(&refused), 4, "{}", err(&refused));
    assert!(
        err(&refused).contains("inspection_overdue"),
        "{}",
        err(&refused)
    );
    let table = String::from_utf8(refused.stdout).unwrap();
    assert!(table.contains("periodic inspection is overdue"), "{table}");
    let chinese = String::from_utf8(fill(overdue, &["--lang", "zh"]).stdout).unwrap();
    assert!(chinese.contains("定期检验已超期"), "{chinese}");

    let verified = value(&["verify", text(&signed), "--trust", text(&trust)]);
    assert_eq!(
        (&verified["verified"], &verified["decision"]),
        (&json!("check"), &json!("refuse"))
    );
    assert_eq!(verified["reasons"][0]["rule"], "inspection_overdue");
    assert_eq!(verified["actor"], filler);
    let mut bytes = std::fs::read(&signed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let altered = demo.path("altered.cose");
    std::fs::write(&altered, bytes).unwrap();
    let forged = suyuan(&["verify", text(&altered), "--trust", text(&trust)]);
    assert_eq!(code(&forged), 5);
    assert!(
        err(&forged).contains("signature-invalid"),
        "{}",
        err(&forged)
    );

    // A delivery from a file: one in order, one stopped, one that is no code.
    let delivery = demo.path("delivery.txt");
    std::fs::write(
        &delivery,
        "# van 3\n(01)06909813001010(10)WT-5326\n\nurn:suyuan:drug:83901174211904620017\nhello\n",
    )
    .unwrap();
    let receive = |more: &[&str]| {
        let asked = [
            "check",
            "--file",
            text(&delivery),
            "--act",
            "receive",
            "--json",
        ];
        suyuan(&[&asked[..], more].concat())
    };
    let told = receive(&["--node", &url]);
    assert_eq!(code(&told), 4, "{}", err(&told));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let answers = told["answers"].as_array().unwrap();
    let decisions: Vec<&Value> = answers.iter().map(|one| &one["decision"]).collect();
    assert_eq!(decisions, [&json!("allow"), &json!("refuse"), &Value::Null]);
    assert_eq!(answers[2]["problem"]["reason"], "code-invalid");

    // The directory itself answers alike, and signs nothing.
    let asked = [
        "check",
        overdue,
        "--act",
        "fill",
        "--dir",
        text(&home),
        "--json",
    ];
    let local = suyuan(&asked);
    assert_eq!(code(&local), 4, "{}", err(&local));
    let local: Value = serde_json::from_slice(&local.stdout).unwrap();
    assert_eq!(local["reasons"][0]["rule"], "inspection_overdue");
    assert!(local["signed"].is_null());

    let held = [
        "check",
        "(01)06909813001010(10)NONE",
        "--act",
        "sell",
        "--node",
        &url,
    ];
    let held = suyuan(&held);
    assert_eq!(code(&held), 9, "{}", err(&held));
}
