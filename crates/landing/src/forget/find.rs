//! All names of a person, from any one of them.

use claimlake_contract::{LandingLayout, PatientId, Person};

use crate::person::{PatientNames, names_of};
use crate::{LandingError, landing_runs};

use claimlake_contract::ApiVersion;

/// Adds to `person` whatever landed Patients say that is them: Patients with one of their ids,
/// with an identifier that names one person, or linked to one of these.
///
/// `wanted` is a name as somebody typed it: an id of any API version or any identifier.
///
/// # Errors
/// When the raw zone cannot be listed.
pub fn find_person(
    layout: &LandingLayout,
    wanted: Option<&str>,
    person: &mut Person,
) -> Result<(), LandingError> {
    let mut patients: Vec<(ApiVersion, PatientNames)> = Vec::new();
    for run in landing_runs(layout)?.sealed {
        if run.manifest.resource.as_str() != "Patient" {
            continue;
        }
        super::each_line(&run, &mut |line| {
            patients.extend(names_of(line).map(|names| (run.manifest.api, names)));
        });
    }
    if let Some(wanted) = wanted {
        for (api, names) in &patients {
            let is_wanted = |identifier: &String| identifier == wanted;
            if names.id.expose() == wanted || names.identifiers.iter().any(is_wanted) {
                person.ids.insert((*api, names.id.clone()));
            }
        }
    }
    loop {
        let before = person.names().count();
        for (api, names) in &patients {
            if is_theirs(person, *api, names) {
                person.ids.insert((*api, names.id.clone()));
                person.identifiers.extend(names.personal.iter().cloned());
                let links = names.links.iter().cloned();
                person.ids.extend(links.map(|link: PatientId| (*api, link)));
            }
        }
        if person.names().count() == before {
            return Ok(());
        }
    }
}

fn is_theirs(person: &Person, api: ApiVersion, names: &PatientNames) -> bool {
    let is_own = |identifier: &String| person.identifiers.contains(identifier);
    person.has_id(api, names.id.expose())
        || names.personal.iter().any(is_own)
        || names
            .links
            .iter()
            .any(|link| person.has_id(api, link.expose()))
}
