//! A table's columns as DuckDB and Spark have them.

use claimlake_contract::LakeTable;

use super::base::ViewsBase;
use super::names::{literal, quoted};

/// A query of all rows of a table.
pub(super) fn duckdb(table: &LakeTable, base: &ViewsBase) -> String {
    let types = hive_types(table);
    let options = format!(
        "hive_partitioning = {}, union_by_name = true{types}",
        !table.layout.partition_by.is_empty()
    );
    base.duckdb(table, &options)
}

/// The text after the name of a table's view in Spark.
pub(super) fn spark(table: &LakeTable, base: &ViewsBase) -> String {
    base.spark(table, spark_columns(table).as_deref())
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
    use super::spark_type;

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
}
