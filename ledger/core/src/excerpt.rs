//! A stretch of the log as a mirror is given it: entries, effects, and bodies as far as the mirror
//! may have them.
//!
//! Nothing here is believed: who reads an excerpt replays it ([`crate::audit`]). Who may have
//! which body is decided by [`crate::lists::Sharing`].
//!
//! Bytes: `schemas/suyuan.cddl`, rule `excerpt`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::ids::LeafIndex;
use crate::store::EntryWrite;

/// Leaves of one excerpt: a quarter of a block, half a megabyte of common statements, so that a
/// mirror far away keeps a few in flight.
pub const EXCERPT_LEAVES_MAX: usize = 1024;

/// Bytes of bodies after which an excerpt ends: one body may be 4 MiB.
pub const EXCERPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of the heads of a leaf's array and its three strings (RFC 8949 §3).
const HEADS_MAX: usize = 16;

/// Encodes leaves that follow one another.
#[must_use]
pub fn encode(leaves: &[EntryWrite]) -> Vec<u8> {
    let parts = |leaf: &EntryWrite| leaf.entry.len() + leaf.effects.len() + leaf.body.len();
    let bytes = leaves.iter().map(|leaf| HEADS_MAX + parts(leaf)).sum();
    let mut writer = Writer::with_capacity(bytes);
    writer.array(leaves.len());
    for leaf in leaves {
        writer
            .array(3)
            .byte_string(&leaf.entry)
            .byte_string(&leaf.effects)
            .byte_string(&leaf.body);
    }
    writer.finish()
}

/// Reads the leaves from `from` on.
///
/// # Errors
/// [`DecodeError`]; more than [`EXCERPT_LEAVES_MAX`] leaves are refused before they are read.
pub fn decode(from: LeafIndex, bytes: &[u8]) -> Result<Vec<EntryWrite>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = reader.array()?;
    if count > EXCERPT_LEAVES_MAX {
        return Err(DecodeFault::Field("number of leaves").at(0));
    }
    let mut leaves = Vec::with_capacity(count);
    for leaf in (from.0..).take(count).map(LeafIndex) {
        reader.array_of(3, "[entry, effects, body]")?;
        leaves.push(EntryWrite {
            leaf,
            entry: reader.byte_string()?.to_vec(),
            effects: reader.byte_string()?.to_vec(),
            body: reader.byte_string()?.to_vec(),
        });
    }
    reader.end()?;
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_reads_back_and_never_more_than_its_limit() {
        let leaf = |leaf| EntryWrite {
            leaf: LeafIndex(leaf),
            entry: vec![1, 2],
            body: vec![3],
            effects: Vec::new(),
        };
        let leaves = [leaf(7), leaf(8)];
        assert_eq!(
            decode(LeafIndex(7), &encode(&leaves)).as_deref(),
            Ok(&leaves[..])
        );
        let many: Vec<EntryWrite> = (0..=1024).map(leaf).collect();
        assert_eq!(
            decode(LeafIndex(0), &encode(&many)),
            Err(DecodeFault::Field("number of leaves").at(0))
        );
    }
}
