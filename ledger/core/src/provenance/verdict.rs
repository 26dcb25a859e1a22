//! The answer to a scan.

use super::answer::{Answer, Break, Finding, Grade, Moment, Rule, Stretch, Verdict};
use super::asked::{Asked, Limits};
use super::names::Names;
use super::rules::{failed_tests, findings, recalled_since};
use super::source::Source;
use super::steps::steps;
use super::subject::{dates, product, subject};
use super::temperature::stretches;
use super::tests_results::tests;
use super::walk::{Node, Part, Walk, back};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;

/// The whole story of `item`, back to every origin, and its verdict.
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
    let mut asked = Asked::new(source, limits);
    let mut names = Names::default();
    let walk = back(&mut asked, &mut names, item, as_of)?;
    for product in walk.nodes.values().filter_map(product) {
        names.load_product(&mut asked, &product)?;
    }
    let steps = steps(&walk, &names);
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
    let breaks = breaks(&walk);
    for whose in breaks.iter().filter_map(|one| one.whose.as_deref()) {
        if let Some(handle) = Identifier::parse(whose)
            .ok()
            .and_then(|id| id.participant_handle())
        {
            names.load_participant(&mut asked, handle)?;
        }
    }
    let mut all = Vec::new();
    let mut temperature = Vec::new();
    for (id, node) in &walk.nodes {
        all.extend(findings(node, id, &names));
        let stretches = graded(node, id, &names);
        all.extend(
            stretches
                .iter()
                .filter_map(|stretch| finding_of(stretch, id)),
        );
        if matches!(node.part, Part::Root | Part::Content) {
            temperature.extend(stretches);
        }
    }
    temperature.sort_by_key(|stretch| (stretch.from, stretch.until));
    all.sort_by(|one, other| {
        (one.rule, &one.item, &one.events).cmp(&(other.rule, &other.item, &other.events))
    });
    all.dedup();
    let cut = asked.take_cut();
    let known = !walk.root().timeline.facts.is_empty();
    let complete = known && breaks.is_empty() && cut.is_none();
    let verdict = verdict(&walk, &names, &temperature, as_of, known, complete);
    let subject = subject(&walk, &names);
    let tests = tests(&walk);
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
    let (participants, mut products, places) = names.into_parts();
    for (code, product) in by_code {
        if let Some(product) = products.get(&product).cloned() {
            products.insert(code, product);
        }
    }
    Ok(Answer {
        item: item.as_str().to_owned(),
        as_of: Moment(as_of),
        verdict,
        complete,
        subject,
        steps,
        breaks,
        findings: all,
        tests,
        temperature,
        cut,
        participants,
        products,
        places,
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

fn graded(node: &Node, id: &str, names: &Names) -> Vec<Stretch> {
    let Some(product) = product(node).filter(|_| node.part != Part::Lot) else {
        return Vec::new();
    };
    let moment = super::subject::making(node).map_or(UnixMillis(0), |fact| fact.touch().recorded);
    let Some(class) = names
        .product_at(&product, moment)
        .map(|found| found.storage_class.clone())
    else {
        return Vec::new();
    };
    let mut all = stretches(node, id, &class);
    all.retain(|stretch| node.concerns(stretch.holder));
    all
}

fn finding_of(stretch: &Stretch, item: &str) -> Option<Finding> {
    let rule = match stretch.grade {
        Grade::Proved => return None,
        Grade::Gap => Rule::TemperatureGap,
        Grade::Breach => Rule::Temperature,
    };
    Some(Finding {
        rule,
        item: item.to_owned(),
        events: Vec::new(),
        whose: Some(super::names::spelled(stretch.holder)),
    })
}

/// The first that applies, in the order of [`Verdict`].
fn verdict(
    walk: &Walk,
    names: &Names,
    temperature: &[Stretch],
    as_of: UnixMillis,
    known: bool,
    complete: bool,
) -> Verdict {
    let nodes: Vec<&Node> = walk.in_hand().chain(walk.lot()).collect();
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
        .any(|node| recalled_since(node, names).is_some())
    {
        Verdict::Recalled
    } else if nodes
        .iter()
        .any(|node| failed_tests(node, names).next().is_some())
    {
        Verdict::FailedTest
    } else if nodes.iter().any(|node| past(&node)) {
        Verdict::Expired
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
