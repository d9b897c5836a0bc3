//! Compares the loader's own file of decisions, on which the next load builds, with the tables.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::{CurrentRule, partition_value};
use rayon::prelude::*;

use crate::buckets::{BUCKETS, Buckets, Reader, Record};
use crate::error::Error;
use crate::findings::Findings;
use crate::key_hash::KeyMap;
use crate::lake::Snapshot;
use crate::parquet_rows::{for_each_batch, text, texts};
use crate::report::Check;

/// The number of a table among those of the rule, of a file among the table's, and of a row.
type Place = (u32, u32, u64);

/// Compares the decisions with the rows of the rule's tables; `key` is the column with the ids of
/// their resources. The second check names tables with files from before the rule named these
/// tables.
pub(super) fn check(
    snapshot: &Snapshot,
    rule: &CurrentRule,
    key: &str,
    [check, older]: [&mut Check; 2],
) -> Result<(), Error> {
    let notes = Buckets::new(&snapshot.scratch);
    let visit = |of: &str, key: [u8; 16], current: Option<bool>| {
        if of == rule.table {
            let key = u128::from_be_bytes(key);
            let record = Record::default().byte(KNOWN).u128(key);
            notes.push(key, &record.byte(decision(current)));
        }
    };
    let read = claimlake_loader::current_resources(&snapshot.folder, &snapshot.manifest, visit);
    if let Err(error) = read {
        check.fail(|| error.to_string());
        return Ok(());
    }
    let tables: Vec<Option<&LakeTable>> = rule.tables().map(|name| snapshot.table(name)).collect();
    for (number, table) in (0..).zip(&tables) {
        let Some(table) = table else { continue };
        let has_column = note_rows((snapshot, rule, key), (number, table), &notes)?;
        older.expect(has_column, || {
            let name = &table.layout.name;
            format!("table '{name}' has files without '{}'", rule.column)
        });
    }
    let path = |(table, file, line): Place| {
        let table = tables.get(table as usize).copied().flatten();
        let file = table.and_then(|table| table.files.get(file as usize));
        format!("{}, row {line}", file.map_or("", |file| &file.path))
    };
    let compared: Result<Vec<_>, Error> = (0..BUCKETS)
        .into_par_iter()
        .map(|number| Ok(in_bucket(&notes.read(number)?, &path)))
        .collect();
    let (mut findings, mut without) = (Findings::default(), 0);
    for (found, without_row) in compared? {
        findings.merge(found);
        without += without_row;
    }
    check.merge(findings.check(check.clone_empty()));
    let is_damaged = |file: &LakeFile| snapshot.damaged.contains(&file.path);
    // A damaged file is reported by its own hash; the decisions in it are unknown.
    if let Some(Some(table)) = tables.first()
        && !table.files.iter().any(is_damaged)
    {
        check.expect(without == 0, || {
            let name = &table.layout.name;
            format!("keys/current.arrow: {without} resources have no row in '{name}'")
        });
    }
    Ok(())
}

/// The first byte of a decision's record.
const KNOWN: u8 = 0;
/// The first byte of the record of rows.
const ROWS: u8 = 1;
/// A decision that a table from before it does not have.
const NO_COLUMN: u8 = 3;

fn decision(current: Option<bool>) -> u8 {
    match current {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    }
}

/// Neighbouring rows of one resource with one decision.
#[derive(Clone, Copy)]
struct Run {
    key: u128,
    decision: u8,
    first: Place,
    rows: u64,
}

impl Run {
    fn record(self) -> Record {
        let (table, file, line) = self.first;
        let record = Record::default().byte(ROWS).u128(self.key);
        let record = record.byte(self.decision).u32(table).u32(file);
        record.u64(line).u64(self.rows)
    }

    /// What is behind the key and the decision in the record.
    fn read(key: u128, decision: u8, reader: &mut Reader<'_>) -> Option<Self> {
        let first = (reader.u32()?, reader.u32()?, reader.u64()?);
        let rows = reader.u64()?;
        Some(Self {
            key,
            decision,
            first,
            rows,
        })
    }
}

