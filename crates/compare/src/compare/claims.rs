//! The rows of one person in one lake.

use std::collections::{BTreeMap, HashMap};

use arrow_array::{ArrayRef, RecordBatch};

use super::Loaded;
use crate::cell::Cell;
use crate::error::Result;
use crate::pairing::{Candidate, Turn};
use crate::persons::Person;
use crate::plan::{Places, Plan};
use crate::rules::{CoreColumns, Rules};
use crate::side::Which;

/// The rows of one person in one lake.
pub(super) struct PersonClaims {
    /// By table of the plan.
    tables: Vec<Option<RecordBatch>>,
    /// By table, the rows of each claim.
    rows: Vec<HashMap<String, Vec<usize>>>,
    /// By number of the rule: claims without a row in the table of claims, and whether they are current.
    pub(super) others: BTreeMap<(usize, String), (String, Option<bool>)>,
}

/// A claim's name: ids are those of an API version.
fn claim_key(batch: &RecordBatch, core: &CoreColumns, row: usize) -> Option<String> {
    let text = |name: &str| match Cell::of(batch.column_by_name(name)?, row) {
        Cell::Text(text) => Some(text),
        _ => None,
    };
    Some(format!("{}\u{0}{}", text(&core.api)?, text(&core.claim)?))
}

impl PersonClaims {
    pub(super) fn take(
        loaded: &mut Loaded,
        person: Person,
        plan: &Plan,
        core: &CoreColumns,
    ) -> Result<Self> {
        let mut tables = Vec::with_capacity(plan.tables.len());
        let mut rows = Vec::with_capacity(plan.tables.len());
        for table in &mut loaded.tables {
            let batch = table.take(person)?;
            let mut of_claims: HashMap<String, Vec<usize>> = HashMap::new();
            for (batch, row) in batch
                .iter()
                .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
            {
                if let Some(key) = claim_key(batch, core, row) {
                    of_claims.entry(key).or_default().push(row);
                }
            }
            tables.push(batch);
            rows.push(of_claims);
        }
        let mut others = BTreeMap::new();
        for (number, table) in &mut loaded.others {
            let Some(batch) = table.take(person)? else {
                continue;
            };
            for row in 0..batch.num_rows() {
                let current = batch
                    .column_by_name(&core.current)
                    .map(|column| Cell::of(column, row));
                let current = match current {
                    Some(Cell::Flag(flag)) => Some(flag),
                    _ => None,
                };
                let id = batch
                    .column_by_name(&core.claim)
                    .and_then(|column| Cell::of(column, row).text());
                if let (Some(key), Some(id)) = (claim_key(&batch, core, row), id) {
                    others.insert((*number, key), (id.into_owned(), current));
                }
            }
        }
        Ok(Self {
            tables,
            rows,
            others,
        })
    }

    pub(super) fn claims(&self) -> usize {
        self.tables
            .first()
            .and_then(Option::as_ref)
            .map_or(0, RecordBatch::num_rows)
    }

    /// A value of the table of claims.
    pub(super) fn cell(&self, column: &str, row: usize) -> Cell<'_> {
        let batch = self.tables.first().and_then(Option::as_ref);
        let column = batch.and_then(|batch| batch.column_by_name(column));
        column.map_or(Cell::None, |column| Cell::of(column, row))
    }

    pub(super) fn text(&self, column: &str, row: usize) -> String {
        self.cell(column, row)
            .text()
            .unwrap_or_default()
            .into_owned()
    }

    pub(super) fn key(&self, core: &CoreColumns, row: usize) -> Option<String> {
        let batch = self.tables.first()?.as_ref()?;
        claim_key(batch, core, row)
    }

    /// The rows of a claim in a table.
    pub(super) fn rows_of(&self, table: usize, key: Option<&str>) -> &[usize] {
        let rows = key.and_then(|key| self.rows.get(table)?.get(key));
        rows.map_or(&[], Vec::as_slice)
    }

    pub(super) fn column(&self, table: usize, place: Option<usize>) -> Option<&ArrayRef> {
        let batch = self.tables.get(table)?.as_ref()?;
        place
            .filter(|place| *place < batch.num_columns())
            .map(|place| batch.column(place))
    }

    pub(super) fn candidates(&self, which: Which, plan: &Plan, rules: &Rules) -> Vec<Candidate> {
        let core = &rules.columns;
        let turn = |row: usize| {
            let is_last = rules.paired_last.as_ref().is_some_and(|last| {
                self.cell(&last.column, row).text().as_deref() == Some(last.value.as_str())
            });
            match (self.cell(&core.current, row), is_last) {
                (Cell::Flag(true), _) => Turn::Current,
                (_, false) => Turn::Earlier,
                (_, true) => Turn::Last,
            }
        };
        let candidate = |row: usize| {
            let key = self.key(core, row);
            let facts = plan.facts.iter().map(|fact| {
                let row = match fact.table {
                    0 => row,
                    table => *self.rows_of(table, key.as_deref()).first()?,
                };
                let column = self.column(fact.table, fact.places[which as usize])?;
                let text = Cell::of(column, row).text()?;
                let text = text.trim();
                (!text.is_empty()).then(|| text.to_owned())
            });
            Candidate {
                turn: turn(row),
                facts: facts.collect(),
            }
        };
        (0..self.claims()).map(candidate).collect()
    }
}

/// The keys of a row for each list of columns.
pub(super) fn row_keys(
    side: &PersonClaims,
    table: usize,
    which: Which,
    row: usize,
    lists: &[Vec<Places>],
) -> Vec<String> {
    let key = |list: &Vec<Places>| {
        let mut key = String::new();
        for places in list {
            let column = side.column(table, places[which as usize]);
            let cell = column.map_or(Cell::None, |column| Cell::of(column, row));
            key.push_str(&cell.text().unwrap_or_default());
            key.push('\u{1f}');
        }
        key
    };
    lists.iter().map(key).collect()
}
