//! What may be wrong with an event, and where.

use crate::cbor::DecodeError;
use crate::decimal::NumberError;
use crate::identifier::IdentifierError;
use std::fmt;

/// One fault of an event or document. The fault is the sender's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    /// Where: a JSON Pointer (RFC 6901) into what was handed in, such as `/epcList/0`.
    pub path: String,
    /// What.
    pub why: EventFault,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {}",
            self.why,
            if self.path.is_empty() {
                "/"
            } else {
                &self.path
            }
        )
    }
}

impl std::error::Error for EventError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.why)
    }
}

/// The ways in which an event fails to be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// An `@context` that is neither an address, nor a map of terms, nor a list of these.
    #[error("not a JSON-LD context")]
    BadContext,
    /// Bytes that are not one deterministic CBOR value.
    #[error("not a deterministic CBOR value")]
    BadEncoding(#[source] DecodeError),
    /// Text that is not hexadecimal digits.
    #[error("not hexadecimal digits")]
    BadHex,
    /// An identifier of a known kind that breaks that kind's rules.
    #[error("not a valid identifier")]
    BadIdentifier(#[source] IdentifierError),
    /// A number that has no exact form here.
    #[error("not a usable number")]
    BadNumber(#[source] NumberError),
    /// An `eventTimeZoneOffset` other than `±hh:mm` up to 14:00.
    #[error("not a time zone offset such as +08:00")]
    BadOffset,
    /// A time that is not RFC 3339 with an offset.
    #[error("not a time with an offset such as 2026-11-23T16:00:00+08:00")]
    BadTime,
    /// A unit of measure other than two or three capitals and digits (UN/CEFACT Rec. 20).
    #[error("not a unit code such as KGM")]
    BadUnit,
    /// A withheld part's mark that is not a list of 32-byte digests.
    #[error("not a list of SHA-256 digests")]
    BadWithheld,
    /// A list that must have something in it.
    #[error("empty")]
    Empty,
    /// `ilmd` in an event that does not begin anything (EPCIS 2.0 §7.4.1).
    #[error("ilmd without action ADD")]
    IlmdWithoutAdd,
    /// A field the standard requires is not there.
    #[error("required field {0} missing")]
    MissingField(&'static str),
    /// Nothing says what the event is about (EPCIS 2.0 §7.4).
    #[error("neither objects, nor quantities, nor sensor data")]
    NoWhat,
    /// Bytes handed in as an event of the ledger that has another, normal form.
    #[error("not in normal form")]
    NotNormal,
    /// `ADD` or `DELETE` without the parent (EPCIS 2.0 §7.4.2).
    #[error("parentID missing")]
    ParentMissing,
    /// The empty key, which marks withheld parts inside the ledger, in a document of others.
    #[error("the empty key is reserved")]
    ReservedKey,
    /// Nested deeper than the limit.
    #[error("nested deeper than {depth_max}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// More bytes than the limit.
    #[error("larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// A transformation without inputs or outputs and without a transformationID to join them.
    #[error("inputs or outputs missing, and no transformationID")]
    TransformationSideMissing,
    /// A name's prefix that no `@context` declares.
    #[error("prefix {0} not declared in @context")]
    UndeclaredPrefix(String),
    /// A field the standard does not know here, and that is no extension.
    #[error("unknown field")]
    UnknownField,
    /// A `type` that is none of the known ones.
    #[error("unknown type")]
    UnknownType,
    /// A bare word that is not in the standard's list; words of one's own are URIs.
    #[error("not a word of the standard's {0} list")]
    UnknownWord(&'static str),
    /// Another kind of JSON value than the standard has here.
    #[error("expected {expected}")]
    WrongKind {
        /// What the standard has here.
        expected: &'static str,
    },
}

/// A JSON Pointer that grows and shrinks with a walk.
#[derive(Clone, Debug, Default)]
pub(super) struct Path(String);

impl Path {
    pub(super) const fn new(prefix: String) -> Self {
        Self(prefix)
    }

    /// The place to come back to.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn key(&mut self, key: &str) {
        self.0.push('/');
        if !key.contains(['~', '/']) {
            self.0.push_str(key);
            return;
        }
        for letter in key.chars() {
            match letter {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                other => self.0.push(other),
            }
        }
    }

    pub(super) fn index(&mut self, index: usize) {
        self.0.push('/');
        self.0.push_str(&index.to_string());
    }

    pub(super) fn back_to(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub(super) fn error(&self, why: EventFault) -> EventError {
        EventError {
            path: self.0.clone(),
            why,
        }
    }
}
