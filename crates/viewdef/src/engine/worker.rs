//! Lines to columns, one line after the other.
//!
//! A worker belongs to one thread and keeps its buffers from line to line. It never fails because of a
//! resource: a line is refused with a reason, a table or a cell has a problem, and the next line is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::lazy_json::LazyJson;
use super::outcome::{LineRefusal, Problem, ResourceRead};
use super::plan::{ResourcePlan, TablePlan};
use super::resource_cache::ResourceCache;
use super::row_maker::RowMaker;
use super::shape::Shape;
use super::table_builder::TableBuilder;
use super::tape::{Kind, Tape};
use super::tape_reader::{TapeReader, Unsupported};
use super::walk::Walk;
use crate::column::{Cell, Scratch, Texts, cell_of_json, instant_micros};
use crate::definition::ScalarType;
use crate::problem::{CellProblem, Mismatch, ProblemKind, json_type};
use crate::reference;
use crate::resolved_reference::ResolvedReference;

/// More text of one resource in one column is refused.
const LARGEST_COLUMN: usize = 1 << 30;

/// Walks lines and builds the columns of all tables of a plan.
#[derive(Debug)]
pub struct ResourceWorker {
    plan: Arc<ResourcePlan>,
    shape: Shape,
    pub(super) tape: Tape,
    pub(super) cache: ResourceCache,
    objects: u64,
    pub(super) constants: Vec<String>,
    pub(super) returned_column: Option<usize>,
    tables: Vec<TableBuilder>,
    pub(super) scratch: Scratch,
    pub(super) rows: Vec<Cell>,
    pub(super) row: Vec<Cell>,
    pub(super) elements: Vec<u32>,
    pub(super) context_cells: Vec<Cell>,
}

impl ResourceWorker {
    /// A worker; `constants` are the values of the plan's constant columns, `returned_column` names a
    /// context column whose value each read returns.
    #[must_use]
    pub fn new(
        plan: Arc<ResourcePlan>,
        constants: Vec<String>,
        returned_column: Option<&str>,
    ) -> Self {
        let tables = plan
            .tables
            .iter()
            .map(|table| TableBuilder::new(&plan, table))
            .collect();
        Self {
            shape: plan.shape.clone(),
            tape: Tape::default(),
            cache: ResourceCache::new(&plan.shared),
            objects: 0,
            returned_column: returned_column.and_then(|name| plan.context_position(name)),
            constants,
            tables,
            scratch: Scratch::default(),
            rows: Vec::new(),
            row: Vec::new(),
            elements: Vec::new(),
            context_cells: Vec::new(),
            plan,
        }
    }

    /// Reads the line that begins at `start` and ends at the newline at `end`. The buffer is
    /// UTF-8 in this line, ends in [`crate::json::PADDING`] newlines and is below 4 GiB.
    ///
    /// # Errors
    /// Why the line is refused as a whole; it then has no rows.
    pub fn read(
        &mut self,
        buffer: &[u8],
        start: usize,
        end: usize,
        order: u64,
    ) -> Result<ResourceRead, LineRefusal> {
        self.read_resolved(buffer, (start, end), order, &[])
    }

