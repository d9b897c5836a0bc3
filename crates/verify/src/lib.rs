//! Landing against lake: checksums, counts, links and money, recomputed and compared.
//!
//! Nothing here writes. What is wrong is counted and named in a [`Report`]; an [`Error`] means that
//! the comparison itself could not be made.

mod body;
mod changes;
mod current;
mod digest;
mod error;
mod feed;
mod files;
mod findings;
mod gone;
mod grain;
mod known;
mod lake;
mod landed;
mod landing;
mod left_out;
mod lines;
mod links;
mod made;
mod modes;
mod money;
mod older;
mod owners;
mod pass;
mod planned;
mod plans;
mod published;
mod raw;
mod refused;
mod repair;
mod report;
mod request;
mod row_hash;
mod staged;
mod states;
mod status_table;
mod text_rows;
mod trace;
mod verify;

pub use body::resolved;
pub use error::Error;
pub(crate) use grain::Grain;
pub use money::MoneyRules;
pub use repair::{Repair, RepairStep};
pub use report::{Check, FORGOTTEN, Report, Severity};
pub use request::{ExtractedState, PipelineViews, VerifyRequest};
pub use trace::{BodyStatus, LandedBody, WithinPerson, trace};
pub use verify::verify;
