//! Which items are reached, and until when some way to them counted.

use super::super::asked::Asked;
use super::super::facts::{ALWAYS, Span, event_of, taken_back};
use super::super::names::Names;
use super::super::packing::{common, packs};
use super::super::source::{Content, Source, Touch};
use super::super::stops::{NEVER, makes};
use super::super::walk::{LotNames, join, parts_of};
use super::boxes::Boxes;
use super::{Affected, How, Start};
use crate::event::{Action as EventAction, Event, EventKind, Role};
use crate::identifier::Identifier;
use crate::ids::LeafIndex;
use crate::order::Reach;
use crate::registry::Action;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// One way to an item.
#[derive(Clone, Debug)]
struct Way {
    item: String,
    how: How,
    via: Option<String>,
    at: Option<EventRef>,
    bound: LeafIndex,
    /// During which time what is inside is affected; only of containers asked for.
    down: Option<Span>,
    /// During which time whatever it is in holds affected goods.
    up: Span,
    depth: u32,
}

impl Way {
    fn covers(&self, other: &Self) -> bool {
        let within = |inner: Span, outer: Span| outer.0 <= inner.0 && inner.1 <= outer.1;
        let down = other
            .down
            .is_none_or(|inner| self.down.is_some_and(|outer| within(inner, outer)));
        self.bound >= other.bound && down && within(other.up, self.up)
    }
}

#[derive(Default)]
struct Reached {
    items: Vec<Affected>,
    index: BTreeMap<String, usize>,
    ways: BTreeMap<String, Vec<Way>>,
    count: usize,
}

impl Reached {
    /// Takes a way in; true if what it leads on to must be looked at.
    fn take<S: Source>(&mut self, asked: &mut Asked<'_, S>, way: &Way) -> bool {
        let known = self.ways.entry(way.item.clone()).or_default();
        if known.iter().any(|one| one.covers(way)) {
            return false;
        }
        if way.depth > asked.limits().depth {
            asked.cut_at(&way.item, "depth");
            return false;
        }
        // Few things are reached in more than two ways that matter.
        if self.count >= 2 * asked.limits().items {
            asked.cut_at(&way.item, "items");
            return false;
        }
        self.count += 1;
        known.push(way.clone());
        let taken_back = (way.bound != NEVER).then_some(way.bound);
        if let Some(at) = self.index.get(&way.item) {
            if let Some(item) = self.items.get_mut(*at) {
                item.taken_back = match (item.taken_back, taken_back) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    (None, _) | (_, None) => None,
                };
                // What only holds goods on one way may be affected itself on another.
                if item.how == How::Holds {
                    item.how = way.how;
                }
            }
            return true;
        }
        self.index.insert(way.item.clone(), self.items.len());
        self.items.push(Affected {
            item: way.item.clone(),
            how: way.how,
            via: way.via.clone(),
            at: way.at,
            taken_back,
            depth: way.depth,
            holders: Vec::new(),
            under_way: Vec::new(),
            ended: false,
            amounts: None,
            keepers: BTreeSet::new(),
            handed: Vec::new(),
        });
        true
    }
}

/// Everything reached from `starts`, nearest first.
pub(super) fn reach<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    boxes: &mut Boxes,
    starts: &[Start],
    reach: Reach,
) -> Result<Vec<Affected>, S::Error> {
    let mut reached = Reached::default();
    let mut level = Vec::new();
    for start in starts {
        let (how, down) = match start {
            Start::Item(_) => (How::Asked, Some(ALWAYS)),
            // As a page has it: an order for a container concerns what was inside while it stood.
            Start::Ordered { since, .. } => (How::Asked, Some((since.0, i64::MAX))),
            Start::Inside { from, until, .. } => (How::Asked, Some((from.0, until.0))),
            Start::Seen(_) => (How::Seen, None),
        };
        let way = Way {
            item: start.item().to_string(),
            how,
            via: None,
            at: None,
            bound: NEVER,
            down,
            up: if matches!(start, Start::Inside { .. }) {
                // The vehicle is a place, and was one for other goods before and after.
                (i64::MAX, i64::MIN)
            } else {
                ALWAYS
            },
            depth: 0,
        };
        if reached.take(asked, &way) {
            level.push(way);
        }
    }
    // Ends: a way is looked at only if none before covers it, and their number is limited.
    while !level.is_empty() {
        ahead(asked, &level)?;
        let mut next = Vec::new();
        for way in &level {
            for on in links(asked, names, boxes, way)? {
                let beyond = reach == Reach::Item && matches!(on.how, How::Made);
                if beyond {
                    continue;
                }
                if reached.take(asked, &on) {
                    next.push(on);
                }
            }
        }
        level = next;
    }
    Ok(reached.items)
}

/// Reads the lists that a level will ask for, all together: its items', then those of
/// transformations and containers that these name.
fn ahead<S: Source>(asked: &mut Asked<'_, S>, level: &[Way]) -> Result<(), S::Error> {
    asked.ahead(level.iter().map(|way| way.item.as_str()))?;
    let mut named: BTreeSet<String> = BTreeSet::new();
    for way in level {
        let Some(list) = asked.peek(&way.item) else {
            continue;
        };
        for event in list.iter().filter_map(event_of) {
            named.extend(event.transformation_id().map(str::to_owned));
            if packs(event) {
                let objects = event.objects();
                let parents = objects.iter().filter(|object| object.role == Role::Parent);
                named.extend(parents.map(|parent| parent.id.to_owned()));
            }
        }
    }
    asked.ahead(named.iter().map(String::as_str))
}

