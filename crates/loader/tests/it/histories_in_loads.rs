//! Histories of single resources, cut into loads at all places, against a plain rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;

use claimlake_loader::{LoadOutcome, changes};

use crate::basic::load_claims;
use crate::lake_rows::rows;
use crate::staged_runs::{Claim, run_id};

/// What happens to a resource.
pub(crate) trait Event: Copy + Debug {
    /// Writes it as a claim that is staged: its `last_updated` and its `status`.
    fn write(self, claim: &mut Claim);

    /// The time of the body that the lake is to have after these, by the plain rule.
    fn time_after(events: &[Self]) -> Option<i64>;
}

/// The events of one resource, load by load.
#[derive(Debug, Clone)]
pub(crate) struct History<E> {
    id: String,
    loads: Vec<Vec<E>>,
}

impl<E: Event> History<E> {
    fn of_load(&self, load: usize) -> &[E] {
        self.loads.get(load).map_or(&[], Vec::as_slice)
    }

    fn time_after(&self, loads: usize) -> Option<i64> {
        let all: Vec<E> = self.loads.iter().take(loads).flatten().copied().collect();
        E::time_after(&all)
    }

    /// The kind that `changes` is to have of this load.
    fn change_by(&self, load: usize) -> Option<&'static str> {
        match (self.time_after(load), self.time_after(load + 1)) {
            (None, Some(_)) => Some("new"),
            (Some(_), None) => Some("vanished"),
            (Some(before), Some(after)) if before != after => Some("changed"),
            _ => None,
        }
    }
}

/// Adds four events of a resource, cut into loads at all places.
pub(crate) fn push_in_all_loads<E: Event>(histories: &mut Vec<History<E>>, events: &[E]) {
    for cuts in 0_u32..8 {
        let mut loads = vec![Vec::new()];
        for (place, event) in events.iter().enumerate() {
            if place > 0 && cuts & 1 << (place - 1) != 0 {
                loads.push(Vec::new());
            }
            loads.last_mut().unwrap().push(*event);
        }
        histories.push(History {
            id: format!("h{}", histories.len()),
            loads,
        });
    }
}

/// What one load brings of all histories.
pub(crate) fn claims<E: Event>(histories: &[History<E>], load: usize) -> Vec<Claim> {
    let claim = |id: &str, event: E| {
        Claim::new(id).with(|claim| {
            claim.items = 1;
            event.write(claim);
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

/// The times of the rows of a table, by resource.
pub(crate) fn times_in(lake: &Path, table: &str) -> BTreeMap<String, i64> {
    let rows = rows(lake, table);
    let times: BTreeMap<String, i64> = rows
        .iter()
        .map(|row| (row["eob_id"].clone(), row["last_updated"].parse().unwrap()))
        .collect();
    assert_eq!(times.len(), rows.len());
    times
}

pub(crate) fn expected<E: Event>(histories: &[History<E>], loads: usize) -> BTreeMap<String, i64> {
    let time = |history: &History<E>| Some((history.id.clone(), history.time_after(loads)?));
    histories.iter().filter_map(time).collect()
}

/// Loads all histories in four loads and compares rows and changes after each; `again` loads the
/// same once more, which is no news.
pub(crate) fn rows_and_changes_are_by_the_rule<E: Event>(
    data: &Path,
    histories: &[History<E>],
    again: impl Fn(u32, &[Claim]) -> LoadOutcome,
) {
    let lake = data.join("lake");
    for number in 0..4 {
        let events = claims(histories, number);
        let run = number as u32 * 2 + 1;
        assert!(load_claims(data, run, &events).changed);
        for table in ["eob", "eob_item"] {
            let found = times_in(&lake, table);
            let expected = expected(histories, number + 1);
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
        let kind = |history: &History<E>| {
            Some((history.id.clone(), history.change_by(number)?.to_owned()))
        };
        let kinds: BTreeSet<_> = histories.iter().filter_map(kind).collect();
        assert!(found == kinds, "{:?}", found.symmetric_difference(&kinds));
        assert!(!again(run, &events).changed, "load {number}");
    }
}
