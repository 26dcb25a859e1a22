//! Takes out of an answer what its reader may not see.
//!
//! The story stays: what happened, on which day, in which district, by whom by role. Who is not to
//! be named gets a number that holds in this one answer, so that one can still follow who had the
//! goods, and two answers never show that they speak of the same shop. Nothing that would find an
//! event again is left: no place on the log, no event id, no time of day.

use super::{Entitled, Party, Reader, Sight};
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::provenance::across::{Chain, Section, Told, names};
use crate::provenance::answer::{self, Answer, Free, Moment, Place, Step, StepKind, Subject};
use crate::provenance::{Affected, Case, Forward, How};
use crate::state::Role;
use crate::store::EventRef;
use crate::time::parse_offset;
use std::collections::{BTreeMap, BTreeSet};

/// What stands before the number of a place, party or thing that is not named.
pub const UNNAMED: &str = "urn:suyuan:unnamed:";

/// China has one time zone.
const CHINA_MS: i64 = 8 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Offices speak in public.
const OFFICES: [Role; 3] = [Role::Authority, Role::Laboratory, Role::Regulator];

/// Whether a handle is a number of this module and nobody's: it then leads nowhere.
#[must_use]
pub fn is_numbered(handle: Handle) -> bool {
    number(&handle).is_some()
}

/// The number of somebody who is not named, in the one answer that gave it.
#[must_use]
pub fn number(handle: &Handle) -> Option<u32> {
    let (zeros, number) = handle.0.split_last_chunk()?;
    zeros
        .iter()
        .all(|byte| *byte == 0)
        .then(|| u32::from_be_bytes(*number))
}

/// Limits an answer to what `reader` may see. `sight`: how much of each event that is.
pub fn answer(answer: &mut Answer, reader: &Reader, sight: impl Fn(EventRef) -> Sight) {
    limit(answer, reader, &sight);
}

