//! What is changed together with its hashes: `verify` finds it by what the files say.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::files::{edit_manifest, names_below, only, seal, sum_of};
use crate::protected::{copied, failed, published, run};

/// Has the manifest say of a file what that is now, and the checksum of the manifest.
fn sign(snapshot: &Path, file: &str) {
    fn entry<'m>(value: &'m mut Value, file: &str) -> Option<&'m mut Value> {
        if value["path"] == file {
            return Some(value);
        }
        match value {
            Value::Array(values) => values.iter_mut().find_map(|value| entry(value, file)),
            Value::Object(members) => members.values_mut().find_map(|value| entry(value, file)),
            _ => None,
        }
    }
    edit_manifest(snapshot, |manifest| {
        let named = entry(manifest, file).unwrap();
        named["bytes"] = std::fs::metadata(snapshot.join(file)).unwrap().len().into();
        named["sha256"] = sum_of(snapshot, file)[..64].into();
    });
}

/// Writes the first file of a table anew, with a column changed in its first row, and signs it.
fn tamper(snapshot: &Path, table: &str, column: &str, change: fn(&dyn Array) -> ArrayRef) {
    let files = names_below(snapshot);
    let file = files.iter().find(|file| file.starts_with(table)).unwrap();
    let path = snapshot.join(file);
    let read = std::fs::File::open(&path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(read).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    let mut writer = ArrowWriter::try_new(
        std::fs::File::create(&path).unwrap(),
        Arc::clone(&schema),
        None,
    )
    .unwrap();
    for (number, batch) in batches.into_iter().enumerate() {
        let mut columns = batch.columns().to_vec();
        if number == 0 {
            let place = schema.index_of(column).unwrap();
            columns[place] = change(&columns[place]);
        }
        writer
            .write(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap())
            .unwrap();
    }
    writer.close().unwrap();
    sign(snapshot, file);
}

fn other_flag(column: &dyn Array) -> ArrayRef {
    let mut values: Vec<Option<bool>> = column.as_boolean().iter().collect();
    values[0] = Some(values[0] != Some(true));
    Arc::new(BooleanArray::from(values))
}

fn other_text(column: &dyn Array, text: &str) -> ArrayRef {
    let values = column.as_string::<i32>().iter().enumerate();
    let values = values.map(|(row, value)| if row == 0 { Some(text) } else { value });
    Arc::new(values.collect::<StringArray>())
}

fn one_more(column: &dyn Array) -> ArrayRef {
    let values = column.as_primitive::<arrow_array::types::Int64Type>();
    let mut values: Vec<Option<i64>> = values.iter().collect();
    values[0] = values[0].map(|value| value + 1);
    Arc::new(Int64Array::from(values))
}

fn below_zero(column: &dyn Array) -> ArrayRef {
    Arc::new(Int64Array::from(vec![-1; column.len()]))
}

/// Files that say something else and whose hashes say the same.
#[test]
fn what_is_changed_together_with_its_hashes_is_found_by_what_it_says() {
    type Change = fn(&Path);
    let changes: [(&str, &str, Change); 11] = [
        ("a current row", "is_current", |snapshot| {
            tamper(snapshot, "eob/", "is_current", other_flag);
        }),
        (
            "a current row beside the keys",
            "current_known",
            |snapshot| {
                tamper(snapshot, "eob/", "is_current", other_flag);
            },
        ),
        (
            "a current row of another table",
            "current_known",
            |snapshot| {
                tamper(snapshot, "claim_line/", "is_current", other_flag);
            },
        ),
        (
            "what the keys know of current rows",
            "current_known",
            |snapshot| {
                let file = "keys/current.arrow";
                let read = std::fs::File::open(snapshot.join(file)).unwrap();
                let reader = arrow_ipc::reader::FileReader::try_new(read, None).unwrap();
                let schema = reader.schema();
                let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
                let path = std::fs::File::create(snapshot.join(file)).unwrap();
                let mut writer = arrow_ipc::writer::FileWriter::try_new(path, &schema).unwrap();
                for batch in batches {
                    let mut columns = batch.columns().to_vec();
                    let last = columns.len() - 1;
                    columns[last] = other_flag(&columns[last]);
                    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
                    writer.write(&batch).unwrap();
                }
                writer.finish().unwrap();
                drop(writer);
                sign(snapshot, file);
            },
        ),
        ("a change that was none", "changes", |snapshot| {
            tamper(snapshot, "changes/", "kind", |column| {
                other_text(column, "vanished")
            });
        }),
        ("a change to another content", "changes", |snapshot| {
            tamper(snapshot, "changes/", "hash_after", |column| {
                other_text(column, "00112233445566778899aabbccddeeff")
            });
        }),
        ("a change of what is not there", "changes", |snapshot| {
            tamper(snapshot, "changes/", "resource_id", |column| {
                other_text(column, "carrier--999")
            });
        }),
        ("a state", "extract_status_table", |snapshot| {
            tamper(snapshot, "extract_status/", "state", |column| {
                other_text(column, "failed")
            });
        }),
        ("what is held", "extract_status_table", |snapshot| {
            tamper(snapshot, "extract_status/", "held", one_more);
        }),
        ("what landed", "extract_status_table", |snapshot| {
            tamper(snapshot, "extract_status/", "landed", one_more);
        }),
        ("less than nothing", "extract_status_table", |snapshot| {
            tamper(snapshot, "extract_status/", "served", below_zero);
        }),
    ];
    let bench = published();
    let whole = run(&bench, "d", &["verify"]);
    assert_eq!(whole.exit, 0, "{}", failed(&whole).1);
    for (number, (what, check, change)) in changes.into_iter().enumerate() {
        let name = format!("d{number}");
        change(&copied(&bench, &name));
        let verified = run(&bench, &name, &["verify"]);
        let (names, places) = failed(&verified);
        assert_eq!(verified.exit, 1, "{what}");
        assert!(names.contains(&check.to_owned()), "{what}: {names:?}");
        assert!(
            !names.contains(&"lake_files".to_owned()),
            "{what}: {places}"
        );
        assert!(!places.contains("carrier--"), "{what}: {places}");
    }
}

#[test]
fn a_state_on_record_that_is_not_that_of_its_run_in_landing_is_found() {
    let bench = published();
    copied(&bench, "e");
    let landing = bench.path().join("e/landing/api=v2/resource=Coverage");
    let run_folder = only(&landing);
    let path = run_folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.replacen("\"complete\"", "\"incomplete\"", 1);
    assert_ne!(text, other);
    std::fs::write(&path, other).unwrap();
    seal(&run_folder);
    let verified = run(&bench, "e", &["verify"]);
    let (names, places) = failed(&verified);
    assert!(
        names.contains(&"extract_status".to_owned()),
        "{names:?}: {places}"
    );
    assert!(
        places.contains("whose manifest in landing says otherwise"),
        "{places}"
    );
}
