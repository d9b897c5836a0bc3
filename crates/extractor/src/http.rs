//! Speaking HTTP to the FHIR endpoints: one client, retries, pace. Knows no Bundle.

pub(crate) mod body;
pub(crate) mod classify;
pub(crate) mod client;
pub(crate) mod failure;
pub(crate) mod fetch;
pub(crate) mod pace;
pub(crate) mod retry;
pub(crate) mod transport;

pub use client::HttpTimeouts;

#[cfg(test)]
mod tls_tests;
