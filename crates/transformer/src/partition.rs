//! Texts that name no folder of a partition: replaced where rows are made, and reported as rejects.
//!
//! The loader replaces them, too, whoever staged the rows; here the line is known that they come from.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow_schema::ArrowError;
use claimlake_contract::LANDING_ORDER_COLUMN;
use claimlake_contract::hive::{self, Unfit};

/// A text of a resource that was replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub(crate) order: u64,
    pub(crate) column: String,
    pub(crate) why: Unfit,
}

/// The rows with texts that name no folder replaced, and the replaced ones, each once a resource and
/// column; none where all are fit.
///
/// # Errors
/// When the rows are not those of a table of the plan.
pub(crate) fn with_fit_partitions(
    batch: &RecordBatch,
    partition_by: &[String],
) -> Result<Option<(RecordBatch, Vec<Replaced>)>, ArrowError> {
    let mut columns: Option<Vec<ArrayRef>> = None;
    let mut replaced = Vec::new();
    for name in partition_by {
        let Some((position, _)) = batch.schema().column_with_name(name) else {
            continue;
        };
        let Some(texts) = batch.column(position).as_dictionary_opt::<UInt32Type>() else {
            continue;
        };
        let values = texts.values().as_string::<i32>();
        let unfit: Vec<Option<Unfit>> = values
            .iter()
            .map(|text| text.and_then(|text| hive::unfit(name, text)))
            .collect();
        if unfit.iter().all(Option::is_none) {
            continue;
        }
        name_replaced(batch, name, texts, &unfit, &mut replaced)?;
        let fit: StringArray = values
            .iter()
            .zip(&unfit)
            .map(|(text, unfit)| match unfit {
                Some(_) => Some(hive::UNKNOWN),
                None => text,
            })
            .collect();
        let fit = DictionaryArray::try_new(texts.keys().clone(), Arc::new(fit))?;
        columns.get_or_insert_with(|| batch.columns().to_vec())[position] = Arc::new(fit);
    }
    columns
        .map(|columns| Ok((RecordBatch::try_new(batch.schema(), columns)?, replaced)))
        .transpose()
}

fn name_replaced(
    batch: &RecordBatch,
    name: &str,
    texts: &DictionaryArray<UInt32Type>,
    unfit: &[Option<Unfit>],
    replaced: &mut Vec<Replaced>,
) -> Result<(), ArrowError> {
    let orders = batch
        .column_by_name(LANDING_ORDER_COLUMN)
        .and_then(|orders| orders.as_primitive_opt::<UInt64Type>())
        .ok_or_else(|| ArrowError::SchemaError(format!("no column {LANDING_ORDER_COLUMN}")))?;
    let mut named = HashSet::new();
    for (number, order) in texts.keys().iter().zip(orders.values()) {
        let why = number.and_then(|number| unfit.get(number as usize).copied().flatten());
        match why {
            // An empty code: no information is lost.
            None | Some(Unfit::Empty) => {}
            Some(why) if named.insert(*order) => replaced.push(Replaced {
                order: *order,
                column: name.to_owned(),
                why,
            }),
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow_array::UInt64Array;

    use super::*;

    #[test]
    fn each_unfit_text_is_reported_once_a_resource_and_the_others_stay() {
        let long = "x".repeat(247);
        let kinds = [
            Some("A"),
            Some(long.as_str()),
            Some(long.as_str()),
            Some("null"),
            Some(""),
            None,
        ];
        let kinds: DictionaryArray<UInt32Type> = kinds.into_iter().collect();
        let kinds: ArrayRef = Arc::new(kinds);
        let orders: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, 2, 3, 4, 5]));
        let columns = [
            ("eob_type", kinds, true),
            (LANDING_ORDER_COLUMN, orders, false),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let partition_by = ["eob_type".to_owned(), "absent".to_owned()];
        let (fit, replaced) = with_fit_partitions(&batch, &partition_by).unwrap().unwrap();
        let texts = fit.column(0).as_dictionary::<UInt32Type>();
        let texts = texts.downcast_dict::<StringArray>().unwrap();
        let unknown = Some("UNKNOWN");
        let expected = [Some("A"), unknown, unknown, unknown, unknown, None];
        assert_eq!(texts.into_iter().collect::<Vec<_>>(), expected);
        let found: Vec<_> = replaced.iter().map(|one| (one.order, one.why)).collect();
        let too_long = Unfit::TooLong {
            bytes: 247,
            most: 246,
        };
        assert_eq!(found, [(2, too_long), (3, Unfit::MeansNull)]);
        assert!(with_fit_partitions(&batch, &[]).unwrap().is_none());
    }
}
