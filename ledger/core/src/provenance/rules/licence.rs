//! Whether an actor held what its act needs: a licence, a filing, a registration, or nothing.
//!
//! What is needed follows from the role in which it acts and from the goods. Goods of no known
//! sector need nothing that this ledger knows of. An authorisation counts if the record of the
//! time at which the act was recorded names it, or the newest record does: what an authority
//! enters late mends the finding, and what it takes away later judges nobody before.

use super::super::answer::Rule;
use super::super::cylinder::fills;
use super::super::facts::Fact;
use super::Findings;
use crate::ids::Handle;
use crate::policy::{Authorisation, Sector};
use crate::state::Role;
use crate::store::EventRef;
use std::collections::BTreeMap;

impl Findings<'_> {
    /// One finding for each actor, with all acts that lacked it.
    pub(super) fn licences(&mut self) {
        let Some(sector) = self.goods.sector else {
            return;
        };
        let mut lacking: BTreeMap<Handle, Vec<EventRef>> = BTreeMap::new();
        for act in self.valid() {
            if self.node.concerns(act.issuer()) && self.lacks(act, sector) {
                lacking.entry(act.issuer()).or_default().push(act.at());
            }
        }
        for (actor, events) in lacking {
            self.add(Rule::Licence, events, Some(actor));
        }
    }

    fn lacks(&self, act: &Fact, sector: Sector) -> bool {
        let recorded = act.touch().recorded;
        let standings = self.names.standings(act.issuer());
        let then = standings.partition_point(|one| one.recorded <= recorded);
        // Of somebody who was admitted only afterwards, the first record counts.
        let Some(then) = standings.get(then.max(1) - 1) else {
            return false;
        };
        let policy = self.names.policies().at(recorded);
        let roles = then.has(self.roles_in(act, sector));
        let mut needed: Vec<Authorisation> = Vec::new();
        for role in &roles {
            let any = policy.authorisations(*role, sector);
            if any.is_empty() {
                return false;
            }
            needed.extend_from_slice(any);
        }
        let category = self.goods.product.map_or("", |product| &product.category);
        let covers = |standing: &super::super::authorised::Standing| {
            standing.covers(&needed, act.time(), category)
        };
        !roles.is_empty() && !covers(then) && !standings.last().is_some_and(covers)
    }

    /// The roles in which somebody can do this.
    fn roles_in(&self, act: &Fact, sector: Sector) -> &'static [Role] {
        let made = |fact: &&Fact| fact.makes() && fact.issuer() == act.issuer();
        if sector == Sector::Cylinder {
            return if fills(act) { &[Role::Processor] } else { &[] };
        }
        match act.step() {
            _ if act.makes() && sector == Sector::Produce => &[Role::Producer, Role::Processor],
            _ if act.makes() => &[Role::Processor],
            "dispensing" => &[Role::Site, Role::Retailer],
            "retail_selling" | "stocking" => &[Role::Retailer, Role::Distributor, Role::Site],
            // Who makes goods may send them off under the same licence.
            "shipping" if self.node.timeline.facts.iter().any(|fact| made(&fact)) => &[],
            "accepting" | "receiving" | "shipping" => {
                &[Role::Distributor, Role::Retailer, Role::Site]
            }
            _ => &[],
        }
    }
}
