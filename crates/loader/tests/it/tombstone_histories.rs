//! Every history of two bodies with rows and two without, in any loads: the newest decides.

use claimlake_contract::NoProgress;
use claimlake_loader::load;

use crate::basic::{load_claims, request};
use crate::histories_in_loads::{self as histories, History, claims, push_in_all_loads};
use crate::staged_runs::{Claim, Staging, stage};

/// A body: when it was last updated, and whether it is withdrawn.
type Body = (i64, bool);

impl histories::Event for Body {
    fn write(self, claim: &mut Claim) {
        let (time, is_withdrawn) = self;
        claim.last_updated = Some(time);
        if is_withdrawn {
            claim.status = "withdrawn";
        }
    }

    fn time_after(events: &[Self]) -> Option<i64> {
        let newest = events.iter().max();
        newest.and_then(|(time, is_withdrawn)| (!is_withdrawn).then_some(*time))
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
fn all_histories() -> Vec<History<Body>> {
    let mut all = Vec::new();
    for withdrawn in (0_u32..16).filter(|bits| bits.count_ones() == 2) {
        let bodies: Vec<Body> = (0..4)
            .map(|time| (time + 1, withdrawn & 1 << time != 0))
            .collect();
        for order in permutations(&bodies) {
            push_in_all_loads(&mut all, &order);
        }
    }
    all
}

#[test]
fn the_newest_body_decides_in_every_order_and_in_any_loads() {
    let all = all_histories();
    assert_eq!(all.len(), 6 * 24 * 8);
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    // The same bodies once more are no news.
    let again = |run: u32, bodies: &[Claim]| load_claims(data.path(), run + 1, bodies);
    histories::rows_and_changes_are_by_the_rule(data.path(), &all, again);
    // Nor is all of landing on top.
    let bodies: Vec<Claim> = (0..4).flat_map(|number| claims(&all, number)).collect();
    let full = Staging {
        full: true,
        ..Staging::default()
    };
    let staged = stage(data.path(), 9, &bodies, &full);
    let outcome = load(&request(&lake, 9, &[staged]), &NoProgress).unwrap();
    assert!(!outcome.changed);
}
