//! The rows of a page that is not full yet.

use crate::sort::dictionary_keys::{DictionaryKeys, NULL};

/// Dictionary keys of rows, [`NULL`] where a row has none, packed in the parts in which they came.
#[derive(Debug, Default)]
pub(crate) struct BufferedRows {
    /// The keys of each part, and how many rows it has.
    parts: Vec<(DictionaryKeys, usize)>,
}

impl BufferedRows {
    /// Appends rows.
    pub(crate) fn push(&mut self, numbers: &[u32]) {
        if !numbers.is_empty() {
            self.parts
                .push((DictionaryKeys::of(numbers), numbers.len()));
        }
    }

    /// Moves all rows to the end of `numbers`.
    pub(crate) fn take_into(&mut self, numbers: &mut Vec<u32>) {
        for (part, rows) in self.parts.drain(..) {
            part.append_to(numbers, 0, rows);
        }
    }
}

/// How many rows have no number.
pub(crate) fn nulls(numbers: &[u32]) -> usize {
    numbers.iter().filter(|number| **number == NULL).count()
}

/// The numbers of the rows that have one.
pub(crate) fn present<'r>(rows: &'r [u32], scratch: &'r mut Vec<u32>) -> &'r [u32] {
    if !rows.contains(&NULL) {
        return rows;
    }
    scratch.clear();
    scratch.extend(rows.iter().copied().filter(|row| *row != NULL));
    scratch
}
