//! Admission of events, rules version 1: time, role, prefix, duplicates; and their effects.

use super::{EVENT_AHEAD_MAX_MS, Moment, Refusal};
use crate::access::open::{Openings, Openness, open_list};
use crate::event::{Action, Event, EventKind, Role as ObjectRole};
use crate::event_proof::ForeignEvent;
use crate::hash::Digest;
use crate::identifier::{Identifier, Kind};
use crate::ids::{Handle, UnixMillis};
use crate::reject::RejectReason;
use crate::state::{
    Class, Effects, EventRecord, Participant, PrefixOwners, Record as _, Role, Roles, State,
    StateKey,
};
use std::borrow::Cow;

/// An event with what admission asks of its identifiers, read once and off the sequencer's thread.
#[derive(Clone, Debug)]
pub(super) struct Said {
    event: Event,
    /// The items it touches, in order.
    items: Vec<Touched>,
    /// The goods it brings into being.
    created: Vec<Identifier>,
    names_no_goods: bool,
    /// Whose place it stands on the list of, where it names no goods.
    read_at: Option<Handle>,
    /// Whether everyone may see it whoever says it, because it warns.
    warns: bool,
}

/// An item that an event touches: its whole list, and perhaps its open one.
#[derive(Clone, Debug)]
struct Touched {
    whole: Digest,
    open: Option<Opening>,
}

/// An open list that an event may join.
#[derive(Clone, Debug)]
struct Opening {
    item: String,
    list: Digest,
    when: Openness,
}

impl From<Event> for Said {
    fn from(event: Event) -> Self {
        let openings = Openings::of(&event);
        let (items, place) = (event.items(), read_at(&event));
        Self {
            items: touched(&items, &openings),
            warns: openings.warns(),
            created: created(&event).collect(),
            names_no_goods: lists_a_standing(&items, place),
            read_at: place,
            event,
        }
    }
}

fn touched(items: &[Cow<'_, str>], openings: &Openings) -> Vec<Touched> {
    let one = |item: &Cow<'_, str>| Touched {
        whole: StateKey::item(item).digest,
        open: openings.under(item).map(|when| Opening {
            item: item.to_string(),
            list: StateKey::item(&open_list(item)).digest,
            when,
        }),
    };
    items.iter().map(one).collect()
}

/// State keys that admitting `events` will read.
pub(super) fn keys(issuer: Handle, events: &[Said], keys: &mut Vec<StateKey>) {
    let list = |digest: Digest| StateKey {
        class: Class::Item,
        digest,
    };
    for said in events {
        keys.extend(said.items.iter().map(|item| list(item.whole)));
        let open = said.items.iter().filter_map(|item| item.open.as_ref());
        keys.extend(open.map(|opening| list(opening.list)));
        if let Some(id) = said.event.event_id() {
            keys.push(StateKey::event(issuer, id));
        }
        keys.extend(said.created.iter().filter_map(prefix_key));
    }
}

