//! `grants list`: whose grants there are and who must consent again, without a secret.

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientId};
use claimlake_vault::{Grant, GrantState, Vault, VaultError};
use serde::Serialize;

/// Which grants to list; none: all.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// In one of these states.
    pub states: Vec<GrantState>,
    /// Whose consent ends within so many days, or has ended.
    pub expires_within_days: Option<u32>,
}

/// A grant as it is listed. It holds the person's id: for the standard output alone.
#[derive(Debug, Clone, Serialize)]
pub struct GrantLine {
    /// The name in logs and errors.
    pub handle: GrantHandle,
    /// The version in whose id space `patient` is.
    pub api: ApiVersion,
    /// The person.
    pub patient: Option<PatientId>,
    /// The app's own name of the person.
    pub external_id: Option<String>,
    /// Whether it can be used.
    pub state: GrantState,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the consent was given or first seen.
    pub consented_at: DateTime<Utc>,
    /// When it ends.
    pub grant_expires_at: Option<DateTime<Utc>>,
    /// Whole days until then; negative where it is over.
    pub days_left: Option<i64>,
    /// What the person allows.
    pub scopes: Vec<String>,
    /// Whether it can be read once only.
    pub one_time: bool,
    /// When its tokens were last renewed.
    pub refreshed_at: Option<DateTime<Utc>>,
    /// What somebody has to do: `consent` where the person must agree again.
    pub needs: Option<&'static str>,
}

/// The grants of a vault that pass the filter: what needs a person first, then by end.
///
/// # Errors
/// Where the vault cannot be read.
pub fn list(
    vault: &Vault,
    filter: &GrantFilter,
    now: DateTime<Utc>,
) -> Result<Vec<GrantLine>, VaultError> {
    let mut lines: Vec<GrantLine> = vault
        .grants()?
        .into_iter()
        .filter(|grant| filter.passes(grant, now))
        .map(|grant| line(grant, now))
        .collect();
    lines.sort_by(|one, other| {
        let order = |line: &GrantLine| {
            let end = line.grant_expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
            (line.needs.is_none(), end, line.handle.clone())
        };
        order(one).cmp(&order(other))
    });
    Ok(lines)
}

impl GrantFilter {
    /// Whether a grant is to be shown.
    #[must_use]
    pub fn passes(&self, grant: &Grant, now: DateTime<Utc>) -> bool {
        let in_state = self.states.is_empty() || self.states.contains(&grant.state);
        let ends_soon = self.expires_within_days.is_none_or(|days| {
            grant
                .grant_expires_at
                .is_some_and(|end| end <= now + TimeDelta::days(i64::from(days)))
        });
        in_state && ends_soon
    }
}

fn line(grant: Grant, now: DateTime<Utc>) -> GrantLine {
    let is_over = grant.grant_expires_at.is_some_and(|end| end <= now);
    let needs = match grant.state {
        GrantState::NeedsConsent => Some("consent"),
        state if state.is_usable() && is_over => Some("consent"),
        _ => None,
    };
    GrantLine {
        days_left: grant.grant_expires_at.map(|end| (end - now).num_days()),
        scopes: grant.scopes.iter().map(str::to_owned).collect(),
        handle: grant.handle,
        api: grant.api,
        patient: grant.patient,
        external_id: grant.external_id,
        state: grant.state,
        reason: grant.reason,
        since: grant.state_since,
        consented_at: grant.consented_at,
        grant_expires_at: grant.grant_expires_at,
        one_time: grant.one_time,
        refreshed_at: grant.refreshed_at,
        needs,
    }
}
