//! Blocks: the hash chain inside the tree.
//!
//! A group commit seals a block, whose last entry is its header, a statement of the log itself.
//! Each header names the previous one by hash, the tree before itself, the effects of its
//! statements, and the state that results. So the chain needs no checkpoint extension, and an
//! answer about the state is proved by one inclusion proof of one header.
//!
//! Bytes: `schemas/suyuan.cddl`, rules `block-header`, `block-record`, `head`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::hash::Digest;
use crate::ids::{LeafIndex, TreeSize, UnixMillis};

/// Statements in one block: a bound on the memory and the time of one group commit.
pub const BLOCK_STATEMENTS_MAX: usize = 4096;

/// What a block's header says: the payload of the log's own statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Number of blocks before this one.
    pub height: u64,
    /// Leaf hash of the previous block's header entry; zeros at height 0.
    pub previous: Digest,
    /// Leaves before this header, which is also the header's own index.
    pub size: TreeSize,
    /// Root of the tree of those leaves.
    pub root: Digest,
    /// When it was sealed; never less than the previous block's.
    pub time: UnixMillis,
    /// Statements in this block, the header not counted.
    pub statements: u64,
    /// Events in those statements.
    pub events: u64,
    /// The admission rules these statements were judged by.
    pub rules_version: u16,
    /// Root of the tree whose leaves are the statements' encoded effects.
    pub effects: Digest,
    /// Root of the state map after this block.
    pub state: Digest,
}

impl BlockHeader {
    /// The header's own leaf.
    #[must_use]
    pub const fn leaf(&self) -> LeafIndex {
        self.size.next()
    }

    /// The payload's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(10)
            .uint(self.height)
            .byte_string(&self.previous.0)
            .uint(self.size.0)
            .byte_string(&self.root.0)
            .int(self.time.0)
            .uint(self.statements)
            .uint(self.events)
            .uint(u64::from(self.rules_version))
            .byte_string(&self.effects.0)
            .byte_string(&self.state.0);
        writer.finish()
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(10, "a block header")?;
        let header = Self {
            height: reader.uint()?,
            previous: Digest(reader.byte_array()?),
            size: TreeSize(reader.uint()?),
            root: Digest(reader.byte_array()?),
            time: UnixMillis(reader.int()?),
            statements: reader.uint()?,
            events: reader.uint()?,
            rules_version: {
                let at = reader.offset();
                u16::try_from(reader.uint()?).map_err(|_| DecodeFault::IntegerRange.at(at))?
            },
            effects: Digest(reader.byte_array()?),
            state: Digest(reader.byte_array()?),
        };
        reader.end()?;
        Ok(header)
    }
}

/// How a block is found again from any of its leaves: `[header leaf, height, root, time]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// The header's leaf, the last of the block.
    pub header: LeafIndex,
    /// Number of blocks before it.
    pub height: u64,
    /// Root of the tree that ends with the header: what its receipts and checkpoint sign.
    pub root: Digest,
    /// When it was sealed.
    pub time: UnixMillis,
}

impl BlockRecord {
    /// Size of the tree that ends with this block.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.header.size_through()
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(4).uint(self.header.0).uint(self.height);
        writer.byte_string(&self.root.0).int(self.time.0);
        writer.finish()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(4, "a block's record")?;
        let record = Self {
            header: leaf(&mut reader)?,
            height: reader.uint()?,
            root: Digest(reader.byte_array()?),
            time: UnixMillis(reader.int()?),
        };
        reader.end()?;
        Ok(record)
    }
}

/// Indices of half the 64-bit range are refused, so that sizes never overflow.
fn leaf(reader: &mut Reader<'_>) -> Result<LeafIndex, DecodeError> {
    let at = reader.offset();
    let index = reader.uint()?;
    if index > u64::MAX / 2 {
        return Err(DecodeFault::IntegerRange.at(at));
    }
    Ok(LeafIndex(index))
}

/// The newest block and all that sealing the next one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The newest block.
    pub block: BlockRecord,
    /// Leaf hash of its header entry.
    pub header_hash: Digest,
    /// Peaks of the tree that ends with it, largest first (RFC 9162 §2.1.1).
    pub peaks: Vec<Digest>,
    /// Root of the state map after it.
    pub state: Digest,
    /// Events recorded so far.
    pub events: u64,
    /// The signed checkpoint of its tree, a C2SP signed note.
    pub checkpoint: String,
}

impl Head {
    /// Size of the tree.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.block.size()
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(6)
            .byte_string(&self.block.encode())
            .byte_string(&self.header_hash.0);
        writer.array(self.peaks.len());
        for peak in &self.peaks {
            writer.byte_string(&peak.0);
        }
        writer
            .byte_string(&self.state.0)
            .uint(self.events)
            .text(&self.checkpoint);
        writer.finish()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(6, "a head")?;
        let head = Self {
            block: BlockRecord::decode(reader.byte_string()?)?,
            header_hash: Digest(reader.byte_array()?),
            peaks: (0..reader.array()?)
                .map(|_| reader.byte_array().map(Digest))
                .collect::<Result<_, _>>()?,
            state: Digest(reader.byte_array()?),
            events: reader.uint()?,
            checkpoint: reader.text()?.to_owned(),
        };
        reader.end()?;
        Ok(head)
    }
}
