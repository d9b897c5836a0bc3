//! Selects over a tape to rows of cells.

use std::ops::ControlFlow;

use super::evaluate::{Located, Unsure};
use super::program::{Condition, Path, Program};
use super::rows::{FastColumn, FastIteration, FastSelect, FastView};
use super::tape::{Kind, Position};
use crate::column::{Cell, Scratch, Source, cell_of, cell_of_json};
use crate::definition::ScalarType;
use crate::fhirpath::Literal;
use crate::problem::{CellProblem, ProblemKind};

/// More rows of one resource are taken for a view that does not end.
const MAX_ROWS: usize = 1_000_000;
const MAX_REPEAT_DEPTH: usize = 128;

/// Makes the rows of one view of one resource.
pub(super) struct RowMaker<'r> {
    pub(super) located: Located<'r>,
    pub(super) scratch: &'r mut Scratch,
    /// The rows, each as many cells as the view has columns.
    pub(super) rows: &'r mut Vec<Cell>,
    pub(super) problems: &'r mut Vec<CellProblem>,
    pub(super) row: &'r mut Vec<Cell>,
    /// The elements of the selects that are under way.
    pub(super) elements: &'r mut Vec<Position>,
    /// Columns and elements whose problem is told already.
    pub(super) told: Vec<(usize, Position)>,
}

type Next<'n, 'r> = &'n mut dyn FnMut(&mut RowMaker<'r>) -> Result<(), Unsure>;

impl<'r> RowMaker<'r> {
    /// Appends the rows of the view.
    pub(super) fn view(&mut self, view: &FastView) -> Result<(), Unsure> {
        for filter in &view.filters {
            if !self.passes(filter)? {
                return Ok(());
            }
        }
        self.elements.clear();
        self.row.clear();
        self.row.resize(view.columns, Cell::Null);
        self.product(&view.selects, &[], 0, 0, &mut |maker: &mut Self| {
            if maker.rows.len() / view.columns.max(1) >= MAX_ROWS {
                return Err(Unsure);
            }
            maker.rows.extend_from_slice(maker.row);
            Ok(())
        })
    }

    fn passes(&self, filter: &Condition) -> Result<bool, Unsure> {
        if let Condition::Path(path) = filter {
            return match self.located.one(path, 0)? {
                Ok(None) => Ok(false),
                Ok(Some(item)) => match self.located.tape.entry(item).kind {
                    Kind::True => Ok(true),
                    Kind::False => Ok(false),
                    _ => Err(Unsure),
                },
                Err(_) => Err(Unsure),
            };
        }
        Ok(self.located.truth(filter, 0)? == Some(true))
    }

    /// Each row of the first select with each of the second and so on, then with each of the
    /// union.
    fn product(
        &mut self,
        selects: &[FastSelect],
        union_all: &[FastSelect],
        this: Position,
        row_index: usize,
        next: Next<'_, 'r>,
    ) -> Result<(), Unsure> {
        if let Some((first, rest)) = selects.split_first() {
            return self.select(first, this, row_index, &mut |maker: &mut Self| {
                maker.product(rest, union_all, this, row_index, next)
            });
        }
        if union_all.is_empty() {
            return next(self);
        }
        for branch in union_all {
            self.select(branch, this, row_index, next)?;
        }
        Ok(())
    }

    fn select(
        &mut self,
        select: &FastSelect,
        this: Position,
        row_index: usize,
        next: Next<'_, 'r>,
    ) -> Result<(), Unsure> {
        let mut elements = std::mem::take(self.elements);
        let first = elements.len();
        let found = match &select.iteration {
            FastIteration::Once => {
                *self.elements = elements;
                return self.element(select, this, row_index, next);
            }
            FastIteration::ForEach(path) | FastIteration::ForEachOrNull(path) => {
                self.located.each(path, this, &mut |element| {
                    elements.push(element);
                    ControlFlow::Continue(())
                })
            }
            FastIteration::Repeat(paths) => self.repeat(paths, this, 0, &mut elements),
        };
        let end = elements.len();
        *self.elements = elements;
        found?;
        if first == end && matches!(select.iteration, FastIteration::ForEachOrNull(_)) {
            for (position, cell) in &select.nulls {
                self.set(*position, *cell);
            }
            return next(self);
        }
        for at in first..end {
            let element = self.elements.get(at).copied().ok_or(Unsure)?;
            self.element(select, element, at - first, next)?;
        }
        self.elements.truncate(first);
        Ok(())
    }

