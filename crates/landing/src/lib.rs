#![doc = include_str!("../README.md")]

mod chunk;
mod compacted;
mod error;
mod folder;
mod forget;
mod frame;
mod frame_file;
mod gone;
mod import;
mod import_marker;
mod line;
mod listed;
mod manifest_file;
mod part_name;
mod part_place;
mod part_stream;
mod part_writer;
mod patient_lines;
mod recover;
mod references;
mod run_lines;
mod sealed;
mod set_aside;
mod slice;
#[cfg(test)]
mod test_zone;
#[cfg(test)]
mod tests;
mod unfinished;
mod unnamed_files;
mod writer;

pub use chunk::{
    Chunk, ChunkRead, ChunkRef, DamagedFrame, chunks_of, read_chunk, read_chunk_into, read_chunks,
};
pub use claimlake_json as json;
pub use compacted::Compacted;
pub use compacted::compact::compact;
pub use compacted::leftovers::remove_leftovers;
pub use compacted::steps::CompactStep;
pub use error::{LandingError, LandingErrorKind};
pub use folder::{create_private_dir, create_private_file, sync_folder, write_by_rename};
pub use forget::{
    ForgetStep, LandedOfPerson, LandedPatients, MovedPart, NamedByClaims, PatientReached,
    PersonSearch, ReachedBy, SharedIdentifier, forget, landed_of, named_by_claims, patients_landed,
};
pub use gone::Gone;
pub use import::{
    BadInput, ImportOutcome, Refuse, WithoutPatient, check_input, import, import_refusing,
    read_resources,
};
pub use line::push_line;
pub use listed::{ListedRun, ListedRuns, listed_runs, sealed_folders};
pub use part_place::PartPlace;
pub use part_stream::{FoundFile, PackedChunk, PartStream};
pub use patient_lines::lines_of_patient;
pub use recover::{KeptFrame, KeptPatient, seal_interrupted};
pub use references::file::LineReferences;
pub use sealed::{
    DamagedManifest, LandingRuns, SealedPart, SealedRun, UnsealedRun, landing_runs, sealed_runs,
};
pub use set_aside::{
    SetAside, remove_set_aside, set_aside_damaged, set_aside_files, set_aside_unsealed,
    unreadable_rejected,
};
pub use unfinished::{mark_finished, mark_unfinished, unfinished_runs};
pub use unnamed_files::remove_unnamed_parts;
pub use writer::{LandingWriter, WriterOptions, WrittenFrame};
