//! One chunk of lines to the rows of all tables.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use claimlake_contract::{
    ApiVersion, PatientId, ReferenceRecord, Reject, key_columns, landing_order,
};
use claimlake_fhir::{content_hash, has_patient, landed_not_r4, patients_named};
use claimlake_landing::{ChunkRef, json, read_chunk_into};
use claimlake_viewdef::column::instant_micros;
use claimlake_viewdef::engine::{Line, LineRefusal, ResourceRead, ResourceWorker};
use claimlake_viewdef::json::PADDING;
use claimlake_viewdef::resolved_reference::ResolvedReference;

use crate::counts::Counts;
use crate::keys::{Key, KeyBuilder};
use crate::partition::with_fit_partitions;
use crate::periods::{KeptTables, PeriodKeys};
use crate::plan::{PATIENT_COLUMN, PlannedResource};
use crate::reject::{LinePlace, damaged};
use crate::{TransformError, outcome::UnreadPath};

/// Builders are emptied beyond this size, whatever a chunk is: no offset of Arrow's overflows.
const FULL: usize = 64 << 20;
/// Lines are read in groups of at most so many, and of at most about so many bytes.
const GROUP_LINES: usize = 64;
const GROUP_BYTES: usize = 1 << 20;

/// A line that waits for its group.
#[derive(Debug, Clone, Copy)]
struct WaitingLine<'c> {
    /// Where it begins in the buffer, and where its newline is.
    place: (usize, usize),
    /// Its number in the part.
    number: u64,
    /// Its landing order.
    order: u64,
    /// What its references were resolved to.
    references: &'c [ReferenceRecord],
}

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

