//! The core as others use it: formats as checked in, schemas, laws over random ledgers.

// `cfg(test)` is always set here; the lints take it for the mark of a test.

#[cfg(test)]
mod examples;
#[cfg(test)]
mod properties;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "each step of the brute force looks at one kind of act"
)]
mod recall;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod seeded;
#[cfg(test)]
mod vectors;
