//! Whole extractions against a sandbox over loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod consents;
mod failures;
mod gone;
mod harness;
mod increments;
mod matrix;
mod numbers;
mod recording;
mod restart;

use claimlake_contract::{ApiVersion, ExitCode, PatientId, PatientState};
use claimlake_extractor::SourceIdentity;

use harness::Bench;

const BOTH: [ApiVersion; 2] = [ApiVersion::V2, ApiVersion::V3];

#[tokio::test]
async fn a_full_extraction_lands_everything_again() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    let first = bench.extract().await.unwrap();
    let again = bench.extract_full().await;
    assert_eq!(again.landed, first.landed);
    assert_eq!(again.vanished.len(), 0);
    assert!(bench.landed().keys().eq(bench.landed_truth().keys()));
}

#[tokio::test]
async fn one_patient_can_be_asked_for_and_an_unknown_one_is_a_usage_error_without_the_id() {
    let bench = Bench::start(ApiVersion::V2, 3, &[]).await;
    let wanted = bench.sandbox.truth(ApiVersion::V2)[1].patient.clone();
    let only = |patient: &str| {
        let only = vec![PatientId::new(patient)];
        bench.extract_with(|options| options.only = only)
    };
    let outcome = only(&wanted).await.unwrap();
    assert_eq!(outcome.patients, 1);
    let landed = bench.landed();
    assert!(landed.keys().all(|(patient, _, _)| *patient == wanted));
    let error = only("-424242").await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
    assert!(!error.to_string().contains("424242"));
}

#[tokio::test]
async fn a_data_directory_of_another_source_is_refused_before_anything_is_asked() {
    let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
    bench.extract().await.unwrap();
    let requests = bench.sandbox.account().requests;
    let other = SourceIdentity::Sandbox { seed: 999 };
    let read = bench.extract_with(|options| options.source = other);
    let error = read.await.unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
    assert!(error.to_string().contains("--data"), "{error}");
    assert_eq!(bench.sandbox.account().requests, requests);
}

#[tokio::test]
async fn a_server_that_is_down_fails_each_patient_in_one_clear_line() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    let down = "http://127.0.0.1:9/".parse().unwrap();
    let read = bench.extract_with(|options| options.base_url = down);
    let outcome = read.await.unwrap();
    assert_eq!(ExitCode::worst(outcome.exits()), ExitCode::Failed);
    assert_eq!(outcome.patients_in(PatientState::Failed), 2);
    let reason = &outcome.problems[0].reason;
    assert!(reason.contains("connecting to 127.0.0.1:9: "), "{reason}");
    assert!(bench.landed().is_empty());
}
