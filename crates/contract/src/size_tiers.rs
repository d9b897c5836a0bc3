//! Which of many small pieces are joined, so that their number stays small and each is rewritten a
//! few times only.

/// Fewer pieces than this are left as they are.
const LEAST_JOINED: usize = 8;

/// The first of the pieces that are joined with all behind it; `None` if none are. `sizes` are those
/// of all pieces, oldest first.
///
/// Pieces are joined from the newest back, as long as the next one is less than twice as large as
/// those behind it together. So sizes at least halve from one joined piece to the next, and their
/// number grows with the logarithm of all sizes together; each time a piece is joined, it becomes
/// part of one that is half as large again or more. Nothing is joined until there are eight.
///
/// ```
/// use claimlake_contract::first_joined;
///
/// assert_eq!(first_joined(&[1; 7]), None);
/// assert_eq!(first_joined(&[1; 8]), Some(0));
/// assert_eq!(first_joined(&[100, 1, 1, 1, 1, 1, 1, 1, 1]), Some(1));
/// ```
#[must_use]
pub fn first_joined(sizes: &[u64]) -> Option<usize> {
    let mut behind: u64 = 0;
    let mut first = sizes.len();
    for (index, size) in sizes.iter().enumerate().rev() {
        let is_newest = index + 1 == sizes.len();
        if !is_newest && *size >= behind.saturating_mul(2) {
            break;
        }
        behind = behind.saturating_add(*size);
        first = index;
    }
    (sizes.len() - first >= LEAST_JOINED).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::first_joined;

    #[test]
    fn after_thousands_of_pieces_few_are_left_and_each_was_rewritten_a_few_times() {
        let (mut pieces, mut rewritten, nights) = (Vec::<u64>::new(), 0, 4_000);
        for night in 0..nights {
            // Sizes differ, and some nights bring much more than others.
            pieces.push(1 + night % 7 + 500 * u64::from(night % 100 == 0));
            if let Some(first) = first_joined(&pieces) {
                let joined: u64 = pieces.drain(first..).sum();
                rewritten += joined;
                pieces.push(joined);
            }
            assert!(pieces.len() < 24, "{} pieces", pieces.len());
        }
        let all: u64 = pieces.iter().sum();
        assert!(rewritten < 12 * all, "{rewritten} of {all}");
    }

    #[test]
    fn a_large_piece_is_left_until_the_others_are_half_as_large() {
        let small = |count: usize| [vec![100], vec![1; count]].concat();
        assert_eq!(first_joined(&small(50)), Some(1));
        assert_eq!(first_joined(&small(51)), Some(0));
        assert_eq!(first_joined(&[]), None);
        assert_eq!(first_joined(&[0; 9]), None, "nothing is joined for nothing");
    }
}
