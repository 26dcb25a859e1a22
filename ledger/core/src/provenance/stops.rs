//! What stops an item: holds and recalls that stand over it, found on a walk of their own.
//!
//! The walk goes back as the story's does, with two differences. It also follows what was taken
//! back: a link counts against an order unless it was declared wrong *before* the order was
//! recorded, so that a correction pulls nothing out of a recall. And it goes through orders for
//! what contains the item, which concern whatever was inside while they stood.
//!
//! Of all ways to a thing only one number matters, its **bound**: the leaf up to which some way to
//! it held. An order recorded before that leaf reaches the item.

use super::answer::{Moment, Stop, StopKind};
use super::asked::Asked;
use super::facts::{Fact, Span, event_of, taken_back};
use super::names::Names;
use super::packing::{common, contents, windows};
use super::rules::has_say;
use super::source::{Content, Source, Touch};
use super::walk::{LotNames, join, parts_of};
use crate::event::{Action as EventAction, Event, EventKind, Role};
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::order::{Fault, Order, Reach, Release};
use crate::registry::Action;
use crate::state::Role as Duty;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The bound of what was never taken back.
pub(super) const NEVER: LeafIndex = LeafIndex(u64::MAX);

/// Moments of knowledge that are looked into for one container: a packing that was corrected more
/// often is cut, and the answer says so.
const STATES_MAX: usize = 16;

/// One way to a thing.
#[derive(Clone, Debug)]
struct Way {
    code: String,
    bound: LeafIndex,
    /// Whether it is what the person scanning holds, or the lot of that: then orders for the item
    /// alone count too.
    near: bool,
    /// Event time after which its whereabouts no longer matter.
    until: i64,
    depth: u32,
    /// Serials of this lot through which the walk came: who had one of them had the lot.
    serials: BTreeSet<String>,
}

impl Way {
    /// Whether whatever `other` leads to, this does too.
    fn covers(&self, other: &Self) -> bool {
        self.bound >= other.bound && self.near >= other.near && self.until >= other.until
    }
}

/// A hold or recall as it stands on an item's list, entitled or not.
pub(super) struct Ordered<'t> {
    pub(super) kind: StopKind,
    pub(super) touch: &'t Touch,
    pub(super) order: Order,
}

/// The hold or recall that a touch is, entitled or not.
pub(super) fn order_in(touch: &Touch) -> Option<Ordered<'_>> {
    let Content::Registry { action, record } = &*touch.content else {
        return None;
    };
    let kind = kind_of(action)?;
    let order = Order::read(record).ok()?;
    Some(Ordered { kind, touch, order })
}

/// What an act does to goods, if it stops them.
pub(super) fn kind_of(action: &Action) -> Option<StopKind> {
    if *action == Action::Recall {
        Some(StopKind::Recall)
    } else if *action == Action::Hold {
        Some(StopKind::Hold)
    } else {
        None
    }
}

/// The holds and recalls on `list`, of `item` or of any, that nobody entitled to has ended.
pub(super) fn orders_on<'t, S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    list: &'t [Touch],
    item: Option<&str>,
) -> Result<Vec<Ordered<'t>>, S::Error> {
    let mut standing: Vec<Ordered<'t>> = Vec::new();
    for touch in list {
        let Content::Registry { action, record } = &*touch.content else {
            continue;
        };
        if *action == Action::Release {
            if let Ok(release) = Release::read(record) {
                names.load_participant(asked, touch.issuer)?;
                standing.retain(|one| !ends(&release, touch.issuer, one, names));
            }
            continue;
        }
        // Another order of the same statement touches the case, and never this item's list.
        if let Some(one) = order_in(touch)
            && item.is_none_or(|item| one.order.item.as_str() == item)
        {
            names.load_participant(asked, touch.issuer)?;
            standing.push(one);
        }
    }
    Ok(standing)
}

/// Whether a release ends an order: it is the same case's, by who ordered or who has a say over
/// that one, with the report where a test was asked for. What is recalled because it may harm is
/// not for a firm to let go.
fn ends(release: &Release, by: Handle, one: &Ordered<'_>, names: &Names) -> bool {
    let orderer = one.touch.issuer;
    let official = names.is_any(by, &[Duty::Authority, Duty::Regulator]);
    let harmful = one.kind == StopKind::Recall && one.order.fault == Fault::Safety;
    release.item == one.order.item
        && release.case == one.order.case
        && (by == orderer || names.governs(by, orderer))
        && (official || !harmful)
        && (release.retest.is_some() || one.order.retest.is_none())
}

