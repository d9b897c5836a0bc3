//! What the tables must hold, made again from landing, and what was found within claims.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use claimlake_contract::{ApiVersion, ReferenceRecord, ResourceType, Unresolved};
use claimlake_landing::SealedPart;

use crate::digest::{BatchDigester, TableDigest};
use crate::error::Error;
use crate::findings::Findings;
use crate::landed::{Landed, ResourceKey};
use crate::money::MoneyRules;
use crate::orders::Orders;
use crate::owners::Owners;
use crate::planned::Planned;
use crate::report::Check;

/// The rows that one thread, or all of them, made from the resources of one type.
#[derive(Debug)]
pub(crate) struct Made {
    /// In the order of the plan's tables.
    tables: Vec<MadeTable>,
    pub(crate) links: Findings,
    pub(crate) repeats: Findings,
    /// By the position of the invariant among the pipeline's.
    pub(crate) invariants: Vec<Findings>,
    without_patient: Findings,
    owners: Owners,
}

#[derive(Debug, Default)]
struct MadeTable {
    digester: BatchDigester,
    /// Rows by the arrays of the raw JSON.
    counted: u64,
}

impl Made {
    pub(crate) fn new(planned: &Planned) -> Self {
        Self {
            tables: planned
                .tables
                .iter()
                .map(|_| MadeTable::default())
                .collect(),
            links: Findings::default(),
            repeats: Findings::default(),
            invariants: planned
                .within_claim
                .as_ref()
                .map_or(Vec::new(), |(_, money)| {
                    vec![Findings::default(); money.len()]
                }),
            without_patient: Findings::default(),
            owners: Owners::default(),
        }
    }

    /// Counts rows of a table by the arrays of a resource.
    pub(crate) fn count(&mut self, table: usize, rows: u64) {
        if let Some(table) = self.tables.get_mut(table) {
            table.counted += rows;
        }
    }

    /// Notes the patient of the claim or coverage at a line of a part, by its place in landing.
    pub(crate) fn note_owner(
        &mut self,
        (part, line, order): (&SealedPart, u64, u64),
        patient: Option<&str>,
        references: &[ReferenceRecord],
    ) {
        let place = || format!("{}, line {line}", part.relative);
        if let Some(patient) = patient {
            let key = ResourceKey::new(part.api, &ResourceType::patient(), patient);
            self.owners.add(key, part.api, place);
            return;
        }
        self.without_patient.add(order, 1, 1, || {
            let why = references.iter().find_map(|record| record.unresolved);
            let why = why.unwrap_or(Unresolved::NoReference);
            format!("{}: its patient is not known ({})", place(), why.as_str())
        });
    }

    /// Adds the rows that the views have made, of each table those that are `selected`.
    pub(crate) fn add_batches(
        &mut self,
        planned: &Planned,
        batches: Vec<Option<RecordBatch>>,
        mut selected: impl FnMut(usize, &RecordBatch) -> Result<Option<Vec<bool>>, ArrowError>,
    ) -> Result<(), ArrowError> {
        let tables = self.tables.iter_mut().zip(&planned.tables).zip(batches);
        for (position, ((made, table), batch)) in tables.enumerate() {
            if let (Some(table), Some(batch)) = (table, batch) {
                let selected = selected(position, &batch)?;
                let (columns, partition_by) = (&table.columns, &table.partition_by);
                made.digester
                    .add(&batch, columns, partition_by, selected.as_deref())?;
            }
        }
        Ok(())
    }
}

/// What landing makes of all tables.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) tables: BTreeMap<String, TableDigest>,
    /// Rows by the arrays of the raw JSON, by table.
    pub(crate) counted: BTreeMap<String, u64>,
    links: Findings,
    repeats: Findings,
    invariants: Vec<Findings>,
    without_patient: Findings,
    owners: Owners,
}

impl Expected {
    /// Adds what a thread made.
    pub(crate) fn add(
        &mut self,
        made: HashMap<ResourceType, Made>,
        planned: &HashMap<ResourceType, Planned>,
    ) {
        for (resource, made) in made {
            let tables = planned.get(&resource).map(|planned| planned.tables.iter());
            for (made, table) in made.tables.into_iter().zip(tables.into_iter().flatten()) {
                let Some(table) = table else { continue };
                let digest = self.tables.entry(table.name.clone()).or_default();
                digest.add(made.digester.end());
                *self.counted.entry(table.name.clone()).or_default() += made.counted;
            }
            self.links.merge(made.links);
            self.without_patient.merge(made.without_patient);
            self.owners.merge(made.owners);
            self.repeats.merge(made.repeats);
            if self.invariants.len() < made.invariants.len() {
                let all = made.invariants.len();
                self.invariants.resize_with(all, Findings::default);
            }
            for (invariant, found) in self.invariants.iter_mut().zip(made.invariants) {
                invariant.merge(found);
            }
        }
    }

    /// Subtracts what was made from bodies that do not count after all.
    pub(crate) fn remove(&mut self, superseded: Expected, orders: &Orders) {
        for (table, digest) in superseded.tables {
            self.tables.entry(table).or_default().remove(digest);
        }
        for (table, rows) in superseded.counted {
            let counted = self.counted.entry(table).or_default();
            *counted = counted.saturating_sub(rows);
        }
        self.links.remove(&superseded.links, orders);
        self.without_patient
            .remove(&superseded.without_patient, orders);
        self.owners.remove(&superseded.owners);
        self.repeats.remove(&superseded.repeats, orders);
        for (invariant, found) in self.invariants.iter_mut().zip(&superseded.invariants) {
            invariant.remove(found, orders);
        }
    }

    /// The check of the patients that claims and coverages name.
    pub(crate) fn owners(
        &mut self,
        landed: &Landed,
        with_patients: &[ApiVersion],
    ) -> Result<Check, Error> {
        let owners = std::mem::take(&mut self.owners);
        owners.check(
            std::mem::take(&mut self.without_patient),
            landed,
            with_patients,
        )
    }

    /// The checks of links and of the pipeline's invariants. Both read only landed bodies, so what
    /// is wrong was sent like that: a warning. The tables are compared by other checks.
    pub(crate) fn within_claims(&mut self, money: &MoneyRules) -> Vec<Check> {
        let links = std::mem::take(&mut self.links).check(Check::warning(
            "claim_links",
            "sequence pointers and '#' references lead somewhere within their claim; where not, the source sent it so",
        ));
        let repeats = std::mem::take(&mut self.repeats).check(Check::warning(
            "claim_sequences",
            "no two elements of one array have the same sequence; where two do, the source sent it so",
        ));
        let mut found = std::mem::take(&mut self.invariants).into_iter();
        let invariants = money.invariants.iter().map(|invariant| {
            let empty = Check::warning(invariant.name.clone(), invariant.what.clone());
            found.next().unwrap_or_default().check(empty)
        });
        [links, repeats].into_iter().chain(invariants).collect()
    }
}
