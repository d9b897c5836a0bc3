//! Which rows of older bodies stay when a newer body speaks of another year.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, UInt32Type};
use arrow_array::{RecordBatch, StringArray};
use arrow_schema::ArrowError;
use serde::{Deserialize, Serialize};

use super::month::Month;
use super::rows::missing;

/// Keeps the rows of a table by year: a newer body of a resource replaces the rows of the years of
/// which it has rows, and those of other years stay. Nothing is changed in the rows; who stores them
/// asks for their years.
///
/// The reason is a source that sends one year at a time under one id, such as the reference year of
/// v2's coverages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// A DATE column, whose year is that of the row. A row without a date is not kept by year.
    pub year_of: String,
    /// Text columns with values: rows that have another value in one of them are not kept by year.
    #[serde(default)]
    pub only: BTreeMap<String, Vec<String>>,
}

impl Keep {
    /// The year by which each row is kept; `None` where a newer body replaces the row in any case.
    ///
    /// # Errors
    /// A column is missing or has another type.
    pub fn years(&self, batch: &RecordBatch) -> Result<Vec<Option<i32>>, ArrowError> {
        let days = batch
            .column_by_name(&self.year_of)
            .and_then(|days| days.as_primitive_opt::<Date32Type>())
            .ok_or_else(|| missing(&self.year_of, "DATE"))?;
        let year = |day: Option<i32>| Some(Month::of_day(day?)?.year());
        let mut years: Vec<Option<i32>> = days.iter().map(year).collect();
        for (name, values) in &self.only {
            let texts = batch
                .column_by_name(name)
                .and_then(|texts| texts.as_dictionary_opt::<UInt32Type>())
                .and_then(|texts| texts.downcast_dict::<StringArray>())
                .ok_or_else(|| missing(name, "text"))?;
            for (year, text) in years.iter_mut().zip(texts) {
                if !text.is_some_and(|text| values.iter().any(|value| value == text)) {
                    *year = None;
                }
            }
        }
        Ok(years)
    }

    /// Whether no row with this value in a column is kept by year.
    #[must_use]
    pub fn leaves_out(&self, column: &str, value: &str) -> bool {
        let values = self.only.get(column);
        values.is_some_and(|values| values.iter().all(|other| other != value))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Date32Array};

    use super::super::tests::{batch, texts};
    use super::*;

    fn keep(only: &[(&str, &str)]) -> Keep {
        let only = only
            .iter()
            .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]));
        Keep {
            year_of: "month".to_owned(),
            only: only.collect(),
        }
    }

    #[test]
    fn a_row_is_of_the_year_of_its_date_where_it_has_the_values() {
        // 2023-12-01, 2024-01-01, none, 1969-12-01.
        let days = Date32Array::from(vec![Some(19_692), Some(19_723), None, Some(-31)]);
        let apis = texts(&[Some("v2"), Some("v3"), Some("v2"), Some("v2")]);
        let kinds = texts(&[Some("a"), Some("a"), Some("a"), None]);
        let days: ArrayRef = Arc::new(days);
        let rows = batch(
            &[1, 2, 3, 4],
            vec![("api", apis), ("kind", kinds), ("month", days)],
        );
        let years = |only: &[(&str, &str)]| keep(only).years(&rows).unwrap();
        let all = [Some(2023), Some(2024), None, Some(1969)];
        assert_eq!(years(&[]), all);
        assert_eq!(years(&[("api", "v2")]), [all[0], None, None, all[3]]);
        let both = years(&[("api", "v2"), ("kind", "a")]);
        assert_eq!(both, [all[0], None, None, None]);
        assert!(keep(&[("absent", "v2")]).years(&rows).is_err());
        assert!(keep(&[("month", "v2")]).years(&rows).is_err());
    }

    #[test]
    fn a_value_that_is_not_listed_leaves_rows_out() {
        let only_v2 = keep(&[("api", "v2")]);
        assert!(only_v2.leaves_out("api", "v3") && !only_v2.leaves_out("api", "v2"));
        assert!(!only_v2.leaves_out("kind", "v3") && !keep(&[]).leaves_out("api", "v3"));
    }
}
