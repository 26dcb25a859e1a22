mod town;

use super::*;
use crate::clock::testing::SetClock;
use crate::refusal::Refusal;
use api::service::Submitted;
use ledger::admission::RULES_VERSION;
use ledger::hash::Digest;
use ledger::identifier::Identifier;
use ledger::memory::{Fault, MemoryStore};
use ledger::receipt::Receipt;
use ledger::registry::Action;
use ledger::state::Role;
use ledger::statement::{Payload, SignedStatement};
use ledger::store::WriteSet;
use ledger::testing::{Member, ORIGIN, World, object_event};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use town::{Town, check_receipt, refusal_name, run, running, start, until_in_flight};

#[test]
fn a_statement_gets_a_receipt_and_the_same_one_again_after_reopening() {
    run(async {
        let mut town = Town::new();
        let bytes = town.statement().encode();
        let first = town.node.submit(bytes.clone()).await.unwrap();
        assert!(!first.again);
        check_receipt(&town.node, &bytes, &first);
        // More blocks follow; the receipt stays at its own block's size.
        for more in town.statements(3) {
            town.node.submit(more).await.unwrap();
        }
        let second = town.node.submit(bytes.clone()).await.unwrap();
        assert_eq!(
            second,
            Submitted {
                again: true,
                ..first.clone()
            }
        );
        let reopened = town.reopened();
        assert_eq!(reopened.submit(bytes.clone()).await.unwrap(), second);
        check_receipt(&reopened, &bytes, &first);
    });
}

#[test]
fn the_same_statement_twice_in_one_block_is_recorded_once() {
    run(async {
        let mut town = Town::new();
        let (ahead, twice) = (town.statement().encode(), town.statement().encode());
        let many = vec![twice.clone(), twice.clone()];
        let before = town.size();
        let gate = town.node.store().close();
        let waits = async {
            until_in_flight(&town.node, 1).await;
            let both = town.node.submit_many(many);
            let open = async {
                until_in_flight(&town.node, 3).await;
                drop(gate);
            };
            tokio::join!(both, open).0
        };
        let (first, both) = tokio::join!(town.node.submit(ahead), waits);
        first.unwrap();
        let [one, two] = both.try_into().unwrap();
        let (one, two) = (one.unwrap(), two.unwrap());
        check_receipt(&town.node, &twice, &one);
        assert_eq!(two, Submitted { again: true, ..one });
        // Two statements, two headers.
        assert_eq!(town.size(), before + 4);
    });
}

#[test]
fn a_capture_id_used_for_something_else_is_refused() {
    run(async {
        let mut town = Town::new();
        let (first, other) = (town.statement(), town.statement());
        let header = first.header().clone();
        let reused = SignedStatement::sign(
            &town.farm.key,
            header.issuer,
            header.audience,
            header.issued_at,
            other.payload().clone(),
            other.disclosed().to_vec(),
        );
        town.node.submit(first.encode()).await.unwrap();
        let size = town.size();
        assert_eq!(
            refusal_name(&town.node.submit(reused.encode()).await),
            "capture-id-reused"
        );
        assert_eq!(town.size(), size);
    });
}

#[test]
fn answers_stand_in_the_order_asked_and_leaves_in_the_order_of_arrival() {
    run(async {
        let mut town = Town::new();
        let mut many = town.statements(300);
        many[7] = b"no statement".to_vec();
        many[150] = many[0].clone();
        // Another's lot: refused by the sequencer, not by the pool.
        let lot = Identifier::own_lot(town.world.authority.handle, "x", "1")
            .unwrap()
            .to_string();
        let id = "urn:uuid:00000000-0000-4000-8000-999999999999";
        let time = "2026-11-22T08:00:00+08:00";
        let foreign = object_event(id, "ADD", "commissioning", time, &lot);
        many[200] = town.world.events(&town.farm, &[foreign]).encode();
        let answers = town.node.submit_many(many.clone()).await;
        assert_eq!(answers.len(), many.len());
        assert_eq!(refusal_name(&answers[7]), "malformed");
        assert_eq!(refusal_name(&answers[200]), "foreign-identifier");
        let first = answers[0].clone().unwrap();
        assert_eq!(
            answers[150],
            Ok(Submitted {
                again: true,
                ..first
            })
        );
        let mut last = None;
        for (bytes, answer) in many.iter().zip(answers) {
            match answer {
                Ok(answer) if !answer.again => {
                    check_receipt(&town.node, bytes, &answer);
                    assert!(last < Some(answer.leaf));
                    last = Some(answer.leaf);
                }
                Ok(_) | Err(_) => {}
            }
        }
    });
}

