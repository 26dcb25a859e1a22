//! Forward: all that came of something, who has it, and how much of it is gone.
//!
//! What a recall needs, in one answer. The walk is the mirror of the one that finds orders
//! ([`super::stops`]): an item is in here exactly if a walk back from it comes to where this one
//! began. Like that one it follows what was taken back, and says until when some way to the item
//! counted. It goes level by level, each level's lists read together, and reads every container
//! once for all that was in it: a truck's life is long, and thousands of boxes went through it.

use super::answer::{Cut, Moment, Party, Product};
use super::asked::{Asked, Limits};
use super::names::Names;
use super::source::Source;
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::order::Reach;
use crate::store::EventRef;
use boxes::Boxes;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

mod boxes;
pub(super) mod case;
mod holdings;
mod reach;

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At an item: a lot, a serial, an ingredient; of a container all that ever was inside.
    Item(Identifier),
    /// At an item that was ordered to stop: of a container all that was inside since.
    Ordered {
        /// What was ordered to stop.
        item: Identifier,
        /// When that was recorded.
        since: UnixMillis,
    },
    /// At what was inside a container during a stretch of event time: a carrier's trip.
    Inside {
        /// A pallet, crate or vehicle.
        container: Identifier,
        /// First moment.
        from: UnixMillis,
        /// Last moment.
        until: UnixMillis,
    },
    /// At an item that was seen at a place or measured by a device (see
    /// [`crate::lists::seen_at`]).
    Seen(Identifier),
}

impl Start {
    /// The item, canonical.
    #[must_use]
    pub const fn item(&self) -> &Identifier {
        match self {
            Self::Item(item) | Self::Seen(item) | Self::Ordered { item, .. } => item,
            Self::Inside { container, .. } => container,
        }
    }
}

/// Everything that came of some items.
#[derive(Clone, Debug, Serialize)]
pub struct Forward {
    /// The items asked for, canonical.
    pub asked: Vec<String>,
    /// The moment for which this was computed.
    pub as_of: Moment,
    /// The items themselves and all that came of them, nearest first.
    pub items: Vec<Affected>,
    /// Who has how much of it, by handle.
    pub holders: BTreeMap<Handle, Held>,
    /// What became of it, by product and unit.
    pub totals: Vec<Total>,
    /// Where the answer was cut short, if it was.
    pub cut: Option<Cut>,
    /// Those named above, by handle.
    pub participants: BTreeMap<Handle, Party>,
    /// Products of the items above.
    pub products: BTreeMap<String, Product>,
}

/// One item that the items asked for went into, or were in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// The item, canonical.
    pub item: String,
    /// How it is affected.
    pub how: How,
    /// Through which item.
    pub via: Option<String>,
    /// The event that shows it.
    pub at: Option<EventRef>,
    /// The leaf of the declaration by which the last way to it was taken back, if it was. An order
    /// recorded before that leaf reaches it all the same.
    pub taken_back: Option<LeafIndex>,
    /// Distance from the items asked for.
    pub depth: u32,
    /// Who has it; of a lot, who has some of it, made it or sold some, and where amounts are not
    /// known, who ever had some.
    pub holders: Vec<Handle>,
    /// To whom it is on its way.
    pub under_way: Vec<String>,
    /// Sold, dispensed, used up or destroyed, as far as its own code says.
    pub ended: bool,
    /// What became of it; nothing where quantities are withheld, missing, or in several units.
    pub amounts: Option<Amounts>,
    /// Who is proved to have had it, or by their word where nobody is.
    #[serde(skip)]
    pub keepers: BTreeSet<Handle>,
    /// Who handed it to whom: receiver, giver.
    #[serde(skip)]
    pub handed: Vec<(Handle, Handle)>,
}

/// How an item is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is one of those asked for.
    Asked,
    /// It was made of an affected item.
    Made,
    /// An affected item is or was inside; what else is in it is not affected.
    Holds,
    /// It is or was inside the container asked for.
    Inside,
    /// It is one of an affected lot.
    OfLot,
    /// It is the same goods under another code.
    Recoded,
    /// It was seen at the place, or measured by the device, asked for.
    Seen,
}

/// An exact amount in millionths, written as a decimal number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millionths(pub i128);

impl Serialize for Millionths {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for Millionths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        let fraction = format!("{:06}", all % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", all / 1_000_000)
    }
}

/// What became of an amount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// UN/CEFACT Recommendation 20 code; `None` counts pieces.
    pub uom: Option<String>,
    /// How much there was.
    pub made: Millionths,
    /// With its holders.
    pub held: Millionths,
    /// Sent off and not yet received.
    pub under_way: Millionths,
    /// Sold or dispensed.
    pub sold: Millionths,
    /// Used up to make something else, which is affected in its turn.
    pub used: Millionths,
    /// Destroyed, or ended otherwise.
    pub destroyed: Millionths,
    /// By holder.
    pub by: BTreeMap<Handle, Millionths>,
}

/// What one participant has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Affected items that it has, or has part of; containers not counted.
    pub items: usize,
    /// How much, by product and unit, as far as it is known.
    pub amounts: Vec<Line>,
}

/// An amount of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The product, canonical; none where a code does not say it.
    pub product: Option<String>,
    /// Its unit.
    pub uom: Option<String>,
    /// How much.
    pub amount: Millionths,
}

