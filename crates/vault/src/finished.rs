//! The result of an authorization: as which grant it was stored. The process that waited for it may
//! have given up before the broker was finished.
//!
//! Only keyed hashes are kept, for as long as an authorization may be pending; they identify no
//! patient.

use chrono::{DateTime, Utc};
use claimlake_contract::{Secret, hex};
use rusqlite::params;

use crate::grants::{GrantChange, Stored};
use crate::pending::FORGOTTEN_AFTER;
use crate::seal::{Keys, keyed_hash};
use crate::sql::Sql;
use crate::text::{instant_text, parse_instant};
use crate::{Vault, VaultError};

const PREFIX: &str = "finished:";
const CHANGES: [(GrantChange, &str); 4] = [
    (GrantChange::Inserted, "inserted"),
    (GrantChange::Renewed, "renewed"),
    (GrantChange::Unchanged, "unchanged"),
    (GrantChange::OlderIgnored, "older_ignored"),
];

impl Vault {
    /// Notes what the authorization that `state` names was stored as.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn note_finished(&self, state: &Secret, stored: &Stored) -> Result<(), VaultError> {
        let operation = "noting what became of an authorization";
        let change = CHANGES.iter().find(|(change, _)| *change == stored.change);
        let value = format!(
            "{} {} {}",
            instant_text(self.now()),
            change.map_or("", |(_, word)| word),
            hash(self.keys(), "grant", stored.handle.as_str()),
        );
        let name = name(self.keys(), state);
        let forgotten = instant_text(self.now() - FORGOTTEN_AFTER);
        self.write(operation, |connection| {
            connection.run(
                operation, // Instants sort as text.
                "DELETE FROM vault_meta
                     WHERE name LIKE 'finished:%' AND CAST(value AS TEXT) < ?1",
                params![forgotten],
            )?;
            connection.run(
                operation,
                "INSERT INTO vault_meta (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value.as_bytes()],
            )?;
            Ok(())
        })
    }

    /// What the authorization that `state` names was stored as, and when; none where it was not, or
    /// its grant is no longer here.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn finished(&self, state: &Secret) -> Result<Option<(Stored, DateTime<Utc>)>, VaultError> {
        let Some(value) = self.head(&name(self.keys(), state))? else {
            return Ok(None);
        };
        let unreadable = || VaultError::damaged("the note of a finished authorization");
        let mut words = value.split(' ');
        let (Some(at), Some(change), Some(grant)) = (words.next(), words.next(), words.next())
        else {
            return Err(unreadable());
        };
        let at = parse_instant(at, "finished")?;
        let change = CHANGES.iter().find(|(_, word)| *word == change);
        let (change, _) = change.ok_or_else(unreadable)?;
        let grants = self.grants()?;
        let found = grants
            .into_iter()
            .find(|known| hash(self.keys(), "grant", known.handle.as_str()) == grant);
        Ok(found.map(|grant| {
            let stored = Stored {
                handle: grant.handle,
                change: *change,
            };
            (stored, at)
        }))
    }

    /// Whether the authorization that `state` names still waits for its callback to be used.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn is_pending(&self, state: &Secret) -> Result<bool, VaultError> {
        let lookup = keyed_hash(&self.keys().lookup, &[b"state", state.expose().as_bytes()]);
        let found = self.connection().first(
            "finding the authorization of a callback",
            "SELECT 1 FROM pending_authorizations WHERE state_lookup = ?1",
            [lookup],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
}

fn name(keys: &Keys, state: &Secret) -> String {
    format!("{PREFIX}{}", hash(keys, "state", state.expose()))
}

fn hash(keys: &Keys, kind: &str, text: &str) -> String {
    let parts = [b"finished", kind.as_bytes(), text.as_bytes()];
    hex(&keyed_hash(&keys.lookup, &parts)[..16])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{TimeDelta, Utc};
    use claimlake_contract::{ApiVersion, FixedClock, PatientId, Secret};

    use crate::grants::{GrantChange, NewGrant, Scopes, Stored, TokenPair};
    use crate::{KeySource, Vault};

    #[test]
    fn what_became_of_an_authorization_is_known_for_a_while_and_names_nobody() {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Utc::now()));
        let key = KeySource::given(Secret::new("5".repeat(64)));
        let vault = Vault::open(data.path(), &key, clock.clone()).unwrap();
        let stored = vault
            .insert_or_renew(&NewGrant {
                api: ApiVersion::V2,
                patient: Some(PatientId::new("-5")),
                external_id: None,
                scopes: Scopes::default(),
                grant_expires_at: None,
                one_time: false,
                tokens: TokenPair {
                    access_token: None,
                    access_issued_at: None,
                    access_expires_at: None,
                    refresh_token: Some(Secret::new("r")),
                },
            })
            .unwrap();
        let (first, other) = (Secret::new("state-one"), Secret::new("state-two"));
        assert_eq!(vault.finished(&first).unwrap(), None);
        vault.note_finished(&first, &stored).unwrap();
        let (found, _) = vault.finished(&first).unwrap().unwrap();
        assert_eq!(
            found,
            Stored {
                handle: stored.handle.clone(),
                change: GrantChange::Inserted
            }
        );
        assert_eq!(vault.finished(&other).unwrap(), None);
        let bytes: Vec<u8> = ["vault.db", "vault.db-wal"]
            .iter()
            .flat_map(|name| std::fs::read(data.path().join(name)).unwrap_or_default())
            .collect();
        let is_in = |text: &[u8]| bytes.windows(text.len()).any(|found| found == text);
        assert!(is_in(b"finished:") && !is_in(b"state-one"));
        // The next one that is stored takes old notes away.
        clock.advance(TimeDelta::hours(3));
        vault.note_finished(&other, &stored).unwrap();
        assert_eq!(vault.finished(&first).unwrap(), None);
        assert!(vault.finished(&other).unwrap().is_some());
    }
}
