//! A headless Chromium as a phone, spoken to over the Chrome `DevTools` protocol on a pipe: no port
//! is opened, and the browser ends with whoever started it.

use crate::network::Network;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than the slowest answer of a loaded machine: only a hang takes this long.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// A phone's screen in CSS pixels.
pub const WIDTH: u32 = 360;
/// Its height.
pub const HEIGHT: u32 = 640;

/// The browser reads commands from file descriptor 3 and answers on 4.
const ON_A_PIPE: &str = r#"exec "$0" "$@" 3<&0 4>&1 1>&2"#;

/// A running browser.
#[derive(Debug)]
pub struct Chromium {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    events: Vec<Value>,
    sent: u64,
    /// Removed with this value.
    _profile: TempDir,
}

/// A page as loaded, and what happened on the way.
#[derive(Debug)]
pub struct Page {
    session: String,
    target: String,
    /// Every address that was asked for.
    pub requests: Vec<String>,
    /// Bytes of all answers, decompressed.
    pub bytes: u64,
    /// What the browser complained of: errors, warnings, violations of the page's own policy.
    pub complaints: Vec<String>,
}

impl Chromium {
    /// Starts a browser with an empty profile.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Command::new("sh"))
    }

    /// Starts a browser in a network of its own.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn start_in(network: &Network) -> Self {
        Self::start_with(network.command("sh"))
    }

    fn start_with(mut command: Command) -> Self {
        let profile = tempfile::tempdir().expect("a directory for the profile");
        let mut child = command
            .args(["-c", ON_A_PIPE, "chromium", "--remote-debugging-pipe"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
            ])
            .args(["--no-first-run", "--no-proxy-server", "--disable-sync"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let commands = child.stdin.take().expect("piped");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        // Bounded by what a few dozen small pages cause.
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while matches!(output.read_until(0, &mut message), Ok(1..)) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else {
                    return;
                };
                if sender.send(value).is_err() {
                    return;
                }
                message.clear();
            }
        });
        Self {
            child,
            commands,
            messages,
            events: Vec::new(),
            sent: 0,
            _profile: profile,
        }
    }

    fn next(&self, awaited: &str) -> Value {
        self.messages.recv_timeout(ANSWER_MAX).unwrap_or_else(|_| {
            panic!(
                "chromium is missing or does not answer to {awaited}: run tools/test.sh, which \
                 installs it"
            )
        })
    }

    /// Sends a command and waits for its result.
    fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        // A browser that has gone is met below, where it does not answer.
        let _gone = write!(self.commands, "{command}\0").and_then(|()| self.commands.flush());
        loop {
            let message = self.next(method);
            if message["id"] == self.sent {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// Opens `url` as a phone would whose owner reads `languages` (RFC 9110 §12.5.4).
    ///
    /// # Panics
    /// If the browser is missing, or the address cannot be reached.
    pub fn open(&mut self, url: &str, languages: &str) -> Page {
        let target = self.call(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let target = text(&target["targetId"]);
        let attach = json!({"targetId": target, "flatten": true});
        let session = self.call(None, "Target.attachToTarget", &attach);
        let session = text(&session["sessionId"]);
        for domain in ["Page", "Network", "Runtime", "Log"] {
            self.call(Some(&session), &format!("{domain}.enable"), &json!({}));
        }
        let screen =
            json!({"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 2, "mobile": true});
        self.call(
            Some(&session),
            "Emulation.setDeviceMetricsOverride",
            &screen,
        );
        let headers = json!({"headers": {"Accept-Language": languages}});
        self.call(Some(&session), "Network.setExtraHTTPHeaders", &headers);
        self.call(
            Some(&session),
            "Network.setCacheDisabled",
            &json!({"cacheDisabled": true}),
        );
        self.events.clear();
        let going = self.call(Some(&session), "Page.navigate", &json!({"url": url}));
        assert!(
            going["errorText"].is_null(),
            "{url}: {}",
            going["errorText"]
        );
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self.next(url);
            self.events.push(event);
        }
        // Whatever was said up to here arrives before this answer.
        self.call(
            Some(&session),
            "Runtime.evaluate",
            &json!({"expression": "0"}),
        );
        let mut page = Page {
            session,
            target,
            requests: Vec::new(),
            bytes: 0,
            complaints: Vec::new(),
        };
        for event in std::mem::take(&mut self.events) {
            page.note(&event, url);
        }
        page
    }

    /// The value of a JavaScript expression on the page.
    ///
    /// # Panics
    /// If it throws.
    pub fn evaluate(&mut self, page: &Page, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        let result = self.call(Some(&page.session), "Runtime.evaluate", &params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{}",
            result["exceptionDetails"]
        );
        result["result"]["value"].clone()
    }

    /// The value that a promise on the page comes to.
    ///
    /// # Panics
    /// If it is rejected, or pending longer than any answer takes.
    pub fn awaited(&mut self, page: &Page, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call(Some(&page.session), "Runtime.evaluate", &params);
        assert!(
            result["exceptionDetails"].is_null(),
            "{}",
            result["exceptionDetails"]
        );
        result["result"]["value"].clone()
    }

    /// Chooses a file in the input that `selector` finds, as its user would.
    ///
    /// # Panics
    /// If there is no such input, or no such file.
    pub fn choose_file(&mut self, page: &Page, selector: &str, path: &Path) {
        let expression = format!("document.querySelector({})", json!(selector));
        let found = self.call(
            Some(&page.session),
            "Runtime.evaluate",
            &json!({ "expression": expression }),
        );
        let input = text(&found["result"]["objectId"]);
        assert!(path.exists(), "{}", path.display());
        let params = json!({"files": [path], "objectId": input});
        self.call(Some(&page.session), "DOM.setFileInputFiles", &params);
    }

    /// Makes the page's processor `times` slower than it is.
    pub fn slow_down(&mut self, page: &Page, times: u32) {
        let rate = json!({ "rate": times });
        self.call(Some(&page.session), "Emulation.setCPUThrottlingRate", &rate);
    }

    /// A picture of the first screen, base64 of PNG.
    pub fn first_screen(&mut self, page: &Page) -> String {
        self.picture(page, &json!({"format": "png"}))
    }

    /// A picture of the whole page, base64 of PNG.
    pub fn whole_page(&mut self, page: &Page) -> String {
        let height = self.evaluate(page, "document.documentElement.scrollHeight");
        let clip = json!({"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 0.5});
        self.picture(
            page,
            &json!({"format": "png", "captureBeyondViewport": true, "clip": clip}),
        )
    }

    fn picture(&mut self, page: &Page, params: &Value) -> String {
        text(&self.call(Some(&page.session), "Page.captureScreenshot", params)["data"])
    }

    /// Closes a page.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a closed page is of no more use"
    )]
    pub fn close(&mut self, page: Page) {
        self.call(
            None,
            "Target.closeTarget",
            &json!({"targetId": page.target}),
        );
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Gone already, in a test that ends badly.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Page {
    fn note(&mut self, event: &Value, url: &str) {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => self.requests.push(text(&params["request"]["url"])),
            "Network.dataReceived" => self.bytes += params["dataLength"].as_u64().unwrap_or(0),
            "Log.entryAdded" => {
                let entry = &params["entry"];
                // That a code is unknown is the answer's status, no fault of the page.
                let status = entry["source"] == "network" && entry["url"] == url;
                if !status && matches!(entry["level"].as_str(), Some("warning" | "error")) {
                    self.complaints.push(entry.to_string());
                }
            }
            "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" => {
                self.complaints.push(params.to_string());
            }
            _ => {}
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
