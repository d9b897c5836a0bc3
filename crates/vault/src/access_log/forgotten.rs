//! Who was forgotten by lines that the vault has not noted: it was put back from a backup that was
//! made before, and without this it would take them in again.

use std::fs::OpenOptions;
use std::io::ErrorKind;

use rusqlite::params;

use super::{HEAD, walk_end};
use crate::error::Doing;
use crate::forget::log_lookup;
use crate::seal::fill_random;
use crate::{Vault, VaultError};

impl Vault {
    /// Refuses, from now on, whom the access log has forgotten since what the vault has noted, and
    /// notes those lines.
    ///
    /// # Errors
    /// Where the log cannot be read or the vault cannot be written.
    pub(crate) fn take_over_forgotten(&self) -> Result<(), VaultError> {
        let log = self.access_log();
        let failed = |error| VaultError::io("reading the access log", &log.path, error);
        let opened = OpenOptions::new().read(true).open(&log.path);
        let mut file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        // Whoever writes just now notes its lines itself.
        if file.try_lock().is_err() {
            return Ok(());
        }
        let noted = log.noted()?;
        let (walk, _) = walk_end(&mut file, (&log.key, &noted, None)).map_err(failed)?;
        let Some(last) = walk.anchor.filter(|_| !walk.newer_forgotten.is_empty()) else {
            return Ok(());
        };
        let doing = "refusing whom the access log has forgotten";
        let now = self.now_text();
        self.write(doing, |connection| {
            for name in &walk.newer_forgotten {
                let mut person = [0; 16];
                fill_random(&mut person)?;
                let lookup = log_lookup(&self.keys().lookup, name);
                let insert = "INSERT OR IGNORE INTO forgotten (lookup, person, forgotten_at)
                              VALUES (?1, ?2, ?3)";
                connection
                    .execute(insert, params![lookup, &person[..], now])
                    .doing(doing)?;
            }
            Ok(())
        })?;
        self.set_head(HEAD, &last.to_text())?;
        tracing::warn!(
            people = walk.newer_forgotten.len(),
            "the vault is older than the access log, which has forgotten people since: they are \
             refused again, and what landing and lake hold of them is to be forgotten again"
        );
        Ok(())
    }
}
