//! Cuts batches into spans and makes their sort keys and partitions.
//!
//! A key is the bytes of the partition and sort columns as Arrow's row format has them (`arrow_row`,
//! nulls first), and the group's 16 bytes. Comparing bytes therefore sorts rows, and rows of one group
//! that agree in the sort columns stay together.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, UInt32Array};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use arrow_select::take::take;

use crate::error::{ColumnarError, Result};
use crate::group_key::GroupKey;
use crate::hive_path;
use crate::sort::block;
use crate::sort::buffered::{BatchInterner, plain_column};
use crate::sort::sort_keys::SortKeys;
use crate::sort::spans::{OwnedRows, Span, SpanBatch};
use crate::sort::table_shape::TableShape;

/// How many keys are computed at once: keys exist twice in memory while they are computed.
const KEYS_AT_ONCE: usize = 1_024;

/// Cuts batches into spans.
#[derive(Debug)]
pub struct SpanMaker {
    shape: TableShape,
    key_columns: Vec<usize>,
    keys: RowConverter,
    partitions: RowConverter,
    /// The number of each partition, by the bytes of its values.
    number_of: HashMap<Box<[u8]>, u32>,
    /// The path of each partition, by number.
    paths: Vec<String>,
    /// How many batches were made, which is also the number of the last one.
    batches: u64,
    interner: BatchInterner,
    /// The sort columns of a batch's spans as bytes.
    rows: Option<Rows>,
}

impl SpanMaker {
    /// Cuts batches of this shape.
    ///
    /// # Errors
    ///
    /// Sort or partition columns of a type that has no order.
    pub fn new(shape: TableShape) -> Result<Self> {
        let fields = |columns: &[usize]| -> Vec<SortField> {
            columns
                .iter()
                .map(|column| SortField::new(shape.schema.field(*column).data_type().clone()))
                .collect()
        };
        let key_columns: Vec<usize> = shape.partition.iter().chain(&shape.sort).copied().collect();
        let error = |source| ColumnarError::Layout {
            table: shape.name.clone(),
            reason: format!("its rows cannot be sorted by sort_by: {source}"),
        };
        Ok(Self {
            keys: RowConverter::new(fields(&key_columns)).map_err(error)?,
            partitions: RowConverter::new(fields(&shape.partition)).map_err(error)?,
            key_columns,
            shape,
            number_of: HashMap::new(),
            paths: Vec::new(),
            batches: 0,
            interner: BatchInterner::default(),
            rows: None,
        })
    }

    /// The shape of the batches.
    #[must_use]
    pub fn shape(&self) -> &TableShape {
        &self.shape
    }

    /// The path of a partition, `eob_type=CARRIER/service_year=2024`; empty where there is none.
    pub fn path(&self, partition: u32) -> &str {
        self.paths
            .get(partition as usize)
            .map_or("", String::as_str)
    }

    /// The paths of all partitions seen so far.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Cuts `batch`, whose text is in dictionaries, into spans. Rows that `owned` does not cover
    /// are left out.
    ///
    /// # Errors
    ///
    /// A partition or sort column cannot be compared.
    pub fn make(&mut self, batch: RecordBatch, owned: &[OwnedRows]) -> Result<SpanBatch> {
        let batch = self.with_known_partitions(batch)?;
        let mut rows = Vec::with_capacity(owned.len());
        let same: Vec<SameAsBefore<'_>> = self
            .key_columns
            .iter()
            .map(|column| same_as_before(batch.column(*column)))
            .collect();
        for piece in owned {
            let mut start = piece.start;
            for row in piece.start + 1..piece.start + piece.len {
                if !same.iter().all(|same| same(row)) {
                    rows.push(OwnedRows {
                        start,
                        len: row - start,
                        ..*piece
                    });
                    start = row;
                }
            }
            let len = piece.start + piece.len - start;
            if len > 0 {
                rows.push(OwnedRows {
                    start,
                    len,
                    ..*piece
                });
            }
        }
        drop(same);
        let (keys, partitions) = self.keys_of(&batch, &rows)?;
        let spans = rows
            .into_iter()
            .zip(partitions)
            .map(|(rows, partition)| Span { rows, partition })
            .collect();
        self.batches += 1;
        let operation = || ColumnarError::arrow(format!("sorting table '{}'", self.shape.name));
        Ok(SpanBatch {
            batch: self.interner.buffer(&batch).map_err(operation())?,
            number: self.batches,
            spans,
            keys,
        })
    }

    /// The batch with partition columns that have no nulls, whoever made it.
    fn with_known_partitions(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let operation = || ColumnarError::arrow(format!("sorting table '{}'", self.shape.name));
        let mut columns = None;
        for column in &self.shape.partition {
            let name = self.shape.schema.field(*column).name();
            let known = hive_path::known(name, batch.column(*column)).map_err(operation())?;
            if let Some(known) = known {
                columns.get_or_insert_with(|| batch.columns().to_vec())[*column] = known;
            }
        }
        match columns {
            Some(columns) => RecordBatch::try_new(batch.schema(), columns).map_err(operation()),
            None => Ok(batch),
        }
    }

    /// Reads a batch that was spilled by this maker.
    ///
    /// # Errors
    ///
    /// The block is damaged.
    pub fn read(&mut self, block: &[u8]) -> Result<SpanBatch> {
        let block = block::read(&self.shape.dictionaries, &mut self.interner, block).map_err(
            ColumnarError::arrow(format!("sorting table '{}'", self.shape.name)),
        )?;
        self.batches += 1;
        Ok(SpanBatch {
            batch: block.batch,
            number: self.batches,
            spans: block.spans,
            keys: block.keys,
        })
    }

