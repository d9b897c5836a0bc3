//! The query to paste at the end of a load.

use std::path::Path;

use claimlake_loader::LoadOutcome;

use crate::invocation::quoted;

/// A query to paste. It remains right after the next load: it resolves `current` once, and so sees
/// one snapshot. The lake's path is an argument of the shell command, because within Python and SQL
/// it would have to be quoted again.
pub(super) fn query(current: &Path, outcome: &LoadOutcome, partition_by: &[String]) -> String {
    let has_claims = outcome.tables.iter().any(|table| table.name == "eob");
    let files =
        |table: &str| format!("read_parquet('{table}/**/*.parquet', hive_partitioning=true)");
    let sql = if has_claims && !partition_by.is_empty() {
        format!(
            "SELECT {}, count(*) AS claims FROM {} GROUP BY ALL ORDER BY ALL",
            partition_by.join(", "),
            files("eob")
        )
    } else {
        let largest = outcome.tables.iter().max_by_key(|table| table.rows);
        let table = largest.map_or("eob", |table| table.name.as_str());
        format!("FROM {} LIMIT 20", files(table))
    };
    format!(
        "python3 -c \"import duckdb, os, sys; \
         os.chdir(sys.argv[1]); duckdb.sql('''{sql}''').show()\" {}",
        quoted(&current.display().to_string())
    )
}
