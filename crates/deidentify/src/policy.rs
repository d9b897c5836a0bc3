//! The policy, which is data: what becomes of each column. A column that it does not name is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codebook::PATIENT;
use crate::error::{DeidentifyError, Result};

/// The rule of 45 CFR 164.514 that a copy is made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// 164.514(b)(2): eighteen kinds of identifiers are removed.
    SafeHarbor,
    /// 164.514(e): dates, towns and ZIP codes stay. It is still PHI, and needs a data use agreement.
    LimitedDataSet,
}

impl Profile {
    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SafeHarbor => "safe-harbor",
            Self::LimitedDataSet => "limited-data-set",
        }
    }
}

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It stays. For flags, numbers and words that this project gives: not for text of the source.
    Keep,
    /// It is left out, as is a column that is not named.
    Drop,
    /// Text of at most so many letters, digits, `.`, `*`, `-` and `_` stays; other text becomes null.
    Code(usize),
    /// Text of exactly so many digits stays; other text becomes null.
    Digits(usize),
    /// Text that is one of these stays; other text becomes null.
    OneOf(Vec<String>),
    /// The year of a date, as `<column without _date>_year`.
    Year,
    /// The year of a date, under this name.
    YearAs(String),
    /// The same; null in all rows of patients who reach 90.
    YearUnder90,
    /// The year of birth, null for patients who reach 90, and `is_90_or_over`.
    BirthYear,
    /// It stays, but in the rows of patients who reach 90.
    KeepUnder90,
    /// The first three digits of a ZIP code where more than 20,000 people live there, else 000.
    Zip3,
    /// A random code for an identifier of this kind of the row's patient.
    Id(String),
    /// A random code for a provider of this kind, unless providers are kept.
    Provider(String),
    /// A date moved by as many days as all dates of the patient. Not for Safe Harbor, as it would stay
    /// a date.
    Shift,
}

/// What becomes of the tables of a lake.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// By which rule.
    pub profile: Profile,
    /// What says whose row it is, and how old people are.
    pub patients: PatientRules,
    /// Columns of the copy by which people could be told apart, of the table of patients: what
    /// statistics are of.
    #[serde(default)]
    pub quasi_identifiers: Vec<String>,
    /// The tables of the copy, by name.
    pub table: BTreeMap<String, TablePolicy>,
}

/// What says whose row it is, and how old people are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientRules {
    /// The API version of a row, in every table.
    pub api: String,
    /// The patient of a row, in every table.
    pub patient: String,
    /// The table of patients.
    pub table: String,
    /// Its date of birth.
    pub birth: String,
    /// The year that a row of a claim is about: the newest is the last one that the copy covers.
    pub covered_year: String,
}

/// What becomes of a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TablePolicy {
    /// Columns that join its rows to those of other tables or tell them apart. They must stay, if as
    /// codes.
    pub key: Vec<String>,
    /// Which rows stay, in tables that mix harmless and identifying ones.
    pub rows: Option<RowRules>,
    /// By column.
    pub columns: BTreeMap<String, Action>,
}

/// Rows stay only where a column has one of these values.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowRules {
    /// The column.
    pub column: String,
    /// The values, or how they begin where they end with `*`.
    pub keep: Vec<String>,
}

impl RowRules {
    pub(crate) fn keeps(&self, value: Option<&str>) -> bool {
        let fits = |rule: &String| match (rule.strip_suffix('*'), value) {
            (Some(beginning), Some(value)) => value.starts_with(beginning),
            (None, value) => value == Some(rule),
            (Some(_), None) => false,
        };
        self.keep.iter().any(fits)
    }
}

impl Policy {
    /// Checks what does not depend on the lake.
    ///
    /// # Errors
    ///
    /// [`DeidentifyError::Policy`], which names table and column.
    pub fn check(&self) -> Result<()> {
        for (table, policy) in &self.table {
            self.check_table(table, policy)
                .map_err(|reason| DeidentifyError::Policy(format!("table {table}: {reason}")))?;
        }
        Ok(())
    }

    fn check_table(&self, table: &str, policy: &TablePolicy) -> std::result::Result<(), String> {
        let is_name = |text: &str| {
            let mut bytes = text.bytes();
            bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if table.is_empty() || !is_name(table) {
            return Err("this is no name of a table".into());
        }
        let patient = &self.patients.patient;
        match policy.columns.get(patient) {
            Some(Action::Id(kind)) if kind == PATIENT => {}
            _ => {
                return Err(format!(
                    "column {patient} must be {{ id = \"{PATIENT}\" }}: it says whose row it is"
                ));
            }
        }
        for key in &policy.key {
            let stays = |action: &Action| {
                let is_cut = matches!(
                    action,
                    Action::Drop
                        | Action::Year
                        | Action::YearAs(_)
                        | Action::YearUnder90
                        | Action::KeepUnder90
                        | Action::BirthYear
                        | Action::Zip3
                );
                !is_cut
            };
            if !policy.columns.get(key).is_some_and(stays) {
                return Err(format!(
                    "column {key} is a key and would be left out: rows could not be joined or told \
                     apart"
                ));
            }
        }
        if policy.key.is_empty() {
            return Err("key is empty: name the columns that join its rows".into());
        }
        for (column, action) in &policy.columns {
            if self.profile == Profile::SafeHarbor && *action == Action::Shift {
                return Err(format!(
                    "column {column}: shift is refused under safe-harbor, as a moved date is still a \
                     date (164.514(b)(2)(i)(C))"
                ));
            }
            if let Action::Id(kind) | Action::Provider(kind) = action
                && (kind.is_empty() || !is_name(kind))
            {
                return Err(format!(
                    "column {column}: a kind is lower-case letters and _"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
