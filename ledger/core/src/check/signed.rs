//! The signed form of an answer: a tagged COSE_Sign1 by the log's key.
//!
//! Bytes: `schemas/suyuan.cddl`, rule `check-answer`. Protected `{1: -8, 3: content type, 4: key
//! id, 15: {1: origin}}`; the payload says what was asked, what was answered, and from which tree.
//! It is the log's word, not a proof: whoever doubts it computes it again from a bundle.

use super::{Act, Answer, Decision, EVENTS_MAX, REASONS_MAX, Reason, catalogue};
use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::cose::{ALG_EDDSA, Headers, LABEL_ALG, LABEL_CWT_CLAIMS, LABEL_KID, Sign1};
use crate::hash::Digest;
use crate::ids::{Handle, LeafIndex, TreeSize, UnixMillis};
use crate::signature::{BadSignature, KeyId, PublicKey, Signer};
use crate::store::EventRef;
use crate::time::format_utc;
use crate::tlog_policy::TlogPolicy;
use serde_json::{Value as Json, json};

/// The media type of the payload.
pub const CONTENT_TYPE: &str = "application/vnd.suyuan.check+cbor";

/// Header label of the content type (RFC 9052 §3.1).
const LABEL_CONTENT_TYPE: i64 = 3;

const CLAIM_ISS: i64 = 1;

/// Articles of one reason: the longest row of the table has two.
const ARTICLES_MAX: usize = 8;

/// Why a signed answer proves nothing. Forged, damaged, or of another log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The bytes are out of order.
    #[error("malformed check answer: {0}")]
    Malformed(#[from] DecodeError),
    /// It is signed under another header: another log's, another key's, or no answer.
    #[error("the check answer is not one of this log")]
    OtherLog,
    /// The signature is wrong.
    #[error("the check answer's {0}")]
    Signature(#[from] BadSignature),
}

impl CheckError {
    /// The stable name, as scripts compare it and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::OtherLog => "log-unknown",
            Self::Signature(_) => "signature-invalid",
        }
    }
}

/// An answer with the tree from which it was computed: what the log signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// The answer.
    pub answer: Answer,
    /// The tree's size.
    pub size: TreeSize,
    /// Its root.
    pub root: Digest,
}

impl Attested {
    /// Signs as the log `origin`.
    #[must_use]
    pub fn sign(&self, origin: &str, log: &dyn Signer) -> Vec<u8> {
        let payload = self.encode();
        let protected = protected(origin, log.public_key().key_id());
        let mut message = Sign1::sign_detached(log, protected, &payload);
        message.payload = Some(payload);
        message.encode()
    }

    /// Checks a signed answer of the log `origin` under its key.
    ///
    /// # Errors
    /// [`CheckError`]; keep the bytes, they are evidence.
    pub fn verify(bytes: &[u8], origin: &str, key: &PublicKey) -> Result<Self, CheckError> {
        let message = Sign1::decode(bytes)?;
        if message.protected != protected(origin, key.key_id()) {
            return Err(CheckError::OtherLog);
        }
        let payload = message
            .payload
            .as_deref()
            .ok_or_else(|| DecodeFault::Field("payload").at(0))?;
        message.verify(key, payload)?;
        Ok(Self::decode(payload)?)
    }

    /// As [`Self::verify`], for an answer of any log of `policy`, whose name is returned too.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn prove(bytes: &[u8], policy: &TlogPolicy) -> Result<(Self, String), CheckError> {
        for log in policy.logs() {
            let origin = log.key.name();
            match Self::verify(bytes, origin, log.key.public_key()) {
                Err(CheckError::OtherLog) => {}
                done => return done.map(|attested| (attested, origin.to_owned())),
            }
        }
        Err(CheckError::OtherLog)
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Answer {
            item,
            act,
            actor,
            at,
            decision,
            reasons,
        } = &self.answer;
        let mut writer = Writer::new();
        writer.array(8).text(item).text(act.word());
        match actor {
            Some(actor) => writer.byte_string(&actor.0),
            None => writer.null(),
        };
        writer.text(decision.word()).array(reasons.len());
        for reason in reasons {
            write_reason(&mut writer, reason);
        }
        writer.int(at.0).uint(self.size.0).byte_string(&self.root.0);
        writer.finish()
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(8, "a check answer of eight items")?;
        let item = reader.text()?.to_owned();
        let act = word(&mut reader, "act", Act::parse)?;
        let actor = if reader.null() {
            None
        } else {
            Some(Handle(reader.byte_array()?))
        };
        let decision = word(&mut reader, "decision", Decision::parse)?;
        let reasons = many(&mut reader, REASONS_MAX, read_reason)?;
        let answer = Answer {
            item,
            act,
            actor,
            decision,
            reasons,
            at: UnixMillis(reader.int()?),
        };
        let size = TreeSize(reader.uint()?);
        let root = Digest(reader.byte_array()?);
        reader.end()?;
        Ok(Self { answer, size, root })
    }

    /// The JSON form, with the sentences of the catalogue; the signature stands beside it.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let Answer {
            item,
            act,
            actor,
            at,
            decision,
            reasons,
        } = &self.answer;
        json!({
            "item": item,
            "act": act.word(),
            "actor": actor.map(|actor| actor.to_string()),
            "decision": decision.word(),
            "reasons": reasons.iter().map(reason_json).collect::<Vec<_>>(),
            "as_of": format_utc(*at),
            "tree_size": self.size.0,
            "root": self.root.to_string(),
        })
    }
}

