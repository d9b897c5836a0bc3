//! Lakes of v2 coverages, and their months.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::command::{Bench, Ended, repository};
use crate::files::{edit_manifest, names_below, sum_of};
use crate::lake_rows::{cell, parquet_files, rows_below};

const VARIABLES: &str = "https://bluebutton.cms.gov/resources/variables/";

/// A pipeline with the tables of coverages, as the demo makes them; `changed` changes its text.
pub(super) fn bench_with(changed: impl Fn(String) -> String) -> Bench {
    let bench = Bench::new();
    pipeline(&bench, changed);
    for name in ["coverage.json", "coverage_month.json"] {
        let view = repository().join("pipelines/views").join(name);
        let view = fs::read_to_string(view).unwrap();
        bench.write(&format!("views/{name}"), &view);
    }
    bench
}

pub(super) fn pipeline(bench: &Bench, changed: impl Fn(String) -> String) {
    let demo = fs::read_to_string(repository().join("pipelines/demo.toml")).unwrap();
    let (_, derived) = demo.split_once("[derive.coverage_month.months]").unwrap();
    let (derived, _) = derived.split_once("\n[load]\n").unwrap();
    let text = format!(
        "name = \"p\"\n[source]\nkind = \"sandbox\"\n[transform]\nviews = [\"views/*.json\"]\n\
         [context.Coverage]\ncoverage_id = \"getResourceKey()\"\n\
         patient_id = \"beneficiary.getReferenceKey(Patient)\"\n\
         last_updated = \"meta.lastUpdated\"\n\
         [derive.coverage_month.months]{derived}\n\
         [load]\npartition_by = []\nsort_by = [\"patient_id\", \"coverage_id\"]\n"
    );
    bench.write("p.toml", &changed(text));
}

pub(super) fn bench() -> Bench {
    bench_with(|text| text)
}

/// A v2 coverage of Part A with these months of a reference year.
pub(super) fn coverage(id: &str, day: &str, year: u32, months: &[u32]) -> Value {
    let month = |month: &u32| {
        let url = format!("{VARIABLES}buyin{month:02}");
        json!({"url": url, "valueCoding": {"system": url, "code": "3"}})
    };
    let mut extension: Vec<Value> = months.iter().map(month).collect();
    let reference_year = format!("{VARIABLES}rfrnc_yr");
    extension.push(json!({"url": reference_year, "valueDate": year.to_string()}));
    json!({
        "resourceType": "Coverage", "id": id, "status": "active",
        "meta": {"lastUpdated": format!("{day}T03:04:05Z")},
        "beneficiary": {"reference": "Patient/-1"},
        "period": {"start": "2010-05-01"},
        "class": [{"type": {"coding": [{"code": "plan"}]}, "value": "Part A"}],
        "extension": extension,
    })
}

pub(super) fn run(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    let with = ["--json", "--pipeline", "p.toml", "--data", data];
    let mut command = bench.command(&[&with, arguments].concat());
    Ended::of(command.env("CLAIMLAKE_LOAD_KEEP_SNAPSHOTS", "9"))
}

#[track_caller]
pub(super) fn done(bench: &Bench, data: &str, arguments: &[&str]) -> Value {
    let ended = run(bench, data, arguments).exits(0);
    match arguments[0] {
        "changes" => json!(ended.events_of("change")),
        _ => ended.summary(),
    }
}

/// Lands bodies, publishes and verifies them; answers the outcome of the load.
#[track_caller]
pub(super) fn lands(bench: &Bench, data: &str, bodies: &[&Value]) -> Value {
    let lines: String = bodies.iter().map(|body| format!("{body}\n")).collect();
    bench.write("in.ndjson", &lines);
    done(bench, data, &["import", "--api", "v2", "in.ndjson"]);
    publish(bench, data, &[])
}

#[track_caller]
pub(super) fn publish(bench: &Bench, data: &str, how: &[&str]) -> Value {
    done(bench, data, &[&["transform"], how].concat());
    let loaded = done(bench, data, &["load"]);
    done(bench, data, &["verify"]);
    loaded["load"].clone()
}

/// The months of a lake, such as `2021-03`, of all coverages.
pub(super) fn months(bench: &Bench, data: &str) -> Vec<String> {
    let rows = rows_below(&bench.path().join(data).join("lake/current/coverage_month"));
    let month = |row| cell(row, "month").to_string()[..7].to_owned();
    let mut months: Vec<String> = rows.iter().map(month).collect();
    months.sort();
    months
}

/// All files of the tables of resources, with their bytes.
pub(super) fn tables(bench: &Bench, data: &str) -> BTreeMap<String, Vec<u8>> {
    let snapshot = bench.path().join(data).join("lake/current");
    let mut files = names_below(&snapshot);
    files.retain(|file| file.starts_with("coverage"));
    let with_bytes = |file: String| (file.clone(), fs::read(snapshot.join(file)).unwrap());
    files.into_iter().map(with_bytes).collect()
}

/// Rewrites the months of a snapshot by hand, hashes included.
pub(super) fn rewrite(snapshot: &Path, change: impl Fn(RecordBatch) -> Vec<RecordBatch>) {
    let path = parquet_files(&snapshot.join("coverage_month")).remove(0);
    let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    let mut writer = ArrowWriter::try_new(fs::File::create(&path).unwrap(), schema, None).unwrap();
    let mut rows = 0;
    for batch in batches.into_iter().flat_map(change) {
        rows += batch.num_rows();
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    let snapshot = snapshot.canonicalize().unwrap();
    let name = path.strip_prefix(&snapshot).unwrap().display().to_string();
    edit_manifest(&snapshot, |manifest| {
        let tables = manifest["tables"].as_array_mut().unwrap();
        let mut files = tables
            .iter_mut()
            .flat_map(|table| table["files"].as_array_mut().unwrap());
        let file = files.find(|file| file["path"] == name.as_str()).unwrap();
        file["rows"] = rows.into();
        file["bytes"] = fs::metadata(&path).unwrap().len().into();
        file["sha256"] = sum_of(&snapshot, &name)[..64].into();
    });
}
