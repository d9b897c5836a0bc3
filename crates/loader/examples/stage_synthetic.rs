//! Stages synthetic claims for measuring loads, without a transformer.
//!
//! `stage_synthetic STAGED_DIR CLAIMS [ROUND]` writes a run of so many claims, spread over 32
//! partitions; when `ROUND` is greater than 0, newer bodies of the first so many claims of one
//! partition. The tables have the row counts and about the widths that real claims have.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for measuring"
)]

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, FixedSizeBinaryArray, Int32Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow_ipc::writer::FileWriter;
use claimlake_contract::{
    BloomColumns, KEYS_TABLE, LANDING_ORDER_COLUMN, ResourceType, STAGED_FORMAT, StagedFile,
    StagedManifest, StagedTable, TableLayout, key_columns, landing_order,
};
use sha2::{Digest, Sha256};

/// Name, rows of a claim, text columns, amount columns.
const TABLES: [(&str, usize, usize, usize); 14] = [
    ("eob", 1, 30, 3),
    ("eob_adjudication", 9, 6, 1),
    ("eob_care_team", 3, 8, 0),
    ("eob_coding", 111, 6, 0),
    ("eob_diagnosis", 3, 7, 0),
    ("eob_extension", 20, 6, 1),
    ("eob_identifier", 3, 5, 0),
    ("eob_insurance", 1, 5, 0),
    ("eob_item", 3, 20, 4),
    ("eob_item_adjudication", 24, 8, 1),
    ("eob_item_modifier", 4, 4, 0),
    ("eob_procedure", 1, 6, 0),
    ("eob_supporting_info", 11, 10, 1),
    ("eob_total", 2, 5, 1),
];

const CLAIMS_PER_BATCH: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let staged = Path::new(&arguments[1]);
    let number = |index: usize| arguments.get(index).map_or(0, |text| text.parse().unwrap());
    let (count, round) = (number(2), number(3));
    let is_taken = |claim: &usize| round == 0 || (kind(*claim), year(*claim)) == (0, 2021);
    let claims: Vec<usize> = (0..).filter(is_taken).take(count).collect();
    let run = format!("20260101T000000.{round:03}Z-0000").parse().unwrap();
    let folder = staged.join(format!("run={run}"));
    let mut tables = Vec::new();
    let mut total = 0;
    for (name, rows, texts, amounts) in TABLES {
        let batch = |claims: &[usize]| rows_of(claims, round, rows, texts, amounts);
        let file = write(&folder, name, &claims, batch);
        total += file.bytes;
        tables.push(StagedTable {
            layout: TableLayout {
                name: name.to_owned(),
                partition_by: vec!["eob_type".to_owned(), "service_year".to_owned()],
                sort_by: ["patient_id", "service_date", "eob_id"]
                    .map(str::to_owned)
                    .to_vec(),
                bloom: BloomColumns(vec!["eob_id".to_owned()]),
            },
            resource: ResourceType::explanation_of_benefit(),
            view_hash: "synthetic".to_owned(),
            files: vec![file],
        });
    }
    write(&folder, KEYS_TABLE, &claims, |claims| {
        keys_of(claims, round)
    });
    let manifest = StagedManifest {
        format: STAGED_FORMAT,
        run,
        pipeline_hash: "synthetic".to_owned(),
        rules: 0,
        landing_runs: Vec::new(),
        full: false,
        tables,
        resources: count as u64,
        without_view: 0,
        rejected_resources: 0,
        rejected_cells: 0,
        rounded_cells: 0,
    };
    std::fs::write(
        folder.join("manifest.json"),
        serde_json::to_vec(&manifest).unwrap(),
    )
    .unwrap();
    println!("{}  {} MB", folder.display(), total / 1_000_000);
}

fn kind(claim: usize) -> usize {
    mix(claim, 1) % 8
}

fn year(claim: usize) -> i32 {
    2021 + (mix(claim, 2) % 4) as i32
}

