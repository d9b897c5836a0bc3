//! The money rules of `pipelines/money.toml`, which are built in: what `verify` compares within a
//! claim, and what `report` adds up.

use anyhow::Context as _;
use claimlake_verify::MoneyRules;
use serde::Deserialize;

const TEXT: &str = include_str!("../../../../pipelines/money.toml");

/// All of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Money {
    pub(crate) verify: MoneyRules,
    pub(crate) report: ReportColumns,
}

/// The table with one row per claim, the columns that the report reads, and the further sums.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportColumns {
    pub(crate) table: String,
    /// These four are columns of every table that the report adds up.
    pub(crate) api: String,
    pub(crate) patient: String,
    pub(crate) claim: String,
    pub(crate) kind: String,
    pub(crate) day: String,
    /// False where another version of the claim is current.
    pub(crate) current: String,
    /// What Medicare paid: a decimal with two digits after the point.
    pub(crate) paid: String,
    pub(crate) left_out: LeftOutClaims,
    pub(crate) payments: Vec<PaymentColumns>,
    pub(crate) members: MemberColumns,
    pub(crate) per_member: Vec<PerMemberColumns>,
}

/// Claims that are in no figure, by a flag of a table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeftOutClaims {
    pub(crate) table: String,
    pub(crate) column: String,
    /// Follows "claims": why they are left out.
    pub(crate) why: String,
}

/// A kind of claims whose money is in a table of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentColumns {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) table: String,
    pub(crate) day: String,
    /// What readers must know about all these amounts.
    pub(crate) note: String,
    /// The first one is shown if there is space for only one.
    pub(crate) sums: Vec<SumColumn>,
}

/// An amount that is added up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SumColumn {
    pub(crate) column: String,
    pub(crate) name: String,
}

/// The table and columns with enrolment by patient, Part and month.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberColumns {
    pub(crate) table: String,
    pub(crate) month: String,
    pub(crate) part: String,
    pub(crate) enrolled: String,
    pub(crate) deaths: DeathColumn,
}

/// The table and columns with the day of a patient's death.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeathColumn {
    pub(crate) table: String,
    pub(crate) day: String,
}

/// An amount per member and month.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerMemberColumns {
    pub(crate) name: String,
    /// Follows "patients": who is a member.
    pub(crate) members: String,
    pub(crate) table: String,
    pub(crate) amount: String,
    /// The kinds of claims that count; all where there are none.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// A member's month is one in which the patient is enrolled in one of these,
    pub(crate) parts: Vec<char>,
    /// and in none of these.
    #[serde(default)]
    pub(crate) not_parts: Vec<char>,
}

impl Money {
    /// The built-in rules.
    pub(crate) fn built_in() -> anyhow::Result<Self> {
        toml::from_str(TEXT).context("reading the built-in money rules")
    }
}

#[cfg(test)]
mod tests {
    use super::{Money, TEXT};

    #[test]
    fn the_built_in_rules_can_be_read_and_an_unknown_key_is_refused() {
        let rules = Money::built_in().unwrap();
        assert_eq!(rules.report.table, "eob");
        assert_eq!(rules.report.paid, "payment_amount");
        assert_eq!(rules.report.per_member[0].parts, ['A', 'B']);
        for (of, known) in [("verify", "claim_type"), ("report", "table")] {
            let with_stranger = TEXT.replace(&format!("[{of}]"), &format!("[{of}]\nstranger = 1"));
            let error = toml::from_str::<Money>(&with_stranger).unwrap_err();
            assert!(error.to_string().contains(known), "{error}");
        }
    }
}
