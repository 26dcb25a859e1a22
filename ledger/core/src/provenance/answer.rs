//! The answer to a scan: everything the page, the JSON and the verifier agree on.
//!
//! All of it is computed from what a [`super::Source`] shows, by the same code on the server and
//! in the verifier. Nothing here is a judgement somebody stored.

use super::across::Chain;
use super::source::Scope;
use crate::ids::{Handle, UnixMillis};
use crate::order::{Fault, Level, Reach};
use crate::policy::Severity;
use crate::store::EventRef;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

pub use super::rule::{Article, Rule};

/// Text in the two languages of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The one word a scan shows. The first that applies, in this order (design of the page: red
/// first, green last).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Recalled, or stopped by an authority.
    Recalled,
    /// Held until it is known whether it is sound.
    Held,
    /// A required test failed.
    FailedTest,
    /// Past its expiry; of a cylinder, past its inspection or its life.
    Expired,
    /// It was handled in a way that is forbidden: a finding of severity `reject` stands open.
    Violation,
    /// No such code on this ledger.
    Unknown,
    /// A serial that was sold or dispensed before.
    Sold,
    /// The temperature left its limits.
    Breach,
    /// A link of the chain is missing.
    Broken,
    /// No temperature evidence for longer than the interval.
    Gap,
    /// Known, and nothing against it on the open lists, which show neither hand-overs nor
    /// temperature: as much as a stranger can prove.
    Clear,
    /// The record is complete.
    Complete,
}

impl Verdict {
    /// The stable word, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recalled => "recalled",
            Self::Held => "held",
            Self::FailedTest => "failed_test",
            Self::Expired => "expired",
            Self::Violation => "violation",
            Self::Unknown => "unknown",
            Self::Sold => "sold",
            Self::Breach => "breach",
            Self::Broken => "broken",
            Self::Gap => "gap",
            Self::Clear => "clear",
            Self::Complete => "complete",
        }
    }
}

/// The provenance of one item.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The item asked for, canonical.
    pub item: String,
    /// The moment for which this was computed.
    pub as_of: Moment,
    /// Which lists it rests on.
    pub scope: Scope,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether every walk back ends at an origin and every change of hands has both sides.
    pub complete: bool,
    /// Holds and recalls that stand over it, gravest first.
    pub orders: Vec<Stop>,
    /// What the thing is.
    pub subject: Subject,
    /// From origin to now, by event time.
    pub steps: Vec<Step>,
    /// Missing links, and whose they are.
    pub breaks: Vec<Break>,
    /// Where the story goes on, on other regions' logs.
    pub links: Vec<Link>,
    /// What is wrong, break or not.
    pub findings: Vec<Finding>,
    /// What was found before, until something that arrived later closed it.
    pub closed: Vec<Finding>,
    /// Test results and certificates, newest first.
    pub tests: Vec<Test>,
    /// Temperature, one stretch per custody and container.
    pub temperature: Vec<Stretch>,
    /// Where the answer was cut short, if it was.
    pub cut: Option<Cut>,
    /// What other regions' logs add, where they were asked and have a part in it.
    pub chain: Option<Box<Chain>>,
    /// Those named in the steps, by handle.
    pub participants: BTreeMap<Handle, Party>,
    /// Products named in the steps, by canonical identifier.
    pub products: BTreeMap<String, Product>,
    /// Places named in the steps, by canonical identifier.
    pub places: BTreeMap<String, Place>,
    /// Whether part of the story is of what was packed into the item asked for.
    #[serde(skip)]
    pub contents: bool,
}

/// A moment, written in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub UnixMillis);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::time::format_utc(self.0))
    }
}

/// What was scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The product's canonical identifier, where one is known.
    pub product: Option<String>,
    /// Lot number.
    pub lot: Option<String>,
    /// Serial number or trace code.
    pub serial: Option<String>,
    /// Expiry or best-before date, `2027-05-01`.
    pub expiry: Option<String>,
    /// Production, harvest or slaughter date.
    pub produced: Option<String>,
    /// Who made or grew it.
    pub maker: Option<Handle>,
}

/// What a step is, for its icon and its plain verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Harvest, birth, catch, commissioning, purchase from outside.
    Origin,
    /// Made out of other goods.
    Made,
    /// Packed into, or taken out of, a case, pallet or vehicle.
    Packed,
    /// Handed over.
    Shipped,
    /// Taken in.
    Received,
    /// Tested or inspected.
    Tested,
    /// Moved or stored, with readings.
    Carried,
    /// Put on the shelf or stored.
    Stocked,
    /// Sold, dispensed, used.
    Ended,
    /// Recalled, held, destroyed.
    Stopped,
    /// Anything else.
    Other,
}

