//! `suyuan demo`: two cities' ledgers with nineteen codes to scan, in one command.
//!
//! Founds the ledgers of Chengdu and Chongqing in a fresh directory, serves both, each the other's
//! witness, loads the examples through their HTTP interfaces as their participants would, carries
//! goods over the border, recalls what must be recalled, asks for every code as a phone would, and
//! before an act as a till or a filling gun would. What they must hear stands in
//! `schemas/examples/chains.json` and `across.json`; a difference ends the demo.

mod across;
mod border;
mod city;
mod examples;
mod load;
mod recall;

use super::checked;
use super::init::make_dir;
use super::qr::link;
use super::serve::{interrupted, listen, runtime};
use super::verify::{bundle_failure, now};
use crate::client::http::Remote;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::qr::Code as QrCode;
use crate::text::{self, Lang};
use crate::trust;
use across::Crossed;
use city::{CHENGDU, CHONGQING, City, Door};
use clap::Args as ClapArgs;
use examples::{Asked, Chain, Examples};
use ledger::bundle::{Trust, prove};
use ledger::check::{Act, Decision, catalogue};
use ledger::identifier::Identifier;
use ledger::provenance::Scope;
use ledger::tlog_policy::TlogPolicy;
use load::Cast;
use node::config::policy_path;
use recall::{Inbox, Recalled};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

/// The first port tried, and how many after it.
const PORT: u16 = 8080;
const PORTS: u16 = 20;

/// The chain whose code is printed.
const SHOWN: &str = "doubanjiang";

/// Run the ledgers of two cities with example data, and print a code to scan.
///
/// Everything lives in a directory of its own, removed at the end unless --dir names one: Chengdu's
/// ledger in it, Chongqing's in chongqing/ below. Dates of the examples are moved so that they end
/// yesterday.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan demo
  suyuan demo --lan
  suyuan demo --once --json | jq .chains")]
pub(crate) struct Args {
    /// Keep the ledger in this directory, which must be new or empty.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The address to listen on; a free port on this machine from 8080 on without it. Chongqing's
    /// node takes the next free port of the same address.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Print a code that a phone in the same network can open.
    #[arg(long)]
    lan: bool,
    /// The address that codes carry, where it is not the one listened on.
    #[arg(long)]
    public_url: Option<String>,
    /// The same for Chongqing's node.
    #[arg(long, value_name = "URL")]
    chongqing_url: Option<String>,
    /// Load, check and end. The directory stays, for whoever wants to look into it.
    #[arg(long)]
    once: bool,
}

/// What a scan of one chain's code said.
struct Scanned {
    chain: Chain,
    url: String,
    events: usize,
    complete: bool,
    verdict: String,
    check: Option<Checked>,
    recalled: Option<Recalled>,
}

/// What a check before an act said.
struct Checked {
    decision: String,
    rule: Option<String>,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let home = Home::new(args.dir.as_deref(), args.once)?;
    let doors = open_doors(args, console)?;
    let examples = Examples::at(now())?;
    let cities = found(&home, &doors, &examples)?;
    let runtime = runtime()?;
    let chengdu = &cities[0];
    let trust = trust::read(&policy_path(&chengdu.dir))?;
    let log = trust.log_of_origin(CHENGDU.origin);
    let log = log.map(|log| Trust::from(&log.key));
    let log = log.ok_or_else(|| Failure::malformed("the demo's own log is not trusted"))?;
    let inbox = Inbox::open(&runtime, &chengdu.cast, &chengdu.dir, log)?;
    let [one, other] = doors;
    let one = cities[0].serve(&runtime, one)?;
    let other = match cities[1].serve(&runtime, other) {
        Ok(other) => other,
        Err(failure) => {
            // What kept the second from starting is the news.
            let _ended = runtime.block_on(one.end(None));
            return Err(failure);
        }
    };
    let outcome = load_and_check(&cities, &examples, &trust, console, &inbox)
        .and_then(|(scanned, crossed)| show(args, console, &home, &cities, &scanned, &crossed));
    let wait = outcome.is_ok() && !args.once;
    let ended = runtime.block_on(async {
        let (mut of_one, mut of_other) = (None, None);
        if wait {
            tokio::select! {
                () = interrupted() => {}
                halt = one.halted() => of_one = Some(halt),
                halt = other.halted() => of_other = Some(halt),
            }
        }
        let (one, other) = tokio::join!(one.end(of_one), other.end(of_other));
        one.and(other)
    });
    outcome.and(ended)
}

