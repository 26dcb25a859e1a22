//! A mirror of the demo's ledger, in processes of their own: caught up, killed, lied to, restored.

use ledger::checkpoint::Checkpoint;
use ledger::hash::Digest;
use ledger::ids::TreeSize;
use ledger::merkle::tile::{TileKind, TileName};
use ledger::store::Store as _;
use ledger::tiles::tile_bytes;
use ledger_rocks::RocksStore;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tests::demo::{ended, get, printed, suyuan};
use tests::files::copy_dir;
use tests::region::{Region, until};

/// Handles of `schemas/examples/participants.json`.
const AUTHORITY: &str = "vXTf8mh31Ip9Y4VevS2ppQ";
const SHOP: &str = "YF61nU4jE7xhWJZxbmDi4w";
const FARM: &str = "EnriqMbA2qOwY1S4_bU5Zg";

/// The demo's ledger, founded and filled once for all tests; each works on a copy.
static FILLED: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("demo");
    let _chains = printed(&[
        "demo",
        "--once",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--dir",
        text(&home),
    ]);
    dir
});

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// The demo's log and its node.
struct Log {
    dir: TempDir,
    listen: String,
    node: Option<Child>,
}

impl Log {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(&FILLED.path().join("demo"), &dir.path().join("demo"));
        // Its neighbour does not run here, so that nobody is asked to witness it.
        let trust = dir.path().join("demo/trust.txt");
        let policy = std::fs::read_to_string(&trust).unwrap();
        let log = policy
            .lines()
            .find(|line| line.starts_with("log "))
            .unwrap();
        std::fs::write(&trust, format!("{log}\nquorum none\n")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        let node = None;
        Self { dir, listen, node }
    }

