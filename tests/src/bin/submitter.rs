//! `submitter DIR FILE`: opens the ledger in `DIR`, waits for a line, submits the statement in
//! `FILE`, and ends when it is acknowledged. A test watches what it writes meanwhile.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use tests::town::config;

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let dir = arguments.next().expect("the data directory");
    let file = arguments.next().expect("the statement");
    let statement = std::fs::read(file).expect("the test wrote it");
    let node = node::open(&config(&dir)).expect("the ledger opens");
    say("ready");
    std::io::stdin()
        .lock()
        .read_line(&mut String::new())
        .expect("the test says when");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without timers or sockets");
    runtime
        .block_on(node.submit(statement))
        .expect("an admissible statement");
    say("acknowledged");
}

fn say(line: &str) {
    std::io::stdout()
        .write_all(format!("{line}\n").as_bytes())
        .expect("the test reads");
}
