//! Who is told, when again, and when no more.

use super::*;
use ledger::registry::Action;
use ledger::state::Role;
use ledger::testing::{Member, World, map_of_json, object_event};
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const URL: &str = "http://127.0.0.1:9/recalls";

struct Town {
    world: World,
    maker: Member,
    shop: Member,
    case: String,
}

/// A maker ships a lot to a shop, and recalls it.
fn recalled() -> Town {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"name": {"zh": "甲", "en": "A"}}),
    );
    let shop = world.admit(
        &[Role::Retailer],
        "510104",
        &json!({"name": {"zh": "乙", "en": "B"}}),
    );
    let made = object_event(
        "urn:e:1",
        "ADD",
        "commissioning",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    let hand = |id, step, time| {
        let mut event = object_event(id, "OBSERVE", step, time, LOT);
        let party = |member: &Member| Identifier::participant(member.handle).to_string();
        event["sourceList"] = json!([{"type": "possessing_party", "source": party(&maker)}]);
        event["destinationList"] =
            json!([{"type": "possessing_party", "destination": party(&shop)}]);
        event
    };
    let sent = hand("urn:e:2", "shipping", "2026-11-20T09:00:00Z");
    let taken = hand("urn:e:3", "receiving", "2026-11-20T10:00:00Z");
    let statement = world.events(&maker, &[made, sent]);
    world.admitted(vec![statement]);
    let statement = world.events(&shop, &[taken]);
    world.admitted(vec![statement]);
    let case = Identifier::case(maker.handle, "2026-1")
        .unwrap()
        .to_string();
    let record = json!({
        "id": LOT, "case": case, "level": 1, "reach": "forward", "fault": "safety",
        "reason": {"zh": "超标", "en": "too much"},
    });
    let statement = world.registry(&maker, Action::Recall, vec![map_of_json(&record)]);
    world.admitted(vec![statement]);
    Town {
        world,
        maker,
        shop,
        case,
    }
}

impl Town {
    fn refresh(&self, notices: &mut Notices, addresses: &Addresses) -> bool {
        let view = self.world.store.view();
        notices
            .refresh(&view, addresses, "https://node.example", self.world.now)
            .unwrap()
    }

    fn addresses(&self) -> Addresses {
        Addresses(BTreeMap::from([(self.shop.handle, URL.to_owned())]))
    }

    fn respond(&mut self) {
        let record = json!({"case": self.case, "item": LOT, "what": "acknowledged"});
        let statement =
            self.world
                .registry(&self.shop, Action::Respond, vec![map_of_json(&record)]);
        self.world.admitted(vec![statement]);
    }
}

#[test]
fn every_holder_waits_and_those_with_an_address_are_due() {
    let town = recalled();
    let mut notices = Notices::default();
    assert!(town.refresh(&mut notices, &town.addresses()));
    let due = notices.due(town.world.now);
    assert_eq!(due.len(), 1);
    let (case, holder, url, payload) = &due[0];
    assert_eq!(
        (case, *holder, url.as_str()),
        (&town.case, town.shop.handle, URL)
    );
    let told: serde_json::Value = serde_json::from_slice(payload).unwrap();
    assert_eq!(told["items"], json!([LOT]));
    assert_eq!(told["held"]["amounts"][0]["amount"], "10");
    assert_eq!(told["orders"][0]["reason"]["en"], "too much");
    assert!(told["respond"].as_str().unwrap().ends_with(&town.case));
    let all = notices.of(&town.case);
    assert!(all[&town.maker.handle].no_address && !all[&town.shop.handle].no_address);
}

#[test]
fn what_is_not_taken_is_tried_again_later_and_later() {
    let town = recalled();
    let mut notices = Notices::default();
    town.refresh(&mut notices, &town.addresses());
    let mut now = town.world.now;
    for pause_ms in [1_000, 2_000, 4_000] {
        assert_eq!(notices.due(now).len(), 1);
        notices.sent(&town.case, town.shop.handle, false, now);
        assert!(notices.due(UnixMillis(now.0 + pause_ms - 1)).is_empty());
        now.0 += pause_ms;
    }
    notices.sent(&town.case, town.shop.handle, true, now);
    assert!(notices.due(UnixMillis(i64::MAX)).is_empty());
    let told = notices.of(&town.case)[&town.shop.handle];
    assert_eq!((told.attempts, told.delivered_ms), (4, Some(now.0)));
}

