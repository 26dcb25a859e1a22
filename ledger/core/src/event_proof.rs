//! One event of a log, proved to the log of another region.
//!
//! An event proof holds the statement with the one disclosure, the act by which its issuer was
//! admitted there, one Merkle path for both, and a checkpoint. From it another ledger learns what
//! was said, by whom and in which role, and that the log over there recorded it; a checkpoint that
//! its witnesses cosigned says that there is no second history in which it did not. What became
//! later of the statement, its issuer and its key is for that log's own bundles to say.
//!
//! ```text
//! event-proof = [ "suyuan-event-proof/v1", checkpoint, statement, statement, [* path hash] ]
//! ```
//! The statements are as in a bundle: first the issuer's admission, then the event's.
//! Bytes: `schemas/suyuan.cddl`, rule `event-proof`.

use crate::bundle::{BundledStatement, bundled, disclosures_match, read_digests, write_digests};
use crate::cbor::{DecodeError, DecodeFault, Map, Reader, Writer};
use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::event::Event;
use crate::hash::{Digest, leaf_hash};
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex};
use crate::lists::{Reader as Access, ViewSource};
use crate::merkle::tile::TileNodes;
use crate::merkle::{ProofError, ProveError, multi_proof, verify_multi};
use crate::provenance::source::Source as _;
use crate::seal::{ViewTiles, tile_error};
use crate::state::Roles;
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::{EventRef, StoreError, View};
use crate::tlog_policy::{Judged, Standing, TlogPolicy};
use std::collections::BTreeSet;

/// The first item of an event proof.
const VERSION: &str = "suyuan-event-proof/v1";

/// Bytes of an event proof: it has to fit into one record of the importing ledger, written in
/// base64, beside the rest of an event's 256 KiB.
pub const EVENT_PROOF_BYTES_MAX: usize = 160 * 1024;

/// Why an event proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventProofError {
    /// The statement was not meant for the log that recorded it.
    #[error("the statement was meant for {found:?}, and not for {log}")]
    Audience {
        /// The audiences it names.
        found: Vec<String>,
        /// The log.
        log: String,
    },
    /// The checkpoint is of no log that is trusted, or its signatures fail.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A disclosure is not the one that was signed, or not the only one.
    #[error("leaf {leaf}: the disclosure shown is not the one that was signed: {why}")]
    Disclosure {
        /// The statement.
        leaf: LeafIndex,
        /// What is wrong.
        why: String,
    },
    /// The statement tells of no event.
    #[error("leaf {leaf} tells of no event")]
    NotAnEvent {
        /// The statement.
        leaf: LeafIndex,
    },
    /// The act shown admits somebody else.
    #[error("the act at leaf {leaf} does not admit the event's issuer")]
    IssuerNotShown {
        /// The act.
        leaf: LeafIndex,
    },
    /// The bytes are not in order.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// The log's own word only.
    #[error("the checkpoint is not witnessed: fewer cosignatures than the policy asks for")]
    NotWitnessed,
    /// A statement is none.
    #[error("leaf {leaf}: {why}")]
    Statement {
        /// Where.
        leaf: LeafIndex,
        /// What is wrong.
        why: String,
    },
    /// The statements are not in the tree of the checkpoint.
    #[error("tree: {0}")]
    Tree(#[from] ProofError),
}

impl EventProofError {
    /// The stable name, as scripts compare it and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Audience { .. } => "audience-wrong",
            Self::Checkpoint(CheckpointError::Origin { .. }) => "log-unknown",
            Self::Checkpoint(_) => "checkpoint",
            Self::Disclosure { .. } => "disclosure-mismatch",
            Self::NotAnEvent { .. } => "not-an-event",
            Self::IssuerNotShown { .. } => "issuer-not-shown",
            Self::Malformed(_) => "malformed",
            Self::NotWitnessed => "not-witnessed",
            Self::Statement { .. } => "statement",
            Self::Tree(_) => "tree",
        }
    }
}

/// The decoded parts of an event proof. Nothing about them is proved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProof {
    /// The signed checkpoint, a C2SP signed note.
    pub checkpoint: String,
    /// The newest act, before the statement, that says what its issuer may do.
    pub admission: BundledStatement,
    /// The statement, with the one disclosure.
    pub statement: BundledStatement,
    /// Hashes that lead from both to the checkpoint's root.
    pub path: Vec<Digest>,
}

