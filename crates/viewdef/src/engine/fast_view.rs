//! Selects whose every expression has a program.

use super::program::{Compiler, Condition, Path, Program, Scope};
use crate::column::Cell;
use crate::definition::{self, Column, Iteration, ScalarType, Select, ViewDefinition};

/// A view of which every expression has a program.
#[derive(Debug, Clone)]
pub(super) struct FastView {
    pub(super) filters: Vec<Condition>,
    pub(super) selects: Vec<FastSelect>,
    pub(super) columns: usize,
}

#[derive(Debug, Clone)]
pub(super) struct FastSelect {
    pub(super) iteration: FastIteration,
    pub(super) columns: Vec<FastColumn>,
    pub(super) selects: Vec<FastSelect>,
    pub(super) union_all: Vec<FastSelect>,
    /// The cells of all columns within, where there is no element.
    pub(super) nulls: Vec<(usize, Cell)>,
}

#[derive(Debug, Clone)]
pub(super) enum FastIteration {
    Once,
    ForEach(Path),
    ForEachOrNull(Path),
    Repeat(Vec<Path>),
}

/// A column, or what replaces one.
#[derive(Debug, Clone)]
pub(super) struct FastColumn {
    pub(super) position: usize,
    pub(super) program: Program,
    pub(super) scalar: ScalarType,
    pub(super) list: bool,
    /// The path of a value, for problems.
    pub(super) path: String,
}

impl FastView {
    /// The programs of a view; nothing where one of its expressions has none.
    pub(super) fn compile(view: &ViewDefinition, compiler: &mut Compiler<'_>) -> Option<Self> {
        let scope = Scope {
            resource: &view.resource,
            at_resource: true,
            this_is_temporal: false,
        };
        let mut filters = Vec::new();
        for filter in &view.filters {
            filters.push(compiler.condition(&filter.expression, scope)?);
        }
        let mut selects = Vec::new();
        let mut columns = 0;
        for select in &view.selects {
            selects.push(compile_select(select, compiler, scope, columns, "")?);
            columns += select.all_columns().len();
        }
        Some(Self {
            filters,
            selects,
            columns,
        })
    }
}

fn compile_select(
    select: &Select,
    compiler: &mut Compiler<'_>,
    scope: Scope<'_>,
    first_column: usize,
    prefix: &str,
) -> Option<FastSelect> {
    let mut within = scope;
    let mut prefix = prefix.to_owned();
    let mut step_into = |paths: &[&definition::Path], source: &str| {
        if !prefix.is_empty() {
            prefix.push('.');
        }
        prefix.push_str(source);
        let mut programs = Vec::new();
        let only_this = paths
            .iter()
            .all(|path| matches!(path.expression.kind, crate::fhirpath::ExprKind::This));
        within.at_resource &= only_this;
        let mut temporal = false;
        for path in paths {
            let program = compiler.path(&path.expression, scope)?;
            temporal |= program.temporal;
            programs.push(program);
        }
        within.this_is_temporal = temporal;
        Some(programs)
    };
    let iteration = match &select.iteration {
        Iteration::Once => FastIteration::Once,
        Iteration::ForEach(path) => {
            FastIteration::ForEach(step_into(&[path], &path.source)?.pop()?)
        }
        Iteration::ForEachOrNull(path) => {
            FastIteration::ForEachOrNull(step_into(&[path], &path.source)?.pop()?)
        }
        Iteration::Repeat(paths) => {
            let sources: Vec<&str> = paths.iter().map(|path| path.source.as_str()).collect();
            let all: Vec<&definition::Path> = paths.iter().collect();
            let programs = step_into(&all, &format!("repeat({})", sources.join(", ")))?;
            // Each step is taken from the resource and from what was found.
            if within.at_resource || programs.iter().any(|path| path.from_resource) {
                return None;
            }
            FastIteration::Repeat(programs)
        }
    };
    let mut columns = Vec::new();
    for (offset, column) in select.columns.iter().enumerate() {
        columns.push(FastColumn::compile(
            column,
            compiler,
            within,
            first_column + offset,
            &prefix,
        )?);
    }
    let mut next_column = first_column + select.columns.len();
    let mut selects = Vec::new();
    for nested in &select.selects {
        selects.push(compile_select(
            nested,
            compiler,
            within,
            next_column,
            &prefix,
        )?);
        next_column += nested.all_columns().len();
    }
    let mut union_all = Vec::new();
    for branch in &select.union_all {
        union_all.push(compile_select(
            branch,
            compiler,
            within,
            next_column,
            &prefix,
        )?);
    }
    let all_columns = select.all_columns();
    let nulls = all_columns.iter().enumerate().map(|(offset, column)| {
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
    Some(FastSelect {
        iteration,
        columns,
        selects,
        union_all,
        nulls: nulls.collect::<Option<Vec<_>>>()?,
    })
}

impl FastColumn {
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
        let separator = if prefix.is_empty() { "" } else { "." };
        Some(Self {
            position,
            program: compiler.program(&column.path.expression, scope)?,
            scalar: column.column_type.scalar,
            list: column.column_type.list,
            path: format!("{prefix}{separator}{}", column.path.source),
        })
    }
}