/// As [`answer()`]; a chain may hold a part that this same log told.
fn limit(answer: &mut Answer, reader: &Reader, sight: &dyn Fn(EventRef) -> Sight) {
    let (entitled, me) = match reader {
        Reader::Confidential | Reader::All => return,
        Reader::Public => (None, None),
        Reader::Bearer(entitled) => (Some(&**entitled), Some(entitled.bearer.handle())),
    };
    for step in &mut answer.steps {
        if sight(step.at) >= Sight::Named {
            step.free = Free::Whole;
        }
    }
    let mut named = in_public(answer);
    named.extend(me);
    if close_container(answer, &named) {
        named = in_public(answer);
        named.extend(me);
    }
    let known = answer
        .participants
        .iter()
        .filter(|(handle, party)| knows(entitled, **handle, &party.district));
    named.extend(known.map(|(handle, _)| *handle));
    let told: BTreeSet<String> = answer
        .steps
        .iter()
        .flat_map(|step| {
            step.concerns
                .iter()
                .chain(&step.inputs)
                .chain(&step.outputs)
        })
        .cloned()
        .chain([answer.item.clone()])
        .collect();
    let mut numbers = Numbers::new(named);
    for step in &mut answer.steps {
        numbers.step(step, &answer.participants, &answer.places);
    }
    let outlined = !numbers.events.is_empty();
    // A container, or goods in one, that the answer does not name is not named by a link either.
    let seen = |at: Option<EventRef>| at.is_some_and(|at| sight(at) >= Sight::Named);
    answer
        .links
        .retain(|link| told.contains(&link.item) || seen(link.shipped) || seen(link.received));
    if let Some(elsewhere) = &mut answer.chain {
        chain(elsewhere, reader, sight);
        let linked = answer.links.iter().map(|link| &link.item);
        keep_named(elsewhere, told.iter().chain(linked).cloned().collect());
    }
    for step in &mut answer.steps {
        if step.free == Free::Outline
            && let Some(foreign) = &mut step.imported
        {
            foreign.at = None;
        }
    }
    for link in &mut answer.links {
        if !seen(link.received) {
            link.received = None;
            link.shipped = None;
            link.recorded = day(link.recorded, CHINA_MS);
        }
    }
    for test in &mut answer.tests {
        let at = numbers.event(test.at);
        if at != test.at {
            test.at = at;
            test.document = None;
            if let Some(foreign) = &mut test.imported {
                foreign.at = None;
            }
            test.time = day(test.time, 0);
        }
        test.issuer = numbers.handle(test.issuer);
    }
    for one in &mut answer.breaks {
        one.at = one.at.map(|at| numbers.event(at));
        one.whose = one.whose.as_deref().map(|whose| numbers.whose(whose));
        if !told.contains(&one.item) {
            one.item = numbers.thing(&one.item);
        }
    }
    for finding in answer.findings.iter_mut().chain(&mut answer.closed) {
        for at in &mut finding.events {
            *at = numbers.event(*at);
        }
        if outlined {
            finding.opened_at = day(finding.opened_at, CHINA_MS);
            finding.closed_at = finding.closed_at.map(|at| day(at, CHINA_MS));
        }
        finding.whose = finding.whose.as_deref().map(|whose| numbers.whose(whose));
        if !told.contains(&finding.item) {
            finding.item = numbers.thing(&finding.item);
        }
    }
    for stretch in &mut answer.temperature {
        stretch.holder = numbers.handle(stretch.holder);
        for at in &mut stretch.events {
            *at = numbers.event(*at);
        }
        if outlined {
            // It begins and ends with a hand-over: to the hour around it.
            stretch.from = hour(stretch.from);
            // A reading that lasts is cut at the hand-over, to the millisecond.
            stretch.readings = by_hour(&stretch.readings);
            stretch.hourly = true;
            let until = stretch.until.0.0.div_euclid(HOUR_MS).saturating_add(1);
            stretch.until = Moment(UnixMillis(until.saturating_mul(HOUR_MS)));
        }
        if !told.contains(&stretch.container) {
            stretch.container = numbers.thing(&stretch.container);
        }
    }
    for stop in &mut answer.orders {
        stop.by = numbers.handle(stop.by);
        stop.at = numbers.event(stop.at);
        if !told.contains(&stop.item) {
            stop.item = numbers.thing(&stop.item);
        }
    }
    if let Some(cut) = &mut answer.cut
        && !told.contains(&cut.item)
    {
        cut.item.clone_from(&answer.item);
    }
    answer.subject.maker = answer.subject.maker.map(|maker| numbers.handle(maker));
    let Numbers {
        handles,
        places,
        shown: named,
        ..
    } = numbers;
    let all = std::mem::take(&mut answer.participants);
    answer.participants = parties(all, &handles, &named);
    let shown: BTreeSet<&String> = answer
        .steps
        .iter()
        .filter_map(|step| step.place.as_ref())
        .collect();
    answer.places.retain(|id, _| shown.contains(id));
    answer.places.extend(places);
}

/// Limits the parts of other logs in a chain. What another region shows this one under an agreement
/// is for its authorities; everyone else sees of it what everyone sees over there. What this log
/// itself told of them is limited as its own answer is, for authorities too.
fn chain(chain: &mut Chain, reader: &Reader, sight: &dyn Fn(EventRef) -> Sight) {
    let office = match reader {
        Reader::Confidential | Reader::All => true,
        Reader::Public => false,
        Reader::Bearer(entitled) => {
            let roles = entitled.bearer.roles();
            roles.has(Role::Authority) || roles.has(Role::Regulator)
        }
    };
    for section in &mut chain.sections {
        let Told::Proved(part) = &mut section.told else {
            continue;
        };
        if section.log == chain.log {
            limit(&mut part.answer, reader, sight);
        } else if !office {
            limit(&mut part.answer, &Reader::Public, &|_| Sight::Outline);
        }
    }
    if !office {
        for finding in &mut chain.findings {
            finding.events.clear();
        }
    }
}

