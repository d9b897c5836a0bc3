//! The lines that extractions landed for one patient, found by the manifest: frames of other
//! patients are not read.

use std::ops::ControlFlow;

use claimlake_contract::LandingPatient;

use crate::SealedRun;
use crate::frame::frame_text;

/// Calls `visit` with every line of a patient that the run landed, in landing order, until it says to
/// stop. Frames that cannot be read are left out: `verify` names them.
pub fn lines_of_patient(
    run: &SealedRun,
    patient: &LandingPatient,
    mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (part, frame) in &patient.frames {
        let number = *part as usize;
        let text = run.manifest.parts.get(number).and_then(|part| {
            let frame = part.frames.get(*frame as usize)?;
            let slice = run.part_slice(number)?;
            frame_text(&slice, frame).or_else(|| {
                // It may have been joined with others since it was listed.
                let part = run.parts().nth(number).filter(|part| !part.path.exists());
                frame_text(&part?.now()?.slice, frame)
            })
        });
        let Some(text) = text else {
            continue;
        };
        for line in text.split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                visit(line)?;
            }
        }
    }
    ControlFlow::Continue(())
}
