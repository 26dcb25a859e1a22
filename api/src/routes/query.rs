//! The query parameters of EPCIS 2.0 that are answered here (EPCIS 2.0 §8.2.7.1).

use super::resolve::invalid;
use crate::app::Query;
use crate::openapi::Parameter;
use crate::problem::Problem;
use ledger::access::Concern;
use ledger::event::{Action, Event, EventKind, ObjectRef, Role};
use ledger::identifier::Identifier;
use ledger::ids::{Handle, LeafIndex, UnixMillis};
use ledger::store::EventRef;
use ledger::time;
use std::fmt;
use std::str::FromStr;

/// Values of all item parameters together: each is one list read.
const ITEMS_MAX: usize = 20;
/// Events of one page.
const PER_PAGE_MAX: usize = 1000;
const PER_PAGE: usize = 30;

pub(super) const PARAMETERS: [Parameter; 29] = [
    Parameter::query("MATCH_epc", "Items named as objects or children."),
    Parameter::query("MATCH_anyEPC", "Items named in any role."),
    Parameter::query("MATCH_epcClass", "Lots named as objects or children."),
    Parameter::query("MATCH_anyEPCClass", "Lots named in any role."),
    Parameter::query("MATCH_parentID", "Containers and other parents."),
    Parameter::query("MATCH_inputEPC", "Items used up in a transformation."),
    Parameter::query("MATCH_inputEPCClass", "Lots used up in a transformation."),
    Parameter::query("MATCH_outputEPC", "Items made in a transformation."),
    Parameter::query("MATCH_outputEPCClass", "Lots made in a transformation."),
    Parameter::query(
        "EQ_transformationID",
        "What joins the events of one transformation.",
    ),
    Parameter::query("eventType", "ObjectEvent, AggregationEvent, ..."),
    Parameter::query("EQ_action", "ADD, OBSERVE or DELETE."),
    Parameter::query("EQ_bizStep", "CBV word or URI."),
    Parameter::query("EQ_disposition", "CBV word or URI."),
    Parameter::query("EQ_readPoint", "Where it happened, a URI."),
    Parameter::query("EQ_bizLocation", "Where the objects are afterwards, a URI."),
    Parameter::query("EQ_eventID", "The event's id."),
    Parameter::query(
        "EXISTS_errorDeclaration",
        "true: corrections only; false: without them.",
    ),
    Parameter::query(
        "GE_eventTime",
        "Happened at or after, ISO 8601 with offset.",
    ),
    Parameter::query("LT_eventTime", "Happened before."),
    Parameter::query("GE_recordTime", "Recorded at or after."),
    Parameter::query("LT_recordTime", "Recorded before."),
    Parameter::query("orderBy", "eventTime (unless given) or recordTime."),
    Parameter::query("orderDirection", "DESC (unless given) or ASC."),
    Parameter::query(
        "perPage",
        "Events of one page, 30 unless given, at most 1000.",
    ),
    Parameter::query("eventCountLimit", "As perPage, and no next page."),
    Parameter::query("nextPageToken", "From the Link header of the page before."),
    Parameter::query(
        "participant",
        "Handles: issued by any of them, or naming one as source or destination.",
    ),
    Parameter::query(
        "parts",
        "confidential or all: parts that are not public too, where the token's bearer is entitled; \
         each read is recorded.",
    ),
];

/// What events are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    EventTime,
    RecordTime,
}

/// The last event of a page: `time.leaf.index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    pub(super) time: UnixMillis,
    pub(super) at: EventRef,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.time.0, self.at.leaf, self.at.index)
    }
}

impl FromStr for Cursor {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let read = || {
            let mut pieces = text.split('.');
            let time = UnixMillis(pieces.next()?.parse().ok()?);
            let leaf = LeafIndex(pieces.next()?.parse().ok()?);
            let index = pieces.next()?.parse().ok()?;
            let small = leaf.0 < u64::MAX / 2 && pieces.next().is_none();
            small.then_some(Self {
                time,
                at: EventRef { leaf, index },
            })
        };
        read().ok_or_else(|| invalid("nextPageToken", "not a token of ours"))
    }
}

/// Roles in which an item must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    Any,
    Input,
    Object,
    Output,
    Parent,
    Transformation,
}

impl Match {
    fn of_parameter(name: &str) -> Option<Self> {
        Some(match name {
            "MATCH_anyEPC" | "MATCH_anyEPCClass" => Self::Any,
            "MATCH_epc" | "MATCH_epcClass" => Self::Object,
            "MATCH_inputEPC" | "MATCH_inputEPCClass" => Self::Input,
            "MATCH_outputEPC" | "MATCH_outputEPCClass" => Self::Output,
            "MATCH_parentID" => Self::Parent,
            "EQ_transformationID" => Self::Transformation,
            _ => return None,
        })
    }

