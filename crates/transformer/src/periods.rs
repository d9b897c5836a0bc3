//! Keys and landing orders of rows that are kept by period: `[derive.<table>.keep]`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::ArrowError;
use claimlake_contract::{
    ALL_PERIODS, ApiVersion, LANDING_ORDER_COLUMN, LAST_PERIOD, period_id, period_order,
    period_type,
};
use claimlake_viewdef::derive::Keep;

use crate::TransformError;
use crate::keys::{Key, KeyBuilder};
use crate::plan::{PlannedResource, SOURCE_API};

/// A table whose rows are kept by period.
#[derive(Debug, Clone)]
struct KeptTable {
    /// Its position in the resource's plan.
    position: usize,
    name: String,
    /// The type of its keys.
    key_type: String,
    keep: Keep,
}

/// The tables of one resource type of one API whose rows are kept by period.
#[derive(Debug, Clone)]
pub(crate) struct KeptTables(Vec<KeptTable>);

impl KeptTables {
    pub(crate) fn of(planned: &PlannedResource, api: ApiVersion) -> Self {
        let tables = planned.tables.iter().enumerate();
        let kept = tables.filter_map(|(position, table)| {
            let keep = table.keep.clone()?;
            let name = table.layout.name.clone();
            (!keep.leaves_out(SOURCE_API, api.as_str())).then(|| KeptTable {
                position,
                key_type: period_type(planned.resource.as_str(), &name),
                name,
                keep,
            })
        });
        Self(kept.collect())
    }

    /// Ends all periods of older bodies: the resource of `key` makes no rows, or is gone.
    pub(crate) fn end_periods(
        &self,
        keys: &mut KeyBuilder,
        key: &Key<'_>,
    ) -> Result<(), TransformError> {
        for table in &self.0 {
            keys.push(Key {
                order: order_of(key.order, 0)?,
                resource: &table.key_type,
                id: &period_id(key.id, ALL_PERIODS),
                ..*key
            });
        }
        Ok(())
    }
}

/// A body whose rows wait in the builders.
#[derive(Debug)]
struct Body {
    order: u64,
    api: ApiVersion,
    id: String,
    last_updated: Option<i64>,
    content: [u8; 16],
    patient: Option<String>,
}

/// Makes the keys of periods from rows.
#[derive(Debug)]
pub(crate) struct PeriodKeys {
    pub(crate) tables: KeptTables,
    /// In landing order.
    bodies: Vec<Body>,
}

impl PeriodKeys {
    pub(crate) fn new(tables: KeptTables) -> Self {
        Self {
            tables,
            bodies: Vec::new(),
        }
    }

    /// Takes note of a body that may have rows.
    pub(crate) fn note(&mut self, key: &Key<'_>) {
        if self.tables.0.is_empty() {
            return;
        }
        self.bodies.push(Body {
            order: key.order,
            api: key.api,
            id: key.id.to_owned(),
            last_updated: key.last_updated,
            content: key.content,
            patient: key.patient.map(str::to_owned),
        });
    }

    /// The rows of a table with the landing orders of their periods, whose keys are added to `keys`.
    pub(crate) fn with_orders(
        &self,
        table: usize,
        batch: RecordBatch,
        keys: &mut KeyBuilder,
    ) -> Result<RecordBatch, TransformError> {
        let Some(table) = self.tables.0.iter().find(|kept| kept.position == table) else {
            return Ok(batch);
        };
        let failed = || TransformError::arrow(&table.name);
        let years = table.keep.years(&batch).map_err(failed())?;
        let (position, bodies) = orders(&batch).map_err(failed())?;
        let mut orders: Vec<u64> = Vec::with_capacity(bodies.len());
        for rows in bodies.chunk_by(|one, next| one == next) {
            let start = orders.len();
            let years = years.get(start..start + rows.len()).unwrap_or_default();
            let body = rows.first().and_then(|order| {
                let found = self.bodies.binary_search_by_key(order, |body| body.order);
                found.ok().and_then(|found| self.bodies.get(found))
            });
            let Some(body) = body else {
                orders.extend(rows);
                continue;
            };
            let by_year = add_keys(body, &table.key_type, years, keys)?;
            let order = |year: &Option<i32>| year.and_then(|year| by_year.get(&year).copied());
            orders.extend(years.iter().map(|year| order(year).unwrap_or(body.order)));
        }
        let mut columns = batch.columns().to_vec();
        if let Some(column) = columns.get_mut(position) {
            *column = Arc::new(UInt64Array::from(orders)) as ArrayRef;
        }
        RecordBatch::try_new(batch.schema(), columns).map_err(failed())
    }

    /// The rows of all bodies are made.
    pub(crate) fn clear(&mut self) {
        self.bodies.clear();
    }
}

/// Adds a key for each year of a body; returns their landing orders.
fn add_keys(
    body: &Body,
    key_type: &str,
    years: &[Option<i32>],
    keys: &mut KeyBuilder,
) -> Result<HashMap<i32, u64>, TransformError> {
    let years: BTreeSet<i32> = years.iter().copied().flatten().collect();
    let mut orders = HashMap::with_capacity(years.len());
    let mut last = None;
    for (index, year) in years.into_iter().enumerate() {
        let order = order_of(body.order, u8::try_from(index).unwrap_or(LAST_PERIOD))?;
        orders.insert(year, order);
        if last.replace(order) == Some(order) {
            continue;
        }
        keys.push(Key {
            order,
            api: body.api,
            resource: key_type,
            id: &period_id(&body.id, &year.to_string()),
            last_updated: body.last_updated,
            content: body.content,
            patient: body.patient.as_deref(),
        });
    }
    Ok(orders)
}

/// The landing order of a period.
fn order_of(body: u64, index: u8) -> Result<u64, TransformError> {
    period_order(body, index).ok_or(TransformError::TooMany {
        what: "the number of landed parts",
    })
}

/// The position of the column of landing orders, and its values.
fn orders(batch: &RecordBatch) -> Result<(usize, &[u64]), ArrowError> {
    let schema = batch.schema();
    let position = schema.index_of(LANDING_ORDER_COLUMN)?;
    let orders = batch.column(position).as_primitive_opt::<UInt64Type>();
    let orders = orders
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {LANDING_ORDER_COLUMN}")))?;
    Ok((position, orders.values()))
}
