//! How a table's files are read by DuckDB and by Spark.

use std::path::Path;

use claimlake_contract::LakeTable;

use super::names::{literal, quoted};

/// A query of all rows of a table.
pub(super) fn duckdb(table: &LakeTable, folder: &Path) -> String {
    let files = duckdb_files(table, folder);
    let types = hive_types(table);
    format!(
        "SELECT * FROM read_parquet({files}, hive_partitioning = {}, union_by_name = true{types})",
        !table.layout.partition_by.is_empty()
    )
}

/// The text after the name of a table's view in Spark.
pub(super) fn spark(table: &LakeTable, folder: &Path) -> String {
    let path = folder.join(&table.layout.name);
    let path = spark_literal(&spark_pattern(&path.to_string_lossy()));
    // With its columns stated, Spark neither guesses types nor opens a file before it is read.
    let (columns, options) = match spark_columns(table) {
        Some(columns) => (format!(" ({columns})"), ""),
        None => (String::new(), ", mergeSchema 'true'"),
    };
    format!("{columns} USING parquet OPTIONS (path {path}{options})")
}

/// All files of a table, as a DuckDB pattern or list of paths.
fn duckdb_files(table: &LakeTable, folder: &Path) -> String {
    let folder = folder.to_string_lossy();
    if !folder.contains('\\') {
        let folder = bracketed(&folder);
        return literal(&format!("{folder}/{}/**/*.parquet", table.layout.name));
    }
    // In a pattern a backslash parts folders as `/` does; in the name of a file it is itself.
    let files = table.files.iter();
    let files = files.map(|file| literal(&format!("{folder}/{}", file.path)));
    format!("[{}]", files.collect::<Vec<_>>().join(", "))
}

/// A pattern that matches this text only.
fn bracketed(text: &str) -> String {
    let one = |c: char| match c {
        '*' | '?' | '[' => format!("[{c}]"),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

/// A pattern of Hadoop's that matches this text only.
fn spark_pattern(text: &str) -> String {
    let one = |c: char| match c {
        '*' | '?' | '[' | ']' | '{' | '}' | '\\' => format!("\\{c}"),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

fn spark_literal(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{}'", text.replace('\n', "\\n"))
}

/// The types of partition columns, which DuckDB would otherwise guess from the paths.
fn hive_types(table: &LakeTable) -> String {
    let types: Vec<String> = table
        .partition_columns
        .iter()
        .map(|(name, words)| format!("{}: {}", literal(name), duckdb_type(words)))
        .collect();
    if types.is_empty() {
        return String::new();
    }
    format!(", hive_types = {{{}}}", types.join(", "))
}

fn duckdb_type(words: &str) -> &'static str {
    match words {
        "Boolean" => "BOOLEAN",
        "Int8" => "TINYINT",
        "Int16" => "SMALLINT",
        "Int32" => "INTEGER",
        "Int64" => "BIGINT",
        "UInt8" => "UTINYINT",
        "UInt16" => "USMALLINT",
        "UInt32" => "UINTEGER",
        "UInt64" => "UBIGINT",
        "Date32" => "DATE",
        _ => "VARCHAR",
    }
}

/// The columns of a table, those in the paths last, as Spark has them; `None` if a type is not
/// known.
fn spark_columns(table: &LakeTable) -> Option<String> {
    let columns = table.columns.iter().chain(&table.partition_columns);
    let columns =
        columns.map(|(name, words)| Some(format!("{} {}", quoted(name, '`'), spark_type(words)?)));
    Some(columns.collect::<Option<Vec<_>>>()?.join(", "))
}

/// The Spark type for an Arrow type given as text.
fn spark_type(words: &str) -> Option<String> {
    let plain = match words {
        "Utf8" => "STRING",
        "Boolean" => "BOOLEAN",
        "Int8" => "TINYINT",
        "Int16" | "UInt8" => "SMALLINT",
        "Int32" | "UInt16" => "INT",
        "Int64" | "UInt32" => "BIGINT",
        "UInt64" => "DECIMAL(20, 0)",
        "Float64" => "DOUBLE",
        "Date32" => "DATE",
        "Timestamp(µs, \"UTC\")" => "TIMESTAMP",
        _ => {
            if let Some(digits) = words.strip_prefix("Decimal128") {
                return Some(format!("DECIMAL{digits}"));
            }
            let child = words.strip_prefix("List(")?.split_once(", field:")?.0;
            return Some(format!("ARRAY<{}>", spark_type(child)?));
        }
    };
    Some(plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{bracketed, spark_literal, spark_pattern, spark_type};

    #[test]
    fn spark_has_a_type_for_every_column_that_the_pipelines_make() {
        for (words, expected) in [
            ("Utf8", "STRING"),
            ("Int32", "INT"),
            ("UInt64", "DECIMAL(20, 0)"),
            ("Decimal128(18, 2)", "DECIMAL(18, 2)"),
            ("Timestamp(µs, \"UTC\")", "TIMESTAMP"),
            ("List(Date32, field: 'element')", "ARRAY<DATE>"),
            (
                "List(Decimal128(18, 4), field: 'element')",
                "ARRAY<DECIMAL(18, 4)>",
            ),
        ] {
            assert_eq!(spark_type(words).as_deref(), Some(expected));
        }
        assert_eq!(spark_type("Map(Utf8)"), None);
    }

    #[test]
    fn what_a_pattern_would_read_stands_for_itself() {
        assert_eq!(bracketed("/a[b]*c?{d}"), "/a[[]b][*]c[?]{d}");
        assert_eq!(
            spark_pattern("/a[b]*c?{d}\\"),
            "/a\\[b\\]\\*c\\?\\{d\\}\\\\"
        );
        assert_eq!(spark_literal("it's\n\\*"), "'it\\'s\\n\\\\*'");
    }
}
