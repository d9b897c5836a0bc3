//! Views of which every expression has a program.
//!
//! The structure is that of the view (SQL-on-FHIR, "Processing algorithm"): selects within selects, each
//! with an iteration, its columns and perhaps a union. Columns have positions in the view's row, so that
//! a row is one slice that is filled from several depths.

use super::compiler::{Compiler, Scope};
use super::program::{Condition, Path, Program, Start};
use crate::column::Cell;
use crate::definition::{self, Column, Iteration, ScalarType, Select, ViewDefinition};
use crate::fhirpath::ExprKind;

/// A view of which every expression has a program.
#[derive(Debug, Clone)]
pub(super) struct FastView {
    /// All of them must be true.
    pub(super) filters: Vec<Condition>,
    pub(super) selects: Vec<FastSelect>,
    pub(super) columns: usize,
}

/// A select with the programs of its columns; nested selects and branches come after its own columns.
#[derive(Debug, Clone)]
pub(super) struct FastSelect {
    /// Which elements make rows.
    pub(super) iteration: FastIteration,
    /// Its own columns.
    pub(super) columns: Vec<FastColumn>,
    pub(super) selects: Vec<FastSelect>,
    /// Branches, which fill the same columns.
    pub(super) union_all: Vec<FastSelect>,
    /// The cells of all columns within, where there is no element.
    pub(super) nulls: Vec<(usize, Cell)>,
}

/// The elements of which a select makes rows.
#[derive(Debug, Clone)]
pub(super) enum FastIteration {
    /// The element of the enclosing select.
    Once,
    /// Each element that the path finds.
    ForEach(Path),
    /// The same, or one row of nulls if there are none.
    ForEachOrNull(Path),
    /// Elements at any depth.
    Repeat(Vec<Path>),
}

/// A column, or what replaces one.
#[derive(Debug, Clone)]
pub(super) struct FastColumn {
    /// The position in the view's row.
    pub(super) position: usize,
    /// The program that computes the value.
    pub(super) program: Program,
    /// The type of a value.
    pub(super) scalar: ScalarType,
    /// Whether it is a `collection`.
    pub(super) list: bool,
    /// The path of a value, for problems.
    pub(super) path: String,
}

impl FastView {
    /// The programs of a view.
    ///
    /// # Errors
    /// The names of the columns that have none: only the reference evaluator makes the view's rows.
    pub(super) fn compile(
        view: &ViewDefinition,
        compiler: &mut Compiler<'_>,
    ) -> Result<Self, Vec<String>> {
        let scope = Scope::of_resource(&view.resource);
        let filters: Option<Vec<Condition>> = view
            .filters
            .iter()
            .map(|filter| compiler.condition(&filter.expression, scope))
            .collect();
        let mut unsupported = Vec::new();
        let mut selects = Vec::new();
        let mut columns = 0;
        for select in &view.selects {
            selects.extend(compile_select(
                select,
                compiler,
                scope,
                (columns, ""),
                &mut unsupported,
            ));
            columns += select.all_columns().len();
        }
        match filters {
            // A filter decides about all columns.
            None => Err(view.columns().iter().map(|it| it.name.clone()).collect()),
            Some(filters) if unsupported.is_empty() => Ok(Self {
                filters,
                selects,
                columns,
            }),
            Some(_) => {
                unsupported.sort();
                unsupported.dedup();
                Err(unsupported)
            }
        }
    }
}

/// The programs of a select whose first column is the view's `first_column`th; the names of columns
/// without one are added to `unsupported`.
fn compile_select(
    select: &Select,
    compiler: &mut Compiler<'_>,
    scope: Scope<'_>,
    (first_column, prefix): (usize, &str),
    unsupported: &mut Vec<String>,
) -> Option<FastSelect> {
    let all_columns = select.all_columns();
    let entered = compile_iteration(&select.iteration, compiler, scope, prefix);
    let nulls = null_cells(&all_columns, first_column);
    let (Some((iteration, within, prefix)), Some(nulls)) = (entered, nulls) else {
        unsupported.extend(all_columns.iter().map(|column| column.name.clone()));
        return None;
    };
    let mut columns = Vec::new();
    for (offset, column) in select.columns.iter().enumerate() {
        match FastColumn::compile(column, compiler, within, first_column + offset, &prefix) {
            Some(compiled) => columns.push(compiled),
            None => unsupported.push(column.name.clone()),
        }
    }
    let mut next_column = first_column + select.columns.len();
    let mut selects = Vec::new();
    for nested in &select.selects {
        let place = (next_column, prefix.as_str());
        selects.extend(compile_select(nested, compiler, within, place, unsupported));
        next_column += nested.all_columns().len();
    }
    let place = (next_column, prefix.as_str());
    let mut union_all = Vec::new();
    for branch in &select.union_all {
        union_all.extend(compile_select(branch, compiler, within, place, unsupported));
    }
    Some(FastSelect {
        iteration,
        columns,
        selects,
        union_all,
        nulls,
    })
}

