//! Tests of denials: which grant has ended, which is in doubt, and when the app is at fault.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use claimlake_contract::{ApiVersion, GrantHandle};
use claimlake_vault::{Grant, GrantState, Scopes};

use super::{Denial, Denials, Denied, REFUSED_IN_DOUBT};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 3, 15, 0).unwrap()
}

fn handle(number: u8) -> GrantHandle {
    GrantHandle::from_random([number; 8])
}

fn grant(number: u8, state: GrantState, hours_ago: i64) -> Grant {
    Grant {
        earlier: None,
        handle: handle(number),
        api: ApiVersion::V3,
        patient: None,
        external_id: None,
        state,
        reason: None,
        state_since: now() - TimeDelta::hours(hours_ago),
        consented_at: now() - TimeDelta::days(30),
        grant_expires_at: None,
        scopes: Scopes::default(),
        one_time: false,
        access_expires_at: None,
        generation: 1,
        refreshed_at: None,
    }
}

fn denied(number: u8, hours_ago: i64) -> Denied {
    Denied {
        handle: handle(number),
        since: now() - TimeDelta::hours(hours_ago),
    }
}

#[test]
fn a_doubt_by_refused_resources_is_not_the_first_denial() {
    let refused = Grant {
        reason: Some(REFUSED_IN_DOUBT.into()),
        ..grant(1, GrantState::Doubtful, 24)
    };
    let denial = Denials::default().denied(&refused, now());
    assert_eq!(denial, Denial::Doubtful);
}

#[test]
fn a_denial_alone_ends_nothing_until_hours_have_passed() {
    use Denial::{Doubtful, Ended};
    use GrantState::{Active, Doubtful as InDoubt};
    for (state, hours, expected) in [
        (Active, 0, Doubtful),
        // How long it was active says nothing.
        (Active, 700, Doubtful),
        (InDoubt, 0, Doubtful),
        (InDoubt, 1, Doubtful),
        (InDoubt, 2, Ended),
        (InDoubt, 24, Ended),
    ] {
        let mut denials = Denials::default();
        let denial = denials.denied(&grant(1, state, hours), now());
        assert_eq!(denial, expected, "{state} for {hours} hours");
        assert_eq!(denials.halted(), None);
    }
}

#[test]
fn an_acceptance_ends_what_was_denied_before_and_after_it() {
    let mut denials = Denials::default();
    for number in [1, 2] {
        let denial = denials.denied(&grant(number, GrantState::Active, 0), now());
        assert_eq!(denial, Denial::Doubtful);
    }
    assert_eq!(denials.accepted(), [handle(1), handle(2)]);
    assert_eq!(denials.accepted(), []);
    for number in 3..9 {
        let denial = denials.denied(&grant(number, GrantState::Active, 0), now());
        assert_eq!(denial, Denial::Ended);
    }
    assert_eq!(denials.halted(), None, "the app is as it should be");
}

#[test]
fn three_different_grants_denied_in_a_row_are_the_app_s_fault() {
    let mut denials = Denials::default();
    // The second has been in doubt for a day: alone it would have ended.
    let states = [
        (1, GrantState::Active, 0, Denial::Doubtful),
        (2, GrantState::Doubtful, 24, Denial::Ended),
        (2, GrantState::NeedsConsent, 0, Denial::Doubtful),
        (
            3,
            GrantState::Active,
            0,
            Denial::Stop(vec![denied(1, 0), denied(2, 24), denied(3, 0)]),
        ),
        // One that was under way when the third was denied, in doubt for a day: not ended either.
        (
            4,
            GrantState::Doubtful,
            24,
            Denial::Stop(vec![
                denied(1, 0),
                denied(2, 24),
                denied(3, 0),
                denied(4, 24),
            ]),
        ),
    ];
    for (number, state, hours, expected) in states {
        let denial = denials.denied(&grant(number, state, hours), now());
        assert_eq!(denial, expected, "{number}");
    }
    let reason = denials.halted().unwrap();
    assert!(reason.contains("source.api"), "{reason}");
    assert_eq!(denials.at_fault(&handle(2)).unwrap().1, denied(2, 24).since);
    // A refresh that was under way is accepted after all: it was the grants, and the app is good.
    assert_eq!(denials.accepted(), [1, 2, 3, 4].map(handle));
    assert_eq!(denials.halted(), None);
    assert_eq!(denials.at_fault(&handle(2)), None);
}

#[test]
fn the_same_grant_is_not_asked_for_again_and_again() {
    let mut denials = Denials::default();
    let one = grant(1, GrantState::Active, 0);
    assert!(!denials.is_doubted(&one.handle, now()));
    denials.denied(&one, now());
    assert!(denials.is_doubted(&one.handle, now() + TimeDelta::minutes(119)));
    assert!(!denials.is_doubted(&one.handle, now() + TimeDelta::minutes(120)));
    assert!(!denials.is_doubted(&handle(2), now()));
}
