//! Which bodies count, whatever order they come in.

use std::num::NonZeroU64;

use claimlake_contract::{ApiVersion, ResourceType};

use super::LandedBucket;
use crate::landed::ResourceKey;
use crate::rank::Rank;

fn key(api: ApiVersion) -> ResourceKey {
    ResourceKey::new(api, &ResourceType::coverage(), "a")
}

#[test]
fn the_newest_counts_whatever_order_bodies_come_in_and_the_last_landed_at_a_tie() {
    let key_of = key;
    let key = key_of(ApiVersion::V3);
    let mut landed = LandedBucket::default();
    let mut add = |key, at, order| landed.superseded_by(key, Rank::new(at, order), None);
    assert!(add(key, Some(5), 3).is_empty());
    assert_eq!(add(key, Some(4), 9), [9]);
    assert_eq!(add(key, None, 10), [10]);
    assert_eq!(add(key, Some(5), 4), [3]);
    assert_eq!(add(key, Some(6), 1), [4]);
    assert!(add(key_of(ApiVersion::V2), None, 0).is_empty());
    assert!(landed.superseded_by_alike().is_empty());
}

/// Bodies of one time by place and content, in every order they may come in.
fn superseded(bodies: &[(u64, u64)]) -> Vec<u64> {
    let mut all: Option<Vec<u64>> = None;
    for turn in 0..bodies.len() {
        for backwards in [false, true] {
            let mut bodies = bodies.to_vec();
            bodies.rotate_left(turn);
            if backwards {
                bodies.reverse();
            }
            let mut landed = LandedBucket::default();
            for (order, content) in bodies {
                let rank = Rank::new(Some(5), order);
                let content = NonZeroU64::new(content);
                let key = key(ApiVersion::V2);
                assert!(landed.superseded_by(key, rank, content).is_empty());
            }
            let mut found = landed.superseded_by_alike();
            found.sort_unstable();
            assert_eq!(*all.get_or_insert(found.clone()), found);
        }
    }
    all.unwrap_or_default()
}

#[test]
fn of_neighbours_that_say_the_same_the_first_landed_counts() {
    assert!(superseded(&[(1, 7)]).is_empty());
    assert_eq!(superseded(&[(1, 7), (2, 7), (3, 7)]), [2, 3]);
    assert_eq!(superseded(&[(1, 7), (2, 8), (3, 7)]), [1, 2]);
    assert_eq!(superseded(&[(1, 7), (2, 8), (3, 7), (4, 7)]), [1, 2, 4]);
    assert_eq!(superseded(&[(1, 7), (2, 7), (3, 8)]), [1, 2]);
}

#[test]
fn a_resource_is_left_out_where_the_newest_body_is_or_the_last_of_its_time() {
    // Times of bodies in landing order, and whether they make no rows.
    let left_out = |bodies: &[(i64, bool)], content: Option<NonZeroU64>| {
        let mut landed = LandedBucket::default();
        let key = key(ApiVersion::V2);
        for (order, (time, is_left_out)) in (0..).zip(bodies) {
            let rank = Rank::new(Some(*time), order);
            landed.add(key, rank, content);
            if *is_left_out {
                landed.leave_out(key, rank);
            }
        }
        landed.left_out().remove(&key).flatten()
    };
    for content in [None, NonZeroU64::new(7)] {
        assert_eq!(left_out(&[(1, false), (2, true)], content), Some(2));
        assert_eq!(left_out(&[(2, true), (1, false)], content), Some(2));
        assert_eq!(left_out(&[(3, true), (2, true)], content), Some(3));
        assert_eq!(left_out(&[(1, true), (2, false)], content), None);
        assert_eq!(left_out(&[(2, false), (1, true)], content), None);
        assert_eq!(left_out(&[(2, false), (2, true)], content), Some(2));
        assert_eq!(left_out(&[(2, true), (2, false)], content), None);
        assert_eq!(left_out(&[(2, false), (1, false)], content), None);
    }
}

#[test]
fn periods_older_than_a_body_without_rows_do_not_count_in_whatever_order_they_are_found() {
    let all = |id| {
        let resource = ResourceType::coverage();
        ResourceKey::of_periods(ApiVersion::V2, &resource, "coverage_month", id)
    };
    assert_ne!(all("a").of_period(2021), all("a").of_period(2022));
    assert_ne!(all("a").of_period(2021), all("b").of_period(2021));
    let seven = NonZeroU64::new(7);
    for ended_first in [true, false] {
        let mut landed = LandedBucket::default();
        let end = Rank::new(Some(5), 30);
        if ended_first {
            landed.end_periods(all("a"), end);
        }
        let mut add = |id, year, time, order| {
            let keys = (all(id).of_period(year), all(id));
            landed.add_period(keys, Rank::new(time, order), seven);
        };
        add("a", 2021, None, 10);
        add("a", 2022, Some(4), 11);
        add("a", 2023, Some(6), 12);
        // Of its time, one landed before it and two after it.
        for order in [20, 40, 50] {
            add("a", 2024, Some(5), order);
        }
        add("b", 2021, Some(1), 13);
        assert!(landed.superseded.is_empty());
        if !ended_first {
            landed.end_periods(all("a"), Rank::new(Some(3), 90));
            landed.end_periods(all("a"), end);
        }
        let mut ended = landed.superseded_by_ended();
        ended.sort_unstable();
        assert_eq!(ended, [10, 11, 20]);
        assert_eq!(landed.superseded_by_alike(), [50]);
    }
}

#[test]
fn a_later_body_supersedes_all_that_say_the_same() {
    let mut landed = LandedBucket::default();
    let key = key(ApiVersion::V2);
    let seven = NonZeroU64::new(7);
    for order in [2, 1] {
        let known = landed.superseded_by(key, Rank::new(None, order), seven);
        assert!(known.is_empty());
    }
    let newer = Rank::new(Some(1), 0);
    assert_eq!(landed.superseded_by(key, newer, seven), [2, 1]);
    let older = Rank::new(None, 9);
    assert_eq!(landed.superseded_by(key, older, seven), [9]);
    assert!(landed.superseded_by_alike().is_empty());
}
