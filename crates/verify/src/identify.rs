//! Which lines of landing count: the newest usable body of each resource.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use claimlake_contract::{ApiVersion, LandingOrigin, ResourceType, landing_order};
use claimlake_landing::{ChunkRef, SealedPart, SealedRun, chunks_of, read_chunk};
use claimlake_viewdef::engine::{ResourcePlan, ResourceWorker};
use claimlake_viewdef::json::PADDING;
use rayon::prelude::*;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::landing::CHUNK_BYTES;

/// The lines of a sealed part that are read together.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) chunk: ChunkRef,
    /// The position of the part among all parts, in landing order.
    pub(crate) part: u32,
}

/// A resource, by the hash of API, type and id.
type Key = u128;

/// A person's resources of one type, by the hash of API, type and grant.
pub(crate) type Person = u64;

/// What landing holds.
#[derive(Debug, Default)]
pub(crate) struct Landed {
    /// The newest usable body of each resource: its `meta.lastUpdated` and place.
    newest: HashMap<Key, (Option<i64>, u64)>,
    /// Distinct resources of each person, from extracts.
    pub(crate) held: HashMap<Person, HashSet<u64>>,
}

impl Landed {
    /// The places of the bodies that count.
    pub(crate) fn chosen(&self) -> HashSet<u64> {
        self.newest.values().map(|(_, order)| *order).collect()
    }

    fn merge(mut self, other: Landed) -> Landed {
        if self.newest.len() < other.newest.len() {
            return other.merge(self);
        }
        for (key, found) in other.newest {
            let newest = self.newest.entry(key).or_insert(found);
            *newest = found.max(*newest);
        }
        for (person, ids) in other.held {
            self.held.entry(person).or_default().extend(ids);
        }
        self
    }
}

/// The name of a person's resources of one type in [`Landed::held`].
pub(crate) fn person(api: ApiVersion, resource: &ResourceType, grant: &str) -> Person {
    xxh3_64(format!("{api}\0{resource}\0{grant}").as_bytes())
}

/// All chunks of `runs`, in landing order.
pub(crate) fn jobs(runs: &[&SealedRun]) -> Vec<Job> {
    let parts: Vec<SealedPart> = runs.iter().flat_map(|run| run.parts()).collect();
    (0_u32..)
        .zip(&parts)
        .flat_map(|(part, sealed)| {
            chunks_of(sealed, CHUNK_BYTES)
                .into_iter()
                .map(move |chunk| Job { chunk, part })
        })
        .collect()
}

/// Looks through all lines for the ones that count.
pub(crate) fn identify(
    runs: &[&SealedRun],
    jobs: &[Job],
    plans: &HashMap<ResourceType, Arc<ResourcePlan>>,
    advance: &(dyn Fn(u64) + Sync),
) -> Landed {
    let grants = grants_of_frames(runs);
    jobs.par_iter()
        .map(|job| {
            let landed = identify_chunk(job, plans, &grants);
            advance(job.chunk.uncompressed);
            landed
        })
        .reduce(Landed::default, Landed::merge)
}

/// The grant behind each frame: (part, frame) as in [`Job`].
fn grants_of_frames(runs: &[&SealedRun]) -> HashMap<(u32, u32), String> {
    let mut grants = HashMap::new();
    let mut first_part = 0_u32;
    for run in runs {
        if run.manifest.origin == LandingOrigin::Extract {
            for patient in &run.manifest.patients {
                for (part, frame) in &patient.frames {
                    grants.insert((first_part + part, *frame), patient.grant.to_string());
                }
            }
        }
        first_part += u32::try_from(run.manifest.parts.len()).unwrap_or(u32::MAX);
    }
    grants
}

#[derive(Deserialize)]
struct Identity<'l> {
    #[serde(borrow)]
    id: std::borrow::Cow<'l, str>,
    #[serde(borrow)]
    meta: Option<Meta<'l>>,
}

#[derive(Deserialize)]
struct Meta<'l> {
    #[serde(borrow, rename = "lastUpdated")]
    last_updated: Option<std::borrow::Cow<'l, str>>,
}

fn identify_chunk(
    job: &Job,
    plans: &HashMap<ResourceType, Arc<ResourcePlan>>,
    grants: &HashMap<(u32, u32), String>,
) -> Landed {
    let mut landed = Landed::default();
    let part = &job.chunk.part;
    let mut worker = plans
        .get(&part.resource)
        .map(|plan| ResourceWorker::new(Arc::clone(plan), vec![part.api.to_string()], None));
    for_each_line(job, |buffer, start, end, line| {
        let Some(text) = buffer.get(start..end) else {
            return;
        };
        let usable = worker
            .as_mut()
            .is_none_or(|worker| worker.walk(buffer, start).is_ok());
        let Ok(identity) = serde_json::from_slice::<Identity<'_>>(text) else {
            return;
        };
        if !usable || identity.id.is_empty() {
            return;
        }
        let name = format!("{}\0{}\0{}", part.api, part.resource, identity.id);
        let key = xxhash_rust::xxh3::xxh3_128(name.as_bytes());
        let last_updated = identity
            .meta
            .and_then(|meta| meta.last_updated)
            .and_then(|text| micros(&text));
        let Ok(number) = u32::try_from(line) else {
            return;
        };
        let found = (last_updated, landing_order(job.part, number));
        let newest = landed.newest.entry(key).or_insert(found);
        *newest = found.max(*newest);
        if let Some(grant) = grants.get(&(job.part, frame_of(&job.chunk, line))) {
            let person = person(part.api, &part.resource, grant);
            landed
                .held
                .entry(person)
                .or_default()
                .insert(xxh3_64(identity.id.as_bytes()));
        }
    });
    landed
}

/// The frame of the part that a line of the chunk lies in.
pub(crate) fn frame_of(chunk: &ChunkRef, line: u64) -> u32 {
    let mut next = chunk.first_line;
    for index in chunk.frames.clone() {
        let lines = chunk
            .part
            .part
            .frames
            .get(index as usize)
            .map_or(0, |frame| frame.lines);
        next += lines;
        if line < next {
            return index;
        }
    }
    chunk.frames.end
}

/// Calls `visit` with the padded buffer, where the line begins and ends in it, and its number.
pub(crate) fn for_each_line(job: &Job, mut visit: impl FnMut(&[u8], usize, usize, u64)) {
    for chunk in read_chunk(&job.chunk).chunks {
        let mut buffer = chunk.bytes;
        let length = buffer.len();
        buffer.resize(length + PADDING, b'\n');
        let mut start = 0;
        let mut line = chunk.first_line;
        while start < length {
            let rest = buffer.get(start..length).unwrap_or_default();
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(length, |offset| start + offset);
            if std::str::from_utf8(rest.get(..end - start).unwrap_or_default()).is_ok() {
                visit(&buffer, start, end, line);
            }
            start = end + 1;
            line += 1;
        }
    }
}

fn micros(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| instant.timestamp_micros())
}
