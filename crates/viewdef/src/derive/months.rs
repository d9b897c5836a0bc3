//! One row for each month of a coverage, from codes by month (v2) or from a period (v3).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{BooleanArray, Date32Array, UInt64Array};
use arrow_schema::ArrowError;
use serde::{Deserialize, Serialize};

use super::month::Month;
use super::rows::{Columns, choices, texts};

/// Makes one row for each month of a resource. The view has a row for each extension (or one row if
/// there is none): its URL ends with a month (`…/buyin07`, `…/ptdcntrct07/2025-7`), and its code is the
/// value for that month. A resource of `spans` has no such codes; its months are those of its period.
///
/// A month is a month of enrolment if its code means enrolment and it lies neither before the period
/// nor after the day in `as_of`. An open period ends with that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Months {
    /// The column of urls; left out of the table.
    pub url: String,
    /// The column of codes; left out of the table.
    pub code: String,
    /// The column with the year of the months whose URLs name none: a text that begins with the year;
    /// left out of the table.
    pub reference_year: String,
    /// The first day of the period; left out of the table.
    pub from: String,
    /// The last day of the period; left out of the table.
    pub to: String,
    /// Years that stand for "no end": a period that ends in one is open, and a day `as_of` in one is
    /// unknown.
    #[serde(default)]
    pub open_years: Vec<i32>,
    /// The column with the day for which the source's statements hold.
    pub as_of: String,
    /// Resources with one of these values in one of these columns have a span.
    pub spans: BTreeMap<String, Vec<String>>,
    /// A resource for which all of these columns are null makes no rows.
    pub needs: Vec<String>,
    /// The column with the kind of coverage, such as a Part.
    pub part: String,
    /// The series of codes, each with its column. If the view has a column of that name too, its value
    /// remains for months without a code.
    pub series: Vec<Series>,
    /// By part: which codes are enrolment.
    pub enrolled: BTreeMap<String, Enrolled>,
}

/// Codes by month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The URL up to the month.
    pub url: String,
    /// The column of the codes.
    pub column: String,
    /// Whether URLs of the series may name a year, which then applies to all URLs of the series.
    #[serde(default)]
    pub names_its_year: bool,
    /// The number of characters to which codes are filled with leading zeros.
    #[serde(default)]
    pub pad: usize,
}

/// Which codes of a column are enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {
    /// The column.
    pub column: String,
    /// These codes.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Codes that begin with one of these.
    #[serde(default)]
    pub beginnings: Vec<String>,
    /// All codes but these.
    #[serde(default)]
    pub other_than: Vec<String>,
}

impl Enrolled {
    /// Whether a code means enrolment, by any of the three conditions.
    fn is_met(&self, code: &str) -> bool {
        let among = |codes: &[String]| codes.iter().any(|known| known == code);
        among(&self.codes)
            || self
                .beginnings
                .iter()
                .any(|known| code.starts_with(known.as_str()))
            || !self.other_than.is_empty() && !among(&self.other_than)
    }
}

/// A row that will be written.
struct Row {
    /// The row of the view from which its other columns are taken.
    like: usize,
    month: Month,
    is_enrolled: Option<bool>,
    reason: Option<u32>,
    source: u32,
    /// The codes of the month, in the order of the series.
    codes: Vec<Option<String>>,
}

/// The columns that are added beside those of codes.
pub(super) const ADDED: [&str; 4] = ["month", "is_enrolled", "reason", "source"];

/// Why a month is not one of enrolment although its code says so.
const REASONS: [&str; 2] = ["before_entitlement", "after_as_of"];
/// Where the statement about a month comes from.
const SOURCES: [&str; 3] = ["months", "period", "current"];

impl Months {
    pub(super) fn apply(&self, columns: &mut Columns) -> Result<(), ArrowError> {
        let rows = self.rows(columns)?;
        let like: UInt64Array = rows.iter().map(|row| row.like as u64).collect();
        columns.take(&like)?;
        let names: Vec<&String> = self.series.iter().map(|series| &series.column).collect();
        for (position, name) in names.iter().enumerate() {
            if names[..position].contains(name) {
                continue;
            }
            // Two series may share a column: a coverage has codes of only one of them.
            let of: Vec<usize> = (0..names.len())
                .filter(|other| names[*other] == *name)
                .collect();
            let code = |row: &Row| of.iter().find_map(|series| row.codes[*series].clone());
            let before = columns.text_values(name);
            let codes = rows.iter().enumerate().map(|(at, row)| {
                code(row).or_else(|| before.as_ref().and_then(|before| before[at].clone()))
            });
            let codes = texts(codes);
            match before {
                Some(_) => columns.replace(name, codes),
                None => columns.insert_before(&self.as_of, name, codes)?,
            }
        }
        let months: Date32Array = rows.iter().map(|row| Some(row.month.first_day())).collect();
        let is_enrolled: BooleanArray = rows.iter().map(|row| row.is_enrolled).collect();
        columns.insert_before(&self.part, "month", Arc::new(months))?;
        let reasons = choices(&REASONS, rows.iter().map(|row| row.reason))?;
        columns.insert_behind(&self.part, "reason", reasons)?;
        columns.insert_behind(&self.part, "is_enrolled", Arc::new(is_enrolled))?;
        let sources = choices(&SOURCES, rows.iter().map(|row| Some(row.source)))?;
        columns.insert_before(&self.as_of, "source", sources)?;
        let days = columns.days(&self.as_of)?;
        let as_of = days.iter().map(|day| {
            day.filter(|day| !Month::of_day(*day).is_some_and(|month| self.is_open(month)))
        });
        columns.replace(&self.as_of, Arc::new(as_of.collect::<Date32Array>()));
        for gone in [
            &self.url,
            &self.code,
            &self.reference_year,
            &self.from,
            &self.to,
        ] {
            columns.remove(gone);
        }
        Ok(())
    }

