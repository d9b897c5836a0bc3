//! One chunk of lines to the rows of all tables.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::{RecordBatch, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use claimlake_contract::{
    ApiVersion, PatientId, ReferenceRecord, Reject, key_columns, landing_order,
};
use claimlake_fhir::{content_hash, has_patient, landed_not_r4, patients_named};
use claimlake_landing::{ChunkRef, json, read_chunk_into};
use claimlake_viewdef::column::instant_micros;
use claimlake_viewdef::engine::ResourceWorker;
use claimlake_viewdef::json::PADDING;
use claimlake_viewdef::resolved_reference::ResolvedReference;

use crate::counts::Counts;
use crate::partition::with_fit_partitions;
use crate::periods::{KeptTables, PeriodKeys};
use crate::plan::{PATIENT_COLUMN, PlannedResource};
use crate::reject::{LinePlace, damaged};
use crate::{TransformError, outcome::UnreadPath};

/// Builders are emptied beyond this size, whatever a chunk is: no offset of Arrow's overflows.
const FULL: usize = 64 << 20;

/// A chunk to be transformed.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) chunk: ChunkRef,
    /// The position of its part in the staged run.
    pub(crate) part: u32,
    /// The position of its resource type in the plan.
    pub(crate) resource: usize,
}

/// The rows of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Tables by their position in the resource's plan, with rows in landing order.
    pub(crate) tables: Vec<(usize, RecordBatch)>,
    pub(crate) keys: Vec<RecordBatch>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) counts: Counts,
}

/// What references of a line were resolved to, as the views take it.
fn resolved(references: &[ReferenceRecord]) -> Vec<ResolvedReference<'_>> {
    let resolved = references.iter().filter_map(ReferenceRecord::resolved);
    resolved
        .map(|(reference, resource, id)| ResolvedReference {
            reference,
            resource,
            id,
        })
        .collect()
}

/// Transforms the chunks of one resource type and one API.
#[derive(Debug)]
pub(crate) struct ChunkWorker {
    api: ApiVersion,
    planned: PlannedResource,
    worker: ResourceWorker,
    /// Whether its resources are a patient's.
    has_owner: bool,
    keys: KeyBuilder,
    periods: PeriodKeys,
    /// Memory for the lines of the next chunk.
    spare: Vec<u8>,
}

impl ChunkWorker {
    pub(crate) fn new(planned: &PlannedResource, api: ApiVersion) -> Self {
        Self {
            api,
            worker: ResourceWorker::new(
                Arc::clone(&planned.plan),
                vec![api.as_str().to_owned()],
                Some(PATIENT_COLUMN),
            ),
            has_owner: has_patient(&planned.resource) && planned.plan.has_context(PATIENT_COLUMN),
            keys: KeyBuilder::new(),
            periods: PeriodKeys::new(KeptTables::of(planned, api)),
            spare: Vec::new(),
            planned: planned.clone(),
        }
    }

    /// Reads and transforms a chunk.
    pub(crate) fn run(&mut self, job: &Job) -> Result<Rows, TransformError> {
        let mut rows = Rows::default();
        let read = read_chunk_into(&job.chunk, std::mem::take(&mut self.spare));
        for frame in &read.damaged {
            rows.counts.resources += frame.lines;
            rows.counts.rejected_resources += frame.lines;
            rows.counts.damaged_frames += 1;
            rows.rejects
                .push(damaged(frame, self.api, &self.planned.resource));
        }
        for chunk in read.chunks {
            let mut buffer = chunk.bytes;
            let length = buffer.len();
            buffer.resize(length + PADDING, b'\n');
            let is_utf8 = std::str::from_utf8(&buffer).is_ok();
            let mut start = 0;
            let mut line = chunk.first_line;
            while start < length {
                let rest = buffer.get(start..length).unwrap_or_default();
                let end = memchr::memchr(b'\n', rest).map_or(length, |at| start + at);
                let references = chunk.references.of_line(line);
                let place = (start, end);
                let line_of = (line, references);
                self.line(job, &buffer, place, line_of, is_utf8, &mut rows)?;
                start = end + 1;
                line += 1;
                if self.worker.size() > FULL {
                    self.empty(job, &mut rows)?;
                }
            }
            // Builders have copied the text they need.
            self.spare = buffer;
        }
        self.empty(job, &mut rows)?;
        Ok(rows)
    }

