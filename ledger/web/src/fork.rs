//! The report on evidence that a log has signed two histories.

use crate::catalogue::Key;
use crate::report::{Report, Row, Section, Tone, both, row, sentence};
use ledger::evidence::Fork;
use ledger::ids::UnixMillis;
use ledger::time::format_utc;
use ledger::tlog_policy::Judged;

/// The report on what was proved against a log.
pub(crate) fn report(fork: &Fork) -> Report {
    let mut newer = checkpoint(&fork.newer);
    if fork.older.checkpoint.size < fork.newer.checkpoint.size {
        newer.push(row(Key::VerifyForkPrefix, &fork.prefix.to_string()));
    }
    let witnesses = fork.cosigned_both();
    let sections = [
        (Key::VerifyForkOlder, checkpoint(&fork.older)),
        (Key::VerifyForkNewer, newer),
        (
            Key::VerifyForkBoth,
            witnesses
                .map(|name| row(Key::VerifyCosigned, name))
                .collect(),
        ),
        (
            Key::VerifyNotProved,
            [Key::VerifyForkNotWhich, Key::VerifyForkNotWho]
                .map(|key| sentence(both(key)))
                .to_vec(),
        ),
    ];
    let section = |(heading, rows): (Key, Vec<Row>)| Section {
        heading: both(heading),
        rows,
    };
    Report {
        reasons: Vec::new(),
        tone: Tone::Stop,
        name: "fork-proved",
        title: both(Key::VerifyTwoHistories),
        lead: both(Key::VerifyForkLead),
        sections: sections
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(section)
            .collect(),
        standing: None,
        answer: None,
    }
}

fn checkpoint(judged: &Judged) -> Vec<Row> {
    let mut rows = vec![
        row(Key::ProofOrigin, &judged.checkpoint.origin),
        row(Key::ProofSize, &judged.checkpoint.size.to_string()),
        row(Key::ProofRoot, &judged.checkpoint.root.to_string()),
        row(Key::VerifyForkKey, &judged.log.to_string()),
    ];
    rows.extend(judged.cosigned.iter().map(|one| {
        let time = format_utc(UnixMillis::from_seconds(one.time));
        row(Key::VerifyCosigned, &format!("{} ({time})", one.witness))
    }));
    rows
}
