//! Vaccines that were accepted without their whole temperature record, or in spite of it.
//!
//! Whoever receives a vaccine must ask for the temperature record of the whole transport, and must
//! refuse the vaccine without it or where the temperature left its limits (疫苗管理法 art. 39). The
//! receiver says so in `sy:temperatureRecord`: `{received, complete, from, until}`. Instead of that
//! word the ledger's own readings will do, where they prove the transport.

use super::super::answer::{Grade, Rule, Stretch};
use super::super::facts::{Fact, SUYUAN};
use super::super::names::text;
use super::Findings;
use crate::cbor::{Map, Value};
use crate::state::Role;
use crate::time::parse;

const MINUTE_MS: i64 = 60_000;

impl Findings<'_> {
    pub(super) fn vaccine(&mut self, stretches: &[Stretch]) {
        let class = self.goods.class().unwrap_or_default();
        if !class.starts_with("VACCINE") {
            return;
        }
        let acts = self.acts();
        let keeps = |fact: &Fact| !self.names.is_any(fact.issuer(), &[Role::Carrier]);
        let mut found = Vec::new();
        let mut before = i64::MIN;
        for (at, act) in acts.iter().enumerate() {
            let accepts = matches!(act.step(), "receiving" | "accepting") && keeps(act);
            if !accepts || !self.node.concerns(act.issuer()) {
                continue;
            }
            let left = acts[..at]
                .iter()
                .rev()
                .find(|one| one.step() == "shipping" && keeps(one));
            // Handed from room to room of one keeper, or taken in for the first time.
            let Some(left) = left.filter(|left| left.issuer() != act.issuer()) else {
                continue;
            };
            let refused = matches!(
                act.event().disposition(),
                Some(
                    "damaged" | "destroyed" | "non_conformant" | "non_sellable_other" | "returned"
                )
            );
            if refused {
                continue;
            }
            let within =
                |stretch: &&Stretch| stretch.from.0.0 < act.time() && stretch.until.0.0 > before;
            let breach = stretches
                .iter()
                .filter(within)
                .find(|stretch| stretch.grade == Grade::Breach);
            if let Some(breach) = breach {
                let mut events = vec![act.at()];
                events.extend(breach.events.iter().filter(|one| **one != act.at()));
                found.push((Rule::VaccineExcursion, events, act.issuer()));
            }
            let policy = self.names.policies().at(act.touch().recorded);
            let minutes = policy
                .class(class)
                .map_or(0, |(limits, _)| limits.carried_minutes);
            let jitter = i64::from(minutes) * MINUTE_MS * 3 / 2;
            let leg = (left.time() + jitter, act.time() - jitter);
            let recorded = record_of(act).is_some_and(|record| is_whole(record, leg));
            if !recorded && !proved(stretches, left.time(), act.time()) {
                let events = vec![act.at(), left.at()];
                found.push((Rule::VaccineUnrecorded, events, act.issuer()));
            }
            before = act.time();
        }
        for (rule, events, whose) in found {
            self.add(rule, events, Some(whose));
        }
    }
}

fn record_of(fact: &Fact) -> Option<&Map> {
    fact.event()
        .extension(SUYUAN, "temperatureRecord")
        .and_then(Value::as_map)
}

/// Whether a record was received, is complete, and begins and ends with the leg.
fn is_whole(record: &Map, (begins_by, ends_after): (i64, i64)) -> bool {
    let truth = |field| record.get(field) == Some(&Value::Bool(true));
    let time = |field| parse(text(record, field)).map(|time| time.0);
    truth("received")
        && truth("complete")
        && time("from").is_some_and(|from| from <= begins_by)
        && time("until").is_some_and(|until| until >= ends_after)
}

/// Whether the ledger's readings prove every stretch of a leg.
fn proved(stretches: &[Stretch], from: i64, until: i64) -> bool {
    let mut all = stretches
        .iter()
        .filter(|stretch| stretch.from.0.0 >= from && stretch.until.0.0 <= until)
        .peekable();
    all.peek().is_some() && all.all(|stretch| stretch.grade == Grade::Proved)
}
