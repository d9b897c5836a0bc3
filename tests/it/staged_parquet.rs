//! `load --staged-parquet`: a folder that another program staged is complete and agrees with itself
//! and with landing, or it is refused with counts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, FixedSizeBinaryArray, RecordBatch};
use arrow_ipc::reader::FileReader;
use parquet::arrow::ArrowWriter;

use crate::command::{Bench, Ended, a_patient};

/// The demo's claims of two people, landed and transformed in `ours`; what was staged, as Parquet.
fn staged(bench: &Bench) -> PathBuf {
    let small = [
        ("CLAIMLAKE_SOURCE_PATIENTS", "2"),
        ("CLAIMLAKE_SOURCE_EOBS", "5"),
    ];
    for command in ["extract", "transform"] {
        Ended::of(bench.command(&["--data", "ours", command]).envs(small)).exits(0);
    }
    let run = fs::read_dir(bench.path().join("ours/staged")).unwrap();
    let run = run.map(|entry| entry.unwrap().path()).next().unwrap();
    let spark = bench.path().join("spark");
    for entry in fs::read_dir(run).unwrap() {
        let table = entry.unwrap().path();
        if !table.is_dir() {
            continue;
        }
        let to = spark.join(table.file_name().unwrap());
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("_SUCCESS"), "").unwrap();
        for file in fs::read_dir(&table).unwrap() {
            let file = file.unwrap().path();
            let name = format!("part-{}.parquet", file.file_stem().unwrap().display());
            let reader = FileReader::try_new(File::open(&file).unwrap(), None).unwrap();
            let schema = reader.schema();
            let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
            let out = File::create(to.join(name)).unwrap();
            let mut writer = ArrowWriter::try_new(out, schema, None).unwrap();
            for batch in &batches {
                writer.write(batch).unwrap();
            }
            writer.close().unwrap();
        }
    }
    spark
}

/// Makes a table's rows anew.
fn rewrite(spark: &Path, table: &str, change: impl Fn(RecordBatch) -> Vec<RecordBatch>) {
    let file = spark.join(table).join("part-00000.parquet");
    let opened = File::open(&file).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(opened);
    let reader = reader.unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let schema = batches[0].schema();
    let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), schema, None).unwrap();
    for batch in batches.into_iter().flat_map(change) {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}

fn replaced(
    batch: &RecordBatch,
    column: &str,
    with: impl Fn(&ArrayRef) -> ArrayRef,
) -> RecordBatch {
    let index = batch.schema().index_of(column).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[index] = with(&columns[index]);
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            fs::remove_file(path).unwrap();
        }
    }
}

/// Other hashes: of no resource, and all different.
fn other_hashes(hashes: &ArrayRef) -> ArrayRef {
    let old = hashes.as_fixed_size_binary();
    let new = (0..old.len()).map(|row| {
        let mut hash = old.value(row).to_vec();
        hash[0] ^= 0x55;
        hash
    });
    Arc::new(FixedSizeBinaryArray::try_from_iter(new).unwrap())
}

fn load(bench: &Bench, data: &str, more: &[&str]) -> Ended {
    let fixed = ["--data", data, "load", "--staged-parquet", "spark"];
    bench.run(&[&fixed[..], more].concat())
}

fn is_published(bench: &Bench, data: &str) -> bool {
    bench.path().join(data).join("lake/current").exists()
}

#[test]
fn what_is_whole_is_published_here_and_where_nothing_has_landed() {
    let bench = Bench::new();
    staged(&bench);
    let ended = load(&bench, "theirs", &[]).exits(0);
    assert!(!ended.stderr.contains("warning"), "{}", ended.stderr);
    load(&bench, "ours", &[]).exits(0);
    assert_eq!(bench.run(&["--data", "ours", "load", "--partial"]).exit, 2);
}

#[test]
fn what_is_missing_is_counted_and_only_published_when_that_is_insisted_on() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage, &[&str]); 6] = [
        (
            "no file of claims",
            |spark| empty(&spark.join("eob")),
            &[
                "6 of 6 resources have no row in eob",
                "1 table without any Parquet file (eob;",
            ],
        ),
        (
            "no file of lines, and no mark of Spark's",
            |spark| {
                empty(&spark.join("eob_item"));
                fs::remove_file(spark.join("eob_item/_SUCCESS")).unwrap();
            },
            &["1 table without any Parquet file (eob_item;"],
        ),
        (
            "a folder that is not there",
            |spark| fs::remove_dir_all(spark.join("eob_diagnosis")).unwrap(),
            &["1 table without any Parquet file (eob_diagnosis;"],
        ),
        (
            "all folders but the keys",
            |spark| {
                for entry in fs::read_dir(spark).unwrap() {
                    let folder = entry.unwrap().path();
                    if folder.is_dir() && !folder.ends_with("_keys") {
                        empty(&folder);
                    }
                }
            },
            &[
                "8 of 8 resources have no row in coverage",
                "have no row in patient",
                "44 tables without",
            ],
        ),
        (
            "one row less",
            |spark| {
                rewrite(spark, "eob", |batch| {
                    vec![batch.slice(1, batch.num_rows() - 1)]
                })
            },
            &["1 of 6 resources have no row in eob"],
        ),
        (
            "no rows in a file",
            |spark| rewrite(spark, "patient", |batch| vec![batch.slice(0, 0)]),
            &["2 of 2 resources have no row in patient"],
        ),
    ];
    for (name, damage, words) in cases {
        let bench = Bench::new();
        damage(&staged(&bench));
        for data in ["theirs", "ours"] {
            let ended = load(&bench, data, &[]);
            assert_eq!(ended.exit, 1, "{name}: {}", ended.stderr);
            let line = ended.error_line();
            assert!(line.contains("--partial"), "{name}: {line}");
            for words in words {
                assert!(line.contains(words), "{name}: {words}: {line}");
            }
            assert!(!is_published(&bench, data), "{name}");
        }
        let insisted = load(&bench, "theirs", &["--partial"]);
        assert_eq!(insisted.exit, 0, "{name}: {}", insisted.stderr);
        assert!(
            insisted
                .stderr
                .contains("warning: spark is published as it is"),
            "{name}"
        );
        for words in words {
            assert!(
                insisted.stderr.contains(words),
                "{name}: {}",
                insisted.stderr
            );
        }
        // Where no table has a row there is nothing to publish.
        let is_nothing = words.contains(&"44 tables without");
        assert_eq!(is_published(&bench, "theirs"), !is_nothing, "{name}");
    }
}

