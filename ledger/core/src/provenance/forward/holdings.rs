//! Who has affected items now, and what became of the rest.

use super::super::asked::Asked;
use super::super::custody::follow;
use super::super::facts::{Fact, Span, event_of, plays_of, taken_back};
use super::super::names::Names;
use super::super::packing::{common, cover, is_instance, packs};
use super::super::rules::amounts as shown;
use super::super::source::{Content, Source, Touch};
use super::super::stops::ever_in;
use super::super::walk::join;
use super::boxes::Boxes;
use super::{Affected, Amounts, Millionths};
use crate::event::{Action as EventAction, Role};
use crate::ids::Handle;
use crate::registry::Action;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One piece.
const ONE: i128 = 1_000_000;

/// Finds holders and amounts of all items.
pub(super) fn place<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    boxes: &mut Boxes,
    items: &mut [Affected],
) -> Result<(), S::Error> {
    let mut lots = BTreeMap::new();
    for one in items {
        let story = story(asked, names, boxes, &mut lots, &one.item)?;
        let single = story.codes.iter().all(|code| is_instance(code));
        let custody = follow(&story.facts, single, names);
        let gone = story.facts.iter().rev();
        let end = gone.into_iter().find(|fact| fact.ends() || fact.uses());
        one.ended =
            single && end.is_some() && custody.holders.is_empty() && custody.under_way.is_empty();
        let mut holders = custody.holders;
        one.amounts = if single {
            Some(piece(&holders, !custody.under_way.is_empty(), end))
        } else {
            let stock = Stock::follow(&story, names, boxes);
            stock.map(|(amounts, answerable)| {
                // Who only passed it on has nothing to stop and no customers to tell.
                holders = amounts.by.keys().copied().chain(answerable).collect();
                amounts
            })
        };
        one.holders = holders.into_iter().collect();
        one.under_way = custody.under_way;
        one.keepers = if custody.proved.is_empty() {
            custody.ever
        } else {
            custody.proved
        };
        one.handed = custody.passed;
        let sent = custody.legs.iter();
        let sent = sent.filter_map(|leg| Some((names.party(leg.to.as_deref()?)?, leg.from)));
        one.handed.extend(sent);
    }
    Ok(())
}

/// What became of one thing.
fn piece(holders: &BTreeSet<Handle>, under_way: bool, end: Option<&Fact>) -> Amounts {
    let mut amounts = Amounts {
        made: Millionths(ONE),
        ..Amounts::default()
    };
    let one = Millionths(ONE);
    match (holders.first(), end) {
        (Some(holder), _) => {
            amounts.held = one;
            amounts.by.insert(*holder, one);
        }
        (None, _) if under_way => amounts.under_way = one,
        (None, Some(end)) if end.sells() => amounts.sold = one,
        (None, Some(end)) if end.uses() => amounts.used = one,
        (None, Some(_)) => amounts.destroyed = one,
        (None, None) => {}
    }
    amounts
}

/// What counts of one item's events, in order.
struct Story {
    codes: BTreeSet<String>,
    facts: Vec<Fact>,
    /// All containers through which an event concerns the item: one delivery is of many.
    through: BTreeMap<EventRef, Vec<String>>,
}

