//! What a verifier without a server says of a file.
//!
//! Bytes of options and of a file in, a [`Report`] out: what is proved, by whom, as of when, and
//! what is not, in Chinese and English. Cryptography and proofs are [`ledger::bundle`]'s; here is
//! only what is said about them. The browser's verifier is this crate compiled to WebAssembly
//! (`ledger/web/abi`), so that a browser's verdict and that of `suyuan verify` are one.
//!
//! **Invariant:** pure, as the core is: the moment is an argument, and the same bytes give the same
//! report on every machine. No input panics.

pub mod catalogue;
mod fork;
mod options;
mod proved;
mod report;

pub use options::{AGE_MAX_S, Options, OptionsError};
pub use report::{Report, Row, Section, Tone};

use ledger::bundle::{BUNDLE_BYTES_MAX, BundleError, prove};
use ledger::checkpoint::CheckpointError;
use ledger::evidence::{Evidence, EvidenceError, FORMAT};
use ledger::identifier::scan;

/// The longest file that is worth reading, bytes: one more than the largest bundle, so that a
/// larger one is refused by its name.
pub const FILE_BYTES_MAX: usize = BUNDLE_BYTES_MAX + 1;

/// The report on `file` as JSON.
///
/// `options`: JSON of [`Options`]. Costs what verifying the bundle costs: one signature check for
/// each statement and block header in it.
#[must_use]
pub fn verify(options: &[u8], file: &[u8]) -> Vec<u8> {
    // Text, numbers and lists always serialise; an empty report would show in every test.
    serde_json::to_vec(&report(options, file)).unwrap_or_default()
}

/// The report on `file`.
#[must_use]
pub fn report(options: &[u8], file: &[u8]) -> Report {
    match judged(options, file) {
        Ok(report) => report,
        Err(Refused::Options(error)) => Report::unasked(&error),
        Err(Refused::Bundle(error)) => Report::refused(error.name(), &error.to_string()),
        Err(Refused::Evidence(error)) => Report::refused(evidence_name(&error), &error.to_string()),
        Err(Refused::OtherItem { item }) => Report::refused("other-item", &item),
    }
}

/// Of a log that is not trusted, as `suyuan verify` says it.
const fn evidence_name(error: &EvidenceError) -> &'static str {
    match error {
        EvidenceError::Checkpoint {
            why: CheckpointError::Origin { .. },
            ..
        } => "log-unknown",
        EvidenceError::Malformed { .. }
        | EvidenceError::Checkpoint { .. }
        | EvidenceError::Origins { .. }
        | EvidenceError::Consistent
        | EvidenceError::Proof(_) => error.name(),
    }
}

/// Why there is no proof.
#[derive(Debug)]
enum Refused {
    /// Nothing was checked.
    Options(OptionsError),
    /// The evidence convicts nobody.
    Evidence(EvidenceError),
    /// The bundle proves nothing.
    Bundle(BundleError),
    /// It proves something, about another code than the one in hand.
    OtherItem { item: String },
}

fn judged(options: &[u8], file: &[u8]) -> Result<Report, Refused> {
    let options = Options::parse(options).map_err(Refused::Options)?;
    let trust = options.trust().map_err(Refused::Options)?;
    if file.starts_with(FORMAT.as_bytes()) {
        let evidence = Evidence::parse(&String::from_utf8_lossy(file));
        let fork = evidence.and_then(|evidence| evidence.verify(&trust));
        return Ok(fork::report(&fork.map_err(Refused::Evidence)?));
    }
    let wanted = options.code().map(scan).transpose();
    let wanted = wanted.map_err(|why| Refused::Options(OptionsError::Code(why)))?;
    let proved = prove(file, &trust, options.now()).map_err(Refused::Bundle)?;
    if wanted.is_some_and(|wanted| wanted.identifier.as_str() != proved.proved.item()) {
        return Err(Refused::OtherItem {
            item: proved.proved.item().to_owned(),
        });
    }
    Ok(proved::report(&proved, &trust, &options))
}

#[cfg(test)]
mod tests;
