//! The versions of the policy, by the time at which each was recorded.

use super::{DEFAULT, ITEM, Policy, read_record};
use crate::ids::UnixMillis;
use crate::provenance::source::{Content, Source, Touch};
use crate::registry::Action;

/// Every version of the policy.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In order of recording; version 0 is not among them.
    versions: Vec<(UnixMillis, Policy)>,
}

impl History {
    /// The versions that the list of [`ITEM`] makes, in log order.
    ///
    /// Admission has checked every record; one that cannot be read here changes nothing.
    #[must_use]
    pub fn of(list: &[Touch]) -> Self {
        let mut versions: Vec<(UnixMillis, Policy)> = Vec::new();
        for touch in list {
            let Content::Registry {
                action: Action::Policy,
                record,
            } = &*touch.content
            else {
                continue;
            };
            let Ok(rows) = read_record(record) else {
                continue;
            };
            let before = versions.last().map_or(&*DEFAULT, |(_, policy)| policy);
            versions.push((touch.recorded, before.amended(rows)));
        }
        Self { versions }
    }

    /// The versions on a ledger, as its source shows them.
    ///
    /// # Errors
    /// The source's own.
    pub fn read<S: Source>(source: &mut S) -> Result<Self, S::Error> {
        source.touches(ITEM).map(|list| Self::of(&list.shown))
    }

    /// The policy by which something recorded at `recorded` is judged.
    #[must_use]
    pub fn at(&self, recorded: UnixMillis) -> &Policy {
        let after = self.versions.partition_point(|(from, _)| *from <= recorded);
        match after.checked_sub(1) {
            Some(index) => &self.versions[index].1,
            None => &DEFAULT,
        }
    }

    /// The newest policy.
    #[must_use]
    pub fn newest(&self) -> &Policy {
        self.at(UnixMillis(i64::MAX))
    }
}
