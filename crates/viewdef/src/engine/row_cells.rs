//! The cells of a row: what a column's program finds at an element.
//!
//! A cell with several values where one is expected is null and a problem: by SQL-on-FHIR a column takes
//! one value unless its `collection` is true.

use std::ops::ControlFlow;

use super::fast_view::FastColumn;
use super::program::{Path, Program};
use super::resource_cache::Several;
use super::resource_conditions::ResourceItem;
use super::row_maker::RowMaker;
use super::tape::{Kind, Position};
use super::tape_reader::Unsupported;
use crate::column::{Cell, Source, cell_of, cell_of_json, misfit_of, rounded_cell};
use crate::definition::ScalarType;
use crate::fhirpath::Literal;
use crate::problem::{CellProblem, Mismatch, ProblemKind, json_type};
use crate::resolved_reference::{id_in_reference, is_wanted};

impl RowMaker<'_> {
    /// Puts the cell of a column at an element into the row. What is common is made where it stays:
    /// a cell that was just written part by part is slow to move as a whole.
    ///
    /// An [`Unsupported`] means that the engine cannot decide what the reference evaluator would;
    /// the caller then discards all rows of this table and resource.
    #[inline]
    pub(super) fn fill(
        &mut self,
        column: &FastColumn,
        this: Position,
        row_index: usize,
    ) -> Result<(), Unsupported> {
        let position = column.position;
        match &column.program {
            Program::Path(path) if !column.list => {
                if let Ok(found) = self.reader.one(path, this)? {
                    self.fill_with(column, found, this);
                    return Ok(());
                }
            }
            Program::OfResource(item) => {
                if let Ok(found) = self.reader.item_of_resource(*item)? {
                    self.fill_with(column, found, this);
                    return Ok(());
                }
            }
            Program::RowIndex if !column.list && is_integer(column.scalar) => {
                let number = i64::try_from(row_index).map_err(|_| Unsupported)?;
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

    /// Puts the cell of a found item, or null, into the row.
    #[inline]
    fn fill_with(&mut self, column: &FastColumn, item: Option<Position>, this: Position) {
        let Some(item) = item else {
            self.set(column.position, Cell::Null);
            return;
        };
        let entry = self.reader.tape.entry(item);
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

    /// The cell of a column at an element.
    pub(super) fn cell(
        &mut self,
        column: &FastColumn,
        this: Position,
        row_index: usize,
    ) -> Result<Cell, Unsupported> {
        let found = match &column.program {
            Program::Path(path) if column.list => return self.list(column, path, this),
            Program::Path(path) => match self.reader.one(path, this)? {
                Ok(None) => return Ok(Cell::Null),
                Ok(Some(item)) => self.value(column, item, this),
                Err(_) => {
                    let count = self.reader.count(path, this)?;
                    self.problem(column, (this, this), Mismatch::several(count));
                    Cell::Null
                }
            },
            Program::FirstOfUnion(union) => match self.reader.first_of_union(union, this)? {
                Some(item) => self.value(column, item, this),
                None => Cell::Null,
            },
            Program::OfResource(position) => match self.reader.item_of_resource(*position)? {
                Ok(None) => Cell::Null,
                Ok(Some(item)) => self.value(column, item, this),
                Err(Several) => {
                    let item = self.reader.shared.resource_items.get(*position);
                    let Some(ResourceItem::One(path)) = item else {
                        return Err(Unsupported);
                    };
                    let count = self.reader.count(path, this)?;
                    self.problem(column, (this, this), Mismatch::several(count));
                    Cell::Null
                }
            },
            Program::Derived(derived) => return self.derived(column, derived, this, row_index),
            Program::Nothing => Cell::Null,
            Program::Truth(condition) => match self.reader.truth(condition, this)? {
                None => Cell::Null,
                Some(truth) => self.computed(column, &truth.into(), this),
            },
            Program::RowIndex => match is_integer(column.scalar) {
                true => Cell::Integer(i64::try_from(row_index).map_err(|_| Unsupported)?),
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
                Literal::Decimal(_) => return Err(Unsupported),
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

    /// The ids that references name; those that need an identifier or escapes are left to the reference
    /// evaluator.
    ///
    /// SQL-on-FHIR, `getReferenceKey()`: the id in `Type/id`, if the reference is to the wanted
    /// type. A reference that an import has resolved has the id of the resource it was resolved to.
    fn reference_key(
        &mut self,
        column: &FastColumn,
        path: &Path,
        type_name: Option<&str>,
        this: Position,
    ) -> Result<Cell, Unsupported> {
        let mut keys = Vec::new();
        let reader = self.reader;
        let resolved = self.resolved;
        // A reference without a text is found by its identifier, which is not walked here.
        if resolved.iter().any(|one| one.reference.starts_with('?')) {
            return Err(Unsupported);
        }
        let mut is_escaped = false;
        reader.each(path, this, &mut |item| {
            is_escaped |= reader.tape.entry(item).kind == Kind::EscapedText;
            if reader.tape.entry(item).kind == Kind::Text
                && let Ok(text) = std::str::from_utf8(reader.raw(item))
            {
                let known = resolved.iter().find(|one| one.reference == text);
                keys.extend(match known {
                    Some(known) => is_wanted(type_name, known.resource).then_some(known.id),
                    None => id_in_reference(text, type_name),
                });
            }
            ControlFlow::Continue(())
        })?;
        if is_escaped {
            return Err(Unsupported);
        }
        match keys.as_slice() {
            [] if !column.list => Ok(Cell::Null),
            [key] if !column.list && column.scalar == ScalarType::Utf8 => {
                Ok(self.scratch.text(key.as_bytes()))
            }
            _ => Err(Unsupported),
        }
    }

    /// All values of a `collection`; those that cannot be used are left out and are problems.
    fn list(
        &mut self,
        column: &FastColumn,
        path: &Path,
        this: Position,
    ) -> Result<Cell, Unsupported> {
        let mut items = Vec::new();
        self.reader.each(path, this, &mut |item| {
            items.push(item);
            ControlFlow::Continue(())
        })?;
        let mut cells = Vec::with_capacity(items.len());
        for item in items {
            match self.value(column, item, this) {
                Cell::Null => {}
                cell => cells.push(cell),
            }
        }
        Ok(self.scratch.list(&cells))
    }

    /// The cell of one item; null and a problem where the column cannot take it.
    #[inline]
    fn value(&mut self, column: &FastColumn, item: Position, this: Position) -> Cell {
        let entry = self.reader.tape.entry(item);
        let raw = self.reader.raw(item);
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
                let found = misfit_of(column.scalar, entry.kind.name(), raw);
                let mismatch = Mismatch::new(kind, column.scalar.to_string(), found);
                self.problem(column, (this, item), mismatch);
                match kind {
                    ProblemKind::Rounded => rounded_cell(column.scalar, source, self.scratch),
                    _ => Cell::Null,
                }
            }
        }
    }

    /// The cell of a value that is not in the line: a truth, an index, a literal.
    fn computed(&mut self, column: &FastColumn, value: &serde_json::Value, this: Position) -> Cell {
        match cell_of_json(column.scalar, value, self.scratch) {
            Ok(cell) => cell,
            Err(kind) => {
                let expected = column.scalar.to_string();
                let mismatch = Mismatch::new(kind, expected, json_type(value));
                self.problem(column, (this, this), mismatch);
                Cell::Null
            }
        }
    }

    /// Reports a problem once for each column, row element and value.
    ///
    /// A column with several rows per element would otherwise report the same value once per row.
    #[cold]
    fn problem(
        &mut self,
        column: &FastColumn,
        (this, item): (Position, Position),
        mismatch: Mismatch,
    ) {
        // A select is evaluated again for each row of the selects before it.
        if !self.reported.insert((column.position, this, item)) {
            return;
        }
        self.problems.push(CellProblem {
            column: column.position,
            path: column.path.clone(),
            mismatch,
        });
    }
}

/// Whether a row index fits the type as it is.
fn is_integer(scalar: ScalarType) -> bool {
    matches!(
        scalar,
        ScalarType::Int16 | ScalarType::Int32 | ScalarType::Int64
    )
}
