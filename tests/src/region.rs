//! One ledger and its node as an operator runs them: founded, watched, served, killed, by the
//! binary `suyuan` and nothing else.

use crate::demo::{Answer, get, printed, suyuan};
use crate::files::copy_dir;
use ledger::checkpoint::SignedCheckpoint;
use ledger::ids::TreeSize;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything that is waited for takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a look takes to be worth another.
const LOOK: Duration = Duration::from_millis(5);

/// Waits until `done` gives something, and says how long that took.
///
/// # Panics
/// If it does not within a minute: `what` is what it waited for.
pub fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> (T, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(found) = done() {
            return (found, begun.elapsed());
        }
        assert!(begun.elapsed() < PATIENCE, "still waiting: {what}");
        std::thread::sleep(LOOK);
    }
}

/// A founded ledger, its node running or not.
#[derive(Debug)]
pub struct Region {
    home: TempDir,
    listen: String,
    origin: String,
    vkey: String,
    node: Option<Child>,
    products: u32,
}

impl Region {
    /// Founds the ledger of a place; its node is not running yet.
    ///
    /// # Panics
    /// If it cannot be founded.
    #[must_use]
    pub fn found(place: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory for the ledger");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let listen = free.expect("a free port").to_string();
        let origin = format!("{place}.example/log");
        let (url, dir) = (format!("http://{listen}"), home.path().join("data"));
        let founded = printed(&[
            "init",
            "--json",
            "--dir",
            text(&dir),
            "--origin",
            &origin,
            "--public-url",
            &url,
        ]);
        let vkey = founded["vkey"].as_str().expect("a verifier key").to_owned();
        Self {
            home,
            listen,
            origin,
            vkey,
            node: None,
            products: 0,
        }
    }

    /// A copy of it, with its keys, for a node elsewhere; that is not running.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[must_use]
    pub fn copied(&self) -> Self {
        let home = tempfile::tempdir().expect("a directory for the copy");
        copy_dir(&self.dir(), &home.path().join("data"));
        let free = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        Self {
            home,
            listen: free.expect("a free port").to_string(),
            origin: self.origin.clone(),
            vkey: self.vkey.clone(),
            node: None,
            products: self.products,
        }
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A file beside the data directory.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The log's verifier key.
    #[must_use]
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// Makes it a witness of `logs`, and returns its line for their policies.
    ///
    /// # Panics
    /// If it cannot.
    #[must_use]
    pub fn watch(&self, name: &str, logs: &[&Self]) -> String {
        let dir = self.dir();
        let mut args = vec!["witness", "--json", "--dir", text(&dir), "--name", name];
        for log in logs {
            args.extend(["--log", &log.vkey]);
        }
        let made = printed(&args);
        made["policyLine"].as_str().expect("a line").to_owned()
    }

    /// Writes its trust policy: itself, and these lines.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn trust(&self, lines: &[&str]) {
        let policy = self.policy(lines);
        std::fs::write(self.dir().join("trust.txt"), policy).expect("a policy is written");
    }

    /// A policy of its log and these lines.
    #[must_use]
    pub fn policy(&self, lines: &[&str]) -> String {
        format!("log {}\n{}\n", self.vkey, lines.join("\n"))
    }

