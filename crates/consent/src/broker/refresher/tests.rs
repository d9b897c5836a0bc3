//! Tests of refreshing against a sandbox, in one process.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Utc;
use claimlake_contract::{ApiVersion, Clock, FixedClock, GrantHandle, Secret, SystemClock};
use claimlake_sandbox::{Sandbox, SandboxConfig};
use claimlake_vault::{GrantState, Refreshed};

use super::outcome::LOST_ANSWER;
use super::{RefreshPolicy, Refresher};
use crate::ConsentError;
use crate::endpoint::Endpoint;
use crate::testing::vault_at;
use crate::{App, AutomaticConsent};

pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) refresher: Arc<Refresher>,
    pub(super) grants: Vec<GrantHandle>,
    _data: tempfile::TempDir,
}

pub(super) async fn world(api: ApiVersion, people: usize, clock: Arc<dyn Clock>) -> World {
    let sandbox = claimlake_sandbox::start(SandboxConfig {
        patients: people,
        auto_consent: true,
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let data = tempfile::tempdir().unwrap();
    let vault = Arc::new(vault_at(data.path(), clock.clone()));
    let app = app_of(&sandbox, sandbox.client_secret().clone());
    let mut grants = Vec::new();
    {
        let consent =
            AutomaticConsent::begin(app.clone(), &vault, "http://127.0.0.1/callback").unwrap();
        for login in sandbox.logins() {
            let now = || clock.now();
            grants.push(consent.consent(api, &login, now).await.unwrap().handle);
        }
    }
    let endpoint = Endpoint::new(app).unwrap();
    World {
        refresher: Refresher::new(vault, endpoint, clock, RefreshPolicy::impatient()),
        sandbox,
        grants,
        _data: data,
    }
}

fn app_of(sandbox: &Sandbox, secret: Secret) -> App {
    App::new(sandbox.url(), sandbox.client_id(), secret).unwrap()
}

impl World {
    pub(super) fn fault(&self, spec: &str) {
        self.sandbox.set_faults(vec![spec.parse().unwrap()]);
    }

    /// Asks for a token newer than the present one.
    pub(super) async fn renew(&self, grant: &GrantHandle) -> Result<u64, ConsentError> {
        let present = self.refresher.vault().grant(grant).unwrap().generation;
        let token = self.refresher.token(grant, Some(present)).await?;
        Ok(token.generation)
    }

    /// The server has never seen the grant's refresh token from now on: "Request denied" on v3.
    pub(super) fn forget_token(&self, grant: &GrantHandle) {
        let vault = self.refresher.vault();
        let mut tokens = vault.tokens(grant).unwrap();
        tokens.refresh_token = Some(Secret::new("unknown0unknown0unknown0unknow"));
        let refreshed = Refreshed {
            tokens,
            scopes: None,
            patient: None,
            grant_expires_at: None,
        };
        vault.finish_refresh(grant, &refreshed).unwrap();
    }

    /// The same vault in another process: what was heard is forgotten, what was written is not.
    pub(super) fn restarted(&self, clock: Arc<dyn Clock>) -> Arc<Refresher> {
        self.restarted_as(self.sandbox.client_secret().clone(), clock)
    }

    fn restarted_as(&self, secret: Secret, clock: Arc<dyn Clock>) -> Arc<Refresher> {
        let endpoint = Endpoint::new(app_of(&self.sandbox, secret)).unwrap();
        let vault = Arc::clone(self.refresher.vault());
        Refresher::new(vault, endpoint, clock, RefreshPolicy::impatient())
    }

    pub(super) fn state(&self, grant: &GrantHandle) -> (GrantState, Option<String>) {
        let grant = self.refresher.vault().grant(grant).unwrap();
        (grant.state, grant.reason)
    }
}

/// Lets other tasks go on until something holds, a minute at most. It looks without a pause: what is
/// looked for may last for milliseconds.
async fn until(holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 60, "not within a minute");
        tokio::task::yield_now().await;
    }
}

pub(super) fn system() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

