//! COSE receipts: the log's signed word that an entry is in its tree (RFC 9942, RFC 9943).
//!
//! A bare receipt signs only the root: its size and leaf index stand in the unprotected header, and
//! other pairs rebuild the same root. So ours say both once more under the signature, in the
//! private-use label [`LABEL_POSITION`], and [`Receipt::verify`] refuses a receipt in which the two
//! differ or the signed one is missing. [`Receipt::verify_foreign`] takes receipts of other
//! services and vouches for the root alone.
//!
//! Bytes: `schemas/suyuan.cddl`, rule `receipt`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::cose::{
    ALG_ED25519, ALG_EDDSA, HeaderError, Headers, LABEL_ALG, LABEL_CRIT, LABEL_CWT_CLAIMS,
    LABEL_KID, LABEL_VDP, LABEL_VDS, Sign1,
};
use crate::hash::{Digest, leaf_hash};
use crate::ids::{LeafIndex, TreeSize};
use crate::merkle::{ProofError, inclusion_root};
use crate::signature::{BadSignature, KeyId, PublicKey, Signer};
use crate::statement::SignedStatement;
use crate::tlog_policy::TlogPolicy;

/// Private-use protected label of `[tree size, leaf index]`.
pub const LABEL_POSITION: i64 = -65538;

/// Bytes of a receipt: a path of 64 hashes is 2.2 kB; names and other services' headers fit easily.
pub const RECEIPT_BYTES_MAX: usize = 16 * 1024;

/// The verifiable data structure `RFC9162_SHA256`.
const VDS_RFC9162: i64 = 1;

/// Key of inclusion proofs in the map of proofs.
const PROOF_INCLUSION: i64 = -1;

const CLAIM_ISS: i64 = 1;
const CLAIM_SUB: i64 = 2;
const CLAIM_IAT: i64 = 6;

/// Labels a receipt may demand that its reader understand.
const UNDERSTOOD: &[i64] = &[
    LABEL_ALG,
    LABEL_CRIT,
    LABEL_KID,
    LABEL_CWT_CLAIMS,
    LABEL_VDS,
    LABEL_POSITION,
];

/// Why a receipt proves nothing. Forged, damaged, or for another log or entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// An algorithm other than Ed25519.
    #[error("algorithm {algorithm} is not supported")]
    Algorithm {
        /// Its COSE number.
        algorithm: i64,
    },
    /// The entry is a statement for other logs: this one should never have taken it.
    #[error("the statement is meant for {found:?}, not for this log")]
    AudienceWrong {
        /// The logs it is meant for.
        found: Vec<String>,
    },
    /// The bytes are out of order.
    #[error("malformed receipt: {0}")]
    Header(#[from] HeaderError),
    /// The leaf index beside the path is not the signed one.
    #[error("the leaf index was altered: {signed} is signed, {shown} is shown")]
    IndexAltered {
        /// Under the signature.
        signed: LeafIndex,
        /// Beside the path.
        shown: LeafIndex,
    },
    /// It says that it is of another log than the one whose key signed it.
    #[error("the receipt says it is of {claimed}, the key is {signer}'s")]
    IssuerMismatch {
        /// The log it names.
        claimed: String,
        /// The log whose key it is.
        signer: String,
    },
    /// Signed by no log of the reader's policy.
    #[error("the receipt is signed by {}", match key {
        Some(key) => format!("key {key}, which is of no log that is trusted"),
        None => "no key that it names".to_owned(),
    })]
    LogUnknown {
        /// The key it names.
        key: Option<KeyId>,
    },
    /// Signed by another key.
    #[error("signed by key {found}, not by {want}")]
    KeyMismatch {
        /// The receipt's key.
        found: KeyId,
        /// The key given.
        want: KeyId,
    },
    /// A header that a receipt must have is missing.
    #[error("label {label} is missing")]
    Missing {
        /// The label.
        label: i64,
    },
    /// The payload is given; a receipt's is rebuilt from the entry.
    #[error("the payload must be detached")]
    PayloadAttached,
    /// The path does not fit size and index.
    #[error("path: {0}")]
    Proof(#[from] ProofError),
    /// The log did not sign this entry's root.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// The tree size beside the path is not the signed one.
    #[error("the tree size was altered: {signed} is signed, {shown} is shown")]
    SizeAltered {
        /// Under the signature.
        signed: TreeSize,
        /// Beside the path.
        shown: TreeSize,
    },
    /// More bytes than a receipt may have.
    #[error("the receipt is larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// Another kind of tree than RFC 9162's with SHA-256.
    #[error("unknown kind of verifiable data structure: {kind}")]
    TreeKind {
        /// Its number.
        kind: i64,
    },
}

impl ReceiptError {
    /// The stable name, as scripts compare it and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "algorithm",
            Self::AudienceWrong { .. } => "audience-wrong",
            Self::Header(_) => "malformed",
            Self::IndexAltered { .. } => "index-altered",
            Self::IssuerMismatch { .. } => "issuer-mismatch",
            Self::KeyMismatch { .. } => "key-mismatch",
            Self::LogUnknown { .. } => "log-unknown",
            Self::Missing { .. } => "missing",
            Self::PayloadAttached => "payload-attached",
            Self::Proof(_) => "path",
            Self::Signature(_) => "signature-invalid",
            Self::SizeAltered { .. } => "size-altered",
            Self::TooLarge { .. } => "too-large",
            Self::TreeKind { .. } => "tree-kind",
        }
    }
}

