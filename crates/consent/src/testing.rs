//! What tests of this crate and of its users share: servers, and a token source without a broker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "only compiled for tests"
)]

use std::sync::Arc;

use claimlake_contract::{Clock, GrantHandle};
use claimlake_vault::Vault;

use crate::app::App;
use crate::broker::{RefreshPolicy, Refresher};
use crate::endpoint::Endpoint;
use crate::token::{AccessToken, TokenError, TokenSource};

mod server;
mod tls;

pub use server::{NEVER, post_json, serve};
pub use tls::{Meets, TLS_FAULTS, start};

/// The refresher of the broker, without its process.
#[derive(Debug)]
pub struct InProcessTokens(Arc<Refresher>);

impl InProcessTokens {
    /// Refreshes the grants of `vault` for `app`, with tries that do not wait.
    pub fn new(vault: Arc<Vault>, app: App, clock: Arc<dyn Clock>) -> Self {
        let endpoint = Endpoint::new(app).unwrap();
        Self(Refresher::new(
            vault,
            endpoint,
            clock,
            RefreshPolicy::impatient(),
        ))
    }
}

impl TokenSource for InProcessTokens {
    async fn access_token(&self, grant: &GrantHandle) -> Result<AccessToken, TokenError> {
        self.0.token(grant, None).await
    }

    async fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> Result<AccessToken, TokenError> {
        self.0.token(grant, Some(rejected.generation)).await
    }

    async fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> Result<(), TokenError> {
        self.0.consent_ended(grant, token.generation, reason).await
    }

    async fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> Result<(), TokenError> {
        let generation = token.map(|token| token.generation);
        self.0.note_refused(grant, generation).await
    }
}
