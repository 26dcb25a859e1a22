//! How an item stands at a moment: what a decision about an act needs to know, and no more.
//!
//! The same walk, rules and grades as a trace, without the names and steps that only a page shows.

use super::answer::{Article, BreakKind, Finding, Grade, Rule, Stop, StopKind, Stretch, Text};
use super::asked::{Asked, Limits};
use super::custody::{Carriage, Custody, Hold};
use super::cylinder::{Fitness, fitness, is_inspected};
use super::names::{Names, spelled};
use super::rules::{Goods, failed_tests, recalled_since};
use super::source::Source;
use super::subject::{dates, making};
use super::temperature::judged;
use super::verdict::{Survey, survey};
use super::walk::{Node, Part, Walk};
use crate::identifier::{Identifier, Kind};
use crate::ids::{Handle, UnixMillis};
use crate::policy::{Sector, Severity};
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// What may speak against an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// Recalled by its maker, a holder or an authority.
    Recalled,
    /// Stopped until an authority releases it.
    Held,
    /// A test of it, or of its lot, failed.
    FailedTest,
    /// Past its expiry.
    Expired,
    /// No event names this code.
    Unknown,
    /// Sold or dispensed before.
    Sold,
    /// Used up before.
    Used,
    /// Scrapped or destroyed.
    Scrapped,
    /// Its newest inspection says unfit.
    InspectionFailed,
    /// Its periodic inspection is overdue.
    InspectionOverdue,
    /// No periodic inspection is recorded.
    InspectionMissing,
    /// The temperature left its limits.
    TemperatureBreach,
    /// Temperature evidence is missing for longer than allowed.
    TemperatureGap,
    /// A link of the chain is missing.
    ChainBroken,
    /// A test of something it was made of failed.
    InputFailedTest,
    /// It is inside a container.
    Packed,
    /// The actor is not on the ledger.
    ActorUnknown,
    /// The actor is suspended.
    ActorSuspended,
    /// The actor neither has it nor gets it.
    NotHolder,
    /// It is on its way to the actor, whose receipt is not recorded.
    NotReceived,
    /// No shipment to the actor is recorded.
    NotAddressed,
    /// Not everything could be read within the limits of one answer.
    Cut,
    /// A rule was broken on its way.
    Finding(Rule),
}

impl Ground {
    /// Those that are no findings.
    const STATES: [Self; 22] = [
        Self::Recalled,
        Self::Held,
        Self::FailedTest,
        Self::Expired,
        Self::Unknown,
        Self::Sold,
        Self::Used,
        Self::Scrapped,
        Self::InspectionFailed,
        Self::InspectionOverdue,
        Self::InspectionMissing,
        Self::TemperatureBreach,
        Self::TemperatureGap,
        Self::ChainBroken,
        Self::InputFailedTest,
        Self::Packed,
        Self::ActorUnknown,
        Self::ActorSuspended,
        Self::NotHolder,
        Self::NotReceived,
        Self::NotAddressed,
        Self::Cut,
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let findings = Rule::ALL.into_iter().map(Self::Finding);
        Self::STATES.into_iter().chain(findings)
    }

    /// The stable word, as in JSON and in signed answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recalled => "recalled",
            Self::Held => "held",
            Self::FailedTest => "failed_test",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::Sold => "sold",
            Self::Used => "used",
            Self::Scrapped => "scrapped",
            Self::InspectionFailed => "inspection_failed",
            Self::InspectionOverdue => "inspection_overdue",
            Self::InspectionMissing => "inspection_missing",
            Self::TemperatureBreach => "temperature_breach",
            Self::TemperatureGap => "temperature_gap",
            Self::ChainBroken => "chain_broken",
            Self::InputFailedTest => "input_failed_test",
            Self::Packed => "packed",
            Self::ActorUnknown => "actor_unknown",
            Self::ActorSuspended => "actor_suspended",
            Self::NotHolder => "not_holder",
            Self::NotReceived => "not_received",
            Self::NotAddressed => "not_addressed",
            Self::Cut => "cut",
            Self::Finding(rule) => rule.word(),
        }
    }
}

/// A ground, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) ground: Ground,
    /// The item it concerns, canonical.
    pub(crate) item: String,
    pub(crate) events: Vec<EventRef>,
    /// Who must act: a party's identifier.
    pub(crate) whose: Option<String>,
    /// Of a finding: how grave the policy takes it, and the articles behind it.
    pub(crate) finding: Option<(Severity, &'static [Article])>,
}