    fn repeat(
        &self,
        paths: &[Path],
        this: Position,
        depth: usize,
        elements: &mut Vec<Position>,
    ) -> Result<(), Unsure> {
        if depth > MAX_REPEAT_DEPTH || elements.len() > MAX_ROWS {
            return Err(Unsure);
        }
        for path in paths {
            let mut found = Vec::new();
            self.located.each(path, this, &mut |element| {
                found.push(element);
                ControlFlow::Continue(())
            })?;
            for element in found {
                // A path that finds where it stands does not end.
                if element <= this {
                    return Err(Unsure);
                }
                elements.push(element);
                self.repeat(paths, element, depth + 1, elements)?;
            }
        }
        Ok(())
    }

    fn element(
        &mut self,
        select: &FastSelect,
        this: Position,
        row_index: usize,
        next: Next<'_, 'r>,
    ) -> Result<(), Unsure> {
        for column in &select.columns {
            self.fill(column, this, row_index)?;
        }
        self.product(&select.selects, &select.union_all, this, row_index, next)
    }

    /// Puts the cell of a column at an element into the row. What is common is made where it stays:
    /// a cell that was just written part by part is slow to move as a whole.
    #[inline]
    fn fill(
        &mut self,
        column: &FastColumn,
        this: Position,
        row_index: usize,
    ) -> Result<(), Unsure> {
        let position = column.position;
        match &column.program {
            Program::Path(path) if !column.list => {
                if let Ok(found) = self.located.one(path, this)? {
                    self.fill_with(column, found, this);
                    return Ok(());
                }
            }
            Program::RowIndex if !column.list && is_integer(column.scalar) => {
                let number = i64::try_from(row_index).map_err(|_| Unsure)?;
                self.set(position, Cell::Integer(number));
                return Ok(());
            }
            Program::Literal(Literal::String(text))
                if !column.list && column.scalar == ScalarType::Utf8 =>
            {
                let cell = self.scratch.text(text.as_bytes());
                self.set(position, cell);
                return Ok(());
            }
            _ => {}
        }
        let cell = self.cell(column, this, row_index)?;
        self.set(position, cell);
        Ok(())
    }

    #[inline]
    fn fill_with(&mut self, column: &FastColumn, item: Option<Position>, this: Position) {
        let Some(item) = item else {
            self.set(column.position, Cell::Null);
            return;
        };
        let entry = self.located.tape.entry(item);
        if column.scalar == ScalarType::Utf8 && matches!(entry.kind, Kind::Text | Kind::Number) {
            let (start, end) = (entry.start, entry.end);
            self.set(column.position, Cell::Text { start, end });
            return;
        }
        match self.value(column, item, this) {
            Cell::Integer(number) => self.set(column.position, Cell::Integer(number)),
            other => self.set(column.position, other),
        }
    }

    #[inline]
    fn set(&mut self, position: usize, cell: Cell) {
        if let Some(place) = self.row.get_mut(position) {
            *place = cell;
        }
    }

    /// The cell of a column at an element.
    pub(super) fn cell(
        &mut self,
        column: &FastColumn,
        this: Position,
        row_index: usize,
    ) -> Result<Cell, Unsure> {
        let found = match &column.program {
            Program::Path(path) if column.list => return self.list(column, path, this),
            Program::Path(path) => match self.located.one(path, this)? {
                Ok(None) => return Ok(Cell::Null),
                Ok(Some(item)) => self.value(column, item, this),
                Err(_) => {
                    let count = self.located.count(path, this)?;
                    self.tell(
                        column,
                        this,
                        ProblemKind::NotOneValue,
                        "one value".into(),
                        format!("{count} values"),
                    );
                    Cell::Null
                }
            },
            Program::Nothing => Cell::Null,
            Program::Truth(condition) => match self.located.truth(condition, this)? {
                None => Cell::Null,
                Some(truth) => self.computed(column, &truth.into(), this),
            },
            Program::RowIndex => match is_integer(column.scalar) {
                true => Cell::Integer(i64::try_from(row_index).map_err(|_| Unsure)?),
                false => self.computed(column, &row_index.into(), this),
            },
            Program::Literal(literal) => match literal {
                Literal::String(text) if column.scalar == ScalarType::Utf8 => {
                    self.scratch.text(text.as_bytes())
                }
                Literal::String(text)
                | Literal::Date(text)
                | Literal::DateTime(text)
                | Literal::Time(text) => self.computed(column, &text.as_str().into(), this),
                Literal::Boolean(value) => self.computed(column, &(*value).into(), this),
                Literal::Integer(value) => self.computed(column, &(*value).into(), this),
                Literal::Decimal(_) => return Err(Unsure),
            },
            Program::ReferenceKey(path, type_name) => {
                return self.reference_key(column, path, type_name.as_deref(), this);
            }
        };
        if !column.list {
            return Ok(found);
        }
        Ok(match found {
            Cell::Null => self.scratch.list(&[]),
            cell => self.scratch.list(&[cell]),
        })
    }

