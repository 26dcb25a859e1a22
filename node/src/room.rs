//! The waiting room: how much the node takes in, and what its threads do next.
//!
//! Statements enter in submissions, a few at a time, and keep their seats until they are answered,
//! so that the room's limits bound everything in flight: bytes received, statements parsed, blocks
//! being sealed, receipts being signed. Who finds no seat is told so at once.
//!
//! **Invariants:** tickets are given in order of arrival and none is left out; a submission that
//! is dropped unanswered, by a halt or by a bug, frees its seats, and its submitter hears of it.

use api::service::{SubmitError, Submitted};
use ledger::admission::Checked;
use ledger::block::{BLOCK_STATEMENTS_MAX, BlockRecord};
use ledger::hash::Digest;
use ledger::ids::CaptureId;
use ledger::reject::RejectReason;
use ledger::seal::Outcome;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a submitter hears about one statement.
pub(crate) type Answer = Result<Submitted, SubmitError>;

/// How much may be in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Statements.
    pub statements_max: usize,
    /// Bytes as submitted. Parsed events take several times as much memory.
    pub bytes_max: usize,
}

impl Default for QueueLimits {
    /// Four full blocks, about one second's work of two cores, and twice the bytes of the largest
    /// block: a slow disk shows as Busy, not as memory.
    fn default() -> Self {
        Self {
            statements_max: 4 * BLOCK_STATEMENTS_MAX,
            bytes_max: 32 * 1024 * 1024,
        }
    }
}

/// Statements that travel together: verified by one thread, sealed in one block, answered in one
/// message.
#[derive(Debug)]
pub(crate) struct Submission<T> {
    /// Its place in order of arrival.
    pub(crate) ticket: u64,
    /// The statements, as far as they have come.
    pub(crate) statements: Vec<T>,
    /// Where the answers go.
    pub(crate) reply: Reply,
}

impl<T> Submission<T> {
    /// The same submission one step further.
    pub(crate) fn map<U>(self, step: impl FnMut(T) -> U) -> Submission<U> {
        Submission {
            ticket: self.ticket,
            statements: self.statements.into_iter().map(step).collect(),
            reply: self.reply,
        }
    }

    /// As [`Self::map`], with a step that may fail: then the submission is dropped.
    pub(crate) fn try_map<U, E>(
        self,
        step: impl FnMut(T) -> Result<U, E>,
    ) -> Result<Submission<U>, E> {
        let statements = self
            .statements
            .into_iter()
            .map(step)
            .collect::<Result<_, _>>()?;
        Ok(Submission {
            ticket: self.ticket,
            statements,
            reply: self.reply,
        })
    }

    /// Its size as submitted.
    pub(crate) const fn bytes(&self) -> usize {
        self.reply.seats.bytes
    }
}

/// Where a submission's answers go, one for each statement, in order.
#[derive(Debug)]
pub(crate) struct Reply {
    // Dropped first: who has an answer, or hears that there will be none, finds the seats free.
    seats: Seats,
    sender: oneshot::Sender<Vec<Answer>>,
    entered: Instant,
}

impl Reply {
    /// Answers, and frees the seats. The submitter may have gone away; that changes nothing.
    pub(crate) fn send(self, answers: Vec<Answer>) {
        drop(self.seats);
        drop(self.sender.send(answers));
    }

    /// Time since the submission came in.
    pub(crate) fn age(&self) -> Duration {
        self.entered.elapsed()
    }
}

/// A statement refused before or by the sequencer.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Why.
    pub(crate) reason: RejectReason,
    /// Its capture id, where it could be read.
    pub(crate) capture: Option<CaptureId>,
    /// SHA-256 of the bytes submitted.
    pub(crate) submitted: Digest,
}

/// A statement after verification.
pub(crate) type Verified = Result<Checked, Box<Refused>>;

/// A statement after its block.
pub(crate) type Decided = Result<(Checked, Outcome), Box<Refused>>;

/// Submissions of one block, to be answered.
#[derive(Debug)]
pub(crate) struct ToAnswer {
    /// The block, committed; `None` if it would have been empty.
    pub(crate) block: Option<BlockRecord>,
    /// What became of each statement.
    pub(crate) submissions: Vec<Submission<Decided>>,
}

/// What a thread of the pool does next.
#[derive(Debug)]
pub(crate) enum Job {
    /// Parse and verify.
    Verify(Submission<Vec<u8>>),
    /// Issue receipts, sign refusals, answer.
    Answer(ToAnswer),
}

/// Why a submission found no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// Too much waits.
    Full,
    /// Nothing more is taken in.
    Closed,
}

/// The room.
#[derive(Debug)]
pub(crate) struct Room {
    limits: QueueLimits,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inside {
    to_verify: VecDeque<Submission<Vec<u8>>>,
    to_answer: VecDeque<ToAnswer>,
    next_ticket: u64,
    submissions: usize,
    statements: usize,
    /// Of the statements, those that the sequencer has not got yet.
    on_the_way: usize,
    bytes: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing more comes in; what is here is finished.
    Closed,
    /// Nothing more is done.
    Abandoned,
}

impl Room {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        let inside = Inside {
            to_verify: VecDeque::new(),
            to_answer: VecDeque::new(),
            next_ticket: 0,
            submissions: 0,
            statements: 0,
            on_the_way: 0,
            bytes: 0,
            state: State::Open,
        };
        Self {
            limits,
            inside: Mutex::new(inside),
            changed: Condvar::new(),
        }
    }

