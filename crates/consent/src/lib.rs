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
mod http_client;
mod listen;
mod one_step;
mod own_time;
mod page;
mod retry_after;
mod revoke;
mod scopes;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod transport_error;
mod trust;

pub use answer::{ErrorAnswer, read_error};
pub use app::{App, is_loopback};
pub use authorize::{
    AuthorizeRequest, Callback, CallbackKind, CallbackOutcome, ServerError, StartedAuthorization,
    read_callback, start,
};
pub use automatic::AutomaticConsent;
pub use broker::{
    BrokerClient, BrokerLaunch, BrokerLifetime, BrokerPatience, ProcessState, broker_main,
    process_state,
};
pub use classify::{Asked, Meaning, classify};
pub use error::OauthError;
pub use http_client::http_client;
pub use one_step::{AuthorizeEvent, Authorized, BROWSER_PAGES, OneStep, authorize, finish};
pub use retry_after::retry_after;
pub use revoke::Revoked;
pub use scopes::scopes_for;
pub use token::{AccessToken, TokenError, TokenSource};
pub use transport_error::{ServerName, Unreachable};

/// An error with its causes in one line, for words that cross a process border.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
