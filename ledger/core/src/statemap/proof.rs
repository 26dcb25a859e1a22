//! Proofs that keys have certain values, or are not in the map, under one root.
//!
//! One form serves one key and many. Walk from the root to the asked keys; a walk ends at the
//! first subtree with at most one key. Subtrees beside the walks appear by their hash. Both lists
//! are in key order, and nothing is written that the verifier can compute:
//!
//! ```cddl
//! map-proof = [ ends: [ 0*10000 end ], siblings: [ * sibling ] ]
//! end       = depth                       ; the leaf of an asked key
//!           / [ depth ]                   ; an empty subtree: the asked keys are not in the map
//!           / [ depth, key, value-hash ]  ; another leaf: the asked keys are not in the map
//! depth      = 0..256                     ; bits from the root to the subtree
//! key        = bstr .size 32
//! value-hash = bstr .size 32              ; SHA-256 of the value
//! sibling    = bstr .size 32 / h''        ; h'' for an empty subtree
//! ```
//! One `end` can serve several asked keys: all those that lead to its subtree. There are at most
//! 256 siblings for each end (and one, the root, where nothing is asked). A set of keys has exactly
//! one proof under a root, and no other bytes verify.

use super::EMPTY_ROOT;
use super::page::PagePath;
use super::tree::{Opened, Place, SLOT_0, Subtree, TOP, bit, leaf_hash, node_hash};
use super::walk::{PageError, Pages, descend};
use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::hash::Digest;
use std::collections::BTreeMap;

/// Keys in one proof: a bundle asks for 30 to 60, the longest provenance for some thousands.
pub const KEYS_MAX: usize = 10_000;

/// Bits of a key: the deepest that a walk can end, and the most siblings beside it.
const DEPTH_MAX: u16 = 256;

/// The subtree where the walk to one or several asked keys ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The leaf of one of the asked keys. Others that lead here are not in the map.
    Held {
        /// Bits from the root.
        depth: u16,
    },
    /// No key.
    Empty {
        /// Bits from the root.
        depth: u16,
    },
    /// The leaf of a key nobody asked for.
    Other {
        /// Bits from the root.
        depth: u16,
        /// Its key.
        key: Digest,
        /// SHA-256 of its value.
        value_hash: Digest,
    },
}

impl End {
    const fn depth(&self) -> u16 {
        match self {
            Self::Held { depth } | Self::Empty { depth } | Self::Other { depth, .. } => *depth,
        }
    }

    fn write(&self, writer: &mut Writer) {
        let depth = u64::from(self.depth());
        match self {
            Self::Held { .. } => writer.uint(depth),
            Self::Empty { .. } => writer.array(1).uint(depth),
            Self::Other {
                key, value_hash, ..
            } => writer
                .array(3)
                .uint(depth)
                .byte_string(&key.0)
                .byte_string(&value_hash.0),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if reader.peek_major() == Some(0) {
            return Ok(Self::Held {
                depth: read_depth(reader)?,
            });
        }
        let start = reader.offset();
        match reader.array()? {
            1 => Ok(Self::Empty {
                depth: read_depth(reader)?,
            }),
            3 => Ok(Self::Other {
                depth: read_depth(reader)?,
                key: Digest(reader.byte_array()?),
                value_hash: Digest(reader.byte_array()?),
            }),
            _ => Err(DecodeFault::Field("an end of a map proof has one or three items").at(start)),
        }
    }
}

fn read_depth(reader: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let start = reader.offset();
    u16::try_from(reader.uint()?)
        .ok()
        .filter(|depth| *depth <= DEPTH_MAX)
        .ok_or_else(|| {
            DecodeFault::Field("the depth of a map proof's end is at most 256").at(start)
        })
}

fn read_sibling(reader: &mut Reader<'_>) -> Result<Digest, DecodeError> {
    let start = reader.offset();
    let bytes = reader.byte_string()?;
    if bytes.is_empty() {
        return Ok(EMPTY_ROOT);
    }
    Digest::from_slice(bytes)
        .filter(|digest| *digest != EMPTY_ROOT)
        .ok_or_else(|| {
            DecodeFault::Field("a sibling is a digest, or h'' for an empty subtree").at(start)
        })
}

/// Reads an array of at most `limit` items.
fn read_list<T>(
    reader: &mut Reader<'_>,
    limit: usize,
    too_long: &'static str,
    item: fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let start = reader.offset();
    let count = reader.array()?;
    if count > limit {
        return Err(DecodeFault::Field(too_long).at(start));
    }
    (0..count).map(|_| item(reader)).collect()
}

/// Proof that keys have certain values under a root, or are not in the map. Bytes: see the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProof {
    ends: Vec<End>,
    siblings: Vec<Digest>,
}

