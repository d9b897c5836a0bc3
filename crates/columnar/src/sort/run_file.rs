//! Sorted runs in a temporary file, one after the other. Each block has a header with its length
//! and hash; a header of an empty block ends a run.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use arrow_schema::SchemaRef;

use crate::anonymous_file;
use crate::error::{ColumnarError, Result};
use crate::sort::batch_spans::BatchSource;
use crate::sort::block::{BlockWriter, Fit, MOST_ROWS};
use crate::sort::block_head::{BlockHead, HEAD_BYTES};
use crate::sort::span_maker::SpanMaker;
use crate::sort::spans::{SpanBatch, SpanRef, SpanSource};

/// The target size of a block. While runs are merged, one block of each is in memory.
const BLOCK_BYTES: usize = 16 << 10;

/// The number of rows in the first block, by which the size of rows is estimated.
const FIRST_ROWS: usize = 256;

/// A block of several rows that would be larger is cut into two: the estimate is far off where
/// long texts follow short ones.
const LARGEST_BLOCK: u32 = 1 << 20;

/// An unlinked file with runs.
#[derive(Debug)]
pub(crate) struct RunFile {
    /// Where it was created; for error messages only.
    path: PathBuf,
    file: Rc<File>,
    end: u64,
    limits: BlockLimits,
}

/// The most bytes of blocks.
#[derive(Debug, Clone, Copy)]
struct BlockLimits {
    /// Of a block of several rows.
    several: u32,
    /// Of a block of one row.
    one: u32,
}

/// A run in a file.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    path: PathBuf,
    file: Rc<File>,
    start: u64,
    end: u64,
}