/// The events that concern an item, its own and those of whatever it was in: the same that a scan
/// takes for custody, without observations, and each container gone through once for all items.
fn story<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    boxes: &mut Boxes,
    lots: &mut BTreeMap<EventRef, BTreeSet<String>>,
    item: &str,
) -> Result<Story, S::Error> {
    let mut codes = BTreeSet::from([item.to_owned()]);
    let own = asked.list(item)?;
    let recoded = |touch: &Touch| matches!(&*touch.content, Content::Registry { action, .. } if *action == Action::Recode);
    if own.iter().any(recoded) {
        codes = join(asked, names, codes, i64::MAX)?.codes;
    }
    let mut lists = vec![own];
    for code in codes.iter().filter(|code| *code != item) {
        lists.push(asked.list(code)?);
    }
    let borrowed: Vec<&[Touch]> = lists.iter().map(|list| &**list).collect();
    let wrong = taken_back(&borrowed);
    let mut facts: BTreeMap<EventRef, Fact> = BTreeMap::new();
    for touch in borrowed.iter().copied().flatten() {
        let Some(event) = event_of(touch) else {
            continue;
        };
        if event.error_declaration().is_some() || wrong.contains_key(&touch.at) {
            continue;
        }
        let mut plays = plays_of(event, &codes);
        if codes.iter().any(|code| !is_instance(code)) {
            let made = lots.entry(touch.at).or_insert_with(|| event.lots_made());
            if codes.iter().any(|code| made.contains(code)) {
                plays.insert(if event.kind() == crate::event::EventKind::Transformation {
                    Role::Output
                } else {
                    Role::Object
                });
            }
        }
        let fact = Fact::known(touch, plays, None);
        if !fact.observes() {
            facts.insert(touch.at, fact);
        }
    }
    let mut stays: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let mut queue: VecDeque<(String, Span)> = codes
        .iter()
        .map(|code| (code.clone(), (i64::MIN, i64::MAX)))
        .collect();
    // Ends: a container comes back only with time not covered before.
    while let Some((child, outer)) = queue.pop_front() {
        let parents = if codes.contains(&child) {
            ever_in(&asked.list(&child)?, &child)
        } else {
            boxes.life(asked, &child)?.parents.clone()
        };
        for parent in parents.into_iter().filter(|parent| !codes.contains(parent)) {
            let life = boxes.life(asked, &parent)?;
            for span in life.now(&child) {
                let Some(span) = common(*span, outer) else {
                    continue;
                };
                if cover(stays.entry(parent.clone()).or_default(), span) {
                    queue.push_back((parent.clone(), span));
                }
            }
        }
    }
    let mut through: BTreeMap<EventRef, Vec<String>> = BTreeMap::new();
    for (container, spans) in &stays {
        let life = boxes.life(asked, container)?;
        for span in spans {
            let from = life.acts.partition_point(|(time, _)| *time < span.0);
            let later = life.acts.get(from..).unwrap_or_default();
            for (_, touch) in later.iter().take_while(|(time, _)| *time <= span.1) {
                let containers = through.entry(touch.at).or_default();
                if !containers.contains(container) {
                    containers.push(container.clone());
                }
                facts.entry(touch.at).or_insert_with(|| {
                    let plays = event_of(touch).map(|event| plays_of(event, &codes));
                    Fact::known(touch, plays.unwrap_or_default(), Some(container.clone()))
                });
            }
        }
    }
    let mut facts: Vec<Fact> = facts.into_values().collect();
    facts.sort_by_key(Fact::order);
    for fact in &mut facts {
        names.load_participant(asked, fact.issuer())?;
        for party in [fact.source(), fact.destination()].into_iter().flatten() {
            names.load_party(asked, party)?;
        }
        fact.to = fact.destination().and_then(|to| names.party(to));
    }
    Ok(Story {
        codes,
        facts,
        through,
    })
}

/// A shipment that waits for its receipt, or for the rest of it.
struct Sent {
    from: Handle,
    /// As the sender names the receiver, in its one spelling.
    to: Option<String>,
    inside: Option<String>,
    left: i128,
}

/// How much of a lot is where, as its events say: direct, or inside which container.
#[derive(Default)]
struct Stock {
    unit: Option<Option<String>>,
    held: BTreeMap<(Handle, Option<String>), i128>,
    sent: Vec<Sent>,
    made: i128,
    sold: i128,
    /// Who made it, or sold some.
    answerable: BTreeSet<Handle>,
    used: i128,
    destroyed: i128,
}

