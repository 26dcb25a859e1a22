use super::*;
use ledger::ids::UnixMillis;
use ledger::memory::MemoryStore;
use ledger::seal::{Log, seal};
use ledger::signature::Signer as _;
use ledger::state::{Class, Role, StateKey};
use ledger::statemap::PagePath;
use ledger::store::{EventRef, Store as _, WriteSet};
use ledger::testing::{ORIGIN, World, object_event};
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

/// Enough leaves for several tiles.
fn world() -> World {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"prefixes": ["6901234"]}),
    );
    let statements = (0..600)
        .map(|number| {
            let id = format!("urn:e:{number}");
            let event = object_event(&id, "OBSERVE", "storing", "2026-11-20T08:00:00Z", LOT);
            world.events(&maker, &[event])
        })
        .collect();
    world.admitted(statements);
    world
}

fn audit(world: &World, store: &MemoryStore) -> AuditReport {
    replay(&store.view(), ORIGIN, world.log_key.public_key(), |_| {}).unwrap()
}

#[test]
fn an_honest_ledger_is_clean_in_entries_and_views() {
    let world = world();
    let report = audit(&world, &world.store);
    assert_eq!(report.findings, []);
    assert_eq!(report.events, 600);
}

#[test]
fn another_log_key_is_a_fault() {
    let world = world();
    let other = world.authority.key.public_key();
    let report = replay(&world.store.view(), ORIGIN, other, |_| {}).unwrap();
    assert!(!report.is_clean());
}

/// A ledger whose last block stored something else than was sealed, and what the audit finds.
fn found_after(tamper: impl Fn(&mut WriteSet)) -> Vec<String> {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"prefixes": ["6901234"]}),
    );
    let event = object_event("urn:e:1", "OBSERVE", "storing", "2026-11-20T08:00:00Z", LOT);
    let statement = world.events(&maker, &[event]);
    let checked = world.check(statement).unwrap();
    let log = Log {
        origin: ORIGIN,
        signer: &world.log_key,
    };
    let now = UnixMillis(world.now.0 + 1000);
    let sealed = seal(&world.store.view(), log, &world.secrets, &[checked], now).unwrap();
    let mut write = sealed.write.unwrap();
    tamper(&mut write);
    world.store.commit(write).unwrap();
    let report = audit(&world, &world.store);
    report
        .findings
        .iter()
        .map(|finding| {
            if let AuditFinding::ViewDiffers { what, .. } = finding {
                (*what).to_owned()
            } else {
                finding.to_string()
            }
        })
        .collect()
}

#[test]
fn what_is_stored_as_sealed_is_clean() {
    assert_eq!(found_after(|_| {}), [""; 0]);
}

#[test]
fn a_record_altered_missing_or_too_much_is_found() {
    let is_item = |key: &StateKey| key.class == Class::Item;
    let altered = found_after(|write| {
        let item = write.records.iter_mut().find(|(key, _)| is_item(key));
        item.unwrap().1[1] ^= 1;
    });
    assert_eq!(altered, ["state record"]);
    let missing = found_after(|write| write.records.retain(|(key, _)| !is_item(key)));
    assert_eq!(missing, ["state record"]);
    let more = found_after(|write| write.records.push((StateKey::item("urn:x"), vec![0x80])));
    assert_eq!(more, ["state record"]);
}

#[test]
fn a_list_that_is_longer_or_shorter_than_its_record_is_found() {
    let missing = found_after(|write| {
        write.postings.pop().unwrap();
    });
    assert_eq!(missing, ["list"]);
    let more = found_after(|write| {
        let (item, at) = write.postings[0];
        let index = at.index + 1;
        write.postings.push((item, EventRef { index, ..at }));
    });
    assert_eq!(more, ["list"]);
    let stranger = found_after(|write| {
        let at = write.postings[0].1;
        write.postings.push((StateKey::item("urn:x"), at));
    });
    assert_eq!(stranger, ["list"]);
}

#[test]
fn a_page_or_tile_that_is_old_or_too_much_is_found() {
    let old = found_after(|write| write.pages.retain(|(path, _)| *path != PagePath::ROOT));
    assert_eq!(old, ["state map page"]);
    let more = found_after(|write| {
        let page = write.pages[0].1.clone();
        write
            .pages
            .push((PagePath::decode(&[2, 0xab]).unwrap(), page));
    });
    assert_eq!(more, ["state map page"]);
    let tile = found_after(|write| {
        write.tiles[0].2.pop().unwrap();
    });
    assert_eq!(tile, ["tile"]);
}
