//! The smallest and greatest text of pages and chunks, truncated to valid bounds (Parquet format,
//! `Statistics` and `ColumnIndex`): a truncated minimum must not be greater than any value, a
//! truncated maximum not smaller.

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// The smallest and the greatest text; `None` if there are none.
pub(crate) type Bounds = Option<(String, String)>;

/// The bounds of texts, widened by those of more.
pub(crate) fn widened(bounds: Bounds, (least, most): (String, String)) -> Bounds {
    Some(match bounds {
        None => (least, most),
        Some((least_before, most_before)) => (least_before.min(least), most_before.max(most)),
    })
}

/// The statistics of a chunk, with bounds of at most `length` bytes.
pub(crate) fn statistics(bounds: &Bounds, length: usize, nulls: u64) -> Statistics {
    let Some((least, most)) = bounds else {
        return ValueStatistics::<ByteArray>::new(None, None, None, Some(nulls), false).into();
    };
    let (least, least_is_cut) = lower_bound(least, length);
    let (most, most_is_cut) = upper_bound(most, length);
    let (least, most) = (ByteArray::from(least.to_vec()), ByteArray::from(most));
    ValueStatistics::new(Some(least), Some(most), None, Some(nulls), false)
        .with_min_is_exact(!least_is_cut)
        .with_max_is_exact(!most_is_cut)
        .into()
}

/// Text of at most `length` bytes that is not greater than `text`, and whether it was cut.
pub(crate) fn lower_bound(text: &str, length: usize) -> (&[u8], bool) {
    if text.len() <= length {
        return (text.as_bytes(), false);
    }
    (cut(text, length).as_bytes(), true)
}

/// Text of at most `length` bytes that is not less than `text`, and whether it was cut; `text`
/// itself where there is none.
pub(crate) fn upper_bound(text: &str, length: usize) -> (Vec<u8>, bool) {
    if text.len() <= length {
        return (text.as_bytes().to_vec(), false);
    }
    let mut bound = cut(text, length).to_owned();
    while let Some(last) = bound.pop() {
        // The next character of the same length, so that the bound does not grow.
        let next = (u32::from(last) + 1..=0x0010_FFFF).find_map(char::from_u32);
        if let Some(next) = next.filter(|next| next.len_utf8() == last.len_utf8()) {
            bound.push(next);
            return (bound.into_bytes(), true);
        }
    }
    (text.as_bytes().to_vec(), false)
}

/// The beginning of a text, at most `length` bytes, ending at a character boundary.
fn cut(text: &str, length: usize) -> &str {
    let end = (0..=length).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_bounds_itself() {
        assert_eq!(lower_bound("abc", 3), (&b"abc"[..], false));
        assert_eq!(upper_bound("abc", 3), (b"abc".to_vec(), false));
    }

    #[test]
    fn long_text_is_cut_between_characters_and_raised() {
        assert_eq!(lower_bound("abcd", 3), (&b"abc"[..], true));
        assert_eq!(upper_bound("abcd", 3), (b"abd".to_vec(), true));
        // Two bytes each: three bytes hold one of them.
        assert_eq!(lower_bound("éé", 3), ("é".as_bytes(), true));
        assert_eq!(upper_bound("éé", 3), ("ê".as_bytes().to_vec(), true));
        // 0x7f is the last of one byte: the character before it is raised.
        assert_eq!(upper_bound("a\u{7f}\u{7f}z", 3), (b"b".to_vec(), true));
        // No character follows the surrogates' gap with as many bytes? One does.
        let raised = upper_bound("\u{d7ff}\u{d7ff}", 3);
        assert_eq!(raised, ("\u{e000}".as_bytes().to_vec(), true));
    }

    #[test]
    fn text_that_nothing_short_bounds_stays_whole() {
        let greatest = "\u{10ffff}\u{10ffff}";
        assert_eq!(
            upper_bound(greatest, 4),
            (greatest.as_bytes().to_vec(), false)
        );
    }
}
