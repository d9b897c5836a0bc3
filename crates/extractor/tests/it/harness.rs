//! A sandbox, a data directory with a grant of every patient, and what landed there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use claimlake_contract::{
    ApiVersion, Clock, LandingLayout, NoProgress, PatientState, Progress, ResourceType, RunId,
    Secret, SystemClock,
};
use claimlake_landing::{read_chunks, sealed_runs};
use claimlake_sandbox::{FaultSpec, Sandbox, SandboxConfig};
use claimlake_vault::{ExtractState, KeySource, StateChange, Vault};

use claimlake_consent::testing::InProcessTokens;
use claimlake_consent::{App, AutomaticConsent};
use claimlake_extractor::{ExtractError, ExtractOptions, ExtractOutcome, SourceIdentity, extract};

/// (patient, resource type, id) and how often it landed.
pub(crate) type Landed = BTreeMap<(String, String, String), u32>;

pub(crate) struct Bench {
    pub(crate) api: ApiVersion,
    pub(crate) sandbox: Sandbox,
    pub(crate) data: tempfile::TempDir,
    pub(crate) vault: Arc<Vault>,
    pub(crate) layout: LandingLayout,
    runs: AtomicU16,
    /// Whether an answer may never come: then it is not waited for long.
    hangs: bool,
}

impl Bench {
    pub(crate) async fn start(api: ApiVersion, patients: usize, faults: &[&str]) -> Self {
        let config = SandboxConfig {
            patients,
            ..SandboxConfig::default()
        };
        Self::start_with(api, config, faults).await
    }

    /// Everybody consents before the faults begin.
    pub(crate) async fn start_with(
        api: ApiVersion,
        config: SandboxConfig,
        faults: &[&str],
    ) -> Self {
        let config = SandboxConfig {
            auto_consent: true,
            ..config
        };
        let sandbox = claimlake_sandbox::start(config).await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let key = KeySource::given(Secret::new("5".repeat(64)));
        let vault = Arc::new(Vault::open(data.path(), &key, Arc::new(SystemClock)).unwrap());
        {
            let redirect = "http://127.0.0.1:9/callback";
            let consent = AutomaticConsent::begin(app(&sandbox), &vault, redirect).unwrap();
            for login in sandbox.logins() {
                consent
                    .consent(api, &login, || SystemClock.now())
                    .await
                    .unwrap();
            }
        }
        let layout = LandingLayout::in_data(data.path());
        let bench = Self {
            api,
            sandbox,
            data,
            vault,
            layout,
            runs: AtomicU16::new(0),
            hangs: faults.iter().any(|fault| fault.starts_with("hang")),
        };
        bench.set_faults(faults);
        bench
    }

    pub(crate) fn set_faults(&self, faults: &[&str]) {
        let faults: Vec<FaultSpec> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        self.sandbox.set_faults(faults);
    }

    pub(crate) fn options(&self) -> ExtractOptions {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let run: RunId = RunId::after(self.latest_run().as_ref(), SystemClock.now(), number);
        let base_url = self.sandbox.url().parse().unwrap();
        let source = SourceIdentity::Sandbox { seed: 1 };
        let mut options = ExtractOptions::new(run, base_url, source, self.api);
        // Long enough for a machine that does other things, too.
        options.timeouts.read = match self.hangs {
            true => Duration::from_millis(1500),
            false => Duration::from_secs(60),
        };
        options.timeouts.first_pause = Duration::from_millis(2);
        options.page_size = 7;
        options
    }

    fn latest_run(&self) -> Option<RunId> {
        let runs = self.vault.runs("extract", 1).unwrap();
        runs.into_iter().next().map(|run| run.run)
    }

    pub(crate) async fn extract(&self) -> Result<ExtractOutcome, ExtractError> {
        self.extract_with(|_| {}).await
    }

    /// Extracts, and expects that every patient is complete.
    pub(crate) async fn extract_well(&self) -> ExtractOutcome {
        let outcome = self.extract().await.unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        outcome
    }

    /// Reads and lands everything again.
    pub(crate) async fn extract_full(&self) -> ExtractOutcome {
        let read = self.extract_with(|options| options.full = true);
        read.await.unwrap()
    }

    /// The states of claims in the vault.
    pub(crate) fn claim_states(&self) -> Vec<ExtractState> {
        let mut states = self.vault.extract_states().unwrap();
        states.retain(|state| state.resource == ResourceType::explanation_of_benefit());
        states
    }

    /// Writes a state into the vault.
    pub(crate) fn record_state(&self, state: ExtractState, checkpoint: Option<String>) {
        let change = StateChange {
            state,
            known: None,
            full_read: None,
            checkpoint,
        };
        self.vault.record_extract(&[change]).unwrap();
    }

    pub(crate) async fn extract_with(
        &self,
        change: impl FnOnce(&mut ExtractOptions),
    ) -> Result<ExtractOutcome, ExtractError> {
        self.extract_with_progress(change, &NoProgress).await
    }

