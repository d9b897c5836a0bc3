//! Every history of two bodies with rows and two without, in any loads: the newest decides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{changes, load};

use crate::basic::{load_claims, request};
use crate::lake_rows::rows;
use crate::staged_runs::{Claim, Staging, run_id, stage};

/// A body: when it was last updated, and whether it is withdrawn.
type Body = (i64, bool);

/// The bodies of one resource, load by load.
#[derive(Debug, Clone)]
struct History {
    id: String,
    loads: Vec<Vec<Body>>,
}

impl History {
    fn of_load(&self, load: usize) -> &[Body] {
        self.loads.get(load).map_or(&[], Vec::as_slice)
    }

    /// What the lake is to have after so many loads, by the plain rule.
    fn held_after(&self, loads: usize) -> Option<i64> {
        let newest = self.loads.iter().take(loads).flatten().max();
        newest.and_then(|(time, is_withdrawn)| (!is_withdrawn).then_some(*time))
    }

    /// What `changes` is to tell of this load.
    fn told_by(&self, load: usize) -> Option<&'static str> {
        match (self.held_after(load), self.held_after(load + 1)) {
            (None, Some(_)) => Some("new"),
            (Some(_), None) => Some("vanished"),
            (Some(before), Some(after)) if before != after => Some("changed"),
            _ => None,
        }
    }
}

fn permutations(bodies: &[Body]) -> Vec<Vec<Body>> {
    if bodies.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in bodies.iter().enumerate() {
        let mut others = bodies.to_vec();
        others.remove(index);
        all.extend(permutations(&others).into_iter().map(|mut rest| {
            rest.insert(0, *first);
            rest
        }));
    }
    all
}

/// All orders of four bodies, two of them withdrawn whichever, cut into loads at all places.
fn histories() -> Vec<History> {
    let mut all = Vec::new();
    for withdrawn in (0_u32..16).filter(|bits| bits.count_ones() == 2) {
        let bodies: Vec<Body> = (0..4)
            .map(|time| (time + 1, withdrawn & 1 << time != 0))
            .collect();
        for order in permutations(&bodies) {
            for cuts in 0_u32..8 {
                let mut loads = vec![Vec::new()];
                for (place, body) in order.iter().enumerate() {
                    if place > 0 && cuts & 1 << (place - 1) != 0 {
                        loads.push(Vec::new());
                    }
                    loads.last_mut().unwrap().push(*body);
                }
                all.push(History {
                    id: format!("h{}", all.len()),
                    loads,
                });
            }
        }
    }
    all
}

fn claims(histories: &[History], load: usize) -> Vec<Claim> {
    let claim = |id: &str, (time, is_withdrawn): Body| {
        Claim::new(id).with(|claim| {
            claim.last_updated = Some(time);
            claim.items = 1;
            if is_withdrawn {
                claim.status = "withdrawn";
            }
        })
    };
    histories
        .iter()
        .flat_map(|history| {
            let bodies = history.of_load(load).iter();
            bodies.map(move |body| claim(&history.id, *body))
        })
        .collect()
}

fn held(lake: &Path, table: &str) -> BTreeMap<String, i64> {
    let rows = rows(lake, table);
    let held: BTreeMap<String, i64> = rows
        .iter()
        .map(|row| (row["eob_id"].clone(), row["last_updated"].parse().unwrap()))
        .collect();
    assert_eq!(held.len(), rows.len());
    held
}

fn expected(histories: &[History], loads: usize) -> BTreeMap<String, i64> {
    let held = |history: &History| Some((history.id.clone(), history.held_after(loads)?));
    histories.iter().filter_map(held).collect()
}

#[test]
fn the_newest_body_decides_in_every_order_and_in_any_loads() {
    let histories = histories();
    assert_eq!(histories.len(), 6 * 24 * 8);
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    for number in 0..4 {
        let bodies = claims(&histories, number);
        let run = number as u32 * 2 + 1;
        assert!(load_claims(data.path(), run, &bodies).changed);
        for table in ["eob", "eob_item"] {
            let held = held(&lake, table);
            let expected = expected(&histories, number + 1);
            let wrong = histories
                .iter()
                .find(|history| held.get(&history.id) != expected.get(&history.id));
            assert!(wrong.is_none(), "{table} after {number}: {wrong:?}");
        }
        let told: BTreeSet<(String, String)> = changes(&lake, None)
            .unwrap()
            .map(Result::unwrap)
            .filter(|change| change.run == run_id(run).as_str())
            .map(|change| (change.resource_id, change.kind))
            .collect();
        let to_tell = |history: &History| {
            let kind = history.told_by(number)?;
            Some((history.id.clone(), kind.to_owned()))
        };
        let to_tell: BTreeSet<_> = histories.iter().filter_map(to_tell).collect();
        assert!(told == to_tell, "{:?}", told.symmetric_difference(&to_tell));
        // The same bodies once more are no news.
        let again = load_claims(data.path(), run + 1, &bodies);
        assert!(!again.changed, "load {number}");
    }
    // Nor is all of landing on top.
    let all: Vec<Claim> = (0..4)
        .flat_map(|number| claims(&histories, number))
        .collect();
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let staged = stage(data.path(), 9, &all, &full);
    let outcome = load(&request(&lake, 9, &[staged]), &NoProgress).unwrap();
    assert!(!outcome.changed);
}
