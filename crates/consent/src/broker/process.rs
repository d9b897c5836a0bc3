//! The broker as a process: from its settings on standard input to its end.

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

/// A broker that nobody connects to ends after this long.
const FIRST_CLIENT: Duration = Duration::from_secs(20);
/// A broker in its last refreshes needs the time of one that times out, and a little more.
const PREDECESSOR: Duration = Duration::from_secs(240);
/// Between two looks at the token lock.
const POLL: Duration = Duration::from_millis(20);

/// The hidden command `broker`: reads its settings from standard input, says on standard output
/// whether it serves, and serves until the last client has gone.
///
/// It must run before the process starts a runtime or a thread of its own, and after the limit of
/// core files is set to 0, as a core file would show tokens.
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

/// Takes the lock over, opens the vault, listens, and ends when nobody needs it.
async fn serve(settings: BrokerSettings, lifetime: BrokerLifetime) -> Result<(), Failure> {
    // RequestKind for first, so that no signal finds the process without an answer to it.
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

    // Whoever connects from here on finds nobody and starts a successor, which waits for the
    // lock; whoever is in the queue sees the connection end before it has said anything.
    let _ = socket::remove(&data_dir);
    drop(listener);
    server.settled().await;
    Ok(())
}

/// Serves until no client is left, none ever came, or a signal asks for the end.
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

/// The token lock; none where another broker serves.
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

/// The signals that ask a broker to end.
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

/// One line for the process that started this one; where that has gone, nobody needs it.
fn say(start: &Start) {
    if let Ok(mut line) = serde_json::to_vec(start) {
        line.push(b'\n');
        let mut output = std::io::stdout().lock();
        let _ = output.write_all(&line).and_then(|()| output.flush());
    }
}
