//! What a rule of `[[current]]` needs to know about each resource: its group (the claim of which it
//! is a version), its order among the versions, and what the source states about it. Column names
//! come from the rule, so this module knows nothing about claims.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use claimlake_contract::hive;
use sha2::{Digest, Sha256};

use crate::current_rule::{Conditions, CurrentCase, CurrentRule};
use crate::error::{LoadError, Result};
use crate::merge::decision::MergeDecision;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::hive_path::value_text;

/// One resource as a rule sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) table: String,
    pub(crate) resource: ResourceKey,
    /// Identifies the versions of one claim: a hash of the values of `group_by` and `split_by`.
    /// `None` if the resource has no other versions.
    pub(crate) group: Option<ResourceKey>,
    /// The values of `newest_by` as bytes that compare like the values; greater is newer.
    pub(crate) order: Vec<u8>,
    pub(crate) status: RowStatus,
    /// The decision; `None` if no case of the rule matches, or before it is made.
    pub(crate) current: Option<bool>,
}

/// What a row says about itself, regardless of other versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowStatus {
    pub(crate) own: OwnStatus,
    /// Whether the source states if this version is current.
    pub(crate) is_stated: bool,
    /// Whether it is not current as soon as its group has a final version.
    pub(crate) is_preliminary: bool,
    pub(crate) is_final: bool,
}

/// Whether a row can be current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OwnStatus {
    /// No case of the rule matches: the decision is null.
    #[default]
    Nothing,
    /// It is never current.
    No,
    /// It is current, unless a final version displaces it.
    Yes,
    /// It is current if it is the newest of its group, and the source states nothing about any of
    /// them.
    IfNewest,
}

/// The bits of [`RowStatus`] in files; the lowest two are [`OwnStatus`]. Persisted: see
/// `STATUS_VERSION` in `candidate_file.rs`.
const STATED: u8 = 1 << 2;
const PRELIMINARY: u8 = 1 << 3;
const FINAL: u8 = 1 << 4;

impl RowStatus {
    /// As a number, for files.
    pub(crate) fn to_bits(self) -> u8 {
        let own = match self.own {
            OwnStatus::Nothing => 0,
            OwnStatus::No => 1,
            OwnStatus::Yes => 2,
            OwnStatus::IfNewest => 3,
        };
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        own | flag(self.is_stated, STATED)
            | flag(self.is_preliminary, PRELIMINARY)
            | flag(self.is_final, FINAL)
    }

    /// The reverse of [`Self::to_bits`].
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self {
            own: match bits & 3 {
                0 => OwnStatus::Nothing,
                1 => OwnStatus::No,
                2 => OwnStatus::Yes,
                _ => OwnStatus::IfNewest,
            },
            is_stated: bits & STATED != 0,
            is_preliminary: bits & PRELIMINARY != 0,
            is_final: bits & FINAL != 0,
        }
    }
}

/// The columns that a rule reads.
pub(crate) fn columns_of(rule: &CurrentRule) -> HashSet<&str> {
    let columns = rule.cases.iter().flat_map(CurrentCase::columns);
    columns.map(|(_, name)| name).collect()
}

/// The column of `meta.lastUpdated`.
const LAST_UPDATED: &str = "last_updated";

/// A row of the rule's table as a candidate.
///
/// An instant with more digits than the column has is null there. Bodies have their order all the
/// same: where `last_updated` is null, what the decision knows of it counts.
pub(crate) fn candidate(
    rule: &CurrentRule,
    partition_by: &[String],
    batch: &RecordBatch,
    row: usize,
    decision: &MergeDecision,
) -> Result<Candidate> {
    let row = Row {
        rule,
        partition_by,
        batch,
        row,
    };
    let mut candidate = Candidate {
        table: rule.table.clone(),
        resource: decision.resource,
        group: None,
        order: Vec::new(),
        status: RowStatus::default(),
        current: None,
    };
    for (number, case) in rule.cases.iter().enumerate() {
        if !row.meets_all(&case.when)? {
            continue;
        }
        candidate.status = row.status(case)?;
        candidate.group = row.group(number, case)?;
        candidate.order = row.order(case, decision.last_updated)?;
        break;
    }
    Ok(candidate)
}

/// A row of the rule's table.
#[derive(Clone, Copy)]
struct Row<'a> {
    rule: &'a CurrentRule,
    partition_by: &'a [String],
    batch: &'a RecordBatch,
    row: usize,
}

