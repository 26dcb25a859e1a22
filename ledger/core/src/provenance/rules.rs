//! Findings: what the chain itself shows to be wrong, break or not.
//!
//! Each rule looks at one item, told once. Rules over quantities, licences, tests, vaccines,
//! cylinders and devices are in their own files below.

mod cylinder;
mod devices;
mod licence;
mod quantities;
mod required_tests;
mod temperature;
mod vaccine;

use super::answer::{Product, Rule, Stop, Stretch};
use super::facts::Fact;
use super::names::{Names, spelled};
use super::subject::{dates, making, product};
use super::tests_results::failed;
use super::walk::{Node, Part, Walk};
use crate::event::Role as Plays;
use crate::ids::{Handle, UnixMillis};
use crate::policy::Sector;
use crate::state::Role;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use super::cylinder::{is_cylinder, valves};
pub(super) use devices::devices;
pub(super) use quantities::{amounts, millionths};

/// What a rule finds, before it is told under which articles and how grave it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) rule: Rule,
    pub(super) events: Vec<EventRef>,
    pub(super) whose: Option<String>,
}

/// What an item is, by the master data of the time at which it was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goods<'n> {
    pub(super) product: Option<&'n Product>,
    pub(super) sector: Option<Sector>,
}

impl<'n> Goods<'n> {
    pub(super) fn of(node: &Node, names: &'n Names) -> Self {
        let moment = making(node).map_or(UnixMillis(0), |fact| fact.touch().recorded);
        let product = product(node).and_then(|id| names.product_at(&id, moment));
        let by_product = |product: &Product| Sector::of(&product.category, &product.storage_class);
        let sector = if is_cylinder(node) {
            Some(Sector::Cylinder)
        } else {
            product.and_then(by_product)
        };
        Self { product, sector }
    }

    /// Its storage class, as master data names it.
    pub(super) fn class(&self) -> Option<&'n str> {
        self.product.map(|product| product.storage_class.as_str())
    }
}

/// The findings of one item. `orders`: the holds and recalls that stand over it.
pub(super) fn findings<'n>(
    walk: &'n Walk,
    node: &'n Node,
    goods: Goods<'n>,
    stretches: &[Stretch],
    orders: &'n [Stop],
    names: &'n Names,
) -> Vec<Draft> {
    let mut found = Findings {
        walk,
        node,
        goods,
        orders,
        names,
        all: Vec::new(),
    };
    // Open lists show who made, tested and stopped; what follows from their silence is nothing.
    if node.part != Part::Lot && !names.open() {
        found.custody();
        found.order();
        found.single_parent();
        found.balance();
        found.quantities();
        found.expiry();
        found.licences();
        found.recalled_moving();
        found.tests_missing();
        found.temperature(stretches);
        found.vaccine(stretches);
        found.cylinder();
        found.devices();
    }
    found.failed_tests();
    found.all
}

/// Since when an item is recalled, if it is: by somebody who may, and not ended since.
///
/// Whoever is proved to have had the goods may recall them, and whoever has a say over one of
/// those; it ends by whoever began it, or by who has a say over that one. A stranger's word is
/// shown, and reddens nobody's goods.
pub(super) fn recalled_since<'n>(node: &'n Node, names: &Names) -> Option<&'n Fact> {
    let mut standing: BTreeMap<Handle, &Fact> = BTreeMap::new();
    for fact in node
        .timeline
        .facts
        .iter()
        .filter(|fact| fact.corrected.is_none())
    {
        let issuer = fact.issuer();
        if fact.unrecalls() {
            standing.retain(|setter, _| *setter != issuer && !names.governs(issuer, *setter));
        } else if fact.stops() {
            let own = fact.recalls() && node.custody.proved.contains(&issuer);
            if own || has_say(&node.keepers, &node.custody.ever, names, issuer) {
                standing.entry(issuer).or_insert(fact);
            }
        }
    }
    standing.into_values().min_by_key(|fact| fact.order())
}

