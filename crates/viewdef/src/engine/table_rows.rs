//! The rows of one table of one resource: made by the programs, otherwise by the reference
//! evaluator.
//!
//! The programs may find out in the middle that they cannot evaluate something. The rows they made
//! so far are then discarded, so that all rows of a table come from one of the two. Cells go into
//! the builders column by column: a column's type is decided once for all rows.

use std::collections::BTreeSet;

use super::lazy_json::LazyJson;
use super::outcome::{LineRefusal, Problem, ResourceRead};
use super::plan::TablePlan;
use super::row_maker::RowMaker;
use super::tape_reader::{TapeReader, Unsupported};
use super::worker::ResourceWorker;
use crate::column::{Cell, TextBuffers, cell_of_json};
use crate::definition::ScalarType;
use crate::problem::{CellProblem, Mismatch, ProblemKind, json_type};
use crate::reference;

/// How much text of one resource is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextLimits {
    /// Bytes in one column.
    pub(super) column: usize,
    /// Bytes that are not in the line, in all columns of all tables together.
    pub(super) scratch: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self {
            column: 1 << 30,
            scratch: u32::MAX as usize,
        }
    }
}

impl ResourceWorker {
    /// Appends the rows of one table.
    ///
    /// `position` is the table's position among those of the resource type, and `order` the
    /// resource's landing order, which the last column repeats in each row. A table whose rows
    /// cannot be made adds a problem and no rows; the other tables of the resource are not
    /// affected.
    pub(super) fn table(
        &mut self,
        buffer: &[u8],
        table: &TablePlan,
        position: usize,
        order: u64,
        json: &mut LazyJson<'_>,
        read: &mut ResourceRead,
    ) -> Result<(), LineRefusal> {
        self.rows.clear();
        let mut problems = Vec::new();
        let mut made = Err(Unsupported);
        if let Some(view) = &table.fast
            && !self.resource.tape.needs_fallback
        {
            made = self.row_maker(buffer, json, &mut problems).view(view);
        }
        if made.is_err() {
            problems.clear();
            self.rows.clear();
            read.fallback_tables += 1;
            self.reference_rows(table, json, &mut problems, read)?;
        }
        read.problems
            .extend(problems.into_iter().map(|problem| Problem {
                table: Some(table.name.clone()),
                column: table.column_names.get(problem.column).cloned(),
                path: problem.path,
                mismatch: problem.mismatch,
            }));
        let width = table.column_names.len().max(1);
        let rows = self.rows.len() / width;
        if rows == 0 {
            return Ok(());
        }
        if self.is_too_large(rows, width, json.text.len()) {
            read.problems.push(Problem {
                table: Some(table.name.clone()),
                column: None,
                path: self.plan.resource.clone(),
                mismatch: Mismatch::new(
                    ProblemKind::TooLarge,
                    "less than 1 GiB of text in a column of one resource",
                    format!("{rows} rows with more"),
                ),
            });
            return Ok(());
        }
        read.rows += rows as u64;
        let texts = TextBuffers {
            buffer,
            scratch: &self.resource.scratch,
        };
        let Some(builder) = self.tables.get_mut(position) else {
            return Ok(());
        };
        for (column, cell) in builder
            .context_columns
            .iter_mut()
            .zip(&self.resource.context_cells)
        {
            column.extend_repeated(*cell, rows, texts);
        }
        for (column, own_columns) in builder.columns.iter_mut().zip(&table.own_columns) {
            let cells = self.rows.get(*own_columns..).unwrap_or_default();
            column.extend(cells.iter().step_by(width), texts);
        }
        if self.plan.with_order {
            builder.order.extend(std::iter::repeat_n(order, rows));
        }
        builder.rows += rows;
        Ok(())
    }

    /// What makes rows and cells of the resource on the tape.
    pub(super) fn row_maker<'w>(
        &'w mut self,
        buffer: &'w [u8],
        json: &LazyJson<'w>,
        problems: &'w mut Vec<CellProblem>,
    ) -> RowMaker<'w> {
        RowMaker {
            reader: TapeReader {
                tape: &self.resource.tape,
                buffer,
                shared: &self.plan.shared,
                cache: &self.resource.cache,
                context: 0,
            },
            scratch: &mut self.resource.scratch,
            rows: &mut self.rows,
            problems,
            row: &mut self.row,
            elements: &mut self.elements,
            memory: &mut self.memory,
            resolved: json.resolved,
            reported: BTreeSet::new(),
        }
    }

    /// Whether a column would hold more text of the resource than Arrow's offsets can count, or the
    /// scratch more than cells can.
    ///
    /// A cheap upper bound is tried first; only near the limit are the texts added up. Arrow's
    /// `Utf8` has 32-bit offsets.
    fn is_too_large(&self, rows: usize, width: usize, line: usize) -> bool {
        if self.resource.scratch.exceeds(self.limits.scratch) {
            return true;
        }
        let longest = line.max(self.resource.scratch.bytes.len()).max(64);
        let bound = longest.saturating_mul(rows.saturating_mul(width));
        if bound < self.limits.column {
            return false;
        }
        let text = |cell: &Cell| match *cell {
            Cell::Text { start, end } | Cell::ScratchText { start, end } => (end - start) as usize,
            _ => 0,
        };
        let length = |cell: &Cell| match *cell {
            Cell::List { start, end } => {
                let elements = self
                    .resource
                    .scratch
                    .cells
                    .get(start as usize..end as usize);
                elements.unwrap_or_default().iter().map(text).sum()
            }
            _ => text(cell),
        };
        let of_context = self
            .resource
            .context_cells
            .iter()
            .map(|cell| rows * length(cell));
        let of_columns = (0..width).map(|column| {
            let cells = self.rows.iter().skip(column).step_by(width);
            cells.map(length).sum()
        });
        of_context
            .chain(of_columns)
            .any(|text: usize| text > self.limits.column)
    }

    /// The rows of a table by the reference evaluator.
    fn reference_rows(
        &mut self,
        table: &TablePlan,
        json: &mut LazyJson<'_>,
        problems: &mut Vec<CellProblem>,
        read: &mut ResourceRead,
    ) -> Result<(), LineRefusal> {
        let resolved = json.resolved;
        let evaluation = match reference::evaluate_resolved(&table.view, json.value()?, resolved) {
            Ok(evaluation) => evaluation,
            Err(problem) => {
                read.problems.push(Problem {
                    table: Some(table.name.clone()),
                    column: None,
                    path: problem.place,
                    mismatch: problem.mismatch,
                });
                return Ok(());
            }
        };
        *problems = evaluation.problems;
        for row in &evaluation.rows {
            for (column, value) in row.iter().enumerate() {
                let scalar = table
                    .column_types
                    .get(column)
                    .map_or(ScalarType::Utf8, |column_type| column_type.scalar);
                let cell = match cell_of_json(scalar, value, &mut self.resource.scratch) {
                    Ok(cell) => cell,
                    Err(kind) => {
                        problems.push(CellProblem {
                            column,
                            path: table.column_names.get(column).cloned().unwrap_or_default(),
                            mismatch: Mismatch::new(kind, scalar.to_string(), json_type(value)),
                        });
                        Cell::Null
                    }
                };
                self.rows.push(cell);
            }
        }
        Ok(())
    }
}
