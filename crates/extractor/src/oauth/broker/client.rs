//! A client of the broker: connects to the one of the data directory, or starts it.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claimlake_contract::{GrantHandle, Secret};
use claimlake_vault::{GrantChange, NewGrant, Stored, Vault};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::sync::Mutex;
use zeroize::Zeroize;

use super::connection::{Connection, json_line};
use super::protocol::{
    Ask, BrokerSettings, Failure, Hello, PROTOCOL, Request, Start, Told, Welcome, source_name,
};
use super::socket;
use crate::oauth::revoke::Revoked;
use crate::oauth::{App, Callback, CallbackOutcome, OauthError};
use crate::token::{AccessToken, TokenError, TokenSource};

const POLL: Duration = Duration::from_millis(50);
/// How often a broker of another source, or one that ends, is met before giving up.
const POLLS: u32 = 2_400;
/// How often a request is asked again of a new broker when one ends in the middle of it.
const LIVES: u32 = 3;

/// How the broker process is started.
#[derive(Debug, Clone)]
pub struct BrokerLaunch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments; they hold nothing secret, settings go by standard input.
    pub arguments: Vec<String>,
}

impl BrokerLaunch {
    /// This very program with the hidden command `broker`.
    ///
    /// # Errors
    /// Where the system does not tell which program this is.
    pub fn this_program() -> Result<Self, OauthError> {
        let program = std::env::current_exe().map_err(|error| OauthError::Broker {
            reason: format!("finding the program to start the broker with: {error}"),
        })?;
        Ok(Self {
            program,
            arguments: vec!["broker".into()],
        })
    }
}

/// Lends tokens through the broker. Cheap to share by `Arc`; belongs to one runtime.
pub struct BrokerClient {
    launch: BrokerLaunch,
    settings: BrokerSettings,
    source: String,
    connection: Mutex<Option<Arc<Connection>>>,
    next_id: AtomicU64,
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
    /// Where no broker can be started, or one for another server or app stays in the way.
    pub async fn connect(
        app: &App,
        vault: &Vault,
        launch: BrokerLaunch,
    ) -> Result<Self, OauthError> {
        let data_dir =
            std::path::absolute(vault.data_dir()).map_err(|error| OauthError::Broker {
                reason: format!("finding the data directory: {error}"),
            })?;
        let client = Self {
            launch,
            source: source_name(app),
            settings: BrokerSettings {
                data_dir,
                base_url: app.base_url().to_string(),
                client_id: app.client_id.clone(),
                client_secret: app.client_secret.expose().to_owned(),
                vault_key: vault.key_for_broker().expose().to_owned(),
            },
            connection: Mutex::new(None),
            next_id: AtomicU64::new(1),
        };
        client
            .connection()
            .await
            .map_err(Failure::into_oauth_error)?;
        Ok(client)
    }

    /// The process of the broker this client talks to.
    ///
    /// # Errors
    /// Where there is none any more and no other can be started.
    pub async fn broker_pid(&self) -> Result<u32, OauthError> {
        let connection = self.connection().await.map_err(Failure::into_oauth_error)?;
        Ok(connection.broker_pid)
    }

    /// Finishes the authorization that a callback answers: the code is exchanged by the broker.
    ///
    /// # Errors
    /// [`OauthError::Declined`] where the person said no, [`OauthError::Callback`] where the
    /// callback or its code cannot be used.
    pub async fn finish_authorization(&self, callback: Callback) -> Result<Stored, OauthError> {
        let code = match callback.outcome {
            CallbackOutcome::Code(code) => code,
            CallbackOutcome::Denied => {
                return Err(OauthError::Declined {
                    reason: "the person did not agree; nothing was stored, earlier grants stay"
                        .into(),
                });
            }
            CallbackOutcome::Refused(error) if error.to_string() == "invalid_scope" => {
                return Err(OauthError::Configuration {
                    reason: crate::oauth::scopes::REFUSED.into(),
                });
            }
            CallbackOutcome::Refused(error) => {
                return Err(OauthError::Configuration {
                    reason: format!("the server refuses the authorization request: {error}"),
                });
            }
        };
        let ask = || Ask::Exchange {
            state: callback.state.expose().to_owned(),
            code: code.expose().to_owned(),
        };
        // Not asked twice: a code works once.
        stored(self.ask(ask, 1).await)
    }

