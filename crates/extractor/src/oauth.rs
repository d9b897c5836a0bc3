//! OAuth 2.0 with Blue Button: authorization, exchange, refresh, revocation.
//!
//! A refresh token works once. Whoever posts one holds the token lock, has written the intent
//! first, and stores the answer before anyone uses it.

mod answer;
mod app;
mod authorize;
mod automatic;
mod classify;
mod endpoint;
mod error;
mod exchange;

pub use app::App;
pub use authorize::{
    AuthorizeRequest, Callback, CallbackOutcome, DEFAULT_SCOPES, ServerError, StartedAuthorization,
    read_callback, start,
};
pub use automatic::AutomaticConsent;
pub use error::OauthError;
