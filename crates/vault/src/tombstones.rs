//! Patients who were forgotten, as keyed hashes, for looking up many ids. The ids cannot be derived
//! from them.

use std::collections::HashSet;

use claimlake_contract::{ApiVersion, Identifier};

use crate::names::{identifier_tombstone, log_tombstone, tombstones_of};
use crate::seal::Key;
use crate::sql::Sql;
use crate::{Grant, Vault, VaultError};

/// The forgotten people of a vault, for asking about many names.
#[derive(Debug, Clone)]
pub struct Tombstones {
    lookups: HashSet<[u8; 32]>,
    key: Key,
}

impl Tombstones {
    /// Whether no patient was forgotten.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lookups.is_empty()
    }

    /// Whether the person with this patient id was forgotten.
    #[must_use]
    pub fn has_id(&self, api: ApiVersion, id: &str) -> bool {
        let lookups = tombstones_of(&self.key, api, id);
        lookups.iter().any(|lookup| self.lookups.contains(lookup))
    }

    /// Whether a grant belongs to a forgotten patient.
    #[must_use]
    pub fn has_grant(&self, grant: &Grant) -> bool {
        let patient = grant.patient.as_ref();
        patient.is_some_and(|patient| self.has_id(grant.api, patient.expose()))
    }

    /// Whether the person with this identifier was forgotten. Older versions recorded only the
    /// value of an identifier: it counts if the system is one of `personal_systems`, whose
    /// identifiers each belong to one person.
    #[must_use]
    pub fn has_identifier(&self, identifier: &Identifier, personal_systems: &[&str]) -> bool {
        let has = |text: &str| {
            self.lookups
                .contains(&identifier_tombstone(&self.key, text))
        };
        let system = identifier.system();
        let is_personal = system.is_some_and(|system| personal_systems.contains(&system));
        has(&identifier.to_string()) || (is_personal && has(identifier.value()))
    }

    /// Whether a person with this identifier, as typed by the user, was forgotten: `system|value`,
    /// or only the value of one in one of `personal_systems`.
    #[must_use]
    pub fn has_typed_identifier(&self, typed: &str, personal_systems: &[&str]) -> bool {
        let in_system = |system: &&str| Identifier::new(Some(system), typed);
        let mut identifiers = personal_systems.iter().map(in_system);
        self.lookups
            .contains(&identifier_tombstone(&self.key, typed))
            || identifiers.any(|identifier| self.has_identifier(&identifier, personal_systems))
    }
}

impl Vault {
    /// The forgotten people, for asking about many names.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn tombstones(&self) -> Result<Tombstones, VaultError> {
        let lookups = self.connection().rows(
            "reading who was forgotten",
            "SELECT lookup FROM forgotten",
            [],
            |row| row.get(0),
        )?;
        Ok(Tombstones {
            lookups: lookups.into_iter().collect(),
            key: self.keys().lookup.clone(),
        })
    }

    /// As [`Vault::tombstones`], and whom the access log has forgotten by lines that the vault has
    /// not noted: it was put back from a backup, and nothing has written to it since.
    ///
    /// # Errors
    /// Where vault or log cannot be read.
    pub fn all_forgotten(&self) -> Result<Tombstones, VaultError> {
        let mut tombstones = self.tombstones()?;
        for name in self.newly_forgotten()?.0 {
            tombstones
                .lookups
                .insert(log_tombstone(&self.keys().lookup, &name));
        }
        Ok(tombstones)
    }
}