    fn line(
        &mut self,
        job: &Job,
        buffer: &[u8],
        (start, end): (usize, usize),
        (line, references): (u64, &[ReferenceRecord]),
        is_utf8: bool,
        rows: &mut Rows,
    ) -> Result<(), TransformError> {
        let place = LinePlace {
            file: &job.chunk.part.relative,
            line,
            api: self.api,
            resource: &self.planned.resource,
        };
        rows.counts.resources += 1;
        let text = buffer.get(start..end).unwrap_or_default();
        if !is_utf8 && std::str::from_utf8(text).is_err() {
            rows.counts.rejected_resources += 1;
            rows.rejects.push(place.not_utf8());
            return Ok(());
        }
        let number = u32::try_from(line).map_err(|_| TransformError::TooMany {
            what: "the lines of a part",
        })?;
        let order = landing_order(job.part, number);
        if let Some(other) = landed_not_r4(&self.planned.resource, text) {
            rows.counts.rejected_resources += 1;
            rows.rejects.push(place.not_r4(&other));
            return self.withdraw(text, order);
        }
        let resolved = resolved(references);
        let read = self
            .worker
            .read_resolved(buffer, (start, end), order, &resolved);
        match read {
            Ok(read) => {
                rows.counts.dropped += u64::from(read.dropped);
                let key = Key {
                    order,
                    api: self.api,
                    resource: self.planned.resource.as_str(),
                    id: &read.id,
                    last_updated: read.last_updated,
                    content: match read.dropped {
                        true => key_columns::WITHDRAWN,
                        false => content_hash(self.api, text, references),
                    },
                    patient: read.returned_value.as_deref(),
                };
                self.keys.push(key);
                match read.dropped {
                    true => self.periods.tables.end_periods(&mut self.keys, &key)?,
                    false => self.periods.note(&key),
                }
                if read.returned_value.is_none() && self.has_owner {
                    rows.counts.without_patient += 1;
                    rows.rejects.push(place.without_patient(references));
                }
                for problem in read.problems {
                    match place.problem(problem) {
                        Some(reject) => {
                            rows.counts.rejected_cells += 1;
                            rows.rejects.push(reject);
                        }
                        None => rows.counts.rounded_cells += 1,
                    }
                }
            }
            Err(refusal) => {
                rows.counts.rejected_resources += 1;
                rows.rejects.push(place.refused(refusal));
            }
        }
        Ok(())
    }

    /// Withdraws the rows of a resource that earlier versions made rows of and this one refuses.
    fn withdraw(&mut self, text: &[u8], order: u64) -> Result<(), TransformError> {
        let Some((id, last_updated)) = identity(text) else {
            return Ok(());
        };
        let people = patients_named(&self.planned.resource, text);
        let key = Key {
            order,
            api: self.api,
            resource: self.planned.resource.as_str(),
            id: &id,
            last_updated,
            content: key_columns::WITHDRAWN,
            patient: people.first().map(PatientId::expose),
        };
        self.keys.push(key);
        self.periods.tables.end_periods(&mut self.keys, &key)
    }

    fn empty(&mut self, job: &Job, rows: &mut Rows) -> Result<(), TransformError> {
        let batches = self.worker.finish().map_err(TransformError::arrow("all"))?;
        // A context column is in every table and is reported once.
        let mut reported = HashSet::new();
        for (table, batch) in batches.into_iter().enumerate() {
            let (Some(batch), Some(planned)) = (batch, self.planned.tables.get(table)) else {
                continue;
            };
            let mut with_orders = |batch| self.periods.with_orders(table, batch, &mut self.keys);
            let layout = &planned.layout;
            let fit = with_fit_partitions(&batch, &layout.partition_by)
                .map_err(TransformError::arrow(&layout.name))?;
            let Some((batch, replaced)) = fit else {
                rows.tables.push((table, with_orders(batch)?));
                continue;
            };
            rows.tables.push((table, with_orders(batch)?));
            for replaced in replaced {
                let position = self.planned.plan.context_position(&replaced.column);
                let table = position.is_none().then_some(layout.name.as_str());
                if reported.insert((
                    replaced.order,
                    replaced.column.clone(),
                    table.map(str::to_owned),
                )) {
                    let place = LinePlace {
                        file: &job.chunk.part.relative,
                        line: replaced.order & u64::from(u32::MAX),
                        api: self.api,
                        resource: &self.planned.resource,
                    };
                    rows.counts.rejected_cells += 1;
                    rows.rejects.push(place.no_partition(replaced, table));
                }
            }
        }
        self.periods.clear();
        let keys = self.keys.finish();
        let keys = keys.map_err(TransformError::arrow(claimlake_contract::KEYS_TABLE))?;
        rows.keys.extend(keys);
        Ok(())
    }