/// What became of all affected goods of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Total {
    /// The product, canonical; none where a code does not say it.
    pub product: Option<String>,
    /// Affected items; containers not counted.
    pub items: usize,
    /// Of these, items whose amounts are not known.
    pub unknown: usize,
    /// What became of them, in each unit.
    pub amounts: Vec<Amounts>,
    /// Sold or dispensed, in thousandths of what was made; of the unit in which there is most.
    pub sold_permille: Option<u16>,
}

/// All that came of where `starts` begin, nearest first, with present holders.
///
/// `as_of` is only stated in the answer. Quantities are those that the source shows: a public
/// reader sees none.
///
/// # Errors
/// The source's own.
pub fn forward<S: Source>(
    source: &mut S,
    starts: &[Start],
    as_of: UnixMillis,
    limits: Limits,
) -> Result<Forward, S::Error> {
    let mut asked = Asked::new(source, limits);
    let mut names = Names::default();
    let mut boxes = Boxes::default();
    let mut items = reach::reach(&mut asked, &mut names, &mut boxes, starts, Reach::Forward)?;
    holdings::place(&mut asked, &mut names, &mut boxes, &mut items)?;
    name(&mut asked, &mut names, &items)?;
    let cut = asked.take_cut();
    let (participants, products, _) = names.into_parts();
    Ok(Forward {
        asked: starts.iter().map(|one| one.item().to_string()).collect(),
        as_of: Moment(as_of),
        holders: holders(&items),
        totals: totals(&items),
        items,
        cut,
        participants,
        products,
    })
}

/// Looks up what is named in an answer.
fn name<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    items: &[Affected],
) -> Result<(), S::Error> {
    let mut products = BTreeSet::new();
    let mut parties = BTreeSet::new();
    for affected in items {
        products.extend(product(&affected.item));
        parties.extend(affected.under_way.iter().cloned());
    }
    for product in products {
        names.load_product(asked, &product)?;
    }
    for party in parties {
        let handle = Identifier::parse(&party)
            .ok()
            .and_then(|id| id.participant_handle());
        if let Some(handle) = handle {
            names.load_participant(asked, handle)?;
        }
    }
    Ok(())
}

fn product(item: &str) -> Option<String> {
    let product = Identifier::parse(item).ok()?.product()?;
    Some(product.as_str().to_owned())
}

impl Affected {
    /// Whether it is goods, as against what they are in.
    #[must_use]
    pub const fn is_goods(&self) -> bool {
        !matches!(self.how, How::Holds)
    }
}

impl Forward {
    /// Adds up holders and totals anew, of what the items now say.
    pub(crate) fn add_up(&mut self) {
        self.holders = holders(&self.items);
        self.totals = totals(&self.items);
    }
}

fn holders(items: &[Affected]) -> BTreeMap<Handle, Held> {
    type Lines = BTreeMap<(Option<String>, Option<String>), i128>;
    let mut found: BTreeMap<Handle, (usize, Lines)> = BTreeMap::new();
    for one in items.iter().filter(|one| one.is_goods()) {
        for holder in &one.holders {
            found.entry(*holder).or_default().0 += 1;
        }
        let Some(amounts) = &one.amounts else {
            continue;
        };
        let product = product(&one.item);
        for (holder, amount) in &amounts.by {
            let lines = &mut found.entry(*holder).or_default().1;
            *lines
                .entry((product.clone(), amounts.uom.clone()))
                .or_default() += amount.0;
        }
    }
    let line = |((product, uom), amount)| Line {
        product,
        uom,
        amount: Millionths(amount),
    };
    found
        .into_iter()
        .map(|(holder, (items, lines))| {
            let amounts = lines.into_iter().map(line).collect();
            (holder, Held { items, amounts })
        })
        .collect()
}

fn totals(items: &[Affected]) -> Vec<Total> {
    #[derive(Default)]
    struct Sum {
        items: usize,
        unknown: usize,
        units: BTreeMap<Option<String>, Amounts>,
    }
    let mut found: BTreeMap<Option<String>, Sum> = BTreeMap::new();
    for one in items.iter().filter(|one| one.is_goods()) {
        let sum = found.entry(product(&one.item)).or_default();
        sum.items += 1;
        let Some(amounts) = &one.amounts else {
            sum.unknown += 1;
            continue;
        };
        let unit = sum.units.entry(amounts.uom.clone()).or_default();
        unit.uom.clone_from(&amounts.uom);
        for (total, one) in [
            (&mut unit.made, amounts.made),
            (&mut unit.held, amounts.held),
            (&mut unit.under_way, amounts.under_way),
            (&mut unit.sold, amounts.sold),
            (&mut unit.used, amounts.used),
            (&mut unit.destroyed, amounts.destroyed),
        ] {
            total.0 = total.0.saturating_add(one.0);
        }
        for (holder, amount) in &amounts.by {
            unit.by.entry(*holder).or_default().0 += amount.0;
        }
    }
    found
        .into_iter()
        .map(|(product, sum)| {
            let most = sum.units.values().max_by_key(|unit| unit.made);
            let share = most.filter(|unit| unit.made.0 > 0).and_then(|unit| {
                let share = unit.sold.0.saturating_mul(1000) / unit.made.0;
                u16::try_from(share.clamp(0, 1000)).ok()
            });
            Total {
                product,
                items: sum.items,
                unknown: sum.unknown,
                sold_permille: share,
                amounts: sum.units.into_values().collect(),
            }
        })
        .collect()
}
