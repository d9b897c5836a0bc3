use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType};
use claimlake_vault::{ExtractState, FullRead};

use super::FullReadSchedule;

fn day(number: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 3, 15, 0).unwrap() + TimeDelta::days(number)
}

fn patient(number: u64) -> GrantHandle {
    GrantHandle::from_random(
        (number + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .to_be_bytes(),
    )
}

fn state(grant: &GrantHandle, full_at: Option<DateTime<Utc>>) -> ExtractState {
    ExtractState {
        grant: grant.clone(),
        api: ApiVersion::V2,
        resource: ResourceType::explanation_of_benefit(),
        run: "20260101T000000.000Z-0000".parse().unwrap(),
        as_of: day(0),
        state: PatientState::Complete,
        reason: None,
        served: 0,
        landed: 0,
        complete_at: full_at,
        full_at,
        watermark: full_at,
        known_count: 0,
    }
}

fn turns(
    every: i64,
    now: DateTime<Utc>,
    known: &[(GrantHandle, DateTime<Utc>, u64)],
) -> FullReadSchedule {
    let mut known = known.to_vec();
    known.sort();
    let mut turns = FullReadSchedule::without(TimeDelta::days(every), now);
    for (grant, counted_from, doubted) in known {
        let read = FullRead {
            counted_from,
            scopes: "all".into(),
            sources: String::new(),
            swept: true,
            beside: 0,
            doubted,
        };
        turns.add(grant, ResourceType::explanation_of_benefit(), read);
    }
    turns
}

/// Nights on which each of 600 patients is read as a whole, all read last on `first_read`, with runs
/// every `step` days from day 0 on.
fn nights(every: i64, step: i64, until: i64, first_read: i64) -> Vec<Vec<i64>> {
    let patients: Vec<GrantHandle> = (0..600).map(patient).collect();
    let known: Vec<_> = patients
        .iter()
        .map(|one| (one.clone(), day(0), 0))
        .collect();
    let mut full_at: Vec<i64> = vec![first_read; patients.len()];
    let mut nights = vec![Vec::new(); patients.len()];
    for today in (0..until).step_by(step as usize) {
        let turns = turns(every, day(today), &known);
        for (index, one) in patients.iter().enumerate() {
            if turns.is_due(&state(one, Some(day(full_at[index])))) {
                full_at[index] = today;
                nights[index].push(today);
            }
        }
    }
    nights
}

#[test]
fn everybody_has_one_turn_a_round_and_no_night_has_many() {
    // After an upgrade (the last full read is years ago), and after all were first read at once.
    for first_read in [-900, 0] {
        for (every, step) in [(30, 1), (30, 7), (7, 1), (90, 1), (1, 1)] {
            let until = every * 4;
            let nights = nights(every, step, until, first_read);
            let mut by_night: HashMap<i64, usize> = HashMap::new();
            for turns in &nights {
                let first = *turns.first().unwrap();
                assert!(first <= every * 3 / 2 + step, "{every} {step}: {first}");
                for pair in turns.windows(2) {
                    let apart = pair[1] - pair[0];
                    assert!((every - step..=every + step).contains(&apart), "{apart}");
                }
                turns
                    .iter()
                    .for_each(|night| *by_night.entry(*night).or_default() += 1);
            }
            let most = by_night.values().max().copied().unwrap();
            let fair = 600 * step.max(1) as usize / every as usize;
            assert!(most <= fair * 2 + 12, "{every} {step}: {most} in one night");
        }
    }
}

#[test]
fn nobody_is_due_in_the_first_run_nor_where_it_is_switched_off() {
    let one = patient(1);
    let never = state(&one, Some(day(-900)));
    // Not known yet: the first run of this version.
    assert!(!turns(30, day(0), &[]).is_due(&never));
    let known = [(one.clone(), day(0), 0)];
    assert!(turns(30, day(31), &known).is_due(&never));
    assert!(!turns(0, day(900), &known).is_due(&never));
}

#[test]
fn who_was_not_read_on_their_night_is_due_on_the_next_ones_and_doubts_are_at_once() {
    let one = patient(2);
    let known = [(one.clone(), day(0), 0)];
    let read = state(&one, Some(day(0)));
    let first = (0..100)
        .find(|today| turns(30, day(*today), &known).is_due(&read))
        .unwrap();
    assert!((15..=45).contains(&first), "{first}");
    assert!((first..first + 60).all(|today| turns(30, day(today), &known).is_due(&read)));
    let doubted = [(one, day(0), 3)];
    assert!(turns(30, day(0), &doubted).is_due(&read));
}
