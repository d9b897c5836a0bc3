//! Where JSON values begin and end, found by quotes and brackets alone.
//!
//! Nothing else is checked: text that must be valid JSON goes through [`crate::value`] as well.

use std::ops::Range;

use crate::key::read_key;

/// The end (exclusive) of the JSON value that begins at `start`, or `None` where the text ends
/// first or no value begins there.
#[must_use]
pub fn value_end(text: &[u8], start: usize) -> Option<usize> {
    match text.get(start)? {
        b'"' => after_string(text, start),
        b'{' | b'[' => container_end(text, start),
        b',' | b'}' | b']' | b':' => None,
        _ => {
            let length = text[start..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace());
            Some(length.map_or(text.len(), |length| start + length))
        }
    }
}

/// The end (exclusive) of the string whose opening quote is at `start`.
pub(crate) fn after_string(text: &[u8], start: usize) -> Option<usize> {
    let mut position = start + 1;
    loop {
        let found = position + memchr::memchr2(b'"', b'\\', text.get(position..)?)?;
        if text[found] == b'"' {
            return Some(found + 1);
        }
        position = found + 2;
    }
}

fn container_end(text: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut position = start;
    while let Some(byte) = text.get(position) {
        match byte {
            b'"' => {
                position = after_string(text, position)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(position + 1);
                }
            }
            _ => {}
        }
        position += 1;
    }
    None
}

/// The position of the first byte from `start` on that is not JSON white space.
#[must_use]
pub fn skip_space(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let space = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    start + space.unwrap_or(rest.len())
}

/// Walks the object that begins at `start` once: `each` gets a key (escapes read) and where its
/// value begins, and returns the value's end, for instance from [`value_end`].
///
/// The object's end (exclusive), or `None` where `each` gave none or the text is no object.
pub fn walk_object(
    text: &[u8],
    start: usize,
    mut each: impl FnMut(&[u8], usize) -> Option<usize>,
) -> Option<usize> {
    if *text.get(start)? != b'{' {
        return None;
    }
    let mut position = skip_space(text, start + 1);
    if *text.get(position)? == b'}' {
        return Some(position + 1);
    }
    loop {
        if *text.get(position)? != b'"' {
            return None;
        }
        let key_end = after_string(text, position)?;
        let colon = skip_space(text, key_end);
        if *text.get(colon)? != b':' {
            return None;
        }
        let value = skip_space(text, colon + 1);
        let end = each(&read_key(&text[position + 1..key_end - 1]), value)?;
        position = skip_space(text, end);
        match text.get(position)? {
            b',' => position = skip_space(text, position + 1),
            b'}' => return Some(position + 1),
            _ => return None,
        }
    }
}

/// Walks the array that begins at `start` once: `each` gets where an element begins and returns
/// its end. The array's end (exclusive), or `None` as for [`walk_object`].
pub fn walk_array(
    text: &[u8],
    start: usize,
    mut each: impl FnMut(usize) -> Option<usize>,
) -> Option<usize> {
    if *text.get(start)? != b'[' {
        return None;
    }
    let mut position = skip_space(text, start + 1);
    if *text.get(position)? == b']' {
        return Some(position + 1);
    }
    loop {
        let end = each(position)?;
        position = skip_space(text, end);
        match text.get(position)? {
            b',' => position = skip_space(text, position + 1),
            b']' => return Some(position + 1),
            _ => return None,
        }
    }
}

/// The text between the quotes of the string at `range`, where it has no escapes.
#[must_use]
pub fn plain_string<'a>(text: &'a [u8], range: &Range<usize>) -> Option<&'a str> {
    let inner = text
        .get(range.clone())?
        .strip_prefix(b"\"")?
        .strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_some() {
        return None;
    }
    std::str::from_utf8(inner).ok()
}

#[cfg(test)]
mod tests {
    use super::{value_end, walk_array, walk_object};

    #[test]
    fn a_walk_ends_where_the_value_ends_and_fails_on_a_cut_or_broken_one() {
        let text = br#" {"a": [1, {"b":2}, []], "c": {} } rest"#;
        let walk = |text: &[u8]| {
            let mut seen = Vec::new();
            let end = walk_object(text, 1, |key, value| {
                seen.push(String::from_utf8_lossy(key).into_owned());
                match key {
                    b"a" => walk_array(text, value, |element| value_end(text, element)),
                    _ => value_end(text, value),
                }
            });
            (end, seen)
        };
        let (end, seen) = walk(text);
        assert_eq!(end, Some(text.len() - 5));
        assert_eq!(seen, ["a", "c"]);
        for length in 0..text.len() - 5 {
            assert_eq!(walk(&text[..length]).0, None, "{length}");
        }
        assert_eq!(walk(br#" {"a":[1 2]}"#).0, None);
        assert_eq!(walk(br#" {"a":[1],}"#).0, None);
    }
}
