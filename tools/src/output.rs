//! What a run prints: tables and sentences for people, one JSON value for programs.
//!
//! Results go to standard output, everything else to standard error. Colours and progress bars
//! appear only on a terminal.

use crate::exit::Failure;
use crate::text::{Lang, Text};
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

/// Where a run prints, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// One JSON value instead of text.
    pub(crate) json: bool,
    /// The language of texts.
    pub(crate) lang: Lang,
}

impl Console {
    /// Prints a line of the result.
    #[expect(clippy::unused_self, reason = "whoever prints holds the console")]
    pub(crate) fn line(self, line: impl Display) -> Result<(), Failure> {
        written(writeln!(io::stdout().lock(), "{line}"))
    }

    /// Prints a line of the result from the catalogue.
    pub(crate) fn say(self, text: Text) -> Result<(), Failure> {
        self.line(self.lang.pick(text))
    }

    /// Prints the result for programs.
    pub(crate) fn value(self, value: &serde_json::Value) -> Result<(), Failure> {
        self.line(format_args!("{value:#}"))
    }

    /// Prints a remark that is no part of the result.
    #[expect(clippy::unused_self, reason = "whoever prints holds the console")]
    pub(crate) fn note(self, line: impl Display) {
        // Nobody reads it: the run goes on all the same.
        let _ignored = writeln!(io::stderr().lock(), "{line}");
    }

    /// Prints rows under headings, as wide as the terminal allows.
    pub(crate) fn table(
        self,
        headings: &[Text],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(headings.iter().map(|text| self.lang.pick(*text)));
        for row in rows {
            table.add_row(row);
        }
        self.line(table)
    }

    /// Whether to show progress: to a person at a terminal.
    #[cfg(feature = "node")]
    pub(crate) fn shows_progress(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// Prints why the run failed, as an object where programs read.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            let value = serde_json::json!({
                "error": format!("{:?}", failure.code).to_lowercase(),
                "what": failure.what,
                "remedy": failure.remedy,
            });
            self.note(value);
            return;
        }
        self.note(format_args!(
            "{}: {}",
            self.lang.pick(crate::text::ERROR),
            failure.what
        ));
        if let Some(remedy) = &failure.remedy {
            self.note(format_args!(
                "{}: {remedy}",
                self.lang.pick(crate::text::REMEDY)
            ));
        }
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_terminal(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }
}

/// A reader that has seen enough, such as `head`, is no failure.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}
