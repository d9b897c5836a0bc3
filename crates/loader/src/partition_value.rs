//! Values of partition columns, read back from hive paths (`column=value/`). The loader writes such
//! columns into the path only, so this is the only place where their values are.

use claimlake_contract::hive;

/// The value that a file's path gives a partition column; none where the path has no such column, or
/// an older build's null.
///
/// ```
/// use claimlake_loader::partition_value;
///
/// let path = "eob/eob_type=A%2FB/service_year=2024/0f1e.parquet";
/// assert_eq!(partition_value(path, "eob_type").as_deref(), Some("A/B"));
/// assert_eq!(partition_value(path, "state"), None);
/// ```
#[must_use]
pub fn partition_value(path: &str, column: &str) -> Option<String> {
    let mut folders = path.split('/').filter_map(hive::column_and_value);
    folders
        .find_map(|(name, value)| (name == column).then_some(value))
        .flatten()
}

/// Whether the value of a partition column in a path stands for a missing one, such as `UNKNOWN`.
///
/// `words` is the column's Arrow type as text, as in manifests ([`claimlake_contract::LakeTable::partition_columns`]).
///
/// ```
/// use claimlake_loader::is_unknown_partition;
///
/// assert!(is_unknown_partition("eob/service_year=0/0f1e.parquet", "service_year", "Int32"));
/// assert!(!is_unknown_partition("eob/eob_type=0/0f1e.parquet", "eob_type", "Utf8"));
/// ```
#[must_use]
pub fn is_unknown_partition(path: &str, column: &str, words: &str) -> bool {
    let unknown = match words {
        "Utf8" => hive::UNKNOWN,
        "Date32" => hive::UNKNOWN_DATE,
        // `false` may be a value or stand for a missing one.
        "Boolean" => return partition_value(path, column).is_none(),
        _ => hive::UNKNOWN_NUMBER,
    };
    partition_value(path, column).is_none_or(|value| value == unknown)
}

#[cfg(test)]
mod tests {
    use super::{is_unknown_partition, partition_value};

    #[test]
    fn values_are_read_from_the_path() {
        let path = "eob/eob_type=A%2FB%/service_year=__HIVE_DEFAULT_PARTITION__/x.parquet";
        assert_eq!(partition_value(path, "eob_type").as_deref(), Some("A/B%"));
        assert_eq!(partition_value(path, "service_year"), None);
        assert_eq!(partition_value(path, "state"), None);
    }

    #[test]
    fn what_is_not_known_is_no_value() {
        for (folder, words, expected) in [
            ("c=UNKNOWN", "Utf8", true),
            ("c=0", "Utf8", false),
            ("c=0", "Int32", true),
            ("c=2024", "Int32", false),
            ("c=0001-01-01", "Date32", true),
            ("c=false", "Boolean", false),
            ("c=__HIVE_DEFAULT_PARTITION__", "Int32", true),
            ("other=1", "Int32", true),
        ] {
            let path = format!("t/{folder}/x.parquet");
            assert_eq!(
                is_unknown_partition(&path, "c", words),
                expected,
                "{folder} {words}"
            );
        }
    }
}
