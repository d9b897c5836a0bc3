//! Values of partition columns, read back from hive paths.

use claimlake_contract::HIVE_NULL;

/// The value that a file's path gives a partition column; none for null and where the path has no
/// such column.
pub(crate) fn value_in(path: &str, column: &str) -> Option<String> {
    let value = path
        .split('/')
        .filter_map(|folder| folder.split_once('='))
        .find_map(|(name, value)| (name == column).then_some(value))?;
    (value != HIVE_NULL).then(|| unescape(value))
}

/// Undoes hive's percent-encoding; what is no escape stays as it is.
fn unescape(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| value.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::value_in;

    #[test]
    fn values_are_read_from_the_path() {
        let path = "eob/eob_type=A%2FB%/service_year=__HIVE_DEFAULT_PARTITION__/x.parquet";
        assert_eq!(value_in(path, "eob_type").as_deref(), Some("A/B%"));
        assert_eq!(value_in(path, "service_year"), None);
        assert_eq!(value_in(path, "state"), None);
    }
}
