//! The report on a proof that one entry is on a ledger: a receipt or a tlog-proof.

use crate::catalogue::Key;
use crate::options::OptionsError;
use crate::proved::{is_short, list, reasons, standing_rows};
use crate::report::{Report, Row, Tone, both, row, sentence, sentences};
use crate::{Asked, Refused};
use ledger::checkpoint::HistoryError;
use ledger::hash::Digest;
use ledger::ids::{LeafIndex, TreeSize, UnixMillis};
use ledger::receipt::Receipt;
use ledger::statement::{Issuer, SignedStatement};
use ledger::time::format_utc;
use ledger::tlog_policy::{Cosigned, Standing};
use ledger::tlog_proof::TlogProof;

/// Where an entry stands, by whose word.
struct Place<'a> {
    origin: &'a str,
    leaf: LeafIndex,
    size: TreeSize,
    root: Digest,
    /// A receipt's time.
    issued: Option<UnixMillis>,
    standing: Standing,
    cosigned: &'a [Cosigned],
}

/// On a receipt, which needs the entry that it is for.
pub(crate) fn of_receipt(asked: &Asked, file: &[u8]) -> Result<Report, Refused> {
    let statement = asked.options.entry()?.ok_or(OptionsError::EntryMissing)?;
    let facts = Receipt::parse(file)
        .and_then(|receipt| receipt.prove(&statement, &asked.trust))
        .map_err(|error| Refused::proof(error.name(), &error))?;
    let place = Place {
        origin: &facts.claims.iss,
        leaf: facts.leaf,
        size: facts.size,
        root: facts.root,
        issued: Some(UnixMillis::from_seconds(facts.claims.iat)),
        standing: Standing::Recorded,
        cosigned: &[],
    };
    report(asked, &statement, &place)
}

/// On a tlog-proof, which may carry its entry.
pub(crate) fn of_tlog_proof(asked: &Asked, file: &[u8]) -> Result<Report, Refused> {
    let proof = TlogProof::parse(file).map_err(|error| Refused::proof(error.name(), &error))?;
    let statement = match (asked.options.entry()?, &proof.extra) {
        (Some(statement), _) => statement,
        (None, Some(entry)) => {
            SignedStatement::parse(entry).map_err(|why| Refused::proof("entry-malformed", &why))?
        }
        (None, None) => return Err(OptionsError::EntryMissing.into()),
    };
    let judged = proof
        .prove(&statement, &asked.trust)
        .map_err(|error| Refused::proof(error.name(), &error))?;
    let place = Place {
        origin: &judged.checkpoint.origin,
        leaf: proof.leaf,
        size: judged.checkpoint.size,
        root: judged.checkpoint.root,
        issued: None,
        standing: judged.standing,
        cosigned: &judged.cosigned,
    };
    report(asked, &statement, &place)
}

fn report(
    asked: &Asked,
    statement: &SignedStatement,
    place: &Place<'_>,
) -> Result<Report, Refused> {
    // What was recorded in an earlier tree is so for ever: only two histories are against it.
    if let Err(error @ HistoryError::Fork { .. }) =
        asked.follows(place.origin, place.size, &place.root)
    {
        return Err(Refused::proof(error.name(), &error));
    }
    let short = is_short(&asked.trust, place.standing);
    let reasons = reasons(None, short);
    let title = match place.standing {
        Standing::Recorded => Key::VerifyEntryRecorded,
        Standing::Witnessed => Key::VerifyEntryWitnessed,
    };
    let mut facts = vec![
        row(Key::ProofOrigin, place.origin),
        row(Key::VerifyLeaf, &place.leaf.to_string()),
        row(Key::ProofSize, &place.size.to_string()),
        row(Key::ProofRoot, &place.root.to_string()),
    ];
    let issued = place.issued;
    facts.extend(issued.map(|time| row(Key::VerifyIssued, &format_utc(time))));
    facts.extend(standing_rows(place.standing, place.cosigned, &asked.trust));
    let proved = std::iter::once(Key::VerifyProvedEntry)
        .chain((place.standing == Standing::Witnessed).then_some(Key::VerifyProvedOnce));
    let unproved = [Key::VerifyNotContent, Key::ProofLimits]
        .into_iter()
        .chain((place.standing == Standing::Recorded).then_some(Key::VerifyNotWitness));
    let few = short.then(|| sentence(both(Key::VerifyFewWitnesses)));
    let mut sections = vec![
        list(Key::VerifyStatements, about(statement)),
        list(Key::VerifyStanding, few),
        list(Key::VerifyFacts, facts),
        list(Key::VerifyProved, sentences(proved)),
        list(Key::VerifyNotProved, sentences(unproved)),
    ];
    sections.retain(|section| !section.rows.is_empty());
    Ok(Report {
        tone: Tone::Good.unless(&reasons),
        name: "proved",
        title: both(title),
        lead: both(Key::VerifyEntryLead),
        sections,
        reasons,
        standing: Some(place.standing.word()),
        answer: None,
    })
}

/// What an entry shows of its statement.
fn about(statement: &SignedStatement) -> Vec<Row> {
    match &statement.header().issuer {
        Issuer::Participant { handle, capture } => vec![
            row(Key::VerifyIssuer, &handle.to_string()),
            row(Key::VerifyCapture, &capture.to_string()),
        ],
        Issuer::Log { origin, .. } => vec![row(Key::VerifyIssuer, origin)],
    }
}
