//! What another region's node may answer, and what this one makes of it.

use super::*;
use ledger::bundle;
use ledger::checkpoint::SignedCheckpoint;
use ledger::lists::{Reader, ViewSource};
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::across::Following;
use ledger::provenance::answer::Moment;
use ledger::provenance::{Limits, trace};
use ledger::registry::Action;
use ledger::signature::Signer as _;
use ledger::state::Role;
use ledger::store::Store as _;
use ledger::testing::{Member, World, map_of_json, object_event};
use ledger::tlog_policy::TlogPolicy;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

const LOG: &str = "next.example/log";
const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const OTHER: &str = "https://id.gs1.org/01/06901234567892/10/B2";

/// What the node over there does with one request.
enum Reply {
    /// Status and body.
    Says(u16, Vec<u8>),
    /// Leads elsewhere.
    Redirects,
    /// Begins, and never ends.
    Hangs(&'static str),
}

/// A node that replies so, one request after the other, and the requests it got.
struct Elsewhere {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Elsewhere {
    fn replies(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().unwrap();
                heard.lock().unwrap().push(head(&mut stream));
                reply.to(&mut stream);
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

impl Reply {
    /// Who asked may have gone by then.
    fn to(&self, stream: &mut TcpStream) {
        let _gone = match self {
            Self::Says(status, body) => {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(&[head.as_bytes(), body].concat())
            }
            Self::Redirects => stream.write_all(
                b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\
                  Connection: close\r\n\r\n",
            ),
            Self::Hangs(beginning) => {
                let begun = stream.write_all(beginning.as_bytes());
                // Until the other side has enough of it.
                let _ended = stream.read(&mut [0]);
                begun
            }
        };
    }
}

/// The log over there, its witness and who makes lots on it.
struct Log {
    world: World,
    witness: SigningKey,
    maker: Member,
}

impl Log {
    fn new() -> Self {
        let mut world = World::of(LOG, "50", 0);
        let name = json!({"name": {"zh": "甲", "en": "A"}});
        let maker = world.admit(&[Role::Producer], "500112", &name);
        Self {
            world,
            witness: SigningKey::from_seed([0x77; 32]),
            maker,
        }
    }

    /// With two lots on it.
    fn with_lots() -> Self {
        let mut log = Self::new();
        log.makes("1", LOT);
        log.makes("2", OTHER);
        log
    }

    fn makes(&mut self, id: &str, lot: &str) {
        let id = format!("urn:e:{id}");
        let made = object_event(&id, "ADD", "commissioning", "2026-11-20T08:00:00Z", lot);
        let statement = self.world.events(&self.maker, &[made]);
        self.world.admitted(vec![statement]);
    }

    fn bundle(&self, item: &str, witnessed: bool) -> Vec<u8> {
        let view = self.world.store.view();
        let mut source = ViewSource::new(&view, Reader::Public);
        let wanted = Identifier::parse(item).unwrap();
        trace(&mut source, &wanted, self.world.now, Limits::DEFAULT).unwrap();
        let mut bundle = bundle::build(&view, &source, item).unwrap();
        if witnessed {
            let mut checkpoint = SignedCheckpoint::parse(&bundle.checkpoint).unwrap();
            checkpoint.cosign("w.example", &self.witness, 5).unwrap();
            bundle.checkpoint = checkpoint.to_string();
        }
        bundle.encode()
    }

    fn region(&self, node: &Elsewhere) -> Region {
        let key = |name: &str, kind, key| NoteKey::new(name, kind, key).unwrap();
        let log = self.world.log_key.public_key().clone();
        let log = key(LOG, KeyKind::Ed25519, log);
        let witness = self.witness.public_key().clone();
        let witness = key("w.example", KeyKind::Cosignature, witness);
        let policy = format!("log {log}\nwitness W {witness}\nquorum W\n");
        Region {
            log: LOG.to_owned(),
            name: ledger::provenance::answer::Text::default(),
            district: "50".to_owned(),
            url: node.url.clone(),
            policy: Some(TlogPolicy::parse(&policy).unwrap()),
        }
    }

    /// Asks `node` about a lot.
    fn ask(&self, regions: &Regions, node: &Elsewhere, item: &str) -> Told {
        let wanted = wanted(item);
        regions.ask(&self.region(node), &wanted, self.world.now, patient())
    }
}

/// As an answer that does not know `item` would have it asked for.
fn wanted(item: &str) -> Wanted {
    let world = World::new();
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Reader::Public);
    let item = Identifier::parse(item).unwrap();
    let answer = trace(&mut source, &item, world.now, Limits::DEFAULT).unwrap();
    Following::new("here.example/log", &answer, [LOG])
        .wanted()
        .unwrap()
}

fn regions() -> Regions {
    Regions::new(Credentials::default())
}

/// Longer than what is answered at all takes on a loaded machine: the timeout of one request
/// decides.
fn patient() -> Deadline {
    Deadline(Instant::now() + Duration::from_secs(60))
}

fn fault(told: &Told) -> &'static str {
    match told {
        Told::Proved(_) => "proved",
        Told::Silent { .. } => "silent",
        Told::Unproved { fault } => fault,
    }
}

#[test]
fn a_proved_answer_is_kept_for_the_next_reader() {
    let log = Log::with_lots();
    let bundle = log.bundle(LOT, true);
    let node = Elsewhere::replies(vec![Reply::Says(200, bundle)]);
    let regions = regions();
    let Told::Proved(part) = log.ask(&regions, &node, LOT) else {
        panic!("not proved")
    };
    assert_eq!(
        (part.standing, part.answer.item.as_str()),
        ("witnessed", LOT)
    );
    let asked = node.asked();
    assert!(
        asked[0].starts_with(
            "GET /01/06901234567892/10/A1?format=bundle&standing=witnessed HTTP/1.1\r\n"
        )
    );
    assert!(!asked[0].to_lowercase().contains("authorization"));
    assert_eq!(regions.lock().kept.len(), 1);
}

#[test]
fn a_code_that_is_proved_to_be_unknown_is_known_to_be_and_takes_no_room() {
    let log = Log::with_lots();
    let none = "https://id.gs1.org/01/06901234567892/10/NONE";
    let node = Elsewhere::replies(vec![Reply::Says(404, log.bundle(none, true))]);
    let regions = regions();
    let Told::Proved(part) = log.ask(&regions, &node, none) else {
        panic!("not proved")
    };
    assert_eq!(part.answer.verdict, Verdict::Unknown);
    assert!(regions.lock().kept.is_empty());
}

#[test]
fn who_does_not_answer_is_silent_and_left_alone_for_a_while() {
    let log = Log::with_lots();
    let endless = "HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\nslow";
    for reply in [
        Reply::Hangs(""),
        Reply::Hangs(endless),
        Reply::Says(500, Vec::new()),
        Reply::Says(429, Vec::new()),
    ] {
        let node = Elsewhere::replies(vec![reply]);
        let regions = regions();
        let told = log.ask(&regions, &node, LOT);
        assert!(
            matches!(told, Told::Silent { last_proved: None }),
            "{told:?}"
        );
        let since = regions.lock().paused[LOG];
        let turn = |after| regions.turn(LOG, Why::From, since + after).is_some();
        assert!(!turn(PAUSE - Duration::from_millis(1)));
        assert!(turn(PAUSE));
        assert_eq!(node.asked().len(), 1);
    }
}

#[test]
fn a_question_that_is_refused_or_sent_elsewhere_silences_nobody() {
    let log = Log::with_lots();
    let large = usize::try_from(PART_BYTES_MAX).unwrap() + 1;
    for reply in [
        Reply::Says(400, Vec::new()),
        Reply::Says(413, Vec::new()),
        Reply::Says(200, vec![0x84; large]),
        Reply::Redirects,
    ] {
        let good = Reply::Says(200, log.bundle(LOT, true));
        let node = Elsewhere::replies(vec![reply, good]);
        let regions = regions();
        assert_eq!(fault(&log.ask(&regions, &node, OTHER)), "silent");
        assert_eq!(node.asked().len(), 1, "a redirect is not followed");
        assert_eq!(fault(&log.ask(&regions, &node, LOT)), "proved");
    }
}

#[test]
fn what_proves_nothing_is_refused_by_name() {
    let log = Log::with_lots();
    let mut altered = log.bundle(LOT, true);
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let mut stranger = Log::with_lots();
    stranger.world.log_key = SigningKey::from_seed([9; 32]);
    stranger.makes("3", "https://id.gs1.org/01/06901234567892/10/C3");
    for (bundle, want) in [
        (b"nothing".to_vec(), "malformed"),
        (altered, "torn"),
        (log.bundle(OTHER, true), "other-item"),
        (stranger.bundle(LOT, true), "checkpoint"),
    ] {
        let node = Elsewhere::replies(vec![Reply::Says(200, bundle)]);
        let regions = regions();
        assert_eq!(fault(&log.ask(&regions, &node, LOT)), want);
        assert!(regions.lock().kept.is_empty());
    }
}

#[test]
fn a_bundle_without_a_quorum_is_asked_for_again_before_it_is_refused() {
    let log = Log::with_lots();
    let unwitnessed = || Reply::Says(200, log.bundle(LOT, false));
    let all = (0..WITNESSED_TRIES).map(|_| unwitnessed()).collect();
    let node = Elsewhere::replies(all);
    assert_eq!(fault(&log.ask(&regions(), &node, LOT)), "silent");
    assert_eq!(
        node.asked().len(),
        usize::try_from(WITNESSED_TRIES).unwrap()
    );
    let node = Elsewhere::replies(vec![unwitnessed(), Reply::Says(200, log.bundle(LOT, true))]);
    assert_eq!(fault(&log.ask(&regions(), &node, LOT)), "proved");
}

#[test]
fn a_log_does_not_go_back_behind_what_it_has_proved() {
    let mut log = Log::with_lots();
    let old = log.bundle(OTHER, true);
    log.makes("3", LOT);
    // The same size, another history.
    let mut other = Log::with_lots();
    other.makes("4", LOT);
    let replies = [log.bundle(LOT, true), old, other.bundle(OTHER, true)];
    let replies = replies.map(|bundle| Reply::Says(200, bundle));
    let node = Elsewhere::replies(replies.into());
    let regions = regions();
    assert_eq!(fault(&log.ask(&regions, &node, LOT)), "proved");
    assert_eq!(
        fault(&log.ask(&regions, &node, OTHER)),
        "older-than-remembered"
    );
    assert_eq!(fault(&log.ask(&regions, &node, OTHER)), "fork");
}

#[test]
fn an_ended_region_and_one_without_time_left_are_not_asked() {
    let log = Log::with_lots();
    let node = Elsewhere::replies(Vec::new());
    let regions = regions();
    let ended = Region {
        policy: None,
        ..log.region(&node)
    };
    let told = regions.ask(&ended, &wanted(LOT), log.world.now, patient());
    assert_eq!(fault(&told), "silent");
    let over = Deadline(Instant::now());
    let told = regions.ask(&log.region(&node), &wanted(LOT), log.world.now, over);
    assert_eq!(fault(&told), "silent");
    assert_eq!(node.asked(), Vec::<String>::new());
    assert!(regions.lock().paused.is_empty());
}

#[test]
fn regions_are_asked_so_much_at_a_time_and_codes_tried_so_often() {
    let (regions, now) = (regions(), Instant::now());
    let turn = |log, why| regions.turn(log, why, now);
    let one: Vec<_> = (0..ASKING_MAX)
        .map(|_| turn(LOG, Why::From).unwrap())
        .collect();
    assert!(turn(LOG, Why::From).is_none());
    let two: Vec<_> = (0..ASKING_MAX)
        .map(|_| turn("b", Why::From).unwrap())
        .collect();
    assert!(turn("c", Why::From).is_none(), "to all together");
    drop((one, two));
    for _ in 0..ASKED_MAX {
        assert!(turn(LOG, Why::Asked).is_some());
    }
    assert!(turn(LOG, Why::Asked).is_none());
    assert!(
        turn(LOG, Why::From).is_some(),
        "what came from there is followed"
    );
    assert!(regions.turn(LOG, Why::Asked, now + ASKED_SPAN).is_some());
}

#[test]
fn what_is_kept_of_regions_is_bounded() {
    let log = Log::with_lots();
    let node = Elsewhere::replies(vec![Reply::Says(200, log.bundle(LOT, true))]);
    let regions = regions();
    assert_eq!(fault(&log.ask(&regions, &node, LOT)), "proved");
    let mut state = regions.lock();
    let (_, mut kept) = state.kept.pop_first().unwrap();
    state.kept_bytes = 0;
    kept.bundle = vec![0; KEPT_BYTES_MAX / 2].into();
    for number in 0..5 {
        kept.fetched += Duration::from_secs(1);
        let question = (LOG.to_owned(), format!("{number}"), Sight::Own);
        state.keep(&question, &kept);
        assert!(state.kept_bytes <= KEPT_BYTES_MAX);
    }
    let items: Vec<&str> = state
        .kept
        .keys()
        .map(|(_, item, _)| item.as_str())
        .collect();
    assert_eq!(items, ["3", "4"], "the newest");
}

#[test]
fn a_silent_region_has_been_proved_as_of_the_last_answer() {
    let log = Log::with_lots();
    let node = Elsewhere::replies(vec![
        Reply::Says(200, log.bundle(LOT, true)),
        Reply::Says(500, Vec::new()),
    ]);
    let regions = regions();
    let Told::Proved(part) = log.ask(&regions, &node, LOT) else {
        panic!("not proved")
    };
    for kept in regions.lock().kept.values_mut() {
        kept.fetched = kept.fetched.checked_sub(FRESH).unwrap();
    }
    let told = log.ask(&regions, &node, LOT);
    let as_of = Some(part.as_of);
    assert!(matches!(told, Told::Silent { last_proved } if last_proved == as_of));
    assert_ne!(as_of, Some(Moment(UnixMillis(0))));
}

#[test]
fn a_recall_that_was_proved_stands_while_its_log_is_silent_or_lies() {
    let mut log = Log::with_lots();
    let case = Identifier::case(log.world.authority.handle, "2026-7").unwrap();
    let order = map_of_json(&json!({
        "id": LOT, "case": case.as_str(), "reason": {"zh": "霉", "en": "mould"},
        "level": 1, "fault": "safety", "reach": "forward",
    }));
    let before = log.bundle(LOT, true);
    let recall = log.world.registry_by_authority(Action::Recall, vec![order]);
    log.world.admitted(vec![recall]);
    let recalled = log.bundle(LOT, true);
    let node = Elsewhere::replies(vec![
        Reply::Says(200, recalled),
        Reply::Says(200, before),
        Reply::Says(500, Vec::new()),
    ]);
    let regions = regions();
    for _ in 0..3 {
        let Told::Proved(part) = log.ask(&regions, &node, LOT) else {
            panic!("not proved")
        };
        assert_eq!(part.answer.verdict, Verdict::Recalled);
        for kept in regions.lock().kept.values_mut() {
            kept.fetched = kept.fetched.checked_sub(FRESH).unwrap();
        }
    }
    assert_eq!(node.asked().len(), 3);
}

/// Credentials for [`LOG`] in a directory.
fn credentials(text: &str) -> Result<Credentials, CredentialError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(FILE), text).unwrap();
    keys::create(&dir.path().join("next.key")).unwrap();
    Credentials::read(dir.path())
}

