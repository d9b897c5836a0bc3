//! The comparison: both lakes sorted by person, then person by person.

mod claims;
mod paired;
mod person;

use std::path::{Path, PathBuf};

use crate::cell::Cell;
use crate::class::Class;
use crate::comparison::{ColumnCounts, Comparison, KindCounts, PersonCounts};
use crate::error::Result;
use crate::output::{OutputTable, RowOutput, Value};
use crate::person_rows::PersonRows;
use crate::persons::{ConsentIds, Persons};
use crate::plan::Plan;
use crate::rules::Rules;
use crate::side::{OpenSide, Side, Which};
use claims::PersonClaims;

/// What to compare, and where to write what is found.
#[derive(Debug)]
pub struct CompareRequest<'r> {
    /// The left lake.
    pub left: Side,
    /// The right lake.
    pub right: Side,
    /// Ids of one person in two API versions, as the token endpoint gave them.
    pub consents: Vec<ConsentIds>,
    /// How to pair and to class.
    pub rules: &'r Rules,
    /// A folder for rows that do not fit into memory; the files in it have no names.
    pub spill: PathBuf,
    /// A new folder for pairs, unpaired claims and differences as Parquet.
    pub parquet: Option<PathBuf>,
}

/// The counts of one column, or of whole rows, of the claims of one type.
#[derive(Debug, Clone, Default)]
struct Counts {
    compared: u64,
    classes: [u64; Class::ALL.len()],
    cents: [i128; 2],
}

/// The counts of a type: by table, the whole rows and then the columns.
type KindColumns = Vec<Vec<Counts>>;

/// What is known of one lake while it is compared.
struct Loaded {
    tables: Vec<PersonRows>,
    others: Vec<(usize, PersonRows)>,
    /// When the newest claim was loaded, in microseconds since 1970.
    newest: i64,
}

/// A comparison under way.
struct Comparing<'r> {
    rules: &'r Rules,
    plan: Plan,
    persons: Persons,
    newest: [i64; 2],
    found: Comparison,
    columns: std::collections::BTreeMap<String, KindColumns>,
    output: RowOutput,
}

/// Compares two lakes.
///
/// # Errors
///
/// A lake that cannot be read, lacks tables or changes meanwhile; output that cannot be written.
pub fn compare(request: &CompareRequest<'_>) -> Result<Comparison> {
    let rules = request.rules;
    let api = &rules.columns.api;
    let left = OpenSide::open(&request.left, Which::Left, api)?;
    let right = OpenSide::open(&request.right, Which::Right, api)?;
    let plan = Plan::of([&left, &right], rules)?;
    // What cannot be written is refused before everything is read.
    let output = RowOutput::begin(request.parquet.as_deref())?;
    let persons = Persons::read([&left, &right], rules, &request.consents)?;
    let loaded = [
        load(&left, &plan, &persons, rules, &request.spill)?,
        load(&right, &plan, &persons, rules, &request.spill)?,
    ];
    let mut comparing = Comparing {
        rules,
        newest: [loaded[0].newest, loaded[1].newest],
        found: Comparison::default(),
        columns: std::collections::BTreeMap::new(),
        output,
        persons,
        plan,
    };
    comparing.found.left.snapshot = left.snapshot;
    comparing.found.left.published_at = left.published_at;
    comparing.found.right.snapshot = right.snapshot;
    comparing.found.right.published_at = right.published_at;
    comparing.count_persons()?;
    comparing.run(loaded)?;
    comparing.finish()
}

