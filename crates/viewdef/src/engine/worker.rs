//! Lines to columns, a group of lines after the other.
//!
//! The rows of one table are made for all lines of a group, then those of the next table: the programs
//! and the column builders of all tables together are larger than a processor's cache, those of one
//! table are not.
//!
//! A worker belongs to one thread and keeps its buffers from line to line. It never fails because of a
//! resource: a line is refused with a reason, a table or a cell has a problem, and the next line is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use super::derived_cells::Memory;
use super::lazy_json::LazyJson;
use super::outcome::{LineRefusal, ResourceRead};
use super::plan::ResourcePlan;
use super::resource::Resource;
use super::shape::Shape;
use super::table_builder::TableBuilder;
use super::table_rows::TextLimits;
use super::tape::Kind;
use super::tape_reader::TapeReader;
use super::walk::Walk;
use crate::column::{Cell, instant_micros};
use crate::resolved_reference::ResolvedReference;

/// At most so many lines are read together, and of at most so many bytes where they are several. With
/// more of them their tapes no longer fit in the cache.
const GROUP_LINES: usize = 8;
const GROUP_BYTES: usize = 256 << 10;

/// A line of a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Line<'b> {
    /// Where it begins.
    pub start: usize,
    /// Where its newline is.
    pub end: usize,
    /// The caller's number of the resource, for the plan's order column.
    pub order: u64,
    /// The targets to which references of the resource were resolved.
    pub resolved: &'b [ResolvedReference<'b>],
}