    fn fits(self, object: ObjectRef<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Input => object.role == Role::Input,
            Self::Object => matches!(object.role, Role::Object | Role::Child),
            Self::Output => object.role == Role::Output,
            Self::Parent => object.role == Role::Parent,
            Self::Transformation => false,
        }
    }
}

/// A query, read.
#[derive(Debug)]
pub(super) struct EventQuery {
    /// For each item parameter the roles, and the items any of which will do.
    pub(super) items: Vec<ItemMatch>,
    pub(super) order: Order,
    pub(super) descending: bool,
    pub(super) per_page: usize,
    pub(super) after: Option<Cursor>,
    participants: Vec<Handle>,
    kinds: Vec<EventKind>,
    actions: Vec<Action>,
    biz_steps: Vec<String>,
    dispositions: Vec<String>,
    read_points: Vec<String>,
    biz_locations: Vec<String>,
    event_ids: Vec<String>,
    corrections: Option<bool>,
    event_time: Span,
    record_time: Span,
}

/// One item parameter.
#[derive(Debug)]
pub(super) struct ItemMatch {
    roles: Match,
    any_of: Vec<String>,
}

/// From the first moment on, before the second.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: Option<UnixMillis>,
    before: Option<UnixMillis>,
}

impl Span {
    fn has(self, time: UnixMillis) -> bool {
        self.from.is_none_or(|from| time >= from) && self.before.is_none_or(|before| time < before)
    }
}

impl EventQuery {
    /// Reads the parameters; one that is not known is an error, never passed over.
    ///
    /// # Errors
    /// `ParameterInvalid`, `ParameterUnsupported`.
    pub(super) fn read(query: &Query) -> Result<Self, Problem> {
        let mut read = Self {
            items: Vec::new(),
            order: Order::EventTime,
            descending: true,
            per_page: PER_PAGE,
            after: None,
            participants: Vec::new(),
            kinds: Vec::new(),
            actions: Vec::new(),
            biz_steps: Vec::new(),
            dispositions: Vec::new(),
            read_points: Vec::new(),
            biz_locations: Vec::new(),
            event_ids: Vec::new(),
            corrections: None,
            event_time: Span::default(),
            record_time: Span::default(),
        };
        for (name, value) in &query.0 {
            read.parameter(name, value)?;
        }
        if read.items.iter().map(|one| one.any_of.len()).sum::<usize>() > ITEMS_MAX {
            return Err(invalid("MATCH", &format!("more than {ITEMS_MAX} items")));
        }
        if !read.items.is_empty() && !read.participants.is_empty() {
            return Err(invalid("participant", "with an item, name no participant"));
        }
        Ok(read)
    }

    fn parameter(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        if let Some(roles) = Match::of_parameter(name) {
            return self.item(name, roles, value);
        }
        match name {
            "eventType" => {
                for word in words(value) {
                    let kind = EventKind::parse(word);
                    self.kinds
                        .push(kind.ok_or_else(|| invalid(name, "no type of event"))?);
                }
            }
            "EQ_action" => {
                for word in words(value) {
                    let action = Action::parse(word);
                    self.actions
                        .push(action.ok_or_else(|| invalid(name, "no action"))?);
                }
            }
            "EQ_bizStep" => self
                .biz_steps
                .extend(words(value).map(|word| bare(word, "BizStep"))),
            "EQ_disposition" => self
                .dispositions
                .extend(words(value).map(|word| bare(word, "Disp"))),
            "EQ_readPoint" => self.read_points.extend(identifiers(name, value)?),
            "EQ_bizLocation" => self.biz_locations.extend(identifiers(name, value)?),
            "EQ_eventID" => self.event_ids.extend(value.split('|').map(str::to_owned)),
            "EXISTS_errorDeclaration" => {
                let truth = value.parse();
                self.corrections =
                    Some(truth.map_err(|_| invalid(name, "neither true nor false"))?);
            }
            "GE_eventTime" => self.event_time.from = Some(moment(name, value)?),
            "LT_eventTime" => self.event_time.before = Some(moment(name, value)?),
            "GE_recordTime" => self.record_time.from = Some(moment(name, value)?),
            "LT_recordTime" => self.record_time.before = Some(moment(name, value)?),
            "orderBy" => {
                self.order = match value {
                    "eventTime" => Order::EventTime,
                    "recordTime" => Order::RecordTime,
                    _ => return Err(invalid(name, "neither eventTime nor recordTime")),
                }
            }
            "orderDirection" => {
                self.descending = match value {
                    "DESC" => true,
                    "ASC" => false,
                    _ => return Err(invalid(name, "neither ASC nor DESC")),
                }
            }
            "perPage" | "eventCountLimit" => {
                let count = value
                    .parse()
                    .ok()
                    .filter(|count| (1..=PER_PAGE_MAX).contains(count));
                self.per_page =
                    count.ok_or_else(|| invalid(name, "not a number from 1 to 1000"))?;
            }
            "nextPageToken" => self.after = Some(value.parse()?),
            "participant" => {
                for word in words(value) {
                    let handle = Handle::parse(word);
                    self.participants
                        .push(handle.ok_or_else(|| invalid(name, "not 22 base64url characters"))?);
                }
            }
            "parts" | "lang" | "format" => {}
            _ => {
                let parameter = name.chars().take(80).collect();
                return Err(Problem::ParameterUnsupported { parameter });
            }
        }
        Ok(())
    }

