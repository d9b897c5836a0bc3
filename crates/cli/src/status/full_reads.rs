//! When each patient's claims were last read in full, and for whom a full read is due.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, ResourceType};
use claimlake_extractor::FullReadSchedule;
use claimlake_vault::{GrantState, Vault, VaultError};
use serde_json::{Value, json};

use crate::plural::{counted, grouped};
use crate::terminal_layout::TerminalLayout;

/// The full reads of one API version.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct FullReads {
    /// Patients whose claims were read and whose consent is in force.
    pub(crate) people: u64,
    /// Patients for whom a full read is due.
    pub(crate) due: u64,
    /// Patients whose last full read missed so many resources that none was considered gone.
    pub(crate) doubted: u64,
    /// The least recent and the most recent of the patients' last full reads.
    pub(crate) oldest: Option<DateTime<Utc>>,
    pub(crate) newest: Option<DateTime<Utc>>,
    /// Days between two full reads; 0 if there are none.
    pub(crate) every: u32,
}

pub(super) fn of(
    vault: &Vault,
    every: u32,
    now: DateTime<Utc>,
) -> Result<BTreeMap<ApiVersion, FullReads>, VaultError> {
    let turns = FullReadSchedule::of(vault, every, now)?;
    let grants = vault.grants()?;
    let active = grants
        .iter()
        .filter(|grant| grant.state == GrantState::Active);
    let active: std::collections::HashSet<&GrantHandle> =
        active.map(|grant| &grant.handle).collect();
    let mut found: BTreeMap<ApiVersion, FullReads> = BTreeMap::new();
    for state in vault.extract_states()? {
        let is_claims = state.resource == ResourceType::explanation_of_benefit();
        let (true, Some(full_at)) = (is_claims && active.contains(&state.grant), state.full_at)
        else {
            continue;
        };
        let one = found.entry(state.api).or_default();
        let known = turns.known(&state.grant, &state.resource);
        one.every = every;
        one.people += 1;
        one.due += u64::from(turns.is_due(&state));
        one.doubted += u64::from(known.is_some_and(|known| known.doubted > 0));
        one.oldest = Some(one.oldest.map_or(full_at, |oldest| oldest.min(full_at)));
        one.newest = one.newest.max(Some(full_at));
    }
    Ok(found)
}

impl FullReads {
    pub(crate) fn tell(all: &BTreeMap<ApiVersion, Self>, page: &mut TerminalLayout) {
        page.label("full reads");
        for (api, one) in all {
            let turn = match (one.every, one.due) {
                (0, _) => "switched off (full_every = 0)".to_owned(),
                (1, due) => format!("{} due, everybody every day", grouped(due)),
                (every, due) => {
                    format!("{} due, everybody once in {every} days", grouped(due))
                }
            };
            page.say(&format!(
                "{api}: {}, {turn}",
                counted(one.people, "patient")
            ));
            if let (Some(oldest), Some(newest)) = (one.oldest, one.newest) {
                let day = |instant: DateTime<Utc>| instant.format("%Y-%m-%d").to_string();
                page.say(&format!(
                    "  the last of each from {} to {}",
                    day(oldest),
                    day(newest)
                ));
            }
            if one.doubted > 0 {
                page.say(&format!(
                    "  {} missed too much to be believed at once: the next extract reads again",
                    grouped(one.doubted)
                ));
            }
        }
    }

    pub(crate) fn events(all: &BTreeMap<ApiVersion, Self>) -> Value {
        let event = |(api, one): (&ApiVersion, &Self)| {
            json!({
                "api": api, "people": one.people, "due": one.due, "doubted": one.doubted,
                "oldest": one.oldest, "newest": one.newest, "every_days": one.every,
            })
        };
        all.iter().map(event).collect()
    }
}
