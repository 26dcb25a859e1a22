//! Forward: all that came of an item, and who has it.

use super::answer::{Cut, Moment, Party, Product};
use super::asked::{Asked, Limits};
use super::custody::follow;
use super::facts::event_of;
use super::gather::gather;
use super::names::Names;
use super::packing::{is_instance, packs};
use super::source::{Content, Source, Touch};
use crate::cbor::Value;
use crate::event::{Action as EventAction, Event, EventKind, Role};
use crate::identifier::Identifier;
use crate::ids::{Handle, UnixMillis};
use crate::registry::Action;
use crate::store::EventRef;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Everything that an item went into.
#[derive(Clone, Debug, Serialize)]
pub struct Forward {
    /// The item asked for, canonical.
    pub item: String,
    /// The moment for which this was computed.
    pub as_of: Moment,
    /// The item itself and all that came of it, nearest first.
    pub items: Vec<Affected>,
    /// Where the answer was cut short, if it was.
    pub cut: Option<Cut>,
    /// Those named above, by handle.
    pub participants: BTreeMap<Handle, Party>,
    /// Products of the items above.
    pub products: BTreeMap<String, Product>,
}

/// One item that the item asked for went into, or was in.
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
    /// Whether that event was later declared wrong: the union of both versions is affected.
    pub corrected: bool,
    /// Distance from the item asked for.
    pub depth: u32,
    /// Who has it, or, of a lot, has or had part of it.
    pub holders: Vec<Handle>,
    /// To whom it is on its way.
    pub under_way: Vec<String>,
    /// Sold, dispensed, used up or destroyed, as far as its own code says.
    pub ended: bool,
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
    /// It is the item asked for.
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
}

struct Next {
    item: String,
    how: How,
    at: EventRef,
    corrected: bool,
}

/// All that came of `item`, breadth first, with present holders: what a recall must reach.
///
/// Events that were declared wrong count beside their corrections.
///
/// # Errors
/// The source's own.
pub fn forward<S: Source>(
    source: &mut S,
    item: &Identifier,
    as_of: UnixMillis,
    limits: Limits,
) -> Result<Forward, S::Error> {
    let mut asked = Asked::new(source, limits);
    let mut names = Names::default();
    let start = Affected {
        item: item.as_str().to_owned(),
        how: How::Asked,
        via: None,
        at: None,
        corrected: false,
        depth: 0,
        holders: Vec::new(),
        under_way: Vec::new(),
        ended: false,
        keepers: BTreeSet::new(),
        handed: Vec::new(),
    };
    let mut seen = BTreeSet::from([start.item.clone()]);
    let mut queue = VecDeque::from([start]);
    let mut items = Vec::new();
    // Ends: each item enters once.
    while let Some(mut affected) = queue.pop_front() {
        for next in nexts(&mut asked, &affected)? {
            if seen.contains(&next.item) {
                continue;
            }
            if affected.depth >= limits.depth {
                asked.cut_at(&next.item, "depth");
                continue;
            }
            seen.insert(next.item.clone());
            queue.push_back(Affected {
                item: next.item,
                how: next.how,
                via: Some(affected.item.clone()),
                at: Some(next.at),
                corrected: next.corrected,
                depth: affected.depth + 1,
                holders: Vec::new(),
                under_way: Vec::new(),
                ended: false,
                keepers: BTreeSet::new(),
                handed: Vec::new(),
            });
        }
        place(&mut asked, &mut names, &mut affected)?;
        items.push(affected);
    }
    for affected in &items {
        if let Some(product) = Identifier::parse(&affected.item)
            .ok()
            .and_then(|id| id.product())
        {
            names.load_product(&mut asked, product.as_str())?;
        }
        for party in &affected.under_way {
            let handle = Identifier::parse(party)
                .ok()
                .and_then(|id| id.participant_handle());
            if let Some(handle) = handle {
                names.load_participant(&mut asked, handle)?;
            }
        }
    }
    let cut = asked.take_cut();
    let (participants, products, _) = names.into_parts();
    Ok(Forward {
        item: item.as_str().to_owned(),
        as_of: Moment(as_of),
        items,
        cut,
        participants,
        products,
    })
}

