//! How much text is held at once. Rows are bounded by their number everywhere, and the text of a
//! row is not: a document in an attachment can have megabytes.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::sort::row_ranges::Ranges;

/// The most bytes of distinct text of a column that are held for a page, of text in lists for a block
/// of rows, and of rows that wait to be written. More would also leave Arrow's offsets, which end at 2 GiB, and those of the
/// interner, which end at 4 GiB.
pub(crate) const MOST_TEXT: u32 = 64 << 20;

/// Bytes of text in a column of lists; 0 for any other column.
pub(crate) fn list_text_bytes(ranges: &Ranges<'_>, column: usize) -> usize {
    let arrays = ranges.arrays(column);
    let is_list = |array: &&ArrayRef| matches!(array.data_type(), DataType::List(_));
    if !arrays.iter().flatten().any(is_list) {
        return 0;
    }
    let of_range = |(source, from, to): &(usize, usize, usize)| {
        let array = arrays.get(*source).copied().flatten();
        array.map_or(0, |array| list_range_bytes(array, *from, *to))
    };
    ranges.ranges.iter().map(of_range).sum()
}

/// Bytes of text in some rows of a column of lists.
fn list_range_bytes(array: &ArrayRef, from: usize, to: usize) -> usize {
    let Some(lists) = array.as_list_opt::<i32>() else {
        return 0;
    };
    let Some(texts) = lists.values().as_string_opt::<i32>() else {
        return 0;
    };
    let position = |offsets: &[i32], at: usize| {
        let offset = offsets.get(at).copied().unwrap_or_default();
        usize::try_from(offset).unwrap_or_default()
    };
    let in_texts = |row| position(lists.value_offsets(), row);
    let in_bytes = |row| position(texts.value_offsets(), in_texts(row));
    in_bytes(to).saturating_sub(in_bytes(from))
}
