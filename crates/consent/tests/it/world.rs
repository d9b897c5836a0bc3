//! What the tests share: a sandbox, a vault, the program that is the broker.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use claimlake_consent::{
    App, AutomaticConsent, BrokerClient, BrokerLaunch, BrokerPatience, ConsentError,
};
use claimlake_contract::{ApiVersion, Secret, SystemClock};
use claimlake_sandbox::{Sandbox, SandboxConfig};
use claimlake_vault::{KeySource, TokenLock, Vault};

pub(crate) const VAULT_KEY: &str =
    "5555555555555555555555555555555555555555555555555555555555555555";

pub(crate) async fn sandbox(people: usize) -> Sandbox {
    let config = SandboxConfig {
        patients: people,
        auto_consent: true,
        ..SandboxConfig::default()
    };
    claimlake_sandbox::start(config).await.unwrap()
}

pub(crate) fn empty_vault(data: &tempfile::TempDir) -> Vault {
    let key = KeySource::given(Secret::new(VAULT_KEY));
    Vault::open(data.path(), &key, Arc::new(SystemClock)).unwrap()
}

pub(crate) fn app(sandbox: &Sandbox) -> App {
    let secret = sandbox.client_secret().clone();
    App::new(sandbox.url(), sandbox.client_id(), secret).unwrap()
}

/// A vault with a grant of everybody in the sandbox.
pub(crate) async fn consented(sandbox: &Sandbox, data: &tempfile::TempDir) -> Vault {
    let vault = empty_vault(data);
    {
        let consent =
            AutomaticConsent::begin(app(sandbox), &vault, "http://127.0.0.1/callback").unwrap();
        for login in sandbox.logins() {
            let consented = consent.consent(ApiVersion::V2, &login, Utc::now).await;
            consented.unwrap();
        }
    }
    vault
}

/// The program of `examples/broker_process.rs`, which cargo builds with the tests; a test binary
/// that is built alone needs `cargo build --examples` before.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    folder.join("examples").join("broker_process")
}

pub(crate) async fn broker(sandbox: &Sandbox, vault: &Vault) -> BrokerClient {
    let client = impatient_broker(sandbox, vault, BrokerPatience::default()).await;
    client.unwrap()
}

pub(crate) async fn impatient_broker(
    sandbox: &Sandbox,
    vault: &Vault,
    patience: BrokerPatience,
) -> Result<BrokerClient, ConsentError> {
    let launch = BrokerLaunch {
        program: program(),
        arguments: vec!["broker".into()],
        patience,
    };
    BrokerClient::connect(&app(sandbox), vault, launch).await
}

/// Waits until no broker runs on a data directory.
pub(crate) async fn broker_has_ended(data: &tempfile::TempDir) {
    let ended = || TokenLock::try_acquire(data.path()).unwrap().is_some();
    until("the broker has ended", ended).await;
}

/// Waits until something holds, four minutes at most: a broker in its last refreshes may take as
/// long as one that times out.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..24_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within four minutes");
}