#[test]
fn eight_submitters_get_a_thousand_receipts_that_verify() {
    run(async {
        let mut town = Town::new();
        let parts: Vec<Vec<Vec<u8>>> = (0..8).map(|_| town.statements(125)).collect();
        let node = Arc::new(town.node);
        let tasks: Vec<_> = parts
            .into_iter()
            .map(|part| {
                let node = Arc::clone(&node);
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    for bytes in part {
                        answers.push((node.submit(bytes.clone()).await.unwrap(), bytes));
                    }
                    answers
                })
            })
            .collect();
        let mut leaves = BTreeSet::new();
        for task in tasks {
            for (answer, bytes) in task.await.unwrap() {
                check_receipt(&node, &bytes, &answer);
                leaves.insert(answer.leaf);
            }
        }
        assert_eq!(leaves.len(), 1000);
        assert!(
            node.metrics_text()
                .contains("suyuan_statements_total{outcome=\"recorded\"} 1000")
        );
    });
}

#[test]
fn a_refusal_is_signed_over_the_bytes_submitted() {
    run(async {
        let mut town = Town::new();
        let authority = Arc::new(town.world.stranger());
        let stranger = town.world.events(&authority, &[]).encode();
        let mut forged = town.statement().encode();
        *forged.last_mut().unwrap() ^= 1;
        let action = Action::Rules {
            version: RULES_VERSION,
        };
        let by_farm = town.world.registry(&town.farm, action, Vec::new()).encode();
        for (bytes, name) in [
            (b"\xd2\x84".to_vec(), "malformed"),
            (stranger, "malformed"),
            (forged, "signature-invalid"),
            (by_farm, "role-forbids"),
        ] {
            let Err(SubmitError::Rejected {
                reason, refusal, ..
            }) = town.node.submit(bytes.clone()).await
            else {
                panic!("{name} is not refused");
            };
            assert_eq!(reason.name(), name);
            let refusal = Refusal::verify(&refusal, ORIGIN, town.node.log_key()).unwrap();
            assert_eq!(
                (refusal.submitted, refusal.name.as_str()),
                (Digest::of(&bytes), name)
            );
        }
    });
}

#[test]
fn a_key_that_is_not_on_the_ledger_is_refused_and_counts_once_admitted() {
    run(async {
        let mut town = Town::new();
        let shop = town.world.stranger();
        let lot = Identifier::own_lot(shop.handle, "bean", "1")
            .unwrap()
            .to_string();
        let id = "urn:uuid:00000000-0000-4000-8000-000000000001";
        let event = object_event(
            id,
            "ADD",
            "commissioning",
            "2026-11-22T08:00:00+08:00",
            &lot,
        );
        let statement = town.world.events(&shop, &[event]).encode();
        assert_eq!(
            refusal_name(&town.node.submit(statement.clone()).await),
            "key-unknown"
        );
        let action = Action::Admit {
            handle: shop.handle,
            roles: std::iter::once(Role::Retailer).collect(),
            district: "5101".to_owned(),
            licences: Vec::new(),
            keys: vec![town.world.possession(&shop)],
        };
        let admit = town
            .world
            .registry_by_authority(action, Vec::new())
            .encode();
        town.node.submit(admit).await.unwrap();
        town.node.submit(statement).await.unwrap();
    });
}

#[test]
fn what_finds_no_room_is_told_so_at_once_and_what_was_taken_is_a_beginning() {
    run(async {
        let limits = QueueLimits {
            statements_max: 100,
            ..QueueLimits::default()
        };
        let mut town = Town::with_limits(limits);
        let (ahead, many, late) = (
            town.statement().encode(),
            town.statements(200),
            town.statement().encode(),
        );
        let busy = Err(SubmitError::Busy {
            retry_after_s: BUSY_RETRY_S,
        });
        let gate = town.node.store().close();
        let rest = async {
            until_in_flight(&town.node, 1).await;
            let open = async {
                until_in_flight(&town.node, 65).await;
                drop(gate);
            };
            tokio::join!(town.node.submit_many(many.clone()), open).0
        };
        let (first, answers) = tokio::join!(town.node.submit(ahead), rest);
        first.unwrap();
        assert!(answers[..64].iter().all(Result::is_ok));
        assert!(answers[64..].iter().all(|answer| *answer == busy));
        assert!(town.node.metrics_text().contains("outcome=\"busy\"} 136"));
        // The same again is safe, and now there is room.
        town.node.submit(many[199].clone()).await.unwrap();
        town.node.submit(late).await.unwrap();
    });
}

#[test]
fn a_failed_commit_halts_and_reopening_decides() {
    for (fault, persisted) in [(Fault::NotPersisted, false), (Fault::Persisted, true)] {
        run(async {
            let mut town = Town::new();
            let (kept, lost, later) = (
                town.statement().encode(),
                town.statements(70),
                town.statement().encode(),
            );
            let acknowledged = town.node.submit(kept.clone()).await.unwrap();
            town.node.store().inner.fail_next_commit(fault);
            let (answers, why) =
                tokio::join!(town.node.submit_many(lost.clone()), town.node.halted());
            assert!(matches!(why, Halt::Store(StoreError::Unknown(_))));
            assert!(
                answers
                    .iter()
                    .all(|answer| *answer == Err(SubmitError::Halted))
            );
            assert_eq!(
                town.node.submit(later.clone()).await,
                Err(SubmitError::Halted)
            );
            assert!(!town.node.is_ready());
            // Still there for who comes late.
            assert_eq!(town.node.halted().await, why);

            let reopened = town.reopened();
            check_receipt(&reopened, &kept, &acknowledged);
            let answer = reopened.submit(lost[0].clone()).await.unwrap();
            assert_eq!(answer.again, persisted);
            check_receipt(&reopened, &lost[0], &answer);
            reopened.submit(later).await.unwrap();
        });
    }
}