    /// What no view read since the worker was made.
    pub(crate) fn unread(&mut self) -> Vec<UnreadPath> {
        let paths = self.worker.take_unread().into_iter();
        paths
            .map(|(path, count)| UnreadPath {
                api: self.api,
                resource: self.planned.resource.clone(),
                path,
                count,
            })
            .collect()
    }
}

/// The id of a resource and its `meta.lastUpdated`, without a view.
pub(crate) fn identity(text: &[u8]) -> Option<(String, Option<i64>)> {
    let (mut id, mut last_updated) = (None, None);
    json::walk_object(text, json::skip_space(text, 0), |key, value| {
        let end = json::value_end(text, value)?;
        match key {
            b"id" => id = json::plain_string(text, &(value..end)).map(str::to_owned),
            b"meta" => {
                json::walk_object(text, value, |key, value| {
                    let end = json::value_end(text, value)?;
                    if key == b"lastUpdated" {
                        let text = json::plain_string(text, &(value..end));
                        last_updated = text.and_then(instant_micros);
                    }
                    Some(end)
                });
            }
            _ => {}
        }
        Some(end)
    });
    Some((id.filter(|id| !id.is_empty())?, last_updated))
}

/// One row of the table of keys.
#[derive(Clone, Copy)]
pub(crate) struct Key<'k> {
    pub(crate) order: u64,
    pub(crate) api: ApiVersion,
    pub(crate) resource: &'k str,
    pub(crate) id: &'k str,
    pub(crate) last_updated: Option<i64>,
    pub(crate) content: [u8; 16],
    pub(crate) patient: Option<&'k str>,
}

/// The schema of the table of keys.
pub(crate) fn keys_schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new(key_columns::LANDING_ORDER, DataType::UInt64, false),
        Field::new(key_columns::API, DataType::Utf8, false),
        Field::new(key_columns::RESOURCE_TYPE, DataType::Utf8, false),
        Field::new(key_columns::ID, DataType::Utf8, false),
        Field::new(key_columns::LAST_UPDATED, instant, true),
        Field::new(
            key_columns::CONTENT_HASH,
            DataType::FixedSizeBinary(16),
            false,
        ),
        Field::new(key_columns::PATIENT, DataType::Utf8, true),
    ]))
}

#[derive(Debug)]
pub(crate) struct KeyBuilder {
    order: Vec<u64>,
    api: StringBuilder,
    resource: StringBuilder,
    id: StringBuilder,
    last_updated: Vec<Option<i64>>,
    content: FixedSizeBinaryBuilder,
    patient: StringBuilder,
}

impl KeyBuilder {
    pub(crate) fn new() -> Self {
        Self {
            order: Vec::new(),
            api: StringBuilder::new(),
            resource: StringBuilder::new(),
            id: StringBuilder::new(),
            last_updated: Vec::new(),
            content: FixedSizeBinaryBuilder::new(16),
            patient: StringBuilder::new(),
        }
    }

    pub(crate) fn push(&mut self, key: Key<'_>) {
        self.order.push(key.order);
        self.api.append_value(key.api.as_str());
        self.resource.append_value(key.resource);
        self.id.append_value(key.id);
        self.last_updated.push(key.last_updated);
        // The length is the builder's own, so this cannot fail.
        let _ = self.content.append_value(key.content);
        self.patient.append_option(key.patient);
    }

    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.order.is_empty() {
            return Ok(None);
        }
        let last_updated = std::mem::take(&mut self.last_updated);
        RecordBatch::try_new(
            keys_schema(),
            vec![
                Arc::new(UInt64Array::from(std::mem::take(&mut self.order))),
                Arc::new(self.api.finish()),
                Arc::new(self.resource.finish()),
                Arc::new(self.id.finish()),
                Arc::new(TimestampMicrosecondArray::from(last_updated).with_timezone("UTC")),
                Arc::new(self.content.finish()),
                Arc::new(self.patient.finish()),
            ],
        )
        .map(Some)
    }
}
