//! Claims by API version, kind and month: how many, of how many people, what Medicare paid.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type};
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::DataType;
use chrono::{Datelike, NaiveDate, TimeDelta};
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::partition_value;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::pipeline::ReportColumns;

/// The greatest number that is masked.
pub(crate) const FEW: usize = 10;

/// Decimal digits after the point of [`Cell::paid_cents`].
const CENTS: i8 = 2;

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month {
    /// The year.
    pub(crate) year: i32,
    /// The month in it, from 1.
    pub(crate) month: u32,
}

/// What all claims add up to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    /// By API version, then by kind of claim. The versions' people and claims are never added up:
    /// the same person and the same claim have other ids in the other version.
    pub(crate) kinds: BTreeMap<(String, String), ClaimsOfType>,
    /// Distinct patients with claims, by API version.
    pub(crate) people: BTreeMap<String, HashSet<u64>>,
    /// Versions of claims that are superseded or cancelled; in no other number here.
    pub(crate) not_current: u64,
}

/// Claims of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClaimsOfType {
    /// Distinct people who have one.
    pub(crate) people: HashSet<u64>,
    /// Its claims as a total.
    pub(crate) total: Cell,
    /// The same by the month of the first day of service.
    pub(crate) months: BTreeMap<Month, Cell>,
    /// Those without a day.
    pub(crate) undated: Cell,
}

/// A number of claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// How many.
    pub(crate) claims: u64,
    /// How many of them say what was paid. A Part D event never does.
    pub(crate) with_payment: u64,
    /// What Medicare paid for those, in cents.
    paid_cents: i128,
    /// Some of the people behind them, as hashes: all where they are few, else one more than few.
    people: Vec<u64>,
}

impl Cell {
    /// Distinct people behind the claims; where they are more than few, one more than few.
    pub(crate) fn people_at_least(&self) -> usize {
        self.people.len()
    }

    /// What Medicare paid, in cents, as far as claims say so; none where none does.
    pub(crate) fn paid_cents(&self) -> Option<i128> {
        (self.with_payment > 0).then_some(self.paid_cents)
    }

    /// A cell as tests need it.
    #[cfg(test)]
    pub(super) fn of(claims: u64, paid_cents: i128, people: u64) -> Self {
        let mut cell = Self {
            claims,
            with_payment: claims,
            paid_cents,
            people: Vec::new(),
        };
        (0..people).for_each(|person| cell.see(person));
        cell
    }

    /// Adds the claims of another cell.
    pub(crate) fn add(&mut self, other: &Cell) {
        self.claims += other.claims;
        self.with_payment += other.with_payment;
        self.paid_cents += other.paid_cents;
        other.people.iter().for_each(|person| self.see(*person));
    }

    fn see(&mut self, person: u64) {
        if self.people.len() <= FEW && !self.people.contains(&person) {
            self.people.push(person);
        }
    }

    fn count(&mut self, person: u64, paid: Option<i128>) {
        self.claims += 1;
        self.with_payment += u64::from(paid.is_some());
        self.paid_cents += paid.unwrap_or(0);
        self.see(person);
    }
}

impl ClaimsOfType {
    /// The cells of total years.
    pub(crate) fn years(&self) -> BTreeMap<Month, Cell> {
        let mut years: BTreeMap<Month, Cell> = BTreeMap::new();
        for (month, cell) in &self.months {
            let year = Month {
                year: month.year,
                month: 1,
            };
            years.entry(year).or_default().add(cell);
        }
        years
    }

    fn merge(&mut self, other: ClaimsOfType) {
        self.people.extend(other.people);
        self.total.add(&other.total);
        self.undated.add(&other.undated);
        for (month, cell) in other.months {
            self.months.entry(month).or_default().add(&cell);
        }
    }
}

impl Claims {
    fn merge(&mut self, other: Claims) {
        self.not_current += other.not_current;
        for (api, people) in other.people {
            self.people.entry(api).or_default().extend(people);
        }
        for (kind, claims) in other.kinds {
            self.kinds.entry(kind).or_default().merge(claims);
        }
    }
}

