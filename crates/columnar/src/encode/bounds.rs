//! The smallest and greatest values of pages and chunks.

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

use crate::encode::truncate::{lower_bound, upper_bound};

/// The smallest and the greatest value; none where there are no values.
pub(crate) type Bounds<V> = Option<(V, V)>;

/// A value whose bounds are in the column index.
pub(crate) trait Value: Clone + PartialOrd {
    /// A bound as it is written; cut text need not be in the order of the values.
    type Bound: PartialOrd;

    /// A bound below, of at most `cut` bytes where it is text, and whether it was cut.
    fn lower(&self, cut: usize) -> (Self::Bound, bool);

    /// A bound above.
    fn upper(&self, cut: usize) -> (Self::Bound, bool);

    /// A bound as the page index has it.
    fn bytes(bound: &Self::Bound) -> Vec<u8>;

    /// The statistics of a chunk.
    fn statistics(bounds: Option<&(Self, Self)>, cut: usize, nulls: u64) -> Statistics;
}

/// The bounds of values, widened by one.
pub(crate) fn widened<V: Value>(bounds: Bounds<V>, value: V) -> Bounds<V> {
    Some(match bounds {
        None => (value.clone(), value),
        Some((least, most)) if value < least => (value, most),
        Some((least, most)) if value > most => (least, value),
        Some(same) => same,
    })
}

impl Value for String {
    type Bound = Vec<u8>;

    fn lower(&self, cut: usize) -> (Vec<u8>, bool) {
        let (bound, is_cut) = lower_bound(self, cut);
        (bound.to_vec(), is_cut)
    }

    fn upper(&self, cut: usize) -> (Vec<u8>, bool) {
        upper_bound(self, cut)
    }

    fn bytes(bound: &Vec<u8>) -> Vec<u8> {
        bound.clone()
    }

    fn statistics(bounds: Option<&(Self, Self)>, cut: usize, nulls: u64) -> Statistics {
        let Some((least, most)) = bounds else {
            return ValueStatistics::<ByteArray>::new(None, None, None, Some(nulls), false).into();
        };
        let (least, least_is_cut) = least.lower(cut);
        let (most, most_is_cut) = most.upper(cut);
        let (least, most) = (ByteArray::from(least), ByteArray::from(most));
        ValueStatistics::new(Some(least), Some(most), None, Some(nulls), false)
            .with_min_is_exact(!least_is_cut)
            .with_max_is_exact(!most_is_cut)
            .into()
    }
}

macro_rules! fixed {
    ($type:ty, $bytes:expr) => {
        impl Value for $type {
            type Bound = Self;

            fn lower(&self, _: usize) -> (Self, bool) {
                (*self, false)
            }

            fn upper(&self, _: usize) -> (Self, bool) {
                (*self, false)
            }

            fn bytes(bound: &Self) -> Vec<u8> {
                $bytes(*bound)
            }

            fn statistics(bounds: Option<&(Self, Self)>, _: usize, nulls: u64) -> Statistics {
                let (least, most) = bounds.map(|(least, most)| (*least, *most)).unzip();
                ValueStatistics::<$type>::new(least, most, None, Some(nulls), false)
                    // Such values are ordered as old readers order them.
                    .with_backwards_compatible_min_max(true)
                    .into()
            }
        }
    };
}

fixed!(i32, |value: i32| value.to_le_bytes().to_vec());
fixed!(i64, |value: i64| value.to_le_bytes().to_vec());
fixed!(bool, |value: bool| vec![u8::from(value)]);
