//! Signed refusals: what a submitter holds when a log will not take a statement.
//!
//! A refusal is a tagged COSE_Sign1 by the log's key: protected `{1: -8, 3: content type, 4: key
//! id, 15: {1: origin}}`, payload `[digest, name, time]`. The digest is SHA-256 of the bytes as
//! they were submitted, not of what they say, so that nobody can get a refusal about a statement
//! that was never sent as its issuer sent it.

use ledger::cbor::{DecodeError, DecodeFault, Reader, Writer};
use ledger::cose::{ALG_EDDSA, LABEL_ALG, LABEL_CWT_CLAIMS, LABEL_KID, Sign1};
use ledger::hash::Digest;
use ledger::ids::UnixMillis;
use ledger::signature::{BadSignature, PublicKey, Signer};

/// The media type of a refusal's payload.
pub const CONTENT_TYPE: &str = "application/vnd.suyuan.refusal+cbor";

/// The header label of the content type (RFC 9052 §3.1).
const LABEL_CONTENT_TYPE: i64 = 3;

/// What a log says when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// SHA-256 of the submitted bytes.
    pub submitted: Digest,
    /// The reason's stable name ([`ledger::reject::RejectReason::name`]).
    pub name: String,
    /// When, by the node's clock.
    pub time: UnixMillis,
}

/// Why a refusal proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalError {
    /// The bytes are not in order.
    #[error("malformed refusal: {0}")]
    Malformed(#[from] DecodeError),
    /// It is signed under another header: another log's, another key's, or no refusal.
    #[error("the refusal is not one of this log")]
    OtherLog,
    /// The signature is wrong.
    #[error("the refusal's {0}")]
    Signature(#[from] BadSignature),
}

impl Refusal {
    /// The signed form.
    #[must_use]
    pub fn sign(&self, origin: &str, signer: &dyn Signer) -> Vec<u8> {
        let mut payload = Writer::new();
        payload
            .array(3)
            .byte_string(&self.submitted.0)
            .text(&self.name)
            .int(self.time.0);
        let payload = payload.finish();
        let mut message =
            Sign1::sign_detached(signer, protected(origin, signer.public_key()), &payload);
        message.payload = Some(payload);
        message.encode()
    }

    /// Checks a refusal of the log `origin` under `key`.
    ///
    /// # Errors
    /// [`RefusalError`].
    pub fn verify(bytes: &[u8], origin: &str, key: &PublicKey) -> Result<Self, RefusalError> {
        let message = Sign1::decode(bytes)?;
        if message.protected != protected(origin, key) {
            return Err(RefusalError::OtherLog);
        }
        let payload = message
            .payload
            .as_deref()
            .ok_or_else(|| DecodeFault::Field("payload").at(0))?;
        message.verify(key, payload)?;
        let mut reader = Reader::new(payload);
        reader.array_of(3, "a refusal [digest, name, time]")?;
        let refusal = Self {
            submitted: Digest(reader.byte_array()?),
            name: reader.text()?.to_owned(),
            time: UnixMillis(reader.int()?),
        };
        reader.end()?;
        Ok(refusal)
    }
}

fn protected(origin: &str, key: &PublicKey) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .map(4)
        .int(LABEL_ALG)
        .int(ALG_EDDSA)
        .int(LABEL_CONTENT_TYPE)
        .text(CONTENT_TYPE);
    writer.int(LABEL_KID).byte_string(key.key_id().as_bytes());
    writer.int(LABEL_CWT_CLAIMS).map(1).int(1).text(origin);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::signature::SigningKey;

    #[test]
    fn a_refusal_verifies_for_its_log_alone() {
        let key = SigningKey::from_seed([1; 32]);
        let other = SigningKey::from_seed([2; 32]);
        let refusal = Refusal {
            submitted: Digest::of(b"statement"),
            name: "role-forbids".to_owned(),
            time: UnixMillis(1),
        };
        let bytes = refusal.sign("log.example/a", &key);
        let verify = |origin, key: &SigningKey| Refusal::verify(&bytes, origin, key.public_key());
        assert_eq!(verify("log.example/a", &key), Ok(refusal));
        assert_eq!(verify("log.example/b", &key), Err(RefusalError::OtherLog));
        assert_eq!(verify("log.example/a", &other), Err(RefusalError::OtherLog));
        let mut altered = bytes.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(
            Refusal::verify(&altered, "log.example/a", key.public_key()),
            Err(RefusalError::Signature(BadSignature))
        );
    }
}
