//! Finds the grants that a name refers to, for the commands about grants.

use std::collections::BTreeSet;

use anyhow::anyhow;
use claimlake_contract::ApiVersion;
use claimlake_vault::{Grant, GrantState, Vault};

use super::{Who, api_and_id, is_patient, unknown};
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;

/// An error names at most this many grants.
const SHOWN: usize = 10;

/// The one grant that a name means, of the pipeline's API version unless it is named by handle, as
/// `v2:ID` or as `v3:ID`.
pub(crate) fn grant_named(wanted: &str, vault: &Vault, invocation: &Invocation) -> Outcome<Grant> {
    let mut grants = named(wanted, vault, invocation)?;
    match (grants.pop(), grants.is_empty()) {
        (Some(grant), true) => Ok(grant),
        (Some(grant), false) => {
            grants.push(grant);
            Err(several(&grants, invocation))
        }
        (None, _) => Err(unknown(invocation)),
    }
}

/// The grants of all the names that `extract` is to read; a name without one is refused.
pub(crate) fn grants_to_read(
    wanted: &[String],
    vault: &Vault,
    invocation: &Invocation,
) -> Outcome<Vec<Grant>> {
    let api = invocation.pipeline()?.source.api;
    let mut found: Vec<Grant> = Vec::new();
    for name in wanted {
        for grant in named(name, vault, invocation)? {
            if grant.api != api {
                return Err(of_other_api(&[grant.api], api, invocation));
            }
            if grant.state == GrantState::Revoked {
                return Err(Failure::usage(anyhow!(
                    "grant {} is revoked: that patient has to consent again: {}",
                    grant.handle,
                    invocation.next("authorize")
                )));
            }
            if found.iter().all(|known| known.handle != grant.handle) {
                found.push(grant);
            }
        }
    }
    Ok(found)
}

/// At least one grant.
fn named(wanted: &str, vault: &Vault, invocation: &Invocation) -> Outcome<Vec<Grant>> {
    let wanted = wanted.trim();
    let api = invocation.pipeline()?.source.api;
    let all = vault.grants()?;
    if let Some(grant) = all.iter().find(|grant| grant.handle.as_str() == wanted) {
        return Ok(vec![grant.clone()]);
    }
    let direct = direct(wanted, &all, api);
    let patients: BTreeSet<_> = direct.iter().map(|grant| &grant.patient).collect();
    if !direct.is_empty() {
        return match patients.len() {
            1 => Ok(direct.into_iter().cloned().collect()),
            _ => Err(several(direct, invocation)),
        };
    }
    let who = Who::among(wanted, false, &all, &invocation.existing_data()?)?;
    let candidates = &who.search.candidates;
    if !candidates.is_empty() {
        let is_candidate = |grant: &&Grant| {
            let patient = grant.patient.as_ref();
            candidates
                .iter()
                .any(|one| one.api == grant.api && Some(&one.id) == patient)
        };
        return Err(several(all.iter().filter(is_candidate), invocation));
    }
    if who.person.is_empty() {
        return Err(unknown(invocation));
    }
    let apis: Vec<ApiVersion> = who.grants.iter().map(|grant| grant.api).collect();
    let of_api = api_and_id(wanted).0.unwrap_or(api);
    let mut grants = who.grants;
    grants.retain(|grant| grant.api == of_api);
    match (grants.is_empty(), apis.is_empty()) {
        (false, _) => Ok(grants),
        (true, false) => Err(of_other_api(&apis, of_api, invocation)),
        (true, true) => Err(Failure::usage(anyhow!(
            "that patient is here without a grant, such as one who was imported: they have to \
             consent first: {}",
            invocation.next("authorize")
        ))),
    }
}

/// The grants whose patient's id or external id the name is. An id is taken in the id space of the
/// pipeline's API version, unless the name says of which it is.
fn direct<'g>(wanted: &str, all: &'g [Grant], api: ApiVersion) -> Vec<&'g Grant> {
    let is_typed = api_and_id(wanted).0.is_some();
    let is_external = |grant: &Grant| grant.external_id.as_deref() == Some(wanted);
    let direct = all.iter().filter(|grant| match is_patient(grant, wanted) {
        true => is_typed || grant.api == api,
        false => is_external(grant) && grant.api == api,
    });
    direct.collect()
}

/// Refuses to guess. Grants are named by their handles: ids are no part of an error.
fn several<'g>(grants: impl IntoIterator<Item = &'g Grant>, invocation: &Invocation) -> Failure {
    let words = |grant: &Grant| format!("{} ({}, {})", grant.handle, grant.api, state(grant));
    let words: Vec<String> = grants.into_iter().map(words).collect();
    let whose = invocation.next("grants list");
    if words.is_empty() {
        return Failure::usage(anyhow!(
            "that name is of several patients who may be different people, and none of them has a \
             grant: {whose} shows who has"
        ));
    }
    let more = match words.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Failure::usage(anyhow!(
        "that name is of {}: {}{more}; name one by its handle ({whose} shows whose they are)",
        counted(words.len() as u64, "grant"),
        words[..words.len().min(SHOWN)].join(", ")
    ))
}

fn state(grant: &Grant) -> String {
    grant.state.as_str().replace('_', " ")
}

fn of_other_api(apis: &[ApiVersion], wanted: ApiVersion, invocation: &Invocation) -> Failure {
    let apis: BTreeSet<&str> = apis.iter().map(|api| api.as_str()).collect();
    let apis: Vec<&str> = apis.into_iter().collect();
    Failure::usage(anyhow!(
        "there is no grant of that patient for API {wanted}, only for {}: source.api of the \
         pipeline names the version, {} shows who there is",
        apis.join(" and "),
        invocation.next("grants list")
    ))
}
