//! Any history of bodies, in any number of loads, against what the rule says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::scene::{Body, Says, TABLE, loads, months, try_load};
use crate::histories::cut_at;
use crate::lake_rows::bytes;

/// The rows that there must be once these bodies have landed, in this order.
fn expected(landed: &[Body]) -> Vec<String> {
    let ids: BTreeSet<u8> = landed.iter().map(|body| body.id).collect();
    let mut rows = Vec::new();
    for id in ids {
        let bodies: Vec<(usize, &Body)> = landed
            .iter()
            .enumerate()
            .filter(|(_, body)| body.id == id)
            .collect();
        let gone = bodies.iter().rposition(|(_, body)| body.says == Says::Gone);
        let since = &bodies[gone.map_or(0, |gone| gone + 1)..];
        let age = |(place, body): &(usize, &Body)| (body.updated, *place);
        let ended = since.iter().filter(|(_, body)| body.says == Says::Nothing);
        let ended = ended.map(age).max();
        let newest = since.iter().max_by_key(|body| age(body));
        let mut by_year: BTreeMap<i32, (i64, usize)> = BTreeMap::new();
        for found in since {
            let Says::Years(years) = &found.1.says else {
                continue;
            };
            let is_newest = newest.is_some_and(|newest| newest.0 == found.0);
            for year in years.iter().filter(|year| **year > 0 || is_newest) {
                if ended.is_none_or(|ended| age(found) > ended) {
                    let known = by_year.entry(*year).or_insert(age(found));
                    *known = age(found).max(*known);
                }
            }
        }
        rows.extend(by_year.into_iter().map(|(year, (updated, _))| match year {
            0 => format!("c{id} - {updated}"),
            _ => format!("c{id} {year} {updated}"),
        }));
    }
    rows.sort();
    rows
}

fn a_body() -> impl Strategy<Value = Body> {
    let years = prop::sample::subsequence(vec![0, 2021, 2022, 2023], 0..3);
    let says = prop_oneof![
        8 => years.prop_map(Says::Years),
        1 => Just(Says::Nothing),
        1 => Just(Says::Gone),
    ];
    // Each time has one content, as bodies of one id and time say the same.
    (1..4_u8, 1..30_i64, says).prop_map(|(id, updated, says)| Body { id, updated, says })
}

/// Histories of different times, so that which body is newer is clear.
fn a_history() -> impl Strategy<Value = Vec<Body>> {
    prop::collection::vec(a_body(), 1..14).prop_map(|mut bodies| {
        let mut seen = BTreeSet::new();
        bodies.retain(|body| body.says == Says::Gone || seen.insert((body.id, body.updated)));
        bodies
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_in_any_loads_has_the_newest_body_of_each_year(
        bodies in a_history(),
        cuts in prop::collection::vec(0..14_usize, 0..5),
    ) {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        let (mut number, mut landed) = (0, 0);
        for piece in cut_at(&bodies, &cuts) {
            number += 1;
            loads(data, number, piece);
            landed += piece.len();
            if data.join("lake/current").exists() {
                prop_assert_eq!(months(data), expected(&bodies[..landed]));
            }
        }
        let before = months(data);
        let again = try_load(data, number + 1, &bodies, true).unwrap();
        prop_assert_eq!(again.dropped, 0);
        prop_assert_eq!(&months(data), &before);
        // The same bytes as those of one load.
        let whole = tempfile::tempdir().unwrap();
        try_load(whole.path(), 1, &bodies, true).unwrap();
        let tables = ["coverage", TABLE];
        let files = |data: &Path| bytes(&data.join("lake"), &tables);
        prop_assert_eq!(files(data), files(whole.path()));
    }
}
