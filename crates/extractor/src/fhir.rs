//! FHIR search: requests, Bundles, pages.

pub(crate) mod bundle;
pub(crate) mod pages;
pub(crate) mod search;
