//! A case: what was ordered, who holds what it reaches, what they answered, and what is due.
//!
//! Nothing of this is stored. The case's list says what was ordered and answered, the walk forward
//! who has the goods now, the law when each should have acted.

use super::super::answer::{Cut, Moment, Party, Product, StopKind, Text};
use super::super::asked::{Asked, Limits};
use super::super::names::Names;
use super::super::rules::millionths;
use super::super::source::{Content, Source, Touch};
use super::super::stops::{Ordered, entitled, kind_of, order_in, orders_on};
use super::boxes::Boxes;
use super::{Affected, Held, How, Millionths, Start, Total, holdings, name, reach, totals};
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::order::{CASES, Done, Fault, Level, Reach, Response};
use crate::policy::Sector;
use crate::registry::Action;
use crate::state::Role;
use crate::store::EventRef;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What everyone may know of a case: no holder, no customer, no amount.
#[derive(Clone, Debug, Serialize)]
pub struct CaseHead {
    /// Its identifier.
    pub case: String,
    /// Who opened it.
    pub opened_by: Handle,
    /// When.
    pub opened: Moment,
    /// Of its gravest order: what it does.
    pub kind: StopKind,
    /// How grave that is.
    pub level: Level,
    /// Why.
    pub reason: Text,
    /// Whether any order of it stands.
    pub standing: bool,
    /// Whether its opener is shown to have a say over the goods: else it stops nothing.
    pub proved: bool,
    /// When it was declared done, by who may.
    pub closed: Option<Moment>,
    /// What was ordered, item by item.
    pub orders: Vec<CaseOrder>,
    /// What is due when, of the gravest order; nothing where the policy sets no deadline.
    pub clocks: Option<Clocks>,
    /// How many have answered.
    pub answered: usize,
}

/// A case as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// What everyone may know.
    #[serde(flatten)]
    pub head: CaseHead,
    /// Everything that the standing orders reach, nearest first.
    pub items: Vec<Affected>,
    /// What became of it, by product and unit.
    pub totals: Vec<Total>,
    /// Everyone who has or had to answer: who holds any of it, or has answered.
    pub holders: Vec<Holder>,
    /// To whom some of it is on its way who is no participant: nobody here reaches them.
    pub beyond: Vec<String>,
    /// Where the answer was cut short, if it was.
    pub cut: Option<Cut>,
    /// Those named above, by handle.
    pub participants: BTreeMap<Handle, Party>,
    /// Products of the items above.
    pub products: BTreeMap<String, Product>,
}

/// One item's hold or recall.
#[derive(Clone, Debug, Serialize)]
pub struct CaseOrder {
    /// Hold or recall.
    pub kind: StopKind,
    /// Where it stands on the log.
    pub at: EventRef,
    /// When it was recorded.
    pub recorded: Moment,
    /// Who ordered it.
    pub by: Handle,
    /// What was ordered to stop, canonical.
    pub item: String,
    /// Why.
    pub reason: Text,
    /// How grave it is.
    pub level: Level,
    /// How far it reaches.
    pub reach: Reach,
    /// What is wrong.
    pub fault: Fault,
    /// What must be tested before it is released.
    pub retest: Option<String>,
    /// By when it should be decided.
    pub deadline: Option<Moment>,
    /// Whether it stands, or was released.
    pub standing: bool,
}

/// What is due when.
#[derive(Clone, Debug, Serialize)]
pub struct Clocks {
    /// The kind of goods, whose rule it is.
    pub sector: Sector,
    /// When every holder must have stopped and answered.
    pub start_by: Moment,
    /// When all must be back, destroyed or put right, where a rule says.
    pub finish_by: Option<Moment>,
    /// The law or decision behind these.
    pub source: String,
    /// Whether that text was read and the values confirmed.
    pub confirmed: bool,
}