impl<'a> Row<'a> {
    /// A column that the rule names.
    ///
    /// # Errors
    ///
    /// [`LoadError::Layout`] if the table does not have it.
    fn column(self, name: &str) -> Result<&'a ArrayRef> {
        self.batch
            .column_by_name(name)
            .ok_or_else(|| LoadError::Layout {
                table: self.rule.table.clone(),
                reason: format!("[[current]] names column '{name}', which the table does not have"),
            })
    }

    /// The value of a column as text; `None` if it is null, empty, or the placeholder for an
    /// unknown value in a partition column (such as `UNKNOWN`), which says nothing about a claim.
    fn value(self, name: &str) -> Result<Option<String>> {
        let column = self.column(name)?;
        let text = value_text(column, self.row).filter(|text| !text.is_empty());
        // The value for "missing" in a partition column does not identify a claim.
        let unknown = match column.data_type() {
            DataType::Utf8 => hive::UNKNOWN,
            DataType::Date32 => hive::UNKNOWN_DATE,
            _ => hive::UNKNOWN_NUMBER,
        };
        let is_partition = self.partition_by.iter().any(|column| column == name);
        Ok(text.filter(|text| !(is_partition && text == unknown)))
    }

    /// Whether every named column has one of its values.
    fn meets_all(self, conditions: &Conditions) -> Result<bool> {
        for (name, values) in conditions {
            let text = value_text(self.column(name)?, self.row);
            if !text.is_some_and(|text| values.contains(&text)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether any of the named columns has one of its values.
    fn meets_any(self, conditions: &Conditions) -> Result<bool> {
        for (name, values) in conditions {
            let text = value_text(self.column(name)?, self.row);
            if text.is_some_and(|text| values.contains(&text)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The status of the row by a case. `never_if` comes first: it also overrules what the source
    /// states.
    fn status(self, case: &CurrentCase) -> Result<RowStatus> {
        let mut is_stated = false;
        for name in case.stated_by.keys() {
            is_stated |= self.value(name)?.is_some();
        }
        let own = if self.meets_any(&case.never_if)? {
            OwnStatus::No
        } else if is_stated {
            match self.meets_any(&case.stated_by)? {
                true => OwnStatus::Yes,
                false => OwnStatus::No,
            }
        } else if !self.meets_all(&case.current_if)? {
            OwnStatus::No
        } else {
            OwnStatus::IfNewest
        };
        Ok(RowStatus {
            own,
            is_stated,
            is_preliminary: self.meets_any(&case.preliminary_if)?,
            is_final: self.meets_any(&case.final_if)?,
        })
    }

    /// The group of the row by the case with this number. The number is part of the hash, so rows
    /// of different cases are never versions of one claim. Lengths are hashed before values, so
    /// that values cannot run into each other.
    fn group(self, number: usize, case: &CurrentCase) -> Result<Option<ResourceKey>> {
        if case.group_by.is_empty() {
            return Ok(None);
        }
        let mut hash = Sha256::new();
        hash.update(&self.rule.table);
        hash.update([0]);
        hash.update((number as u64).to_le_bytes());
        for name in &case.group_by {
            let Some(text) = self.value(name)? else {
                return Ok(None);
            };
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        for name in &case.split_by {
            let text = self.value(name)?;
            hash.update([u8::from(text.is_some())]);
            let text = text.unwrap_or_default();
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        Ok(Some(ResourceKey::from_bytes(&hash.finalize()[..16])))
    }

    /// The order of the row. `newest_at_tie` comes directly after the first column of `newest_by`,
    /// as it decides among rows that are equal there.
    fn order(self, case: &CurrentCase, last_updated: Option<i64>) -> Result<Vec<u8>> {
        let mut order = Vec::new();
        for (position, name) in case.newest_by.iter().enumerate() {
            let column = self.column(name)?;
            match last_updated {
                Some(updated) if name == LAST_UPDATED && column.is_null(self.row) => {
                    push_number(&mut order, updated);
                }
                _ => push_ordered(&mut order, self.rule, column, self.row)?,
            }
            if position == 0 {
                for (name, values) in &case.newest_at_tie {
                    let text = value_text(self.column(name)?, self.row);
                    let place =
                        text.and_then(|text| values.iter().position(|value| *value == text));
                    push_number(&mut order, place.map_or(-1, |place| place as i64));
                }
            }
        }
        Ok(order)
    }
}

/// Appends a value so that bytes sort like values; null comes before everything.
fn push_ordered(
    bytes: &mut Vec<u8>,
    rule: &CurrentRule,
    array: &ArrayRef,
    row: usize,
) -> Result<()> {
    if array.is_null(row) {
        bytes.push(0);
        return Ok(());
    }
    let number = match array.data_type() {
        DataType::Utf8 => {
            bytes.push(1);
            for byte in array.as_string::<i32>().value(row).bytes() {
                // A zero ends the text, so one within is made longer.
                bytes.extend(if byte == 0 {
                    &[0, 1][..]
                } else {
                    std::slice::from_ref(&byte)
                });
            }
            bytes.extend([0, 0]);
            return Ok(());
        }
        DataType::Int32 => i64::from(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row),
        DataType::Date32 => i64::from(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row)
        }
        other => {
            return Err(LoadError::Layout {
                table: rule.table.clone(),
                reason: format!("[[current]] newest_by cannot order a column of type {other}"),
            });
        }
    };
    push_number(bytes, number);
    Ok(())
}

/// Appends a number: with the sign bit flipped, big-endian bytes sort like signed numbers.
fn push_number(bytes: &mut Vec<u8>, number: i64) {
    bytes.push(1);
    bytes.extend((number ^ i64::MIN).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::TimestampMicrosecondArray;

    use super::*;

    #[test]
    fn a_body_whose_last_updated_is_null_is_as_new_as_its_verdict_says() {
        let rule = CurrentRule {
            table: "eob".to_owned(),
            column: "is_current".to_owned(),
            also: Vec::new(),
            cases: vec![CurrentCase {
                newest_by: vec!["last_updated".to_owned()],
                ..CurrentCase::default()
            }],
        };
        let times = TimestampMicrosecondArray::from(vec![Some(10), None, Some(12), None]);
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("last_updated", times, true)]).unwrap();
        let decision = |last_updated| MergeDecision {
            number: 0,
            resource: ResourceKey::default(),
            last_updated,
            differs: true,
            current: None,
        };
        let known = [Some(10), Some(11), Some(12), None];
        let order = |row: usize| {
            let found = candidate(&rule, &[], &batch, row, &decision(known[row]));
            found.unwrap().order
        };
        // What has no time at all comes before everything.
        assert!(order(3) < order(0) && order(0) < order(1) && order(1) < order(2));
    }
}
