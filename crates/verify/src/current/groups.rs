//! Claims with several versions, and what the rule decides for each version among the others.

use std::collections::{HashMap, HashSet};

use super::row::{OrderKey, Row, RowStatus, Rows};
use crate::error::Error;
use crate::report::Check;

/// Claims with several versions; the others need no memory.
pub(super) struct Groups {
    groups: HashMap<u128, Group>,
}

#[derive(Default)]
struct Group {
    is_stated: bool,
    /// Final rows: file, row and type.
    finals: Vec<(u32, u64, Option<String>)>,
    /// The newest of the rows that give way to a final one, and of the others.
    newest_preliminary: Vec<OrderKey>,
    newest: Vec<OrderKey>,
    current: u64,
    /// The place of the first of them.
    first: Option<(u32, u64)>,
}

impl Groups {
    pub(super) fn of(rows: &Rows<'_>) -> Result<Self, Error> {
        let mut all = Vec::new();
        rows.visit(|_, _, row| {
            all.extend(row.group);
            Ok(())
        })?;
        all.sort_unstable();
        let several: HashSet<u128> = all
            .chunk_by(|one, next| one == next)
            .filter(|same| same.len() > 1)
            .filter_map(|same| same.first().copied())
            .collect();
        drop(all);
        let mut groups: HashMap<u128, Group> = HashMap::new();
        rows.visit(|file, line, row| {
            if let Some(group) = row.group.filter(|group| several.contains(group)) {
                groups.entry(group).or_default().add(file, line, row);
            }
            Ok(())
        })?;
        Ok(Self { groups })
    }

    /// Compares rows with the rule; counts claims with several current versions, and pairs of two
    /// types.
    pub(super) fn check(self, rows: &Rows<'_>, checks: [&mut Check; 3]) -> Result<(), Error> {
        let [decided, several, types] = checks;
        let path = |file: u32| {
            let file = rows.table.files.get(file as usize);
            file.map_or("", |file| file.path.as_str())
        };
        rows.visit(|file, line, row| {
            let group = row.group.and_then(|group| self.groups.get(&group));
            let place = || format!("{}, row {line}", path(file));
            let expected = match group {
                Some(group) => group.expects(&row),
                None => alone(&row),
            };
            decided.expect(row.current == expected, place);
            let Some(group) = group.filter(|group| group.displaces(&row)) else {
                return Ok(());
            };
            if matches!(row.status, RowStatus::Unknown | RowStatus::NotCurrent) {
                return Ok(());
            }
            for (other_file, other_line, claim_type) in &group.finals {
                types.expect(*claim_type == row.claim_type, || {
                    format!("{} and {}, row {other_line}", place(), path(*other_file))
                });
            }
            Ok(())
        })?;
        let mut found: Vec<&Group> = self.groups.values().collect();
        found.sort_by_key(|group| group.first);
        for group in found {
            several.expect(group.current <= 1, || match group.first {
                Some((file, line)) => format!(
                    "{}, row {line}: {} versions are current",
                    path(file),
                    group.current
                ),
                None => String::new(),
            });
        }
        Ok(())
    }
}

impl Group {
    fn add(&mut self, file: u32, line: u64, row: Row) {
        self.is_stated |= row.is_stated;
        if row.current == Some(true) {
            self.current += 1;
            self.first.get_or_insert((file, line));
        }
        let newest = match row.is_preliminary && !row.is_final {
            true => &mut self.newest_preliminary,
            false => &mut self.newest,
        };
        if row.order > *newest {
            *newest = row.order;
        }
        if row.is_final {
            self.finals.push((file, line, row.claim_type));
        }
    }

    /// Whether the row is not current because a final one exists.
    fn displaces(&self, row: &Row) -> bool {
        row.is_preliminary && !row.is_final && !self.finals.is_empty()
    }

    /// The right value of `is_current` for a row, considering the other versions.
    fn expects(&self, row: &Row) -> Option<bool> {
        let newest = match self.finals.is_empty() {
            true => (&self.newest).max(&self.newest_preliminary),
            false => &self.newest,
        };
        match row.status {
            RowStatus::Unknown => None,
            RowStatus::NotCurrent => Some(false),
            _ if self.displaces(row) => Some(false),
            RowStatus::Current => Some(true),
            RowStatus::CurrentIfNewest => Some(!self.is_stated && row.order == *newest),
        }
    }
}

/// What `is_current` must be of a row without other versions.
fn alone(row: &Row) -> Option<bool> {
    match row.status {
        RowStatus::Unknown => None,
        RowStatus::NotCurrent => Some(false),
        RowStatus::Current => Some(true),
        // A statement of its own would have decided.
        RowStatus::CurrentIfNewest => Some(true),
    }
}
