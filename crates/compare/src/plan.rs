//! Which columns of which tables are compared, and where they are in both lakes.

use arrow_schema::Schema;

use crate::class::ColumnClass;
use crate::comparison::ColumnOfOne;
use crate::error::{CompareError, Result};
use crate::pairing::FactRule;
use crate::rules::{Rules, TableRules};
use crate::side::{OpenSide, TableColumns, Which};

/// Places of a column in the batches of both lakes, which begin with the person's number.
pub(crate) type Places = [Option<usize>; 2];

/// A table that is compared.
pub(crate) struct TablePlan {
    pub(crate) name: String,
    pub(crate) columns: [TableColumns; 2],
    /// Columns that both lakes have.
    pub(crate) compared: Vec<ComparedColumn>,
    /// The columns of each list by which rows are paired.
    pub(crate) pair_rows_by: Vec<Vec<Places>>,
}

/// A column that is compared.
pub(crate) struct ComparedColumn {
    pub(crate) name: String,
    pub(crate) places: [usize; 2],
    pub(crate) class: ColumnClass,
}

/// A value that pairing rules speak of.
pub(crate) struct Fact {
    /// The table, by its place in the plan.
    pub(crate) table: usize,
    pub(crate) places: Places,
}

/// Everything that is looked up once.
pub(crate) struct Plan {
    pub(crate) tables: Vec<TablePlan>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) rules: Vec<FactRule>,
    pub(crate) of_one: Vec<ColumnOfOne>,
}

impl Plan {
    /// Checks that both lakes have the tables.
    ///
    /// # Errors
    ///
    /// [`CompareError::Setting`] where a table is missing; [`CompareError::Rules`].
    pub(crate) fn of(sides: [&OpenSide; 2], rules: &Rules) -> Result<Self> {
        for side in sides {
            refuse_without_tables(side, rules)?;
        }
        let mut of_one = Vec::new();
        let tables = rules.tables.iter().enumerate();
        let tables = tables.map(|(place, table)| {
            let is_first = place == 0;
            table_plan(sides, table, is_first, rules, &mut of_one)
        });
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let mut names: Vec<String> = Vec::new();
        let mut numbers = |columns: &[String]| -> Vec<usize> {
            let number = |column: &String| match names.iter().position(|name| name == column) {
                Some(known) => known,
                None => {
                    names.push(column.clone());
                    names.len() - 1
                }
            };
            columns.iter().map(number).collect()
        };
        let mut fact_rules = Vec::with_capacity(rules.pairings.len());
        for rule in &rules.pairings {
            fact_rules.push(FactRule {
                confidence: rule.confidence,
                same: numbers(&rule.same),
                one_of: numbers(&rule.one_of),
                not_different: numbers(&rule.not_different),
                at_most_one_different: numbers(&rule.at_most_one_different),
            });
        }
        let facts = names.iter().map(|name| fact(name, &tables));
        Ok(Self {
            facts: facts.collect::<Result<_>>()?,
            tables,
            rules: fact_rules,
            of_one,
        })
    }
}

fn refuse_without_tables(side: &OpenSide, rules: &Rules) -> Result<()> {
    let missing = rules.tables.iter().map(|table| table.name.as_str());
    let missing: Vec<&str> = missing.filter(|name| !side.has(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(CompareError::Setting(format!(
        "the {} lake has no table {}: its pipeline leaves out the tables for questions, or a version of \
         claimlake from before them made it; where landing is there, `transform --full` and then `load \
         --rebuild` with the views of this version add them",
        side.which.as_str(),
        missing.join(", ")
    )))
}

fn place(columns: &TableColumns, name: &str) -> Option<usize> {
    // After the person's number.
    columns.schema.index_of(name).ok().map(|place| place + 1)
}

fn places(columns: &[TableColumns; 2], name: &str) -> Places {
    [place(&columns[0], name), place(&columns[1], name)]
}

fn table_plan(
    sides: [&OpenSide; 2],
    table: &TableRules,
    is_claims: bool,
    rules: &Rules,
    of_one: &mut Vec<ColumnOfOne>,
) -> Result<TablePlan> {
    let columns = [
        sides[0].columns(&table.name, None)?,
        sides[1].columns(&table.name, None)?,
    ];
    let core = &rules.columns;
    for needed in [&core.api, &core.patient, &core.claim] {
        for (columns, side) in columns.iter().zip(sides) {
            if place(columns, needed).is_none() {
                return Err(CompareError::Setting(format!(
                    "table {} of the {} lake has no column {needed}",
                    table.name,
                    side.which.as_str()
                )));
            }
        }
    }
    // What all tables say of a claim is compared once.
    let is_said_of_claim = |name: &str| {
        name == core.api
            || name == core.loaded
            || (!is_claims && [&core.patient, &core.claim, &core.kind].contains(&&name.to_owned()))
    };
    let is_compared = |name: &str| {
        !is_said_of_claim(name) && !table.not_compared.iter().any(|left_out| left_out == name)
    };
    let names = |schema: &Schema| -> Vec<String> {
        let fields = schema.fields().iter().map(|field| field.name().clone());
        fields.filter(|name| is_compared(name)).collect()
    };
    let mut compared = Vec::new();
    for name in names(&columns[0].schema) {
        match places(&columns, &name) {
            [Some(left), Some(right)] => compared.push(ComparedColumn {
                class: ColumnClass::of(&table.name, &name, &rules.classes),
                places: [left, right],
                name,
            }),
            _ => of_one.push(column_of_one(table, name, Which::Left)),
        }
    }
    for name in names(&columns[1].schema) {
        if place(&columns[0], &name).is_none() {
            of_one.push(column_of_one(table, name, Which::Right));
        }
    }
    let list = |list: &Vec<String>| list.iter().map(|name| places(&columns, name)).collect();
    Ok(TablePlan {
        name: table.name.clone(),
        compared,
        pair_rows_by: table.pair_rows_by.iter().map(list).collect(),
        columns,
    })
}

fn column_of_one(table: &TableRules, column: String, which: Which) -> ColumnOfOne {
    ColumnOfOne {
        table: table.name.clone(),
        column,
        lake: which.as_str(),
    }
}

fn fact(name: &str, tables: &[TablePlan]) -> Result<Fact> {
    let unknown = || CompareError::Rules(format!("{name} is not table.column of a compared table"));
    let (table, column) = name.split_once('.').ok_or_else(unknown)?;
    let place = tables
        .iter()
        .position(|one| one.name == table)
        .ok_or_else(unknown)?;
    Ok(Fact {
        table: place,
        places: places(&tables[place].columns, column),
    })
}