/// Keeps of a chain the parts about goods that the answer names, or a part that is kept.
fn keep_named(chain: &mut Chain, mut named: BTreeSet<String>) {
    let mut nearest: Vec<&Section> = chain.sections.iter().collect();
    nearest.sort_by_key(|section| section.depth);
    for section in nearest {
        if named.contains(&section.item)
            && let Told::Proved(part) = &section.told
        {
            named.extend(names(&part.answer));
        }
    }
    chain.sections.retain(|one| named.contains(&one.item));
    chain.findings.retain(|one| named.contains(&one.item));
}

/// Limits a forward trace. An item that another made of the goods is shown as such, and named to
/// those who may see how it was made; to whom the reader itself handed goods, it knows.
pub fn forward(found: &mut Forward, reader: &Reader, sight: impl Fn(EventRef) -> Sight) {
    let Reader::Bearer(entitled) = reader else {
        return;
    };
    let mut numbers = Numbers::new(known_in(&found.items, &found.participants, entitled));
    affected(&mut found.items, &mut numbers, sight);
    found.add_up();
    let all = std::mem::take(&mut found.participants);
    found.participants = parties(all, &numbers.handles, &numbers.shown);
    let products = products_of(&found.items);
    found.products.retain(|id, _| products.contains(id));
    close_cut(&mut found.cut, &found.items);
}

/// Limits a case: the goods as in a forward trace, and of whom the reader may not know no more
/// than whether, and on which day, they answered.
pub fn case(found: &mut Case, reader: &Reader, sight: impl Fn(EventRef) -> Sight) {
    let Reader::Bearer(entitled) = reader else {
        return;
    };
    let named = known_in(&found.items, &found.participants, entitled);
    let mut numbers = Numbers::new(named);
    for one in &mut found.head.orders {
        numbers.named.insert(one.by);
        numbers.shown.insert(one.by);
    }
    numbers.named.insert(found.head.opened_by);
    numbers.shown.insert(found.head.opened_by);
    affected(&mut found.items, &mut numbers, sight);
    for one in &mut found.holders {
        let holder = numbers.handle(one.holder);
        let known = holder == one.holder;
        one.holder = holder;
        for answers in [&mut one.returned, &mut one.destroyed, &mut one.corrected] {
            answers.retain(|_| known);
            for answer in answers {
                answer.item = numbers.known_thing(&answer.item);
            }
        }
        if !known {
            one.acknowledged = one.acknowledged.map(|at| day(at, CHINA_MS));
        }
    }
    found.add_up();
    for beyond in &mut found.beyond {
        *beyond = numbers.whose(beyond);
    }
    let all = std::mem::take(&mut found.participants);
    found.participants = parties(all, &numbers.handles, &numbers.shown);
    let products = products_of(&found.items);
    found.products.retain(|id, _| products.contains(id));
    close_cut(&mut found.cut, &found.items);
}

/// Whom a reader may know by name among those who have or had affected goods.
fn known_in(
    items: &[Affected],
    participants: &BTreeMap<Handle, answer::Party>,
    entitled: &Entitled,
) -> BTreeSet<Handle> {
    let me = entitled.bearer.handle();
    let mut named = BTreeSet::from([me]);
    for (handle, party) in participants {
        if knows(Some(entitled), *handle, &party.district) || is_office(party) {
            named.insert(*handle);
        }
    }
    let handed = items.iter().flat_map(|item| &item.handed);
    named.extend(handed.filter(|(_, from)| *from == me).map(|(to, _)| *to));
    named
}

