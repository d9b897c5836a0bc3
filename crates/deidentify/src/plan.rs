//! What the policy comes to for one table of the lake.

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use claimlake_contract::LakeTable;
use std::sync::Arc;

use crate::error::{DeidentifyError, Result};
use crate::policy::{Action, PatientRules, RowRules, TablePolicy};

/// A table and its columns that are read.
pub(crate) struct TablePlan<'p> {
    pub(crate) table: &'p LakeTable,
    /// The names of the columns read: API version, patient, then the others.
    pub(crate) read: Vec<&'p str>,
    /// Which of those make columns of the copy, and how.
    pub(crate) made: Vec<(usize, &'p Action)>,
    /// Which rows stay, and the column that says so.
    pub(crate) rows: Option<(usize, &'p RowRules)>,
    /// Columns of the lake that are left out.
    pub(crate) left_out: Vec<String>,
}

impl<'p> TablePlan<'p> {
    pub(crate) fn of(
        name: &str,
        table: &'p LakeTable,
        policy: &'p TablePolicy,
        patients: &'p PatientRules,
    ) -> Result<Self> {
        let all: Vec<&str> = table
            .columns
            .iter()
            .chain(&table.partition_columns)
            .map(|(column, _)| column.as_str())
            .collect();
        let known = |column: &str| match all.contains(&column) {
            true => Ok(()),
            false => Err(DeidentifyError::Policy(format!(
                "table {name} has no column {column}: correct the name, or leave it out of the policy"
            ))),
        };
        let mut read = vec![patients.api.as_str(), patients.patient.as_str()];
        for column in &read {
            known(column)?;
        }
        for column in policy.columns.keys() {
            known(column)?;
        }
        let mut place = |column: &'p str| {
            let found = read.iter().position(|one| *one == column);
            found.unwrap_or_else(|| {
                read.push(column);
                read.len() - 1
            })
        };
        let mut made = Vec::new();
        let mut left_out = Vec::new();
        for column in all.iter().copied() {
            match policy.columns.get_key_value(column) {
                None | Some((_, Action::Drop)) => left_out.push(column.to_owned()),
                Some((column, action)) => made.push((place(column), action)),
            }
        }
        let rows = match &policy.rows {
            None => None,
            Some(rules) => {
                known(&rules.column)?;
                Some((place(&rules.column), rules))
            }
        };
        Ok(Self {
            table,
            read,
            made,
            rows,
            left_out,
        })
    }
}

/// The columns of a copy, all of them nullable.
pub(crate) fn copy_schema(name: &str, columns: &[(String, DataType)]) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
    for (column, data_type) in columns {
        if fields.iter().any(|field| field.name() == column) {
            return Err(DeidentifyError::Policy(format!(
                "table {name}: two columns of the copy have the name {column}; year-as gives another"
            )));
        }
        fields.push(Field::new(column, data_type.clone(), true));
    }
    Ok(Arc::new(Schema::new(fields)))
}
