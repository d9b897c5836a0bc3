//! Makes staged runs of claims without a transformer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use claimlake_contract::{
    BloomColumns, KEYS_TABLE, LANDING_ORDER_COLUMN, ResourceType, RunId, STAGED_FORMAT, StagedFile,
    StagedManifest, StagedTable, TableLayout, key_columns, landing_order,
};
use sha2::{Digest, Sha256};

/// A claim as the loader sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claim {
    pub(crate) api: &'static str,
    pub(crate) id: String,
    pub(crate) patient: String,
    /// Seconds since 1970.
    pub(crate) last_updated: Option<i64>,
    pub(crate) eob_type: Option<&'static str>,
    pub(crate) year: Option<i32>,
    pub(crate) day: i32,
    pub(crate) status: &'static str,
    pub(crate) group: Option<String>,
    pub(crate) final_action: Option<&'static str>,
    pub(crate) cents: i64,
    pub(crate) items: i32,
}

impl Claim {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            api: "v2",
            id: id.to_owned(),
            patient: "p1".to_owned(),
            last_updated: Some(1_000),
            eob_type: Some("CARRIER"),
            year: Some(2023),
            day: 19_500,
            status: "active",
            group: None,
            final_action: None,
            cents: 12_345,
            items: 2,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// How a staged run differs from the usual one.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    pub(crate) full: bool,
    pub(crate) view_hash: &'static str,
    /// An additional column of table `eob`.
    pub(crate) added_column: bool,
    /// No claim has a group in table `eob`.
    pub(crate) without_groups: bool,
    /// `paid` as text instead of a decimal.
    pub(crate) paid_as_text: bool,
    pub(crate) rows_per_batch: usize,
    /// Streams with dictionaries, as `run` leaves them, instead of files.
    pub(crate) streams: bool,
    pub(crate) sort_by: Vec<&'static str>,
    pub(crate) bloom: Vec<&'static str>,
}

impl Default for Staging {
    fn default() -> Self {
        Self {
            full: false,
            view_hash: "view-1",
            added_column: false,
            without_groups: false,
            paid_as_text: false,
            rows_per_batch: 7,
            streams: false,
            sort_by: vec!["patient_id", "service_date", "eob_id"],
            bloom: vec!["eob_id"],
        }
    }
}

pub(crate) fn run_id(number: u32) -> RunId {
    format!("20260101T000000.{number:03}Z-0000")
        .parse()
        .unwrap()
}

/// Stages `claims` in landing order as run `number`.
pub(crate) fn stage(data: &Path, number: u32, claims: &[Claim], staging: &Staging) -> PathBuf {
    let run = run_id(number);
    let folder = data.join("staged").join(format!("run={run}"));
    let mut tables = Vec::new();
    let chunks: Vec<&[Claim]> = claims.chunks(staging.rows_per_batch.max(1)).collect();
    for (name, make) in [
        (
            "eob",
            eob_batch as fn(&[Claim], usize, &Staging) -> RecordBatch,
        ),
        ("eob_item", item_batch),
    ] {
        let batches: Vec<RecordBatch> = if claims.is_empty() {
            vec![make(&[], 0, staging)]
        } else {
            let first = |index: usize| index * staging.rows_per_batch.max(1);
            chunks
                .iter()
                .enumerate()
                .map(|(index, chunk)| make(chunk, first(index), staging))
                .collect()
        };
        let files = vec![match staging.streams {
            true => write_stream(&folder, &format!("{name}/0.arrows"), &batches),
            false => write(&folder, &format!("{name}/0.arrow"), &batches),
        }];
        tables.push(StagedTable {
            layout: TableLayout {
                name: name.to_owned(),
                partition_by: vec!["eob_type".to_owned(), "service_year".to_owned()],
                sort_by: staging
                    .sort_by
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect(),
                bloom: BloomColumns(staging.bloom.iter().map(|&name| name.to_owned()).collect()),
            },
            resource: ResourceType::explanation_of_benefit(),
            view_hash: format!("{}-{name}", staging.view_hash),
            files,
        });
    }
    write(
        &folder,
        &format!("{KEYS_TABLE}/0.arrow"),
        &[keys_batch(claims)],
    );
    let manifest = StagedManifest {
        format: STAGED_FORMAT,
        run,
        pipeline_hash: staging.view_hash.to_owned(),
        rules: 0,
        landing_runs: Vec::new(),
        full: staging.full,
        tables,
        resources: claims.len() as u64,
        without_view: 0,
        rejected_resources: 0,
        rejected_cells: 0,
        without_patient: 0,
        rounded_cells: 0,
    };
    std::fs::write(
        folder.join("manifest.json"),
        serde_json::to_vec(&manifest).unwrap(),
    )
    .unwrap();
    folder
}

