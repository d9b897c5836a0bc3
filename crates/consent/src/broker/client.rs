//! The client side of the broker: connects to the broker of the data directory, or starts one.
//!
//! If a broker ends while a request is in progress, the request is sent again to a new one. This is
//! safe for everything but the exchange of a code: what the old broker had begun is in the vault's
//! journal, and the new one continues from there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};

use claimlake_contract::{ApiVersion, GrantHandle};
use claimlake_vault::{KeyLookup, NewGrant, Stored, Vault};
use tokio::sync::Mutex;

use super::connection::Connection;
use super::launch::BrokerLaunch;
use super::lent_tokens::LentTokens;
use super::patience::{Notices, Waiting};
use super::protocol::{
    BrokerSettings, Envelope, Failure, FailureKind, Request, Response, source_name,
};
use crate::revoke::Revoked;
use crate::token::{AccessToken, TokenSource};
use crate::{App, Callback, CallbackOutcome, ConsentError};

/// How often one request is sent, each time to a new broker.
const MAX_RECONNECTS: u32 = 3;

/// A connection to the token broker that can be shared (`Arc`) by the tasks of one tokio runtime.
pub struct BrokerClient {
    pub(super) launch: BrokerLaunch,
    pub(super) settings: BrokerSettings,
    pub(super) source: String,
    pub(super) key_lookup: KeyLookup,
    /// The current connection; replaced when it has ended.
    connection: Mutex<Option<Arc<Connection>>>,
    /// The number of the next request, by which its reply is found.
    next_id: AtomicU64,
    pub(super) notices: Notices,
    /// Why the broker was given up. Later calls fail at once with the same reason, instead of each
    /// waiting for minutes.
    given_up: SyncMutex<Option<Failure>>,
    /// Access tokens that are still valid, so that not every page needs a request to the broker.
    lent: LentTokens,
}

impl std::fmt::Debug for BrokerClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrokerClient")
            .field("launch", &self.launch)
            .finish_non_exhaustive()
    }
}

impl BrokerClient {
    /// Connects to the broker of the vault's data directory, or starts one with `launch`.
    ///
    /// # Errors
    ///
    /// No broker can be started, or one for another server or app does not end.
    pub async fn connect(
        app: &App,
        vault: &Vault,
        launch: BrokerLaunch,
    ) -> Result<Self, ConsentError> {
        let data_dir =
            std::path::absolute(vault.data_dir()).map_err(|error| ConsentError::Broker {
                reason: format!("finding the data directory: {error}"),
            })?;
        let client = Self {
            launch,
            source: source_name(app),
            key_lookup: vault.key_lookup(),
            settings: BrokerSettings {
                data_dir,
                base_url: app.base_url().to_string(),
                client_id: app.client_id.clone(),
                client_secret: app.client_secret.clone(),
                vault_key: vault.key_for_broker(),
            },
            connection: Mutex::new(None),
            next_id: AtomicU64::new(1),
            notices: Notices::default(),
            given_up: SyncMutex::default(),
            lent: LentTokens::new(vault.clock()),
        };
        client.connection().await.map_err(Failure::into_error)?;
        // From here on no other key is put in place.
        vault.follow_rekey()?;
        Ok(client)
    }

    /// The process id of the broker.
    ///
    /// # Errors
    ///
    /// It has ended, and no other can be started.
    pub async fn broker_pid(&self) -> Result<u32, ConsentError> {
        let connection = self.connection().await.map_err(Failure::into_error)?;
        Ok(connection.broker_pid)
    }