impl Stock {
    /// Follows a lot: its amounts, and who made it or sold some; `None` where an amount that matters is not
    /// shown, or in another unit.
    fn follow(story: &Story, names: &Names, boxes: &Boxes) -> Option<(Amounts, BTreeSet<Handle>)> {
        let mut stock = Self::default();
        for fact in &story.facts {
            if fact.via.is_none() {
                stock.take(fact, &story.codes, names)?;
                continue;
            }
            for container in story.through.get(&fact.at()).into_iter().flatten() {
                stock.carry(fact, container, names, boxes);
            }
        }
        let mut by: BTreeMap<Handle, Millionths> = BTreeMap::new();
        for ((holder, _), amount) in &stock.held {
            by.entry(*holder).or_default().0 += amount;
        }
        by.retain(|_, amount| amount.0 > 0);
        let amounts = Amounts {
            uom: stock.unit?,
            made: Millionths(stock.made),
            held: Millionths(by.values().map(|amount| amount.0).sum()),
            under_way: Millionths(stock.sent.iter().map(|sent| sent.left).sum()),
            sold: Millionths(stock.sold),
            used: Millionths(stock.used),
            destroyed: Millionths(stock.destroyed),
            by,
        };
        Some((amounts, stock.answerable))
    }

    fn at(&mut self, who: Handle, inside: Option<&str>) -> &mut i128 {
        self.held
            .entry((who, inside.map(str::to_owned)))
            .or_default()
    }

    /// An event that names the lot itself.
    fn take(&mut self, fact: &Fact, codes: &BTreeSet<String>, names: &Names) -> Option<()> {
        let who = fact.issuer();
        if names.only_watches(who) && !fact.makes() {
            return Some(());
        }
        let event = fact.event();
        let step = fact.step();
        let packs = packs(event);
        let moves = fact.makes()
            || fact.uses()
            || fact.ends()
            || packs
            || matches!(step, "shipping" | "receiving" | "void_shipping");
        if !moves {
            return Some(());
        }
        let (unit, amount) = shown(fact, codes)?;
        if *self.unit.get_or_insert_with(|| unit.clone()) != unit {
            return None;
        }
        if packs {
            let objects = event.objects();
            let parent = objects.iter().find(|object| object.role == Role::Parent);
            let parent = parent.map(|parent| parent.id);
            let (from, to) = match event.action() {
                Some(EventAction::Add) => (None, parent),
                Some(EventAction::Delete) => (parent, None),
                Some(EventAction::Observe) | None => return Some(()),
            };
            *self.at(who, from) -= amount;
            *self.at(who, to) += amount;
        } else if fact.makes() {
            self.made += amount;
            self.answerable.insert(who);
            *self.at(who, None) += amount;
        } else if step == "shipping" {
            let to = fact.destination().map(|to| names.spelling(to));
            if to.as_deref() != Some(super::super::names::spelled(who).as_str()) {
                *self.at(who, None) -= amount;
                self.sent.push(Sent {
                    from: who,
                    to,
                    inside: None,
                    left: amount,
                });
            }
        } else if step == "receiving" {
            self.receive(fact, amount, names);
        } else if step == "void_shipping" {
            let mine = |sent: &Sent| sent.from == who && sent.inside.is_none() && sent.left > 0;
            if let Some(at) = self.sent.iter().rposition(mine) {
                let back = self.sent.remove(at).left;
                *self.at(who, None) += back;
            }
        } else {
            *self.at(who, None) -= amount;
            self.gone(fact, amount);
        }
        Some(())
    }

    fn gone(&mut self, fact: &Fact, amount: i128) {
        if fact.uses() {
            self.used += amount;
        } else if fact.sells() {
            self.sold += amount;
            self.answerable.insert(fact.issuer());
        } else {
            self.destroyed += amount;
        }
    }

