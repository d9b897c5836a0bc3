//! The sandbox within this process: started on a free port, its people consent by themselves.

use std::path::PathBuf;
use std::sync::Arc;

use claimlake_consent::{App, AutomaticConsent, ConsentError};
use claimlake_contract::{Clock as _, SystemClock};
use claimlake_extractor::SourceIdentity;
use claimlake_sandbox::{Sandbox, SandboxConfig};
use claimlake_vault::{Vault, VaultError};

use super::Server;
use crate::access;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::pipeline::Source;

/// The redirect URI of the embedded sandbox's consent pages; nothing has to listen there.
const REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// Starts the sandbox that the pipeline describes.
pub(in crate::command) async fn start(invocation: &Invocation) -> Outcome<Sandbox> {
    let source = &invocation.pipeline()?.source;
    let defaults = SandboxConfig::default();
    let config = SandboxConfig {
        patients: source.patients.unwrap_or(defaults.patients),
        eobs_mean: source.eobs.unwrap_or(defaults.eobs_mean),
        seed: seed(source),
        replay: replay(source, invocation),
        auto_consent: true,
        // Compressing for a reader in the same process only costs time.
        gzip: false,
        ..defaults
    };
    Ok(claimlake_sandbox::start(config).await?)
}

fn seed(source: &Source) -> u64 {
    source.seed.unwrap_or(SandboxConfig::default().seed)
}

/// The recording, relative to the pipeline file.
fn replay(source: &Source, invocation: &Invocation) -> Option<PathBuf> {
    let replay = source.replay.as_ref()?;
    Some(invocation.origin().folder().join(replay))
}

/// Gets new consents of all patients: a sandbox loses its tokens when it ends.
pub(super) async fn consent(
    sandbox: &Sandbox,
    invocation: &Invocation,
    vault: &Arc<Vault>,
) -> Outcome<Server> {
    let source = &invocation.pipeline()?.source;
    let identity = SourceIdentity::Sandbox { seed: seed(source) };
    // Before anything is written: this directory may belong to another source.
    vault
        .bind_source(&identity.to_string())
        .map_err(access::vault_failure)?;
    let secret = sandbox.client_secret().clone();
    let app = App::new(sandbox.url(), sandbox.client_id(), secret)?;
    let people = sandbox.logins();
    let progress = invocation.progress();
    let task = progress.begin("consenting", "patients", Some(people.len() as u64));
    let consent =
        AutomaticConsent::begin(app.clone(), vault, REDIRECT_URI)?.for_resources(&source.resources);
    for login in &people {
        match consent
            .consent(source.api, login, || SystemClock.now())
            .await
        {
            Ok(_) => {}
            // This patient was forgotten here: the run continues with the others.
            Err(ConsentError::Vault(error)) if matches!(*error, VaultError::Forgotten) => {}
            Err(error) => return Err(access::oauth_failure(error)),
        }
        progress.advance(task, 1);
    }
    progress.end(task);
    Ok(Server { app, identity })
}