    /// The same, of a line some of whose references were resolved.
    ///
    /// # Errors
    /// As [`ResourceWorker::read`].
    pub fn read_resolved(
        &mut self,
        buffer: &[u8],
        (start, end): (usize, usize),
        order: u64,
        resolved: &[ResolvedReference<'_>],
    ) -> Result<ResourceRead, LineRefusal> {
        self.walk(buffer, start)?;
        let plan = Arc::clone(&self.plan);
        let mut read = self.identity(buffer, &plan)?;
        self.scratch.clear();
        let mut json = LazyJson::new(buffer.get(start..end).unwrap_or_default(), resolved);
        if self.is_dropped(buffer, &plan)? {
            read.dropped = true;
            read.returned_value = self.returned_value_alone(buffer, &plan, &mut json);
            return Ok(read);
        }
        self.context_cells(buffer, &plan, &mut json, &mut read)?;
        for (position, table) in plan.tables.iter().enumerate() {
            self.table(buffer, table, position, order, &mut json, &mut read)?;
        }
        Ok(read)
    }

    /// Walks a line without making rows of it: what parsing alone costs.
    ///
    /// # Errors
    /// Why the line is refused as a whole.
    pub fn walk(&mut self, buffer: &[u8], start: usize) -> Result<(), LineRefusal> {
        self.cache.clear();
        Ok(Walk {
            buffer,
            shape: &mut self.shape,
            tape: &mut self.tape,
            objects: &mut self.objects,
            at: start,
        }
        .line()?)
    }

    /// Reads the resource on the tape, with the resource as `%context`.
    pub(super) fn tape_reader<'t>(&'t self, buffer: &'t [u8]) -> TapeReader<'t> {
        TapeReader {
            tape: &self.tape,
            buffer,
            shared: &self.plan.shared,
            cache: &self.cache,
            context: 0,
        }
    }

    /// What every resource must have: its type and its id.
    fn identity(&self, buffer: &[u8], plan: &ResourcePlan) -> Result<ResourceRead, LineRefusal> {
        let reader = self.tape_reader(buffer);
        let text = |path| match reader.one(path, 0) {
            Ok(Ok(Some(item))) => match self.tape.entry(item).kind {
                Kind::Text => std::str::from_utf8(reader.raw(item))
                    .ok()
                    .map(str::to_owned),
                Kind::EscapedText => {
                    String::from_utf8(crate::json::unescape(reader.raw(item))).ok()
                }
                _ => None,
            },
            _ => None,
        };
        if text(&plan.resource_type).as_deref() != Some(&plan.resource) {
            return Err(LineRefusal::NotTheResource);
        }
        let id = text(&plan.id).filter(|id| !id.is_empty());
        Ok(ResourceRead {
            id: id.ok_or(LineRefusal::MissingId)?,
            last_updated: text(&plan.last_updated).and_then(|text| instant_micros(&text)),
            ..ResourceRead::default()
        })
    }

    /// Whether the plan's `drop_where` is true.
    fn is_dropped(&self, buffer: &[u8], plan: &ResourcePlan) -> Result<bool, LineRefusal> {
        let Some(condition) = &plan.drop_where else {
            return Ok(false);
        };
        let truth = self.tape_reader(buffer).truth(condition, 0);
        // A condition that the program cannot evaluate drops the resource.
        Ok(truth.unwrap_or(Some(true)) == Some(true))
    }

    /// Appends the rows of one table.
    fn table(
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
            && !self.tape.needs_fallback
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
        let texts = Texts {
            buffer,
            scratch: &self.scratch,
        };
        let Some(builder) = self.tables.get_mut(position) else {
            return Ok(());
        };
        for (column, cell) in builder.context_columns.iter_mut().zip(&self.context_cells) {
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
                tape: &self.tape,
                buffer,
                shared: &self.plan.shared,
                cache: &self.cache,
                context: 0,
            },
            scratch: &mut self.scratch,
            rows: &mut self.rows,
            problems,
            row: &mut self.row,
            elements: &mut self.elements,
            resolved: json.resolved,
            reported: BTreeSet::new(),
        }
    }

    /// Whether a column would hold more text of the resource than Arrow's offsets can count.
    fn is_too_large(&self, rows: usize, width: usize, line: usize) -> bool {
        let bound = line.max(64).saturating_mul(rows.saturating_mul(width));
        if bound < LARGEST_COLUMN {
            return false;
        }
        let text = |cell: &Cell| match *cell {
            Cell::Text { start, end } | Cell::ScratchText { start, end } => (end - start) as usize,
            _ => 0,
        };
        let length = |cell: &Cell| match *cell {
            Cell::List { start, end } => {
                let elements = self.scratch.cells.get(start as usize..end as usize);
                elements.unwrap_or_default().iter().map(text).sum()
            }
            _ => text(cell),
        };
        let of_context = self.context_cells.iter().map(|cell| rows * length(cell));
        let of_columns = (0..width).map(|column| {
            let cells = self.rows.iter().skip(column).step_by(width);
            cells.map(length).sum()
        });
        of_context
            .chain(of_columns)
            .any(|text: usize| text > LARGEST_COLUMN)
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
                let cell = match cell_of_json(scalar, value, &mut self.scratch) {
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

    /// Bytes that wait in builders.
    #[must_use]
    pub fn size(&self) -> usize {
        self.tables.iter().map(TableBuilder::size).sum()
    }

    /// The rows of each table since the last call, in the order of the plan; nothing for a table
    /// without rows.
    ///
    /// # Errors
    /// When rows are more than Arrow's offsets can count.
    pub fn finish(&mut self) -> Result<Vec<Option<RecordBatch>>, ArrowError> {
        let tables = self.plan.tables.iter().zip(&mut self.tables);
        tables
            .map(|(table, builder)| builder.finish(table, self.plan.with_order))
            .collect()
    }

    /// The topmost paths that came since the last call and that no column reads, with how often
    /// they came.
    pub fn take_unread(&mut self) -> BTreeMap<String, u64> {
        let unread = self.shape.unread();
        self.shape.forget_counts();
        unread
    }
}
