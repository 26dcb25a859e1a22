//! One chain out of the answers of several regions' logs.
//!
//! Each log answers for its own part, and each part is proved against its own log before it comes
//! in here. [`Following`] says whom to ask next, from the links of what is known so far; whoever
//! drives it asks: a node over the network, a verifier in a file. What nobody could be asked about
//! stays in the chain, and says so.
//!
//! **Invariant:** pure, and bounded by [`SECTIONS_MAX`] and [`DEPTH_MAX`], whatever the logs say.

use super::answer::{Answer, Finding, Link, Moment, Toward, Verdict};
use super::rule::Rule;
use crate::bundle::{Proved, ProvedAnswer};
use crate::identifier::Identifier;
use crate::order::Reach;
use crate::policy::Severity;
use crate::store::EventRef;
use crate::tlog_policy::Judged;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Parts of other logs in one chain: a ready meal's ingredients of several provinces.
pub const SECTIONS_MAX: usize = 8;

/// Borders crossed in one direction. Goods that went through more regions are not food any more.
pub const DEPTH_MAX: u32 = 4;

/// Why a part of another log belongs to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The goods came from there.
    From,
    /// They went there.
    To,
    /// Nothing here says so; that log was asked whether it knows the code.
    Asked,
}

/// Which log to ask about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The log's origin.
    pub log: String,
    /// What about.
    pub item: Identifier,
    /// Why.
    pub why: Why,
    /// When a log last proved something of it: the moment of the import, or of the shipment.
    pub since: Option<Moment>,
    depth: u32,
}

/// A part of a chain that is on another log.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// The log's origin.
    pub log: String,
    /// What it was asked about.
    pub item: String,
    /// Why.
    pub why: Why,
    /// Borders between it and the log that was asked first.
    pub depth: u32,
    /// What came of it.
    pub told: Told,
}

/// What another log had to say.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Told {
    /// An answer, proved against a checkpoint of that log.
    Proved(Box<ProvedPart>),
    /// No answer in time. `last_proved`: as of when something of it was last proved here.
    Silent {
        /// Nothing: never.
        last_proved: Option<Moment>,
    },
    /// An answer that proves nothing: the log's, its node's, or of whoever sits between.
    Unproved {
        /// The name of the fault.
        fault: &'static str,
    },
}

/// A proved answer.
#[derive(Clone, Debug, Serialize)]
pub struct ProvedPart {
    /// `witnessed`, or `recorded` only.
    pub standing: &'static str,
    /// Time of the newest block it rests on.
    pub as_of: Moment,
    /// Leaves of the tree it rests on.
    pub tree_size: u64,
    /// The answer.
    pub answer: Answer,
}

/// What other logs add to an answer.
#[derive(Clone, Debug, Serialize)]
pub struct Chain {
    /// The log that was asked first.
    pub log: String,
    /// The verdict of the log that was asked first, on its own.
    pub own: Verdict,
    /// Parts of other logs, origins first: the order of the story.
    pub sections: Vec<Section>,
    /// What only the parts together show.
    pub findings: Vec<Finding>,
    /// Whether more parts would belong to it than one answer may have.
    pub cut: bool,
}

/// A chain that is being followed.
#[derive(Debug)]
pub struct Following {
    log: String,
    seen: BTreeSet<(String, String)>,
    queue: VecDeque<Wanted>,
    sections: Vec<Section>,
    cut: bool,
}

