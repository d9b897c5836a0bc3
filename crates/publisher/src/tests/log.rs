//! What is in a Delta log.

use std::path::Path;

use serde_json::{Value, json};

use super::scene::{Scene, actions, memory, newest_state, sums_of_newest, wait};

fn only<'a>(actions: &'a [Value], kind: &str) -> Vec<&'a Value> {
    actions
        .iter()
        .map(|action| &action[kind])
        .filter(|action| !action.is_null())
        .collect()
}

#[test]
fn the_first_commit_has_protocol_schema_and_files_with_statistics() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 105), ("AL", -250), ("T/X", 3_000)]);
    scene.publish(&store, "one").unwrap();
    let actions = actions(&store, "bills", 0);
    assert_eq!(
        only(&actions, "protocol"),
        [&json!({"minReaderVersion": 1, "minWriterVersion": 2})]
    );
    let metadata = only(&actions, "metaData")[0];
    assert_eq!(metadata["partitionColumns"], json!(["state"]));
    assert_eq!(metadata["description"], "Bills.");
    let schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    let field = |name: &str, kind: &str, metadata: Value| json!({"name": name, "type": kind, "nullable": true, "metadata": metadata});
    assert_eq!(
        schema["fields"],
        json!([
            field("id", "string", json!({})),
            field("day", "date", json!({})),
            field(
                "amount",
                "decimal(18,2)",
                json!({"comment": "What was billed."})
            ),
            field("state", "string", json!({})),
        ])
    );
    let transaction = only(&actions, "txn")[0];
    assert_eq!(transaction["version"], 1);
    let adds = only(&actions, "add");
    assert_eq!(adds.len(), 2);
    let of = |state: &str| {
        let found = adds
            .iter()
            .find(|add| add["partitionValues"]["state"] == state);
        *found.unwrap()
    };
    // The `%` of the folder's name is encoded once more in the log.
    assert!(
        of("T/X")["path"]
            .as_str()
            .unwrap()
            .starts_with("state=T%252FX/")
    );
    let stats: Value = serde_json::from_str(of("AL")["stats"].as_str().unwrap()).unwrap();
    assert_eq!(
        stats,
        json!({
            "numRecords": 2,
            "minValues": {"id": "p0", "day": "2022-01-08", "amount": "-2.50".parse::<serde_json::Number>().unwrap()},
            "maxValues": {"id": "p1", "day": "2022-01-08", "amount": "1.05".parse::<serde_json::Number>().unwrap()},
            "nullCount": {"id": 0, "day": 1, "amount": 0},
        })
    );
}

#[test]
fn removed_files_have_the_time_of_their_removal() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 1), ("TX", 2)]);
    scene.publish(&store, "one").unwrap();
    let before = newest_state(&store).unwrap();
    scene.load(&[("AL", 1), ("TX", 3)]);
    scene.publish(&store, "two").unwrap();
    let actions = actions(&store, "bills", 1);
    let removes = only(&actions, "remove");
    assert_eq!((removes.len(), only(&actions, "add").len()), (1, 1));
    assert!(only(&actions, "metaData").is_empty());
    // 2026-11-23T17:00:00Z.
    assert_eq!(removes[0]["deletionTimestamp"], 1_795_453_200_000_i64);
    let path = format!("bills/{}", removes[0]["path"].as_str().unwrap());
    let files = before.tables.iter().flat_map(|table| &table.files);
    assert!(files.into_iter().any(|file| file.path == path));
    assert_eq!(removes[0]["partitionValues"], json!({"state": "TX"}));
}

#[test]
fn every_tenth_version_has_a_checkpoint_that_a_reader_can_begin_from() {
    let scene = Scene::new();
    let store = scene.folder_store();
    for load in 0..11 {
        scene.load(&[("AL", 1), ("TX", load)]);
        scene.publish(&store, &format!("p{load}")).unwrap();
    }
    let last = wait(store.read("bills/_delta_log/_last_checkpoint"))
        .unwrap()
        .unwrap();
    let last: Value = serde_json::from_slice(&last).unwrap();
    assert_eq!(last, json!({"version": 10, "size": 5}));
    let path = "target/bills/_delta_log/00000000000000000010.checkpoint.parquet";
    let rows = checkpoint_rows(&scene.folder.path().join(path));
    assert_eq!(rows, 5);
    scene.load(&[("AL", 7), ("TX", 7)]);
    scene.publish(&store, "last").unwrap();
    assert_eq!(sums_of_newest(&store).unwrap()["totals"], 14);
}

fn checkpoint_rows(path: &Path) -> usize {
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    reader
        .unwrap()
        .build()
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum()
}
