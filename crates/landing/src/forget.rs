//! Taking a person out of the raw zone: parts are written anew without their lines, manifests are
//! sealed again. Killed at any moment and run again, it goes on.

mod by_claims;
mod find;
mod humans;
mod own_resources;
mod rejected;
mod rewrite;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::{
    ApiVersion, LandingLayout, PatientId, Person, ReferenceRecord, ResourceType, RunId,
};

use claimlake_fhir::{each_patient_named, is_about, resource_id};

use crate::import::marker;
use crate::recover::remove_unnamed_files;
use crate::{LandingError, SealedRun, chunks_of, landing_runs, read_chunk};

pub use by_claims::{NamedByClaims, named_by_claims};
pub use find::{LandedPatients, PatientReached, PersonSearch, ReachedBy, SharedIdentifier};
pub use rewrite::MovedPart;

use own_resources::OwnResources;
use rewrite::Leaving;

/// What the raw zone holds of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LandedOfPerson {
    /// Lines, by API version and resource type.
    pub lines: BTreeMap<(ApiVersion, ResourceType), u64>,
    /// The resources, by API version, type and id.
    pub resources: Vec<(ApiVersion, ResourceType, String)>,
    /// Rejected texts that mention them.
    pub rejected: u64,
    /// Frames that cannot be read, so that nobody knows whose they are.
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
        let unreadable = each_line(run, &mut |line, references| {
            let manifest = &run.manifest;
            let (api, resource) = (manifest.api, &manifest.resource);
            if !is_about(person, api, resource, line, references) {
                return;
            }
            let key = (manifest.api, manifest.resource.clone());
            *landed.lines.entry(key).or_default() += 1;
            if let Some(id) = resource_id(line) {
                own.add(api, resource, Some(id.clone()));
                let resource = (manifest.api, manifest.resource.clone(), id);
                landed.resources.push(resource);
            }
        });
        landed.unreadable_frames += unreadable;
        // Written anew, a damaged part would be sealed as if it were whole.
        if unreadable > 0 || !crate::set_aside::damaged_parts(run)?.is_empty() {
            landed.damaged.push(run.folder.display().to_string());
        }
    }
    landed.resources.sort();
    landed.resources.dedup();
    for run in runs.sealed.iter().filter(|run| own.may_be_in(run)) {
        let (api, resource) = (run.manifest.api, &run.manifest.resource);
        each_line(run, &mut |line, references| {
            if own.has_body(person, api, resource, line, references) {
                *landed.lines.entry((api, resource.clone())).or_default() += 1;
            }
        });
    }
    landed.rejected = rejected::count(layout, person, &own)?;
    Ok(landed)
}

/// Every patient whom a landed line is of or speaks of.
///
/// # Errors
/// When a folder or file cannot be read. What is damaged is passed over: `verify` names it.
pub fn people_landed(
    layout: &LandingLayout,
) -> Result<BTreeSet<(ApiVersion, PatientId)>, LandingError> {
    let mut people: BTreeMap<ApiVersion, BTreeSet<String>> = BTreeMap::new();
    for run in &landing_runs(layout)?.sealed {
        let of_api = people.entry(run.manifest.api).or_default();
        each_line(run, &mut |line, references| {
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
    Ok(people.into_iter().flat_map(of_api).collect())
}

/// What [`forget`] tells on its way.
#[derive(Debug)]
pub enum ForgetStep<'a> {
    /// The parts of a run are about to be replaced: where their lines go.
    Moving(&'a [MovedPart]),
    /// The new parts of a run are written, its manifest is not.
    PartsWritten(&'a RunId),
    /// The new manifest is in place, the old parts are not gone.
    ManifestWritten(&'a RunId),
    /// Rejected texts are about to be cleared.
    Rejected,
}

/// Removes everything of a person from the raw zone, which nobody else may be writing.
///
/// `tell` is called before and between the changes; an error of it ends the removal there.
///
/// # Errors
/// When the disk refuses; run again, it goes on.
pub fn forget(
    layout: &LandingLayout,
    person: &Person,
    tell: &mut dyn FnMut(ForgetStep<'_>) -> std::io::Result<()>,
) -> Result<u64, LandingError> {
    marker::clear_abandoned(layout)?;
    crate::remove_set_aside(layout)?;
    let runs = landing_runs(layout)?;
    // Nobody can seal these any more, and nobody can tell whose lines are in them.
    for unsealed in &runs.unsealed {
        std::fs::remove_dir_all(&unsealed.folder)
            .map_err(LandingError::io("removing", &unsealed.folder))?;
    }
    // What only the person's other lines tell to be theirs goes before these: killed in between,
    // the next removal still finds it.
    let own = match own_resources::may_be_anywhere(&runs.sealed) || rejected::are_any(layout)? {
        true => OwnResources::of(&runs.sealed, person),
        false => OwnResources::default(),
    };
    let mut removed = 0;
    for run in runs.sealed.iter().filter(|run| own.may_be_in(run)) {
        removed += rewrite::rewrite(run, Leaving::OtherBodies(person, &own), tell)?;
    }
    reported(tell(ForgetStep::Rejected), layout)?;
    rejected::clear(layout, person, &own)?;
    for run in &landing_runs(layout)?.sealed {
        removed += rewrite::rewrite(run, Leaving::Person(person), tell)?;
        // What a killed removal has left behind.
        let manifest =
            crate::manifest_file::read(&run.folder.join(claimlake_contract::MANIFEST_FILE))?;
        remove_unnamed_files(&run.folder, &manifest)?;
    }
    Ok(removed)
}

fn reported(answer: std::io::Result<()>, layout: &LandingLayout) -> Result<(), LandingError> {
    answer.map_err(LandingError::io("forgetting a person in", layout.root()))
}

/// Tells of every line that can be read; answers how many frames cannot.
fn each_line(run: &SealedRun, tell: &mut dyn FnMut(&[u8], &[ReferenceRecord])) -> u64 {
    let mut unreadable = 0;
    for part in run.parts() {
        for chunk in chunks_of(&part, 1 << 20) {
            let read = read_chunk(&chunk);
            unreadable += read.damaged.len() as u64;
            for chunk in &read.chunks {
                let lines = chunk.bytes.split(|byte| *byte == b'\n');
                for (number, line) in (chunk.first_line..).zip(lines) {
                    if !line.is_empty() {
                        tell(line, chunk.references.of_line(number));
                    }
                }
            }
        }
    }
    unreadable
}
