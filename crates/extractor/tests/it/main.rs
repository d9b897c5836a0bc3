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

use claimlake_contract::{ApiVersion, ExitCode, PatientState};

use harness::{Bench, Landed};

#[tokio::test]
async fn everything_lands_once_and_is_read_back() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        let bench = Bench::start(api, 4, &[]).await;
        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        assert_eq!(outcome.patients_in(PatientState::Complete), 4);
        bench.assert_all_landed_once();
        assert_eq!(bench.sandbox.account().foreign_requests, 0);
    }
}

#[tokio::test]
async fn a_second_extraction_lands_nothing_and_says_so() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        let bench = Bench::start(api, 3, &[]).await;
        bench.extract().await.unwrap();
        let before = bench.landed();
        let outcome = bench.extract().await.unwrap();
        assert!(outcome.nothing_new(), "{outcome:?}");
        assert_eq!(bench.landed(), before);
    }
}

#[tokio::test]
async fn a_full_extraction_lands_everything_again() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    let first = bench.extract().await.unwrap();
    let again = bench
        .extract_with(|options| options.full = true)
        .await
        .unwrap();
    assert_eq!(again.landed, first.landed);
    assert_eq!(again.vanished.len(), 0);
    assert_eq!(
        bench.landed().keys().collect::<Vec<_>>(),
        bench.landed_truth().keys().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn one_person_can_be_asked_for_and_an_unknown_one_is_a_usage_error_without_the_id() {
    let bench = Bench::start(ApiVersion::V2, 3, &[]).await;
    let wanted = bench.sandbox.truth(ApiVersion::V2)[1].patient.clone();
    let outcome = bench
        .extract_with(|options| options.only = vec![claimlake_contract::PatientId::new(&*wanted)])
        .await
        .unwrap();
    assert_eq!(outcome.patients, 1);
    let landed: Landed = bench.landed();
    assert!(landed.keys().all(|(patient, _, _)| *patient == wanted));
    let error = bench
        .extract_with(|options| options.only = vec![claimlake_contract::PatientId::new("-424242")])
        .await
        .unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
    assert!(!error.to_string().contains("424242"));
}

#[tokio::test]
async fn a_data_directory_of_another_source_is_refused_before_anything_is_asked() {
    let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
    bench.extract().await.unwrap();
    let requests = bench.sandbox.account().requests;
    let error = bench
        .extract_with(|options| {
            options.source = claimlake_extractor::SourceIdentity::Sandbox { seed: 999 }
        })
        .await
        .unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
    assert!(error.to_string().contains("--data"), "{error}");
    assert_eq!(bench.sandbox.account().requests, requests);
}

#[tokio::test]
async fn a_server_that_is_down_fails_each_person_in_one_clear_line() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    let outcome = bench
        .extract_with(|options| options.base_url = "http://127.0.0.1:9/".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(ExitCode::worst(outcome.exits()), ExitCode::Failed);
    assert_eq!(outcome.patients_in(PatientState::Failed), 2);
    assert!(
        outcome.problems[0]
            .reason
            .contains("connecting to 127.0.0.1:9: ")
    );
    assert!(bench.landed().is_empty());
}
