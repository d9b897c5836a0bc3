//! Ranks the rows of a resource.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, DictionaryArray, Int32Array, UInt32Array};
use arrow_schema::ArrowError;
use serde::{Deserialize, Serialize};

use super::rows::Columns;

/// Ranks the rows of a resource. Rank 1 is the first row of a kind in `first`, by its place as in `first()`; the others follow in
/// the order of `order_by`, and with equal numbers in the order of the source. Rows of a kind in
/// `unranked` have no rank.
///
/// If `same` is given, a row with the same value in that column as rank 1 has no rank either: the
/// source then lists one thing twice, once as the first and once among the others. Rank 1 takes the
/// values of the columns in `carry` from such a row if its own are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rank {
    /// The name of the new column, placed before `order_by`.
    pub into: String,
    /// The column with the source's own numbers; rows without one come last.
    pub order_by: String,
    /// The column with the kind of a row.
    pub kind: String,
    /// The kinds of which the first row has rank 1.
    #[serde(default)]
    pub first: Vec<String>,
    /// Whether ranks begin with 2 if there is no row of these kinds.
    #[serde(default)]
    pub keeps_one: bool,
    /// The kinds that have no rank.
    #[serde(default)]
    pub unranked: Vec<String>,
    /// The column by which a repetition of rank 1 is recognized; `None` if there are none.
    pub same: Option<String>,
    /// The text columns whose values rank 1 takes from its repetition.
    #[serde(default)]
    pub carry: Vec<String>,
}

/// What the kind of a row means for its rank.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    First,
    Other,
    Unranked,
}

impl Rank {
    /// Adds the column of ranks.
    ///
    /// # Errors
    ///
    /// A column is missing or has another type.
    pub(super) fn apply(&self, columns: &mut Columns) -> Result<(), ArrowError> {
        let numbers = columns.integer(&self.order_by)?;
        let kinds = self.kinds(&columns.text(&self.kind)?);
        let same = self
            .same
            .as_ref()
            .map(|same| columns.text(same))
            .transpose()?;
        let mut carried = Vec::new();
        for name in &self.carry {
            let texts = columns.text(name)?;
            carried.push((name, texts.keys().iter().collect::<Vec<_>>(), texts));
        }
        let mut ranks: Vec<Option<i32>> = vec![None; numbers.len()];
        for rows in &columns.resources {
            // Rows without a number come last.
            let number = |row: usize| {
                let number = numbers.is_valid(row).then(|| numbers.value(row));
                (number.map_or(i64::MAX, i64::from), row)
            };
            let first = rows.clone().find(|row| kinds[*row] == Kind::First);
            let mut others: Vec<usize> = rows
                .clone()
                .filter(|row| kinds[*row] != Kind::Unranked && Some(*row) != first)
                .collect();
            others.sort_by_key(|row| number(*row));
            let mut rank = i32::from(self.keeps_one);
            if let Some(first) = first {
                rank = 1;
                ranks[first] = Some(rank);
            }
            for row in others {
                if let (Some(first), Some(same)) = (first, &same)
                    && is_same(same, first, row)
                {
                    for (_, keys, _) in &mut carried {
                        keys[first] = keys[first].or(keys[row]);
                    }
                    continue;
                }
                rank += 1;
                ranks[row] = Some(rank);
            }
        }
        for (name, keys, texts) in carried {
            let keys: UInt32Array = keys.into_iter().collect();
            let texts = DictionaryArray::try_new(keys, texts.values().clone())?;
            columns.replace(name, Arc::new(texts));
        }
        columns.insert_before(
            &self.order_by,
            &self.into,
            Arc::new(Int32Array::from(ranks)),
        )
    }

    /// The kind of each row. A row without a kind is ranked like the others.
    fn kinds(&self, texts: &DictionaryArray<UInt32Type>) -> Vec<Kind> {
        let of_text = |text: Option<&str>| match text {
            Some(text) if self.first.iter().any(|kind| kind == text) => Kind::First,
            Some(text) if self.unranked.iter().any(|kind| kind == text) => Kind::Unranked,
            _ => Kind::Other,
        };
        let known: Vec<Kind> = texts
            .values()
            .as_string::<i32>()
            .iter()
            .map(of_text)
            .collect();
        let keys = texts.keys().iter();
        keys.map(|key| {
            key.and_then(|key| known.get(key as usize))
                .copied()
                .unwrap_or(Kind::Other)
        })
        .collect()
    }
}

/// Whether two rows have the same text, which must be there.
fn is_same(texts: &DictionaryArray<UInt32Type>, one: usize, other: usize) -> bool {
    let text = |row: usize| {
        let values = texts.values().as_string::<i32>();
        texts.key(row).map(|key| values.value(key))
    };
    text(one).is_some() && text(one) == text(other)
}
