//! Reading pages level by level, and changing them.

use super::EMPTY_ROOT;
use super::page::{Page, PagePath, Slot, nibble};
use super::tree::Opened;
use crate::hash::Digest;
use std::ops::Range;

/// Where the pages of a map are kept.
pub trait Pages {
    /// What can go wrong when reading.
    type Error: std::error::Error + 'static;

    /// The pages of these paths, in the same order; `None` for a page that was never written.
    ///
    /// Called once for each level of the map, with all pages of that level at once, so that a
    /// store can fetch them together.
    ///
    /// # Errors
    /// The store's own. Bytes that [`Page::decode`] refuses are one of them.
    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, Self::Error>;
}

/// Why a map could not be read. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError<E: std::error::Error + 'static> {
    /// The page is missing, or its content is not what the page above it, or the root given by the
    /// caller, commits to. The store is damaged: stop, and rebuild the map from the entries.
    #[error("state map page {path:?} is missing or damaged")]
    Damaged {
        /// The page.
        path: PagePath,
    },
    /// The store could not read.
    #[error("state map pages could not be read")]
    Read(#[source] E),
    /// More keys than one proof may hold. The fault is ours: split the question.
    #[error("{asked} keys asked of one proof, at most {limit}")]
    TooManyKeys {
        /// Number of keys asked.
        asked: usize,
        /// [`super::KEYS_MAX`].
        limit: usize,
    },
}

/// What a set of changes makes of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The root after the changes.
    pub root: Digest,
    /// New and changed pages, each path once, a page before those below it.
    pub pages: Vec<(PagePath, Page)>,
}

/// A page on the way to asked keys.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) path: PagePath,
    pub(super) opened: Box<Opened>,
    /// Which of the asked keys lead here.
    keys: Range<usize>,
    /// Index of the visit above, and the slot there; `None` for the root page.
    above: Option<(usize, u8)>,
}

/// Splits `keys[range]`, which share `depth` nibbles, by the nibble that follows.
fn by_slot(
    keys: &[Digest],
    range: Range<usize>,
    depth: u8,
) -> impl Iterator<Item = (u8, Range<usize>)> {
    let mut start = range.start;
    keys[range]
        .chunk_by(move |a, b| nibble(a, depth) == nibble(b, depth))
        .map(move |group| {
            let range = start..start + group.len();
            start = range.end;
            (nibble(&group[0], depth), range)
        })
}

/// Reads and checks every page on the way to `keys` (sorted, unique), level by level from the root.
///
/// A page comes before those below it. At most 64 levels: no page names one below the 64th.
pub(super) fn descend<P: Pages>(
    pages: &P,
    root: &Digest,
    keys: &[Digest],
) -> Result<Vec<Visit>, PageError<P::Error>> {
    /// A page to be read.
    struct Wanted {
        hash: Digest,
        keys: Range<usize>,
        above: Option<(usize, u8)>,
    }
    let mut visits: Vec<Visit> = Vec::with_capacity(4 * keys.len());
    let mut paths = vec![PagePath::ROOT];
    let mut level = vec![Wanted {
        hash: *root,
        keys: 0..keys.len(),
        above: None,
    }];
    while !level.is_empty() {
        let found = pages.pages(&paths).map_err(PageError::Read)?;
        assert_eq!(
            found.len(),
            paths.len(),
            "a store answers for each path it is asked for"
        );
        let (mut paths_below, mut level_below) = (Vec::new(), Vec::new());
        for ((wanted, path), page) in level.into_iter().zip(paths).zip(found) {
            let opened = match page {
                Some(page) => Opened::new(&path, &page)
                    .ok()
                    .filter(|opened| opened.top().hash() == wanted.hash),
                None if path == PagePath::ROOT && *root == EMPTY_ROOT => {
                    Some(Box::new(Opened::empty()))
                }
                None => None,
            };
            let opened = opened.ok_or(PageError::Damaged { path })?;
            for (slot, keys) in by_slot(keys, wanted.keys.clone(), path.depth()) {
                if let Slot::Node(hash) = *opened.slot(slot) {
                    paths_below.push(path.child(slot));
                    level_below.push(Wanted {
                        hash,
                        keys,
                        above: Some((visits.len(), slot)),
                    });
                }
            }
            visits.push(Visit {
                path,
                opened,
                keys: wanted.keys,
                above: wanted.above,
            });
        }
        (paths, level) = (paths_below, level_below);
    }
    Ok(visits)
}