#[tokio::test]
async fn a_token_with_life_left_is_lent_without_a_refresh() {
    let world = world(ApiVersion::V2, 1, system()).await;
    for _ in 0..3 {
        world.refresher.token(&world.grants[0], None).await.unwrap();
    }
    assert_eq!(world.sandbox.account().refreshes(), 0);
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_before_it_is_lent() {
    let clock = Arc::new(FixedClock::at(Utc::now()));
    let world = world(ApiVersion::V3, 1, clock.clone()).await;
    clock.advance(chrono::TimeDelta::minutes(54));
    world.refresher.token(&world.grants[0], None).await.unwrap();
    assert_eq!(world.sandbox.account().refreshes(), 0);
    clock.advance(chrono::TimeDelta::minutes(2));
    let token = world.refresher.token(&world.grants[0], None).await.unwrap();
    assert_eq!(world.sandbox.account().refreshes(), 1);
    assert!(token.expires_at > clock.now() + chrono::TimeDelta::minutes(50));
}

#[tokio::test]
async fn a_refresh_happens_once_when_ten_callers_are_refused_together() {
    let world = world(ApiVersion::V2, 1, system()).await;
    let grant = &world.grants[0];
    let present = world.refresher.vault().grant(grant).unwrap().generation;
    let asked = (0..10).map(|_| world.refresher.token(grant, Some(present)));
    let generations: BTreeSet<u64> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .map(|token| token.unwrap().generation)
        .collect();
    assert_eq!(generations, BTreeSet::from([present + 1]));
    // One that heard of the refusal late gets the token that is there.
    world.refresher.token(grant, Some(present)).await.unwrap();
    assert_eq!(world.sandbox.account().refreshes(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_its_refresh() {
    let world = world(ApiVersion::V2, 1, system()).await;
    let grant = world.grants[0].clone();
    let refresher = Arc::clone(&world.refresher);
    let caller = tokio::spawn(async move { refresher.token(&grant, Some(u64::MAX - 1)).await });
    let vault = world.refresher.vault();
    until(|| !vault.open_refreshes().unwrap().is_empty()).await;
    caller.abort();
    until(|| world.refresher.under_way() == 0).await;
    assert_eq!(world.sandbox.account().refreshes(), 1);
    assert!(world.refresher.vault().open_refreshes().unwrap().is_empty());
    world.renew(&world.grants[0]).await.unwrap();
    assert_eq!(world.sandbox.account().refresh_tokens_reused(), 0);
}

#[tokio::test]
async fn no_more_refreshes_are_under_way_than_may_be_lost_at_once() {
    let mut world = world(ApiVersion::V2, 9, system()).await;
    let policy = RefreshPolicy {
        at_once: 3,
        ..RefreshPolicy::impatient()
    };
    let (vault, endpoint) = (world.refresher.vault().clone(), world.refresher.endpoint());
    world.refresher = Refresher::new(vault, endpoint.clone(), system(), policy);
    world.fault("slow:ms=400,only=token");
    let renewed = world.grants.iter().map(|grant| world.renew(grant));
    for generation in futures_util::future::join_all(renewed).await {
        generation.unwrap();
    }
    let account = world.sandbox.account();
    assert_eq!((account.refreshes(), account.most_in_flight), (9, 3));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_refreshed() {
    let world = world(ApiVersion::V2, 1, system()).await;
    let all_permits = world.refresher.gate.permits.acquire_many(16).await.unwrap();
    let grant = world.grants[0].clone();
    let refresher = Arc::clone(&world.refresher);
    let caller = tokio::spawn(async move { refresher.token(&grant, Some(u64::MAX - 1)).await });
    until(|| world.refresher.under_way() > 0).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    drop(all_permits);
    until(|| world.refresher.under_way() == 0).await;
    assert_eq!(world.sandbox.account().refreshes(), 0);
    world.renew(&world.grants[0]).await.unwrap();
}

#[tokio::test]
async fn exactly_the_grants_whose_answer_was_lost_need_a_consent_with_the_reason() {
    for (api, fault) in [
        (ApiVersion::V2, "rotate-then-502:count=2"),
        (ApiVersion::V2, "rotate-then-drop:count=2"),
        (ApiVersion::V3, "rotate-then-502:count=2"),
        (ApiVersion::V3, "rotate-then-drop:count=2"),
    ] {
        let world = world(api, 6, system()).await;
        world.fault(fault);
        let mut lost = 0;
        for grant in &world.grants {
            match world.renew(grant).await {
                Ok(_) => assert_eq!(world.state(grant).0, GrantState::Active),
                Err(ConsentError::NeedsConsent { reason }) => {
                    lost += 1;
                    assert_eq!(reason, LOST_ANSWER);
                    let expected = (GrantState::NeedsConsent, Some(LOST_ANSWER.to_owned()));
                    assert_eq!(world.state(grant), expected);
                }
                Err(other) => panic!("{fault}: {other}"),
            }
        }
        assert_eq!(lost, 2, "{api} {fault}");
        let lost_there: u64 = world
            .sandbox
            .account()
            .patients
            .values()
            .map(|person| person.refreshes_lost)
            .sum();
        assert_eq!(lost_there, 2);
    }
}

#[tokio::test]
async fn an_answer_cut_in_half_is_a_lost_one() {
    let world = world(ApiVersion::V2, 1, system()).await;
    world.fault("cut:only=token,count=1");
    let error = world.renew(&world.grants[0]).await.unwrap_err();
    assert!(matches!(&error, ConsentError::NeedsConsent { reason } if reason == LOST_ANSWER));
}

#[tokio::test]
async fn a_server_that_is_down_ends_no_grant_and_leaves_no_doubt() {
    let world = world(ApiVersion::V2, 1, system()).await;
    let grant = world.grants[0].clone();
    world.sandbox.shutdown().await;
    let error = world
        .refresher
        .token(&grant, Some(u64::MAX - 1))
        .await
        .unwrap_err();
    let reason = error.to_string();
    assert!(
        matches!(error, ConsentError::Unavailable { .. }),
        "{reason}"
    );
    for words in [
        "POST /v2/o/token/ at 127.0.0.1:",
        "refused",
        "source.base_url",
    ] {
        assert!(reason.contains(words), "{reason}");
    }
    let vault = world.refresher.vault();
    assert!(vault.open_refreshes().unwrap().is_empty());
    assert_eq!(vault.grant(&grant).unwrap().state, GrantState::Active);
}

#[tokio::test]
async fn a_wrong_secret_stops_everything_before_a_token_is_burnt() {
    let world = world(ApiVersion::V2, 3, system()).await;
    let refresher = world.restarted_as(Secret::new("x".repeat(128)), system());
    let vault = world.refresher.vault();
    for grant in &world.grants {
        let error = refresher
            .token(grant, Some(u64::MAX - 1))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ConsentError::Configuration { reason }
            if reason.contains("client_secret_env")),
            "{error}"
        );
    }
    let posts = world.sandbox.account().requests_to("POST /v2/o/token");
    assert_eq!(posts, 3 + 1, "three exchanges and one refused refresh");
    assert!(vault.open_refreshes().unwrap().is_empty());
    for grant in &world.grants {
        world.renew(grant).await.unwrap();
    }
}

#[tokio::test]
async fn those_who_wait_beside_an_answer_that_ends_the_run_post_nothing() {
    let world = world(ApiVersion::V2, 12, system()).await;
    let refresher = world.restarted_as(Secret::new("x".repeat(128)), system());
    let vault = world.refresher.vault();
    let asked = (world.grants.iter()).map(|grant| refresher.token(grant, Some(u64::MAX - 1)));
    for outcome in futures_util::future::join_all(asked).await {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, ConsentError::Configuration { .. }),
            "{error}"
        );
    }
    let posts = world.sandbox.account().requests_to("POST /v2/o/token");
    assert_eq!(posts, 12 + 1, "twelve exchanges and one refused refresh");
    assert!(vault.open_refreshes().unwrap().is_empty());
}

#[tokio::test]
async fn three_denials_without_an_acceptance_stop_the_run_and_end_no_grant() {
    let world = world(ApiVersion::V3, 4, system()).await;
    for grant in &world.grants {
        world.forget_token(grant);
    }
    let mut errors = Vec::new();
    for grant in &world.grants {
        errors.push(world.renew(grant).await.unwrap_err());
    }
    assert!(
        matches!(errors[2], ConsentError::Configuration { .. }),
        "{}",
        errors[2]
    );
    assert!(
        matches!(errors[3], ConsentError::Configuration { .. }),
        "{}",
        errors[3]
    );
    // Those that were denied are in doubt since then; the last one was not asked for.
    for grant in &world.grants[..3] {
        assert_eq!(world.state(grant).0, GrantState::Doubtful);
    }
    assert_eq!(world.state(&world.grants[3]).0, GrantState::Active);
}

#[tokio::test]
async fn a_denial_after_an_acceptance_ends_that_grant_only() {
    let world = world(ApiVersion::V3, 5, system()).await;
    world.renew(&world.grants[0]).await.unwrap();
    world.fault("revoked-token:only=token");
    let _ = world.renew(&world.grants[1]).await;
    world.sandbox.set_faults(Vec::new());
    for grant in &world.grants[2..] {
        world.renew(grant).await.unwrap();
    }
}

#[tokio::test]
async fn a_crash_in_doubt_is_followed_by_one_try_with_the_old_token() {
    let world = world(ApiVersion::V2, 2, system()).await;
    let vault = world.refresher.vault();
    // The process ended after the intent and before the POST: the token is still good.
    vault.begin_refresh(&world.grants[0]).unwrap();
    world.refresher.token(&world.grants[0], None).await.unwrap();
    assert_eq!(world.sandbox.account().refreshes(), 1);
    // It ended after the rotation: the token is used up.
    let intent = vault.begin_refresh(&world.grants[1]).unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", intent.refresh_token.expose()),
    ];
    let endpoint = world.refresher.endpoint();
    endpoint
        .post(endpoint.app().token_url(ApiVersion::V2), &form)
        .await;
    let error = world
        .refresher
        .token(&world.grants[1], None)
        .await
        .unwrap_err();
    assert!(matches!(&error, ConsentError::NeedsConsent { reason } if reason == LOST_ANSWER));
    let posts = world.sandbox.account().requests_to("POST /v2/o/token");
    let error = world
        .refresher
        .token(&world.grants[1], None)
        .await
        .unwrap_err();
    assert!(matches!(error, ConsentError::NeedsConsent { .. }));
    assert_eq!(
        world.sandbox.account().requests_to("POST /v2/o/token"),
        posts
    );
}
