//! FHIR R4 search: requests, Bundles, pages, and whether they are all.

pub(crate) mod bundle;
pub(crate) mod completeness;
pub(crate) mod page;
pub(crate) mod pages;
pub(crate) mod search;

#[cfg(test)]
mod test_server;
