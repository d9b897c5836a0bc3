//! The money rules of a pipeline as they are written down.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::tables::SumRule;

/// Amounts of a claim that must be equal if both are present.
///
/// Deserialized from a pipeline's `[verify]` table of `money.toml`; unknown keys and sums that are
/// not defined are errors. Paths are member names joined by `.`; every element of an array on the
/// way is followed.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "MoneyRulesText")]
pub struct MoneyRules {
    pub(super) claim_type: String,
    pub(super) coded: BTreeMap<String, CodedAmounts>,
    pub(crate) invariants: Vec<MoneyInvariant>,
    /// What must add up in the tables.
    pub(crate) sums: Vec<SumRule>,
}

/// Elements with a code and an amount.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodedAmounts {
    pub(super) elements: String,
    /// Below an element.
    pub(super) code: String,
    /// Below an element.
    pub(super) amount: String,
}

/// Two amounts that must be equal.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyInvariant {
    /// The name of its check in reports.
    pub(crate) name: String,
    /// What is compared, as text.
    pub(crate) what: String,
    /// The claim types it applies to.
    pub(super) claim_types: Vec<String>,
    pub(super) left: Amount,
    pub(super) right: Amount,
}

/// An amount of a claim.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Amount {
    /// The first value at a path.
    Path {
        /// The path from the claim.
        path: String,
    },
    /// The sum of the coded amounts with one of these codes.
    Sum {
        /// A name in `coded`.
        coded: String,
        /// The codes.
        codes: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyRulesText {
    claim_type: String,
    #[serde(default)]
    coded: BTreeMap<String, CodedAmounts>,
    #[serde(default)]
    invariant: Vec<MoneyInvariant>,
    #[serde(default)]
    sum: Vec<SumRule>,
}

impl TryFrom<MoneyRulesText> for MoneyRules {
    type Error = String;

    fn try_from(text: MoneyRulesText) -> Result<Self, String> {
        for invariant in &text.invariant {
            for amount in [&invariant.left, &invariant.right] {
                if let Amount::Sum { coded, .. } = amount
                    && !text.coded.contains_key(coded)
                {
                    let name = &invariant.name;
                    return Err(format!(
                        "invariant '{name}' adds up '{coded}', which is not among 'coded'"
                    ));
                }
            }
        }
        Ok(Self {
            claim_type: text.claim_type,
            coded: text.coded,
            invariants: text.invariant,
            sums: text.sum,
        })
    }
}
