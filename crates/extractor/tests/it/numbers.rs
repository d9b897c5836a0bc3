//! Servers whose numbers, links or dates are wrong: whole extractions.

use chrono::{TimeDelta, Utc};
use claimlake_consent::testing::post_json;
use claimlake_contract::{ApiVersion, ExitCode, PatientState, ResourceType};
use claimlake_landing::sealed_runs;
use claimlake_sandbox::SandboxConfig;

use crate::BOTH;
use crate::harness::Bench;

#[tokio::test]
async fn everything_lands_once_whatever_numbers_a_server_sends_with_it() {
    for api in BOTH {
        for faults in [
            &[][..],
            &["total:form=none"],
            &["total:form=less"],
            &["total:form=text"],
            &["ignore-count"],
            &["ignore-count", "total:form=none"],
            &["ignore-count", "next-loop"],
            &["total:form=less", "next-loop"],
        ] {
            let bench = Bench::start(api, 2, faults).await;
            for night in 1..=3 {
                let outcome = bench.extract().await.unwrap();
                assert_eq!(
                    outcome.exits(),
                    [],
                    "{api} {faults:?}, night {night}: {:?}",
                    outcome.problems
                );
                assert_eq!(outcome.patients_in(PatientState::Complete), 2);
                assert_eq!(outcome.nothing_new(), night > 1, "{api} {faults:?}");
                bench.assert_all_landed_once();
            }
            assert_eq!(bench.sandbox.account().foreign_requests, 0);
        }
    }
}

#[tokio::test]
async fn a_total_that_counts_more_is_named_and_what_came_lands() {
    for api in BOTH {
        let bench = Bench::start(api, 2, &["total:form=more,only=eob"]).await;
        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.patients_in(PatientState::Incomplete), 2, "{api}");
        assert_eq!(outcome.exits(), [ExitCode::Failed]);
        let reason = &outcome.problems[0].reason;
        assert!(reason.contains("the server counts"), "{reason}");
        bench.assert_all_landed_once();
        let states = bench.claim_states();
        assert!(states.iter().all(|state| state.watermark.is_none()));
    }
}

#[tokio::test]
async fn paging_without_an_end_is_given_up_and_named() {
    for api in BOTH {
        let config = SandboxConfig {
            patients: 1,
            eobs_mean: 20,
            ..SandboxConfig::default()
        };
        let bench = Bench::start_with(api, config, &["endless"]).await;
        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.patients_in(PatientState::Incomplete), 1);
        assert_eq!(outcome.exits(), [ExitCode::Failed]);
        // Three resource types, two searches of claims on v3.
        assert!(outcome.requests < 500, "{api}: {}", outcome.requests);
        bench.assert_no_resource_is_of_two_patients();
    }
}

#[tokio::test]
async fn a_date_in_the_future_lands_is_counted_and_moves_no_increment() {
    for api in BOTH {
        let bench = Bench::start(api, 3, &["future-date:only=eob"]).await;
        let outcome = bench.extract_well().await;
        assert!(outcome.anomalies.later_than_clock >= 3);
        assert_eq!(outcome.anomalies.watermarks_dropped, 0);
        // Where pages overlap, the first claim of one page has another date on the page before.
        bench.assert_the_complete_are_complete();
        let latest = Utc::now() + TimeDelta::days(1);
        let states = bench.claim_states();
        assert!(states.iter().all(|state| state.watermark <= Some(latest)));
        assert!(states.iter().any(|state| state.watermark.is_some()));
        for sealed in sealed_runs(&bench.layout).unwrap() {
            for patient in sealed.manifest.patients {
                let newest = patient.last_updated.unwrap_or_default();
                assert!(!newest.starts_with("2099"), "the manifest says {newest}");
            }
        }

        bench.sandbox.advance_week();
        bench.extract_well().await;
        bench.assert_nothing_missing();
    }
}

/// What a former version noted: an increment would ask for what comes after 2099.
#[tokio::test]
async fn a_watermark_in_the_future_on_record_is_read_past_once_in_full() {
    for api in BOTH {
        let bench = Bench::start(api, 2, &[]).await;
        bench.extract().await.unwrap();
        for mut state in bench.claim_states() {
            state.watermark = Some("2099-01-01T00:00:00Z".parse().unwrap());
            bench.record_state(state, None);
        }
        bench.sandbox.advance_week();

        let outcome = bench.extract_well().await;
        assert_eq!(outcome.anomalies.watermarks_dropped, 2);
        bench.assert_nothing_missing();
        let latest = Utc::now() + TimeDelta::days(1);
        let states = bench.claim_states();
        assert!(states.iter().all(|state| state.watermark <= Some(latest)));

        let again = bench.extract().await.unwrap();
        assert!(again.nothing_new());
        assert_eq!(again.anomalies.watermarks_dropped, 0, "it is done once");
    }
}

/// A watermark that cannot be believed does not come to be believed because time goes by.
#[tokio::test]
async fn a_patient_who_cannot_be_read_keeps_no_watermark_of_the_future() {
    let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
    bench.extract().await.unwrap();
    let mut state = bench.claim_states().remove(0);
    state.watermark = Some(Utc::now() + TimeDelta::days(30));
    bench.record_state(state, None);
    bench.set_faults(&["429:retry-after=day"]);
    bench.extract().await.unwrap();
    assert_eq!(bench.claim_states()[0].watermark, None);
}

/// The server forces both searches of v3 to Part D: every event comes twice.
#[tokio::test]
async fn what_two_searches_of_one_patient_serve_is_counted_and_lands_once() {
    let config = SandboxConfig {
        patients: 2,
        eobs_mean: 60,
        ..SandboxConfig::default()
    };
    let bench = Bench::start_with(ApiVersion::V3, config, &[]).await;
    let app = serde_json::json!({
        "client_id": bench.sandbox.client_id(),
        "part_d_eob_only": true,
    });
    post_json(bench.sandbox.url(), "/_sandbox/apps", &app.to_string()).await;
    for full in [false, false, true] {
        let outcome = bench
            .extract_with(|options| options.full = full)
            .await
            .unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        assert_eq!(outcome.anomalies.two_bodies, 0);
        let claims = &outcome.by_resource[&ResourceType::explanation_of_benefit()];
        let states = bench.claim_states();
        let known: u64 = states.iter().map(|state| state.known_count).sum();
        assert!(known > 20, "there are Part D events");
        // An increment asks for what is new in one search, and for everything in the other.
        assert_eq!(claims.served, known);
        let mut landed = bench.landed();
        landed.retain(|key, _| key.1 == "ExplanationOfBenefit");
        assert_eq!(landed.len() as u64, known);
        assert!(landed.values().all(|times| *times == 1 + u32::from(full)));
        for state in states {
            assert_eq!(state.served, state.known_count);
            assert!(state.landed == 0 || state.landed == state.known_count);
        }
    }
}
