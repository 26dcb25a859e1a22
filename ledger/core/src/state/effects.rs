//! What one statement does to the state, and the one place where it is done.
//!
//! Effects are a pure function of the statement, its public part and the state before it. They
//! are kept beside the entry: a replay that has the body recomputes them, one that lacks it
//! applies what was kept, and says so.
//!
//! Bytes: `schemas/suyuan.cddl`, rule `effects`.

use super::{Class, ItemRecord, Record as _, State, StateKey, posting_leaf};
use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::hash::Digest;
use crate::ids::LeafIndex;
use crate::store::{EventRef, StoreError};

/// One statement's effects: `[[* [index, item]], [* [key, record]]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Items whose lists grow: the disclosure's index and the item's key, in that order, each
    /// pair once.
    pub touches: Vec<(u16, Digest)>,
    /// Records that are replaced, in key order.
    pub sets: Vec<(StateKey, Vec<u8>)>,
}

impl Effects {
    /// The effects' one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(2).array(self.touches.len());
        for (index, item) in &self.touches {
            writer.array(2).uint(u64::from(*index)).byte_string(&item.0);
        }
        writer.array(self.sets.len());
        for (key, record) in &self.sets {
            writer
                .array(2)
                .byte_string(&key.to_bytes())
                .byte_string(record);
        }
        writer.finish()
    }

    /// Reads effects.
    ///
    /// # Errors
    /// [`DecodeError`]; `Field` for pairs out of order or keys of no class.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(2, "effects [touches, sets]")?;
        let touches = (0..reader.array()?)
            .map(|_| {
                let at = reader.offset();
                reader.array_of(2, "[index, item]")?;
                let index =
                    u16::try_from(reader.uint()?).map_err(|_| DecodeFault::IntegerRange.at(at))?;
                Ok((index, Digest(reader.byte_array()?)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let sets = (0..reader.array()?)
            .map(|_| {
                let at = reader.offset();
                reader.array_of(2, "[key, record]")?;
                let key = StateKey::from_bytes(reader.byte_string()?)
                    .ok_or_else(|| DecodeFault::Field("state key").at(at))?;
                Ok((key, reader.byte_string()?.to_vec()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        reader.end()?;
        let rising = touches.windows(2).all(|pair| pair[0] < pair[1])
            && sets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        if rising {
            Ok(Self { touches, sets })
        } else {
            Err(DecodeFault::Field("order").at(0))
        }
    }

    /// Puts the effects in their one order.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.touches.sort_unstable();
        self.touches.dedup();
        self.sets.sort_by_key(|(key, _)| *key);
        self
    }

    /// The state keys these effects read or write.
    pub fn keys(&self) -> impl Iterator<Item = StateKey> {
        let items = self.touches.iter().map(|(_, item)| StateKey {
            class: Class::Item,
            digest: *item,
        });
        items.chain(self.sets.iter().map(|(key, _)| *key))
    }
}

/// Applies the effects of the entry at `leaf`: the only place where state changes.
///
/// Returns the new members of items' lists, in order.
///
/// # Errors
/// [`StoreError`].
pub fn apply(
    state: &mut impl State,
    leaf: LeafIndex,
    leaf_hash: &Digest,
    effects: &Effects,
) -> Result<Vec<(StateKey, EventRef)>, StoreError> {
    let mut postings = Vec::with_capacity(effects.touches.len());
    for (index, item) in &effects.touches {
        let key = StateKey {
            class: Class::Item,
            digest: *item,
        };
        let at = EventRef {
            leaf,
            index: *index,
        };
        let mut record: ItemRecord = state.load(key)?.unwrap_or_default();
        record.push(posting_leaf(at, leaf_hash));
        state.write(key, record.encode());
        postings.push((key, at));
    }
    for (key, record) in &effects.sets {
        state.write(*key, record.clone());
    }
    Ok(postings)
}
