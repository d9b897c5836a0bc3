//! The steps between which a kill, or an error, leaves the raw zone as it was or as it is to be.

use std::io;
use std::path::Path;

use claimlake_contract::MANIFEST_FILE;

use crate::LandingError;
use crate::folder::write_by_rename;
use crate::manifest_file::{sum_of, sums, write_sums};

/// A step of [`crate::compact`], reported after it was taken unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompactStep {
    /// The first file is there, and empty.
    Begun,
    /// The parts of a run were copied.
    Copied,
    /// All files are written.
    Written,
    /// The checksum file has the sums of both manifests.
    BothSums,
    /// The new manifest is in place.
    Switched,
    /// The checksum file has the sum of the new manifest.
    NewSum,
    /// Something failed, and what was written is about to be removed.
    Cleaning,
    /// The old folder of a run that is about to get one again was removed.
    Removed,
}

/// Called at each step; an error ends what is going on.
pub(crate) type Steps<'s> = &'s mut dyn FnMut(CompactStep) -> io::Result<()>;

pub(crate) fn at(steps: Steps<'_>, step: CompactStep, folder: &Path) -> Result<(), LandingError> {
    steps(step).map_err(LandingError::io("compacting", folder))
}

/// Replaces the manifest in a folder. At each moment its checksum is among those in the file beside it.
pub(crate) fn switch(folder: &Path, text: &[u8], steps: Steps<'_>) -> Result<(), LandingError> {
    let mut both = sums(folder);
    both.push(sum_of(text));
    write_sums(folder, &both)?;
    at(steps, CompactStep::BothSums, folder)?;
    write_by_rename(&folder.join(MANIFEST_FILE), text)?;
    at(steps, CompactStep::Switched, folder)?;
    write_sums(folder, &[sum_of(text)])?;
    at(steps, CompactStep::NewSum, folder)
}
