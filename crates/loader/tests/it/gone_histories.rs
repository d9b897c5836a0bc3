//! Every history of four events of a resource (bodies of two times, one without rows, and that the
//! server no longer has it), in any loads: what landed after it was gone counts, the newest of that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{changes, load};

use crate::basic::{load_claims, request};
use crate::lake_rows::rows;
use crate::staged_runs::{Claim, Staging, run_id, stage};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Body(i64),
    Withdrawn(i64),
    Gone,
}

const EVENTS: [Event; 4] = [
    Event::Body(1),
    Event::Withdrawn(2),
    Event::Body(3),
    Event::Gone,
];

/// The events of one resource, load by load.
#[derive(Debug, Clone)]
struct History {
    id: String,
    loads: Vec<Vec<Event>>,
}

impl History {
    fn of_load(&self, load: usize) -> &[Event] {
        self.loads.get(load).map_or(&[], Vec::as_slice)
    }

    /// What the lake is to have after so many loads, by the plain rule.
    fn held_after(&self, loads: usize) -> Option<i64> {
        let all: Vec<Event> = self.loads.iter().take(loads).flatten().copied().collect();
        let since = all.iter().rposition(|event| *event == Event::Gone);
        let times = all[since.map_or(0, |at| at + 1)..]
            .iter()
            .map(|event| match event {
                Event::Body(time) => (*time, false),
                Event::Withdrawn(time) => (*time, true),
                Event::Gone => (i64::MIN, true),
            });
        times
            .max()
            .and_then(|(time, makes_none)| (!makes_none).then_some(time))
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

fn histories() -> Vec<History> {
    let mut all = Vec::new();
    for number in 0..EVENTS.len().pow(4) {
        let events = (0..4).map(|place| EVENTS[number / EVENTS.len().pow(place) % EVENTS.len()]);
        let events: Vec<Event> = events.collect();
        for cuts in 0_u32..8 {
            let mut loads = vec![Vec::new()];
            for (place, event) in events.iter().enumerate() {
                if place > 0 && cuts & 1 << (place - 1) != 0 {
                    loads.push(Vec::new());
                }
                loads.last_mut().unwrap().push(*event);
            }
            all.push(History {
                id: format!("h{}", all.len()),
                loads,
            });
        }
    }
    all
}

fn claims(histories: &[History], load: usize) -> Vec<Claim> {
    let claim = |id: &str, event: Event| {
        Claim::new(id).with(|claim| {
            claim.items = 1;
            (claim.last_updated, claim.status) = match event {
                Event::Body(time) => (Some(time), "active"),
                Event::Withdrawn(time) => (Some(time), "withdrawn"),
                Event::Gone => (None, "gone"),
            };
        })
    };
    histories
        .iter()
        .flat_map(|history| {
            let events = history.of_load(load).iter();
            events.map(move |event| claim(&history.id, *event))
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
fn what_landed_after_a_resource_was_gone_counts_in_every_order_and_in_any_loads() {
    let histories = histories();
    assert_eq!(histories.len(), 256 * 8);
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    for number in 0..4 {
        let events = claims(&histories, number);
        let run = number as u32 * 2 + 1;
        assert!(load_claims(data.path(), run, &events).changed);
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
        // The same run once more is no news.
        let again = stage(data.path(), run, &events, &Staging::default());
        let again = load(&request(&lake, run + 1, &[again]), &NoProgress).unwrap();
        assert!(!again.changed, "load {number}");
    }
    // Nor is all of landing on top: the same lake.
    let all: Vec<Claim> = histories
        .iter()
        .flat_map(|history| {
            let one = std::slice::from_ref(history);
            (0..4).flat_map(move |load| claims(one, load))
        })
        .collect();
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let staged = stage(data.path(), 9, &all, &full);
    let outcome = load(&request(&lake, 9, &[staged]), &NoProgress).unwrap();
    assert!(!outcome.changed);
    assert_eq!(held(&lake, "eob"), expected(&histories, 4));
}
