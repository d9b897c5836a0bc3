//! A year of weekly loads, in which claims are adjusted, cancelled and taken away, through all
//! stages in one process: the clock is the test's.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test is its own message, in what tests share as well"
)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{Array as _, RecordBatch};
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use claimlake_consent::{AccessToken, ConsentError, TokenSource};
use claimlake_consent::{App, AutomaticConsent};
use claimlake_contract::{
    ApiVersion, Clock, FixedClock, GrantHandle, LandingLayout, NoProgress, ResourceType, RunId,
    Secret,
};
use claimlake_extractor::{ExtractOptions, ExtractOutcome, SourceIdentity, extract};
use claimlake_loader::{LoadOptions, LoadOutcome, LoadRequest, changes, load};
use claimlake_sandbox::{PatientTruth, Sandbox, SandboxConfig};
use claimlake_transformer::{Form, Plan, PlanInput, TransformOptions, ViewText, transform};
use claimlake_vault::{KeySource, Vault};
use claimlake_viewdef::engine::{ContextColumn, ContextSource};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const PEOPLE: usize = 4;

const VIEW: &str = r#"{
  "resourceType": "ViewDefinition", "name": "eob", "resource": "ExplanationOfBenefit",
  "status": "active", "select": [{"column": [
    {"name": "claim_status", "path": "status"},
    {"name": "system_type", "path": "meta.tag.where(system.endsWith('System-Type')).code.first()"},
    {"name": "final_action", "path": "meta.tag.where(system.endsWith('Final-Action')).code.first()"}
  ]}]
}"#;

/// Tokens that live as long as the test.
struct Tokens(Arc<Vault>);

impl TokenSource for Tokens {
    async fn access_token(&self, grant: &GrantHandle) -> Result<AccessToken, ConsentError> {
        let held = self.0.tokens(grant).unwrap();
        Ok(AccessToken {
            secret: held.access_token.unwrap(),
            expires_at: DateTime::<Utc>::MAX_UTC,
            generation: 1,
        })
    }

    async fn after_rejection(
        &self,
        _: &GrantHandle,
        _: &AccessToken,
    ) -> Result<AccessToken, ConsentError> {
        Err(ConsentError::Stopped)
    }

    async fn consent_ended(
        &self,
        _: &GrantHandle,
        _: &AccessToken,
        _: &str,
    ) -> Result<(), ConsentError> {
        Err(ConsentError::Stopped)
    }

    async fn note_refused(
        &self,
        _: &GrantHandle,
        _: Option<&AccessToken>,
    ) -> Result<(), ConsentError> {
        Err(ConsentError::Stopped)
    }
}

struct World {
    api: ApiVersion,
    clock: Arc<FixedClock>,
    sandbox: Sandbox,
    data: tempfile::TempDir,
    vault: Arc<Vault>,
    plan: Plan,
    last: Option<RunId>,
    transformed: HashSet<RunId>,
}

impl World {
    async fn start(api: ApiVersion) -> Self {
        let begin = Utc.with_ymd_and_hms(2026, 11, 2, 3, 15, 0).unwrap();
        let clock = Arc::new(FixedClock::at(begin));
        let sandbox = claimlake_sandbox::start(SandboxConfig {
            patients: PEOPLE,
            eobs_mean: 30,
            auto_consent: true,
            gzip: false,
            token_seconds: 500 * 86_400,
            clock: clock.clone(),
            ..SandboxConfig::default()
        })
        .await
        .unwrap();
        let data = tempfile::tempdir().unwrap();
        let key = KeySource::given(Secret::new("5".repeat(64)));
        let vault = Arc::new(Vault::open(data.path(), &key, clock.clone()).unwrap());
        let secret = sandbox.client_secret().clone();
        let app = App::new(sandbox.url(), sandbox.client_id(), secret).unwrap();
        {
            let redirect = "http://127.0.0.1:9/callback";
            let consent = AutomaticConsent::begin(app, &vault, redirect).unwrap();
            for login in sandbox.logins() {
                consent.consent(api, &login, || clock.now()).await.unwrap();
            }
        }
        let context = ["eob_id=id", "patient_id=patient.reference"].map(|column| {
            let (name, path) = column.split_once('=').unwrap();
            ContextColumn {
                name: name.to_owned(),
                source: ContextSource::Path(path.to_owned()),
            }
        });
        let input = PlanInput {
            views: vec![ViewText {
                place: "eob.json".to_owned(),
                text: VIEW.to_owned(),
            }],
            context: vec![(ResourceType::explanation_of_benefit(), context.to_vec())],
            ..PlanInput::default()
        };
        Self {
            api,
            clock,
            sandbox,
            data,
            vault,
            plan: Plan::compile(&input).unwrap(),
            last: None,
            transformed: HashSet::new(),
        }
    }

