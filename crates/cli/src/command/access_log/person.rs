//! By which keyed hashes the access log names a person.

use std::collections::BTreeSet;

use anyhow::anyhow;
use claimlake_contract::{ApiVersion, Person};
use claimlake_vault::{AccessLine, Grant, Vault};

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::who::{TAKEN, Who, api_and_id};

/// All names of the person whose id was typed. A patient id finds its lines without other names:
/// after `forget` nothing else is known of the person.
pub(super) fn names_of(
    wanted: &str,
    lines: &[AccessLine],
    vault: &Vault,
    invocation: &Invocation,
) -> Outcome<BTreeSet<String>> {
    let wanted = wanted.trim();
    let grants = vault.grants()?;
    let who = Who::among(wanted, false, &grants, &invocation.data()?)?;
    let who = who.one_of_several(invocation)?;
    let mut names = names_in(&who.person, vault)?;
    // The server may not have named the grant's patient yet.
    let by_handle = grants
        .iter()
        .filter(|grant| grant.handle.as_str() == wanted);
    names.extend(by_handle.flat_map(|grant| names_of_grant(grant, vault)));
    if !names.is_empty() {
        return Ok(names);
    }
    let (typed, id) = api_and_id(wanted);
    let apis = ApiVersion::ALL
        .into_iter()
        .filter(|api| typed.is_none_or(|typed| typed == *api));
    names.extend(apis.clone().map(|api| name_of(api, id, vault)));
    names.insert(vault.pseudonym("grant", wanted));
    let tombstones = vault.tombstones()?;
    let was_forgotten = tombstones.has_typed_identifier(wanted, &claimlake_fhir::PERSONAL_SYSTEMS)
        || apis.into_iter().any(|api| tombstones.has_id(api, id));
    if was_forgotten || lines.iter().any(|line| names.contains(&line.grant)) {
        return Ok(names);
    }
    Err(Failure::usage(anyhow!(
        "nobody with that id is here, and no line of the access log is about one; taken are \
         {TAKEN}, and who there is shows {} (after forget, the log is searched by patient id)",
        invocation.next("grants list")
    )))
}

/// The names of a person's ids and of all their grants.
fn names_in(person: &Person, vault: &Vault) -> Outcome<BTreeSet<String>> {
    let ids = person.ids.iter();
    let mut names: BTreeSet<String> = ids
        .map(|(api, id)| name_of(*api, id.expose(), vault))
        .collect();
    let grants = vault.grants_of(person)?;
    names.extend(grants.iter().flat_map(|grant| names_of_grant(grant, vault)));
    Ok(names)
}

/// A grant whose person was not known at first was named by its handle.
fn names_of_grant(grant: &Grant, vault: &Vault) -> [String; 2] {
    let by_handle = vault.pseudonym("grant", grant.handle.as_str());
    [vault.access_name(grant), by_handle]
}

fn name_of(api: ApiVersion, id: &str, vault: &Vault) -> String {
    vault.access_name_of(api, id)
}
