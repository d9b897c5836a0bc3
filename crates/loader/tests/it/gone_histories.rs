//! Every history of four events of a resource (bodies of two times, one without rows, and that the
//! server no longer has it), in any loads: what landed after it was gone counts, the newest of that.

use claimlake_contract::NoProgress;
use claimlake_loader::load;

use crate::basic::request;
use crate::histories_in_loads::{
    self as histories, History, claims, expected, push_in_all_loads, times_in,
};
use crate::staged_runs::{Claim, Staging, stage};

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

impl histories::Event for Event {
    fn write(self, claim: &mut Claim) {
        (claim.last_updated, claim.status) = match self {
            Event::Body(time) => (Some(time), "active"),
            Event::Withdrawn(time) => (Some(time), "withdrawn"),
            Event::Gone => (None, "gone"),
        };
    }

    fn time_after(events: &[Self]) -> Option<i64> {
        let since = events.iter().rposition(|event| *event == Event::Gone);
        let times = events[since.map_or(0, |at| at + 1)..]
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
}

fn all_histories() -> Vec<History<Event>> {
    let mut all = Vec::new();
    for number in 0..EVENTS.len().pow(4) {
        let events = (0..4).map(|place| EVENTS[number / EVENTS.len().pow(place) % EVENTS.len()]);
        push_in_all_loads(&mut all, &events.collect::<Vec<_>>());
    }
    all
}

#[test]
fn what_landed_after_a_resource_was_gone_counts_in_every_order_and_in_any_loads() {
    let all = all_histories();
    assert_eq!(all.len(), 256 * 8);
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    // The same run once more is no news.
    let again = |run: u32, events: &[Claim]| {
        let again = stage(data.path(), run, events, &Staging::default());
        load(&request(&lake, run + 1, &[again]), &NoProgress).unwrap()
    };
    histories::rows_and_changes_are_by_the_rule(data.path(), &all, again);
    // Nor is all of landing on top: the same lake.
    let bodies: Vec<Claim> = all
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
    let staged = stage(data.path(), 9, &bodies, &full);
    let outcome = load(&request(&lake, 9, &[staged]), &NoProgress).unwrap();
    assert!(!outcome.changed);
    assert_eq!(times_in(&lake, "eob"), expected(&all, 4));
}
