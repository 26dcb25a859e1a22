//! A map's pages in memory, for auditors that replay and for tests.

use super::page::{Page, PagePath, SLOTS};
use super::walk::{Pages, Update};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::num::NonZeroU32;

/// Pages in memory, linked as the tree they form: a page is found by following its path.
#[derive(Clone, Debug, Default)]
pub struct MemoryPages {
    /// The first, if any, is the root page.
    held: Vec<Held>,
}

#[derive(Clone, Debug)]
struct Held {
    page: Page,
    /// Where the pages below are, by slot; beside the page, so that one fetch leads on.
    below: [Option<NonZeroU32>; 16],
}

impl MemoryPages {
    /// The pages of an empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { held: Vec::new() }
    }

    /// Number of pages.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether the map is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Stores the pages of an update that was computed over these pages.
    ///
    /// # Panics
    /// If the update belongs to other pages.
    pub fn apply(&mut self, update: Update) {
        for (path, page) in update.pages {
            let new = self.held.len();
            let at = match path.split_last() {
                None => 0,
                Some((above, slot)) => {
                    let above = self
                        .find(&above)
                        .expect("a page is stored after the one above");
                    let link = &mut self.held[above].below[usize::from(slot)];
                    index(*link.get_or_insert_with(|| link_to(new)))
                }
            };
            match self.held.get_mut(at) {
                Some(held) => held.page.replace(page),
                None => self.held.push(Held {
                    page,
                    below: [None; 16],
                }),
            }
        }
    }

    /// All pages in the order of their paths: level by level, as a store keeps them.
    pub fn iter(&self) -> impl Iterator<Item = (PagePath, &Page)> {
        let root = (!self.held.is_empty()).then_some((PagePath::ROOT, 0));
        let mut waiting: VecDeque<(PagePath, usize)> = root.into_iter().collect();
        std::iter::from_fn(move || {
            let (path, at) = waiting.pop_front()?;
            let held = &self.held[at];
            let below = (0..SLOTS).zip(&held.below);
            waiting
                .extend(below.filter_map(|(slot, link)| Some((path.child(slot), index((*link)?)))));
            Some((path, &held.page))
        })
    }

    fn find(&self, path: &PagePath) -> Option<usize> {
        let mut at = 0;
        for slot in path.slots() {
            at = index(self.held.get(at)?.below[usize::from(slot)]?);
        }
        (at < self.held.len()).then_some(at)
    }
}

fn index(link: NonZeroU32) -> usize {
    usize::try_from(link.get()).expect("a machine that holds the page can count to it")
}

fn link_to(index: usize) -> NonZeroU32 {
    let link = u32::try_from(index).ok().and_then(NonZeroU32::new);
    link.expect("the root page comes first, and memory ends long before 2^32 pages")
}

impl Pages for MemoryPages {
    type Error = Infallible;

    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, Infallible> {
        Ok(paths
            .iter()
            .map(|path| self.find(path).map(|at| self.held[at].page.clone()))
            .collect())
    }
}