impl From<DecodeError> for ReceiptError {
    fn from(error: DecodeError) -> Self {
        Self::Header(error.into())
    }
}

/// What a receipt's protected claims say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptClaims {
    /// The log: CWT claim 1.
    pub iss: String,
    /// The statement's subject: CWT claim 2.
    pub sub: String,
    /// When it was issued, seconds since 1970: CWT claim 6.
    pub iat: u64,
}

/// Everything a verified receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptFacts {
    /// Who says it, about what, and when.
    pub claims: ReceiptClaims,
    /// The tree's size.
    pub size: TreeSize,
    /// The entry's index.
    pub leaf: LeafIndex,
    /// The tree's root.
    pub root: Digest,
}

/// A receipt whose bytes are in order. Nothing is known yet about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    message: Sign1,
    key: Option<KeyId>,
    claims: Option<ReceiptClaims>,
    signed_position: Option<(TreeSize, LeafIndex)>,
    size: TreeSize,
    leaf: LeafIndex,
    path: Vec<Digest>,
}

impl Receipt {
    /// Signs a receipt for the entry at `facts.leaf`, whose `path` leads to `facts.root`.
    ///
    /// The root comes from the caller's own tree; that the path leads there is the caller's word.
    #[must_use]
    pub fn issue(log: &dyn Signer, facts: &ReceiptFacts, path: &[Digest]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(5).int(LABEL_ALG).int(ALG_EDDSA);
        writer
            .int(LABEL_KID)
            .byte_string(log.public_key().key_id().as_bytes());
        writer.int(LABEL_CWT_CLAIMS).map(3);
        writer
            .int(CLAIM_ISS)
            .text(&facts.claims.iss)
            .int(CLAIM_SUB)
            .text(&facts.claims.sub);
        writer.int(CLAIM_IAT).uint(facts.claims.iat);
        writer.int(LABEL_VDS).int(VDS_RFC9162);
        writer
            .int(LABEL_POSITION)
            .array(2)
            .uint(facts.size.0)
            .uint(facts.leaf.0);
        let mut message = Sign1::sign_detached(log, writer.finish(), &facts.root.0);
        message.unprotected = unprotected(facts.size, facts.leaf, path);
        message.encode()
    }

    /// Reads a receipt, ours or another service's.
    ///
    /// # Errors
    /// `TooLarge`, `Header`, `PayloadAttached`, `Algorithm`, `Missing`, `TreeKind`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLarge {
                limit_bytes: RECEIPT_BYTES_MAX,
            });
        }
        let message = Sign1::decode(bytes)?;
        if message.payload.is_some() {
            return Err(ReceiptError::PayloadAttached);
        }
        let (protected, unprotected) = message.headers(UNDERSTOOD)?;
        let algorithm = read_all(required(&protected, LABEL_ALG)?, Reader::int)?;
        if algorithm != ALG_EDDSA && algorithm != ALG_ED25519 {
            return Err(ReceiptError::Algorithm { algorithm });
        }
        let kind = read_all(required(&protected, LABEL_VDS)?, Reader::int)?;
        if kind != VDS_RFC9162 {
            return Err(ReceiptError::TreeKind { kind });
        }
        let key = optional(&protected, LABEL_KID, Reader::byte_array)?;
        let claims = match protected.get(LABEL_CWT_CLAIMS) {
            Some(claims) => read_claims(claims)?,
            None => None,
        };
        let signed_position = optional(&protected, LABEL_POSITION, |reader| {
            reader.array_of(2, "[tree size, leaf index]")?;
            Ok((TreeSize(reader.uint()?), LeafIndex(reader.uint()?)))
        })?;
        let (size, leaf, path) = read_all(required(&unprotected, LABEL_VDP)?, read_proof)?;
        let key = key.map(|id| KeyId(Digest(id)));
        Ok(Self {
            key,
            claims,
            signed_position,
            size,
            leaf,
            path,
            message,
        })
    }

    /// The key it says it is signed by.
    #[must_use]
    pub const fn key_id(&self) -> Option<KeyId> {
        self.key
    }

    /// Checks that the log with `log_key` has `entry` at the place the receipt says.
    ///
    /// # Errors
    /// `Missing`, `KeyMismatch`, `SizeAltered`, `IndexAltered`, `Proof`, `Signature`.
    pub fn verify(&self, entry: &[u8], log_key: &PublicKey) -> Result<ReceiptFacts, ReceiptError> {
        let missing = |label| ReceiptError::Missing { label };
        self.key.ok_or_else(|| missing(LABEL_KID))?;
        let claims = self
            .claims
            .clone()
            .ok_or_else(|| missing(LABEL_CWT_CLAIMS))?;
        let (size, leaf) = self
            .signed_position
            .ok_or_else(|| missing(LABEL_POSITION))?;
        if size != self.size {
            return Err(ReceiptError::SizeAltered {
                signed: size,
                shown: self.size,
            });
        }
        if leaf != self.leaf {
            return Err(ReceiptError::IndexAltered {
                signed: leaf,
                shown: self.leaf,
            });
        }
        let root = self.verify_foreign(entry, log_key)?;
        Ok(ReceiptFacts {
            claims,
            size,
            leaf,
            root,
        })
    }

    /// Checks that a log of `policy` has `statement` at the place the receipt says. By itself a
    /// receipt is recorded and no more: it carries no cosignature.
    ///
    /// # Errors
    /// As [`Self::verify`]; `LogUnknown`, `IssuerMismatch`, `AudienceWrong`.
    pub fn prove(
        &self,
        statement: &SignedStatement,
        policy: &TlogPolicy,
    ) -> Result<ReceiptFacts, ReceiptError> {
        let log = self.key.and_then(|key| policy.log_of_key(key));
        let log = log.ok_or(ReceiptError::LogUnknown { key: self.key })?;
        let facts = self.verify(statement.entry(), log.key.public_key())?;
        if facts.claims.iss != log.key.name() {
            return Err(ReceiptError::IssuerMismatch {
                claimed: facts.claims.iss,
                signer: log.key.name().to_owned(),
            });
        }
        if !statement.is_meant_for(&facts.claims.iss) {
            let found = statement.header().audience.clone();
            return Err(ReceiptError::AudienceWrong { found });
        }
        Ok(facts)
    }

    /// Checks that the service with `log_key` signed a root above `entry`, and returns the root.
    /// Where in the tree the entry is, and of what size the tree, such a receipt does not prove.
    ///
    /// # Errors
    /// `KeyMismatch`, `Proof`, `Signature`.
    pub fn verify_foreign(
        &self,
        entry: &[u8],
        log_key: &PublicKey,
    ) -> Result<Digest, ReceiptError> {
        let want = log_key.key_id();
        if let Some(found) = self.key.filter(|found| *found != want) {
            return Err(ReceiptError::KeyMismatch { found, want });
        }
        let root = inclusion_root(leaf_hash(entry), self.leaf, self.size, &self.path)?;
        self.message.verify(log_key, &root.0)?;
        Ok(root)
    }
}

