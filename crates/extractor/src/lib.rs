//! Blue Button 2.0 to landing: HTTP, FHIR search and paging, scheduling, recording.
//!
//! [`extract()`] reads every grant by searches of
//! [FHIR R4](https://hl7.org/fhir/R4/http.html#paging) and lands a patient completely or not at all.
//! A data directory belongs to one source:
//!
//! ```
//! use claimlake_extractor::SourceIdentity;
//!
//! let base_url = "https://sandbox.bluebutton.cms.gov/v2".parse()?;
//! let source = SourceIdentity::blue_button(&base_url);
//! assert_eq!(source.to_string(), "https://sandbox.bluebutton.cms.gov");
//! assert!(!source.is_sandbox());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anomalies;
mod error;
mod extract;
mod fhir;
mod http;
mod landing_writer;
mod lock;
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
