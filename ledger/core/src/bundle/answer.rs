//! From a bundle's bytes to the answer that it proves.

use super::verify::verify_decoded;
use super::{Bundle, BundleError, Proved};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::note::Note;
use crate::provenance::{Answer, Limits, trace};
use crate::trust::TrustFile;

/// A bundle that was proved, and the answer that follows from it.
#[derive(Debug)]
pub struct ProvedAnswer {
    /// The bundle.
    pub proved: Proved,
    /// What it says of the item asked for.
    pub answer: Answer,
    /// The log that proves it.
    pub origin: String,
}

/// Verifies a bundle against the log that it names among those trusted, and computes its answer
/// again. Of an unknown origin any trusted log says so: the name is checked first. Expiry is read against `now`, or the newest block's time where the clock lags behind it.
///
/// # Errors
/// [`BundleError`], the first fault.
pub fn prove(
    bytes: &[u8],
    trust: &TrustFile,
    now: UnixMillis,
) -> Result<ProvedAnswer, BundleError> {
    let bundle = Bundle::decode(bytes)?;
    let origin = Note::parse(&bundle.checkpoint)
        .map_err(CheckpointError::from)
        .and_then(|note| Checkpoint::parse(note.text()))?
        .origin;
    let log = trust.of_origin(&origin).unwrap_or_else(|| trust.first());
    let mut proved = verify_decoded(bundle, &log)?;
    let item = Identifier::parse(proved.item()).map_err(|_| BundleError::RecordMalformed {
        item: proved.item().to_owned(),
    })?;
    let as_of = now.max(proved.facts().time);
    let answer = trace(&mut proved, &item, as_of, Limits::DEFAULT)?;
    Ok(ProvedAnswer {
        proved,
        answer,
        origin,
    })
}
