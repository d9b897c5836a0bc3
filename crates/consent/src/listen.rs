//! Accepts connections without a busy loop when accepting fails.

use std::future::Future;
use std::io;

use claimlake_contract::AcceptFailures;

/// Passes every accepted connection to `take`; returns only if it is cancelled. After a failure,
/// which is usually a lack of file descriptors, it waits before it tries again.
pub(super) async fn accept_all<C, F>(mut accept: impl FnMut() -> F, mut take: impl FnMut(C))
where
    F: Future<Output = io::Result<C>>,
{
    let mut failures = AcceptFailures::default();
    loop {
        match accept().await {
            Ok(connection) => {
                failures.accepted();
                take(connection);
            }
            // Out of descriptors or memory, or gone before it was taken: a later try may do.
            Err(error) => {
                let pause = failures.failed();
                if failures.is_first() {
                    tracing::warn!(error = %error, "a connection could not be accepted, trying on");
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;
    use std::time::Duration;

    use super::accept_all;

    /// `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`, `ECONNABORTED` on Linux.
    const ERRORS: [i32; 5] = [24, 23, 105, 12, 103];

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_cannot_accept_waits_between_its_tries() {
        for code in ERRORS {
            let tries = Cell::new(0);
            let accept = || {
                tries.set(tries.get() + 1);
                std::future::ready(Err::<(), _>(io::Error::from_raw_os_error(code)))
            };
            let minute = Duration::from_secs(60);
            let ended = tokio::time::timeout(minute, accept_all(accept, |()| ())).await;
            assert!(ended.is_err());
            assert!((60..80).contains(&tries.get()), "{code}: {}", tries.get());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_taken_again_once_there_are_descriptors() {
        let (tries, taken) = (Cell::new(0), Cell::new(0));
        let accept = || {
            tries.set(tries.get() + 1);
            let one = match tries.get() % 4 {
                0 => Ok(tries.get()),
                _ => Err(io::Error::from_raw_os_error(24)),
            };
            std::future::ready(one)
        };
        let take = |_| taken.set(taken.get() + 1);
        let ended = tokio::time::timeout(Duration::from_secs(14), accept_all(accept, take));
        assert!(ended.await.is_err());
        // Three failures in a row take 140 ms each time: the row ends with a connection.
        assert!((95..=101).contains(&taken.get()), "{}", taken.get());
    }
}
