//! The bytes of a column chunk: a dictionary page and the data pages after it. The dictionary page
//! is complete last, but comes first in the file, so all pages wait here.

use std::io::{Chain, Read};
use std::ops::Range;

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

use crate::encode::page_spool::{PageSpool, SpoolReader};

/// How many bytes of finished pages stay in memory; more are moved to the spool file, so that a row
/// group can be large.
const BUFFERED_BYTES: usize = 16 << 10;

/// The pages of a chunk while it is put together.
#[derive(Debug, Default)]
pub(crate) struct ChunkPages {
    /// The dictionary page; empty if there is none.
    dictionary: Vec<u8>,
    /// Where the first data pages are in the spool file.
    spooled: Vec<Range<u64>>,
    spooled_bytes: usize,
    /// The data pages after these.
    buffered: Vec<u8>,
}

impl ChunkPages {
    pub(crate) fn set_dictionary(&mut self, page: &[u8]) {
        page.clone_into(&mut self.dictionary);
    }

    /// Appends a data page.
    pub(crate) fn push(&mut self, page: &[u8], spool: &mut PageSpool) -> Result<()> {
        self.buffered.extend_from_slice(page);
        if self.buffered.len() >= BUFFERED_BYTES
            && let Some(range) = spool.push(&self.buffered)?
        {
            self.spooled.push(range);
            self.spooled_bytes += self.buffered.len();
            self.buffered.clear();
        }
        Ok(())
    }

    pub(crate) fn dictionary_bytes(&self) -> usize {
        self.dictionary.len()
    }

    /// The bytes of the data pages.
    pub(crate) fn data_bytes(&self) -> usize {
        self.spooled_bytes + self.buffered.len()
    }

    /// All bytes, as they are copied to a file.
    pub(crate) fn bytes<'c>(&'c self, spool: &'c PageSpool) -> ChunkBytes<'c> {
        ChunkBytes { pages: self, spool }
    }

    /// Forgets all pages.
    pub(crate) fn clear(&mut self) {
        // Large for some columns only; that of another takes its memory.
        self.dictionary = Vec::new();
        self.spooled.clear();
        self.spooled_bytes = 0;
        self.buffered.clear();
    }
}

/// The bytes of a chunk.
pub(crate) struct ChunkBytes<'c> {
    pages: &'c ChunkPages,
    spool: &'c PageSpool,
}

impl Length for ChunkBytes<'_> {
    fn len(&self) -> u64 {
        (self.pages.dictionary_bytes() + self.pages.data_bytes()) as u64
    }
}

impl<'c> ChunkReader for ChunkBytes<'c> {
    type T = Chain<Chain<&'c [u8], SpoolReader<'c>>, &'c [u8]>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let pages = self.pages;
        let all = pages.dictionary.as_slice();
        let all = all.chain(self.spool.reader(&pages.spooled));
        let mut all = all.chain(pages.buffered.as_slice());
        std::io::copy(&mut all.by_ref().take(start), &mut std::io::sink())?;
        Ok(all)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(length);
        let mut read = self.get_read(start)?.take(length as u64);
        read.read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_whose_pages_took_turns_in_the_spool_come_back_in_one_piece() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = PageSpool::default();
        spool.set_folder(folder.path());
        let mut chunks = [ChunkPages::default(), ChunkPages::default()];
        // Twice, as row groups follow each other.
        for round in 0..2 {
            let mut expected = [b"one".to_vec(), b"two".to_vec()];
            for page in 0..7_usize {
                for (column, chunk) in chunks.iter_mut().enumerate() {
                    let bytes =
                        vec![(10 * page + column) as u8; 5_000 * (page % 3 + column + round)];
                    chunk.push(&bytes, &mut spool).unwrap();
                    expected[column].extend(bytes);
                }
            }
            chunks[0].set_dictionary(b"one");
            chunks[1].set_dictionary(b"two");
            for (chunk, expected) in chunks.iter().zip(&expected) {
                assert!(!chunk.spooled.is_empty() && !chunk.buffered.is_empty());
                let bytes = chunk.bytes(&spool);
                assert_eq!(bytes.len(), expected.len() as u64);
                for start in [0, 2, 3, 20_000, expected.len() - 1, expected.len()] {
                    let read = bytes.get_bytes(start as u64, expected.len()).unwrap();
                    assert!(read == expected[start..], "from {start}");
                }
            }
            for chunk in &mut chunks {
                chunk.clear();
            }
            spool.clear();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
