//! Goods that cross the border: shipped in Chengdu, proved to Chongqing, received and made into
//! something there, and scanned in either city.

use super::city::{CHENGDU, CHONGQING, City, Place};
use super::examples::{Crossing, Examples};
use super::load::submit;
use super::recall;
use crate::client::http::Remote;
use crate::client::random::Random;
use crate::commands::qr::link;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text::{self, Lang};
use ledger::checkpoint::SignedCheckpoint;
use ledger::event_proof::EventProof;
use ledger::identifier::Identifier;
use ledger::ids::TreeSize;
use ledger::region::import_record;
use ledger::registry::Action;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long the neighbour's witness may take: a round is a tenth of a second on an idle machine.
const WITNESSED_WITHIN: Duration = Duration::from_secs(30);

/// How often to look whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// What was made of goods from over the border, and what scans of it said.
pub(super) struct Crossed {
    crossing: Crossing,
    scans: Vec<Scan>,
}

/// A scan in one city.
struct Scan {
    place: &'static Place,
    url: String,
    verdict: String,
    complete: bool,
    /// Logs of parts that are proved under a witnessed checkpoint.
    witnessed: Vec<String>,
    /// Parts that are not.
    unproved: usize,
}

/// Carries everything over the border, and recalls what must be recalled.
///
/// # Errors
/// [`Failure`]: what is refused, by name; busy where no witness answers in time.
pub(super) fn load(
    examples: &Examples,
    chengdu: &City,
    chongqing: &City,
    lang: Lang,
) -> Result<(), Failure> {
    let source = chengdu.reach(lang)?;
    let sent = examples.crossings.iter().flat_map(|one| &one.sent);
    chengdu
        .cast
        .tell(examples, sent, &BTreeMap::new(), &source)?;
    wait_for_witnesses(&source)?;
    let goal = chongqing.reach(lang)?;
    for crossing in &examples.crossings {
        let told = import(crossing, chengdu, chongqing, &goal, lang)?;
        let documents = &crossing.documents;
        chongqing.cast.tell(examples, documents, &told, &goal)?;
        if let Some(order) = &crossing.recall {
            recall::order(order, &chengdu.cast, &source)?;
        }
    }
    Ok(())
}

