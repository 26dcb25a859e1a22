//! Provenance: from a code to its whole story, and forward to all that came of it.

pub mod answer;
pub mod source;

pub use answer::Answer;
pub use source::{Content, Source, Touch, Touches};
