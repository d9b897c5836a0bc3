//! Folders named `column=value`: how a value is written there, and which values cannot be.
//!
//! A partition value is never null. What a row does not say, and what no folder can be named for, has
//! a value of its own: readers differ in what they make of hive's null, and some fail.

use std::fmt::Write as _;

/// Hive's name of the partition of null. It is read, in lakes of older builds, and never written.
pub const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The partition value of a text that is not known. It says nothing, so it never groups rows.
pub const UNKNOWN: &str = "UNKNOWN";

/// The partition value of a whole number that is not known.
pub const UNKNOWN_NUMBER: &str = "0";

/// The partition value of a day that is not known.
pub const UNKNOWN_DATE: &str = "0001-01-01";

/// The partition value of a boolean that is not known.
pub const UNKNOWN_BOOLEAN: &str = "false";

/// The most bytes of a folder's name; more, and file systems refuse it.
const LONGEST_NAME: usize = 255;

/// Why a text cannot be a partition value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is empty, and readers take that for null.
    Empty,
    /// Readers take it for null.
    MeansNull,
    /// Its folder's name would be too long.
    TooLong {
        /// How many bytes the value has as it is written there.
        bytes: usize,
        /// How many fit.
        most: usize,
    },
}

/// Why a text cannot be the value of this partition column; `None` if it can.
#[must_use]
pub fn unfit(column: &str, text: &str) -> Option<Unfit> {
    if text.is_empty() {
        return Some(Unfit::Empty);
    }
    // DuckDB takes NULL for null, in any case of its letters.
    if text == HIVE_NULL || text.eq_ignore_ascii_case("null") {
        return Some(Unfit::MeansNull);
    }
    let most = LONGEST_NAME.saturating_sub(escaped_length(column) + 1);
    // Nothing grows by more than three.
    if text.len() <= most / 3 {
        return None;
    }
    let bytes = escaped_length(text);
    (bytes > most).then_some(Unfit::TooLong { bytes, most })
}

/// `column=value` as a folder's name.
#[must_use]
pub fn folder(column: &str, value: &str) -> String {
    let mut name = escape(column);
    name.push('=');
    name.push_str(&escape(value));
    name
}

/// Column and value of a folder's name; the value is `None` if the folder is that of null, and what
/// is no escape stays as it is.
#[must_use]
pub fn column_and_value(folder: &str) -> Option<(String, Option<String>)> {
    let (column, value) = folder.split_once('=')?;
    let value = (value != HIVE_NULL).then(|| unescape(value));
    Some((unescape(column), value))
}

/// Whether a path has a folder of null, as those of older builds have.
#[must_use]
pub fn has_null(path: &str) -> bool {
    path.split('/').any(|folder| {
        let value = folder.split_once('=').map(|(_, value)| value);
        value == Some(HIVE_NULL)
    })
}

/// Whether Hive percent-encodes this byte.
fn is_unsafe(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f || b"\"#%'*/:=?\\{[]^".contains(&byte)
}

/// Text with what may not be in a folder's name percent-encoded, as Hive does.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // "." and ".." would leave the folder; no other name made of safe characters does.
    let only_dots = text.bytes().all(|byte| byte == b'.');
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() && (is_unsafe(byte) || only_dots) => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

fn escaped_length(text: &str) -> usize {
    let only_dots = text.bytes().all(|byte| byte == b'.');
    let length = |byte: u8| if is_unsafe(byte) || only_dots { 3 } else { 1 };
    text.bytes().map(length).sum()
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_into_a_path_and_back() {
        for value in [
            "CARRIER",
            "a/b",
            "..",
            ".",
            "50%",
            "%41",
            "x=y",
            "é",
            "a b",
            "a+b",
            "日本",
            "\u{1}\t\n",
        ] {
            let name = folder("type", value);
            assert!(!name.contains('/'), "{name}");
            assert!(!name.ends_with("=.."), "{name}");
            let read = column_and_value(&name);
            assert_eq!(read, Some(("type".to_owned(), Some(value.to_owned()))));
        }
        assert_eq!(folder("a", "x:y"), "a=x%3Ay");
        assert_eq!(folder("a=b", "%"), "a%3Db=%25");
    }

    #[test]
    fn the_folder_of_null_is_read_as_null() {
        let read = column_and_value("year=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(read, Some(("year".to_owned(), None)));
        assert!(has_null(
            "eob/eob_type=A/year=__HIVE_DEFAULT_PARTITION__/x.parquet"
        ));
        assert!(!has_null(
            "eob/eob_type=A/year=2024/__HIVE_DEFAULT_PARTITION__"
        ));
        let cut = column_and_value("type=A%2FB%").and_then(|(_, value)| value);
        assert_eq!(cut.as_deref(), Some("A/B%"));
        assert_eq!(column_and_value("no folder of a partition"), None);
    }

    #[test]
    fn what_readers_take_for_null_is_no_value() {
        assert_eq!(unfit("t", ""), Some(Unfit::Empty));
        for null in ["__HIVE_DEFAULT_PARTITION__", "NULL", "null", "Null"] {
            assert_eq!(unfit("t", null), Some(Unfit::MeansNull), "{null}");
        }
        for fit in [UNKNOWN, "nullified", "0", " ", "NULL ", "None"] {
            assert_eq!(unfit("t", fit), None, "{fit}");
        }
    }

    /// What a file system takes: 255 bytes, the column's name and `=` among them.
    #[test]
    fn a_value_is_as_long_as_its_folder_may_be() {
        let too_long = |bytes| Some(Unfit::TooLong { bytes, most: 246 });
        for (text, expected) in [
            ("x".repeat(246), None),
            ("x".repeat(247), too_long(247)),
            ("/".repeat(82), None),
            ("/".repeat(83), too_long(249)),
            ("é".repeat(123), None),
            ("é".repeat(124), too_long(248)),
            (".".repeat(82), None),
            (".".repeat(83), too_long(249)),
            (format!("{}.", "x".repeat(245)), None),
        ] {
            assert_eq!(unfit("eob_type", &text), expected, "{} bytes", text.len());
            let fits = folder("eob_type", &text).len() <= 255;
            assert_eq!(fits, expected.is_none());
        }
        assert_eq!(unfit("service_year_", &"1".repeat(241)), None);
        assert!(unfit("service_year_", &"1".repeat(242)).is_some());
    }
}
