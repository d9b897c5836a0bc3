//! The columns of a batch while others are derived from them, and which rows belong to which
//! resource.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int32Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int32Array,
    RecordBatch, RecordBatchOptions, StringArray, UInt64Array,
};
use arrow_schema::{ArrowError, Field, FieldRef, Schema};

use super::month::Month;

/// A batch that is being changed. The methods that read a column fail if it is missing or has
/// another type.
pub(super) struct Columns {
    fields: Vec<FieldRef>,
    arrays: Vec<ArrayRef>,
    rows: usize,
    /// The rows of each resource, in order. Not updated by [`Self::take`].
    pub(super) resources: Vec<Range<usize>>,
}

impl Columns {
    /// `order` names the column of numbers that the rows of a resource share.
    pub(super) fn of(batch: &RecordBatch, order: &str) -> Result<Self, ArrowError> {
        let orders = batch
            .column_by_name(order)
            .and_then(|orders| orders.as_primitive_opt::<UInt64Type>())
            .ok_or_else(|| missing(order, "UInt64"))?
            .values();
        let mut resources = Vec::new();
        let mut start = 0;
        for run in orders.chunk_by(|one, next| one == next) {
            resources.push(start..start + run.len());
            start += run.len();
        }
        Ok(Self {
            fields: batch.schema().fields().iter().cloned().collect(),
            arrays: batch.columns().to_vec(),
            rows: batch.num_rows(),
            resources,
        })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    fn array(&self, name: &str) -> Option<&ArrayRef> {
        self.arrays.get(self.position(name)?)
    }

    /// An amount: a DECIMAL of any scale.
    pub(super) fn decimal(&self, name: &str) -> Result<Decimal128Array, ArrowError> {
        let array = self
            .array(name)
            .and_then(|array| array.as_primitive_opt::<Decimal128Type>());
        array.cloned().ok_or_else(|| missing(name, "DECIMAL"))
    }

    /// A Boolean column.
    pub(super) fn boolean(&self, name: &str) -> Result<BooleanArray, ArrowError> {
        let array = self.array(name).and_then(|array| array.as_boolean_opt());
        array.cloned().ok_or_else(|| missing(name, "BOOLEAN"))
    }

    /// An INTEGER column (32 bits).
    pub(super) fn integer(&self, name: &str) -> Result<Int32Array, ArrowError> {
        let array = self
            .array(name)
            .and_then(|array| array.as_primitive_opt::<Int32Type>());
        array.cloned().ok_or_else(|| missing(name, "INTEGER"))
    }

    /// A text column, as a dictionary of distinct texts.
    pub(super) fn text(&self, name: &str) -> Result<DictionaryArray<UInt32Type>, ArrowError> {
        let array = self
            .array(name)
            .and_then(|array| array.as_dictionary_opt::<UInt32Type>());
        let is_text =
            |array: &&DictionaryArray<UInt32Type>| array.values().as_string_opt::<i32>().is_some();
        array
            .filter(is_text)
            .cloned()
            .ok_or_else(|| missing(name, "text"))
    }

    /// Inserts a column after another one.
    pub(super) fn insert_behind(
        &mut self,
        other: &str,
        name: &str,
        array: ArrayRef,
    ) -> Result<(), ArrowError> {
        let at = self
            .position(other)
            .ok_or_else(|| missing(other, "any type"))?;
        self.insert(at + 1, name, array)
    }

    /// Inserts a column before another one.
    pub(super) fn insert_before(
        &mut self,
        other: &str,
        name: &str,
        array: ArrayRef,
    ) -> Result<(), ArrowError> {
        let at = self
            .position(other)
            .ok_or_else(|| missing(other, "any type"))?;
        self.insert(at, name, array)
    }

    /// Inserts a column.
    ///
    /// # Errors
    ///
    /// There is a column with this name already.
    fn insert(&mut self, at: usize, name: &str, array: ArrayRef) -> Result<(), ArrowError> {
        if self.position(name).is_some() {
            return Err(ArrowError::SchemaError(format!(
                "there is a column '{name}' already"
            )));
        }
        self.fields.insert(
            at,
            Arc::new(Field::new(name, array.data_type().clone(), true)),
        );
        self.arrays.insert(at, array);
        Ok(())
    }

    /// The value of each row in a text column.
    pub(super) fn text_rows(&self, name: &str) -> Result<Vec<Option<String>>, ArrowError> {
        self.text_values(name).ok_or_else(|| missing(name, "text"))
    }

    /// The value of each row in a text column; `None` if there is no such column.
    pub(super) fn text_values(&self, name: &str) -> Option<Vec<Option<String>>> {
        let texts = self.array(name)?.as_dictionary_opt::<UInt32Type>()?;
        let texts = texts.downcast_dict::<StringArray>()?;
        Some(
            texts
                .into_iter()
                .map(|text| text.map(str::to_owned))
                .collect(),
        )
    }

    /// A DATE column.
    pub(super) fn days(&self, name: &str) -> Result<Date32Array, ArrowError> {
        let array = self
            .array(name)
            .and_then(|array| array.as_primitive_opt::<Date32Type>());
        array.cloned().ok_or_else(|| missing(name, "DATE"))
    }

    /// The month of each row in a DATE column.
    pub(super) fn months(&self, name: &str) -> Result<Vec<Option<Month>>, ArrowError> {
        let days = self.days(name)?;
        Ok(days.iter().map(|day| day.and_then(Month::of_day)).collect())
    }

    /// Replaces the rows: each new row is a copy of the old row with the given number.
    pub(super) fn take(&mut self, like: &UInt64Array) -> Result<(), ArrowError> {
        for array in &mut self.arrays {
            *array = arrow_select::take::take(array, like, None)?;
        }
        self.rows = like.len();
        Ok(())
    }

    /// Replaces the values of a column, if the batch has it.
    pub(super) fn replace(&mut self, name: &str, array: ArrayRef) {
        if let Some(place) = self.position(name).and_then(|at| self.arrays.get_mut(at)) {
            *place = array;
        }
    }

    /// Removes a column.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(at) = self.position(name) {
            self.fields.remove(at);
            self.arrays.remove(at);
        }
    }

    /// The changed batch.
    pub(super) fn finish(self) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(self.fields)), self.arrays, &options)
    }
}

/// A text column with few distinct values: `picked` has a position in `texts` for each row.
pub(super) fn choices(
    texts: &[&str],
    picked: impl Iterator<Item = Option<u32>>,
) -> Result<ArrayRef, ArrowError> {
    let texts = StringArray::from_iter_values(texts);
    Ok(Arc::new(DictionaryArray::<UInt32Type>::try_new(
        picked.collect(),
        Arc::new(texts),
    )?))
}

/// A column of texts, each distinct one once.
pub(super) fn texts(texts: impl Iterator<Item = Option<String>>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<UInt32Type>::new();
    texts.for_each(|text| builder.append_option(text));
    Arc::new(builder.finish())
}

/// The error for a column that is missing or has another type.
pub(super) fn missing(name: &str, wanted: &str) -> ArrowError {
    ArrowError::SchemaError(format!("there is no column '{name}' of {wanted}"))
}
