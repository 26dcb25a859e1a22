//! The walk back: from one item to all that went into it.

use super::answer::BreakKind;
use super::asked::Asked;
use super::custody::{Custody, follow};
use super::facts::{Fact, MASTER_DATA, SUYUAN, corrected_in, event_of, ilmd_of, taken_back};
use super::gather::{Recode, Timeline, gather};
use super::links::{comes_from, unresolved};
use super::names::{Names, spelled};
use super::packing::{contents, is_instance};
use super::source::{Source, Touch};
use super::stops::NEVER;
use crate::cbor::Value;
use crate::event::{Event, EventKind, Role};
use crate::identifier::{Identifier, Kind};
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Why an item is part of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The item asked for.
    Root,
    /// In the container asked for.
    Content,
    /// Used up on the way to it.
    Input,
    /// The lot of a serial: its origin, tests and recalls, not its whereabouts.
    Lot,
}

/// One item of the walk, under all codes it ever had.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) codes: BTreeSet<String>,
    pub(super) part: Part,
    pub(super) depth: u32,
    /// Event time after which its whereabouts no longer matter: when it was used up.
    until: i64,
    /// The transformations through which the walk came, and who did them.
    uses: BTreeSet<EventRef>,
    users: BTreeSet<Handle>,
    pub(super) timeline: Timeline,
    pub(super) custody: Custody,
    /// Further events of the transformations that made it.
    pub(super) made_with: Vec<Fact>,
    pub(super) inputs: BTreeMap<EventRef, BTreeSet<String>>,
    /// Links missing at its origin.
    pub(super) missing: Vec<(BreakKind, Option<String>, Option<EventRef>)>,
    /// Its lot, where it is a serial.
    pub(super) lot: Option<String>,
    /// Who is proved to have had it, or of a lot the serials of this story: whose authorities have
    /// a say over it.
    pub(super) keepers: BTreeSet<Handle>,
}

impl Node {
    /// Whether it is one thing, which has one holder.
    pub(super) fn single(&self) -> bool {
        self.codes.iter().all(|code| is_instance(code))
    }

    /// Facts that belong to this story: of an input only what led to its use, and what was found
    /// out about it at any time.
    pub(super) fn told(&self) -> Vec<&Fact> {
        let path = self.custody.path_to(&self.users);
        let told = |fact: &&Fact| match self.part {
            Part::Root | Part::Content => true,
            Part::Lot => fact.makes() || fact.tests() || fact.stops() || fact.unrecalls(),
            Part::Input => {
                if fact.tests() || fact.stops() || fact.unrecalls() || fact.makes() {
                    return true;
                }
                let used = fact.uses() && !self.uses.contains(&fact.at());
                let shipped =
                    fact.step() == "shipping" && fact.to.is_some_and(|to| !path.contains(&to));
                let elsewhere = used || shipped;
                path.contains(&fact.issuer()) && !elsewhere && fact.time() <= self.until
            }
        };
        self.timeline.facts.iter().filter(told).collect()
    }

    /// Through whose hands the item came to `holder`, if it is proved to have had it: a stranger's
    /// own word opens nothing.
    pub(super) fn path_to_holder(&self, holder: Handle) -> Option<BTreeSet<Handle>> {
        let proved = self.custody.proved.contains(&holder);
        proved.then(|| self.custody.path_to(&BTreeSet::from([holder])))
    }

    /// Whether an actor's missing record breaks this story, or only another buyer's.
    pub(super) fn concerns(&self, actor: Handle) -> bool {
        match self.part {
            Part::Root | Part::Content => true,
            Part::Lot => false,
            Part::Input => self.custody.path_to(&self.users).contains(&actor),
        }
    }
}

/// All items of the story, by the code through which the walk reached them.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) root: String,
}

impl Walk {
    pub(super) fn root(&self) -> &Node {
        &self.nodes[&self.root]
    }

