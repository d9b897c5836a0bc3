//! Where the views find the files of the tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use claimlake_contract::LakeTable;

use super::names::{literal, quoted};

/// The macro of DuckDB's that gives the folder of the snapshot.
const FOLDER: &str = "lossless.lake_folder()";

/// The same as a pattern that matches this folder only.
const FOLDER_PATTERN: &str = "lossless.lake_folder_pattern()";

/// Where the views find the files of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewsBase {
    /// The folder of the snapshot, an absolute path without links. The views of DuckDB read it
    /// through the variable `lake`, so they can be turned to a place that it was moved or copied to.
    Snapshot(PathBuf),
    /// The folder of a snapshot or of a copy: a path or a URL that the engine reads.
    Copy(String),
    /// Delta tables, each at `<base>/<table>`, by their newest versions.
    Delta(String),
    /// Files of one published state.
    Files {
        /// The path or URL to which the paths are relative.
        base: String,
        /// By table.
        paths: BTreeMap<String, Vec<String>>,
    },
}

impl ViewsBase {
    /// What DuckDB has to run before it makes the views.
    pub(super) fn duckdb_preamble(&self) -> String {
        let Self::Snapshot(folder) = self else {
            return String::new();
        };
        let folder = folder.to_string_lossy();
        let place = literal(&folder);
        let manifest = literal(&format!("{}/manifest.json", bracketed(&folder)));
        let moved = literal(&format!(
            "the snapshot is not in {folder} any more: run SET VARIABLE lake = 'its folder' first"
        ));
        let unset = literal(&format!(
            "the variable lake is not set: run SET VARIABLE lake = {place} first"
        ));
        // A value that another file of views set is not the user's word about this one.
        format!(
            "SET VARIABLE lake_of_user = CASE WHEN getvariable('lake') IS DISTINCT FROM \
             getvariable('lake_of_file') THEN getvariable('lake') END;\n\
             SET VARIABLE lake = {place};\n\
             SET VARIABLE lake_of_file = {place};\n\
             SET VARIABLE lake = CASE WHEN EXISTS (FROM glob({manifest})) THEN {place} ELSE \
             coalesce(getvariable('lake_of_user'), {moved}) END;\n\
             CREATE SCHEMA IF NOT EXISTS lossless;\n\
             CREATE OR REPLACE MACRO {FOLDER} AS coalesce(getvariable('lake'), {unset});\n\
             CREATE OR REPLACE MACRO {FOLDER_PATTERN} AS regexp_replace({FOLDER}, '([*?[])', '[\\1]', 'g');\n"
        )
    }

    /// A query of DuckDB for all rows of a table; `options` are those of its Parquet reader.
    pub(super) fn duckdb(&self, table: &LakeTable, options: &str) -> String {
        let name = &table.layout.name;
        let files = match self {
            Self::Delta(base) => {
                return format!(
                    "SELECT * FROM delta_scan({})",
                    literal(&format!("{base}/{name}"))
                );
            }
            Self::Snapshot(folder) if folder.to_string_lossy().contains('\\') => {
                // In a pattern a backslash parts folders as `/` does; in the name of a file it is itself.
                let files = table.files.iter();
                let file = |path: &str| format!("{FOLDER} || {}", literal(path));
                let files = files.map(|one| file(&format!("/{}", one.path)));
                format!("[{}]", files.collect::<Vec<_>>().join(", "))
            }
            Self::Snapshot(_) => {
                let below = literal(&format!("/{name}/**/*.parquet"));
                format!("{FOLDER_PATTERN} || {below}")
            }
            Self::Copy(base) if base.contains('\\') => list(
                table
                    .files
                    .iter()
                    .map(|file| format!("{base}/{}", file.path)),
            ),
            Self::Copy(base) => literal(&format!("{}/{name}/**/*.parquet", bracketed(base))),
            Self::Files { base, paths } => {
                let paths = paths.get(name).into_iter().flatten();
                list(paths.map(|path| bracketed(&format!("{base}/{path}"))))
            }
        };
        format!("SELECT * FROM read_parquet({files}, {options})")
    }

    /// What follows the name of a table's view in Spark; `columns` are its columns, if all types are
    /// known to Spark.
    pub(super) fn spark(&self, table: &LakeTable, columns: Option<&str>) -> String {
        let name = &table.layout.name;
        let path = match self {
            Self::Delta(base) => {
                let path = quoted(&format!("{base}/{name}"), '`');
                return format!(" AS SELECT * FROM delta.{path}");
            }
            Self::Snapshot(folder) => spark_path(&folder.join(name).to_string_lossy()),
            Self::Copy(base) => spark_path(&format!("{base}/{name}")),
            Self::Files { base, paths } => {
                let paths = paths.get(name).into_iter().flatten();
                // Below the table's folder, so that one pattern names them all.
                let prefix = format!("{name}/");
                let below = paths.map(|path| path.strip_prefix(&prefix).unwrap_or(path));
                let below: Vec<String> = below.map(spark_pattern).collect();
                let folder = format!("{base}/{name}");
                let pattern = format!("{}/{{{}}}", spark_pattern(&folder), below.join(","));
                format!(
                    "path {}, basePath {}",
                    spark_literal(&pattern),
                    spark_literal(&folder)
                )
            }
        };
        // With its columns stated, Spark neither guesses types nor opens a file before it is read.
        match columns {
            Some(columns) => format!(" ({columns}) USING parquet OPTIONS ({path})"),
            None => format!(" USING parquet OPTIONS ({path}, mergeSchema 'true')"),
        }
    }
}

fn list(files: impl Iterator<Item = String>) -> String {
    let files: Vec<String> = files.map(|file| literal(&file)).collect();
    format!("[{}]", files.join(", "))
}

/// A pattern of DuckDB's that matches this text only.
fn bracketed(text: &str) -> String {
    let one = |c: char| match c {
        '*' | '?' | '[' => format!("[{c}]"),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

fn spark_path(path: &str) -> String {
    format!("path {}", spark_literal(&spark_pattern(path)))
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

#[cfg(test)]
mod tests {
    use super::{bracketed, spark_literal, spark_pattern};

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