    /// Starts its node and waits until it takes statements.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(&mut self) {
        self.start_reading();
        assert_eq!(self.get("/ready").status, 200);
    }

    /// Starts its node and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub fn start_reading(&mut self) {
        self.start_reading_with(&[]);
    }

    /// The same, with more options.
    ///
    /// # Panics
    /// If it does not.
    pub fn start_reading_with(&mut self, more: &[&str]) {
        let listen = self.listen.clone();
        let mut node = self.serving(more).spawn().expect("suyuan runs");
        until("the node listens", || {
            let ended = node.try_wait().expect("a child of ours");
            assert!(ended.is_none(), "the node ended: {ended:?}");
            std::net::TcpStream::connect(&listen).ok()
        });
        self.node = Some(node);
    }

    /// The command that serves it, its log written to [`Self::said`].
    fn serving(&self, more: &[&str]) -> Command {
        let dir = self.dir();
        let log = File::create(self.file("node.log")).expect("a file for the node's log");
        let mut command = suyuan(&["serve", "--loopback-privileges", "--listen", &self.listen]);
        command.args(["--dir", text(&dir)]).args(more);
        command.stdout(Stdio::null()).stderr(log);
        command
    }

    /// What its node has said on standard error since it was started last.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.file("node.log")).expect("the node's log")
    }

    /// Starts its node, which ends by itself; its exit code. What it said is in [`Self::said`].
    ///
    /// # Panics
    /// If it goes on for a minute.
    #[must_use]
    pub fn run_until_it_ends(&self, more: &[&str]) -> i32 {
        let mut node = self.serving(more).spawn().expect("suyuan runs");
        let ended = until("the node ends", || {
            node.try_wait().expect("a child of ours")
        });
        ended.0.code().expect("it was not killed")
    }

    /// Waits until its running node has ended by itself; its exit code.
    ///
    /// # Panics
    /// If it goes on for a minute.
    pub fn ends(&mut self) -> i32 {
        let mut node = self.node.take().expect("it is running");
        let ended = until("the node ends", || {
            node.try_wait().expect("a child of ours")
        });
        ended.0.code().expect("it was not killed")
    }

    /// Where its node listens, host and port.
    #[must_use]
    pub fn listen(&self) -> &str {
        &self.listen
    }

    /// One figure of its node.
    ///
    /// # Panics
    /// If it has no such figure.
    #[must_use]
    pub fn figure(&self, name: &str) -> String {
        let text = String::from_utf8(self.get("/metrics").body).expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.unwrap_or_else(|| panic!("no figure {name} in {text}"));
        value.trim().to_owned()
    }

    /// Ends its node at once, without a word to anyone.
    ///
    /// # Panics
    /// If it is not running.
    pub fn kill(&mut self) {
        let mut node = self.node.take().expect("it is running");
        node.kill().expect("it can be killed");
        node.wait().expect("it is gone");
    }

    /// Asks its node.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        get(&format!("http://{}{path}", self.listen), "*/*")
    }

    /// Where its node is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Records something, and so gets a new checkpoint; returns the size it has at least.
    ///
    /// # Panics
    /// If it is refused.
    pub fn record(&mut self) -> TreeSize {
        self.products += 1;
        let dir = self.dir();
        let key = dir.join("authority.key");
        let id = format!("https://id.gs1.org/01/{}", gtin(self.products));
        let (key, url) = (text(&key), self.url());
        let said = printed(&[
            "product", "--id", &id, "--en", "Thing", "--key", key, "--node", &url, "--json",
        ]);
        let leaf = said["leaf"].as_u64().expect("a leaf");
        TreeSize(leaf + 2)
    }

    /// Its newest checkpoint, with the cosignatures so far.
    ///
    /// # Panics
    /// If it gives none.
    #[must_use]
    pub fn checkpoint(&self) -> SignedCheckpoint {
        let answer = self.get("/checkpoint");
        assert_eq!(answer.status, 200);
        let note = String::from_utf8(answer.body).expect("text");
        SignedCheckpoint::parse(&note).expect("a checkpoint")
    }

    /// The newest checkpoint that met its quorum.
    ///
    /// # Panics
    /// If it gives anything else.
    #[must_use]
    pub fn witnessed(&self) -> Option<SignedCheckpoint> {
        let answer = self.get("/checkpoint/witnessed");
        if answer.status == 404 {
            return None;
        }
        let note = String::from_utf8(answer.body).expect("text");
        Some(SignedCheckpoint::parse(&note).expect("a checkpoint"))
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(mut node) = self.node.take() {
            // Gone already, in a test that ends badly.
            let _gone = node.kill();
            let _status = node.wait();
        }
    }
}

/// A GTIN-14 of its own for each number.
fn gtin(number: u32) -> String {
    let digits = format!("0690123{number:06}");
    let weigh =
        |(at, digit): (usize, u8)| u32::from(digit - b'0') * if at % 2 == 0 { 3 } else { 1 };
    let sum: u32 = digits.bytes().enumerate().map(weigh).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}
