//! The rows of the table `extract_status`: the state of every patient, by resource type.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, PatientId, PatientState, ResourceType, RunId};
use claimlake_vault::{Vault, VaultError};

/// One row: a patient, an API version, a resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtractStatusRow {
    /// The API version.
    pub source_api: ApiVersion,
    /// The patient, in its id space.
    pub patient_id: Option<PatientId>,
    /// The resource type.
    pub resource_type: ResourceType,
    /// `complete`, …, or `never_read`.
    pub state: &'static str,
    /// Why, where it is not complete.
    pub reason: Option<String>,
    /// When it was read last, or tried.
    pub as_of: Option<DateTime<Utc>>,
    /// When it was complete last.
    pub complete_at: Option<DateTime<Utc>>,
    /// Distinct resources served in that run.
    pub served: u64,
    /// New or changed ones of them, which landed.
    pub landed: u64,
    /// Resources that are known of all runs.
    pub known: u64,
    /// The consent's scopes, sorted, space-separated.
    pub scopes: String,
    /// Why there are no claims, where there are none.
    pub reason_no_claims: Option<&'static str>,
    /// The run that tried last.
    pub run: Option<RunId>,
}

/// The rows for every grant, sorted by API version, grant and resource type. A patient who was
/// forgotten has none, though a removal that has not ended may have left a grant.
///
/// # Errors
/// Where the vault cannot be read or is damaged.
pub fn extract_status(
    vault: &Vault,
    resources: &[ResourceType],
) -> Result<Vec<ExtractStatusRow>, VaultError> {
    let mut states = HashMap::new();
    for state in vault.extract_states()? {
        states.insert((state.grant.clone(), state.resource.clone()), state);
    }
    let mut rows = Vec::new();
    let forgotten = vault.tombstones()?;
    for grant in vault.grants()? {
        if forgotten.has_grant(&grant) {
            continue;
        }
        for resource in resources {
            let state = states.get(&(grant.handle.clone(), resource.clone()));
            let known = state.map_or(0, |state| state.known_count);
            let is_claims = *resource == ResourceType::explanation_of_benefit();
            let reason_no_claims = match state.map(|state| state.state) {
                _ if !is_claims || known > 0 => None,
                None => Some("never_read"),
                Some(PatientState::Complete) => Some("none_served"),
                Some(PatientState::Refused) => Some("not_in_consent"),
                Some(other) => Some(other.as_str()),
            };
            rows.push(ExtractStatusRow {
                source_api: grant.api,
                patient_id: grant.patient.clone(),
                resource_type: resource.clone(),
                state: state.map_or("never_read", |state| state.state.as_str()),
                reason: state.and_then(|state| state.reason.clone()),
                as_of: state.map(|state| state.as_of),
                complete_at: state.and_then(|state| state.complete_at),
                served: state.map_or(0, |state| state.served),
                landed: state.map_or(0, |state| state.landed),
                known,
                scopes: grant.scopes.to_string(),
                reason_no_claims,
                run: state.map(|state| state.run.clone()),
            });
        }
    }
    Ok(rows)
}
