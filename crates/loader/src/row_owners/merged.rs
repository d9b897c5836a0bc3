//! Merges the owners of several tables into one list of resources. If all tables have the resources
//! in the same order, each resource is in the list once.

use std::collections::{HashMap, VecDeque};

use crate::error::Result;
use crate::row_owners::runs::{Run, Runs};
use claimlake_columnar::GroupKey as ResourceKey;

/// How many owners of each table are read ahead. If a table lacks resources of another one, or has
/// them in another order, a resource may be in the list twice: the list is then longer, and still
/// correct.
const WINDOW: usize = 256;

/// Several tables that are being merged.
pub(crate) struct Merged<'a> {
    tables: Vec<Ahead<'a>>,
    /// For each resource, in how many entries of all windows it occurs.
    seen: HashMap<ResourceKey, u32>,
}

/// A table and the owners that were read ahead.
struct Ahead<'a> {
    runs: Runs<'a>,
    window: VecDeque<Run>,
}

impl<'a> Merged<'a> {
    /// `tables` must not have two consecutive entries with the same resource (see
    /// [`super::runs::Joined`]).
    pub(crate) fn new(tables: Vec<Runs<'a>>) -> Self {
        let ahead = |runs| Ahead {
            runs,
            window: VecDeque::with_capacity(WINDOW),
        };
        Self {
            tables: tables.into_iter().map(ahead).collect(),
            seen: HashMap::new(),
        }
    }

    /// The next resource; `rows` receives its number of rows in each table at this position, 0 if
    /// it has none. A resource that no other table has further back is preferred, so that its rows
    /// in all tables come together.
    pub(crate) fn next(&mut self, rows: &mut Vec<u32>) -> Result<Option<ResourceKey>> {
        self.fill()?;
        let heads = || self.tables.iter().filter_map(|table| table.window.front());
        let is_next = |resource: ResourceKey| {
            let first = heads().filter(|(head, _)| *head == resource).count();
            // No table has it later on, as far as can be seen.
            self.seen.get(&resource).copied().unwrap_or(0) as usize == first
        };
        let mut candidates = heads().map(|(resource, _)| *resource);
        let next = candidates.find(|resource| is_next(*resource));
        let Some(resource) = next.or_else(|| heads().map(|(resource, _)| *resource).next()) else {
            return Ok(None);
        };
        rows.clear();
        for table in &mut self.tables {
            match table.window.front() {
                Some((head, count)) if *head == resource => {
                    rows.push(*count);
                    table.window.pop_front();
                    if let Some(times) = self.seen.get_mut(&resource) {
                        *times -= 1;
                        if *times == 0 {
                            self.seen.remove(&resource);
                        }
                    }
                }
                _ => rows.push(0),
            }
        }
        Ok(Some(resource))
    }

    /// Reads ahead; most calls find the windows full enough and do nothing.
    fn fill(&mut self) -> Result<()> {
        for table in &mut self.tables {
            // Many at once: most of the time there is nothing to do.
            if table.window.len() > WINDOW / 2 {
                continue;
            }
            while table.window.len() < WINDOW
                && let Some(run) = table.runs.next()
            {
                let run = run?;
                *self.seen.entry(run.0).or_default() += 1;
                table.window.push_back(run);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> ResourceKey {
        ResourceKey::from_bytes(&number.to_be_bytes().repeat(4))
    }

    /// The list that tables make, and each table's runs as the list has them.
    fn merged(tables: &[Vec<(u32, u32)>]) -> (usize, Vec<Vec<(ResourceKey, u32)>>) {
        let runs = tables.iter().map(|table| -> Runs<'_> {
            Box::new(
                table
                    .iter()
                    .map(|(resource, rows)| Ok((key(*resource), *rows))),
            )
        });
        let mut merged = Merged::new(runs.collect());
        let (mut entries, mut rows) = (0, Vec::new());
        let mut found = vec![Vec::new(); tables.len()];
        while let Some(resource) = merged.next(&mut rows).unwrap() {
            entries += 1;
            for (table, rows) in found.iter_mut().zip(&rows) {
                if *rows > 0 {
                    table.push((resource, *rows));
                }
            }
        }
        (entries, found)
    }

    fn expected(tables: &[Vec<(u32, u32)>]) -> Vec<Vec<(ResourceKey, u32)>> {
        let of = |table: &Vec<(u32, u32)>| {
            let runs = table.iter().map(|(resource, rows)| (key(*resource), *rows));
            runs.collect()
        };
        tables.iter().map(of).collect()
    }

    #[test]
    fn tables_that_agree_in_their_order_name_each_resource_once_whatever_each_lacks() {
        let every = |step: u32, from: u32| -> Vec<(u32, u32)> {
            let numbers = (from..3_000).step_by(step as usize);
            numbers.map(|number| (number, step)).collect()
        };
        // No table has all of them, and one has none at all.
        let tables = [every(2, 0), every(3, 1), every(2, 1), vec![], every(900, 5)];
        let (entries, found) = merged(&tables);
        assert_eq!(found, expected(&tables));
        assert_eq!(entries, 3_000);
    }

    #[test]
    fn tables_in_other_orders_come_back_as_they_were() {
        let forwards: Vec<(u32, u32)> = (0..1_000).map(|number| (number, 1)).collect();
        let backwards: Vec<(u32, u32)> = forwards.iter().rev().copied().collect();
        // A resource whose rows lie in several places.
        let twice: Vec<(u32, u32)> = (0..1_000).map(|number| (number % 7, 3)).collect();
        for tables in [
            vec![forwards.clone(), backwards.clone()],
            vec![twice.clone(), forwards, backwards],
            vec![twice],
        ] {
            let (entries, found) = merged(&tables);
            assert_eq!(found, expected(&tables));
            assert!(entries <= tables.iter().map(Vec::len).sum());
        }
    }
}