/// The lines of a chunk while they are read.
#[derive(Debug)]
struct Lines<'c> {
    /// The file that rejects name.
    file: &'c str,
    buffer: &'c [u8],
    /// Whether all of the buffer is UTF-8.
    is_utf8: bool,
    waiting: Vec<WaitingLine<'c>>,
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
        let file = job.chunk.part.relative.as_str();
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
            let mut lines = Lines {
                file,
                buffer: &buffer,
                is_utf8: std::str::from_utf8(&buffer).is_ok(),
                waiting: Vec::new(),
            };
            let mut start = 0;
            let mut number = chunk.first_line;
            while start < length {
                let rest = buffer.get(start..length).unwrap_or_default();
                let end = memchr::memchr(b'\n', rest).map_or(length, |at| start + at);
                let references = chunk.references.of_line(number);
                let in_part = u32::try_from(number).map_err(|_| TransformError::TooMany {
                    what: "the lines of a part",
                })?;
                let order = landing_order(job.part, in_part);
                let line = WaitingLine {
                    place: (start, end),
                    number,
                    order,
                    references,
                };
                self.line(&mut lines, line, &mut rows)?;
                start = end + 1;
                number += 1;
            }
            self.group(&mut lines, &mut rows)?;
            // Builders have copied the text they need.
            self.spare = buffer;
        }
        self.empty(file, &mut rows)?;
        Ok(rows)
    }

    /// Transforms lines that are in memory; each is a resource and a newline. `file` says where they
    /// come from, `numbers` the line and the order of each.
    pub(crate) fn run_lines(
        &mut self,
        file: &str,
        mut buffer: Vec<u8>,
        numbers: &[(u64, u64)],
    ) -> Result<Rows, TransformError> {
        let mut rows = Rows::default();
        let length = buffer.len();
        buffer.resize(length + PADDING, b'\n');
        let mut lines = Lines {
            file,
            buffer: &buffer,
            is_utf8: std::str::from_utf8(&buffer).is_ok(),
            waiting: Vec::new(),
        };
        let mut start = 0;
        for (number, order) in numbers {
            let rest = buffer.get(start..length).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).map_or(length, |at| start + at);
            let line = WaitingLine {
                place: (start, end),
                number: *number,
                order: *order,
                references: &[],
            };
            self.line(&mut lines, line, &mut rows)?;
            start = end + 1;
        }
        self.group(&mut lines, &mut rows)?;
        self.spare = Vec::new();
        self.empty(file, &mut rows)?;
        Ok(rows)
    }

    /// Reads a line together with those that wait, or lets it wait.
    fn line<'c>(
        &mut self,
        lines: &mut Lines<'c>,
        line: WaitingLine<'c>,
        rows: &mut Rows,
    ) -> Result<(), TransformError> {
        let (start, end) = line.place;
        rows.counts.resources += 1;
        let text = lines.buffer.get(start..end).unwrap_or_default();
        let place = place_of(lines.file, self.api, &self.planned, line.number);
        if !lines.is_utf8 && std::str::from_utf8(text).is_err() {
            let reject = place.not_utf8();
            self.group(lines, rows)?;
            rows.counts.rejected_resources += 1;
            rows.rejects.push(reject);
            return Ok(());
        }
        if let Some(other) = landed_not_r4(&self.planned.resource, text) {
            let reject = place.not_r4(&other);
            self.group(lines, rows)?;
            rows.counts.rejected_resources += 1;
            rows.rejects.push(reject);
            return self.withdraw(text, line.order);
        }
        lines.waiting.push(line);
        let first = lines.waiting.first().map_or(start, |line| line.place.0);
        match lines.waiting.len() >= GROUP_LINES || end - first >= GROUP_BYTES {
            true => self.group(lines, rows),
            false => Ok(()),
        }
    }

    /// Reads the lines that wait.
    fn group(&mut self, lines: &mut Lines<'_>, rows: &mut Rows) -> Result<(), TransformError> {
        let waiting = std::mem::take(&mut lines.waiting);
        let resolved: Vec<Vec<_>> = waiting
            .iter()
            .map(|line| resolved(line.references))
            .collect();
        let group: Vec<Line<'_>> = waiting
            .iter()
            .zip(&resolved)
            .map(|(line, resolved)| Line {
                start: line.place.0,
                end: line.place.1,
                order: line.order,
                resolved,
            })
            .collect();
        let outcomes = self.worker.read_lines(lines.buffer, &group);
        for (line, outcome) in waiting.iter().zip(outcomes) {
            self.outcome(lines, line, outcome, rows)?;
        }
        lines.waiting = waiting;
        lines.waiting.clear();
        match self.worker.size() > FULL {
            true => self.empty(lines.file, rows),
            false => Ok(()),
        }
    }

    /// The key, the counts and the rejects of a line that was read.
    fn outcome(
        &mut self,
        lines: &Lines<'_>,
        line: &WaitingLine<'_>,
        outcome: Result<ResourceRead, LineRefusal>,
        rows: &mut Rows,
    ) -> Result<(), TransformError> {
        let (start, end) = line.place;
        let text = lines.buffer.get(start..end).unwrap_or_default();
        let place = place_of(lines.file, self.api, &self.planned, line.number);
        let read = match outcome {
            Ok(read) => read,
            Err(refusal) => {
                rows.counts.rejected_resources += 1;
                rows.rejects.push(place.refused(refusal));
                return Ok(());
            }
        };
        rows.counts.dropped += u64::from(read.dropped);
        let key = Key {
            order: line.order,
            api: self.api,
            resource: self.planned.resource.as_str(),
            id: &read.id,
            last_updated: read.last_updated,
            content: match read.dropped {
                true => key_columns::WITHDRAWN,
                false => content_hash(self.api, text, line.references),
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
            rows.rejects.push(place.without_patient(line.references));
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

    fn empty(&mut self, file: &str, rows: &mut Rows) -> Result<(), TransformError> {
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
                    let number = replaced.order & u64::from(u32::MAX);
                    let place = place_of(file, self.api, &self.planned, number);
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

/// Where a line is, for what is said about it.
fn place_of<'p>(
    file: &'p str,
    api: ApiVersion,
    planned: &'p PlannedResource,
    line: u64,
) -> LinePlace<'p> {
    LinePlace {
        file,
        line,
        api,
        resource: &planned.resource,
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
