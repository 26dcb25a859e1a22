//! Tests that goods need before they are sold.

use super::super::answer::Rule;
use super::super::facts::Fact;
use super::super::tests_results::passed;
use super::super::walk::Node;
use super::{Findings, results};
use std::collections::BTreeMap;

impl<'n> Findings<'n> {
    /// Put on the shelf, sold or dispensed without a passed test, at that time, of everything that
    /// the product's master data or the policy asks for. One finding, with every such act.
    pub(super) fn tests_missing(&mut self) {
        let Some(product) = self.goods.product else {
            return;
        };
        let sold = |act: &&Fact| act.sells() || act.step() == "stocking";
        let acts: Vec<&Fact> = self.acts().into_iter().filter(sold).collect();
        let passed = self.passed();
        let mut events = Vec::new();
        let mut whose = None;
        for act in acts
            .into_iter()
            .filter(|act| self.node.concerns(act.issuer()))
        {
            let policy = self.names.policies().at(act.touch().recorded);
            let mut needed = product
                .required_tests
                .iter()
                .chain(policy.tests(&product.category));
            let by_then = |test: &String| {
                let first = passed.get(test.as_str());
                first.is_some_and(|first| *first <= act.time())
            };
            if !needed.all(by_then) {
                events.push(act.at());
                whose.get_or_insert_with(|| act.issuer());
            }
        }
        if !events.is_empty() {
            self.add(Rule::TestMissing, events, whose);
        }
    }

    /// When each test was first passed, on the item or on its lot.
    fn passed(&self) -> BTreeMap<&'n str, i64> {
        let of_lot = self.node.lot.as_ref().and_then(|lot| {
            let mut nodes = self.walk.nodes.values();
            nodes.find(|node| node.codes.contains(lot))
        });
        let nodes: [Option<&'n Node>; 2] = [Some(self.node), of_lot];
        let mut first = BTreeMap::new();
        for node in nodes.into_iter().flatten() {
            for fact in results(node, self.names) {
                for test in passed(fact) {
                    let time = first.entry(test).or_insert(i64::MAX);
                    *time = fact.time().min(*time);
                }
            }
        }
        first
    }
}
