//! Containers, each read once for all that was ever in it.

use super::super::asked::Asked;
use super::super::facts::{Fact, Span, event_of, taken_back};
use super::super::packing::{packs, stays};
use super::super::source::{Source, Touch};
use super::super::stops::{ever_in, known_at, states};
use crate::event::Role;
use crate::ids::LeafIndex;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Things inside one another that are looked through to find who moves what: a box in a case on a
/// pallet in a container on a ship is five.
const NESTED_MAX: usize = 8;

/// When each thing was inside, as one state of knowledge has it.
type Stays = BTreeMap<String, Vec<Span>>;

/// One container's life.
#[derive(Debug)]
pub(super) struct Life {
    /// Who was inside when: as it is known now first, then as it was known before each
    /// declaration that took a packing back.
    pub(super) states: Vec<(LeafIndex, Stays)>,
    /// What was done to it as a whole and moves what is inside, by time.
    pub(super) acts: Vec<(i64, Touch)>,
    /// What it ever was in itself.
    pub(super) parents: BTreeSet<String>,
    /// The packing that first put each thing inside.
    pub(super) packed: BTreeMap<String, EventRef>,
}

impl Life {
    /// Who was inside when, as it is known now.
    pub(super) fn now(&self, child: &str) -> &[Span] {
        let now = self.states.first().and_then(|(_, stays)| stays.get(child));
        now.map(Vec::as_slice).unwrap_or_default()
    }

    /// Every stretch during which `child` was inside in any state, with how long that counted.
    pub(super) fn ever(&self, child: &str) -> impl Iterator<Item = (Span, LeafIndex)> {
        self.states.iter().flat_map(move |(bound, stays)| {
            let spans = stays.get(child).map(Vec::as_slice).unwrap_or_default();
            spans.iter().map(|span| (*span, *bound))
        })
    }
}

/// The containers read so far.
#[derive(Debug, Default)]
pub(super) struct Boxes(BTreeMap<String, Rc<Life>>);

impl Boxes {
    /// A container's life.
    pub(super) fn life<S: Source>(
        &mut self,
        asked: &mut Asked<'_, S>,
        container: &str,
    ) -> Result<Rc<Life>, S::Error> {
        if let Some(known) = self.0.get(container) {
            return Ok(Rc::clone(known));
        }
        let list = asked.list(container)?;
        let states = states(asked, container, &[&list])
            .into_iter()
            .rev()
            .map(|state| {
                let known = known_at(&list, state);
                let wrong = super::super::facts::corrected_in(&[&known]);
                let stays = stays(&[&known], container, &wrong, Some);
                let owned = stays
                    .into_iter()
                    .map(|(child, spans)| (child.to_owned(), spans));
                (state, owned.collect())
            })
            .collect();
        let life = Rc::new(Life {
            states,
            acts: acts(&list, container),
            parents: ever_in(&list, container),
            packed: packed(&list, container),
        });
        self.0.insert(container.to_owned(), Rc::clone(&life));
        Ok(life)
    }

    /// Whether `inner` was inside `outer` at `time`, as it is known now. Both were read before.
    pub(super) fn within(&self, inner: &str, outer: &str, time: i64) -> bool {
        let mut here = vec![inner.to_owned()];
        for _ in 0..NESTED_MAX {
            let mut around = Vec::new();
            for one in &here {
                let Some(life) = self.0.get(one) else {
                    continue;
                };
                for parent in &life.parents {
                    let inside = self.0.get(parent).is_some_and(|life| {
                        let mut spans = life.now(one).iter();
                        spans.any(|span| span.0 <= time && time <= span.1)
                    });
                    if inside {
                        around.push(parent.clone());
                    }
                }
            }
            if around.iter().any(|one| one == outer) {
                return true;
            }
            here = around;
        }
        false
    }
}

/// Events that move a container with what is in it: not mere observations, and not the packing of
/// single things, which their own lists tell.
fn acts(list: &[Touch], container: &str) -> Vec<(i64, Touch)> {
    let codes = BTreeSet::from([container.to_owned()]);
    let wrong = taken_back(&[list]);
    let mut found = Vec::new();
    for touch in list {
        let Some(event) = event_of(touch) else {
            continue;
        };
        if event.error_declaration().is_some() || wrong.contains_key(&touch.at) {
            continue;
        }
        if packs(event) {
            let objects = event.objects();
            let moved = |role| {
                let mut named = objects.iter().filter(|object| object.role == role);
                named.any(|object| object.id == container)
            };
            let named = objects.iter().any(|object| object.role == Role::Child);
            if named && !moved(Role::Child) {
                continue;
            }
        } else if Fact::new(touch, &codes).is_some_and(|fact| fact.observes()) {
            continue;
        }
        found.push((event.time().0, touch.clone()));
    }
    found.sort_by_key(|(time, touch)| (*time, touch.at));
    found
}

fn packed(list: &[Touch], container: &str) -> BTreeMap<String, EventRef> {
    let mut found = BTreeMap::new();
    for touch in list {
        let Some(event) = event_of(touch).filter(|event| packs(event)) else {
            continue;
        };
        let objects = event.objects();
        let mine = objects
            .iter()
            .any(|object| object.role == Role::Parent && object.id == container);
        if mine && event.action() == Some(crate::event::Action::Add) {
            for child in objects.iter().filter(|object| object.role == Role::Child) {
                found.entry(child.id.to_owned()).or_insert(touch.at);
            }
        }
    }
    found
}
