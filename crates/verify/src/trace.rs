//! From a resource's id back to the lines of landing it came in.

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingOrigin, PatientState, ResourceType, RunId,
};
use claimlake_landing::{SealedRun, landing_runs};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::identify::{Job, for_each_line, frame_of, jobs};

/// One landed body of a resource.
#[derive(Debug, Clone, Serialize)]
pub struct LandedBody {
    /// The API version it came from.
    pub api: ApiVersion,
    /// Its type.
    pub resource: ResourceType,
    /// The run that landed it.
    pub run: RunId,
    /// How it came.
    pub origin: LandingOrigin,
    /// The part, relative to the data directory.
    pub file: String,
    /// The frame within the part, from 0.
    pub frame: u32,
    /// The line within the part's text, from 1.
    pub line: u64,
    /// From `extract`: where it stands among what was read of its person.
    pub person: Option<WithinPerson>,
    /// `meta.lastUpdated` as the server wrote it.
    pub last_updated: Option<String>,
    /// Whether this is the body whose rows the tables hold, or are to hold after the next load.
    pub is_newest: bool,
    /// The resource as received.
    #[serde(skip)]
    pub text: String,
}

/// Where a resource stands among what was read of its person in the run.
#[derive(Debug, Clone, Serialize)]
pub struct WithinPerson {
    /// The grant it was read with.
    pub grant: String,
    /// Its place among what landed, from 1, in the order of the pages.
    pub position: u64,
    /// How many landed.
    pub of: u64,
    /// How many pages were read.
    pub pages: u64,
    /// What came of the person.
    pub state: PatientState,
}

#[derive(Deserialize)]
struct Identity {
    id: String,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(rename = "lastUpdated")]
    last_updated: Option<String>,
}

/// All landed bodies of the resources with this id, oldest first.
///
/// # Errors
///
/// Landing cannot be listed.
pub fn trace(data: &std::path::Path, id: &str) -> Result<Vec<LandedBody>, Error> {
    let runs = landing_runs(&LandingLayout::in_data(data))
        .map_err(|error| Error::Views(format!("listing landing: {error}")))?;
    let sealed: Vec<&SealedRun> = runs.sealed.iter().collect();
    let owners: Vec<&SealedRun> = sealed
        .iter()
        .flat_map(|run| run.manifest.parts.iter().map(move |_| *run))
        .collect();
    let jobs = jobs(&sealed);
    let mut found: Vec<(u32, LandedBody)> = jobs
        .par_iter()
        .flat_map_iter(|job| {
            let run = owners.get(job.part as usize).copied();
            run.map(|run| bodies_in(job, run, id)).unwrap_or_default()
        })
        .collect();
    found.sort_by_key(|(part, body)| (*part, body.line));
    let mut bodies: Vec<LandedBody> = found.into_iter().map(|(_, body)| body).collect();
    mark_newest(&mut bodies);
    Ok(bodies)
}

fn bodies_in(job: &Job, run: &SealedRun, id: &str) -> Vec<(u32, LandedBody)> {
    let mut bodies = Vec::new();
    let finder = memchr::memmem::Finder::new(id.as_bytes());
    let part = &job.chunk.part;
    for_each_line(job, |buffer, start, end, line| {
        let Some(text) = buffer.get(start..end) else {
            return;
        };
        if finder.find(text).is_none() {
            return;
        }
        let Ok(identity) = serde_json::from_slice::<Identity>(text) else {
            return;
        };
        if identity.id != id {
            return;
        }
        let frame = frame_of(&job.chunk, line);
        bodies.push((
            job.part,
            LandedBody {
                api: part.api,
                resource: part.resource.clone(),
                run: part.run.clone(),
                origin: run.manifest.origin,
                file: part.relative.clone(),
                frame,
                line,
                person: within_person(run, &part.part.file, frame, line),
                last_updated: identity.meta.last_updated,
                is_newest: false,
                text: String::from_utf8_lossy(text).into_owned(),
            },
        ));
    });
    bodies
}

fn within_person(run: &SealedRun, file: &str, frame: u32, line: u64) -> Option<WithinPerson> {
    let parts = &run.manifest.parts;
    let part = parts.iter().position(|part| part.file == file)?;
    let here = (u32::try_from(part).ok()?, frame);
    let patient = run
        .manifest
        .patients
        .iter()
        .find(|patient| patient.frames.contains(&here))?;
    let lines_of = |(part, frame): &(u32, u32)| {
        let part = parts.get(*part as usize)?;
        Some(part.frames.get(*frame as usize)?.lines)
    };
    let before: u64 = patient
        .frames
        .iter()
        .take_while(|frame| **frame != here)
        .filter_map(lines_of)
        .sum();
    let first: u64 = parts
        .get(part)?
        .frames
        .iter()
        .take(frame as usize)
        .map(|frame| frame.lines)
        .sum();
    Some(WithinPerson {
        grant: patient.grant.to_string(),
        position: before + line - first,
        of: patient.resources,
        pages: patient.pages,
        state: patient.state,
    })
}

/// The newest by `meta.lastUpdated`, at a tie the last, of each API and type.
fn mark_newest(bodies: &mut [LandedBody]) {
    for index in 0..bodies.len() {
        let stamp = |body: &LandedBody| {
            let text = body.last_updated.as_deref()?;
            chrono::DateTime::parse_from_rfc3339(text).ok()
        };
        let one = &bodies[index];
        let is_newest = bodies.iter().enumerate().all(|(other_index, other)| {
            let same = other.api == one.api && other.resource == one.resource;
            !same || (stamp(other), other_index) <= (stamp(one), index)
        });
        bodies[index].is_newest = is_newest;
    }
}
