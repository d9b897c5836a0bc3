//! What tests of this crate and of its users share: servers, and a token source without a broker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "only compiled for tests"
)]

use std::path::Path;
use std::sync::Arc;

use claimlake_contract::{ApiVersion, Clock, GrantHandle, PatientId, Secret, SystemClock};
use claimlake_vault::{KeySource, NewGrant, Scopes, TokenPair, Vault};

use crate::ConsentError;
use crate::app::App;
use crate::broker::{RefreshPolicy, Refresher};
use crate::endpoint::Endpoint;
use crate::token::{AccessToken, TokenSource};

mod server;
mod tls;

pub use server::{NEVER, post_json, serve};
pub use tls::{Meets, TLS_FAULTS, start};

/// The vault of a data directory, with the clock of this machine.
pub fn vault(data: &Path) -> Vault {
    vault_at(data, Arc::new(SystemClock))
}

/// The same, by another clock.
pub fn vault_at(data: &Path, clock: Arc<dyn Clock>) -> Vault {
    let key = KeySource::given(Secret::new("5".repeat(64)));
    Vault::open(data, &key, clock).unwrap()
}

/// A grant of which nothing is known but its patient and a refresh token.
pub fn new_grant(api: ApiVersion, patient: Option<&str>, refresh_token: &str) -> NewGrant {
    NewGrant {
        api,
        patient: patient.map(PatientId::new),
        external_id: None,
        scopes: Scopes::default(),
        grant_expires_at: None,
        one_time: false,
        tokens: TokenPair {
            access_token: None,
            access_issued_at: None,
            access_expires_at: None,
            refresh_token: Some(Secret::new(refresh_token)),
        },
    }
}

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
    async fn access_token(&self, grant: &GrantHandle) -> Result<AccessToken, ConsentError> {
        self.0.token(grant, None).await
    }

    async fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> Result<AccessToken, ConsentError> {
        self.0.token(grant, Some(rejected.generation)).await
    }

    async fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> Result<(), ConsentError> {
        self.0.consent_ended(grant, token.generation, reason).await
    }

    async fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> Result<(), ConsentError> {
        let generation = token.map(|token| token.generation);
        self.0.note_refused(grant, generation).await
    }
}
