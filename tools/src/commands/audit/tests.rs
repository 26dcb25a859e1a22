use super::*;
use ledger::memory::MemoryStore;
use ledger::signature::Signer as _;
use ledger::state::Role;
use ledger::store::Store as _;
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
