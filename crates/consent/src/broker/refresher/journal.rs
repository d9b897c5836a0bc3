//! Entries of the journal that come while the disk is busy are written together: waiting for the
//! disk once per refresh would have refreshes wait for each other.

use std::sync::{Arc, Mutex};

use claimlake_contract::GrantHandle;
use claimlake_vault::{RefreshStep, RefreshWritten, Vault, VaultError};
use tokio::sync::oneshot;

use super::lock;

type Written = Result<RefreshWritten, VaultError>;

/// Writes entries in the order they come.
#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    entries: Vec<Entry>,
    /// Whether a writer is at work; it takes in what comes meanwhile.
    has_writer: bool,
}

/// An entry that waits, and who waits for it.
#[derive(Debug)]
struct Entry {
    step: (GrantHandle, RefreshStep),
    written: oneshot::Sender<Written>,
}

impl Journal {
    /// Writes one entry, durably. It is written even where the caller goes away.
    pub(super) async fn write(
        self: &Arc<Self>,
        vault: &Arc<Vault>,
        handle: GrantHandle,
        step: RefreshStep,
    ) -> Written {
        let (sender, written) = oneshot::channel();
        let begins = {
            let mut waiting = lock(&self.0);
            waiting.entries.push(Entry {
                step: (handle, step),
                written: sender,
            });
            !std::mem::replace(&mut waiting.has_writer, true)
        };
        if begins {
            tokio::spawn(Arc::clone(self).write_all(Arc::clone(vault)));
        }
        written.await.unwrap_or_else(|_| {
            Err(VaultError::Invalid(
                "writing the journal ended early".into(),
            ))
        })
    }

    /// Writes until nothing waits; entries that come meanwhile make up the next batch.
    async fn write_all(self: Arc<Self>, vault: Arc<Vault>) {
        loop {
            let entries = {
                let mut waiting = lock(&self.0);
                waiting.has_writer = !waiting.entries.is_empty();
                std::mem::take(&mut waiting.entries)
            };
            if entries.is_empty() {
                return;
            }
            let (steps, senders): (Vec<_>, Vec<_>) = entries
                .into_iter()
                .map(|entry| (entry.step, entry.written))
                .unzip();
            let vault = Arc::clone(&vault);
            let written = tokio::task::spawn_blocking(move || write_together(&vault, &steps)).await;
            // Where the task has panicked, the senders are dropped, which tells everyone who waits.
            for (sender, written) in senders.into_iter().zip(written.unwrap_or_default()) {
                let _ = sender.send(written);
            }
        }
    }
}

/// What cannot be written together is written one by one, so that each hears its own error.
fn write_together(vault: &Vault, steps: &[(GrantHandle, RefreshStep)]) -> Vec<Written> {
    match vault.write_refreshes(steps) {
        Ok(written) => written,
        Err(error) if steps.len() == 1 => vec![Err(error)],
        Err(_) => steps
            .chunks(1)
            .flat_map(|step| write_together(vault, step))
            .collect(),
    }
}
