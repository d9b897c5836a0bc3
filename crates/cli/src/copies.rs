//! De-identified copies: where they are, and removing patients who were forgotten from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claimlake_deidentify::remove_patients;
use claimlake_vault::{Copy, Vault};
use serde_json::json;

use crate::access;
use crate::failure::Outcome;
use crate::invocation::{Invocation, quoted};
use crate::plural::counted;
use crate::zone::Zone;

/// The column of a copy with the patient's code, in every table; policies are held to it.
pub(crate) const PATIENT_COLUMN: &str = "patient_id";

/// Removes forgotten patients from every copy that has them; the places that still have them then.
///
/// # Errors
/// The vault cannot be read.
pub(crate) fn clear(invocation: &Invocation) -> Outcome<Vec<String>> {
    if !access::has_vault(invocation.data()?.root()) {
        return Ok(Vec::new());
    }
    let vault = access::open_vault(invocation)?;
    let mut open = Vec::new();
    let mut cleared = BTreeMap::new();
    let copies = with_forgotten(&vault)?;
    if copies.is_empty() {
        return Ok(open);
    }
    // Two at once would each write back the rows that the other one removes.
    let lock = invocation.lock_zone(Zone::Staged);
    for copy in copies {
        let done = match &lock {
            Ok(_) => clear_one(&vault, &copy),
            Err(failure) => Err(anyhow::anyhow!("{failure}").into()),
        };
        match done {
            Ok(rows) => {
                invocation.output().say(&format!(
                    "deidentify {} of forgotten patients removed from {}",
                    counted(rows, "row"),
                    copy.place
                ));
                cleared.insert(copy.place, rows);
            }
            Err(failure) => {
                invocation.output().warn(&format!(
                    "warning: {}; it was tried now: {failure}",
                    holds_forgotten(&copy.place, invocation)
                ));
                open.push(copy.place);
            }
        }
    }
    if !cleared.is_empty() {
        invocation
            .output()
            .add_to_summary("copies_cleared", json!(cleared));
    }
    Ok(open)
}

/// The copies with rows of patients who were forgotten.
pub(crate) fn with_forgotten(vault: &Vault) -> Outcome<Vec<Copy>> {
    let mut copies = vault.copies()?;
    copies.retain(|copy| !copy.to_remove.is_empty());
    Ok(copies)
}

fn clear_one(vault: &Vault, copy: &Copy) -> Outcome<u64> {
    let codes: BTreeSet<String> = copy.to_remove.iter().cloned().collect();
    let place = Path::new(&copy.place);
    let rows = remove_patients(place, &copy.recipient, PATIENT_COLUMN, &codes)
        .map_err(anyhow::Error::new)?;
    vault.removed_from_copy(&copy.place, &copy.to_remove)?;
    Ok(rows)
}

/// A copy in the report of `status`. The codes are counted, not shown.
pub(crate) fn event(copy: &Copy) -> serde_json::Value {
    json!({
        "place": copy.place, "recipient": copy.recipient, "profile": copy.profile,
        "made_at": copy.made_at, "to_remove": copy.to_remove.len(),
    })
}

/// The same as a line.
pub(crate) fn words(copy: &Copy) -> String {
    let made = format!("{}: {} for {}", copy.place, copy.profile, copy.recipient);
    match copy.to_remove.len() as u64 {
        0 => made,
        open => format!(
            "{made}; holds rows of {}",
            counted(open, "forgotten patient")
        ),
    }
}

/// The words about a copy that holds rows of patients who were forgotten, and what to do.
pub(crate) fn holds_forgotten(place: &str, invocation: &Invocation) -> String {
    format!(
        "the copy at {} holds rows of patients who were forgotten: make it available, then {}; where \
         it was removed, {} takes it off the list",
        quoted(place),
        invocation.next("forget --finish"),
        invocation.next(&format!("deidentify --removed {}", quoted(place)))
    )
}