fn load(
    side: &OpenSide,
    plan: &Plan,
    persons: &Persons,
    rules: &Rules,
    spill: &Path,
) -> Result<Loaded> {
    let which = side.which;
    let mut newest = i64::MIN;
    let mut tables = Vec::with_capacity(plan.tables.len());
    for (number, table) in plan.tables.iter().enumerate() {
        let columns = &table.columns[which as usize];
        let spill = spill.join(format!("{}-{}", which.as_str(), table.name));
        let core = (&rules.columns, persons);
        let rows = PersonRows::read(side, &table.name, columns, core, spill, |batch| {
            let Some(loaded) = batch
                .column_by_name(&rules.columns.loaded)
                .filter(|_| number == 0)
            else {
                return;
            };
            for row in 0..batch.num_rows() {
                if let Cell::Time(time) = Cell::of(loaded, row) {
                    newest = newest.max(time);
                }
            }
        })?;
        tables.push(rows);
    }
    let mut others = Vec::new();
    for (number, other) in rules.other_claims.iter().enumerate() {
        if !side.has(&other.table) {
            continue;
        }
        let core = &rules.columns;
        let wanted = [core.api.as_str(), &core.patient, &core.claim, &core.current];
        let columns = side.columns(&other.table, Some(&wanted))?;
        let spill = spill.join(format!("{}-{}", which.as_str(), other.table));
        let rows = PersonRows::read(side, &other.table, &columns, (core, persons), spill, |_| ())?;
        others.push((number, rows));
    }
    Ok(Loaded {
        tables,
        others,
        newest,
    })
}

impl Comparing<'_> {
    fn count_persons(&mut self) -> Result<()> {
        let mut counts = PersonCounts {
            with_several_ids: self.persons.with_several_ids,
            ..PersonCounts::default()
        };
        for presence in &self.persons.presence {
            match (presence.left, presence.right) {
                (true, true) => counts.both += 1,
                (true, false) => counts.only_left += 1,
                (false, true) => counts.only_right += 1,
                (false, false) => {}
            }
        }
        self.found.persons = counts;
        if !self.output.is_kept() {
            return Ok(());
        }
        for (api, patient, person) in self.persons.ids() {
            let presence = self.persons.presence(person);
            let row = vec![
                Value::Number(person),
                api.into(),
                patient.into(),
                Value::Flag(Some(presence.left)),
                Value::Flag(Some(presence.right)),
            ];
            self.output.push(OutputTable::Person, row)?;
        }
        Ok(())
    }

    fn run(&mut self, loaded: [Loaded; 2]) -> Result<()> {
        let [mut left, mut right] = loaded;
        for (side, found) in [
            (&left, &mut self.found.left),
            (&right, &mut self.found.right),
        ] {
            found.without_patient = side.tables.first().map_or(0, |rows| rows.without_patient);
        }
        while let Some(person) = next_person(&mut left)?
            .into_iter()
            .chain(next_person(&mut right)?)
            .min()
        {
            let claims = [
                PersonClaims::take(&mut left, person, &self.plan, &self.rules.columns)?,
                PersonClaims::take(&mut right, person, &self.plan, &self.rules.columns)?,
            ];
            self.person(person, &claims)?;
        }
        Ok(())
    }

    fn counts(&mut self, kind: &str) -> &mut KindCounts {
        self.found.kinds.entry(kind.to_owned()).or_default()
    }

    fn finish(mut self) -> Result<Comparison> {
        self.output.finish()?;
        let tables = &self.plan.tables;
        for (kind, of_kind) in self.columns {
            for (table, columns) in tables.iter().zip(of_kind) {
                for (place, counts) in columns.into_iter().enumerate() {
                    let column = place
                        .checked_sub(1)
                        .and_then(|place| table.compared.get(place));
                    let classes = Class::ALL.into_iter().zip(counts.classes);
                    let classes: std::collections::BTreeMap<_, _> =
                        classes.filter(|(_, count)| *count > 0).collect();
                    if classes.is_empty() {
                        continue;
                    }
                    self.found.columns.push(ColumnCounts {
                        kind: kind.clone(),
                        table: table.name.clone(),
                        column: column.map(|column| column.name.clone()),
                        compared: counts.compared,
                        cents: classes.contains_key(&Class::Money).then_some(counts.cents),
                        classes,
                    });
                }
            }
        }
        self.found.columns_of_one = self.plan.of_one;
        Ok(self.found)
    }
}

/// The next person with claims.
fn next_person(loaded: &mut Loaded) -> Result<Option<u64>> {
    let mut next = match loaded.tables.first_mut() {
        Some(claims) => claims.next_person()?,
        None => None,
    };
    for (_, rows) in &mut loaded.others {
        next = next.into_iter().chain(rows.next_person()?).min();
    }
    Ok(next)
}