    /// Whether a month means that nothing is known.
    fn is_open(&self, month: Month) -> bool {
        self.open_years.contains(&month.year())
    }

    fn rows(&self, columns: &Columns) -> Result<Vec<Row>, ArrowError> {
        let urls = columns.text_rows(&self.url)?;
        let codes = columns.text_rows(&self.code)?;
        let parts = columns.text_rows(&self.part)?;
        let years = columns.text_rows(&self.reference_year)?;
        let spans = self
            .spans
            .iter()
            .map(|(name, values)| Ok((columns.text_rows(name)?, values)));
        let spans = spans.collect::<Result<Vec<_>, ArrowError>>()?;
        let needs = self.needs.iter().map(|name| columns.text_rows(name));
        let needs = needs.collect::<Result<Vec<_>, ArrowError>>()?;
        let [from, to, as_of] =
            [&self.from, &self.to, &self.as_of].map(|name| columns.months(name));
        let (from, to, as_of) = (from?, to?, as_of?);
        let mut made = Vec::new();
        for rows in &columns.resources {
            let first = rows.start;
            let part = parts[first].as_deref();
            if needs.iter().all(|texts| texts[first].is_none()) {
                continue;
            }
            let within = |month: Month| {
                if from[first].is_some_and(|from| month < from) {
                    return Some(0);
                }
                as_of[first].is_some_and(|as_of| month > as_of).then_some(1)
            };
            let has_span = spans.iter().any(|(texts, values)| {
                texts[first]
                    .as_ref()
                    .is_some_and(|text| values.contains(text))
            });
            if has_span {
                let to = to[first].filter(|end| !self.is_open(*end));
                let known = as_of[first].filter(|day| !self.is_open(*day));
                let end = match (to, known) {
                    (Some(to), Some(known)) => Some(to.min(known)),
                    (to, known) => to.or(known),
                };
                let (Some(start), Some(end)) = (from[first], end) else {
                    continue;
                };
                let source = if to.is_some() { 1 } else { 2 };
                made.extend(start.up_to(end).map(|month| Row {
                    like: first,
                    month,
                    is_enrolled: part.map(|_| true),
                    reason: None,
                    source,
                    codes: vec![None; self.series.len()],
                }));
                continue;
            }
            let year = years[first]
                .as_deref()
                .and_then(|year| year.get(..4)?.parse().ok());
            let sent = rows
                .clone()
                .filter_map(|row| Some((urls[row].as_deref()?, codes[row].as_deref())));
            for (month, codes) in self.by_month(sent, year) {
                let enrolled = part.and_then(|part| self.enrolled.get(part));
                let says = enrolled.map(|enrolled| {
                    let series = self.series.iter().zip(&codes);
                    let mut codes = series.filter(|(series, _)| series.column == enrolled.column);
                    codes
                        .find_map(|(_, code)| code.as_deref())
                        .is_some_and(|code| enrolled.is_met(code))
                });
                let reason = within(month);
                made.push(Row {
                    like: first,
                    month,
                    is_enrolled: says.map(|says| says && reason.is_none()),
                    reason,
                    source: 0,
                    codes,
                });
            }
        }
        Ok(made)
    }

    /// The codes of each month that one is sent for, by series.
    fn by_month<'c>(
        &self,
        sent: impl Iterator<Item = (&'c str, Option<&'c str>)>,
        reference_year: Option<i32>,
    ) -> BTreeMap<Month, Vec<Option<String>>> {
        let sent: Vec<_> = sent
            .filter_map(|(url, code)| {
                let found = self.series.iter().enumerate().find_map(|(at, series)| {
                    let month = url.strip_prefix(series.url.as_str())?;
                    Some((at, MonthOfUrl::parse(month)?))
                });
                found.map(|(at, month)| (at, month, code))
            })
            .collect();
        let mut named = sent.iter().filter_map(|(_, month, _)| month.year);
        let first = named.next();
        let only = first.filter(|first| named.all(|other| other == *first));
        let mut months: BTreeMap<Month, Vec<Option<String>>> = BTreeMap::new();
        for (at, of_url, code) in sent {
            let Some(series) = self.series.get(at) else {
                continue;
            };
            let plain = match series.names_its_year {
                true => only.or(reference_year),
                false => reference_year,
            };
            let month = of_url
                .year
                .or(plain)
                .and_then(|year| Month::new(year, of_url.month));
            let Some(month) = month else { continue };
            let codes = months
                .entry(month)
                .or_insert_with(|| vec![None; self.series.len()]);
            let code = code.map(str::trim).filter(|code| !code.is_empty());
            if let Some(place) = codes.get_mut(at)
                && place.is_none()
            {
                *place = code.map(|code| format!("{code:0>width$}", width = series.pad));
            }
        }
        months
    }
}

/// The end of a url: `07`, or `07/2025-7`.
struct MonthOfUrl {
    month: u32,
    year: Option<i32>,
}

impl MonthOfUrl {
    fn parse(end: &str) -> Option<Self> {
        let (number, dated) = match end.split_once('/') {
            Some((number, dated)) => (number, Some(dated)),
            None => (end, None),
        };
        let is_month = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        let month = number.parse().ok().filter(|_| is_month)?;
        let Some(dated) = dated else {
            return Some(Self { month, year: None });
        };
        let (year, month) = dated.split_once('-')?;
        Some(Self {
            month: month.parse().ok()?,
            year: Some(year.parse().ok().filter(|_| year.len() == 4)?),
        })
    }
}

#[cfg(test)]
mod tests;