/// Adds up one table; files that cannot be read are named in `unreadable`.
pub(super) fn of_table(
    snapshot: &Path,
    table: &LakeTable,
    columns: &ReportColumns,
    unreadable: &mut Vec<String>,
) -> Claims {
    let found: Vec<Result<Claims, String>> = table
        .files
        .par_iter()
        .map(|file| {
            of_file(snapshot, file, columns).map_err(|error| format!("{}: {error}", file.path))
        })
        .collect();
    let mut claims = Claims::default();
    for one in found {
        match one {
            Ok(one) => claims.merge(one),
            Err(why) => unreadable.push(why),
        }
    }
    claims
}

fn of_file(
    snapshot: &Path,
    file: &LakeFile,
    columns: &ReportColumns,
) -> Result<Claims, Box<dyn std::error::Error + Send + Sync>> {
    let opened = File::open(snapshot.join(&file.path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(opened)?;
    let wanted = [
        &columns.api,
        &columns.patient,
        &columns.kind,
        &columns.day,
        &columns.current,
        &columns.paid,
    ];
    let wanted = wanted.map(String::as_str);
    let mask = ProjectionMask::columns(builder.parquet_schema(), wanted);
    let kind_in_path = partition_value(&file.path, &columns.kind);
    let api_in_path = partition_value(&file.path, &columns.api);
    let mut claims = Claims::default();
    for batch in builder.with_projection(mask).build()? {
        add_rows(&mut claims, &batch?, columns, &kind_in_path, &api_in_path);
    }
    Ok(claims)
}

fn add_rows(
    claims: &mut Claims,
    batch: &RecordBatch,
    columns: &ReportColumns,
    kind: &Option<String>,
    api: &Option<String>,
) {
    let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let (apis, people, kinds) = (
        text(&columns.api),
        text(&columns.patient),
        text(&columns.kind),
    );
    let days = batch
        .column_by_name(&columns.day)
        .and_then(|column| column.as_primitive_opt::<Date32Type>());
    let current = batch
        .column_by_name(&columns.current)
        .and_then(|column| column.as_boolean_opt());
    let paid = batch
        .column_by_name(&columns.paid)
        .filter(|column| matches!(column.data_type(), DataType::Decimal128(_, CENTS)))
        .and_then(|column| column.as_primitive_opt::<Decimal128Type>());
    let known = |row: usize, column: Option<&arrow_array::StringArray>, path: &Option<String>| {
        column
            .filter(|column| column.is_valid(row))
            .map(|column| column.value(row).to_owned())
            .or_else(|| path.clone())
            .unwrap_or_default()
    };
    for row in 0..batch.num_rows() {
        if is_out_of_date(current, row) {
            claims.not_current += 1;
            continue;
        }
        let api = known(row, apis, api);
        // Claims that name nobody count as one person's: few, where in doubt.
        let person = xxh3_64(known(row, people, &None).as_bytes());
        let paid = paid
            .filter(|paid| paid.is_valid(row))
            .map(|paid| paid.value(row));
        claims.people.entry(api.clone()).or_default().insert(person);
        let of_kind = claims
            .kinds
            .entry((api, known(row, kinds, kind)))
            .or_default();
        of_kind.people.insert(person);
        of_kind.total.count(person, paid);
        let month = days
            .filter(|days| days.is_valid(row))
            .and_then(|days| month_of(days.value(row)));
        match month {
            Some(month) => of_kind.months.entry(month).or_default().count(person, paid),
            None => of_kind.undated.count(person, paid),
        }
    }
}

/// Whether a newer version of the claim counts in its place; null leaves that open, and it counts.
fn is_out_of_date(current: Option<&BooleanArray>, row: usize) -> bool {
    current.is_some_and(|current| current.is_valid(row) && !current.value(row))
}

/// The month of a day since 1970.
fn month_of(day: i32) -> Option<Month> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let date = epoch.checked_add_signed(TimeDelta::try_days(i64::from(day))?)?;
    Some(Month {
        year: date.year(),
        month: date.month(),
    })
}
