//! A leaf made ready for its replay: everything about it that needs no state, on any core.

use super::AuditFinding;
use super::copy::{self, Arrived};
use crate::admission::{Checked, check_recorded};
use crate::block::BlockHeader;
use crate::disclosure::{Disclosed, decode_body};
use crate::hash::{Digest, leaf_hash};
use crate::ids::LeafIndex;
use crate::registry::Action;
use crate::signature::PublicKey;
use crate::statement::{Payload, SignedStatement};
use crate::store::{EntryWrite, StoreError, View};
use crate::stored::{self, Closed};

/// A leaf with everything about it that needs no state.
#[derive(Debug)]
pub struct Prepared {
    pub(super) leaf: LeafIndex,
    pub(super) hash: Digest,
    pub(super) effects: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) closed: Vec<Closed>,
    pub(super) arrived: Option<Arrived>,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing of it can be used.
    Damaged(AuditFinding),
    /// A header, with the statement for its signature.
    Header(Box<(BlockHeader, SignedStatement)>),
    /// A statement whose public part is at hand.
    Whole(Box<Checked>),
    /// A statement without its body.
    Bodiless(Box<SignedStatement>),
    /// A statement whose body does not match.
    Refused(String),
}

/// Reads one leaf of `view`: decoding, commitment, form of each event. The same on any core.
///
/// # Errors
/// [`StoreError`] where keys cannot be read; what is damaged is found, and no error.
pub fn prepare<V: View>(view: &V, leaf: EntryWrite) -> Result<Prepared, StoreError> {
    let EntryWrite {
        leaf,
        entry,
        body,
        effects,
    } = leaf;
    let mut closed = Vec::new();
    let kind = kind_of(leaf, &entry, !body.is_empty(), |statement| {
        let opened = stored::open(view, statement, &body, |_, _| true)?;
        closed = opened.closed;
        Ok(opened.disclosed)
    })?;
    Ok(Prepared::new(leaf, &entry, effects, kind, closed))
}

/// As [`prepare`], of a leaf that came from another log's node: `body` holds disclosures as they
/// are submitted, with those parts that we may have, or nothing.
#[must_use]
pub fn prepare_arrived(leaf: EntryWrite) -> Prepared {
    let EntryWrite {
        leaf,
        entry,
        body,
        effects,
    } = leaf;
    let mut personal = None;
    let kind = kind_of(leaf, &entry, !body.is_empty(), |statement| {
        let disclosed = decode_body(&body).map_err(|why| StoreError::Corrupt {
            what: "body",
            detail: why.to_string(),
        })?;
        personal = copy::with_personal(statement, &disclosed);
        Ok(disclosed)
    });
    let kind = kind.unwrap_or_else(|error| {
        let (what, why) = ("body", error.to_string());
        Kind::Damaged(AuditFinding::Damaged { leaf, what, why })
    });
    let mut prepared = Prepared::new(leaf, &entry, effects, kind, Vec::new());
    prepared.arrived = Some(Arrived {
        entry,
        body,
        personal,
    });
    prepared
}

fn kind_of(
    leaf: LeafIndex,
    entry: &[u8],
    has_body: bool,
    open: impl FnOnce(&SignedStatement) -> Result<Vec<Disclosed>, StoreError>,
) -> Result<Kind, StoreError> {
    let damaged = |what, why: String| Kind::Damaged(AuditFinding::Damaged { leaf, what, why });
    let statement = match SignedStatement::parse(entry) {
        Ok(statement) => statement,
        Err(why) => return Ok(damaged("entry", why.to_string())),
    };
    if let Payload::Block(header) = statement.payload() {
        return Ok(Kind::Header(Box::new((header.clone(), statement))));
    }
    let wants_body = statement
        .payload()
        .commitment()
        .is_some_and(|one| one.count > 0);
    if wants_body && !has_body {
        return Ok(Kind::Bodiless(Box::new(statement)));
    }
    let disclosed = if has_body {
        open(&statement)
    } else {
        Ok(Vec::new())
    };
    let statement = match disclosed {
        Ok(disclosed) => statement.with_disclosures(disclosed),
        Err(StoreError::Corrupt { what, detail }) => return Ok(damaged(what, detail)),
        Err(error @ (StoreError::Io(_) | StoreError::Unknown(_))) => return Err(error),
    };
    Ok(match check_recorded(statement) {
        Ok(checked) => Kind::Whole(Box::new(checked)),
        Err(why) => Kind::Refused(format!("{}: {why}", why.name())),
    })
}

impl Prepared {
    fn new(
        leaf: LeafIndex,
        entry: &[u8],
        effects: Vec<u8>,
        kind: Kind,
        closed: Vec<Closed>,
    ) -> Self {
        let mut prepared = Self {
            leaf,
            hash: Digest([0; 32]),
            effects,
            kind,
            closed,
            arrived: None,
        };
        prepared.hash = match prepared.statement() {
            Some(statement) if statement.entry() == entry => statement.leaf_hash(),
            Some(_) | None => leaf_hash(entry),
        };
        prepared
    }

    /// Whether it is a block's header, which the log alone may sign.
    #[must_use]
    pub const fn is_header(&self) -> bool {
        matches!(self.kind, Kind::Header(_))
    }

    /// The leaf's hash in the tree.
    #[must_use]
    pub const fn leaf_hash(&self) -> Digest {
        self.hash
    }

    /// The statement whose signature is to be verified, if there is one.
    #[must_use]
    pub fn statement(&self) -> Option<&SignedStatement> {
        match &self.kind {
            Kind::Damaged(_) | Kind::Refused(_) => None,
            Kind::Header(both) => Some(&both.1),
            Kind::Whole(checked) => Some(checked.statement()),
            Kind::Bodiless(statement) => Some(statement),
        }
    }

    /// Verifies the signature under `key`, which must be the one the header names.
    #[must_use]
    pub fn verifies_under(&self, key: &PublicKey) -> bool {
        self.statement().is_some_and(|statement| {
            key.key_id() == statement.header().key
                && key
                    .verify(statement.signed_bytes(), statement.signature())
                    .is_ok()
        })
    }

    /// Lets go of what the replay of events no longer needs: bodies, whose commitments were
    /// checked.
    pub fn forget_disclosures(&mut self) {
        if let Kind::Whole(checked) = &mut self.kind {
            checked.forget_disclosures();
        }
    }

    /// Keys that this leaf brings: a signature under one of them can come any time later.
    #[must_use]
    pub fn new_keys(&self) -> Vec<PublicKey> {
        let Some(statement) = self.statement() else {
            return Vec::new();
        };
        let Payload::Registry(payload) = statement.payload() else {
            return Vec::new();
        };
        let keys: Vec<[u8; 32]> = match &payload.action {
            Action::Found { founders, .. } => {
                founders.iter().map(|(_, _, key)| key.public_key).collect()
            }
            Action::Admit { keys, .. } => keys.iter().map(|key| key.public_key).collect(),
            Action::AddKey { key, .. } => vec![key.public_key],
            Action::Amend { .. }
            | Action::Suspend(_)
            | Action::Reinstate(_)
            | Action::RetireKey { .. }
            | Action::RevokeKey { .. }
            | Action::Delegate { .. }
            | Action::Product
            | Action::Place
            | Action::Policy
            | Action::Recode
            | Action::Agreement
            | Action::Region
            | Action::Import
            | Action::Hold
            | Action::Recall
            | Action::Release
            | Action::Respond
            | Action::Rules { .. }
            | Action::Forget => Vec::new(),
        };
        keys.iter()
            .filter_map(|bytes| PublicKey::parse(bytes).ok())
            .collect()
    }
}
