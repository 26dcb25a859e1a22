//! Signed statements: the only thing a ledger takes in.
//!
//! A statement is a tagged COSE_Sign1 (RFC 9052 §4.2) in the shape of a SCITT Signed Statement
//! (RFC 9943): protected `{1: alg, 3: content type, 4: key id, 15: {1: iss, 2: sub, 3: aud,
//! 6: iat}}`, a payload that commits to disclosures, and the disclosures themselves in a
//! private-use unprotected label. What enters the log is the **entry**: the same bytes with the
//! unprotected header emptied.
//!
//! **Invariants:** identity is the digest of what was signed, never the signature's bytes; a
//! statement has one encoding, so that parsing and encoding are inverse.
//!
//! Bytes: `schemas/suyuan.cddl`, rules `statement`, `protected`, `payload`.

use crate::block::BlockHeader;
use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::cose::{ALG_ED25519, ALG_EDDSA, Sign1};
use crate::disclosure::{DISCLOSURES_MAX, Disclosed, encode_body, read_body};
use crate::hash::{Digest, empty_root, leaf_hash};
use crate::ids::{CaptureId, Handle};
use crate::merkle::Frontier;
use crate::registry::RegistryPayload;
use crate::reject::RejectReason;
use crate::signature::{KeyId, Signer};

/// A statement with its disclosures: what 1,000 events of an ERP's batch need.
pub const STATEMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An entry: far below the 65,535 bytes of a tile's length field; commitments are small.
pub const ENTRY_BYTES_MAX: usize = 16 * 1024;

/// Ledgers one statement may be meant for.
pub const AUDIENCE_MAX: usize = 8;

/// The private-use header label under which disclosures travel. Not that of SD-CWT: the meaning
/// differs.
pub const LABEL_DISCLOSURES: i64 = -65537;

/// What kind of payload a statement has: COSE header 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// A block header: the log's own.
    Block,
    /// Traceability events.
    Events,
    /// An act of the registry.
    Registry,
}

impl ContentType {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Block => "application/vnd.suyuan.block+cbor",
            Self::Events => "application/vnd.suyuan.events+cbor",
            Self::Registry => "application/vnd.suyuan.registry+cbor",
        }
    }

    fn from_media_type(text: &str) -> Option<Self> {
        [Self::Block, Self::Events, Self::Registry]
            .into_iter()
            .find(|kind| kind.media_type() == text)
    }
}

/// Who says it, and what the saying is called: CWT claims 1 (iss) and 2 (sub).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// The log itself: its origin, and the subject it gives (a block's height).
    Log {
        /// The log's origin.
        origin: String,
        /// What it speaks about.
        subject: String,
    },
    /// A participant and its capture id.
    Participant {
        /// On whose behalf this is said. The key may be a delegate's.
        handle: Handle,
        /// Unique for ever with the handle.
        capture: CaptureId,
    },
}

