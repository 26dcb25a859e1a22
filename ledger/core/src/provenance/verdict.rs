//! The answer to a scan.

use super::answer::{
    Answer, Break, Finding, Foreign, Grade, Moment, Stop, StopKind, Stretch, Verdict,
};
use super::asked::{Asked, Limits};
use super::closing::{Memory, closed};
use super::cylinder::{Fitness, fitness};
use super::facts::Fact;
use super::links::links;
use super::names::Names;
use super::rules::{
    Goods, devices, failed_tests, findings, is_cylinder, recalled_since, valves, warned,
};
use super::source::{Scope, Source};
use super::steps::steps;
use super::stops::{Orders, stops};
use super::subject::{dates, product, subject};
use super::temperature::stretches;
use super::tests_results::tests;
use super::walk::{Node, Part, Walk, back};
use crate::event::{EventKind, Role as Plays};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::policy::Severity;
use crate::region::import_item;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// The whole story of `item`, back to every origin, its verdict, and what is or was found wrong.
///
/// `as_of` is the moment against which expiry is read and contents of a container are taken; what
/// is known is what `source` shows.
///
/// # Errors
/// The source's own.
pub fn trace<S: Source>(
    source: &mut S,
    item: &Identifier,
    as_of: UnixMillis,
    limits: Limits,
) -> Result<Answer, S::Error> {
    let mut memory = Memory::new(source);
    let (mut answer, work) = judged(&mut memory, item, as_of, limits)?;
    let again = |memory: &mut Memory<'_, S>| judge(memory, item, as_of, limits);
    answer.closed = closed(&mut memory, &answer, work, again)?;
    Ok(answer)
}

/// [`trace`] without what was found before and is closed: one walk, for decisions about now.
///
/// # Errors
/// The source's own.
pub fn judge<S: Source>(
    source: &mut S,
    item: &Identifier,
    as_of: UnixMillis,
    limits: Limits,
) -> Result<Answer, S::Error> {
    judged(source, item, as_of, limits).map(|(answer, _)| answer)
}

/// The answer, and the work that it cost.
fn judged<S: Source>(
    source: &mut S,
    item: &Identifier,
    as_of: UnixMillis,
    limits: Limits,
) -> Result<(Answer, usize), S::Error> {
    let mut asked = Asked::new(source, limits);
    let scope = asked.scope();
    let mut names = Names::of(scope);
    let Survey {
        walk,
        breaks,
        findings,
        temperature,
        orders,
    } = survey(&mut asked, &mut names, item, as_of)?;
    let reader = asked.reader();
    let steps = steps(&walk, &names, reader);
    for step in &steps {
        names.load_participant(&mut asked, step.issuer)?;
        if let Some(signer) = step.signer {
            names.load_participant(&mut asked, signer)?;
        }
        for party in step.counterpart.iter().chain(&step.place) {
            if let Some(handle) = Identifier::parse(party)
                .ok()
                .and_then(|id| id.participant_handle())
            {
                names.load_participant(&mut asked, handle)?;
            }
        }
        if let Some(place) = &step.place {
            names.load_place(&mut asked, place)?;
        }
        for thing in step.inputs.iter().chain(&step.outputs) {
            if let Some(product) = Identifier::parse(thing).ok().and_then(|id| id.product()) {
                names.load_product(&mut asked, product.as_str())?;
            }
        }
    }
    for whose in breaks.iter().filter_map(|one| one.whose.as_deref()) {
        if let Some(handle) = Identifier::parse(whose)
            .ok()
            .and_then(|id| id.participant_handle())
        {
            names.load_participant(&mut asked, handle)?;
        }
    }
    for stop in &orders.standing {
        if let Some(product) = Identifier::parse(&stop.item)
            .ok()
            .and_then(|id| id.product())
        {
            names.load_product(&mut asked, product.as_str())?;
        }
    }
    let cut = asked.take_cut();
    let known = !walk.root().timeline.facts.is_empty()
        || (scope == Scope::Open && asked.length(item.as_str())? > 0);
    let complete = known && breaks.is_empty() && cut.is_none() && scope == Scope::Whole;
    let in_hand = |item: &String| {
        let part = walk.nodes[item].part;
        matches!(part, Part::Root | Part::Content)
    };
    let forbidden = findings
        .iter()
        .any(|finding| finding.severity == Severity::Reject && in_hand(&finding.item));
    let mut verdict = stopped(&orders, &walk, &names).unwrap_or_else(|| {
        let found = Known {
            forbidden,
            known,
            complete,
        };
        verdict(&walk, &names, &temperature, as_of, found)
    });
    let warned = || {
        let mut nodes = walk.in_hand().chain(walk.lot());
        orders.unproved || nodes.any(|node| warned(node, &names))
    };
    if scope == Scope::Open && verdict == Verdict::Broken && cut.is_none() && !warned() {
        verdict = Verdict::Clear;
    }
    let subject = subject(&walk, &names);
    let mut tests = tests(&walk);
    for test in &mut tests {
        if let Some(Foreign { log, at: Some(at) }) = &test.imported {
            test.relied_on = Some(asked.length(&import_item(log, *at))?);
        }
    }
    let by_code: Vec<(String, String)> = walk
        .nodes
        .values()
        .flat_map(|node| node.codes.iter().map(|code| (code.clone(), product(node))))
        .filter_map(|(code, product)| Some((code, product?)))
        // A trace code does not say its product; here it does.
        .filter(|(code, _)| {
            Identifier::parse(code).is_ok_and(|id| id.product().is_none())
        })
        .collect();
    let packs = |fact: &Fact| {
        // Parts that were fitted are no cargo.
        fact.event().kind() == EventKind::Aggregation && fact.plays.contains(&Plays::Parent)
    };
    let contents = walk.nodes.values().any(|node| node.part == Part::Content)
        && walk.root().timeline.facts.iter().any(packs);
    let (participants, mut products, places) = names.into_parts();
    for (code, product) in by_code {
        if let Some(product) = products.get(&product).cloned() {
            products.insert(code, product);
        }
    }
    let answer = Answer {
        item: item.as_str().to_owned(),
        as_of: Moment(as_of),
        scope,
        verdict,
        complete,
        orders: orders.standing,
        subject,
        steps,
        breaks,
        links: links(&walk),
        findings,
        closed: Vec::new(),
        tests,
        temperature,
        cut,
        chain: None,
        participants,
        products,
        places,
        contents,
    };
    Ok((answer, asked.work()))
}

