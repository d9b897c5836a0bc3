//! Selects to rows, step by step as SQL-on-FHIR's processing algorithm has it.
//!
//! Every select makes a list of rows, and lists are joined crosswise: nothing is clever here. Limits keep
//! a view that multiplies rows from using up the memory.

use serde_json::Value;

use super::cell;
use super::context::{Budget, Context};
use super::item::{Item, Scalar};
use crate::definition::{Iteration, Path, Select, ViewDefinition};
use crate::problem::{CellProblem, Mismatch, ProblemKind, ResourceProblem};
use crate::resolved_reference::ResolvedReference;

/// More rows of one resource, or more elements of one `repeat`, are taken for a view that does
/// not end.
const MAX_ROWS: usize = 1_000_000;
/// The same for cells, which are what takes memory.
const MAX_CELLS: usize = 20_000_000;
/// Deeper elements are taken for a `repeat` that does not end.
const MAX_REPEAT_DEPTH: usize = 256;

/// The cells of some columns, in their order.
type Row = Vec<Value>;

/// The rows of a view over one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The rows; each has a value for every column of the view, in their order. Numbers keep
    /// their digits, texts and times are as in the source, a `collection` is a list.
    pub rows: Vec<Vec<Value>>,
    /// The cells that are null because of what was found.
    pub problems: Vec<CellProblem>,
}

/// The rows of a view; none where the resource is of another type or a filter is not true.
pub(super) fn evaluate(
    view: &ViewDefinition,
    resource: &Value,
    resolved: &[ResolvedReference<'_>],
) -> Result<Evaluation, ResourceProblem> {
    let resource_type = resource.get("resourceType").and_then(Value::as_str);
    if resource_type != Some(view.resource.as_str()) {
        return Ok(Evaluation::default());
    }
    let root = Item::resource(resource);
    let budget = Budget::default();
    let context = Context {
        resolved,
        ..Context::new(&root, &budget)
    };
    for filter in &view.filters {
        if !passes(&context, filter)? {
            return Ok(Evaluation::default());
        }
    }
    let mut maker = RowMaker {
        problems: Vec::new(),
        prefix: Vec::new(),
    };
    let mut rows = vec![Row::new()];
    let mut first_column = 0;
    for select in &view.selects {
        // There is no row: its other cells are not evaluated.
        if rows.is_empty() {
            break;
        }
        let parts = maker.rows(&context, select, first_column)?;
        first_column += select.all_columns().len();
        rows = cross_join(&rows, &parts, select)?;
    }
    Ok(Evaluation {
        rows,
        problems: maker.problems,
    })
}

/// Filters are strict: true, false or nothing.
fn passes(context: &Context<'_, '_>, filter: &Path) -> Result<bool, ResourceProblem> {
    let items = context
        .evaluate(&filter.expression)
        .map_err(|error| at(&filter.place, error))?;
    match items.as_slice() {
        [] => Ok(false),
        [item] => match item.scalar() {
            Ok(Some(Scalar::Boolean(value))) => Ok(value),
            _ => Err(at(
                &filter.place,
                Mismatch::wrong_type("a boolean", item.type_name()),
            )),
        },
        several => Err(at(&filter.place, Mismatch::several(several.len()))),
    }
}

/// A problem at a place of the view.
fn at(place: &str, mismatch: Mismatch) -> ResourceProblem {
    ResourceProblem {
        place: place.to_owned(),
        mismatch,
    }
}

/// What the selects of one view share.
struct RowMaker {
    /// What could not be used so far.
    problems: Vec<CellProblem>,
    /// The iterations around, for the paths of problems.
    prefix: Vec<String>,
}

impl RowMaker {
    /// The rows of a select; its first column is the view's `first_column`th.
    fn rows(
        &mut self,
        context: &Context<'_, '_>,
        select: &Select,
        first_column: usize,
    ) -> Result<Vec<Row>, ResourceProblem> {
        let (path, or_null) = match &select.iteration {
            Iteration::Once => return self.rows_of_element(context, select, first_column),
            Iteration::ForEach(path) => (path, false),
            Iteration::ForEachOrNull(path) => (path, true),
            Iteration::Repeat(paths) => {
                let mut elements = Vec::new();
                repeat(context, paths, 0, &mut elements)?;
                let sources: Vec<&str> = paths.iter().map(|path| path.source.as_str()).collect();
                let prefix = format!("repeat({})", sources.join(", "));
                return self.rows_of_elements(context, select, &elements, prefix, first_column);
            }
        };
        let elements = context
            .evaluate(&path.expression)
            .map_err(|error| at(&path.place, error))?;
        if elements.is_empty() && or_null {
            return Ok(vec![null_row(select)]);
        }
        self.rows_of_elements(
            context,
            select,
            &elements,
            path.source.clone(),
            first_column,
        )
    }

    /// The rows of each element, one after the other.
    fn rows_of_elements<'a>(
        &mut self,
        context: &Context<'a, '_>,
        select: &Select,
        elements: &[Item<'a>],
        prefix: String,
        first_column: usize,
    ) -> Result<Vec<Row>, ResourceProblem> {
        self.prefix.push(prefix);
        let mut rows = Vec::new();
        for (row_index, element) in elements.iter().enumerate() {
            let context = Context {
                row_index,
                ..context.on(element)
            };
            rows.extend(self.rows_of_element(&context, select, first_column)?);
            refuse_too_many(rows.len(), select)?;
        }
        self.prefix.pop();
        Ok(rows)
    }

    /// The rows of one element: its own columns with each combination of what is within.
    fn rows_of_element(
        &mut self,
        context: &Context<'_, '_>,
        select: &Select,
        first_column: usize,
    ) -> Result<Vec<Row>, ResourceProblem> {
        let own = self.own_columns(context, select, first_column);
        let mut rows = vec![own];
        let mut next_column = first_column + select.columns.len();
        for nested in &select.selects {
            if rows.is_empty() {
                return Ok(rows);
            }
            let parts = self.rows(context, nested, next_column)?;
            next_column += nested.all_columns().len();
            rows = cross_join(&rows, &parts, select)?;
        }
        if !select.union_all.is_empty() && !rows.is_empty() {
            let mut parts = Vec::new();
            for branch in &select.union_all {
                parts.extend(self.rows(context, branch, next_column)?);
            }
            rows = cross_join(&rows, &parts, select)?;
        }
        Ok(rows)
    }

    /// The cells of a select's own columns; a problem leaves null.
    fn own_columns(
        &mut self,
        context: &Context<'_, '_>,
        select: &Select,
        first_column: usize,
    ) -> Row {
        let mut row = Row::new();
        for (position, column) in select.columns.iter().enumerate() {
            let context = Context {
                declared_type: column.fhir_type.as_deref(),
                ..*context
            };
            let mut errors = Vec::new();
            let value = match context.evaluate(&column.path.expression) {
                Ok(items) => cell::cell(column, &items, &mut errors),
                Err(error) => {
                    errors.push(error);
                    Value::Null
                }
            };
            row.push(value);
            for mismatch in errors {
                let mut path = self.prefix.join(".");
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&column.path.source);
                self.problems.push(CellProblem {
                    column: first_column + position,
                    path,
                    mismatch,
                });
            }
        }
        row
    }
}