fn order(index: usize) -> u64 {
    landing_order((index / 5) as u32, (index % 5) as u32)
}

fn text(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// The columns all tables begin with, for each claim as often as it has rows.
fn context(claims: &[(usize, &Claim)]) -> Vec<(&'static str, ArrayRef)> {
    let each = || claims.iter().map(|(_, claim)| *claim);
    let updated = each()
        .map(|claim| claim.last_updated.map(|seconds| seconds * 1_000_000))
        .collect::<TimestampMicrosecondArray>()
        .with_timezone("UTC");
    vec![
        (
            "source_api",
            text(each().map(|claim| Some(claim.api.to_owned()))),
        ),
        ("eob_id", text(each().map(|claim| Some(claim.id.clone())))),
        (
            "patient_id",
            text(each().map(|claim| Some(claim.patient.clone()))),
        ),
        ("last_updated", Arc::new(updated)),
        (
            "service_date",
            Arc::new(each().map(|claim| Some(claim.day)).collect::<Date32Array>()),
        ),
        (
            "eob_type",
            text(each().map(|claim| claim.eob_type.map(str::to_owned))),
        ),
        (
            "service_year",
            Arc::new(each().map(|claim| claim.year).collect::<Int32Array>()),
        ),
    ]
}

fn finish(mut columns: Vec<(&'static str, ArrayRef)>, claims: &[(usize, &Claim)]) -> RecordBatch {
    let orders: UInt64Array = claims.iter().map(|(index, _)| order(*index)).collect();
    columns.push((LANDING_ORDER_COLUMN, Arc::new(orders)));
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, name != LANDING_ORDER_COLUMN)),
    )
    .unwrap()
}

fn eob_batch(claims: &[Claim], first: usize, staging: &Staging) -> RecordBatch {
    let numbered: Vec<(usize, &Claim)> = claims
        .iter()
        .enumerate()
        .map(|(index, claim)| (first + index, claim))
        .collect();
    let mut columns = context(&numbered);
    columns.push((
        "status",
        text(claims.iter().map(|claim| Some(claim.status.to_owned()))),
    ));
    columns.push((
        "claim_group_id",
        text(claims.iter().map(|claim| {
            let group = claim.group.clone();
            group.filter(|_| !staging.without_groups)
        })),
    ));
    columns.push((
        "final_action",
        text(
            claims
                .iter()
                .map(|claim| claim.final_action.map(str::to_owned)),
        ),
    ));
    if staging.paid_as_text {
        columns.push((
            "paid",
            text(claims.iter().map(|claim| Some(claim.cents.to_string()))),
        ));
    } else {
        let paid = claims.iter().map(|claim| Some(i128::from(claim.cents)));
        let paid = paid
            .collect::<Decimal128Array>()
            .with_precision_and_scale(18, 2)
            .unwrap();
        columns.push(("paid", Arc::new(paid)));
    }
    let mut codes = ListBuilder::new(StringBuilder::new());
    for claim in claims {
        for item in 0..claim.items {
            codes.values().append_value(format!("c{item}"));
        }
        codes.append(claim.items > 0);
    }
    columns.push(("codes", Arc::new(codes.finish())));
    if staging.added_column {
        columns.push((
            "note",
            text(claims.iter().map(|claim| Some(format!("n{}", claim.id)))),
        ));
    }
    finish(columns, &numbered)
}