    /// A panic elsewhere halts the node; the counts it leaves are whole.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a submission, or nothing of it. Never waits.
    pub(crate) fn enter(
        self: &Arc<Self>,
        statements: Vec<Vec<u8>>,
    ) -> Result<oneshot::Receiver<Vec<Answer>>, NoSeat> {
        let (sender, answers) = oneshot::channel();
        let bytes = statements.iter().map(Vec::len).sum();
        let entered = Instant::now();
        let mut inside = self.lock();
        if inside.state != State::Open {
            return Err(NoSeat::Closed);
        }
        let more = inside.statements.saturating_add(statements.len());
        let more_bytes = inside.bytes.saturating_add(bytes);
        if more > self.limits.statements_max || more_bytes > self.limits.bytes_max {
            return Err(NoSeat::Full);
        }
        inside.on_the_way += statements.len();
        inside.statements = more;
        inside.bytes = more_bytes;
        inside.submissions += 1;
        let ticket = inside.next_ticket;
        inside.next_ticket += 1;
        let seats = Seats {
            room: Arc::clone(self),
            statements: statements.len(),
            bytes,
        };
        let reply = Reply {
            sender,
            entered,
            seats,
        };
        inside.to_verify.push_back(Submission {
            ticket,
            statements,
            reply,
        });
        drop(inside);
        self.changed.notify_one();
        Ok(answers)
    }

    /// Has a part of a block answered.
    pub(crate) fn answer(&self, block: ToAnswer) {
        let mut inside = self.lock();
        if inside.state == State::Abandoned {
            drop(inside);
            return;
        }
        inside.to_answer.push_back(block);
        drop(inside);
        self.changed.notify_one();
    }

    /// The next thing to do, those who have waited longest first; waits for it. `None` when there
    /// will be nothing more.
    pub(crate) fn next(&self) -> Option<Job> {
        let mut inside = self.lock();
        loop {
            if inside.state == State::Abandoned {
                return None;
            }
            if let Some(block) = inside.to_answer.pop_front() {
                return Some(Job::Answer(block));
            }
            if let Some(submission) = inside.to_verify.pop_front() {
                return Some(Job::Verify(submission));
            }
            if inside.state == State::Closed && inside.submissions == 0 {
                return None;
            }
            inside = self
                .changed
                .wait(inside)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes nothing more in.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        if inside.state == State::Open {
            inside.state = State::Closed;
        }
        drop(inside);
        self.changed.notify_all();
    }

    /// Stops everything: who waits is dropped unanswered.
    pub(crate) fn abandon(&self) {
        let mut inside = self.lock();
        inside.state = State::Abandoned;
        let waiting = (
            std::mem::take(&mut inside.to_verify),
            std::mem::take(&mut inside.to_answer),
        );
        // Submissions free their seats when dropped, which takes the lock.
        drop(inside);
        drop(waiting);
        self.changed.notify_all();
    }

    /// Whether submissions are taken in.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().state == State::Open
    }

    /// Notes that `statements` have reached the sequencer, and says how many are on their way.
    pub(crate) fn arrived(&self, statements: usize) -> usize {
        let mut inside = self.lock();
        inside.on_the_way -= statements;
        inside.on_the_way
    }

    /// Statements in flight.
    pub(crate) fn statements(&self) -> usize {
        self.lock().statements
    }

    /// Most submissions that can be in flight: each has a statement at least.
    pub(crate) const fn submissions_max(&self) -> usize {
        self.limits.statements_max
    }
}

/// A submission's share of the room, given back when dropped.
#[derive(Debug)]
struct Seats {
    room: Arc<Room>,
    statements: usize,
    bytes: usize,
}

impl Drop for Seats {
    fn drop(&mut self) {
        let mut inside = self.room.lock();
        inside.statements -= self.statements;
        inside.bytes -= self.bytes;
        inside.submissions -= 1;
        let last = inside.state == State::Closed && inside.submissions == 0;
        drop(inside);
        if last {
            self.room.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(statements_max: usize, bytes_max: usize) -> Arc<Room> {
        Arc::new(Room::new(QueueLimits {
            statements_max,
            bytes_max,
        }))
    }

    #[test]
    fn a_full_room_refuses_and_an_answer_frees_seats() {
        for full in [room(2, 100), room(100, 2)] {
            let first = full.enter(vec![vec![0], vec![0]]).unwrap();
            assert_eq!(full.enter(vec![vec![0]]).unwrap_err(), NoSeat::Full);
            let Some(Job::Verify(submission)) = full.next() else {
                panic!("nothing to verify")
            };
            assert_eq!(full.enter(vec![vec![0]]).unwrap_err(), NoSeat::Full);
            submission.reply.send(Vec::new());
            assert_eq!(first.blocking_recv(), Ok(Vec::new()));
            drop(full.enter(vec![vec![0]]).unwrap());
        }
    }

    #[test]
    fn a_closed_room_is_emptied_and_an_abandoned_one_is_not() {
        let closed = room(9, 9);
        drop(closed.enter(vec![vec![0]]).unwrap());
        closed.close();
        assert_eq!(closed.enter(vec![vec![0]]).unwrap_err(), NoSeat::Closed);
        drop(closed.next().unwrap());
        assert!(closed.next().is_none());

        let abandoned = room(9, 9);
        let answers = abandoned.enter(vec![vec![0]]).unwrap();
        abandoned.abandon();
        assert!(abandoned.next().is_none());
        assert!(answers.blocking_recv().is_err());
        assert_eq!(abandoned.statements(), 0);
    }
}
