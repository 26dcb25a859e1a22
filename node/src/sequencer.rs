//! The sequencer: one thread that puts statements in order and seals them into blocks.
//!
//! A block is whatever waited while the last one was written, so that one sync serves many: few
//! statements are answered soon, many share the disk's slowest step. While more are being verified
//! than are ready, it waits for them a little, since every block costs a header, two syncs and
//! the upper pages of the state map. Order is that of arrival, though verification finishes in any
//! order; leaves of one call follow one another.
//!
//! **Invariant:** nothing is handed on to be answered before its block is committed. If a commit
//! fails, whether the block is there is unknown, so the node halts and reopening decides.

use crate::clock::ClockGuard;
use crate::node::{Halt, Shared};
use crate::room::{Decided, Room, Submission, ToAnswer, Verified};
use crate::secrets::OsSecrets;
use api::service::SubmitError;
use ledger::admission::Checked;
use ledger::block::{BLOCK_STATEMENTS_MAX, BlockRecord};
use ledger::seal::{Sealed, seal};
use ledger::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Bytes of statements, as submitted, in one block: bounds the memory of a block in the making,
/// and the time of its write to about a tenth of a second on a plain disk.
pub const BLOCK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Statements answered by one piece of work. Receipts of neighbouring leaves share the reading of
/// tiles, about 0.3 ms; a part this large makes that a few microseconds each, and a full block
/// still keeps many cores busy.
const ANSWER_STATEMENTS: usize = 128;

/// Statements refused while the clocks disagree may be tried again after this: somebody has to set
/// a clock or start the node again.
const CLOCK_RETRY_S: u32 = 30;

/// How long ready statements wait for more on their way: a small part of the tenth of a second
/// within which a receipt is due.
const LINGER: Duration = Duration::from_millis(30);

/// Verified submissions, put back in order of arrival.
#[derive(Debug, Default)]
struct Line {
    next: u64,
    waiting: BTreeMap<u64, Submission<Verified>>,
    statements: usize,
}

impl Line {
    fn join(&mut self, submission: Submission<Verified>) {
        self.statements += submission.statements.len();
        self.waiting.insert(submission.ticket, submission);
    }

    /// The next block's submissions: all those whose turn it is, up to a block's limits. Empty
    /// while an earlier one is still being verified.
    fn next_block(&mut self) -> Vec<Submission<Verified>> {
        let (mut statements, mut bytes) = (0, 0);
        let mut block = Vec::new();
        while let Some(entry) = self.waiting.first_entry() {
            let one = entry.get();
            statements += one.statements.len();
            bytes += one.bytes();
            let fits = statements <= BLOCK_STATEMENTS_MAX && bytes <= BLOCK_BYTES_MAX;
            // One submission is far smaller than a block, so that a block is never empty for size.
            if one.ticket != self.next || !fits {
                break;
            }
            self.next += 1;
            self.statements -= one.statements.len();
            block.push(entry.remove());
        }
        block
    }
}

/// Seals until no more submissions can come, or the store fails.
pub(crate) fn run<S: Store>(
    shared: &Shared<S>,
    mut guard: ClockGuard,
    inbox: &Receiver<Submission<Verified>>,
) {
    let mut line = Line::default();
    while let Ok(first) = inbox.recv() {
        let arrived = first.statements.len();
        line.join(first);
        gather(&shared.room, &mut line, inbox, arrived, LINGER);
        loop {
            let block = line.next_block();
            if block.is_empty() {
                break;
            }
            if let Err(error) = seal_block(shared, &mut guard, block) {
                shared.halt(Halt::Store(error));
                return;
            }
            gather(&shared.room, &mut line, inbox, 0, LINGER);
        }
    }
}

