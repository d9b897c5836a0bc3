//! Publishes that end at any write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::scene::{Scene, latest, memory, sum_at, sums_of_newest};
use crate::error::PublishError;
use crate::store::Store;

/// A store that ends the publish at a call: before the write or after it, by turns.
pub(super) fn ending_at(store: &Store, call: usize, ended: &Arc<AtomicUsize>) -> Store {
    let count = AtomicUsize::new(0);
    let ended = Arc::clone(ended);
    let mut ending = store.clone();
    ending.at_write = Some(Arc::new(move |_: &str| {
        // Nothing is written after the end.
        match count.fetch_add(1, Ordering::SeqCst) >= call {
            false => Ok(()),
            true => {
                ended.fetch_add(1, Ordering::SeqCst);
                Err(PublishError::Lost("killed".to_owned()))
            }
        }
    }));
    ending
}

pub(super) fn both(sum: i128) -> BTreeMap<String, i128> {
    [("bills".to_owned(), sum), ("totals".to_owned(), sum)].into()
}

/// At every write of the first publish, of a later one, and of one that makes checkpoints: a
/// reader sees the state before or the new one in both tables, and the next publish heals.
#[test]
fn a_publish_that_ends_anywhere_shows_the_old_state_or_the_new_one() {
    for versions in [0, 1, 10] {
        let mut call = 0;
        loop {
            let scene = Scene::new();
            let store = memory();
            for version in 0..versions {
                scene.load(&[("AL", 1), ("TX", version)]);
                scene.publish(&store, &format!("p{version}")).unwrap();
            }
            let before = sums_of_newest(&store);
            scene.load(&[("AL", 500), ("TX", 500)]);
            let ended = Arc::new(AtomicUsize::new(0));
            let outcome = scene.publish(&ending_at(&store, call, &ended), "killed");
            let shown = sums_of_newest(&store);
            if ended.load(Ordering::SeqCst) == 0 {
                assert_eq!(shown, Some(both(1_000)));
                assert!(outcome.is_ok() && call > 10, "only {call} calls");
                break;
            }
            assert!(outcome.is_err());
            assert!(
                shown == before || shown == Some(both(1_000)),
                "call {call}: {shown:?}"
            );
            // Something else may have been loaded before the next publish.
            if call % 2 == 1 {
                scene.load(&[("AL", 7), ("VT", 70)]);
            }
            let expected = if call % 2 == 1 { 77 } else { 1_000 };
            scene.publish(&store, "next").unwrap();
            assert_eq!(sums_of_newest(&store), Some(both(expected)), "call {call}");
            for table in ["bills", "totals"] {
                assert_eq!(sum_at(&store, table, latest(&store, table)), expected);
            }
            assert!(!scene.publish(&store, "again").unwrap().changed);
            call += 1;
        }
    }
}