/// Why a proof does not show what is claimed.
///
/// Proof, claim and root do not belong together: one of them is forged or damaged. Keep them as
/// evidence and ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapProofError {
    /// The claims are not sorted by key, each key once. The fault is the caller's.
    #[error("claims are not sorted by key, each once")]
    ClaimsUnsorted,
    /// The proof has no end for this key.
    #[error("the proof does not lead to key {key}")]
    EndMissing {
        /// The key.
        key: Digest,
    },
    /// The proof has ends that no asked key leads to.
    #[error("the proof leads to keys that nobody asked for")]
    EndUnexpected,
    /// The walk to this key would have ended above where it already is.
    #[error("the proof ends above where the walk to key {key} is")]
    EndTooHigh {
        /// The key.
        key: Digest,
    },
    /// The leaf that ends the walk to this key is not on its way.
    #[error("the leaf shown for key {key} belongs elsewhere")]
    LeafElsewhere {
        /// The key.
        key: Digest,
    },
    /// Claimed to have a value, but the proof shows that it is not in the map.
    #[error("key {key} is claimed present, and the proof shows it absent")]
    KeyAbsent {
        /// The key.
        key: Digest,
    },
    /// Claimed not to be in the map, but the proof shows it (or one that leads the same way and is
    /// also claimed absent).
    #[error("key {key} is claimed absent, and the proof shows it present")]
    KeyPresent {
        /// The key.
        key: Digest,
    },
    /// The proof has too few siblings.
    #[error("the proof lacks a sibling hash")]
    SiblingMissing,
    /// The proof has siblings left over.
    #[error("the proof has a sibling hash too many")]
    SiblingUnexpected,
    /// Everything fits, but under another root: a value, a sibling or the root is not the real one.
    #[error("the proof leads to root {computed}, not {expected}")]
    RootMismatch {
        /// The root given by the caller.
        expected: Digest,
        /// The root that follows from proof and claims.
        computed: Digest,
    },
}

impl MapProof {
    /// Checks that under `root` each key has the value of this SHA-256, or, for `None`, is not in
    /// the map.
    ///
    /// `claims`: sorted by key, each once. One SHA-256 per sibling and end, no I/O.
    ///
    /// # Errors
    /// [`MapProofError`], the first fault in key order; `RootMismatch` comes last.
    pub fn verify(
        &self,
        root: &Digest,
        claims: &[(Digest, Option<Digest>)],
    ) -> Result<(), MapProofError> {
        if !claims.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(MapProofError::ClaimsUnsorted);
        }
        let mut rest = Unread {
            ends: self.ends.iter(),
            siblings: self.siblings.iter(),
        };
        let computed = rest.subtree(claims, 0)?;
        if rest.ends.next().is_some() {
            return Err(MapProofError::EndUnexpected);
        }
        if rest.siblings.next().is_some() {
            return Err(MapProofError::SiblingUnexpected);
        }
        if computed != *root {
            return Err(MapProofError::RootMismatch {
                expected: *root,
                computed,
            });
        }
        Ok(())
    }

    /// Writes the proof as one CBOR item.
    pub fn write(&self, writer: &mut Writer) {
        writer.array(2).array(self.ends.len());
        for end in &self.ends {
            end.write(writer);
        }
        writer.array(self.siblings.len());
        for sibling in &self.siblings {
            let bytes: &[u8] = if *sibling == EMPTY_ROOT {
                &[]
            } else {
                &sibling.0
            };
            writer.byte_string(bytes);
        }
    }

    /// Reads a proof as the next CBOR item.
    ///
    /// # Errors
    /// [`DecodeError`]; counts are checked before anything is allocated.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(2, "a map proof: [ends, siblings]")?;
        let ends = read_list(reader, KEYS_MAX, "too many ends in a map proof", End::read)?;
        let siblings_max = (usize::from(DEPTH_MAX) * ends.len()).max(1);
        let siblings = read_list(
            reader,
            siblings_max,
            "too many siblings in a map proof",
            read_sibling,
        )?;
        Ok(Self { ends, siblings })
    }

    /// The proof's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// Reads a proof from all of `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] as [`Self::read`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let proof = Self::read(&mut reader)?;
        reader.end()?;
        Ok(proof)
    }

    /// Where the walks end, in key order.
    #[must_use]
    pub fn ends(&self) -> &[End] {
        &self.ends
    }
}

/// What a verification has not used yet.
struct Unread<'a> {
    ends: std::slice::Iter<'a, End>,
    siblings: std::slice::Iter<'a, Digest>,
}

