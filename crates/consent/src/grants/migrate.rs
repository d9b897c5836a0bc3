//! `grants migrate`: moves grants to another API version, one refresh each.

use claimlake_contract::{ApiVersion, GrantHandle};
use claimlake_vault::{AccessAction, Grant, GrantState, Vault, VaultError};
use serde::Serialize;

use crate::{BrokerClient, ConsentError};

/// What a migration did, and what is left to do.
#[derive(Debug, Serialize)]
pub struct MigrationReport {
    /// Grants that were moved.
    pub migrated: u64,
    /// Grants that the server denied without a reason: they are where they were, and whether their
    /// tokens were used up is not known. The first one ends the migration.
    pub refused: Vec<GrantHandle>,
    /// Grants whose consent has ended, as the server says: the patients have to consent again.
    pub ended: Vec<GrantHandle>,
    /// Grants that cannot be moved, as they are read once only or ended before.
    pub needs_consent: u64,
    /// Grants that can be moved and were not yet.
    pub left: u64,
    /// Grants that are at the other version by now.
    pub there: u64,
    /// Why it ended before all were tried; `None` if it did not.
    #[serde(skip)]
    pub stopped: Option<ConsentError>,
}

/// The grants that a migration would move, in this order: those whose last refresh has no outcome come
/// last, since the server may deny them again.
///
/// # Errors
///
/// The vault cannot be read.
pub fn to_migrate(vault: &Vault, to: ApiVersion) -> Result<Vec<Grant>, VaultError> {
    let open = vault.open_refreshes()?;
    let mut grants = vault.grants()?;
    grants.retain(|grant| grant.api != to && grant.state.is_usable() && !grant.one_time);
    grants.sort_by_cached_key(|grant| (open.contains(&grant.handle), grant.handle.clone()));
    Ok(grants)
}

/// Moves up to `limit` grants, one after the other. It can be killed at any time and run again: what
/// was moved stays moved.
///
/// # Errors
///
/// The vault cannot be read or written; what the server or the broker refuses is in the report.
pub async fn migrate(
    vault: &Vault,
    broker: &BrokerClient,
    to: ApiVersion,
    limit: usize,
    mut moved: impl FnMut(),
) -> Result<MigrationReport, ConsentError> {
    let mut report = counts(vault, to)?;
    for grant in to_migrate(vault, to)?.into_iter().take(limit) {
        match broker.move_grant(&grant.handle, to).await {
            Ok(()) => {
                report.migrated += 1;
                note(vault, &grant)?;
                moved();
            }
            Err(ConsentError::NeedsConsent { .. }) => report.ended.push(grant.handle),
            Err(error) => {
                if matches!(error, ConsentError::Doubtful { .. }) {
                    report.refused.push(grant.handle);
                }
                report.stopped = Some(error);
                break;
            }
        }
    }
    let now = counts(vault, to)?;
    (report.needs_consent, report.left, report.there) = (now.needs_consent, now.left, now.there);
    Ok(report)
}

/// How many grants are where, without moving any.
///
/// # Errors
///
/// The vault cannot be read.
pub fn counts(vault: &Vault, to: ApiVersion) -> Result<MigrationReport, VaultError> {
    let grants = vault.grants()?;
    let not_there = || grants.iter().filter(|grant| grant.api != to);
    let cannot = |grant: &&Grant| grant.state == GrantState::NeedsConsent || grant.one_time;
    Ok(MigrationReport {
        migrated: 0,
        refused: Vec::new(),
        ended: Vec::new(),
        needs_consent: not_there().filter(cannot).count() as u64,
        left: to_migrate(vault, to)?.len() as u64,
        there: grants.iter().filter(|grant| grant.api == to).count() as u64,
        stopped: None,
    })
}

/// The line of the access log is about the grant as it is now; one that was joined with another grant of
/// the patient is logged as it was.
fn note(vault: &Vault, before: &Grant) -> Result<(), ConsentError> {
    let now = match vault.grant(&before.handle) {
        Err(VaultError::UnknownGrant { .. }) => before.clone(),
        grant => grant?,
    };
    let log = vault.access_log();
    log.append("grants migrate", AccessAction::Moved, &[&now])?;
    Ok(())
}
