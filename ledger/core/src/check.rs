//! Check before the act: may this code be received, filled, dispensed, sold or used now?
//!
//! A refused record cannot stop a sale, so a till, a filling gun or a scanner asks first. The
//! answer follows from the same walk, rules and grades as a trace of public parts ([`check`]), so
//! that whoever has the bundle can compute it again; which of them stops which act is one table
//! ([`table::TABLE`]). The log signs it with the tree it was computed from ([`Attested`]): proof
//! of what was asked and answered when, for whoever acted on it or against it.
//!
//! **Invariant:** an answer is never recorded and binds nobody's record: whoever acts against it
//! can still say so, and that is evidence.

pub mod catalogue;
mod signed;
pub mod table;

pub use crate::policy::Sector;
pub use crate::provenance::grounds::Ground;
pub use signed::{Attested, CONTENT_TYPE, CheckError, is_check};

use crate::identifier::Identifier;
use crate::ids::{Handle, UnixMillis};
use crate::policy::Severity;
use crate::provenance::answer::Text;
use crate::provenance::grounds::{ActorStanding, Found, Standing, standing};
use crate::provenance::source::Source;
use crate::provenance::{Limits, spelled};
use crate::store::EventRef;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Reasons in one answer, gravest first. A person reads the first; a long broken chain has a break
/// for each link.
pub const REASONS_MAX: usize = 32;

/// Events named in one reason: enough to find it in the trace, which has all.
pub const EVENTS_MAX: usize = 8;

/// What somebody is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Take goods in.
    Receive,
    /// Fill a cylinder.
    Fill,
    /// Give a medicine or vaccine to a person.
    Dispense,
    /// Sell to a consumer.
    Sell,
    /// Use up: cook, process, serve.
    Use,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Receive,
        Self::Fill,
        Self::Dispense,
        Self::Sell,
        Self::Use,
    ];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Fill => "fill",
            Self::Dispense => "dispense",
            Self::Sell => "sell",
            Self::Use => "use",
        }
    }

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.word() == word)
    }
}

/// The answer in one word; of several the gravest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Nothing speaks against it.
    Allow,
    /// Not before somebody has mended or judged it.
    Hold,
    /// Not at all.
    Refuse,
}

impl Decision {
    /// All of them, gravest last.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Hold, Self::Refuse];

    /// The stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// The code.
    pub item: Identifier,
    /// The intended act.
    pub act: Act,
    /// Who would act, where that is known: whether it has the goods is then a matter too.
    pub actor: Option<Handle>,
    /// The moment of the act.
    pub at: UnixMillis,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The code, canonical.
    pub item: String,
    /// The act.
    pub act: Act,
    /// Who would act.
    pub actor: Option<Handle>,
    /// The moment for which this was computed.
    pub at: UnixMillis,
    /// The gravest decision of the reasons; `Allow` without any.
    pub decision: Decision,
    /// Gravest first, then in the order of [`Ground`]; at most [`REASONS_MAX`].
    pub reasons: Vec<Reason>,
}

/// One thing that speaks against an act, or is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// What it alone would decide.
    pub decision: Decision,
    /// The rule's stable word: [`Ground::word`].
    pub rule: String,
    /// The item it concerns, canonical.
    pub item: String,
    /// Who must act: a party's identifier.
    pub whose: Option<String>,
    /// Articles and standards behind it.
    pub articles: Vec<String>,
    /// Events that show it, at most [`EVENTS_MAX`].
    pub events: Vec<EventRef>,
}

/// An answer, and what those are called who must act. Names are for people and are not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The answer.
    pub answer: Answer,
    /// By handle.
    pub parties: BTreeMap<Handle, Text>,
}