/// Takes in what is ready, and waits for what will soon be, until a block is full or worth it.
/// `arrived`: statements that joined just before; `linger`: the longest wait.
fn gather(
    room: &Room,
    line: &mut Line,
    inbox: &Receiver<Submission<Verified>>,
    mut arrived: usize,
    linger: Duration,
) {
    let deadline = Instant::now() + linger;
    loop {
        for more in inbox.try_iter() {
            arrived += more.statements.len();
            line.join(more);
        }
        let on_the_way = room.arrived(arrived);
        let enough = line.statements >= on_the_way.min(BLOCK_STATEMENTS_MAX);
        if enough || line.statements == 0 {
            return;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(more) = inbox.recv_timeout(left) else {
            return;
        };
        arrived = more.statements.len();
        line.join(more);
    }
}

/// Decides about the statements, commits those admitted, hands all on to be answered.
fn seal_block<S: Store>(
    shared: &Shared<S>,
    guard: &mut ClockGuard,
    submissions: Vec<Submission<Verified>>,
) -> Result<(), StoreError> {
    let mut statements: Vec<Checked> = Vec::new();
    // What is left of a submission is where each statement stood.
    let submissions: Vec<Submission<Option<Decided>>> = submissions
        .into_iter()
        .map(|submission| {
            submission.map(|verified| match verified {
                Ok(checked) => {
                    statements.push(checked);
                    None
                }
                Err(refused) => Some(Err(refused)),
            })
        })
        .collect();
    // The right to sign was withdrawn while these waited: dropped, they hear that the node stops.
    if shared.confirmation.why_not().is_some() {
        return Ok(());
    }
    let (outcomes, block) = if statements.is_empty() {
        (Vec::new(), None)
    } else {
        let now = match guard.now(&*shared.clock) {
            Ok(now) => now,
            Err(jump) => {
                tracing::error!(
                    by_ms = jump.by_ms,
                    "not sealing: {jump}; set the clock right"
                );
                answer_busy(submissions);
                return Ok(());
            }
        };
        let started = Instant::now();
        // The view goes before the commit: a store may have to copy what a view still shows.
        let Sealed { outcomes, write } = seal(
            &shared.store.view(),
            shared.log(),
            &OsSecrets,
            &statements,
            now,
        )?;
        let sealed = started.elapsed();
        let block = write.as_ref().map(|write| write.block);
        if let Some(write) = write {
            let entries = write.entries.len();
            let checkpoint = write.head.checkpoint.clone();
            shared.store.commit(write)?;
            shared.cosigning.offer(&checkpoint);
            shared
                .metrics
                .committed(entries - 1, sealed, started.elapsed() - sealed);
        }
        if let Some(block) = block {
            shared.metrics.tree_size(block.size());
            tracing::debug!(
                height = block.height,
                size = block.size().0,
                "block committed"
            );
        }
        (outcomes, block)
    };
    let mut decided = statements.into_iter().zip(outcomes);
    let submissions = submissions.into_iter().map(|submission| {
        submission.map(|refused| {
            refused.unwrap_or_else(|| Ok(decided.next().expect("one outcome for each statement")))
        })
    });
    hand_on(shared, block, submissions);
    Ok(())
}

/// Gives the pool its parts.
fn hand_on<S: Store>(
    shared: &Shared<S>,
    block: Option<BlockRecord>,
    submissions: impl Iterator<Item = Submission<Decided>>,
) {
    let (mut part, mut statements) = (Vec::new(), 0);
    for submission in submissions {
        statements += submission.statements.len();
        part.push(submission);
        if statements >= ANSWER_STATEMENTS {
            shared.room.answer(ToAnswer {
                block,
                submissions: std::mem::take(&mut part),
            });
            statements = 0;
        }
    }
    if !part.is_empty() {
        shared.room.answer(ToAnswer {
            block,
            submissions: part,
        });
    }
}

fn answer_busy(submissions: Vec<Submission<Option<Decided>>>) {
    for submission in submissions {
        let busy = SubmitError::Busy {
            retry_after_s: CLOCK_RETRY_S,
        };
        submission
            .reply
            .send(vec![Err(busy); submission.statements.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::{Job, QueueLimits, Refused};
    use ledger::hash::Digest;
    use ledger::reject::RejectReason;
    use std::sync::Arc;

    fn submissions(sizes: &[usize]) -> Vec<Submission<Verified>> {
        verified(&Arc::new(Room::new(QueueLimits::default())), sizes)
    }

    fn verified(room: &Arc<Room>, sizes: &[usize]) -> Vec<Submission<Verified>> {
        let take = |size: &usize| {
            drop(room.enter(vec![vec![0]; *size]).unwrap());
            let Some(Job::Verify(submission)) = room.next() else {
                panic!("nothing to verify")
            };
            submission.map(|_| {
                let submitted = Digest([0; 32]);
                Err(Box::new(Refused {
                    reason: RejectReason::SaltWeak,
                    capture: None,
                    submitted,
                }))
            })
        };
        sizes.iter().map(take).collect()
    }

    fn tickets(block: &[Submission<Verified>]) -> Vec<u64> {
        block.iter().map(|one| one.ticket).collect()
    }

    #[test]
    fn who_came_first_is_first_whenever_verification_ends() {
        let mut line = Line::default();
        let mut waiting = submissions(&[1, 1, 1]);
        line.join(waiting.pop().unwrap());
        line.join(waiting.remove(0));
        assert_eq!(tickets(&line.next_block()), [0]);
        assert!(line.next_block().is_empty());
        line.join(waiting.remove(0));
        assert_eq!(tickets(&line.next_block()), [1, 2]);
    }

    #[test]
    fn a_block_has_no_more_statements_than_a_block_may() {
        let mut line = Line::default();
        let half = BLOCK_STATEMENTS_MAX / 2;
        submissions(&[half, half, 1])
            .into_iter()
            .for_each(|one| line.join(one));
        assert_eq!(tickets(&line.next_block()), [0, 1]);
        assert_eq!(tickets(&line.next_block()), [2]);
    }

    #[test]
    fn a_block_waits_while_more_are_on_the_way_than_are_ready() {
        let room = Arc::new(Room::new(QueueLimits::default()));
        let mut ready = verified(&room, &[1, 1, 1]).into_iter();
        let mut joined = Line::default();
        let (outbox, inbox) = std::sync::mpsc::channel();
        joined.join(ready.next().unwrap());
        // Two are on their way and one is ready: it takes the next one in before it seals.
        let sender = std::thread::spawn(move || {
            outbox.send(ready.next().unwrap()).unwrap();
            (outbox, ready)
        });
        let ever = Duration::from_secs(600);
        gather(&room, &mut joined, &inbox, 1, ever);
        let (outbox, mut ready) = sender.join().unwrap();
        assert_eq!(tickets(&joined.next_block()), [0, 1]);

        // None is on its way but this one: nothing to wait for.
        outbox.send(ready.next().unwrap()).unwrap();
        gather(&room, &mut joined, &inbox, 0, ever);
        assert_eq!(tickets(&joined.next_block()), [2]);
        assert_eq!(room.arrived(0), 0);
    }
}