/// The protected header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// COSE algorithm: -8 (`EdDSA`) or -19 (`Ed25519`); the mathematics is the same.
    pub algorithm: i64,
    /// What the payload is.
    pub content: ContentType,
    /// The key that signed.
    pub key: KeyId,
    /// Who speaks.
    pub issuer: Issuer,
    /// Origins of the logs it is meant for.
    pub audience: Vec<String>,
    /// When the signer says it was signed, seconds since 1970. Decides nothing.
    pub issued_at: u64,
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(4).uint(1).int(self.algorithm);
        writer.uint(3).text(self.content.media_type());
        writer.uint(4).byte_string(self.key.0.as_bytes());
        let (issuer, subject) = match &self.issuer {
            Issuer::Log { origin, subject } => (origin.clone(), subject.clone()),
            Issuer::Participant { handle, capture } => (handle.to_string(), capture.to_string()),
        };
        writer
            .uint(15)
            .map(4)
            .uint(1)
            .text(&issuer)
            .uint(2)
            .text(&subject)
            .uint(3);
        if let [only] = self.audience.as_slice() {
            writer.text(only);
        } else {
            writer.array(self.audience.len());
            for origin in &self.audience {
                writer.text(origin);
            }
        }
        writer.uint(6).uint(self.issued_at);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, RejectReason> {
        let mut reader = Reader::new(bytes);
        let header = Self::read(&mut reader)?;
        reader.end()?;
        Ok(header)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, RejectReason> {
        reader.labels(4)?;
        reader.label(1)?;
        let algorithm = reader.int()?;
        if algorithm != ALG_EDDSA && algorithm != ALG_ED25519 {
            return Err(RejectReason::AlgorithmUnsupported { algorithm });
        }
        reader.label(3)?;
        let media_type = reader.text()?;
        let content = ContentType::from_media_type(media_type).ok_or_else(|| {
            RejectReason::ContentTypeUnknown {
                found: shorten(media_type),
            }
        })?;
        reader.label(4)?;
        let key = KeyId(Digest(reader.byte_array()?));
        reader.label(15)?;
        reader.labels(4)?;
        reader.label(1)?;
        let issuer_at = reader.offset();
        let issuer_text = reader.text()?;
        reader.label(2)?;
        let subject_at = reader.offset();
        let subject = reader.text()?;
        let issuer = if content == ContentType::Block {
            Issuer::Log {
                origin: issuer_text.to_owned(),
                subject: subject.to_owned(),
            }
        } else if let Some(handle) = Handle::parse(issuer_text) {
            let capture = CaptureId::parse(subject)
                .ok_or_else(|| DecodeFault::Field("sub: 22 base64url characters").at(subject_at))?;
            Issuer::Participant { handle, capture }
        } else if content == ContentType::Registry && issuer_text.contains('.') {
            // Only the founding entry; admission checks that.
            Issuer::Log {
                origin: issuer_text.to_owned(),
                subject: subject.to_owned(),
            }
        } else {
            return Err(DecodeFault::Field("iss: 22 base64url characters")
                .at(issuer_at)
                .into());
        };
        reader.label(3)?;
        let audience = read_audience(reader)?;
        reader.label(6)?;
        let issued_at = reader.uint()?;
        Ok(Self {
            algorithm,
            content,
            key,
            issuer,
            audience,
            issued_at,
        })
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

fn read_audience(reader: &mut Reader<'_>) -> Result<Vec<String>, DecodeError> {
    if reader.peek_major() == Some(3) {
        return Ok(vec![reader.text()?.to_owned()]);
    }
    let at = reader.offset();
    let count = reader.array()?;
    if !(2..=AUDIENCE_MAX).contains(&count) {
        return Err(DecodeFault::Field("aud: one text, or two to eight").at(at));
    }
    (0..count)
        .map(|_| reader.text().map(str::to_owned))
        .collect()
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A block's header.
    Block(BlockHeader),
    /// Events, by commitment.
    Events(Commitment),
    /// An act of the registry.
    Registry(RegistryPayload),
}

/// How many disclosures, and the root of the tree over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// 1 to 1000 in an events statement, 0 to 1000 in a registry statement.
    pub count: u16,
    /// RFC 9162 root; that of the empty tree for none.
    pub root: Digest,
}

impl Commitment {
    /// The commitment to these disclosures, in this order.
    ///
    /// # Panics
    /// On more than 65,535 disclosures, which no caller builds: the limit is 1,000.
    #[must_use]
    pub fn to(disclosed: &[Disclosed]) -> Self {
        let count = u16::try_from(disclosed.len()).expect("at most 1,000 disclosures");
        Self {
            count,
            root: disclosures_root(disclosed),
        }
    }

    /// Appends `count, root` to an array the caller has opened.
    pub fn write(&self, writer: &mut Writer) {
        writer.uint(u64::from(self.count)).byte_string(&self.root.0);
    }

    /// Reads `count, root`.
    ///
    /// # Errors
    /// [`DecodeError`]; `Field("count")` outside `allowed_min..=1000`.
    pub fn read(reader: &mut Reader<'_>, allowed_min: u16) -> Result<Self, DecodeError> {
        let at = reader.offset();
        let count = u16::try_from(reader.uint()?)
            .ok()
            .filter(|count| *count >= allowed_min && usize::from(*count) <= DISCLOSURES_MAX)
            .ok_or_else(|| DecodeFault::Field("count").at(at))?;
        Ok(Self {
            count,
            root: Digest(reader.byte_array()?),
        })
    }
}

/// The root over the disclosures' leaves.
fn disclosures_root(disclosed: &[Disclosed]) -> Digest {
    if disclosed.is_empty() {
        return empty_root();
    }
    let mut frontier = Frontier::new();
    for one in disclosed {
        frontier.push(one.disclosure.leaf());
    }
    frontier.root()
}

impl Payload {
    fn decode(content: ContentType, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let payload = match content {
            ContentType::Block => return BlockHeader::decode(bytes).map(Self::Block),
            ContentType::Events => {
                reader.array_of(2, "a payload [count, root]")?;
                Self::Events(Commitment::read(&mut reader, 1)?)
            }
            ContentType::Registry => Self::Registry(RegistryPayload::read(&mut reader)?),
        };
        reader.end()?;
        Ok(payload)
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        match self {
            Self::Block(header) => return header.encode(),
            Self::Events(commitment) => {
                writer.array(2);
                commitment.write(&mut writer);
            }
            Self::Registry(registry) => registry.write(&mut writer),
        }
        writer.finish()
    }

    const fn content(&self) -> ContentType {
        match self {
            Self::Block(_) => ContentType::Block,
            Self::Events(_) => ContentType::Events,
            Self::Registry(_) => ContentType::Registry,
        }
    }

    /// The commitment to disclosures, if this kind of payload has one.
    #[must_use]
    pub const fn commitment(&self) -> Option<Commitment> {
        match self {
            Self::Block(_) => None,
            Self::Events(commitment) => Some(*commitment),
            Self::Registry(registry) => Some(registry.commitment),
        }
    }
}

fn read(message: &Sign1) -> Result<(Header, Payload), RejectReason> {
    let header = Header::decode(&message.protected)?;
    let payload = message.payload.as_deref();
    let payload = payload.ok_or_else(|| DecodeFault::Field("payload").at(0))?;
    let payload = Payload::decode(header.content, payload)?;
    Ok((header, payload))
}

/// A statement whose bytes are in order. Nothing is known yet about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    header: Header,
    payload: Payload,
    disclosed: Vec<Disclosed>,
    entry: Vec<u8>,
    leaf: Digest,
    signed_bytes: Vec<u8>,
    signature: [u8; 64],
}