impl Found {
    pub(crate) fn new(
        ground: Ground,
        item: &str,
        events: Vec<EventRef>,
        whose: Option<String>,
    ) -> Self {
        Self {
            ground,
            item: item.to_owned(),
            events,
            whose,
            finding: None,
        }
    }
}

/// Parties that are named: as many as an answer has reasons, for most of which they were read.
const PARTIES_MAX: usize = 32;

/// How an item stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// What kind of goods is in hand; of a container the most demanding of its contents.
    pub(crate) sector: Option<Sector>,
    /// Who has it now. Where only strangers' words say so, all who are proved to have had it: else
    /// anybody could stop another's till by claiming its goods.
    pub(crate) holders: BTreeSet<Handle>,
    /// Everyone who ever had it.
    pub(crate) ever: BTreeSet<Handle>,
    /// To whom it is on its way; of one addressed to nobody in particular, `None`.
    pub(crate) under_way: Vec<Option<String>>,
    /// What speaks against whatever act.
    pub(crate) found: Vec<Found>,
    /// What speaks against ending a shipment that is under way, with its addressee.
    pub(crate) legs: Vec<(Option<String>, Found)>,
    /// Whether the actor is on the ledger, and not suspended.
    pub(crate) actor: Option<ActorStanding>,
    /// What those who must act are called.
    pub(crate) parties: BTreeMap<Handle, Text>,
}

/// The actor's own standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActorStanding {
    Unknown,
    Suspended,
    Good,
}

/// How `item` stands at `as_of`, and with it `actor`.
///
/// # Errors
/// The source's own.
pub(crate) fn standing<S: Source>(
    source: &mut S,
    item: &Identifier,
    actor: Option<Handle>,
    as_of: UnixMillis,
    limits: Limits,
) -> Result<Standing, S::Error> {
    let mut asked = Asked::new(source, limits);
    let mut names = Names::of(asked.scope());
    let survey = survey(&mut asked, &mut names, item, as_of)?;
    if let Some(actor) = actor {
        names.load_participant(&mut asked, actor)?;
    }
    let cut = asked.take_cut();
    let mut found = of_goods(&survey.walk, &names, as_of);
    found.extend(survey.orders.standing.iter().map(ordered));
    found.extend(of_root(&survey.walk, as_of));
    found.extend(of_survey(&survey));
    found.extend(cut.map(|cut| Found::new(Ground::Cut, &cut.item, Vec::new(), None)));
    let legs = legs(&survey.walk, &names, as_of);
    let custody = &survey.walk.root().custody;
    let actor = actor.map(|actor| match names.participant(actor) {
        None => ActorStanding::Unknown,
        Some(party) if party.suspended => ActorStanding::Suspended,
        Some(_) => ActorStanding::Good,
    });
    let sectors = survey
        .walk
        .in_hand()
        .filter_map(|node| sector(node, &names));
    Ok(Standing {
        sector: sectors.max_by_key(|sector| demands(*sector)),
        holders: holders(custody),
        ever: custody.ever.clone(),
        under_way: custody.legs.iter().map(|leg| leg.to.clone()).collect(),
        parties: parties(
            &mut asked,
            &mut names,
            custody,
            found.iter().chain(of(&legs)),
        )?,
        legs,
        found,
        actor,
    })
}

/// A hold or recall, wherever on the way back it stands.
fn ordered(stop: &Stop) -> Found {
    let ground = match stop.kind {
        StopKind::Recall => Ground::Recalled,
        StopKind::Hold => Ground::Held,
    };
    Found::new(ground, &stop.item, vec![stop.at], Some(spelled(stop.by)))
}

fn of(legs: &[(Option<String>, Found)]) -> impl Iterator<Item = &Found> {
    legs.iter().map(|(_, found)| found)
}

/// Names of those who must act. Most were read on the way; those who never said anything were not.
fn parties<'f, S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    custody: &Custody,
    found: impl Iterator<Item = &'f Found>,
) -> Result<BTreeMap<Handle, Text>, S::Error> {
    let handle = |id: &String| Identifier::parse(id).ok()?.participant_handle();
    let mut all: BTreeSet<Handle> = found
        .filter_map(|one| handle(one.whose.as_ref()?))
        .collect();
    all.extend(holders(custody));
    let mut named = BTreeMap::new();
    for who in all.into_iter().take(PARTIES_MAX) {
        names.load_participant(asked, who)?;
        if let Some(party) = names.participant(who) {
            named.insert(who, party.name.clone());
        }
    }
    Ok(named)
}