    /// The lot of the root, where it is a serial.
    pub(super) fn lot(&self) -> Option<&Node> {
        let lot = self.root().lot.as_ref()?;
        self.nodes.values().find(|node| node.codes.contains(lot))
    }

    /// The root and what is in it: what the person scanning holds in the hand.
    pub(super) fn in_hand(&self) -> impl Iterator<Item = &Node> {
        self.nodes
            .values()
            .filter(|node| matches!(node.part, Part::Root | Part::Content))
    }
}

struct Request {
    id: String,
    part: Part,
    depth: u32,
    until: i64,
    uses: BTreeSet<EventRef>,
    user: Option<Handle>,
}

/// Walks back from `item`. Contents of containers are those at `as_of`.
pub(super) fn back<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    item: &Identifier,
    as_of: UnixMillis,
) -> Result<Walk, S::Error> {
    let root = item.as_str().to_owned();
    let mut walk = Walk {
        nodes: BTreeMap::new(),
        root: root.clone(),
    };
    // Which node speaks for a code: the first that was reached under it.
    let mut keys = BTreeMap::from([(root.clone(), root.clone())]);
    let mut queue = VecDeque::from([root.clone()]);
    let start = Node::new(&Request {
        id: root.clone(),
        part: Part::Root,
        depth: 0,
        until: i64::MAX,
        uses: BTreeSet::new(),
        user: None,
    });
    walk.nodes.insert(root, start);
    // Ends: a node comes back only with a later bound, and bounds are times of events.
    while let Some(id) = queue.pop_front() {
        let Some(node) = walk.nodes.get_mut(&id) else {
            continue;
        };
        let requests = visit(asked, names, node, as_of)?;
        for code in &node.codes {
            keys.entry(code.clone()).or_insert_with(|| id.clone());
        }
        for request in requests {
            if request.depth > asked.limits().depth {
                asked.cut_at(&request.id, "depth");
                continue;
            }
            let key = keys
                .entry(request.id.clone())
                .or_insert_with(|| request.id.clone());
            let full = walk.nodes.len() >= asked.limits().items;
            if let Some(node) = walk.nodes.get_mut(key) {
                if node.again(&request) && !queue.contains(key) {
                    queue.push_back(key.clone());
                }
            } else if full {
                asked.cut_at(&request.id, "items");
            } else {
                walk.nodes.insert(key.clone(), Node::new(&request));
                queue.push_back(key.clone());
            }
        }
    }
    keepers(&mut walk, &keys);
    Ok(walk)
}

/// Notes who is proved to have had each item, and with a lot those who had its serials.
fn keepers(walk: &mut Walk, keys: &BTreeMap<String, String>) {
    let all: Vec<_> = walk
        .nodes
        .iter_mut()
        .map(|(id, node)| {
            node.keepers.clone_from(&node.custody.proved);
            let lot = node.lot.as_ref().and_then(|lot| keys.get(lot));
            (lot.unwrap_or(id).clone(), node.keepers.clone())
        })
        .collect();
    for (id, proved) in all {
        if let Some(node) = walk.nodes.get_mut(&id) {
            node.keepers.extend(proved);
        }
    }
}

impl Node {
    fn new(request: &Request) -> Self {
        Self {
            codes: BTreeSet::from([request.id.clone()]),
            part: request.part,
            depth: request.depth,
            until: request.until,
            uses: request.uses.clone(),
            users: request.user.into_iter().collect(),
            timeline: Timeline::default(),
            custody: Custody::default(),
            made_with: Vec::new(),
            inputs: BTreeMap::new(),
            missing: Vec::new(),
            lot: None,
            keepers: BTreeSet::new(),
        }
    }

    /// Takes another way to this node in; true if it must be visited again.
    fn again(&mut self, request: &Request) -> bool {
        self.depth = self.depth.min(request.depth);
        self.uses.extend(request.uses.iter().copied());
        self.users.extend(request.user);
        let grows =
            request.until > self.until || (self.part == Part::Lot && request.part != Part::Lot);
        self.until = self.until.max(request.until);
        if self.part == Part::Lot {
            self.part = request.part;
        }
        grows
    }
}

