//! Stretches of custody whose temperature left its limits, or is not proved.

use super::super::answer::{Grade, Rule, Stretch};
use super::Findings;

impl Findings<'_> {
    pub(super) fn temperature(&mut self, stretches: &[Stretch]) {
        for stretch in stretches {
            let rule = match stretch.grade {
                Grade::Proved => continue,
                Grade::Gap => Rule::TemperatureGap,
                Grade::Breach => Rule::Temperature,
            };
            self.add(rule, stretch.events.clone(), Some(stretch.holder));
        }
    }
}
