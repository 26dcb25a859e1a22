//! Recalls beside an independent computation over the raw acts: what is affected forward, and
//! which pages turn, with re-packing, re-coding, corrections and orders in any order.
//!
//! The brute force below shares no code with provenance. It goes through all acts again for each
//! step, and knows what a correction means only as "declared before or after the order".

use ledger::cbor::Map;
use ledger::event::{DocumentContext, Event};
use ledger::identifier::Identifier;
use ledger::ids::{Handle, LeafIndex, UnixMillis};
use ledger::provenance::{Content, Limits, Source, Start, Touch, Touches, forward, trace};
use ledger::registry::Action;
use ledger::state::Role;
use ledger::store::EventRef;
use ledger::testing::map_of_json;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::rc::Rc;

/// Things by number: 0 to 5 lots, 10 to 15 serials, 20 to 23 cases and pallets, 30 to 35 codes
/// that lots are re-coded to.
type Thing = u8;

const FIRMS: u8 = 4;
const REGULATOR: u8 = 9;
const STRANGER: u8 = 8;

fn who(number: u8) -> Handle {
    Handle([number; 16])
}

fn id(thing: Thing) -> String {
    let product = "https://id.gs1.org/01/06909813001010";
    match thing {
        0..=5 => format!("{product}/10/L{thing}"),
        10..=15 => format!("{product}/21/S{thing}"),
        20..=23 => format!("https://id.gs1.org/8004/6909815A{thing}"),
        _ => format!("{product}/10/R{thing}"),
    }
}

const fn is_case(thing: Thing) -> bool {
    matches!(thing, 20..=23)
}

/// One raw act. Its leaf is its place in the list, its time the minute.
#[derive(Clone, Debug)]
enum Act {
    Make {
        by: u8,
        lot: Thing,
    },
    /// Inputs and outputs, in one event or in two joined by an id.
    Brew {
        by: u8,
        inputs: Vec<Thing>,
        outputs: Vec<Thing>,
        split: bool,
    },
    /// Serials of a lot.
    Box {
        by: u8,
        lot: Thing,
        serials: Vec<Thing>,
    },
    Pack {
        by: u8,
        case: Thing,
        things: Vec<Thing>,
    },
    /// Of nothing: everything.
    Unpack {
        by: u8,
        case: Thing,
        things: Vec<Thing>,
    },
    Recode {
        by: u8,
        old: Thing,
        new: Thing,
    },
    /// Declares the act at this place wrong.
    Correct(usize),
    Recall {
        thing: Thing,
        forward: bool,
    },
}

#[derive(Clone, Debug)]
struct Said {
    act: Act,
    minute: i64,
}

const fn millis(minute: i64) -> i64 {
    1_793_500_000_000 + minute * 60_000
}

/// The lists of a ledger made of raw acts.
#[derive(Default)]
struct Lists(BTreeMap<String, Vec<Touch>>);

impl Source for Lists {
    type Error = Infallible;

    fn touches(&mut self, item: &str) -> Result<Touches, Infallible> {
        let shown = self.0.get(item).cloned().unwrap_or_default();
        Ok(Touches {
            total: u64::try_from(shown.len()).unwrap(),
            shown,
        })
    }
}

impl Lists {
    fn push(&mut self, at: EventRef, recorded: i64, by: u8, content: Content, items: &[String]) {
        let touch = Touch {
            at,
            recorded: UnixMillis(recorded),
            issuer: who(by),
            signer: who(by),
            suspect_from: None,
            content: Rc::new(content),
        };
        let items: BTreeSet<&String> = items.iter().collect();
        for item in items {
            self.0.entry(item.clone()).or_default().push(touch.clone());
        }
    }

    fn of(story: &[Said]) -> Self {
        let mut lists = Self::default();
        for number in (0..FIRMS).chain([REGULATOR, STRANGER]) {
            let role = if number == REGULATOR {
                Role::Regulator
            } else {
                Role::Processor
            };
            let action = Action::Admit {
                handle: who(number),
                roles: [role].into_iter().collect(),
                district: "510100".to_owned(),
                licences: Vec::new(),
                keys: Vec::new(),
            };
            let record = Map::new();
            let item = Identifier::participant(who(number)).to_string();
            let at = EventRef {
                leaf: LeafIndex(u64::from(number)),
                index: 0,
            };
            lists.push(at, 0, number, Content::Registry { action, record }, &[item]);
        }
        for (place, said) in story.iter().enumerate() {
            lists.say(story, place, said);
        }
        lists
    }

