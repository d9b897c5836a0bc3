//! The resource server: checks who may ask, reads the request, and builds the answer from prepared
//! bodies.

pub(crate) mod bundle;
pub(crate) mod changed_ids;
pub(crate) mod date_range;
pub(crate) mod discovery;
pub(crate) mod gate;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod records;
pub(crate) mod search;
pub(crate) mod throttle;
pub(crate) mod wrong_pages;
