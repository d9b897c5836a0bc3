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
        let glob = folder.join(&table.layout.name).join("**").join("*.parquet");
        let glob = literal(&glob.to_string_lossy());
        let types = hive_types(table);
        let select = format!(
            "SELECT * FROM read_parquet({glob}, hive_partitioning = {}, union_by_name = true{types})",
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
        let path = path
            .to_string_lossy()
            .replace('\\', "\\\\")
            .replace('\'', "\\'");
        sql.push_str(&format!(
            "CREATE OR REPLACE TEMPORARY VIEW {} USING parquet OPTIONS (path '{path}', \
             mergeSchema 'true');\n",
            quoted(&table.layout.name, '`')
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

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quoted(name: &str, quote: char) -> String {
    let doubled = format!("{quote}{quote}");
    format!("{quote}{}{quote}", name.replace(quote, &doubled))
}
