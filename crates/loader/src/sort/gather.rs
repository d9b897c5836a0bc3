//! Putting pieces of batches together to one batch.

use std::collections::HashMap;

use arrow_array::{ArrayRef, RecordBatch, make_array};
use arrow_data::ArrayData;
use arrow_data::transform::{Capacities, MutableArrayData};
use arrow_schema::SchemaRef;

use crate::error::{LoadError, Result};

/// A piece: rows `start .. start + len` of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) batch: &'a RecordBatch,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// One batch of the pieces' rows, in order. All batches have the columns of `schema`.
pub(crate) fn gather(schema: &SchemaRef, pieces: &[Piece<'_>]) -> Result<RecordBatch> {
    if let [only] = pieces {
        return Ok(only.batch.slice(only.start, only.len));
    }
    let mut batches: Vec<&RecordBatch> = Vec::new();
    let mut number_of: HashMap<*const RecordBatch, usize> = HashMap::new();
    let mut ranges: Vec<(usize, usize, usize)> = Vec::with_capacity(pieces.len());
    let mut rows = 0;
    for piece in pieces {
        let number = *number_of
            .entry(std::ptr::from_ref(piece.batch))
            .or_insert_with(|| {
                batches.push(piece.batch);
                batches.len() - 1
            });
        rows += piece.len;
        match ranges.last_mut() {
            Some((last, _, end)) if *last == number && *end == piece.start => *end += piece.len,
            _ => ranges.push((number, piece.start, piece.start + piece.len)),
        }
    }
    if let [(number, start, end)] = ranges[..] {
        return Ok(batches[number].slice(start, end - start));
    }
    let columns = (0..schema.fields().len())
        .map(|column| gather_column(&batches, column, &ranges, rows))
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(LoadError::arrow("merging sorted rows"))
}

fn gather_column(
    batches: &[&RecordBatch],
    column: usize,
    ranges: &[(usize, usize, usize)],
    rows: usize,
) -> Result<ArrayRef> {
    let data: Vec<ArrayData> = batches
        .iter()
        .map(|batch| batch.column(column).to_data())
        .collect();
    let doing = || LoadError::arrow("merging sorted rows");
    let mut merged = MutableArrayData::try_with_capacities(
        data.iter().collect(),
        false,
        Capacities::Array(rows),
    )
    .map_err(doing())?;
    for (number, start, end) in ranges {
        merged.try_extend(*number, *start, *end).map_err(doing())?;
    }
    Ok(make_array(merged.freeze()))
}
