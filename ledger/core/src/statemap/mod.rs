//! The authenticated map of the ledger's state: 32-byte key → hash of a value, under one root.
//!
//! Every block header carries this root, so that an answer can be proved complete: a key's value is
//! shown to be the one the header committed to, or the key is shown to be unknown. Owned here: the
//! hash rule, the pages it is stored in, proofs. Not known here: what keys and values mean, how
//! pages reach a disk. Keys are never deleted.
//!
//! # The hash rule
//! The map is a binary tree; the bits of a key, most significant first, lead from the root to it.
//! ```text
//! hash(subtree with no key)        = 32 zero bytes
//! hash(subtree with one key)       = SHA-256(0x02 ‖ key ‖ SHA-256(value))
//! hash(subtree with several keys)  = SHA-256(0x03 ‖ hash(left) ‖ hash(right))
//! ```
//! A lone key thus sits as high as it can, and the root depends on the map alone, not on the order
//! of changes. The prefixes differ from those of the log's tree (RFC 9162: 0x00, 0x01). For one
//! root and one key there is at most one walk, so a root cannot prove both presence and absence.
//!
//! # Pages
//! Four levels of the tree make a [`Page`] of 16 slots; [`Pages`] is asked for all pages of one
//! level at once. **Invariant:** a page is believed only after its slots hashed to what the page
//! above (or the caller's root) says, so damage is [`PageError::Damaged`], never a wrong root.
//! The 15 hashes of the check are those that an update needs as siblings: counted, an update
//! of one slot without the check would save 4 of 19 hashes per page.
//!
//! # Why not a crate
//! `jmt` 0.12, measured with blocks of 500 keys over an in-memory store on one thread: 63,000 keys
//! a second growing to 100,000 keys, 28,000–35,000 at 400,000 keys. This module, blocks of 500 keys
//! over [`MemoryPages`] at 3,000,000 keys, on a busy two-core machine: 47,000–61,000 changes a
//! second, of which hashing is the smaller part and fetching and allocating memory the larger.
//! `cargo run --release -p ledger --example statemap_speed` prints the figures of a machine.

mod memory;
mod page;
mod proof;
mod tree;
mod walk;

pub use memory::MemoryPages;
pub use page::{Page, PageFault, PagePath, Slot};
pub use proof::{End, KEYS_MAX, MapProof, MapProofError, prove, prove_many};
pub use walk::{PageError, Pages, Update, update};

use crate::hash::Digest;

/// The root of a map without keys, and the hash of every subtree without keys.
pub const EMPTY_ROOT: Digest = Digest([0; 32]);

/// The root that a map's root page stands for; without a page the map is empty.
///
/// For a store that opens: compare it with the newest header's state root.
///
/// # Errors
/// [`PageFault`] if the page cannot be a root page.
pub fn root(page: Option<&Page>) -> Result<Digest, PageFault> {
    page.map_or(Ok(EMPTY_ROOT), |page| {
        Ok(tree::Opened::new(&PagePath::ROOT, page)?.top().hash())
    })
}

#[cfg(test)]
mod tests;
