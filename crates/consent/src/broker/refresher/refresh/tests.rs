//! Tests of how often one refresh token is posted, and of what an error says about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, Clock, FixedClock};
use claimlake_vault::{GrantState, OpenRefresh};

use super::left_alone;
use crate::ConsentError;
use crate::broker::refresher::tests::{World, system, world};

fn posts(world: &World) -> u64 {
    // Each of the people has exchanged a code there once.
    let all = world.sandbox.account().requests_to("POST /v2/o/token");
    all - world.grants.len() as u64
}

#[tokio::test]
async fn one_refresh_token_is_posted_twice_and_then_left_alone_across_restarts() {
    for fault in [
        "html:only=token",
        "html:only=token,status=200",
        "html:only=token,status=403",
        "html:only=token,status=404",
        "503:only=token",
        "502:only=token",
        "drop:only=token",
        "cut:only=token",
    ] {
        let clock = Arc::new(FixedClock::at(Utc::now()));
        let mut world = world(ApiVersion::V2, 1, clock.clone()).await;
        let grant = world.grants[0].clone();
        // Near its end: whoever needs a token needs a new one.
        clock.advance(TimeDelta::minutes(57));
        world.fault(fault);
        let mut seen = Vec::new();
        for minutes in [0, 1, 2, 3, 59, 1, 1] {
            clock.advance(TimeDelta::minutes(minutes));
            for _ in 0..4 {
                world.refresher = world.restarted(clock.clone());
                let asked = (0..3).map(|_| world.refresher.token(&grant, None));
                for outcome in futures_util::future::join_all(asked).await {
                    assert!(outcome.is_err(), "{fault}");
                }
            }
            seen.push(posts(&world));
        }
        // After 0, 1, 3, 6, 65, 66, 67 minutes.
        assert_eq!(seen, [2, 2, 3, 3, 4, 4, 4], "{fault}");
        assert_eq!(world.state(&grant).0, GrantState::Active, "{fault}");
        if fault.starts_with("cut") {
            // The server had replaced the token: nothing can be done any more.
            continue;
        }
        // It is still good once the endpoint is itself again.
        world.sandbox.set_faults(Vec::new());
        clock.advance(TimeDelta::minutes(61));
        world.refresher = world.restarted(clock.clone());
        world.refresher.token(&grant, None).await.unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_that_answers_no_oauth_is_found_out_once_and_not_by_every_grant() {
    for (fault, status) in [
        ("html:only=token,status=200", "HTTP 200, text/html"),
        ("html:only=token,status=403", "HTTP 403, text/html"),
        ("html:only=token,status=502", "HTTP 502, text/html"),
        ("503:only=token", "HTTP 503, "),
        ("drop:only=token", "the connection broke"),
    ] {
        let world = world(ApiVersion::V2, 9, system()).await;
        world.fault(fault);
        let asked = world.grants.iter().map(|grant| world.renew(grant));
        let errors = futures_util::future::join_all(asked).await;
        assert_eq!(posts(&world), 3, "{fault}");
        let mut unavailable = 0;
        for error in errors.into_iter().map(Result::unwrap_err) {
            let words = error.to_string();
            assert!(words.contains("POST /v2/o/token/ at 127.0.0.1:"), "{words}");
            assert!(words.contains(status), "{fault}: {words}");
            assert!(!words.contains('<'), "{words}");
            unavailable += usize::from(matches!(error, ConsentError::Unavailable { .. }));
        }
        assert!(unavailable >= 6, "{fault}: {unavailable}");
        for grant in &world.grants {
            assert_eq!(world.state(grant).0, GrantState::Active);
        }
    }
}

#[tokio::test]
async fn a_short_failure_in_the_middle_of_a_run_is_waited_out() {
    for fault in ["html:only=token,count=4", "503:only=token,count=4"] {
        let world = world(ApiVersion::V2, 9, system()).await;
        world.renew(&world.grants[0]).await.unwrap();
        world.fault(fault);
        let mut renewed = 0;
        for grant in &world.grants {
            renewed += usize::from(world.renew(grant).await.is_ok());
        }
        // Two grants met it twice each; they are left alone for two minutes.
        assert_eq!(renewed, 7, "{fault}");
    }
}

#[tokio::test]
async fn a_server_that_asks_to_come_back_later_is_heard_by_everybody() {
    let world = world(ApiVersion::V2, 5, system()).await;
    world.fault("429:only=token,retry-after=day");
    let asked = world.grants.iter().map(|grant| world.renew(grant));
    for error in futures_util::future::join_all(asked).await {
        let error = error.unwrap_err();
        assert!(
            matches!(&error, ConsentError::Parked { reason }
            if reason.contains("HTTP 429") && reason.contains("UTC on)")),
            "{error}"
        );
    }
    assert_eq!(posts(&world), 1);
    assert!(world.refresher.vault().open_refreshes().unwrap().is_empty());
    // A short wait is waited for, a few times.
    let mut world = world;
    world.fault("429:only=token,retry-after=0,count=3");
    world.refresher = world.restarted(system());
    world.renew(&world.grants[0]).await.unwrap();
    world.fault("429:only=token,retry-after=0");
    world.refresher = world.restarted(system());
    let error = world.renew(&world.grants[0]).await.unwrap_err();
    assert!(matches!(error, ConsentError::Parked { .. }), "{error}");
}

#[test]
fn how_long_a_token_is_left_alone_grows_with_the_posts_and_is_not_fooled_by_a_wrong_clock() {
    let now = Utc::now();
    let is_left = |attempts, minutes_ago| {
        let started_at = now - TimeDelta::minutes(minutes_ago);
        let open = OpenRefresh {
            attempts,
            started_at,
        };
        left_alone(Some(&open), now).is_some()
    };
    for (attempts, minutes_ago, expected) in [
        (0, 0, false),
        // A broker that was killed in between: the next one finds out at once.
        (1, 0, false),
        (2, 0, true),
        (2, 1, true),
        (2, 2, false),
        (3, 2, true),
        (3, 59, true),
        (3, 60, false),
        (900, 61, false),
        // Written by a clock that was ahead.
        (2, -30, false),
        (900, -60 * 24 * 365, false),
    ] {
        assert_eq!(
            is_left(attempts, minutes_ago),
            expected,
            "{attempts} {minutes_ago}"
        );
    }
    assert!(left_alone(None, now).is_none());
}

/// Panics once a test sets it to.
#[derive(Debug)]
struct Panicking(AtomicBool);

impl Clock for Panicking {
    fn now(&self) -> DateTime<Utc> {
        assert!(!self.0.load(Ordering::SeqCst), "this test's own panic");
        Utc::now()
    }
}

#[tokio::test]
async fn a_panic_within_a_refresh_reaches_everybody_who_waits_and_leaves_no_entry_behind() {
    let clock = Arc::new(Panicking(AtomicBool::new(false)));
    let world = world(ApiVersion::V2, 1, clock.clone()).await;
    let grant = &world.grants[0];
    clock.0.store(true, Ordering::SeqCst);
    let asked = (0..5).map(|_| world.refresher.token(grant, Some(2)));
    for outcome in futures_util::future::join_all(asked).await {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("panic in the token broker"), "{error}");
    }
    assert_eq!(world.refresher.under_way(), 0);
    clock.0.store(false, Ordering::SeqCst);
    world.renew(grant).await.unwrap();
    assert_eq!(world.sandbox.account().refresh_tokens_reused(), 0);
}

#[tokio::test]
async fn denials_side_by_side_are_three_posts_where_none_was_accepted() {
    let world = world(ApiVersion::V3, 12, system()).await;
    for grant in &world.grants {
        world.forget_token(grant);
    }
    let renewed = world.grants.iter().map(|grant| world.renew(grant));
    for outcome in futures_util::future::join_all(renewed).await {
        assert!(outcome.is_err());
    }
    let posts = world.sandbox.account().requests_to("POST /v3/o/token");
    assert_eq!(posts, 12 + 3, "twelve exchanges and three denied refreshes");
}