/// The program of an iteration, the scope of what is within it, and the paths up to there.
fn compile_iteration<'s>(
    iteration: &Iteration,
    compiler: &mut Compiler<'_>,
    scope: Scope<'s>,
    prefix: &str,
) -> Option<(FastIteration, Scope<'s>, String)> {
    let paths = match iteration {
        Iteration::Once => return Some((FastIteration::Once, scope, prefix.to_owned())),
        Iteration::ForEach(path) | Iteration::ForEachOrNull(path) => std::slice::from_ref(path),
        Iteration::Repeat(paths) => paths,
    };
    let mut programs = paths
        .iter()
        .map(|path| compiler.path(&path.expression, scope))
        .collect::<Option<Vec<_>>>()?;
    let only_this = |path: &definition::Path| matches!(path.expression.kind, ExprKind::This);
    let is_temporal = programs.iter().any(|program| program.temporal);
    let within = Scope {
        at_resource: scope.at_resource && paths.iter().all(only_this),
        this_is_temporal: is_temporal,
        context_is_temporal: is_temporal,
        ..scope
    };
    let sources: Vec<&str> = paths.iter().map(|path| path.source.as_str()).collect();
    let mut source = sources.join(", ");
    let iteration = match iteration {
        Iteration::Repeat(_) => {
            // Each step is taken from the resource and from what was found.
            if within.at_resource || programs.iter().any(|path| path.start != Start::This) {
                return None;
            }
            source = format!("repeat({source})");
            FastIteration::Repeat(programs)
        }
        Iteration::ForEachOrNull(_) => FastIteration::ForEachOrNull(programs.pop()?),
        _ => FastIteration::ForEach(programs.pop()?),
    };
    let separator = if prefix.is_empty() { "" } else { "." };
    Some((iteration, within, format!("{prefix}{separator}{source}")))
}

/// The cells of columns in the row that `forEachOrNull` makes if there is no element; `None` if
/// only the reference evaluator can compute them.
fn null_cells(columns: &[&Column], first_column: usize) -> Option<Vec<(usize, Cell)>> {
    let cells = columns.iter().enumerate().map(|(offset, column)| {
        let is_index = column.path.expression.is_row_index();
        let cell = match column.column_type.scalar {
            ScalarType::Int16 | ScalarType::Int32 | ScalarType::Int64
                if is_index && !column.column_type.list =>
            {
                Some(Cell::Integer(0))
            }
            _ if is_index => None,
            _ => Some(Cell::Null),
        };
        cell.map(|cell| (first_column + offset, cell))
    });
    cells.collect()
}

impl FastColumn {
    /// The program of a column; `None` if only the reference evaluator can compute it, as for
    /// columns of elements, which are JSON text there.
    pub(super) fn compile(
        column: &Column,
        compiler: &mut Compiler<'_>,
        scope: Scope<'_>,
        position: usize,
        prefix: &str,
    ) -> Option<Self> {
        let holds_elements = column.fhir_type.as_deref().is_some_and(|name| {
            name.rsplit('/')
                .next()
                .unwrap_or(name)
                .starts_with(char::is_uppercase)
        });
        if holds_elements && column.column_type.scalar == ScalarType::Utf8 {
            return None;
        }
        let program = compiler.program(&column.path.expression, scope)?;
        // Only the name of its element distinguishes a date from another text.
        let holds_times = matches!(
            column.column_type.scalar,
            ScalarType::Date | ScalarType::Timestamp
        );
        if matches!(program, Program::Derived(_)) && (holds_times || column.column_type.list) {
            return None;
        }
        // In a row of the resource itself, nothing is evaluated twice.
        let program = match scope.at_resource || column.column_type.list {
            true => program,
            false => compiler.shared.remembered_item(program),
        };
        let separator = if prefix.is_empty() { "" } else { "." };
        Some(Self {
            position,
            program,
            scalar: column.column_type.scalar,
            list: column.column_type.list,
            path: format!("{prefix}{separator}{}", column.path.source),
        })
    }
}
