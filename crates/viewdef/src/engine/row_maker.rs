//! Selects over a tape to rows of cells, by the processing algorithm of SQL-on-FHIR.
//!
//! Rows are made depth first without building a table for each select: the cells of the outer selects
//! wait in one row, and each innermost combination appends a copy. The order is that of the document,
//! the first of several sibling selects outermost.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::derived_cells::Memory;
use super::fast_view::{FastIteration, FastSelect, FastView};
use super::program::{Condition, Path};
use super::tape::{Kind, Position};
use super::tape_reader::{TapeReader, Unsupported};
use crate::column::{Cell, Scratch};
use crate::problem::CellProblem;
use crate::resolved_reference::ResolvedReference;

/// More rows of one resource are taken for a view that does not end.
const MAX_ROWS: usize = 1_000_000;
/// Deeper elements are taken for a `repeat` that does not end.
const MAX_REPEAT_DEPTH: usize = 128;

/// For so few columns the members of an element are looked for one by one.
const FEW_COLUMNS: usize = 2;

/// Makes the rows of one view of one resource.
pub(super) struct RowMaker<'r> {
    /// The resource; its `context` is the element whose row is being made.
    pub(super) reader: TapeReader<'r>,
    /// Where computed texts and lists are stored.
    pub(super) scratch: &'r mut Scratch,
    /// The rows, each as many cells as the view has columns.
    pub(super) rows: &'r mut Vec<Cell>,
    /// What could not be used.
    pub(super) problems: &'r mut Vec<CellProblem>,
    /// The row that is being filled.
    pub(super) row: &'r mut Vec<Cell>,
    /// The elements of the selects that are under way.
    pub(super) elements: &'r mut Vec<Position>,
    /// The answers of derived expressions.
    pub(super) memory: &'r mut Memory,
    /// The targets to which references were resolved.
    pub(super) resolved: &'r [ResolvedReference<'r>],
    /// Problems that are reported already: the column, the element of the row, the value's element.
    pub(super) reported: BTreeSet<(usize, Position, Position)>,
}

/// Called for each combination.
type Next<'n, 'r> = &'n mut dyn FnMut(&mut RowMaker<'r>) -> Result<(), Unsupported>;

impl<'r> RowMaker<'r> {
    /// Appends the rows of the view.
    pub(super) fn view(&mut self, view: &FastView) -> Result<(), Unsupported> {
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
                return Err(Unsupported);
            }
            maker.rows.extend_from_slice(maker.row);
            Ok(())
        })
    }

    /// Whether the resource passes a filter of the view, which must be true, false or nothing.
    fn passes(&self, filter: &Condition) -> Result<bool, Unsupported> {
        if let Condition::Path(path) = filter {
            return match self.reader.one(path, 0)? {
                Ok(None) => Ok(false),
                Ok(Some(item)) => match self.reader.tape.entry(item).kind {
                    Kind::True => Ok(true),
                    Kind::False => Ok(false),
                    _ => Err(Unsupported),
                },
                Err(_) => Err(Unsupported),
            };
        }
        Ok(self.reader.truth(filter, 0)? == Some(true))
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
    ) -> Result<(), Unsupported> {
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

    /// The rows of a select at an element of the enclosing one.
    fn select(
        &mut self,
        select: &FastSelect,
        this: Position,
        row_index: usize,
        next: Next<'_, 'r>,
    ) -> Result<(), Unsupported> {
        self.reader.context = this;
        let mut elements = std::mem::take(self.elements);
        let first = elements.len();
        let found = match &select.iteration {
            FastIteration::Once => {
                *self.elements = elements;
                return self.element(select, this, row_index, next);
            }
            FastIteration::ForEach(path) | FastIteration::ForEachOrNull(path) => {
                self.reader.each(path, this, &mut |element| {
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
            let element = self.elements.get(at).copied().ok_or(Unsupported)?;
            self.element(select, element, at - first, next)?;
        }
        self.elements.truncate(first);
        Ok(())
    }

    /// Adds what the paths find from an element, from what they found, and so on, depth first.
    fn repeat(
        &self,
        paths: &[Path],
        this: Position,
        depth: usize,
        elements: &mut Vec<Position>,
    ) -> Result<(), Unsupported> {
        if depth > MAX_REPEAT_DEPTH || elements.len() > MAX_ROWS {
            return Err(Unsupported);
        }
        let reader = TapeReader {
            context: this,
            ..self.reader
        };
        for path in paths {
            let mut found = Vec::new();
            reader.each(path, this, &mut |element| {
                found.push(element);
                ControlFlow::Continue(())
            })?;
            for element in found {
                // A path that finds its own starting point does not end.
                if element <= this {
                    return Err(Unsupported);
                }
                elements.push(element);
                self.repeat(paths, element, depth + 1, elements)?;
            }
        }
        Ok(())
    }

    /// The rows of one element that the select iterates over.
    fn element(
        &mut self,
        select: &FastSelect,
        this: Position,
        row_index: usize,
        next: Next<'_, 'r>,
    ) -> Result<(), Unsupported> {
        self.reader.context = this;
        if select.columns.len() > FEW_COLUMNS {
            self.reader.cache.members.learn(self.reader.tape, this);
        }
        for column in &select.columns {
            self.fill(column, this, row_index)?;
        }
        self.product(&select.selects, &select.union_all, this, row_index, next)
    }

    /// Puts a cell into the row.
    #[inline]
    pub(super) fn set(&mut self, position: usize, cell: Cell) {
        if let Some(place) = self.row.get_mut(position) {
            *place = cell;
        }
    }
}