/// The row of `forEachOrNull` where there is nothing.
fn null_row(select: &Select) -> Row {
    select
        .all_columns()
        .iter()
        .map(|column| {
            if !column.path.expression.is_row_index() {
                Value::Null
            } else if column.collection {
                Value::from(vec![0])
            } else {
                Value::from(0)
            }
        })
        .collect()
}

/// Adds what the paths find from an element, from what they found, and so on, depth first.
fn repeat<'a>(
    context: &Context<'a, '_>,
    paths: &[Path],
    depth: usize,
    elements: &mut Vec<Item<'a>>,
) -> Result<(), ResourceProblem> {
    for path in paths {
        let found = context
            .evaluate(&path.expression)
            .map_err(|error| at(&path.place, error))?;
        for element in found {
            if depth >= MAX_REPEAT_DEPTH || elements.len() >= MAX_ROWS {
                return Err(without_end(&path.place));
            }
            elements.push(element.clone());
            repeat(&context.on(&element), paths, depth + 1, elements)?;
        }
    }
    Ok(())
}

/// The problem of a view that makes too many rows.
fn without_end(place: &str) -> ResourceProblem {
    let expected = format!("at most {MAX_ROWS} rows of a resource");
    at(
        place,
        Mismatch::new(ProblemKind::TooLarge, expected, "more"),
    )
}

/// An error where there are more rows than one resource may make.
fn refuse_too_many(rows: usize, select: &Select) -> Result<(), ResourceProblem> {
    if rows > MAX_ROWS {
        return Err(without_end(&select.place));
    }
    Ok(())
}

/// Each row of the left with each of the right.
fn cross_join(left: &[Row], right: &[Row], select: &Select) -> Result<Vec<Row>, ResourceProblem> {
    let rows = left.len().saturating_mul(right.len());
    refuse_too_many(rows, select)?;
    let width = |rows: &[Row]| rows.first().map_or(0, Vec::len);
    if rows.saturating_mul(width(left) + width(right)) > MAX_CELLS {
        return Err(without_end(&select.place));
    }
    let mut joined = Vec::with_capacity(rows);
    for left in left {
        for right in right {
            joined.push(left.iter().chain(right).cloned().collect());
        }
    }
    Ok(joined)
}
