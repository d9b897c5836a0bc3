//! What the tables must hold, made again from landing, and the laws that hold within a claim.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use claimlake_contract::{LakeManifest, ResourceType, landing_order};
use claimlake_viewdef::engine::{ResourcePlan, ResourceWorker};
use rayon::prelude::*;
use serde_json::Value;

use crate::digest::TableDigest;
use crate::identify::{Job, for_each_line};
use crate::links::links_of;
use crate::money::LAWS;
use crate::{Check, Error, Grain};

/// The tables that a resource type's plan makes, as the lake has them.
#[derive(Debug)]
pub(crate) struct PlannedTable {
    pub(crate) name: String,
    /// The columns that are compared: those the views make and the files hold, in the lake's order.
    pub(crate) columns: Vec<String>,
    pub(crate) partition_by: Vec<String>,
    /// How many rows a resource must make, where its arrays alone decide that.
    pub(crate) grain: Option<Grain>,
}

/// A resource type with views.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Arc<ResourcePlan>,
    /// In the order of the plan's tables; none where the lake has no such table.
    pub(crate) tables: Vec<Option<PlannedTable>>,
}

impl Planned {
    pub(crate) fn new(
        plan: Arc<ResourcePlan>,
        grains: Vec<Option<Grain>>,
        manifest: &LakeManifest,
    ) -> Self {
        let tables = plan
            .tables()
            .iter()
            .zip(grains)
            .map(|(table, grain)| {
                let lake = manifest
                    .tables
                    .iter()
                    .find(|lake| lake.layout.name == table.name())?;
                let columns = lake
                    .columns
                    .iter()
                    .map(|(name, _)| name)
                    .filter(|name| table.schema().column_with_name(name).is_some())
                    .filter(|name| !lake.layout.partition_by.contains(name))
                    .cloned()
                    .collect();
                Some(PlannedTable {
                    name: table.name().to_owned(),
                    columns,
                    partition_by: lake.layout.partition_by.clone(),
                    grain,
                })
            })
            .collect();
        Self { plan, tables }
    }
}

/// What landing makes.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) tables: BTreeMap<String, TableDigest>,
    /// Rows by the arrays of the raw JSON, for the tables whose grain is known.
    pub(crate) counted: BTreeMap<String, u64>,
    pub(crate) links: Check,
    pub(crate) laws: Vec<Check>,
}

impl Expected {
    fn new() -> Self {
        Self {
            tables: BTreeMap::new(),
            counted: BTreeMap::new(),
            links: Check::hard(
                "claim_links",
                "sequence pointers and '#' references lead somewhere within their claim",
            ),
            laws: LAWS
                .iter()
                .map(|law| Check::warning(law.name, law.what))
                .collect(),
        }
    }

    fn merge(mut self, other: Self) -> Self {
        for (table, digest) in other.tables {
            self.tables.entry(table).or_default().add(digest);
        }
        for (table, rows) in other.counted {
            *self.counted.entry(table).or_default() += rows;
        }
        self.links.merge(other.links);
        for (law, found) in self.laws.iter_mut().zip(other.laws) {
            law.merge(found);
        }
        self
    }
}

/// Makes the rows of all chosen lines again.
pub(crate) fn expected(
    jobs: &[Job],
    chosen: &HashSet<u64>,
    planned: &HashMap<ResourceType, Planned>,
    advance: &(dyn Fn(u64) + Sync),
) -> Result<Expected, Error> {
    jobs.par_iter()
        .map(|job| {
            let made = match planned.get(&job.chunk.part.resource) {
                Some(planned) => of_chunk(job, chosen, planned),
                None => Ok(Expected::new()),
            };
            advance(job.chunk.uncompressed);
            made
        })
        .try_reduce(Expected::new, |one, other| Ok(one.merge(other)))
}

fn of_chunk(job: &Job, chosen: &HashSet<u64>, planned: &Planned) -> Result<Expected, Error> {
    let mut made = Expected::new();
    let part = &job.chunk.part;
    let mut worker =
        ResourceWorker::new(Arc::clone(&planned.plan), vec![part.api.to_string()], None);
    let is_claim = part.resource.as_str() == "ExplanationOfBenefit";
    for_each_line(job, |buffer, start, end, line| {
        let order = landing_order(job.part, u32::try_from(line).unwrap_or(u32::MAX));
        if !chosen.contains(&order) {
            return;
        }
        match worker.read(buffer, start, end, order) {
            Ok(read) if !read.dropped => {}
            _ => return,
        }
        let Some(text) = buffer.get(start..end) else {
            return;
        };
        let Ok(resource) = serde_json::from_slice::<Value>(text) else {
            return;
        };
        for table in planned.tables.iter().flatten() {
            if let Some(grain) = &table.grain {
                *made.counted.entry(table.name.clone()).or_default() += grain.rows(&resource);
            }
        }
        if is_claim {
            let place = || format!("{}, line {line}", part.relative);
            look_into_claim(&resource, &place, &mut made);
        }
    });
    let batches = worker.finish()?;
    for (table, batch) in planned.tables.iter().zip(batches) {
        if let (Some(table), Some(batch)) = (table, batch) {
            let digest = made.tables.entry(table.name.clone()).or_default();
            add(digest, table, &batch)?;
        }
    }
    Ok(made)
}

fn look_into_claim(claim: &Value, place: &dyn Fn() -> String, made: &mut Expected) {
    let links = links_of(claim);
    made.links.checked += links.checked - links.broken;
    for _ in 0..links.broken {
        let path = links.first_broken.unwrap_or_default();
        made.links
            .fail(|| format!("{}: a {path} leads nowhere", place()));
    }
    for (law, check) in LAWS.iter().zip(&mut made.laws) {
        if let Some(holds) = law.holds(claim) {
            check.expect(holds, place);
        }
    }
}

fn add(digest: &mut TableDigest, table: &PlannedTable, batch: &RecordBatch) -> Result<(), Error> {
    Ok(digest.add_unpartitioned(batch, &table.columns, &table.partition_by)?)
}
