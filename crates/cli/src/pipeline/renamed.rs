//! `[load] renamed_schemas`: tables under the names that another data dictionary gives their columns.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use claimlake_loader::SqlView;
use serde::Deserialize;

use super::{PipelineOrigin, ViewFile};

/// A schema, as its file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenamedSchema {
    /// The schema in DuckDB, the prefix of names in Spark.
    pub(super) schema: String,
    #[serde(rename = "table")]
    pub(super) tables: Vec<RenamedTable>,
    /// Names that need a word of explanation, and the word.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "shown in docs/ccw.md"))]
    pub(super) names: BTreeMap<String, String>,
    /// Names that people look for and no table has, and why.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "shown in docs/ccw.md"))]
    pub(super) absent: BTreeMap<String, String>,
}

/// A table under other names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenamedTable {
    pub(super) name: String,
    /// The table that it is made from: `table`, or `current.table`.
    pub(super) from: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "shown in docs/ccw.md"))]
    pub(super) about: String,
    #[serde(default)]
    beside: Option<Beside>,
    /// In the order of the file.
    columns: toml::Table,
}

/// A table with one row at most for each row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    from: String,
    by: Vec<String>,
    columns: Vec<String>,
}

/// Where the values of a name come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenamedColumn {
    pub(super) column: Option<String>,
    pub(super) sql: Option<String>,
    #[serde(default)]
    pub(super) reads: Vec<String>,
    /// Columns and the values one of which a row must have; the name is null in other rows.
    #[serde(default)]
    pub(super) only: BTreeMap<String, Vec<String>>,
    /// The versions of the API that carry it; empty: all.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "shown in docs/ccw.md"))]
    pub(super) api: Vec<String>,
}

/// The views that the files make.
///
/// # Errors
/// No file matches, or one cannot be read or makes no views.
pub(crate) fn renamed_views(
    origin: &PipelineOrigin,
    globs: &[String],
) -> anyhow::Result<Vec<SqlView>> {
    let mut views = Vec::new();
    for file in origin.renamed_schemas(globs)? {
        let place = || format!("load.renamed_schemas: {}", file.path);
        views.extend(views_of(&file).with_context(place)?);
    }
    Ok(views)
}

fn views_of(file: &ViewFile) -> anyhow::Result<Vec<SqlView>> {
    let schema: RenamedSchema =
        toml::from_str(&file.text).map_err(|error| anyhow!("{}", error.message()))?;
    let view = |table: &RenamedTable| {
        let text = table.sql()?;
        SqlView::parse(Some(&schema.schema), &table.name, &text, &text)
            .map_err(|problem| anyhow!("table '{}': {problem}", table.name))
    };
    schema.tables.iter().map(view).collect()
}

impl RenamedTable {
    /// The names, in the order of the file, and where their values come from.
    pub(super) fn columns(&self) -> anyhow::Result<Vec<(&str, RenamedColumn)>> {
        let column = |(name, value): (_, &toml::Value)| -> anyhow::Result<_> {
            let place = || format!("table '{}': {name}", self.name);
            let column = match value {
                toml::Value::String(column) => RenamedColumn {
                    column: Some(column.clone()),
                    sql: None,
                    reads: Vec::new(),
                    only: BTreeMap::new(),
                    api: Vec::new(),
                },
                value => value
                    .clone()
                    .try_into()
                    .map_err(|error: toml::de::Error| anyhow!("{}", error.message()))
                    .with_context(place)?,
            };
            Ok((name, column))
        };
        let columns = self.columns.iter();
        columns
            .map(|(name, value)| column((name.as_str(), value)))
            .collect()
    }

    fn sql(&self) -> anyhow::Result<String> {
        let mut read: Vec<String> = Vec::new();
        let mut selected = Vec::new();
        for (name, column) in self.columns()? {
            let value = match (&column.column, &column.sql) {
                (Some(column), None) => column.clone(),
                (None, Some(sql)) if !column.reads.is_empty() => sql.clone(),
                _ => bail!(
                    "table '{}': {name}: write a column, or sql with the columns that it reads",
                    self.name
                ),
            };
            let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_plain {
                bail!(
                    "table '{}': {name}: letters, digits and '_' only",
                    self.name
                );
            }
            read.extend(column.column.iter().chain(&column.reads).cloned());
            read.extend(column.only.keys().cloned());
            selected.push(match condition(&column.only) {
                Some(condition) => format!("CASE WHEN {condition} THEN {value} END AS {name}"),
                None => format!("{value} AS {name}"),
            });
        }
        let mut from = String::new();
        if let Some(beside) = &self.beside {
            read.retain(|column| !beside.columns.contains(column));
            read.extend(beside.by.iter().cloned());
            let columns: Vec<&str> = beside
                .by
                .iter()
                .chain(&beside.columns)
                .map(String::as_str)
                .collect();
            from = format!(
                " LEFT JOIN {{{} ({})}} AS beside USING ({})",
                beside.from,
                columns.join(", "),
                beside.by.join(", ")
            );
        }
        read.sort_unstable();
        read.dedup();
        Ok(format!(
            "SELECT {} FROM {{{} ({})}} AS renamed{from}",
            selected.join(", "),
            self.from,
            read.join(", ")
        ))
    }
}

/// The condition that a row must meet; none: no condition.
fn condition(only: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let of = only.iter().map(|(column, values)| {
        let values = values
            .iter()
            .map(|value| format!("'{}'", value.replace('\'', "''")));
        format!("{column} IN ({})", values.collect::<Vec<_>>().join(", "))
    });
    let all: Vec<String> = of.collect();
    (!all.is_empty()).then(|| all.join(" AND "))
}

#[cfg(test)]
mod page;

#[cfg(test)]
mod tests {
    use super::renamed_views;
    use crate::pipeline::PipelineOrigin;

    fn refusal(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("names.toml"), text).unwrap();
        let origin = PipelineOrigin::File(folder.path().join("pipeline.toml"));
        let refused = renamed_views(&origin, &["names.toml".to_owned()]).unwrap_err();
        format!("{refused:#}").replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn a_file_that_makes_no_views_is_refused_with_the_place() {
        let head = "schema = 'ccw'\n[[table]]\nname = 'claim'\nfrom = 'claim'\nabout = ''\n";
        for (text, said) in [
            ("schema = 1".to_owned(), "invalid type"),
            (format!("{head}colums = 1"), "unknown field `colums`"),
            (
                format!("{head}[table.columns]\nCLM_ID = {{ sql = 'upper(a)' }}"),
                "table 'claim': CLM_ID: write a column, or sql",
            ),
            (
                format!("{head}[table.columns]\n\"a-b\" = 'c'"),
                "table 'claim': a-b: letters, digits",
            ),
            (
                format!("{head}[table.columns]\nCLM_ID = 'a b'"),
                "table 'claim': {claim (a b)}",
            ),
            (
                head.replace("'ccw'", "'main'") + "[table.columns]\nCLM_ID = 'a'",
                "the schema 'main'",
            ),
        ] {
            let found = refusal(&text);
            assert!(
                found.starts_with("load.renamed_schemas: names.toml: "),
                "{found}"
            );
            assert!(found.contains(said), "{found}");
        }
    }
}
