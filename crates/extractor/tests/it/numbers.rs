//! Servers whose numbers, links or dates are wrong: whole extractions.

use chrono::{TimeDelta, Utc};
use claimlake_contract::{ApiVersion, ExitCode, PatientState, ResourceType};
use claimlake_landing::sealed_runs;
use claimlake_sandbox::SandboxConfig;
use claimlake_vault::{ExtractState, StateChange};

use crate::harness::Bench;

const BOTH: [ApiVersion; 2] = [ApiVersion::V2, ApiVersion::V3];

fn set(bench: &Bench, faults: &[&str]) {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    bench.sandbox.set_faults(faults);
}

fn of_claims(bench: &Bench) -> Vec<ExtractState> {
    let mut states = bench.vault.extract_states().unwrap();
    states.retain(|state| state.resource == ResourceType::explanation_of_benefit());
    states
}

#[tokio::test]
async fn wrong_numbers_of_a_server_that_sends_everything_change_nothing() {
    for api in BOTH {
        for faults in [
            &["total:form=none"][..],
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
                assert_eq!(outcome.nothing_new(), night > 1, "{api} {faults:?}");
            }
            bench.assert_all_landed_once();
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
        assert!(
            of_claims(&bench)
                .iter()
                .all(|state| state.watermark.is_none())
        );
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
        bench.assert_nobody_has_anothers_claims();
    }
}

#[tokio::test]
async fn a_date_in_the_future_lands_is_counted_and_moves_no_increment() {
    for api in BOTH {
        let bench = Bench::start(api, 3, &["future-date:only=eob"]).await;
        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        assert!(outcome.anomalies.later_than_clock >= 3);
        assert_eq!(outcome.anomalies.watermarks_dropped, 0);
        // Where pages overlap, the first claim of one page has another date on the page before.
        bench.assert_the_complete_are_complete();
        let latest = Utc::now() + TimeDelta::days(1);
        let states = of_claims(&bench);
        assert!(states.iter().all(|state| state.watermark <= Some(latest)));
        assert!(states.iter().any(|state| state.watermark.is_some()));
        for sealed in sealed_runs(&bench.layout).unwrap() {
            for patient in sealed.manifest.patients {
                let newest = patient.last_updated.unwrap_or_default();
                assert!(!newest.starts_with("2099"), "the manifest says {newest}");
            }
        }

        bench.sandbox.advance_week();
        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        let (landed, truth) = (bench.landed(), bench.landed_truth());
        let missing = truth
            .keys()
            .filter(|key| !landed.contains_key(*key))
            .count();
        assert_eq!(missing, 0, "{api}: new claims were not asked for");
    }
}

/// What a former version noted: an increment would ask for what comes after 2099.
#[tokio::test]
async fn a_watermark_in_the_future_on_record_is_read_past_once_in_full() {
    for api in BOTH {
        let bench = Bench::start(api, 2, &[]).await;
        bench.extract().await.unwrap();
        let spoiled = of_claims(&bench).into_iter().map(|mut state| {
            state.watermark = Some("2099-01-01T00:00:00Z".parse().unwrap());
            StateChange {
                state,
                held: None,
                full_read: None,
                checkpoint: None,
            }
        });
        let spoiled: Vec<_> = spoiled.collect();
        bench.vault.record_extract(&spoiled).unwrap();
        bench.sandbox.advance_week();

        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        assert_eq!(outcome.anomalies.watermarks_dropped, 2);
        let (landed, truth) = (bench.landed(), bench.landed_truth());
        assert!(truth.keys().all(|key| landed.contains_key(key)), "{api}");
        let latest = Utc::now() + TimeDelta::days(1);
        assert!(
            of_claims(&bench)
                .iter()
                .all(|state| state.watermark <= Some(latest))
        );

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
    let mut state = of_claims(&bench).remove(0);
    state.watermark = Some(Utc::now() + TimeDelta::days(30));
    let change = StateChange {
        state,
        held: None,
        full_read: None,
        checkpoint: None,
    };
    bench.vault.record_extract(&[change]).unwrap();
    set(&bench, &["429:retry-after=day"]);
    bench.extract().await.unwrap();
    assert_eq!(of_claims(&bench)[0].watermark, None);
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
    let url = format!(
        "{}/_sandbox/apps",
        bench.sandbox.url().trim_end_matches('/')
    );
    let app = serde_json::json!({
        "client_id": bench.sandbox.client_id(),
        "part_d_eob_only": true,
    });
    let changed = reqwest::Client::new().post(url).body(app.to_string());
    assert!(changed.send().await.unwrap().status().is_success());
    for full in [false, false, true] {
        let outcome = bench
            .extract_with(|options| options.full = full)
            .await
            .unwrap();
        assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
        assert_eq!(outcome.anomalies.two_bodies, 0);
        let claims = &outcome.by_resource[&ResourceType::explanation_of_benefit()];
        let held: u64 = of_claims(&bench).iter().map(|state| state.held_count).sum();
        assert!(held > 20, "there are Part D events");
        // An increment asks for what is new in one search, and for everything in the other.
        assert_eq!(claims.served, held);
        let times = bench.landed();
        let times = times
            .iter()
            .filter(|(key, _)| key.1 == "ExplanationOfBenefit");
        let times: Vec<u32> = times.map(|(_, times)| *times).collect();
        assert_eq!(times.len() as u64, held);
        assert!(times.iter().all(|found| *found == 1 + u32::from(full)));
        for state in of_claims(&bench) {
            assert_eq!(state.served, state.held_count);
            assert!(state.landed == 0 || state.landed == state.held_count);
        }
    }
}