impl Following {
    /// From the answer of the log called `log`. `everywhere`: logs to be asked about a code that
    /// it does not know.
    #[must_use]
    pub fn new<'l>(
        log: &str,
        answer: &Answer,
        everywhere: impl IntoIterator<Item = &'l str>,
    ) -> Self {
        let mut following = Self {
            log: log.to_owned(),
            seen: BTreeSet::from([(log.to_owned(), answer.item.clone())]),
            queue: VecDeque::new(),
            sections: Vec::new(),
            cut: false,
        };
        following.links(&answer.links, Why::Asked, 1);
        if answer.verdict == Verdict::Unknown {
            for log in everywhere {
                following.want(log, &answer.item, Why::Asked, None, 1);
            }
        }
        following
    }

    /// Links of a part that belongs to the chain because of `reached`. Whoever is asked where goods
    /// came from is not asked where others of them went, nor the other way round. Origins come
    /// first: where goods went must not use up the places of where they came from.
    fn links(&mut self, links: &[Link], reached: Why, depth: u32) {
        let toward = |toward| links.iter().filter(move |link| link.toward == toward);
        for link in toward(Toward::From).chain(toward(Toward::To)) {
            let why = match link.toward {
                Toward::From => Why::From,
                Toward::To => Why::To,
            };
            if reached != Why::Asked && reached != why {
                continue;
            }
            let since = Some(link.recorded).filter(|_| why == Why::From);
            self.want(&link.log, &link.item, why, since, depth);
        }
    }

    fn want(&mut self, log: &str, item: &str, why: Why, since: Option<Moment>, depth: u32) {
        let Ok(item) = Identifier::parse(item) else {
            return;
        };
        if !self.seen.insert((log.to_owned(), item.as_str().to_owned())) {
            return;
        }
        if depth > DEPTH_MAX || self.sections.len() + self.queue.len() >= SECTIONS_MAX {
            self.cut = true;
            return;
        }
        self.queue.push_back(Wanted {
            log: log.to_owned(),
            item,
            why,
            since,
            depth,
        });
    }

    /// Has `log` asked about something that the chain names, as far as it does not know better.
    /// False where it was asked before, or no more can be.
    pub fn ask(&mut self, log: &str, item: &str) -> bool {
        let before = self.queue.len();
        self.want(log, item, Why::Asked, None, 1);
        self.queue.len() > before
    }

    /// Whom to ask next; `None` when all have been.
    pub fn wanted(&mut self) -> Option<Wanted> {
        self.queue.pop_front()
    }

    /// Takes in what came of it.
    pub fn told(&mut self, wanted: Wanted, told: Told) {
        let Wanted {
            log,
            item,
            why,
            depth,
            ..
        } = wanted;
        let links = match &told {
            // Who does not know a code, and was only asked or is still to receive it, is no part.
            Told::Proved(part) if why != Why::From && part.answer.verdict == Verdict::Unknown => {
                return;
            }
            Told::Proved(part) => part.answer.links.clone(),
            // Nobody is missed of whom nothing says that he knows anything.
            Told::Silent { .. } | Told::Unproved { .. } if why == Why::Asked => return,
            Told::Silent { .. } | Told::Unproved { .. } => Vec::new(),
        };
        self.sections.push(Section {
            log,
            item: item.as_str().to_owned(),
            why,
            depth,
            told,
        });
        // After the section, so that it counts against the limit.
        self.links(&links, why, depth + 1);
    }

    /// Puts the chain into `answer`, whose verdict becomes that of the whole. Nothing changes where
    /// no other log has a part in it.
    pub fn finish(mut self, answer: &mut Answer) {
        if self.sections.is_empty() && !self.cut {
            return;
        }
        let own = answer.verdict;
        let findings = received_twice(&self.log, answer, &self.sections);
        let mut verdict = own;
        // Of a code that only others know, theirs is the whole record.
        let mut complete = answer.complete || own == Verdict::Unknown;
        for section in &self.sections {
            let weight = weight(section, answer, own);
            verdict = match (verdict, weight) {
                (Verdict::Unknown, Some(weight)) => weight,
                (verdict, Some(weight)) => verdict.min(weight),
                (verdict, None) => verdict,
            };
            let whole = match &section.told {
                Told::Proved(part) => part.answer.complete,
                Told::Silent { .. } | Told::Unproved { .. } => false,
            };
            complete &= whole || section.why == Why::To;
        }
        if !findings.is_empty() {
            verdict = verdict.min(Verdict::Violation);
        }
        complete &= !self.cut;
        // What hides a break in a part behind something worse must not make the whole green.
        if !complete {
            verdict = verdict.min(Verdict::Clear);
        }
        answer.verdict = verdict;
        answer.complete = complete;
        if own == Verdict::Unknown {
            let mut told = self.sections.iter().filter(|one| one.item == answer.item);
            let part = told.find_map(|section| match &section.told {
                Told::Proved(part) => Some(&part.answer),
                Told::Silent { .. } | Told::Unproved { .. } => None,
            });
            if let Some(part) = part {
                introduce(answer, part);
            }
        }
        // The story begins where the goods came from, and ends where they went.
        self.sections.sort_by_key(|section| match section.why {
            Why::From => (0, u32::MAX - section.depth),
            Why::Asked => (1, section.depth),
            Why::To => (2, section.depth),
        });
        answer.chain = Some(Box::new(Chain {
            log: self.log,
            own,
            sections: self.sections,
            findings,
            cut: self.cut,
        }));
    }
}

