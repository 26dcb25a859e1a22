//! The lists asked so far: each item once, within limits.

use super::answer::Cut;
use super::facts::event_of;
use super::source::{Scope, Source, Touch, Touches};
use crate::ids::Handle;
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
    /// Events and things named in them, counted each time that a list is gone through: a pallet of
    /// two hundred cases in a vehicle with a long list needs about a million.
    pub work: usize,
}

impl Limits {
    /// What a recall may cost: ten thousand affected items of a city's ledger with all their
    /// containers and transformations, several times over. An ingredient's lot has a touch for
    /// each use, a vehicle's list is years long.
    pub const RECALL: Self = Self {
        items: 60_000,
        events: 1_000_000,
        depth: 64,
        list: 50_000,
        work: 200_000_000,
    };

    /// What a list of cases, or what everyone may know of one, may cost: lists of cases are long,
    /// and what their orders are about is looked into for some of them.
    pub const CASES: Self = Self {
        items: 10_000,
        events: 200_000,
        depth: 64,
        list: 50_000,
        work: 20_000_000,
    };

    /// What a scan may cost.
    pub const DEFAULT: Self = Self {
        items: 2_000,
        events: 20_000,
        depth: 64,
        list: 1_000,
        work: 4_000_000,
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
    /// With what it costs to go through.
    walked: BTreeMap<String, (Rc<[Touch]>, usize)>,
    /// Read and not asked for yet, with whether the list is whole.
    read_ahead: BTreeMap<String, (Rc<[Touch]>, bool)>,
    /// With whether the list is whole.
    names: BTreeMap<String, (Rc<[Touch]>, bool)>,
    events: usize,
    work: usize,
    cut: Option<Cut>,
    cut_items: BTreeSet<String>,
}

impl<'s, S: Source> Asked<'s, S> {
    pub(super) const fn new(source: &'s mut S, limits: Limits) -> Self {
        Self {
            source,
            limits,
            walked: BTreeMap::new(),
            read_ahead: BTreeMap::new(),
            names: BTreeMap::new(),
            events: 0,
            work: 0,
            cut: None,
            cut_items: BTreeSet::new(),
        }
    }

    /// The list of an item of the walk; empty from where a limit cuts. To be asked for each time
    /// that it is gone through, which is what counts as work.
    pub(super) fn list(&mut self, item: &str) -> Result<Rc<[Touch]>, S::Error> {
        if let Some((list, cost)) = self.walked.get(item) {
            let (list, cost) = (Rc::clone(list), *cost);
            if cost > self.limits.work - self.work {
                self.cut_at(item, "events");
                return Ok(Rc::default());
            }
            self.work += cost;
            return Ok(list);
        }
        if self.walked.len() >= self.limits.items {
            self.cut_at(item, "items");
            return Ok(Rc::default());
        }
        if self.events >= self.limits.events || self.work >= self.limits.work {
            self.cut_at(item, "events");
            return Ok(Rc::default());
        }
        let (shown, whole) = self.read(item)?;
        if !whole {
            self.cut_at(item, "list");
        }
        let (shown, cost) = self.afford(item, shown, self.limits.events - self.events);
        self.events += shown.len();
        self.walked
            .insert(item.to_owned(), (Rc::clone(&shown), cost));
        Ok(shown)
    }

    /// A list that gives a name. What it says may decide, as an authority's role does: past a
    /// limit the answer is cut.
    pub(super) fn names(&mut self, item: &str) -> Result<Rc<[Touch]>, S::Error> {
        if self.walked.contains_key(item) {
            return self.list(item);
        }
        if let Some((list, _)) = self.names.get(item) {
            return Ok(Rc::clone(list));
        }
        if self.names.len() >= self.limits.items {
            self.cut_at(item, "items");
            return Ok(Rc::default());
        }
        if self.work >= self.limits.work {
            self.cut_at(item, "events");
            return Ok(Rc::default());
        }
        let (shown, whole) = self.read(item)?;
        if !whole {
            self.cut_at(item, "list");
        }
        let (shown, _) = self.afford(item, shown, usize::MAX);
        self.names
            .insert(item.to_owned(), (Rc::clone(&shown), whole));
        Ok(shown)
    }

    /// As much of a list as may still be gone through, at most `events` of it, and what it costs.
    fn afford(&mut self, item: &str, list: Rc<[Touch]>, events: usize) -> (Rc<[Touch]>, usize) {
        let left = self.limits.work - self.work;
        let (mut fits, mut spent) = (0, 0);
        for touch in list.iter().take(events) {
            let cost = 1 + event_of(touch).map_or(0, |event| event.objects().len());
            if cost > left - spent {
                break;
            }
            spent += cost;
            fits += 1;
        }
        self.work += spent;
        if fits == list.len() {
            return (list, spent);
        }
        self.cut_at(item, "events");
        (list.iter().take(fits).cloned().collect(), spent)
    }

    /// Asks the source, or takes what it was asked for before.
    fn read(&mut self, item: &str) -> Result<(Rc<[Touch]>, bool), S::Error> {
        if let Some(known) = self.names.get(item) {
            return Ok(known.clone());
        }
        if let Some(read) = self.read_ahead.remove(item) {
            return Ok(read);
        }
        let touches = self.source.touches(item)?;
        Ok(self.within(touches))
    }

    /// As much of a list as one may have, and whether that is all.
    fn within(&self, touches: Touches) -> (Rc<[Touch]>, bool) {
        let shown = touches.shown.len().min(self.limits.list);
        let whole = u64::try_from(shown).is_ok_and(|shown| shown == touches.total);
        (touches.shown.into_iter().take(shown).collect(), whole)
    }

    /// Reads lists that will be asked for, all together.
    pub(super) fn ahead<'i>(
        &mut self,
        items: impl Iterator<Item = &'i str>,
    ) -> Result<(), S::Error> {
        let room = self.limits.items.saturating_sub(self.walked.len());
        let known = |item: &&str| {
            self.walked.contains_key(*item)
                || self.read_ahead.contains_key(*item)
                || self.names.contains_key(*item)
        };
        let wanted: BTreeSet<&str> = items.filter(|item| !known(item)).take(room).collect();
        let wanted: Vec<&str> = wanted.into_iter().collect();
        let read = self.source.touches_of(&wanted)?;
        for (item, touches) in wanted.into_iter().zip(read) {
            let list = self.within(touches);
            self.read_ahead.insert(item.to_owned(), list);
        }
        Ok(())
    }

    /// A list that was read, without asking for it.
    pub(super) fn peek(&self, item: &str) -> Option<Rc<[Touch]>> {
        let ahead = || self.read_ahead.get(item).map(|(list, _)| list);
        let walked = self.walked.get(item).map(|(list, _)| list);
        walked.or_else(ahead).map(Rc::clone)
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

    /// What was gone through so far.
    pub(super) const fn work(&self) -> usize {
        self.work
    }

    /// Which lists are asked.
    pub(super) fn scope(&self) -> Scope {
        self.source.scope()
    }

    /// For whom.
    pub(super) fn reader(&self) -> Option<Handle> {
        self.source.reader()
    }

    /// How much was ever said of `item`.
    pub(super) fn length(&mut self, item: &str) -> Result<u64, S::Error> {
        self.source.length(item)
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }
}