/// Sets each key of `changes` (sorted by key, each once) to its value hash.
///
/// `root` is the root the map has, from the newest block header. Nothing is written: the returned
/// pages are the caller's to store, in the same commit as the root.
///
/// # Errors
/// [`PageError`]: the store failed, or its pages do not belong to `root`.
///
/// # Panics
/// If `changes` is out of order or has a key twice.
pub fn update<P: Pages>(
    pages: &P,
    root: &Digest,
    changes: &[(Digest, Digest)],
) -> Result<Update, PageError<P::Error>> {
    assert!(
        changes.is_sorted_by(|a, b| a.0 < b.0),
        "changes are sorted by key, each key once"
    );
    let keys: Vec<Digest> = changes.iter().map(|(key, _)| *key).collect();
    let mut visits = descend(pages, root, &keys)?;
    let mut written = Vec::with_capacity(visits.len());
    let mut root = *root;
    // From the last to the first: all pages below one are done before it.
    for index in (0..visits.len()).rev() {
        let (earlier, rest) = visits.split_at_mut(index);
        let Visit {
            path,
            opened,
            keys: range,
            above,
        } = &mut rest[0];
        for (slot, range) in by_slot(&keys, range.clone(), path.depth()) {
            let held = match *opened.slot(slot) {
                Slot::Node(_) => continue, // set when the page below was done
                Slot::Leaf { key, value_hash } => Some((key, value_hash)),
                Slot::Empty => None,
            };
            let leaves = with_leaf(&changes[range], held);
            let planted = plant(path, slot, &leaves, &mut written);
            opened.put(slot, planted);
        }
        if opened.changed() {
            let hash = opened.rehash();
            written.push((*path, opened.to_page()));
            match *above {
                Some((parent, slot)) => earlier[parent].opened.put(slot, Slot::Node(hash)),
                None => root = hash,
            }
        }
    }
    written.reverse();
    Ok(Update {
        root,
        pages: written,
    })
}

/// `changes` and the leaf `held` there before them, if they do not replace it, sorted by key.
fn with_leaf(
    changes: &[(Digest, Digest)],
    held: Option<(Digest, Digest)>,
) -> Vec<(Digest, Digest)> {
    let mut leaves = changes.to_vec();
    if let Some(leaf) = held
        && let Err(at) = changes.binary_search_by_key(&leaf.0, |change| change.0)
    {
        leaves.insert(at, leaf);
    }
    leaves
}

/// What `slot` of the page at `path` is when it holds just `leaves` (sorted, at least one). New
/// pages go to `written`, a page after those below it. Recursion: at most 64 pages deep.
fn plant(
    path: &PagePath,
    slot: u8,
    leaves: &[(Digest, Digest)],
    written: &mut Vec<(PagePath, Page)>,
) -> Slot {
    if let &[(key, value_hash)] = leaves {
        return Slot::Leaf { key, value_hash };
    }
    let path = path.child(slot);
    let depth = path.depth();
    let mut opened = Opened::empty();
    for group in leaves.chunk_by(|a, b| nibble(&a.0, depth) == nibble(&b.0, depth)) {
        let slot = nibble(&group[0].0, depth);
        let content = plant(&path, slot, group, written);
        opened.put(slot, content);
    }
    let hash = opened.rehash();
    written.push((path, opened.to_page()));
    Slot::Node(hash)
}