/// The ways one step on.
fn links<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    boxes: &mut Boxes,
    way: &Way,
) -> Result<Vec<Way>, S::Error> {
    let list = asked.list(&way.item)?;
    let wrong = taken_back(&[&list]);
    let is_lot = Identifier::parse(&way.item).is_ok_and(|id| id.lot().is_some());
    let mut found = Vec::new();
    let mut recoded = false;
    let mut parents = BTreeSet::new();
    for touch in list.iter() {
        let event = match &*touch.content {
            Content::Event(event) => event,
            Content::Imported(told) => &told.event,
            Content::Registry { action, .. } => {
                recoded |= *action == Action::Recode;
                continue;
            }
        };
        if event.error_declaration().is_some() {
            continue;
        }
        let bound = wrong
            .get(&touch.at)
            .copied()
            .unwrap_or(NEVER)
            .min(way.bound);
        let on = |item: &str, how| Way {
            item: item.to_owned(),
            how,
            via: Some(way.item.clone()),
            at: Some(touch.at),
            bound,
            down: None,
            up: ALWAYS,
            depth: way.depth + 1,
        };
        let plays = |role| {
            let objects = event.objects();
            let mut named = objects.iter().filter(|object| object.role == role);
            named.any(|object| object.id == way.item)
        };
        if event.kind() == EventKind::Transformation && plays(Role::Input) {
            for (part, until) in parts_of(asked, touch)? {
                for output in event_of(&part).map(outputs).unwrap_or_default() {
                    let on = on(&output, How::Made);
                    found.push(Way {
                        bound: bound.min(until),
                        ..on
                    });
                }
            }
        }
        if packs(event) && event.action() == Some(EventAction::Add) && plays(Role::Child) {
            let objects = event.objects();
            let holding = objects.iter().filter(|object| object.role == Role::Parent);
            parents.extend(holding.map(|parent| parent.id.to_owned()));
        }
        if is_lot && makes(event) {
            let lots = LotNames::of(event);
            for object in event
                .objects()
                .iter()
                .filter(|object| made(event, object.role))
            {
                if lots.lot_of(object.id).as_deref() == Some(way.item.as_str()) {
                    found.push(on(object.id, How::OfLot));
                }
            }
        }
    }
    if let Some(down) = way.down {
        inside(asked, boxes, way, down, &mut found)?;
    }
    parents.remove(&way.item);
    for parent in parents {
        let life = boxes.life(asked, &parent)?;
        for (span, bound) in life.ever(&way.item) {
            let Some(up) = common(span, way.up) else {
                continue;
            };
            found.push(Way {
                item: parent.clone(),
                how: How::Holds,
                via: Some(way.item.clone()),
                at: life.packed.get(&way.item).copied(),
                bound: bound.min(way.bound),
                down: None,
                up,
                depth: way.depth + 1,
            });
        }
    }
    if recoded {
        let joined = join(asked, names, BTreeSet::from([way.item.clone()]), i64::MAX)?;
        for code in joined.codes.into_iter().filter(|code| *code != way.item) {
            let at = recode_of(&list, &code);
            found.push(Way {
                item: code,
                how: How::Recoded,
                via: Some(way.item.clone()),
                at,
                depth: way.depth + 1,
                ..way.clone()
            });
        }
    }
    Ok(found)
}

/// What was inside a container asked for, while it was asked for.
fn inside<S: Source>(
    asked: &mut Asked<'_, S>,
    boxes: &mut Boxes,
    way: &Way,
    down: Span,
    found: &mut Vec<Way>,
) -> Result<(), S::Error> {
    let life = boxes.life(asked, &way.item)?;
    for (bound, stays) in &life.states {
        for (child, spans) in stays.iter().filter(|(child, _)| **child != way.item) {
            for span in spans {
                let Some(down) = common(*span, down) else {
                    continue;
                };
                found.push(Way {
                    item: child.clone(),
                    how: How::Inside,
                    via: Some(way.item.clone()),
                    at: life.packed.get(child).copied(),
                    bound: way.bound.min(*bound),
                    down: Some(down),
                    up: ALWAYS,
                    depth: way.depth + 1,
                });
            }
        }
    }
    Ok(())
}

fn recode_of(list: &[Touch], code: &str) -> Option<EventRef> {
    list.iter().find_map(|touch| match &*touch.content {
        Content::Registry { action, record } if *action == Action::Recode => {
            let says = |key| {
                record
                    .get(key)
                    .and_then(crate::cbor::Value::as_text)
                    .is_some_and(|said| said == code)
            };
            (says("old") || says("new")).then_some(touch.at)
        }
        Content::Registry { .. } | Content::Event(_) | Content::Imported(_) => None,
    })
}

/// What a transformation put out, and the lots of such serials.
fn outputs(event: &Event) -> Vec<String> {
    let objects = event.objects();
    let outputs = objects.iter().filter(|object| object.role == Role::Output);
    let outputs = outputs.map(|object| object.id.to_owned());
    outputs.chain(event.lots_made()).collect()
}

/// Whether an object of this role is what the event makes.
fn made(event: &Event, role: Role) -> bool {
    match role {
        Role::Output => true,
        Role::Object => event.kind() == EventKind::Object,
        Role::Child | Role::Input | Role::Parent => false,
    }
}
