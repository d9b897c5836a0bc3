//! `grants list`: which grants there are and which need a new consent, without secrets.

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_vault::{Grant, GrantState, Vault, VaultError};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Which grants to list; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// In one of these states.
    pub states: Vec<GrantState>,
    /// Only grants whose consent ends within this many days, or has ended. Grants without an end do
    /// not match.
    pub expires_within_days: Option<u32>,
}

/// A grant and what follows from the date. The serialized form contains the patient id, so it is
/// for standard output only.
#[derive(Debug, Clone)]
pub struct ListedGrant {
    /// The grant.
    pub grant: Grant,
    /// Whole days until the consent ends, negative if it has ended; `None` if it has no end.
    pub days_left: Option<i64>,
    /// `consent` if the person must consent again; `None` if nothing has to be done.
    pub needs: Option<&'static str>,
}

impl ListedGrant {
    fn new(grant: Grant, now: DateTime<Utc>) -> Self {
        let is_over = grant.grant_expires_at.is_some_and(|end| end <= now);
        let needs = match grant.state {
            GrantState::NeedsConsent => Some("consent"),
            state if state.is_usable() && is_over => Some("consent"),
            _ => None,
        };
        Self {
            days_left: grant.grant_expires_at.map(|end| (end - now).num_days()),
            needs,
            grant,
        }
    }
}

/// The members of a line of `grants list --format json`, in this order.
impl Serialize for ListedGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let grant = &self.grant;
        let mut line = serializer.serialize_struct("ListedGrant", 14)?;
        line.serialize_field("handle", &grant.handle)?;
        line.serialize_field("api", &grant.api)?;
        line.serialize_field("patient", &grant.patient)?;
        line.serialize_field("external_id", &grant.external_id)?;
        line.serialize_field("state", &grant.state)?;
        line.serialize_field("reason", &grant.reason)?;
        line.serialize_field("since", &grant.state_since)?;
        line.serialize_field("consented_at", &grant.consented_at)?;
        line.serialize_field("grant_expires_at", &grant.grant_expires_at)?;
        line.serialize_field("days_left", &self.days_left)?;
        line.serialize_field("scopes", &grant.scopes.iter().collect::<Vec<_>>())?;
        line.serialize_field("one_time", &grant.one_time)?;
        line.serialize_field("refreshed_at", &grant.refreshed_at)?;
        line.serialize_field("needs", &self.needs)?;
        line.end()
    }
}

/// The grants that match the filter: those that need a new consent first, then by the end of the
/// consent.
///
/// # Errors
///
/// The vault cannot be read.
pub fn list(
    vault: &Vault,
    filter: &GrantFilter,
    now: DateTime<Utc>,
) -> Result<Vec<ListedGrant>, VaultError> {
    let grants = vault.grants()?.into_iter();
    let mut listed: Vec<ListedGrant> = grants
        .filter(|grant| filter.passes(grant, now))
        .map(|grant| ListedGrant::new(grant, now))
        .collect();
    listed.sort_by_cached_key(|listed| {
        let grant = &listed.grant;
        let end = grant.grant_expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
        (listed.needs.is_none(), end, grant.handle.clone())
    });
    Ok(listed)
}

impl GrantFilter {
    /// Whether a grant matches the filter.
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
