//! Reasons of patients who could not be read: the request, every cause, how often it was tried.

use claimlake_contract::{ApiVersion, PatientState};

use crate::harness::Bench;
use claimlake_extractor::ExtractOutcome;

async fn extract(faults: &[&str]) -> ExtractOutcome {
    let bench = Bench::start(ApiVersion::V2, 1, faults).await;
    let outcome = bench.extract().await.unwrap();
    assert_eq!(outcome.patients_in(PatientState::Failed), 1, "{faults:?}");
    assert!(bench.landed().is_empty(), "{faults:?}");
    let patient = &bench.sandbox.truth(ApiVersion::V2)[0].patient;
    for problem in &outcome.problems {
        for text in [&problem.reason, &problem.cause] {
            assert!(!text.contains(patient.as_str()), "an id is in a reason");
            for part in ["?", "startIndex", "_count", "Bearer", "127.0.0.1"] {
                assert!(!text.contains(part), "{text}");
            }
        }
    }
    outcome
}

#[tokio::test]
async fn every_failure_names_the_request_its_status_or_cause_and_the_tries() {
    let claims = "GET ExplanationOfBenefit from offset 0, 7 a page: ";
    for (fault, cause, tried) in [
        (
            "503:only=eob",
            "HTTP 503 (an HTML page)",
            "tried 12 times in ",
        ),
        ("500:only=eob", "HTTP 500", "tried 12 times in "),
        (
            "html:only=eob",
            "HTTP 502 (an HTML page)",
            "tried 12 times in ",
        ),
        (
            "backend:status=422,only=eob",
            "HTTP 400 (a failure of the server behind the endpoint)",
            "tried 12 times in ",
        ),
        (
            "drop:only=eob",
            "the connection was closed before the answer",
            "tried 12 times in ",
        ),
        (
            "html:status=200,only=eob",
            "HTTP 200 without a usable Bundle: an HTML page where a FHIR Bundle is due (text/html)",
            "tried 3 times in ",
        ),
        (
            "outcome:only=eob",
            "HTTP 200 without a usable Bundle: the body is not a Bundle (application/fhir+json)",
            "tried 3 times in ",
        ),
    ] {
        let outcome = extract(&[fault]).await;
        let problem = &outcome.problems[0];
        assert_eq!(problem.cause, cause, "{fault}");
        let expected = format!("{claims}{cause}, {tried}");
        assert!(problem.reason.starts_with(&expected), "{}", problem.reason);
    }
}

#[tokio::test]
async fn a_body_that_is_always_cut_says_after_how_many_bytes() {
    let outcome = extract(&["cut:only=coverage"]).await;
    let reason = &outcome.problems[0].reason;
    let is_said = reason.starts_with("GET Coverage from offset 0, 7 a page: the connection was ")
        && reason.contains("the body was cut after ");
    assert!(is_said, "{reason}");
}

#[tokio::test]
async fn a_mixed_failure_names_each_cause_with_its_count() {
    let outcome = extract(&["503:only=eob,count=4", "drop:only=eob"]).await;
    let problem = &outcome.problems[0];
    assert_eq!(
        problem.cause,
        "HTTP 503 (an HTML page), the connection was closed before the answer"
    );
    for part in [
        "HTTP 503 (an HTML page) (4 times)",
        "(8 times)",
        "tried 12 times in ",
    ] {
        assert!(problem.reason.contains(part), "{}", problem.reason);
    }
}

#[tokio::test]
async fn all_resource_types_that_failed_are_named() {
    let outcome = extract(&["503:only=eob", "html:status=200,only=coverage"]).await;
    let reason = &outcome.problems[0].reason;
    for part in [
        "GET ExplanationOfBenefit from offset 0, 7 a page: HTTP 503 (an HTML page), tried 12 times",
        "GET Coverage from offset 0, 7 a page: HTTP 200 without a usable Bundle",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn not_found_is_about_the_resource_type_where_the_patient_is_answered() {
    let not_found = "backend:status=404,only=coverage";
    let outcome = extract(&[not_found]).await;
    let reason = &outcome.problems[0].reason;
    let expected = "GET Coverage from offset 0, 7 a page: HTTP 404 (not found), while other \
                    resource types of the patient are answered";
    assert!(reason.starts_with(expected), "{reason}");
    assert!(!reason.contains("does not know the patient"), "{reason}");

    let outcome = extract(&["backend:status=404"]).await;
    let reason = &outcome.problems[0].reason;
    assert!(reason.ends_with("the server does not know the patient (any more)"));
    assert_eq!(reason.matches("HTTP 404").count(), 3, "{reason}");
}
