//! Tests of the limits, in time that only the test moves.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Activity, BrokerPatience, Notices, SignsOfLife, Waiting};
use crate::broker::protocol::FailureKind;

fn activity(posting_s: Option<u64>, on_disk_s: Option<u64>) -> Activity {
    Activity {
        posting_s,
        on_disk_s,
        lock_holder: None,
        vault_holder: None,
    }
}

/// Waits for what never comes while a broker shows `alive` every other second; how long, and what
/// was said.
async fn wait(alive: Option<Activity>) -> (u64, String) {
    let signs = Arc::new(SignsOfLife::default());
    let (patience, notices) = (BrokerPatience::default(), Notices::default());
    if let Some(activity) = alive {
        let signs = Arc::clone(&signs);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(2)).await;
                signs.line();
                signs.activity(activity);
            }
        });
    }
    let waiting = Waiting {
        patience: &patience,
        notices: &notices,
        signs: &signs,
        pid: Some(std::process::id()),
        asked: "an access token",
    };
    let before = Instant::now();
    let failure = waiting.for_it(pending::<()>()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    let pid = format!("process {}", std::process::id());
    for words in [&pid, "an access token", "run again"] {
        assert!(failure.reason.contains(words), "{}", failure.reason);
    }
    (before.elapsed().as_secs(), failure.reason)
}

#[tokio::test(start_paused = true)]
async fn every_wait_ends_and_says_what_for() {
    for (alive, seconds, words) in [
        (None, 60, "no sign of life for 60 seconds"),
        (
            Some(activity(None, None)),
            900,
            "has not answered in 900 seconds",
        ),
        (
            Some(activity(Some(80), None)),
            900,
            "has not answered in 900 seconds",
        ),
        (Some(activity(None, Some(9))), 302, "waits for the disk"),
        (Some(activity(Some(9), Some(9))), 302, "waits for the disk"),
        // Work on the vault that takes less than a second is none that hangs.
        (Some(activity(None, Some(0))), 900, "has not answered"),
    ] {
        let (waited, reason) = wait(alive).await;
        assert!(reason.contains(words), "{alive:?}: {reason}");
        assert!(waited.abs_diff(seconds) <= 2, "{alive:?}: {waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_stopped_itself_has_waited_for_one_tick() {
    let signs = SignsOfLife::default();
    let (patience, notices) = (BrokerPatience::default(), Notices::default());
    let waiting = Waiting {
        patience: &patience,
        notices: &notices,
        signs: &signs,
        pid: None,
        asked: "a connection",
    };
    let answered = waiting.for_it(async {
        // As a stopped process sees it: hours have gone by at once.
        tokio::time::advance(Duration::from_secs(7_200)).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        7
    });
    assert_eq!(answered.await.unwrap(), 7);
}