    pub(crate) async fn extract_with_progress(
        &self,
        change: impl FnOnce(&mut ExtractOptions),
        progress: &dyn Progress,
    ) -> Result<ExtractOutcome, ExtractError> {
        let mut options = self.options();
        change(&mut options);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let vault = Arc::clone(&self.vault);
        let tokens = InProcessTokens::new(vault, app(&self.sandbox), Arc::clone(&clock));
        let (vault, layout) = (&self.vault, &self.layout);
        extract(&options, &tokens, vault, layout, &clock, progress).await
    }

    /// What lies in sealed runs; also checks that no frame has lines of two patients.
    pub(crate) fn landed(&self) -> Landed {
        let mut landed = Landed::new();
        for sealed in sealed_runs(&self.layout).unwrap() {
            for part in sealed.parts() {
                assert_eq!(part.sha256_on_disk().unwrap(), part.part.sha256);
                for read in read_chunks(&part, 1) {
                    assert_eq!(read.damaged, []);
                    for chunk in read.chunks {
                        let mut patients = std::collections::BTreeSet::new();
                        for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
                            let key = key_of(line);
                            patients.insert(key.0.clone());
                            *landed.entry(key).or_default() += 1;
                        }
                        assert_eq!(patients.len(), 1, "a frame is of two patients");
                    }
                }
            }
        }
        landed
    }

    /// What a complete and correct client lands, once each.
    pub(crate) fn landed_truth(&self) -> Landed {
        let mut truth = Landed::new();
        for person in self.sandbox.truth(self.api) {
            let mut add = |resource: &str, id: &str| {
                truth.insert((person.patient.clone(), resource.into(), id.into()), 1);
            };
            add("Patient", &person.patient);
            let coverages = person.coverage_ids.iter();
            coverages.for_each(|id| add("Coverage", id));
            let claims = person.eob_ids.iter().chain(&person.prior_authorization_ids);
            claims.for_each(|id| add("ExplanationOfBenefit", id));
        }
        truth
    }

    pub(crate) fn assert_nothing_missing(&self) {
        let (landed, truth) = (self.landed(), self.landed_truth());
        let missing = truth.keys().filter(|key| !landed.contains_key(*key));
        assert_eq!(missing.count(), 0, "{}: something is missing", self.api);
    }

    pub(crate) fn assert_all_landed_once(&self) {
        self.assert_nothing_missing();
        let (landed, truth) = (self.landed(), self.landed_truth());
        // The truth names what the default search finds; on v3 other sources are asked for too.
        let is_extra = |key: &&(String, String, String)| {
            let other_source = self.api == ApiVersion::V3 && key.1 == "ExplanationOfBenefit";
            !truth.contains_key(*key) && !other_source
        };
        let extra = landed.keys().filter(is_extra).count();
        let doubled = landed.values().filter(|count| **count > 1).count();
        assert_eq!((extra, doubled), (0, 0), "extra, doubled");
    }

    /// Of every patient who counts as complete, everything must be there.
    pub(crate) fn assert_the_complete_are_complete(&self) {
        self.assert_the_complete_have(&self.landed_truth());
    }

    /// Of every patient who counts as complete, everything of `truth` must be there.
    pub(crate) fn assert_the_complete_have(&self, truth: &Landed) {
        let landed = self.landed();
        let mut states = self.vault.extract_states().unwrap();
        states.retain(|state| state.state == PatientState::Complete);
        for grant in self.vault.grants().unwrap() {
            let patient = grant.patient.unwrap().expose().to_owned();
            for key in truth.keys().filter(|key| key.0 == patient) {
                let is_complete = states
                    .iter()
                    .any(|state| state.grant == grant.handle && state.resource.as_str() == key.1);
                let is_here = landed.contains_key(key);
                assert!(is_here || !is_complete, "complete, without a {}", key.1);
            }
        }
    }

    /// No resource may have landed for two patients, however it ended.
    pub(crate) fn assert_no_resource_is_of_two_patients(&self) {
        let mut owner: BTreeMap<(String, String), String> = BTreeMap::new();
        for (patient, resource, id) in self.landed().into_keys() {
            let before = owner.insert((resource, id), patient.clone());
            assert!(before.is_none_or(|before| before == patient));
        }
    }
}

pub(crate) fn app(sandbox: &Sandbox) -> App {
    App::new(
        sandbox.url(),
        sandbox.client_id(),
        sandbox.client_secret().clone(),
    )
    .unwrap()
}

fn key_of(line: &[u8]) -> (String, String, String) {
    let value: serde_json::Value = serde_json::from_slice(line).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let resource = text(&value["resourceType"]);
    let patient = match resource.as_str() {
        "Patient" => text(&value["id"]),
        "Coverage" => text(&value["beneficiary"]["reference"]),
        _ => text(&value["patient"]["reference"]),
    };
    let patient = patient.trim_start_matches("Patient/").to_owned();
    (patient, resource, text(&value["id"]))
}