fn visit<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    node: &mut Node,
    as_of: UnixMillis,
) -> Result<Vec<Request>, S::Error> {
    let codes = std::mem::take(&mut node.codes);
    let Joined {
        codes,
        timeline,
        custody,
        refused,
    } = join(asked, names, codes, node.until)?;
    node.codes = codes;
    node.timeline = timeline;
    node.custody = custody;
    node.missing = refused
        .into_iter()
        .map(|recode| {
            (
                BreakKind::HandoverMissing,
                Some(spelled(recode.issuer)),
                Some(recode.at),
            )
        })
        .collect();
    node.missing.extend(unresolved(node));
    let mut requests = Vec::new();
    made_of(asked, node, &mut requests)?;
    let lot = lot_of(node);
    if let Some(lot) = &lot {
        requests.push(Request {
            id: lot.clone(),
            part: Part::Lot,
            depth: node.depth,
            until: node.until,
            uses: BTreeSet::new(),
            user: None,
        });
    }
    node.lot = lot;
    if matches!(node.part, Part::Root | Part::Content) {
        for code in node.codes.clone() {
            let list = asked.list(&code)?;
            for child in contents(&list, &code, as_of.0) {
                if !node.codes.contains(&child) {
                    requests.push(Request {
                        id: child,
                        part: Part::Content,
                        depth: node.depth + 1,
                        until: node.until,
                        uses: BTreeSet::new(),
                        user: None,
                    });
                }
            }
        }
    }
    Ok(requests)
}

/// An item under all its codes.
pub(super) struct Joined {
    pub(super) codes: BTreeSet<String>,
    pub(super) timeline: Timeline,
    pub(super) custody: Custody,
    /// Re-codings by somebody who never had the goods.
    refused: Vec<Recode>,
}

/// Re-codings of one item that are looked into: each costs gathering it anew, and goods that are
/// relabelled more often than that do not exist.
const RECODES_MAX: usize = 32;

/// Gathers an item under all its codes. A re-coding counts if its issuer is proved to have had the
/// old code's goods, and nobody else made goods under the new one: so nobody can bind goods of his
/// own to another's good name, or another's to his bad one.
pub(super) fn join<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    mut codes: BTreeSet<String>,
    until: i64,
) -> Result<Joined, S::Error> {
    let mut refused: BTreeMap<EventRef, Recode> = BTreeMap::new();
    let mut looked_into = 0;
    // Each round adds a code, and those are counted.
    loop {
        let timeline = gather(asked, names, &codes, until)?;
        let single = codes.iter().all(|code| is_instance(code));
        let custody = follow(&timeline.facts, single, names);
        let mut added = None;
        for recode in &timeline.recodes {
            let (has_old, has_new) = (codes.contains(&recode.old), codes.contains(&recode.new));
            if has_old == has_new || refused.contains_key(&recode.at) {
                continue;
            }
            let had = |custody: &Custody| custody.proved.contains(&recode.issuer);
            let may_take = |custody: &Custody| custody.proved.is_empty() || had(custody);
            let here = if has_old {
                had(&custody)
            } else {
                may_take(&custody)
            };
            let other = if has_old { &recode.new } else { &recode.old };
            let counts = here && {
                looked_into += 1;
                if looked_into > RECODES_MAX {
                    asked.cut_at(other, "recodes");
                    break;
                }
                let alone = BTreeSet::from([other.clone()]);
                let there = gather(asked, names, &alone, until)?;
                let there = follow(&there.facts, is_instance(other), names);
                if has_old {
                    may_take(&there)
                } else {
                    had(&there)
                }
            };
            if counts {
                added = Some(other.clone());
                break;
            }
            refused.insert(recode.at, recode.clone());
        }
        if let Some(code) = added.filter(|code| !asked.is_cut(code)) {
            codes.insert(code);
            continue;
        }
        // A stranger's claim about goods that another made is nobody's break; one that is all a
        // code has for an origin is.
        let breaks = |recode: &Recode| codes.contains(&recode.new) && custody.proved.is_empty();
        let refused = refused.into_values().filter(breaks).collect();
        return Ok(Joined {
            codes,
            timeline,
            custody,
            refused,
        });
    }
}

