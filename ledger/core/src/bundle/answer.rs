//! From a bundle's bytes to the answer that it proves.

use super::{BundleError, Proved, verify_by};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::provenance::{Answer, Limits, trace};
use crate::tlog_policy::{Judged, TlogPolicy};

/// A bundle that was proved, and the answer that follows from it.
#[derive(Debug)]
pub struct ProvedAnswer {
    /// The bundle.
    pub proved: Proved,
    /// What it says of the item asked for.
    pub answer: Answer,
    /// Whose checkpoint it rests on, and what stands behind that.
    pub judged: Judged,
}

/// As [`verify_by`], and computes the bundle's answer again. Expiry is read against `now`, or the
/// newest block's time where the clock lags behind it.
///
/// # Errors
/// [`BundleError`], the first fault.
pub fn prove(
    bytes: &[u8],
    policy: &TlogPolicy,
    now: UnixMillis,
) -> Result<ProvedAnswer, BundleError> {
    let (mut proved, judged) = verify_by(bytes, policy)?;
    let item = Identifier::parse(proved.item()).map_err(|_| BundleError::RecordMalformed {
        item: proved.item().to_owned(),
    })?;
    let as_of = now.max(proved.facts().time);
    let answer = trace(&mut proved, &item, as_of, Limits::DEFAULT)?;
    Ok(ProvedAnswer {
        proved,
        answer,
        judged,
    })
}
