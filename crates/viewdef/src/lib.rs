#![doc = include_str!("../README.md")]

pub mod column;
pub mod definition;
pub mod derive;
pub mod engine;
mod error;
pub mod fhirpath;
pub mod problem;
pub mod reference;
pub mod resolved_reference;
pub mod views;

pub use claimlake_json as json;
pub use error::{Error, ErrorKind, Fault};