/// Waits until what the node has recorded is witnessed: before, there are no proofs of it.
fn wait_for_witnesses(node: &Remote) -> Result<(), Failure> {
    let size = |path| -> Result<Option<TreeSize>, Failure> {
        let got = node.get(path, &[], "text/plain")?;
        if got.status == 404 {
            return Ok(None);
        }
        let note = String::from_utf8(got.success()?).map_err(Failure::malformed)?;
        let checkpoint = SignedCheckpoint::parse(&note).map_err(Failure::malformed)?;
        Ok(Some(checkpoint.claim().size))
    };
    let recorded = size("/checkpoint")?;
    let until = Instant::now() + WITNESSED_WITHIN;
    while size("/checkpoint/witnessed")? < recorded {
        if Instant::now() > until {
            let what = format!("{}: the neighbour's witness does not answer", node.url());
            return Err(Failure::new(Code::Busy, what).remedy("start the demo again"));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Imports the proofs of a crossing; the digests of their statements, by eventID.
fn import(
    crossing: &Crossing,
    chengdu: &City,
    chongqing: &City,
    goal: &Remote,
    lang: Lang,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut told = BTreeMap::new();
    let mut records = Vec::new();
    for one in &crossing.proofs {
        let asker = chengdu.cast.asker(&one.by)?;
        let issuer = asker.handle.to_string();
        let source = chengdu.reach(lang)?.asked_by(Some(asker));
        let path = format!("/events/{}/proof", one.event);
        let accept = "application/vnd.suyuan.event-proof+cbor";
        let bytes = source
            .get(&path, &[("issuer", &issuer)], accept)?
            .success()?;
        let proof = EventProof::decode(&bytes).map_err(Failure::malformed)?;
        let event = proof.told().map_err(Failure::malformed)?;
        told.insert(one.event.clone(), event.statement.to_string());
        records.push(import_record(&event.log, &proof));
    }
    let (by, mut random) = (&crossing.importer, Random::default());
    let act = chongqing
        .cast
        .act(by, Action::Import, records, &mut random)?;
    submit(goal, &[act])?;
    Ok(told)
}

/// Scans everything that was made, in both cities: first where it was made.
///
/// # Errors
/// [`Failure`].
pub(super) fn scan(
    examples: &Examples,
    chengdu: &City,
    chongqing: &City,
    lang: Lang,
) -> Result<Vec<Crossed>, Failure> {
    let crossed = |crossing: &Crossing| {
        let scans = [chongqing, chengdu].map(|city| one_scan(crossing, city, lang));
        Ok(Crossed {
            crossing: crossing.clone(),
            scans: scans.into_iter().collect::<Result<_, Failure>>()?,
        })
    };
    examples.crossings.iter().map(crossed).collect()
}

fn one_scan(crossing: &Crossing, city: &City, lang: Lang) -> Result<Scan, Failure> {
    let item = Identifier::parse(&crossing.code).map_err(Failure::malformed)?;
    let node = city.reach(lang)?;
    let query = [("code", item.as_str())];
    let body = node.get("/trace", &query, "application/json")?.answer()?;
    let answer: Value = serde_json::from_slice(&body).map_err(Failure::malformed)?;
    let parts = answer["chain"]["sections"].as_array();
    let parts = parts.map(Vec::as_slice).unwrap_or_default();
    let witnessed = |part: &&Value| part["told"]["standing"] == "witnessed";
    let log = |part: &Value| part["log"].as_str().map(str::to_owned);
    let witnessed: Vec<String> = parts.iter().filter(witnessed).filter_map(log).collect();
    Ok(Scan {
        place: city.place,
        url: link(&city.public_url, &item),
        verdict: answer["verdict"].as_str().unwrap_or_default().to_owned(),
        complete: answer["complete"] == true,
        unproved: parts.len() - witnessed.len(),
        witnessed,
    })
}

impl Scan {
    /// Whether it tells one chain of proved parts. Where the goods were made, their origin is the
    /// other log's; elsewhere they are the other's too.
    fn is_whole(&self) -> bool {
        let made_here = self.place.origin == CHONGQING.origin;
        let wanted: &[&str] = if made_here {
            &[CHENGDU.origin]
        } else {
            &[CHENGDU.origin, CHONGQING.origin]
        };
        self.witnessed == wanted && self.unproved == 0
    }

    fn to_json(&self) -> Value {
        json!({
            "region": self.place.region,
            "url": self.url,
            "verdict": self.verdict,
            "complete": self.complete,
            "witnessed": self.witnessed,
            "unproved": self.unproved,
        })
    }
}

impl Crossed {
    /// Where it was made, first, then elsewhere.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "name": self.crossing.name,
            "goods": self.crossing.goods,
            "code": self.crossing.code,
            "scans": self.scans.iter().map(Scan::to_json).collect::<Vec<_>>(),
        })
    }

    /// What is not as it should be, in each scan.
    pub(super) fn faults(&self) -> impl Iterator<Item = String> {
        let Crossing { name, verdict, .. } = &self.crossing;
        let wrong = move |scan: &&Scan| scan.verdict != *verdict || !scan.is_whole();
        self.scans.iter().filter(wrong).map(move |scan| {
            format!(
                "{name}, scanned in {}: {} with parts of {:?} witnessed and {} not, instead of \
                 {verdict}",
                scan.place.name[1], scan.verdict, scan.witnessed, scan.unproved
            )
        })
    }

    fn rows(&self, console: Console) -> impl Iterator<Item = Vec<String>> {
        let title = match console.lang {
            Lang::Zh => &self.crossing.title.zh,
            Lang::En => &self.crossing.title.en,
        };
        self.scans.iter().map(move |scan| {
            vec![
                title.clone(),
                console.lang.pick(scan.place.name).to_owned(),
                console.lang.pick(text::verdict(&scan.verdict)).to_owned(),
                scan.url.clone(),
            ]
        })
    }
}

/// A table for people.
///
/// # Errors
/// [`Failure`] where nothing can be printed.
pub(super) fn print(console: Console, crossed: &[Crossed]) -> Result<(), Failure> {
    console.line("")?;
    let headings = [text::ACROSS, text::SCANNED_IN, text::VERDICT, text::LINK];
    console.table(&headings, crossed.iter().flat_map(|one| one.rows(console)))
}
