//! Access tokens: a caller's own short word, under a key that the registry knows.
//!
//! A token is a CWT (RFC 8392) in a tagged COSE_Sign1 (RFC 9052 §4.2): protected `{1: alg, 4: key
//! id, 16: type}`, payload `{1: iss, 3: aud, 4: exp, 6: iat}`. The caller makes it, for one log and
//! for fifteen minutes at most. There is no password, no session, and nothing for a node to keep.
//!
//! A token opens reading only; what changes the ledger is a statement with its own signature. Its
//! type is under the signature (RFC 9596), so that neither can be taken for the other.
//!
//! **Invariants:** a token has one encoding; a [`Bearer`] is had only from [`Token::verify`].
//!
//! Bytes: `schemas/suyuan.cddl`, rule `token`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::cose::{ALG_ED25519, ALG_EDDSA, EMPTY_MAP, LABEL_ALG, LABEL_KID, Sign1};
use crate::hash::Digest;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::signature::{KeyId, Signer};
use crate::state::{KeyRecord, KeyStanding, Participant, Record, Roles, StateKey};
use crate::store::{StoreError, View};

/// What a token is, under its own signature: COSE header 16 (RFC 9596).
pub const TOKEN_TYPE: &str = "application/vnd.suyuan.token+cwt";

/// Longest life of a token, seconds: stolen, it is of no use after that; and a clerk's query, or a
/// page of a bulk listing, is over long before.
pub const LIFE_MAX_S: u64 = 15 * 60;

/// How far a caller's clock may run ahead, seconds. Phones and tills differ by some; a minute is
/// no life worth stealing.
pub const AHEAD_MAX_S: u64 = 60;

/// Bytes of a token: its header is 120, its claims 60 and the log's name.
pub const TOKEN_BYTES_MAX: usize = 1024;

/// COSE header label of the message's type (RFC 9596).
const LABEL_TYP: i64 = 16;

const CLAIM_ISS: i64 = 1;
const CLAIM_AUD: i64 = 3;
const CLAIM_EXP: i64 = 4;
const CLAIM_IAT: i64 = 6;

/// What a token claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who asks: CWT claim 1.
    pub issuer: Handle,
    /// The origin of the log that is asked: CWT claim 3.
    pub audience: String,
    /// The first second at which it no longer holds, since 1970: CWT claim 4.
    pub expires_s: u64,
    /// When it was made, seconds since 1970: CWT claim 6.
    pub issued_s: u64,
}

/// Why a token opens nothing. The fault is the caller's: make a new one with `suyuan token`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// An algorithm other than Ed25519.
    #[error("algorithm {algorithm} is not supported")]
    AlgorithmUnsupported {
        /// Its COSE number.
        algorithm: i64,
    },
    /// It is meant for another log.
    #[error("the token is for {found}, not for {want}")]
    AudienceWrong {
        /// The audience it names.
        found: String,
        /// This log.
        want: String,
    },
    /// Its time has passed.
    #[error("the token expired at {expires_s}, and it is {now_s}")]
    Expired {
        /// When, seconds since 1970.
        expires_s: u64,
        /// The node's time.
        now_s: u64,
    },
    /// Its key is another's. A delegate may sign for its principal, and asks in its own name.
    #[error("key {key} is not {issuer}'s")]
    KeyOfAnother {
        /// The key.
        key: KeyId,
        /// The participant that the token names.
        issuer: Handle,
    },
    /// Its key does not count yet.
    #[error("key {key} does not count yet")]
    KeyNotYetValid {
        /// The key.
        key: KeyId,
    },
    /// Its key's closing date has passed.
    #[error("key {key} was retired")]
    KeyRetired {
        /// The key.
        key: KeyId,
    },
    /// Its key was revoked.
    #[error("key {key} was revoked")]
    KeyRevoked {
        /// The key.
        key: KeyId,
    },
    /// Nobody on this ledger has that key.
    #[error("key {key} is not on the ledger")]
    KeyUnknown {
        /// The key.
        key: KeyId,
    },
    /// It would hold too long, or for no time at all.
    #[error("the token holds for {life_s} s; at most {LIFE_MAX_S} are taken")]
    LifeTooLong {
        /// From its making to its end, seconds.
        life_s: u64,
    },
    /// The bytes are out of order.
    #[error("malformed token: {0}")]
    Malformed(#[from] DecodeError),
    /// It was made in the future.
    #[error("the token was made at {issued_s}, and it is {now_s}")]
    NotYetValid {
        /// When it says it was made, seconds since 1970.
        issued_s: u64,
        /// The node's time.
        now_s: u64,
    },
    /// The participant is suspended.
    #[error("{issuer} is suspended")]
    ParticipantSuspended {
        /// Who.
        issuer: Handle,
    },
    /// No such participant.
    #[error("{issuer} is not on the ledger")]
    ParticipantUnknown {
        /// Who.
        issuer: Handle,
    },
    /// The signature does not belong to these bytes and that key: altered, or forged.
    #[error("the token was altered, or another key signed it")]
    SignatureInvalid,
}

