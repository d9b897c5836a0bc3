//! By which keyed hashes the access log names a person.

use std::collections::BTreeSet;

use anyhow::anyhow;
use claimlake_contract::{ApiVersion, PatientId, Person};
use claimlake_landing::LandedPatients;
use claimlake_vault::{AccessLine, Grant, Vault};

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

const APIS: [ApiVersion; 2] = [ApiVersion::V2, ApiVersion::V3];

/// The names of the person that somebody typed an id of. A patient id names its lines of itself:
/// after `forget` nothing else is known of the person.
pub(super) fn names_of(
    wanted: &str,
    lines: &[AccessLine],
    vault: &Vault,
    invocation: &Invocation,
) -> Outcome<BTreeSet<String>> {
    let grants = vault.grants()?;
    let asked: Vec<&Grant> = grants.iter().filter(|grant| is_of(grant, wanted)).collect();
    let mut person = Person::default();
    let patients = asked.iter().filter_map(|grant| patient_of(grant));
    person.ids.extend(patients);
    let apis: BTreeSet<ApiVersion> = person.ids.iter().map(|(api, _)| *api).collect();
    // One external id that grants of several patients have.
    let has_several = person.ids.len() > apis.len();
    let landing = invocation.data()?.landing();
    let search = LandedPatients::read(&landing)?.find(Some(wanted), false, &mut person);
    if has_several || !search.candidates.is_empty() {
        return Err(Failure::usage(anyhow!(
            "that name is of several patients, who may be different people: name one of them, as \
             v2:<id> or v3:<id> ({} shows who there is)",
            invocation.next("grants list")
        )));
    }
    let mut names = names_in(&person, vault)?;
    names.extend(asked.iter().flat_map(|grant| names_of_grant(grant, vault)));
    let is_known = !names.is_empty();
    for api in APIS {
        let typed = format!("{api}:");
        let id = wanted.strip_prefix(&typed).unwrap_or(wanted);
        names.insert(name_of(api, id, vault));
    }
    names.insert(vault.pseudonym("grant", wanted));
    let is_named = |names: &BTreeSet<String>| lines.iter().any(|line| names.contains(&line.grant));
    if is_known || is_named(&names) {
        return Ok(names);
    }
    // Where no Patient is here, claims and coverages alone may say whose an identifier is.
    let named = claimlake_landing::named_by_claims(&landing, wanted)?;
    let person = Person {
        ids: named.patients,
        ..Person::default()
    };
    names.extend(names_in(&person, vault)?);
    let tombstones = vault.tombstones()?;
    let was_forgotten = tombstones.has_typed_identifier(wanted)
        || APIS.into_iter().any(|api| tombstones.has_id(api, wanted));
    if !person.ids.is_empty() || is_named(&names) || was_forgotten {
        return Ok(names);
    }
    Err(Failure::usage(anyhow!(
        "nobody with that id is here, and no line of the access log is about one: {} shows who \
         there is (after forget, the log is searched by patient id)",
        invocation.next("grants list")
    )))
}

fn is_of(grant: &Grant, wanted: &str) -> bool {
    grant.handle.as_str() == wanted
        || grant.external_id.as_deref() == Some(wanted)
        || grant.patient.as_ref().is_some_and(|patient| {
            let typed = format!("{}:{}", grant.api, patient.expose());
            patient.expose() == wanted || typed == wanted
        })
}

fn patient_of(grant: &Grant) -> Option<(ApiVersion, PatientId)> {
    Some((grant.api, grant.patient.clone()?))
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