/// Founds both ledgers and makes them neighbours.
fn found(home: &Home, doors: &[Door; 2], examples: &Examples) -> Result<[City; 2], Failure> {
    let [one, other] = doors;
    let below = home.path.join("chongqing");
    make_dir(&below)?;
    let cities = [
        City::found(&CHENGDU, &home.path, one, other, examples, now())?,
        City::found(&CHONGQING, &below, other, one, examples, now())?,
    ];
    border::witness(&cities[0], &cities[1], &home.path)?;
    Ok(cities)
}

/// Loads the examples and scans every code, as others would: over HTTP.
fn load_and_check(
    cities: &[City; 2],
    examples: &Examples,
    trust: &TlogPolicy,
    console: Console,
    inbox: &Inbox,
) -> Result<(Vec<Scanned>, Vec<Crossed>), Failure> {
    let [chengdu, chongqing] = cities;
    for (city, neighbour) in [(chengdu, chongqing), (chongqing, chengdu)] {
        city.cast.introduce(examples, &city.reach(console.lang)?)?;
        border::recognise(city, neighbour, console.lang)?;
    }
    let remote = chengdu.reach(console.lang)?;
    let documents = examples.chains.iter().flat_map(|chain| &chain.documents);
    let cast = &chengdu.cast;
    cast.tell(examples, documents, &BTreeMap::new(), &remote)?;
    let office = chengdu.reach_as_office(console.lang)?;
    let mut recalls = BTreeMap::new();
    for chain in &examples.chains {
        if let Some(order) = &chain.recall {
            let done = recall::run(order, cast, &remote, &office, inbox)?;
            recalls.insert(chain.name.as_str(), done);
        }
    }
    across::load(examples, chengdu, chongqing, console.lang)?;
    let crossed = across::scan(examples, chengdu, chongqing, console.lang)?;
    let scanned = examples.chains.iter().map(|chain| {
        let recalled = recalls.remove(chain.name.as_str());
        let scanned = scan(chain, cast, &remote, &office, trust, &chengdu.public_url)?;
        Ok(Scanned {
            recalled,
            ..scanned
        })
    });
    Ok((scanned.collect::<Result<_, Failure>>()?, crossed))
}

/// Scans a chain's code: the answer a phone gets, the bundle that proves its open part, and the
/// authority's, which proves all of it.
fn scan(
    chain: &Chain,
    cast: &Cast,
    remote: &Remote,
    office: &Remote,
    trust: &TlogPolicy,
    public_url: &str,
) -> Result<Scanned, Failure> {
    let item = Identifier::parse(&chain.code).map_err(Failure::malformed)?;
    let query = [("code", item.as_str())];
    let body = remote.get("/trace", &query, "application/json")?.answer()?;
    let answer: serde_json::Value = serde_json::from_slice(&body).map_err(Failure::malformed)?;
    let proof = |node: &Remote| {
        let bundle = node.get("/trace", &query, "application/vnd.suyuan.bundle+cbor")?;
        prove(&bundle.answer()?, trust, now()).map_err(|error| bundle_failure(&error, trust))
    };
    let (open, proved) = (proof(remote)?.answer, proof(office)?);
    let scanned = Scanned {
        chain: chain.clone(),
        url: link(public_url, &item),
        events: answer["steps"].as_array().map_or(0, Vec::len),
        complete: answer["complete"] == true,
        verdict: answer["verdict"].as_str().unwrap_or_default().to_owned(),
        check: match &chain.check {
            Some(asked) => Some(check(chain, asked, cast, remote.url(), trust)?),
            None => None,
        },
        recalled: None,
    };
    // What anyone can prove is as bad as it is, or is silent.
    let red = ["recalled", "failed_test", "expired", "unknown"].contains(&&*scanned.verdict);
    let said = if red { &*scanned.verdict } else { "clear" };
    let same = open.verdict.word() == said
        && open.scope == Scope::Open
        && proved.answer.verdict.word() == scanned.verdict
        && proved.answer.complete == scanned.complete
        && proved.answer.steps.len() == scanned.events;
    if same {
        Ok(scanned)
    } else {
        let what = format!(
            "{}: the page shows {} in {} steps; its proof says {} to all, where {said} is wanted, \
             and {} in {} steps to the authority",
            chain.name,
            scanned.verdict,
            scanned.events,
            open.verdict.word(),
            proved.answer.verdict.word(),
            proved.answer.steps.len(),
        );
        Err(Failure::new(Code::Proof, what))
    }
}

