//! A view that the pipeline brings as SQL.

use super::names::is_plain;
use super::text::{Relation, SqlText};

/// A view of the lake that is SQL, written beside those of the tables.
///
/// Its text names a table of the lake as `{table (column, …)}`: the view is written only if the table
/// has these columns. `{current.table (column, …)}` has only the rows of current resources. Another
/// SQL view is named like a table. A view that has the name of the table that it reads replaces the
/// view of that table.
///
/// ```
/// use claimlake_loader::SqlView;
///
/// let text = "SELECT patient_id, count(*) AS claims FROM {claim (patient_id)} AS claim GROUP BY patient_id";
/// assert!(SqlView::parse(None, "claims_of_person", text, text).is_ok());
/// let said = SqlView::parse(None, "claims", "SELECT * FROM claim; SELECT 1", text).unwrap_err();
/// assert_eq!(said, "it is to be one query, without a semicolon within");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlView {
    /// None: schema `main`.
    pub(super) schema: Option<String>,
    pub(super) name: String,
    pub(super) duckdb: SqlText,
    pub(super) spark: SqlText,
}

impl SqlView {
    /// A view of that name, from a query for each engine. In a schema of its own it is
    /// `schema.name` in DuckDB and `schema_name` in Spark.
    ///
    /// # Errors
    /// What is wrong with a name or a text, in words.
    pub fn parse(
        schema: Option<&str>,
        name: &str,
        duckdb: &str,
        spark: &str,
    ) -> Result<Self, String> {
        let taken = ["lossless", "current", "main"];
        if let Some(schema) = schema.filter(|schema| !is_plain(schema) || taken.contains(schema)) {
            return Err(format!(
                "the schema '{schema}': letters, digits and '_' only, and none of {}",
                taken.join(", ")
            ));
        }
        if !is_plain(name) {
            return Err(format!("the name '{name}': letters, digits and '_' only"));
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
            duckdb: SqlText::parse(duckdb)?,
            spark: SqlText::parse(spark)?,
        })
    }

    /// Whether it replaces the view of a table of that name.
    pub(super) fn replaces(&self, table: &str) -> bool {
        self.schema.is_none() && self.name == table
    }

    /// What it reads, in either engine.
    pub(super) fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.duckdb.relations().chain(self.spark.relations())
    }
}
