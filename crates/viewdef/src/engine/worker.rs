//! Lines to columns, one line after the other.
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
use super::resource_cache::ResourceCache;
use super::shape::Shape;
use super::table_builder::TableBuilder;
use super::table_rows::TextLimits;
use super::tape::{Kind, Tape};
use super::tape_reader::TapeReader;
use super::walk::Walk;
use crate::column::{Cell, Scratch, instant_micros};
use crate::resolved_reference::ResolvedReference;

/// Walks lines and builds the columns of all tables of a plan.
///
/// The order of calls: [`read`](Self::read) for each line, [`finish`](Self::finish) whenever
/// [`size`](Self::size) is large enough for a batch, [`take_unread`](Self::take_unread) at the end. A
/// batch has the rows of whole resources only.
#[derive(Debug)]
pub struct ResourceWorker {
    pub(super) plan: Arc<ResourcePlan>,
    /// This worker's copy, which grows and counts.
    shape: Shape,
    /// The resource that was walked last.
    pub(super) tape: Tape,
    /// Results that several programs need.
    pub(super) cache: ResourceCache,
    /// Objects so far: each has a number, by which a key that comes twice is noticed.
    objects: u64,
    /// The values of the constant columns.
    pub(super) constants: Vec<String>,
    /// The context column whose value each read returns.
    pub(super) returned_column: Option<usize>,
    /// The builders, in the order of the plan's tables.
    pub(super) tables: Vec<TableBuilder>,
    /// Texts and lists of the resource that are not in the line.
    pub(super) scratch: Scratch,
    /// The rows of one table, one after the other.
    pub(super) rows: Vec<Cell>,
    /// The row that is being filled.
    pub(super) row: Vec<Cell>,
    /// The elements of the selects that are under way.
    pub(super) elements: Vec<u32>,
    /// The cells that all rows of the resource begin with.
    pub(super) context_cells: Vec<Cell>,
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
            tape: Tape::default(),
            cache: ResourceCache::new(&plan.shared, plan.shape.elements),
            objects: 0,
            returned_column: returned_column.and_then(|name| plan.context_position(name)),
            constants,
            tables,
            scratch: Scratch::default(),
            rows: Vec::new(),
            row: Vec::new(),
            elements: Vec::new(),
            context_cells: Vec::new(),
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
        Walk {
            buffer,
            shape: &mut self.shape,
            tape: &mut self.tape,
            objects: &mut self.objects,
            at: start,
        }
        .line()
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