    /// Completes the authorization that a callback belongs to: the broker exchanges the code and
    /// stores the grant. The request is sent only once, since a code can be used only once.
    ///
    /// # Errors
    ///
    /// [`ConsentError::Declined`] if the person refused, [`ConsentError::Callback`] if the
    /// callback or its code cannot be used.
    pub async fn finish_authorization(&self, callback: Callback) -> Result<Stored, ConsentError> {
        let code = match callback.outcome {
            CallbackOutcome::Code(code) => code,
            CallbackOutcome::Denied => {
                return Err(ConsentError::Declined {
                    reason: "the person did not agree; nothing was stored, earlier grants stay"
                        .into(),
                });
            }
            CallbackOutcome::Refused(error) if error.to_string() == "invalid_scope" => {
                return Err(ConsentError::Configuration {
                    reason: crate::scopes::REFUSED.into(),
                });
            }
            CallbackOutcome::Refused(error) => {
                return Err(ConsentError::Configuration {
                    reason: format!("the server refuses the authorization request: {error}"),
                });
            }
        };
        let request = || Request::Exchange {
            state: callback.state.clone(),
            code: code.clone(),
        };
        // Sent once only, because an authorization code works once.
        stored(self.call(request, 1).await)
    }

    /// Stores a grant that was obtained elsewhere.
    ///
    /// # Errors
    ///
    /// The vault cannot be written.
    pub async fn import(&self, grant: &NewGrant) -> Result<Stored, ConsentError> {
        let request = || Request::Import {
            grant: Box::new(grant.clone()),
        };
        stored(self.call(request, MAX_RECONNECTS).await)
    }

    /// Asks the server which patient a grant belongs to, if it did not say so when the consent was
    /// stored. Returns `None` if it still does not. If the patient has another grant already, the
    /// two are merged; the returned handle is the one that remains.
    ///
    /// # Errors
    ///
    /// There is no token for the request, or the vault cannot be written.
    pub async fn name(&self, grant: &GrantHandle) -> Result<Option<Stored>, ConsentError> {
        self.lent.drop_token(grant);
        let request = || Request::Name {
            grant: grant.clone(),
        };
        match self.call(request, MAX_RECONNECTS).await {
            Ok(Response::Noted) => Ok(None),
            Err(failure) => Err(failure.into_token_error()),
            response => stored(response).map(Some),
        }
    }

