//! Views over resources that are in memory, without a landing zone: what other programs flatten by
//! themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use claimlake_contract::{ApiVersion, Reject, RejectReason, landing_order};
use claimlake_landing::{json, push_line};

use crate::chunk::{ChunkWorker, Rows};
use crate::plain_text::{MOST_TEXT, pieces, plain_batch, with_plain_text};
use crate::task::TaskCounts;
use crate::{Plan, TransformError};

/// Bytes of lines that wait before rows are made of them.
const FULL: usize = 4 << 20;

/// What is made of resources, in the order in which it is made.
#[derive(Debug)]
pub enum Output<'o> {
    /// Rows of a table, text as text.
    Rows(&'o str, &'o RecordBatch),
    /// A resource or a cell that could not be used.
    Reject(&'o Reject),
}

/// Makes rows of resources that are given one by one.
///
/// The tables have the columns of staged tables without the last one, the landing order. References
/// are taken as they are: those within a Bundle (`urn:uuid:…`) are resolved by `import` only.
#[derive(Debug)]
pub struct Flattener {
    plan: Plan,
    api: ApiVersion,
    workers: BTreeMap<usize, ChunkWorker>,
    /// The columns of each table, by resource type and table.
    schemas: Vec<Vec<SchemaRef>>,
    waiting: Waiting,
    /// Resources so far: the order of the next one.
    resources: u64,
    counts: TaskCounts,
}

/// Resources of one type and one input.
#[derive(Debug, Default)]
struct Waiting {
    place: String,
    resource: usize,
    lines: Vec<u8>,
    numbers: Vec<(u64, u64)>,
}

impl Flattener {
    /// Of resources that come from this version of the API.
    #[must_use]
    pub fn new(plan: Plan, api: ApiVersion) -> Self {
        let schemas = plan.resources.iter().map(|planned| {
            let tables = planned.plan.tables().iter();
            tables
                .map(|table| without_order(&with_plain_text(table.schema())))
                .collect()
        });
        Self {
            schemas: schemas.collect(),
            api,
            workers: BTreeMap::new(),
            waiting: Waiting::default(),
            resources: 0,
            counts: TaskCounts::default(),
            plan,
        }
    }

    /// The tables and their columns.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &SchemaRef)> {
        let resources = self.plan.resources.iter().zip(&self.schemas);
        resources.flat_map(|(planned, schemas)| {
            let names = planned
                .tables
                .iter()
                .map(|table| table.layout.name.as_str());
            names.zip(schemas)
        })
    }

    /// What was read so far.
    #[must_use]
    pub fn counts(&self) -> TaskCounts {
        self.counts
    }

    /// Reads a resource: its text, and the input and the line of it that rejects name.
    ///
    /// # Errors
    /// When rows cannot be made; or what `take` returns.
    pub fn push<E: From<TransformError>>(
        &mut self,
        place: &str,
        line: u64,
        text: &[u8],
        take: &mut impl FnMut(Output<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(resource_type) = resource_type(text) else {
            let what = match json::value(text) {
                Ok(_) => (RejectReason::NotFhir, "no object with a resourceType"),
                Err(_) => (RejectReason::NotJson, "the line is not JSON"),
            };
            return self.refuse(Reject::new(place, line, what.0, what.1.into()), take);
        };
        let planned = self.plan.resources.iter();
        let mut types = planned.map(|planned| planned.resource.as_str());
        let Some(resource) = types.position(|known| known == resource_type) else {
            self.counts.resources += 1;
            self.counts.without_view += 1;
            return Ok(());
        };
        let waiting = &self.waiting;
        let is_other = waiting.resource != resource || waiting.place != place;
        if !waiting.lines.is_empty() && (is_other || waiting.lines.len() > FULL) {
            self.flush(take)?;
        }
        if is_other {
            self.waiting.resource = resource;
            place.clone_into(&mut self.waiting.place);
        }
        self.resources += 1;
        let (high, low) = (self.resources >> 32, self.resources & u64::from(u32::MAX));
        let halves = u32::try_from(high).ok().zip(u32::try_from(low).ok());
        let (high, low) = halves.ok_or(TransformError::TooMany {
            what: "the number of resources",
        })?;
        self.waiting.numbers.push((line, landing_order(high, low)));
        push_line(&mut self.waiting.lines, text);
        Ok(())
    }

    /// Notes what of an input is no resource.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn refuse<E>(
        &mut self,
        mut reject: Reject,
        take: &mut impl FnMut(Output<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        reject.api = Some(self.api);
        self.counts.resources += 1;
        self.counts.rejected_resources += 1;
        take(Output::Reject(&reject))
    }

    /// Makes the rows of what waits: to be called at the end, and whenever rows are wanted.
    ///
    /// # Errors
    /// When rows cannot be made; or what `take` returns.
    pub fn flush<E: From<TransformError>>(
        &mut self,
        take: &mut impl FnMut(Output<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(planned) = self.plan.resources.get(waiting.resource) else {
            return Ok(());
        };
        if waiting.numbers.is_empty() {
            return Ok(());
        }
        let worker = self.workers.entry(waiting.resource);
        let worker = worker.or_insert_with(|| ChunkWorker::new(planned, self.api));
        let rows = worker.run_lines(&waiting.place, waiting.lines, &waiting.numbers)?;
        self.counts.add(&rows.counts);
        let Some(schemas) = self.schemas.get(waiting.resource) else {
            return Ok(());
        };
        let Rows {
            tables, rejects, ..
        } = rows;
        for (table, batch) in tables {
            let named = planned.tables.get(table).zip(schemas.get(table));
            let Some((planned, schema)) = named else {
                continue;
            };
            let name = &planned.layout.name;
            let columns: Vec<usize> = (0..schema.fields().len()).collect();
            let of_table = TransformError::arrow(name);
            let batch = batch.project(&columns).map_err(of_table)?;
            for piece in pieces(&batch, MOST_TEXT) {
                let of_table = TransformError::arrow(name);
                let plain = plain_batch(&piece, schema).map_err(of_table)?;
                take(Output::Rows(name, &plain))?;
            }
        }
        rejects
            .iter()
            .try_for_each(|reject| take(Output::Reject(reject)))
    }
}

/// The columns without the last one.
fn without_order(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields();
    let own = fields.len().saturating_sub(1);
    let fields: Vec<_> = fields.iter().take(own).cloned().collect();
    Arc::new(arrow_schema::Schema::new(fields))
}

/// The type that an object says it is of.
fn resource_type(text: &[u8]) -> Option<&str> {
    let mut found = None;
    json::walk_object(text, json::skip_space(text, 0), |key, value| {
        let end = json::value_end(text, value)?;
        if key == b"resourceType" {
            found = json::plain_string(text, &(value..end));
            return None;
        }
        Some(end)
    });
    found
}
