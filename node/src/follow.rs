//! Answers that go on across the border: this log's links, followed to the logs of other regions.

use crate::node::Node;
use crate::regions::Deadline;
use ledger::bundle;
use ledger::identifier::Identifier;
use ledger::ids::{TreeSize, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::across::{Chain, Following, ProvedPart, Told};
use ledger::provenance::answer::{Moment, Verdict};
use ledger::provenance::{Answer, Limits, trace};
use ledger::region::regions;
use ledger::store::{Store, StoreError, View};
use ledger::tlog_policy::Standing;
use std::sync::Arc;

impl<S: Store> Node<S> {
    /// Follows the links of an answer to other regions' logs, and asks them about a code that is
    /// not known here. Reads the disk, and waits for the network, a bounded time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn follow(&self, answer: &mut Answer) -> Result<(), StoreError> {
        let view = self.shared.store.view();
        let known = regions(&mut ViewSource::open(&view))?;
        if answer.links.is_empty() && (answer.verdict != Verdict::Unknown || known.is_empty()) {
            return Ok(());
        }
        let (deadline, now) = (Deadline::start(), self.clock().wall());
        let everywhere = known.keys().map(String::as_str);
        let mut following = Following::new(&self.shared.origin, answer, everywhere);
        while let Some(wanted) = following.wanted() {
            let told = if wanted.log == self.shared.origin {
                Told::Proved(Box::new(self.own_part(&view, &wanted.item, now)?))
            } else {
                match known.get(&wanted.log) {
                    Some(region) => self.regions.ask(region, &wanted, now, deadline),
                    None => Told::Silent {
                        last_proved: wanted.since,
                    },
                }
            };
            following.told(wanted, told);
        }
        following.finish(answer);
        Ok(())
    }

    /// What this log itself knows of a part of another's chain: nothing that is withheld, since who
    /// reads that is recorded, and who will read this is not known here.
    fn own_part(
        &self,
        view: &impl View,
        item: &Identifier,
        now: UnixMillis,
    ) -> Result<ProvedPart, StoreError> {
        let head = view.head()?.map(|head| (head.size(), head.block.time));
        let (size, time) = head.unwrap_or((TreeSize(0), now));
        let mut source = ViewSource::new(view, Reader::Public);
        let answer = trace(&mut source, item, now, Limits::DEFAULT)?;
        let witnessed = self.shared.cosigning.witnessed();
        let standing = match witnessed {
            Some((witnessed, _)) if witnessed >= size => Standing::Witnessed,
            Some(_) | None => Standing::Recorded,
        };
        Ok(ProvedPart {
            standing: standing.word(),
            as_of: Moment(time),
            tree_size: size.0,
            answer,
        })
    }

    /// The bundles of what anyone may know of a chain's parts, as far as they are to be had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn open_bundles(&self, chain: &Chain) -> Result<Vec<Arc<[u8]>>, StoreError> {
        let view = self.shared.store.view();
        let known = regions(&mut ViewSource::open(&view))?;
        let (deadline, now) = (Deadline::start(), self.clock().wall());
        let mut bundles = Vec::new();
        for section in &chain.sections {
            let Ok(item) = Identifier::parse(&section.item) else {
                continue;
            };
            if section.log == self.shared.origin {
                let mut source = ViewSource::open(&view);
                trace(&mut source, &item, now, Limits::DEFAULT)?;
                let mut bundle = bundle::build(&view, &source, item.as_str())?;
                bundle.checkpoint = self.with_cosignatures(bundle.checkpoint);
                bundles.push(bundle.encode().into());
            } else if let Some(region) = known.get(&section.log) {
                bundles.extend(self.regions.open_bundle(region, &item, now, deadline));
            }
        }
        Ok(bundles)
    }
}