fn affected(items: &mut [Affected], numbers: &mut Numbers, sight: impl Fn(EventRef) -> Sight) {
    for item in items {
        let direct = matches!(item.how, How::Asked | How::Seen);
        let seen = direct || item.at.is_some_and(|at| sight(at) >= Sight::Named);
        if !seen {
            item.item = numbers.thing(&item.item);
            item.at = item.at.map(|at| numbers.number(at));
            item.taken_back = item.taken_back.map(|_| LeafIndex(0));
        }
        item.via = item.via.as_deref().map(|via| numbers.known_thing(via));
        for holder in &mut item.holders {
            *holder = numbers.handle(*holder);
        }
        for to in &mut item.under_way {
            *to = numbers.whose(to);
        }
        if let Some(amounts) = &mut item.amounts {
            let by = std::mem::take(&mut amounts.by);
            amounts.by = by
                .into_iter()
                .map(|(holder, amount)| (numbers.handle(holder), amount))
                .collect();
        }
    }
}

/// Where an answer was cut is told by an item that it shows.
fn close_cut(cut: &mut Option<answer::Cut>, items: &[Affected]) {
    let Some(cut) = cut else { return };
    if !items.iter().any(|one| one.item == cut.item) {
        cut.item = items
            .first()
            .map_or_else(String::new, |one| one.item.clone());
    }
}

fn products_of(items: &[Affected]) -> BTreeSet<String> {
    let parsed = items
        .iter()
        .filter_map(|item| Identifier::parse(&item.item).ok()?.product());
    parsed.map(|product| product.as_str().to_owned()).collect()
}

/// Whether a bearer may trace items forward: of each, who has or had it, who may see its making, and who
/// has a say over one of these.
#[must_use]
pub fn may_forward(found: &Forward, reader: &Reader, sight: impl Fn(EventRef) -> Sight) -> bool {
    let entitled = match reader {
        Reader::Confidential | Reader::All => return true,
        Reader::Public => return false,
        Reader::Bearer(entitled) => entitled,
    };
    let keeper = |handle: &Handle| {
        let district = found
            .participants
            .get(handle)
            .map(|party| party.district.as_str());
        knows(Some(&**entitled), *handle, district.unwrap_or_default())
    };
    let mut asked = found.items.iter().filter(|item| item.depth == 0).peekable();
    asked.peek().is_some()
        && asked.all(|asked| {
            asked.keepers.iter().any(keeper) || asked.at.is_some_and(|at| sight(at) >= Sight::Named)
        })
}

/// Whether a bearer has a part in a case: it may know who opened it, or one who is proved to have
/// had what was ordered to stop or came of it. To answer a case gives no part in it, nor to claim
/// that one's own goods were made of another's.
#[must_use]
pub fn may_case(found: &Case, reader: &Reader) -> bool {
    let entitled = match reader {
        Reader::Confidential | Reader::All => return true,
        Reader::Public => return false,
        Reader::Bearer(entitled) => entitled,
    };
    let known = |handle: &Handle| {
        let party = found.participants.get(handle);
        let district = party.map_or("", |party| party.district.as_str());
        knows(Some(&**entitled), *handle, district)
    };
    // Nearest first, so that what an item came of was judged before it.
    let mut sound: BTreeMap<&str, &BTreeSet<Handle>> = BTreeMap::new();
    for item in &found.items {
        let of = item.via.as_deref().and_then(|via| sound.get(via));
        let made = item.how == How::Made;
        let counts = match of {
            Some(keepers) => !made || !keepers.is_disjoint(&item.keepers),
            None => item.depth == 0,
        };
        if counts {
            sound.insert(&item.item, &item.keepers);
        }
    }
    known(&found.head.opened_by) || sound.into_values().flatten().any(known)
}

fn knows(entitled: Option<&Entitled>, handle: Handle, district: &str) -> bool {
    let district = district.to_owned();
    entitled.is_some_and(|entitled| entitled.knows(&Party { handle, district }))
}

fn is_office(party: &answer::Party) -> bool {
    party.roles.iter().any(|role| OFFICES.contains(role))
}