/// Notes the decisions in the rows of one table; returns whether all of its files have the column.
fn note_rows(
    (snapshot, rule, key): (&Snapshot, &CurrentRule, &str),
    (number, table): (u32, &LakeTable),
    notes: &Buckets,
) -> Result<bool, Error> {
    let Some(resource) = &table.resource else {
        return Ok(true);
    };
    let files: Vec<(u32, &LakeFile)> = (0..).zip(&table.files).collect();
    let intact = files.into_par_iter();
    let intact = intact.filter(|(_, file)| !snapshot.damaged.contains(&file.path));
    let with_column: Result<Vec<bool>, Error> = intact
        .map(|(position, file)| {
            let mut of_file = OfFile {
                resource: resource.as_str(),
                names: ["source_api", key, &rule.column],
                // A column that the table is partitioned by is in the path only.
                in_path: ["source_api", key].map(|name| partition_value(&file.path, name)),
                before: (number, position, 0),
                key: (String::new(), String::new(), 0),
                run: None,
                has_column: true,
            };
            let names = of_file.names;
            for_each_batch(&snapshot.folder.join(&file.path), names, |batch| {
                of_file.note(batch, notes);
                Ok(())
            })?;
            of_file.end_run(notes);
            Ok(of_file.has_column)
        })
        .collect();
    Ok(with_column?.into_iter().all(|has_column| has_column))
}

/// Goes through the rows of a file.
struct OfFile<'f> {
    resource: &'f str,
    names: [&'f str; 3],
    in_path: [Option<String>; 2],
    /// The last row before the next batch.
    before: Place,
    /// The API and the id of the row before, and its key.
    key: (String, String, u128),
    run: Option<Run>,
    has_column: bool,
}

impl OfFile<'_> {
    fn note(&mut self, batch: &RecordBatch, notes: &Buckets) {
        let [api, id, column] = self.names;
        let (apis, ids) = (texts(batch, api), texts(batch, id));
        let current = batch.column_by_name(column);
        let current = current.and_then(|column| column.as_boolean_opt());
        self.has_column &= current.is_some();
        for row in 0..batch.num_rows() {
            self.before.2 += 1;
            let [api_in_path, id_in_path] = &self.in_path;
            let api = text(apis, row).or(api_in_path.as_deref());
            let id = text(ids, row).or(id_in_path.as_deref());
            let (Some(api), Some(id)) = (api, id) else {
                continue;
            };
            if (api, id) != (self.key.0.as_str(), self.key.1.as_str()) {
                let key = claimlake_loader::resource_key(api, self.resource, id);
                self.key = (api.to_owned(), id.to_owned(), u128::from_be_bytes(key));
            }
            let decision = match current {
                None => NO_COLUMN,
                Some(column) => decision(column.is_valid(row).then(|| column.value(row))),
            };
            let run = Run {
                key: self.key.2,
                decision,
                first: self.before,
                rows: 1,
            };
            match &mut self.run {
                Some(last)
                    if (last.key, last.decision) == (run.key, run.decision)
                        && last.first.2 + last.rows == run.first.2 =>
                {
                    last.rows += 1;
                }
                _ => {
                    self.end_run(notes);
                    self.run = Some(run);
                }
            }
        }
    }

    fn end_run(&mut self, notes: &Buckets) {
        if let Some(run) = self.run.take() {
            notes.push(run.key, &run.record());
        }
    }
}

/// Compares the resources of one bucket; returned, too, is how many have no row in the rule's first
/// table.
fn in_bucket(bytes: &[u8], path: &impl Fn(Place) -> String) -> (Findings<Place>, u64) {
    let mut found = Findings::default();
    // Decisions, and whether a row of the first table was seen.
    let mut known: KeyMap<u128, (u8, bool)> = KeyMap::default();
    let mut reader = Reader::new(bytes);
    let next = |reader: &mut Reader<'_>| Some((reader.byte()?, reader.u128()?, reader.byte()?));
    while let Some((kind, key, decision)) = next(&mut reader) {
        if kind == KNOWN {
            known.insert(key, (decision, false));
            continue;
        }
        let Some(run) = Run::read(key, decision, &mut reader) else {
            break;
        };
        let what = match known.get_mut(&key) {
            None => Some("keys/current.arrow does not know it"),
            Some((known, is_seen)) => {
                *is_seen |= run.first.0 == 0;
                if run.decision == NO_COLUMN {
                    continue;
                }
                (*known != run.decision).then_some("keys/current.arrow says otherwise of it")
            }
        };
        let Some(what) = what else {
            found.add(run.first, run.rows, 0, String::new);
            continue;
        };
        let (table, file, first) = run.first;
        for line in first..first + run.rows {
            let at = (table, file, line);
            found.expect(at, false, || format!("{}: {what}", path(at)));
        }
    }
    let without = known.values().filter(|(_, is_seen)| !is_seen).count();
    (found, without as u64)
}