/// Asks before an act, and verifies that the log signed what it answers.
fn check(
    chain: &Chain,
    asked: &Asked,
    cast: &Cast,
    url: &str,
    trust: &TlogPolicy,
) -> Result<Checked, Failure> {
    let asker = cast.asker(&asked.actor)?;
    let body = serde_json::json!({
        "code": chain.code, "act": asked.act, "actor": asker.handle.to_string(),
    });
    let node = Remote::connect(url, Lang::En)?.asked_by(Some(asker));
    let answer = node.post_json("/check", &body)?.success()?;
    let answer: serde_json::Value = serde_json::from_slice(&answer).map_err(Failure::malformed)?;
    let signed = checked::signed(&answer)?;
    let (attested, _) = checked::verify(&signed, trust)?;
    let gravest = attested.answer.reasons.first();
    let grave = gravest.filter(|reason| reason.decision != Decision::Allow);
    Ok(Checked {
        decision: attested.answer.decision.word().to_owned(),
        rule: grave.map(|reason| reason.rule.clone()),
    })
}

impl Scanned {
    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.chain.name,
            "code": self.chain.code,
            "url": self.url,
            "events": self.events,
            "complete": self.complete,
            "verdict": self.verdict,
            "check": self.chain.check.as_ref().zip(self.check.as_ref()).map(|(asked, said)| {
                serde_json::json!({
                    "act": asked.act,
                    "actor": asked.actor,
                    "decision": said.decision,
                    "rule": said.rule,
                })
            }),
            "recall": self.recalled.as_ref().map(Recalled::to_json),
        })
    }

    fn is_as_expected(&self) -> bool {
        let expected = |asked: &Asked| {
            self.check
                .as_ref()
                .is_some_and(|said| said.decision == asked.decision && said.rule == asked.rule)
        };
        self.verdict == self.chain.verdict
            && self.complete == self.chain.complete
            && self.chain.check.as_ref().is_none_or(expected)
            && self.chain.recall.as_ref().is_none_or(|order| {
                self.recalled.as_ref().is_some_and(|recalled| {
                    recalled.silent == order.silent && recalled.told == recalled.holders
                })
            })
    }

    /// The act that was asked about and the decision, for people.
    fn act(&self, console: Console) -> String {
        let Some((asked, said)) = self.chain.check.as_ref().zip(self.check.as_ref()) else {
            return String::new();
        };
        let act = Act::parse(&asked.act).map_or("", |act| console.lang.pick(catalogue::act(act)));
        let decision = checked::decision(console, &said.decision);
        let rule = said.rule.as_deref().unwrap_or_default();
        format!("{act}: {decision} {rule}").trim_end().to_owned()
    }
}

fn show(
    args: &Args,
    console: Console,
    home: &Home,
    cities: &[City; 2],
    scanned: &[Scanned],
    crossed: &[Crossed],
) -> Result<(), Failure> {
    if console.json {
        let node = |city: &City| {
            serde_json::json!({
                "region": city.place.region, "origin": city.place.origin,
                "url": city.public_url, "dir": city.dir,
            })
        };
        console.value(&serde_json::json!({
            "nodes": cities.iter().map(node).collect::<Vec<_>>(),
            "chains": scanned.iter().map(Scanned::to_json).collect::<Vec<_>>(),
            "across": crossed.iter().map(Crossed::to_json).collect::<Vec<_>>(),
        }))?;
    } else {
        let rows = scanned.iter().map(|one| {
            let title = match console.lang {
                Lang::Zh => &one.chain.title.zh,
                Lang::En => &one.chain.title.en,
            };
            let mark = if one.is_as_expected() { "" } else { " ✗" };
            let verdict = console.lang.pick(text::verdict(&one.verdict));
            vec![
                title.clone(),
                format!("{verdict}{mark}"),
                one.act(console),
                one.events.to_string(),
                one.url.clone(),
            ]
        });
        console.table(
            &[
                text::CHAIN,
                text::VERDICT,
                text::CHECK,
                text::EVENTS,
                text::LINK,
            ],
            rows,
        )?;
    }
    if !console.json {
        recalls(console, scanned)?;
        across::print(console, crossed)?;
    }
    let mut wrong: Vec<String> = scanned
        .iter()
        .filter(|one| !one.is_as_expected())
        .map(|one| {
            let Chain {
                name,
                verdict,
                complete,
                check,
                ..
            } = &one.chain;
            let said = one.check.as_ref().map(|said| (&said.decision, &said.rule));
            let asked = check.as_ref().map(|asked| (&asked.decision, &asked.rule));
            let recall = one.recalled.as_ref().map(Recalled::to_json);
            format!(
                "{name}: {} (complete: {}, check: {said:?}, recall: {recall:?}) instead of \
                 {verdict} (complete: {complete}, check: {asked:?}, silent: {:?})",
                one.verdict,
                one.complete,
                one.chain.recall.as_ref().map(|order| &order.silent),
            )
        })
        .collect();
    if cities.iter().all(City::is_asked_by_name) {
        wrong.extend(crossed.iter().flat_map(Crossed::faults));
    }
    if !wrong.is_empty() {
        return Err(Failure::new(Code::Proof, wrong.join("; ")));
    }
    if !console.json && !args.once {
        invite(console, home, cities, scanned)?;
    }
    Ok(())
}

