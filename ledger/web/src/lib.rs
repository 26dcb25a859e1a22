//! What a verifier without a server says of a file.
//!
//! Bytes of options and of a file in, a [`Report`] out: what is proved, by whom, as of when, and
//! what is not, in Chinese and English. Cryptography and proofs are the core's; here is only what
//! is said about them. The browser's verifier is this crate compiled to WebAssembly
//! (`ledger/web/abi`), so that a browser's verdict and that of `suyuan verify` are one.
//!
//! **Invariant:** pure, as the core is: the moment is an argument, and the same bytes give the same
//! report on every machine. No input panics.

pub mod catalogue;
mod checked;
mod entry;
mod fork;
mod options;
mod parts;
mod proved;
mod report;

pub use options::{AGE_MAX_S, Options, OptionsError};
pub use report::{Report, Row, Section, Tone};

use ledger::bundle::{BUNDLE_BYTES_MAX, prove_chain};
use ledger::checkpoint::{Checkpoint, CheckpointError, HistoryError};
use ledger::evidence::{Evidence, EvidenceError};
use ledger::hash::Digest;
use ledger::identifier::{Identifier, scan};
use ledger::ids::TreeSize;
use ledger::proof_file::Kind;
use ledger::tlog_policy::TlogPolicy;

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
        Err(Refused::Proof { name, why }) => Report::refused(name, &why),
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
    /// The file proves nothing, or nothing of what is asked: its stable name, and in detail.
    Proof { name: &'static str, why: String },
}

impl From<OptionsError> for Refused {
    fn from(error: OptionsError) -> Self {
        Self::Options(error)
    }
}

impl Refused {
    fn proof(name: &'static str, why: &impl std::fmt::Display) -> Self {
        let why = why.to_string();
        Self::Proof { name, why }
    }
}

/// What proofs are held against.
struct Asked {
    options: Options,
    trust: TlogPolicy,
    /// The code in hand, canonical.
    item: Option<Identifier>,
    remembered: Option<Checkpoint>,
}

impl Asked {
    fn read(options: &[u8]) -> Result<Self, OptionsError> {
        let options = Options::parse(options)?;
        let trust = options.trust()?;
        let item = options.code().map(scan).transpose();
        let item = item.map_err(OptionsError::Code)?;
        Ok(Self {
            item: item.map(|scanned| scanned.identifier),
            remembered: options.remembered(&trust)?,
            options,
            trust,
        })
    }

    /// Whether `item` is the code in hand, where there is one.
    fn is_about(&self, item: &str) -> Result<(), Refused> {
        match &self.item {
            Some(wanted) if wanted.as_str() != item => Err(Refused::proof("other-item", &item)),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a tree of the log `origin` goes with the checkpoint that was kept.
    fn follows(&self, origin: &str, size: TreeSize, root: &Digest) -> Result<(), HistoryError> {
        let kept = self.remembered.as_ref();
        kept.filter(|kept| kept.origin == origin)
            .map_or(Ok(()), |kept| kept.is_followed_by(size, root))
    }
}

fn judged(options: &[u8], file: &[u8]) -> Result<Report, Refused> {
    let asked = Asked::read(options)?;
    match Kind::of(file) {
        Some(Kind::Bundle | Kind::Chain) => bundle(&asked, file),
        Some(Kind::Check) => checked::report(&asked, file),
        Some(Kind::Receipt) => entry::of_receipt(&asked, file),
        Some(Kind::TlogProof) => entry::of_tlog_proof(&asked, file),
        Some(Kind::Evidence) => evidence(&asked, file),
        None => Err(Refused::proof(
            "kind-unknown",
            &"neither a bundle, a chain, a receipt, a tlog-proof, a check answer nor evidence",
        )),
    }
}

fn evidence(asked: &Asked, file: &[u8]) -> Result<Report, Refused> {
    let evidence = Evidence::parse(&String::from_utf8_lossy(file));
    let fork = evidence.and_then(|evidence| evidence.verify(&asked.trust));
    let fork = fork.map_err(|error| Refused::proof(evidence_name(&error), &error))?;
    Ok(fork::report(&fork))
}

fn bundle(asked: &Asked, file: &[u8]) -> Result<Report, Refused> {
    let proved = prove_chain(file, &asked.trust, asked.options.now())
        .map_err(|error| Refused::proof(error.name(), &error))?;
    asked.is_about(proved.root.proved.item())?;
    for (facts, judged) in proved.rests_on() {
        asked
            .follows(&judged.checkpoint.origin, facts.size, &facts.root)
            .map_err(|error| Refused::proof(error.name(), &error))?;
    }
    Ok(proved::report(&proved, &asked.trust, &asked.options))
}

#[cfg(test)]
mod tests;
