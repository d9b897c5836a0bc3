#![doc = include_str!("../README.md")]

pub mod exposed_secret;
pub mod hive;
pub mod splitmix64;
pub mod text_form;

mod accept_failures;
mod clock;
mod exit;
mod hex;
mod id_hash;
mod identifier;
mod ids;
mod io_advice;
mod io_failure;
mod lake_manifest;
mod landing_layout;
mod landing_manifest;
mod period_key;
mod person;
mod progress;
mod recording;
mod reference_record;
mod reject;
mod secret;
mod size_tiers;
mod staged;
mod table_layout;

pub use accept_failures::AcceptFailures;
pub use clock::{Clock, FixedClock, SystemClock};
pub use exit::ExitCode;
pub use hex::hex;
pub use id_hash::IdHash;
pub use identifier::Identifier;
pub use ids::{ApiVersion, GrantHandle, ParseIdError, PatientId, ResourceType, RunId};
pub use io_advice::io_advice;
pub use io_failure::IoFailure;
pub use lake_manifest::{LAKE_FORMAT, LakeFile, LakeManifest, LakeTable};
pub use landing_layout::{
    CHECKSUM_FILE, LandingLayout, MANIFEST_FILE, part_file_name, partition_value,
    references_file_name,
};
pub use landing_manifest::{
    Frame, LANDING_FORMAT, LandingManifest, LandingOrigin, LandingPart, LandingPatient,
    LandingReferences, PatientState,
};
pub use period_key::{
    ALL_PERIODS, LAST_PERIOD, PeriodOf, body_order, is_period_type, period_id, period_of,
    period_order, period_type,
};
pub use person::Person;
pub use progress::{NoProgress, Progress, Task};
pub use recording::{
    CATALOGUE_FILE, EXCHANGES_FILE, PLACEHOLDER, RECORDING_FORMAT, RecordedExchange,
    RecordedPerson, RecordingCatalogue,
};
pub use reference_record::{ReferenceRecord, Unresolved};
pub use reject::{Reject, RejectReason};
pub use secret::Secret;
pub use size_tiers::first_joined;
pub use staged::{
    KEYS_TABLE, LANDING_ORDER_COLUMN, STAGED_FORMAT, SUMS_FILE, StagedFile, StagedManifest,
    StagedTable, key_columns, landing_order,
};
pub use table_layout::{BloomColumns, TableLayout};