    /// The sort keys and partition numbers of spans.
    fn keys_of(&mut self, batch: &RecordBatch, rows: &[OwnedRows]) -> Result<(SortKeys, Vec<u32>)> {
        let operation = format!("sorting table '{}'", self.shape.name);
        let operation = || ColumnarError::arrow(operation.as_str());
        let mut keys = SortKeys::default();
        let mut partitions = Vec::with_capacity(rows.len());
        for part in rows.chunks(KEYS_AT_ONCE) {
            let starts = part.iter().map(|rows| {
                let start = u32::try_from(rows.start);
                start.map_err(|_| ArrowError::OffsetOverflowError(rows.start))
            });
            let starts = starts.collect::<std::result::Result<Vec<_>, _>>();
            let starts = UInt32Array::from(starts.map_err(operation())?);
            let columns = self.key_columns.iter().map(|column| {
                take(batch.column(*column), &starts, None).and_then(|column| plain_column(&column))
            });
            let columns = columns.collect::<std::result::Result<Vec<ArrayRef>, _>>();
            let columns = columns.map_err(operation())?;
            push_keys(&self.keys, &mut self.rows, &columns, part, &mut keys).map_err(operation())?;
            let columns = &columns[..self.shape.partition.len()];
            if columns.is_empty() {
                if self.paths.is_empty() {
                    self.paths.push(String::new());
                }
                partitions.resize(partitions.len() + part.len(), 0);
                continue;
            }
            let values = self
                .partitions
                .convert_columns(columns)
                .map_err(operation())?;
            for (row, value) in values.iter().enumerate() {
                let number = self.partition_number(value.data(), columns, row);
                partitions.push(number.map_err(operation())?);
            }
        }
        keys.shrink();
        Ok((keys, partitions))
    }

    /// The number of a partition; a new one if its values were not seen before.
    fn partition_number(
        &mut self,
        value: &[u8],
        columns: &[ArrayRef],
        row: usize,
    ) -> std::result::Result<u32, ArrowError> {
        if let Some(number) = self.number_of.get(value) {
            return Ok(*number);
        }
        let number = u32::try_from(self.paths.len())
            .map_err(|_| ArrowError::OffsetOverflowError(self.paths.len()))?;
        let values = columns
            .iter()
            .map(|array| hive_path::value_text(array, row));
        let path = self.shape.partition_path(values);
        self.paths.push(path);
        self.number_of.insert(value.into(), number);
        Ok(number)
    }

    /// The order of partitions, given by the typed values of their columns (one row per partition).
    ///
    /// # Errors
    ///
    /// The values have no order.
    pub fn order_partitions(&self, columns: &[ArrayRef]) -> Result<Vec<usize>> {
        let rows = self
            .partitions
            .convert_columns(columns)
            .map_err(ColumnarError::arrow("ordering partitions"))?;
        let mut order: Vec<usize> = (0..rows.num_rows()).collect();
        order.sort_by(|left, right| rows.row(*left).cmp(&rows.row(*right)));
        Ok(order)
    }
}

/// Appends the keys of spans; `scratch` is reused for the converted columns.
fn push_keys(
    converter: &RowConverter,
    scratch: &mut Option<Rows>,
    columns: &[ArrayRef],
    spans: &[OwnedRows],
    keys: &mut SortKeys,
) -> std::result::Result<(), ArrowError> {
    if columns.is_empty() {
        for span in spans {
            keys.push(&[], span.resource)?;
        }
        return Ok(());
    }
    let rows = scratch.get_or_insert_with(|| converter.empty_rows(0, 0));
    rows.clear();
    converter.append(rows, columns)?;
    for (row, span) in rows.iter().zip(spans) {
        keys.push(row.data(), span.resource)?;
    }
    Ok(())
}

/// Keys of groups as a column.
pub fn resource_column(
    resources: impl ExactSizeIterator<Item = GroupKey>,
) -> Result<FixedSizeBinaryArray> {
    let mut bytes = Vec::with_capacity(resources.len() * 16);
    for resource in resources {
        bytes.extend_from_slice(&resource.to_bytes());
    }
    FixedSizeBinaryArray::try_new(16, bytes.into(), None)
        .map_err(ColumnarError::arrow("writing resource keys"))
}

/// Whether a row has the value of the row before it.
type SameAsBefore<'a> = Box<dyn Fn(usize) -> bool + 'a>;

/// Compares each row with the one before it. Two nulls are the same.
fn same_as_before(array: &ArrayRef) -> SameAsBefore<'_> {
    fn compare<'a>(array: &'a ArrayRef, same: impl Fn(usize) -> bool + 'a) -> SameAsBefore<'a> {
        if array.null_count() == 0 {
            return Box::new(same);
        }
        Box::new(
            move |row| match (array.is_null(row), array.is_null(row - 1)) {
                (false, false) => same(row),
                (left, right) => left == right,
            },
        )
    }
    macro_rules! numbers {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>().values();
            compare(array, move |row| values[row] == values[row - 1])
        }};
    }
    match array.data_type() {
        DataType::Dictionary(..) => {
            let numbers = array.as_dictionary::<UInt32Type>().keys().values();
            compare(array, move |row| numbers[row] == numbers[row - 1])
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            compare(array, move |row| values.value(row) == values.value(row - 1))
        }
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt64 => numbers!(UInt64Type),
        DataType::Date32 => numbers!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, _) => numbers!(TimestampMicrosecondType),
        // Every row becomes a span of its own: slower, and just as right.
        _ => Box::new(|_| false),
    }
}
