//! What is in a Parquet file: its bytes by their checksum, its rows and the sums of its decimals by
//! reading them, not by what a footer says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Decimal128Type;
use arrow_schema::DataType;
use claimlake_contract::hex;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest as _, Sha256};

/// Rows that are decoded at once.
const ROWS_AT_ONCE: usize = 8192;

/// The sums of the decimal columns, in units of their last digit.
pub(crate) type Sums = BTreeMap<String, i128>;

/// The content of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// None: it is no Parquet file that can be read to its end.
    pub(crate) rows: Option<(u64, Sums)>,
}

/// Reads a file twice: its bytes, then its rows.
pub(crate) fn read(mut file: File) -> std::io::Result<Contents> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    file.seek(SeekFrom::Start(0))?;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Contents {
        bytes,
        sha256: hex(&hash.finalize()),
        rows: rows(file),
    })
}

fn rows(file: File) -> Option<(u64, Sums)> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
    let fields = builder.schema().fields().iter().enumerate();
    let is_decimal = |kind: &DataType| matches!(kind, DataType::Decimal128(..));
    let mut columns: Vec<usize> = fields
        .filter(|(_, field)| is_decimal(field.data_type()))
        .map(|(index, _)| index)
        .collect();
    if columns.is_empty() {
        // Rows are counted by reading one column.
        columns.push(0);
    }
    let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
    let reader = builder.with_projection(mask).with_batch_size(ROWS_AT_ONCE);
    let (mut rows, mut sums) = (0, Sums::new());
    for batch in reader.build().ok()? {
        let batch = batch.ok()?;
        rows += batch.num_rows() as u64;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let Some(values) = column.as_primitive_opt::<Decimal128Type>() else {
                continue;
            };
            let sum = sums.entry(field.name().clone()).or_default();
            for value in values.iter().flatten() {
                *sum = sum.checked_add(value)?;
            }
        }
    }
    Some((rows, sums))
}
