//! The tables whose rows decide what is current, and the candidates that are staged for them.

use std::collections::HashMap;

use claimlake_contract::LANDING_ORDER_COLUMN;

use crate::error::{LoadError, Result};
use crate::merge::candidate::{candidate, columns_of};
use crate::merge::candidate_file::{CandidateSorter, Origin, StagedPlace};
use crate::merge::decision::{MergeDecision, RunDecisions, Take};
use crate::staged_run::{Checksums, StagedRun, landing_orders};
use crate::table::plan::TablePlan;
use claimlake_columnar::sort::buffered::plain_batch;

/// A table that decides, and what becomes of it and of the others that have its column.
pub(crate) struct RuledTable<'a> {
    pub(crate) plan: &'a TablePlan,
    /// Whether another table takes the rows of resources that the lake has as they are staged.
    other_is_made_anew: bool,
    /// Whether another table keeps rows of the snapshot before.
    pub(crate) other_is_kept: bool,
}

impl RuledTable<'_> {
    pub(crate) fn is_made_anew(&self) -> bool {
        self.plan.take == Take::All
    }

    /// Whether it must be known of a staged resource whether it is current.
    fn asks_for(&self, decision: &MergeDecision) -> bool {
        self.other_is_made_anew || self.plan.take.takes(decision)
    }
}

/// The tables that decide, by name.
pub(crate) fn ruled_tables(plans: &[TablePlan]) -> HashMap<&str, RuledTable<'_>> {
    let deciding = plans.iter().filter_map(|plan| {
        let rule = plan.deciding_rule()?;
        let others = || {
            let others = plans.iter().filter(|other| other.layout.name != rule.table);
            others.filter(|other| {
                let own = other.rule.as_ref();
                own.is_some_and(|own| own.table == rule.table)
            })
        };
        let ruled = RuledTable {
            plan,
            other_is_made_anew: others().any(|other| other.take == Take::All),
            other_is_kept: others().any(|other| other.before.is_some()),
        };
        Some((rule.table.as_str(), ruled))
    });
    deciding.collect()
}

/// Adds what is staged of a table to the candidates.
pub(crate) fn push_staged(
    ruled: &RuledTable<'_>,
    staged: &[StagedRun],
    decisions: &[RunDecisions],
    sorter: &mut CandidateSorter,
) -> Result<()> {
    let plan = ruled.plan;
    let Some(rule) = plan.deciding_rule() else {
        return Ok(());
    };
    let names = columns_of(rule);
    for (number, (run, decisions)) in staged.iter().zip(decisions).enumerate() {
        let Some(table) = run.table(&plan.layout.name) else {
            continue;
        };
        let Some(schema) = run.schema(table)? else {
            continue;
        };
        let is_read = |name: &String| names.contains(name.as_str()) || name == LANDING_ORDER_COLUMN;
        let projection: Vec<usize> = (0..schema.fields().len())
            .filter(|column| is_read(schema.field(*column).name()))
            .collect();
        let mut decisions = decisions.reader()?;
        let mut last = None;
        for batch in run.batches(table, Some(&projection), Checksums::Trust) {
            let batch = plain_batch(&batch?).map_err(LoadError::arrow("reading staged rows"))?;
            let Some(orders) = landing_orders(&batch) else {
                let reason = format!("table '{}' has no landing order", plan.layout.name);
                return Err(LoadError::staged(&run.folder, reason));
            };
            for (row, order) in orders.iter().copied().enumerate() {
                // A resource counts once, however many rows it has.
                if last == Some(order) {
                    continue;
                }
                last = Some(order);
                let Some(decision) = decisions
                    .find(order)?
                    .filter(|decision| ruled.asks_for(decision))
                else {
                    continue;
                };
                let candidate = candidate(rule, &plan.layout.partition_by, &batch, row, &decision)?;
                let origin = Origin::Staged(StagedPlace {
                    run: number,
                    decision: decision.number,
                    differs: decision.differs,
                });
                sorter.push(candidate, origin)?;
            }
        }
    }
    Ok(())
}