/// An event of another log.
#[derive(Clone, Debug)]
pub struct ForeignEvent {
    /// The log's origin.
    pub log: String,
    /// Where it stands there.
    pub at: EventRef,
    /// What was signed: the digest by which a receipt there and an event here name it.
    pub statement: Digest,
    /// On whose behalf it was said.
    pub issuer: Handle,
    /// What that log had admitted the issuer for, by then.
    pub standing: ForeignStanding,
    /// The event: its public part.
    pub event: Event,
}

/// What another log admitted somebody for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignStanding {
    /// What it may do.
    pub roles: Roles,
    /// Its district, or jurisdiction.
    pub district: String,
    /// Names and numbers as disclosed with the act; empty where nothing was.
    pub profile: Map,
}

impl EventProof {
    /// The proof's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5).text(VERSION).text(&self.checkpoint);
        self.admission.write(&mut writer);
        self.statement.write(&mut writer);
        write_digests(&mut writer, &self.path);
        writer.finish()
    }

    /// Reads a proof, checking its form and nothing else.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventProofError> {
        if bytes.len() > EVENT_PROOF_BYTES_MAX {
            let limit_bytes = EVENT_PROOF_BYTES_MAX;
            return Err(DecodeFault::TooLarge { limit_bytes }.at(0).into());
        }
        let mut reader = Reader::new(bytes);
        reader.array_of(5, "an event proof of five items")?;
        if reader.text()? != VERSION {
            return Err(DecodeFault::Field("event proof version").at(1).into());
        }
        let proof = Self {
            checkpoint: reader.text()?.to_owned(),
            admission: BundledStatement::read(&mut reader)?,
            statement: BundledStatement::read(&mut reader)?,
            path: read_digests(&mut reader)?,
        };
        reader.end()?;
        Ok(proof)
    }

    /// Builds the proof of the event at `at` under `checkpoint`, a signed checkpoint of this log
    /// that is not newer than the view. `None` where the checkpoint does not reach so far yet, or
    /// no event stands there. An event of more than [`EVENT_PROOF_BYTES_MAX`] has a proof that no
    /// ledger takes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn build<V: View>(
        view: &V,
        at: EventRef,
        checkpoint: &str,
    ) -> Result<Option<Self>, StoreError> {
        let damaged = |what, detail: String| StoreError::Corrupt { what, detail };
        let claim = SignedCheckpoint::parse(checkpoint)
            .map_err(|error| damaged("checkpoint", error.to_string()))?;
        let size = claim.claim().size;
        if at.leaf.0 >= size.0 {
            return Ok(None);
        }
        let mut source = ViewSource::new(view, Access::Public);
        let read = source.statement(at.leaf)?;
        let told = |index: u16| {
            let disclosed = read.statement.disclosed().iter();
            matches!(read.statement.payload(), Payload::Events(_))
                && disclosed.into_iter().any(|one| one.index == index)
        };
        if !told(at.index) {
            return Ok(None);
        }
        let person = Identifier::participant(read.issuer);
        let acts = source.touches(person.as_str())?.shown;
        let admission = acts.iter().rev().find(|touch| {
            let crate::provenance::Content::Registry { action, .. } = &*touch.content else {
                return false;
            };
            touch.at.leaf < at.leaf && action.standing_of(read.issuer).is_some()
        });
        let admission = admission
            .ok_or_else(|| damaged("list", format!("{} was never admitted", read.issuer)))?
            .at;
        let act = source.statement(admission.leaf)?;
        let shown = BTreeSet::from([admission.index]);
        let admission = bundled(admission.leaf, &act.statement, Some(&shown));
        let shown = BTreeSet::from([at.index]);
        let statement = bundled(at.leaf, &read.statement, Some(&shown));
        let leaves = [admission.leaf, statement.leaf];
        let tiles = ViewTiles(view);
        let path =
            multi_proof(&TileNodes::new(&tiles), &leaves, size).map_err(|error| match error {
                ProveError::Nodes(error) => tile_error(error),
                ProveError::Request(why) => damaged("list", why.to_string()),
            })?;
        Ok(Some(Self {
            checkpoint: checkpoint.to_owned(),
            admission,
            statement,
            path,
        }))
    }

    /// Verifies the proof by `policy`, which must ask for witnesses and be met.
    ///
    /// # Errors
    /// [`EventProofError`].
    pub fn verify(&self, policy: &TlogPolicy) -> Result<(ForeignEvent, Judged), EventProofError> {
        let judged = policy.judge(&self.checkpoint)?;
        if judged.standing != Standing::Witnessed {
            return Err(EventProofError::NotWitnessed);
        }
        let told = self.told_under(&judged.checkpoint)?;
        Ok((told, judged))
    }

    /// As [`EventProof::verify`], whoever has cosigned: for a reader who weighs that himself.
    ///
    /// # Errors
    /// All but `NotWitnessed`.
    pub fn judge(&self, policy: &TlogPolicy) -> Result<(ForeignEvent, Judged), EventProofError> {
        let judged = policy.judge(&self.checkpoint)?;
        let told = self.told_under(&judged.checkpoint)?;
        Ok((told, judged))
    }

    fn told_under(&self, checkpoint: &Checkpoint) -> Result<ForeignEvent, EventProofError> {
        let both = [&self.admission, &self.statement];
        let hashes = both.map(|one| leaf_hash(&one.entry));
        let leaves = both.map(|one| one.leaf);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        verify_multi(&hashes, &leaves, size, &self.path, root)?;
        self.told()
    }

    /// What the proof tells of, if it holds: for who knows that it does, because its own ledger
    /// admitted it.
    ///
    /// # Errors
    /// All but `Checkpoint(Origin)`, `NotWitnessed` and `Tree`, which need a policy.
    pub fn told(&self) -> Result<ForeignEvent, EventProofError> {
        let leaf = self.statement.leaf;
        let log = SignedCheckpoint::parse(&self.checkpoint)?
            .claim()
            .origin
            .clone();
        let statement = parse(&self.statement)?;
        let (Payload::Events(_), Issuer::Participant { handle, .. }) =
            (statement.payload(), &statement.header().issuer)
        else {
            return Err(EventProofError::NotAnEvent { leaf });
        };
        let audience = &statement.header().audience;
        if !audience.contains(&log) {
            let found = audience.clone();
            return Err(EventProofError::Audience { found, log });
        }
        let wrong = |why: String| EventProofError::Disclosure { leaf, why };
        let [disclosed] = self.statement.disclosed.as_slice() else {
            return Err(wrong("not one".to_owned()));
        };
        // What is withheld there is not for everyone here.
        if !disclosed.parts.is_empty() {
            return Err(wrong("it shows withheld parts".to_owned()));
        }
        let event = Event::from_public_map(disclosed.disclosure.map())
            .map_err(|why| wrong(why.to_string()))?;
        Ok(ForeignEvent {
            at: EventRef {
                leaf,
                index: disclosed.index,
            },
            statement: statement.signed_digest(),
            issuer: *handle,
            standing: self.standing(*handle)?,
            log,
            event,
        })
    }

    fn standing(&self, issuer: Handle) -> Result<ForeignStanding, EventProofError> {
        let leaf = self.admission.leaf;
        let not_shown = EventProofError::IssuerNotShown { leaf };
        let act = parse(&self.admission)?;
        let Payload::Registry(payload) = act.payload() else {
            return Err(not_shown);
        };
        let (roles, district) = payload.action.standing_of(issuer).ok_or(not_shown)?;
        if leaf >= self.statement.leaf {
            return Err(EventProofError::IssuerNotShown { leaf });
        }
        let disclosed = self.admission.disclosed.first();
        if disclosed.is_some_and(|one| !one.parts.is_empty()) {
            let why = "it shows withheld parts".to_owned();
            return Err(EventProofError::Disclosure { leaf, why });
        }
        Ok(ForeignStanding {
            roles,
            district: district.to_owned(),
            profile: disclosed.map_or_else(Map::default, |one| one.disclosure.map().clone()),
        })
    }
}

/// A statement whose disclosures are those that were signed.
fn parse(one: &BundledStatement) -> Result<SignedStatement, EventProofError> {
    let leaf = one.leaf;
    let statement =
        SignedStatement::parse(&one.entry).map_err(|why| EventProofError::Statement {
            leaf,
            why: why.to_string(),
        })?;
    disclosures_match(one, &statement).map_err(|why| EventProofError::Disclosure {
        leaf,
        why: why.to_string(),
    })?;
    Ok(statement)
}
