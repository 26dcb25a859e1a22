//! Gas cylinders: filled though overdue for inspection, failed or scrapped.

use super::super::answer::Rule;
use super::super::cylinder::{Fitness, fills, fitness, is_cylinder, valves_at};
use super::super::facts::Fact;
use super::super::inspections::last;
use super::Findings;
use crate::store::EventRef;

impl Findings<'_> {
    pub(super) fn cylinder(&mut self) {
        if !is_cylinder(self.node) {
            return;
        }
        let fillings: Vec<&Fact> = self.valid().filter(|fact| fills(fact)).collect();
        for filling in fillings {
            let time = filling.time();
            let (rule, shown) = match fitness(self.node, self.names, time) {
                Fitness::Scrapped(at, _) => (Rule::CylinderScrapped, Some(at)),
                Fitness::Unfit(at, _) | Fitness::Overdue(at, _) => {
                    (Rule::CylinderOverdue, Some(at))
                }
                Fitness::Uninspected => (Rule::CylinderOverdue, None),
                Fitness::Fit => match self.unfit_valve(time) {
                    Some(at) => (Rule::CylinderOverdue, Some(at)),
                    None => continue,
                },
            };
            let events = [Some(filling.at()), shown].into_iter().flatten();
            self.add(rule, events.collect(), Some(filling.issuer()));
        }
    }

    /// The inspection that speaks against a valve on it at `time`.
    fn unfit_valve(&self, time: i64) -> Option<EventRef> {
        let valves = valves_at(self.node, time);
        let mut newest = valves
            .iter()
            .filter_map(|valve| last(self.names.inspections(valve), time));
        let unfit = newest.find(|one| !one.passed || one.past.is_some_and(|past| time >= past));
        unfit.map(|one| one.at)
    }
}