/// What a participant that holds affected goods did.
#[derive(Clone, Debug, Serialize)]
pub struct Holder {
    /// Who.
    pub holder: Handle,
    /// What it has now.
    pub held: Held,
    /// Whether it can be told.
    pub contact: Contact,
    /// When it answered first: to answer anything is to know.
    pub acknowledged: Option<Moment>,
    /// What it says it returned.
    pub returned: Vec<Answered>,
    /// What it says it destroyed.
    pub destroyed: Vec<Answered>,
    /// What it says it put right.
    pub corrected: Vec<Answered>,
    /// What it is late with.
    pub overdue: Option<Overdue>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Where it stands on the log.
    pub at: EventRef,
    /// When it was recorded.
    pub recorded: Moment,
    /// About which item.
    pub item: String,
    /// How much, where that is shown.
    pub quantity: Option<Millionths>,
    /// Its unit.
    pub uom: Option<String>,
    /// A document's number or address.
    pub evidence: Option<String>,
}

/// Whether a holder can be told through this ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    /// It is a participant in standing.
    Participant,
    /// It is suspended, and can say nothing on the ledger.
    Suspended,
}

/// What a holder is late with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overdue {
    /// It has not answered.
    Start,
    /// It still has goods.
    Finish,
}

/// A case's head, and those named in it by handle.
pub type NamedHead = (CaseHead, BTreeMap<Handle, Party>);

/// What everyone may know of the case of this identifier, and the names of who ordered; `None`
/// where nothing was ordered under it. Reads the case's list and no other but names.
///
/// # Errors
/// The source's own.
pub fn case_head<S: Source>(
    source: &mut S,
    case: &Identifier,
    limits: Limits,
) -> Result<Option<NamedHead>, S::Error> {
    let mut asked = Asked::new(source, limits);
    let mut names = Names::default();
    let found = head(&mut asked, &mut names, case)?;
    let (participants, _, _) = names.into_parts();
    Ok(found.map(|(head, _)| (head, participants)))
}

type Answers = BTreeMap<Handle, Said>;

fn head<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    case: &Identifier,
) -> Result<Option<(CaseHead, Answers)>, S::Error> {
    let list = asked.list(case.as_str())?;
    let orders = orders(asked, names, &list)?;
    let Some(first) = orders.first() else {
        return Ok(None);
    };
    let (opened_by, opened) = (first.by, first.recorded);
    let gravest = gravest(&orders).unwrap_or(first);
    let (kind, level, reason) = (gravest.kind, gravest.level, gravest.reason.clone());
    let clocks = clocks(asked, names, gravest)?;
    names.load_participant(asked, opened_by)?;
    let (answers, closed) = responses(asked, names, &list, &orders)?;
    let head = CaseHead {
        case: case.to_string(),
        opened_by,
        opened,
        kind,
        level,
        reason,
        standing: orders.iter().any(|one| one.standing),
        proved: counts(asked, names, &orders)?,
        closed,
        orders,
        clocks,
        answered: answers.len(),
    };
    Ok(Some((head, answers)))
}

/// What the policy of the time at which an order was recorded asks for. Goods of which nobody says
/// what they are, are food.
fn clocks<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    order: &CaseOrder,
) -> Result<Option<Clocks>, S::Error> {
    names.load_policy(asked)?;
    let product = super::product(&order.item);
    if let Some(product) = &product {
        names.load_product(asked, product)?;
    }
    let known = product.and_then(|product| names.product(&product));
    let sector = known.and_then(|known| Sector::of(&known.category, &known.storage_class));
    let sector = sector.unwrap_or(Sector::Food);
    let ordered = order.recorded.0;
    let policy = names.policies().at(ordered);
    Ok(policy
        .recall(sector, order.level.number())
        .map(|(deadline, row)| Clocks {
            sector,
            start_by: Moment(deadline.start(ordered)),
            finish_by: deadline.finish(ordered).map(Moment),
            source: row.source.clone(),
            confirmed: row.confirmed,
        }))
}

/// The case of this identifier as it stands at `as_of`; `None` where nothing was ordered under it.
///
/// # Errors
/// The source's own.
pub fn case<S: Source>(
    source: &mut S,
    case: &Identifier,
    as_of: UnixMillis,
    limits: Limits,
) -> Result<Option<Case>, S::Error> {
    let mut asked = Asked::new(source, limits);
    let mut names = Names::default();
    let Some((head, answers)) = head(&mut asked, &mut names, case)? else {
        return Ok(None);
    };
    let items = reached(&mut asked, &mut names, &head.orders)?;
    name(&mut asked, &mut names, &items)?;
    let holders = holders(
        &mut asked,
        &mut names,
        &items,
        answers,
        head.clocks.as_ref(),
        as_of,
    )?;
    let mut beyond: Vec<String> = items
        .iter()
        .flat_map(|item| &item.under_way)
        .filter(|party| !party.starts_with(PARTICIPANT))
        .cloned()
        .collect();
    beyond.sort();
    beyond.dedup();
    let cut = asked.take_cut();
    let (participants, products, _) = names.into_parts();
    Ok(Some(Case {
        head,
        totals: totals(&items),
        items,
        holders,
        beyond,
        cut,
        participants,
        products,
    }))
}

