//! Removing a person from the raw zone: parts are written again without their lines, manifests are
//! sealed again. Killed at any moment and run again, it continues.

mod by_claims;
mod landed_patients;
mod own_resources;
mod rejected;
mod rewrite;
mod same_person;
mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::{
    ApiVersion, LandingLayout, MANIFEST_FILE, PatientId, Person, ResourceType,
};
use claimlake_fhir::{each_patient_named, is_about, resource_id};

use crate::compacted::leftovers::remove_leftovers;
use crate::compacted::unpack::unpack_all;
use crate::import_marker::clear_abandoned;
use crate::run_lines::each_line;
use crate::unnamed_files::remove_unnamed_files;
use crate::{LandingError, landing_runs, manifest_file};

pub use by_claims::{NamedByClaims, named_by_claims};
pub use landed_patients::{
    LandedPatients, PatientReached, PersonSearch, ReachedBy, SharedIdentifier,
};
pub use step::{ForgetStep, MovedPart};

use own_resources::OwnResources;
use rewrite::Leaving;

/// What the raw zone has of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LandedOfPerson {
    /// Lines, by API version and resource type.
    pub lines: BTreeMap<(ApiVersion, ResourceType), u64>,
    /// The resources, by API version, type and id.
    pub resources: Vec<(ApiVersion, ResourceType, String)>,
    /// Rejected texts that mention them.
    pub rejected: u64,
    /// Frames that cannot be read, so that it is not known whose they are.
    pub unreadable_frames: u64,
    /// Manifests that cannot be read, and folders of runs with parts that are not as they were
    /// sealed: what was in them cannot be searched.
    pub damaged: Vec<String>,
}

/// Looks for everything of a person, and changes nothing.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn landed_of(layout: &LandingLayout, person: &Person) -> Result<LandedOfPerson, LandingError> {
    let mut landed = LandedOfPerson::default();
    let runs = landing_runs(layout)?;
    landed.damaged = runs
        .damaged
        .iter()
        .map(|damaged| damaged.path.display().to_string())
        .collect();
    let mut own = OwnResources::default();
    for run in &runs.sealed {
        let unreadable = each_line(run, |line, references| {
            let (api, resource) = (run.manifest.api, &run.manifest.resource);
            if !is_about(person, api, resource, line, references) {
                return;
            }
            *landed.lines.entry(run.of_type()).or_default() += 1;
            if let Some(id) = resource_id(line) {
                own.add(api, resource, Some(id.clone()));
                landed.resources.push((api, resource.clone(), id));
            }
        });
        landed.unreadable_frames += unreadable;
        // Written again, a damaged part would be sealed as if it were complete.
        if unreadable > 0 || !crate::set_aside::damaged_parts(run)?.is_empty() {
            landed.damaged.push(run.folder.display().to_string());
        }
    }
    landed.resources.sort();
    landed.resources.dedup();
    for run in runs.sealed.iter().filter(|run| own.may_be_in(run)) {
        let (api, resource) = (run.manifest.api, &run.manifest.resource);
        each_line(run, |line, references| {
            if own.has_body(person, api, resource, line, references) {
                *landed.lines.entry(run.of_type()).or_default() += 1;
            }
        });
    }
    landed.rejected = rejected::count(layout, person, &own)?;
    Ok(landed)
}

/// Every patient that a landed line is of or names.
///
/// # Errors
/// When a folder or file cannot be read. What is damaged is left out: `verify` names it.
pub fn patients_landed(
    layout: &LandingLayout,
) -> Result<BTreeSet<(ApiVersion, PatientId)>, LandingError> {
    let mut patients: BTreeMap<ApiVersion, BTreeSet<String>> = BTreeMap::new();
    for run in &landing_runs(layout)?.sealed {
        let of_api = patients.entry(run.manifest.api).or_default();
        each_line(run, |line, references| {
            let resource = &run.manifest.resource;
            each_patient_named(resource, line, references, |id| {
                if !of_api.contains(id) {
                    of_api.insert(id.to_owned());
                }
            });
        });
    }
    let of_api = |(api, ids): (ApiVersion, BTreeSet<String>)| {
        ids.into_iter()
            .map(move |id| (api, PatientId::new(id.as_str())))
    };
    Ok(patients.into_iter().flat_map(of_api).collect())
}

/// Removes everything of a person from the raw zone; the caller has locked it.
///
/// `report` is called before and between the changes; an error of it ends the removal there.
///
/// # Errors
/// When the disk refuses; run again, it goes on.
pub fn forget(
    layout: &LandingLayout,
    person: &Person,
    report: &mut dyn FnMut(ForgetStep<'_>) -> std::io::Result<()>,
) -> Result<u64, LandingError> {
    clear_abandoned(layout)?;
    crate::remove_set_aside(layout)?;
    remove_leftovers(layout)?;
    // Lines are removed from single runs; the next command that seals a run joins them again.
    unpack_all(layout)?;
    let runs = landing_runs(layout)?;
    // Nobody can seal these any more, and it is not known whose lines are in them.
    for unsealed in &runs.unsealed {
        std::fs::remove_dir_all(&unsealed.folder)
            .map_err(LandingError::io("removing", &unsealed.folder))?;
    }
    // Lines that are known as the person's only by other lines of theirs go before these: killed in
    // between, the next removal still finds them.
    let own = match own_resources::may_be_anywhere(&runs.sealed) || rejected::are_any(layout)? {
        true => OwnResources::of(&runs.sealed, person),
        false => OwnResources::default(),
    };
    let mut removed = 0;
    for run in runs.sealed.iter().filter(|run| own.may_be_in(run)) {
        removed += rewrite::rewrite(run, Leaving::OtherBodies(person, &own), report)?;
    }
    reported(report(ForgetStep::Rejected), layout)?;
    rejected::clear(layout, person, &own)?;
    for run in &landing_runs(layout)?.sealed {
        removed += rewrite::rewrite(run, Leaving::Person(person), report)?;
        // What a killed removal has left behind.
        let folder = run.own_folder()?;
        let manifest = manifest_file::read(&folder.join(MANIFEST_FILE))?;
        remove_unnamed_files(folder, &manifest)?;
    }
    Ok(removed)
}

fn reported(answer: std::io::Result<()>, layout: &LandingLayout) -> Result<(), LandingError> {
    answer.map_err(LandingError::io("forgetting a person in", layout.root()))
}
