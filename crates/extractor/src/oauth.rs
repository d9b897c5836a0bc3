//! OAuth 2.0 with Blue Button: authorization, exchange, refresh, revocation.
//!
//! A refresh token works once. Whoever posts one holds the token lock, has written the intent
//! first, and stores the answer before anyone uses it.

mod answer;
mod app;
mod authorize;
mod automatic;
mod broker;
mod callback;
mod classify;
mod endpoint;
mod error;
mod exchange;
pub mod grants;
mod listen;
mod one_step;
mod outlive;
mod own_time;
mod page;
mod revoke;
mod scopes;
mod supervise;

pub(crate) use answer::read_error;
pub use app::App;
pub(crate) use app::is_loopback;
pub use authorize::{
    AuthorizeRequest, Callback, CallbackKind, CallbackOutcome, ServerError, StartedAuthorization,
    read_callback, start,
};
pub use automatic::AutomaticConsent;
#[cfg(test)]
pub(crate) use broker::Refresher;
pub use broker::{BrokerClient, BrokerLaunch, BrokerPatience, broker_main};
pub(crate) use classify::{Asked, Meaning, classify};
pub use error::OauthError;
pub use one_step::{AuthorizeEvent, Authorized, BROWSER_PAGES, OneStep, authorize, finish};
pub use outlive::{BrokerFact, broker_facts, keep_out_of_core_files};
pub use revoke::Revoked;
pub use scopes::scopes_for;
pub use supervise::supervise;

/// An error with its causes in one line, for words that cross a process border.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

/// A token source within the process, for tests of what uses one.
#[cfg(test)]
pub(crate) fn in_process_tokens(
    vault: std::sync::Arc<claimlake_vault::Vault>,
    app: App,
    clock: std::sync::Arc<dyn claimlake_contract::Clock>,
) -> std::sync::Arc<broker::Refresher> {
    let endpoint = endpoint::Endpoint::new(app).unwrap();
    broker::Refresher::impatient(vault, endpoint, clock)
}

/// The client of the token endpoint, for tests of what it says.
#[cfg(test)]
pub(crate) mod tests {
    pub(crate) use super::endpoint::Posted;

    pub(crate) fn endpoint(app: super::App) -> super::endpoint::Endpoint {
        super::endpoint::Endpoint::new(app).unwrap()
    }
}
