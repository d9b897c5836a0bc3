//! Who reaches 90 in a year that the copy covers (164.514(b)(2)(i)(C)): their years of birth, death and
//! the beginning of their coverage go, in all rows.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;

use crate::error::Result;
use crate::policy::Policy;
use crate::reading::Snapshot;
use crate::year::years;

/// From this age on, years that show it go.
const OLDEST: i32 = 90;

/// A year from here on is a mark for "open", not a year that is covered.
const OPEN: i32 = 2_099;

/// What is known of the age of each patient.
pub(crate) struct Ages {
    /// The last year that the copy covers.
    last_year: i32,
    /// The earliest year of birth, by `<api>/<id>`.
    births: HashMap<String, i32>,
}

/// Whether a patient reaches 90.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// Never, in what the copy covers.
    Under90,
    /// In one of its years, or before: an age of 89 on one day may be 90 on the next.
    Reaches90,
    /// Without a date of birth, nobody can say.
    Unknown,
}

impl Ages {
    /// Reads the dates of birth and the years covered. What is covered ends in the year that the
    /// snapshot was published in, or later where claims are of later years.
    pub(crate) fn read(snapshot: &Snapshot, policy: &Policy) -> Result<Self> {
        let rules = &policy.patients;
        let published = snapshot.manifest.published_at.get(..4);
        let mut last_year = published.and_then(|year| year.parse().ok()).unwrap_or(0);
        for name in policy.table.keys() {
            let Some(table) = snapshot.table(name) else {
                continue;
            };
            let mut columns = table.columns.iter().chain(&table.partition_columns);
            if !columns.any(|(column, _)| *column == rules.covered_year) {
                continue;
            }
            snapshot.read(table, &[&rules.covered_year], |batch| {
                let found = years(batch.column(0));
                let found = found.iter().flatten().flatten();
                last_year = found.filter(|year| *year < OPEN).fold(last_year, i32::max);
                Ok(())
            })?;
        }
        let mut births: HashMap<String, i32> = HashMap::new();
        if let Some(table) = snapshot.table(&rules.table) {
            let columns = [&*rules.api, &*rules.patient, &*rules.birth];
            snapshot.read(table, &columns, |batch| {
                let Some(years) = years(batch.column(2)) else {
                    return Ok(());
                };
                for (patient, year) in patients(batch).into_iter().zip(&years) {
                    if let (Some(patient), Some(year)) = (patient, year) {
                        let earliest = births.entry(patient).or_insert(year);
                        *earliest = year.min(*earliest);
                    }
                }
                Ok(())
            })?;
        }
        Ok(Self { last_year, births })
    }

    /// How many patients of the table of patients reach 90, or may.
    pub(crate) fn not_under_90(&self, snapshot: &Snapshot, policy: &Policy) -> Result<u64> {
        let rules = &policy.patients;
        let mut found = std::collections::HashSet::new();
        if let Some(table) = snapshot.table(&rules.table) {
            snapshot.read(table, &[&rules.api, &rules.patient], |batch| {
                let all = patients(batch).into_iter();
                found.extend(all.filter(|patient| self.of(patient.as_deref()) != Age::Under90));
                Ok(())
            })?;
        }
        Ok(found.len() as u64)
    }

    /// The age of a patient, named `<api>/<id>`. A death before 90 does not count: where its date is
    /// wrong, the year of birth would show the age.
    pub(crate) fn of(&self, patient: Option<&str>) -> Age {
        match patient.and_then(|patient| self.births.get(patient)) {
            None => Age::Unknown,
            Some(birth) if self.last_year - birth >= OLDEST => Age::Reaches90,
            Some(_) => Age::Under90,
        }
    }
}

/// The patients of rows, named `<api>/<id>`; the API version and the id are the first two columns.
pub(crate) fn patients(batch: &RecordBatch) -> Vec<Option<String>> {
    let (Some(apis), Some(ids)) = (
        batch.column(0).as_string_opt::<i32>(),
        batch.column(1).as_string_opt::<i32>(),
    ) else {
        return vec![None; batch.num_rows()];
    };
    let name = |(api, id): (Option<&str>, Option<&str>)| Some(format!("{}/{}", api?, id?));
    apis.iter().zip(ids).map(name).collect()
}

/// Values of a column of years where the patient is under 90.
pub(crate) fn under_90(values: &arrow_array::Int32Array, ages: &[Age]) -> arrow_array::Int32Array {
    let pairs = values.iter().zip(ages);
    let kept = pairs.map(|(value, age)| value.filter(|_| *age == Age::Under90));
    kept.collect::<arrow_array::PrimitiveArray<Int32Type>>()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Age, Ages};

    #[test]
    fn whoever_turns_90_in_the_last_year_reaches_90_whatever_the_day() {
        let births = [("a", 1936), ("b", 1937), ("c", 1900), ("d", 2030)];
        let births = births.map(|(patient, year)| (patient.to_owned(), year));
        let ages = Ages {
            last_year: 2026,
            births: HashMap::from(births),
        };
        // Of 1936: 89 until the birthday in 2026, 90 from then on. Of 1937: 89 at the end of 2026.
        for (patient, age) in [
            (Some("a"), Age::Reaches90),
            (Some("b"), Age::Under90),
            (Some("c"), Age::Reaches90),
            (Some("d"), Age::Under90),
            (Some("unknown"), Age::Unknown),
            (None, Age::Unknown),
        ] {
            assert_eq!(ages.of(patient), age, "{patient:?}");
        }
    }
}
