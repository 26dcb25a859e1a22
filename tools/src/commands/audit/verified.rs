//! Leaves with the verdict on each signature, on all cores: what an audit and a mirror replay.

use ledger::audit::Prepared;
use ledger::signature::{KeyId, PublicKey};
use rayon::iter::ParallelIterator;
use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::thread::Scope;

/// What waits between two stages of a replay, for the cores to have work while a write is synced;
/// each is some megabytes.
const AHEAD: usize = 4;

/// The items of `source`, made on a thread of their own while those before are taken; after an
/// error there are none.
pub(crate) fn ahead<'scope, T: Send + 'scope, E: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    source: impl Iterator<Item = Result<T, E>> + Send + 'scope,
) -> impl Iterator<Item = Result<T, E>> + Send + 'scope {
    let (made, taken) = sync_channel(AHEAD);
    scope.spawn(move || {
        for one in source {
            let failed = one.is_err();
            // Nobody takes any more where a later stage failed.
            if made.send(one).is_err() || failed {
                break;
            }
        }
    });
    taken.into_iter()
}

/// Keys that signatures may be under. Whether a key counts at a leaf is the replay's to judge.
#[derive(Debug)]
pub(crate) struct Keys {
    log: KeyId,
    known: BTreeMap<KeyId, PublicKey>,
}

impl Keys {
    /// The log's own key.
    pub(crate) fn of_log(key: &PublicKey) -> Self {
        Self {
            log: key.key_id(),
            known: BTreeMap::from([(key.key_id(), key.clone())]),
        }
    }

    /// Adds keys.
    pub(crate) fn extend(&mut self, keys: impl IntoIterator<Item = PublicKey>) {
        let keys = keys.into_iter().map(|key| (key.key_id(), key));
        self.known.extend(keys);
    }

    /// Whether a leaf's signature verifies; `None` if its key is not known. Headers are the log's.
    fn verify(&self, one: &Prepared) -> Option<bool> {
        let id = one.statement()?.header().key;
        let key = self.known.get(&id)?;
        Some((!one.is_header() || id == self.log) && one.verifies_under(key))
    }
}

/// A leaf, whether its signature verifies if its key was known before, and the keys it brings.
type Judged = (Prepared, Option<bool>, Vec<PublicKey>);

/// The leaves of a batch with the verdict on each signature; the keys they bring are added to
/// `keys`. All cores work, each on one leaf from its bytes to what is left of it: memory that
/// changes hands is slow.
///
/// # Errors
/// Those of `leaves`.
pub(crate) fn verified<E: Send>(
    leaves: impl ParallelIterator<Item = Result<Prepared, E>>,
    keys: &mut Keys,
) -> Result<Vec<(Prepared, bool)>, E> {
    let known = &*keys;
    let judge = |mut one: Prepared| {
        let good = known.verify(&one);
        let new = one.new_keys();
        if good.is_some() {
            one.forget_disclosures();
        }
        (one, good, new)
    };
    let judged = leaves.map(|one| one.map(judge));
    let judged = judged.collect::<Result<Vec<Judged>, E>>()?;
    keys.extend(judged.iter().flat_map(|(_, _, new)| new.iter().cloned()));
    // What this batch's own keys have signed is few.
    let last = |(one, good, _): Judged| {
        let good = good.or_else(|| keys.verify(&one)).unwrap_or(false);
        (one, good)
    };
    Ok(judged.into_iter().map(last).collect())
}
