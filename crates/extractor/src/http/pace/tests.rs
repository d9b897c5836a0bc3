use std::sync::Mutex;
use std::time::Duration;

use claimlake_contract::GrantHandle;
use tokio::time::Instant;

use super::{Ended, Pace};

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
        pace.failed();
    }
    assert_eq!(pace.state().debt, 2);
    drop(in_use);
    assert_eq!(pace.permits.available_permits(), 8);
    assert_eq!(pace.state().debt, 0);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_grant_waits_alone() {
    let pace = Pace::new(10, None);
    let start = Instant::now();
    let wait = Some(Duration::from_secs(9));
    let permit = pace.admit(&grant(1)).await.unwrap();
    permit.ended(&grant(1), Ended::Throttled { wait });
    drop(pace.admit(&grant(2)).await.unwrap());
    assert_eq!(start.elapsed(), Duration::ZERO);
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

/// A server that admits so many requests in each window of a second.
struct Windows {
    limit: u32,
    /// What its `Retry-After` says.
    wait: Option<Duration>,
    window: Mutex<(Instant, u32)>,
}

impl Windows {
    fn new(limit: u32, wait: Option<Duration>) -> Self {
        let window = Mutex::new((Instant::now(), 0));
        Self {
            limit,
            wait,
            window,
        }
    }

    fn answers(&self) -> Ended {
        let mut window = self.window.lock().unwrap();
        if window.0.elapsed() >= Duration::from_secs(1) {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        match window.1 <= self.limit {
            true => Ended::Well,
            false => Ended::Throttled { wait: self.wait },
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_pace_of_a_server_that_throttles_all_grants_is_learned() {
    let pace = Pace::new(100, None);
    let (begun, server) = (Instant::now(), Windows::new(50, None));
    let (mut sent, mut refused) = (0u32, 0u32);
    // Each request takes five milliseconds: 200 a second unless the pace is learned.
    while begun.elapsed() < Duration::from_secs(60) {
        let handle = grant((sent % 30) as u8);
        let permit = pace.admit(&handle).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let ended = server.answers();
        if begun.elapsed() > Duration::from_secs(5) {
            sent += 1;
            refused += u32::from(ended != Ended::Well);
        }
        permit.ended(&handle, ended);
    }
    assert!(refused * 20 < sent, "{refused} of {sent} were refused");
    assert!(sent > 55 * 40, "only {sent} were sent in 55 seconds");
}

#[tokio::test(start_paused = true)]
async fn with_many_requests_under_way_few_are_refused_after_the_first_burst() {
    for limit in [30, 100, 250] {
        let pace = Pace::new(128, None);
        let begun = Instant::now();
        let server = Windows::new(limit, Some(Duration::from_secs(1)));
        let counts = Mutex::new((0u32, 0u32));
        let one_patient = |number: u8| {
            let (pace, server, counts) = (&pace, &server, &counts);
            async move {
                while begun.elapsed() < Duration::from_secs(40) {
                    let permit = pace.admit(&grant(number)).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    let ended = server.answers();
                    tokio::time::sleep(Duration::from_millis(280)).await;
                    if begun.elapsed() > Duration::from_secs(4) {
                        let mut counts = counts.lock().unwrap();
                        counts.0 += 1;
                        counts.1 += u32::from(ended != Ended::Well);
                    }
                    permit.ended(&grant(number), ended);
                }
            }
        };
        futures_util::future::join_all((0..200).map(one_patient)).await;
        let (sent, refused) = *counts.lock().unwrap();
        assert!(
            refused * 20 < sent,
            "{refused} of {sent} were refused at {limit} a second"
        );
        let possible = 36 * limit;
        assert!(
            sent - refused > possible * 3 / 4,
            "{sent} of {possible} at {limit} a second"
        );
    }
}
