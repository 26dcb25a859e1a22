//! The closed list of refusals.
//!
//! A statement is refused only for a reason named here, and each is computable from the statement
//! and the state at its leaf. Everything else that may be wrong with the world is recorded, and
//! found afterwards (see [`crate::provenance`]). A refusal changes nothing.

use crate::cbor::DecodeError;
use crate::disclosure::DisclosureError;
use crate::event::EventError;
use crate::event_proof::EventProofError;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::policy::PolicyError;
use crate::signature::KeyId;

/// Why a statement was refused, and with what values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectReason {
    /// The signature algorithm is not Ed25519.
    #[error("signature algorithm {algorithm} is not Ed25519 (-8 or -19)")]
    AlgorithmUnsupported {
        /// The COSE algorithm found.
        algorithm: i64,
    },
    /// An act over an authority lacks other authorities' signatures.
    #[error("{found} of {want} authorities have signed")]
    ApprovalsMissing {
        /// Distinct authorities whose signatures verify, the issuer included.
        found: usize,
        /// The ledger's threshold.
        want: u16,
    },
    /// The statement was meant for other logs.
    #[error("the statement is meant for {found:?}, this log is {want}")]
    AudienceWrong {
        /// The audience claimed.
        found: Vec<String>,
        /// This log's origin.
        want: String,
    },
    /// The capture id was used before, for something else.
    #[error("the capture id was used for other content at leaf {leaf}")]
    CaptureIdReused {
        /// The earlier statement.
        leaf: LeafIndex,
    },
    /// An act about a case that nobody opened.
    #[error("record {index}: no case {case} was opened")]
    CaseUnknown {
        /// Which disclosure.
        index: u16,
        /// The case, canonical.
        case: String,
    },
    /// The content type is not one of the three.
    #[error("unknown content type {found:?}")]
    ContentTypeUnknown {
        /// What the header says, shortened.
        found: String,
    },
    /// A disclosure and its parts do not belong together.
    #[error("disclosure {index}: {why}")]
    Disclosure {
        /// Which disclosure.
        index: u16,
        /// What is wrong.
        why: DisclosureError,
    },
    /// Disclosures are missing, too many, or out of order.
    #[error("{found} disclosures delivered, the payload commits to {want}")]
    DisclosureCount {
        /// How many were delivered.
        found: usize,
        /// How many the payload counts.
        want: u16,
    },
    /// The disclosures are not those the payload commits to.
    #[error("the disclosures do not match the signed root")]
    DisclosureMismatch,
    /// The event was recorded before.
    #[error("event {index} was recorded before at leaf {leaf}")]
    DuplicateEvent {
        /// Which event of the statement.
        index: u16,
        /// The earlier statement.
        leaf: LeafIndex,
    },
    /// An event breaks the EPCIS model.
    #[error("event {index}: {why}")]
    EventInvalid {
        /// Which event of the statement.
        index: u16,
        /// Where and what.
        why: EventError,
    },
    /// A field stands in the public part that is not on the public list, or is personal data and
    /// stands in no personal part.
    #[error("disclosure {index}: {path} is not on the list of public fields")]
    FieldNotPublic {
        /// Which event or record of the statement.
        index: u16,
        /// Where.
        path: String,
    },
    /// An identifier is created or named under a prefix or handle that is another's.
    #[error("event {index}: {identifier} belongs to {owner}")]
    ForeignIdentifier {
        /// Which disclosure of the statement.
        index: u16,
        /// The identifier.
        identifier: String,
        /// Whose prefix or handle it carries.
        owner: Handle,
    },
    /// The key belongs to another participant who has no leave to sign.
    #[error("key {key} belongs to {owner}, who may not sign for {issuer}")]
    KeyOfAnother {
        /// The key.
        key: KeyId,
        /// Whose it is.
        owner: Handle,
        /// Whom the statement names.
        issuer: Handle,
    },
    /// The key is on the ledger already.
    #[error("key {key} is on the ledger already")]
    KeyExists {
        /// The key.
        key: KeyId,
    },
    /// The key does not count yet.
    #[error("key {key} counts only after leaf {added}")]
    KeyNotYetValid {
        /// The key.
        key: KeyId,
        /// The entry that adds it.
        added: LeafIndex,
    },
    /// The key's closing date had passed.
    #[error("key {key} was retired at {}", crate::time::format_utc(*closing))]
    KeyRetired {
        /// The key.
        key: KeyId,
        /// Its last moment.
        closing: UnixMillis,
    },
    /// The key had been revoked.
    #[error("key {key} was revoked at leaf {revoked}")]
    KeyRevoked {
        /// The key.
        key: KeyId,
        /// The entry that revoked it.
        revoked: LeafIndex,
    },
    /// No such key is on the ledger.
    #[error("no key {key} is on the ledger")]
    KeyUnknown {
        /// The key.
        key: KeyId,
    },
    /// A new key is not a sound Ed25519 point, or its holder did not prove possession.
    #[error("a new key is unsound or its possession is not proved")]
    KeyUnproved,
    /// The bytes are not in order.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// The authority has no say over that district.
    #[error("the authority acts within {jurisdiction}, not in {district}")]
    OutsideJurisdiction {
        /// Region-code prefix it acts within.
        jurisdiction: String,
        /// District of the one concerned.
        district: String,
    },
    /// A participant with this handle exists.
    #[error("participant {handle} is on the ledger already")]
    ParticipantExists {
        /// The handle.
        handle: Handle,
    },
    /// The participant is suspended.
    #[error("participant {handle} is suspended since leaf {since}")]
    ParticipantSuspended {
        /// The participant.
        handle: Handle,
        /// The entry that suspended it.
        since: LeafIndex,
    },
    /// No such participant.
    #[error("no participant {handle} is on the ledger")]
    ParticipantUnknown {
        /// The handle.
        handle: Handle,
    },
    /// A policy record has a row that no rule could read.
    #[error("policy record {index}: {why}")]
    PolicyInvalid {
        /// Which disclosure.
        index: u16,
        /// Which row, and what about it.
        why: PolicyError,
    },
    /// This participant has imported that event before.
    #[error("record {index}: this participant imported the event at leaf {leaf} already")]
    ImportRepeated {
        /// Which record.
        index: u16,
        /// Where it did.
        leaf: LeafIndex,
    },
    /// The proof of another log's event does not hold by the policy of its region.
    #[error("record {index}: the event of another log is not proved: {why}")]
    ImportUnproved {
        /// Which record.
        index: u16,
        /// Why not.
        why: EventProofError,
    },
    /// This ledger does not believe that log.
    #[error("record {index}: no region of the log {log} is recognised here")]
    RegionUnknown {
        /// Which record.
        index: u16,
        /// The log's origin.
        log: String,
    },
    /// A GS1 prefix is malformed, or registered for another.
    #[error("GS1 prefix {prefix} is malformed or belongs to another participant")]
    PrefixTaken {
        /// The prefix.
        prefix: String,
    },
    /// A registry record's disclosures are not of the kind the act needs.
    #[error("registry record {index}: {field} is missing or malformed")]
    RecordInvalid {
        /// Which disclosure.
        index: u16,
        /// The field.
        field: &'static str,
    },
    /// None of the participant's roles may say this.
    #[error("statement item {index}: none of the participant's roles may say this ({what})")]
    RoleForbids {
        /// Which event of the statement, 0 for acts of the registry.
        index: u16,
        /// What was said.
        what: &'static str,
    },
    /// The rules version is not one this software knows.
    #[error("rules version {version} is not known to this node")]
    RulesUnknown {
        /// The version.
        version: u16,
    },
    /// A salt is zero or repeated.
    #[error("a salt is zero or repeated")]
    SaltWeak,
    /// The signature does not verify under the key named.
    #[error("the signature does not verify under key {key}")]
    SignatureInvalid {
        /// The key.
        key: KeyId,
    },
    /// An event lies in the future.
    #[error("event {index} happens at {}, the ledger's time is {}",
        crate::time::format_utc(*event), crate::time::format_utc(*now))]
    TimeInFuture {
        /// Which event of the statement.
        index: u16,
        /// When it says it happens.
        event: UnixMillis,
        /// The block's time.
        now: UnixMillis,
    },
    /// More bytes than the limit.
    #[error("{what} of {bytes} bytes, the limit is {limit_bytes}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// More records than one act may have.
    #[error("{found} records in one {act} act, the limit is {limit}")]
    TooMany {
        /// The act's word.
        act: &'static str,
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The act has nothing to act on: an unknown key, a participant not suspended, a second
    /// founding.
    #[error("the act has nothing to act on: {what}")]
    WithoutObject {
        /// What is not there.
        what: &'static str,
    },
}