/// Holds and recalls over an item.
#[derive(Debug)]
pub(super) struct Orders {
    /// Those that stand, gravest first.
    pub(super) standing: Vec<Stop>,
    /// Whether another was ordered by somebody who is not shown to have a say.
    pub(super) unproved: bool,
}

/// Everything that stands over `item`.
pub(super) fn stops<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    item: &Identifier,
    as_of: UnixMillis,
) -> Result<Orders, S::Error> {
    let mut walk = Walk {
        as_of,
        queue: VecDeque::new(),
        ways: BTreeMap::new(),
        count: 0,
        boxes: BTreeMap::new(),
        found: BTreeMap::new(),
        unproved: false,
    };
    let start = Way {
        code: item.as_str().to_owned(),
        bound: NEVER,
        near: true,
        until: i64::MAX,
        depth: 0,
        serials: BTreeSet::new(),
    };
    walk.go(asked, start);
    // Ends: a way to a thing is followed only if no way before covers it, and their number is
    // limited.
    while let Some(way) = walk.queue.pop_front() {
        walk.visit(asked, names, &way)?;
    }
    let mut found: Vec<Stop> = walk.found.into_values().collect();
    found.sort_by_key(|stop| (stop.kind, stop.level, stop.recorded, stop.at));
    Ok(Orders {
        standing: found,
        unproved: walk.unproved,
    })
}

struct Walk {
    as_of: UnixMillis,
    queue: VecDeque<Way>,
    ways: BTreeMap<String, Vec<Way>>,
    count: usize,
    /// Containers, with whether any order is on their lists.
    boxes: BTreeMap<String, bool>,
    found: BTreeMap<(EventRef, String), Stop>,
    unproved: bool,
}

impl Walk {
    fn go<S: Source>(&mut self, asked: &mut Asked<'_, S>, way: Way) {
        if way.depth > asked.limits().depth {
            asked.cut_at(&way.code, "depth");
            return;
        }
        let known = self.ways.entry(way.code.clone()).or_default();
        if known.iter().any(|one| one.covers(&way)) {
            return;
        }
        // Few things are reached in more than two ways that matter.
        if self.count >= 2 * asked.limits().items {
            asked.cut_at(&way.code, "items");
            return;
        }
        self.count += 1;
        known.push(way.clone());
        self.queue.push_back(way);
    }

