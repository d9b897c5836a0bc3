//! Tests of the gate, in time that only the test moves.

use std::time::Duration;

use tokio::time::Instant;

use super::{CLOSED_FOR, Gate};
use crate::BrokerLifetime;
use crate::ConsentError;
use crate::broker::refresher::RefreshPolicy;

fn gate() -> Gate {
    let seconds = |all: &[u64]| all.iter().copied().map(Duration::from_secs).collect();
    Gate::new(&RefreshPolicy {
        at_once: 4,
        pauses_at_first: seconds(&[1, 5]),
        pauses: seconds(&[1, 5, 15, 30, 30]),
        ..RefreshPolicy::of(BrokerLifetime::MayEndWithRun)
    })
}

/// Fails until the gate is closed; the waits before each request, in seconds.
async fn fail_until_closed(gate: &Gate) -> Vec<u64> {
    let mut waits = Vec::new();
    loop {
        assert!(waits.len() < 50, "it is never closed");
        let before = Instant::now();
        match gate.pass().await {
            Ok(pass) => {
                waits.push(before.elapsed().as_secs());
                gate.failed(&pass, "HTTP 200, text/html", None);
            }
            Err(ConsentError::Unavailable { reason }) => {
                assert!(reason.starts_with("HTTP 200, text/html"), "{reason}");
                return waits;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_answered_is_asked_three_times_and_a_proven_one_six() {
    let gate = gate();
    assert_eq!(fail_until_closed(&gate).await, [0, 1, 5]);
    // It stays closed, and opens again for whoever is still here.
    assert!(gate.pass().await.is_err());
    tokio::time::advance(CLOSED_FOR).await;
    let mut pass = gate.pass().await.unwrap();
    gate.answered(&mut pass);
    drop(pass);
    assert_eq!(fail_until_closed(&gate).await, [0, 1, 5, 15, 30, 30]);
}

#[tokio::test(start_paused = true)]
async fn until_the_first_answer_requests_go_one_at_a_time() {
    let gate = gate();
    let mut first = gate.pass().await.unwrap();
    let second = gate.pass();
    tokio::pin!(second);
    let waited = tokio::time::timeout(Duration::from_secs(60), &mut second).await;
    assert!(waited.is_err());
    gate.answered(&mut first);
    let others = tokio::join!(second, gate.pass(), gate.pass());
    assert!(others.0.is_ok() && others.1.is_ok() && others.2.is_ok());
}

#[tokio::test(start_paused = true)]
async fn requests_that_fail_side_by_side_are_one_failure() {
    let gate = gate();
    let mut first = gate.pass().await.unwrap();
    gate.answered(&mut first);
    drop(first);
    let passes = [
        gate.pass().await.unwrap(),
        gate.pass().await.unwrap(),
        gate.pass().await.unwrap(),
        gate.pass().await.unwrap(),
    ];
    tokio::time::advance(Duration::from_secs(1)).await;
    for pass in &passes {
        gate.failed(pass, "x", None);
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    drop(passes);
    assert_eq!(fail_until_closed(&gate).await.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_asks_to_wait_holds_everybody() {
    let gate = gate();
    let mut pass = gate.pass().await.unwrap();
    gate.answered(&mut pass);
    drop(pass);
    gate.hold(Duration::from_secs(40));
    let before = Instant::now();
    let passed = tokio::join!(gate.pass(), gate.pass());
    assert!(passed.0.is_ok() && passed.1.is_ok());
    assert_eq!(before.elapsed().as_secs(), 40);
    let error = ConsentError::Parked { reason: "x".into() };
    gate.close(&error, Some(Duration::from_secs(86_400)));
    tokio::time::advance(Duration::from_secs(86_000)).await;
    assert!(matches!(
        gate.pass().await.unwrap_err(),
        ConsentError::Parked { .. }
    ));
    tokio::time::advance(Duration::from_secs(401)).await;
    assert!(gate.pass().await.is_ok());
}
