//! Escapes within strings.

use crate::fault::Fault;

/// One after the escape whose backslash is at `at`; a surrogate pair is one escape.
#[cold]
pub(crate) fn check_escape(buffer: &[u8], at: usize) -> Result<usize, Fault> {
    match buffer.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex4(buffer, at + 2).ok_or(Fault::NotJson)? {
            0xd800..=0xdbff => {
                if buffer.get(at + 6..at + 8) != Some(b"\\u") {
                    return Err(Fault::LoneSurrogate);
                }
                match hex4(buffer, at + 8).ok_or(Fault::NotJson)? {
                    0xdc00..=0xdfff => Ok(at + 12),
                    _ => Err(Fault::LoneSurrogate),
                }
            }
            0xdc00..=0xdfff => Err(Fault::LoneSurrogate),
            _ => Ok(at + 6),
        },
        _ => Err(Fault::NotJson),
    }
}

pub(crate) fn hex4(buffer: &[u8], at: usize) -> Option<u32> {
    let digits = buffer.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// The text of a string whose form [`crate::string_end`] has checked.
#[must_use]
pub fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(raw.len());
    unescape_into(raw, &mut text);
    text
}

/// Appends the text of a string whose form [`crate::string_end`] has checked.
pub fn unescape_into(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..at]);
        let Some(kind) = rest.get(at + 1) else {
            return;
        };
        let mut length = 2;
        match kind {
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => {
                length = 6;
                let mut code = hex4(rest, at + 2).unwrap_or(0xfffd);
                if (0xd800..0xdc00).contains(&code) {
                    length = 12;
                    let low = hex4(rest, at + 8).unwrap_or(0);
                    code = 0x1_0000 + ((code - 0xd800) << 10) + (low & 0x3ff);
                }
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            plain => text.push(*plain),
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn every_escape_becomes_its_character() {
        let raw = br#"a\"\\\/\b\f\n\r\t\u00e9\u0041\ud83d\ude00z"#;
        let expected = "a\"\\/\u{8}\u{c}\n\r\té\u{41}😀z";
        assert_eq!(unescape(raw), expected.as_bytes());
    }
}