    /// Stores a grant that comes from elsewhere.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub async fn import(&self, grant: &NewGrant) -> Result<Stored, OauthError> {
        let ask = || Ask::Import {
            grant: Box::new(grant.into()),
        };
        stored(self.ask(ask, LIVES).await)
    }

    /// Finds out whose a grant is that was stored before the server had said so; none where the
    /// server still does not say. The grant may become part of one that the patient has already:
    /// the handle returned is the one that remains.
    ///
    /// # Errors
    /// Where there is no token to ask with, or the vault cannot be written.
    pub async fn name(&self, grant: &GrantHandle) -> Result<Option<Stored>, OauthError> {
        let ask = || Ask::Name {
            grant: grant.clone(),
        };
        match self.ask(ask, LIVES).await {
            Ok(Told::Noted) => Ok(None),
            told => stored(told).map(Some),
        }
    }

    /// Revokes a grant at the server and in the vault.
    ///
    /// # Errors
    /// Where the server does not let go of it.
    pub async fn revoke(&self, grant: &GrantHandle) -> Result<Revoked, OauthError> {
        let ask = || Ask::Revoke {
            grant: grant.clone(),
        };
        match self.ask(ask, LIVES).await {
            Ok(Told::Revoked { outcome }) => Ok(outcome),
            Ok(_) => Err(unexpected().into_oauth_error()),
            Err(failure) => Err(failure.into_oauth_error()),
        }
    }

    async fn token(
        &self,
        grant: &GrantHandle,
        rejected: Option<u64>,
    ) -> Result<AccessToken, TokenError> {
        let ask = || Ask::Token {
            grant: grant.clone(),
            rejected,
        };
        match self.ask(ask, LIVES).await {
            Ok(Told::Token {
                secret,
                expires_at,
                generation,
            }) => Ok(AccessToken {
                secret: Secret::new(secret),
                expires_at,
                generation,
            }),
            Ok(_) => Err(unexpected().into_token_error()),
            Err(failure) => Err(failure.into_token_error()),
        }
    }

    async fn ask(&self, ask: impl Fn() -> Ask, lives: u32) -> Result<Told, Failure> {
        for _ in 0..lives {
            let connection = self.connection().await?;
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let reply = connection.send(&Request { id, ask: ask() }).await;
            // No reply means that the broker has ended in the middle; what it had begun is in
            // the journal, and its successor goes on from there.
            if let Some(reply) = reply {
                return reply;
            }
        }
        Err(Failure::broker(
            "the token broker ended in the middle of a request; what it had begun is kept, try \
             again",
        ))
    }

    async fn connection(&self) -> Result<Arc<Connection>, Failure> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref()
            && connection.is_open()
        {
            return Ok(Arc::clone(connection));
        }
        let connection = self.connect_or_start().await?;
        *held = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn connect_or_start(&self) -> Result<Arc<Connection>, Failure> {
        let mut other_source = false;
        for _ in 0..POLLS {
            match self.greet().await {
                Greeting::Welcome(connection) => return Ok(connection),
                Greeting::OtherSource => other_source = true,
                Greeting::Nobody => match self.start().await? {
                    Start::Serving | Start::Other => continue,
                    Start::Failed { failure } => return Err(failure),
                },
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Failure::broker(if other_source {
            "another claimlake process works on this data directory for another server or app: \
             wait for it to end, or choose another --data"
        } else {
            "the token broker of this data directory does not answer"
        }))
    }

    async fn greet(&self) -> Greeting {
        let Ok(stream) = socket::connect(&self.settings.data_dir).await else {
            return Greeting::Nobody;
        };
        let (read, mut write) = stream.into_split();
        let hello = Hello {
            protocol: PROTOCOL,
            source: self.source.clone(),
        };
        let mut lines = BufReader::new(read);
        let mut line = String::new();
        let greeted = async {
            write.write_all(&json_line(&hello)?).await?;
            lines.read_line(&mut line).await
        };
        if greeted.await.is_err() {
            return Greeting::Nobody;
        }
        match serde_json::from_str(&line) {
            Ok(Welcome::Yes { pid }) => Greeting::Welcome(Connection::new(lines, write, pid)),
            Ok(Welcome::OtherSource) => Greeting::OtherSource,
            // It ended between the knock and the answer.
            Err(_) => Greeting::Nobody,
        }
    }

    /// Starts a broker and waits for what it says; it needs this process no longer then.
    async fn start(&self) -> Result<Start, Failure> {
        let failed =
            |error: std::io::Error| Failure::broker(format!("starting the token broker: {error}"));
        let mut child = Command::new(&self.launch.program)
            .args(&self.launch.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(false)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            let settings = json_line(&self.settings).map_err(failed)?;
            // One that ends at once says why on its standard output.
            let _ = stdin.write_all(&settings).await;
        }
        let Some(stdout) = child.stdout.take() else {
            return Err(Failure::broker("starting the token broker: no answer"));
        };
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            if let Ok(start) = serde_json::from_str(&line) {
                return Ok(start);
            }
        }
        Err(Failure::broker(
            "the token broker ended before it could serve",
        ))
    }
}

impl TokenSource for BrokerClient {
    async fn access_token(&self, grant: &GrantHandle) -> Result<AccessToken, TokenError> {
        self.token(grant, None).await
    }

    async fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> Result<AccessToken, TokenError> {
        self.token(grant, Some(rejected.generation)).await
    }

    async fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> Result<(), TokenError> {
        let ask = || Ask::Ended {
            grant: grant.clone(),
            generation: token.generation,
            reason: reason.to_owned(),
        };
        noted(self.ask(ask, LIVES).await)
    }

    async fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> Result<(), TokenError> {
        let ask = || Ask::Refused {
            grant: grant.clone(),
            generation: token.map(|token| token.generation),
        };
        noted(self.ask(ask, LIVES).await)
    }
}

fn noted(told: Result<Told, Failure>) -> Result<(), TokenError> {
    match told {
        Ok(Told::Noted) => Ok(()),
        Ok(_) => Err(unexpected().into_token_error()),
        Err(failure) => Err(failure.into_token_error()),
    }
}

enum Greeting {
    Welcome(Arc<Connection>),
    OtherSource,
    Nobody,
}

fn stored(told: Result<Told, Failure>) -> Result<Stored, OauthError> {
    match told {
        Ok(Told::Stored { handle, change }) => Ok(Stored {
            handle,
            change: GrantChange::from(change),
        }),
        Ok(_) => Err(unexpected().into_oauth_error()),
        Err(failure) => Err(failure.into_oauth_error()),
    }
}

fn unexpected() -> Failure {
    Failure::broker("the token broker answered something else than was asked")
}

impl Drop for BrokerSettings {
    fn drop(&mut self) {
        self.client_secret.zeroize();
        self.vault_key.zeroize();
    }
}
