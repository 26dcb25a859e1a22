//! The refusals, each provoked by name; and what the acts of the registry do when admitted.
//!
//! [`refusals`] lists every variant of [`RejectReason`] with the cases that provoke it. A variant
//! without a case does not compile. Every case asserts the exact reason with its values, and that
//! the store is the same before and after.

use super::*;
use crate::cose::Sign1;
use crate::disclosure::Disclosed;
use crate::memory::MemoryStore;
use crate::region::tests as regions;
use crate::registry::{Action, Approval, RegistryPayload};
use crate::seal::Outcome;
use crate::signature::Signer as _;
use crate::state::{Overlay, Record, Role};
use crate::statement::Commitment;
use crate::store::Store as _;
use crate::testing::{Member, ORIGIN, World, object_event};
use crate::visibility::split;
use serde_json::{Value as Json, json};

mod acts;
mod bytes;
mod members;
mod orders;
mod policy;
mod records;
mod said;
mod standing;

/// A lot under the maker's prefix.
const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
/// The maker's prefix.
const PREFIX: &str = "6901234";
/// A moment before every block, in the one form.
const PAST: &str = "2026-11-20T08:00:00.000Z";

macro_rules! refusals {
    ($($variant:ident: $($module:ident::$case:ident)+;)+) => {
        /// The variant's name in the source. No wildcard: a new variant must be listed.
        const fn variant(reason: &RejectReason) -> &'static str {
            match reason {
                $(RejectReason::$variant { .. } => stringify!($variant),)+
            }
        }

        $($(
            #[test]
            fn $case() {
                assert_eq!(variant(&$module::$case()), stringify!($variant));
            }
        )+)+
    };
}

refusals! {
    AlgorithmUnsupported: bytes::an_algorithm_other_than_ed25519;
    ApprovalsMissing:
        acts::one_authority_where_two_must_sign
        acts::approvals_that_do_not_count
        policy::a_policy_of_one_authority_where_two_must_sign
        policy::a_suspension_of_one_where_policy_asks_for_two;
    AudienceWrong: bytes::meant_for_another_log bytes::meant_for_several_other_logs;
    CaptureIdReused: said::a_capture_id_used_for_something_else;
    CaseUnknown:
        orders::a_response_to_a_case_nobody_opened
        orders::a_release_of_a_case_nobody_opened;
    ContentTypeUnknown: bytes::an_unknown_content_type;
    Disclosure:
        bytes::a_part_not_delivered
        bytes::a_part_of_another_disclosure
        bytes::a_malformed_list_of_parts
        bytes::a_field_that_stands_twice
        said::a_person_inside_a_confidential_field;
    DisclosureCount:
        bytes::disclosures_not_delivered
        bytes::a_disclosure_too_many
        bytes::disclosures_that_skip_an_index;
    DisclosureMismatch: bytes::a_disclosure_that_does_not_match;
    DuplicateEvent:
        said::an_event_recorded_before
        said::an_event_twice_in_one_statement
        said::an_event_declared_wrong_twice;
    EventInvalid:
        said::a_wrong_check_digit
        said::an_event_not_in_normal_form
        said::an_event_of_unknown_type
        policy::an_event_that_names_the_policy_as_its_item;
    FieldNotPublic:
        said::a_quantity_shown_to_all
        said::an_extension_shown_to_all
        said::a_person_shown_inside_a_test
        said::a_failed_test_in_anothers_shop
        records::a_contact_shown_to_all;
    ForeignIdentifier:
        said::a_lot_commissioned_under_anothers_prefix
        said::an_output_under_anothers_prefix
        said::an_own_lot_of_another
        records::master_data_of_anothers_product
        records::a_recoding_into_anothers_code
        orders::a_recall_under_anothers_case
        orders::a_release_of_anothers_case
        orders::a_case_closed_by_another_firm;
    ImportRepeated: regions::an_import_again;
    ImportUnproved: regions::an_unwitnessed_import;
    KeyExists: acts::a_key_on_the_ledger_already acts::a_key_twice_in_one_admission;
    KeyNotYetValid: standing::a_key_at_the_leaf_that_adds_it;
    KeyOfAnother:
        standing::a_key_without_delegation
        standing::a_delegation_that_ended
        standing::a_delegation_the_other_way_round;
    KeyRetired: standing::a_key_after_its_closing_date;
    KeyRevoked: standing::a_key_after_its_revocation;
    KeyUnknown:
        standing::a_key_not_on_the_ledger
        standing::another_key_than_the_header_names
        acts::retiring_an_unknown_key;
    KeyUnproved:
        acts::a_key_whose_possession_is_not_proved
        acts::a_key_proved_for_another_owner
        acts::a_key_that_is_no_sound_point;
    Malformed:
        bytes::a_truncated_statement
        bytes::trailing_bytes
        bytes::a_length_not_in_shortest_form
        bytes::an_indefinite_length
        bytes::header_labels_out_of_order
        bytes::a_label_in_the_unprotected_header
        bytes::a_disclosure_nested_too_deeply
        bytes::a_disclosure_too_large
        bytes::too_many_disclosures
        bytes::a_float_in_an_event
        bytes::a_duplicate_key_in_an_event
        bytes::too_many_audiences
        bytes::a_capture_id_of_another_length;
    OutsideJurisdiction:
        acts::an_admission_elsewhere
        acts::a_move_elsewhere
        policy::a_policy_of_one_district;
    ParticipantExists: acts::a_handle_admitted_before;
    ParticipantSuspended: standing::a_suspended_participant standing::a_suspended_delegate;
    ParticipantUnknown: standing::an_unknown_participant acts::amending_an_unknown_participant;
    PolicyInvalid:
        policy::a_policy_key_nobody_knows
        policy::a_policy_value_out_of_form
        policy::a_policy_without_rows;
    PrefixTaken:
        records::a_prefix_of_another
        records::a_prefix_inside_anothers
        records::a_malformed_prefix;
    RecordInvalid:
        records::a_product_without_identifier
        records::a_place_not_in_canonical_form
        records::a_recoding_into_itself
        records::a_record_on_somebodys_list
        records::a_malformed_gln
        orders::a_recall_of_a_product_without_lot
        orders::a_recall_of_nothing
        orders::two_cases_in_one_statement
        orders::a_destruction_without_evidence
        acts::a_threshold_no_founders_can_meet
        acts::a_log_that_continues_itself;
    RegionUnknown: regions::an_import_from_a_region_that_was_ended;
    RoleForbids:
        said::a_lot_commissioned_by_a_carrier
        said::a_reading_on_somebodys_list
        acts::an_admission_by_a_producer
        acts::a_key_retired_by_a_delegate
        acts::a_key_added_by_a_delegate
        acts::a_delegation_by_a_delegate
        policy::a_policy_by_a_producer
        acts::a_block_header_of_a_participant
        orders::a_recall_by_a_laboratory
        orders::a_case_in_place_of_goods;
    RulesUnknown: acts::rules_nobody_knows acts::rules_in_force_already;
    SaltWeak: bytes::a_salt_of_zeros bytes::a_repeated_salt;
    SignatureInvalid: bytes::an_altered_signature bytes::another_ones_signature;
    TimeInFuture:
        said::an_event_six_minutes_ahead
        said::a_declaration_in_the_future;
    TooLarge: bytes::a_statement_too_large bytes::an_entry_too_large;
    TooMany: regions::an_import_of_more_than_a_delivery;
    WithoutObject:
        acts::founding_twice
        acts::founding_by_a_participant
        acts::an_act_of_the_log_itself
        acts::suspending_twice
        acts::reinstating_without_suspension;
}

