//! Blue Button 2.0 to landing: HTTP, FHIR search and paging, scheduling, recording.

mod anomalies;
mod error;
mod extract;
mod fhir;
mod http;
mod landing_writer;
mod probe;
mod record;
mod record_forget;
mod watermark;

pub use anomalies::ServerAnomalies;
pub use error::{ExtractError, ExtractErrorKind};
pub use extract::{
    ExtractOptions, ExtractOutcome, ExtractStatusRow, FullReadSchedule, PatientProblem,
    ResourceCounts, SourceIdentity, WithoutClaims, extract, extract_status, seal_interrupted_runs,
};
pub use http::HttpTimeouts;
pub use probe::{PROFILE, ServerProbe, probe_server};
pub use record::RecordOptions;
pub use record_forget::{forget_recorded, recorded_exchanges};