fn holders(custody: &Custody) -> BTreeSet<Handle> {
    let proved = &custody.proved;
    let shipped = custody.legs.iter().any(|leg| proved.contains(&leg.from));
    if shipped || !custody.holders.is_disjoint(proved) {
        custody.holders.clone()
    } else {
        &custody.holders | proved
    }
}

fn sector(node: &Node, names: &Names) -> Option<Sector> {
    let drug = |code: &String| Identifier::parse(code).is_ok_and(|id| id.kind() == Kind::Drug);
    let by_code = || node.codes.iter().any(drug).then_some(Sector::Drug);
    Goods::of(node, names).sector.or_else(by_code)
}

/// How much the law asks of goods of a sector, as against others in one container.
const fn demands(sector: Sector) -> u8 {
    match sector {
        Sector::Vaccine => 3,
        Sector::Drug => 2,
        Sector::Device | Sector::Cylinder => 1,
        Sector::Food | Sector::Produce => 0,
    }
}

/// What is in hand and its lot: orders, tests, dates, and of cylinders inspections.
fn of_goods(walk: &Walk, names: &Names, as_of: UnixMillis) -> Vec<Found> {
    let mut all = Vec::new();
    for (id, node) in at_stake(walk) {
        let mut add = |ground, event: Option<EventRef>, whose: Option<Handle>| {
            let events = event.into_iter().collect();
            all.push(Found::new(ground, id, events, whose.map(spelled)));
        };
        if let Some(order) = recalled_since(node, names) {
            let ground = if order.recalls() {
                Ground::Recalled
            } else {
                Ground::Held
            };
            add(ground, Some(order.at()), Some(order.issuer()));
        }
        for test in failed_tests(node, names) {
            add(Ground::FailedTest, Some(test.at()), None);
        }
        let past = dates(node, names).past;
        if past.is_some_and(|past| as_of.0 >= past) {
            add(Ground::Expired, making(node).map(|made| made.at()), None);
        }
        let is_root = *id == walk.root;
        if !is_root && (node.part == Part::Lot || !is_inspected(node)) {
            continue;
        }
        match fitness(node, names, as_of.0) {
            Fitness::Scrapped(at, by) => add(Ground::Scrapped, Some(at), Some(by)),
            Fitness::Unfit(at, by) => add(Ground::InspectionFailed, Some(at), Some(by)),
            Fitness::Overdue(at, _) => add(Ground::InspectionOverdue, Some(at), None),
            Fitness::Uninspected if is_root => add(Ground::InspectionMissing, None, None),
            // A valve needs no date of its own.
            Fitness::Uninspected | Fitness::Fit => {}
        }
    }
    all
}

/// What is in hand, and its lot: what a verdict is about.
fn at_stake(walk: &Walk) -> impl Iterator<Item = (&String, &Node)> {
    let lot = walk.lot();
    walk.nodes.iter().filter(move |(_, node)| {
        let in_hand = matches!(node.part, Part::Root | Part::Content);
        in_hand || lot.is_some_and(|lot| std::ptr::eq(lot, *node))
    })
}

/// What only the thing itself can be: unknown, gone, packed.
fn of_root(walk: &Walk, as_of: UnixMillis) -> Vec<Found> {
    let root = walk.root();
    let mut all = Vec::new();
    let mut add = |ground, events: Vec<EventRef>, whose: Option<Handle>| {
        all.push(Found::new(ground, &walk.root, events, whose.map(spelled)));
    };
    if root.timeline.facts.is_empty() {
        add(Ground::Unknown, Vec::new(), None);
    }
    if !root.single() {
        return all;
    }
    let valid = || {
        let facts = root.timeline.facts.iter();
        facts.filter(|fact| fact.corrected.is_none())
    };
    if let Some(sale) = valid().find(|fact| fact.sells()) {
        add(Ground::Sold, vec![sale.at()], Some(sale.issuer()));
    }
    if let Some(use_up) = valid().find(|fact| fact.uses()) {
        add(Ground::Used, vec![use_up.at()], Some(use_up.issuer()));
    }
    for (parent, spans) in &root.timeline.direct {
        let inside = |span: &&(i64, i64)| span.0 <= as_of.0 && as_of.0 < span.1;
        if spans.iter().any(|span| inside(&span)) {
            add(
                Ground::Packed,
                Vec::new(),
                root.custody.holders.first().copied(),
            );
            if let Some(last) = all.last_mut() {
                last.item.clone_from(parent);
            }
            break;
        }
    }
    all
}

