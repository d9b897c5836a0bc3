//! Histories of single resources (bodies with and without rows, and that the server no longer has
//! it), cut into loads at all places, against a plain rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{changes, load};

use crate::basic::{load_claims, request};
use crate::lake_rows::rows;
use crate::staged_runs::{Claim, Staging, run_id, stage};

/// What happens to a resource; bodies come with their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Body(i64),
    Withdrawn(i64),
    Gone,
}

/// The time of the body that the lake must have after these events: the newest of those that landed
/// after the resource was last gone, unless that one makes no rows.
fn time_after(events: &[Event]) -> Option<i64> {
    let since = events.iter().rposition(|event| *event == Event::Gone);
    let bodies = events[since.map_or(0, |at| at + 1)..]
        .iter()
        .map(|event| match event {
            Event::Body(time) => (*time, Some(*time)),
            Event::Withdrawn(time) => (*time, None),
            Event::Gone => (i64::MIN, None),
        });
    bodies.max().and_then(|(_, made)| made)
}

/// The events of one resource, load by load.
#[derive(Debug, Clone)]
struct History {
    id: String,
    loads: Vec<Vec<Event>>,
}

impl History {
    fn claims(&self, load: usize) -> impl Iterator<Item = Claim> + '_ {
        let events = self.loads.get(load).into_iter().flatten();
        events.map(|event| {
            Claim::new(&self.id).with(|claim| {
                claim.items = 1;
                (claim.last_updated, claim.status) = match *event {
                    Event::Body(time) => (Some(time), "active"),
                    Event::Withdrawn(time) => (Some(time), "withdrawn"),
                    Event::Gone => (None, "gone"),
                };
            })
        })
    }

    fn time_after(&self, loads: usize) -> Option<i64> {
        let events = self.loads.iter().take(loads).flatten().copied();
        time_after(&events.collect::<Vec<_>>())
    }

    /// The kind that `changes` must have of this load.
    fn change_by(&self, load: usize) -> Option<&'static str> {
        match (self.time_after(load), self.time_after(load + 1)) {
            (None, Some(_)) => Some("new"),
            (Some(_), None) => Some("vanished"),
            (Some(before), Some(after)) if before != after => Some("changed"),
            _ => None,
        }
    }
}

/// All these events of four each, cut into loads at all places.
fn in_all_loads(all_events: &[[Event; 4]]) -> Vec<History> {
    let mut histories = Vec::new();
    for events in all_events {
        for cuts in 0_u32..8 {
            let mut loads = vec![Vec::new()];
            for (place, event) in events.iter().enumerate() {
                if place > 0 && cuts & 1 << (place - 1) != 0 {
                    loads.push(Vec::new());
                }
                loads.last_mut().unwrap().push(*event);
            }
            let id = format!("h{}", histories.len());
            histories.push(History { id, loads });
        }
    }
    histories
}

/// Every sequence of four out of `events`.
fn sequences(events: [Event; 4]) -> Vec<[Event; 4]> {
    let sequence =
        |number: usize| [0, 1, 2, 3].map(|place| events[number / 4_usize.pow(place) % 4]);
    (0..256).map(sequence).collect()
}

/// Every order of four bodies, two of them withdrawn whichever.
fn orders() -> Vec<[Event; 4]> {
    let mut orders = Vec::new();
    for withdrawn in (0_u32..16).filter(|bits| bits.count_ones() == 2) {
        let bodies = [0, 1, 2, 3].map(|at| match withdrawn & 1 << at {
            0 => Event::Body(at + 1),
            _ => Event::Withdrawn(at + 1),
        });
        let is_order = |order: &[Event; 4]| order.iter().collect::<BTreeSet<_>>().len() == 4;
        orders.extend(sequences(bodies).into_iter().filter(is_order));
    }
    orders
}

/// The times of the rows of a table, by resource.
fn times_in(lake: &Path, table: &str) -> BTreeMap<String, i64> {
    let rows = rows(lake, table);
    let times: BTreeMap<String, i64> = rows
        .iter()
        .map(|row| (row["eob_id"].clone(), row["last_updated"].parse().unwrap()))
        .collect();
    assert_eq!(times.len(), rows.len());
    times
}

/// Loads all histories in four loads and compares rows and changes after each. The same load once
/// more, with the same run id or with another, changes nothing; nor does all of landing at the end.
fn rows_and_changes_are_by_the_rule(histories: &[History], run_id_of_repeats: u32) {
    let data = tempfile::tempdir().unwrap();
    let (data, lake) = (data.path(), data.path().join("lake"));
    let of_load = |load: usize| -> Vec<Claim> {
        let claims = histories.iter().flat_map(|history| history.claims(load));
        claims.collect()
    };
    for number in 0..4 {
        let events = of_load(number);
        let run = number as u32 * 2 + 1;
        assert!(load_claims(data, run, &events).changed);
        let expected: BTreeMap<String, i64> = histories
            .iter()
            .filter_map(|history| Some((history.id.clone(), history.time_after(number + 1)?)))
            .collect();
        for table in ["eob", "eob_item"] {
            let found = times_in(&lake, table);
            let wrong = histories
                .iter()
                .find(|history| found.get(&history.id) != expected.get(&history.id));
            assert!(wrong.is_none(), "{table} after {number}: {wrong:?}");
        }
        let found: BTreeSet<(String, String)> = changes(&lake, None)
            .unwrap()
            .map(Result::unwrap)
            .filter(|change| change.run == run_id(run).as_str())
            .map(|change| (change.resource_id, change.kind))
            .collect();
        let kind =
            |history: &History| Some((history.id.clone(), history.change_by(number)?.to_owned()));
        let kinds: BTreeSet<_> = histories.iter().filter_map(kind).collect();
        assert!(found == kinds, "{:?}", found.symmetric_difference(&kinds));
        let staged = stage(data, run + run_id_of_repeats, &events, &Staging::default());
        let again = load(&request(&lake, run + 1, &[staged]), &NoProgress).unwrap();
        assert!(!again.changed, "load {number}");
    }
    let before = times_in(&lake, "eob");
    let bodies: Vec<Claim> = match run_id_of_repeats {
        0 => {
            let of_history = |history: &History| {
                (0..4)
                    .flat_map(|load| history.claims(load))
                    .collect::<Vec<_>>()
            };
            histories.iter().flat_map(of_history).collect()
        }
        _ => (0..4).flat_map(of_load).collect(),
    };
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let staged = stage(data, 9, &bodies, &full);
    let outcome = load(&request(&lake, 9, &[staged]), &NoProgress).unwrap();
    assert!(!outcome.changed);
    assert_eq!(times_in(&lake, "eob"), before);
}

#[test]
fn what_landed_after_a_resource_was_gone_counts_in_every_order_and_in_any_loads() {
    let events = [
        Event::Body(1),
        Event::Withdrawn(2),
        Event::Body(3),
        Event::Gone,
    ];
    let all = in_all_loads(&sequences(events));
    assert_eq!(all.len(), 256 * 8);
    rows_and_changes_are_by_the_rule(&all, 0);
}

#[test]
fn the_newest_body_decides_in_every_order_and_in_any_loads() {
    let all = in_all_loads(&orders());
    assert_eq!(all.len(), 6 * 24 * 8);
    rows_and_changes_are_by_the_rule(&all, 1);
}
