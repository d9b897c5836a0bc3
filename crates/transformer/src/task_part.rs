//! What a task reads of one landed part: enough to read it without the manifest, which names every
//! frame of every patient.

use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, Frame, LandingPart, LandingReferences, ResourceType, RunId};
use claimlake_landing::{ChunkRef, PartPlace, SealedPart};
use serde::{Deserialize, Serialize};

use crate::chunk::Job;

/// Successive chunks of one part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskPart {
    /// The part, relative to the data directory, as rejects name it.
    file: String,
    /// Where it lies.
    place: PartPlace,
    api: ApiVersion,
    pub(crate) resource: ResourceType,
    run: RunId,
    /// The position of the part in the staged run.
    number: u32,
    /// Frames of the part before the first of `frames`.
    skipped: u32,
    frames: Vec<Frame>,
    /// The name of the part's references file, with the frames of `frames`.
    references: Option<(String, Vec<Frame>)>,
    chunks: Vec<TaskChunk>,
}

/// A chunk, as in [`ChunkRef`].
#[derive(Debug, Clone, Serialize, Deserialize)]
struct TaskChunk {
    frames: u32,
    first_line: u64,
    lines: u64,
    uncompressed: u64,
}

/// A frame that is not read.
const OTHER: Frame = Frame {
    offset: 0,
    length: 0,
    lines: 0,
    uncompressed: 0,
};

impl TaskPart {
    /// Of successive jobs of one part; none of none.
    pub(crate) fn of(jobs: &[Job]) -> Option<Self> {
        let (first, last) = (jobs.first()?, jobs.last()?);
        let part = &first.chunk.part;
        let range = first.chunk.frames.start as usize..last.chunk.frames.end as usize;
        let of = |frames: &[Frame]| frames.get(range.clone()).unwrap_or_default().to_vec();
        let references = part.part.references.as_ref();
        Some(Self {
            file: part.relative.clone(),
            place: part.place(),
            api: part.api,
            resource: part.resource.clone(),
            run: part.run.clone(),
            number: first.part,
            skipped: first.chunk.frames.start,
            frames: of(&part.part.frames),
            references: references.map(|found| (found.file.clone(), of(&found.frames))),
            chunks: jobs
                .iter()
                .map(|job| TaskChunk {
                    frames: job.chunk.frames.end - job.chunk.frames.start,
                    first_line: job.chunk.first_line,
                    lines: job.chunk.lines,
                    uncompressed: job.chunk.uncompressed,
                })
                .collect(),
        })
    }

    /// The jobs, with landing below `data`; `resource` is the position of their type in the plan.
    pub(crate) fn jobs(&self, data: &Path, resource: usize) -> Vec<Job> {
        // Frames keep their index in the part, which rejects name.
        let padded = |frames: &[Frame]| {
            let mut all = vec![OTHER; self.skipped as usize];
            all.extend_from_slice(frames);
            all
        };
        let references = self.references.as_ref();
        let part = Arc::new(SealedPart::at(
            (&self.place, data),
            self.file.clone(),
            (self.api, self.resource.clone(), self.run.clone()),
            LandingPart {
                file: self.file.clone(),
                frames: padded(&self.frames),
                references: references.map(|(file, frames)| LandingReferences {
                    file: file.clone(),
                    lines: 0,
                    bytes: 0,
                    sha256: String::new(),
                    frames: padded(frames),
                }),
                ..LandingPart::default()
            },
        ));
        let mut next = self.skipped;
        let chunks = self.chunks.iter().map(|chunk| {
            let frames = next..next + chunk.frames;
            next = frames.end;
            Job {
                chunk: ChunkRef {
                    part: Arc::clone(&part),
                    frames,
                    first_line: chunk.first_line,
                    lines: chunk.lines,
                    uncompressed: chunk.uncompressed,
                },
                part: self.number,
                resource,
            }
        });
        chunks.collect()
    }

    /// API version and type, which decide who reads it.
    pub(crate) fn api(&self) -> ApiVersion {
        self.api
    }
}