/// Finds who has an affected item.
fn place<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    affected: &mut Affected,
) -> Result<(), S::Error> {
    let codes = BTreeSet::from([affected.item.clone()]);
    let timeline = gather(asked, names, &codes, i64::MAX)?;
    let single = is_instance(&affected.item);
    let custody = follow(&timeline.facts, single, names);
    let valid = || {
        timeline
            .facts
            .iter()
            .filter(|fact| fact.corrected.is_none())
    };
    affected.ended = single && valid().any(|fact| fact.ends() || fact.uses());
    affected.holders = custody.holders.into_iter().collect();
    affected.under_way = custody.under_way;
    affected.keepers = if custody.proved.is_empty() {
        custody.ever
    } else {
        custody.proved
    };
    affected.handed = custody.passed;
    let sent = custody.legs.iter();
    let sent = sent.filter_map(|leg| Some((names.party(leg.to.as_deref()?)?, leg.from)));
    affected.handed.extend(sent);
    Ok(())
}

/// The items one step on.
fn nexts<S: Source>(asked: &mut Asked<'_, S>, affected: &Affected) -> Result<Vec<Next>, S::Error> {
    let list = asked.list(&affected.item)?;
    let corrected = super::facts::corrected_in(&[&list]);
    let mut found = Vec::new();
    for touch in list.iter() {
        let mut add = |item: &str, how| {
            found.push(Next {
                item: item.to_owned(),
                how,
                at: touch.at,
                corrected: corrected.contains(&touch.at),
            });
        };
        match &*touch.content {
            Content::Registry {
                action: Action::Recode,
                record,
            } => {
                for key in ["old", "new"] {
                    if let Some(code) = record.get(key).and_then(Value::as_text) {
                        add(code, How::Recoded);
                    }
                }
            }
            Content::Registry { .. } => {}
            Content::Event(event) => {
                let objects = event.objects();
                let plays = |role| {
                    objects
                        .iter()
                        .any(|object| object.id == affected.item && object.role == role)
                };
                if event.kind() == EventKind::Transformation && plays(Role::Input) {
                    for output in outputs(asked, touch, event)? {
                        add(&output, How::Made);
                    }
                } else if packs(event) && event.action() == Some(EventAction::Add) {
                    packed(event, affected, &mut add);
                } else if event.kind() == EventKind::Object
                    && event.action() == Some(EventAction::Add)
                    && plays(Role::Object)
                {
                    of_lot(event, &affected.item, &mut add);
                }
            }
        }
    }
    Ok(found)
}

/// Around an affected item is its container; inside an affected container are its contents. A
/// container is affected as a place only, unless it is the one asked for or in that one.
fn packed(event: &Event, affected: &Affected, add: &mut impl FnMut(&str, How)) {
    let objects = event.objects();
    let parent = objects.iter().find(|object| object.role == Role::Parent);
    let inside = parent.is_some_and(|parent| parent.id == affected.item);
    let spreads = match affected.how {
        How::Asked | How::Inside | How::Recoded => true,
        How::Made | How::Holds | How::OfLot => false,
    };
    if inside && spreads {
        for child in objects.iter().filter(|object| object.role == Role::Child) {
            add(child.id, How::Inside);
        }
    } else if !inside && let Some(parent) = parent {
        add(parent.id, How::Holds);
    }
}

/// Serials commissioned together with an affected lot of the same product.
fn of_lot(event: &Event, lot: &str, add: &mut impl FnMut(&str, How)) {
    let Ok(identifier) = Identifier::parse(lot) else {
        return;
    };
    if identifier.lot().is_none() {
        return;
    }
    for object in event.objects() {
        let Ok(other) = Identifier::parse(object.id) else {
            continue;
        };
        let said = || other.product().is_none() && other.is_instance();
        let same = other.is_instance() && other.product() == identifier.product();
        if same || said() {
            add(object.id, How::OfLot);
        }
    }
}

/// What a transformation made: all its events together, corrected ones too, of its own maker.
fn outputs<S: Source>(
    asked: &mut Asked<'_, S>,
    part: &Touch,
    event: &Event,
) -> Result<BTreeSet<String>, S::Error> {
    let mut touches = vec![part.clone()];
    if let Some(id) = event.transformation_id() {
        let list = asked.list(id)?;
        touches.extend(
            list.iter()
                .filter(|touch| touch.issuer == part.issuer)
                .cloned(),
        );
    }
    let events = touches.iter().filter_map(event_of);
    let made = events.filter(|event| event.kind() == EventKind::Transformation);
    let all = made.flat_map(|event| {
        let objects = event.objects();
        let outputs = objects.iter().filter(|object| object.role == Role::Output);
        outputs
            .map(|object| object.id.to_owned())
            .collect::<Vec<_>>()
    });
    Ok(all.collect())
}
