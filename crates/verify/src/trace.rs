//! From a resource's id back to the lines of landing it came in.

use std::collections::HashMap;
use std::sync::Arc;

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingOrigin, PatientState, ReferenceRecord, ResourceType, RunId,
    landing_order,
};
use claimlake_fhir::{content_hash, id_hash, quoted_id};
use claimlake_landing::{
    ChunkRef, Gone, SealedPart, SealedRun, chunks_of, landing_runs, read_chunk,
};
use claimlake_viewdef::engine::ResourcePlan;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::body::{Body, BodyReader};
use crate::error::Error;
use crate::lines::{CHUNK_BYTES, for_each_line, frame_of};
use crate::plans;
use crate::rank::{Rank, first_of_the_last};
use crate::request::PipelineViews;

/// One landed body of a resource.
#[derive(Debug, Clone, Serialize)]
pub struct LandedBody {
    /// The API version it came from.
    pub api: ApiVersion,
    /// Its type.
    pub resource: ResourceType,
    /// The run that landed it.
    pub run: RunId,
    /// How it was received.
    pub origin: LandingOrigin,
    /// The part, relative to the data directory.
    pub file: String,
    /// Where the frame lies, if the part has no file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<KeptIn>,
    /// The frame within the part, from 0.
    pub frame: u32,
    /// The line within the part's text, from 1.
    pub line: u64,
    /// From `extract`: its position among what was read of its patient.
    #[serde(rename = "person")]
    pub patient: Option<WithinPatient>,
    /// `meta.lastUpdated` as the server wrote it.
    pub last_updated: Option<String>,
    /// The last run that no longer found the resource, where this body landed before it.
    pub gone_since: Option<RunId>,
    /// Whether the tables hold its rows.
    #[serde(rename = "standing")]
    pub status: BodyStatus,
    /// The resource as received.
    #[serde(skip)]
    pub text: String,
    /// The targets to which its references were resolved on import.
    #[serde(skip)]
    pub references: Vec<ReferenceRecord>,
}

/// Whether the tables hold the rows of a landed body, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyStatus {
    /// The tables hold its rows, or are to hold them after the next load: it is the newest, or the
    /// first to say the same (but for v2's `created`).
    Newest,
    /// Another body of the resource counts.
    Superseded,
    /// The views cannot read it: it is among the rejects.
    Refused,
    /// A full read that came later no longer found the resource.
    Gone,
    /// It counts, and the pipeline leaves such resources out of all tables.
    LeftOut,
}

/// The position of a resource among what was read of its patient in the run.
#[derive(Debug, Clone, Serialize)]
pub struct WithinPatient {
    /// The grant it was read with.
    pub grant: String,
    /// Its place among what landed, from 1, in the order of the pages.
    pub position: u64,
    /// How many landed.
    pub of: u64,
    /// How many pages were read.
    pub pages: u64,
    /// The outcome for the patient.
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
/// Landing cannot be listed, or the views do not compile.
pub fn trace(
    data: &std::path::Path,
    id: &str,
    views: &PipelineViews<'_>,
) -> Result<Vec<LandedBody>, Error> {
    let runs = landing_runs(&LandingLayout::in_data(data))?;
    let plans: HashMap<String, Arc<ResourcePlan>> = plans::compiled(views)?
        .into_iter()
        .map(|of_type| (of_type.resource, Arc::new(of_type.plan)))
        .collect();
    let parts = runs
        .sealed
        .iter()
        .flat_map(|run| run.parts().map(move |part| (run, part)));
    let jobs: Vec<(u32, &SealedRun, ChunkRef)> = (0_u32..)
        .zip(parts)
        .flat_map(|(number, (run, part))| {
            let chunks = chunks_of(&part, CHUNK_BYTES).into_iter();
            chunks.map(move |chunk| (number, run, chunk))
        })
        .collect();
    let mut found: Vec<Traced> = jobs
        .par_iter()
        .flat_map_iter(|(number, run, chunk)| {
            let plan = plans.get(chunk.part.resource.as_str());
            bodies_in(*number, chunk, run, id, plan)
        })
        .collect();
    found.sort_by_key(|(order, ..)| *order);
    let gone = Gone::of(&runs.sealed, |_| true);
    for (_, body, _) in &mut found {
        let id = quoted_id(body.text.as_bytes()).map(id_hash);
        let since = id.and_then(|id| gone.since(body.api, &body.resource, id));
        body.gone_since = since.filter(|since| body.run < **since).cloned();
    }
    Ok(with_status(found))
}

/// The bytes of a frame in a file with the parts of several runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptIn {
    /// The file, relative to the data directory.
    pub file: String,
    /// Where the frame begins.
    pub offset: u64,
    /// Its length.
    pub length: u64,
}

