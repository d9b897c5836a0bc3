//! Work on files and hashes, which runs apart from the threads that wait for sockets.

use crate::error::{PublishError, Result};

/// Does the work on a thread of its own and waits for it.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(PublishError::Store {
            operation: "working on files".to_owned(),
            reason: format!("a thread ended: {error}"),
        }),
    }
}
