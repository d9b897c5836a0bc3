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
use crate::sort::block::{BlockWriter, MOST_ROWS};
use crate::sort::block_head::{BlockHead, HEAD_BYTES};
use crate::sort::span_maker::SpanMaker;
use crate::sort::spans::{SpanBatch, SpanRef, SpanSource};

/// The target size of a block. While runs are merged, one block of each is in memory.
const BLOCK_BYTES: usize = 16 << 10;

/// The number of rows in the first block, by which the size of rows is estimated.
const FIRST_ROWS: usize = 256;

/// An unlinked file with runs.
#[derive(Debug)]
pub(crate) struct RunFile {
    /// Where it was created; for error messages only.
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
    end: u64,
}

impl RunFile {
    /// Makes the file at `path`, and the folder above it.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(ColumnarError::io("making", folder))?;
        }
        let file = anonymous_file::create(path).map_err(ColumnarError::io("creating", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            file: Rc::new(file),
            end: 0,
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
                    let block = pending.block()?;
                    self.write(block)?;
                }
            }
        }
        if pending.rows > 0 {
            let block = pending.block()?;
            self.write(block)?;
        }
        self.write(&BlockHead::of(&[])?.to_bytes())?;
        Ok(Run {
            path: self.path.clone(),
            file: self.file.clone(),
            start,
            end: self.end,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all_at(bytes, self.end)
            .map_err(ColumnarError::io("writing", &self.path))?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// The pieces of the unfinished block.
struct Pending<'s> {
    schema: &'s SchemaRef,
    pieces: Vec<(SpanRef, usize, usize)>,
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

    /// The block with its header; the pieces are then gone.
    fn block(&mut self) -> Result<&[u8]> {
        self.block.clear();
        self.block.extend_from_slice(&[0; HEAD_BYTES]);
        self.writer
            .push(self.schema, &self.pieces, &mut self.block)?;
        let head = BlockHead::of(&self.block[HEAD_BYTES..])?;
        self.block[..HEAD_BYTES].copy_from_slice(&head.to_bytes());
        let bytes = self.block.len() - HEAD_BYTES;
        self.rows_per_block = (BLOCK_BYTES * self.rows / bytes.max(1)).clamp(64, MOST_ROWS);
        self.pieces.clear();
        self.rows = 0;
        Ok(&self.block)
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
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};

    use super::*;
    use crate::group_key::GroupKey;
    use crate::sort::batch_spans::BatchSpans;
    use crate::sort::spans::OwnedRows;
    use crate::sort::table_shape::TableShape;

    /// A run of several blocks, lists among its columns, the file it is in and who made it.
    fn run() -> (tempfile::TempDir, RunFile, Run, Rc<RefCell<SpanMaker>>) {
        let rows = 300;
        let mut lists = ListBuilder::new(StringBuilder::new());
        for row in 0..rows {
            lists
                .values()
                .append_value(if row % 2 == 0 { "even" } else { "" });
            lists.append(row % 3 > 0);
        }
        let columns: [(&str, ArrayRef); 2] = [
            ("number", Arc::new(Int64Array::from_iter_values(0..rows))),
            ("list", Arc::new(lists.finish())),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let shape = TableShape::new("table", &batch.schema(), Vec::new(), vec![0]);
        let all = OwnedRows {
            start: 0,
            len: batch.num_rows(),
            resource: GroupKey::default(),
        };
        let mut maker = SpanMaker::new(shape.clone()).unwrap();
        let spans = Rc::new(maker.make(batch, &[all]).unwrap());
        let spans = (0..spans.spans.len()).map(|span| SpanRef::new(spans.clone(), span));
        let folder = tempfile::tempdir().unwrap();
        let mut file = RunFile::create(&folder.path().join("runs")).unwrap();
        let spans = InOrder(spans.collect::<Vec<_>>().into_iter());
        let run = file.push(&shape.dictionaries, spans).unwrap();
        (folder, file, run, Rc::new(RefCell::new(maker)))
    }

    struct InOrder(std::vec::IntoIter<SpanRef>);

    impl SpanSource for InOrder {
        fn next_span(&mut self) -> Result<Option<SpanRef>> {
            Ok(self.0.next())
        }
    }

    fn rows_of(run: &Run, maker: &Rc<RefCell<SpanMaker>>) -> Result<usize> {
        let spilled = SpilledRun::open(run, maker.clone(), Rc::default())?;
        let mut spilled = BatchSpans::new(spilled);
        let mut rows = 0;
        while let Some(span) = spilled.next_span()? {
            rows += span.span().rows.len;
        }
        Ok(rows)
    }

    #[test]
    fn whatever_byte_of_a_run_is_damaged_it_is_an_error() {
        let (_folder, run_file, run, maker) = run();
        assert_eq!(rows_of(&run, &maker).unwrap(), 300);
        let file = &run_file.file;
        for at in 0..run_file.end {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            for bits in [0x01, 0x80, 0xff] {
                file.write_all_at(&[byte[0] ^ bits], at).unwrap();
                let error = rows_of(&run, &maker).unwrap_err().to_string();
                assert!(error.contains("/runs"), "{error}");
            }
            file.write_all_at(&byte, at).unwrap();
        }
        assert_eq!(rows_of(&run, &maker).unwrap(), 300);
    }
}
