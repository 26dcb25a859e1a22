//! Who had an item, from whom, and where a hand-over has one side only.
//!
//! A single thing has one holder; a lot can be split, so it has a set of them, and whoever ships
//! part of a lot keeps the rest. Events are taken in the order of their own times.

use super::answer::BreakKind;
use super::facts::Fact;
use super::names::{Names, spelled};
use crate::ids::{Handle, UnixMillis};
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// A missing link, before it is told of which item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) kind: BreakKind,
    pub(super) whose: Option<String>,
    pub(super) at: EventRef,
    /// Who acts at that event: breaks off an input's own path concern others.
    pub(super) actor: Handle,
}

/// What evidence a stretch of custody owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carriage {
    /// In a place.
    Stored,
    /// On the road: with a carrier, or between shipment and receipt.
    Carried,
}

/// A stretch of custody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) holder: Handle,
    /// Who received it at the end of a leg, and may have brought the readings.
    pub(super) receiver: Option<Handle>,
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) carriage: Carriage,
    /// The events at its ends.
    pub(super) began: Mark,
    pub(super) ended: Mark,
}

/// An event by its place on the log, and when it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: EventRef,
    pub(super) recorded: UnixMillis,
}

impl Mark {
    const fn of(fact: &Fact) -> Self {
        Self {
            at: fact.at(),
            recorded: fact.touch().recorded,
        }
    }
}

/// One end of a stretch: the time and the event.
type End = (i64, Mark);

fn end(fact: &Fact) -> End {
    (fact.time(), Mark::of(fact))
}

/// A shipment that nobody has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) from: Handle,
    /// As the shipper names it; one spelling per party.
    pub(super) to: Option<String>,
    pub(super) since: i64,
    pub(super) shipped: Mark,
}

/// The custody of one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Custody {
    pub(super) breaks: Vec<Missing>,
    /// Hand-overs whose two sides name different partners: the events, and whose report differs.
    pub(super) mismatches: Vec<(Vec<EventRef>, Handle)>,
    /// One thing shipped twice without coming back: the events.
    pub(super) twice: Vec<(Vec<EventRef>, Handle)>,
    pub(super) holders: BTreeSet<Handle>,
    /// Everyone who ever had it, by their own word at least.
    pub(super) ever: BTreeSet<Handle>,
    /// Its maker, and everyone whom one of these named as receiver of a shipment and who then took
    /// it: nobody comes in here by his own word alone.
    pub(super) proved: BTreeSet<Handle>,
    /// To whom it is on its way.
    pub(super) under_way: Vec<String>,
    /// Shipments that nobody has received.
    pub(super) legs: Vec<Leg>,
    pub(super) holds: Vec<Hold>,
    /// Hand-overs of which both sides are told.
    pub(super) handovers: Vec<Handover>,
    /// Receiver and giver of each hand-over.
    pub(super) passed: Vec<(Handle, Handle)>,
}

/// A shipment and a receipt that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) from: Handle,
    pub(super) to: Handle,
    pub(super) shipped: EventRef,
    pub(super) received: EventRef,
}

impl Custody {
    /// Those through whose hands the item came to any of `users`; everyone where it never did.
    pub(super) fn path_to(&self, users: &BTreeSet<Handle>) -> BTreeSet<Handle> {
        if users.is_empty() || !users.iter().all(|user| self.ever.contains(user)) {
            return &self.ever | users;
        }
        let mut path = users.clone();
        loop {
            let before = path.len();
            let givers = self.passed.iter().filter(|(to, _)| path.contains(to));
            let givers: Vec<Handle> = givers.map(|(_, from)| *from).collect();
            path.extend(givers);
            // Each round adds a holder or ends.
            if path.len() == before {
                return path;
            }
        }
    }
}

/// A shipment that waits for its receipt.
#[derive(Clone, Debug)]
struct Pending {
    from: Handle,
    /// The same, spelled as a party.
    sender: String,
    /// Whether the shipper's word proves who has it.
    proved: bool,
    /// As the shipper names it; one spelling per party.
    to: Option<String>,
    at: Mark,
    time: i64,
    received: bool,
}

