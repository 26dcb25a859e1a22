//! The one door to RocksDB: a ledger's storage on one disk.
//!
//! A data directory holds `db/`, a RocksDB database laid out as `layout.rs` says, and `head`, a
//! second copy of the newest head (`head_file.rs`). A block is one write batch,
//! synced, then the head file, synced; only then does a commit return.
//!
//! What a crash leaves, and what opening makes of it:
//!
//! | the process ended | opening finds | and |
//! |---|---|---|
//! | while the batch was written | a torn tail of the write-ahead log | drops it: never acknowledged |
//! | after the batch, before the head file | the database one block ahead | brings the head file up |
//! | while the head file was written | one damaged slot, the database one block ahead | the same |
//! | after both | both at one block | goes on |
//!
//! Everything else is refused by name ([`OpenError`]): a database behind the head file was rolled
//! back or lost writes, and a log that signs again over lost entries shows two histories.
//!
//! **Invariant:** no write is tried twice. After one failed, every answer is
//! [`StoreError::Unknown`](ledger::store::StoreError::Unknown) until the directory is reopened.

mod commit;
mod error;
mod head_file;
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
