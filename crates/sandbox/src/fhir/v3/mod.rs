//! The values of version 3's bodies: codes in `supportingInfo`, money of the header in
//! `adjudication`, tags that say where a claim comes from and whether it is final. The bodies are
//! in `templates/v3`.

mod coverage;
mod diagnoses;
mod eob;
mod header;
mod lines;
mod patient;
mod prior_authorization;

pub(crate) use coverage::{coverage_ids, coverages};
pub(crate) use eob::eob;
pub(crate) use patient::patient;
pub(crate) use prior_authorization::{prior_authorization, prior_authorization_id};