/// Finds what an item was made of, and what is missing there.
fn made_of<S: Source>(
    asked: &mut Asked<'_, S>,
    node: &mut Node,
    requests: &mut Vec<Request>,
) -> Result<(), S::Error> {
    node.made_with.clear();
    node.inputs.clear();
    let mut begun = false;
    let mut told: BTreeSet<EventRef> = node.timeline.facts.iter().map(Fact::at).collect();
    let makers: Vec<Fact> = node
        .timeline
        .facts
        .iter()
        .filter(|fact| fact.creates() && fact.corrected.is_none())
        .cloned()
        .collect();
    for maker in &makers {
        if maker.event().kind() != EventKind::Transformation {
            begun = true;
            continue;
        }
        if node.inputs.contains_key(&maker.at()) {
            continue; // Seen as part of one transformation with an earlier one.
        }
        let together = transformation(asked, maker.touch())?;
        let uses: BTreeSet<EventRef> = together.iter().map(|touch| touch.at).collect();
        for touch in &together {
            let Some(event) = event_of(touch) else {
                continue;
            };
            let mut inputs = BTreeSet::new();
            for object in event
                .objects()
                .iter()
                .filter(|object| object.role == Role::Input)
            {
                begun = true;
                inputs.insert(object.id.to_owned());
                if is_lotless(object.id) {
                    let whose = Some(spelled(touch.issuer));
                    node.missing
                        .push((BreakKind::LotMissing, whose, Some(touch.at)));
                    continue;
                }
                requests.push(Request {
                    id: object.id.to_owned(),
                    part: Part::Input,
                    depth: node.depth + 1,
                    until: event.time().0,
                    uses: uses.clone(),
                    user: Some(touch.issuer),
                });
            }
            node.inputs.insert(touch.at, inputs);
            if told.insert(touch.at) {
                node.made_with.extend(Fact::new(touch, &node.codes));
            }
        }
    }
    // Where it comes from is for the log to say from which it came.
    let elsewhere = |kind: BreakKind| kind == BreakKind::ForeignUnresolved;
    begun |= comes_from(node).next().is_some()
        || node.missing.iter().any(|(kind, _, _)| elsewhere(*kind));
    let unknown = node.timeline.facts.is_empty() && matches!(node.part, Part::Root | Part::Lot);
    let cut = node.codes.iter().any(|code| asked.is_cut(code));
    if !begun && !unknown && !cut {
        let (first, whose) = match node.timeline.facts.first() {
            Some(first) => (Some(first.at()), None),
            None => (
                node.uses.first().copied(),
                node.users.first().map(|user| spelled(*user)),
            ),
        };
        node.missing.push((BreakKind::OriginMissing, whose, first));
    }
    let mut seen = BTreeSet::new();
    node.missing
        .retain(|(kind, whose, at)| seen.insert((*kind, whose.clone(), *at)));
    Ok(())
}

/// The events of one transformation: those that its maker joined by its id, without those taken
/// back.
pub(super) fn transformation<S: Source>(
    asked: &mut Asked<'_, S>,
    part: &Touch,
) -> Result<Vec<Touch>, S::Error> {
    let Some(id) = event_of(part).and_then(|event| event.transformation_id()) else {
        return Ok(vec![part.clone()]);
    };
    let list = asked.list(id)?;
    let corrected = corrected_in(&[&list]);
    let joined = |touch: &&Touch| {
        let kind = event_of(touch).map(Event::kind);
        // Only its maker can add to a transformation.
        touch.issuer == part.issuer
            && kind == Some(EventKind::Transformation)
            && !corrected.contains(&touch.at)
    };
    let mut parts: Vec<Touch> = list.iter().filter(joined).cloned().collect();
    if parts.iter().all(|touch| touch.at != part.at) {
        parts.push(part.clone());
    }
    Ok(parts)
}

