//! What is looked for in the rows of tables, as the pipeline's files have it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Values by column: a row is meant where each column has one of its values.
pub(super) type When = BTreeMap<String, Vec<String>>;

/// Checks of the rows of tables other than those of amounts: `pipelines/checks.toml`. Unknown keys
/// are errors.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    #[serde(default)]
    pub(super) values: Vec<ValueRule>,
    #[serde(default)]
    pub(super) unique: Vec<UniqueRule>,
    #[serde(default)]
    pub(super) years: Vec<YearRule>,
}

/// Which values a column may have. Rules of one name are one check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueRule {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) table: String,
    pub(super) column: String,
    #[serde(default)]
    pub(super) when: When,
    /// Every value must match one of these patterns.
    #[serde(default)]
    pub(super) allowed: Vec<String>,
    /// No value may match any of these.
    #[serde(default)]
    pub(super) refused: Vec<String>,
    /// No value is this text or one after it; dates and years of four digits are in the order of time.
    pub(super) refused_from: Option<String>,
    /// No value is before this text.
    pub(super) refused_before: Option<String>,
}

/// Columns that no two rows have alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UniqueRule {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) table: String,
    /// Rows alike in these columns lie together in a file.
    pub(super) sorted_by: Vec<String>,
    pub(super) columns: Vec<String>,
    #[serde(default)]
    pub(super) when: When,
}

/// Years in urls that must be the year that another row of the same resource has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct YearRule {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) table: String,
    /// Rows of one resource agree in these.
    pub(super) of: Vec<String>,
    pub(super) url: String,
    /// The url of the row with the year.
    pub(super) year_url: String,
    /// Its column with the year, a date or a text that begins with it.
    pub(super) year: String,
}

/// Amounts of rows that add up to an amount of another table: `[[verify.sum]]` of `money.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SumRule {
    pub(super) name: String,
    pub(super) what: String,
    /// Whether the sums are of this project's making: then a difference is an error.
    #[serde(default)]
    pub(super) is_error: bool,
    /// Rows of both tables belong together that agree in these.
    pub(super) by: Vec<String>,
    pub(super) parts: AmountRows,
    pub(super) whole: AmountRows,
}

/// An amount of some rows of a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountRows {
    pub(super) table: String,
    pub(super) column: String,
    #[serde(default)]
    pub(super) when: When,
}
