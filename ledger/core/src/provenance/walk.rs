//! The walk back: from one item to all that went into it.

use super::answer::BreakKind;
use super::asked::Asked;
use super::custody::{Custody, follow};
use super::facts::{Fact, MASTER_DATA, SUYUAN, Span, correct, corrected_in, event_of};
use super::names::{Names, spelled};
use super::packing::{
    common, concerns_inside, contents, cover, inside, is_instance, parents, windows,
};
use super::source::{Content, Source, Touch};
use super::temperature::readings;
use crate::cbor::Value;
use crate::event::{EventKind, Role};
use crate::identifier::{Identifier, Kind};
use crate::ids::{Handle, UnixMillis};
use crate::registry::Action;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

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

/// Everything that concerns one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// In order of event time.
    pub(super) facts: Vec<Fact>,
    /// Directly inside which parents, and when.
    pub(super) direct: BTreeMap<String, Vec<Span>>,
    recodes: Vec<Recode>,
}

#[derive(Clone, Debug)]
struct Recode {
    at: EventRef,
    issuer: Handle,
    old: String,
    new: String,
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
                let elsewhere = fact.uses() && !self.uses.contains(&fact.at());
                path.contains(&fact.issuer()) && !elsewhere && fact.time() <= self.until
            }
        };
        self.timeline.facts.iter().filter(told).collect()
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
        self.nodes.values().filter(|node| matches!(node.part, Part::Root | Part::Content))
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
    let mut walk = Walk { nodes: BTreeMap::new(), root: root.clone() };
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
        let Some(mut node) = walk.nodes.remove(&id) else { continue };
        let requests = visit(asked, names, &mut node, as_of)?;
        walk.nodes.insert(id, node);
        for request in requests {
            if request.depth > asked.limits().depth {
                asked.cut_at(&request.id, "depth");
                continue;
            }
            let known = walk
                .nodes
                .iter_mut()
                .find(|(key, node)| **key == request.id || node.codes.contains(&request.id));
            if let Some((key, node)) = known {
                if node.again(&request) && !queue.contains(key) {
                    queue.push_back(key.clone());
                }
            } else {
                walk.nodes.insert(request.id.clone(), Node::new(&request));
                queue.push_back(request.id);
            }
        }
    }
    Ok(walk)
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
        }
    }

    /// Takes another way to this node in; true if it must be visited again.
    fn again(&mut self, request: &Request) -> bool {
        self.depth = self.depth.min(request.depth);
        self.uses.extend(request.uses.iter().copied());
        self.users.extend(request.user);
        let grows = request.until > self.until || (self.part == Part::Lot && request.part != Part::Lot);
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
    let Joined { codes, timeline, custody, refused } = join(asked, names, codes, node.until)?;
    node.codes = codes;
    node.timeline = timeline;
    node.custody = custody;
    node.missing = refused
        .into_iter()
        .map(|recode| {
            (BreakKind::HandoverMissing, Some(spelled(recode.issuer)), Some(recode.at))
        })
        .collect();
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

struct Joined {
    codes: BTreeSet<String>,
    timeline: Timeline,
    custody: Custody,
    /// Re-codings by somebody who never had the goods.
    refused: Vec<Recode>,
}

/// Gathers an item under all its codes. A re-coding counts if its issuer had the old code's goods,
/// so that nobody can bind goods of his own to another's good name, or another's to his bad one.
fn join<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    mut codes: BTreeSet<String>,
    until: i64,
) -> Result<Joined, S::Error> {
    let mut refused: BTreeMap<EventRef, Recode> = BTreeMap::new();
    // Each round adds a code, and codes are counted by the limit on items.
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
            let held = if has_old {
                custody.ever.contains(&recode.issuer)
            } else {
                let old = BTreeSet::from([recode.old.clone()]);
                let before = gather(asked, names, &old, until)?;
                follow(&before.facts, is_instance(&recode.old), names).ever.contains(&recode.issuer)
            };
            if held {
                added = Some(if has_old { recode.new.clone() } else { recode.old.clone() });
                break;
            }
            refused.insert(recode.at, recode.clone());
        }
        if let Some(code) = added.filter(|code| !asked.is_cut(code)) {
            codes.insert(code);
            continue;
        }
        // A stranger's claim about an old code is nobody's break; one that made the new code is.
        let refused =
            refused.into_values().filter(|recode| codes.contains(&recode.new)).collect();
        return Ok(Joined { codes, timeline, custody, refused });
    }
}

/// Everything that concerns an item, itself or through what it was inside, until `until`.
pub(super) fn gather<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    codes: &BTreeSet<String>,
    until: i64,
) -> Result<Timeline, S::Error> {
    let mut lists = Vec::new();
    for code in codes {
        lists.push(asked.list(code)?);
    }
    let mut facts = BTreeMap::new();
    let mut recodes = Vec::new();
    for touch in lists.iter().flat_map(|list| list.iter()) {
        recodes.extend(recode_of(touch));
        let Some(fact) = Fact::new(touch, codes) else { continue };
        let lasting = fact.makes() || fact.tests() || fact.stops() || fact.unrecalls();
        if fact.time() <= until || lasting {
            facts.insert(fact.at(), fact);
        }
    }
    let mut direct = BTreeMap::new();
    let containers = containers(asked, codes, &lists, until, &mut direct)?;
    let all: BTreeSet<String> = codes.iter().chain(containers.keys()).cloned().collect();
    for (container, spans) in &containers {
        for touch in asked.list(container)?.iter() {
            let Some(event) = event_of(touch) else { continue };
            if !concerns_inside(event, container, &all) {
                continue;
            }
            let read = || readings(event).iter().any(|reading| inside(spans, reading.from));
            if !inside(spans, event.time().0) && !read() {
                continue;
            }
            let Some(mut fact) = Fact::new(touch, codes) else { continue };
            fact.via = Some(container.clone());
            fact.within.clone_from(spans);
            let known = facts.entry(touch.at).or_insert_with(|| fact);
            if known.via.is_some() && known.via.as_ref() != Some(container) {
                for span in spans {
                    cover(&mut known.within, *span);
                }
            }
        }
    }
    correct(&mut facts);
    let mut facts: Vec<Fact> = facts.into_values().collect();
    facts.sort_by_key(Fact::order);
    for fact in &facts {
        names.load_participant(asked, fact.issuer())?;
        for party in [fact.source(), fact.destination()].into_iter().flatten() {
            names.load_party(asked, party)?;
        }
    }
    recodes.sort_by_key(|recode| recode.at);
    recodes.dedup_by_key(|recode| recode.at);
    Ok(Timeline { facts, direct, recodes })
}