    fn next_run(&mut self) -> RunId {
        let run = RunId::after(self.last.as_ref(), self.clock.now(), 0);
        self.last = Some(run.clone());
        run
    }

    fn layout(&self) -> LandingLayout {
        LandingLayout::in_data(self.data.path())
    }

    async fn extract(&mut self, full_every: u32) -> ExtractOutcome {
        let run = self.next_run();
        let url = self.sandbox.url().parse().unwrap();
        let source = SourceIdentity::Sandbox { seed: 1 };
        let mut options = ExtractOptions::new(run, url, source, self.api);
        options.full_every = full_every;
        options.timeouts.first_pause = std::time::Duration::from_millis(1);
        let tokens = Tokens(Arc::clone(&self.vault));
        let clock: Arc<dyn Clock> = self.clock.clone();
        let (vault, layout) = (&self.vault, self.layout());
        let outcome = extract(&options, &tokens, vault, &layout, &clock, &NoProgress);
        let outcome = outcome.await.unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        outcome
    }

    /// Transforms what is new, or all of landing, and loads it.
    fn publish(&mut self, full: bool, rebuild: bool) -> Option<LoadOutcome> {
        let landed = claimlake_landing::sealed_runs(&self.layout()).unwrap();
        let mut runs = landed.clone();
        runs.retain(|run| full || !self.transformed.contains(&run.manifest.run));
        self.transformed
            .extend(runs.iter().map(|run| run.manifest.run.clone()));
        if runs.is_empty() {
            return None;
        }
        let options = TransformOptions {
            runs,
            landed,
            staged: self.data.path().join("staged"),
            run: self.next_run(),
            full,
            form: Form::Files,
            threads: Some(2),
        };
        let staged = transform(&options, &self.plan, &NoProgress).unwrap();
        let request = LoadRequest {
            staged_runs: vec![staged.folder.clone()],
            lake: self.lake(),
            run: self.next_run(),
            options: LoadOptions {
                rebuild,
                keep_hours: 0,
                ..LoadOptions::default()
            },
            run_tables: Vec::new(),
            published_at: self.clock.now().to_rfc3339(),
        };
        let outcome = load(&request, &NoProgress).unwrap();
        std::fs::remove_dir_all(staged.folder).unwrap();
        Some(outcome)
    }

    fn lake(&self) -> PathBuf {
        self.data.path().join("lake")
    }

    /// Id, status, system and final action of every claim of the lake.
    fn claims(&self) -> BTreeMap<String, [String; 3]> {
        let snapshot = self.lake().join("current");
        let manifest = claimlake_loader::read_manifest(&snapshot).unwrap();
        let table = manifest
            .tables
            .iter()
            .find(|table| table.layout.name == "eob");
        let mut claims = BTreeMap::new();
        for file in &table.unwrap().files {
            let file = std::fs::File::open(snapshot.join(&file.path)).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                let columns = ["eob_id", "claim_status", "system_type", "final_action"];
                let texts = columns.map(|name| texts(&batch, name));
                for row in 0..batch.num_rows() {
                    let [id, rest @ ..] = texts.each_ref().map(|column| column[row].clone());
                    assert!(claims.insert(id, rest).is_none(), "a claim is there twice");
                }
            }
        }
        claims
    }
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column_by_name(name).unwrap();
    let text = arrow_array::cast::as_string_array(column);
    (0..text.len())
        .map(|row| match text.is_null(row) {
            true => String::new(),
            false => text.value(row).to_owned(),
        })
        .collect()
}

/// What a complete client holds of everybody.
fn served(truth: &[PatientTruth]) -> BTreeSet<String> {
    let of_one = |one: &PatientTruth| {
        [
            one.eob_ids.clone(),
            one.shared_system_ids.clone(),
            one.prior_authorization_ids.clone(),
        ]
        .concat()
    };
    truth.iter().flat_map(of_one).collect()
}

/// Claims that their own bodies mark as current, without those of shared systems.
fn current(api: ApiVersion, claims: &BTreeMap<String, [String; 3]>) -> BTreeSet<String> {
    let is_current = |[status, system, action]: &[String; 3]| match api {
        ApiVersion::V2 | ApiVersion::Carin => status == "active",
        ApiVersion::V3 => system == "NationalClaimsHistory" && action == "FinalAction",
    };
    let current = claims.iter().filter(|(_, claim)| is_current(claim));
    current.map(|(id, _)| id.clone()).collect()
}

