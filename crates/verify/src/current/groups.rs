//! Claims with several versions, and what the rule decides for each version among the others.

use rayon::prelude::*;

use super::grouped_row::GroupedRow;
use super::row::{OrderKey, Row, RowStatus, Rows};
use crate::buckets::{BUCKETS, Buckets, Reader};
use crate::error::Error;
use crate::findings::Findings;
use crate::report::Check;

/// A file, and a row of it.
type Place = (u32, u64);

/// What was found, by the places of rows.
#[derive(Default)]
struct Found {
    decided: Findings<Place>,
    several: Findings<Place>,
    /// By the places of both rows.
    types: Findings<(Place, Place)>,
}

/// Compares rows with the rule; counts claims with several current versions, and pairs of two types.
/// The rows are read once; those that may have other versions wait until all are known.
pub(super) fn check(rows: &Rows<'_>, checks: [&mut Check; 3]) -> Result<(), Error> {
    let waiting = Buckets::new(rows.scratch());
    let path = |file: u32| {
        let file = rows.table.files.get(file as usize);
        file.map_or("", |file| file.path.as_str())
    };
    let place = |(file, line): Place| format!("{}, row {line}", path(file));
    let mut found = rows.visit(|found: &mut Found, at, row| match row.group {
        Some(group) => waiting.push(group, &GroupedRow { group, at, row }.record()),
        None => found
            .decided
            .expect(at, row.current == alone(&row), || place(at)),
    })?;
    let grouped: Result<Vec<Found>, Error> = (0..BUCKETS)
        .into_par_iter()
        .map(|number| {
            let mut found = Found::default();
            for versions in versions(&waiting.read(number)?).chunk_by(|a, b| a.group == b.group) {
                found.compare(versions, &place);
            }
            Ok(found)
        })
        .collect();
    found.extend(grouped?);
    let mut all = Found::default();
    for found in found {
        all.decided.merge(found.decided);
        all.several.merge(found.several);
        all.types.merge(found.types);
    }
    let [decided, several, types] = checks;
    decided.merge(all.decided.check(decided.clone_empty()));
    several.merge(all.several.check(several.clone_empty()));
    types.merge(all.types.check(types.clone_empty()));
    Ok(())
}

/// The rows of a bucket, those of a claim together in the order of the table.
fn versions(bytes: &[u8]) -> Vec<GroupedRow> {
    let mut reader = Reader::new(bytes);
    let mut rows: Vec<_> = std::iter::from_fn(|| GroupedRow::read(&mut reader)).collect();
    rows.sort_unstable_by_key(|row| (row.group, row.at));
    rows
}

impl Found {
    /// Compares the versions of one claim.
    fn compare(&mut self, versions: &[GroupedRow], place: &impl Fn(Place) -> String) {
        if let [GroupedRow { at, row, .. }] = versions {
            let expected = alone(row);
            return self
                .decided
                .expect(*at, row.current == expected, || place(*at));
        }
        let mut group = Group::default();
        versions
            .iter()
            .for_each(|version| group.add(version.at, &version.row));
        for GroupedRow { at, row, .. } in versions {
            let expected = group.expects(row);
            self.decided
                .expect(*at, row.current == expected, || place(*at));
            let has_status = !matches!(row.status, RowStatus::Unknown | RowStatus::NotCurrent);
            if has_status && group.displaces(row) {
                for (other, claim_type) in &group.finals {
                    let both = || format!("{} and {}", place(*at), place(*other));
                    let is_same = *claim_type == row.claim_type;
                    self.types.expect((*at, *other), is_same, both);
                }
            }
        }
        let first = group.first.unwrap_or_default();
        self.several.expect(first, group.current <= 1, || {
            format!("{}: {} versions are current", place(first), group.current)
        });
    }
}

#[derive(Default)]
struct Group {
    is_stated: bool,
    /// Final rows and their types.
    finals: Vec<(Place, Option<String>)>,
    /// The newest of the rows that give way to a final one, and of the others.
    newest_preliminary: Vec<OrderKey>,
    newest: Vec<OrderKey>,
    current: u64,
    /// The place of the first of them.
    first: Option<Place>,
}

impl Group {
    fn add(&mut self, at: Place, row: &Row) {
        self.is_stated |= row.is_stated;
        if row.current == Some(true) {
            self.current += 1;
            self.first.get_or_insert(at);
        }
        let newest = match row.is_preliminary && !row.is_final {
            true => &mut self.newest_preliminary,
            false => &mut self.newest,
        };
        if row.order > *newest {
            newest.clone_from(&row.order);
        }
        if row.is_final {
            self.finals.push((at, row.claim_type.clone()));
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