/// How far recalls came.
fn recalls(console: Console, scanned: &[Scanned]) -> Result<(), Failure> {
    let rows = scanned
        .iter()
        .filter_map(|one| one.recalled.as_ref())
        .map(|recalled| {
            vec![
                recalled.case.clone(),
                recalled.items.to_string(),
                recalled.holders.to_string(),
                recalled.told.to_string(),
                (recalled.holders - recalled.silent.len()).to_string(),
                recalled.start_by.clone(),
                recalled.finish_by.clone(),
            ]
        });
    console.line("")?;
    let headings = [
        text::CASE,
        text::ITEMS,
        text::HOLDERS,
        text::TOLD,
        text::ACKNOWLEDGED,
        text::START_BY,
        text::FINISH_BY,
    ];
    console.table(&headings, rows)
}

/// One link, one code.
fn invite(
    console: Console,
    home: &Home,
    cities: &[City; 2],
    scanned: &[Scanned],
) -> Result<(), Failure> {
    let Some(shown) = scanned.iter().find(|one| one.chain.name == SHOWN) else {
        return Ok(());
    };
    let caption = Identifier::parse(&shown.chain.code).map(|item| item.human_readable());
    let row =
        |label, value: &str| console.line(format_args!("{}: {value}", console.lang.pick(label)));
    console.line("")?;
    for city in cities {
        row(city.place.name, &city.public_url)?;
    }
    row(
        text::TRUST_FILE,
        &border::trust_file(&home.path).display().to_string(),
    )?;
    console.say(text::STOP)?;
    console.line("")?;
    row(text::SCAN, &shown.url)?;
    if let Some(code) = QrCode::new(&shown.url, &caption.unwrap_or_default()) {
        console.line(code.terminal(console.is_terminal()))?;
    }
    Ok(())
}

/// Where the demo lives.
struct Home {
    path: PathBuf,
    /// Whether it goes when the demo ends.
    fleeting: bool,
}

impl Home {
    fn new(dir: Option<&Path>, keep: bool) -> Result<Self, Failure> {
        if let Some(dir) = dir {
            let empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
            if !empty {
                return Err(Failure::usage(format!("{} is not empty", dir.display())).remedy(
                    "name a new directory; a demo's ledger is served again with: suyuan serve --dir",
                ));
            }
            make_dir(dir)?;
            return Ok(Self {
                path: dir.to_owned(),
                fleeting: false,
            });
        }
        let mut random = crate::client::random::Random::default();
        let name = format!("suyuan-demo-{}", random.handle());
        random.check()?;
        let path = std::env::temp_dir().join(name);
        make_dir(&path)?;
        Ok(Self {
            path,
            fleeting: !keep,
        })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.fleeting {
            // What stays behind is in the system's directory for such things.
            let _left = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Listens where it was told to, or on the first free port.
fn open_port(args: &Args) -> Result<TcpListener, Failure> {
    if let Some(address) = args.listen {
        return listen(address);
    }
    let ip = if args.lan {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    let address = |port| SocketAddr::from((ip, port));
    (PORT..PORT + PORTS)
        .find_map(|port| listen(address(port)).ok())
        .map_or_else(|| listen(address(0)), Ok)
}

/// Both doors: Chengdu's where it was asked for, Chongqing's on the next free port beside it.
fn open_doors(args: &Args, console: Console) -> Result<[Door; 2], Failure> {
    let one = open_port(args)?;
    let address = one.local_addr()?;
    let next = |port| SocketAddr::new(address.ip(), port);
    let after = address.port().saturating_add(1)..=address.port().saturating_add(PORTS);
    let other = after.into_iter().find_map(|port| listen(next(port)).ok());
    let other = other.map_or_else(|| listen(next(0)), Ok)?;
    Ok([
        door(one, args.public_url.as_ref(), args, console)?,
        door(other, args.chongqing_url.as_ref(), args, console)?,
    ])
}

/// `given`: the address that codes carry, where it was named.
fn door(
    listener: TcpListener,
    given: Option<&String>,
    args: &Args,
    console: Console,
) -> Result<Door, Failure> {
    let port = listener.local_addr()?.port();
    let public_url = match given {
        Some(url) => Some(url.trim_end_matches('/').to_owned()),
        None if args.lan => {
            let ip =
                lan_address().ok_or_else(|| Failure::usage(console.lang.pick(text::NO_LAN)))?;
            Some(format!("http://{}", SocketAddr::new(ip, port)))
        }
        None => None,
    };
    Door::new(listener, public_url)
}

/// This machine's address in its network: that from which it would reach another host. Nothing is
/// sent; the address asked for is one of documentation (RFC 5737).
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}
