//! Landing as one stream of chunks, the newest run first, read and hashed as it goes by.

use std::io;
use std::sync::{Mutex, PoisonError};

use claimlake_landing::{FoundFile, PackedChunk, PartStream, SealedPart, SealedRun};

use crate::lines::CHUNK_BYTES;
use crate::report::Check;

/// A sealed part that is to be read.
#[derive(Debug, Clone)]
pub(crate) struct PartTask {
    pub(crate) part: SealedPart,
    /// Its position among all parts, in landing order.
    pub(crate) number: u32,
    /// Whether the lake is to hold its rows.
    pub(crate) is_loaded: bool,
}

/// A chunk of a part.
#[derive(Debug)]
pub(crate) struct FedChunk {
    pub(crate) packed: PackedChunk,
    pub(crate) number: u32,
    pub(crate) is_loaded: bool,
}

/// Hands out the chunks of all parts to any number of threads.
#[derive(Debug)]
pub(crate) struct Feed {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Taken from the end.
    tasks: Vec<PartTask>,
    open: Option<(PartTask, PartStream)>,
    ended: Vec<(u32, Check)>,
}

/// All parts of `runs`, in landing order.
pub(crate) fn part_tasks(
    runs: &[SealedRun],
    is_loaded: impl Fn(&SealedRun) -> bool,
) -> Vec<PartTask> {
    let parts = runs.iter().flat_map(|run| {
        let is_loaded = is_loaded(run);
        run.parts().map(move |part| (part, is_loaded))
    });
    (0_u32..)
        .zip(parts)
        .map(|(number, (part, is_loaded))| PartTask {
            part,
            number,
            is_loaded,
        })
        .collect()
}

impl Feed {
    /// A feed of `tasks`, the last of them first.
    pub(crate) fn new(tasks: Vec<PartTask>) -> Self {
        Self {
            state: Mutex::new(State {
                tasks,
                open: None,
                ended: Vec::new(),
            }),
        }
    }

    /// The next chunk; none when all have been handed out.
    pub(crate) fn next(&self) -> Option<FedChunk> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some((task, mut stream)) = state.open.take() {
                if let Some(packed) = stream.next() {
                    let (number, is_loaded) = (task.number, task.is_loaded);
                    state.open = Some((task, stream));
                    return Some(FedChunk {
                        packed,
                        number,
                        is_loaded,
                    });
                }
                let check = checked(&task.part, stream.end());
                state.ended.push((task.number, check));
            }
            let task = state.tasks.pop()?;
            let stream = PartStream::open(&task.part, CHUNK_BYTES);
            state.open = Some((task, stream));
        }
    }

    /// The results of checking the parts, in landing order.
    pub(crate) fn end(self) -> Vec<Check> {
        let state = self.state.into_inner();
        let mut ended = state.unwrap_or_else(PoisonError::into_inner).ended;
        ended.sort_by_key(|(number, _)| *number);
        ended.into_iter().map(|(_, check)| check).collect()
    }
}

fn checked(part: &SealedPart, found: io::Result<FoundFile>) -> Check {
    let mut check = crate::landing::checksums();
    crate::files::compare(
        &mut check,
        || part.relative.clone(),
        found.map(|found| (found.bytes, found.sha256)),
        (part.part.bytes, &part.part.sha256),
    );
    check
}