impl SignedStatement {
    /// Parses a statement as a client submits it, or an entry as the log holds it (no
    /// disclosures).
    ///
    /// # Errors
    /// `Malformed`, `TooLarge`, `AlgorithmUnsupported`, `ContentTypeUnknown`.
    pub fn parse(bytes: &[u8]) -> Result<Self, RejectReason> {
        if bytes.len() > STATEMENT_BYTES_MAX {
            return Err(RejectReason::TooLarge {
                what: "statement",
                bytes: bytes.len(),
                limit_bytes: STATEMENT_BYTES_MAX,
            });
        }
        let mut message = Sign1::decode(bytes)?;
        let (header, payload) = read(&message)?;
        let disclosed = decode_unprotected(&message.unprotected)?;
        let payload_bytes = message.payload.as_deref().unwrap_or_default();
        let signed_bytes = Sign1::signed_bytes(&message.protected, payload_bytes);
        message.unprotected = EMPTY_MAP.to_vec();
        let entry = message.encode();
        if entry.len() > ENTRY_BYTES_MAX {
            return Err(RejectReason::TooLarge {
                what: "entry",
                bytes: entry.len(),
                limit_bytes: ENTRY_BYTES_MAX,
            });
        }
        let leaf = leaf_hash(&entry);
        Ok(Self {
            header,
            payload,
            disclosed,
            entry,
            leaf,
            signed_bytes,
            signature: message.signature,
        })
    }

