//! Starting, asking and stopping a sandbox.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::TimeDelta;
use claimlake_contract::{ApiVersion, Secret};
use tokio::sync::{oneshot, watch};

use crate::account::Account;
use crate::clock::MovableClock;
use crate::config::SandboxConfig;
use crate::error::SandboxError;
use crate::fault::{ActiveFaults, FaultSpec};
use crate::fhir::FhirStore;
use crate::oauth::ledger::Ledger;
use crate::population::{MOST_PATIENTS, PopulationConfig};
use crate::replay::Recording;
use crate::serve::changed_ids::RecordsWithChangedIds;
use crate::serve::records::{Drift, PatientTruth, Records};
use crate::serve::throttle::Throttle;
use crate::server::{self, Origin};
use crate::service::{Service, State, V3Gate};

/// A running sandbox. It stops when it is dropped; [`Sandbox::shutdown`] waits for that.
#[derive(Debug)]
pub struct Sandbox {
    service: Arc<Service>,
    url: String,
    client_id: String,
    client_secret: Secret,
    stop: watch::Sender<bool>,
    stopped: Option<oneshot::Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a sandbox on a thread and runtime of its own, so that the caller's work never starves it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use claimlake_sandbox::{SandboxConfig, start};
///
/// let sandbox = start(SandboxConfig {
///     patients: 3,
///     faults: vec!["503:rate=0.1".parse()?],
///     ..SandboxConfig::default()
/// })
/// .await?;
/// println!("a Blue Button at {}", sandbox.url());
/// sandbox.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the address cannot be bound or the recording cannot be read.
pub async fn start(config: SandboxConfig) -> Result<Sandbox, SandboxError> {
    let listener = bind(config.listen)?;
    let address = listener
        .local_addr()
        .map_err(|source| SandboxError::Listen {
            address: config.listen,
            source,
        })?;
    let foreign_listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let foreign = foreign_listener
        .local_addr()
        .map_err(SandboxError::Thread)?;
    let ledger = Ledger::new(config.seed, config.token_seconds);
    let client_id = ledger.apps[0].client_id.clone();
    let client_secret = Secret::new(ledger.apps[0].client_secret.clone());
    let service = Arc::new(Service {
        records: RecordsWithChangedIds::new(open_records(&config)?),
        clock: MovableClock::new(config.clock),
        auto_consent: config.auto_consent,
        gzip: config.gzip,
        latency: Duration::from_millis(config.latency_ms),
        log_requests: config.log_requests,
        token_seconds: config.token_seconds,
        foreign: format!("http://{foreign}"),
        state: Mutex::new(State {
            ledger,
            account: Account::default(),
            faults: ActiveFaults::new(config.seed, config.faults),
            throttle: Throttle::new(config.rate_limit),
            next_patient: 0,
            v3_gate: V3Gate::Open,
        }),
    });
    let (stop, stopping) = watch::channel(false);
    let (done, stopped) = oneshot::channel();
    let thread = spawn(
        Arc::clone(&service),
        listener,
        foreign_listener,
        stopping,
        done,
    )
    .map_err(SandboxError::Thread)?;
    Ok(Sandbox {
        service,
        url: format!("http://{address}"),
        client_id,
        client_secret,
        stop,
        stopped: Some(stopped),
        thread: Some(thread),
    })
}

fn bind(address: SocketAddr) -> Result<TcpListener, SandboxError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| SandboxError::Listen { address, source })
}

fn spawn(
    service: Arc<Service>,
    own: TcpListener,
    foreign: TcpListener,
    stopping: watch::Receiver<bool>,
    done: oneshot::Sender<()>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("claimlake-sandbox".into())
        .spawn(move || {
            runtime.block_on(async {
                let listeners = (
                    tokio::net::TcpListener::from_std(own),
                    tokio::net::TcpListener::from_std(foreign),
                );
                let (Ok(own), Ok(foreign)) = listeners else {
                    tracing::error!("the sandbox's sockets cannot be used");
                    return;
                };
                let other = server::serve(
                    foreign,
                    Arc::clone(&service),
                    Origin::Foreign,
                    stopping.clone(),
                );
                tokio::join!(server::serve(own, service, Origin::Own, stopping), other);
            });
            runtime.shutdown_background();
            let _ = done.send(());
        })
}

fn open_records(config: &SandboxConfig) -> Result<Box<dyn Records>, SandboxError> {
    if let Some(folder) = &config.replay {
        return Ok(Box::new(Recording::open(folder)?));
    }
    if config.patients > MOST_PATIENTS {
        let text = format!("the sandbox has at most {MOST_PATIENTS} patients: lower --patients");
        return Err(SandboxError::Config(text));
    }
    let store = FhirStore::new(PopulationConfig {
        seed: config.seed,
        patients: config.patients,
        eobs_mean: config.eobs_mean,
    });
    Ok(Box::new(store))
}

impl Sandbox {
    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The other origin that faults point to; no client may ever send anything there.
    #[must_use]
    pub fn foreign_url(&self) -> &str {
        &self.service.foreign
    }

    /// The client id of the default app: from the seed, so the same at every start.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret of the default app.
    #[must_use]
    pub fn client_secret(&self) -> &Secret {
        &self.client_secret
    }

    /// The addresses that the default app may be redirected to, as text.
    #[must_use]
    pub fn redirect_rule(&self) -> &'static str {
        "any http URI on 127.0.0.1, [::1] or localhost"
    }

    /// Every login, in order: `BBUser00000` and on.
    #[must_use]
    pub fn logins(&self) -> Vec<String> {
        (0..self.service.records.patients())
            .map(|patient| self.service.records.login(patient))
            .collect()
    }

    /// What happened so far.
    #[must_use]
    pub fn account(&self) -> Account {
        let state = self.service.state();
        let mut account = state.account.clone();
        account.faults = state.faults.injected();
        account
    }

    /// What a complete and correct client ends up with, by patient; sorted by login.
    #[must_use]
    pub fn truth(&self, api: ApiVersion) -> Vec<PatientTruth> {
        (0..self.service.records.patients())
            .map(|patient| self.service.records.truth(patient, api))
            .collect()
    }

    /// Puts other faults in force; none: an empty list.
    pub fn set_faults(&self, faults: Vec<FaultSpec>) {
        self.service.state().faults.replace(faults);
    }

    /// Moves the sandbox's clock.
    pub fn advance_clock(&self, step: TimeDelta) {
        self.service.clock.advance(step);
    }

    /// Lets the weekly load arrive.
    pub fn advance_week(&self) {
        self.service.records.advance_week();
    }

    /// Takes the claim away that the patient's default search shows first, from now on.
    pub fn remove_claim(&self, login: &str, api: ApiVersion) {
        if let Some(patient) = self.service.records.find_login(login) {
            self.service.records.drift(patient, api, Drift::Delete);
        }
    }

    /// Shows the claims again that were taken away of a patient.
    pub fn restore_claims(&self, login: &str) {
        if let Some(patient) = self.service.records.find_login(login) {
            self.service.records.restore(patient);
        }
    }

    /// Waits until the server ends; for a command that only serves.
    pub async fn wait(&mut self) {
        if let Some(stopped) = &mut self.stopped {
            let _ = stopped.await;
        }
        self.stopped = None;
    }

    /// Stops listening, breaks what is under way and waits for the thread to end.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Some(stopped) = self.stopped.take() {
            let _ = stopped.await;
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}