    fn reference_key(
        &mut self,
        column: &FastColumn,
        path: &Path,
        type_name: Option<&str>,
        this: Position,
    ) -> Result<Cell, Unsure> {
        let mut keys = Vec::new();
        let located = self.located;
        located.each(path, this, &mut |item| {
            if located.tape.entry(item).kind == Kind::Text
                && let Ok(text) = std::str::from_utf8(located.raw(item))
                && let Some(key) = reference_key(text, type_name)
            {
                keys.push(key);
            }
            ControlFlow::Continue(())
        })?;
        match keys.as_slice() {
            [] if !column.list => Ok(Cell::Null),
            [key] if !column.list && column.scalar == ScalarType::Utf8 => {
                Ok(self.scratch.text(key.as_bytes()))
            }
            _ => Err(Unsure),
        }
    }

    fn list(&mut self, column: &FastColumn, path: &Path, this: Position) -> Result<Cell, Unsure> {
        let mut items = Vec::new();
        self.located.each(path, this, &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        })?;
        let mut cells = Vec::with_capacity(items.len());
        for item in items {
            match self.value(column, item, item) {
                Cell::Null => {}
                cell => cells.push(cell),
            }
        }
        Ok(self.scratch.list(&cells))
    }

    #[inline]
    fn value(&mut self, column: &FastColumn, item: Position, this: Position) -> Cell {
        let entry = self.located.tape.entry(item);
        let raw = self.located.raw(item);
        let source = match entry.kind {
            Kind::Text => Source::Text {
                raw,
                start: entry.start,
                escaped: false,
            },
            Kind::EscapedText => Source::Text {
                raw,
                start: entry.start,
                escaped: true,
            },
            Kind::Number => Source::Number {
                raw,
                start: entry.start,
            },
            Kind::True => Source::Boolean(true),
            Kind::False => Source::Boolean(false),
            Kind::Object => Source::Object,
        };
        match cell_of(column.scalar, source, self.scratch) {
            Ok(cell) => cell,
            Err(kind) => {
                let found = entry.kind.name().to_owned();
                self.tell(column, this, kind, column.scalar.to_string(), found);
                Cell::Null
            }
        }
    }

    fn computed(&mut self, column: &FastColumn, value: &serde_json::Value, this: Position) -> Cell {
        match cell_of_json(column.scalar, value, self.scratch) {
            Ok(cell) => cell,
            Err(kind) => {
                let found = match value {
                    serde_json::Value::Bool(_) => "boolean",
                    serde_json::Value::Number(_) => "number",
                    _ => "string",
                };
                self.tell(column, this, kind, column.scalar.to_string(), found.into());
                Cell::Null
            }
        }
    }

    #[cold]
    fn tell(
        &mut self,
        column: &FastColumn,
        this: Position,
        kind: ProblemKind,
        expected: String,
        found: String,
    ) {
        // A select is evaluated again for each row of the selects before it.
        if self.told.contains(&(column.position, this)) {
            return;
        }
        self.told.push((column.position, this));
        self.problems.push(CellProblem {
            column: column.position,
            path: column.path.clone(),
            kind,
            expected,
            found,
        });
    }
}

/// The id a relative or absolute reference names, where it is one to a resource of the type.
fn reference_key<'t>(reference: &'t str, type_name: Option<&str>) -> Option<&'t str> {
    let path = reference.split(['?', '#']).next()?;
    let path = path
        .rsplit_once("/_history/")
        .map_or(path, |(path, _)| path);
    let (before, id) = path.rsplit_once('/')?;
    let found_type = before.rsplit('/').next()?;
    let is_type = found_type.starts_with(|first: char| first.is_ascii_uppercase())
        && found_type.chars().all(|c| c.is_ascii_alphanumeric());
    let is_wanted = type_name.is_none_or(|wanted| {
        wanted == found_type || matches!(wanted, "Resource" | "DomainResource")
    });
    (is_type && is_wanted && !id.is_empty()).then_some(id)
}

fn is_integer(scalar: ScalarType) -> bool {
    matches!(
        scalar,
        ScalarType::Int16 | ScalarType::Int32 | ScalarType::Int64
    )
}
