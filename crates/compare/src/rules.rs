//! The rules of a comparison, which are data: which columns hold what, how persons, claims and rows
//! are paired, and what kinds of differences there are. Nothing here names a column of a lake.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How to compare two lakes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The columns that every table has.
    pub columns: CoreColumns,
    /// What names a person.
    pub persons: PersonRules,
    /// How claims are paired, in this order.
    #[serde(rename = "pairing")]
    pub pairings: Vec<PairingRule>,
    /// Claims that are paired only after all others, unless they are current.
    pub paired_last: Option<PairedLast>,
    /// Why a claim is in one lake only, in this order.
    #[serde(rename = "reason")]
    pub reasons: Vec<ReasonRule>,
    /// Tables whose rows are claims that are served without a row in the table of claims.
    #[serde(default, rename = "other_claims")]
    pub other_claims: Vec<OtherClaims>,
    /// The tables with rows of a claim, which are compared for paired claims; the first is the table
    /// of claims.
    #[serde(rename = "table")]
    pub tables: Vec<TableRules>,
    /// What kind of difference a column has.
    pub classes: ClassRules,
}

/// Columns with the same name and meaning in all tables about claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreColumns {
    /// The API version of a row.
    pub api: String,
    /// The patient of a row, in the id space of the API version.
    pub patient: String,
    /// The claim that a row belongs to.
    pub claim: String,
    /// The type of that claim.
    pub kind: String,
    /// Whether the claim is the current version.
    pub current: String,
    /// When the server last updated the claim.
    pub loaded: String,
}

/// What names a person, in any of the tables listed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRules {
    /// Tables with the ids of patients.
    pub tables: Vec<String>,
    /// Tables with identifiers that a person has in all API versions.
    pub identified_by: Vec<Identifier>,
    /// Tables that say which ids of patients are those of one person.
    #[serde(default, rename = "link")]
    pub links: Vec<Link>,
    /// The table that says what a person consented to.
    pub consent: Option<Consent>,
}

/// Identifiers of one system in a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// The table.
    pub table: String,
    /// Rows count where this column has `value_of_system`.
    pub system: String,
    /// See `system`.
    pub value_of_system: String,
    /// The column with the identifier.
    pub value: String,
}

/// Ids of patients who were merged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The table.
    pub table: String,
    /// Rows count where this column has one of `kinds`.
    pub kind: String,
    /// See `kind`.
    pub kinds: Vec<String>,
    /// The column with the other id.
    pub other: String,
}

/// What a person consented to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The table; a lake may be without it.
    pub table: String,
    /// Rows count where this column has `value_of_resource`.
    pub resource: String,
    /// See `resource`.
    pub value_of_resource: String,
    /// A column that has a value where there are no claims because of the consent.
    pub reason: String,
}

/// Pairs two claims, one of each lake, that are alike as this rule says and have nobody else who is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairingRule {
    /// Its name in the output.
    pub name: String,
    /// How sure a pair is.
    pub confidence: Confidence,
    /// Columns that have a value and the same one on both sides: `table.column`.
    pub same: Vec<String>,
    /// Of these, at least one has a value and the same one on both sides; none: no such condition.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// Columns that do not differ where both sides have a value.
    #[serde(default)]
    pub not_different: Vec<String>,
    /// Of these, at most one may differ where both sides have a value.
    #[serde(default)]
    pub at_most_one_different: Vec<String>,
}

/// Claims that may be there beside another version of the same claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairedLast {
    /// Where this column of the table of claims has `value`.
    pub column: String,
    /// As text.
    pub value: String,
}

/// How sure it is that two claims are the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// An identifier, the dates and something else say so.
    Certain,
    /// Everything that both sides tell fits.
    Likely,
}

impl Confidence {
    /// The word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
        }
    }
}

/// Why a claim is in one lake only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonRule {
    /// Its name in the output.
    pub name: String,
    /// Applies where this column has `value`.
    pub column: String,
    /// As text; `true` and `false` for flags.
    pub value: String,
}

/// Claims without a row in the table of claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherClaims {
    /// The table, which has one row or several of each of them; a lake may be without it.
    pub table: String,
    /// Their type in the output.
    pub kind: String,
    /// Why they are in one lake only.
    pub reason: String,
}

/// A table with rows of claims.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    /// Its name.
    pub name: String,
    /// Columns by which rows of two paired claims are paired; the first list first.
    #[serde(default)]
    pub pair_rows_by: Vec<Vec<String>>,
    /// Columns that are not compared, as they say nothing about the claim.
    #[serde(default)]
    pub not_compared: Vec<String>,
}

/// What kind of difference a column has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRules {
    /// Columns with ids, which are others in another API version.
    pub ids: Vec<String>,
    /// How the names of columns with money end.
    pub money_suffix: String,
    /// What the money of a column means.
    #[serde(default)]
    pub meanings: BTreeMap<String, String>,
    /// Codes that one API version calls so, and another so.
    #[serde(default, rename = "renamed")]
    pub renamed: Vec<Renamed>,
}

/// Codes with two names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renamed {
    /// `table.column`.
    pub column: String,
    /// The two names of each code.
    pub names: Vec<[String; 2]>,
}

impl Rules {
    /// The table of claims.
    pub(crate) fn claims(&self) -> Option<&TableRules> {
        self.tables.first()
    }
}