async fn a_year(api: ApiVersion) {
    let mut world = World::start(api).await;
    world.extract(30).await;
    world.publish(false, false);
    assert_eq!(served(&world.sandbox.truth(api)), ids(&world));
    let logins = world.sandbox.logins();
    let (mut gone, mut doubted, mut removed) = (0, 0, 0);
    for week in 1..=52_usize {
        world.sandbox.advance_week();
        world.clock.advance(TimeDelta::days(7));
        if week <= 44 {
            // Somebody loses one claim; now and then, several at once.
            let times = if week % 11 == 0 { 9 } else { 1 };
            for _ in 0..times {
                world.sandbox.remove_claim(&logins[week % PEOPLE], api);
                removed += 1;
            }
        }
        let outcome = world.extract(30).await;
        // In four of seven weeks or so each person has no turn.
        assert!(
            week > 2 || outcome.read_fully < PEOPLE as u64,
            "week {week}"
        );
        gone += outcome.vanished.values().sum::<u64>();
        doubted += outcome.doubted.values().sum::<u64>();
        world.publish(false, false);
    }
    assert!(
        removed > 40 && gone > 30,
        "{removed} were removed, {gone} are gone"
    );
    assert!(doubted > 0, "nothing was too much to be believed at once");
    let truth = world.sandbox.truth(api);
    assert_eq!(served(&truth), ids(&world));
    let expected: BTreeSet<String> = truth
        .iter()
        .flat_map(|one| one.final_ids.iter().cloned())
        .collect();
    let part_d: BTreeSet<String> = match api {
        ApiVersion::V2 | ApiVersion::Carin => BTreeSet::new(),
        // They have no tag of the kind.
        ApiVersion::V3 => ids_of_system(&world, "DDPS"),
    };
    let known = current(api, &world.claims());
    assert_eq!(&expected - &part_d, &known - &part_d);
    let changes = changes(&world.lake(), None).unwrap().map(Result::unwrap);
    let vanished = changes.filter(|change| change.kind == "vanished").count() as u64;
    assert_eq!(vanished, gone);
    // All of landing makes the same lake, and so do tables made anew.
    let increments = world.claims();
    assert!(!world.publish(true, false).unwrap().changed);
    world.publish(true, true);
    assert_eq!(world.claims(), increments);
}

fn ids(world: &World) -> BTreeSet<String> {
    world.claims().into_keys().collect()
}

fn ids_of_system(world: &World, system: &str) -> BTreeSet<String> {
    let claims = world.claims().into_iter();
    let of_system = claims.filter(|(_, claim)| claim[1] == system);
    of_system.map(|(id, _)| id).collect()
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work);
}

#[test]
fn after_a_year_of_weekly_loads_the_lake_holds_what_v2_serves() {
    block_on(a_year(ApiVersion::V2));
}

#[test]
fn after_a_year_of_weekly_loads_the_lake_holds_what_v3_serves() {
    block_on(a_year(ApiVersion::V3));
}

#[test]
fn a_claim_that_the_server_has_again_comes_back_and_one_that_is_gone_for_good_does_not() {
    block_on(async {
        let api = ApiVersion::V2;
        let mut world = World::start(api).await;
        world.extract(1).await;
        world.publish(false, false);
        let before = ids(&world);
        let login = world.sandbox.logins()[0].clone();
        world.sandbox.remove_claim(&login, api);
        // Switched off, an increment sees nothing.
        world.clock.advance(TimeDelta::days(40));
        world.extract(0).await;
        assert!(world.publish(false, false).is_none());
        assert_eq!(ids(&world), before);
        let outcome = world.extract(1).await;
        assert_eq!(outcome.vanished.values().sum::<u64>(), 1);
        assert_eq!(outcome.landed.values().sum::<u64>(), 0);
        assert!(!outcome.nothing_new());
        let loaded = world.publish(false, false).unwrap();
        assert_eq!((loaded.gone, loaded.new), (1, 0));
        assert_eq!(ids(&world).len() + 1, before.len());
        // With the same body as before.
        world.sandbox.restore_claims(&login);
        world.clock.advance(TimeDelta::days(2));
        world.extract(1).await;
        assert_eq!(world.publish(false, false).unwrap().new, 1);
        assert_eq!(ids(&world), before);
        assert!(!world.publish(true, false).unwrap().changed);
    });
}
