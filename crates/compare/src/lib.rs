//! Two lakes of claims side by side, such as those of two versions of an API, or one of Monday and one
//! of Tuesday: persons and claims are paired, and every difference between paired claims is classed.
//!
//! Reads the tables for questions of two snapshots. Which columns mean what, how claims are paired and
//! which codes have two names are [`Rules`], which are data; nothing here names a column of a lake.
//!
//! # Memory
//!
//! The rows of each table are sorted by person, on disk where memory does not suffice; then the claims
//! of one person are in memory at a time. The ids of all patients are in memory, too.
//!
//! # PHI
//!
//! The rows that [`CompareRequest::parquet`] asks for hold values of claims; their files are readable by
//! their owner only. Errors and counts hold no value of a row.

#![allow(
    missing_debug_implementations,
    reason = "what is read holds the rows of claims"
)]

mod cell;
mod class;
mod compare;
mod comparison;
mod error;
mod output;
mod pairing;
mod person_rows;
mod persons;
mod plan;
mod row_pairing;
mod rules;
mod side;

pub use class::Class;
pub use compare::{CompareRequest, compare};
pub use comparison::{ColumnCounts, ColumnOfOne, Comparison, KindCounts, PersonCounts, SideCounts};
pub use error::{CompareError, Result};
pub use persons::ConsentIds;
pub use rules::{
    ClassRules, Confidence, Consent, CoreColumns, Identifier, Link, OtherClaims, PairedLast,
    PairingRule, PersonRules, ReasonRule, Renamed, Rules, TableRules,
};
pub use side::{Side, Which};
