//! Writes intents and outcomes to the vault's journal. Each write is durable (fsync), so one write
//! per refresh would make refreshes wait for each other; entries that come while the disk is busy
//! are written together in one transaction.

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
    /// Whether a task is writing; it also takes the entries that come meanwhile.
    has_writer: bool,
}

/// An entry to be written, and who waits for it.
#[derive(Debug)]
struct Entry {
    step: (GrantHandle, RefreshStep),
    written: oneshot::Sender<Written>,
}

impl Journal {
    /// Writes one entry durably, even if the caller is cancelled.
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

    /// Writes until no entry is left. Entries that come meanwhile form the next batch.
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

/// Writes all entries in one transaction. If that fails, each one is written separately, so that
/// every caller gets its own error.
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