/// All containers around an item, each with the stretches of time, whatever is nested in what.
fn containers<S: Source>(
    asked: &mut Asked<'_, S>,
    codes: &BTreeSet<String>,
    lists: &[Rc<[Touch]>],
    until: i64,
    direct: &mut BTreeMap<String, Vec<Span>>,
) -> Result<BTreeMap<String, Vec<Span>>, S::Error> {
    let mut found: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let mut queue = VecDeque::from([(codes.clone(), lists.to_vec(), (i64::MIN, until))]);
    // Ends: a container comes back only with time not covered before.
    while let Some((children, lists, outer)) = queue.pop_front() {
        let lists: Vec<&[Touch]> = lists.iter().map(|list| &**list).collect();
        let corrected = corrected_in(&lists);
        for parent in parents(&lists, &children, &corrected) {
            if codes.contains(&parent) {
                continue;
            }
            let own = asked.list(&parent)?;
            let mut both = lists.clone();
            both.push(&own);
            let corrected = corrected_in(&both);
            for span in windows(&both, &children, &parent, &corrected) {
                let Some(span) = common(span, outer) else { continue };
                if children == *codes {
                    direct.entry(parent.clone()).or_default().push(span);
                }
                if cover(found.entry(parent.clone()).or_default(), span) {
                    let next = BTreeSet::from([parent.clone()]);
                    queue.push_back((next, vec![Rc::clone(&own)], span));
                }
            }
        }
    }
    Ok(found)
}

fn recode_of(touch: &Touch) -> Option<Recode> {
    let Content::Registry { action: Action::Recode, record } = &*touch.content else {
        return None;
    };
    let code = |key| record.get(key).and_then(Value::as_text).map(str::to_owned);
    Some(Recode { at: touch.at, issuer: touch.issuer, old: code("old")?, new: code("new")? })
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
        let together = transformation(asked, maker.touch())?;
        let uses: BTreeSet<EventRef> = together.iter().map(|touch| touch.at).collect();
        for touch in &together {
            let Some(event) = event_of(touch) else { continue };
            let mut inputs = BTreeSet::new();
            for object in event.objects().iter().filter(|object| object.role == Role::Input) {
                begun = true;
                inputs.insert(object.id.to_owned());
                if is_lotless(object.id) {
                    let whose = Some(spelled(touch.issuer));
                    node.missing.push((BreakKind::LotMissing, whose, Some(touch.at)));
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
            if !node.timeline.facts.iter().any(|fact| fact.at() == touch.at)
                && !node.made_with.iter().any(|fact| fact.at() == touch.at)
            {
                node.made_with.extend(Fact::new(touch, &node.codes));
            }
        }
    }
    let unknown = node.timeline.facts.is_empty() && matches!(node.part, Part::Root | Part::Lot);
    let cut = node.codes.iter().any(|code| asked.is_cut(code));
    if !begun && !unknown && !cut {
        let (first, whose) = match node.timeline.facts.first() {
            Some(first) => (Some(first.at()), None),
            None => (node.uses.first().copied(), node.users.first().map(|user| spelled(*user))),
        };
        node.missing.push((BreakKind::OriginMissing, whose, first));
    }
    let mut seen = BTreeSet::new();
    node.missing.retain(|(kind, whose, at)| seen.insert((*kind, whose.clone(), *at)));
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
        let kind = event_of(touch).map(crate::event::Event::kind);
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
    node.timeline.facts.iter().filter(|fact| fact.makes() && fact.corrected.is_none()).find_map(
        |fact| {
            let product = product_of(node.codes.first()?, Some(fact))?;
            let beside = fact.event().objects().iter().find_map(|object| {
                let other = Identifier::parse(object.id).ok()?;
                let same = other.product().is_some_and(|found| found.as_str() == product);
                (same && other.lot().is_some()).then(|| object.id.to_owned())
            });
            beside.or_else(|| lot_id(&product, fact.ilmd_text(MASTER_DATA, "lotNumber")?))
        },
    )
}

/// The product of an item: as its code says, or as its making says where the code does not.
pub(super) fn product_of(code: &str, making: Option<&Fact>) -> Option<String> {
    let identifier = Identifier::parse(code).ok()?;
    if let Some(product) = identifier.product() {
        return Some(product.as_str().to_owned());
    }
    let said = making?.ilmd_text(SUYUAN, "product")?;
    Some(Identifier::parse(said).ok()?.product()?.as_str().to_owned())
}

/// The identifier of a product's lot.
fn lot_id(product: &str, lot: &str) -> Option<String> {
    let mut encoded = String::new();
    for byte in lot.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    let uri = match product.strip_prefix("urn:suyuan:product:") {
        Some(own) => format!("urn:suyuan:lot:{own}:{encoded}"),
        None => format!("{product}/10/{encoded}"),
    };
    Identifier::parse(&uri).ok().map(|id| id.as_str().to_owned())
}
