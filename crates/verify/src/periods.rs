//! Rows that are kept by period (`[derive.<table>.keep]`): which bodies' rows the lake must hold of
//! each period of a resource. A body that does not count as a whole may count for a period of which no
//! newer body speaks.

use std::collections::{BTreeSet, HashMap};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_schema::ArrowError;
use claimlake_contract::{
    ApiVersion, LANDING_ORDER_COLUMN, LAST_PERIOD, ResourceType, period_order,
};
use claimlake_viewdef::derive::Keep;

use crate::landed::{Landed, ResourceKey};
use crate::orders::Orders;
use crate::planned::Planned;
use crate::rank::{Content, Rank};

/// The constant column that says which API a row came from.
const SOURCE_API: &str = "source_api";

/// A table whose rows are kept by period.
#[derive(Debug)]
struct KeptTable {
    position: usize,
    name: String,
    keep: Keep,
}

/// A body whose rows wait in the builders.
#[derive(Debug)]
pub(crate) struct WaitingBody {
    pub(crate) id: String,
    pub(crate) rank: Rank,
    pub(crate) content: Content,
    /// Whether a newer body is known, so that only its periods can count.
    pub(crate) is_superseded: bool,
}

/// The tables of one type of one API that are kept by period, and the bodies that were read for them.
#[derive(Debug)]
pub(crate) struct Periods {
    api: ApiVersion,
    resource: ResourceType,
    tables: Vec<KeptTable>,
    /// By landing order.
    bodies: HashMap<u64, WaitingBody>,
}

/// Which rows of those that wait are looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WantedRows<'w> {
    /// Those that count, as far as is known.
    Counting(&'w Landed),
    /// Those of these landing orders, of bodies and periods.
    Of(&'w Orders),
}

impl Periods {
    pub(crate) fn of(planned: Option<&Planned>, resource: &ResourceType, api: ApiVersion) -> Self {
        let tables = planned.map_or(&[][..], |planned| &planned.tables);
        let kept = tables.iter().enumerate().filter_map(|(position, table)| {
            let table = table.as_ref()?;
            let keep = table.keep.as_ref()?;
            (!keep.leaves_out(SOURCE_API, api.as_str())).then(|| KeptTable {
                position,
                name: table.name.clone(),
                keep: keep.clone(),
            })
        });
        Self {
            api,
            resource: resource.clone(),
            tables: kept.collect(),
            bodies: HashMap::new(),
        }
    }

    /// Whether no table is kept by period.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Takes note of a body whose rows will be in the builders.
    pub(crate) fn wait(&mut self, order: u64, body: WaitingBody) {
        if !self.is_empty() {
            self.bodies.insert(order, body);
        }
    }

    /// Takes note of a body without rows: periods of older bodies do not count.
    pub(crate) fn end(&self, landed: &Landed, id: &str, rank: Rank) {
        for table in &self.tables {
            let all = ResourceKey::of_periods(self.api, &self.resource, &table.name, id);
            if let Some(order) = period_order(rank.order, 0) {
                landed.end_periods(all, rank.at(order));
            }
        }
    }

    /// Which rows of a table count, `None` if all do.
    pub(crate) fn selected(
        &self,
        table: usize,
        batch: &RecordBatch,
        wanted: WantedRows<'_>,
    ) -> Result<Option<Vec<bool>>, ArrowError> {
        if self.is_empty() {
            return Ok(None);
        }
        let table = self.tables.iter().find(|kept| kept.position == table);
        let years = match table {
            Some(table) => table.keep.years(batch)?,
            None => vec![None; batch.num_rows()],
        };
        let orders = batch
            .column_by_name(LANDING_ORDER_COLUMN)
            .and_then(|orders| orders.as_primitive_opt::<UInt64Type>())
            .ok_or_else(|| ArrowError::SchemaError(format!("no column {LANDING_ORDER_COLUMN}")))?;
        let mut selected = Vec::with_capacity(years.len());
        for rows in orders.values().chunk_by(|one, next| one == next) {
            let order = rows.first().copied().unwrap_or_default();
            let start = selected.len();
            let years = years.get(start..start + rows.len()).unwrap_or_default();
            let body = self.bodies.get(&order);
            let counts = match wanted {
                WantedRows::Counting(_) => body.is_none_or(|body| !body.is_superseded),
                WantedRows::Of(orders) => orders.contains(order),
            };
            let mut by_year = HashMap::new();
            for (year, period) in orders_of(order, years)? {
                let counts = match (wanted, body, table) {
                    (WantedRows::Of(orders), ..) => orders.contains(period),
                    (WantedRows::Counting(landed), Some(body), Some(table)) => {
                        // Of the years that are one period together, the first names it.
                        let of_period = by_year.values().find(|(known, _)| *known == period);
                        match of_period {
                            Some((_, counts)) => *counts,
                            None => self.add(landed, table, body, (year, period)),
                        }
                    }
                    _ => counts,
                };
                by_year.insert(year, (period, counts));
            }
            selected.extend(years.iter().map(|year| {
                let of_year = year.and_then(|year| by_year.get(&year));
                of_year.map_or(counts, |(_, counts)| *counts)
            }));
        }
        Ok(Some(selected))
    }

    /// Adds a period of a body; returns whether it may count.
    fn add(
        &self,
        landed: &Landed,
        table: &KeptTable,
        body: &WaitingBody,
        (year, order): (i32, u64),
    ) -> bool {
        let all = ResourceKey::of_periods(self.api, &self.resource, &table.name, &body.id);
        let key = all.of_period(year);
        let rank = body.rank.at(order);
        if landed.is_superseded(key, rank, body.content) {
            return false;
        }
        landed.add_period((key, all), rank, body.content);
        true
    }

    /// The rows of all bodies were taken.
    pub(crate) fn clear(&mut self) {
        self.bodies.clear();
    }
}

/// The years of a body's rows, each with the landing order of its period.
fn orders_of(body: u64, years: &[Option<i32>]) -> Result<Vec<(i32, u64)>, ArrowError> {
    let years: BTreeSet<i32> = years.iter().copied().flatten().collect();
    let with_order = |(index, year): (usize, i32)| {
        let index = u8::try_from(index).unwrap_or(LAST_PERIOD);
        let order = period_order(body, index);
        let order = order.ok_or_else(|| ArrowError::ComputeError("too many parts".into()));
        Ok((year, order?))
    };
    years.into_iter().enumerate().map(with_order).collect()
}