/// Who is named to everyone: who made the goods of this story, who stops or warns of them, offices.
/// Who appears in a step that this reader may see is named to it.
fn in_public(answer: &Answer) -> BTreeSet<Handle> {
    let mut named: BTreeSet<Handle> = answer.orders.iter().map(|stop| stop.by).collect();
    for step in answer.steps.iter().filter(|step| step.free >= Free::Result) {
        named.insert(step.issuer);
        named.extend(step.signer);
        let other = step
            .counterpart
            .as_deref()
            .filter(|_| step.free == Free::Whole);
        named.extend(other.and_then(participant));
    }
    let offices = answer
        .participants
        .iter()
        .filter(|(_, party)| is_office(party));
    named.extend(offices.map(|(handle, _)| *handle));
    named
}

/// What is inside a container is told to those who may know who packed it: else its number would
/// lead from a distributor to the goods it buys.
fn close_container(answer: &mut Answer, named: &BTreeSet<Handle>) -> bool {
    let item = answer.item.clone();
    let packs = |step: &&Step| step.kind == StepKind::Packed && step.concerns.contains(&item);
    let mut packers = answer.steps.iter().filter(packs);
    if !answer.contents || packers.all(|step| named.contains(&step.issuer)) {
        return false;
    }
    answer.steps.retain(|step| step.concerns.contains(&item));
    for step in &mut answer.steps {
        step.concerns.retain(|one| *one == item);
        step.inputs.clear();
        step.outputs.clear();
    }
    let at: BTreeSet<EventRef> = answer.steps.iter().map(|step| step.at).collect();
    answer.closed.clear();
    answer.tests.retain(|test| test.item == item);
    answer.breaks.retain(|one| one.item == item);
    answer
        .findings
        .retain(|one| one.item == item && one.events.iter().all(|event| at.contains(event)));
    answer.temperature.retain(|one| one.container == item);
    answer.products.clear();
    answer.subject = Subject::default();
    true
}

fn participant(id: &str) -> Option<Handle> {
    Handle::parse(id).or_else(|| Identifier::parse(id).ok()?.participant_handle())
}

/// The day of a moment, as its offset from UTC has it.
fn day(moment: Moment, offset_ms: i64) -> Moment {
    let local = moment.0.0.saturating_add(offset_ms);
    Moment(UnixMillis(
        local
            .saturating_sub(local.rem_euclid(DAY_MS))
            .saturating_sub(offset_ms),
    ))
}

/// The full hour before a moment.
const fn hour(moment: Moment) -> Moment {
    Moment(UnixMillis(moment.0.0.div_euclid(HOUR_MS) * HOUR_MS))
}

/// Of each hour the lowest and the highest reading, at the full hour before them.
fn by_hour(readings: &[(Moment, i32)]) -> Vec<(Moment, i32)> {
    let mut hours: BTreeMap<Moment, (i32, i32)> = BTreeMap::new();
    for (at, tenths) in readings {
        let (lowest, highest) = hours.entry(hour(*at)).or_insert((*tenths, *tenths));
        *lowest = (*lowest).min(*tenths);
        *highest = (*highest).max(*tenths);
    }
    let points = hours.into_iter().flat_map(|(at, (lowest, highest))| {
        let second = (highest > lowest).then_some((at, highest));
        [Some((at, lowest)), second].into_iter().flatten()
    });
    points.collect()
}

fn parties(
    all: BTreeMap<Handle, answer::Party>,
    numbered: &BTreeMap<Handle, Handle>,
    shown: &BTreeSet<Handle>,
) -> BTreeMap<Handle, answer::Party> {
    all.into_iter()
        .filter_map(|(handle, party)| {
            if let Some(number) = numbered.get(&handle) {
                let answer::Party {
                    district, roles, ..
                } = party;
                let unnamed = answer::Party {
                    district,
                    roles,
                    ..answer::Party::default()
                };
                return Some((*number, unnamed));
            }
            shown.contains(&handle).then_some((handle, party))
        })
        .collect()
}

