//! A copy of a lake's tables without identifiers (45 CFR 164.514), by a policy that says for each column
//! what becomes of it. What the policy does not name is left out.
//!
//! [`deidentify`] reads a snapshot and writes the copy beside its place; [`Prepared::publish`] gives it
//! its name. In between, the caller stores the codes that were drawn ([`Codebook::drawn`]): a copy whose
//! codes are not stored could not be continued, and nobody could be removed from it.
//!
//! # What carries nothing back
//!
//! Files are written anew: statistics, dictionaries and footers hold values of the copy only, files are
//! named by their content, there are no bloom filters and no partitions. Rows are sorted by the values of
//! the copy, the random codes of patients first, so that their order says nothing about the order before.
//!
//! # PHI
//!
//! Errors and counts hold no value of a row.

#![allow(
    missing_debug_implementations,
    reason = "what is read holds the rows of claims"
)]

mod codebook;
mod column;
mod copy;
mod deidentify;
mod error;
mod output;
mod patients;
mod plan;
mod policy;
mod reading;
mod remove;
mod statistics;
mod year;
mod zip3;

pub use codebook::{Codebook, DrawnCode, PATIENT, Random};
pub use copy::{COPY_FILE, CopyFile, CopyManifest, CopyTable, is_copy};
pub use deidentify::{Counts, DeidentifyRequest, Prepared, TableCounts, deidentify};
pub use error::{DeidentifyError, Result};
pub use policy::{Action, PatientRules, Policy, Profile, RowRules, TablePolicy};
pub use remove::remove_patients;
pub use statistics::{Cell, Statistics};
pub use zip3::ZipAreas;
