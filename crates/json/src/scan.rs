//! Where a string or number ends, and whether it is valid.
//!
//! The functions read a buffer of lines. Each stops at the line's newline at the latest, since a
//! newline is part of neither a string nor a number, so that a line needs no copy of its own. The
//! buffer ends in [`PADDING`] newlines, so that whole words can be read anywhere in it.

use crate::fault::Fault;
use crate::unescape::check_escape;

/// Newlines that must follow the last line of a buffer.
pub const PADDING: usize = 32;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes from `at` on; zeros, which are no JSON, where the buffer has no more.
#[inline]
#[must_use]
pub fn load(buffer: &[u8], at: usize) -> u64 {
    match buffer.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// The high bit of each byte that ends the unescaped part of a string: a quote, a backslash or a
/// control character. Bits above the lowest may be wrong; the lowest never is.
#[inline]
fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5c);
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    (is_zero(quote) | is_zero(backslash) | is_control) & HIGHS
}

/// The place of the closing quote of the string whose text begins at `at`, and whether there is
/// an escape in it.
///
/// # Errors
/// The string does not end, or has a control character or an invalid escape.
#[inline]
pub fn string_end(buffer: &[u8], at: usize) -> Result<(usize, bool), Fault> {
    let mut position = at;
    let mut escaped = false;
    loop {
        let found = stops(load(buffer, position));
        if found == 0 {
            position += 8;
            continue;
        }
        position += (found.trailing_zeros() / 8) as usize;
        match buffer.get(position) {
            Some(b'"') => return Ok((position, escaped)),
            Some(b'\\') => {
                escaped = true;
                position = check_escape(buffer, position)?;
            }
            _ => return Err(Fault::NotJson),
        }
    }
}

/// One after the last byte of the number that begins at `at`.
///
/// # Errors
/// It is no JSON number.
#[inline]
pub fn number_end(buffer: &[u8], at: usize) -> Result<usize, Fault> {
    let byte = |position: usize| buffer.get(position).copied().unwrap_or(b'\n');
    let digits = |mut position: usize| {
        let start = position;
        while byte(position).is_ascii_digit() {
            position += 1;
        }
        if position == start {
            Err(Fault::NotJson)
        } else {
            Ok(position)
        }
    };
    let mut position = at + usize::from(byte(at) == b'-');
    position = if byte(position) == b'0' {
        position + 1
    } else {
        digits(position)?
    };
    if byte(position) == b'.' {
        position = digits(position + 1)?;
    }
    if matches!(byte(position), b'e' | b'E') {
        position += 1;
        position += usize::from(matches!(byte(position), b'+' | b'-'));
        position = digits(position)?;
    }
    Ok(position)
}

#[cfg(test)]
mod tests {
    use super::{Fault, number_end, string_end};

    fn string(text: &str) -> Result<(usize, bool), Fault> {
        let mut buffer = text.as_bytes().to_vec();
        buffer.resize(text.len() + super::PADDING, b'\n');
        string_end(&buffer, 0)
    }

    fn number(text: &str) -> Result<usize, Fault> {
        let mut buffer = text.as_bytes().to_vec();
        buffer.resize(text.len() + super::PADDING, b'\n');
        number_end(&buffer, 0)
    }

    #[test]
    fn a_string_ends_at_its_quote_at_any_offset_in_a_word() {
        for length in 0..40 {
            let text = "é".repeat(length);
            assert_eq!(
                string(&format!("{text}\"rest\"")),
                Ok((2 * length, false)),
                "{length}"
            );
            assert_eq!(
                string(&format!("{text}\\\"x\"")),
                Ok((2 * length + 3, true)),
                "{length}"
            );
        }
    }

    #[test]
    fn control_characters_bad_escapes_and_open_strings_are_no_json() {
        for text in [
            "abc",
            "a\tb\"",
            "a\u{0}b\"",
            "0123456789\u{1f}\"",
            "\\x\"",
            "\\u12g4\"",
            "\\u12",
            "\\",
        ] {
            assert_eq!(string(text), Err(Fault::NotJson), "{text:?}");
        }
    }

    #[test]
    fn surrogates_must_come_in_pairs() {
        assert_eq!(string("\\ud83d\\ude00\""), Ok((12, true)));
        for text in [
            "\\ud83d\"",
            "\\ud83dx\"",
            "\\ude00\"",
            "\\ud83d\\u0041\"",
            "\\ud83d\\n\"",
        ] {
            assert_eq!(string(text), Err(Fault::LoneSurrogate), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        for text in ["0", "-0", "12", "-12.50", "1e5", "1.5E-10", "0.0e+0"] {
            assert_eq!(number(text), Ok(text.len()), "{text}");
        }
        for text in ["-", "1.", ".5", "1e", "1e+", "+1", "-.5", "e1"] {
            assert_eq!(number(text), Err(Fault::NotJson), "{text}");
        }
        assert_eq!(
            number("01"),
            Ok(1),
            "what follows is for the caller to refuse"
        );
    }
}