/// Whose turn it is after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are wrong: correct and send again.
    Bytes,
    /// Something recorded stands against it: ask, or send something else.
    Conflict,
    /// It is not allowed: ask the authority.
    Forbidden,
}

impl RejectReason {
    /// The reason's stable name, as APIs, tests and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AlgorithmUnsupported { .. } => "algorithm-unsupported",
            Self::ApprovalsMissing { .. } => "approvals-missing",
            Self::AudienceWrong { .. } => "audience-wrong",
            Self::CaptureIdReused { .. } => "capture-id-reused",
            Self::CaseUnknown { .. } => "case-unknown",
            Self::ContentTypeUnknown { .. } => "content-type-unknown",
            Self::Disclosure { .. } => "disclosure-invalid",
            Self::DisclosureCount { .. } => "disclosure-count",
            Self::DisclosureMismatch => "disclosure-mismatch",
            Self::DuplicateEvent { .. } => "duplicate-event",
            Self::EventInvalid { .. } => "event-invalid",
            Self::FieldNotPublic { .. } => "field-not-public",
            Self::ForeignIdentifier { .. } => "foreign-identifier",
            Self::ImportRepeated { .. } => "import-repeated",
            Self::ImportUnproved { .. } => "import-unproved",
            Self::KeyExists { .. } => "key-exists",
            Self::KeyNotYetValid { .. } => "key-not-yet-valid",
            Self::KeyOfAnother { .. } => "key-of-another",
            Self::KeyRetired { .. } => "key-retired",
            Self::KeyRevoked { .. } => "key-revoked",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyUnproved => "key-unproved",
            Self::Malformed(_) => "malformed",
            Self::OutsideJurisdiction { .. } => "outside-jurisdiction",
            Self::ParticipantExists { .. } => "participant-exists",
            Self::ParticipantSuspended { .. } => "participant-suspended",
            Self::ParticipantUnknown { .. } => "participant-unknown",
            Self::PolicyInvalid { .. } => "policy-invalid",
            Self::PrefixTaken { .. } => "prefix-taken",
            Self::RecordInvalid { .. } => "record-invalid",
            Self::RegionUnknown { .. } => "region-unknown",
            Self::RoleForbids { .. } => "role-forbids",
            Self::RulesUnknown { .. } => "rules-unknown",
            Self::SaltWeak => "salt-weak",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::TimeInFuture { .. } => "time-in-future",
            Self::TooLarge { .. } => "too-large",
            Self::TooMany { .. } => "too-many",
            Self::WithoutObject { .. } => "without-object",
        }
    }

    /// Whose turn it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::AlgorithmUnsupported { .. }
            | Self::ContentTypeUnknown { .. }
            | Self::Disclosure { .. }
            | Self::DisclosureCount { .. }
            | Self::DisclosureMismatch
            | Self::EventInvalid { .. }
            | Self::FieldNotPublic { .. }
            | Self::ImportUnproved { .. }
            | Self::KeyUnproved
            | Self::Malformed(_)
            | Self::PolicyInvalid { .. }
            | Self::RecordInvalid { .. }
            | Self::SaltWeak
            | Self::SignatureInvalid { .. }
            | Self::TimeInFuture { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. } => Fault::Bytes,
            Self::CaptureIdReused { .. }
            | Self::CaseUnknown { .. }
            | Self::DuplicateEvent { .. }
            | Self::ImportRepeated { .. }
            | Self::KeyExists { .. }
            | Self::ParticipantExists { .. }
            | Self::PrefixTaken { .. }
            | Self::WithoutObject { .. } => Fault::Conflict,
            Self::ApprovalsMissing { .. }
            | Self::AudienceWrong { .. }
            | Self::ForeignIdentifier { .. }
            | Self::KeyNotYetValid { .. }
            | Self::KeyOfAnother { .. }
            | Self::KeyRetired { .. }
            | Self::KeyRevoked { .. }
            | Self::KeyUnknown { .. }
            | Self::OutsideJurisdiction { .. }
            | Self::ParticipantSuspended { .. }
            | Self::ParticipantUnknown { .. }
            | Self::RegionUnknown { .. }
            | Self::RoleForbids { .. }
            | Self::RulesUnknown { .. } => Fault::Forbidden,
        }
    }
}