/// A ledger with a producer who owns [`PREFIX`].
fn scene() -> (World, Member) {
    let mut world = World::new();
    let profile = json!({"name": {"zh": "甲", "en": "A"}, "prefixes": [PREFIX]});
    let maker = world.admit(&[Role::Producer], "510117", &profile);
    (world, maker)
}

/// A shop in the same ledger, without a prefix.
fn shop(world: &mut World) -> Member {
    world.admit(&[Role::Retailer], "510104", &json!({}))
}

/// Everything the store holds, as text.
fn contents(world: &World) -> String {
    format!("{:?}", world.store.view())
}

/// Submits the statement alone; it must be refused for exactly this, and change nothing.
fn refused(world: &mut World, statement: SignedStatement, want: &RejectReason) -> RejectReason {
    let before = contents(world);
    let got = world.refusal(statement);
    assert_eq!(&got, want);
    assert_eq!(contents(world), before, "a refusal changed the ledger");
    got
}

/// As [`refused`], for bytes that may not even parse.
fn refused_bytes(world: &mut World, bytes: &[u8], want: &RejectReason) -> RejectReason {
    match SignedStatement::parse(bytes) {
        Ok(statement) => refused(world, statement, want),
        Err(got) => {
            assert_eq!(&got, want);
            got
        }
    }
}

/// The leaf at which a statement must be admitted alone.
fn admitted_at(world: &mut World, statement: SignedStatement) -> LeafIndex {
    match world.submit(vec![statement]).unwrap().pop() {
        Some(Outcome::Admitted(leaf)) => leaf,
        other => panic!("not admitted: {other:?}"),
    }
}

/// The next leaf of the log.
fn next_leaf(world: &World) -> LeafIndex {
    use crate::store::View as _;
    world
        .store
        .view()
        .head()
        .unwrap()
        .map_or(LeafIndex(0), |head| head.size().next())
}

/// The record under `key`.
fn record<R: Record>(world: &World, key: StateKey) -> Option<R> {
    let view = world.store.view();
    Overlay::new(&view).load(key).unwrap()
}

/// One shipping of [`LOT`].
fn shipping(world: &mut World) -> Json {
    let id = format!("urn:e:{}", world.tick());
    object_event(&id, "OBSERVE", "shipping", PAST, LOT)
}

/// A statement with one shipping.
fn shipped(world: &mut World, by: &Member) -> SignedStatement {
    let event = shipping(world);
    world.events(by, &[event])
}

/// The same content for another issuer or audience, signed by `signer` under a fresh capture id.
fn said_for(
    world: &mut World,
    statement: &SignedStatement,
    signer: &Member,
    issuer: Handle,
    audience: &[&str],
) -> SignedStatement {
    let capture = crate::ids::CaptureId(world.salt().0);
    SignedStatement::sign(
        &signer.key,
        Issuer::Participant {
            handle: issuer,
            capture,
        },
        audience.iter().map(|&origin| origin.to_owned()).collect(),
        0,
        statement.payload().clone(),
        statement.disclosed().to_vec(),
    )
}

/// An event's disclosure made without the checks of a well-behaved client.
fn unchecked(world: &mut World, event: &Json) -> Disclosed {
    let mut salt = || world.salt();
    split(0, crate::testing::map_of_json(event), &mut salt)
}

#[test]
fn names_are_stable_and_distinct() {
    // Cited by clients and people: a change here breaks them.
    assert_eq!(RejectReason::SaltWeak.name(), "salt-weak");
    assert_eq!(
        RejectReason::DisclosureMismatch.name(),
        "disclosure-mismatch"
    );
    assert_eq!(RejectReason::KeyUnproved.name(), "key-unproved");
    let many = regions::an_import_of_more_than_a_delivery();
    assert_eq!(many.name(), "too-many");
}