/// Walks lines and builds the columns of all tables of a plan.
///
/// The order of calls: [`read`](Self::read) or [`read_lines`](Self::read_lines) for the lines, [`finish`](Self::finish) whenever
/// [`size`](Self::size) is large enough for a batch, [`take_unread`](Self::take_unread) at the end. A
/// batch has the rows of whole resources only.
#[derive(Debug)]
pub struct ResourceWorker {
    pub(super) plan: Arc<ResourcePlan>,
    /// This worker's copy, which grows and counts.
    shape: Shape,
    /// The resource that is read.
    pub(super) resource: Box<Resource>,
    /// The other resources of the group; each waits in the place of its line.
    #[expect(clippy::vec_box, reason = "resources are exchanged by their pointers")]
    others: Vec<Box<Resource>>,
    /// Objects so far: each has a number, by which a key that comes twice is noticed.
    objects: u64,
    /// The values of the constant columns.
    pub(super) constants: Vec<String>,
    /// The context column whose value each read returns.
    pub(super) returned_column: Option<usize>,
    /// The builders, in the order of the plan's tables.
    pub(super) tables: Vec<TableBuilder>,
    /// The rows of one table, one after the other.
    pub(super) rows: Vec<Cell>,
    /// The row that is being filled.
    pub(super) row: Vec<Cell>,
    /// The elements of the selects that are under way.
    pub(super) elements: Vec<u32>,
    /// The answers of derived expressions.
    pub(super) memory: Memory,
    /// How much text of one resource it takes.
    pub(super) limits: TextLimits,
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
            resource: Box::new(Resource::new(&plan.shared, plan.shape.elements)),
            others: Vec::new(),
            objects: 0,
            returned_column: returned_column.and_then(|name| plan.context_position(name)),
            constants,
            tables,
            rows: Vec::new(),
            row: Vec::new(),
            elements: Vec::new(),
            memory: Memory::default(),
            limits: TextLimits::default(),
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
        let line = Line {
            start,
            end,
            order,
            resolved,
        };
        let mut read = self.read_lines(buffer, &[line]);
        read.pop().unwrap_or(Err(LineRefusal::NotJson))
    }

    /// Reads several lines of a buffer, as [`ResourceWorker::read`] reads one, and returns what each of
    /// them gave, in their order. The rows of a table are in the order of the lines. Several lines
    /// at once take less time than one by one.
    pub fn read_lines(
        &mut self,
        buffer: &[u8],
        lines: &[Line<'_>],
    ) -> Vec<Result<ResourceRead, LineRefusal>> {
        let plan = Arc::clone(&self.plan);
        let mut outcomes = Vec::with_capacity(lines.len());
        let mut rest = lines;
        while !rest.is_empty() {
            let (group, others) = rest.split_at(length_of_group(rest));
            self.read_group(buffer, &plan, group, &mut outcomes);
            rest = others;
        }
        outcomes
    }

    /// Reads lines together: first each of them up to its context cells, then table by table.
    fn read_group(
        &mut self,
        buffer: &[u8],
        plan: &ResourcePlan,
        lines: &[Line<'_>],
        outcomes: &mut Vec<Result<ResourceRead, LineRefusal>>,
    ) {
        let first = outcomes.len();
        let mut trees = Vec::with_capacity(lines.len());
        while self.others.len() < lines.len() {
            let resource = Resource::new(&plan.shared, plan.shape.elements);
            self.others.push(Box::new(resource));
        }
        for (position, line) in lines.iter().enumerate() {
            let text = buffer.get(line.start..line.end).unwrap_or_default();
            let mut json = LazyJson::new(text, line.resolved);
            self.exchange(position);
            outcomes.push(self.begin(buffer, plan, line.start, &mut json));
            self.exchange(position);
            trees.push(json);
        }
        for (position, table) in plan.tables.iter().enumerate() {
            let outcomes = outcomes.iter_mut().skip(first);
            let of_lines = lines.iter().zip(&mut trees).zip(outcomes);
            for (at, ((line, json), outcome)) in of_lines.enumerate() {
                let Ok(read) = outcome else { continue };
                if read.dropped {
                    continue;
                }
                self.exchange(at);
                let made = self.table(buffer, table, position, line.order, json, read);
                self.exchange(at);
                if let Err(refusal) = made {
                    *outcome = Err(refusal);
                }
            }
        }
    }

    /// Makes a resource of the group the one that is read, or puts it back.
    fn exchange(&mut self, position: usize) {
        if let Some(other) = self.others.get_mut(position) {
            std::mem::swap(&mut self.resource, other);
        }
    }

    /// Walks a line; then its identity and, unless the plan drops it, its context cells.
    fn begin(
        &mut self,
        buffer: &[u8],
        plan: &ResourcePlan,
        start: usize,
        json: &mut LazyJson<'_>,
    ) -> Result<ResourceRead, LineRefusal> {
        self.walk(buffer, start)?;
        let mut read = self.identity(buffer, plan)?;
        self.resource.scratch.clear();
        if self.is_dropped(buffer, plan)? {
            read.dropped = true;
            read.returned_value = self.returned_value_alone(buffer, plan, json);
            return Ok(read);
        }
        self.context_cells(buffer, plan, json, &mut read)?;
        Ok(read)
    }

    /// Walks a line without making rows of it: what parsing alone costs.
    ///
    /// # Errors
    /// Why the line is refused as a whole.
    pub fn walk(&mut self, buffer: &[u8], start: usize) -> Result<(), LineRefusal> {
        self.resource.cache.clear();
        Walk {
            buffer,
            shape: &mut self.shape,
            tape: &mut self.resource.tape,
            objects: &mut self.objects,
            at: start,
        }
        .line()
    }

    /// Reads the resource on the tape, with the resource as `%context`.
    pub(super) fn tape_reader<'t>(&'t self, buffer: &'t [u8]) -> TapeReader<'t> {
        TapeReader {
            tape: &self.resource.tape,
            buffer,
            shared: &self.plan.shared,
            cache: &self.resource.cache,
            context: 0,
        }
    }

    /// What every resource must have: its type and its id.
    fn identity(&self, buffer: &[u8], plan: &ResourcePlan) -> Result<ResourceRead, LineRefusal> {
        let reader = self.tape_reader(buffer);
        let text = |path| match reader.one(path, 0) {
            Ok(Ok(Some(item))) => match self.resource.tape.entry(item).kind {
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

    /// The topmost paths that came since the last call and that no column reads, with how often they came:
    /// what the tables of this plan do not have.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use claimlake_viewdef::definition::ViewDefinition;
    /// use claimlake_viewdef::engine::{PlanInput, ResourcePlan, ResourceWorker};
    /// use claimlake_viewdef::json::PADDING;
    ///
    /// let view = ViewDefinition::from_text(
    ///     r#"{"resource": "Patient", "select": [{"column": [
    ///         {"name": "type", "path": "resourceType"}, {"name": "id", "path": "id"}]}]}"#,
    /// )?;
    /// let plan = ResourcePlan::compile(&PlanInput {
    ///     resource: "Patient",
    ///     constants: &[],
    ///     context: &[],
    ///     views: vec![("patient".to_owned(), view)],
    ///     order: None,
    ///     drop_where: None,
    /// })?;
    /// let mut worker = ResourceWorker::new(Arc::new(plan), Vec::new(), None);
    /// let line = r#"{"resourceType":"Patient","id":"p","name":[{"family":"A"},{"family":"B"}]}"#;
    /// let mut buffer = line.as_bytes().to_vec();
    /// buffer.resize(line.len() + PADDING, b'\n');
    /// assert!(worker.read(&buffer, 0, line.len(), 0).is_ok());
    /// assert_eq!(worker.take_unread().into_iter().collect::<Vec<_>>(), [("name".to_owned(), 1)]);
    /// # Ok::<(), claimlake_viewdef::Error>(())
    /// ```
    pub fn take_unread(&mut self) -> BTreeMap<String, u64> {
        let unread = self.shape.unread();
        self.shape.forget_counts();
        unread
    }
}

/// How many of the lines are read together; at least one.
fn length_of_group(lines: &[Line<'_>]) -> usize {
    let mut bytes = 0;
    let fits = |line: &&Line<'_>| {
        bytes += line.end.saturating_sub(line.start);
        bytes <= GROUP_BYTES
    };
    let fit = lines.iter().take(GROUP_LINES).take_while(fits).count();
    fit.max(1).min(lines.len())
}