    fn item(&mut self, name: &str, roles: Match, value: &str) -> Result<(), Problem> {
        let any_of = identifiers(name, value)?;
        // The same parameter again means any of both; another means both at once.
        match self.items.iter_mut().find(|one| one.roles == roles) {
            Some(known) => known.any_of.extend(any_of),
            None => self.items.push(ItemMatch { roles, any_of }),
        }
        Ok(())
    }

    /// Items of one parameter: on their lists stands everything the query can find.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &str> {
        self.items
            .iter()
            .take(1)
            .flat_map(|one| one.any_of.iter().map(String::as_str))
    }

    /// Whether an event concerns any of the participants asked for.
    pub(super) fn names(&self, concern: &Concern) -> bool {
        let wanted = |handle| self.participants.contains(&handle);
        self.participants.is_empty() || concern.all().any(|party| wanted(party.handle))
    }

    /// Whether an event fits every parameter.
    pub(super) fn fits(&self, event: &Event, recorded: UnixMillis) -> bool {
        let any = |list: &[String], value: Option<&str>| {
            list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
        };
        self.items.iter().all(|one| one.fits(event))
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
            && (self.actions.is_empty()
                || event
                    .action()
                    .is_some_and(|action| self.actions.contains(&action)))
            && any(&self.biz_steps, event.biz_step())
            && any(&self.dispositions, event.disposition())
            && any(&self.read_points, event.read_point())
            && any(&self.biz_locations, event.biz_location())
            && any(&self.event_ids, event.event_id())
            && self
                .corrections
                .is_none_or(|wanted| event.error_declaration().is_some() == wanted)
            && self.event_time.has(event.time())
            && self.record_time.has(recorded)
    }
}

impl ItemMatch {
    fn fits(&self, event: &Event) -> bool {
        let wanted = |id: &str| self.any_of.iter().any(|one| one == id);
        event
            .transformation_id()
            .is_some_and(|id| self.roles == Match::Transformation && wanted(id))
            || event
                .objects()
                .into_iter()
                .any(|object| self.roles.fits(object) && wanted(object.id))
    }
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(['|', ','])
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// The bare word of CBV, however it is spelled; other URIs are their own.
fn bare(word: &str, list: &str) -> String {
    let spellings = [
        format!("https://ref.gs1.org/cbv/{list}-"),
        format!("https://ns.gs1.org/cbv/{list}-"),
        format!("cbv:{list}-"),
        format!("urn:epcglobal:cbv:{}:", list.to_ascii_lowercase()),
    ];
    let found = spellings
        .iter()
        .find_map(|start| word.strip_prefix(start.as_str()));
    found.unwrap_or(word).to_owned()
}

fn identifiers(name: &str, value: &str) -> Result<Vec<String>, Problem> {
    let one = |text: &str| match Identifier::parse(text.trim()) {
        Ok(identifier) => Ok(identifier.as_str().to_owned()),
        Err(error) => Err(invalid(name, &error.to_string())),
    };
    value.split('|').take(ITEMS_MAX + 1).map(one).collect()
}

fn moment(name: &str, value: &str) -> Result<UnixMillis, Problem> {
    // A plus sign that was not percent-encoded arrives as a blank.
    let text = value.trim().replace(' ', "+");
    time::parse(&text).ok_or_else(|| invalid(name, "not a moment such as 2026-11-23T08:00:00Z"))
}