#[test]
fn who_waits_behind_a_failed_commit_hears_of_it() {
    run(async {
        let mut town = Town::new();
        let (ahead, behind) = (town.statement().encode(), town.statements(130));
        town.node
            .store()
            .inner
            .fail_next_commit(Fault::NotPersisted);
        let gate = town.node.store().close();
        let rest = async {
            until_in_flight(&town.node, 1).await;
            let open = async {
                until_in_flight(&town.node, 131).await;
                drop(gate);
            };
            tokio::join!(town.node.submit_many(behind), open).0
        };
        let (first, answers) = tokio::join!(town.node.submit(ahead), rest);
        assert_eq!(first, Err(SubmitError::Halted));
        assert!(
            answers
                .iter()
                .all(|answer| *answer == Err(SubmitError::Halted))
        );
        assert_eq!(town.node.shared.room.statements(), 0);
    });
}

#[test]
fn a_panic_in_a_thread_halts_instead_of_waiting_for_ever() {
    run(async {
        let mut town = Town::new();
        town.node.store().panics.store(true, Ordering::Relaxed);
        let bytes = town.statement().encode();
        let answer = town.node.submit(bytes).await;
        assert_eq!(answer, Err(SubmitError::Halted));
        assert_eq!(
            town.node.halted().await,
            Halt::Panic {
                thread: "sequencer".to_owned()
            }
        );
    });
}

#[test]
fn shutting_down_answers_all_that_was_taken_in() {
    run(async {
        let mut town = Town::new();
        let (ahead, many, late) = (
            town.statement().encode(),
            town.statements(200),
            town.statement().encode(),
        );
        let gate = town.node.store().close();
        let rest = async {
            until_in_flight(&town.node, 1).await;
            let stop = async {
                until_in_flight(&town.node, 201).await;
                let close = async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    assert!(!town.node.is_ready());
                    assert_eq!(town.node.submit(late).await, Err(SubmitError::Halted));
                    drop(gate);
                };
                tokio::join!(town.node.shutdown(), close);
            };
            tokio::join!(town.node.submit_many(many.clone()), stop).0
        };
        let (first, answers) = tokio::join!(town.node.submit(ahead), rest);
        first.unwrap();
        for (bytes, answer) in many.iter().zip(answers) {
            check_receipt(&town.node, bytes, &answer.unwrap());
        }
        assert!(town.node.take_threads().is_empty());
    });
}

#[test]
fn a_set_clock_seals_nothing_until_it_is_set_right() {
    run(async {
        let mut town = Town::new();
        let bytes = town.statement().encode();
        let size = town.size();
        town.clock.jump(-3000);
        let busy = Err(SubmitError::Busy { retry_after_s: 30 });
        assert_eq!(town.node.submit(bytes.clone()).await, busy);
        assert_eq!(town.size(), size);
        town.clock.jump(3000);
        town.node.submit(bytes).await.unwrap();
    });
}

#[test]
fn a_caller_who_goes_away_is_recorded_all_the_same() {
    run(async {
        let mut town = Town::new();
        let bytes = town.statement().encode();
        let gate = town.node.store().close();
        let gone =
            tokio::time::timeout(Duration::from_millis(100), town.node.submit(bytes.clone()));
        assert!(gone.await.is_err());
        drop(gate);
        assert!(town.node.submit(bytes).await.unwrap().again);
    });
}

#[test]
fn beyond_the_tree_and_for_headers_there_is_no_receipt() {
    let town = Town::new();
    let size = town.size();
    assert_eq!(town.node.receipt(LeafIndex(size)), Ok(None));
    assert_eq!(town.node.receipt(LeafIndex(size - 1)), Ok(None));
    // The founding entry has one.
    let founding = town.node.receipt(LeafIndex(0)).unwrap().unwrap();
    let entry = town
        .node
        .store()
        .view()
        .entry(LeafIndex(0))
        .unwrap()
        .unwrap();
    let facts = Receipt::parse(&founding)
        .unwrap()
        .verify(&entry, town.node.log_key())
        .unwrap();
    assert_eq!(facts.claims.sub, "founding");
    assert!(matches!(
        SignedStatement::parse(&entry).unwrap().payload(),
        Payload::Registry(payload) if matches!(payload.action, Action::Found { .. })
    ));
}

#[test]
fn only_a_founded_ledger_of_this_key_is_served() {
    let clock = Arc::new(SetClock::new());
    let limits = QueueLimits::default();
    let empty = start(MemoryStore::new(), &clock, limits);
    assert!(matches!(empty, Err(StartError::NotFounded)));
    let world = World::new();
    let other = SigningKey::from_seed([9; 32]);
    let error = Node::start(world.store.reopen(), other, running(&clock, limits)).unwrap_err();
    assert!(matches!(error, StartError::OtherKey(_)));
}