    fn say(&mut self, story: &[Said], place: usize, said: &Said) {
        let at = |index| EventRef {
            leaf: LeafIndex(leaf(place)),
            index,
        };
        let recorded = recorded(place);
        match &said.act {
            Act::Recode { by, old, new } => {
                let (old, new) = (id(*old), id(*new));
                let record = map_of_json(&json!({"old": old, "new": new}));
                let content = Content::Registry {
                    action: Action::Recode,
                    record,
                };
                self.push(at(0), recorded, *by, content, &[old, new]);
            }
            Act::Recall { thing, forward } => {
                let case = format!("urn:suyuan:case:{}:{place}", who(REGULATOR));
                let record = map_of_json(&json!({
                    "id": id(*thing), "case": case, "reason": {"zh": "坏", "en": "bad"}, "level": 1,
                    "reach": if *forward { "forward" } else { "item" }, "fault": "safety",
                }));
                let content = Content::Registry {
                    action: Action::Recall,
                    record,
                };
                self.push(at(0), recorded, REGULATOR, content, &[id(*thing), case]);
            }
            Act::Correct(target) => {
                let wrong = &story[*target];
                for (index, mut json) in (0..).zip(events(*target, wrong)) {
                    json["errorDeclaration"] = json!({
                        "declarationTime": "2026-12-31T00:00:00Z", "reason": "incorrect_data",
                    });
                    self.event(at(index), recorded, issuer(&wrong.act), &json);
                }
            }
            act => {
                for (index, json) in (0..).zip(events(place, said)) {
                    self.event(at(index), recorded, issuer(act), &json);
                }
            }
        }
    }

    fn event(&mut self, at: EventRef, recorded: i64, by: u8, json: &Json) {
        let event = Event::from_json(json, &DocumentContext::default()).unwrap();
        let items: Vec<String> = event
            .items()
            .into_iter()
            .map(|item| item.into_owned())
            .collect();
        self.push(at, recorded, by, Content::Event(event), &items);
    }
}

/// Leaves of acts come after those of the admissions.
fn leaf(place: usize) -> u64 {
    100 + u64::try_from(place).unwrap()
}

/// All acts happen before the first is recorded, and are recorded one minute apart.
fn recorded(place: usize) -> i64 {
    millis(i64::try_from(place).unwrap())
}

const fn issuer(act: &Act) -> u8 {
    match act {
        Act::Make { by, .. }
        | Act::Brew { by, .. }
        | Act::Box { by, .. }
        | Act::Pack { by, .. }
        | Act::Unpack { by, .. }
        | Act::Recode { by, .. } => *by,
        Act::Correct(_) | Act::Recall { .. } => REGULATOR,
    }
}

fn named(things: &[Thing], single: &str, class: &str, event: &mut Json) {
    let (serials, lots): (Vec<&Thing>, Vec<&Thing>) =
        things.iter().partition(|thing| matches!(thing, 10..=23));
    if !serials.is_empty() {
        event[single] = serials.iter().map(|thing| id(**thing)).collect();
    }
    if !lots.is_empty() {
        event[class] = lots
            .iter()
            .map(|thing| json!({"epcClass": id(**thing)}))
            .collect();
    }
}

