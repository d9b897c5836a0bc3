//! Whether data of forgotten patients is here. Only the vault's key can tell.

use std::collections::HashSet;
use std::sync::Arc;

use claimlake_contract::{GrantHandle, SystemClock};
use claimlake_vault::{RunHistory, VAULT_FILE, Vault};
use claimlake_verify::{Check, FORGOTTEN, RepairStep};

use crate::access;
use crate::command::forget::remains::Remains;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::open_removals;

/// The check; `None` if no patient was forgotten. Without the key it is a warning that it was not
/// done.
pub(super) fn check(data: &DataDir, invocation: &Invocation) -> Outcome<Option<Check>> {
    let Some(vault) = vault(data, invocation) else {
        return without_key(data, invocation);
    };
    let is_nobody = vault
        .all_forgotten()
        .map_err(access::vault_failure)?
        .is_empty();
    // Data of patients whose removal is unfinished are still here; the check of removals reports
    // that.
    if is_nobody || !open_removals::open_in(invocation)?.is_empty() {
        return Ok(None);
    }
    let mut check = Check::hard(FORGOTTEN, "nobody who was forgotten is here");
    match Remains::find(&vault, data, &invocation.lake()?) {
        Ok(remains) => remains.words().for_each(|words| check.fail(|| words)),
        // Other checks name the damage.
        Err(failure) => {
            let mut check = Check::warning(FORGOTTEN, check.what);
            check.fail(|| format!("not looked at: {failure}"));
            return Ok(Some(check));
        }
    }
    match check.failed {
        0 => check.pass(),
        _ => check.repair.add([RepairStep::FinishForget]),
    }
    Ok(Some(check))
}

/// The grants of patients who were forgotten; none where there is no key.
pub(super) fn grants(data: &DataDir, invocation: &Invocation) -> HashSet<GrantHandle> {
    let of = |vault: Arc<Vault>| {
        let forgotten = vault.all_forgotten().ok()?;
        let mut grants = vault.grants().ok()?;
        grants.retain(|grant| forgotten.has_grant(grant));
        Some(grants)
    };
    let grants = vault(data, invocation).and_then(of).unwrap_or_default();
    grants.into_iter().map(|grant| grant.handle).collect()
}

fn vault(data: &DataDir, invocation: &Invocation) -> Option<Arc<Vault>> {
    let is_there = data.root().join(VAULT_FILE).is_file() && access::has_vault(data.root());
    match is_there {
        true => access::open_vault_to_read(invocation).ok(),
        false => None,
    }
}

fn without_key(data: &DataDir, invocation: &Invocation) -> Outcome<Option<Check>> {
    if !data.root().join(VAULT_FILE).is_file() {
        return Ok(None);
    }
    let history = RunHistory::open_to_read(data.root(), Arc::new(SystemClock));
    let has_forgotten = history.and_then(|history| history.has_forgotten());
    if !has_forgotten.map_err(|error| access::opening_failure(error, invocation))? {
        return Ok(None);
    }
    let mut check = Check::warning(FORGOTTEN, "nobody who was forgotten is here");
    check.fail(|| "not looked at: it takes the vault's key to know who was forgotten".to_owned());
    Ok(Some(check))
}