    fn visit<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        names: &mut Names,
        way: &Way,
    ) -> Result<(), S::Error> {
        let list = asked.list(&way.code)?;
        for one in orders_on(asked, names, &list, Some(&way.code))? {
            self.note(asked, names, way, &one)?;
        }
        self.around(asked, names, way, &list)?;
        if way.near {
            self.inside(asked, way, &list);
        }
        let recoded = list.iter().any(|touch| {
            matches!(&*touch.content, Content::Registry { action, .. } if *action == Action::Recode)
        });
        if recoded {
            let joined = join(asked, names, BTreeSet::from([way.code.clone()]), i64::MAX)?;
            for code in joined.codes {
                let way = way.clone();
                self.go(asked, Way { code, ..way });
            }
        }
        self.made_of(asked, way, &list)
    }

    /// Enters an order, if it reaches this way and its issuer may stop these goods.
    fn note<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        names: &mut Names,
        way: &Way,
        one: &Ordered<'_>,
    ) -> Result<(), S::Error> {
        let Ordered { kind, touch, order } = one;
        let reaches = way.near || order.reach == Reach::Forward;
        if touch.at.leaf >= way.bound || !reaches {
            return Ok(());
        }
        if !entitled(asked, names, &way.code, &way.serials, touch.issuer)? {
            self.unproved = true;
            return Ok(());
        }
        let item = order.item.to_string();
        let stop = Stop {
            kind: *kind,
            at: touch.at,
            recorded: Moment(touch.recorded),
            by: touch.issuer,
            item: item.clone(),
            case: order.case.to_string(),
            reason: order.reason.clone(),
            level: order.level,
            fault: order.fault,
            reach: order.reach,
            retest: order.retest.clone(),
            deadline: order.deadline.map(Moment),
            depth: way.depth,
        };
        self.found.entry((touch.at, item)).or_insert(stop);
        Ok(())
    }

    /// Orders for containers, while the goods were or are inside.
    fn around<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        names: &mut Names,
        way: &Way,
        list: &[Touch],
    ) -> Result<(), S::Error> {
        if !self.any_ordered(asked, &way.code, list)? {
            return Ok(());
        }
        type Stay = (Span, LeafIndex);
        let mut stays: BTreeMap<String, Vec<Stay>> = BTreeMap::new();
        let always = vec![((i64::MIN, way.until), way.bound)];
        let mut queue = VecDeque::from([(way.code.clone(), always)]);
        let mut looked_into = 0;
        while let Some((child, outer)) = queue.pop_front() {
            let own = asked.list(&child)?;
            for parent in ever_in(&own, &child) {
                looked_into += 1;
                if looked_into > asked.limits().items {
                    asked.cut_at(&parent, "items");
                    return Ok(());
                }
                let theirs = asked.list(&parent)?;
                let goods = BTreeSet::from([child.clone()]);
                let mut new = Vec::new();
                for state in states(asked, &parent, &[&theirs]) {
                    let (own, theirs) = (known_at(&own, state), known_at(&theirs, state));
                    let both: [&[Touch]; 2] = [&own, &theirs];
                    let wrong = super::facts::corrected_in(&both);
                    for span in windows(&both, &goods, &parent, &wrong) {
                        for (other, bound) in &outer {
                            new.extend(common(span, *other).map(|span| (span, state.min(*bound))));
                        }
                    }
                }
                let known = stays.entry(parent.clone()).or_default();
                let covered = |stay: &Stay, known: &[Stay]| {
                    known.iter().any(|(span, bound)| {
                        span.0 <= stay.0.0 && stay.0.1 <= span.1 && stay.1 <= *bound
                    })
                };
                new.retain(|stay| !covered(stay, known));
                if !new.is_empty() {
                    known.extend(new.iter().copied());
                    queue.push_back((parent, new));
                }
            }
        }
        for (container, stays) in stays {
            let list = asked.list(&container)?;
            for one in orders_on(asked, names, &list, Some(&container))? {
                let since = one.touch.recorded.0;
                let inside = stays.iter().filter(|(span, _)| span.1 >= since);
                if let Some(bound) = inside.map(|(_, bound)| *bound).max() {
                    let way = Way {
                        bound,
                        ..way.clone()
                    };
                    self.note(asked, names, &way, &one)?;
                }
            }
        }
        Ok(())
    }

    /// Whether an order is on the list of anything that the goods ever were in.
    fn any_ordered<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        code: &str,
        list: &[Touch],
    ) -> Result<bool, S::Error> {
        let mut found = false;
        let mut seen = BTreeSet::new();
        let mut queue: Vec<String> = ever_in(list, code).into_iter().collect();
        while let Some(container) = queue.pop() {
            if !seen.insert(container.clone()) {
                continue;
            }
            let list = asked.list(&container)?;
            let ordered = *self.boxes.entry(container.clone()).or_insert_with(|| {
                list.iter().any(|touch| {
                    matches!(&*touch.content, Content::Registry { action, .. }
                        if kind_of(action).is_some())
                })
            });
            found |= ordered;
            queue.extend(ever_in(&list, &container));
        }
        Ok(found)
    }

    /// What is in the hand because it is inside what is in the hand.
    fn inside<S: Source>(&mut self, asked: &mut Asked<'_, S>, way: &Way, list: &[Touch]) {
        // Most things hold nothing, and every scan comes through here.
        if !list.iter().any(|touch| is_packed(touch, &way.code)) {
            return;
        }
        for state in states(asked, &way.code, &[list]) {
            for code in contents(&known_at(list, state), &way.code, self.as_of.0) {
                let way = Way {
                    code,
                    bound: way.bound.min(state),
                    depth: way.depth + 1,
                    serials: BTreeSet::new(),
                    ..way.clone()
                };
                self.go(asked, way);
            }
        }
    }

    /// Inputs of whatever made it, and the lot of a serial.
    fn made_of<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        way: &Way,
        list: &[Touch],
    ) -> Result<(), S::Error> {
        let codes = BTreeSet::from([way.code.clone()]);
        let wrong = taken_back(&[list]);
        for touch in list {
            // Few events of a list make anything.
            if !event_of(touch).is_some_and(makes) {
                continue;
            }
            let Some(fact) = Fact::new(touch, &codes).filter(Fact::makes) else {
                continue;
            };
            if fact.event().error_declaration().is_some() {
                continue;
            }
            let bound = wrong
                .get(&touch.at)
                .copied()
                .unwrap_or(NEVER)
                .min(way.bound);
            if let Some(lot) = LotNames::of(fact.event()).lot_of(&way.code) {
                let mut serials = way.serials.clone();
                serials.insert(way.code.clone());
                let way = Way {
                    code: lot,
                    bound,
                    serials,
                    ..way.clone()
                };
                self.go(asked, way);
            }
            if fact.event().kind() != EventKind::Transformation {
                continue;
            }
            for (part, until) in parts_of(asked, touch)? {
                let Some(event) = event_of(&part) else {
                    continue;
                };
                let inputs = event.objects().into_iter();
                for object in inputs.filter(|object| object.role == Role::Input) {
                    let way = Way {
                        code: object.id.to_owned(),
                        bound: bound.min(until),
                        near: false,
                        until: event.time().0,
                        depth: way.depth + 1,
                        serials: BTreeSet::new(),
                    };
                    self.go(asked, way);
                }
            }
        }
        Ok(())
    }
}

