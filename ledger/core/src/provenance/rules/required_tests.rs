//! Tests that goods need before they are sold.

use super::super::answer::Rule;
use super::super::facts::Fact;
use super::super::tests_results::passed;
use super::super::walk::Node;
use super::{Findings, results};
use std::collections::BTreeSet;

impl<'n> Findings<'n> {
    /// Put on the shelf, sold or dispensed without a passed test, at that time, of everything that
    /// the product's master data or the policy asks for. One finding, with every such act.
    pub(super) fn tests_missing(&mut self) {
        let Some(product) = self.goods.product else {
            return;
        };
        let sold = |act: &&Fact| act.sells() || act.step() == "stocking";
        let acts: Vec<&Fact> = self.acts().into_iter().filter(sold).collect();
        let mut events = Vec::new();
        let mut whose = None;
        for act in acts
            .into_iter()
            .filter(|act| self.node.concerns(act.issuer()))
        {
            let policy = self.names.policies().at(act.touch().recorded);
            let needed = product
                .required_tests
                .iter()
                .chain(policy.tests(&product.category));
            let needed: BTreeSet<&str> = needed.map(String::as_str).collect();
            if needed.is_subset(&self.passed_by(act.time())) {
                continue;
            }
            events.push(act.at());
            whose.get_or_insert_with(|| act.issuer());
        }
        if !events.is_empty() {
            self.add(Rule::TestMissing, events, whose);
        }
    }

    /// What was tested and passed at `time`, on the item or on its lot.
    fn passed_by(&self, time: i64) -> BTreeSet<&'n str> {
        let of_lot = self.node.lot.as_ref().and_then(|lot| {
            let mut nodes = self.walk.nodes.values();
            nodes.find(|node| node.codes.contains(lot))
        });
        let nodes: [Option<&'n Node>; 2] = [Some(self.node), of_lot];
        nodes
            .into_iter()
            .flatten()
            .flat_map(|node| results(node, self.names))
            .filter(|fact| fact.time() <= time)
            .flat_map(passed)
            .collect()
    }
}
