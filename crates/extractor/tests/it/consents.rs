//! Consents that end while their token lives, and what the vault says of them afterwards.

use claimlake_consent::testing::{post_json, serve};
use claimlake_contract::{ApiVersion, ExitCode, GrantHandle, PatientState};
use claimlake_extractor::ExtractOutcome;
use claimlake_vault::{GrantState, Refreshed, TokenPair};

use crate::BOTH;
use crate::harness::Bench;

async fn end_grant(bench: &Bench, login: &str, action: &str) {
    let body = format!(r#"{{"login":"{login}","action":"{action}"}}"#);
    post_json(bench.sandbox.url(), "/_sandbox/grant", &body).await;
}

fn states(bench: &Bench) -> Vec<GrantState> {
    let grants = bench.vault.grants().unwrap().into_iter();
    let mut states: Vec<GrantState> = grants.map(|grant| grant.state).collect();
    states.sort_by_key(|state| state.as_str());
    states
}

/// Stores tokens as a refresh does.
fn store_tokens(bench: &Bench, handle: &GrantHandle, tokens: TokenPair, scopes: Option<&str>) {
    let refreshed = Refreshed {
        tokens,
        scopes: scopes.map(Into::into),
        patient: None,
        grant_expires_at: None,
    };
    bench.vault.finish_refresh(handle, &refreshed).unwrap();
}

/// Extracts from a server that answers 403 to every search.
async fn extract_refused(bench: &Bench, body: &'static str) -> ExtractOutcome {
    let refusing = serve(&[
        ("/v2/fhir/Patient", 403, body),
        ("/v2/fhir/Coverage", 403, body),
        ("/v2/fhir/ExplanationOfBenefit", 403, body),
    ])
    .await;
    let refusing = refusing.parse().unwrap();
    let read = bench.extract_with(|options| options.base_url = refusing);
    read.await.unwrap()
}

#[tokio::test]
async fn a_consent_that_is_over_by_a_resource_s_answer_is_over_in_the_vault() {
    for api in BOTH {
        // The time of the consent has run out; the patient has stopped sharing.
        for action in ["expire", "delete"] {
            let bench = Bench::start(api, 3, &[]).await;
            end_grant(&bench, "BBUser00001", action).await;
            let outcome = bench.extract().await.unwrap();
            assert_eq!(
                outcome.exits(),
                [ExitCode::NeedsConsent],
                "{api} {action}: {:?}",
                outcome.problems
            );
            assert_eq!(outcome.patients_in(PatientState::NeedsConsent), 1);
            assert_eq!(outcome.patients_in(PatientState::Complete), 2);
            let expected = [
                GrantState::Active,
                GrantState::Active,
                GrantState::NeedsConsent,
            ];
            assert_eq!(states(&bench), expected, "{api} {action}");
            // The server is not asked again: only the patient can help.
            let before = bench.sandbox.account().statuses.clone();
            let outcome = bench.extract().await.unwrap();
            assert_eq!(outcome.exits(), [ExitCode::NeedsConsent]);
            let refused = |statuses: &std::collections::BTreeMap<u16, u64>| {
                [401, 403]
                    .map(|status| statuses.get(&status).copied().unwrap_or(0))
                    .into_iter()
                    .sum::<u64>()
            };
            assert_eq!(refused(&bench.sandbox.account().statuses), refused(&before));
        }
    }
}

#[tokio::test]
async fn resources_that_the_scopes_leave_out_say_nothing_about_the_consent() {
    let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
    let handle = bench.vault.grants().unwrap()[0].handle.clone();
    let tokens = bench.vault.tokens(&handle).unwrap();
    store_tokens(
        &bench,
        &handle,
        tokens,
        Some("openid patient/Coverage.read"),
    );
    bench.extract_well().await;
    assert_eq!(states(&bench), [GrantState::Active]);
}

#[tokio::test]
async fn a_patient_in_doubt_is_parked_and_decided_by_the_others_of_the_same_run() {
    let bench = Bench::start(ApiVersion::V3, 2, &[]).await;
    let grants = bench.vault.grants().unwrap();
    // One token that the server has never seen, and both access tokens to be renewed.
    let spoil = |index: usize, refresh: Option<&str>| {
        let handle = &grants[index].handle;
        let mut tokens = bench.vault.tokens(handle).unwrap();
        tokens.access_expires_at = Some(chrono::Utc::now());
        if let Some(refresh) = refresh {
            tokens.refresh_token = Some(claimlake_contract::Secret::new(refresh));
        }
        store_tokens(&bench, handle, tokens, None);
    };
    spoil(0, Some("unknown0unknown0unknown0unknow"));
    let alone = bench.extract().await.unwrap();
    assert_eq!(alone.exits(), [ExitCode::Parked], "{:?}", alone.problems);
    let reason = &alone.problems[0].reason;
    assert!(reason.contains("the next run tries again"), "{reason}");
    assert_eq!(states(&bench), [GrantState::Active, GrantState::Doubtful]);
    spoil(1, None);
    let decided = bench.extract().await.unwrap();
    assert_eq!(
        decided.exits(),
        [ExitCode::NeedsConsent],
        "{:?}",
        decided.problems
    );
    assert_eq!(
        states(&bench),
        [GrantState::Active, GrantState::NeedsConsent]
    );
}

#[tokio::test]
async fn a_403_on_everything_ends_a_consent_only_in_the_server_s_own_words() {
    let own = r#"{"detail":"You do not have permission to perform this action."}"#;
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"Access denied"}]}"#;
    for (body, exit, state) in [
        (own, ExitCode::NeedsConsent, GrantState::NeedsConsent),
        (
            r#"{"message":"Forbidden"}"#,
            ExitCode::Parked,
            GrantState::Doubtful,
        ),
        ("Forbidden", ExitCode::Parked, GrantState::Doubtful),
        ("", ExitCode::Parked, GrantState::Doubtful),
        (outcome, ExitCode::Parked, GrantState::Doubtful),
    ] {
        for patients in [1, 2] {
            let bench = Bench::start(ApiVersion::V2, patients, &[]).await;
            let refused = extract_refused(&bench, body).await;
            assert_eq!(refused.exits(), [exit], "{body} {:?}", refused.problems);
            assert!(states(&bench).iter().all(|found| *found == state), "{body}");
            if state == GrantState::Doubtful {
                // New tokens decide nothing; an answer does.
                for grant in bench.vault.grants().unwrap() {
                    let tokens = bench.vault.tokens(&grant.handle).unwrap();
                    store_tokens(&bench, &grant.handle, tokens, None);
                    let after = bench.vault.grant(&grant.handle).unwrap();
                    assert_eq!(after.state_since, grant.state_since);
                }
                assert!(states(&bench).iter().all(|found| *found == state));
                bench.extract_well().await;
                let mut states = states(&bench).into_iter();
                assert!(states.all(|found| found == GrantState::Active));
            }
        }
    }
}

#[tokio::test]
async fn everything_refused_again_hours_later_is_the_end_whoever_refuses() {
    for (hours, exit) in [(1, ExitCode::Parked), (3, ExitCode::NeedsConsent)] {
        let bench = Bench::start(ApiVersion::V2, 1, &[]).await;
        let handle = bench.vault.grants().unwrap()[0].handle.clone();
        let since = chrono::Utc::now() - chrono::TimeDelta::hours(hours);
        let reason = claimlake_vault::REFUSED_IN_DOUBT;
        bench.vault.doubt_grant(&handle, since, reason).unwrap();
        let refused = extract_refused(&bench, "").await;
        assert_eq!(refused.exits(), [exit], "{hours}: {:?}", refused.problems);
    }
}