    fn home(&self) -> PathBuf {
        self.path("demo")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `args` at the log, signed by the authority.
    fn by_authority(&self, args: &[&str]) {
        let (key, url) = (self.home().join("keys/chengdu-amr.key"), self.url());
        let signed = ["--key", text(&key), "--as", AUTHORITY, "--node", &url];
        let args = [args, &signed[..]].concat();
        let output = suyuan(&args).output().unwrap();
        assert!(output.status.success(), "{}", ended(&output).1);
    }

    fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    fn start(&mut self) {
        self.start_with(&[]);
    }

    fn start_with(&mut self, more: &[&str]) {
        let home = self.home();
        let args = [
            "serve",
            "--listen",
            &self.listen,
            "--dir",
            text(&home),
            "--mirror",
            AUTHORITY,
            "--mirror",
            SHOP,
        ];
        let mut command = suyuan(&args);
        command.args(more).stdout(Stdio::null());
        let node = command.stderr(Stdio::null()).spawn();
        self.node = Some(node.unwrap());
        until("the node listens", || TcpStream::connect(&self.listen).ok());
    }

    fn stop(&mut self) {
        let mut node = self.node.take().unwrap();
        node.kill().unwrap();
        node.wait().unwrap();
    }

    /// Records one observation of the farm's lot.
    fn record(&self, number: usize) {
        let document = serde_json::json!({
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
            "type": "EPCISDocument", "schemaVersion": "2.0",
            "creationDate": "2026-01-01T00:00:00Z",
            "epcisBody": {"eventList": [Self::event(number)]},
        });
        let path = self.path(&format!("event-{number}.json"));
        std::fs::write(&path, document.to_string()).unwrap();
        let key = self.home().join("keys/kiwi-farm.key");
        let url = self.url();
        let said = suyuan(&[
            "submit",
            text(&path),
            "--key",
            text(&key),
            "--as",
            FARM,
            "--node",
            &url,
            "--json",
        ])
        .output()
        .unwrap();
        assert!(said.status.success(), "{}", ended(&said).1);
    }

    fn event(number: usize) -> Value {
        serde_json::json!({
            "@context": {"p": "https://ref.suyuan.example/personal/"},
            "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "storing",
            "eventID": format!("urn:mirror:{number}"),
            "eventTime": "2026-01-02T08:00:00+08:00", "eventTimeZoneOffset": "+08:00",
            "p:driver": "王师傅",
            "quantityList": [{
                "epcClass": "urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007",
                "quantity": 3, "uom": "KGM",
            }],
        })
    }

    fn size(&self) -> u64 {
        let note = get(&format!("{}/checkpoint", self.url()), "*/*").body;
        let note = String::from_utf8(note).unwrap();
        note.lines().nth(1).unwrap().parse().unwrap()
    }

    fn trust(&self) -> PathBuf {
        self.home().join("trust.txt")
    }

    /// The arguments of a mirror in `name`, as `who`.
    fn args(&self, url: &str, name: &str, who: &str) -> Vec<String> {
        let key = match who {
            AUTHORITY => "keys/chengdu-amr.key",
            _ => "keys/fruit-shop.key",
        };
        let (dir, trust, key) = (self.path(name), self.trust(), self.home().join(key));
        let words = [
            "mirror",
            url,
            "--json",
            "--dir",
            text(&dir),
            "--trust",
            text(&trust),
            "--key",
            text(&key),
            "--as",
            who,
        ];
        words.map(str::to_owned).to_vec()
    }

    fn once(&self, url: &str, name: &str, who: &str, more: &[&str]) -> std::process::Output {
        let args = self.args(url, name, who);
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        args.push("--once");
        args.extend(more);
        suyuan(&args).output().unwrap()
    }

    /// Mirrors until level; it must end well.
    fn mirror(&self, name: &str, who: &str, more: &[&str]) -> Value {
        let output = self.once(&self.url(), name, who, more);
        assert!(output.status.success(), "{}", ended(&output).1);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn audit(&self, name: &str) -> Value {
        let dir = self.path(name);
        printed(&["audit", "--json", "--dir", text(&dir)])
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(mut node) = self.node.take() {
            let _gone = node.kill();
            let _status = node.wait();
        }
    }
}

#[test]
fn a_mirror_catches_up_audits_clean_and_goes_on() {
    let mut log = Log::new();
    log.start();
    let first = log.mirror("copy", AUTHORITY, &[]);
    assert_eq!(first["treeSize"], log.size());
    assert_eq!(first["takenNotRecomputed"], 0);
    assert_eq!(first["standing"], "recorded");
    let audit = log.audit("copy");
    assert_eq!(audit["clean"], true);
    assert_eq!(audit["takenNotRecomputed"], 0);
    assert_eq!(audit["state"], first["state"]);
    for number in 0..3 {
        log.record(number);
    }
    let second = log.mirror("copy", AUTHORITY, &[]);
    assert_eq!(
        second["added"],
        log.size() - first["treeSize"].as_u64().unwrap()
    );
    assert_eq!(log.audit("copy")["clean"], true);
    // The copy exports the very files of the log.
    let size = TreeSize(log.size());
    let name = TileName::at_size(TileKind::Hashes(0), 0, size).unwrap();
    let served = get(&format!("{}/{name}", log.url()), "*/*");
    assert_eq!(served.status, 200);
    let store = RocksStore::open_copy(&log.path("copy"), origin(&first), options()).unwrap();
    let tile = tile_bytes(&store.view(), name).unwrap();
    assert_eq!(tile, Some(served.body));
}

fn origin(said: &Value) -> &str {
    said["log"].as_str().unwrap()
}

fn options() -> ledger_rocks::Options {
    ledger_rocks::Options::default()
}

#[test]
fn without_an_agreement_effects_are_taken_and_with_one_recomputed() {
    let mut log = Log::new();
    log.start();
    let alone = log.mirror("alone", SHOP, &[]);
    let taken = alone["takenNotRecomputed"].as_u64().unwrap();
    assert!(taken > 50, "{taken}");
    let audit = log.audit("alone");
    assert_eq!(
        (&audit["clean"], &audit["takenNotRecomputed"]),
        (&true.into(), &taken.into())
    );
    log.by_authority(&[
        "agreement",
        "--partner",
        SHOP,
        "--district",
        "5101",
        "--parts",
        "confidential",
    ]);
    let partner = log.mirror("partner", SHOP, &[]);
    assert_eq!(partner["takenNotRecomputed"], 0);
    assert_eq!(log.audit("partner")["clean"], true);

    // Whoever is not named gets nothing, and is told so.
    let stranger = get(&format!("{}/leaves", log.url()), "*/*");
    assert_eq!(stranger.status, 401);
}

#[test]
fn a_mirror_killed_at_any_moment_goes_on() {
    let mut log = Log::new();
    log.start();
    // Held while it waits for leaves, for the next checkpoint once it is level, and for leaves again.
    for (round, held) in [("/leaves", 0), ("/checkpoint", 2), ("/leaves", 0)]
        .into_iter()
        .enumerate()
    {
        let (path, let_through) = held;
        let counted = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&counted);
        let proxy = Proxy::start(&log.listen, move |asked, body| {
            if asked.starts_with(path) && seen.fetch_add(1, Ordering::SeqCst) >= let_through {
                std::thread::park();
            }
            body
        });
        let args = log.args(&proxy.url(), "copy", AUTHORITY);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut mirror = suyuan(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let there = || (counted.load(Ordering::SeqCst) > let_through).then_some(());
        until("it is where it is held", there);
        mirror.kill().unwrap();
        mirror.wait().unwrap();
        log.record(round);
    }
    let done = log.mirror("copy", AUTHORITY, &[]);
    assert_eq!(done["treeSize"], log.size());
    assert_eq!(log.audit("copy")["clean"], true);
}

#[test]
fn a_follower_keeps_up_says_so_and_outlives_its_source() {
    let mut log = Log::new();
    log.start();
    let mut args = log.args(&log.url(), "copy", AUTHORITY);
    let metrics = log.path("mirror.prom");
    args.extend(["--every", "1", "--metrics", text(&metrics)].map(str::to_owned));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut follower = suyuan(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let figure = |name: &str| {
        let text = std::fs::read_to_string(&metrics).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line?.parse::<u64>().ok()
    };
    let level = |size| {
        until("the follower is level", || {
            (figure("suyuan_mirror_size")? == size).then_some(())
        });
    };
    level(log.size());
    log.record(1);
    level(log.size());
    log.stop();
    until("it notices", || {
        (figure("suyuan_mirror_source_answers")? == 0).then_some(())
    });
    log.start();
    log.record(2);
    level(log.size());
    assert_eq!(figure("suyuan_mirror_fault"), Some(0));
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_dishonest_source_is_named_and_what_is_sound_is_kept() {
    let mut log = Log::new();
    log.start();
    type Lie = fn(Vec<u8>) -> Vec<u8>;
    let entry: Lie = |mut body| {
        let at = body.len() / 2;
        body[at] ^= 1;
        body
    };
    let fewer: Lie = |_| vec![0x80];
    for (path, lie, named) in [
        ("/leaves", entry, "altered: "),
        ("/leaves", fewer, "truncated: "),
    ] {
        let proxy = Proxy::start(&log.listen, move |asked, body| {
            if asked.starts_with(path) {
                lie(body)
            } else {
                body
            }
        });
        let dir = format!("copy-{}", named.trim_end_matches(": "));
        let said = log.once(&proxy.url(), &dir, AUTHORITY, &[]);
        let (code, error) = ended(&said);
        assert_eq!(code, 5, "{error}");
        assert!(error.contains(named), "{error}");
        // The honest source goes on with what was kept.
        let done = log.mirror(&dir, AUTHORITY, &[]);
        assert_eq!(done["treeSize"], log.size());
        assert_eq!(log.audit(&dir)["clean"], true);
    }
}

fn evidence(copy: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(copy.join("evidence")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// `suyuan verify` explains the file, which names a tree of `size`.
fn assert_convicts(log: &Log, file: &Path, size: u64) {
    let trust = log.trust();
    let args = [
        "verify",
        "--lang",
        "en",
        "--trust",
        text(&trust),
        text(file),
    ];
    let output = suyuan(&args).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", ended(&output).1);
    assert!(told.contains("two different histories"), "{told}");
    assert!(told.contains(&size.to_string()), "{told}");
}

#[test]
fn a_rolled_back_log_and_another_history_are_named_and_two_histories_are_proved() {
    let mut log = Log::new();
    let before = log.path("before");
    copy_dir(&log.home(), &before);
    log.start();
    log.record(1);
    let size = log.mirror("copy", AUTHORITY, &[])["treeSize"]
        .as_u64()
        .unwrap();
    log.stop();

    // The operator puts last night's copy back.
    std::fs::remove_dir_all(log.home()).unwrap();
    copy_dir(&before, &log.home());
    log.start();
    let said = log.once(&log.url(), "copy", AUTHORITY, &[]);
    let (code, error) = ended(&said);
    assert_eq!(code, 6, "{error}");
    assert!(error.contains("rolled-back: "), "{error}");

    // And goes on from there: a second history, with as many leaves and then more.
    for number in 2..5 {
        log.record(number);
        let said = log.once(&log.url(), "copy", AUTHORITY, &[]);
        let (code, error) = ended(&said);
        assert_eq!(code, 5, "{error}");
        assert!(error.contains("other-history: "), "{error}");
    }
    // One file for each tree that it signed beside the first, at the same size and beyond it.
    let files = evidence(&log.path("copy"));
    assert_eq!(files.len(), 3);
    for file in files {
        assert_convicts(&log, &file, size);
    }

    // Whoever has the larger tree of the two proves it just as well, shown the smaller.
    log.mirror("second", AUTHORITY, &[]);
    log.stop();
    std::fs::remove_dir_all(log.home()).unwrap();
    copy_dir(&before, &log.home());
    log.start();
    log.record(9);
    let said = log.once(&log.url(), "second", AUTHORITY, &[]);
    let (code, error) = ended(&said);
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("other-history: "), "{error}");
    let files = evidence(&log.path("second"));
    assert_eq!(files.len(), 1);
    assert_convicts(&log, &files[0], log.size());
}

#[test]
fn an_order_to_delete_reaches_the_mirror() {
    let mut log = Log::new();
    log.start();
    log.record(1);
    log.mirror("copy", AUTHORITY, &["--personal"]);
    let keys = || std::fs::read(log.path("copy/part.keys")).unwrap();
    let before = keys();
    let at = format!("{}.0", log.size() - 2);
    log.by_authority(&[
        "forget",
        "order",
        &at,
        "--number",
        "川网信删〔2026〕12号",
        "--basis-zh",
        "个人信息保护法第四十七条",
        "--basis-en",
        "PIPL art. 47",
    ]);
    let said = log.mirror("copy", AUTHORITY, &["--personal"]);
    assert_eq!(said["ordersToDelete"], 1);
    assert_ne!(keys(), before);
    let audit = log.audit("copy");
    assert_eq!(audit["clean"], true);
    assert_eq!(audit["deletedOnOrder"].as_array().unwrap().len(), 1);
}

#[test]
fn a_ledger_restored_from_its_mirror_answers_the_same_and_goes_on() {
    let mut log = Log::new();
    log.start();
    log.record(1);
    let mirrored = log.mirror("copy", AUTHORITY, &[]);
    let trace = |log: &Log| {
        let code = "urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007";
        let url = format!("{}/trace?code={code}", log.url());
        let bundle = get(&url, "application/vnd.suyuan.bundle+cbor").body;
        let file = log.path("bundle");
        std::fs::write(&file, bundle).unwrap();
        printed(&[
            "verify",
            "--json",
            "--trust",
            text(&log.trust()),
            text(&file),
        ])
    };
    let before = trace(&log);
    let note = get(&format!("{}/checkpoint", log.url()), "*/*").body;
    log.stop();
    let (copy, key) = (log.path("copy"), log.path("log.key"));
    let restored = log.path("restored");
    std::fs::copy(log.home().join("log.key"), &key).unwrap();
    let trust = std::fs::read(log.trust()).unwrap();
    let said = printed(&[
        "restore",
        "--json",
        "--from",
        text(&copy),
        "--dir",
        text(&restored),
        "--log-key",
        text(&key),
    ]);
    assert_eq!(said["treeSize"], mirrored["treeSize"]);
    assert_eq!(said["state"], mirrored["state"]);
    assert!(!restored.join("head").exists());
    assert!(restored.join("unconfirmed").exists());
    let keys = log.path("keys");
    std::fs::rename(log.home().join("keys"), &keys).unwrap();
    std::fs::remove_dir_all(log.home()).unwrap();
    std::fs::rename(&restored, log.home()).unwrap();
    std::fs::rename(&keys, log.home().join("keys")).unwrap();
    std::fs::write(log.trust(), trust).unwrap();
    // No witness is asked here, so that the operator has to say that nothing newer was signed.
    let home = log.home();
    let args = ["serve", "--listen", &log.listen, "--dir", text(&home)];
    let (code, error) = ended(&suyuan(&args).output().unwrap());
    assert_eq!(code, 8, "{error}");
    assert!(error.contains("unconfirmed"), "{error}");
    log.start_with(&["--nothing-newer-was-signed"]);
    assert_eq!(get(&format!("{}/checkpoint", log.url()), "*/*").body, note);
    assert_eq!(trace(&log)["verdict"], before["verdict"]);
    log.record(2);
    assert_eq!(log.audit("demo")["clean"], true);
}

/// Catches `copy` up with a region's log, in its authority's name.
fn mirror_of(log: &Region, copy: &Path) {
    let (trust, key) = (log.dir().join("trust.txt"), log.dir().join("authority.key"));
    let _said = printed(&[
        "mirror",
        &log.url(),
        "--once",
        "--json",
        "--dir",
        text(copy),
        "--trust",
        text(&trust),
        "--key",
        text(&key),
    ]);
}

/// Puts what a mirror has in the place of a region's data directory; its operator brings the keys.
fn restore(log: &Region, copy: &Path, keys: &Path) {
    std::fs::remove_dir_all(log.dir()).unwrap();
    let (dir, key) = (log.dir(), keys.join("log.key"));
    let _said = printed(&[
        "restore",
        "--json",
        "--from",
        text(copy),
        "--dir",
        text(&dir),
        "--log-key",
        text(&key),
    ]);
    for name in ["authority.key", "authority.key.request.json"] {
        std::fs::copy(keys.join(name), dir.join(name)).unwrap();
    }
}

#[test]
fn an_old_copy_is_brought_level_from_a_mirror_and_signs_when_its_witness_has_answered() {
    let [mut log, mut witness] = ["chengdu", "chongqing"].map(Region::found);
    let line = witness.watch("chongqing.example/w", &[&log]);
    log.trust(&[&line, "quorum chongqing.example/w"]);
    witness.start();
    let request = std::fs::read(log.dir().join("authority.key.request.json")).unwrap();
    let request: Value = serde_json::from_slice(&request).unwrap();
    let mirror = format!("--mirror={}", request["handle"].as_str().unwrap());
    let serve = |log: &mut Region| log.start_reading_with(&[&mirror]);
    let record_witnessed = |log: &mut Region| {
        let size = log.record();
        until("the witness cosigns", || {
            (log.witnessed()?.claim().size >= size).then_some(())
        });
    };
    let [old, early, level] = ["old", "early", "level"].map(|name| log.file(name));

    serve(&mut log);
    record_witnessed(&mut log);
    mirror_of(&log, &early);
    log.kill();
    copy_dir(&log.dir(), &old);
    serve(&mut log);
    record_witnessed(&mut log);
    mirror_of(&log, &level);
    let newest = log.checkpoint();
    log.kill();

    // The disk is lost, and last night's backup is behind what the witness has seen.
    std::fs::remove_dir_all(log.dir()).unwrap();
    copy_dir(&old, &log.dir());
    assert_eq!(log.run_until_it_ends(&[]), 8);
    assert!(log.said().contains("behind-witness"), "{}", log.said());
    // So is a mirror that was not level: it does not sign either.
    restore(&log, &early, &old);
    assert_eq!(log.run_until_it_ends(&[]), 8);
    assert!(log.said().contains("behind-witness"), "{}", log.said());

    // One that was level signs nothing before the witness answers, whatever it was started with.
    restore(&log, &level, &old);
    witness.kill();
    for _ in 0..2 {
        log.start_reading();
        let ready = log.get("/ready");
        assert_eq!(ready.status, 503);
        let why: Value = serde_json::from_slice(&ready.body).unwrap();
        assert_eq!(why["why"], "unconfirmed");
        assert_eq!(log.checkpoint().claim(), newest.claim());
        log.kill();
    }
    log.start_reading();
    witness.start();
    until("the witness confirms", || {
        (log.get("/ready").status == 200).then_some(())
    });
    record_witnessed(&mut log);
    log.kill();
    let dir = log.dir();
    let audit = printed(&["audit", "--json", "--dir", text(&dir)]);
    assert_eq!(audit["clean"], true);
    assert_eq!(audit["copyInProgress"], false);
}

#[test]
fn a_checkpoint_that_the_log_did_not_sign_is_refused() {
    let mut log = Log::new();
    log.start();
    let proxy = Proxy::start(&log.listen, |path, body| {
        if path != "/checkpoint" {
            return body;
        }
        let note = String::from_utf8(body).unwrap();
        let (said, signature) = note.split_once("\n\n").unwrap();
        let mut forged = Checkpoint::parse(&format!("{said}\n")).unwrap();
        forged.root = Digest([7; 32]);
        format!("{forged}\n{signature}").into_bytes()
    });
    let said = log.once(&proxy.url(), "copy", AUTHORITY, &[]);
    let (code, error) = ended(&said);
    assert_eq!(code, 5, "{error}");
    assert!(error.contains("checkpoint: "), "{error}");
}

/// A node that lies: another's answers, changed on the way.
struct Proxy {
    address: String,
}

impl Proxy {
    fn start(
        node: &str,
        change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (node, change) = (node.to_owned(), Arc::new(change));
        // Both end with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (node, change) = (node.clone(), Arc::clone(&change));
                std::thread::spawn(move || pass_on(client.unwrap(), &node, &*change));
            }
        });
        Self { address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// One request a connection, as HTTP/1.1 allows.
fn pass_on(client: TcpStream, node: &str, change: &dyn Fn(&str, Vec<u8>) -> Vec<u8>) {
    let mut lines = BufReader::new(&client).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let head: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut server = TcpStream::connect(node).unwrap();
    let request = format!(
        "{first}\r\n{}\r\nConnection: close\r\n\r\n",
        head.join("\r\n")
    );
    server.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let (head, body) = answer.split_at(end + 4);
    let head = String::from_utf8_lossy(head);
    let kept: Vec<&str> = head
        .lines()
        .filter(|line| {
            let line = line.to_ascii_lowercase();
            !["content-length:", "connection:", "transfer-encoding:"]
                .iter()
                .any(|name| line.starts_with(name))
                && !line.is_empty()
        })
        .collect();
    let body = if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        unchunked(body)
    } else {
        body.to_vec()
    };
    let body = change(&path, body);
    let head = format!(
        "{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        kept.join("\r\n"),
        body.len()
    );
    let mut client = client;
    // A client that was killed hears nothing.
    let _gone = client
        .write_all(head.as_bytes())
        .and_then(|()| client.write_all(&body));
}

/// A body in chunks, joined (RFC 9112 §7.1).
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut joined = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        let start = end + 2;
        joined.extend_from_slice(&body[start..start + size]);
        body = &body[start + size + 2..];
    }
    joined
}
