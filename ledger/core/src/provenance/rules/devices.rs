//! Readings of devices whose calibration had run out, had failed or, where the policy asks for it,
//! is not recorded.

use super::super::answer::Rule;
use super::super::facts::Fact;
use super::super::inspections::last;
use super::super::packing::inside;
use super::super::walk::Node;
use super::Findings;
use crate::event::SensorTime;
use crate::ids::Handle;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// A device and when it measured.
fn measured(fact: &Fact) -> Vec<(String, i64)> {
    let event = fact.event();
    let mut found = Vec::new();
    for element in event.sensor_elements() {
        for report in element.reports() {
            let (Some("Temperature"), Some(device)) = (report.kind, report.device) else {
                continue;
            };
            let time = match report.time {
                Some(SensorTime::At(at) | SensorTime::Between(_, at)) => at.0,
                None => event.time().0,
            };
            if inside(&fact.within, time) {
                found.push((device.to_owned(), time));
            }
        }
    }
    found
}

/// The devices that measured an item's temperature.
pub(in super::super) fn devices(node: &Node) -> BTreeSet<String> {
    let told = node.told().into_iter();
    told.flat_map(measured).map(|(device, _)| device).collect()
}

impl Findings<'_> {
    /// One finding for each device and whoever used it, where its readings are needed.
    pub(super) fn devices(&mut self) {
        let policies = self.names.policies();
        let limited = |fact: &Fact| {
            let class = self.goods.class();
            class.is_some_and(|class| policies.at(fact.touch().recorded).class(class).is_some())
        };
        let mut found: BTreeMap<(String, Handle), Vec<EventRef>> = BTreeMap::new();
        for fact in self.valid().filter(|fact| limited(fact)) {
            let required = policies.at(fact.touch().recorded).calibration_required();
            for (device, time) in measured(fact) {
                let calibration = last(self.names.inspections(&device), time);
                let shown = match calibration {
                    Some(one) if !one.passed || one.past.is_some_and(|past| time >= past) => {
                        Some(one.at)
                    }
                    None if required => None,
                    Some(_) | None => continue,
                };
                let events = found.entry((device, fact.issuer())).or_default();
                for at in [Some(fact.at()), shown].into_iter().flatten() {
                    if !events.contains(&at) {
                        events.push(at);
                    }
                }
            }
        }
        for ((_, user), events) in found {
            if self.node.concerns(user) {
                self.add(Rule::DeviceCalibration, events, Some(user));
            }
        }
    }
}