/// Whether a tagged COSE_Sign1 says that it is a check answer. Nothing is verified.
#[must_use]
pub fn is_check(bytes: &[u8]) -> bool {
    let says = || {
        let message = Sign1::decode(bytes).ok()?;
        let headers = Headers::of_protected(&message.protected).ok()?;
        let mut reader = Reader::new(headers.get(LABEL_CONTENT_TYPE)?);
        Some(reader.text().ok()? == CONTENT_TYPE)
    };
    says().unwrap_or(false)
}

fn protected(origin: &str, key: KeyId) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .map(4)
        .int(LABEL_ALG)
        .int(ALG_EDDSA)
        .int(LABEL_CONTENT_TYPE)
        .text(CONTENT_TYPE);
    writer.int(LABEL_KID).byte_string(key.as_bytes());
    writer
        .int(LABEL_CWT_CLAIMS)
        .map(1)
        .int(CLAIM_ISS)
        .text(origin);
    writer.finish()
}

fn write_reason(writer: &mut Writer, reason: &Reason) {
    let Reason {
        decision,
        rule,
        item,
        whose,
        articles,
        events,
    } = reason;
    writer.array(6).text(decision.word()).text(rule).text(item);
    match whose {
        Some(whose) => writer.text(whose),
        None => writer.null(),
    };
    writer.array(articles.len());
    for article in articles {
        writer.text(article);
    }
    writer.array(events.len());
    for event in events {
        writer
            .array(2)
            .uint(event.leaf.0)
            .uint(u64::from(event.index));
    }
}

fn read_reason(reader: &mut Reader<'_>) -> Result<Reason, DecodeError> {
    reader.array_of(6, "a reason of six items")?;
    Ok(Reason {
        decision: word(reader, "decision", Decision::parse)?,
        rule: reader.text()?.to_owned(),
        item: reader.text()?.to_owned(),
        whose: if reader.null() {
            None
        } else {
            Some(reader.text()?.to_owned())
        },
        articles: many(reader, ARTICLES_MAX, |reader| Ok(reader.text()?.to_owned()))?,
        events: many(reader, EVENTS_MAX, |reader| {
            reader.array_of(2, "[leaf, index]")?;
            let leaf = LeafIndex(reader.uint()?);
            let start = reader.offset();
            let index =
                u16::try_from(reader.uint()?).map_err(|_| DecodeFault::Field("index").at(start))?;
            Ok(EventRef { leaf, index })
        })?,
    })
}

fn word<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, DecodeError> {
    let start = reader.offset();
    parse(reader.text()?).ok_or_else(|| DecodeFault::Field(field).at(start))
}

fn many<'a, T>(
    reader: &mut Reader<'a>,
    most: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let start = reader.offset();
    let count = reader.array()?;
    if count > most {
        return Err(DecodeFault::Field("a list longer than its limit").at(start));
    }
    (0..count).map(|_| read(reader)).collect()
}

fn reason_json(reason: &Reason) -> Json {
    let both = |[zh, en]: catalogue::Pair| json!({"zh": zh, "en": en});
    let words = catalogue::words(&reason.rule);
    json!({
        "decision": reason.decision.word(),
        "rule": reason.rule,
        "item": reason.item,
        "whose": reason.whose,
        "articles": reason.articles,
        "events": reason.events,
        "says": words.map(|words| both(words.says)),
        "mend": words.map(|words| both(words.mend)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    const ORIGIN: &str = "log.example/a";

    fn attested() -> Attested {
        let reason = Reason {
            decision: Decision::Refuse,
            rule: "inspection_overdue".to_owned(),
            item: "https://id.gs1.org/8004/6909815A1".to_owned(),
            whose: None,
            articles: vec!["特种设备安全法 49".to_owned()],
            events: vec![EventRef {
                leaf: LeafIndex(7),
                index: 1,
            }],
        };
        Attested {
            answer: Answer {
                item: "https://id.gs1.org/8004/6909815A1".to_owned(),
                act: Act::Fill,
                actor: Some(Handle([1; 16])),
                at: UnixMillis(1_795_392_000_000),
                decision: Decision::Refuse,
                reasons: vec![reason],
            },
            size: TreeSize(12),
            root: Digest([3; 32]),
        }
    }

    #[test]
    fn an_answer_verifies_for_its_log_alone() {
        let (key, other) = (
            SigningKey::from_seed([1; 32]),
            SigningKey::from_seed([2; 32]),
        );
        let bytes = attested().sign(ORIGIN, &key);
        assert!(is_check(&bytes));
        let verify = |origin, key: &SigningKey| Attested::verify(&bytes, origin, key.public_key());
        assert_eq!(verify(ORIGIN, &key), Ok(attested()));
        assert_eq!(verify("log.example/b", &key), Err(CheckError::OtherLog));
        assert_eq!(verify(ORIGIN, &other), Err(CheckError::OtherLog));
    }

    #[test]
    fn a_bit_that_flips_proves_nothing() {
        let key = SigningKey::from_seed([1; 32]);
        let bytes = attested().sign(ORIGIN, &key);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let verified = Attested::verify(&altered, ORIGIN, key.public_key());
            assert!(verified.is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_payload_has_one_form_and_limits() {
        let mut many = attested();
        many.answer.reasons = vec![many.answer.reasons[0].clone(); REASONS_MAX];
        assert_eq!(Attested::decode(&many.encode()), Ok(many.clone()));
        many.answer.reasons.push(many.answer.reasons[0].clone());
        let too_many = Attested::decode(&many.encode()).unwrap_err();
        let why = DecodeFault::Field("a list longer than its limit");
        assert_eq!(too_many.why, why);
        let mut trailing = attested().encode();
        trailing.push(0);
        assert!(Attested::decode(&trailing).is_err());
    }
}
