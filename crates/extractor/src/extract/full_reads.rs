//! What full reads found of each person: a claim that the lake holds and they lack has vanished.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, ResourceType};
use claimlake_vault::{Vault, VaultError};

use crate::land::id_hash;

type Person = (String, String, String);

/// The ids of the resources that the server has, of people whom a full read found complete.
#[derive(Debug, Default)]
pub struct FullReads(HashMap<Person, HashSet<[u8; 16]>>);

/// Full reads that ended after `since`, or all of them. What is of `left_out` is not among them.
///
/// # Errors
/// Where the vault cannot be read or is damaged.
pub fn full_reads(
    vault: &Vault,
    since: Option<DateTime<Utc>>,
    left_out: &HashSet<(ApiVersion, ResourceType)>,
) -> Result<FullReads, VaultError> {
    let grants: HashMap<_, _> = vault
        .grants()?
        .into_iter()
        .filter_map(|grant| Some((grant.handle, grant.patient?)))
        .collect();
    let mut reads = FullReads::default();
    for state in vault.extract_states()? {
        let is_wanted = state
            .full_at
            .is_some_and(|full_at| since.is_none_or(|since| full_at > since));
        let Some(patient) = grants.get(&state.grant) else {
            continue;
        };
        if !is_wanted || left_out.contains(&(state.api, state.resource.clone())) {
            continue;
        }
        let held = vault.held(&state.grant, &state.resource)?;
        let person = (
            state.api.as_str().to_owned(),
            state.resource.as_str().to_owned(),
            patient.expose().to_owned(),
        );
        // A person may have consented twice: what either consent shows is there.
        reads.0.entry(person).or_default().extend(held.ids());
    }
    Ok(reads)
}

impl FullReads {
    /// Whether there is no full read at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a full read of the person did not find the resource.
    #[must_use]
    pub fn lack(&self, api: &str, resource_type: &str, patient: &str, id: &str) -> bool {
        let person = (api.to_owned(), resource_type.to_owned(), patient.to_owned());
        let Some(found) = self.0.get(&person) else {
            return false;
        };
        !found.contains(&id_hash(format!("\"{id}\"").as_bytes()))
    }
}
