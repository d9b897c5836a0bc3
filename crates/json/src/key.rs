//! Keys as what they say: `pati\u0065nt` is the key `patient`.

use std::borrow::Cow;

use crate::scan::{PADDING, string_end};
use crate::unescape::unescape;

/// Whether a key, given as it is between its quotes, says `name`.
#[must_use]
pub fn key_says(raw: &[u8], name: &str) -> bool {
    raw == name.as_bytes() || (raw.contains(&b'\\') && *read_key(raw) == *name.as_bytes())
}

/// A key without its escapes; one that is no JSON string is returned unchanged and equals no name.
pub(crate) fn read_key(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut padded = [raw, b"\""].concat();
    padded.resize(raw.len() + PADDING, b'\n');
    let is_string = matches!(string_end(&padded, 0), Ok((end, _)) if end == raw.len());
    match is_string && std::str::from_utf8(raw).is_ok() {
        true => Cow::Owned(unescape(raw)),
        false => Cow::Borrowed(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::read_key;

    /// Keys read by serde_json, which is the reference here.
    #[test]
    fn a_key_is_read_as_a_parser_reads_it_or_left_as_it_is() {
        for raw in [
            &b"plain"[..],
            br"a\b",
            br"\",
            br"\u0041",
            br"\u+041",
            br"\u004",
            br"\ud83d\ude00",
            br"\ud83d",
            br"\ude00x",
            br"\ud83d\u0041",
            br"\x",
            b"a\tb\\n",
            b"quote\"\\n",
            b"\xff\\n",
            b"\xc3\xa9\\/\\b\\f\\r\\t",
        ] {
            let quoted = [b"\"", raw, b"\""].concat();
            let parsed = serde_json::from_slice::<String>(&quoted);
            let expected = parsed.map_or(raw.to_vec(), String::into_bytes);
            assert_eq!(*read_key(raw), *expected, "{raw:?}");
        }
    }
}
