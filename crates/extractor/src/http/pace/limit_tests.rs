//! Throughput and refusals under rate limits, in simulated time.

use std::time::Duration;

use super::limiters::{Answers, Kind, LimitOf, Scenario, read, together};

const KINDS: [Kind; 4] = [
    Kind::FixedWindow,
    Kind::ClockWindow,
    Kind::SlidingWindow,
    Kind::TokenBucket(0.2),
];

/// At least 85 % of the limit, and less than 5 % refused.
fn assert_near(answers: &Answers, limit: f64, from: u64, to: u64, of: &str) {
    let (rate, refused) = (
        answers.per_second(from, to),
        answers.share_refused(from, to),
    );
    let figures = format!("{of}: {rate:.1} of {limit} per second, {refused:.3} refused");
    assert!(rate >= 0.85 * limit, "{figures}");
    assert!(refused < 0.05, "{figures}");
}

fn all_together(kind: Kind, limits: &[(u64, u32)], latency: u64, seconds: u64) -> Scenario<'_> {
    Scenario {
        kind,
        of: LimitOf::AllTogether,
        limits,
        latency: Duration::from_millis(latency),
        patients: 100,
        seconds,
    }
}

/// From which second on the rate of one token is known. Each refusal costs it a second, and a bucket
/// that holds little refuses the burst of the start: what it admitted until then says least.
fn settled(kind: Kind) -> u64 {
    match kind {
        Kind::TokenBucket(_) => 15,
        _ => 5,
    }
}

async fn a_limit_is_used_and_kept(limit: u32) {
    let limits = [(0, limit)];
    for kind in KINDS.into_iter().chain([Kind::TokenBucket(1.0)]) {
        for latency in [6, 300] {
            let answers = read(all_together(kind, &limits, latency, 45)).await;
            let of = format!("{kind:?} at {latency} ms");
            assert_near(&together(&answers), limit.into(), 5, 45, &of);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_20_is_used_and_kept() {
    a_limit_is_used_and_kept(20).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_60_is_used_and_kept() {
    a_limit_is_used_and_kept(60).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_200_is_used_and_kept() {
    a_limit_is_used_and_kept(200).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_falls_is_found_within_five_seconds() {
    let limits = [(0, 200), (20, 60), (40, 20)];
    for kind in KINDS {
        for latency in [6, 300] {
            let answers = together(&read(all_together(kind, &limits, latency, 60)).await);
            for (from, limit) in limits {
                let of = format!("{kind:?} at {latency} ms from second {from}");
                assert_near(&answers, limit.into(), from + 5, from + 20, &of);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_rises_is_found() {
    // Nothing says that a limit has risen but a request more than was admitted before: ten times as
    // many take a little longer.
    for (limits, settle) in [
        ([(0, 60), (20, 90), (50, 200)], 8),
        ([(0, 20), (20, 60), (50, 200)], 8),
        ([(0, 20), (20, 200), (50, 200)], 10),
    ] {
        for kind in KINDS {
            for latency in [6, 300] {
                let answers = together(&read(all_together(kind, &limits, latency, 80)).await);
                for (number, (from, limit)) in limits.into_iter().enumerate().skip(1) {
                    let to = limits.get(number + 1).map_or(80, |next| next.0);
                    let of = format!("{limits:?}: {kind:?} at {latency} ms from second {from}");
                    assert_near(&answers, limit.into(), from + settle, to, &of);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_patient_alone_reads_at_the_limit_of_the_token() {
    for kind in KINDS {
        for limit in [20, 60, 200] {
            let limits = [(0, limit)];
            let scenario = Scenario {
                of: LimitOf::EachToken,
                patients: 1,
                ..all_together(kind, &limits, 6, 60)
            };
            let answers = read(scenario).await;
            assert_near(
                &answers[0],
                limit.into(),
                settled(kind),
                60,
                &format!("{kind:?}"),
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_with_a_limit_of_its_own_does_not_slow_the_others() {
    for kind in KINDS {
        let scenario = Scenario {
            of: LimitOf::FirstToken,
            patients: 12,
            ..all_together(kind, &[(0, 20)], 30, 40)
        };
        let answers = read(scenario).await;
        let unlimited = read(Scenario {
            limits: &[(0, u32::MAX)],
            ..scenario
        })
        .await;
        let of = format!("{kind:?}");
        assert_near(&answers[0], 20.0, settled(kind), 40, &of);
        let (others, without) = (together(&answers[1..]), together(&unlimited[1..]));
        let (others, without) = (others.per_second(5, 40), without.per_second(5, 40));
        assert!(others > 0.98 * without, "{of}: {others} of {without}");
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_all_limited_are_all_used() {
    for kind in KINDS {
        for patients in [2, 4, 20] {
            let scenario = Scenario {
                of: LimitOf::EachToken,
                patients,
                ..all_together(kind, &[(0, 20)], 30, 40)
            };
            let answers = together(&read(scenario).await);
            let of = format!("{kind:?}, {patients} patients");
            let limit = 20.0 * f64::from(patients);
            assert_near(&answers, limit, settled(kind), 40, &of);
        }
    }
}
