//! What was scanned: product, lot, dates, maker; and when an item expires.

use super::answer::Subject;
use super::facts::{Fact, MASTER_DATA, SUYUAN};
use super::names::Names;
use super::walk::{Node, Part, Walk, product_of};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::time::{format_date, parse_date, parse_offset};
use std::collections::BTreeSet;

const DAY_MS: i64 = 86_400_000;

/// The dates of an item.
#[derive(Clone, Debug, Default)]
pub(super) struct Dates {
    pub(super) produced: Option<String>,
    pub(super) expiry: Option<String>,
    /// First moment at which it is past its expiry.
    pub(super) past: Option<i64>,
}

/// The event that made the item, before any other that did.
pub(super) fn making(node: &Node) -> Option<&Fact> {
    let all = &node.timeline.facts;
    let valid = |fact: &&Fact| fact.corrected.is_none();
    let first = all.iter().filter(valid).find(|fact| fact.makes());
    first.or_else(|| all.iter().filter(valid).find(|fact| fact.creates()))
}

/// The product of a node, under whichever of its codes leads to one.
pub(super) fn product(node: &Node) -> Option<String> {
    let making = making(node);
    node.codes.iter().find_map(|code| product_of(code, making))
}

/// The dates of a node: as recorded, or from the product's shelf life as it was then.
pub(super) fn dates(node: &Node, names: &Names) -> Dates {
    let makers = node
        .timeline
        .facts
        .iter()
        .filter(|fact| fact.makes() && fact.corrected.is_none());
    let mut found = Dates::default();
    for fact in makers {
        let produced = [
            (SUYUAN, "productionDate"),
            (MASTER_DATA, "productionDate"),
            (MASTER_DATA, "harvestEndDate"),
            (MASTER_DATA, "harvestStartDate"),
        ]
        .into_iter()
        .find_map(|(namespace, local)| day(fact.ilmd_text(namespace, local)?));
        let said = ["itemExpirationDate", "bestBeforeDate"]
            .into_iter()
            .find_map(|local| day(fact.ilmd_text(MASTER_DATA, local)?));
        let expiry = said.or_else(|| shelf_end(node, names, fact, produced?));
        if found.produced.is_none() {
            found.produced = produced.map(format_date);
        }
        if let Some(expiry) = expiry {
            // The day itself still counts, by the clock of the place.
            let offset = parse_offset(fact.event().offset()).unwrap_or_default();
            let past = expiry.0.saturating_add(DAY_MS - offset);
            // Of a lot made in several goes, the earliest date is the careful one.
            if found.past.is_none_or(|known| past < known) {
                found.past = Some(past);
                found.expiry = Some(format_date(expiry));
            }
        }
    }
    found
}

/// The last day of the product's shelf life.
fn shelf_end(node: &Node, names: &Names, fact: &Fact, produced: UnixMillis) -> Option<UnixMillis> {
    let product = names.product_at(&product(node)?, fact.touch().recorded)?;
    let days = product
        .shelf_life_days
        .filter(|days| (0..=100_000).contains(days))?;
    Some(UnixMillis(produced.0.checked_add(days * DAY_MS)?))
}

/// A date, or the date of a moment.
fn day(text: &str) -> Option<UnixMillis> {
    parse_date(text.get(..10)?)
}

/// What the person scanning holds. Of a container it is what is common to all that is in it.
pub(super) fn subject(walk: &Walk, names: &Names) -> Subject {
    let root = walk.root();
    if product(root).is_none() && walk.nodes.values().any(|node| node.part == Part::Content) {
        return of_contents(walk, names);
    }
    let lot = walk.lot();
    let dates_of = |node: Option<&Node>| node.map(|node| dates(node, names)).unwrap_or_default();
    let (own, of_lot) = (dates(root, names), dates_of(lot));
    let made = making(root).or_else(|| making(lot?));
    let code = Identifier::parse(&walk.root).ok();
    let lot_number = code.as_ref().and_then(Identifier::lot).or_else(|| {
        let said = made?.ilmd_text(MASTER_DATA, "lotNumber");
        said.map(str::to_owned)
            .or_else(|| Identifier::parse(root.lot.as_ref()?).ok()?.lot())
            .or_else(|| {
                root.codes
                    .iter()
                    .find_map(|code| Identifier::parse(code).ok()?.lot())
            })
    });
    Subject {
        product: product(root).or_else(|| product(lot?)),
        lot: lot_number,
        serial: code.as_ref().and_then(serial),
        expiry: own.expiry.or(of_lot.expiry),
        produced: own.produced.or(of_lot.produced),
        maker: made.map(Fact::issuer),
    }
}

/// The serial number, or the code itself where that is the trace code.
fn serial(code: &Identifier) -> Option<String> {
    code.serial().or_else(|| {
        code.as_str()
            .strip_prefix("urn:suyuan:drug:")
            .map(str::to_owned)
    })
}

fn of_contents(walk: &Walk, names: &Names) -> Subject {
    let goods: Vec<&Node> = walk
        .nodes
        .values()
        .filter(|node| node.part == Part::Content && product(node).is_some())
        .collect();
    let lot_number = |node: &&Node| {
        node.codes
            .iter()
            .find_map(|code| Identifier::parse(code).ok()?.lot())
            .or_else(|| {
                making(node)?
                    .ilmd_text(MASTER_DATA, "lotNumber")
                    .map(str::to_owned)
            })
    };
    let dates: Vec<Dates> = goods.iter().map(|node| dates(node, names)).collect();
    Subject {
        product: common(goods.iter().map(|node| product(node))),
        lot: common(goods.iter().map(lot_number)),
        serial: None,
        expiry: common(dates.iter().map(|dates| dates.expiry.clone())),
        produced: common(dates.iter().map(|dates| dates.produced.clone())),
        maker: common(goods.iter().map(|node| making(node).map(Fact::issuer))),
    }
}

/// The one value that all have.
fn common<T: Ord>(values: impl Iterator<Item = Option<T>>) -> Option<T> {
    let mut all: BTreeSet<Option<T>> = values.collect();
    if all.len() == 1 {
        all.pop_first().flatten()
    } else {
        None
    }
}
