//! What this log has signed, held against what is here.
//!
//! Only a checkpoint under the log's own key says anything: what a witness claims without one may be
//! a lie, and a lie must not stop a log.

use ledger::checkpoint::SignedCheckpoint;
use ledger::evidence::Evidence;
use ledger::hash::Digest;
use ledger::ids::TreeSize;
use ledger::merkle::tile::{TileError, TileNodes};
use ledger::merkle::{ProveError, consistency_proof, prefix_root};
use ledger::seal::{ViewTiles, tile_error};
use ledger::store::{Store, StoreError, View};

/// How a checkpoint of this log and what is here do not go together.
#[derive(Debug)]
pub(crate) enum Contradiction {
    /// More was signed than is here: an old copy, or another node signs under this key.
    Behind { theirs: TreeSize, ours: TreeSize },
    /// Something else was signed than is here.
    Forked {
        size: TreeSize,
        evidence: Box<Evidence>,
    },
}

/// What `theirs`, which this log's key has signed, contradicts; `None` if it is of this history.
pub(crate) fn contradicted_by(
    store: &impl Store,
    theirs: &SignedCheckpoint,
) -> Result<Option<Contradiction>, StoreError> {
    let view = store.view();
    let Some(head) = view.head()? else {
        return Ok(None);
    };
    let (claim, ours) = (theirs.claim(), head.size());
    if claim.size > ours {
        return Ok(Some(Contradiction::Behind {
            theirs: claim.size,
            ours,
        }));
    }
    if claim.size == TreeSize(0) {
        return Ok(None);
    }
    let tiles = ViewTiles(&view);
    let nodes = TileNodes::new(&tiles);
    let prefix = prefix_root(&nodes, claim.size).map_err(tile_error)?;
    if prefix == claim.root {
        return Ok(None);
    }
    let proof = consistency_proof(&nodes, claim.size, ours).map_err(unproved)?;
    let own = SignedCheckpoint::parse(&head.checkpoint).map_err(|error| StoreError::Corrupt {
        what: "checkpoint",
        detail: error.to_string(),
    })?;
    Ok(Some(Contradiction::Forked {
        size: claim.size,
        evidence: Box::new(Evidence::of(theirs.clone(), own, prefix, proof)),
    }))
}

/// The proof that this log grew from `old` to `new` leaves; none where there is nothing to prove.
pub(crate) fn growth(
    view: &impl View,
    old: TreeSize,
    new: TreeSize,
) -> Result<Vec<Digest>, StoreError> {
    if old == TreeSize(0) {
        return Ok(Vec::new());
    }
    let tiles = ViewTiles(view);
    consistency_proof(&TileNodes::new(&tiles), old, new).map_err(unproved)
}

fn unproved(error: ProveError<TileError<StoreError>>) -> StoreError {
    match error {
        ProveError::Nodes(error) => tile_error(error),
        ProveError::Request(why) => StoreError::Corrupt {
            what: "checkpoint",
            detail: why.to_string(),
        },
    }
}
