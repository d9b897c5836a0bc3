//! Claims that the lake holds and a full read no longer found: told in `changes`, never removed.

use std::collections::HashSet;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::LandingOrigin;
use claimlake_extractor::full_reads;
use claimlake_loader::IsVanished;
use claimlake_vault::Vault;

use crate::access;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// How far back before the last snapshot full reads are looked at: one may have been under way.
const OVERLAP: TimeDelta = TimeDelta::days(1);

/// What tells whether a resource vanished.
pub(super) fn test(invocation: &Invocation, lake: &Path) -> Outcome<IsVanished> {
    let data = invocation.data()?;
    if !Vault::is_made(data.root()) {
        return Ok(IsVanished::default());
    }
    // The server never had what was imported: its absence there says nothing.
    let imported: HashSet<_> = claimlake_landing::landing_runs(&data.landing())?
        .sealed
        .into_iter()
        .filter(|run| run.manifest.origin == LandingOrigin::Import)
        .map(|run| (run.manifest.api, run.manifest.resource))
        .collect();
    let vault = access::open_vault(invocation)?;
    let reads = full_reads(&vault, last_snapshot(lake), &imported)?;
    Ok(match reads.is_empty() {
        true => IsVanished::default(),
        false => IsVanished::new(move |resource| {
            reads.lack(
                resource.source_api,
                resource.resource_type,
                resource.patient_id,
                resource.resource_id,
            )
        }),
    })
}

/// Where it cannot be told, all full reads are looked at.
fn last_snapshot(lake: &Path) -> Option<DateTime<Utc>> {
    let manifest = claimlake_loader::read_manifest(&lake.join("current")).ok()?;
    let published_at = DateTime::parse_from_rfc3339(&manifest.published_at).ok()?;
    published_at.to_utc().checked_sub_signed(OVERLAP)
}
