//! The failure matrix: every fault ends in "complete" or in a named state, the run goes on, and
//! no patient ever gets another's resources, no bearer goes to another origin.

use claimlake_contract::{ApiVersion, PatientState};
use claimlake_sandbox::SandboxConfig;
use claimlake_vault::ExtractState;

use crate::BOTH;
use crate::harness::Bench;

const PATIENTS: u64 = 6;

/// What a row must come to.
#[derive(Debug, Clone, Copy)]
enum Expect {
    /// Every patient is complete.
    AllComplete,
    /// Every patient is complete or in this state.
    SomeIn(PatientState),
    /// Every patient is complete or incomplete: the set moved all the time.
    CompleteOrIncomplete,
    /// The one patient with the fault is in this state, all others are complete.
    One(PatientState),
}

use Expect::{AllComplete, CompleteOrIncomplete, One, SomeIn};
use PatientState::{Failed, ForeignResource, NeedsConsent, Parked};

macro_rules! rows {
    ($($name:literal, [$($fault:literal),*] => $expect:expr;)*) => {
        &[$(($name, &[$($fault),*], $expect),)*]
    };
}

/// Name, faults, expectation.
const MATRIX: &[(&str, &[&str], Expect)] = rows! {
    "no fault", [] => AllComplete;
    "five per cent of bodies cut", ["cut:rate=5%"] => AllComplete;
    "ten per cent of connections dropped", ["drop:rate=10%"] => AllComplete;
    "five per cent 503", ["503:rate=5%"] => AllComplete;
    "500, 502 and 504 now and then", ["500:rate=3%", "502:rate=3%", "504:rate=3%"] => AllComplete;
    "the backend fails now and then", ["backend:rate=5%"] => AllComplete;
    "an HTML page with 502", ["html:rate=5%"] => AllComplete;
    "an HTML page with 200", ["html:status=200,rate=5%"] => AllComplete;
    "an HTML page with 200 for one patient, always",
        ["html:status=200,patient=BBUser00001"] => One(Failed);
    "an OperationOutcome with 200", ["outcome:rate=5%"] => AllComplete;
    "answers that begin late", ["slow:ms=300,rate=10%"] => AllComplete;
    "answers that trickle", ["slow-body:ms=300,rate=10%"] => AllComplete;
    "answers that hang once", ["hang:count=2"] => AllComplete;
    "429 with seconds", ["429:rate=5%,retry-after=1"] => AllComplete;
    "429 with a date", ["429:rate=5%,retry-after=date:1"] => AllComplete;
    "429 without a word", ["429:rate=5%,retry-after=none"] => AllComplete;
    "429 until tomorrow for one patient",
        ["429:retry-after=day,patient=BBUser00001"] => One(Parked);
    "next leads to another origin", ["next-foreign:form=origin"] => AllComplete;
    "next leads to the base as user name", ["next-foreign:form=userinfo"] => AllComplete;
    "next leads to a longer name", ["next-foreign:form=suffix"] => AllComplete;
    "next points at its own page", ["next-loop"] => AllComplete;
    "access tokens expire now and then", ["expired-token:rate=10%,count=10"] => AllComplete;
    "one patient ended the grant", ["revoked-token:patient=BBUser00001"] => One(NeedsConsent);
    "a claim appears between two pages", ["drift-insert:rate=10%,count=3"] => AllComplete;
    "a claim disappears between two pages", ["drift-delete:rate=10%,count=3"] => AllComplete;
    "claims appear all the time", ["drift-insert:rate=60%"] => CompleteOrIncomplete;
    "the weekly load arrives between two pages", ["weekly-load:count=1"] => AllComplete;
    "a resource of another patient for one patient",
        ["foreign-patient:patient=BBUser00001"] => One(ForeignResource);
    "a server that fails half the time", ["503:rate=50%"] => SomeIn(Failed);
    "a server that always fails one patient", ["503:patient=BBUser00001"] => One(Failed);
};

