//! What a rule of what is current needs to know of each resource.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use sha2::{Digest, Sha256};

use crate::error::{LoadError, Result};
use crate::merge::resource_key::ResourceKey;
use crate::merge::verdict::Verdict;
use crate::place::hive_path::value_text;
use crate::request::{CurrentCase, CurrentRule};

/// One resource in the eyes of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) table: String,
    pub(crate) resource: ResourceKey,
    /// What versions of one claim agree in; none: it has no other versions.
    pub(crate) group: Option<ResourceKey>,
    /// What orders versions: greater bytes are newer.
    pub(crate) order: Vec<u8>,
    /// Whether it could be current by itself; none: no case of the rule fits.
    pub(crate) holds: Option<bool>,
    /// What was found.
    pub(crate) current: Option<bool>,
}

/// The columns a rule reads.
pub(crate) fn columns_of(rule: &CurrentRule) -> HashSet<&str> {
    rule.cases
        .iter()
        .flat_map(|case| {
            let conditions = case.when.keys().chain(case.current_if.keys());
            conditions.chain(&case.group_by).chain(&case.newest_by)
        })
        .map(String::as_str)
        .collect()
}

/// The column of `meta.lastUpdated`.
const LAST_UPDATED: &str = "last_updated";

/// A row of the rule's table as a candidate.
///
/// An instant with more digits than the column has is null there. Bodies have their order all the
/// same: where `last_updated` is null, what the verdict knows of it counts.
pub(crate) fn candidate(
    rule: &CurrentRule,
    batch: &RecordBatch,
    row: usize,
    verdict: &Verdict,
) -> Result<Candidate> {
    let mut candidate = Candidate {
        table: rule.table.clone(),
        resource: verdict.resource,
        group: None,
        order: Vec::new(),
        holds: None,
        current: None,
    };
    for (number, case) in rule.cases.iter().enumerate() {
        if !agrees(rule, batch, row, &case.when)? {
            continue;
        }
        candidate.holds = Some(agrees(rule, batch, row, &case.current_if)?);
        candidate.group = group(rule, number, case, batch, row)?;
        for name in &case.newest_by {
            let column = column(rule, batch, name)?;
            match verdict.last_updated {
                Some(updated) if name == LAST_UPDATED && column.is_null(row) => {
                    push_number(&mut candidate.order, updated);
                }
                _ => push_ordered(&mut candidate.order, rule, column, row)?,
            }
        }
        break;
    }
    Ok(candidate)
}

fn column<'a>(rule: &CurrentRule, batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| LoadError::Layout {
        table: rule.table.clone(),
        reason: format!("[[current]] names column '{name}', which the table does not have"),
    })
}

fn agrees(
    rule: &CurrentRule,
    batch: &RecordBatch,
    row: usize,
    conditions: &std::collections::BTreeMap<String, Vec<String>>,
) -> Result<bool> {
    for (name, values) in conditions {
        let text = value_text(column(rule, batch, name)?, row);
        if !text.is_some_and(|text| values.contains(&text)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn group(
    rule: &CurrentRule,
    number: usize,
    case: &CurrentCase,
    batch: &RecordBatch,
    row: usize,
) -> Result<Option<ResourceKey>> {
    if case.group_by.is_empty() {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    hash.update(&rule.table);
    hash.update([0]);
    hash.update((number as u64).to_le_bytes());
    for name in &case.group_by {
        let Some(text) = value_text(column(rule, batch, name)?, row) else {
            return Ok(None);
        };
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    Ok(Some(ResourceKey::from_bytes(&hash.finalize()[..16])))
}

/// Appends the value so that bytes sort as values do, null before everything.
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

fn push_number(bytes: &mut Vec<u8>, number: i64) {
    bytes.push(1);
    bytes.extend((number ^ i64::MIN).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow_array::TimestampMicrosecondArray;

    use super::*;

    #[test]
    fn a_body_whose_last_updated_is_null_is_as_new_as_its_verdict_says() {
        let rule = CurrentRule {
            table: "eob".to_owned(),
            column: "is_current".to_owned(),
            cases: vec![CurrentCase {
                when: BTreeMap::new(),
                current_if: BTreeMap::new(),
                group_by: Vec::new(),
                newest_by: vec!["last_updated".to_owned()],
            }],
        };
        let times = TimestampMicrosecondArray::from(vec![Some(10), None, Some(12), None]);
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("last_updated", times, true)]).unwrap();
        let verdict = |last_updated| Verdict {
            number: 0,
            resource: ResourceKey::default(),
            last_updated,
            differs: true,
            current: None,
        };
        let known = [Some(10), Some(11), Some(12), None];
        let order = |row: usize| {
            let found = candidate(&rule, &batch, row, &verdict(known[row]));
            found.unwrap().order
        };
        // What has no time at all comes before everything.
        assert!(order(3) < order(0) && order(0) < order(1) && order(1) < order(2));
    }
}
