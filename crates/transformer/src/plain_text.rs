//! Staged files have text as text, not as dictionaries: a text that many rows share is written for
//! each of them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use arrow_select::take::take;

/// The most bytes of text in a batch of several rows; Arrow's offsets end at 2 GiB.
pub(crate) const MOST_TEXT: usize = 256 << 20;

/// The columns with text as text.
pub(crate) fn with_plain_text(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let field = field.as_ref().clone();
        match field.data_type() {
            DataType::Dictionary(_, text) => {
                let text = text.as_ref().clone();
                field.with_data_type(text)
            }
            _ => field,
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A batch with the columns of `schema`, see [`with_plain_text`].
///
/// # Errors
/// When a column has more text than Arrow's offsets count.
pub(crate) fn plain_batch(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| plain_text(column));
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<Vec<_>, _>>()?)
}

fn plain_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.as_any_dictionary_opt() {
        Some(dictionary) => take(dictionary.values(), dictionary.keys(), None),
        None => Ok(Arc::clone(column)),
    }
}

/// Cuts a batch so that no piece has more than `most` bytes of plain text, unless it is one row.
pub(crate) fn pieces(batch: &RecordBatch, most: usize) -> Vec<RecordBatch> {
    let texts: Vec<Texts<'_>> = batch.columns().iter().filter_map(Texts::of).collect();
    let longest: usize = texts.iter().map(Texts::longest).sum();
    if longest.saturating_mul(batch.num_rows()) <= most {
        return vec![batch.clone()];
    }
    let mut pieces = Vec::new();
    let (mut start, mut bytes) = (0, 0_usize);
    for row in 0..batch.num_rows() {
        let of_row: usize = texts.iter().map(|texts| texts.of_row(row)).sum();
        if row > start && bytes.saturating_add(of_row) > most {
            pieces.push(batch.slice(start, row - start));
            (start, bytes) = (row, 0);
        }
        bytes = bytes.saturating_add(of_row);
    }
    pieces.push(batch.slice(start, batch.num_rows() - start));
    pieces
}

/// The texts of a dictionary column.
struct Texts<'c> {
    column: &'c ArrayRef,
    /// The bytes of each text.
    lengths: Vec<usize>,
}

impl<'c> Texts<'c> {
    fn of(column: &'c ArrayRef) -> Option<Self> {
        let dictionary = column.as_dictionary_opt::<UInt32Type>()?;
        let texts = dictionary.values().as_string_opt::<i32>()?;
        let lengths = texts.offsets().lengths().collect();
        Some(Self { column, lengths })
    }

    fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    fn of_row(&self, row: usize) -> usize {
        let keys = self.column.as_dictionary::<UInt32Type>().keys();
        let key = keys.is_valid(row).then(|| keys.value(row) as usize);
        key.and_then(|key| self.lengths.get(key).copied())
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::StringArray;
    use arrow_array::{DictionaryArray, Int64Array, UInt32Array};

    use super::*;

    fn batch(keys: Vec<Option<u32>>) -> RecordBatch {
        let texts = StringArray::from(vec!["", "abc", "long text"]);
        let rows = keys.len() as i64;
        let keys = UInt32Array::from(keys);
        let texts: ArrayRef =
            Arc::new(DictionaryArray::<UInt32Type>::try_new(keys, Arc::new(texts)).unwrap());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        RecordBatch::try_from_iter_with_nullable([
            ("text", texts.clone(), true),
            ("number", numbers, true),
            ("same", texts, true),
        ])
        .unwrap()
    }

    fn rows(batch: &RecordBatch) -> Vec<(i64, Option<String>, Option<String>)> {
        let numbers = batch
            .column(1)
            .as_primitive::<arrow_array::types::Int64Type>();
        let text = |column: usize, row| {
            let texts = batch.column(column).as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        let row = |row| (numbers.value(row), text(0, row), text(2, row));
        (0..batch.num_rows()).map(row).collect()
    }

    #[test]
    fn batches_with_much_text_are_cut_and_keep_their_rows() {
        let keys = vec![Some(1), Some(1), None, Some(2), Some(0), Some(1), Some(2)];
        let batch = batch(keys);
        let schema = with_plain_text(&batch.schema());
        // The text of each row: 6, 6, 0, 18, 0, 6 and 18 bytes, as there are two such columns.
        let cases = [
            (126, vec![7]),
            (54, vec![7]),
            (30, vec![5, 2]),
            (20, vec![3, 2, 1, 1]),
            (12, vec![3, 1, 2, 1]),
            (0, vec![1; 7]),
        ];
        let text = |key: Option<&str>| key.map(str::to_owned);
        let texts = ["abc", "abc", "-", "long text", "", "abc", "long text"];
        let expected: Vec<_> = (0..)
            .zip(texts.map(|value| text(Some(value).filter(|value| *value != "-"))))
            .map(|(number, text)| (number, text.clone(), text))
            .collect();
        for (most, lengths) in cases {
            let pieces = pieces(&batch, most);
            let found: Vec<usize> = pieces.iter().map(RecordBatch::num_rows).collect();
            assert_eq!(found, lengths, "{most}");
            let plain = pieces
                .iter()
                .map(|piece| plain_batch(piece, &schema).unwrap());
            assert_eq!(
                plain.flat_map(|plain| rows(&plain)).collect::<Vec<_>>(),
                expected
            );
        }
    }
}