/// Whether the goods are within an authority's jurisdiction: its district contains that of one
/// who is proved to have had them. Of goods without any proof, everyone's word who had them will
/// do, and goods that nobody had are within every jurisdiction.
///
/// Open lists do not show who had them: there every authority's word will do, since a recall too
/// many is better than one that a stranger cannot prove.
pub(super) fn has_say(
    proved: &BTreeSet<Handle>,
    by_word: &BTreeSet<Handle>,
    names: &Names,
    authority: Handle,
) -> bool {
    if names.open() {
        return names.is_any(authority, &[Role::Authority, Role::Regulator]);
    }
    let keepers = if proved.is_empty() { by_word } else { proved };
    if keepers.is_empty() {
        return names.is_any(authority, &[Role::Authority, Role::Regulator]);
    }
    keepers
        .iter()
        .any(|keeper| names.governs(authority, *keeper))
}

/// Whether open lists hold a warning of somebody who may have had the goods, which they cannot
/// show: a stop that nobody who spoke it ended, or a failed test. Nothing is clear then.
pub(super) fn warned(node: &Node, names: &Names) -> bool {
    let facts = &node.timeline.facts;
    let counts = |issuer| {
        let office = [Role::Laboratory, Role::Authority, Role::Regulator];
        names.is_any(issuer, &office) || node.custody.proved.contains(&issuer)
    };
    facts.iter().any(|fact| {
        let ended = || {
            let mut later = facts.iter().filter(|other| other.order() > fact.order());
            later.any(|other| other.unrecalls() && other.issuer() == fact.issuer())
        };
        fact.corrected.is_none()
            && !counts(fact.issuer())
            && (failed(fact) || (fact.stops() && !ended()))
    })
}

/// Failed tests by somebody whose result counts: a laboratory, an authority, or the own one of who
/// is proved to have had the goods.
pub(super) fn failed_tests<'n>(node: &'n Node, names: &'n Names) -> impl Iterator<Item = &'n Fact> {
    results(node, names).filter(|fact| failed(fact))
}

/// What was said about an item by somebody whose test results count.
fn results<'n>(node: &'n Node, names: &'n Names) -> impl Iterator<Item = &'n Fact> {
    node.timeline.facts.iter().filter(move |fact| {
        let tester = [Role::Laboratory, Role::Authority, Role::Regulator];
        let counts =
            names.is_any(fact.issuer(), &tester) || node.custody.proved.contains(&fact.issuer());
        fact.corrected.is_none() && counts
    })
}

struct Findings<'n> {
    walk: &'n Walk,
    node: &'n Node,
    goods: Goods<'n>,
    orders: &'n [Stop],
    names: &'n Names,
    all: Vec<Draft>,
}

impl<'n> Findings<'n> {
    fn add(&mut self, rule: Rule, events: Vec<EventRef>, whose: Option<Handle>) {
        self.all.push(Draft {
            rule,
            events,
            whose: whose.map(spelled),
        });
    }

    /// What counts, in order, and concerns this story.
    fn valid(&self) -> impl Iterator<Item = &'n Fact> + use<'n> {
        self.node
            .told()
            .into_iter()
            .filter(|fact| fact.corrected.is_none())
    }