/// A number that looks random and is always the same.
fn mix(claim: usize, salt: usize) -> usize {
    let mut state = (claim as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (salt as u64) << 32;
    state ^= state >> 29;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (state ^ state >> 32) as usize
}

fn text(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn rows_of(
    claims: &[usize],
    round: usize,
    rows: usize,
    texts: usize,
    amounts: usize,
) -> RecordBatch {
    const TYPES: [&str; 8] = [
        "CARRIER",
        "PDE",
        "OUTPATIENT",
        "INPATIENT",
        "DME",
        "SNF",
        "HHA",
        "HOSPICE",
    ];
    let each = || {
        claims
            .iter()
            .flat_map(|claim| std::iter::repeat_n(*claim, rows))
    };
    let day = |claim: usize| 18_700 + (mix(claim, 3) % 1_400) as i32;
    let updated = TimestampMicrosecondArray::from_iter_values(
        each().map(|_| (1_700_000_000 + round as i64) * 1_000_000),
    );
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("source_api".into(), text(each().map(|_| "v2".to_owned()))),
        (
            "eob_id".into(),
            text(each().map(|claim| format!("carrier--{}", 10_000_000 + claim))),
        ),
        (
            "patient_id".into(),
            text(each().map(|claim| format!("-{}", 20_140_000 + claim / 60))),
        ),
        (
            "last_updated".into(),
            Arc::new(updated.with_timezone("UTC")),
        ),
        (
            "service_date".into(),
            Arc::new(Date32Array::from_iter_values(each().map(day))),
        ),
        (
            "eob_type".into(),
            text(each().map(|claim| TYPES[kind(claim)].to_owned())),
        ),
        (
            "service_year".into(),
            Arc::new(Int32Array::from_iter_values(each().map(year))),
        ),
    ];
    let numbered = || each().enumerate().map(|(row, claim)| (claim, row % rows));
    columns.push((
        "sequence".into(),
        Arc::new(Int32Array::from_iter_values(
            numbered().map(|(_, row)| row as i32 + 1),
        )),
    ));
    for column in 0..texts {
        let value = |(claim, row): (usize, usize)| match column % 4 {
            0 => format!(
                "https://bluebutton.cms.gov/resources/variables/v{}",
                row % 40
            ),
            1 => format!("{:05}", mix(claim * 131 + row, column) % 4_000),
            2 => format!("code-{}", mix(row, column) % 30),
            _ => format!("Display of a code number {}", mix(row, column) % 30),
        };
        columns.push((format!("text_{column}"), text(numbered().map(value))));
    }
    for column in 0..amounts {
        let values =
            numbered().map(|(claim, row)| (mix(claim * 31 + row, column) % 90_000) as i128);
        let values = Decimal128Array::from_iter_values(values);
        let values = values.with_precision_and_scale(18, 2).unwrap();
        columns.push((format!("amount_{column}"), Arc::new(values)));
    }
    columns.push((
        LANDING_ORDER_COLUMN.into(),
        Arc::new(UInt64Array::from_iter_values(
            each().map(|claim| landing_order(0, claim as u32)),
        )),
    ));
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

fn keys_of(claims: &[usize], round: usize) -> RecordBatch {
    let each = || claims.iter().copied();
    let updated = TimestampMicrosecondArray::from_iter_values(
        each().map(|_| (1_700_000_000 + round as i64) * 1_000_000),
    );
    let hashes = each().map(|claim| Sha256::digest(format!("{claim} {round}"))[..16].to_vec());
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            key_columns::LANDING_ORDER,
            Arc::new(UInt64Array::from_iter_values(
                each().map(|claim| landing_order(0, claim as u32)),
            )),
        ),
        (key_columns::API, text(each().map(|_| "v2".to_owned()))),
        (
            key_columns::RESOURCE_TYPE,
            text(each().map(|_| "ExplanationOfBenefit".to_owned())),
        ),
        (
            key_columns::ID,
            text(each().map(|claim| format!("carrier--{}", 10_000_000 + claim))),
        ),
        (
            key_columns::LAST_UPDATED,
            Arc::new(updated.with_timezone("UTC")),
        ),
        (
            key_columns::CONTENT_HASH,
            Arc::new(FixedSizeBinaryArray::try_from_iter(hashes).unwrap()),
        ),
        (
            key_columns::PATIENT,
            text(each().map(|claim| format!("-{}", 20_140_000 + claim / 60))),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write(
    folder: &Path,
    table: &str,
    claims: &[usize],
    batch: impl Fn(&[usize]) -> RecordBatch,
) -> StagedFile {
    let file = format!("{table}/0.arrow");
    let path = folder.join(&file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let schema = batch(&claims[..1]).schema();
    let out = BufWriter::new(File::create(&path).unwrap());
    let mut writer = FileWriter::try_new(out, &schema).unwrap();
    let mut rows = 0;
    for claims in claims.chunks(CLAIMS_PER_BATCH) {
        let batch = batch(claims);
        rows += batch.num_rows() as u64;
        writer.write(&batch).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(&path).unwrap(), &mut hash).unwrap();
    StagedFile {
        xxh3: None,
        file,
        rows,
        bytes: std::fs::metadata(&path).unwrap().len(),
        sha256: hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}