/// What a code is that only another log knows.
fn introduce(answer: &mut Answer, part: &Answer) {
    answer.subject = part.subject.clone();
    answer.products = part.products.clone();
    let maker = part.subject.maker;
    let maker = maker.and_then(|maker| Some((maker, part.participants.get(&maker)?.clone())));
    answer.participants.extend(maker);
}

/// Everything that an answer names as goods of its story.
#[must_use]
pub fn names(answer: &Answer) -> BTreeSet<String> {
    let steps = answer.steps.iter();
    let things = steps.flat_map(|step| step.concerns.iter().chain(&step.inputs));
    things.chain([&answer.item]).cloned().collect()
}

/// What a part contributes to the verdict over the whole.
fn weight(section: &Section, answer: &Answer, own: Verdict) -> Option<Verdict> {
    let part = match &section.told {
        Told::Proved(part) => &part.answer,
        // What went on elsewhere takes nothing from what is known here.
        Told::Silent { .. } if section.why == Why::To => return None,
        Told::Silent { .. } => return Some(Verdict::Clear),
        Told::Unproved { .. } => return Some(Verdict::Broken),
    };
    if part.verdict == Verdict::Unknown {
        // That log does not know what it is said to have shipped.
        return Some(Verdict::Broken);
    }
    if section.item == answer.item || own == Verdict::Unknown {
        return Some(part.verdict);
    }
    Some(match part.verdict {
        // Of what went into it, what reaches the things made of it.
        Verdict::Recalled | Verdict::Held => {
            let mut orders = part.orders.iter();
            let reaches = part.orders.is_empty() || orders.any(|one| one.reach == Reach::Forward);
            return reaches.then_some(part.verdict);
        }
        found @ (Verdict::Broken | Verdict::Gap | Verdict::Clear) => found,
        Verdict::FailedTest
        | Verdict::Expired
        | Verdict::Violation
        | Verdict::Sold
        | Verdict::Breach
        | Verdict::Unknown
        | Verdict::Complete => return None,
    })
}

/// Shipments that somebody received in two regions.
fn received_twice(log: &str, answer: &Answer, sections: &[Section]) -> Vec<Finding> {
    let own = std::iter::once((log, answer));
    let others = sections.iter().filter_map(|section| match &section.told {
        Told::Proved(part) => Some((section.log.as_str(), &part.answer)),
        Told::Silent { .. } | Told::Unproved { .. } => None,
    });
    // Which logs hold a receipt of each shipment, by the log that it left and its place there.
    let mut receipts: BTreeMap<(&str, EventRef), BTreeMap<&str, &Link>> = BTreeMap::new();
    for (of, answer) in own.chain(others) {
        for link in answer.links.iter().filter(|link| link.received.is_some()) {
            let left = match link.toward {
                Toward::From => link.log.as_str(),
                Toward::To => of,
            };
            if let Some(shipped) = link.shipped {
                receipts
                    .entry((left, shipped))
                    .or_default()
                    .insert(of, link);
            }
        }
    }
    let twice = receipts.into_values().filter(|logs| logs.len() > 1);
    let finding = |logs: BTreeMap<&str, &Link>| {
        let item = logs.values().next().map(|link| link.item.clone())?;
        let events = logs.get(log).and_then(|link| link.received);
        Some(Finding {
            rule: Rule::ReceivedTwice,
            articles: Rule::ReceivedTwice.articles(None),
            severity: Severity::Reject,
            item,
            events: events.into_iter().collect(),
            whose: None,
            opened_at: answer.as_of,
            closed_at: None,
        })
    };
    twice.filter_map(finding).collect()
}

impl ProvedPart {
    /// `answer`, which follows from `proved` under the checkpoint of `judged`.
    #[must_use]
    pub fn new(proved: &Proved, judged: &Judged, answer: Answer) -> Self {
        let facts = proved.facts();
        Self {
            standing: judged.standing.word(),
            as_of: Moment(facts.time),
            tree_size: facts.size.0,
            answer,
        }
    }
}

impl From<ProvedAnswer> for ProvedPart {
    fn from(one: ProvedAnswer) -> Self {
        Self::new(&one.proved, &one.judged, one.answer)
    }
}
