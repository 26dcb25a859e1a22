//! The lists asked so far: each item once, within limits.

use super::answer::Cut;
use super::source::{Source, Touch};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How much one answer may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Items whose lists are walked. The longest real chains (a ready meal) name some hundreds.
    pub items: usize,
    /// Members of all walked lists together: ten per item, and an answer of some megabytes.
    pub events: usize,
    /// Transformations one behind the other. Food has fewer than ten; recycling loops have more.
    pub depth: u32,
    /// Members of one item's list: more is a vehicle's life, not a lot's.
    pub list: usize,
}

impl Limits {
    /// What a scan may cost.
    pub const DEFAULT: Self = Self {
        items: 2_000,
        events: 20_000,
        depth: 64,
        list: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A source that is asked once per item, and stops at the limits.
#[derive(Debug)]
pub(super) struct Asked<'s, S: Source> {
    source: &'s mut S,
    limits: Limits,
    walked: BTreeMap<String, Rc<[Touch]>>,
    /// With whether the list is whole.
    names: BTreeMap<String, (Rc<[Touch]>, bool)>,
    events: usize,
    cut: Option<Cut>,
    cut_items: BTreeSet<String>,
}

impl<'s, S: Source> Asked<'s, S> {
    pub(super) const fn new(source: &'s mut S, limits: Limits) -> Self {
        Self {
            source,
            limits,
            walked: BTreeMap::new(),
            names: BTreeMap::new(),
            events: 0,
            cut: None,
            cut_items: BTreeSet::new(),
        }
    }

    /// The list of an item of the walk; empty from where a limit cuts.
    pub(super) fn list(&mut self, item: &str) -> Result<Rc<[Touch]>, S::Error> {
        if let Some(list) = self.walked.get(item) {
            return Ok(Rc::clone(list));
        }
        if self.walked.len() >= self.limits.items {
            self.cut_at(item, "items");
            return Ok(Rc::default());
        }
        if self.events >= self.limits.events {
            self.cut_at(item, "events");
            return Ok(Rc::default());
        }
        let (mut shown, whole) = self.read(item)?;
        if !whole {
            self.cut_at(item, "list");
        }
        let left = self.limits.events - self.events;
        if shown.len() > left {
            shown = shown.iter().take(left).cloned().collect();
            self.cut_at(item, "events");
        }
        self.events += shown.len();
        self.walked.insert(item.to_owned(), Rc::clone(&shown));
        Ok(shown)
    }

    /// A list that gives a name. Past the limit things stay without one; that cuts no chain.
    pub(super) fn names(&mut self, item: &str) -> Result<Rc<[Touch]>, S::Error> {
        let known = self.walked.get(item);
        if let Some(list) = known.or_else(|| self.names.get(item).map(|(list, _)| list)) {
            return Ok(Rc::clone(list));
        }
        if self.names.len() >= self.limits.items {
            return Ok(Rc::default());
        }
        let (shown, whole) = self.read(item)?;
        self.names
            .insert(item.to_owned(), (Rc::clone(&shown), whole));
        Ok(shown)
    }

    /// Asks the source, or takes what it was asked for a name before.
    fn read(&mut self, item: &str) -> Result<(Rc<[Touch]>, bool), S::Error> {
        if let Some(known) = self.names.get(item) {
            return Ok(known.clone());
        }
        let touches = self.source.touches(item)?;
        let shown = touches.shown.len().min(self.limits.list);
        let whole = u64::try_from(shown).is_ok_and(|shown| shown == touches.total);
        Ok((touches.shown.into_iter().take(shown).collect(), whole))
    }

    /// The first cut is the one to report.
    pub(super) fn cut_at(&mut self, item: &str, limit: &'static str) {
        self.cut_items.insert(item.to_owned());
        if self.cut.is_none() {
            self.cut = Some(Cut {
                item: item.to_owned(),
                limit,
            });
        }
    }

    /// Whether less than everything is known of `item`.
    pub(super) fn is_cut(&self, item: &str) -> bool {
        self.cut_items.contains(item)
    }

    pub(super) fn take_cut(&mut self) -> Option<Cut> {
        self.cut.take()
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }
}
