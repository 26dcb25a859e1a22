//! The binary `suyuan` as its users run it: in processes of its own, over HTTP, on this machine.

use crate::network::{ADDRESS, Network};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than any answer of a loaded machine: only a hang takes this long.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Far more than any page, receipt or bundle of the demo.
const BODY_BYTES_MAX: u64 = 16 << 20;

static BINARY: LazyLock<PathBuf> = LazyLock::new(binary);

/// `suyuan`, ready to run with `args`, in English.
///
/// # Panics
/// If it is neither built nor can be.
#[must_use]
pub fn suyuan(args: &[&str]) -> Command {
    let mut command = Command::new(&*BINARY);
    command
        .args(args)
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .stdin(Stdio::null());
    command
}

/// Where `suyuan` is: beside the tests. A run of the whole workspace has built it; a run of this
/// package alone builds it where it is missing, and cargo's lock keeps others waiting.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its file");
    let profile_dir = test.ancestors().nth(2).expect("target/PROFILE/deps/it");
    let binary = profile_dir.join("suyuan");
    if !binary.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
            None | Some("debug") => "dev",
            Some(name) => name,
        };
        let built = Command::new(cargo)
            .args(["build", "--package", "tools", "--profile", profile])
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .arg("--target-dir")
            .arg(profile_dir.parent().expect("target"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "cargo build --package tools: {built}");
    }
    binary
}

/// A value that `suyuan` prints.
///
/// # Panics
/// If it fails, or prints anything else.
#[must_use]
pub fn printed(args: &[&str]) -> Value {
    let output = suyuan(args).output().expect("suyuan runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The exit code and the standard error of a run.
///
/// # Panics
/// If a signal ended it.
#[must_use]
pub fn ended(output: &Output) -> (i32, String) {
    let code = output.status.code().expect("it ended by itself");
    (code, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Asks for `url`, as a client that understands `accept`.
///
/// # Panics
/// If nobody answers.
#[must_use]
pub fn get(url: &str, accept: &str) -> Answer {
    answered(url, agent().get(url).header("Accept", accept).call())
}

/// Sends `body` to `url`.
///
/// # Panics
/// If nobody answers.
#[must_use]
pub fn post(url: &str, media_type: &str, body: &[u8]) -> Answer {
    let request = agent().post(url).header("Content-Type", media_type);
    answered(url, request.send(body))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_MAX))
        .proxy(None)
        .build()
        .into()
}

fn answered(url: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.unwrap_or_else(|error| panic!("{url}: {error}"));
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(BODY_BYTES_MAX);
    Answer {
        status,
        body: body.read_to_vec().expect("a whole body"),
    }
}

/// A running `suyuan demo` on a free port of this machine; it ends with this value.
#[derive(Debug)]
pub struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    home: TempDir,
}

impl Demo {
    /// Starts it; `options` come after those that name the directory and the port.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(
            suyuan(&["demo", "--listen", "127.0.0.1:0", "--dir"]),
            options,
        )
    }

    /// Starts it in a network of its own, on the address there.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_in(network: &Network, options: &[&str]) -> Self {
        let mut command = network.command(BINARY.as_os_str());
        let listen = format!("{ADDRESS}:0");
        command
            .args(["demo", "--listen", &listen, "--dir"])
            .stdin(Stdio::null());
        Self::start_with(command, options)
    }

    fn start_with(mut command: Command, options: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a directory for the ledger");
        let mut child = command
            .arg(home.path())
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("suyuan runs");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            child,
            output,
            home,
        }
    }

    /// The ledger's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// What is trusted about the demo's log.
    #[must_use]
    pub fn trust_file(&self) -> PathBuf {
        self.dir().join("trust.txt")
    }

    /// The value that it prints once it serves, of `--json`.
    ///
    /// # Panics
    /// If it prints anything else.
    pub fn value(&mut self) -> Value {
        // No more is read than the value: the demo goes on, and the pipe stays open.
        let mut values = serde_json::Deserializer::from_reader(&mut self.output).into_iter();
        values.next().expect("the demo prints").expect("JSON")
    }

    /// The next line for people.
    ///
    /// # Panics
    /// If there is none.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).expect("text");
        assert!(read > 0, "the demo ended");
        line.trim_end_matches('\n').to_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Gone already, in a test that ends badly.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
