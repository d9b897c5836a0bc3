//! The table `extract_status` of a snapshot against landing and the vault.

use std::collections::{BTreeSet, HashMap};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use claimlake_contract::{ApiVersion, GrantHandle, LandingPatient, ResourceType};
use claimlake_landing::LandingRuns;

use crate::error::Error;
use crate::lake::Snapshot;
use crate::parquet_rows::{for_each_batch, text, texts};
use crate::report::Check;
use crate::request::{ExtractedState, VerifyRequest};

const TABLE: &str = "extract_status";
/// The columns that count resources.
const COUNTS: [&str; 3] = ["served", "landed", "held"];

/// A resource type of an API version.
type Of = (ApiVersion, ResourceType);

/// What landing says, by run and patient, and the grants that a patient was read with.
struct OnRecord<'r> {
    landed: HashMap<(Of, &'r str, &'r str), Vec<&'r LandingPatient>>,
    grants: HashMap<(ApiVersion, &'r str), BTreeSet<&'r GrantHandle>>,
    /// The vault's states, by grant and resource type.
    states: HashMap<(&'r str, &'r str), &'r ExtractedState>,
}

/// One row of the table.
struct Row<'b> {
    of: Of,
    patient: &'b str,
    run: &'b str,
    state: &'b str,
    served: u64,
    landed: u64,
    known: u64,
}

/// Checks that each row agrees with the manifest of its run in landing, and with the vault unless
/// another attempt was made since.
pub(crate) fn check(request: &VerifyRequest<'_>, runs: &LandingRuns, snapshot: &Snapshot) -> Check {
    let mut check = Check::hard(
        "extract_status_table",
        "rows of the table extract_status against landing and what is on record",
    );
    let on_record = OnRecord::of(runs, &request.states);
    let table = snapshot.table(TABLE).into_iter();
    let files = table.flat_map(|table| snapshot.intact_files(table));
    for file in files {
        let mut line = 0_u64;
        let path = snapshot.folder.join(&file.path);
        let columns = [
            "source_api",
            "patient_id",
            "resource_type",
            "state",
            "run",
            "served",
            "landed",
            "held",
        ];
        let read = for_each_batch(&path, columns, |batch| {
            check.expect(has_counts(batch), || {
                format!("{}: a count is no number or below zero", file.path)
            });
            for row in 0..batch.num_rows() {
                line += 1;
                let Some(row) = Row::at(batch, row) else {
                    continue;
                };
                check.expect(on_record.agrees(&row), || {
                    format!(
                        "{}, row {line} ({}, {}): landing or the vault say otherwise of its run",
                        file.path, row.of.1, row.of.0
                    )
                });
            }
            Ok::<(), Error>(())
        });
        if let Err(error) = read {
            check.fail(|| format!("{}: {error}", file.path));
        }
    }
    check
}

/// Whether all counts can be read. They are signed; lakes of earlier versions have unsigned ones.
fn has_counts(batch: &RecordBatch) -> bool {
    COUNTS.iter().all(|name| {
        let column = batch.column_by_name(name);
        column.is_some_and(|column| match column.data_type() {
            DataType::Int64 => {
                let mut counts = column.as_primitive::<Int64Type>().iter();
                counts.all(|count| count.is_none_or(|count| count >= 0))
            }
            other => *other == DataType::UInt64,
        })
    })
}

impl<'r> OnRecord<'r> {
    fn of(runs: &'r LandingRuns, states: &'r [ExtractedState]) -> Self {
        let mut found = Self {
            landed: HashMap::new(),
            grants: HashMap::new(),
            states: HashMap::new(),
        };
        for state in states {
            let key = (state.grant.as_str(), state.resource.as_str());
            found.states.insert(key, state);
        }
        for run in &runs.sealed {
            let manifest = &run.manifest;
            for patient in &manifest.patients {
                let id = patient.patient.expose();
                let of = (manifest.api, manifest.resource.clone());
                let of_run = (of, manifest.run.as_str(), id);
                found.landed.entry(of_run).or_default().push(patient);
                let grants = found.grants.entry((manifest.api, id)).or_default();
                grants.insert(&patient.grant);
            }
        }
        found
    }

    fn agrees(&self, row: &Row<'_>) -> bool {
        let of_run = self.landed.get(&(row.of.clone(), row.run, row.patient));
        let is_as_landed = |patient: &&LandingPatient| {
            patient.state.as_str() == row.state && patient.resources == row.landed
        };
        if of_run.is_some_and(|of_run| !of_run.iter().any(is_as_landed)) {
            return false;
        }
        let (api, resource) = &row.of;
        let grants = self.grants.get(&(*api, row.patient));
        let states = grants.into_iter().flatten().filter_map(|grant| {
            let state = self.states.get(&(grant.as_str(), resource.as_str()));
            state.filter(|state| state.run.as_str() == row.run)
        });
        let mut states = states.peekable();
        states.peek().is_none()
            || states.any(|state| {
                state.state.as_str() == row.state
                    && (state.served, state.landed, state.known)
                        == (row.served, row.landed, row.known)
            })
    }
}

impl<'b> Row<'b> {
    /// `None` if nothing was read of the patient.
    fn at(batch: &'b RecordBatch, row: usize) -> Option<Self> {
        let of = |name| text(texts(batch, name), row);
        let number = |name| {
            let column = batch.column_by_name(name)?;
            if column.is_null(row) {
                return None;
            }
            match column.as_primitive_opt::<Int64Type>() {
                Some(column) => u64::try_from(column.value(row)).ok(),
                None => Some(column.as_primitive_opt::<UInt64Type>()?.value(row)),
            }
        };
        Some(Self {
            of: (
                of("source_api")?.parse().ok()?,
                of("resource_type")?.parse().ok()?,
            ),
            patient: of("patient_id")?,
            run: of("run")?,
            state: of("state")?,
            served: number("served")?,
            landed: number("landed")?,
            known: number("held")?,
        })
    }
}
