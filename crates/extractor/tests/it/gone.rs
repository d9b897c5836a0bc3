//! What full reads no longer found, in the manifests of landing.

use chrono::Utc;
use claimlake_contract::{ApiVersion, IdHash, LandingPatient, PatientState, RunId};
use claimlake_landing::{landing_runs, sealed_runs};
use claimlake_vault::ExtractState;

use crate::BOTH;
use crate::harness::Bench;
use claimlake_extractor::seal_interrupted_runs;

/// The lists of all manifests, by run.
fn gone(bench: &Bench) -> Vec<(RunId, Vec<IdHash>)> {
    let runs = sealed_runs(&bench.layout).unwrap().into_iter();
    let lists = runs.flat_map(|run| {
        let id = run.manifest.run.clone();
        let lists = run.manifest.patients.into_iter().map(|one| one.gone);
        lists.map(move |list| (id.clone(), list))
    });
    lists.filter(|(_, list)| !list.is_empty()).collect()
}

#[tokio::test]
async fn a_full_read_lists_the_hash_of_the_claim_that_has_gone() {
    for api in BOTH {
        let bench = Bench::start(api, 2, &[]).await;
        bench.extract().await.unwrap();
        let login = bench.sandbox.logins()[0].clone();
        let ids = |bench: &Bench| bench.sandbox.truth(api)[0].eob_ids.clone();
        let before = ids(&bench);
        bench.sandbox.remove_claim(&login, api);
        let after = ids(&bench);
        let lost = before.iter().find(|id| !after.contains(id)).unwrap();
        let outcome = bench.extract_full().await;
        assert_eq!(outcome.vanished.values().sum::<u64>(), 1);
        let hash = claimlake_fhir::id_hash(format!("\"{lost}\"").as_bytes());
        assert_eq!(gone(&bench), [(outcome.run, vec![hash])]);
        // It is listed once.
        assert!(bench.extract_full().await.vanished.is_empty());
    }
}

#[tokio::test]
async fn a_suspicious_answer_lists_nothing_and_the_next_run_reads_everything_again() {
    let api = ApiVersion::V2;
    let bench = Bench::start(api, 2, &[]).await;
    bench.extract().await.unwrap();
    let login = bench.sandbox.logins()[0].clone();
    bench.sandbox.remove_claim(&login, api);
    // Of a server that counts fewer than it serves, one may be missing.
    bench.set_faults(&["total:form=less,only=eob"]);
    for full in [true, false] {
        let read = bench.extract_with(|options| options.full = full);
        let outcome = read.await.unwrap();
        assert_eq!(outcome.patients_in(PatientState::Complete), 2);
        assert_eq!(outcome.unproven.values().sum::<u64>(), 1, "{full}");
        assert!(outcome.vanished.is_empty() && outcome.doubted.is_empty());
        assert!(gone(&bench).is_empty());
    }
    bench.set_faults(&[]);
    let outcome = bench.extract().await.unwrap();
    assert!(outcome.unproven.is_empty());
    assert_eq!(outcome.vanished.values().sum::<u64>(), 1);
    assert_eq!(gone(&bench).len(), 1);
}

#[tokio::test]
async fn an_empty_answer_where_claims_were_lists_nothing_however_often_it_comes() {
    for api in BOTH {
        let bench = Bench::start(api, 2, &[]).await;
        bench.extract().await.unwrap();
        bench.set_faults(&["empty:only=eob"]);
        for _ in 0..2 {
            let outcome = bench.extract_full().await;
            assert_eq!(outcome.patients_in(PatientState::SuspectEmpty), 2);
            assert!(outcome.vanished.is_empty() && outcome.doubted.is_empty());
        }
        assert!(gone(&bench).is_empty());
    }
}

#[tokio::test]
async fn what_a_killed_run_had_noted_as_gone_is_sealed_though_nothing_landed() {
    let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
    bench.extract().await.unwrap();
    let state = bench.claim_states().remove(0);
    let manifests = sealed_runs(&bench.layout).unwrap();
    let patient = manifests[0].manifest.patients[0].clone();
    let hash = claimlake_fhir::id_hash(b"\"a\"");
    let patient = LandingPatient {
        resources: 0,
        frames: Vec::new(),
        gone: vec![hash],
        ..patient
    };
    let detail = serde_json::json!({"api": "v2", "patient": patient, "frames": []});
    let killed = RunId::after(Some(&state.run), Utc::now(), 7);
    bench.vault.begin_run(&killed, "extract").unwrap();
    let state = ExtractState {
        run: killed.clone(),
        ..state
    };
    bench.record_state(state, Some(detail.to_string()));
    let present = RunId::after(Some(&killed), Utc::now(), 8);
    seal_interrupted_runs(&bench.vault, &bench.layout, &present).unwrap();
    assert_eq!(gone(&bench), [(killed, vec![hash])]);
    assert!(landing_runs(&bench.layout).unwrap().unsealed.is_empty());
    assert!(bench.vault.checkpointed_runs().unwrap().is_empty());
}
