//! The keys of a dictionary column, row by row, in as few bytes as the greatest of them needs.

/// The number of a row without text.
pub(crate) const NULL: u32 = u32::MAX;

/// A key for each row, [`NULL`] where there is no text. What is stored is one more than the key, so that
/// [`NULL`] is 0.
#[derive(Debug)]
pub(crate) enum DictionaryKeys {
    /// All rows have this one.
    Same(u32),
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Words(Vec<u32>),
}

impl DictionaryKeys {
    pub(crate) fn of(numbers: &[u32]) -> Self {
        let first = numbers.first().copied().unwrap_or(NULL);
        if numbers.iter().all(|number| *number == first) {
            return Self::Same(first);
        }
        let kept = numbers.iter().map(|number| number.wrapping_add(1));
        let greatest = kept.clone().max().unwrap_or(0);
        if greatest <= u32::from(u8::MAX) {
            Self::Bytes(kept.map(|kept| kept as u8).collect())
        } else if greatest <= u32::from(u16::MAX) {
            Self::Shorts(kept.map(|kept| kept as u16).collect())
        } else {
            Self::Words(kept.collect())
        }
    }

    /// Bytes that the rows take.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Same(_) => 0,
            Self::Bytes(kept) => kept.len(),
            Self::Shorts(kept) => 2 * kept.len(),
            Self::Words(kept) => 4 * kept.len(),
        }
    }

    /// The number of a row.
    pub(crate) fn get(&self, row: usize) -> u32 {
        match self {
            Self::Same(number) => *number,
            Self::Bytes(kept) => number(&kept[row]),
            Self::Shorts(kept) => number(&kept[row]),
            Self::Words(kept) => number(&kept[row]),
        }
    }

    /// Appends the numbers of the rows `from..to`.
    pub(crate) fn append_to(&self, numbers: &mut Vec<u32>, from: usize, to: usize) {
        match self {
            Self::Same(number) => numbers.resize(numbers.len() + to - from, *number),
            Self::Bytes(kept) => numbers.extend(kept[from..to].iter().map(number)),
            Self::Shorts(kept) => numbers.extend(kept[from..to].iter().map(number)),
            Self::Words(kept) => numbers.extend(kept[from..to].iter().map(number)),
        }
    }
}

fn number<N: Copy + Into<u32>>(kept: &N) -> u32 {
    (*kept).into().wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_take_what_the_greatest_needs() {
        for (numbers, bytes_a_row) in [
            ([7, 7, 7], 0),
            ([NULL, NULL, NULL], 0),
            ([0, NULL, 254], 1),
            ([0, NULL, 255], 2),
            ([65_534, 0, NULL], 2),
            ([65_535, 1, 2], 4),
            ([u32::MAX - 1, NULL, 0], 4),
        ] {
            let kept = DictionaryKeys::of(&numbers);
            assert_eq!(kept.size(), bytes_a_row * 3, "{numbers:?}");
            let mut found = vec![9];
            kept.append_to(&mut found, 1, 3);
            kept.append_to(&mut found, 0, 1);
            assert_eq!(found, [9, numbers[1], numbers[2], numbers[0]]);
            assert_eq!([0, 1, 2].map(|row| kept.get(row)), numbers);
        }
    }
}