/// What the trace would show as broken or found, and what it would grade.
fn of_survey(survey: &Survey) -> Vec<Found> {
    let Survey {
        walk,
        breaks,
        findings,
        temperature,
        orders: _,
    } = survey;
    let mut all: Vec<Found> = temperature.iter().filter_map(of_stretch).collect();
    all.extend(breaks.iter().map(|one| {
        let ground = match one.kind {
            BreakKind::OriginMissing
            | BreakKind::ReceiptMissing
            | BreakKind::ShipmentMissing
            | BreakKind::HandoverMissing
            | BreakKind::LotMissing
            | BreakKind::ForeignUnresolved => Ground::ChainBroken,
        };
        let events = one.at.into_iter().collect();
        Found::new(ground, &one.item, events, one.whose.clone())
    }));
    let at_stake: BTreeSet<&String> = at_stake(walk).map(|(id, _)| id).collect();
    all.extend(
        findings
            .iter()
            .filter_map(|finding| of_finding(finding, at_stake.contains(&finding.item))),
    );
    all
}

/// A finding as a ground, where the goods themselves or a break do not tell it already. Only of
/// goods at stake, and of rules that judge the goods and not an act of the past, does the policy's
/// severity decide.
fn of_finding(finding: &Finding, at_stake: bool) -> Option<Found> {
    let (ground, decides) = match finding.rule {
        Rule::Custody => return None,
        Rule::TestFailed | Rule::Temperature | Rule::TemperatureGap if at_stake => return None,
        Rule::TestFailed => (Ground::InputFailedTest, true),
        Rule::DoubleSpend
        | Rule::Licence
        | Rule::TestMissing
        | Rule::VaccineExcursion
        | Rule::VaccineUnrecorded => (Ground::Finding(finding.rule), at_stake),
        Rule::Order
        | Rule::SingleParent
        | Rule::Expiry
        | Rule::SoldAgain
        | Rule::PartyMismatch
        | Rule::QuantityMismatch
        | Rule::RecalledMoving
        | Rule::ReceivedTwice
        | Rule::Temperature
        | Rule::TemperatureGap
        | Rule::CylinderOverdue
        | Rule::CylinderScrapped
        | Rule::DeviceCalibration => (Ground::Finding(finding.rule), false),
    };
    let severity = if decides {
        finding.severity
    } else {
        Severity::Flag
    };
    let Finding {
        item,
        events,
        whose,
        articles,
        ..
    } = finding;
    Some(Found {
        finding: Some((severity, articles)),
        ..Found::new(ground, item, events.clone(), whose.clone())
    })
}

fn of_stretch(stretch: &Stretch) -> Option<Found> {
    let ground = match stretch.grade {
        Grade::Proved => return None,
        Grade::Gap => Ground::TemperatureGap,
        Grade::Breach => Ground::TemperatureBreach,
    };
    let whose = Some(spelled(stretch.holder));
    Some(Found::new(
        ground,
        &stretch.container,
        stretch.events.clone(),
        whose,
    ))
}

/// Shipments that nobody has received, graded as if they ended now.
fn legs(walk: &Walk, names: &Names, as_of: UnixMillis) -> Vec<(Option<String>, Found)> {
    let mut all = Vec::new();
    for (id, node) in at_stake(walk).filter(|(_, node)| node.part != Part::Lot) {
        let Some(class) = Goods::of(node, names).class() else {
            continue;
        };
        for leg in &node.custody.legs {
            let hold = Hold {
                holder: leg.from,
                receiver: Some(leg.from),
                from: leg.since,
                until: as_of.0.max(leg.since),
                carriage: Carriage::Carried,
                began: leg.shipped,
                ended: leg.shipped,
            };
            let graded = judged(node, id, class, &hold, names.policies());
            let found = graded.as_ref().and_then(of_stretch);
            all.extend(found.map(|found| (leg.to.clone(), found)));
        }
    }
    all
}
