//! What a traced key means: the id of a resource, or a patient by any of their ids.

use anyhow::anyhow;
use claimlake_vault::{Grant, Vault};
use claimlake_verify::{LandedBody, PipelineViews};

use crate::access;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::who::{TAKEN, Who, api_and_id};

/// The landed bodies of the resource, or of the patient's Patient resources.
pub(super) fn bodies(
    key: &str,
    data: &DataDir,
    views: &PipelineViews<'_>,
    invocation: &Invocation,
) -> Outcome<Vec<LandedBody>> {
    let key = key.trim();
    let found = claimlake_verify::trace(data.root(), key, views)?;
    if !found.is_empty() {
        return Ok(found);
    }
    if let (Some(api), id) = api_and_id(key) {
        let mut found = claimlake_verify::trace(data.root(), id, views)?;
        found.retain(|body| body.api == api);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let (grants, closed) = grants(data, invocation);
    let who = Who::among(key, false, &grants, data)?;
    if who.search.candidates.is_empty() && who.person.is_empty() {
        // Without the key, external ids and handles cannot be looked up.
        let closed = closed.map_or(String::new(), |why| {
            format!("; the vault, which knows external ids and handles, was not read: {why}")
        });
        return Err(Failure::usage(anyhow!(
            "no landed resource and no patient has this id; taken are ids of resources as in the tables, \
             such as carrier--10045426206, {TAKEN}, and who there is shows {}{closed}",
            invocation.next("grants list")
        )));
    }
    let who = who.one_of_several(invocation)?;
    let mut found = Vec::new();
    for (api, id) in &who.person.ids {
        let mut of_patient = claimlake_verify::trace(data.root(), id.expose(), views)?;
        of_patient.retain(|body| body.api == *api && body.resource.as_str() == "Patient");
        found.append(&mut of_patient);
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failure::usage(anyhow!(
            "that patient is known here, but no Patient resource of theirs has landed (a consent may \
             leave it out): trace takes the ids of their claims and coverages, as in the tables"
        ))),
    }
}

/// The vault's grants, if there is a vault and its key is available; otherwise the reason why not.
fn grants(data: &DataDir, invocation: &Invocation) -> (Vec<Grant>, Option<String>) {
    if !Vault::is_made(data.root()) {
        return (Vec::new(), None);
    }
    let opened = access::open_vault_to_read(invocation);
    match opened.and_then(|vault| vault.grants().map_err(access::vault_failure)) {
        Ok(grants) => (grants, None),
        Err(failure) => (Vec::new(), Some(failure.to_string())),
    }
}
