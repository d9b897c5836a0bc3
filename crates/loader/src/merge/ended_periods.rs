//! Which periods of resources have ended: their resource is gone, or has a body that makes no rows.
//! Both are said by the key of all periods, which is written for such resources alone, so that those
//! of a load are in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use claimlake_contract::ALL_PERIODS;

use crate::error::Result;
use crate::merge::keys::{self, KeyRow};
use claimlake_columnar::GroupKey as ResourceKey;

/// A position in landing: staged run and landing order.
type Place = (String, u64);

/// The age of a body: `meta.lastUpdated`, then its position in landing.
type Age = (Option<i64>, Place);

/// What ends the periods of a resource.
#[derive(Debug, Default)]
struct Ends {
    /// Where the resource was last gone: bodies that landed before do not count.
    gone: Option<Place>,
    /// The newest body without rows that landed after that: older ones do not count.
    withdrawn: Option<Age>,
}

impl Ends {
    fn has_ended(&self, row: &KeyRow<'_>) -> bool {
        let gone = self.gone.as_ref();
        gone.is_some_and(|(run, order)| row.place() < (run.as_str(), *order))
            || self
                .withdrawn
                .as_ref()
                .is_some_and(|(time, (run, order))| row.age() < (*time, run.as_str(), *order))
    }
}

/// By key of all periods: what ends them.
#[derive(Debug, Default)]
pub(crate) struct EndedPeriods {
    /// What is staged.
    staged: HashMap<ResourceKey, Ends>,
    /// What is staged, or known to the lake.
    all: HashMap<ResourceKey, Ends>,
}

impl EndedPeriods {
    /// Whether a staged period does not count.
    pub(crate) fn leave_out(&self, row: &KeyRow<'_>) -> bool {
        has_ended(&self.all, row)
    }

    /// Whether a period of the lake ends with what is staged.
    pub(crate) fn end(&self, row: &KeyRow<'_>) -> bool {
        has_ended(&self.staged, row)
    }
}

fn has_ended(ends: &HashMap<ResourceKey, Ends>, row: &KeyRow<'_>) -> bool {
    if ends.is_empty() || !row.is_of_period() || is_of_all(row) {
        return false;
    }
    let ends = row.all_periods().and_then(|all| ends.get(&all));
    ends.is_some_and(|ends| ends.has_ended(row))
}

/// Whether the key is of all periods of a resource.
fn is_of_all(row: &KeyRow<'_>) -> bool {
    let period = row.period();
    period.is_some_and(|period| period.period == ALL_PERIODS)
}

/// Collects keys of all periods.
#[derive(Debug, Default)]
pub(super) struct EndedPeriodsBuilder {
    /// Whether any staged key is of a period.
    has_periods: bool,
    staged: HashMap<ResourceKey, Vec<End>>,
    lake: HashMap<ResourceKey, Vec<End>>,
}

/// One statement about all periods of a resource.
#[derive(Debug, Clone)]
struct End {
    is_gone: bool,
    age: Age,
}

impl EndedPeriodsBuilder {
    /// Adds a staged key, whatever it is of.
    pub(super) fn see_staged(&mut self, row: &KeyRow<'_>) {
        if row.is_of_period() {
            self.has_periods = true;
            see(&mut self.staged, row);
        }
    }

    /// Adds what the lake knows, from its key file.
    pub(super) fn see_lake(&mut self, file: &Path) -> Result<()> {
        // Without staged periods nothing is left out.
        if !self.has_periods {
            return Ok(());
        }
        for batch in keys::read(file)? {
            let batch = Arc::new(batch?);
            for row in 0..batch.num_rows() {
                let row = KeyRow { batch: &batch, row };
                if row.is_tombstone() && row.is_of_period() {
                    see(&mut self.lake, &row);
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> EndedPeriods {
        let mut all = self.lake;
        for (key, ends) in &self.staged {
            all.entry(*key).or_default().extend(ends.iter().cloned());
        }
        EndedPeriods {
            staged: self.staged.into_iter().map(with_ends).collect(),
            all: all.into_iter().map(with_ends).collect(),
        }
    }
}

fn see(ends: &mut HashMap<ResourceKey, Vec<End>>, row: &KeyRow<'_>) {
    if !is_of_all(row) {
        return;
    }
    let (run, order) = row.place();
    ends.entry(row.resource()).or_default().push(End {
        is_gone: row.is_gone(),
        age: (row.last_updated(), (run.to_owned(), order)),
    });
}

fn with_ends((key, ends): (ResourceKey, Vec<End>)) -> (ResourceKey, Ends) {
    let (gone, withdrawn): (Vec<End>, Vec<End>) = ends.into_iter().partition(|end| end.is_gone);
    let gone = gone.into_iter().map(|end| end.age.1).max();
    let is_after = |end: &End| gone.as_ref().is_none_or(|gone| end.age.1 > *gone);
    let withdrawn = withdrawn.into_iter().filter(is_after);
    let withdrawn = withdrawn.map(|end| end.age).max();
    (key, Ends { gone, withdrawn })
}