const ENTRY: &str = "[[region]]\nlog = \"next.example/log\"\nhandle = \"AAAAAAAAAAAAAAAAAAAAAA\"\n\
    key = \"next.key\"\n";

#[test]
fn a_token_is_sent_where_nobody_on_the_way_can_read_it() {
    let log = Log::with_lots();
    let bundle = || Reply::Says(200, log.bundle(LOT, true));
    let node = Elsewhere::replies(vec![bundle(), bundle()]);
    let regions = Regions::new(credentials(ENTRY).unwrap());
    let region = log.region(&node);
    assert_eq!(fault(&log.ask(&regions, &node, LOT)), "proved");
    let lot = Identifier::parse(LOT).unwrap();
    let open = regions.open_bundle(&region, &lot, log.world.now, patient());
    assert!(open.is_some());
    let tokens = node.asked().into_iter();
    let tokens = tokens.map(|head| head.to_lowercase().contains("authorization: bearer "));
    assert_eq!(
        tokens.collect::<Vec<_>>(),
        [true, false],
        "as itself, and as a stranger"
    );
    for (url, sent) in [
        ("https://next.example", true),
        ("http://next.example", false),
        ("http://127.0.0.1@next.example", false),
    ] {
        let region = Region {
            url: url.to_owned(),
            ..region.clone()
        };
        let token = regions.token(&region, Sight::Own, log.world.now);
        assert_eq!(token.is_some(), sent, "{url}");
    }
}

#[test]
fn credentials_that_cannot_be_used_stop_the_node_and_say_why() {
    assert!(
        Credentials::read(tempfile::tempdir().unwrap().path())
            .unwrap()
            .0
            .is_empty()
    );
    for (text, want) in [
        (ENTRY.repeat(2), "named twice"),
        (ENTRY.replace("AAAA", "A"), "is not a handle"),
        (
            ENTRY.replace("next.key", "lost.key"),
            "the key for next.example/log",
        ),
        (ENTRY.replace("key =", "kye ="), "unknown field"),
    ] {
        let error = credentials(&text).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}
