//! Putting pieces of batches together.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch, make_array};
use arrow_buffer::NullBufferBuilder;
use arrow_data::ArrayData;
use arrow_data::transform::{Capacities, MutableArrayData};
use arrow_schema::{DataType, SchemaRef, TimeUnit};

use crate::error::{LoadError, Result};
use crate::sort::text_column::TextColumn;

/// A piece: rows `start .. start + len` of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    pub(crate) batch: &'a RecordBatch,
    /// No other batch of the table has this number.
    pub(crate) number: u64,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// Pieces in order, neighbours of one batch joined.
#[derive(Debug, Default)]
pub(crate) struct Ranges<'a> {
    /// The batches and their numbers.
    pub(crate) batches: Vec<(&'a RecordBatch, u64)>,
    /// The position of a batch, the first row and one after the last.
    pub(crate) ranges: Vec<(usize, usize, usize)>,
    pub(crate) rows: usize,
}

impl<'a> Ranges<'a> {
    pub(crate) fn of(pieces: impl Iterator<Item = Piece<'a>>) -> Self {
        let mut joined = Self::default();
        let mut position_of: HashMap<u64, usize> = HashMap::new();
        for piece in pieces {
            let position = *position_of.entry(piece.number).or_insert_with(|| {
                joined.batches.push((piece.batch, piece.number));
                joined.batches.len() - 1
            });
            joined.rows += piece.len;
            match joined.ranges.last_mut() {
                Some((last, _, end)) if *last == position && *end == piece.start => {
                    *end += piece.len;
                }
                _ => {
                    let end = piece.start + piece.len;
                    joined.ranges.push((position, piece.start, end));
                }
            }
        }
        joined
    }
}

/// One batch of the rows, in order. All batches have the columns of `schema`.
pub(crate) fn gather(schema: &SchemaRef, ranges: &Ranges<'_>) -> Result<RecordBatch> {
    let columns = (0..schema.fields().len())
        .map(|column| gather_column(ranges, column))
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(LoadError::arrow("merging sorted rows"))
}

/// One batch of rows that are held, in order; each text is stored once.
pub(crate) fn gather_held(schema: &SchemaRef, ranges: &Ranges<'_>) -> Result<RecordBatch> {
    let columns = (0..schema.fields().len())
        .map(|column| match schema.field(column).data_type() {
            DataType::Dictionary(..) => gather_text(ranges, column),
            _ => gather_column(ranges, column),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(LoadError::arrow("merging sorted rows"))
}

/// One column of text that is held, in order.
pub(crate) fn gather_text(ranges: &Ranges<'_>, column: usize) -> Result<ArrayRef> {
    let mut texts = TextColumn::default();
    texts
        .append(ranges, column)
        .and_then(|()| texts.take())
        .map_err(LoadError::arrow("merging sorted rows"))
}

/// One column of the rows, in order.
pub(crate) fn gather_column(ranges: &Ranges<'_>, column: usize) -> Result<ArrayRef> {
    let Some((first, _)) = ranges.batches.first() else {
        return Err(LoadError::Request("there are no rows to merge".to_owned()));
    };
    if let [(position, start, end)] = ranges.ranges[..] {
        return Ok(ranges.batches[position]
            .0
            .column(column)
            .slice(start, end - start));
    }
    Ok(match first.column(column).data_type() {
        DataType::Int16 => numbers::<Int16Type>(ranges, column),
        DataType::Int32 => numbers::<Int32Type>(ranges, column),
        DataType::Int64 => numbers::<Int64Type>(ranges, column),
        DataType::Date32 => numbers::<Date32Type>(ranges, column),
        DataType::Decimal128(..) => numbers::<Decimal128Type>(ranges, column),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            numbers::<TimestampMicrosecondType>(ranges, column)
        }
        _ => return any(ranges, column),
    })
}

fn numbers<T: ArrowPrimitiveType>(ranges: &Ranges<'_>, column: usize) -> ArrayRef {
    let sources: Vec<&PrimitiveArray<T>> = ranges
        .batches
        .iter()
        .map(|(batch, _)| batch.column(column).as_primitive::<T>())
        .collect();
    let mut values: Vec<T::Native> = Vec::with_capacity(ranges.rows);
    let mut validity = NullBufferBuilder::new(ranges.rows);
    for (source, start, end) in &ranges.ranges {
        let source = sources[*source];
        values.extend_from_slice(&source.values()[*start..*end]);
        match source.nulls() {
            None => validity.append_n_non_nulls(end - start),
            Some(nulls) => validity.append_buffer(&nulls.slice(*start, end - start)),
        }
    }
    let data_type = sources.first().map(|source| source.data_type().clone());
    let gathered = PrimitiveArray::<T>::new(values.into(), validity.finish());
    Arc::new(match data_type {
        Some(data_type) => gathered.with_data_type(data_type),
        None => gathered,
    })
}

fn any(ranges: &Ranges<'_>, column: usize) -> Result<ArrayRef> {
    let data: Vec<ArrayData> = ranges
        .batches
        .iter()
        .map(|(batch, _)| batch.column(column).to_data())
        .collect();
    let doing = || LoadError::arrow("merging sorted rows");
    let mut merged = MutableArrayData::try_with_capacities(
        data.iter().collect(),
        false,
        Capacities::Array(ranges.rows),
    )
    .map_err(doing())?;
    for (source, start, end) in &ranges.ranges {
        merged.try_extend(*source, *start, *end).map_err(doing())?;
    }
    Ok(make_array(merged.freeze()))
}