/// One event of the story.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Where it stands on the log.
    pub at: EventRef,
    /// The issuer's name for it.
    pub event_id: Option<String>,
    /// What it is.
    pub kind: StepKind,
    /// EPCIS business step, as recorded.
    pub biz_step: Option<String>,
    /// When it happened.
    pub time: Moment,
    /// Its offset from UTC there, `+08:00`.
    pub offset: String,
    /// When it was recorded.
    pub recorded: Moment,
    /// Whether it was recorded more than a day after it happened.
    pub late: bool,
    /// On whose behalf it was said.
    pub issuer: Handle,
    /// Who signed, if that is another: a delegate.
    pub signer: Option<Handle>,
    /// Whether the key was later revoked with this event under suspicion.
    pub suspect: bool,
    /// Whether its issuer declared it wrong, and why.
    pub corrected: Option<String>,
    /// The item of the walk that it concerns, canonical.
    pub concerns: Vec<String>,
    /// Items this step went into or came from, for the graph: canonical.
    pub inputs: Vec<String>,
    /// Items that came out.
    pub outputs: Vec<String>,
    /// The place, canonical.
    pub place: Option<String>,
    /// The other side of a hand-over.
    pub counterpart: Option<String>,
    /// Distance from the scanned item: 0 for its own events, 1 for its inputs', and so on.
    pub depth: u32,
    /// Where it stands on the log from which it was imported.
    pub imported: Option<Foreign>,
    /// What of it needs no leave to see.
    #[serde(skip)]
    pub free: Free,
}

/// What of a step may be seen without leave over its event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Free {
    /// An outline.
    #[default]
    Outline,
    /// All but the place: a test result, which anyone may see, and not where the sample was taken.
    Result,
    /// All of it: it is on an open list, or tells this reader through whose hands the goods came.
    Whole,
}

/// What an order does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// Calls the goods back.
    Recall,
    /// Stops them until it is known whether they are sound.
    Hold,
}

/// A hold or recall that stands over an item, its lot, what it is in, or what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Hold or recall.
    pub kind: StopKind,
    /// Where it stands on the log.
    pub at: EventRef,
    /// Since when.
    pub recorded: Moment,
    /// Who ordered it.
    pub by: Handle,
    /// What was ordered to stop, canonical.
    pub item: String,
    /// Under which case, canonical.
    pub case: String,
    /// Why.
    pub reason: Text,
    /// How grave it is.
    pub level: Level,
    /// What is wrong.
    pub fault: Fault,
    /// How far it reaches.
    pub reach: Reach,
    /// What must be tested before it is released.
    pub retest: Option<String>,
    /// By when it should be decided.
    pub deadline: Option<Moment>,
    /// Distance from the scanned item.
    pub depth: u32,
}

/// A link that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// What is missing.
    pub kind: BreakKind,
    /// The item whose chain breaks, canonical.
    pub item: String,
    /// Whose record is missing, where known: a handle's participant or a party's identifier.
    pub whose: Option<String>,
    /// The event after which, or at which, it shows.
    pub at: Option<EventRef>,
}

/// Ways for a chain to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// Nothing says where the item comes from.
    OriginMissing,
    /// It was shipped, and appears elsewhere without having been received.
    ReceiptMissing,
    /// It was received without having been shipped.
    ShipmentMissing,
    /// Someone acts on it to whom it was never handed.
    HandoverMissing,
    /// An input is named without a lot.
    LotMissing,
    /// An item is known only to another region's ledger.
    ForeignUnresolved,
}

/// Where an event stands on another region's log, from which it was imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Foreign {
    /// The log's origin.
    pub log: String,
    /// Where it stands there; nothing where this reader may not see it.
    pub at: Option<EventRef>,
}

/// Which way a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Toward {
    /// The goods came from there.
    From,
    /// They went there.
    To,
}

/// Where the story goes on, on another region's log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Link {
    /// The origin of that log.
    pub log: String,
    /// What was handed over, canonical.
    pub item: String,
    /// Which way.
    pub toward: Toward,
    /// The shipment, on the log of the region that it left; nothing where this reader may not see
    /// it.
    pub shipped: Option<EventRef>,
    /// The receipt that answers it, on this log.
    pub received: Option<EventRef>,
    /// When this log learnt of it.
    pub recorded: Moment,
}

/// Something that a rule finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's stable name. What it says, and how to mend it, is in the catalogue under it.
    pub rule: Rule,
    /// The articles behind it.
    pub articles: &'static [Article],
    /// How grave it is, by the policy of the time at which it was opened.
    pub severity: Severity,
    /// The item it concerns.
    pub item: String,
    /// The events that show it.
    pub events: Vec<EventRef>,
    /// Who must act, where known.
    pub whose: Option<String>,
    /// When the last of those events was recorded.
    pub opened_at: Moment,
    /// When the event was recorded that closed it; nothing while it is open.
    pub closed_at: Option<Moment>,
}

