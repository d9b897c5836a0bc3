//! Blue Button 2.0 to landing: OAuth, HTTP, FHIR search and paging, scheduling, recording.
//!
//! Knows neither Arrow nor tables.

pub mod oauth;
mod token;

pub use token::{AccessToken, TokenError, TokenSource};
