//! Verification: from a client's bytes to a checked statement, on all cores at once.

use crate::room::{Refused, Verified};
use ledger::admission::{Checked, check};
use ledger::hash::Digest;
use ledger::ids::CaptureId;
use ledger::reject::RejectReason;
use ledger::signature::{KeyId, PublicKey};
use ledger::state::{KeyRecord, Record as _, StateKey};
use ledger::statement::{Issuer, SignedStatement};
use ledger::store::{Store, StoreError, View as _};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Decoded keys kept: at about 200 bytes each, 13 MiB. A region has fewer active signers.
pub const KEYS_MAX: usize = 65_536;

/// Keys, decoded once. A key's name is the hash of its bytes, so what is kept never goes stale:
/// whether it still counts is for the sequencer to say.
#[derive(Debug)]
pub(crate) struct KeyCache {
    keys: RwLock<HashMap<KeyId, PublicKey>>,
    keys_max: usize,
}

impl KeyCache {
    pub(crate) fn new(keys_max: usize) -> Self {
        Self {
            keys: RwLock::default(),
            keys_max,
        }
    }

    /// The key of this name on the ledger, or `None` where there is none.
    fn find<S: Store>(&self, store: &S, id: KeyId) -> Result<Option<PublicKey>, StoreError> {
        let kept = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if kept.is_some() {
            return Ok(kept);
        }
        let at = StateKey::key(id);
        let Some(record) = store.view().records(&[at])?.pop().flatten() else {
            return Ok(None);
        };
        let key = KeyRecord::decode(&record)
            .ok()
            .and_then(|record| record.key())
            .filter(|key| key.key_id() == id)
            .ok_or_else(|| StoreError::Corrupt {
                what: "key",
                detail: format!("{id}"),
            })?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= self.keys_max {
            // To begin anew costs each signer one read; to remember who came last costs every one.
            keys.clear();
        }
        keys.insert(id, key.clone());
        Ok(Some(key))
    }
}

/// Parses and checks all that needs no state but the key.
pub(crate) fn verify<S: Store>(
    store: &S,
    keys: &KeyCache,
    bytes: &[u8],
) -> Result<Verified, StoreError> {
    let refused = |reason, capture| {
        Box::new(Refused {
            reason,
            capture,
            submitted: Digest::of(bytes),
        })
    };
    let statement = match SignedStatement::parse(bytes) {
        Ok(statement) => statement,
        Err(reason) => return Ok(Err(refused(reason, None))),
    };
    let (id, capture) = (statement.header().key, capture_of(&statement));
    let Some(key) = keys.find(store, id)? else {
        return Ok(Err(refused(RejectReason::KeyUnknown { key: id }, capture)));
    };
    Ok(check(statement, &key).map_err(|reason| refused(reason, capture)))
}

/// A refusal by the sequencer, of a statement whose bytes are at hand in parsed form only: it has
/// one encoding.
pub(crate) fn refused_later(checked: &Checked, reason: RejectReason) -> Refused {
    let statement = checked.statement();
    Refused {
        reason,
        capture: capture_of(statement),
        submitted: Digest::of(&statement.encode()),
    }
}

/// The capture id; the log's own statements have none.
pub(crate) const fn capture_of(statement: &SignedStatement) -> Option<CaptureId> {
    match statement.header().issuer {
        Issuer::Participant { capture, .. } => Some(capture),
        Issuer::Log { .. } => None,
    }
}
