//! The rule that says which version of a claim is current, as a pipeline file has it.
//!
//! ```
//! use claimlake_loader::CurrentRule;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rule: CurrentRule = serde_json::from_str(
//!     r#"{"table": "eob", "column": "is_current", "case": [{
//!         "when": {"source_api": ["v3"]},
//!         "stated_by": {"final_action": ["FinalAction"]},
//!         "group_by": ["claim_group_id"],
//!         "newest_by": ["last_updated"]
//!     }]}"#,
//! )?;
//! assert_eq!(rule.cases[0].problem(), None);
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

/// Which resources are current: decided by the rows of one table, and written as a Boolean column
/// that the loader adds to it and to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentRule {
    /// The table, one row a resource.
    pub table: String,
    /// The column to add.
    pub column: String,
    /// Further tables of the same resource type, of any number of rows a resource, that get it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// The first case that fits a row decides; a row that none fits gets null.
    #[serde(rename = "case")]
    pub cases: Vec<CurrentCase>,
}

impl CurrentRule {
    /// The tables that get the column; the one that decides is the first.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.table)
            .chain(&self.also)
            .map(String::as_str)
    }

    /// The rule reduced to what decides which resources are current, without `also`, which lists
    /// the other tables that get the column.
    pub(crate) fn decision(&self) -> Self {
        Self {
            also: Vec::new(),
            ..self.clone()
        }
    }
}

/// One case of a [`CurrentRule`]: what the source states about a version, and which versions it is
/// compared with.
///
/// If several columns are named, `when` and `current_if` require a match in all of them; the others
/// are met by a match in any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CurrentCase {
    /// Columns and the values one of which they must have for the case to apply.
    pub when: Conditions,
    /// A row with one of these values is never current, but it is a version of its claim.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub never_if: Conditions,
    /// Columns in which the source states it, and the values that say "current". A row with a value
    /// in one of them is current exactly if it is one of these; in a group where any row has a
    /// value, no row is current for being the newest.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub stated_by: Conditions,
    /// The former way: columns and the values one of which the newest row must have to be current.
    pub current_if: Conditions,
    /// A row with one of these values is not current while its group has a row that meets
    /// `final_if`.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub preliminary_if: Conditions,
    /// See `preliminary_if`.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub final_if: Conditions,
    /// The columns that versions of one claim agree in; without a value in any: a claim of its own.
    pub group_by: Vec<String>,
    /// Further columns that they agree in; here null is a value like others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub split_by: Vec<String>,
    /// The columns that order versions, the most important first; only the newest is current.
    pub newest_by: Vec<String>,
    /// Columns and values: of versions that agree in the first column of `newest_by`, the one whose
    /// value comes later in the list is newer.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub newest_at_tie: Conditions,
}

/// Columns, and values of each.
pub type Conditions = std::collections::BTreeMap<String, Vec<String>>;

impl CurrentCase {
    fn conditions(&self) -> [(&'static str, &Conditions); 7] {
        [
            ("when", &self.when),
            ("never_if", &self.never_if),
            ("stated_by", &self.stated_by),
            ("current_if", &self.current_if),
            ("preliminary_if", &self.preliminary_if),
            ("final_if", &self.final_if),
            ("newest_at_tie", &self.newest_at_tie),
        ]
    }

    /// The columns it reads, each with the key that names it.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let lists = [
            ("group_by", &self.group_by),
            ("split_by", &self.split_by),
            ("newest_by", &self.newest_by),
        ];
        let named = self
            .conditions()
            .into_iter()
            .flat_map(|(key, conditions)| conditions.keys().map(move |name| (key, name.as_str())));
        let listed = lists
            .into_iter()
            .flat_map(|(key, names)| names.iter().map(move |name| (key, name.as_str())));
        named.chain(listed)
    }

    /// What is wrong with the rule, beginning with the key; empty if nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        for (key, conditions) in self.conditions() {
            if let Some((column, _)) = conditions.iter().find(|(_, values)| values.is_empty()) {
                return Some(format!("{key}.{column}: name at least one value"));
            }
        }
        let problem = if !self.stated_by.is_empty() && !self.current_if.is_empty() {
            "current_if: cannot be beside stated_by; values that rule a row out are never_if"
        } else if self.preliminary_if.is_empty() != self.final_if.is_empty() {
            "preliminary_if and final_if: each needs the other"
        } else if !self.preliminary_if.is_empty() && self.group_by.is_empty() {
            "preliminary_if: needs group_by, which says what belongs to one claim"
        } else if !self.split_by.is_empty() && self.group_by.is_empty() {
            "split_by: needs group_by"
        } else if !self.newest_at_tie.is_empty() && self.newest_by.is_empty() {
            "newest_at_tie: needs newest_by"
        } else {
            return None;
        };
        Some(problem.to_owned())
    }

    /// Whether it is of the former kind: the newest of all versions must meet `current_if`, so that
    /// nothing is current where a superseded version was updated last.
    #[must_use]
    pub fn is_former(&self) -> bool {
        !self.current_if.is_empty() && !self.newest_by.is_empty()
    }
}
