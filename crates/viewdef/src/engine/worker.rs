//! Lines to columns, one line after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::ArrowError;
use serde_json::Value;

use super::context::Transform;
use super::evaluate::{Located, Unsure};
use super::plan::{ContextPlan, ResourcePlan, TablePlan};
use super::rows::RowMaker;
use super::shape::Shape;
use super::tape::{Kind, Tape};
use super::walk::{Refusal, Walk};
use crate::column::{
    Cell, ColumnBuilder, Scratch, Texts, cell_of_json, date_days, instant_micros, year,
};
use crate::definition::{ColumnType, ScalarType};
use crate::oracle;
use crate::problem::{CellProblem, ProblemKind};

/// Why a line makes no rows at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineRefusal {
    /// Not JSON.
    NotJson,
    /// JSON, but not an object with this resource type.
    NotTheResource,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// An object has a key twice.
    DuplicateKey,
    /// Deeper than resources are.
    TooDeep,
    /// No id.
    MissingId,
}

impl From<Refusal> for LineRefusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotJson => LineRefusal::NotJson,
            Refusal::LoneSurrogate => LineRefusal::LoneSurrogate,
            Refusal::DuplicateKey => LineRefusal::DuplicateKey,
            Refusal::TooDeep => LineRefusal::TooDeep,
            Refusal::NotAnObject => LineRefusal::NotTheResource,
        }
    }
}

/// A cell that is null, or a table without rows of a resource, because of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The table; none for a context column, which stands in all.
    pub table: Option<String>,
    /// The column; none where the table has no rows of the resource.
    pub column: Option<String>,
    /// The path of the value.
    pub path: String,
    /// What is wrong.
    pub kind: ProblemKind,
    /// The type that was expected.
    pub expected: String,
    /// The type that was found.
    pub found: String,
}

/// What was read of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceRead {
    /// The resource's id.
    pub id: String,
    /// `meta.lastUpdated` in microseconds since the epoch.
    pub last_updated: Option<i64>,
    /// Whether the plan drops the resource.
    pub dropped: bool,
    /// The value of the context column that the worker was asked for.
    pub watched: Option<String>,
    /// Rows it made, in all tables.
    pub rows: u64,
    /// What could not be used.
    pub problems: Vec<Problem>,
}

/// Walks lines and builds the columns of all tables of a plan.
#[derive(Debug)]
pub struct ResourceWorker {
    plan: Arc<ResourcePlan>,
    shape: Shape,
    tape: Tape,
    objects: u64,
    constants: Vec<String>,
    watched: Option<usize>,
    tables: Vec<TableBuilder>,
    scratch: Scratch,
    rows: Vec<Cell>,
    row: Vec<Cell>,
    leading: Vec<Cell>,
}

#[derive(Debug)]
struct TableBuilder {
    leading: Vec<ColumnBuilder>,
    columns: Vec<ColumnBuilder>,
    order: Vec<u64>,
    rows: usize,
}

