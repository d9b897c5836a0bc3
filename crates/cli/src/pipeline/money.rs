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

/// The table with one row per claim, and its columns that the report reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportColumns {
    pub(crate) table: String,
    pub(crate) api: String,
    pub(crate) patient: String,
    pub(crate) kind: String,
    pub(crate) day: String,
    /// False where another version of the claim is current.
    pub(crate) current: String,
    /// What Medicare paid: a decimal with two digits after the point.
    pub(crate) paid: String,
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
        for (of, known) in [("verify", "claim_type"), ("report", "table")] {
            let with_stranger = TEXT.replace(&format!("[{of}]"), &format!("[{of}]\nstranger = 1"));
            let error = toml::from_str::<Money>(&with_stranger).unwrap_err();
            assert!(error.to_string().contains(known), "{error}");
        }
    }
}
