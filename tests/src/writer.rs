//! Running the loading process, and ending it.

use crate::layer::Layer;
use crate::said::Said;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, sleep};
use std::time::Duration;

/// Longer than the slowest start on a loaded machine: only a hang takes this long.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A loading process.
#[derive(Debug)]
pub struct Writer {
    child: Child,
    lines: Receiver<Said>,
    heard: Vec<Said>,
}

impl Writer {
    /// Starts `program`, the binary `writer`, on the ledger in `dir`.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(program: &str, dir: &Path, life: u64, layer: Option<&Layer>) -> Self {
        let mut command = Command::new(program);
        command.arg(dir).arg(life.to_string());
        if let Some(layer) = layer {
            layer.apply(&mut command);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the writer was built with its tests");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        // Bounded by what a process can say before it is killed: some MB.
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            // A line without its end was cut by the kill, and never said.
            while matches!(output.read_line(&mut line), Ok(1..)) && line.ends_with('\n') {
                let said = Said::parse(line.trim_end());
                let said = said.unwrap_or_else(|| panic!("not understood: {line}"));
                if sender.send(said).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// Waits until it has said something like this.
    ///
    /// # Panics
    /// If it ends first, or says nothing for a minute.
    #[must_use]
    pub fn until(mut self, wanted: impl Fn(&Said) -> bool) -> Self {
        loop {
            let Ok(said) = self.lines.recv_timeout(SILENCE_MAX) else {
                panic!("the writer ended or hung; last: {:?}", self.heard.last());
            };
            let found = wanted(&said);
            self.heard.push(said);
            if found {
                return self;
            }
        }
    }

    /// Kills it with SIGKILL after `moment`, and returns all it has said.
    ///
    /// # Panics
    /// If the operating system refuses.
    #[must_use]
    pub fn kill_after(mut self, moment: Duration) -> Vec<Said> {
        // The one use of time: when the process dies.
        sleep(moment);
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
        self.heard.extend(self.lines.iter());
        self.heard
    }

    /// Waits for its end, and returns all it has said.
    ///
    /// # Panics
    /// If the operating system refuses.
    #[must_use]
    pub fn wait(mut self) -> (ExitStatus, Vec<Said>) {
        self.heard.extend(self.lines.iter());
        (self.child.wait().expect("our own child"), self.heard)
    }
}
