//! Blue Button 2.0 to landing: HTTP, FHIR search and paging, scheduling, recording.
//!
//! Knows neither Arrow nor tables.

mod extract;
mod fhir;
mod http;
mod land;
mod probe;
mod record;
mod record_forget;
mod watermark;

pub use extract::{
    ExtractError, ExtractOptions, ExtractOutcome, ExtractStatusRow, PersonProblem, ResourceCounts,
    ServerAnomalies, SourceIdentity, Turns, WithoutClaims, extract, extract_status,
    seal_interrupted_runs,
};
pub use http::HttpTimeouts;
pub use probe::{PROFILE, ServerProbe, probe_server};
pub use record::{RecordError, RecordOptions};
pub use record_forget::{forget_recorded, recorded_exchanges};
