use std::time::Duration;

use claimlake_contract::GrantHandle;
use tokio::time::Instant;

use super::{Ended, Pace, Throttled};

fn grant(number: u8) -> GrantHandle {
    GrantHandle::from_random([number; 8])
}

/// Sends a request that ends so.
async fn send(pace: &Pace, ended: Ended) {
    let permit = pace.admit(&grant(1)).await.unwrap();
    permit.ended(&grant(1), ended);
}

#[tokio::test(start_paused = true)]
async fn concurrency_grows_with_success_up_to_its_ceiling() {
    let pace = Pace::new(40, None);
    for _ in 0..100 {
        send(&pace, Ended::Well).await;
    }
    assert_eq!(pace.permits.available_permits(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_constant_few_failures_do_not_shrink_it_and_many_do() {
    let pace = Pace::new(32, None);
    for number in 0..200 {
        let ended = match number % 20 {
            0 => Ended::Badly,
            _ => Ended::Well,
        };
        send(&pace, ended).await;
    }
    assert_eq!(pace.permits.available_permits(), 32);
    for _ in 0..50 {
        send(&pace, Ended::Badly).await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert!(pace.permits.available_permits() < 20);
}

#[tokio::test(start_paused = true)]
async fn permits_in_use_when_it_shrinks_are_taken_back_as_they_return() {
    let pace = Pace::new(10, None);
    let mut in_use = Vec::new();
    for _ in 0..10 {
        in_use.push(pace.admit(&grant(1)).await.unwrap());
    }
    for _ in 0..5 {
        let now = pace.now();
        pace.state().concurrency.failed(&pace.permits, now);
    }
    assert_eq!(pace.state().concurrency.debt(), 2);
    drop(in_use);
    assert_eq!(pace.permits.available_permits(), 8);
    assert_eq!(pace.state().concurrency.debt(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_grant_waits_alone() {
    let pace = Pace::new(10, None);
    let start = Instant::now();
    let wait = Some(Duration::from_secs(9));
    let permit = pace.admit(&grant(1)).await.unwrap();
    let spent_limit = None;
    permit.ended(&grant(1), Ended::Throttled(Throttled { wait, spent_limit }));
    drop(pace.admit(&grant(2)).await.unwrap());
    assert!(start.elapsed() < Duration::from_millis(10));
    drop(pace.admit(&grant(1)).await.unwrap());
    assert_eq!(start.elapsed(), Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn a_given_rate_is_kept_to() {
    let pace = Pace::new(100, Some(20.0));
    let start = Instant::now();
    for _ in 0..41 {
        drop(pace.admit(&grant(1)).await.unwrap());
    }
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(1990), "{elapsed:?}");
    assert!(elapsed < Duration::from_millis(2200), "{elapsed:?}");
}
