//! Events of other logs in a bundle, held against the reader's own policy.
//!
//! The importing log has verified each by its policy of then. A reader who knows the other log too
//! need not take that on its word: the proof is in the record. Costs a few signatures for each.

use super::BundleError;
use crate::cbor::Map;
use crate::region::{ImportError, read_import};
use crate::store::EventRef;
use crate::tlog_policy::{Standing, TlogPolicy};

/// An event of another log that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The log's origin.
    pub log: String,
    /// What stands behind it by the reader's policy. `None`: the policy does not name that log, so
    /// that the importing log's word stands for it.
    pub standing: Option<Standing>,
}

impl Import {
    /// Of the record at `at`.
    ///
    /// # Errors
    /// `ImportUnproved`.
    pub(super) fn judge(
        at: EventRef,
        record: &Map,
        policy: Option<&TlogPolicy>,
    ) -> Result<Self, BundleError> {
        let unproved = |why| BundleError::ImportUnproved { at, why };
        let (log, proof) = read_import(record).map_err(unproved)?;
        let policy = policy.filter(|policy| policy.log_of_origin(log).is_some());
        let judged = policy.map(|policy| proof.judge(policy)).transpose();
        let judged = judged.map_err(|why| unproved(why.into()))?;
        let told = match &judged {
            Some((told, _)) => told.log.clone(),
            None => proof.told().map_err(|why| unproved(why.into()))?.log,
        };
        if told != log {
            return Err(unproved(ImportError::Field("log")));
        }
        Ok(Self {
            log: told,
            standing: judged.map(|(_, judged)| judged.standing),
        })
    }
}
