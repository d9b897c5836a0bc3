//! What extractions landed of people, found by the manifests alone: only their own frames are read.

use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;

use claimlake_contract::{Frame, LandingPatient};
use zstd::bulk::Decompressor;

use crate::SealedRun;
use crate::chunk::{append_frame, checked_length};

/// Passes on every line of a patient that the run landed, in landing order, until it is to stop.
/// Frames that cannot be read are passed over: `verify` names them.
pub fn lines_of_patient(
    run: &SealedRun,
    patient: &LandingPatient,
    mut tell: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (part, frame) in &patient.frames {
        let Some(text) = frame_text(run, *part, *frame) else {
            continue;
        };
        for line in text.split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                tell(line)?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn frame_text(run: &SealedRun, part: u32, frame: u32) -> Option<Vec<u8>> {
    let part = run.manifest.parts.get(part as usize)?;
    let frame: &Frame = part.frames.get(frame as usize)?;
    let mut compressed = vec![0; checked_length(frame).ok()?];
    let file = File::open(run.folder.join(&part.file)).ok()?;
    file.read_exact_at(&mut compressed, frame.offset).ok()?;
    let mut text = Vec::new();
    append_frame(
        &compressed,
        frame,
        &mut Decompressor::new().ok()?,
        &mut text,
    )
    .ok()?;
    Some(text)
}
