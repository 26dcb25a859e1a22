//! The one door to RocksDB: a ledger's storage on one disk.
//!
//! A data directory holds `db/`, a RocksDB database laid out as `layout.rs` says, `head`, a
//! second copy of the newest head (`head_file.rs`), and `part.keys`, the keys of personal parts
//! (`key_file.rs`). A block is its keys, synced, if it has any; one write batch, synced; the head
//! file, synced; the keys it orders destroyed overwritten, synced; only then does a commit return.
//!
//! What a crash leaves, and what opening makes of it:
//!
//! | the process ended | opening finds | and |
//! |---|---|---|
//! | while its keys were written | slots that no part has | overwrites them and cuts them off |
//! | while the batch was written | a torn tail of the write-ahead log | drops it: never acknowledged |
//! | after the batch, before the head file | the database one block ahead | brings the head file up |
//! | while the head file was written | one damaged slot, the database one block ahead | the same |
//! | before or while keys were overwritten | an order on the ledger, and the key | overwrites it |
//! | after all | all at one block | goes on |
//!
//! Everything else is refused by name ([`OpenError`]): a database behind the head file was rolled
//! back or lost writes, and a log that signs again over lost entries shows two histories.
//!
//! **Invariant:** no write is tried twice. After one failed, every answer is
//! [`StoreError::Unknown`](ledger::store::StoreError::Unknown) until the directory is reopened.

mod commit;
mod error;
mod head_file;
mod key_file;
mod layout;
mod open;
mod tail;
mod tuning;
mod view;

pub use error::OpenError;
pub use open::{ReadOnlyStore, Recovery, RocksStore};
pub use tuning::Options;
pub use view::RocksView;

#[cfg(test)]
mod tests;