/// What stands for whom, in one answer.
struct Numbers {
    named: BTreeSet<Handle>,
    /// Those of them that the answer still names.
    shown: BTreeSet<Handle>,
    handles: BTreeMap<Handle, Handle>,
    events: BTreeMap<EventRef, EventRef>,
    /// Events that are shown where they stand.
    told: BTreeSet<EventRef>,
    things: BTreeMap<String, String>,
    places: BTreeMap<String, Place>,
}

impl Numbers {
    const fn new(named: BTreeSet<Handle>) -> Self {
        Self {
            named,
            shown: BTreeSet::new(),
            handles: BTreeMap::new(),
            events: BTreeMap::new(),
            told: BTreeSet::new(),
            things: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    fn handle(&mut self, handle: Handle) -> Handle {
        if self.named.contains(&handle) {
            self.shown.insert(handle);
            return handle;
        }
        let next = u32::try_from(self.handles.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        *self.handles.entry(handle).or_insert_with(|| {
            let mut bytes = [0; 16];
            bytes[12..].copy_from_slice(&next.to_be_bytes());
            Handle(bytes)
        })
    }

    /// A number for an event. Leaf 0 is the founding entry, where no event stands.
    fn number(&mut self, at: EventRef) -> EventRef {
        let index = u16::try_from(self.events.len()).unwrap_or(u16::MAX);
        let leaf = LeafIndex(0);
        *self.events.entry(at).or_insert(EventRef { leaf, index })
    }

    /// The event as the steps have it; a number for one that no step shows.
    fn event(&mut self, at: EventRef) -> EventRef {
        if self.told.contains(&at) {
            at
        } else {
            self.number(at)
        }
    }

    fn thing(&mut self, id: &str) -> String {
        let next = self.things.len() + 1;
        let name = || format!("{UNNAMED}{next}");
        self.things
            .entry(id.to_owned())
            .or_insert_with(name)
            .clone()
    }

    fn known_thing(&self, id: &str) -> String {
        self.things
            .get(id)
            .map_or_else(|| id.to_owned(), Clone::clone)
    }

    /// A party as breaks and findings name it. What is no known participant gets a number too: a
    /// location number is a name.
    fn whose(&mut self, id: &str) -> String {
        match participant(id) {
            Some(handle) => Identifier::participant(self.handle(handle))
                .as_str()
                .to_owned(),
            None => self.thing(id),
        }
    }

    fn step(
        &mut self,
        step: &mut Step,
        parties: &BTreeMap<Handle, answer::Party>,
        places: &BTreeMap<String, Place>,
    ) {
        if step.free == Free::Whole {
            // Nothing is taken out; who is named is noted.
            self.told.insert(step.at);
            self.shown.insert(step.issuer);
            self.shown.extend(step.signer);
            self.shown
                .extend(step.counterpart.as_deref().and_then(participant));
            self.shown
                .extend(step.place.as_deref().and_then(participant));
            return;
        }
        let issuer = step.issuer;
        step.issuer = self.handle(issuer);
        step.signer = step.signer.map(|signer| self.handle(signer));
        step.counterpart = step.counterpart.as_deref().map(|other| self.whose(other));
        step.place = step.place.as_deref().map(|place| {
            let number = self.thing(place);
            let own = places.get(place);
            let district = own
                .map(|place| &place.district)
                .filter(|text| !text.is_empty());
            let district = district.or_else(|| parties.get(&issuer).map(|party| &party.district));
            let shown = Place {
                district: district.cloned().unwrap_or_default(),
                kind: own.map(|place| place.kind.clone()).unwrap_or_default(),
                ..Place::default()
            };
            self.places.insert(number.clone(), shown);
            number
        });
        if step.free == Free::Result {
            self.told.insert(step.at);
            return;
        }
        step.at = self.number(step.at);
        step.event_id = None;
        let offset = parse_offset(&step.offset).unwrap_or_default();
        step.time = day(step.time, offset);
        step.recorded = day(step.recorded, offset);
        if step.kind == StepKind::Ended {
            // Of a sale: the day and the district.
            step.signer = None;
            step.counterpart = None;
        }
    }
}