impl Case {
    /// Adds up what holders have, and totals, anew: of what the items now say.
    pub(crate) fn add_up(&mut self) {
        self.totals = totals(&self.items);
        let mut held = super::holders(&self.items);
        for one in &mut self.holders {
            one.held = held.remove(&one.holder).unwrap_or_default();
        }
    }
}

/// A case in a line.
#[derive(Clone, Debug, Serialize)]
pub struct CaseLine {
    /// Its identifier.
    pub case: String,
    /// Who opened it.
    pub opened_by: Handle,
    /// When.
    pub opened: Moment,
    /// Recall, if any of its orders is one.
    pub kind: StopKind,
    /// The gravest level.
    pub level: Level,
    /// What is wrong.
    pub fault: Fault,
    /// Why, as its first order says.
    pub reason: Text,
    /// Items ordered to stop; what is made of them is not counted.
    pub items: usize,
    /// Whether any order of it stands.
    pub standing: bool,
    /// When it was declared done, by who may.
    pub closed: Option<Moment>,
}

/// The newest `count` cases of the ledger, newest first: those whose openers have a say over the
/// goods. Anyone may claim that another's goods are unsafe, and is not repeated here.
///
/// So that nobody pushes another's recall off the end, of a firm's cases the newest tenth of
/// `count` are looked at, and twenty for each asked for in all; offices have what they need.
///
/// # Errors
/// The source's own.
pub fn cases<S: Source>(
    source: &mut S,
    count: usize,
    limits: Limits,
) -> Result<Vec<CaseLine>, S::Error> {
    let mut asked = Asked::new(source, limits);
    let mut names = Names::default();
    let ids = candidates(&mut asked, &mut names, count)?;
    let mut found = Vec::new();
    for some in ids.chunks(CASES_AHEAD) {
        asked.ahead(some.iter().map(String::as_str))?;
        for id in some {
            found.extend(line(&mut asked, &mut names, id)?);
            if found.len() >= count {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Cases whose lists are read together.
const CASES_AHEAD: usize = 64;

/// Cases that are looked into for each one asked for.
const CASE_TRIES: usize = 20;

/// The newest cases that may count, newest first.
fn candidates<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    count: usize,
) -> Result<Vec<String>, S::Error> {
    let of_firm = count.div_ceil(10);
    let list = asked.list(CASES)?;
    let (mut ids, mut seen) = (Vec::new(), BTreeSet::new());
    let mut by: BTreeMap<Handle, usize> = BTreeMap::new();
    for touch in list.iter().rev() {
        if ids.len() >= count.saturating_mul(CASE_TRIES) {
            break;
        }
        let Some(Ordered { order, .. }) = order_in(touch) else {
            continue;
        };
        let opened = by.entry(touch.issuer).or_default();
        if seen.contains(order.case.as_str()) {
            continue;
        }
        if *opened >= of_firm {
            names.load_participant(asked, touch.issuer)?;
            if !names.is_any(touch.issuer, &[Role::Authority, Role::Regulator]) {
                continue;
            }
        }
        *opened += 1;
        seen.insert(order.case.to_string());
        ids.push(order.case.to_string());
    }
    Ok(ids)
}

/// A case in a line, if it counts.
fn line<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    id: &str,
) -> Result<Option<CaseLine>, S::Error> {
    let list = asked.list(id)?;
    let orders = orders(asked, names, &list)?;
    let (Some(first), Some(gravest)) = (orders.first(), gravest(&orders)) else {
        return Ok(None);
    };
    if !counts(asked, names, &orders)? {
        return Ok(None);
    }
    let (_, closed) = responses(asked, names, &list, &orders)?;
    let items: BTreeSet<&str> = orders.iter().map(|one| one.item.as_str()).collect();
    Ok(Some(CaseLine {
        opened_by: first.by,
        opened: first.recorded,
        kind: gravest.kind,
        level: gravest.level,
        fault: gravest.fault,
        reason: first.reason.clone(),
        items: items.len(),
        standing: orders.iter().any(|one| one.standing),
        closed,
        case: id.to_owned(),
    }))
}

/// Orders of a case that are looked into to tell whether it stops anything: its opener's first ones
/// are about goods that it had, or its case is not worth showing.
const PROVED_TRIES: usize = 8;

const PARTICIPANT: &str = "urn:suyuan:participant:";

/// What was ordered under a case, in the order of the log, and whether it stands.
fn orders<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    list: &[Touch],
) -> Result<Vec<CaseOrder>, S::Error> {
    let mut found = Vec::new();
    let all: Vec<Ordered<'_>> = orders_on(asked, names, list, None)?;
    let standing: BTreeSet<(EventRef, &str)> = all
        .iter()
        .map(|one| (one.touch.at, one.order.item.as_str()))
        .collect();
    for Ordered { kind, touch, order } in list.iter().filter_map(order_in) {
        let item = order.item.to_string();
        found.push(CaseOrder {
            kind,
            at: touch.at,
            recorded: Moment(touch.recorded),
            by: touch.issuer,
            standing: standing.contains(&(touch.at, item.as_str())),
            item,
            reason: order.reason,
            level: order.level,
            reach: order.reach,
            fault: order.fault,
            retest: order.retest,
            deadline: order.deadline.map(Moment),
        });
    }
    Ok(found)
}

/// The gravest of those that stand, or of all: the law asks more where more can happen.
fn gravest(orders: &[CaseOrder]) -> Option<&CaseOrder> {
    let rank = |one: &&CaseOrder| (!one.standing, one.kind, one.level, one.recorded);
    orders.iter().min_by_key(rank)
}

/// Whether an order stops what it names: its issuer is shown to have a say over those goods.
fn proved<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    order: &CaseOrder,
) -> Result<bool, S::Error> {
    entitled(asked, names, &order.item, &BTreeSet::new(), order.by)
}

