//! Pairs the rows of two paired claims: by the first list of columns in which they are alike.

use std::collections::BTreeMap;

/// Rows of two claims, by place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RowPairs {
    pub(crate) pairs: Vec<(usize, usize)>,
    pub(crate) only_left: Vec<usize>,
    pub(crate) only_right: Vec<usize>,
}

/// Pairs rows. `left` and `right` have a key of each row for each list of columns, in the order of the
/// lists. Rows that are all alike are paired in their order where there are as many on both sides, and
/// by the last list in any case.
pub(crate) fn pair_rows(left: &[Vec<String>], right: &[Vec<String>], lists: usize) -> RowPairs {
    let mut free_left: Vec<usize> = (0..left.len()).collect();
    let mut free_right: Vec<usize> = (0..right.len()).collect();
    let mut found = RowPairs::default();
    for list in 0..lists {
        let is_last = list + 1 == lists;
        let mut groups: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for &place in &free_left {
            groups.entry(&left[place][list]).or_default().0.push(place);
        }
        for &place in &free_right {
            groups.entry(&right[place][list]).or_default().1.push(place);
        }
        (free_left, free_right) = (Vec::new(), Vec::new());
        for (of_left, of_right) in groups.into_values() {
            let is_paired = of_left.len() == of_right.len() || is_last;
            let pairs = if is_paired {
                of_left.len().min(of_right.len())
            } else {
                0
            };
            found.pairs.extend(
                of_left
                    .iter()
                    .copied()
                    .zip(of_right.iter().copied())
                    .take(pairs),
            );
            free_left.extend(&of_left[pairs..]);
            free_right.extend(&of_right[pairs..]);
        }
        free_left.sort_unstable();
        free_right.sort_unstable();
    }
    found.pairs.sort_unstable();
    (found.only_left, found.only_right) = (free_left, free_right);
    found
}

#[cfg(test)]
mod tests {
    use super::{RowPairs, pair_rows};

    fn keys(rows: &[[&str; 2]]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.map(str::to_owned).to_vec())
            .collect()
    }

    #[test]
    fn rows_are_paired_by_the_first_list_that_fits_and_each_once() {
        // By number and charge, then by charge alone.
        let left = keys(&[["1 10", "10"], ["2 20", "20"], ["3 30", "30"]]);
        let right = keys(&[["1 20", "20"], ["2 30", "30"], ["3 40", "40"]]);
        let expected = RowPairs {
            pairs: vec![(1, 0), (2, 1)],
            only_left: vec![0],
            only_right: vec![2],
        };
        assert_eq!(pair_rows(&left, &right, 2), expected);
    }

    #[test]
    fn rows_that_are_all_alike_are_paired_in_their_order_and_the_surplus_is_left() {
        let left = keys(&[["1", "x"], ["1", "x"], ["1", "x"]]);
        let right = keys(&[["1", "x"], ["1", "x"]]);
        let expected = RowPairs {
            pairs: vec![(0, 0), (1, 1)],
            only_left: vec![2],
            only_right: Vec::new(),
        };
        assert_eq!(pair_rows(&left, &right, 2), expected);
    }

    #[test]
    fn without_a_list_nothing_is_paired() {
        let found = pair_rows(&[Vec::new()], &[Vec::new()], 0);
        assert_eq!((found.only_left, found.only_right), (vec![0], vec![0]));
    }
}
