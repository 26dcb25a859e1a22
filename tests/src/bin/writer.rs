//! `writer DIR LIFE`: loads the ledger in `DIR` and says what was acknowledged, until it is killed,
//! the node halts (exit code 8), or [`TIME_MAX`] is over.

use ledger::hash::Digest;
use ledger::store::{Store as _, View as _};
use ledger_rocks::RocksStore;
use node::{Node, SubmitError};
use std::cell::RefCell;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::said::{Promise, Said};
use tests::town::{Town, config};

/// As many callers as keep a disk busy while blocks stay small.
const CALLERS: usize = 6;

/// One statement in this many is sent a second time.
const AGAIN_EVERY: u64 = 8;

/// No fault and no kill takes this long to come; a test that waits for one that never does fails.
const TIME_MAX: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mut next = || arguments.next().and_then(|text| text.into_string().ok());
    let dir = PathBuf::from(next().expect("the data directory"));
    let life = next().and_then(|text| text.parse().ok()).expect("a number");
    let node = match node::open(&config(&dir)) {
        Ok(node) => node,
        Err(why) => {
            say(&Said::NotOpened(why.to_string()));
            return ExitCode::from(8);
        }
    };
    let town = Rc::new(RefCell::new(Town::new(life)));
    let until = Instant::now() + TIME_MAX;
    say(&Said::Ready);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without timers or sockets");
    let local = tokio::task::LocalSet::new();
    let calls = (0..CALLERS).map(|_| local.spawn_local(call(node.clone(), town.clone(), until)));
    let calls: Vec<_> = calls.collect();
    let halted = runtime.block_on(local.run_until(async {
        let mut halted = false;
        for call in calls {
            halted |= call.await.expect("callers do not panic");
        }
        if halted {
            say(&Said::Halted(node.halted().await.to_string()));
            let late = town.borrow_mut().statement();
            say(&Said::AfterHalt(match node.submit(late).await {
                Ok(_) => "acknowledged".to_owned(),
                Err(why) => why.to_string(),
            }));
        }
        halted
    }));
    if halted {
        ExitCode::from(8)
    } else {
        ExitCode::SUCCESS
    }
}

/// Sends one statement after the other; returns whether the node halted.
async fn call(node: Arc<Node<RocksStore>>, town: Rc<RefCell<Town>>, until: Instant) -> bool {
    let mut sent = 0_u64;
    while Instant::now() < until {
        let statement = town.borrow_mut().statement();
        sent += 1;
        let times = if sent.is_multiple_of(AGAIN_EVERY) {
            2
        } else {
            1
        };
        for _ in 0..times {
            match submit(&node, &statement).await {
                Ok(()) => {}
                Err(SubmitError::Halted) => return true,
                Err(
                    other @ (SubmitError::Rejected { .. }
                    | SubmitError::Busy { .. }
                    | SubmitError::NotSigning(_)),
                ) => {
                    say(&Said::Refused(other.to_string()));
                }
            }
        }
    }
    false
}

async fn submit(node: &Node<RocksStore>, statement: &[u8]) -> Result<(), SubmitError> {
    let answer = node.submit(statement.to_vec()).await?;
    let promise = Promise {
        submitted: Digest::of(statement),
        receipt: answer.receipt,
    };
    say(&Said::Acknowledged(answer.leaf, promise));
    // The newest checkpoint, as a monitor would fetch it.
    if let Ok(Some(head)) = node.store().view().head() {
        say(&Said::Checkpoint(head.checkpoint));
    }
    Ok(())
}

/// One line in one write: a kill leaves whole lines and at most one torn.
fn say(what: &Said) {
    let line = format!("{what}\n");
    std::io::stdout()
        .write_all(line.as_bytes())
        .expect("the parent reads until this process ends");
}