    /// Who signed an entry of the log, and what it says, without what verifying it needs: half of
    /// what [`Self::parse`] costs.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn glance(entry: &[u8]) -> Result<(Header, Payload), RejectReason> {
        read(&Sign1::decode(entry)?)
    }

    /// Signs `payload`, and carries `disclosed` beside it.
    #[must_use]
    pub fn sign(
        signer: &dyn Signer,
        issuer: Issuer,
        audience: Vec<String>,
        issued_at: u64,
        payload: Payload,
        disclosed: Vec<Disclosed>,
    ) -> Self {
        let header = Header {
            algorithm: ALG_EDDSA,
            content: payload.content(),
            key: signer.public_key().key_id(),
            issuer,
            audience,
            issued_at,
        };
        let protected = header.encode();
        let payload_bytes = payload.encode();
        let signed_bytes = Sign1::signed_bytes(&protected, &payload_bytes);
        let signature = signer.sign(&signed_bytes);
        let entry = Sign1 {
            protected,
            unprotected: EMPTY_MAP.to_vec(),
            payload: Some(payload_bytes),
            signature,
        }
        .encode();
        let leaf = leaf_hash(&entry);
        Self {
            header,
            payload,
            disclosed,
            entry,
            leaf,
            signed_bytes,
            signature,
        }
    }

    /// The bytes a client submits: the entry with the disclosures in its unprotected header.
    ///
    /// # Panics
    /// Never: the entry was encoded by this module.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut whole = Sign1::decode(&self.entry).expect("an entry is a COSE_Sign1");
        if !self.disclosed.is_empty() {
            let mut writer = Writer::new();
            writer
                .map(1)
                .int(LABEL_DISCLOSURES)
                .raw(&encode_body(&self.disclosed));
            whole.unprotected = writer.finish();
        }
        whole.encode()
    }

    /// The same statement with disclosures that were kept apart from its entry.
    #[must_use]
    pub fn with_disclosures(mut self, disclosed: Vec<Disclosed>) -> Self {
        self.disclosed = disclosed;
        self
    }

    /// Lets go of the disclosures.
    pub(crate) fn forget_disclosures(&mut self) {
        self.disclosed = Vec::new();
    }

    /// The protected header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What it says.
    #[must_use]
    pub const fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Its disclosures, as delivered.
    #[must_use]
    pub fn disclosed(&self) -> &[Disclosed] {
        &self.disclosed
    }

    /// The bytes the log holds.
    #[must_use]
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// The entry's leaf hash.
    #[must_use]
    pub const fn leaf_hash(&self) -> Digest {
        self.leaf
    }

    /// Whether the log `origin` is one of those that it was signed for.
    #[must_use]
    pub fn is_meant_for(&self, origin: &str) -> bool {
        self.header.audience.iter().any(|one| one == origin)
    }

    /// The statement's identity: SHA-256 of its `Sig_structure`.
    #[must_use]
    pub fn signed_digest(&self) -> Digest {
        Digest::of(&self.signed_bytes)
    }

    /// What the signature is over (RFC 9052 §4.4).
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        &self.signed_bytes
    }

    /// The signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// Checks that the disclosures at hand are exactly those the payload commits to.
    ///
    /// # Errors
    /// `DisclosureCount`, `DisclosureMismatch`.
    pub fn check_commitment(&self) -> Result<(), RejectReason> {
        let Some(commitment) = self.payload.commitment() else {
            return Ok(());
        };
        let found = self.disclosed.len();
        if found != usize::from(commitment.count)
            || self
                .disclosed
                .iter()
                .enumerate()
                .any(|(at, one)| usize::from(one.index) != at)
        {
            return Err(RejectReason::DisclosureCount {
                found,
                want: commitment.count,
            });
        }
        if disclosures_root(&self.disclosed) == commitment.root {
            Ok(())
        } else {
            Err(RejectReason::DisclosureMismatch)
        }
    }
}

const EMPTY_MAP: &[u8] = &[0xa0];

fn decode_unprotected(bytes: &[u8]) -> Result<Vec<Disclosed>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = reader.map()?;
    let disclosed = match count {
        0 => Vec::new(),
        1 => {
            reader.label(LABEL_DISCLOSURES)?;
            read_body(&mut reader)?
        }
        _ => return Err(DecodeFault::Field("unprotected header").at(0)),
    };
    reader.end()?;
    if count == 1 && disclosed.is_empty() {
        return Err(DecodeFault::Field("empty list of disclosures").at(0));
    }
    Ok(disclosed)
}