/// `{396: {-1: [<<[size, index, path]>>]}}`
fn unprotected(size: TreeSize, leaf: LeafIndex, path: &[Digest]) -> Vec<u8> {
    let mut proof = Writer::new();
    proof.array(3).uint(size.0).uint(leaf.0).array(path.len());
    for hash in path {
        proof.byte_string(&hash.0);
    }
    let mut writer = Writer::new();
    writer
        .map(1)
        .int(LABEL_VDP)
        .map(1)
        .int(PROOF_INCLUSION)
        .array(1);
    writer.byte_string(&proof.finish());
    writer.finish()
}

fn required<'a>(headers: &Headers<'a>, label: i64) -> Result<&'a [u8], ReceiptError> {
    headers.get(label).ok_or(ReceiptError::Missing { label })
}

fn optional<'a, T>(
    headers: &Headers<'a>,
    label: i64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    headers
        .get(label)
        .map(|value| read_all(value, read))
        .transpose()
}

/// Reads one value that fills `bytes`.
fn read_all<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The claims, or `None` where one of the three is missing, as other services may leave it.
fn read_claims(bytes: &[u8]) -> Result<Option<ReceiptClaims>, DecodeError> {
    let claims = Headers::decode(bytes)?;
    let text = |reader: &mut Reader<'_>| reader.text().map(str::to_owned);
    let iss = optional(&claims, CLAIM_ISS, text)?;
    let sub = optional(&claims, CLAIM_SUB, text)?;
    let iat = optional(&claims, CLAIM_IAT, Reader::uint)?;
    Ok(match (iss, sub, iat) {
        (Some(iss), Some(sub), Some(iat)) => Some(ReceiptClaims { iss, sub, iat }),
        (None, _, _) | (_, None, _) | (_, _, None) => None,
    })
}

/// `{-1: [<<[size, index, path]>>]}` with one proof and no other kind.
fn read_proof(reader: &mut Reader<'_>) -> Result<(TreeSize, LeafIndex, Vec<Digest>), DecodeError> {
    let at = reader.offset();
    if reader.map()? != 1 || reader.int()? != PROOF_INCLUSION {
        return Err(DecodeFault::Field("proofs: exactly one, of inclusion").at(at));
    }
    reader.array_of(1, "an array of one inclusion proof")?;
    read_all(reader.byte_string()?, |proof| {
        proof.array_of(3, "[tree size, leaf index, path]")?;
        let (size, leaf) = (TreeSize(proof.uint()?), LeafIndex(proof.uint()?));
        let path = (0..proof.array()?).map(|_| proof.byte_array().map(Digest));
        Ok((size, leaf, path.collect::<Result<_, _>>()?))
    })
}

#[cfg(test)]
mod tests;