/// Whether a case stops anything, as its first orders tell.
fn counts<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    orders: &[CaseOrder],
) -> Result<bool, S::Error> {
    for order in orders.iter().take(PROVED_TRIES) {
        if proved(asked, names, order)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Everything that the standing orders reach; of a released case what it reached. Orders of those
/// who have no say over the goods reach nothing.
fn reached<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    orders: &[CaseOrder],
) -> Result<Vec<Affected>, S::Error> {
    let mut boxes = Boxes::default();
    let any = orders.iter().any(|one| one.standing);
    let mut together: BTreeMap<(LeafIndex, Reach), Vec<Start>> = BTreeMap::new();
    for one in orders.iter().filter(|one| one.standing || !any) {
        if !proved(asked, names, one)? {
            continue;
        }
        if let Ok(item) = Identifier::parse(&one.item) {
            let starts = together.entry((one.at.leaf, one.reach)).or_default();
            starts.push(Start::Ordered {
                item,
                since: one.recorded.0,
            });
        }
    }
    let mut items: Vec<Affected> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for ((leaf, reach), starts) in together {
        for one in reach::reach(asked, names, &mut boxes, &starts, reach)? {
            // What was taken back before the order is not reached by it.
            if one.taken_back.is_some_and(|until| until <= leaf) {
                continue;
            }
            match known.get(&one.item).and_then(|at| items.get_mut(*at)) {
                Some(other) if other.how == How::Holds => *other = one,
                Some(_) => {}
                None => {
                    known.insert(one.item.clone(), items.len());
                    items.push(one);
                }
            }
        }
    }
    items.sort_by_key(|one| one.depth);
    holdings::place(asked, names, &mut boxes, &mut items)?;
    Ok(items)
}

/// One holder's answers.
#[derive(Default)]
struct Said {
    first: Option<Moment>,
    returned: Vec<Answered>,
    destroyed: Vec<Answered>,
    corrected: Vec<Answered>,
}

/// Answers by who gave them, and when the case was closed by who may close it.
fn responses<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    list: &[Touch],
    orders: &[CaseOrder],
) -> Result<(Answers, Option<Moment>), S::Error> {
    let opened_by = orders.first().map(|first| first.by);
    // Goods that may harm are not for a firm to be done with.
    let harmful = orders
        .iter()
        .any(|one| one.standing && one.kind == StopKind::Recall && one.fault == Fault::Safety);
    let mut found: BTreeMap<Handle, Said> = BTreeMap::new();
    let mut closed = None;
    for touch in list {
        let Content::Registry { action, record } = &*touch.content else {
            continue;
        };
        if *action != Action::Respond {
            if kind_of(action).is_some() {
                // Ordered anew: it is open, and nobody has answered to that.
                closed = None;
                for said in found.values_mut() {
                    said.first = None;
                }
            }
            continue;
        }
        let Ok(response) = Response::read(record) else {
            continue;
        };
        let recorded = Moment(touch.recorded);
        if response.what == Done::Closed {
            names.load_participant(asked, touch.issuer)?;
            let official = names.is_any(touch.issuer, &[Role::Authority, Role::Regulator]);
            let own = opened_by == Some(touch.issuer);
            let over = opened_by.is_some_and(|opener| names.governs(touch.issuer, opener));
            if (own || over) && (official || !harmful) {
                closed = Some(recorded);
            }
            continue;
        }
        let said = found.entry(touch.issuer).or_default();
        said.first.get_or_insert(recorded);
        let answered = Answered {
            at: touch.at,
            recorded,
            item: response.item.to_string(),
            quantity: response
                .quantity
                .as_ref()
                .and_then(millionths)
                .map(Millionths),
            uom: response.uom,
            evidence: response.evidence,
        };
        match response.what {
            Done::Returned => said.returned.push(answered),
            Done::Destroyed => said.destroyed.push(answered),
            Done::Corrected => said.corrected.push(answered),
            Done::Acknowledged | Done::Closed => {}
        }
    }
    Ok((found, closed))
}

