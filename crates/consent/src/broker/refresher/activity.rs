//! What the broker is doing, for clients that wait: since when the oldest request to the token
//! endpoint and the oldest operation on the vault have been in progress.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Operations in progress, each with its start.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<(u64, BTreeMap<u64, Instant>)>>);

/// One operation in progress; dropping it ends it.
#[derive(Debug)]
pub(super) struct Operation {
    all: UnderWay,
    number: u64,
}

impl UnderWay {
    pub(super) fn begin(&self) -> Operation {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, Instant::now());
        drop(all);
        Operation {
            all: self.clone(),
            number,
        }
    }

    /// For how long the oldest one has been in progress; `None` if there is none.
    pub(super) fn longest(&self) -> Option<Duration> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.1.values().next().map(Instant::elapsed)
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.1.remove(&self.number);
    }
}