    /// Part or all of what is under way to the receiver; else a customer's return, or goods that
    /// nobody recorded sending.
    fn receive(&mut self, fact: &Fact, amount: i128, names: &Names) {
        let who = fact.issuer();
        let me = super::super::names::spelled(who);
        let source = fact.source().map(|from| names.spelling(from));
        if source.as_deref() == Some(me.as_str()) {
            return; // Between two places of one party.
        }
        let mut left = amount;
        let returned = fact.event().disposition() == Some("returned");
        // A customer brings it back, whom nobody names.
        let by_customer = returned && source.is_none();
        for sent in self.sent.iter_mut().filter(|_| !by_customer) {
            let from = source
                .as_deref()
                .is_none_or(|source| super::super::names::spelled(sent.from) == source);
            if sent.inside.is_none() && from && sent.to.as_deref().is_none_or(|to| to == me) {
                let part = left.min(sent.left);
                sent.left -= part;
                left -= part;
            }
        }
        self.sent.retain(|sent| sent.left > 0);
        if left > 0 && returned {
            self.sold -= left.min(self.sold);
        }
        *self.at(who, None) += amount;
    }

    /// An event of something that the lot, or part of it, is inside.
    fn carry(&mut self, fact: &Fact, container: &str, names: &Names, boxes: &Boxes) {
        let (who, time) = (fact.issuer(), fact.time());
        let moved = |inside: &Option<String>| {
            inside
                .as_deref()
                .is_some_and(|inside| inside == container || boxes.within(inside, container, time))
        };
        let me = super::super::names::spelled(who);
        match fact.step() {
            "shipping" => {
                let to = fact.destination().map(|to| names.spelling(to));
                if to.as_deref() == Some(me.as_str()) {
                    return;
                }
                for ((holder, inside), amount) in &mut self.held {
                    if *holder == who && *amount > 0 && moved(inside) {
                        self.sent.push(Sent {
                            from: who,
                            to: to.clone(),
                            inside: inside.clone(),
                            left: std::mem::take(amount),
                        });
                    }
                }
            }
            "receiving" => {
                let mut arrived = Vec::new();
                self.sent.retain(|sent| {
                    let mine = sent.to.as_deref().is_none_or(|to| to == me) && moved(&sent.inside);
                    if mine {
                        arrived.push((sent.inside.clone(), sent.left));
                    }
                    !mine
                });
                for (inside, amount) in arrived {
                    *self.at(who, inside.as_deref()) += amount;
                }
            }
            "void_shipping" => {
                let mut back = Vec::new();
                self.sent.retain(|sent| {
                    let mine = sent.from == who && moved(&sent.inside);
                    if mine {
                        back.push((sent.inside.clone(), sent.left));
                    }
                    !mine
                });
                for (inside, amount) in back {
                    *self.at(who, inside.as_deref()) += amount;
                }
            }
            _ => self.open_or_end(fact, container, &moved),
        }
    }

    /// All is taken out of a container, or it is sold or destroyed with what is in it.
    fn open_or_end(
        &mut self,
        fact: &Fact,
        container: &str,
        moved: &impl Fn(&Option<String>) -> bool,
    ) {
        let who = fact.issuer();
        let event = fact.event();
        let objects = event.objects();
        let plays = |role| {
            let mut named = objects.iter().filter(|object| object.role == role);
            named.any(|object| object.id == container)
        };
        // Taken out of another container, with what is in it, is not emptied.
        let emptied =
            packs(event) && event.action() == Some(EventAction::Delete) && plays(Role::Parent);
        let deleted = plays(Role::Object);
        let ends = fact.sells() || (deleted && event.action() == Some(EventAction::Delete));
        if !emptied && !ends {
            return;
        }
        let mut out = 0;
        for ((holder, inside), amount) in &mut self.held {
            let here = if emptied {
                inside.as_deref() == Some(container)
            } else {
                moved(inside)
            };
            if *holder == who && here {
                out += std::mem::take(amount);
            }
        }
        if emptied {
            *self.at(who, None) += out;
        } else {
            self.gone(fact, out);
        }
    }
}
