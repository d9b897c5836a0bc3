//! `[load] group`: whether the group it names can read the lake at all.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::anyhow;
use claimlake_loader::{GroupReach, group_reach, real_folder};

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

/// Refuses, before anything is done, a group that cannot be given files, or a lake that its members
/// cannot reach whatever the modes are.
pub(crate) fn check(invocation: &Invocation) -> Outcome<()> {
    let Some(group) = group(invocation)? else {
        return Ok(());
    };
    let lake = invocation.lake()?;
    let reach = group_reach(&lake, group).map_err(Failure::usage)?;
    if !reach.may_give {
        return Err(Failure::usage(anyhow!(not_a_member(group))));
    }
    match is_private(invocation)? {
        true => Err(Failure::usage(anyhow!(in_private_folder(group, &lake)))),
        false => Ok(()),
    }
}

/// Refuses a group that cannot be given files, before a command begins that must not end half way.
pub(crate) fn check_can_give(invocation: &Invocation) -> Outcome<()> {
    let Some(group) = group(invocation)? else {
        return Ok(());
    };
    let reach = group_reach(&invocation.lake()?, group).map_err(Failure::usage)?;
    match reach.may_give {
        true => Ok(()),
        false => Err(Failure::usage(anyhow!(not_a_member(group)))),
    }
}

/// Why members of the group cannot reach the lake, as text; `None` if they can.
pub(crate) fn blocked(invocation: &Invocation) -> Outcome<Option<String>> {
    let Some(group) = group(invocation)? else {
        return Ok(None);
    };
    let lake = invocation.lake()?;
    let reach = group_reach(&lake, group).map_err(Failure::usage)?;
    if !reach.may_give {
        return Ok(Some(not_a_member(group)));
    }
    if is_private(invocation)? {
        return Ok(Some(in_private_folder(group, &lake)));
    }
    Ok(blocked_above(group, &reach))
}

/// A folder with an access-control list, which decides in place of modes.
pub(crate) fn unknown(invocation: &Invocation) -> Outcome<Option<String>> {
    let Some(group) = group(invocation)? else {
        return Ok(None);
    };
    let reach = group_reach(&invocation.lake()?, group).map_err(Failure::usage)?;
    Ok(reach.has_acl.map(|folder| {
        format!(
            "{} has an access-control list: whether it lets '{group}' through, `getfacl` says",
            folder.display()
        )
    }))
}

/// The lake is open to more than its owner, and the pipeline names no group.
pub(crate) fn left_open(invocation: &Invocation) -> Outcome<Option<String>> {
    if group(invocation)?.is_some() {
        return Ok(None);
    }
    let lake = invocation.lake()?;
    let Ok(found) = fs::metadata(&lake) else {
        return Ok(None);
    };
    let mode = found.mode() & 0o777;
    Ok((mode & 0o077 != 0).then(|| {
        format!(
            "{} has mode {mode:o} and the pipeline has no [load] group: to make it the owner's alone, \
             chmod -R go= {}",
            lake.display(),
            crate::invocation::quoted(&lake.display().to_string())
        )
    }))
}

fn group(invocation: &Invocation) -> Outcome<Option<&str>> {
    Ok(invocation.pipeline()?.load.group.as_deref())
}

fn not_a_member(group: &str) -> String {
    format!(
        "[load] group: who runs this is no member of '{group}' and may not give files to it; add the \
         user to the group, then log in anew (systemd: SupplementaryGroups={group})"
    )
}

/// Every command makes the data directory private again.
fn is_private(invocation: &Invocation) -> Outcome<bool> {
    let data = real_folder(invocation.data()?.root())?;
    Ok(real_folder(&invocation.lake()?)?.starts_with(data))
}

fn in_private_folder(group: &str, lake: &Path) -> String {
    format!(
        "[load] group: the group '{group}' cannot reach {}, which is below the data directory, and that \
         is its owner's alone (0700); set [load] dir to a folder outside of it, such as \
         dir = \"/srv/claimlake-lake\", and move the lake there first (mv), or leave [load] group out",
        lake.display()
    )
}

fn blocked_above(group: &str, reach: &GroupReach) -> Option<String> {
    let (folder, mode) = reach.blocked_by.as_ref()?;
    Some(format!(
        "the group '{group}' cannot reach the lake: {} has mode {mode:o}; chmod o+x it, or give it to \
         the group with g+x (chgrp)",
        folder.display()
    ))
}
