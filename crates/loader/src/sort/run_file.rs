//! Sorted runs on disk, one behind the other in a file. Before each block lies its length, and 0
//! behind the last one.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use arrow_schema::SchemaRef;

use crate::error::{LoadError, Result};
use crate::nameless_file;
use crate::sort::block::{BlockWriter, MOST_ROWS};
use crate::sort::merge::{SpanRef, SpanSource};
use crate::sort::span::{SpanBatch, SpanMaker};

/// The size that a block aims at: so much of each run is in memory while runs are merged, and
/// a little of it for each column in any case.
const BLOCK_BYTES: usize = 16 << 10;

/// Rows of the first block, which shows how large rows are.
const FIRST_ROWS: usize = 256;

/// Bytes of the length of a block.
const LENGTH_BYTES: usize = 4;

/// A file of runs, which has no name.
#[derive(Debug)]
pub(crate) struct RunFile {
    /// Where it was made.
    path: PathBuf,
    file: Rc<File>,
    end: u64,
}

/// A run in a file.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    path: PathBuf,
    file: Rc<File>,
    start: u64,
}

impl RunFile {
    /// Makes the file at `path`, and the folder above it.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(LoadError::io("making", folder))?;
        }
        let file = nameless_file::create(path).map_err(LoadError::io("creating", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            file: Rc::new(file),
            end: 0,
        })
    }

    /// Appends a run; `schema` has text as dictionaries.
    pub(crate) fn push(&mut self, schema: &SchemaRef, mut spans: impl SpanSource) -> Result<Run> {
        let run = Run {
            path: self.path.clone(),
            file: self.file.clone(),
            start: self.end,
        };
        let mut pending = Pending::new(schema);
        while let Some(span) = spans.next_span()? {
            let rows = span.span().rows.len;
            let mut from = 0;
            while from < rows {
                let len = (rows - from).min(pending.room());
                pending.push(&span, from, len);
                from += len;
                if pending.is_full() {
                    let block = pending.block()?;
                    self.write(block)?;
                }
            }
        }
        if pending.rows > 0 {
            let block = pending.block()?;
            self.write(block)?;
        }
        self.write(&0_u32.to_le_bytes())?;
        Ok(run)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(LoadError::io("writing", &self.path))?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// The pieces of a block that is not full yet.
struct Pending<'s> {
    schema: &'s SchemaRef,
    pieces: Vec<(SpanRef, usize, usize)>,
    rows: usize,
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
            writer: BlockWriter::default(),
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

    /// The pieces as a block with its length before it; there are none left.
    fn block(&mut self) -> Result<&[u8]> {
        self.block.clear();
        self.block.extend_from_slice(&[0; LENGTH_BYTES]);
        self.writer
            .push(self.schema, &self.pieces, &mut self.block)?;
        let bytes = self.block.len() - LENGTH_BYTES;
        let length = u32::try_from(bytes)
            .map_err(|_| LoadError::Request("a row is larger than 4 GiB".to_owned()))?;
        self.block[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        self.rows_per_block = (BLOCK_BYTES * self.rows / bytes.max(1)).clamp(64, MOST_ROWS);
        self.pieces.clear();
        self.rows = 0;
        Ok(&self.block)
    }
}

/// Reads a run.
pub(crate) struct SpilledRun {
    run: Run,
    /// Where the next block begins, behind its length.
    at: u64,
    length: usize,
    maker: Rc<RefCell<SpanMaker>>,
    /// What blocks are read into, by all runs of a table.
    buffer: Rc<RefCell<Vec<u8>>>,
    batch: Option<Rc<SpanBatch>>,
    next: usize,
}

impl SpilledRun {
    /// Begins to read; `maker` is the one that the run's spans came from.
    pub(crate) fn open(
        run: &Run,
        maker: Rc<RefCell<SpanMaker>>,
        buffer: Rc<RefCell<Vec<u8>>>,
    ) -> Result<Self> {
        let mut opened = Self {
            run: run.clone(),
            at: run.start,
            length: 0,
            maker,
            buffer,
            batch: None,
            next: 0,
        };
        let mut length = [0; LENGTH_BYTES];
        opened.read(&mut length)?;
        opened.length = u32::from_le_bytes(length) as usize;
        Ok(opened)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.run
            .file
            .read_exact_at(bytes, self.at)
            .map_err(LoadError::io("reading", &self.run.path))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<SpanBatch>> {
        if self.length == 0 {
            return Ok(None);
        }
        let buffer = self.buffer.clone();
        let mut buffer = buffer.borrow_mut();
        // The length of the block behind it comes along.
        buffer.resize(self.length + LENGTH_BYTES, 0);
        self.read(&mut buffer)?;
        let (block, length) = buffer.split_at(self.length);
        self.length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        self.maker.borrow_mut().read(block).map(Some)
    }
}

impl SpanSource for SpilledRun {
    fn next_span(&mut self) -> Result<Option<SpanRef>> {
        loop {
            if let Some(batch) = &self.batch
                && self.next < batch.spans.len()
            {
                self.next += 1;
                return Ok(Some(SpanRef::new(batch.clone(), self.next - 1)));
            }
            let Some(batch) = self.next_batch()? else {
                return Ok(None);
            };
            self.batch = Some(Rc::new(batch));
            self.next = 0;
        }
    }
}