impl ResourceWorker {
    /// A worker; `constants` are the values of the plan's constant columns, `watched` names a
    /// context column whose value each read returns.
    #[must_use]
    pub fn new(plan: Arc<ResourcePlan>, constants: Vec<String>, watched: Option<&str>) -> Self {
        let tables = plan
            .tables
            .iter()
            .map(|table| builder(&plan, table))
            .collect();
        Self {
            shape: plan.shape.clone(),
            tape: Tape::default(),
            objects: 0,
            watched: watched.and_then(|name| plan.context_position(name)),
            constants,
            tables,
            scratch: Scratch::default(),
            rows: Vec::new(),
            row: Vec::new(),
            leading: Vec::new(),
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
        self.walk(buffer, start)?;
        let plan = Arc::clone(&self.plan);
        let mut read = self.identity(buffer, &plan)?;
        if self.is_dropped(buffer, &plan)? {
            read.dropped = true;
            return Ok(read);
        }
        self.scratch.clear();
        let mut plain = Plain {
            text: buffer.get(start..end).unwrap_or_default(),
            value: None,
        };
        self.leading(buffer, &plan, &mut plain, &mut read)?;
        for (position, table) in plan.tables.iter().enumerate() {
            self.table(buffer, table, position, order, &mut plain, &mut read)?;
        }
        Ok(read)
    }

    /// Walks a line without making rows of it: what parsing alone costs.
    ///
    /// # Errors
    /// Why the line is refused as a whole.
    pub fn walk(&mut self, buffer: &[u8], start: usize) -> Result<(), LineRefusal> {
        Ok(Walk {
            buffer,
            shape: &mut self.shape,
            tape: &mut self.tape,
            objects: &mut self.objects,
            at: start,
        }
        .line()?)
    }

    fn located<'t>(tape: &'t Tape, buffer: &'t [u8]) -> Located<'t> {
        Located { tape, buffer }
    }

    fn identity(&self, buffer: &[u8], plan: &ResourcePlan) -> Result<ResourceRead, LineRefusal> {
        let located = Self::located(&self.tape, buffer);
        let text = |path| match located.one(path, 0) {
            Ok(Ok(Some(item))) => match self.tape.entry(item).kind {
                Kind::Text => std::str::from_utf8(located.raw(item))
                    .ok()
                    .map(str::to_owned),
                Kind::EscapedText => {
                    String::from_utf8(crate::json::unescape(located.raw(item))).ok()
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

    fn is_dropped(&self, buffer: &[u8], plan: &ResourcePlan) -> Result<bool, LineRefusal> {
        let Some(condition) = &plan.drop_where else {
            return Ok(false);
        };
        let truth = Self::located(&self.tape, buffer).truth(condition, 0);
        // What may have to be dropped and cannot be told is dropped.
        Ok(truth.unwrap_or(Some(true)) == Some(true))
    }

    /// The cells of the columns that stand first.
    fn leading(
        &mut self,
        buffer: &[u8],
        plan: &ResourcePlan,
        plain: &mut Plain<'_>,
        read: &mut ResourceRead,
    ) -> Result<(), LineRefusal> {
        self.leading.clear();
        for constant in &self.constants {
            let cell = self.scratch.text(constant.as_bytes());
            self.leading.push(cell);
        }
        for (position, column) in plan.context.iter().enumerate() {
            let cell = self.context(buffer, column, plain, read)?;
            if self.watched == Some(position) {
                let text = self.text_of(buffer, cell);
                read.watched = text.map(|text| String::from_utf8_lossy(text).into_owned());
            }
            self.leading.push(cell);
        }
        Ok(())
    }

    fn text_of<'b>(&'b self, buffer: &'b [u8], cell: Cell) -> Option<&'b [u8]> {
        match cell {
            Cell::Text { start, end } => buffer.get(start as usize..end as usize),
            Cell::ScratchText { start, end } => {
                self.scratch.bytes.get(start as usize..end as usize)
            }
            _ => None,
        }
    }

    fn context(
        &mut self,
        buffer: &[u8],
        column: &ContextPlan,
        plain: &mut Plain<'_>,
        read: &mut ResourceRead,
    ) -> Result<Cell, LineRefusal> {
        for (alternative, program) in column.checked.alternatives.iter().zip(&column.programs) {
            let mut problems = Vec::new();
            let mut cell = Err(Unsure);
            if let Some(program) = program
                && !self.tape.odd
            {
                let mut maker = RowMaker {
                    located: Self::located(&self.tape, buffer),
                    scratch: &mut self.scratch,
                    rows: &mut self.rows,
                    problems: &mut problems,
                    row: &mut self.row,
                    told: Vec::new(),
                };
                cell = maker.cell(program, 0, 0);
            }
            let cell = match cell {
                Ok(cell) => cell,
                Err(Unsure) => {
                    problems.clear();
                    let scalar = alternative.column_type.scalar;
                    let found = oracle::evaluate_path(&alternative.path.expression, plain.value()?);
                    self.plain_cell(scalar, found, &alternative.path.source, &mut problems)
                }
            };
            let cell = self.transformed(
                buffer,
                column.checked.transform,
                cell,
                || &alternative.path.source,
                &mut problems,
            );
            let has_problem = !problems.is_empty();
            read.problems
                .extend(problems.into_iter().map(|problem| Problem {
                    table: None,
                    column: Some(column.checked.name.clone()),
                    path: problem.path,
                    kind: problem.kind,
                    expected: problem.expected,
                    found: problem.found,
                }));
            if cell != Cell::Null || has_problem {
                return Ok(cell);
            }
        }
        Ok(Cell::Null)
    }

    fn plain_cell(
        &mut self,
        scalar: ScalarType,
        found: Result<Vec<Value>, oracle::EvaluationError>,
        path: &str,
        problems: &mut Vec<CellProblem>,
    ) -> Cell {
        let mut tell = |kind, expected: String, found: String| {
            problems.push(CellProblem {
                column: 0,
                path: path.to_owned(),
                kind,
                expected,
                found,
            });
            Cell::Null
        };
        match found.as_deref() {
            Ok([]) => Cell::Null,
            Ok([value]) => match cell_of_json(scalar, value, &mut self.scratch) {
                Ok(cell) => cell,
                Err(kind) => tell(kind, scalar.to_string(), json_type(value).to_owned()),
            },
            Ok(several) => tell(
                ProblemKind::NotOneValue,
                "one value".into(),
                format!("{} values", several.len()),
            ),
            Err(error) => tell(error.kind, error.expected.clone(), error.found.clone()),
        }
    }

    fn transformed<'s>(
        &self,
        buffer: &[u8],
        transform: Transform,
        cell: Cell,
        path: impl Fn() -> &'s String,
        problems: &mut Vec<CellProblem>,
    ) -> Cell {
        let Some(text) = self.text_of(buffer, cell) else {
            return cell;
        };
        let text = std::str::from_utf8(text).unwrap_or_default();
        let (value, expected) = match transform {
            Transform::None => return cell,
            Transform::Date => (date_days(text), "DATE"),
            Transform::Year => (year(text), "a date"),
        };
        match value {
            Some(value) => Cell::Integer(i64::from(value)),
            None => {
                problems.push(CellProblem {
                    column: 0,
                    path: path().clone(),
                    kind: ProblemKind::BadDate,
                    expected: expected.into(),
                    found: "string".into(),
                });
                Cell::Null
            }
        }
    }

    fn table(
        &mut self,
        buffer: &[u8],
        table: &TablePlan,
        position: usize,
        order: u64,
        plain: &mut Plain<'_>,
        read: &mut ResourceRead,
    ) -> Result<(), LineRefusal> {
        self.rows.clear();
        let mut problems = Vec::new();
        let mut made = Err(Unsure);
        if let Some(view) = &table.fast
            && !self.tape.odd
        {
            let mut maker = RowMaker {
                located: Self::located(&self.tape, buffer),
                scratch: &mut self.scratch,
                rows: &mut self.rows,
                problems: &mut problems,
                row: &mut self.row,
                told: Vec::new(),
            };
            made = maker.view(view);
        }
        if made.is_err() {
            problems.clear();
            self.rows.clear();
            self.plain_rows(table, plain, &mut problems, read)?;
        }
        read.problems
            .extend(problems.into_iter().map(|problem| Problem {
                table: Some(table.name.clone()),
                column: table.column_names.get(problem.column).cloned(),
                path: problem.path,
                kind: problem.kind,
                expected: problem.expected,
                found: problem.found,
            }));
        let width = table.column_names.len().max(1);
        let rows = self.rows.len() / width;
        if rows == 0 {
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
        for (column, cell) in builder.leading.iter_mut().zip(&self.leading) {
            column.extend_repeated(*cell, rows, texts);
        }
        for (column, kept) in builder.columns.iter_mut().zip(&table.kept) {
            let cells = self.rows.get(*kept..).unwrap_or_default();
            column.extend(cells.iter().step_by(width), texts);
        }
        if self.plan.with_order {
            builder.order.extend(std::iter::repeat_n(order, rows));
        }
        builder.rows += rows;
        Ok(())
    }

    /// The rows of a table by the plain evaluator.
    fn plain_rows(
        &mut self,
        table: &TablePlan,
        plain: &mut Plain<'_>,
        problems: &mut Vec<CellProblem>,
        read: &mut ResourceRead,
    ) -> Result<(), LineRefusal> {
        let evaluation = match oracle::evaluate(&table.view, plain.value()?) {
            Ok(evaluation) => evaluation,
            Err(problem) => {
                read.problems.push(Problem {
                    table: Some(table.name.clone()),
                    column: None,
                    path: problem.place,
                    kind: problem.kind,
                    expected: problem.expected,
                    found: problem.found,
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
                            kind,
                            expected: scalar.to_string(),
                            found: json_type(value).to_owned(),
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

/// The resource as the plain evaluator reads it; parsed when it is needed.
struct Plain<'p> {
    text: &'p [u8],
    value: Option<Value>,
}

impl Plain<'_> {
    fn value(&mut self) -> Result<&Value, LineRefusal> {
        if self.value.is_none() {
            let value = serde_json::from_slice(self.text).map_err(|_| LineRefusal::NotJson)?;
            self.value = Some(value);
        }
        self.value.as_ref().ok_or(LineRefusal::NotJson)
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn builder(plan: &ResourcePlan, table: &TablePlan) -> TableBuilder {
    let text = ColumnType {
        scalar: ScalarType::Utf8,
        list: false,
    };
    let constants = std::iter::repeat_n(text, plan.constants);
    let context = plan.context.iter().map(|column| column.checked.column_type);
    let kept = table
        .kept
        .iter()
        .filter_map(|kept| table.column_types.get(*kept));
    TableBuilder {
        leading: constants.chain(context).map(ColumnBuilder::new).collect(),
        columns: kept.map(|kept| ColumnBuilder::new(*kept)).collect(),
        order: Vec::new(),
        rows: 0,
    }
}

impl TableBuilder {
    fn size(&self) -> usize {
        let columns = self.leading.iter().chain(&self.columns);
        columns.map(ColumnBuilder::size).sum::<usize>() + 8 * self.order.len()
    }

    fn finish(
        &mut self,
        table: &TablePlan,
        with_order: bool,
    ) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for column in self.leading.iter_mut().chain(&mut self.columns) {
            arrays.push(column.finish()?);
        }
        if with_order {
            let room = self.order.len();
            let order = std::mem::replace(&mut self.order, Vec::with_capacity(room));
            arrays.push(Arc::new(UInt64Array::from(order)));
        }
        RecordBatch::try_new(Arc::clone(&table.schema), arrays).map(Some)
    }
}
