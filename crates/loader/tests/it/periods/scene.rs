//! Staged runs of coverages with a table that is kept by year, and what a lake has of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use claimlake_contract::{
    ALL_PERIODS, KEYS_TABLE, LANDING_ORDER_COLUMN, NoProgress, ResourceType, STAGED_FORMAT,
    StagedManifest, StagedTable, TableLayout, key_columns, landing_order, period_id, period_order,
    period_type,
};
use claimlake_loader::{LoadError, LoadOutcome, load};
use sha2::{Digest, Sha256};

use crate::basic::request;
use crate::lake_rows::{of, rows};
use crate::staged_runs::{run_id, write};

pub(super) const TABLE: &str = "coverage_month";

/// What lands of a coverage.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) id: u8,
    /// Seconds since 1970.
    pub(super) updated: i64,
    pub(super) says: Says,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Says {
    /// Years with a row, and one row of no period if 0 is among them.
    Years(Vec<i32>),
    /// It makes no rows.
    Nothing,
    /// It is no longer at the server.
    Gone,
}

pub(super) fn body(id: u8, updated: i64, years: &[i32]) -> Body {
    let says = Says::Years(years.to_vec());
    Body { id, updated, says }
}

pub(super) fn without(id: u8, updated: i64, says: Says) -> Body {
    Body { id, updated, says }
}

#[derive(Default)]
struct Keys {
    orders: Vec<u64>,
    types: Vec<String>,
    ids: Vec<String>,
    updated: Vec<Option<i64>>,
    hashes: Vec<Vec<u8>>,
}

impl Keys {
    fn add(&mut self, order: u64, key_type: &str, id: String, body: &Body) {
        self.orders.push(order);
        self.types.push(key_type.to_owned());
        self.ids.push(id);
        let is_gone = body.says == Says::Gone;
        self.updated
            .push((!is_gone).then_some(body.updated * 1_000_000));
        self.hashes.push(match body.says {
            Says::Years(_) => Sha256::digest(format!("{body:?}"))[..16].to_vec(),
            Says::Nothing => key_columns::WITHDRAWN.to_vec(),
            Says::Gone => key_columns::GONE.to_vec(),
        });
    }
}

/// Rows of a table: landing order, id, year and time.
type Rows = Vec<(u64, u8, i32, i64)>;