/// What a walk shows, before it is put into words.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) walk: Walk,
    pub(super) breaks: Vec<Break>,
    pub(super) findings: Vec<Finding>,
    /// Of the item asked for and what is in it.
    pub(super) temperature: Vec<Stretch>,
    /// Holds and recalls over it.
    pub(super) orders: Orders,
}

/// Walks back from an item and applies every rule: all that a verdict, and a decision about an
/// act, follow from.
///
/// # Errors
/// The source's own.
pub(super) fn survey<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    item: &Identifier,
    as_of: UnixMillis,
) -> Result<Survey, S::Error> {
    names.load_policy(asked)?;
    let walk = back(asked, names, item, as_of)?;
    for product in walk.nodes.values().filter_map(product) {
        names.load_product(asked, &product)?;
    }
    let things: BTreeSet<String> = walk.nodes.values().flat_map(inspected).collect();
    for thing in things {
        names.load_inspections(asked, &thing)?;
    }
    let orders = stops(asked, names, item, as_of)?;
    let recorded = recorded(&walk);
    let mut all = Vec::new();
    let mut temperature = Vec::new();
    for (id, node) in &walk.nodes {
        let goods = Goods::of(node, names);
        let stretches = graded(node, id, goods, names);
        // What it was made of moved before; that is for a scan of that to tell.
        let over: &[Stop] = match node.part {
            Part::Root => &orders.standing,
            Part::Content | Part::Input | Part::Lot => &[],
        };
        for draft in findings(&walk, node, goods, &stretches, over, names) {
            let known = draft.events.iter().filter_map(|at| recorded.get(at));
            let opened_at = known.max().copied().unwrap_or(as_of);
            all.push(Finding {
                rule: draft.rule,
                articles: draft.rule.articles(goods.sector),
                severity: names.policies().at(opened_at).severity(draft.rule),
                item: id.clone(),
                events: draft.events,
                whose: draft.whose,
                opened_at: Moment(opened_at),
                closed_at: None,
            });
        }
        if matches!(node.part, Part::Root | Part::Content) && !names.open() {
            temperature.extend(stretches);
        }
    }
    temperature.sort_by_key(|stretch| (stretch.from, stretch.until));
    all.sort_by(|one, other| {
        (one.rule, &one.item, &one.events).cmp(&(other.rule, &other.item, &other.events))
    });
    all.dedup();
    // Who had it is on no open list, so that nothing follows from its not being there.
    let breaks = if names.open() {
        Vec::new()
    } else {
        breaks(&walk)
    };
    Ok(Survey {
        breaks,
        walk,
        findings: all,
        temperature,
        orders,
    })
}

