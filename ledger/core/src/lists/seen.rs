//! What was seen at a place, or measured by a device, during a stretch of time.
//!
//! No list leads from a place to the goods that passed it: an event stands on the lists of what it
//! names as objects. So this goes through the log, from the first block that can hold such an
//! event, and decodes only bodies in which the place's identifier stands at all. Bytes that do not
//! contain it are passed over at the speed of reading.

use super::corrupt;
use crate::event::{Event, SensorElement};
use crate::ids::{LeafIndex, UnixMillis};
use crate::store::{StoreError, View};
use crate::stored;
use std::collections::BTreeSet;

/// Leaves read at once.
const STEP: usize = 1024;

/// Bytes of bodies read at once.
const STEP_BYTES: usize = 16 * 1024 * 1024;

/// Items that one place can begin a recall with: a day of a wholesale market.
pub const SEEN_MAX: usize = 20_000;

/// Items seen, canonical, and where the search stopped short of the end, if it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Canonical identifiers of the objects of those events.
    pub items: BTreeSet<String>,
    /// The first leaf that was not looked at.
    pub cut: Option<LeafIndex>,
}

/// The objects of events that happened at place `what`, or carry readings of device `what`,
/// between `from` and `until`, both included.
///
/// `what`: canonical identifier. `leaves`: how many to go through at most, from the end of the
/// log's beginning: an event is recorded after it happened, so that none before the block of
/// `from` can count.
///
/// # Errors
/// [`StoreError`].
pub fn seen_at<V: View>(
    view: &V,
    what: &str,
    from: UnixMillis,
    until: UnixMillis,
    leaves: usize,
) -> Result<Seen, StoreError> {
    let size = view.head()?.map_or(0, |head| head.size().0);
    let mut leaf = first_since(view, size, from)?;
    let end = leaf
        .saturating_add(u64::try_from(leaves).unwrap_or(u64::MAX))
        .min(size);
    let mut seen = Seen::default();
    while leaf < end {
        let read = view.leaves_within(LeafIndex(leaf), STEP, STEP_BYTES)?;
        if read.is_empty() {
            break;
        }
        for one in read.iter().take_while(|one| one.leaf.0 < end) {
            leaf = one.leaf.0 + 1;
            if !holds(&one.body, what.as_bytes()) {
                continue;
            }
            let stored =
                stored::decode(&one.body).map_err(|error| corrupt(one.leaf, &error.to_string()))?;
            for one in stored {
                // What is looked for is public: places, sensors and objects never are withheld.
                let Some(event) = Event::from_admitted(one.disclosure.map().clone()) else {
                    continue; // A registry record.
                };
                if (from..=until).contains(&event.time()) && concerns(&event, what) {
                    let objects = event.objects();
                    seen.items
                        .extend(objects.iter().map(|object| object.id.to_owned()));
                }
            }
            if seen.items.len() > SEEN_MAX {
                seen.cut = Some(LeafIndex(leaf));
                return Ok(seen);
            }
        }
    }
    seen.cut = (leaf < size).then_some(LeafIndex(leaf));
    Ok(seen)
}

/// The first leaf of the first block that is not older than `from`, by halving.
fn first_since<V: View>(view: &V, size: u64, from: UnixMillis) -> Result<u64, StoreError> {
    // Clocks of scanners may run ahead by as much as admission lets them.
    let from = from.0.saturating_sub(crate::admission::EVENT_AHEAD_MAX_MS);
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let old = view
            .block_of(LeafIndex(middle))?
            .is_some_and(|block| block.time.0 < from);
        if old {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Whether `bytes` contain `what` anywhere.
fn holds(bytes: &[u8], what: &[u8]) -> bool {
    let Some(first) = what.first() else {
        return false;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        let Some(here) = rest.get(at..) else {
            return false;
        };
        if here.starts_with(what) {
            return true;
        }
        rest = here.get(1..).unwrap_or_default();
    }
    false
}

fn concerns(event: &Event, what: &str) -> bool {
    let place = [event.read_point(), event.biz_location()];
    place.into_iter().flatten().any(|id| id == what)
        || event
            .sensor_elements()
            .any(|element| measured(element, what))
}

fn measured(element: SensorElement<'_>, device: &str) -> bool {
    element.device() == Some(device)
        || element
            .reports()
            .any(|report| report.device == Some(device))
}
