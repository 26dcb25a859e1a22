//! A town's members and their statements: the same for every process that counts from one number.

use ledger::disclosure::Salt;
use ledger::event::{DocumentContext, Event};
use ledger::forget::Order;
use ledger::identifier::Identifier;
use ledger::registry::Action;
use ledger::state::Role;
use ledger::statement::SignedStatement;
use ledger::testing::{Member, ORIGIN, World, object_event};
use ledger::visibility::split;
use ledger_rocks::Options;
use node::{Founding, NodeConfig, Settings};
use std::path::Path;

/// Numbers that one process may use up: salts, capture ids, lots. A life of some seconds needs a
/// fraction.
const NUMBERS_A_LIFE: u64 = 100_000;

/// Members beside the authority.
const MEMBERS: usize = 3;

/// Earlier than any clock these tests run under.
const EVENT_TIME: &str = "2026-01-05T08:00:00+08:00";

/// A personal part: one event in two has one.
const DRIVER_FIELD: &str = "https://ref.suyuan.example/personal/driver";

/// Those who write.
#[derive(Debug)]
pub struct Town {
    world: World,
    members: Vec<Member>,
    admissions: Vec<SignedStatement>,
}

impl Town {
    /// The town in its life number `life`, whose statements are like those of no other life.
    ///
    /// # Panics
    /// Never: test members are well-formed.
    #[must_use]
    pub fn new(life: u64) -> Self {
        let mut world = World::new();
        let members: Vec<Member> = (0..MEMBERS).map(|_| world.stranger()).collect();
        let admissions = members
            .iter()
            .map(|member| {
                let keys = vec![world.possession(member)];
                let action = Action::Admit {
                    handle: member.handle,
                    roles: [Role::Producer].into_iter().collect(),
                    district: "510124".to_owned(),
                    licences: Vec::new(),
                    keys,
                };
                let profile = serde_json::json!({"name": "farm"});
                let profile = ledger::testing::map_of_json(&profile);
                world.registry_by_authority(action, vec![profile])
            })
            .collect();
        for _ in 0..life * NUMBERS_A_LIFE {
            world.tick();
        }
        Self {
            world,
            members,
            admissions,
        }
    }

    /// Founds the town's ledger in `dir`.
    ///
    /// # Errors
    /// [`node::OpenError`].
    ///
    /// # Panics
    /// Never: the settings are right.
    pub fn found(&self, dir: &Path) -> Result<(), node::OpenError> {
        let settings = Settings::new(
            ORIGIN.to_owned(),
            "https://a.example".to_owned(),
            "5101".to_owned(),
        )
        .expect("right settings");
        let authority = &self.world.authority;
        let founder = (
            authority.handle,
            "51".to_owned(),
            self.world.possession(authority),
        );
        let founding = Founding {
            founders: vec![founder],
            threshold: 1,
            predecessor: None,
        };
        node::init(dir, &settings, founding)
    }

    /// The statements that admit the members, in the bytes that a client sends.
    #[must_use]
    pub fn admissions(&self) -> Vec<Vec<u8>> {
        self.admissions
            .iter()
            .map(SignedStatement::encode)
            .collect()
    }

    /// A statement of one member with one event that names its driver, under these salts.
    ///
    /// # Panics
    /// Never: test events are well-formed.
    pub fn naming(&mut self, driver: &str, salt: &mut dyn FnMut() -> Salt) -> SignedStatement {
        let number = self.world.tick();
        let member = &self.members[0];
        let lot = Identifier::own_lot(member.handle, "chilli", &number.to_string());
        let lot = lot.expect("a number is a lot").to_string();
        let id = format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
        let mut event = object_event(&id, "ADD", "commissioning", EVENT_TIME, &lot);
        event[DRIVER_FIELD] = driver.into();
        let event = Event::from_json(&event, &DocumentContext::default());
        let event = event.expect("a well-formed event").as_map().clone();
        self.world.disclosures(member, vec![split(0, event, salt)])
    }

    /// The authority's order to delete.
    pub fn order(&mut self, order: &Order) -> SignedStatement {
        self.world
            .registry_by_authority(Action::Forget, vec![order.record()])
    }

    /// The next statement of some member, with one event or several.
    ///
    /// # Panics
    /// Never: test events are well-formed.
    pub fn statement(&mut self) -> Vec<u8> {
        let number = self.world.tick();
        let count = if number.is_multiple_of(3) {
            1 + number % 7
        } else {
            1
        };
        let place = usize::try_from(number).unwrap_or_default() % self.members.len();
        let handle = self.members[place].handle;
        let events: Vec<_> = (0..count)
            .map(|_| {
                let number = self.world.tick();
                let lot = Identifier::own_lot(handle, "chilli", &number.to_string());
                let lot = lot.expect("a number is a lot").to_string();
                let id = format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
                let mut event = object_event(&id, "ADD", "commissioning", EVENT_TIME, &lot);
                if number.is_multiple_of(2) {
                    event[DRIVER_FIELD] = format!("driver {number}").into();
                }
                event
            })
            .collect();
        let member = &self.members[place];
        self.world.events(member, &events).encode()
    }
}

/// How the tests serve `dir`: with buffers so small that files are written and compacted, and logs
/// retired, in a test's time.
#[must_use]
pub fn config(dir: &Path) -> NodeConfig {
    let mut config = NodeConfig::new(dir);
    config.database = Options {
        block_cache_bytes: 8 << 20,
        write_buffer_bytes: 2 << 20,
        background_jobs: 2,
        open_files_max: 128,
    };
    config
}
