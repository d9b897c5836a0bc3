//! Masking, by hand-made cells; total lakes are counted in the tests of the command.

use super::Leftovers;
use super::cell::Cell;
use super::mask::Masking;
use super::month::Month;

fn cell(claims: u64, people: u64) -> Cell {
    Cell::of(claims, 100 * i128::from(claims), people)
}

#[test]
fn numbers_of_one_to_ten_are_hidden() {
    let shown: Vec<u64> = (0..14).filter(|n| Masking::Masked.shows(*n)).collect();
    assert_eq!(shown, [0, 11, 12, 13]);
    assert!(Masking::Unmasked.shows(1));
}

#[test]
fn a_part_is_hidden_when_the_rest_is_few() {
    assert!(Masking::Masked.shows_part(50, 100));
    assert!(!Masking::Masked.shows_part(95, 100));
    assert!(!Masking::Masked.shows_part(5, 100));
    assert!(Masking::Masked.shows_part(100, 100));
    assert!(Masking::Masked.shows_part(0, 100));
}

#[test]
fn many_claims_of_few_people_are_hidden() {
    assert!(!Masking::Masked.shows_cell(&cell(400, 10)));
    assert!(Masking::Masked.shows_cell(&cell(400, 11)));
    assert!(Masking::Masked.shows_cell(&cell(0, 0)));
}

#[test]
fn a_single_hidden_cell_takes_the_smallest_other_with_it() {
    let cells = [cell(5, 5), cell(90, 30), cell(40, 30), cell(0, 0)];
    let shown = Masking::Masked.shown_of_sum(&cells);
    assert_eq!(shown, [false, true, false, true]);
    let two = [cell(5, 5), cell(90, 30), cell(4, 2)];
    assert_eq!(Masking::Masked.shown_of_sum(&two), [false, true, false]);
    assert_eq!(Masking::Unmasked.shown_of_sum(&cells), [true; 4]);
}

#[test]
fn cells_that_add_up_know_their_people_once() {
    let mut sum = cell(3, 3);
    sum.add(&cell(4, 3));
    assert_eq!((sum.claims, sum.people_at_least()), (7, 3));
    sum.add(&cell(40, 40));
    assert_eq!(sum.people_at_least(), 11);
}

#[test]
fn years_are_shown_where_months_are_too_small() {
    let month = |month| Month { year: 2024, month };
    let months = (1..=12).map(|at| (month(at), cell(9, 9))).collect();
    assert!(!Masking::Masked.shows_most(&months));
    let years = [(month(1), cell(108, 30))].into_iter().collect();
    assert!(Masking::Masked.shows_most(&years));
}

#[test]
fn rejects_are_added_up_by_what_is_wrong() {
    let line = |line: u64| {
        format!(
            r#"{{"file":"a","line":{line},"reason":"bad_date","detail":"x","table":"eob","column":"billable_start","expected":"date","found":"string"}}"#
        )
    };
    let text = format!("{}\n{}\nno reject\n", line(1), line(2));
    let mut leftovers = Leftovers::default();
    leftovers.add_rejects(text.as_bytes()).unwrap();
    let found: Vec<_> = leftovers.rejects.iter().collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0.cell, "eob.billable_start");
    assert_eq!(found[0].0.types, "date, found string");
    assert_eq!((*found[0].1, leftovers.unreadable_lines), (2, 1));
}