#[tokio::test]
async fn every_fault_ends_in_complete_or_in_a_named_state() {
    let mut wrong = Vec::new();
    for api in BOTH {
        for (name, faults, expect) in MATRIX {
            let bench = start(api, faults).await;
            let before = bench.landed_truth();
            let outcome = bench.extract().await.unwrap();
            bench.assert_no_resource_is_of_two_patients();
            // A patient who was read before a load has what there was then.
            let mut truth = bench.landed_truth();
            truth.retain(|key, _| before.contains_key(key) || !name.contains("weekly"));
            bench.assert_the_complete_have(&truth);
            let account = bench.sandbox.account();
            assert_eq!(account.leaked_tokens, 0, "{name}");
            assert_eq!(account.refresh_tokens_reused(), 0, "{name}");
            let complete = outcome.patients_in(PatientState::Complete);
            let in_state = |state| outcome.patients_in(state);
            let good = match *expect {
                AllComplete => complete == PATIENTS,
                SomeIn(state) => complete + in_state(state) == PATIENTS,
                CompleteOrIncomplete => complete + in_state(PatientState::Incomplete) == PATIENTS,
                One(state) => complete == PATIENTS - 1 && in_state(state) == 1,
            };
            if !good {
                wrong.push(format!(
                    "{api}, {name}: {:?}, {:?}",
                    outcome.by_state, outcome.problems
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn start(api: ApiVersion, faults: &[&str]) -> Bench {
    let config = SandboxConfig {
        patients: PATIENTS as usize,
        eobs_mean: 20,
        latency_ms: 2,
        ..SandboxConfig::default()
    };
    Bench::start_with(api, config, faults).await
}

#[tokio::test]
async fn access_tokens_that_live_a_second_are_renewed_once_each_time() {
    let config = SandboxConfig {
        patients: 4,
        latency_ms: 100,
        token_seconds: 1,
        ..SandboxConfig::default()
    };
    let bench = Bench::start_with(ApiVersion::V2, config, &[]).await;
    let read = bench.extract_with(|options| options.page_size = 2);
    let outcome = read.await.unwrap();
    assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
    bench.assert_all_landed_once();
    assert_eq!(bench.sandbox.account().refresh_tokens_reused(), 0);
}

#[tokio::test]
async fn a_silently_empty_answer_is_doubted_and_moves_nothing() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    bench.extract().await.unwrap();
    let before = bench.vault.extract_states().unwrap();
    bench.set_faults(&["empty:only=eob,patient=BBUser00000"]);
    let outcome = bench.extract_full().await;
    let suspect = outcome.patients_in(PatientState::SuspectEmpty);
    assert_eq!(suspect, 1, "{:?}", outcome.by_state);
    let after = bench.vault.extract_states().unwrap();
    let kept = |state: &ExtractState| (state.watermark, state.known_count);
    assert!(after.iter().map(kept).eq(before.iter().map(kept)));
    bench.assert_the_complete_are_complete();
}

#[tokio::test]
async fn a_patient_without_a_patient_resource_is_never_complete_at_once() {
    let faults = ["empty:only=patient,patient=BBUser00000"];
    let bench = Bench::start(ApiVersion::V2, 2, &faults).await;
    let outcome = bench.extract().await.unwrap();
    assert_eq!(outcome.patients_in(PatientState::SuspectEmpty), 1);
    assert_eq!(outcome.patients_in(PatientState::Complete), 1);
    bench.set_faults(&[]);
    bench.extract_well().await;
    bench.assert_all_landed_once();
}

#[tokio::test]
async fn one_empty_answer_of_several_is_read_again() {
    let bench = Bench::start(ApiVersion::V2, 2, &["empty:only=eob,count=1"]).await;
    bench.extract_well().await;
    bench.assert_all_landed_once();
}

/// A 403 of the backend reaches the client as a failure on v2, as a refusal on v3.
#[tokio::test]
async fn a_resource_type_that_is_refused_to_one_patient_concerns_no_other() {
    let faults = ["backend:status=403,only=coverage,patient=BBUser00000"];
    for (api, complete, state) in [
        (ApiVersion::V2, 1, PatientState::Failed),
        (ApiVersion::V3, 2, PatientState::Refused),
    ] {
        let bench = Bench::start(api, 2, &faults).await;
        let outcome = bench.extract().await.unwrap();
        assert_eq!(outcome.patients_in(PatientState::Complete), complete);
        let problems = outcome.problems.iter().map(|problem| problem.state);
        assert!(problems.eq([state.as_str()]), "{:?}", outcome.problems);
        bench.assert_the_complete_are_complete();
    }
}
