//! A temporary file for the finished pages of a row group. In a Parquet file the pages of a column
//! are contiguous, but the pages of all columns are finished in turn; so they are written here
//! first, and copied column by column when the row group ends.
//!
//! The file has no name, so nothing remains of it, however the process ends. It is in the folder of
//! the file that is being written, whose file system needs space for the same bytes anyway.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use parquet::errors::Result;

use crate::anonymous_file;

/// The file's name while it has one; no file of a table has such a name.
const NAME: &str = "pages";

/// Pages of all columns, in the order in which they came. Its file is made when the first ones come.
#[derive(Debug, Default)]
pub(crate) struct PageSpool {
    /// Where the file is created; `None` to keep pages in memory.
    folder: Option<PathBuf>,
    file: Option<File>,
    end: u64,
}

impl PageSpool {
    /// Sets the folder for the file; only effective before the first page is written.
    pub(crate) fn set_folder(&mut self, folder: &Path) {
        self.folder = Some(folder.to_path_buf());
    }

    /// Appends bytes and returns their range in the file; `None` if there is no folder, so that the
    /// caller keeps them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Range<u64>>> {
        let file = match (&mut self.file, &self.folder) {
            (Some(file), _) => file,
            (none, Some(folder)) => none.insert(anonymous_file::create(&folder.join(NAME))?),
            (None, None) => return Ok(None),
        };
        file.write_all_at(bytes, self.end)?;
        let start = self.end;
        self.end += bytes.len() as u64;
        Ok(Some(start..self.end))
    }

    /// Forgets the pages; what comes next takes their place.
    pub(crate) fn clear(&mut self) {
        self.end = 0;
    }

    /// The bytes of `ranges`, one after the other.
    pub(crate) fn reader<'s>(&'s self, ranges: &'s [Range<u64>]) -> SpoolReader<'s> {
        SpoolReader {
            file: self.file.as_ref(),
            ranges,
            read: 0,
        }
    }
}

/// Reads pages back.
pub(crate) struct SpoolReader<'s> {
    file: Option<&'s File>,
    ranges: &'s [Range<u64>],
    /// Bytes of the first range that are read.
    read: u64,
}

impl Read for SpoolReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(((range, rest), file)) = self.ranges.split_first().zip(self.file) else {
            return Ok(0);
        };
        let from = range.start + self.read;
        let left = usize::try_from(range.end - from).unwrap_or(usize::MAX);
        let len = left.min(buffer.len());
        file.read_exact_at(&mut buffer[..len], from)?;
        self.read += len as u64;
        if len == left {
            (self.ranges, self.read) = (rest, 0);
        }
        Ok(len)
    }
}
