//! Landing against lake: checksums, counts, links and money, recomputed and compared.
//!
//! Nothing here writes, but for files that have no name and end with the process. What is wrong is counted and
//! named in a [`Report`]; an [`Error`] means that the comparison itself could not be made.
//!
//! ```
//! use claimlake_contract::NoProgress;
//! use claimlake_verify::{MoneyRules, PipelineViews, TableRules, VerifyRequest, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = tempfile::tempdir()?;
//! let money: MoneyRules = serde_json::from_str(r#"{ "claim_type": "type.coding.code" }"#)?;
//! let request = VerifyRequest {
//!     data: data.path(),
//!     lake: &data.path().join("lake"),
//!     loaded: Default::default(),
//!     extract_runs: Default::default(),
//!     staged: Vec::new(),
//!     records: Vec::new(),
//!     views: PipelineViews { views: &[], context: &[], drop_where: None, derive: &[] },
//!     current: &[],
//!     money: &money,
//!     tables: &TableRules::default(),
//!     is_shared: false,
//!     states: Vec::new(),
//! };
//! let report = verify(&request, &NoProgress)?;
//! assert!(report.holds());
//! assert_eq!(report.snapshot, None);
//! # Ok(())
//! # }
//! ```

mod body;
mod buckets;
mod changes;
mod current;
mod digest;
mod error;
mod feed;
mod files;
mod findings;
mod gone;
mod grain;
mod key_hash;
mod known;
mod known_resource;
mod lake;
mod landed;
mod landed_bucket;
mod landing;
mod left_out;
mod lines;
mod links;
mod made;
mod modes;
mod money;
mod older;
mod orders;
mod owners;
mod parquet_rows;
mod pass;
mod periods;
mod planned;
mod plans;
mod published;
mod rank;
mod raw;
mod refused;
mod repair;
mod report;
mod request;
mod row_hash;
mod staged;
mod states;
mod status_table;
mod tables;
mod trace;
mod verify;

pub use body::resolved;
pub use error::{Error, ErrorKind};
pub use money::MoneyRules;
pub use repair::{Repair, RepairStep};
pub use report::{Check, FORGOTTEN, Report, Severity};
pub use request::{ExtractedState, PipelineViews, VerifyRequest};
pub use tables::TableRules;
pub use trace::{BodyStatus, KeptIn, LandedBody, WithinPatient, trace};
pub use verify::verify;
