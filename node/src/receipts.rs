//! Answers: receipts for what is recorded, signed refusals for what is not.
//!
//! A receipt is issued at the size of the tree that ends with the statement's block, and says the
//! block's time. All of that is kept for ever, and Ed25519 has one signature for one message: so
//! the same statement gets the same receipt, byte for byte, however often it is asked for.

use crate::node::Shared;
use crate::refusal::Refusal;
use crate::room::{Answer, Decided, Refused, ToAnswer};
use crate::verifier::{capture_of, refused_later};
use api::service::{SubmitError, Submitted};
use ledger::block::BlockRecord;
use ledger::ids::LeafIndex;
use ledger::merkle::tile::TileNodes;
use ledger::merkle::{ProveError, inclusion_proof};
use ledger::receipt::{Receipt, ReceiptClaims, ReceiptFacts};
use ledger::seal::{Outcome, ViewTiles, tile_error};
use ledger::statement::{Issuer, SignedStatement};
use ledger::store::{Store, StoreError, View};

/// Issues receipts from one view; tiles are read once.
struct Issuing<'a, S, V> {
    shared: &'a Shared<S>,
    view: &'a V,
    nodes: TileNodes<'a, ViewTiles<'a, V>>,
}

impl<S: Store, V: View> Issuing<'_, S, V> {
    fn receipt(
        &self,
        statement: &SignedStatement,
        leaf: LeafIndex,
        block: &BlockRecord,
    ) -> Result<Vec<u8>, StoreError> {
        let size = block.size();
        let path = inclusion_proof(&self.nodes, leaf, size).map_err(|error| match error {
            ProveError::Nodes(error) => tile_error(error),
            ProveError::Request(why) => StoreError::Corrupt {
                what: "block",
                detail: format!("leaf {leaf}: {why}"),
            },
        })?;
        let sub = match &statement.header().issuer {
            Issuer::Participant { capture, .. } => capture.to_string(),
            Issuer::Log { subject, .. } => subject.clone(),
        };
        let claims = ReceiptClaims {
            iss: self.shared.origin.clone(),
            sub,
            iat: u64::try_from(block.time.0 / 1000).unwrap_or_default(),
        };
        let facts = ReceiptFacts {
            claims,
            size,
            leaf,
            root: block.root,
        };
        Ok(Receipt::issue(&self.shared.key, &facts, &path))
    }

    fn block_of(&self, leaf: LeafIndex) -> Result<BlockRecord, StoreError> {
        self.view
            .block_of(leaf)?
            .ok_or_else(|| StoreError::Corrupt {
                what: "block",
                detail: format!("leaf {leaf} is in none"),
            })
    }

    /// What the submitter hears, `newest` being the block just committed.
    fn answer(&self, decided: Decided, newest: Option<&BlockRecord>) -> Result<Answer, StoreError> {
        let (checked, leaf, again) = match decided {
            Err(refused) => return Ok(Err(self.refusal(*refused))),
            Ok((checked, Outcome::Rejected(reason))) => {
                return Ok(Err(self.refusal(refused_later(&checked, reason))));
            }
            Ok((checked, Outcome::Admitted(leaf))) => (checked, leaf, false),
            Ok((checked, Outcome::Again(leaf))) => (checked, leaf, true),
        };
        let statement = checked.statement();
        let receipt = match newest {
            Some(block) if !again => self.receipt(statement, leaf, block)?,
            _ => self.receipt(statement, leaf, &self.block_of(leaf)?)?,
        };
        self.shared.metrics.answered(again);
        Ok(Ok(Submitted {
            leaf,
            capture: capture_of(statement),
            again,
            receipt,
        }))
    }

    fn refusal(&self, refused: Refused) -> SubmitError {
        let Refused {
            reason,
            capture,
            submitted,
        } = refused;
        self.shared.metrics.refused(reason.name());
        let time = self.shared.clock.wall();
        let refusal = Refusal {
            submitted,
            name: reason.name().to_owned(),
            time,
        }
        .sign(&self.shared.origin, &self.shared.key);
        SubmitError::Rejected {
            reason,
            capture,
            refusal,
        }
    }
}

/// Answers part of a block.
pub(crate) fn answer<S: Store>(shared: &Shared<S>, part: ToAnswer) -> Result<(), StoreError> {
    let view = shared.store.view();
    let tiles = ViewTiles(&view);
    let issuing = Issuing {
        shared,
        view: &view,
        nodes: TileNodes::new(&tiles),
    };
    for submission in part.submissions {
        let answers: Vec<Answer> = submission
            .statements
            .into_iter()
            .map(|decided| issuing.answer(decided, part.block.as_ref()))
            .collect::<Result<_, _>>()?;
        shared.metrics.waited(submission.reply.age());
        submission.reply.send(answers);
    }
    Ok(())
}

/// The receipt of the statement at `leaf`; `None` beyond the tree and for block headers.
pub(crate) fn again<S: Store>(
    shared: &Shared<S>,
    leaf: LeafIndex,
) -> Result<Option<Vec<u8>>, StoreError> {
    let view = shared.store.view();
    let Some(entry) = view.entry(leaf)? else {
        return Ok(None);
    };
    let tiles = ViewTiles(&view);
    let issuing = Issuing {
        shared,
        view: &view,
        nodes: TileNodes::new(&tiles),
    };
    let block = issuing.block_of(leaf)?;
    if block.header == leaf {
        return Ok(None);
    }
    let statement = SignedStatement::parse(&entry).map_err(|why| StoreError::Corrupt {
        what: "entry",
        detail: format!("leaf {leaf}: {why}"),
    })?;
    issuing.receipt(&statement, leaf, &block).map(Some)
}
