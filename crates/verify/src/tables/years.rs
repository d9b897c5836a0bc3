//! Years in urls against the year that another row of the same resource has.

use std::collections::HashMap;

use super::cells::{Column, Keys};
use super::rules::YearRule;
use super::{TableRead, finished, place};
use crate::error::Error;
use crate::lake::Snapshot;
use crate::report::Check;

/// `None` if the lake has no such table.
pub(super) fn check(snapshot: &Snapshot, rule: &YearRule) -> Option<Check> {
    let columns = rule.of.iter().chain([&rule.url, &rule.year]);
    let read = TableRead::new(snapshot, &rule.table, columns)?;
    let empty = Check::warning(rule.name.clone(), rule.what.clone());
    Some(finished(empty.clone(), compared(&read, rule, &empty)))
}

fn compared(read: &TableRead<'_>, rule: &YearRule, empty: &Check) -> Result<Vec<Check>, Error> {
    let known = read.files(|years: &mut HashMap<u128, i32>, (batch, file, _)| {
        let table_place = (read.table, file);
        let urls = Column::new(batch, table_place, &rule.url);
        let values = Column::new(batch, table_place, &rule.year);
        let keys = Keys::new(batch, table_place, &rule.of);
        for row in 0..batch.num_rows() {
            if urls.text(row).as_deref() != Some(rule.year_url.as_str()) {
                continue;
            }
            if let Some(year) = values.text(row).as_deref().and_then(beginning) {
                years.insert(keys.hash(row), year);
            }
        }
    })?;
    let known: HashMap<u128, i32> = known.into_iter().flat_map(|(_, years)| years).collect();
    let found = read.files(|found: &mut Option<Check>, (batch, file, before)| {
        let table_place = (read.table, file);
        let urls = Column::new(batch, table_place, &rule.url);
        let keys = Keys::new(batch, table_place, &rule.of);
        for row in 0..batch.num_rows() {
            let Some(in_url) = urls.text(row).as_deref().and_then(of_url) else {
                continue;
            };
            if let Some(year) = known.get(&keys.hash(row)) {
                let check = found.get_or_insert_with(|| empty.clone());
                check.expect(*year == in_url, || place(file, before, row));
            }
        }
    })?;
    Ok(found.into_iter().filter_map(|(_, found)| found).collect())
}

/// The year of a url whose last part is a year and a month: `…/2025-1`.
fn of_url(url: &str) -> Option<i32> {
    let (_, last) = url.rsplit_once('/')?;
    let (year, month) = last.split_once('-')?;
    let is_month =
        matches!(month.len(), 1 | 2) && month.bytes().all(|digit| digit.is_ascii_digit());
    beginning(year).filter(|_| is_month && year.len() == 4)
}

fn beginning(text: &str) -> Option<i32> {
    let year = text.get(..4)?;
    let is_year = year.bytes().all(|digit| digit.is_ascii_digit());
    year.parse().ok().filter(|_| is_year)
}

#[cfg(test)]
mod tests {
    use super::of_url;

    #[test]
    fn the_year_of_a_url_is_before_a_month() {
        assert_eq!(of_url("x/ptdcntrct01/2025-1"), Some(2025));
        assert_eq!(of_url("x/ptdcntrct12/2025-12"), Some(2025));
        assert_eq!(of_url("x/ptdcntrct01/2025-N"), None);
        assert_eq!(of_url("x/buyin01"), None);
        assert_eq!(of_url("x/2025"), None);
    }
}