impl RunFile {
    /// Makes the file at `path`, and the folder above it.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let limits = BlockLimits {
            several: LARGEST_BLOCK,
            one: u32::MAX,
        };
        Self::with_limits(path, limits)
    }

    fn with_limits(path: &Path, limits: BlockLimits) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(ColumnarError::io("making", folder))?;
        }
        let file = anonymous_file::create(path).map_err(ColumnarError::io("creating", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            file: Rc::new(file),
            end: 0,
            limits,
        })
    }

    /// Appends a run; `schema` has text as dictionaries.
    pub(crate) fn push(&mut self, schema: &SchemaRef, mut spans: impl SpanSource) -> Result<Run> {
        let start = self.end;
        let mut pending = Pending::new(schema);
        while let Some(span) = spans.next_span()? {
            let rows = span.span().rows.len;
            let mut from = 0;
            while from < rows {
                let len = (rows - from).min(pending.room());
                pending.push(&span, from, len);
                from += len;
                if pending.is_full() {
                    self.write_pending(&mut pending)?;
                }
            }
        }
        self.write_pending(&mut pending)?;
        self.write(&BlockHead::of(&[])?.to_bytes())?;
        Ok(Run {
            path: self.path.clone(),
            file: self.file.clone(),
            start,
            end: self.end,
        })
    }

    /// Writes the pending rows as one block, or as several where they are too large for one.
    fn write_pending(&mut self, pending: &mut Pending<'_>) -> Result<()> {
        if pending.rows == 0 {
            return Ok(());
        }
        pending.rows = 0;
        let mut parts = vec![std::mem::take(&mut pending.pieces)];
        while let Some(pieces) = parts.pop() {
            match pending.block(&pieces, self.limits)? {
                Some(block) => self.write(block)?,
                None => {
                    let (first, second) = halves(pieces);
                    parts.extend([second, first]);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(ColumnarError::io("writing", &self.path))?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// Rows of spans: the first row of each and how many.
type Pieces = Vec<(SpanRef, usize, usize)>;

/// Cuts rows into two parts, each of one row at the least if there are two.
fn halves(pieces: Pieces) -> (Pieces, Pieces) {
    let rows: usize = pieces.iter().map(|(_, _, len)| len).sum();
    let mut left = rows / 2;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (span, from, len) in pieces {
        let taken = len.min(left);
        left -= taken;
        if taken > 0 {
            first.push((span.clone(), from, taken));
        }
        if taken < len {
            second.push((span, from + taken, len - taken));
        }
    }
    (first, second)
}

/// The pieces of the unfinished block.
struct Pending<'s> {
    schema: &'s SchemaRef,
    pieces: Pieces,
    rows: usize,
    /// How many rows make a block of about [`BLOCK_BYTES`], by the size of the block before.
    rows_per_block: usize,
    writer: BlockWriter,
    block: Vec<u8>,
}

impl<'s> Pending<'s> {
    fn new(schema: &'s SchemaRef) -> Self {
        Self {
            schema,
            pieces: Vec::new(),
            rows: 0,
            rows_per_block: FIRST_ROWS,
            writer: BlockWriter::new(),
            block: Vec::new(),
        }
    }

    fn room(&self) -> usize {
        MOST_ROWS - self.rows
    }

    fn is_full(&self) -> bool {
        self.rows >= self.rows_per_block
    }

    fn push(&mut self, span: &SpanRef, from: usize, len: usize) {
        self.pieces.push((span.clone(), from, len));
        self.rows += len;
    }

    /// The block of these rows with its header; `None` if it would be too large and can be cut.
    ///
    /// # Errors
    ///
    /// [`ColumnarError::RowTooLarge`] for a single row of more than 4 GiB.
    fn block(
        &mut self,
        pieces: &[(SpanRef, usize, usize)],
        limits: BlockLimits,
    ) -> Result<Option<&[u8]>> {
        let rows: usize = pieces.iter().map(|(_, _, len)| len).sum();
        let largest = if rows > 1 { limits.several } else { limits.one };
        self.block.clear();
        self.block.extend_from_slice(&[0; HEAD_BYTES]);
        let fit = self
            .writer
            .push(self.schema, pieces, largest, &mut self.block)?;
        match fit {
            Fit::Whole => {}
            Fit::TooLarge if rows > 1 => return Ok(None),
            Fit::TooLarge => return Err(ColumnarError::RowTooLarge),
        }
        let head = BlockHead::of(&self.block[HEAD_BYTES..])?;
        self.block[..HEAD_BYTES].copy_from_slice(&head.to_bytes());
        let bytes = self.block.len() - HEAD_BYTES;
        self.rows_per_block = (BLOCK_BYTES * rows / bytes.max(1)).clamp(64, MOST_ROWS);
        Ok(Some(&self.block))
    }
}

/// Reads a run, block by block.
pub(crate) struct SpilledRun {
    run: Run,
    /// Where the next block begins, after its header.
    at: u64,
    head: BlockHead,
    maker: Rc<RefCell<SpanMaker>>,
    /// The buffer for blocks, shared by all runs of a table.
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl SpilledRun {
    /// Begins to read; `maker` is the one that the run's spans came from.
    pub(crate) fn open(
        run: &Run,
        maker: Rc<RefCell<SpanMaker>>,
        buffer: Rc<RefCell<Vec<u8>>>,
    ) -> Result<Self> {
        let mut head = [0; HEAD_BYTES];
        let mut opened = Self {
            run: run.clone(),
            at: run.start,
            head: BlockHead::from_bytes(&head),
            maker,
            buffer,
        };
        opened.read(&mut head)?;
        opened.head = BlockHead::from_bytes(&head);
        Ok(opened)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.run
            .file
            .read_exact_at(bytes, self.at)
            .map_err(ColumnarError::io("reading", &self.run.path))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// An error unless the condition holds: the data read differs from what was written.
    fn expect(&self, is_right: bool) -> Result<()> {
        if is_right {
            return Ok(());
        }
        let damaged = Error::new(ErrorKind::InvalidData, "they are damaged");
        Err(ColumnarError::io("reading", &self.run.path)(damaged))
    }
}

impl BatchSource for SpilledRun {
    fn next_batch(&mut self) -> Result<Option<SpanBatch>> {
        let head = self.head;
        if head.length == 0 {
            self.expect(head == BlockHead::of(&[])? && self.at == self.run.end)?;
            return Ok(None);
        }
        let length = head.length as usize;
        // The head of the block behind it comes along.
        let end = self.at + (length + HEAD_BYTES) as u64;
        self.expect(end <= self.run.end)?;
        let buffer = self.buffer.clone();
        let mut buffer = buffer.borrow_mut();
        buffer.resize(length + HEAD_BYTES, 0);
        self.read(&mut buffer)?;
        let (block, behind) = buffer.split_at(length);
        self.expect(BlockHead::of(block)? == head)?;
        self.head = BlockHead::from_bytes(behind);
        self.maker.borrow_mut().read(block).map(Some)
    }
}

#[cfg(test)]
mod tests;
