//! Leaves with the verdict on each signature, on all cores: what an audit and a mirror replay.

use ledger::audit::Prepared;
use ledger::signature::{KeyId, PublicKey};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use std::collections::BTreeMap;
use std::ops::Range;

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

/// The leaves of `batch`, read in shares of `share` leaves on all threads of the pool in which this
/// runs. Where one share comes short, for a limit of its own, what follows it is left out.
///
/// # Errors
/// Those of `read`.
pub(crate) fn verified<E: Send>(
    batch: Range<u64>,
    share: u64,
    keys: &mut Keys,
    read: impl Fn(Range<u64>) -> Result<Vec<Prepared>, E> + Sync,
) -> Result<Vec<(Prepared, bool)>, E> {
    let known = &*keys;
    let step = usize::try_from(share).unwrap_or(usize::MAX);
    let starts: Vec<u64> = batch.clone().step_by(step).collect();
    // Who reads a leaf also parses it and frees most of it: memory that changes hands is slow.
    let shares: Vec<(bool, Vec<Judged>)> = starts
        .into_par_iter()
        .map(|start| {
            let wanted = start..batch.end.min(start + share);
            let leaves = read(wanted.clone())?;
            let whole = u64::try_from(leaves.len()) == Ok(wanted.end - wanted.start);
            let judged = leaves.into_iter().map(|mut one| {
                let good = known.verify(&one);
                let new = one.new_keys();
                if good.is_some() {
                    one.forget_disclosures();
                }
                (one, good, new)
            });
            Ok((whole, judged.collect()))
        })
        .collect::<Result<_, E>>()?;
    let all = || shares.iter().flat_map(|(_, share)| share);
    let new: Vec<PublicKey> = all().flat_map(|(_, _, new)| new.iter().cloned()).collect();
    keys.extend(new);
    let mut gap = false;
    let together = shares.into_iter().take_while(|(whole, _)| {
        let goes_on = !gap;
        gap |= !whole;
        goes_on
    });
    // What this batch's own keys have signed is few.
    Ok(together
        .flat_map(|(_, share)| share)
        .map(|(one, good, _)| {
            let good = good.or_else(|| keys.verify(&one)).unwrap_or(false);
            (one, good)
        })
        .collect())
}
