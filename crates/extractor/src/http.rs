//! Speaking HTTP to the FHIR endpoints: one client, retries, pace. Knows no Bundle.

pub(crate) mod classify;
pub(crate) mod client;
pub(crate) mod fetch;
pub(crate) mod pace;
pub(crate) mod retry;

pub use client::HttpTimeouts;
