//! The values of version 2's bodies: CMS variables in extensions, money of the header in
//! `benefitBalance`, `created` at the time of the request. The bodies are in `templates/v2`.

mod coverage;
mod diagnoses;
mod eob;
mod institutional;
mod patient;
mod pharmacy;
mod professional;

pub(crate) use coverage::{PARTS, coverage};
pub(crate) use eob::eob;
pub(crate) use patient::patient;
