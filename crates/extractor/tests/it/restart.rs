//! Runs that end at any moment, and what the next one makes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use claimlake_contract::{ApiVersion, ExitCode, PatientState, Progress, Task};
use claimlake_landing::{UnsealedRun, landing_runs};
use claimlake_sandbox::SandboxConfig;

use crate::BOTH;
use crate::harness::Bench;

async fn slow_bench(api: ApiVersion, patients: usize) -> Bench {
    let config = SandboxConfig {
        patients,
        eobs_mean: 10,
        latency_ms: 30,
        ..SandboxConfig::default()
    };
    Bench::start_with(api, config, &[]).await
}

/// Extracts until so many more patients have landed, then drops the extraction, which leaves what a
/// kill leaves: frames and checkpoints, no seal. Whether it ended before.
async fn kill_once_landed(bench: &Bench, patients: usize) -> bool {
    let before = Arc::strong_count(&bench.vault);
    let landed = || bench.vault.extract_states().unwrap().len() / 3;
    let enough = landed() + patients;
    let run = bench.extract_with(|options| {
        options.concurrency = 4;
        options.page_size = 5;
    });
    let until_landed = async {
        while landed() < enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ended = tokio::select! {
        _ = run => true,
        () = until_landed => false,
    };
    // The landing thread ends when it notices that nobody sends to it; until then it still writes,
    // which no killed process does.
    while Arc::strong_count(&bench.vault) > before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ended
}

#[tokio::test]
async fn killed_again_and_again_it_goes_on_and_everything_lands_once() {
    for api in BOTH {
        let bench = slow_bench(api, 12).await;
        let mut kills = 0;
        while kills < 3 && !kill_once_landed(&bench, 1).await {
            kills += 1;
        }
        assert_eq!(kills, 3, "the extraction was over before it was killed");
        bench.extract_well().await;
        bench.assert_all_landed_once();
        let runs = landing_runs(&bench.layout).unwrap();
        assert_eq!((runs.unsealed.len(), runs.damaged.len()), (0, 0));
        assert!(bench.vault.checkpointed_runs().unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_had_landed_before_the_kill_is_not_asked_for_again() {
    let bench = slow_bench(ApiVersion::V2, 12).await;
    assert!(!kill_once_landed(&bench, 1).await);
    let landed = bench.vault.extract_states().unwrap().len() as u64 / 3;
    let before = bench.sandbox.account();
    let outcome = bench.extract().await.unwrap();
    assert_eq!(outcome.landed_before, landed);
    assert_eq!(outcome.recovered.len(), 1);
    let after = bench.sandbox.account();
    let not_asked = before.patients.iter().filter(|(login, person)| {
        let now: u64 = after.patients[*login].requests.values().sum();
        now == person.requests.values().sum::<u64>()
    });
    assert_eq!(not_asked.count() as u64, landed);
    bench.assert_all_landed_once();
}

#[tokio::test]
async fn a_part_cut_short_after_a_kill_is_read_again_where_it_was_cut() {
    let bench = slow_bench(ApiVersion::V2, 12).await;
    assert!(!kill_once_landed(&bench, 2).await);
    let unsealed = landing_runs(&bench.layout).unwrap().unsealed;
    let is_claims = |run: &&UnsealedRun| run.resource.as_str() == "ExplanationOfBenefit";
    let claims = unsealed.iter().find(is_claims).unwrap();
    let part = claims.folder.join("part-00000.ndjson.zst");
    let file = std::fs::File::options().write(true).open(part).unwrap();
    file.set_len(file.metadata().unwrap().len() / 3).unwrap();
    bench.extract_well().await;
    assert!(bench.landed().keys().eq(bench.landed_truth().keys()));
}

/// Asks for a stop as soon as one patient has been read.
#[derive(Debug, Default)]
struct StopAtFirst(Arc<AtomicBool>);

impl Progress for StopAtFirst {
    fn begin(&self, _: &str, _: &str, _: Option<u64>) -> Task {
        Task(0)
    }
    fn advance(&self, _: Task, patients: u64) {
        self.0.fetch_or(patients > 0, Ordering::Relaxed);
    }
    fn note(&self, _: Task, _: &str) {}
    fn end(&self, _: Task) {}
}

#[tokio::test]
async fn a_stop_ends_between_two_patients_and_the_next_run_goes_on() {
    let bench = slow_bench(ApiVersion::V2, 14).await;
    let stop = StopAtFirst::default();
    let outcome = bench.extract_with_progress(
        |options| {
            options.concurrency = 3;
            options.stop = Arc::clone(&stop.0);
        },
        &stop,
    );
    let outcome = outcome.await.unwrap();
    assert!(outcome.not_read > 0, "it was over before the stop");
    assert_eq!(ExitCode::worst(outcome.exits()), ExitCode::Failed);
    let read = outcome.patients_in(PatientState::Complete);
    assert_eq!(read + outcome.not_read, 14);
    bench.assert_the_complete_are_complete();
    let next = bench.extract().await.unwrap();
    assert_eq!(next.landed_before, read);
    bench.assert_all_landed_once();
}

#[tokio::test]
async fn a_parked_patient_returns_with_the_next_run() {
    let fault = "429:retry-after=day,patient=BBUser00001,count=3";
    let bench = Bench::start(ApiVersion::V2, 3, &[fault]).await;
    let outcome = bench.extract().await.unwrap();
    assert_eq!(outcome.patients_in(PatientState::Parked), 1);
    assert_eq!(ExitCode::worst(outcome.exits()), ExitCode::Parked);
    bench.set_faults(&[]);
    bench.extract_well().await;
    bench.assert_all_landed_once();
}

#[tokio::test]
async fn the_next_extraction_removes_parts_that_no_manifest_names_and_nothing_else() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    bench.extract().await.unwrap();
    let sealed = claimlake_landing::sealed_runs(&bench.layout).unwrap();
    let files = |folder: &std::path::Path| {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let before: Vec<_> = sealed.iter().map(|run| files(&run.folder)).collect();
    for run in &sealed {
        let part = run.folder.join(&run.manifest.parts[0].file);
        std::fs::copy(&part, run.folder.join("part-00009.ndjson.zst")).unwrap();
        std::fs::write(run.folder.join("manifest.tmp"), "{").unwrap();
    }
    bench.extract().await.unwrap();
    let after: Vec<_> = sealed.iter().map(|run| files(&run.folder)).collect();
    assert_eq!(after, before);
    bench.assert_all_landed_once();
}
