//! The rows of a page that is not full yet, packed as narrowly as their numbers allow.

use crate::sort::held::NULL;

/// Numbers of rows, [`NULL`] where a row has none.
#[derive(Debug, Default)]
pub(crate) struct HeldRows {
    packed: Packed,
    rows: usize,
}

/// Each number raised by one, so that 0 is [`NULL`] in every width.
#[derive(Debug)]
enum Packed {
    /// All rows have this number.
    Same(u32),
    Bytes(Vec<u8>),
    Words(Vec<u16>),
    Whole(Vec<u32>),
}

impl Default for Packed {
    fn default() -> Self {
        Self::Same(0)
    }
}

impl HeldRows {
    /// Appends rows.
    pub(crate) fn push(&mut self, numbers: &[u32]) {
        let Some(first) = numbers.first() else {
            return;
        };
        let first = first.wrapping_add(1);
        if self.rows == 0 {
            self.packed = Packed::Same(first);
        }
        let raised = numbers.iter().map(|number| number.wrapping_add(1));
        match self.packed {
            Packed::Same(same) if raised.clone().all(|number| number == same) => {}
            _ => {
                self.widen(raised.clone().max().unwrap_or(first));
                match &mut self.packed {
                    Packed::Bytes(bytes) => bytes.extend(raised.map(|number| number as u8)),
                    Packed::Words(words) => words.extend(raised.map(|number| number as u16)),
                    Packed::Whole(whole) => whole.extend(raised),
                    Packed::Same(_) => {}
                }
            }
        }
        self.rows += numbers.len();
    }

    /// Makes room for numbers up to `most`, each in a place of its own.
    fn widen(&mut self, most: u32) {
        let most = match &self.packed {
            Packed::Same(same) => most.max(*same),
            Packed::Bytes(_) => most,
            Packed::Words(_) => most.max(1 << 8),
            Packed::Whole(_) => return,
        };
        let fits = match &self.packed {
            Packed::Same(_) => false,
            Packed::Bytes(_) => most < 1 << 8,
            _ => most < 1 << 16,
        };
        if fits {
            return;
        }
        let rows = self.rows;
        self.packed = match (std::mem::take(&mut self.packed), most) {
            (Packed::Same(same), ..=0xff) => Packed::Bytes(vec![same as u8; rows]),
            (Packed::Same(same), ..=0xffff) => Packed::Words(vec![same as u16; rows]),
            (Packed::Same(same), _) => Packed::Whole(vec![same; rows]),
            (Packed::Bytes(bytes), ..=0xffff) => {
                Packed::Words(bytes.into_iter().map(u16::from).collect())
            }
            (Packed::Bytes(bytes), _) => Packed::Whole(bytes.into_iter().map(u32::from).collect()),
            (Packed::Words(words), _) => Packed::Whole(words.into_iter().map(u32::from).collect()),
            (whole, _) => whole,
        };
    }

    /// Moves all rows to the end of `numbers`.
    pub(crate) fn take_into(&mut self, numbers: &mut Vec<u32>) {
        fn lowered(number: impl Into<u32>) -> u32 {
            number.into().wrapping_sub(1)
        }
        match std::mem::take(&mut self.packed) {
            Packed::Same(same) => numbers.resize(numbers.len() + self.rows, lowered(same)),
            Packed::Bytes(bytes) => numbers.extend(bytes.into_iter().map(lowered)),
            Packed::Words(words) => numbers.extend(words.into_iter().map(lowered)),
            Packed::Whole(whole) => numbers.extend(whole.into_iter().map(lowered)),
        }
        self.rows = 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_whatever_their_widths() {
        let parts: [&[u32]; 12] = [
            &[NULL; 3],
            &[],
            &[NULL, 0],
            &[254, 253, NULL],
            &[255],
            &[0, NULL],
            &[65_534],
            &[65_535, 1],
            &[NULL],
            &[u32::MAX - 1],
            &[7; 4],
            &[3],
        ];
        for start in 0..parts.len() {
            for end in start..parts.len() {
                let mut held = HeldRows::default();
                // What was held before leaves no trace.
                held.push(&[1, 70_000]);
                held.take_into(&mut Vec::new());
                assert_eq!(held.rows, 0);
                for part in &parts[start..end] {
                    held.push(part);
                }
                let mut rows = vec![9];
                held.take_into(&mut rows);
                assert_eq!(rows[0], 9);
                assert_eq!(rows[1..], parts[start..end].concat());
            }
        }
    }

    #[test]
    fn rows_take_as_few_bytes_as_their_greatest_number() {
        let mut held = HeldRows::default();
        held.push(&[5; 100]);
        assert!(matches!(held.packed, Packed::Same(6)));
        held.push(&[254, NULL]);
        assert!(matches!(&held.packed, Packed::Bytes(bytes) if bytes.len() == 102));
        held.push(&[255]);
        assert!(matches!(&held.packed, Packed::Words(words) if words.len() == 103));
        held.push(&[65_535]);
        assert!(matches!(&held.packed, Packed::Whole(whole) if whole.len() == 104));
    }
}