    /// Revokes a grant at the server, then in the vault.
    ///
    /// # Errors
    ///
    /// The revocation could not be verified; the grant stays as it was.
    pub async fn revoke(&self, grant: &GrantHandle) -> Result<Revoked, ConsentError> {
        self.lent.drop_token(grant);
        let request = || Request::Revoke {
            grant: grant.clone(),
        };
        match self.call(request, MAX_RECONNECTS).await {
            Ok(Response::Revoked { outcome }) => Ok(outcome),
            Ok(_) => Err(unexpected().into_error()),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Refreshes a grant once at the token endpoint of another API version, and moves it there. A
    /// grant that is there already is left as it is.
    ///
    /// # Errors
    ///
    /// [`ConsentError::Doubtful`]: the server denies it without a reason, and whether the token was
    /// used up is not known; the grant stays where it was. [`ConsentError::NeedsConsent`]: the
    /// consent has ended, or cannot be refreshed.
    pub async fn move_grant(
        &self,
        grant: &GrantHandle,
        to: ApiVersion,
    ) -> Result<(), ConsentError> {
        self.lent.drop_token(grant);
        let request = || Request::Move {
            grant: grant.clone(),
            to,
        };
        match self.call(request, MAX_RECONNECTS).await {
            Ok(Response::Noted) => Ok(()),
            Ok(_) => Err(unexpected().into_error()),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Requests a token from the broker; with `rejected`, one of a later generation.
    async fn token(
        &self,
        grant: &GrantHandle,
        rejected: Option<u64>,
    ) -> Result<AccessToken, ConsentError> {
        let request = || Request::Token {
            grant: grant.clone(),
            rejected,
        };
        match self.call(request, MAX_RECONNECTS).await {
            Ok(Response::Token(token)) => {
                self.lent.keep(grant, &token);
                Ok(token)
            }
            Ok(_) => Err(unexpected().into_token_error()),
            Err(failure) => Err(failure.into_token_error()),
        }
    }

    /// Sends a request and waits for the reply, at most `most` times with a new broker each time.
    async fn call(&self, request: impl Fn() -> Request, most: u32) -> Result<Response, Failure> {
        let mut end = "ended";
        for _ in 0..most {
            let connection = self.connection().await?;
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let envelope = Envelope {
                id,
                request: request(),
            };
            let waiting = Waiting {
                patience: &self.launch.patience,
                notices: &self.notices,
                signs: &connection.signs,
                pid: Some(connection.broker_pid),
                asked: envelope.request.words(),
            };
            let reply = match waiting.for_it(connection.send(&envelope)).await {
                Ok(reply) => reply,
                Err(failure) => {
                    // A line may have been sent in part.
                    connection.close("was given up");
                    return Err(self.give_up(failure));
                }
            };
            // No reply means that the broker has ended meanwhile; what it had begun is in the
            // journal, and its successor continues from there.
            if let Some(reply) = reply {
                return reply;
            }
            end = connection.end();
        }
        Err(Failure::broker(format!(
            "the token broker {end} in the middle of a request ({}); what it had begun is kept, try \
             again",
            request().words()
        )))
    }

    /// Records why the broker is given up. The first reason is kept: later ones are consequences.
    fn give_up(&self, failure: Failure) -> Failure {
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        given_up.get_or_insert(failure).clone()
    }

    fn is_given_up(&self) -> Option<Failure> {
        self.given_up
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The open connection, or a new one. Callers wait for each other here, so that one broker is
    /// started and not several.
    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref()
            && connection.is_open()
        {
            return Ok(Arc::clone(connection));
        }
        if let Some(failure) = self.is_given_up() {
            return Err(failure);
        }
        let connection = self.connect_or_start().await.map_err(|failure| {
            // Others that wait here would wait as long for the same.
            match failure.kind {
                FailureKind::Unavailable => self.give_up(failure),
                _ => failure,
            }
        })?;
        *held = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

impl TokenSource for BrokerClient {
    async fn access_token(&self, grant: &GrantHandle) -> Result<AccessToken, ConsentError> {
        match self.lent.usable(grant) {
            Some(token) => Ok(token),
            None => self.token(grant, None).await,
        }
    }

    async fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> Result<AccessToken, ConsentError> {
        match self.lent.newer_than(grant, rejected) {
            Some(token) => Ok(token),
            None => self.token(grant, Some(rejected.generation)).await,
        }
    }

    async fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> Result<(), ConsentError> {
        self.lent.drop_token(grant);
        let request = || Request::Ended {
            grant: grant.clone(),
            generation: token.generation,
            reason: reason.to_owned(),
        };
        noted(self.call(request, MAX_RECONNECTS).await)
    }

    async fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> Result<(), ConsentError> {
        if token.is_some() {
            self.lent.drop_token(grant);
        }
        let request = || Request::Refused {
            grant: grant.clone(),
            generation: token.map(|token| token.generation),
        };
        noted(self.call(request, MAX_RECONNECTS).await)
    }
}

/// Reads the reply to a request that returns nothing.
fn noted(response: Result<Response, Failure>) -> Result<(), ConsentError> {
    match response {
        Ok(Response::Noted) => Ok(()),
        Ok(_) => Err(unexpected().into_token_error()),
        Err(failure) => Err(failure.into_token_error()),
    }
}

/// Reads the reply to a request that stores a grant.
fn stored(response: Result<Response, Failure>) -> Result<Stored, ConsentError> {
    match response {
        Ok(Response::Stored(stored)) => Ok(stored),
        Ok(_) => Err(unexpected().into_error()),
        Err(failure) => Err(failure.into_error()),
    }
}

fn unexpected() -> Failure {
    Failure::broker("the token broker answered something else than was asked")
}

#[cfg(test)]
mod tests;