impl KeptIn {
    fn of(part: &SealedPart, frame: u32) -> Option<Self> {
        let (offset, length) = part.bytes_of_frame(frame).filter(|_| part.is_packed())?;
        Some(Self {
            file: part.place().file().to_owned(),
            offset,
            length,
        })
    }
}

/// A body, its place in landing, and what the views read of it.
type Traced = (u64, LandedBody, Option<Body>);

type OfType = (ApiVersion, ResourceType);

fn bodies_in(
    number: u32,
    chunk: &ChunkRef,
    run: &SealedRun,
    id: &str,
    plan: Option<&Arc<ResourcePlan>>,
) -> Vec<Traced> {
    let mut bodies = Vec::new();
    let finder = memchr::memmem::Finder::new(id.as_bytes());
    let part = &chunk.part;
    for_each_line(
        read_chunk(chunk),
        |buffer, (start, end), line, references| {
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
            let frame = frame_of(chunk, line);
            let order = landing_order(number, u32::try_from(line).unwrap_or(u32::MAX));
            bodies.push((
                order,
                LandedBody {
                    api: part.api,
                    resource: part.resource.clone(),
                    run: part.run.clone(),
                    origin: run.manifest.origin,
                    file: part.relative.clone(),
                    kept_in: KeptIn::of(part, frame),
                    frame,
                    line,
                    patient: within_patient(run, &part.part.file, frame, line),
                    last_updated: identity.meta.last_updated,
                    gone_since: None,
                    status: BodyStatus::Refused,
                    text: String::from_utf8_lossy(text).into_owned(),
                    references: references.to_vec(),
                },
                BodyReader::new(plan, part.api).read(buffer, (start, end), order, references),
            ));
        },
    );
    bodies
}

fn within_patient(run: &SealedRun, file: &str, frame: u32, line: u64) -> Option<WithinPatient> {
    let parts = &run.manifest.parts;
    let part = parts.iter().position(|part| part.file == file)?;
    let here = (u32::try_from(part).ok()?, frame);
    let mut patients = run.manifest.patients.iter();
    let patient = patients.find(|patient| patient.frames.contains(&here))?;
    let lines_of = |(part, frame): &(u32, u32)| {
        let part = parts.get(*part as usize)?;
        Some(part.frames.get(*frame as usize)?.lines)
    };
    let before = patient.frames.iter().take_while(|frame| **frame != here);
    let before: u64 = before.filter_map(lines_of).sum();
    let earlier = parts.get(part)?.frames.iter().take(frame as usize);
    let first: u64 = earlier.map(|frame| frame.lines).sum();
    Some(WithinPatient {
        grant: patient.grant.to_string(),
        position: before + line - first,
        of: patient.resources,
        pages: patient.pages,
        state: patient.state,
    })
}

/// Adds the status of each body, by the rule that `verify` applies.
fn with_status(found: Vec<Traced>) -> Vec<LandedBody> {
    // By type: the newest bodies that have the same time, oldest first, with what they contain.
    let mut newest: HashMap<OfType, Vec<(Rank, [u8; 16])>> = HashMap::new();
    for (_, landed, read) in &found {
        if let Some(read) = read
            && landed.gone_since.is_none()
        {
            let of_type = (landed.api, landed.resource.clone());
            let newest = newest.entry(of_type).or_default();
            let is_later = |(known, _): &(Rank, _)| !known.is_of_the_time_of(read.rank);
            match newest.last() {
                Some((known, _)) if *known > read.rank => continue,
                Some(known) if is_later(known) => newest.clear(),
                _ => {}
            }
            let content = content_hash(landed.api, landed.text.as_bytes(), &landed.references);
            newest.push((read.rank, content));
        }
    }
    let counts: HashMap<OfType, Rank> = newest
        .into_iter()
        .filter_map(|(of_type, bodies)| {
            let counts = first_of_the_last(&bodies, |(_, content)| *content);
            Some((of_type, bodies.get(counts)?.0))
        })
        .collect();
    let bodies = found.into_iter().map(|(_, mut landed, read)| {
        if landed.gone_since.is_some() {
            landed.status = BodyStatus::Gone;
        } else if let Some(read) = read {
            let of_type = (landed.api, landed.resource.clone());
            let is_newest = counts.get(&of_type) == Some(&read.rank);
            landed.status = match (is_newest, read.dropped) {
                (false, _) => BodyStatus::Superseded,
                (true, false) => BodyStatus::Newest,
                (true, true) => BodyStatus::LeftOut,
            };
        }
        landed
    });
    bodies.collect()
}
