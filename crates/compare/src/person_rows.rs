//! The rows of a table, person by person, sorted on disk where memory does not suffice.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use claimlake_columnar::sort::batch_sorter::{BatchSorter, SortedBatches};

use crate::cell::Cell;
use crate::error::{CompareError, Result};
use crate::persons::{Person, Persons};
use crate::rules::CoreColumns;
use crate::side::{OpenSide, TableColumns};

/// Bytes of rows of one table in memory before they are spilled.
const BUDGET: usize = 16 << 20;

/// The column with the number of the person, which is the first one.
const PERSON: &str = "_person";

/// Sorted rows of one table of one lake.
pub(crate) struct PersonRows {
    sorted: SortedBatches,
    /// Rows that were read and not taken yet.
    batch: Option<RecordBatch>,
    /// Rows of nobody.
    pub(crate) without_patient: u64,
}

impl PersonRows {
    /// Reads and sorts a table by person and claim; `look` sees every row that has a person.
    pub(crate) fn read(
        side: &OpenSide,
        table: &str,
        columns: &TableColumns,
        (core, persons): (&CoreColumns, &Persons),
        spill: PathBuf,
        mut look: impl FnMut(&RecordBatch),
    ) -> Result<Self> {
        let mut fields = vec![Arc::new(Field::new(PERSON, DataType::UInt64, true))];
        fields.extend(columns.schema.fields().iter().cloned());
        let schema = Arc::new(Schema::new(fields));
        let mut sort = vec![0];
        sort.extend(schema.index_of(&core.claim).ok());
        let mut sorter = BatchSorter::new(table, &schema, sort, BUDGET, spill)?;
        let mut without_patient = 0;
        side.read(table, columns, |batch| {
            let numbers = numbers(batch, core, persons);
            without_patient += numbers.null_count() as u64;
            let mut arrays: Vec<ArrayRef> = vec![Arc::new(numbers)];
            arrays.extend(batch.columns().iter().cloned());
            let numbered = RecordBatch::try_new(schema.clone(), arrays)
                .map_err(CompareError::arrow("numbering persons"))?;
            let known = arrow_array::BooleanArray::from_unary(
                numbered.column(0).as_primitive::<UInt64Type>(),
                |_| true,
            );
            let numbered = filter_record_batch(&numbered, &known)
                .map_err(CompareError::arrow("selecting rows"))?;
            if numbered.num_rows() > 0 {
                look(&numbered);
                sorter.push(&numbered)?;
            }
            Ok(())
        })?;
        Ok(Self {
            sorted: sorter.finish()?,
            batch: None,
            without_patient,
        })
    }

    /// The person whose rows are next.
    pub(crate) fn next_person(&mut self) -> Result<Option<Person>> {
        while self
            .batch
            .as_ref()
            .is_none_or(|batch| batch.num_rows() == 0)
        {
            match self.sorted.next() {
                Some(batch) => self.batch = Some(batch?),
                None => return Ok(None),
            }
        }
        Ok(self.batch.as_ref().map(|batch| persons_of(batch).value(0)))
    }

    /// All rows of a person, which come after those that were taken before; rows of persons in between
    /// are skipped. `None` if there are none.
    pub(crate) fn take(&mut self, person: Person) -> Result<Option<RecordBatch>> {
        let mut taken: Vec<RecordBatch> = Vec::new();
        while self.next_person()?.is_some_and(|next| next <= person) {
            let Some(batch) = self.batch.take() else {
                break;
            };
            let numbers = persons_of(&batch).values();
            let start = numbers.partition_point(|number| *number < person);
            let end = numbers.partition_point(|number| *number <= person);
            if end > start {
                taken.push(batch.slice(start, end - start));
            }
            self.batch = Some(batch.slice(end, batch.num_rows() - end));
        }
        match taken.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            [first, ..] => concat_batches(&first.schema(), &taken)
                .map(Some)
                .map_err(CompareError::arrow("putting the rows of a person together")),
        }
    }
}

fn persons_of(batch: &RecordBatch) -> &UInt64Array {
    batch.column(0).as_primitive::<UInt64Type>()
}

fn numbers(batch: &RecordBatch, core: &CoreColumns, persons: &Persons) -> UInt64Array {
    let (api, patient) = (
        batch.column_by_name(&core.api),
        batch.column_by_name(&core.patient),
    );
    let number = |row: usize| {
        let (api, patient) = (Cell::of(api?, row), Cell::of(patient?, row));
        match (api, patient) {
            (Cell::Text(api), Cell::Text(patient)) => persons.of(api, patient),
            _ => None,
        }
    };
    (0..batch.num_rows()).map(number).collect()
}