struct Machine<'n> {
    names: &'n Names,
    single: bool,
    /// Whether anything says how it was made; if not, who packs it first makes it: a pallet.
    made: bool,
    out: Custody,
    pending: Vec<Pending>,
    /// Open stretches: since when, and the last act.
    open: BTreeMap<Handle, (End, End)>,
}

/// Follows an item through the hands. `single`: whether it is one thing, which has one holder.
///
/// `facts` are in order.
pub(super) fn follow(facts: &[Fact], single: bool, names: &Names) -> Custody {
    let valid = || facts.iter().filter(|fact| fact.corrected.is_none());
    let mut machine = Machine {
        names,
        single,
        made: valid().any(Fact::makes),
        out: Custody::default(),
        pending: Vec::new(),
        open: BTreeMap::new(),
    };
    let valid: Vec<&Fact> = valid().collect();
    for together in valid.chunk_by(|one, next| one.time() == next.time()) {
        machine.take_together(together);
    }
    machine.finish()
}

/// Events of one moment that are put into the order that makes sense: a hand-over takes two, and
/// more of one moment is a batch, which the order of recording serves as well.
const TOGETHER_MAX: usize = 64;

impl Machine<'_> {
    /// Takes events of the very same time: whichever breaks nothing comes first, so that it does
    /// not matter which of them was recorded first.
    fn take_together(&mut self, facts: &[&Fact]) {
        if facts.len() > TOGETHER_MAX {
            facts.iter().for_each(|fact| self.take(fact));
            return;
        }
        let mut waiting = facts.to_vec();
        while !waiting.is_empty() {
            let next = waiting
                .iter()
                .position(|fact| self.follows(fact))
                .unwrap_or_default();
            let fact = waiting.remove(next);
            self.take(fact);
        }
    }

    /// Whether an event follows from what happened so far.
    fn follows(&self, fact: &Fact) -> bool {
        let actor = fact.issuer();
        if fact.makes() || fact.observes() || self.names.only_watches(actor) {
            return true;
        }
        if fact.step() == "receiving" {
            let source = self.spelling(fact.source());
            return self.matching(&spelled(actor), source.as_deref()).is_some();
        }
        self.out.holders.contains(&actor)
    }

    fn take(&mut self, fact: &Fact) {
        let actor = fact.issuer();
        if fact.creates() && (self.out.ever.is_empty() || fact.makes()) {
            // A lot may be made in several goes; a second maker must have it first.
            if !self.out.ever.is_empty() && !self.out.ever.contains(&actor) {
                self.must_hold(fact);
            }
            if self.out.proved.is_empty() && (fact.makes() || !self.made) {
                self.out.proved.insert(actor);
            }
            self.gain(fact);
            return;
        }
        if fact.observes() || self.names.only_watches(actor) {
            return;
        }
        match fact.step() {
            "receiving" => self.receive(fact),
            "shipping" => self.ship(fact),
            "void_shipping" => {
                let mine = |pending: &Pending| pending.from == actor && !pending.received;
                if let Some(index) = self.pending.iter().rposition(mine) {
                    self.pending.remove(index);
                    self.gain(fact);
                } else {
                    self.must_hold(fact);
                }
            }
            _ => {
                self.must_hold(fact);
                if self.single && (fact.ends() || fact.uses()) {
                    self.lose(actor, end(fact));
                }
            }
        }
    }

    fn gain(&mut self, fact: &Fact) {
        let (who, now) = (fact.issuer(), end(fact));
        if self.single {
            let others: Vec<Handle> = self
                .out
                .holders
                .iter()
                .copied()
                .filter(|other| *other != who)
                .collect();
            for other in others {
                self.lose(other, now);
            }
        }
        self.out.holders.insert(who);
        self.out.ever.insert(who);
        let stretch = self.open.entry(who).or_insert((now, now));
        if stretch.1.0 < now.0 {
            stretch.1 = now;
        }
    }

    fn lose(&mut self, who: Handle, at: End) {
        self.out.holders.remove(&who);
        self.close(who, at);
    }

    fn close(&mut self, who: Handle, (until, ended): End) {
        if let Some(((from, began), _)) = self.open.remove(&who) {
            self.out.holds.push(Hold {
                holder: who,
                receiver: None,
                from,
                until,
                carriage: self.carriage(who),
                began,
                ended,
            });
        }
    }

    fn carriage(&self, who: Handle) -> Carriage {
        use crate::state::Role;
        if self.names.is_any(who, &[Role::Carrier]) {
            Carriage::Carried
        } else {
            Carriage::Stored
        }
    }

    /// A party of the event in its one spelling.
    fn spelling(&self, party: Option<&str>) -> Option<String> {
        party.map(|party| self.names.spelling(party))
    }

    fn breaks(&mut self, kind: BreakKind, whose: Option<String>, fact: &Fact) {
        let (at, actor) = (fact.at(), fact.issuer());
        self.out.breaks.push(Missing {
            kind,
            whose,
            at,
            actor,
        });
    }

    /// Only who has it can do this; whoever does it all the same has it from now on.
    fn must_hold(&mut self, fact: &Fact) {
        let actor = fact.issuer();
        if self.out.holders.contains(&actor) {
            self.gain(fact);
            return;
        }
        // Until somebody receives it, the shipper carries it himself.
        if self
            .pending
            .iter()
            .any(|pending| pending.from == actor && !pending.received)
        {
            if self.single && (fact.ends() || fact.uses()) {
                self.again(fact);
            }
            return;
        }
        let me = spelled(actor);
        let waits = |pending: &Pending, to: &Option<String>| !pending.received && pending.to == *to;
        let to_me = Some(me.clone());
        let found = self
            .pending
            .iter()
            .rposition(|pending| waits(pending, &to_me) || waits(pending, &None))
            .or_else(|| self.pending.iter().rposition(|pending| !pending.received));
        if let Some(index) = found {
            let pending = &mut self.pending[index];
            pending.received = true;
            let whose = pending.to.clone().unwrap_or(me);
            let from = pending.from;
            if pending.proved && pending.to == to_me {
                self.out.proved.insert(actor);
            }
            self.breaks(BreakKind::ReceiptMissing, Some(whose), fact);
            self.out.passed.push((actor, from));
        } else if !self.out.ever.is_empty() {
            self.breaks(BreakKind::HandoverMissing, Some(me), fact);
            self.out
                .passed
                .extend(self.out.holders.iter().map(|from| (actor, *from)));
        }
        self.gain(fact);
    }

    /// One thing used or sent on by a shipper whose shipment nobody received.
    fn again(&mut self, fact: &Fact) {
        let actor = fact.issuer();
        let first = self
            .pending
            .iter()
            .rfind(|pending| pending.from == actor && !pending.received);
        if let Some(first) = first {
            self.out.twice.push((vec![first.at.at, fact.at()], actor));
        }
    }

    fn ship(&mut self, fact: &Fact) {
        let (actor, time) = (fact.issuer(), fact.time());
        // What it went through before is on the log that it comes from, unless it was made here.
        if fact.imported().is_some() && !self.made && self.out.ever.is_empty() {
            self.out.proved.insert(actor);
        }
        let me = Some(spelled(actor));
        let under_way = |pending: &&Pending| pending.from == actor && !pending.received;
        if self.single
            && !self.out.holders.contains(&actor)
            && self.pending.iter().any(|pending| under_way(&pending))
        {
            self.again(fact);
        } else {
            self.must_hold(fact);
        }
        let from = self.spelling(fact.source());
        if from.is_some() && from != me {
            self.out.mismatches.push((vec![fact.at()], actor));
        }
        let to = self.spelling(fact.destination());
        if to == me {
            return; // Between two places of one party.
        }
        if self.single {
            self.lose(actor, end(fact));
        } else if self.carriage(actor) == Carriage::Carried {
            self.close(actor, end(fact));
        }
        self.pending.push(Pending {
            from: actor,
            sender: spelled(actor),
            proved: self.out.proved.contains(&actor),
            to,
            at: Mark::of(fact),
            time,
            received: false,
        });
    }

    fn receive(&mut self, fact: &Fact) {
        let (actor, time) = (fact.issuer(), fact.time());
        let me = spelled(actor);
        let source = self.spelling(fact.source());
        let to = self.spelling(fact.destination());
        if to.as_ref().is_some_and(|to| *to != me) {
            self.out.mismatches.push((vec![fact.at()], actor));
        }
        if let Some((index, agrees)) = self.matching(&me, source.as_deref()) {
            let pending = &mut self.pending[index];
            let leg = Hold {
                holder: pending.from,
                receiver: Some(actor),
                from: pending.time,
                until: time,
                carriage: Carriage::Carried,
                began: pending.at,
                ended: Mark::of(fact),
            };
            let shipped = pending.at.at;
            if !pending.received {
                self.out.holds.push(leg);
            }
            let from = pending.from;
            pending.received = true;
            if pending.proved && pending.to.as_ref() == Some(&me) {
                self.out.proved.insert(actor);
            }
            self.out.passed.push((actor, from));
            self.out.handovers.push(Handover {
                from,
                to: actor,
                shipped,
                received: fact.at(),
            });
            if !agrees {
                self.out.mismatches.push((vec![shipped, fact.at()], actor));
            }
        } else if self.out.holders.contains(&actor) && source.as_ref().is_none_or(|s| *s == me) {
            // Between two places of one party.
        } else if let Some(index) = self.silent(source.as_deref()) {
            let pending = &mut self.pending[index];
            pending.received = true;
            let (whose, from) = (pending.to.clone(), pending.from);
            self.breaks(BreakKind::ReceiptMissing, whose, fact);
            self.out.passed.push((actor, from));
        } else if !self.out.ever.is_empty() {
            self.breaks(BreakKind::ShipmentMissing, source, fact);
            self.out
                .passed
                .extend(self.out.holders.iter().map(|from| (actor, *from)));
        }
        self.gain(fact);
    }

    /// The shipment that a receipt answers, and whether both sides name each other: one not yet
    /// received before one received in part, one from the named sender before others.
    fn matching(&self, me: &str, source: Option<&str>) -> Option<(usize, bool)> {
        let from = |pending: &Pending| source.is_none_or(|source| pending.sender == source);
        let to_me = |pending: &Pending| pending.to.as_deref().is_none_or(|to| to == me);
        let find = |wanted: &dyn Fn(&Pending) -> bool| self.pending.iter().position(wanted);
        let partly = !self.single;
        find(&|pending| !pending.received && to_me(pending) && from(pending))
            .map(|index| (index, true))
            .or_else(|| {
                let again = find(&|pending| partly && to_me(pending) && from(pending));
                again.map(|index| (index, true))
            })
            .or_else(|| {
                // One of the two names the other, who names somebody else.
                let differs = find(&|pending| {
                    !pending.received && (to_me(pending) || (source.is_some() && from(pending)))
                });
                differs.map(|index| (index, false))
            })
    }

    /// A shipment to the one from whom somebody else received: that one never reported.
    fn silent(&self, source: Option<&str>) -> Option<usize> {
        let source = source?;
        self.pending
            .iter()
            .rposition(|pending| !pending.received && pending.to.as_deref() == Some(source))
    }

    fn finish(mut self) -> Custody {
        for (holder, (_, last)) in self.open.clone() {
            self.close(holder, last);
        }
        self.out
            .holds
            .sort_by_key(|hold| (hold.from, hold.until, hold.holder));
        let waiting = self.pending.iter().filter(|pending| !pending.received);
        let legs = waiting.map(|pending| Leg {
            from: pending.from,
            to: pending.to.clone(),
            since: pending.time,
            shipped: pending.at,
        });
        self.out.legs = legs.collect();
        let addressed = self.out.legs.iter().filter_map(|leg| leg.to.clone());
        self.out.under_way = addressed.collect();
        self.out
    }
}