    /// Acts that need the goods.
    fn acts(&self) -> Vec<&'n Fact> {
        let needs = |fact: &&Fact| !fact.observes() && !self.names.only_watches(fact.issuer());
        self.valid().filter(needs).collect()
    }

    fn custody(&mut self) {
        for missing in self.node.custody.breaks.clone() {
            if self.node.concerns(missing.actor) {
                self.add(Rule::Custody, vec![missing.at], Some(missing.actor));
                if let Some(last) = self.all.last_mut()
                    && missing.whose.is_some()
                {
                    last.whose = missing.whose;
                }
            }
        }
        for (rule, list) in [
            (Rule::PartyMismatch, &self.node.custody.mismatches),
            (Rule::DoubleSpend, &self.node.custody.twice),
        ] {
            for (events, whose) in list.clone() {
                if self.node.concerns(whose) {
                    self.add(rule, events, Some(whose));
                }
            }
        }
    }

    fn order(&mut self) {
        let acts = self.acts();
        let made = self
            .node
            .timeline
            .facts
            .iter()
            .filter(|fact| fact.corrected.is_none());
        let made: Vec<&Fact> = made.filter(|fact| fact.makes()).collect();
        if let Some(first) = made.first() {
            for act in acts.iter().filter(|act| act.time() < first.time()) {
                self.add(Rule::Order, vec![act.at(), first.at()], Some(act.issuer()));
            }
        }
        if !self.node.single() {
            return;
        }
        for again in made.iter().skip(1) {
            self.add(
                Rule::DoubleSpend,
                vec![made[0].at(), again.at()],
                Some(again.issuer()),
            );
        }
        let Some(end) = acts.iter().position(|act| act.ends() || act.uses()) else {
            return;
        };
        let end = acts[end];
        let later = |act: &&&Fact| {
            let returned = act.event().disposition() == Some("returned");
            act.order() > end.order() && act.time() > end.time() && !returned || {
                // Two ends at one moment are two all the same.
                act.at() != end.at() && act.time() == end.time() && (act.ends() || act.uses())
            }
        };
        for act in acts.iter().filter(later) {
            let rule = if act.uses() || end.uses() {
                Rule::DoubleSpend
            } else if end.sells() {
                Rule::SoldAgain
            } else {
                Rule::Order
            };
            self.add(rule, vec![end.at(), act.at()], Some(act.issuer()));
        }
    }

    /// One thing in two parents during the same time.
    fn single_parent(&mut self) {
        if !self.node.single() {
            return;
        }
        let direct = &self.node.timeline.direct;
        let mut stays: Vec<(i64, i64, &str)> = Vec::new();
        for (parent, spans) in direct {
            stays.extend(spans.iter().map(|span| (span.0, span.1, parent.as_str())));
        }
        stays.sort_unstable();
        for pair in stays.windows(2) {
            if pair[1].0 < pair[0].1 && pair[0].2 != pair[1].2 {
                let puts = |stay: &(i64, i64, &str)| {
                    let (time, parent) = (stay.0, stay.2);
                    self.valid()
                        .find(|fact| fact.time() == time && names_parent(fact, parent))
                };
                let events = [puts(&pair[0]), puts(&pair[1])];
                let whose = events[1].map(Fact::issuer);
                let events = events.into_iter().flatten().map(Fact::at).collect();
                self.add(Rule::SingleParent, events, whose);
            }
        }
    }

    fn expiry(&mut self) {
        let Some(past) = dates(self.node, self.names).past else {
            return;
        };
        let late: Vec<&Fact> = self
            .acts()
            .into_iter()
            .filter(|act| act.time() >= past)
            .filter(|act| act.step() == "shipping" || act.sells() || act.uses())
            .filter(|act| !goes_back(act))
            .collect();
        for act in late {
            self.add(Rule::Expiry, vec![act.at()], Some(act.issuer()));
        }
    }

    fn recalled_moving(&mut self) {
        let said = recalled_since(self.node, self.names).map(|fact| (fact.time(), fact.at()));
        let ordered = self.orders.iter().map(|stop| (stop.recorded.0.0, stop.at));
        let Some((since, stop)) = ordered.chain(said).min() else {
            return;
        };
        let ever = &self.node.custody.ever;
        let onward = |act: &&Fact| {
            let back = act.destination().and_then(|to| self.names.party(to));
            let back = back.is_some_and(|to| ever.contains(&to));
            let moves = matches!(act.step(), "shipping" | "stocking") || act.sells() || act.uses();
            act.time() > since && moves && !back && !goes_back(act)
        };
        let moved: Vec<&Fact> = self.acts().into_iter().filter(onward).collect();
        for act in moved {
            self.add(
                Rule::RecalledMoving,
                vec![stop, act.at()],
                Some(act.issuer()),
            );
        }
    }

    fn failed_tests(&mut self) {
        let failed: Vec<EventRef> = failed_tests(self.node, self.names).map(Fact::at).collect();
        for at in failed {
            self.add(Rule::TestFailed, vec![at], None);
        }
    }
}

/// Returned, or on its way to be destroyed.
fn goes_back(fact: &Fact) -> bool {
    matches!(
        fact.event().disposition(),
        Some("destroyed" | "disposed" | "expired" | "non_sellable_other" | "recalled" | "returned")
    )
}

fn names_parent(fact: &Fact, parent: &str) -> bool {
    let objects = fact.event().objects();
    objects
        .iter()
        .any(|object| object.role == Plays::Parent && object.id == parent)
}
