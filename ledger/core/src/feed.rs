//! Notices: what a log tells holders about orders, signed.
//!
//! A tagged COSE_Sign1 (RFC 9052) by the log's key: protected `{1: -8, 3: content type, 4: key id,
//! 15: {1: origin, 6: seconds}}`, payload JSON. The same envelope carries the feed of all cases
//! and the notice that a holder's webhook gets, told apart by their content types, so that neither
//! can be taken for the other, for a receipt or for a refusal.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::cose::{ALG_EDDSA, LABEL_ALG, LABEL_CWT_CLAIMS, LABEL_KID, Sign1};
use crate::ids::UnixMillis;
use crate::signature::{BadSignature, PublicKey, Signer};

/// The header label of the content type (RFC 9052 §3.1).
const LABEL_CONTENT_TYPE: i64 = 3;

/// What a signed notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The newest cases, as everyone may see them.
    Feed,
    /// What one holder has of what is stopped.
    Notice,
}

impl Kind {
    /// The media type of the payload.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Feed => "application/vnd.suyuan.recall-feed+json",
            Self::Notice => "application/vnd.suyuan.recall-notice+json",
        }
    }
}

/// Why a notice proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// The bytes are not in order.
    #[error("malformed notice: {0}")]
    Malformed(#[from] DecodeError),
    /// It is signed under another header: another log's, another key's, or of another kind.
    #[error("the notice is not one of this log and kind")]
    OtherLog,
    /// The signature is wrong.
    #[error("the notice's {0}")]
    Signature(#[from] BadSignature),
}

/// Signs `payload`, JSON, for the log `origin` at `time`.
#[must_use]
pub fn sign(
    kind: Kind,
    origin: &str,
    time: UnixMillis,
    signer: &dyn Signer,
    payload: Vec<u8>,
) -> Vec<u8> {
    let header = protected(kind, origin, time.0.div_euclid(1000), signer.public_key());
    let mut message = Sign1::sign_detached(signer, header, &payload);
    message.payload = Some(payload);
    message.encode()
}

/// Checks a notice of the log `origin` under `key`; gives its payload and time.
///
/// # Errors
/// [`NoticeError`].
pub fn verify(
    kind: Kind,
    bytes: &[u8],
    origin: &str,
    key: &PublicKey,
) -> Result<(Vec<u8>, UnixMillis), NoticeError> {
    let message = Sign1::decode(bytes)?;
    let seconds = seconds_of(&message.protected)?;
    if message.protected != protected(kind, origin, seconds, key) {
        return Err(NoticeError::OtherLog);
    }
    let payload = message
        .payload
        .clone()
        .ok_or_else(|| DecodeFault::Field("payload").at(0))?;
    message.verify(key, &payload)?;
    Ok((payload, UnixMillis(seconds.saturating_mul(1000))))
}

fn protected(kind: Kind, origin: &str, seconds: i64, key: &PublicKey) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .map(4)
        .int(LABEL_ALG)
        .int(ALG_EDDSA)
        .int(LABEL_CONTENT_TYPE)
        .text(kind.content_type());
    writer.int(LABEL_KID).byte_string(key.key_id().as_bytes());
    writer.int(LABEL_CWT_CLAIMS).map(2);
    writer.int(1).text(origin).int(6).int(seconds);
    writer.finish()
}

/// The time in a protected header of this shape; its other fields are compared as a whole.
fn seconds_of(protected: &[u8]) -> Result<i64, DecodeError> {
    let mut reader = Reader::new(protected);
    let at = reader.offset();
    if reader.map()? != 4 {
        return Err(DecodeFault::Field("header").at(at));
    }
    reader.int()?;
    reader.int()?;
    reader.int()?;
    reader.text()?;
    reader.int()?;
    reader.byte_string()?;
    reader.int()?;
    reader.map()?;
    reader.int()?;
    reader.text()?;
    reader.int()?;
    reader.int()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    #[test]
    fn a_notice_verifies_for_its_log_kind_and_key_alone() {
        let (key, other) = (
            SigningKey::from_seed([1; 32]),
            SigningKey::from_seed([2; 32]),
        );
        let time = UnixMillis(1_795_392_000_999);
        let bytes = sign(Kind::Notice, "log.example/a", time, &key, b"{}".to_vec());
        let check = |kind, origin, key: &SigningKey| verify(kind, &bytes, origin, key.public_key());
        let whole = UnixMillis(1_795_392_000_000);
        assert_eq!(
            check(Kind::Notice, "log.example/a", &key),
            Ok((b"{}".to_vec(), whole))
        );
        let refused = Err(NoticeError::OtherLog);
        assert_eq!(check(Kind::Feed, "log.example/a", &key), refused);
        assert_eq!(check(Kind::Notice, "log.example/b", &key), refused);
        assert_eq!(check(Kind::Notice, "log.example/a", &other), refused);
        let mut altered = bytes.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(
            verify(Kind::Notice, &altered, "log.example/a", key.public_key()),
            Err(NoticeError::Signature(BadSignature))
        );
        let mut another = bytes;
        let payload = another.windows(2).position(|two| two == b"{}").unwrap();
        another[payload] = b'[';
        assert!(verify(Kind::Notice, &another, "log.example/a", key.public_key()).is_err());
    }
}
