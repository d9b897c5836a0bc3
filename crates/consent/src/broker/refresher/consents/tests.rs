//! Tests of consents in doubt, against a sandbox, and of answers that name somebody else, against a
//! server that answers from a list.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use claimlake_contract::{ApiVersion, FixedClock, GrantHandle, Secret};
use claimlake_vault::GrantState;

use super::super::tests::{system, world};
use super::super::{BrokerLifetime, RefreshPolicy, Refresher};
use super::{ANOTHER_PATIENT, ENDED_BY_OTHERS, IN_DOUBT};
use crate::App;
use crate::ConsentError;
use crate::endpoint::Endpoint;
use crate::testing::{new_grant, post_json, serve, vault};

async fn renew(refresher: &Arc<Refresher>, grant: &GrantHandle) -> Result<u64, ConsentError> {
    let present = refresher.vault().grant(grant).unwrap().generation;
    let token = refresher.token(grant, Some(present)).await?;
    Ok(token.generation)
}

#[tokio::test]
async fn a_denial_alone_leaves_the_grant_in_doubt_and_is_not_repeated_in_the_same_run() {
    let world = world(ApiVersion::V3, 2, system()).await;
    let grant = &world.grants[0];
    world.forget_token(grant);
    for _ in 0..3 {
        let error = world.renew(grant).await.unwrap_err();
        assert!(matches!(error, ConsentError::Doubtful { .. }), "{error}");
    }
    let expected = (GrantState::Doubtful, Some(IN_DOUBT.to_owned()));
    assert_eq!(world.state(grant), expected);
    let posts = world.sandbox.account().requests_to("POST /v3/o/token");
    assert_eq!(posts, 2 + 1, "two exchanges and one refresh");
}

#[tokio::test]
async fn a_doubt_is_decided_by_time_in_another_run() {
    for (hours, expected) in [
        (0, GrantState::Doubtful),
        (1, GrantState::Doubtful),
        (3, GrantState::NeedsConsent),
        (24, GrantState::NeedsConsent),
    ] {
        let clock = Arc::new(FixedClock::at(Utc::now()));
        let world = world(ApiVersion::V3, 1, clock.clone()).await;
        let grant = &world.grants[0];
        world.forget_token(grant);
        world.renew(grant).await.unwrap_err();
        clock.advance(TimeDelta::hours(hours));
        let next = world.restarted(clock);
        let error = renew(&next, grant).await.unwrap_err();
        assert_eq!(world.state(grant).0, expected, "{hours} hours: {error}");
    }
}

#[tokio::test]
async fn all_denied_is_reported_to_every_caller_and_keeps_since_when_each_was_in_doubt() {
    for people in [3, 4, 6] {
        let clock = Arc::new(FixedClock::at(Utc::now()));
        let world = world(ApiVersion::V3, people, clock.clone()).await;
        world
            .grants
            .iter()
            .for_each(|grant| world.forget_token(grant));
        let mut since = None;
        for night in 0..3 {
            let run = world.restarted(clock.clone());
            // Each asks twice, as an extraction does: before its permits, and with a request.
            for _ in 0..2 {
                futures_util::future::join_all(world.grants.iter().map(|grant| renew(&run, grant)))
                    .await;
            }
            for grant in &world.grants {
                let error = renew(&run, grant).await.unwrap_err();
                let ConsentError::Configuration { reason } = error else {
                    panic!("{people} {night}: {error}");
                };
                assert!(reason.contains("three in a row"), "{reason}");
                assert!(world.state(grant).0.is_usable(), "{people} {night}");
            }
            let grants = world.refresher.vault().grants().unwrap();
            let mut doubtful: Vec<_> = grants
                .iter()
                .filter(|grant| grant.state == GrantState::Doubtful)
                .map(|grant| grant.state_since)
                .collect();
            assert!(doubtful.len() >= 3, "{people} {night}: {doubtful:?}");
            doubtful.sort();
            let first = *since.get_or_insert(doubtful[0]);
            assert_eq!(doubtful[0], first, "{people} {night}");
            clock.advance(TimeDelta::hours(24));
        }
        // The others were renewed or removed: of one alone, the second denial is the end.
        let in_doubt = world.grants.iter().find(|grant| {
            let state = world.state(grant).0;
            state == GrantState::Doubtful
        });
        let in_doubt = in_doubt.unwrap();
        let run = world.restarted(clock);
        renew(&run, in_doubt).await.unwrap_err();
        assert_eq!(world.state(in_doubt).0, GrantState::NeedsConsent);
    }
}

