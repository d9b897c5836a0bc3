//! The cells of the context columns, evaluated once per resource and repeated in all its rows.
//!
//! A case comes first, then what the alternatives find in their order, then the default. The
//! returned column is the value that the caller requests for each resource (its patient); the value
//! is found even if a case decides the cell, or if the resource makes no rows.

use serde_json::Value;

use super::context::{FixedValue, Transform};
use super::lazy_json::LazyJson;
use super::outcome::{LineRefusal, Problem, ResourceRead};
use super::plan::{ContextPlan, ResourcePlan};
use super::tape_reader::Unsupported;
use super::worker::ResourceWorker;
use crate::column::{Cell, cell_of_json, date_days, year};
use crate::definition::ScalarType;
use crate::problem::{CellProblem, Mismatch, ProblemKind, json_type};
use crate::reference;

impl ResourceWorker {
    /// The cells of the context columns.
    ///
    /// If the tape cannot be used for this resource, or an expression has no program, the reference
    /// evaluator evaluates that expression instead.
    pub(super) fn context_cells(
        &mut self,
        buffer: &[u8],
        plan: &ResourcePlan,
        json: &mut LazyJson<'_>,
        read: &mut ResourceRead,
    ) -> Result<(), LineRefusal> {
        self.resource.context_cells.clear();
        for constant in &self.constants {
            let cell = self.resource.scratch.text(constant.as_bytes());
            self.resource.context_cells.push(cell);
        }
        for (position, column) in plan.context.iter().enumerate() {
            let case = self.case(buffer, column, json, read)?;
            let is_returned = self.returned_column == Some(position);
            let found = match (case, is_returned) {
                (Some(_), false) => Cell::Null,
                _ => self.context(buffer, column, json, read)?,
            };
            if is_returned {
                read.returned_value = self.returned_text(buffer, found);
            }
            let cell = match (case, found, &column.checked.default) {
                (Some(value), ..) => value,
                (None, Cell::Null, Some(default)) => self.fixed(default),
                (None, found, _) => found,
            };
            self.resource.context_cells.push(cell);
        }
        Ok(())
    }

    /// The value of the first case whose condition the resource meets. An unknown condition is
    /// not met.
    ///
    /// A condition that fails (several items, a wrong type) is a problem and counts as not met.
    fn case(
        &mut self,
        buffer: &[u8],
        column: &ContextPlan,
        json: &mut LazyJson<'_>,
        read: &mut ResourceRead,
    ) -> Result<Option<Cell>, LineRefusal> {
        for (case, program) in column.checked.cases.iter().zip(&column.conditions) {
            let fast = program
                .as_ref()
                .filter(|_| !self.resource.tape.needs_fallback)
                .map(|condition| self.tape_reader(buffer).truth(condition, 0));
            let is_met = match fast {
                Some(Ok(truth)) => truth == Some(true),
                Some(Err(Unsupported)) | None => {
                    let resolved = json.resolved;
                    let found = reference::evaluate_path(&case.when, json.value()?, resolved);
                    match found.as_deref() {
                        Ok(found) => found == [Value::Bool(true)],
                        Err(mismatch) => {
                            read.problems.push(Problem {
                                table: None,
                                column: Some(column.checked.name.clone()),
                                path: case.source.clone(),
                                mismatch: mismatch.clone(),
                            });
                            false
                        }
                    }
                }
            };
            if is_met {
                return Ok(Some(self.fixed(&case.value)));
            }
        }
        Ok(None)
    }

    /// The cell of a value that the pipeline gives.
    fn fixed(&mut self, value: &FixedValue) -> Cell {
        match value {
            FixedValue::Text(text) => self.resource.scratch.text(text.as_bytes()),
            FixedValue::Boolean(value) => Cell::Boolean(*value),
            FixedValue::Integer(value) => Cell::Integer(*value),
        }
    }

    /// Only the value of the returned column, for a resource that makes no rows: nothing else in
    /// the resource is evaluated, and problems in it are not reported.
    pub(super) fn returned_value_alone(
        &mut self,
        buffer: &[u8],
        plan: &ResourcePlan,
        json: &mut LazyJson<'_>,
    ) -> Option<String> {
        let column = plan.context.get(self.returned_column?)?;
        let mut aside = ResourceRead::default();
        let cell = self.context(buffer, column, json, &mut aside).ok()?;
        self.returned_text(buffer, cell)
    }

    /// The text of a cell for the caller.
    fn returned_text(&self, buffer: &[u8], cell: Cell) -> Option<String> {
        let text = self.text_of(buffer, cell)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The bytes of a cell that has a text.
    fn text_of<'b>(&'b self, buffer: &'b [u8], cell: Cell) -> Option<&'b [u8]> {
        match cell {
            Cell::Text { start, end } => buffer.get(start as usize..end as usize),
            Cell::ScratchText { start, end } => self
                .resource
                .scratch
                .bytes
                .get(start as usize..end as usize),
            _ => None,
        }
    }

    /// The cell of the first alternative that finds something or has a problem.
    fn context(
        &mut self,
        buffer: &[u8],
        column: &ContextPlan,
        json: &mut LazyJson<'_>,
        read: &mut ResourceRead,
    ) -> Result<Cell, LineRefusal> {
        for (alternative, program) in column.checked.alternatives.iter().zip(&column.programs) {
            let mut problems = Vec::new();
            let mut cell = Err(Unsupported);
            if let Some(program) = program
                && !self.resource.tape.needs_fallback
            {
                let mut maker = self.row_maker(buffer, json, &mut problems);
                cell = maker.cell(program, 0, 0);
            }
            let cell = match cell {
                Ok(cell) => cell,
                Err(Unsupported) => {
                    problems.clear();
                    let scalar = alternative.column_type.scalar;
                    let expression = &alternative.path.expression;
                    let resolved = json.resolved;
                    let found = reference::evaluate_path(expression, json.value()?, resolved);
                    self.reference_cell(scalar, found, &alternative.path.source, &mut problems)
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
                    mismatch: problem.mismatch,
                }));
            if cell != Cell::Null || has_problem {
                return Ok(cell);
            }
        }
        Ok(Cell::Null)
    }

    /// The cell of what the reference evaluator found.
    fn reference_cell(
        &mut self,
        scalar: ScalarType,
        found: Result<Vec<Value>, Mismatch>,
        path: &str,
        problems: &mut Vec<CellProblem>,
    ) -> Cell {
        let mismatch = match found.as_deref() {
            Ok([]) => return Cell::Null,
            Ok([value]) => match cell_of_json(scalar, value, &mut self.resource.scratch) {
                Ok(cell) => return cell,
                Err(kind) => Mismatch::new(kind, scalar.to_string(), json_type(value)),
            },
            Ok(several) => Mismatch::several(several.len()),
            Err(mismatch) => mismatch.clone(),
        };
        problems.push(CellProblem {
            column: 0,
            path: path.to_owned(),
            mismatch,
        });
        Cell::Null
    }

    /// The day or the year of a cell's text, if the column is defined so.
    ///
    /// `date_of` takes the first ten characters of a date or dateTime, `year_of` the first four;
    /// time zones are never converted. A text that is not a date becomes null and a problem
    /// (`bad_date`).
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
                    mismatch: Mismatch::new(ProblemKind::BadDate, expected, "string"),
                });
                Cell::Null
            }
        }
    }
}
