//! A column of text that is put together of held batches: distinct texts, and a number a row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, UInt32Array};
use arrow_schema::ArrowError;
use indexmap::IndexSet;

use crate::sort::gather::Ranges;

/// The number of a row without text.
pub(crate) const NULL: u32 = u32::MAX;

/// Distinct texts in the order in which rows first have them, and their numbers, row by row.
#[derive(Debug, Default)]
pub(crate) struct TextColumn {
    texts: IndexSet<Box<str>, foldhash::fast::RandomState>,
    text_bytes: usize,
    numbers: Vec<u32>,
    /// For each batch: the numbers here of the texts there, as far as rows had them.
    known: HashMap<u64, Vec<u32>>,
}

impl TextColumn {
    /// Appends the rows of `ranges` from a column that is held.
    pub(crate) fn append(&mut self, ranges: &Ranges<'_>, column: usize) -> Result<(), ArrowError> {
        let mut sources = Vec::with_capacity(ranges.batches.len());
        for (batch, number) in &ranges.batches {
            let held = batch
                .column(column)
                .as_dictionary_opt::<UInt32Type>()
                .ok_or_else(|| ArrowError::SchemaError("a column of text is not held".into()))?;
            let texts = held.values().as_string::<i32>();
            let known = self.known.remove(number);
            let known = known.unwrap_or_else(|| vec![NULL; texts.len()]);
            sources.push((held.keys(), texts, known));
        }
        self.numbers.reserve(ranges.rows);
        for (source, start, end) in &ranges.ranges {
            let (keys, texts, known) = &mut sources[*source];
            for (row, key) in (*start..*end).zip(&keys.values()[*start..*end]) {
                let key = *key as usize;
                let number = match known.get(key) {
                    _ if keys.is_null(row) => NULL,
                    Some(number) if *number != NULL => *number,
                    _ => {
                        let number =
                            number_of(&mut self.texts, &mut self.text_bytes, texts.value(key));
                        known[key] = number;
                        number
                    }
                };
                self.numbers.push(number);
            }
        }
        for ((_, number), (.., known)) in ranges.batches.iter().zip(sources) {
            self.known.insert(*number, known);
        }
        Ok(())
    }

    /// The bytes of all distinct texts, each with its length as Parquet writes them.
    pub(crate) fn dictionary_bytes(&self) -> usize {
        self.text_bytes + 4 * self.texts.len()
    }

    /// The distinct texts, by number.
    pub(crate) fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter().map(AsRef::as_ref)
    }

    /// The numbers of the rows, [`NULL`] where there is no text.
    pub(crate) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// The rows as a held column; there are none left.
    pub(crate) fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let mut texts = StringBuilder::with_capacity(self.texts.len(), self.text_bytes);
        for text in &self.texts {
            texts.append_value(text);
        }
        let numbers = self.numbers.drain(..);
        let keys: UInt32Array = numbers
            .map(|number| (number != NULL).then_some(number))
            .collect();
        self.texts.clear();
        self.text_bytes = 0;
        self.known.clear();
        let texts = Arc::new(texts.finish());
        Ok(Arc::new(DictionaryArray::<UInt32Type>::try_new(
            keys, texts,
        )?))
    }
}

fn number_of(
    texts: &mut IndexSet<Box<str>, foldhash::fast::RandomState>,
    text_bytes: &mut usize,
    text: &str,
) -> u32 {
    let number = texts.get_index_of(text).unwrap_or_else(|| {
        *text_bytes += text.len();
        texts.insert_full(text.into()).0
    });
    // Rows, and so texts, of a row group or a batch are far fewer.
    u32::try_from(number).unwrap_or(NULL)
}
