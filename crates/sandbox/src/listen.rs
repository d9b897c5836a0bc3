//! Taking connections in: for as long as it is polled, and without spinning where it fails.

use std::future::Future;
use std::io;

use claimlake_contract::AcceptFailures;

/// Gives every connection that `accept` yields to `take`.
pub(crate) async fn accept_all<C, F>(mut accept: impl FnMut() -> F, mut take: impl FnMut(C))
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
    use std::io;
    use std::time::Duration;

    use super::accept_all;

    #[tokio::test(start_paused = true)]
    async fn a_listener_without_descriptors_waits_between_its_tries() {
        let tries = std::cell::Cell::new(0);
        let accept = || {
            tries.set(tries.get() + 1);
            // `EMFILE`.
            std::future::ready(Err::<(), _>(io::Error::from_raw_os_error(24)))
        };
        let minute = Duration::from_secs(60);
        let ended = tokio::time::timeout(minute, accept_all(accept, |()| ())).await;
        assert!(ended.is_err());
        assert!((60..80).contains(&tries.get()), "{}", tries.get());
    }
}
