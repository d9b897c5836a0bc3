use claimlake_contract::ApiVersion;

use super::{ClaimChange, History, load_time};
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::{ClaimKind, FinalAction, v2_claim_id, v3_claim_id};

fn patient(index: usize) -> Beneficiary {
    Beneficiary::of(7, index)
}

#[test]
fn claims_average_what_was_asked_for_and_some_patients_have_none() {
    let counts: Vec<usize> = (0..2_000)
        .map(|index| History::of(&patient(index), 100, 0, &[]).claims.len())
        .collect();
    let mean = counts.iter().sum::<usize>() / counts.len();
    assert!((85..125).contains(&mean), "{mean}");
    assert!(counts.contains(&0));
    assert!(counts.iter().any(|count| *count > 300));
}

#[test]
fn the_mix_of_kinds_is_mostly_carrier_then_part_d() {
    let mut kinds = std::collections::BTreeMap::<ClaimKind, usize>::new();
    for index in 0..400 {
        for claim in History::of(&patient(index), 100, 0, &[]).claims {
            *kinds.entry(claim.kind).or_default() += 1;
        }
    }
    let all: usize = kinds.values().sum();
    let share = |kind| kinds.get(&kind).copied().unwrap_or_default() * 100 / all;
    assert_eq!(kinds.len(), 8);
    assert!(
        (44..58).contains(&share(ClaimKind::Carrier)),
        "{}",
        share(ClaimKind::Carrier)
    );
    assert!(
        (18..30).contains(&share(ClaimKind::Pde)),
        "{}",
        share(ClaimKind::Pde)
    );
}

#[test]
fn a_patient_without_part_d_has_no_part_d_events() {
    let without = (1..200).map(patient).filter(|patient| !patient.has_part_d);
    for patient in without.filter(|patient| patient.index % 5 != 0) {
        let history = History::of(&patient, 50, 3, &[]);
        assert!(
            history
                .claims
                .iter()
                .all(|claim| claim.kind != ClaimKind::Pde)
        );
    }
}

#[test]
fn orders_are_by_text_in_v2_and_by_number_in_v3() {
    let history = History::of(&patient(3), 200, 2, &[]);
    let text: Vec<String> = history
        .v2
        .iter()
        .map(|position| v2_claim_id(3, history.claims[*position].number, false).to_string())
        .collect();
    assert!(text.windows(2).all(|pair| pair[0] < pair[1]));
    let as_numbers: Vec<i64> = text.iter().map(|id| id.parse().unwrap()).collect();
    assert!(!as_numbers.is_sorted(), "text and number order must differ");
    let numbers: Vec<i64> = history
        .v3
        .iter()
        .map(|position| v3_claim_id(3, history.claims[*position].number, false))
        .collect();
    assert!(numbers.is_sorted());
    assert!(history.v2.len() <= history.v3.len());
}

#[test]
fn a_week_keeps_what_was_there_adds_claims_and_replaces_some() {
    let patient = patient(0);
    let before = History::of(&patient, 40, 0, &[]);
    let after = History::of(&patient, 40, 1, &[]);
    assert!(after.claims.len() >= before.claims.len() + 3);
    let mut changed = 0;
    for (old, new) in before.claims.iter().zip(&after.claims) {
        assert_eq!(
            (old.number, old.seed, old.kind),
            (new.number, new.seed, new.kind)
        );
        if old != new {
            changed += 1;
            assert_eq!(new.updated, load_time(1));
        }
    }
    assert!(changed >= 2, "{changed}");
    let added = &after.claims[before.claims.len()..];
    assert!(added.iter().all(|claim| claim.updated == load_time(1)));
    assert!(
        added
            .iter()
            .any(|claim| claim.prior.is_some() && claim.revision > 0)
    );
}

#[test]
fn versions_of_a_claim_share_its_group_and_only_one_counts() {
    let mut adjusted = 0;
    for index in 0..60 {
        let history = History::of(&patient(index), 100, 4, &[]);
        for claim in &history.claims {
            let Some(prior) = claim.prior else { continue };
            adjusted += 1;
            let replaced = &history.claims[usize::try_from(prior).unwrap()];
            assert_eq!(replaced.group, claim.group);
            assert_eq!(replaced.seed, claim.seed);
            assert_eq!(replaced.final_action, FinalAction::Superseded);
        }
        for claim in &history.claims {
            let final_action = history.claims.iter().filter(|other| {
                other.group == claim.group
                    && other.final_action == FinalAction::Final
                    && !other.source.is_shared_system()
            });
            assert!(final_action.count() <= 1);
        }
    }
    assert!(adjusted > 100, "{adjusted}");
}

#[test]
fn an_inserted_claim_sorts_first_in_both_versions_and_a_deletion_takes_the_first() {
    let patient = patient(2);
    let plain = History::of(&patient, 50, 0, &[]);
    let number = plain.free_number();
    let insert = ClaimChange::Insert {
        number,
        load: load_time(0),
    };
    let grown = History::of(&patient, 50, 0, &[insert]);
    assert_eq!(grown.claims.len(), plain.claims.len() + 1);
    assert!(grown.claims[grown.v2[0]].is_inserted);
    assert!(grown.claims[grown.v3[0]].is_inserted);
    assert_eq!(grown.first_shown(ApiVersion::V2), Some(number));
    assert_eq!(grown.free_number(), number - 1);
    let both = [insert, ClaimChange::Delete { number }];
    let restored = History::of(&patient, 50, 0, &both);
    assert_eq!(restored.claims, plain.claims);
}

#[test]
fn what_disappeared_stays_away_when_weekly_loads_come() {
    let patient = patient(0);
    let plain = History::of(&patient, 50, 0, &[]);
    let number = plain.first_shown(ApiVersion::V3).unwrap();
    let later = History::of(&patient, 50, 3, &[ClaimChange::Delete { number }]);
    assert!(later.claims.iter().all(|claim| claim.number != number));
    assert_ne!(later.first_shown(ApiVersion::V3), Some(number));
    assert_eq!(
        later.claims.len() + 1,
        History::of(&patient, 50, 3, &[]).claims.len()
    );
}

#[test]
fn a_history_stops_growing_before_its_ids_run_out() {
    let patient = patient(0);
    let history = History::of(&patient, u32::MAX, 3_000, &[]);
    assert!(history.claims.len() < 9_500);
}
