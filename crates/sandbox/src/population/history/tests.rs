use claimlake_contract::ApiVersion;

use super::{ClaimChange, History, load_time};
use crate::population::beneficiary::{Beneficiary, enrolled};
use crate::population::claim::{Claim, ClaimKind, FinalAction, StayBill, v2_claim_id, v3_claim_id};
use crate::population::day::Day;
use crate::population::stay;

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

/// The stays of 300 patients in hospitals and nursing facilities, first versions in NCH only.
fn stays() -> Vec<Vec<Claim>> {
    let is_stay = |claim: &Claim| {
        matches!(claim.kind, ClaimKind::Inpatient | ClaimKind::Snf)
            && claim.revision == 0
            && !claim.source.is_shared_system()
    };
    let of_one = |index| History::of(&patient(index), 200, 0, &[]).claims;
    let claims = (0..300).map(of_one);
    claims
        .map(|claims| claims.into_iter().filter(is_stay).collect())
        .collect()
}

#[test]
fn stays_lead_to_transfers_nursing_facilities_and_readmissions() {
    let (mut transfers, mut nursing, mut readmissions) = (0, 0, 0);
    for claims in stays() {
        for pair in claims.windows(2) {
            let [before, after] = pair else { continue };
            let days = after.from.days_since(before.through);
            if after.stay_bill != StayBill::Whole {
                continue;
            }
            match (stay::ending(before).0, after.kind, days) {
                (stay::TO_HOSPITAL, ClaimKind::Inpatient, 0) => transfers += 1,
                (stay::TO_NURSING_FACILITY, ClaimKind::Snf, 0) => nursing += 1,
                (_, ClaimKind::Inpatient, 2..30) => readmissions += 1,
                _ => {}
            }
        }
    }
    assert!(transfers > 50, "{transfers}");
    assert!(nursing > 50, "{nursing}");
    assert!(readmissions > 50, "{readmissions}");
}

#[test]
fn bills_of_one_stay_follow_one_another_at_one_provider() {
    let (mut interim, mut open) = (0, 0);
    for claims in stays() {
        for (position, claim) in claims.iter().enumerate() {
            if !claim.stay_bill.is_interim() {
                continue;
            }
            interim += 1;
            assert_eq!(stay::ending(claim).0, "30");
            let next = claims[position + 1..]
                .iter()
                .find(|next| (next.provider, next.admitted) == (claim.provider, claim.admitted));
            let Some(next) = next else {
                open += 1;
                continue;
            };
            assert_eq!(next.from, claim.through.plus(1));
            assert!(matches!(
                next.stay_bill,
                StayBill::Continuing | StayBill::Last
            ));
        }
    }
    assert!(interim > 100 && open > 0, "{interim} {open}");
}

#[test]
fn services_lie_between_entitlement_and_death_and_before_the_load() {
    let mut died = 0;
    for index in 0..300 {
        let patient = patient(index);
        for claim in History::of(&patient, 60, 2, &[]).claims {
            let is_ancient = claim.from < Day::of(2017, 1, 1);
            assert!(is_ancient || claim.from >= enrolled(&patient));
            assert!(claim.through.millis() < load_time(2));
            assert!(patient.death.is_none_or(|death| claim.through <= death));
            died += usize::from(claim.is_last);
        }
    }
    assert!(died > 0);
}