fn item_batch(claims: &[Claim], first: usize, _staging: &Staging) -> RecordBatch {
    let mut rows = Vec::new();
    let mut numbers = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        for item in 0..claim.items {
            rows.push((first + index, claim));
            // Falling numbers: the view's row order is not the order of any column.
            numbers.push(i64::from(claim.items - item));
        }
    }
    let mut columns = context(&rows);
    columns.push(("sequence", Arc::new(Int64Array::from(numbers))));
    finish(columns, &rows)
}

fn keys_batch(claims: &[Claim]) -> RecordBatch {
    let orders: UInt64Array = (0..claims.len()).map(order).collect();
    let updated = claims
        .iter()
        .map(|claim| claim.last_updated.map(|seconds| seconds * 1_000_000))
        .collect::<TimestampMicrosecondArray>()
        .with_timezone("UTC");
    let hashes = claims.iter().map(|claim| match claim.status {
        "withdrawn" => key_columns::WITHDRAWN.to_vec(),
        "gone" => key_columns::GONE.to_vec(),
        _ => Sha256::digest(format!("{claim:?}"))[..16].to_vec(),
    });
    let hashes = FixedSizeBinaryArray::try_from_iter(hashes)
        .unwrap_or_else(|_| FixedSizeBinaryArray::new(16, Vec::<u8>::new().into(), None));
    let types = claims
        .iter()
        .map(|_| Some("ExplanationOfBenefit".to_owned()));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (key_columns::LANDING_ORDER, Arc::new(orders)),
        (
            key_columns::API,
            text(claims.iter().map(|claim| Some(claim.api.to_owned()))),
        ),
        (key_columns::RESOURCE_TYPE, text(types)),
        (
            key_columns::ID,
            text(claims.iter().map(|claim| Some(claim.id.clone()))),
        ),
        (key_columns::LAST_UPDATED, Arc::new(updated)),
        (key_columns::CONTENT_HASH, Arc::new(hashes)),
        (
            key_columns::PATIENT,
            text(claims.iter().map(|claim| Some(claim.patient.clone()))),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

pub(crate) fn write(folder: &Path, file: &str, batches: &[RecordBatch]) -> StagedFile {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let out = std::fs::File::create(&path).unwrap();
    let mut writer = FileWriter::try_new(out, &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    staged_file(&path, file, batches)
}

fn staged_file(path: &Path, file: &str, batches: &[RecordBatch]) -> StagedFile {
    let bytes = std::fs::read(path).unwrap();
    StagedFile {
        xxh3: None,
        file: file.to_owned(),
        rows: batches.iter().map(|batch| batch.num_rows() as u64).sum(),
        bytes: bytes.len() as u64,
        sha256: Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}

fn write_stream(folder: &Path, file: &str, batches: &[RecordBatch]) -> StagedFile {
    let batches: Vec<RecordBatch> = batches.iter().map(with_dictionaries).collect();
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let out = std::fs::File::create(&path).unwrap();
    let mut writer = StreamWriter::try_new(out, &batches[0].schema()).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    StagedFile {
        xxh3: Some(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes))),
        sha256: String::new(),
        ..staged_file(&path, file, &batches)
    }
}

/// The same rows with each text stored once.
fn with_dictionaries(batch: &RecordBatch) -> RecordBatch {
    let numbered = |column: &ArrayRef| -> ArrayRef {
        match column.as_string_opt::<i32>() {
            Some(texts) => Arc::new(texts.iter().collect::<DictionaryArray<UInt32Type>>()),
            None => column.clone(),
        }
    };
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let columns =
        columns.map(|(field, column)| (field.name(), numbered(column), field.is_nullable()));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}
