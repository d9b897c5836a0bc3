//! What is new since last time, and what has gone.

use claimlake_contract::ApiVersion;

use crate::BOTH;
use crate::harness::Bench;

#[tokio::test]
async fn after_a_weekly_load_what_is_new_or_changed_lands_and_nothing_else() {
    for api in BOTH {
        let bench = Bench::start(api, 4, &[]).await;
        let first = bench.extract().await.unwrap();
        let before = bench.landed();
        bench.sandbox.advance_week();
        let outcome = bench.extract_well().await;
        let landed: u64 = outcome.landed.values().sum();
        let all: u64 = first.landed.values().sum();
        assert!(landed > 0, "a week brings something");
        assert!(landed < all / 2, "{landed} of {all} landed again");
        bench.assert_nothing_missing();
        let is_more = bench.landed().len() > before.len();
        assert!(is_more, "new claims are among them");
    }
}

#[tokio::test]
async fn an_increment_asks_for_what_changed_only() {
    let bench = Bench::start(ApiVersion::V2, 3, &[]).await;
    let first = bench.extract().await.unwrap();
    let second = bench.extract().await.unwrap();
    assert!(second.pages <= first.pages);
    let claims = claimlake_contract::ResourceType::explanation_of_benefit();
    assert_eq!(second.by_resource[&claims].landed, 0);
}

#[tokio::test]
async fn a_claim_that_vanished_is_reported_on_a_full_read_and_stays_landed() {
    let bench = Bench::start(ApiVersion::V2, 2, &[]).await;
    bench.extract().await.unwrap();
    let before = bench.landed();
    bench.set_faults(&["drift-delete:count=1"]);
    let outcome = bench.extract_full().await;
    assert_eq!(outcome.exits(), [], "{:?}", outcome.problems);
    assert_eq!(outcome.vanished.values().sum::<u64>(), 1);
    assert!(before.keys().all(|key| bench.landed().contains_key(key)));
}

#[tokio::test]
async fn prior_authorizations_come_every_time_and_land_once() {
    let bench = Bench::start(ApiVersion::V3, 8, &[]).await;
    let truth = bench.sandbox.truth(ApiVersion::V3);
    let expected: usize = truth
        .iter()
        .map(|person| person.prior_authorization_ids.len())
        .sum();
    assert!(expected > 0, "somebody has a prior authorization");
    bench.extract().await.unwrap();
    bench.extract().await.unwrap();
    bench.assert_all_landed_once();
}
