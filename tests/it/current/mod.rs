//! Which version of a claim is current, from bodies to rows.

mod also;
pub(crate) mod bodies;
mod histories;
mod pipelines;
mod reported;

use crate::command::Bench;
use bodies::{body, expected, found};
use histories::histories;

/// Imports the bodies of both APIs and loads them.
pub(crate) fn lands(bench: &Bench, flags: &[&str], bodies: &[(String, serde_json::Value)]) {
    for api in ["v2", "v3"] {
        let lines: Vec<String> = bodies
            .iter()
            .filter(|(of, _)| of == api)
            .map(|(_, body)| body.to_string())
            .collect();
        if !lines.is_empty() {
            bench.write("in.ndjson", &(lines.join("\n") + "\n"));
            bench.done(&[flags, &["import", "--api", api, "in.ndjson"]].concat());
        }
    }
    for command in ["transform", "load"] {
        bench.done(&[flags, &[command]].concat());
    }
}

/// The bodies of histories, those that come together in one load each.
fn loads(order: Order) -> Vec<Vec<(String, serde_json::Value)>> {
    let histories = histories();
    let longest = histories
        .iter()
        .map(|history| history.bodies.len())
        .max()
        .unwrap();
    let of = |number: usize, position: usize| {
        let lines = &histories[number].bodies;
        let position = match order {
            Order::Backwards => lines.len().checked_sub(position + 1)?,
            _ => position,
        };
        lines.get(position).map(|line| body(number, line))
    };
    let all = || 0..histories.len();
    match order {
        Order::AtOnce => vec![
            all()
                .flat_map(|number| (0..longest).filter_map(move |position| of(number, position)))
                .collect(),
        ],
        _ => (0..longest)
            .map(|position| all().filter_map(|number| of(number, position)).collect())
            .collect(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    AtOnce,
    AsItHappened,
    Backwards,
}

#[test]
fn every_history_ends_with_the_versions_that_count_in_whatever_order_it_comes() {
    let histories = histories();
    assert_eq!(histories.len(), 63);
    for order in [Order::AtOnce, Order::AsItHappened, Order::Backwards] {
        let bench = Bench::new();
        for bodies in loads(order) {
            lands(&bench, &["--data", "d"], &bodies);
        }
        let found = found(&bench.path().join("d/lake"));
        for (key, current) in expected(&histories) {
            let number: usize = key
                .trim_start_matches(|c| c != ' ')
                .trim_matches(|c: char| !c.is_ascii_digit())
                .parse()
                .unwrap();
            assert_eq!(
                found[&key], current,
                "{order:?}: {}: {key}",
                histories[number].title
            );
        }
        assert_eq!(found.len(), expected(&histories).len());
        let mut rows = 0;
        for table in also::TABLES {
            for (key, current) in bodies::said(&bench.path().join("d/lake"), table) {
                assert_eq!(current, found[&key], "{order:?}: {table}: {key}");
                rows += 1;
            }
        }
        assert!(rows > found.len(), "{rows} rows");
        // Made anew from all of landing it is the same, and verification comes to the same.
        bench.done(&["--data", "d", "transform", "--full"]);
        bench.done(&["--data", "d", "load"]);
        assert_eq!(
            bodies::found(&bench.path().join("d/lake")),
            found,
            "{order:?}"
        );
        let verified = bench.done(&["--json", "--data", "d", "verify"]);
        let checks = verified.summary()["verify"]["checks"].clone();
        let check = |name: &str| {
            let checks = checks.as_array().unwrap();
            checks
                .iter()
                .find(|check| check["name"] == name)
                .unwrap()
                .clone()
        };
        assert_eq!(check("is_current")["checked"], found.len());
    }
}
