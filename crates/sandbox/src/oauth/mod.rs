//! The authorization server: apps, login, consent, tokens, revocation.
//!
//! Statuses, bodies and quirks are those observed of Blue Button 2.0; nothing here knows FHIR.

pub(crate) mod app;
pub(crate) mod authorization_request;
pub(crate) mod authorize;
pub(crate) mod client;
pub(crate) mod consent;
pub(crate) mod introspect;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod pages;
pub(crate) mod pkce;
pub(crate) mod refusal;
pub(crate) mod revoke;
pub(crate) mod scope;
pub(crate) mod token;
