//! The FHIR data of the population: bodies made on demand and kept while they fit, searched as the
//! real backends search. Knows nothing of HTTP.

mod body;
mod cache;
mod claim_values;
mod coding_variants;
mod npi;
mod part_d;
mod patient_values;
mod read;
mod records;
mod render;
mod select;
mod store;
mod v2;
mod v3;

pub(crate) use render::{render, render_others, render_prior_authorization};
pub(crate) use store::FhirStore;

#[cfg(test)]
mod tests;
