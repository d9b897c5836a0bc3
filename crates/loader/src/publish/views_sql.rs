//! `views.duckdb.sql` and `views.spark.sql`: the tables of one snapshot, by its real path.

use std::path::Path;

use claimlake_contract::{LakeManifest, LakeTable};

/// The file for DuckDB.
pub(crate) const DUCKDB_FILE: &str = "views.duckdb.sql";

/// The file for Spark.
pub(crate) const SPARK_FILE: &str = "views.spark.sql";

/// Views of all tables in schema `lossless`, of those most people need in `main`.
pub(crate) fn duckdb(manifest: &LakeManifest, folder: &Path, main_tables: &[String]) -> String {
    let mut sql = header(manifest, "--");
    sql.push_str("CREATE SCHEMA IF NOT EXISTS lossless;\n");
    for table in &manifest.tables {
        let name = quoted(&table.layout.name, '"');
        let files = duckdb_files(table, folder);
        let types = hive_types(table);
        let select = format!(
            "SELECT * FROM read_parquet({files}, hive_partitioning = {}, union_by_name = true{types})",
            !table.layout.partition_by.is_empty()
        );
        sql.push_str(&format!(
            "CREATE OR REPLACE VIEW lossless.{name} AS {select};\n"
        ));
        if main_tables.is_empty() || main_tables.contains(&table.layout.name) {
            sql.push_str(&format!(
                "CREATE OR REPLACE VIEW main.{name} AS SELECT * FROM lossless.{name};\n"
            ));
        }
    }
    sql
}

/// Temporary views of all tables.
pub(crate) fn spark(manifest: &LakeManifest, folder: &Path) -> String {
    let mut sql = header(manifest, "--");
    for table in &manifest.tables {
        let path = folder.join(&table.layout.name);
        let path = spark_literal(&spark_pattern(&path.to_string_lossy()));
        let name = quoted(&table.layout.name, '`');
        // With its columns stated, Spark neither guesses types nor opens a file before it is read.
        let (columns, options) = match spark_columns(table) {
            Some(columns) => (format!(" ({columns})"), ""),
            None => (String::new(), ", mergeSchema 'true'"),
        };
        sql.push_str(&format!(
            "CREATE OR REPLACE TEMPORARY VIEW {name}{columns} USING parquet OPTIONS (path {path}{options});\n"
        ));
    }
    sql
}

fn header(manifest: &LakeManifest, comment: &str) -> String {
    format!(
        "{comment} Snapshot {} of {}: these views keep showing it for as long as it is kept.\n",
        manifest.snapshot, manifest.published_at
    )
}

/// Every file of a table, in words that DuckDB takes for paths and patterns.
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

/// The columns of a table, those in the paths last, as Spark has them; none where a type is not known.
fn spark_columns(table: &LakeTable) -> Option<String> {
    let columns = table.columns.iter().chain(&table.partition_columns);
    let columns =
        columns.map(|(name, words)| Some(format!("{} {}", quoted(name, '`'), spark_type(words)?)));
    Some(columns.collect::<Option<Vec<_>>>()?.join(", "))
}

/// The type of Spark for an Arrow type in words.
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

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quoted(name: &str, quote: char) -> String {
    let doubled = format!("{quote}{quote}");
    format!("{quote}{}{quote}", name.replace(quote, &doubled))
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
