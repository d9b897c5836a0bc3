//! The broker process: reads its settings from standard input, takes the token lock, serves, and
//! ends when it is no longer needed.
//!
//! The order matters. The token lock is taken before the vault is opened and the socket is created,
//! so at most one process ever answers. At the end the socket is removed first; the lock is
//! released only when all refreshes have ended. A successor that is started meanwhile waits for the
//! lock.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use claimlake_contract::SystemClock;
use claimlake_vault::{KeySource, TokenLock, Vault, VaultError};
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroize::Zeroizing;

use super::protocol::{BrokerSettings, Failure, FailureKind, Start, source_name};
use super::refresher::{BrokerLifetime, RefreshPolicy, Refresher};
use super::server::Server;
use super::socket;
use crate::endpoint::Endpoint;
use crate::{App, ConsentError};

/// A broker to which nobody connects ends after this time.
const FIRST_CLIENT: Duration = Duration::from_secs(20);
/// How long to wait for the lock of a broker that is ending: longer than a refresh that times out.
const PREDECESSOR: Duration = Duration::from_secs(240);
/// How often the token lock is tried.
const POLL: Duration = Duration::from_millis(20);

/// The hidden command `broker`: reads its settings from standard input, reports on standard output
/// whether it serves, and serves until the last client has disconnected.
///
/// It must be called before the process starts a runtime or a thread, and with the limit of core
/// files set to 0, since a core file would contain tokens.
#[must_use]
pub fn broker_main(lifetime: BrokerLifetime) -> ExitCode {
    // A session of its own: no terminal, no Ctrl-C, no signal to the run's process group. It
    // fails where the process leads a group already, which is as good.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let _ = std::env::set_current_dir("/");
    match run(lifetime) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&Start::Failed { failure });
            ExitCode::FAILURE
        }
    }
}

/// Reads the settings and serves.
fn run(lifetime: BrokerLifetime) -> Result<(), Failure> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::broker(format!("reading the broker's settings: {error}")))?;
    let settings: BrokerSettings = serde_json::from_str(&text).map_err(|_| Failure {
        kind: FailureKind::Configuration,
        reason: "the command broker is started by other commands, not by hand".into(),
    })?;
    drop(text);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .map_err(|error| Failure::broker(format!("starting the broker: {error}")))?
        .block_on(serve(settings, lifetime))
}

/// Takes the lock, opens the vault, listens, and returns when the broker is no longer needed.
async fn serve(settings: BrokerSettings, lifetime: BrokerLifetime) -> Result<(), Failure> {
    // Signal handlers come first, so that every signal is handled.
    let mut signals = Signals::new()?;
    let data_dir = settings.data_dir.clone();
    let taken = tokio::select! {
        taken = take_over(&data_dir) => taken?,
        () = signals.any() => return Err(Failure::stopped()),
    };
    let Some(_lock) = taken else {
        say(&Start::Other);
        return Ok(());
    };
    let app = App::new(
        &settings.base_url,
        settings.client_id.clone(),
        settings.client_secret.clone(),
    )?;
    let source = source_name(&app);
    let key = KeySource::given(settings.vault_key.clone());
    let clock = Arc::new(SystemClock);
    let vault = match Vault::open(&data_dir, &key, clock.clone()) {
        Err(VaultError::WrongKey { .. }) => {
            say(&Start::WrongKey);
            return Ok(());
        }
        opened => opened.map_err(ConsentError::from)?,
    };
    let endpoint = Endpoint::new(app)?;
    let policy = RefreshPolicy::of(lifetime);
    let refresher = Refresher::new(Arc::new(vault), endpoint, clock, policy);
    let server = Server::new(refresher, source);
    let listener = socket::listen(&data_dir).map_err(|error| {
        Failure::broker(format!(
            "listening on broker.sock in the data directory: {error} (its file system must know \
             sockets: choose a local --data directory)"
        ))
    })?;
    say(&Start::Serving);
    until_done(&server, &listener, &mut signals).await;

    // From here on, a new client finds no socket and starts a successor, which waits for the lock;
    // a client that is still waiting to be accepted sees the connection end before it has sent
    // anything.
    let _ = socket::remove(&data_dir);
    drop(listener);
    server.settled().await;
    Ok(())
}

/// Serves until all clients have disconnected, no client came at all, or a signal asks it to end.
/// After a signal, requests are answered with "stopped" until everything in progress has ended.
async fn until_done(server: &Arc<Server>, listener: &UnixListener, signals: &mut Signals) {
    let deserted = async {
        tokio::time::sleep(FIRST_CLIENT).await;
        server.deserted().await;
    };
    let served = async {
        // The first client is the one that started this process.
        server.first_client().await;
        server.deserted().await;
    };
    tokio::select! {
        () = server.accept(listener) => {}
        () = deserted => {}
        () = served => {}
        () = signals.any() => {
            server.stop();
            tokio::select! {
                () = server.accept(listener) => {}
                () = server.settled() => {}
            }
        }
    }
}

/// Waits for the token lock; `None` if another broker serves.
async fn take_over(data_dir: &std::path::Path) -> Result<Option<TokenLock>, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lock) = TokenLock::try_acquire(data_dir).map_err(ConsentError::from)? {
            return Ok(Some(lock));
        }
        if socket::connect(data_dir).await.is_ok() {
            return Ok(None);
        }
        if waited >= PREDECESSOR {
            let holder = TokenLock::holder(data_dir);
            let holder = holder.map_or(String::new(), |pid| format!(" (process {pid})"));
            return Err(Failure::unavailable(format!(
                "another claimlake process{holder} holds the token lock of this data directory and \
                 does not answer: wait for it to end"
            )));
        }
        tokio::time::sleep(POLL).await;
        waited += POLL;
        if waited.as_millis().is_multiple_of(1_000) {
            say(&Start::Waiting {
                holder: TokenLock::holder(data_dir),
            });
        }
    }
}

/// SIGTERM, SIGINT and SIGHUP: each asks the broker to end.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::broker(format!("listening to signals: {error}")))
        };
        Ok(Self([
            listen(SignalKind::terminate())?,
            listen(SignalKind::interrupt())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one of them.
    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Writes one message for the process that started this one. It may have ended; then nobody needs
/// the message.
fn say(start: &Start) {
    if let Ok(mut line) = serde_json::to_vec(start) {
        line.push(b'\n');
        let mut output = std::io::stdout().lock();
        let _ = output.write_all(&line).and_then(|()| output.flush());
    }
}