/// Whether an event stands on an item's open list, which depends on who says it.
fn opens(
    state: &mut impl State,
    opening: &Opening,
    event: &Event,
    handle: Handle,
    roles: Roles,
) -> Result<bool, Refusal> {
    if opening.when == Openness::Always {
        return Ok(true);
    }
    let office = [Role::Laboratory, Role::Authority, Role::Regulator];
    let speaks = office.into_iter().any(|role| roles.has(role))
        || owner(state, &opening.item)? == Some(handle);
    let mut parties = event.sources().chain(event.destinations());
    if !speaks || parties.next().is_some() {
        return Ok(false);
    }
    // Where a laboratory took its sample would say who had the goods.
    for place in [event.biz_location(), event.read_point()]
        .into_iter()
        .flatten()
    {
        if owner(state, place)?.is_some_and(|owner| owner != handle) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Checks that a warning, which everyone may see, names no place of another and no other party:
/// where a laboratory took its sample, or who brings recalled goods back, says who had the goods.
fn warns_of_nobody_else(
    state: &mut impl State,
    index: u16,
    event: &Event,
    handle: Handle,
) -> Result<(), Refusal> {
    let places = [
        ("/bizLocation", event.biz_location()),
        ("/readPoint", event.read_point()),
    ];
    for (path, place) in places {
        if let Some(place) = place
            && owner(state, place)?.is_some_and(|owner| owner != handle)
        {
            let path = path.to_owned();
            return Err(RejectReason::FieldNotPublic { index, path }.into());
        }
    }
    let sources = event.sources().map(|(_, id)| ("/sourceList", id));
    let destinations = event.destinations().map(|(_, id)| ("/destinationList", id));
    for (path, party) in sources.chain(destinations) {
        // A number that belongs to nobody here may be anyone's.
        if owner(state, party)? != Some(handle) {
            let path = path.to_owned();
            return Err(RejectReason::FieldNotPublic { index, path }.into());
        }
    }
    Ok(())
}

/// Who owns the prefix or handle in an identifier, or is it.
fn owner(state: &mut impl State, id: &str) -> Result<Option<Handle>, Refusal> {
    let Ok(identifier) = Identifier::parse(id) else {
        return Ok(None);
    };
    match identifier.participant_handle() {
        Some(handle) => Ok(Some(handle)),
        None => owner_of(state, &identifier),
    }
}

/// What events do to the state, or why they may not be said.
pub(super) fn effects(
    state: &mut impl State,
    handle: Handle,
    issuer: &Participant,
    events: &[Said],
    moment: Moment<'_>,
) -> Result<Effects, Refusal> {
    let mut effects = Effects::default();
    for (index, said) in (0_u16..).zip(events) {
        let event = &said.event;
        in_time(index, event, moment.time)?;
        if !issuer.roles.iter().any(|role| may_say(role, said)) {
            let what = event.kind().as_str();
            return Err(RejectReason::RoleForbids { index, what }.into());
        }
        let elsewhere = said.read_at.is_some_and(|place| place != handle);
        if said.names_no_goods || elsewhere {
            let what = "a participant or licence in place of goods";
            return Err(RejectReason::RoleForbids { index, what }.into());
        }
        if said.warns {
            warns_of_nobody_else(state, index, event, handle)?;
        }
        own_prefixes(state, index, &said.created, handle)?;
        register(state, index, event, handle, moment, &mut effects)?;
        list(state, index, said, handle, issuer.roles, &mut effects)?;
    }
    Ok(effects)
}

/// Puts an event on the lists of everything it names.
fn list(
    state: &mut impl State,
    index: u16,
    said: &Said,
    handle: Handle,
    roles: Roles,
    effects: &mut Effects,
) -> Result<(), Refusal> {
    for item in &said.items {
        effects.touches.push((index, item.whole));
        if let Some(opening) = &item.open
            && opens(state, opening, &said.event, handle, roles)?
        {
            effects.touches.push((index, opening.list));
        }
    }
    Ok(())
}

/// What an event of another log does here: it joins the lists of what it names, as the word of one
/// who is no participant here, and brings no goods of anyone's prefix here into being. Its id is
/// that log's to keep unique. What warns is everyone's to see here, too: it must name nobody here.
pub(super) fn imported(
    state: &mut impl State,
    index: u16,
    told: ForeignEvent,
    now: UnixMillis,
    effects: &mut Effects,
) -> Result<(), Refusal> {
    let (issuer, roles) = (told.issuer, told.standing.roles);
    // Handles are each log's to give: one that gave a member's would speak in its name.
    if state
        .load::<Participant>(StateKey::participant(issuer))?
        .is_some()
    {
        return Err(RejectReason::ParticipantExists { handle: issuer }.into());
    }
    let said = Said::from(told.event);
    in_time(index, &said.event, now)?;
    if said.names_no_goods || said.read_at.is_some() {
        let what = "a participant or licence in place of goods";
        return Err(RejectReason::RoleForbids { index, what }.into());
    }
    if said.warns {
        warns_of_nobody_else(state, index, &said.event, issuer)?;
    }
    own_prefixes(state, index, &said.created, issuer)?;
    list(state, index, &said, issuer, roles, effects)
}

fn in_time(index: u16, event: &Event, now: UnixMillis) -> Result<(), RejectReason> {
    let declared = event
        .error_declaration()
        .and_then(|declaration| declaration.time);
    for time in [Some(event.time()), declared].into_iter().flatten() {
        if time.0 > now.0.saturating_add(EVENT_AHEAD_MAX_MS) {
            return Err(RejectReason::TimeInFuture {
                index,
                event: time,
                now,
            });
        }
    }
    Ok(())
}

/// Whether a participant of this role may say this at all. What is merely suspicious is a finding
/// later; here stands only what the role excludes.
fn may_say(role: Role, said: &Said) -> bool {
    let event = &said.event;
    let creates = !said.created.is_empty();
    let transforms = event.kind() == EventKind::Transformation;
    let ends = matches!(event.biz_step(), Some("retail_selling" | "dispensing"));
    match role {
        Role::Authority => false,
        Role::Carrier | Role::Laboratory => !creates && !transforms && !ends,
        Role::Regulator => event.action() == Some(Action::Observe) && !ends,
        Role::Retailer | Role::Site | Role::Distributor | Role::Processor | Role::Producer => true,
    }
}

/// Whether an event would stand on the list of somebody, as an object, a transformation or, where
/// it names none, as the place of a reading. A participant as such a place is for [`read_at`].
fn lists_a_standing(items: &[Cow<'_, str>], place: Option<Handle>) -> bool {
    items
        .iter()
        .filter_map(|item| Identifier::parse(item).ok())
        .filter(|identifier| place.is_none() || identifier.participant_handle() != place)
        .any(|identifier| is_standing(identifier.kind()))
}

/// The participant at whose place an event without objects was read: one that has no location
/// number of its own.
fn read_at(event: &Event) -> Option<Handle> {
    if event.transformation_id().is_some() || !event.objects().is_empty() {
        return None;
    }
    Identifier::parse(event.read_point()?)
        .ok()?
        .participant_handle()
}

/// Kinds of identifier that name somebody, a licence or a case. Their lists prove who is suspended,
/// whose a location number is and what was ordered: what others could add would crowd that out.
pub(super) const fn is_standing(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Party
            | Kind::Participant
            | Kind::Case
            | Kind::Uscc
            | Kind::FoodProductionLicence
            | Kind::FoodOperationLicence
            | Kind::FoodOperationFiling
    )
}

/// Goods that this event brings into being: commissioned or put out by a transformation, and the
/// lots of such serials. Pallets, crates and vehicles are not goods.
fn created(event: &Event) -> impl Iterator<Item = Identifier> {
    let lots = event.lots_made();
    let commissions = event.kind() == EventKind::Object && event.action() == Some(Action::Add);
    event
        .objects()
        .into_iter()
        .filter(move |object| match object.role {
            ObjectRole::Output => true,
            ObjectRole::Object => commissions,
            ObjectRole::Child | ObjectRole::Input | ObjectRole::Parent => false,
        })
        .filter_map(|object| Identifier::parse(object.id).ok())
        .filter(|identifier| is_goods(identifier.kind()))
        .chain(
            lots.into_iter()
                .filter_map(|lot| Identifier::parse(&lot).ok()),
        )
}

/// Kinds of identifier that name goods.
const fn is_goods(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Drug
            | Kind::Gtin
            | Kind::Lot
            | Kind::OwnLot
            | Kind::OwnProduct
            | Kind::Piece
            | Kind::Serial
            | Kind::ThirdPartySerial
    )
}

/// Where the owner of this identifier's GS1 prefix is recorded.
pub(super) fn prefix_key(identifier: &Identifier) -> Option<StateKey> {
    identifier
        .gs1_prefix_digits()
        .and_then(|digits| digits.get(..7))
        .map(StateKey::prefix)
}

/// Who owns the prefix or the handle in `identifier`, if anyone is known to.
pub(super) fn owner_of(
    state: &mut impl State,
    identifier: &Identifier,
) -> Result<Option<Handle>, Refusal> {
    if let Some(handle) = identifier.own_lot_handle() {
        return Ok(Some(handle));
    }
    let (Some(key), Some(digits)) = (prefix_key(identifier), identifier.gs1_prefix_digits()) else {
        return Ok(None);
    };
    let owners: Option<PrefixOwners> = state.load(key)?;
    Ok(owners.and_then(|owners| owners.owner_of(digits)))
}

fn own_prefixes(
    state: &mut impl State,
    index: u16,
    created: &[Identifier],
    issuer: Handle,
) -> Result<(), Refusal> {
    for identifier in created {
        if let Some(owner) = owner_of(state, identifier)?
            && owner != issuer
        {
            let identifier = identifier.to_string();
            return Err(RejectReason::ForeignIdentifier {
                index,
                identifier,
                owner,
            }
            .into());
        }
    }
    Ok(())
}

/// Enters the event under its id; a second event of the same id must be its correction.
fn register(
    state: &mut impl State,
    index: u16,
    event: &Event,
    issuer: Handle,
    moment: Moment<'_>,
    effects: &mut Effects,
) -> Result<(), Refusal> {
    let Some(id) = event.event_id() else {
        return Ok(());
    };
    let key = StateKey::event(issuer, id);
    if effects.sets.iter().any(|(other, _)| *other == key) {
        return Err(RejectReason::DuplicateEvent {
            index,
            leaf: moment.leaf,
        }
        .into());
    }
    let earlier: Option<EventRecord> = state.load(key)?;
    let corrects = event.error_declaration().is_some();
    let record = match earlier {
        None => EventRecord {
            leaf: moment.leaf,
            index,
            corrected: corrects,
        },
        Some(earlier) if corrects && !earlier.corrected => EventRecord {
            corrected: true,
            ..earlier
        },
        Some(earlier) => {
            return Err(RejectReason::DuplicateEvent {
                index,
                leaf: earlier.leaf,
            }
            .into());
        }
    };
    effects.sets.push((key, record.encode()));
    Ok(())
}