/// An act's events as EPCIS.
fn events(place: usize, said: &Said) -> Vec<Json> {
    let base = |part: u8| {
        json!({
            "eventID": format!("urn:x:{place}:{part}"),
            "eventTime": ledger::time::format_utc(UnixMillis(millis(said.minute))),
            "eventTimeZoneOffset": "+08:00",
            "@context": {"cbvmda": "urn:epcglobal:cbv:mda:"},
        })
    };
    let with = |part, more: Json| {
        let mut event = base(part);
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    match &said.act {
        Act::Make { lot, .. } => vec![with(
            0,
            json!({
                "type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning",
                "quantityList": [{"epcClass": id(*lot)}],
            }),
        )],
        Act::Brew {
            inputs,
            outputs,
            split,
            ..
        } => {
            let mut first = with(0, json!({"type": "TransformationEvent"}));
            named(inputs, "inputEPCList", "inputQuantityList", &mut first);
            if !split {
                named(outputs, "outputEPCList", "outputQuantityList", &mut first);
                return vec![first];
            }
            let joint = json!(format!("urn:x:brew:{place}"));
            first["transformationID"] = joint.clone();
            let mut second = with(1, json!({"type": "TransformationEvent"}));
            named(outputs, "outputEPCList", "outputQuantityList", &mut second);
            second["transformationID"] = joint;
            vec![first, second]
        }
        Act::Box { lot, serials, .. } => {
            let number = id(*lot).rsplit('/').next().unwrap().to_owned();
            let mut event = with(
                0,
                json!({
                    "type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning",
                    "ilmd": {"cbvmda:lotNumber": number},
                }),
            );
            named(serials, "epcList", "quantityList", &mut event);
            vec![event]
        }
        Act::Pack { case, things, .. } | Act::Unpack { case, things, .. } => {
            let action = if matches!(said.act, Act::Pack { .. }) {
                "ADD"
            } else {
                "DELETE"
            };
            let mut event = with(
                0,
                json!({
                    "type": "AggregationEvent", "action": action, "parentID": id(*case),
                }),
            );
            named(things, "childEPCs", "childQuantityList", &mut event);
            vec![event]
        }
        Act::Recode { .. } | Act::Correct(_) | Act::Recall { .. } => Vec::new(),
    }
}

/// The computation by hand, for one order at one place of the story.
struct Brute<'a> {
    story: &'a [Said],
    order: usize,
}

type Stay = (i64, i64);

