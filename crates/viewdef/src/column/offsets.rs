//! Arrow's offsets in texts and lists, which are 32 bits.

use arrow_schema::ArrowError;

/// What offsets count.
pub(super) const MOST: usize = i32::MAX as usize;

/// An offset; beyond what offsets count it is the greatest one, and [`check`] refuses the column.
pub(super) fn offset(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}

/// An error if a column has more bytes or elements than `most`: the offsets beyond are all the same.
pub(super) fn check(counted: usize, most: usize) -> Result<(), ArrowError> {
    match counted <= most {
        true => Ok(()),
        false => Err(ArrowError::OffsetOverflowError(counted)),
    }
}

/// Offsets that begin with 0, with this capacity.
pub(super) fn with_zero(room: usize) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(room);
    offsets.push(0);
    offsets
}
