//! The table `extract_status`: the state of each patient, the denominator of every count of patients.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, Utc};
use claimlake_contract::{BloomColumns, TableLayout};
use claimlake_extractor::{ExtractStatusRow, extract_status};
use claimlake_loader::RunTable;

use crate::access;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// A change in one of these columns is worth a new snapshot, even if nothing else changes.
const CHANGE_COLUMNS: &[&str] = &[
    "source_api",
    "patient_id",
    "resource_type",
    "state",
    "held",
    "scopes",
    "reason_no_claims",
];

/// The table, or none where nothing was ever extracted.
pub(super) fn table(invocation: &Invocation) -> Outcome<Vec<RunTable>> {
    if !access::has_vault(invocation.data()?.root()) {
        return Ok(Vec::new());
    }
    let vault = access::open_vault(invocation)?;
    let rows = extract_status(&vault, &invocation.pipeline()?.source.resources)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![RunTable {
        layout: TableLayout {
            name: "extract_status".into(),
            partition_by: Vec::new(),
            sort_by: ["source_api", "patient_id", "resource_type"]
                .map(Into::into)
                .into(),
            bloom: BloomColumns::default(),
        },
        batches: vec![batch(&rows)?],
        change_columns: CHANGE_COLUMNS.iter().map(ToString::to_string).collect(),
    }])
}

fn batch(rows: &[ExtractStatusRow]) -> Outcome<RecordBatch> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "source_api",
            texts(rows, |row| Some(row.source_api.as_str())),
        ),
        (
            "patient_id",
            texts(rows, |row| Some(row.patient_id.as_ref()?.expose())),
        ),
        (
            "resource_type",
            texts(rows, |row| Some(row.resource_type.as_str())),
        ),
        ("state", texts(rows, |row| Some(row.state))),
        ("reason", texts(rows, |row| row.reason.as_deref())),
        ("as_of", instants(rows, |row| row.as_of)),
        ("complete_at", instants(rows, |row| row.complete_at)),
        ("served", numbers(rows, |row| row.served)),
        ("landed", numbers(rows, |row| row.landed)),
        ("held", numbers(rows, |row| row.known)),
        ("scopes", texts(rows, |row| Some(&row.scopes))),
        ("reason_no_claims", texts(rows, |row| row.reason_no_claims)),
        ("run", texts(rows, |row| Some(row.run.as_ref()?.as_str()))),
    ];
    let nullable = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(nullable)?)
}

fn texts(rows: &[ExtractStatusRow], of: fn(&ExtractStatusRow) -> Option<&str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

fn numbers(rows: &[ExtractStatusRow], of: fn(&ExtractStatusRow) -> u64) -> ArrayRef {
    Arc::new(
        rows.iter()
            // Signed: several readers of Delta tables know no unsigned numbers.
            .map(|row| Some(i64::try_from(of(row)).unwrap_or(i64::MAX)))
            .collect::<Int64Array>(),
    )
}

fn instants(
    rows: &[ExtractStatusRow],
    of: fn(&ExtractStatusRow) -> Option<DateTime<Utc>>,
) -> ArrayRef {
    let micros = rows
        .iter()
        .map(|row| of(row).map(|instant| instant.timestamp_micros()));
    Arc::new(
        micros
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}
