//! Patients who were forgotten according to lines that the vault has not recorded: it was restored
//! from an older backup, and would otherwise accept these patients again.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::ErrorKind;

use rusqlite::params;

use super::end::walk_end;
use super::log::HEAD;
use crate::names::log_tombstone;
use crate::seal::fill_random;
use crate::sql::Sql;
use crate::{Vault, VaultError};

impl Vault {
    /// Refuses, from now on, whom the access log has forgotten since what the vault has noted, and
    /// notes those lines; how many people these are.
    ///
    /// # Errors
    /// Where the log cannot be read or the vault cannot be written.
    pub(crate) fn take_over_forgotten(&self) -> Result<u64, VaultError> {
        let (names, last) = self.newly_forgotten()?;
        let Some(last) = last.filter(|_| !names.is_empty()) else {
            return Ok(0);
        };
        let operation = "refusing whom the access log has forgotten";
        let now = self.now_text();
        self.write(operation, |connection| {
            for name in &names {
                let mut person = [0; 16];
                fill_random(&mut person)?;
                let lookup = log_tombstone(&self.keys().lookup, name);
                let insert = "INSERT OR IGNORE INTO forgotten (lookup, person, forgotten_at)
                              VALUES (?1, ?2, ?3)";
                connection.run(operation, insert, params![lookup, &person[..], now])?;
            }
            Ok(())
        })?;
        self.set_head(HEAD, &last)?;
        Ok(names.len() as u64)
    }

    /// The patients that the access log records as forgotten after the line that the vault has
    /// recorded, by their names in the log, and the text of the last line. Empty while another
    /// process writes the log: that process records it in the vault.
    pub(crate) fn newly_forgotten(&self) -> Result<(BTreeSet<String>, Option<String>), VaultError> {
        let log = self.access_log();
        let failed = |error| VaultError::io("reading the access log", &log.path, error);
        let opened = OpenOptions::new().read(true).open(&log.path);
        let mut file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((BTreeSet::new(), None));
            }
            opened => opened.map_err(failed)?,
        };
        if file.try_lock().is_err() {
            return Ok((BTreeSet::new(), None));
        }
        let noted = log.noted()?;
        let (walk, _) = walk_end(&mut file, (&log.key, &noted, None)).map_err(failed)?;
        match walk.anchor {
            Some(last) => Ok((walk.newer_forgotten, Some(last.to_text()))),
            None => Ok((BTreeSet::new(), None)),
        }
    }
}