/// Whether an event brings goods into being.
pub(super) fn makes(event: &Event) -> bool {
    event.kind() == EventKind::Transformation
        || event.kind() == EventKind::Object && event.action() == Some(EventAction::Add)
}

/// Whether `by` may stop these goods: it is proved to have had them, or has a say over one who is.
/// Who had one of a lot's `serials` had the lot.
pub(super) fn entitled<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    code: &str,
    serials: &BTreeSet<String>,
    by: Handle,
) -> Result<bool, S::Error> {
    let goods = join(asked, names, BTreeSet::from([code.to_owned()]), i64::MAX)?;
    let mut keepers = goods.custody.proved.clone();
    for serial in serials {
        let one = join(asked, names, BTreeSet::from([serial.clone()]), i64::MAX)?;
        keepers.extend(one.custody.proved);
    }
    let own = goods.custody.proved.contains(&by);
    Ok(own || has_say(&keepers, &goods.custody.ever, names, by))
}

/// Whatever a list says that its item was ever put into.
pub(super) fn ever_in(list: &[Touch], code: &str) -> BTreeSet<String> {
    let events = list.iter().filter_map(event_of);
    let adds = events.filter(|event| {
        super::packing::packs(event)
            && event.action() == Some(EventAction::Add)
            && event.error_declaration().is_none()
    });
    let mut found = BTreeSet::new();
    for event in adds {
        let objects = event.objects();
        let child =
            |object: &crate::event::ObjectRef<'_>| object.role == Role::Child && object.id == code;
        if objects.iter().any(child) {
            let parents = objects.iter().filter(|object| object.role == Role::Parent);
            found.extend(parents.map(|parent| parent.id.to_owned()));
        }
    }
    found.remove(code);
    found
}

/// Whether an event puts something into `container`, or takes it out.
fn is_packed(touch: &Touch, container: &str) -> bool {
    let event = event_of(touch).filter(|event| super::packing::packs(event));
    event.is_some_and(|event| {
        let objects = event.objects();
        let mut parents = objects.iter().filter(|object| object.role == Role::Parent);
        parents.any(|parent| parent.id == container)
    })
}

/// The moments of knowledge that matter about a container: now, and just before each declaration
/// on its packing.
pub(super) fn states<S: Source>(
    asked: &mut Asked<'_, S>,
    container: &str,
    lists: &[&[Touch]],
) -> BTreeSet<LeafIndex> {
    let wrong = taken_back(lists);
    let all = lists.iter().copied().flatten();
    let packing = all.filter(|touch| is_packed(touch, container));
    let mut found: BTreeSet<LeafIndex> = packing
        .filter_map(|touch| wrong.get(&touch.at).copied())
        .collect();
    found.insert(NEVER);
    while found.len() > STATES_MAX {
        asked.cut_at(container, "events");
        found.pop_first();
    }
    found
}

/// What was on a list before `leaf`.
pub(super) fn known_at(list: &[Touch], leaf: LeafIndex) -> Vec<Touch> {
    let known = list.iter().filter(|touch| touch.at.leaf < leaf);
    known.cloned().collect()
}
