//! What full reads no longer found, in the manifests of landing.

use chrono::Utc;
use claimlake_contract::{ApiVersion, IdHash, LandingPatient, PatientState, ResourceType, RunId};
use claimlake_landing::{landing_runs, sealed_runs};
use claimlake_vault::{ExtractState, StateChange};

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
    for api in [ApiVersion::V2, ApiVersion::V3] {
        let bench = Bench::start(api, 2, &[]).await;
        bench.extract().await.unwrap();
        let login = bench.sandbox.logins()[0].clone();
        let ids = |bench: &Bench| bench.sandbox.truth(api)[0].eob_ids.clone();
        let before = ids(&bench);
        bench.sandbox.remove_claim(&login, api);
        let after = ids(&bench);
        let lost = before.iter().find(|id| !after.contains(id)).unwrap();
        let read = bench.extract_with(|options| options.full = true);
        let outcome = read.await.unwrap();
        assert_eq!(outcome.vanished.values().sum::<u64>(), 1);
        let hash = claimlake_fhir::id_hash(format!("\"{lost}\"").as_bytes());
        assert_eq!(gone(&bench), [(outcome.run, vec![hash])]);
        // It is listed once.
        let read = bench.extract_with(|options| options.full = true);
        assert!(read.await.unwrap().vanished.is_empty());
    }
}

#[tokio::test]
async fn an_odd_answer_lists_nothing_and_the_next_run_reads_everything_again() {
    let api = ApiVersion::V2;
    let bench = Bench::start(api, 2, &[]).await;
    bench.extract().await.unwrap();
    let login = bench.sandbox.logins()[0].clone();
    bench.sandbox.remove_claim(&login, api);
    // Of a server that counts fewer than it serves, one may be missing.
    let odd = || vec!["total:form=less,only=eob".parse().unwrap()];
    bench.sandbox.set_faults(odd());
    for full in [true, false] {
        let read = bench.extract_with(|options| options.full = full);
        let outcome = read.await.unwrap();
        assert_eq!(outcome.patients_in(PatientState::Complete), 2);
        assert_eq!(outcome.unproven.values().sum::<u64>(), 1, "{full}");
        assert!(outcome.vanished.is_empty() && outcome.doubted.is_empty());
        assert!(gone(&bench).is_empty());
    }
    bench.sandbox.set_faults(Vec::new());
    let outcome = bench.extract().await.unwrap();
    assert!(outcome.unproven.is_empty());
    assert_eq!(outcome.vanished.values().sum::<u64>(), 1);
    assert_eq!(gone(&bench).len(), 1);
}

#[tokio::test]
async fn an_empty_answer_where_claims_were_lists_nothing_however_often_it_comes() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        let bench = Bench::start(api, 2, &[]).await;
        bench.extract().await.unwrap();
        bench
            .sandbox
            .set_faults(vec!["empty:only=eob".parse().unwrap()]);
        for _ in 0..2 {
            let read = bench.extract_with(|options| options.full = true);
            let outcome = read.await.unwrap();
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
    let claims = ResourceType::explanation_of_benefit();
    let states = bench.vault.extract_states().unwrap();
    let state = states
        .into_iter()
        .find(|state| state.resource == claims)
        .unwrap();
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
    let change = StateChange {
        state: ExtractState {
            run: killed.clone(),
            ..state
        },
        held: None,
        full_read: None,
        checkpoint: Some(detail.to_string()),
    };
    bench.vault.record_extract(&[change]).unwrap();
    let present = RunId::after(Some(&killed), Utc::now(), 8);
    seal_interrupted_runs(&bench.vault, &bench.layout, &present).unwrap();
    assert_eq!(gone(&bench), [(killed, vec![hash])]);
    assert!(landing_runs(&bench.layout).unwrap().unsealed.is_empty());
    assert!(bench.vault.checkpointed_runs().unwrap().is_empty());
}
