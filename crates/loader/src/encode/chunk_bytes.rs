//! The bytes of a column chunk as they are copied to a file.

use std::io::{Chain, Read};

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

/// A dictionary page and the data pages behind it, which lie in memory of their own.
pub(crate) struct ChunkBytes<'c> {
    dictionary: &'c [u8],
    pages: &'c [u8],
}

impl<'c> ChunkBytes<'c> {
    pub(crate) fn new(dictionary: &'c [u8], pages: &'c [u8]) -> Self {
        Self { dictionary, pages }
    }
}

impl Length for ChunkBytes<'_> {
    fn len(&self) -> u64 {
        (self.dictionary.len() + self.pages.len()) as u64
    }
}

impl<'c> ChunkReader for ChunkBytes<'c> {
    type T = Chain<&'c [u8], &'c [u8]>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let in_dictionary = start.min(self.dictionary.len());
        let in_pages = (start - in_dictionary).min(self.pages.len());
        Ok(self.dictionary[in_dictionary..].chain(&self.pages[in_pages..]))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(length);
        let mut read = self.get_read(start)?.take(length as u64);
        read.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}