fn breaks(walk: &Walk) -> Vec<Break> {
    let mut found = Vec::new();
    for (id, node) in &walk.nodes {
        for (kind, whose, at) in node.missing.clone() {
            found.push(Break {
                kind,
                item: id.clone(),
                whose,
                at,
            });
        }
        let concerning = node
            .custody
            .breaks
            .iter()
            .filter(|one| node.concerns(one.actor));
        found.extend(concerning.cloned().map(|missing| Break {
            kind: missing.kind,
            item: id.clone(),
            whose: missing.whose,
            at: Some(missing.at),
        }));
    }
    found
}

/// When each event of the story was recorded.
fn recorded(walk: &Walk) -> BTreeMap<EventRef, UnixMillis> {
    let facts = walk
        .nodes
        .values()
        .flat_map(|node| node.timeline.facts.iter().chain(&node.made_with));
    facts
        .map(|fact| (fact.at(), fact.touch().recorded))
        .collect()
}

/// Things whose inspections tell about an item: devices that measured it, and of a cylinder itself
/// and its valves.
fn inspected(node: &Node) -> BTreeSet<String> {
    let valves = valves(node);
    let own = if valves.is_empty() && !is_cylinder(node) {
        BTreeSet::new()
    } else {
        node.codes.clone()
    };
    own.into_iter().chain(valves).chain(devices(node)).collect()
}

fn graded(node: &Node, id: &str, goods: Goods<'_>, names: &Names) -> Vec<Stretch> {
    let Some(class) = goods.class().filter(|_| node.part != Part::Lot) else {
        return Vec::new();
    };
    let mut all = stretches(node, id, class, names.policies());
    all.retain(|stretch| node.concerns(stretch.holder));
    all
}

/// What the answer has established besides.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// What is in hand was handled in a way that must not be.
    forbidden: bool,
    /// Anything names the code at all.
    known: bool,
    /// The chain is whole.
    complete: bool,
}

/// Whether anything stops the goods: an order, or events that say that they are recalled.
fn stopped(orders: &Orders, walk: &Walk, names: &Names) -> Option<Verdict> {
    let mut nodes = walk.in_hand().chain(walk.lot());
    // The gravest is first.
    match orders.standing.first().map(|stop| stop.kind) {
        Some(StopKind::Recall) => Some(Verdict::Recalled),
        _ if nodes.any(|node| recalled_since(node, names).is_some()) => Some(Verdict::Recalled),
        Some(StopKind::Hold) => Some(Verdict::Held),
        None => None,
    }
}

/// The first that applies after those that stop the goods, in the order of [`Verdict`].
fn verdict(
    walk: &Walk,
    names: &Names,
    temperature: &[Stretch],
    as_of: UnixMillis,
    Known {
        forbidden,
        known,
        complete,
    }: Known,
) -> Verdict {
    let nodes: Vec<&Node> = walk.in_hand().chain(walk.lot()).collect();
    let fit: Vec<Fitness> = walk
        .in_hand()
        .filter(|node| is_cylinder(node))
        .map(|node| fitness(node, names, as_of.0))
        .collect();
    let unfit = |fit: &Fitness| matches!(fit, Fitness::Unfit(..));
    let overdue = |fit: &Fitness| matches!(fit, Fitness::Overdue(..) | Fitness::Scrapped(..));
    let past = |node: &&&Node| dates(node, names).past.is_some_and(|past| as_of.0 >= past);
    let sold = || {
        let root = walk.root();
        let ended = root
            .timeline
            .facts
            .iter()
            .any(|fact| fact.corrected.is_none() && fact.ends());
        root.single() && ended
    };
    let worst = temperature.iter().map(|stretch| stretch.grade).max();
    if nodes
        .iter()
        .any(|node| failed_tests(node, names).next().is_some())
        || fit.iter().any(unfit)
    {
        Verdict::FailedTest
    } else if nodes.iter().any(|node| past(&node)) || fit.iter().any(overdue) {
        Verdict::Expired
    } else if forbidden {
        Verdict::Violation
    } else if !known {
        Verdict::Unknown
    } else if sold() {
        Verdict::Sold
    } else if worst == Some(Grade::Breach) {
        Verdict::Breach
    } else if !complete {
        Verdict::Broken
    } else if worst == Some(Grade::Gap) {
        Verdict::Gap
    } else {
        Verdict::Complete
    }
}
