//! A sandbox, a data directory with everybody's grants, and what landed there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use claimlake_contract::{
    ApiVersion, Clock, LandingLayout, NoProgress, PatientState, Progress, RunId, Secret,
    SystemClock,
};
use claimlake_landing::{read_chunks, sealed_runs};
use claimlake_sandbox::{FaultSpec, Sandbox, SandboxConfig};
use claimlake_vault::{KeySource, Vault};

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
        let hangs = faults.iter().any(|fault| fault.starts_with("hang"));
        let faults: Vec<FaultSpec> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        sandbox.set_faults(faults);
        let layout = LandingLayout::in_data(data.path());
        Self {
            api,
            sandbox,
            data,
            vault,
            layout,
            runs: AtomicU16::new(0),
            hangs,
        }
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

    /// What lies in sealed runs; also checks that no frame holds two people.
    pub(crate) fn landed(&self) -> Landed {
        let mut landed = Landed::new();
        for sealed in sealed_runs(&self.layout).unwrap() {
            for part in sealed.parts() {
                assert_eq!(part.sha256_on_disk().unwrap(), part.part.sha256);
                for read in read_chunks(&part, 1) {
                    assert_eq!(read.damaged, []);
                    for chunk in read.chunks {
                        let mut people = std::collections::BTreeSet::new();
                        for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
                            let key = key_of(line);
                            people.insert(key.0.clone());
                            *landed.entry(key).or_default() += 1;
                        }
                        assert_eq!(people.len(), 1, "a frame holds two people");
                    }
                }
            }
        }
        landed
    }

    /// What a complete and correct client holds, once each.
    pub(crate) fn landed_truth(&self) -> Landed {
        let mut truth = Landed::new();
        for person in self.sandbox.truth(self.api) {
            let mut add = |resource: &str, id: &str| {
                truth.insert((person.patient.clone(), resource.into(), id.into()), 1);
            };
            add("Patient", &person.patient);
            person
                .coverage_ids
                .iter()
                .for_each(|id| add("Coverage", id));
            let claims = person.eob_ids.iter().chain(&person.prior_authorization_ids);
            claims.for_each(|id| add("ExplanationOfBenefit", id));
        }
        truth
    }

    pub(crate) fn assert_all_landed_once(&self) {
        let (landed, truth) = (self.landed(), self.landed_truth());
        let missing = truth
            .keys()
            .filter(|key| !landed.contains_key(*key))
            .count();
        // The truth names what the default search finds; on v3 other sources are asked for too.
        let is_extra = |key: &&(String, String, String)| {
            let other_source = self.api == ApiVersion::V3 && key.1 == "ExplanationOfBenefit";
            !truth.contains_key(*key) && !other_source
        };
        let extra = landed.keys().filter(is_extra).count();
        let doubled = landed.values().filter(|count| **count > 1).count();
        assert_eq!(
            (missing, extra, doubled),
            (0, 0, 0),
            "missing, extra, doubled"
        );
    }

    /// Of everybody who counts as complete, everything must be there.
    pub(crate) fn assert_the_complete_are_complete(&self) {
        self.assert_the_complete_hold(&self.landed_truth());
    }

    /// Of everybody who counts as complete, everything of `truth` must be there.
    pub(crate) fn assert_the_complete_hold(&self, truth: &Landed) {
        let landed = self.landed();
        let states = self.vault.extract_states().unwrap();
        for grant in self.vault.grants().unwrap() {
            let patient = grant.patient.unwrap().expose().to_owned();
            for key in truth.keys() {
                let state = states
                    .iter()
                    .find(|state| state.grant == grant.handle && state.resource.as_str() == key.1);
                let complete = state.is_some_and(|state| state.state == PatientState::Complete);
                if complete && key.0 == patient {
                    assert!(
                        landed.contains_key(key),
                        "complete, but {} is missing",
                        key.1
                    );
                }
            }
        }
    }

    /// Nothing of a person may lie under another person's name, however it ended.
    pub(crate) fn assert_nobody_has_anothers_claims(&self) {
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