impl TokenError {
    /// The refusal's stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AlgorithmUnsupported { .. } => "token-algorithm-unsupported",
            Self::AudienceWrong { .. } => "token-audience-wrong",
            Self::Expired { .. } => "token-expired",
            Self::KeyOfAnother { .. } => "token-key-of-another",
            Self::KeyNotYetValid { .. } => "token-key-not-yet-valid",
            Self::KeyRetired { .. } => "token-key-retired",
            Self::KeyRevoked { .. } => "token-key-revoked",
            Self::KeyUnknown { .. } => "token-key-unknown",
            Self::LifeTooLong { .. } => "token-life-too-long",
            Self::Malformed(_) => "token-malformed",
            Self::NotYetValid { .. } => "token-not-yet-valid",
            Self::ParticipantSuspended { .. } => "token-participant-suspended",
            Self::ParticipantUnknown { .. } => "token-participant-unknown",
            Self::SignatureInvalid => "token-signature-invalid",
        }
    }
}

/// A participant who proved to be the one that asks, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    handle: Handle,
    key: KeyId,
    roles: Roles,
    district: String,
}

impl Bearer {
    /// Who.
    #[must_use]
    pub const fn handle(&self) -> Handle {
        self.handle
    }

    /// The key that proved it.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// What it does.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// Its district, or an authority's or regulator's jurisdiction.
    #[must_use]
    pub fn district(&self) -> &str {
        &self.district
    }
}

/// Where and when a token is shown.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// The node's time.
    pub now: UnixMillis,
    /// The next leaf: a key counts as it would for a statement recorded now.
    pub leaf: LeafIndex,
}

/// A token whose bytes are in order. Nothing is known yet about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    message: Sign1,
    payload: Vec<u8>,
    key: KeyId,
    claims: Claims,
}

impl Token {
    /// Makes a token: the bytes that stand, as base64url, after `Authorization: Bearer`.
    #[must_use]
    pub fn issue(signer: &(impl Signer + ?Sized), claims: &Claims) -> Vec<u8> {
        let mut protected = Writer::new();
        protected.map(3).int(LABEL_ALG).int(ALG_EDDSA);
        protected
            .int(LABEL_KID)
            .byte_string(signer.public_key().key_id().as_bytes());
        protected.int(LABEL_TYP).text(TOKEN_TYPE);
        let payload = claims.encode();
        let mut message = Sign1::sign_detached(signer, protected.finish(), &payload);
        message.payload = Some(payload);
        message.encode()
    }

    /// Reads a token.
    ///
    /// # Errors
    /// `Malformed`, `AlgorithmUnsupported`.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        if bytes.len() > TOKEN_BYTES_MAX {
            return Err(DecodeFault::TooLarge {
                limit_bytes: TOKEN_BYTES_MAX,
            }
            .at(0)
            .into());
        }
        let message = Sign1::decode(bytes)?;
        if message.unprotected != EMPTY_MAP {
            return Err(DecodeFault::Field("unprotected header").at(0).into());
        }
        let key = read_protected(&message.protected)?;
        let payload = message
            .payload
            .clone()
            .ok_or_else(|| DecodeFault::Field("payload").at(0))?;
        let claims = Claims::decode(&payload)?;
        Ok(Self {
            message,
            payload,
            key,
            claims,
        })
    }

    /// The key it names.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// What it claims. Nobody has proved it yet.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Who asks, if everything holds: audience, time, signature, then the standing of key and
    /// participant, which only the key's holder is told. One signature is verified at most.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(
        &self,
        gate: Gate<'_>,
        key: Option<&KeyRecord>,
        participant: Option<&Participant>,
    ) -> Result<Bearer, TokenError> {
        self.claims.hold_at(gate)?;
        let (id, issuer) = (self.key, self.claims.issuer);
        let record = key.ok_or(TokenError::KeyUnknown { key: id })?;
        let key = record.key().filter(|key| key.key_id() == id);
        let key = key.ok_or(TokenError::KeyUnknown { key: id })?;
        self.message
            .verify(&key, &self.payload)
            .map_err(|_| TokenError::SignatureInvalid)?;
        match record.standing(gate.leaf, gate.now) {
            KeyStanding::Counts => {}
            KeyStanding::NotYet => return Err(TokenError::KeyNotYetValid { key: id }),
            KeyStanding::Retired(_) => return Err(TokenError::KeyRetired { key: id }),
            KeyStanding::Revoked(_) => return Err(TokenError::KeyRevoked { key: id }),
        }
        if record.owner != issuer {
            return Err(TokenError::KeyOfAnother { key: id, issuer });
        }
        let participant = participant.ok_or(TokenError::ParticipantUnknown { issuer })?;
        if participant.suspended {
            return Err(TokenError::ParticipantSuspended { issuer });
        }
        Ok(Bearer {
            handle: issuer,
            key: id,
            roles: participant.roles,
            district: participant.district.clone(),
        })
    }
}