/// The events that make up one transformation with `part`, those taken back too, each with the
/// leaf until which it counted.
pub(super) fn parts_of<S: Source>(
    asked: &mut Asked<'_, S>,
    part: &Touch,
) -> Result<Vec<(Touch, LeafIndex)>, S::Error> {
    let Some(id) = event_of(part).and_then(|event| event.transformation_id()) else {
        return Ok(vec![(part.clone(), NEVER)]);
    };
    let list = asked.list(id)?;
    let wrong = taken_back(&[&list]);
    let joined = |touch: &&Touch| {
        let event = event_of(touch);
        touch.issuer == part.issuer
            && touch.at != part.at
            && event.is_some_and(|event| {
                event.kind() == EventKind::Transformation && event.error_declaration().is_none()
            })
    };
    let bound = |touch: &Touch| wrong.get(&touch.at).copied().unwrap_or(NEVER);
    let others = list.iter().filter(joined);
    let mut parts: Vec<(Touch, LeafIndex)> =
        others.map(|touch| (touch.clone(), bound(touch))).collect();
    parts.push((part.clone(), bound(part)));
    Ok(parts)
}

/// Whether an identifier names a product and no lot of it.
fn is_lotless(id: &str) -> bool {
    let kind = Identifier::parse(id).map(|id| id.kind());
    matches!(kind, Ok(Kind::Gtin | Kind::OwnProduct))
}

/// The lot of a serial, as its making says it: by lot number, or by naming the lot beside it.
fn lot_of(node: &Node) -> Option<String> {
    if !node.single() {
        return None;
    }
    node.timeline
        .facts
        .iter()
        .filter(|fact| fact.makes() && fact.corrected.is_none())
        .find_map(|fact| LotNames::of(fact.event()).lot_of(node.codes.first()?))
}

/// The lots that an event which makes serials names, by number or beside them.
pub(super) struct LotNames<'e> {
    beside: BTreeMap<String, &'e str>,
    number: Option<&'e str>,
    /// The product of what does not say it itself.
    said: Option<String>,
}

impl<'e> LotNames<'e> {
    pub(super) fn of(event: &'e Event) -> Self {
        let mut beside = BTreeMap::new();
        for object in event.objects() {
            let identifier = Identifier::parse(object.id).ok();
            let named = identifier.filter(|id| id.lot().is_some());
            if let Some(product) = named.and_then(|id| id.product()) {
                beside
                    .entry(product.as_str().to_owned())
                    .or_insert(object.id);
            }
        }
        Self {
            beside,
            number: ilmd_of(event, MASTER_DATA, "lotNumber").and_then(Value::as_text),
            said: said_product(event),
        }
    }

    /// The lot of a serial that the event makes.
    pub(super) fn lot_of(&self, code: &str) -> Option<String> {
        let identifier = Identifier::parse(code)
            .ok()
            .filter(Identifier::is_instance)?;
        let own = identifier.product();
        let product = own.map(|product| product.as_str().to_owned());
        let product = product.or_else(|| self.said.clone())?;
        if let Some(beside) = self.beside.get(&product) {
            return Some((*beside).to_owned());
        }
        let lot = Identifier::parse(&product).ok()?.with_lot(self.number?)?;
        Some(lot.as_str().to_owned())
    }
}

fn said_product(event: &Event) -> Option<String> {
    let said = ilmd_of(event, SUYUAN, "product").and_then(Value::as_text)?;
    Some(Identifier::parse(said).ok()?.product()?.as_str().to_owned())
}

/// The product of an item: as its code says, or as its making says where the code does not.
pub(super) fn product_of(code: &str, making: Option<&Fact>) -> Option<String> {
    let identifier = Identifier::parse(code).ok()?;
    if let Some(product) = identifier.product() {
        return Some(product.as_str().to_owned());
    }
    said_product(making?.event())
}
