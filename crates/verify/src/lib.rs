//! Landing against lake: checksums, counts, links and money, recomputed and compared.
//!
//! Nothing here writes. What is wrong is counted and named in a [`Report`]; an [`Error`] means that
//! the comparison itself could not be made.

pub mod content;
mod digest;
mod error;
mod expected;
mod files;
mod grain;
mod identify;
mod lake;
mod landing;
mod links;
mod money;
mod published;
mod report;
mod request;
mod trace;
mod verify;

pub use error::Error;
pub use grain::Grain;
pub use report::{Check, Report, Severity};
pub use request::{ExtractedState, ResourceViews, VerifyRequest};
pub use trace::{LandedBody, WithinPerson, trace};
pub use verify::verify;