fn table(rows: &Rows) -> RecordBatch {
    let ids: StringArray = rows.iter().map(|row| Some(format!("c{}", row.1))).collect();
    let apis: StringArray = rows.iter().map(|_| Some("v2")).collect();
    let years: Int32Array = rows
        .iter()
        .map(|row| (row.2 > 0).then_some(row.2))
        .collect();
    let times: StringArray = rows.iter().map(|row| Some(row.3.to_string())).collect();
    let orders: UInt64Array = rows.iter().map(|row| row.0).collect();
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("source_api", Arc::new(apis), true),
        ("id", Arc::new(ids), true),
        ("year", Arc::new(years), true),
        ("updated", Arc::new(times), true),
        (LANDING_ORDER_COLUMN, Arc::new(orders), false),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Stages bodies in landing order as run `number`, made by the view with this hash.
pub(super) fn stage(
    data: &Path,
    number: u32,
    bodies: &[Body],
    full: bool,
    view_hash: &str,
) -> PathBuf {
    let run = run_id(number);
    let folder = data.join("staged").join(format!("run={run}"));
    let of_month = period_type("Coverage", TABLE);
    let (mut keys, mut coverages, mut months) = (Keys::default(), Rows::new(), Rows::new());
    for (line, body) in (0..).zip(bodies) {
        let order = landing_order(0, line);
        let id = format!("c{}", body.id);
        keys.add(order, "Coverage", id.clone(), body);
        let Says::Years(years) = &body.says else {
            let order = period_order(order, 0).unwrap();
            keys.add(order, &of_month, period_id(&id, ALL_PERIODS), body);
            continue;
        };
        coverages.push((order, body.id, 0, body.updated));
        for (index, year) in (0..).zip(years) {
            let mut of_row = order;
            if *year > 0 {
                of_row = period_order(order, index).unwrap();
                keys.add(of_row, &of_month, period_id(&id, &year.to_string()), body);
            }
            months.push((of_row, body.id, *year, body.updated));
        }
    }
    let tables = [("coverage", &coverages), (TABLE, &months)];
    let tables = tables.map(|(name, rows)| StagedTable {
        layout: TableLayout {
            name: name.to_owned(),
            sort_by: vec!["id".to_owned(), "year".to_owned()],
            ..TableLayout::default()
        },
        resource: ResourceType::coverage(),
        view_hash: format!("{view_hash}-{name}"),
        files: vec![write(&folder, &format!("{name}/0.arrow"), &[table(rows)])],
    });
    let count = keys.orders.len();
    let text = |texts: Vec<String>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let hashes = FixedSizeBinaryArray::try_from_iter(keys.hashes.into_iter());
    let updated = TimestampMicrosecondArray::from(keys.updated).with_timezone("UTC");
    let orders: ArrayRef = Arc::new(UInt64Array::from(keys.orders));
    let columns = [
        (key_columns::LANDING_ORDER, orders),
        (key_columns::API, text(vec!["v2".to_owned(); count])),
        (key_columns::RESOURCE_TYPE, text(keys.types)),
        (key_columns::ID, text(keys.ids)),
        (key_columns::LAST_UPDATED, Arc::new(updated)),
        (key_columns::CONTENT_HASH, Arc::new(hashes.unwrap())),
        (key_columns::PATIENT, text(vec!["p1".to_owned(); count])),
    ];
    let keys = RecordBatch::try_from_iter(columns).unwrap();
    write(&folder, &format!("{KEYS_TABLE}/0.arrow"), &[keys]);
    let manifest = StagedManifest {
        format: STAGED_FORMAT,
        run,
        pipeline_hash: view_hash.to_owned(),
        rules: 0,
        landing_runs: Vec::new(),
        full,
        tables: tables.to_vec(),
        resources: bodies.len() as u64,
        without_view: 0,
        rejected_resources: 0,
        rejected_cells: 0,
        without_patient: 0,
        rounded_cells: 0,
    };
    let manifest = serde_json::to_vec(&manifest).unwrap();
    std::fs::write(folder.join("manifest.json"), manifest).unwrap();
    folder
}

pub(super) fn try_load(
    data: &Path,
    number: u32,
    bodies: &[Body],
    full: bool,
) -> Result<LoadOutcome, LoadError> {
    let staged = stage(data, number, bodies, full, "view");
    load(&request(&data.join("lake"), number, &[staged]), &NoProgress)
}

pub(super) fn loads(data: &Path, number: u32, bodies: &[Body]) -> LoadOutcome {
    try_load(data, number, bodies, false).unwrap()
}

/// The rows that are kept by period: id, year (or `-`) and time of the body.
pub(super) fn months(data: &Path) -> Vec<String> {
    let rows = rows(&data.join("lake"), TABLE);
    let of_row = |row: &BTreeMap<String, String>| {
        let year = row.get("year").map_or("-", String::as_str);
        format!("{} {year} {}", row["id"], row["updated"])
    };
    let mut rows: Vec<String> = rows.iter().map(of_row).collect();
    rows.sort();
    rows
}

pub(super) fn coverages(data: &Path) -> Vec<String> {
    let mut found = of(&rows(&data.join("lake"), "coverage"), &["id", "updated"]);
    found.sort();
    found
}

/// The rows of `changes`: id and kind.
pub(super) fn changes(data: &Path) -> Vec<String> {
    of(
        &rows(&data.join("lake"), "changes"),
        &["resource_id", "kind"],
    )
}
