//! Provenance: from a code to its whole story, and forward to all that came of it.
//!
//! [`trace`] walks an event graph back from one item: creation and its inputs, containers while
//! the item was inside them, lot, re-coded codes. [`forward()`] walks the other way. Both ask a
//! [`Source`] for whole lists only, each item once and in an order that follows from the answers,
//! so that a bundle recorded from one run feeds the verifier's run exactly.
//!
//! **Invariants:** what is known is the source's to say, and `as_of` is only the clock that
//! expiry and the like are read against; nothing recurses, every loop is bounded by [`Limits`];
//! what was recorded first never decides, except between events of the very same time.

pub mod across;
pub mod answer;
mod asked;
mod authorised;
mod closing;
mod custody;
mod cylinder;
mod facts;
mod forward;
mod gather;
pub(crate) mod grounds;
mod inspections;
mod links;
mod names;
mod packing;
mod rule;
mod rules;
pub mod source;
mod steps;
mod stops;
mod subject;
mod temperature;
mod tests_results;
mod verdict;
mod walk;

pub use answer::Answer;
pub use asked::Limits;
pub use forward::case::{
    Answered, Case, CaseHead, CaseLine, CaseOrder, Clocks, Contact, Holder, NamedHead, Overdue,
    case, case_head, cases,
};
pub use forward::{Affected, Amounts, Forward, Held, How, Line, Millionths, Start, Total, forward};
pub use names::participant;
pub use rule::{Article, Law, Rule};
pub use source::{Content, Scope, Source, Touch, Touches};
pub use verdict::{judge, trace};

pub(crate) use names::spelled;

#[cfg(test)]
mod tests;
