//! OAuth 2.0 with Blue Button: authorization, exchange, refresh, revocation (RFC 6749, 7636, 7009).
//!
//! A refresh token works once. Whoever posts one holds the token lock, has written the intent
//! first, and stores the answer before anyone uses it: see [`BrokerClient`].
//!
//! The order of calls where a consent is obtained in two steps; the second may be made by another
//! process:
//!
//! ```
//! use std::sync::Arc;
//!
//! use chrono::Utc;
//! use claimlake_consent::{App, AuthorizeRequest, CallbackKind, read_callback, start};
//! use claimlake_contract::{ApiVersion, Secret, SystemClock};
//! use claimlake_vault::{KeySource, Vault};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = tempfile::tempdir()?;
//! let key = KeySource::given(Secret::new("5".repeat(64)));
//! let vault = Vault::open(data.path(), &key, Arc::new(SystemClock))?;
//! let app = App::new("http://127.0.0.1:8380", "my-app", Secret::new("its secret"))?;
//!
//! // The state and the PKCE verifier are kept, sealed, in the vault.
//! let request = AuthorizeRequest::new(ApiVersion::V3, "http://127.0.0.1:9999/callback");
//! let started = start(&app, &vault, &request, Utc::now())?;
//! assert_eq!(started.url.path(), "/v3/o/authorize/");
//!
//! // The browser comes back to the redirect URI; `finish` exchanges the code through the broker.
//! let back = format!("?code=abc&state={}", started.state.expose());
//! let CallbackKind::Answer(callback) = read_callback(&back)? else {
//!     panic!("it has a code and a state");
//! };
//! assert_eq!(callback.state, started.state);
//! # Ok(())
//! # }
//! ```
//!
//! # Standards
//!
//! | standard | implemented in |
//! |---|---|
//! | RFC 6749, section 4.1: authorization code | [`start`], [`read_callback`], `exchange.rs` |
//! | RFC 6749, section 5: responses of the token endpoint | `answer.rs`, `classify.rs` |
//! | RFC 6749, section 6: refresh | `broker/refresher/refresh.rs` |
//! | RFC 6749, section 10.12: `state` against forged callbacks | [`start`], `one_step.rs` |
//! | RFC 6750, section 2.1: bearer tokens | `endpoint.rs` |
//! | RFC 7009: revocation | `revoke.rs` |
//! | RFC 7636: PKCE with S256 | [`start`], `exchange.rs` |
//! | RFC 8252, section 7.3: loopback redirect | `callback.rs` |
//! | RFC 9110, section 10.2.3: `Retry-After` | `retry_after.rs` |

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
mod page;
mod process_time_limit;
mod retry_after;
mod revoke;
mod scopes;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod token;
mod transport_error;
mod trust;
mod vault_work;

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
pub use classify::{Meaning, RequestKind, classify};
pub use error::{ConsentError, ErrorKind};
pub use http_client::http_client;
pub use one_step::{AuthorizeEvent, Authorized, BROWSER_PAGES, OneStep, authorize, finish};
pub use retry_after::retry_after;
pub use revoke::Revoked;
pub use scopes::scopes_for;
pub use token::{AccessToken, TokenSource};
pub use transport_error::{ServerName, Unreachable};

/// An error with all of its causes in one line, for a text that another process shows. Errors of
/// this crate contain no secret, so neither does the result.
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