#[test]
fn a_pause_is_never_longer_than_ten_minutes() {
    let town = recalled();
    let mut notices = Notices::default();
    town.refresh(&mut notices, &town.addresses());
    for _ in 0..100 {
        notices.sent(&town.case, town.shop.handle, false, town.world.now);
    }
    assert_eq!(
        notices
            .due(UnixMillis(town.world.now.0 + PAUSE_MAX_MS))
            .len(),
        1
    );
}

#[test]
fn who_answers_is_told_no_more_and_a_restart_tells_the_others_again() {
    let mut town = recalled();
    let mut notices = Notices::default();
    town.refresh(&mut notices, &town.addresses());
    assert!(
        !town.refresh(&mut notices, &town.addresses()),
        "nothing is new"
    );
    town.respond();
    assert!(town.refresh(&mut notices, &town.addresses()));
    assert!(notices.due(town.world.now).is_empty());
    let mut restarted = Notices::default();
    let maker = Addresses(BTreeMap::from([(town.maker.handle, URL.to_owned())]));
    town.refresh(&mut restarted, &maker);
    assert_eq!(restarted.due(town.world.now).len(), 1);
}

#[test]
fn a_released_case_tells_nobody() {
    let mut town = recalled();
    let mut notices = Notices::default();
    town.refresh(&mut notices, &town.addresses());
    let record = json!({
        "id": LOT, "case": town.case, "reason": {"zh": "误报", "en": "false alarm"},
    });
    let statement = town
        .world
        .registry_by_authority(Action::Release, vec![map_of_json(&record)]);
    town.world.admitted(vec![statement]);
    town.refresh(&mut notices, &town.addresses());
    assert!(notices.due(town.world.now).is_empty());
}

/// Nobody's notice is dropped because somebody opens case after case about others' goods.
#[test]
fn other_cases_push_no_notice_out() {
    let mut town = recalled();
    let other = town.world.admit(
        &[Role::Producer],
        "510117",
        &json!({"name": {"zh": "丙", "en": "C"}}),
    );
    let mut notices = Notices::default();
    town.refresh(&mut notices, &town.addresses());
    let claims: Vec<_> = (0..1_100)
        .map(|number| {
            let case = Identifier::case(other.handle, &format!("x-{number}")).unwrap();
            let record = json!({
                "id": LOT, "case": case.as_str(), "level": 3, "reach": "item", "fault": "label",
                "reason": {"zh": "x", "en": "x"},
            });
            let world = &mut town.world;
            world.registry(&other, Action::Hold, vec![map_of_json(&record)])
        })
        .collect();
    town.world.admitted(claims);
    town.refresh(&mut notices, &town.addresses());
    let mut restarted = Notices::default();
    town.refresh(&mut restarted, &town.addresses());
    for notices in [notices, restarted] {
        assert_eq!(notices.due(town.world.now).len(), 1);
    }
}

#[test]
fn addresses_are_https_or_this_machine() {
    let handle = Handle([7; 16]);
    let file = |url: &str| format!("[webhooks]\n{handle} = \"{url}\"\n");
    for good in [
        "https://erp.example/suyuan",
        "http://127.0.0.1:8090/x",
        "http://[::1]:1/",
    ] {
        assert!(Addresses::parse(&file(good)).is_ok(), "{good}");
    }
    for bad in [
        "http://erp.example/x",
        "ftp://erp.example",
        "http://127.0.0.1.example:1/",
    ] {
        let want = Err(AddressError::Url(bad.to_owned()));
        assert_eq!(Addresses::parse(&file(bad)), want);
    }
    assert_eq!(
        Addresses::parse("[webhooks]\nx = \"https://e.example\"\n"),
        Err(AddressError::Handle("x".to_owned()))
    );
    assert!(matches!(
        Addresses::parse("webhooks = 1"),
        Err(AddressError::File(_))
    ));
    let empty = Addresses::read(Path::new("/nowhere")).unwrap();
    assert_eq!(empty, Addresses::default());
}

/// A receiver on this machine that takes what it is sent.
#[test]
fn http_says_whether_a_notice_was_taken() {
    use std::io::{Read as _, Write as _};
    for (status, taken) in [("200 OK", true), ("503 Busy", false), ("302 Found", false)] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut got = Vec::new();
            let mut buffer = [0; 1024];
            while !got.ends_with(b"signed") {
                let read = stream.read(&mut buffer).unwrap();
                got.extend_from_slice(&buffer[..read]);
            }
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&got).to_ascii_lowercase()
        });
        assert_eq!(Http::default().post(&url, b"signed"), taken, "{status}");
        let got = receiver.join().unwrap();
        assert!(got.starts_with("post /hook") && got.contains("content-type: application/cose"));
    }
}
