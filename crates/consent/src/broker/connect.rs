//! Finds the broker of a data directory, or starts one.
//!
//! Several processes may do so at the same time, and a broker may be ending just now. Whoever
//! connects checks who answers (same user, same protocol version, same server and app), and tries
//! again until that is the case: of several brokers that were started at once, only the one that
//! gets the token lock serves.

use std::sync::Arc;
use std::time::Duration;

use claimlake_vault::VaultError;
use tokio::io::{AsyncWriteExt, BufReader};
use zeroize::Zeroizing;

use super::client::BrokerClient;
use super::connection::Connection;
use super::lines::{json_line, read_line};
use super::patience::{SignsOfLife, Waiting};
use super::protocol::{BrokerSettings, Failure, Hello, PROTOCOL, Start, Welcome};
use super::socket;
use crate::ConsentError;

/// Pause between two tries.
const POLL: Duration = Duration::from_millis(50);
/// How many tries there are while a broker for another server or app is running, or one is ending:
/// two minutes.
const MAX_POLLS: u32 = 2_400;
/// How often the vault's key is read again if a new broker cannot open the vault with it: another
/// process may have changed the key meanwhile (`vault rekey`).
const KEYS: u32 = 20;
/// After this many tries, the log says which process is in the way.
const NOTICE_AFTER_POLLS: u32 = 60;

/// Who answers at the socket.
enum Greeting {
    /// A broker for this server and app.
    Welcome(Arc<Connection>),
    /// A broker for another server, app or version; with its process id, if known.
    OtherSource(Option<u32>),
    /// A process of another user (uid).
    OtherUser(u32),
    /// No process: there is no socket, or its owner has ended.
    Nobody,
}

impl BrokerClient {
    /// Connects to the broker of the data directory, and starts one if no process answers.
    pub(super) async fn connect_or_start(&self) -> Result<Arc<Connection>, Failure> {
        let mut other_source = None;
        let mut settings = None;
        let mut keys = 0;
        for poll in 1..=MAX_POLLS {
            match self.greet().await? {
                Greeting::Welcome(connection) => return Ok(connection),
                Greeting::OtherSource(pid) => {
                    other_source = Some(pid);
                    if poll == NOTICE_AFTER_POLLS {
                        tracing::warn!("waiting: {}", other_work(pid));
                    }
                }
                Greeting::OtherUser(user) => {
                    return Err(Failure::unavailable(format!(
                        "broker.sock in the data directory is served by another user (uid {user}): \
                         run claimlake as that user, or choose another --data"
                    )));
                }
                Greeting::Nobody => match self.start(settings.as_ref()).await? {
                    Start::Serving | Start::Other | Start::Waiting { .. } => {}
                    Start::WrongKey if keys < KEYS => {
                        keys += 1;
                        settings = Some(self.settings_with_current_key().await?);
                    }
                    Start::WrongKey => return Err(not_opened(self.key_lookup.wrong_key())),
                    Start::Failed { failure } => return Err(failure),
                },
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Failure::broker(match other_source {
            Some(pid) => format!(
                "{}: wait for it to end, or choose another --data",
                other_work(pid)
            ),
            None => "the token broker of this data directory does not answer".to_owned(),
        }))
    }

    /// Starts a broker and returns its first message.
    async fn start(&self, settings: Option<&BrokerSettings>) -> Result<Start, Failure> {
        let settings = settings.unwrap_or(&self.settings);
        self.launch.start(settings, &self.notices).await
    }

    /// The settings with the vault's key read again.
    async fn settings_with_current_key(&self) -> Result<BrokerSettings, Failure> {
        let key_lookup = self.key_lookup.clone();
        let read = tokio::task::spawn_blocking(move || key_lookup.read()).await;
        let key = read
            .map_err(|_| Failure::broker("reading the vault's key again ended early"))?
            .map_err(not_opened)?;
        Ok(BrokerSettings {
            data_dir: self.settings.data_dir.clone(),
            base_url: self.settings.base_url.clone(),
            client_id: self.settings.client_id.clone(),
            client_secret: self.settings.client_secret.clone(),
            vault_key: key,
        })
    }

    /// Connects and exchanges the greeting (`Hello`, `Welcome`).
    async fn greet(&self) -> Result<Greeting, Failure> {
        let signs = SignsOfLife::default();
        let mut waiting = Waiting {
            patience: &self.launch.patience,
            notices: &self.notices,
            signs: &signs,
            pid: None,
            asked: "a connection",
        };
        let connected = async {
            loop {
                match socket::connect(&self.settings.data_dir).await {
                    // Whoever listens has not taken the last ones in yet.
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        tokio::time::sleep(POLL).await;
                    }
                    connected => return connected,
                }
            }
        };
        let Ok(stream) = waiting.for_it(connected).await? else {
            return Ok(Greeting::Nobody);
        };
        let peer = stream.peer_cred().ok();
        let own = rustix::process::geteuid().as_raw();
        if let Some(user) = peer.map(|peer| peer.uid()).filter(|uid| *uid != own) {
            return Ok(Greeting::OtherUser(user));
        }
        waiting.pid = peer
            .and_then(|peer| peer.pid())
            .and_then(|pid| u32::try_from(pid).ok())
            .filter(|pid| *pid > 0);
        let (read, mut write) = stream.into_split();
        let hello = Hello {
            protocol: PROTOCOL,
            source: self.source.clone(),
        };
        let mut lines = BufReader::new(read);
        let mut line = Zeroizing::new(String::new());
        let greeted = waiting.for_it(async {
            write.write_all(&json_line(&hello)?).await?;
            read_line(&mut lines, &mut line).await
        });
        // If it ended between the connection and the greeting, there is no broker.
        if !greeted.await?.unwrap_or(false) {
            return Ok(Greeting::Nobody);
        }
        match serde_json::from_str(&line) {
            Ok(Welcome::Yes { pid }) => Ok(Greeting::Welcome(Connection::new(lines, write, pid))),
            Ok(Welcome::OtherSource) => Ok(Greeting::OtherSource(waiting.pid)),
            Err(_) => Err(Failure::unavailable(
                "whoever serves broker.sock in the data directory is no token broker of claimlake: \
                 end that program, or choose another --data",
            )),
        }
    }
}

/// The error for a vault that cannot be opened.
fn not_opened(error: VaultError) -> Failure {
    ConsentError::from(error).into()
}

/// Describes the broker that is in the way.
fn other_work(pid: Option<u32>) -> String {
    let process = pid.map_or(String::new(), |pid| {
        format!(" (token broker: process {pid})")
    });
    format!(
        "another claimlake process{process} works on this data directory for another server, app \
         or version of claimlake"
    )
}