impl Brute<'_> {
    /// Where the act at `place` was declared wrong.
    fn declared(&self, place: usize) -> Option<usize> {
        self.story
            .iter()
            .position(|said| matches!(said.act, Act::Correct(target) if target == place))
    }

    /// Acts that counted at some moment since the order, or came after it.
    fn counts(&self, place: usize) -> bool {
        self.declared(place)
            .is_none_or(|declared| declared > self.order)
    }

    fn acts(&self) -> impl Iterator<Item = &Said> {
        self.story
            .iter()
            .enumerate()
            .filter(|(place, _)| self.counts(*place))
            .map(|(_, said)| said)
    }

    /// Pairs of the same goods: re-coded by who made the old.
    fn same(&self, thing: Thing) -> BTreeSet<Thing> {
        let mut found = BTreeSet::from([thing]);
        for _ in 0..self.story.len() {
            for said in self.story {
                if let Act::Recode { by, old, new } = said.act
                    && by != STRANGER
                    && (found.contains(&old) || found.contains(&new))
                {
                    found.extend([old, new]);
                }
            }
        }
        found
    }

    /// When `thing` was in `case`: as it is known at the end, and as it was known just before each
    /// declaration on that case's packing since the order.
    fn stays(&self, thing: Thing, case: Thing) -> Vec<Stay> {
        let on_case = |said: &Said| matches!(said.act, Act::Pack { case: it, .. } | Act::Unpack { case: it, .. } if it == case);
        let mut moments = vec![self.story.len()];
        for (place, said) in self.story.iter().enumerate() {
            if let Act::Correct(target) = said.act
                && place > self.order
                && on_case(&self.story[target])
            {
                moments.push(place);
            }
        }
        let mut found = Vec::new();
        for moment in moments {
            let mut known: Vec<(usize, &Said)> = self.story[..moment]
                .iter()
                .enumerate()
                .filter(|(place, _)| self.declared(*place).is_none_or(|at| at >= moment))
                .collect();
            known.sort_by_key(|(place, said)| (said.minute, *place));
            let mut open: Option<i64> = None;
            let mut last: Option<usize> = None;
            for (_, said) in known {
                match &said.act {
                    Act::Pack {
                        case: it, things, ..
                    } if *it == case && things.contains(&thing) && open.is_none() => {
                        open = Some(said.minute);
                        last = Some(found.len());
                        found.push((said.minute, i64::MAX));
                    }
                    Act::Unpack {
                        case: it, things, ..
                    } if *it == case => {
                        let named = things.contains(&thing);
                        let all = things.is_empty() && open.is_some();
                        // Part of a lot may leave later than the rest.
                        let lot = !(10..30).contains(&thing);
                        let rest = named && lot && last.is_some();
                        if all || named && open.is_some() || rest {
                            if let Some(last) = last {
                                found[last].1 = said.minute;
                            }
                            open = None;
                        }
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Whether the order reaches `thing`, whose whereabouts matter until then.
    ///
    /// `near`: whether it is in the hand, or the lot of what is.
    fn stopped(
        &self,
        thing: Thing,
        near: bool,
        until: i64,
        seen: &mut BTreeSet<(Thing, bool, i64)>,
    ) -> bool {
        if !seen.insert((thing, near, until)) {
            return false;
        }
        let Act::Recall {
            thing: bad,
            forward,
        } = self.story[self.order].act
        else {
            unreachable!("an order")
        };
        let counts = near || forward;
        if thing == bad && counts {
            return true;
        }
        if counts && is_case(bad) && self.was_in(thing, bad, (i64::MIN, until), 0) {
            return true;
        }
        for other in self.same(thing) {
            if self.stopped(other, near, until, seen) {
                return true;
            }
        }
        if near {
            // What is in it now, at the end of all minutes.
            for child in 0..36 {
                let inside = |stay: &Stay| stay.0 <= NOW && NOW < stay.1;
                if child != thing
                    && self.stays(child, thing).iter().any(inside)
                    && self.stopped(child, true, until, seen)
                {
                    return true;
                }
            }
        }
        for said in self.acts() {
            let found = match &said.act {
                Act::Brew {
                    inputs, outputs, ..
                } if outputs.contains(&thing) => inputs
                    .iter()
                    .any(|input| self.stopped(*input, false, said.minute, seen)),
                Act::Box { lot, serials, .. } if serials.contains(&thing) => {
                    self.stopped(*lot, near, until, seen)
                }
                _ => false,
            };
            if found {
                return true;
            }
        }
        false
    }

    /// Whether `thing` was in the recalled case, or in something in it, when that was ordered or
    /// later.
    fn was_in(&self, thing: Thing, bad: Thing, outer: Stay, depth: u8) -> bool {
        let ordered = i64::try_from(self.order).unwrap();
        (20..24).filter(|case| *case != thing).any(|case| {
            self.stays(thing, case).iter().any(|stay| {
                let both = (stay.0.max(outer.0), stay.1.min(outer.1));
                both.0 <= both.1
                    && (case == bad && both.1 >= ordered
                        || depth < 5 && self.was_in(case, bad, both, depth + 1))
            })
        })
    }

    /// Everything reached forward from the ordered thing.
    fn forward(&self, from: Thing) -> BTreeSet<Thing> {
        let mut goods = BTreeSet::from([from]);
        let mut cases: BTreeSet<(Thing, Stay)> = BTreeSet::new();
        // A case asked for: during all of time.
        let mut open: BTreeSet<(Thing, Stay)> = BTreeSet::new();
        open.insert((from, (i64::MIN, i64::MAX)));
        loop {
            let before = (goods.len(), cases.len(), open.len());
            for thing in goods.clone() {
                goods.extend(self.same(thing));
                for said in self.acts() {
                    match &said.act {
                        Act::Brew {
                            inputs, outputs, ..
                        } if inputs.contains(&thing) => {
                            goods.extend(outputs);
                        }
                        Act::Box { lot, serials, .. } if *lot == thing => goods.extend(serials),
                        _ => {}
                    }
                }
                for case in (20..24).filter(|case| *case != thing) {
                    cases.extend(self.stays(thing, case).into_iter().map(|stay| (case, stay)));
                }
            }
            for (inner, up) in cases.clone() {
                for case in (20..24).filter(|case| *case != inner) {
                    for stay in self.stays(inner, case) {
                        let both = (stay.0.max(up.0), stay.1.min(up.1));
                        if both.0 <= both.1 {
                            cases.insert((case, both));
                        }
                    }
                }
            }
            for (case, during) in open.clone() {
                for child in (0..36).filter(|child| *child != case) {
                    for stay in self.stays(child, case) {
                        let both = (stay.0.max(during.0), stay.1.min(during.1));
                        if both.0 <= both.1 {
                            goods.insert(child);
                            open.insert((child, both));
                        }
                    }
                }
            }
            if (goods.len(), cases.len(), open.len()) == before {
                break;
            }
        }
        goods.extend(cases.into_iter().map(|(case, _)| case));
        goods
    }
}

/// The minute at which pages are looked at: after everything that happens.
const NOW: i64 = 1_000;

/// One number as an act.
fn act(draw: (u8, u8, u8, u8, u8, bool)) -> Act {
    let (kind, by, one, two, three, flag) = draw;
    let by = by % FIRMS;
    let (lot, serial, case) = (one % 6, 10 + two % 6, 20 + three % 4);
    let thing = |number: u8| match number % 3 {
        0 => number % 6,
        1 => 10 + number % 6,
        _ => 20 + number % 4,
    };
    match kind % 12 {
        0 => Act::Make { by, lot },
        1..=3 => Act::Brew {
            by,
            inputs: [two % 6, three % 6]
                .into_iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            outputs: vec![lot],
            split: flag,
        },
        4 => Act::Box {
            by,
            lot,
            serials: [serial, 10 + three % 6]
                .into_iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        },
        5..=7 => Act::Pack {
            by,
            case,
            things: vec![thing(two)],
        },
        8 => Act::Unpack {
            by,
            case,
            things: if flag { Vec::new() } else { vec![thing(two)] },
        },
        9 => Act::Recode {
            by: if flag { STRANGER } else { by },
            old: lot,
            new: 30 + lot,
        },
        10 => Act::Correct(usize::from(one)),
        _ => Act::Recall {
            thing: thing(two),
            forward: flag,
        },
    }
}

fn stories() -> impl Strategy<Value = Vec<Said>> {
    let draw = (
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        any::<bool>(),
    );
    proptest::collection::vec((draw, 0..30_i64), 4..28).prop_map(|draws| {
        let mut story: Vec<Said> = Vec::new();
        // Each lot is begun by firm 0, so that a re-coding by it counts; others have no goods.
        for lot in 0..6 {
            story.push(Said {
                act: Act::Make { by: 0, lot },
                minute: -10,
            });
        }
        for (draw, minute) in draws {
            let mut next = act(draw);
            match &mut next {
                // Making is never taken back, and never another's, so that it proves the firm.
                Act::Make { .. } => continue,
                Act::Recode { by, .. } if *by != STRANGER => *by = 0,
                Act::Correct(target) => {
                    let packs = |said: &Said| {
                        matches!(
                            said.act,
                            Act::Pack { .. }
                                | Act::Unpack { .. }
                                | Act::Brew { .. }
                                | Act::Box { .. }
                        )
                    };
                    let places: Vec<usize> = (0..story.len())
                        .filter(|place| packs(&story[*place]))
                        .filter(|place| {
                            !story.iter().any(
                                |said| matches!(said.act, Act::Correct(other) if other == *place),
                            )
                        })
                        .collect();
                    if places.is_empty() {
                        continue;
                    }
                    *target = places[*target % places.len()];
                }
                Act::Pack { case, things, .. } | Act::Unpack { case, things, .. } => {
                    things.retain(|thing| thing != case);
                    if things.is_empty() && matches!(next, Act::Pack { .. }) {
                        continue;
                    }
                }
                Act::Brew { by, .. } | Act::Box { by, .. } => *by = 0,
                Act::Recode { .. } | Act::Recall { .. } => {}
            }
            story.push(Said { act: next, minute });
        }
        story
    })
}

fn parse(thing: Thing) -> Identifier {
    Identifier::parse(&id(thing)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn forward_and_back_are_what_brute_force_over_the_raw_acts_finds(story in stories()) {
        let mut lists = Lists::of(&story);
        let as_of = UnixMillis(millis(NOW));
        let orders: Vec<usize> = (0..story.len())
            .filter(|place| matches!(story[*place].act, Act::Recall { .. }))
            .collect();
        let mut turned: BTreeSet<Thing> = BTreeSet::new();
        for &order in &orders {
            let Act::Recall { thing, .. } = story[order].act else { unreachable!() };
            let brute = Brute { story: &story, order };
            let start = [Start::Item(parse(thing))];
            let found = forward(&mut lists, &start, as_of, Limits::RECALL).unwrap();
            prop_assert!(found.cut.is_none());
            let reached: BTreeSet<String> = found
                .items
                .iter()
                .filter(|one| one.taken_back.is_none_or(|until| until.0 > leaf(order)))
                .map(|one| one.item.clone())
                .collect();
            let expected: BTreeSet<String> =
                brute.forward(thing).into_iter().map(id).collect();
            prop_assert_eq!(&reached, &expected, "forward from {}", id(thing));
            for thing in (0..6).chain(10..16).chain(20..24).chain(30..36) {
                if brute.stopped(thing, true, i64::MAX, &mut BTreeSet::new()) {
                    turned.insert(thing);
                }
            }
        }
        for thing in (0..6).chain(10..16).chain(20..24).chain(30..36) {
            let answer = trace(&mut lists, &parse(thing), as_of, Limits::RECALL).unwrap();
            prop_assert_eq!(
                !answer.orders.is_empty(), turned.contains(&thing),
                "the page of {}: {:?}", id(thing), answer.orders
            );
        }
    }
}