/// Decides about an act.
///
/// # Errors
/// The source's own.
pub fn check<S: Source>(
    source: &mut S,
    question: &Question,
    limits: Limits,
) -> Result<Decided, S::Error> {
    let Question {
        item,
        act,
        actor,
        at,
    } = question;
    let standing = standing(source, item, *actor, *at, limits)?;
    let column = column(&standing, *act, *actor);
    let mut all = standing.found.clone();
    all.extend(of_actor(&standing, item.as_str(), *act, *actor));
    if *act == Act::Receive {
        all.extend(of_legs(&standing, *actor));
    }
    // Of what is nobody's fault the holder takes care, if there is one.
    let mut holders = standing.holders.iter();
    let keeper = holders.next().filter(|_| holders.next().is_none());
    let mut reasons = BTreeSet::new();
    for found in all {
        let Some((decision, articles)) = judge(&found, standing.sector, column) else {
            continue;
        };
        let Found {
            ground,
            item,
            events,
            whose,
            ..
        } = found;
        let reason = Reason {
            decision,
            rule: ground.word().to_owned(),
            item,
            whose: whose.or_else(|| keeper.copied().map(spelled)),
            articles,
            events: events.into_iter().take(EVENTS_MAX).collect(),
        };
        reasons.insert((Reverse(decision), ground, reason));
    }
    let reasons = reasons.into_iter().map(|(_, _, reason)| reason);
    let reasons: Vec<Reason> = reasons.take(REASONS_MAX).collect();
    let answer = Answer {
        item: item.as_str().to_owned(),
        act: *act,
        actor: *actor,
        at: *at,
        decision: reasons.first().map_or(Decision::Allow, |one| one.decision),
        reasons,
    };
    Ok(Decided {
        answer,
        parties: standing.parties,
    })
}

/// What a ground decides, and by which articles: by the table, and of a finding by its severity.
fn judge(
    found: &Found,
    sector: Option<Sector>,
    column: table::Column,
) -> Option<(Decision, Vec<String>)> {
    if let (Ground::Finding(_), Some((severity, articles))) = (found.ground, found.finding) {
        let decision = match severity {
            // What comes back is looked at by who takes it back.
            _ if column == table::Column::TakeBack => Decision::Allow,
            Severity::Flag => Decision::Allow,
            Severity::Hold => Decision::Hold,
            Severity::Reject => Decision::Refuse,
        };
        return Some((decision, articles.iter().map(catalogue::cite).collect()));
    }
    let (decision, row) = table::judge(found.ground, sector, column)?;
    let articles = row.articles.iter().map(|&one| one.to_owned());
    Some((decision, articles.collect()))
}

/// Goods coming back to who had them before are judged in a column of their own.
fn column(standing: &Standing, act: Act, actor: Option<Handle>) -> table::Column {
    let back =
        actor.is_some_and(|who| standing.ever.contains(&who) && !standing.holders.contains(&who));
    match act {
        Act::Receive if back => table::Column::TakeBack,
        Act::Receive => table::Column::Receive,
        Act::Fill => table::Column::Fill,
        Act::Dispense => table::Column::Dispense,
        Act::Sell => table::Column::Sell,
        Act::Use => table::Column::Use,
    }
}

/// What the actor itself lacks.
fn of_actor(standing: &Standing, item: &str, act: Act, actor: Option<Handle>) -> Option<Found> {
    let me = spelled(actor?);
    let found = |ground, whose| Some(Found::new(ground, item, Vec::new(), whose));
    match standing.actor? {
        ActorStanding::Unknown => return found(Ground::ActorUnknown, Some(me)),
        ActorStanding::Suspended => return found(Ground::ActorSuspended, Some(me)),
        ActorStanding::Good => {}
    }
    // Nobody can hold what nobody named.
    let holds = actor.is_some_and(|who| standing.holders.contains(&who));
    if holds || standing.ever.is_empty() {
        return None;
    }
    let comes = |to: &Option<String>| to.as_ref().is_none_or(|to| *to == me);
    let comes = standing.under_way.iter().any(comes);
    match act {
        Act::Receive if comes => None,
        Act::Receive => {
            let holder = standing.holders.first().copied().map(spelled);
            found(Ground::NotAddressed, holder)
        }
        Act::Fill | Act::Dispense | Act::Sell | Act::Use if comes => {
            found(Ground::NotReceived, Some(me))
        }
        Act::Fill | Act::Dispense | Act::Sell | Act::Use => found(Ground::NotHolder, Some(me)),
    }
}

/// What speaks against ending the shipments that come to the actor, or any where nobody says who
/// receives; each kind and sender once.
fn of_legs(standing: &Standing, actor: Option<Handle>) -> Vec<Found> {
    let me = actor.map(spelled);
    let mine = |to: &Option<String>| to.is_none() || me.is_none() || *to == me;
    let mut seen = BTreeSet::new();
    let legs = standing.legs.iter().filter(|(to, _)| mine(to));
    legs.filter(|(_, found)| seen.insert((found.ground, found.whose.clone())))
        .map(|(_, found)| found.clone())
        .collect()
}