/// A test result or certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Test {
    /// The event.
    pub at: EventRef,
    /// When.
    pub time: Moment,
    /// Who signed.
    pub issuer: Handle,
    /// The item tested.
    pub item: String,
    /// The document's or sample's number, where public.
    pub document: Option<String>,
    /// `pass`, `fail`, or nothing for a certificate.
    pub conclusion: Option<String>,
    /// What was measured.
    pub lines: Vec<TestLine>,
    /// Where it stands on the log from which it was imported: a result of another region counts
    /// as one of this (检测结果互认).
    pub imported: Option<Foreign>,
    /// How many participants here imported it, and so relied on it.
    pub relied_on: Option<u64>,
}

/// One measured quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestLine {
    /// What was measured.
    pub name: Text,
    /// Method.
    pub method: String,
    /// Result, as the laboratory wrote it.
    pub value: String,
    /// Limit.
    pub limit: String,
    /// Unit.
    pub unit: String,
    /// `pass` or `fail`.
    pub verdict: String,
}

/// How well a stretch of custody is proved to have kept its temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Readings at the required interval, all within limits.
    Proved,
    /// Readings are missing for longer than the interval.
    Gap,
    /// A reading is outside the limits.
    Breach,
}

/// Temperature while one party had the item in one container or place.
#[derive(Clone, Debug, Serialize)]
pub struct Stretch {
    /// The item or container that was measured, canonical.
    pub container: String,
    /// Who had it.
    pub holder: Handle,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// Limits in °C and where they come from.
    pub limits: Limits,
    /// The grade.
    pub grade: Grade,
    /// Minutes outside the limits, a reading holding until the next.
    pub outside_minutes: u32,
    /// Longest time without a reading, minutes.
    pub longest_gap_minutes: u32,
    /// How much of the time readings at the required interval cover, per cent, rounded down.
    pub covered_percent: u8,
    /// Lowest reading, tenths of °C.
    pub lowest_tenths: Option<i32>,
    /// Highest reading, tenths of °C.
    pub highest_tenths: Option<i32>,
    /// The reading farthest outside the limits, or nearest to them, tenths of °C.
    pub worst_tenths: Option<i32>,
    /// Mean kinetic temperature (USP ⟨1079.2⟩, ΔH/R = 10,000 K), tenths of °C.
    pub mean_kinetic_tenths: Option<i32>,
    /// The events at its two ends, and between them those with readings outside the limits.
    pub events: Vec<EventRef>,
    /// Readings in order: time, tenths of °C; thinned to at most 400 that keep every extreme.
    pub readings: Vec<(Moment, i32)>,
    /// Whether these are the lowest and highest of each hour only, because this reader may not know
    /// when the goods changed hands.
    pub hourly: bool,
}

/// Temperature limits of a storage class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Version of the policy: how many acts made it.
    pub version: u32,
    /// The class's word, as in product master data.
    pub class: String,
    /// Lowest allowed, tenths of °C.
    pub lowest_tenths: Option<i32>,
    /// Highest allowed, tenths of °C.
    pub highest_tenths: Option<i32>,
    /// Longest allowed time between readings, minutes.
    pub interval_minutes: u32,
    /// Standard or rule.
    pub source: String,
    /// Whether that text was read and confirmed.
    pub confirmed: bool,
}

/// Why an answer stops before its natural end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The item at which it stopped.
    pub item: String,
    /// The limit, in words of the API: `items`, `events`, `depth`, `list`, `recodes`.
    pub limit: &'static str,
}

/// A participant by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Its name.
    pub name: Text,
    /// Its district, GB/T 2260.
    pub district: String,
    /// Unified social credit code, where public.
    pub uscc: Option<String>,
    /// What it does.
    pub roles: Vec<crate::state::Role>,
    /// Licences: kind and number, where public.
    pub licences: Vec<(String, String)>,
    /// Whether it is suspended now.
    pub suspended: bool,
}

/// A product by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its name.
    pub name: Text,
    /// Specification, net content.
    pub specification: String,
    /// Net content.
    pub net_content: String,
    /// Category.
    pub category: String,
    /// Storage class.
    pub storage_class: String,
    /// Whether it is one of the key varieties.
    pub key_variety: bool,
    /// Shelf life in days.
    pub shelf_life_days: Option<i64>,
    /// Tests that every lot needs before it is sold, as results name them.
    pub required_tests: Vec<String>,
}

/// A place by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its name.
    pub name: Text,
    /// Its district, GB/T 2260.
    pub district: String,
    /// What it is: farm, factory, cold_store, truck, shop, ...
    pub kind: String,
}