/// Why nobody is known to ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    /// The token opens nothing.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who shows this token, by the newest state. Two records are read and one signature verified.
///
/// # Errors
/// [`IdentifyError`].
pub fn identify<V: View>(
    view: &V,
    origin: &str,
    now: UnixMillis,
    token: &[u8],
) -> Result<Bearer, IdentifyError> {
    let token = Token::parse(token)?;
    let leaf = view.head()?.map_or(LeafIndex(0), |head| head.size().next());
    let keys = [
        StateKey::key(token.key),
        StateKey::participant(token.claims.issuer),
    ];
    let mut records = view.records(&keys)?.into_iter();
    let key: Option<KeyRecord> = decoded(records.next().flatten())?;
    let participant: Option<Participant> = decoded(records.next().flatten())?;
    let gate = Gate { origin, now, leaf };
    Ok(token.verify(gate, key.as_ref(), participant.as_ref())?)
}

fn decoded<R: Record>(bytes: Option<Vec<u8>>) -> Result<Option<R>, StoreError> {
    bytes
        .map(|bytes| R::decode(&bytes))
        .transpose()
        .map_err(|error| StoreError::Corrupt {
            what: "state record",
            detail: error.to_string(),
        })
}

impl Claims {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .map(4)
            .int(CLAIM_ISS)
            .text(&self.issuer.to_string())
            .int(CLAIM_AUD)
            .text(&self.audience)
            .int(CLAIM_EXP)
            .uint(self.expires_s)
            .int(CLAIM_IAT)
            .uint(self.issued_s);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.labels(4)?;
        reader.label(CLAIM_ISS)?;
        let at = reader.offset();
        let issuer = Handle::parse(reader.text()?)
            .ok_or_else(|| DecodeFault::Field("iss: 22 base64url characters").at(at))?;
        reader.label(CLAIM_AUD)?;
        let audience = reader.text()?.to_owned();
        reader.label(CLAIM_EXP)?;
        let expires_s = reader.uint()?;
        reader.label(CLAIM_IAT)?;
        let issued_s = reader.uint()?;
        reader.end()?;
        Ok(Self {
            issuer,
            audience,
            expires_s,
            issued_s,
        })
    }

    fn hold_at(&self, gate: Gate<'_>) -> Result<(), TokenError> {
        if self.audience != gate.origin {
            return Err(TokenError::AudienceWrong {
                found: self.audience.clone(),
                want: gate.origin.to_owned(),
            });
        }
        let (issued_s, expires_s) = (self.issued_s, self.expires_s);
        let life_s = expires_s.saturating_sub(issued_s);
        if life_s == 0 || life_s > LIFE_MAX_S {
            return Err(TokenError::LifeTooLong { life_s });
        }
        let now_s = u64::try_from(gate.now.0.div_euclid(1000)).unwrap_or_default();
        if issued_s > now_s.saturating_add(AHEAD_MAX_S) {
            return Err(TokenError::NotYetValid { issued_s, now_s });
        }
        if now_s >= expires_s {
            return Err(TokenError::Expired { expires_s, now_s });
        }
        Ok(())
    }
}

/// The key that a protected header names, once algorithm and type are ours.
fn read_protected(bytes: &[u8]) -> Result<KeyId, TokenError> {
    let mut reader = Reader::new(bytes);
    reader.labels(3)?;
    reader.label(1)?;
    let algorithm = reader.int()?;
    if algorithm != ALG_EDDSA && algorithm != ALG_ED25519 {
        return Err(TokenError::AlgorithmUnsupported { algorithm });
    }
    reader.label(4)?;
    let key = KeyId(Digest(reader.byte_array()?));
    reader.label(16)?;
    let at = reader.offset();
    if reader.text()? != TOKEN_TYPE {
        return Err(DecodeFault::Field("typ").at(at).into());
    }
    reader.end()?;
    Ok(key)
}

#[cfg(test)]
mod tests;