/// All who hold something or answered, with what they are late with.
fn holders<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    items: &[Affected],
    mut responses: BTreeMap<Handle, Said>,
    clocks: Option<&Clocks>,
    as_of: UnixMillis,
) -> Result<Vec<Holder>, S::Error> {
    let mut held = super::holders(items);
    // Whoever is about to get some must know as well.
    for party in items.iter().flat_map(|item| &item.under_way) {
        let handle = Identifier::parse(party)
            .ok()
            .and_then(|id| id.participant_handle());
        if let Some(handle) = handle {
            held.entry(handle).or_default();
        }
    }
    for who in responses.keys() {
        held.entry(*who).or_default();
    }
    let mut found = Vec::with_capacity(held.len());
    for (holder, held) in held {
        names.load_participant(asked, holder)?;
        let said = responses.remove(&holder).unwrap_or_default();
        let watches = [Role::Authority, Role::Regulator];
        let waits = !names.is_any(holder, &watches);
        let late = |due: Option<Moment>| due.is_some_and(|due| as_of > due.0);
        let start_by = clocks.map(|clocks| clocks.start_by);
        let finish_by = clocks.and_then(|clocks| clocks.finish_by);
        let overdue = if waits && said.first.is_none() && late(start_by) {
            Some(Overdue::Start)
        } else if held.items > 0 && late(finish_by) && !settled(&held, &said) {
            Some(Overdue::Finish)
        } else {
            None
        };
        found.push(Holder {
            holder,
            contact: if names.suspended(holder) {
                Contact::Suspended
            } else {
                Contact::Participant
            },
            held,
            acknowledged: said.first,
            returned: said.returned,
            destroyed: said.destroyed,
            corrected: said.corrected,
            overdue,
        });
    }
    Ok(found)
}

/// Whether a holder says that it dealt with all it has, as far as amounts tell.
fn settled(held: &Held, said: &Said) -> bool {
    let answers = || {
        let returned = said.returned.iter().chain(&said.destroyed);
        returned.chain(&said.corrected)
    };
    if held.amounts.is_empty() {
        return answers().next().is_some();
    }
    held.amounts.iter().all(|line| {
        let mine = answers().filter(|answer| {
            answer.uom == line.uom && super::product(&answer.item) == line.product
        });
        let done: i128 = mine
            .filter_map(|answer| answer.quantity.map(|quantity| quantity.0))
            .sum();
        done >= line.amount.0
    })
}
