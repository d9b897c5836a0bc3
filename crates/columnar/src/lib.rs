//! Arrow rows to Parquet files: an external sort, and a writer whose bytes follow from the rows
//! alone, however they were batched.
//!
//! Knows neither manifests nor snapshots nor FHIR.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! use claimlake_columnar::sort::batch_sorter::BatchSorter;
//! use claimlake_columnar::{FileAccess, ParquetFile};
//! use claimlake_contract::BloomColumns;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let codes: ArrayRef = Arc::new(StringArray::from(vec!["J44", "E11", "I10"]));
//! let lines: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 2]));
//! let batch = RecordBatch::try_from_iter_with_nullable([("code", codes, true), ("line", lines, true)])?;
//!
//! let folder = tempfile::tempdir()?;
//! // By the second column, with 1 MiB of memory.
//! let spill = folder.path().join("spill");
//! let mut sorter = BatchSorter::new("lines", &batch.schema(), vec![1], 1 << 20, spill)?;
//! sorter.push(&batch)?;
//!
//! let sorted_by = ["line".to_owned()];
//! let properties = claimlake_columnar::encode::properties::properties(
//!     &batch.schema(),
//!     &sorted_by,
//!     &BloomColumns::default(),
//!     122_880,
//! )?;
//! let access = FileAccess::owner_only();
//! let mut file = ParquetFile::create(folder.path(), &batch.schema(), properties, &access)?;
//! for sorted in sorter.finish()? {
//!     file.write(&sorted?)?;
//! }
//! let written = file.finish()?;
//! assert_eq!(written.rows, 3);
//! // Its name is the beginning of its hash.
//! assert!(written.sha256.starts_with(written.name.trim_end_matches(".parquet")));
//! # Ok(())
//! # }
//! ```

#![allow(
    missing_debug_implementations,
    reason = "sorters and writers hold open files and the rows of claims"
)]

mod anonymous_file;
pub mod encode;
mod error;
mod file_access;
mod group_key;
pub mod hive_path;
mod parquet_reader;
pub mod sort;

pub use anonymous_file::create as create_anonymous_file;
pub use encode::parquet_file::{HashingFile, ParquetFile};
pub use encode::parquet_writer::ParquetWriter;
pub use error::{ColumnarError, ErrorKind, Result};
pub use file_access::{EntryKind, FileAccess};
pub use group_key::GroupKey;
pub use parquet_reader::{parquet_batch_rows, parquet_reader};
