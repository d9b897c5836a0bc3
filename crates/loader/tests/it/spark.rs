//! Staged runs that Spark wrote.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::DataType;
use claimlake_contract::{KEYS_TABLE, NoProgress, StagedManifest};
use claimlake_loader::{LoadOptions, StagedParquet, load, seal_staged_parquet};
use parquet::arrow::ArrowWriter;

use crate::basic::{many, request};
use crate::current::rule;
use crate::lake_rows::bytes;
use crate::staged_runs::{Staging, run_id, stage};

/// The columns as Spark writes them: no unsigned numbers, no binaries of a fixed size.
fn as_spark_writes(batch: &RecordBatch) -> RecordBatch {
    let columns = batch
        .schema_ref()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            let column: ArrayRef = match column.data_type() {
                DataType::UInt64 => {
                    let orders = column.as_primitive::<UInt64Type>().values();
                    Arc::new(
                        orders
                            .iter()
                            .map(|order| *order as i64)
                            .collect::<Int64Array>(),
                    )
                }
                DataType::FixedSizeBinary(_) => Arc::new(
                    column
                        .as_fixed_size_binary()
                        .iter()
                        .collect::<BinaryArray>(),
                ),
                _ => column.clone(),
            };
            (field.name().clone(), column, true)
        });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Writes the table's batches as two Parquet files beside what Spark leaves there.
fn rewrite(staged: &Path, spark: &Path, table: &str) {
    let file = std::fs::File::open(staged.join(table).join("0.arrow")).unwrap();
    let batches: Vec<RecordBatch> = FileReader::try_new(file, None)
        .unwrap()
        .map(|batch| as_spark_writes(&batch.unwrap()))
        .collect();
    std::fs::create_dir_all(spark.join(table)).unwrap();
    std::fs::write(spark.join(table).join("_SUCCESS"), "").unwrap();
    let (first, second) = batches.split_at(batches.len() / 2);
    for (number, batches) in [first, second].into_iter().enumerate() {
        if let Some(batch) = batches.first() {
            let path = spark
                .join(table)
                .join(format!("part-0000{number}-c000.zstd.parquet"));
            let out = std::fs::File::create(path).unwrap();
            let mut writer = ArrowWriter::try_new(out, batch.schema(), None).unwrap();
            batches
                .iter()
                .for_each(|batch| writer.write(batch).unwrap());
            writer.close().unwrap();
        }
    }
}

#[test]
fn what_spark_staged_becomes_the_same_lake() {
    let data = tempfile::tempdir().unwrap();
    let staged = stage(data.path(), 1, &many(50), &Staging::default());
    let text = std::fs::read(staged.join("manifest.json")).unwrap();
    let manifest: StagedManifest = serde_json::from_slice(&text).unwrap();
    let spark = data.path().join("spark");
    for table in ["eob", "eob_item", KEYS_TABLE] {
        rewrite(&staged, &spark, table);
    }
    let sealed = seal_staged_parquet(&StagedParquet {
        rules: 0,
        folder: spark.clone(),
        run: run_id(1),
        pipeline_hash: manifest.pipeline_hash,
        full: false,
        job: None,
        tables: manifest.tables,
    })
    .unwrap()
    .manifest;
    assert_eq!((sealed.resources, sealed.tables[0].files.len()), (50, 2));
    let mut lakes = Vec::new();
    for folder in [staged, spark] {
        let lake = data.path().join(format!("lake{}", lakes.len()));
        let mut request = request(&lake, 1, &[folder]);
        request.options = LoadOptions {
            current: vec![rule()],
            ..LoadOptions::default()
        };
        assert_eq!(load(&request, &NoProgress).unwrap().new, 50);
        lakes.push(bytes(&lake, &["eob", "eob_item", "changes"]));
    }
    assert_eq!(lakes[0], lakes[1]);
}
