//! One version of a table: the lines of `<version>.json`.

use claimlake_loader::partition_value;
use serde_json::{Map, Value, json};

use super::uri;
use crate::identity::LakeId;
use crate::state::{FileState, LocalSnapshot, TableState};

/// What every commit of a publish states about it.
#[derive(Debug, Clone)]
pub(crate) struct CommitInfo<'p> {
    pub(crate) lake: &'p LakeId,
    pub(crate) publication: &'p str,
    pub(crate) sequence: u64,
    pub(crate) local: &'p LocalSnapshot,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
}

/// The name under which this project writes, to tell its commits from those of others.
pub(crate) fn application(lake: &LakeId) -> String {
    format!("claimlake-{lake}")
}

/// A file that becomes part of a table, and its statistics.
pub(crate) type Added<'t> = (&'t FileState, String);

/// A file that is no part of a table any more: its path and size.
pub(crate) type Removed = (String, u64);

/// The lines of a commit.
pub(crate) fn lines(
    info: &CommitInfo<'_>,
    table: &TableState,
    schema: SchemaLines,
    removed: &[Removed],
    added: &[Added<'_>],
) -> String {
    let mut lines = vec![json!({ "commitInfo": {
        "timestamp": info.now,
        "operation": "WRITE",
        "operationParameters": {},
        "isBlindAppend": false,
        "engineInfo": concat!("claimlake/", env!("CARGO_PKG_VERSION")),
        "claimlakeSnapshot": info.local.snapshot,
        "claimlakePublication": info.publication,
    }})];
    if schema == SchemaLines::ProtocolToo {
        lines.push(json!({ "protocol": protocol() }));
    }
    if schema != SchemaLines::None {
        lines.push(json!({ "metaData": metadata(info.lake, table, info.now) }));
    }
    lines.push(json!({ "txn": transaction(info) }));
    for (path, bytes) in removed {
        lines.push(json!({ "remove": {
            "path": uri::encode(inside(table, path)),
            "deletionTimestamp": info.now,
            "dataChange": true,
            "extendedFileMetadata": true,
            "partitionValues": partition_values(&table.partition_columns, path),
            "size": bytes,
        }}));
    }
    for (file, stats) in added {
        lines.push(json!({ "add": {
            "path": uri::encode(inside(table, &file.path)),
            "partitionValues": partition_values(&table.partition_columns, &file.path),
            "size": file.bytes,
            "modificationTime": file.added,
            "dataChange": true,
            "stats": stats,
        }}));
    }
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}

/// Which lines about the table itself a commit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaLines {
    /// The first commit.
    ProtocolToo,
    /// The schema or the description changes.
    MetadataOnly,
    None,
}

pub(crate) fn protocol() -> Value {
    json!({ "minReaderVersion": 1, "minWriterVersion": 2 })
}

pub(crate) fn transaction(info: &CommitInfo<'_>) -> Value {
    json!({ "appId": application(info.lake), "version": info.sequence, "lastUpdated": info.now })
}

pub(crate) fn metadata(lake: &LakeId, table: &TableState, now: i64) -> Value {
    let mut metadata = json!({
        "id": table_id(lake, &table.name),
        "name": table.name,
        "format": { "provider": "parquet", "options": {} },
        "schemaString": table.schema.to_string(),
        "partitionColumns": table.partition_columns,
        "configuration": {},
        "createdTime": now,
    });
    if let (Some(text), Some(fields)) = (&table.description, metadata.as_object_mut()) {
        fields.insert("description".to_owned(), json!(text));
    }
    metadata
}

/// The id of a table, as a UUID that follows from the lake and the name.
fn table_id(lake: &LakeId, table: &str) -> String {
    let digits = claimlake_loader::sha256_hex(&format!("{lake}/{table}"));
    // Version 8 and the variant of RFC 9562: an id of this application's own making.
    format!(
        "{}-{}-8{}-8{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[13..16],
        &digits[17..20],
        &digits[20..32]
    )
}

/// A path relative to the table's folder.
pub(crate) fn inside<'p>(table: &TableState, path: &'p str) -> &'p str {
    let below = path.strip_prefix(table.name.as_str());
    below
        .and_then(|below| below.strip_prefix('/'))
        .unwrap_or(path)
}

/// The values of partition columns as texts, from the names of folders.
pub(crate) fn partition_values(columns: &[String], path: &str) -> Map<String, Value> {
    let value = |column: &String| partition_value(path, column).map_or(Value::Null, Value::String);
    columns
        .iter()
        .map(|column| (column.clone(), value(column)))
        .collect()
}
