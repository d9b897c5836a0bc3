//! Finds the ends of JSON values quickly. The text need not be checked: the view engine reads it
//! too and finds what is not JSON.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes from `at` on, the first of them lowest; zeros behind the end.
#[inline]
pub(super) fn word(text: &[u8], at: usize) -> u64 {
    match text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => short_word(text.get(at..).unwrap_or_default()),
    }
}

#[cold]
fn short_word(rest: &[u8]) -> u64 {
    let bytes = rest.iter().rev();
    bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// One after the quote that ends the string whose text begins at `at`.
#[inline]
pub(super) fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let word = word(text, at);
        let quotes = word ^ (ONES * 0x22);
        let escapes = word ^ (ONES * 0x5c);
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let found = (zero(quotes) | zero(escapes)) & HIGHS;
        if found == 0 {
            at += 8;
            if at >= text.len() {
                return None;
            }
            continue;
        }
        at += (found.trailing_zeros() / 8) as usize;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// The first byte from `at` on that is no white space, and where it is.
#[inline]
pub(super) fn next(text: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        match *text.get(at)? {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            byte => return Some((byte, at)),
        }
    }
}

/// The position after the value that begins at `at`.
#[inline]
pub(super) fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string_end(text, at + 1),
        b'{' | b'[' => container_end(text, at + 1),
        b',' | b'}' | b']' | b':' => None,
        _ => Some(plain_end(text, at)),
    }
}

/// The position after the number or name that begins at `at`.
#[inline]
fn plain_end(text: &[u8], mut at: usize) -> usize {
    while let Some(byte) = text.get(at) {
        if matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace() {
            break;
        }
        at += 1;
    }
    at
}

/// One after the object or array that `at` lies within.
fn container_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1_u32;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at + 1)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::value_end;

    #[test]
    fn every_kind_of_value_ends_where_it_ends_and_a_cut_one_nowhere() {
        for value in [
            "\"\"",
            "\"abcdefghijklmnop\"",
            "\"a\\\"b\\\\\"",
            "{}",
            "[[],{\"]\":[\"}\"]}]",
            "{\"a\":{\"b\\\"}\":[1,2]},\"c\":\"[\"}",
            "[{\"system\":\"http://example.org/a/b/c/d/e/f/g\",\"x\":[{},{},{\"]\":\"}}]]{{[[\"}]},{}]",
            "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789]]}}\",\"b\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
        ] {
            let text = format!("{value},\"rest\"");
            assert_eq!(value_end(text.as_bytes(), 0), Some(value.len()), "{value}");
            for cut in 0..value.len() {
                let found = value_end(&value.as_bytes()[..cut], 0);
                assert_eq!(found, None, "{value} cut at {cut}");
            }
        }
        assert_eq!(value_end(b"-12.5}", 0), Some(5));
        assert_eq!(value_end(b"true", 0), Some(4));
        assert_eq!(value_end(b"}", 0), None);
    }
}
