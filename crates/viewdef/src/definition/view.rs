//! The parts of a ViewDefinition: its filters, selects, iterations and columns.
//!
//! All of them are checked: there is no way to make one but [`ViewDefinition::from_json`] and
//! [`ViewDefinition::from_text`].

use super::column_type::ColumnType;
use crate::fhirpath::Expr;

/// A checked view over one resource type.
///
/// ```
/// use claimlake_viewdef::definition::ViewDefinition;
///
/// let view = ViewDefinition::from_text(
///     r#"{"resource": "Patient", "select": [
///         {"column": [{"name": "id", "path": "id", "type": "id"}]},
///         {"forEachOrNull": "name", "column": [{"name": "family", "path": "family"}]}]}"#,
/// )?;
/// let names: Vec<&str> = view.columns().iter().map(|column| column.name.as_str()).collect();
/// assert_eq!(names, ["id", "family"]);
///
/// let error = ViewDefinition::from_text(r#"{"resource": "Patient", "select": [{"column": [
///     {"name": "id", "path": "id"}, {"name": "id", "path": "name..given"}]}]}"#).unwrap_err();
/// assert_eq!(error.faults()[0].place, "select[0].column[1].path");
/// # Ok::<(), claimlake_viewdef::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ViewDefinition {
    /// The table's name, where the view has one.
    pub name: Option<String>,
    /// The title for people.
    pub title: Option<String>,
    /// What the table contains.
    pub description: Option<String>,
    /// The FHIR resource type it reads.
    pub resource: String,
    /// What a resource must fulfil to be in the table: all of them.
    pub filters: Vec<Path>,
    /// The top-level selects; their rows are cross-joined.
    pub selects: Vec<Select>,
}

/// An expression of a view with its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// As the view writes it.
    pub source: String,
    /// As it is evaluated; constants are in it.
    pub expression: Expr,
    /// Its place in the view, `select[0].column[2].path`.
    pub place: String,
}

/// A group of columns with the elements they are read from.
///
/// The rows of one element are the cross join of its columns (one row), the rows of every nested
/// select in turn, and the concatenated rows of its union.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// Which elements make rows.
    pub iteration: Iteration,
    /// The columns of the select itself; they come first.
    pub columns: Vec<Column>,
    /// Selects within; their columns come next.
    pub selects: Vec<Select>,
    /// Branches with the same columns; they come last. Empty where there is no `unionAll`.
    pub union_all: Vec<Select>,
    /// Its place in the view, `select[0]`.
    pub place: String,
}

/// The elements of which a select makes rows (SQL-on-FHIR, StructureDefinition-ViewDefinition,
/// `forEach`, `forEachOrNull`, `repeat`; at most one of them is given).
#[derive(Debug, Clone, PartialEq)]
pub enum Iteration {
    /// The element of the enclosing select; `%rowIndex` is inherited.
    Once,
    /// `forEach`: each element the path finds; none, no row.
    ForEach(Path),
    /// `forEachOrNull`: each element the path finds; none, one row of nulls (of 0 for columns
    /// that are exactly `%rowIndex`).
    ForEachOrNull(Path),
    /// `repeat`: what the paths find from the element, from what they found, and so on, depth
    /// first, the element itself not.
    Repeat(Vec<Path>),
}

/// A column (`select.column`). Its value is a single one unless `collection` is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// The expression for its value.
    pub path: Path,
    /// The FHIR type, as the view says it, without the prefix of FHIR's own types.
    pub fhir_type: Option<String>,
    /// The type in the table.
    pub column_type: ColumnType,
    /// Whether it is a list of values.
    pub collection: bool,
    /// What it means.
    pub description: Option<String>,
    /// All tags, `ansi/type` among them.
    pub tags: Vec<Tag>,
}

/// A tag of a column (`select.column.tag`): data for one kind of implementation, such as the type
/// in an SQL database. Unknown tags are kept and have no effect here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Such as `ansi/type`.
    pub name: String,
    /// Such as `DECIMAL(18,2)`.
    pub value: String,
}

impl ViewDefinition {
    /// The columns in the order of the table.
    #[must_use]
    pub fn columns(&self) -> Vec<&Column> {
        let mut columns = Vec::new();
        for select in &self.selects {
            select.collect_columns(&mut columns);
        }
        columns
    }
}

impl Select {
    /// The columns of the select and all within it, in the order of the table.
    #[must_use]
    pub fn all_columns(&self) -> Vec<&Column> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns
    }

    /// Adds the columns in the order of the table; the branches of a union share theirs.
    fn collect_columns<'a>(&'a self, columns: &mut Vec<&'a Column>) {
        columns.extend(&self.columns);
        for select in &self.selects {
            select.collect_columns(columns);
        }
        if let Some(first) = self.union_all.first() {
            first.collect_columns(columns);
        }
    }
}