#[test]
fn what_contradicts_itself_or_landing_is_refused_whatever_is_insisted_on() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage, &str); 6] = [
        (
            "keys are missing",
            |spark| {
                rewrite(spark, "_keys", |batch| {
                    vec![batch.slice(1, batch.num_rows() - 1)]
                })
            },
            "of no resource of _keys",
        ),
        (
            "a row twice",
            |spark| rewrite(spark, "eob", |batch| vec![batch.slice(0, 1), batch]),
            "eob has several rows of 1 resource",
        ),
        (
            "a key twice",
            |spark| rewrite(spark, "_keys", |batch| vec![batch.slice(0, 1), batch]),
            "the same _landing_order as another",
        ),
        (
            "rows of one claim under another's number",
            |spark| {
                rewrite(spark, "eob", |batch| {
                    let ids = batch.column_by_name("eob_id").unwrap();
                    let ids: Vec<_> = ids.as_string::<i32>().iter().collect();
                    let turned = ids.iter().cycle().skip(1).take(ids.len()).copied();
                    let turned: arrow_array::StringArray = turned.collect();
                    vec![replaced(&batch, "eob_id", |_| Arc::new(turned.clone()))]
                });
            },
            "with another id than their key",
        ),
        (
            "one hash for all",
            |spark| {
                rewrite(spark, "_keys", |batch| {
                    let all = |old: &ArrayRef| -> ArrayRef {
                        let same = (0..old.len()).map(|_| [7_u8; 16]);
                        Arc::new(FixedSizeBinaryArray::try_from_iter(same).unwrap())
                    };
                    vec![replaced(&batch, "_content_hash", all)]
                });
            },
            "the _content_hash of another resource",
        ),
        (
            "tombstones of what has rows",
            |spark| {
                rewrite(spark, "_keys", |batch| {
                    let none = |old: &ArrayRef| -> ArrayRef {
                        let zeros = (0..old.len()).map(|_| [0_u8; 16]);
                        Arc::new(FixedSizeBinaryArray::try_from_iter(zeros).unwrap())
                    };
                    vec![replaced(&batch, "_content_hash", none)]
                });
            },
            "of no resource of _keys that has rows",
        ),
    ];
    for (name, damage, words) in cases {
        let bench = Bench::new();
        damage(&staged(&bench));
        for more in [&[][..], &["--partial"]] {
            let ended = load(&bench, "theirs", more);
            assert_eq!(ended.exit, 1, "{name}: {}", ended.stderr);
            assert!(
                ended.error_line().contains(words),
                "{name}: {}",
                ended.stderr
            );
            assert!(!is_published(&bench, "theirs"), "{name}");
        }
    }
}

#[test]
fn hashes_are_those_of_landing_where_that_is_here() {
    let bench = Bench::new();
    let spark = staged(&bench);
    rewrite(&spark, "_keys", |batch| {
        vec![replaced(&batch, "_content_hash", other_hashes)]
    });
    let ended = load(&bench, "ours", &["--partial"]).exits(1);
    let words = "16 rows of _keys with a _content_hash that no line of landing has";
    ended.fails_with(words);
    // Another landing knows none of them.
    bench.write("one.ndjson", &a_patient("-1"));
    bench.done(&["--data", "other", "import", "--api", "v2", "one.ndjson"]);
    let ended = load(&bench, "other", &[]).exits(1);
    let words = "16 rows of _keys with an id that has not landed here";
    ended.fails_with(words);
    // Nothing has landed: there is nothing to compare with.
    assert_eq!(load(&bench, "theirs", &[]).exit, 0);
}

#[test]
fn a_folder_without_keys_is_refused_in_any_case() {
    let bench = Bench::new();
    let spark = staged(&bench);
    empty(&spark.join("_keys"));
    for more in [&[][..], &["--partial"]] {
        let ended = load(&bench, "theirs", more).exits(1);
        ended.fails_with("_keys");
    }
    fs::remove_dir_all(spark.join("_keys")).unwrap();
    assert_eq!(load(&bench, "theirs", &["--partial"]).exit, 1);
}