#[tokio::test]
async fn an_accepted_refresh_of_another_grant_ends_the_one_in_doubt() {
    let world = world(ApiVersion::V3, 3, system()).await;
    world.forget_token(&world.grants[0]);
    world.renew(&world.grants[0]).await.unwrap_err();
    world.renew(&world.grants[1]).await.unwrap();
    let ended = (GrantState::NeedsConsent, Some(ENDED_BY_OTHERS.to_owned()));
    assert_eq!(world.state(&world.grants[0]), ended);
    // After it, a denial is the end at once.
    world.forget_token(&world.grants[2]);
    let error = world.renew(&world.grants[2]).await.unwrap_err();
    assert!(
        matches!(error, ConsentError::NeedsConsent { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_app_that_may_not_use_v3_ends_no_consent_and_each_is_good_again_afterwards() {
    for people in [1, 2, 4] {
        let clock = Arc::new(FixedClock::at(Utc::now()));
        let world = world(ApiVersion::V3, people, clock.clone()).await;
        let gate = async |who: &str| {
            let body = format!(r#"{{"v3":"{who}"}}"#);
            post_json(world.sandbox.url(), "/_sandbox/settings", &body).await
        };
        gate("early-adopters").await;
        for grant in &world.grants {
            world.renew(grant).await.unwrap_err();
        }
        for grant in &world.grants {
            assert!(world.state(grant).0.is_usable(), "{people}");
        }
        gate("open").await;
        let next = world.restarted(clock);
        for grant in &world.grants {
            renew(&next, grant).await.unwrap();
            assert_eq!(world.state(grant), (GrantState::Active, None));
        }
    }
}

#[tokio::test]
async fn what_a_resource_has_shown_about_older_tokens_ends_no_newer_consent() {
    let world = world(ApiVersion::V2, 1, system()).await;
    let grant = &world.grants[0];
    let present = world.refresher.vault().grant(grant).unwrap().generation;
    world.renew(grant).await.unwrap();
    let noted = world.refresher.consent_ended(grant, present, "over").await;
    noted.unwrap();
    assert_eq!(world.state(grant).0, GrantState::Active);
    let noted = world
        .refresher
        .consent_ended(grant, present + 1, "over")
        .await;
    noted.unwrap();
    let expected = (GrantState::NeedsConsent, Some("over".to_owned()));
    assert_eq!(world.state(grant), expected);
}

#[tokio::test]
async fn a_refresh_that_names_another_patient_is_refused_and_neither_pair_is_used() {
    let good = GrantState::Active;
    let refused = GrantState::NeedsConsent;
    for (named, expected) in [
        (r#""patient":"-71","#, good),
        (r#""patient":" -71 ","#, good),
        (r#""patient":-71,"#, good),
        (r#""patient":"","#, good),
        (r#""patient":null,"#, good),
        ("", good),
        (r#""patient":"-72","#, refused),
        (r#""patient":72,"#, refused),
        (r#""patient":"71","#, refused),
        (r#""patient":"-710","#, refused),
        (r#""patient":"Patient/-71","#, refused),
    ] {
        for api in [ApiVersion::V2, ApiVersion::V3] {
            let body = format!(
                r#"{{"access_token":"new-access","refresh_token":"new-refresh",{named}"expires_in":3600}}"#
            );
            let path = format!("/{api}/o/token/");
            let url = serve(&[(&path, 200, &body)]).await;
            let data = tempfile::tempdir().unwrap();
            let vault = Arc::new(vault(data.path()));
            let stored = vault.insert_or_renew(&new_grant(api, Some("-71"), "old-refresh"));
            let handle = stored.unwrap().handle;
            let app = App::new(&url, "app", Secret::new("x")).unwrap();
            let endpoint = Endpoint::new(app).unwrap();
            let policy = RefreshPolicy::of(BrokerLifetime::MayEndWithRun);
            let refresher = Refresher::new(Arc::clone(&vault), endpoint, system(), policy);
            let lent = refresher.token(&handle, None).await;
            let grant = vault.grant(&handle).unwrap();
            assert_eq!(grant.state, expected, "{named} {api}");
            assert_eq!(grant.patient.unwrap().expose(), "-71", "{named}");
            let tokens = vault.tokens(&handle).unwrap();
            if expected == good {
                assert_eq!(lent.unwrap().secret.expose(), "new-access");
                continue;
            }
            assert!(tokens.access_token.is_none() && tokens.refresh_token.is_none());
            let reason = grant.reason.unwrap();
            assert_eq!(reason, ANOTHER_PATIENT);
            assert!(!reason.contains("71") && !reason.contains("72"), "{reason}");
            let error = lent.unwrap_err();
            assert!(
                matches!(error, ConsentError::NeedsConsent { .. }),
                "{error}"
            );
            let again = refresher.token(&handle, None).await;
            assert!(matches!(again, Err(ConsentError::NeedsConsent { .. })));
        }
    }
}