impl Unread<'_> {
    /// The hash of the subtree `depth` bits below the root to which exactly `claims` lead.
    /// Recursion: `depth` is below that of an end, so at most 256.
    fn subtree(
        &mut self,
        claims: &[(Digest, Option<Digest>)],
        depth: u16,
    ) -> Result<Digest, MapProofError> {
        let Some(&(key, _)) = claims.first() else {
            return self
                .siblings
                .next()
                .copied()
                .ok_or(MapProofError::SiblingMissing);
        };
        let end = self
            .ends
            .as_slice()
            .first()
            .ok_or(MapProofError::EndMissing { key })?;
        if end.depth() < depth {
            return Err(MapProofError::EndTooHigh { key });
        }
        if end.depth() == depth {
            self.ends.next();
            return Self::end(end, claims);
        }
        let (left, right) = claims.split_at(claims.partition_point(|(key, _)| !bit(key, depth)));
        let left = self.subtree(left, depth + 1)?;
        let right = self.subtree(right, depth + 1)?;
        Ok(node_hash(&left, &right))
    }

    /// The hash of a subtree with at most one key, to which `claims`, at least one, lead.
    fn end(end: &End, claims: &[(Digest, Option<Digest>)]) -> Result<Digest, MapProofError> {
        let first = claims[0].0;
        let mut present = claims
            .iter()
            .filter_map(|(key, value)| value.map(|hash| (*key, hash)));
        let held = present.next();
        let absent = |claim: Option<(Digest, Digest)>| match claim {
            Some((key, _)) => Err(MapProofError::KeyAbsent { key }),
            None => Ok(()),
        };
        match end {
            End::Held { .. } => {
                let (key, value_hash) = held.ok_or(MapProofError::KeyPresent { key: first })?;
                absent(present.next())?; // a leaf is one key's
                Ok(leaf_hash(&key, &value_hash))
            }
            End::Empty { .. } => absent(held).map(|()| EMPTY_ROOT),
            End::Other {
                depth,
                key,
                value_hash,
            } => {
                if claims.iter().any(|(claimed, _)| claimed == key) {
                    return Err(MapProofError::KeyPresent { key: *key });
                }
                absent(held)?;
                if (0..*depth).any(|depth| bit(key, depth) != bit(&first, depth)) {
                    return Err(MapProofError::LeafElsewhere { key: first });
                }
                Ok(leaf_hash(key, value_hash))
            }
        }
    }
}

/// Proves the value of `key` under `root`, or that it is not in the map.
///
/// # Errors
/// [`PageError`] as [`super::update`].
pub fn prove<P: Pages>(
    pages: &P,
    root: &Digest,
    key: &Digest,
) -> Result<MapProof, PageError<P::Error>> {
    prove_many(pages, root, &[*key])
}

/// Proves the values of `keys`, in any order, under `root`, or that they are not in the map.
///
/// # Errors
/// [`PageError`] as [`super::update`]; `TooManyKeys` beyond [`KEYS_MAX`].
pub fn prove_many<P: Pages>(
    pages: &P,
    root: &Digest,
    keys: &[Digest],
) -> Result<MapProof, PageError<P::Error>> {
    if keys.len() > KEYS_MAX {
        return Err(PageError::TooManyKeys {
            asked: keys.len(),
            limit: KEYS_MAX,
        });
    }
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let visits = descend(pages, root, &keys)?;
    let pages = visits
        .into_iter()
        .map(|visit| (visit.path, visit.opened))
        .collect();
    let mut prover = Prover {
        pages,
        proof: MapProof {
            ends: Vec::new(),
            siblings: Vec::new(),
        },
    };
    prover.subtree(&keys, PagePath::ROOT, TOP, 0);
    Ok(prover.proof)
}

struct Prover {
    /// All pages on the way to the asked keys.
    pages: BTreeMap<PagePath, Box<Opened>>,
    proof: MapProof,
}

impl Prover {
    /// Writes the part of the proof that belongs to the subtree at `place` of the page `path`,
    /// `depth` bits below the root, to which exactly `keys` lead.
    fn subtree(&mut self, keys: &[Digest], path: PagePath, place: Place, depth: u16) {
        let page = &self.pages[&path];
        let subtree = *page.at(place);
        if keys.is_empty() {
            self.proof.siblings.push(subtree.hash());
            return;
        }
        match subtree {
            Subtree::Empty => self.proof.ends.push(End::Empty { depth }),
            Subtree::Leaf(_) => {
                let (key, value_hash) = page.leaf_below(place);
                self.proof.ends.push(if keys.binary_search(&key).is_ok() {
                    End::Held { depth }
                } else {
                    End::Other {
                        depth,
                        key,
                        value_hash,
                    }
                });
            }
            Subtree::Node(_) => match place.checked_sub(SLOT_0) {
                Some(slot) => {
                    let slot = u8::try_from(slot).expect("a page has 16 slots");
                    self.subtree(keys, path.child(slot), TOP, depth);
                }
                None => {
                    let (left, right) = keys.split_at(keys.partition_point(|key| !bit(key, depth)));
                    self.subtree(left, path, 2 * place, depth + 1);
                    self.subtree(right, path, 2 * place + 1, depth + 1);
                }
            },
        }
    }
}
