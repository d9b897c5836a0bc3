//! The external sorter: batches in any order in, sorted sources out.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt16Type, UInt32Type};
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};

use crate::error::{LoadError, Result};
use crate::merge::resource_key::ResourceKey;
use crate::sort::gather::{Ranges, gather_batch};
use crate::sort::merge::{Merge, SpanRef, SpanSource};
use crate::sort::span::{OwnedRows, SpanBatch, SpanMaker, resource_column};

/// Runs on disk that are merged at once; more are merged to one first.
const MOST_RUNS: usize = 128;

/// The size that each column of a batch of a spilled run aims at: so much of each run is in memory
/// while merging, and so little that what a column of a batch costs in any case is spread over it.
const SPILLED_COLUMN_BYTES: usize = 3 << 10;

/// The most rows of such a batch; so their texts have numbers of 16 bits.
const MOST_BATCH_ROWS: usize = 16_384;

/// The resource of each row in a spilled run.
const RESOURCE_COLUMN: &str = "_resource";

/// Sorts the rows of one table, spilling beyond `budget` bytes.
pub(crate) struct Sorter {
    maker: Rc<RefCell<SpanMaker>>,
    budget: usize,
    folder: PathBuf,
    held: Vec<Rc<SpanBatch>>,
    held_bytes: usize,
    runs: Vec<PathBuf>,
    runs_made: usize,
}

impl Sorter {
    pub(crate) fn new(maker: Rc<RefCell<SpanMaker>>, budget: usize, folder: PathBuf) -> Self {
        Self {
            maker,
            budget,
            folder,
            held: Vec::new(),
            held_bytes: 0,
            runs: Vec::new(),
            runs_made: 0,
        }
    }

    pub(crate) fn push(&mut self, batch: RecordBatch, owned: &[OwnedRows]) -> Result<()> {
        let spans = self.maker.borrow_mut().make(batch, owned)?;
        if spans.spans.is_empty() {
            return Ok(());
        }
        self.held_bytes += spans.batch.size()
            + spans.keys.size()
            + spans.spans.len() * size_of::<crate::sort::span::Span>();
        self.held.push(Rc::new(spans));
        if self.held_bytes > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// The sorted sources: what was spilled, and what is still in memory.
    pub(crate) fn finish(mut self) -> Result<Vec<Box<dyn SpanSource>>> {
        let mut sources = self.open_runs()?;
        sources.push(Box::new(MemoryRun::new(std::mem::take(&mut self.held))));
        Ok(sources)
    }

    fn open_runs(&self) -> Result<Vec<Box<dyn SpanSource>>> {
        self.runs
            .iter()
            .map(|path| {
                let run = SpilledRun::open(path, self.maker.clone())?;
                Ok(Box::new(run) as Box<dyn SpanSource>)
            })
            .collect()
    }

    fn spill(&mut self) -> Result<()> {
        let run = MemoryRun::new(std::mem::take(&mut self.held));
        self.held_bytes = 0;
        let path = self.write_run(run)?;
        self.runs.push(path);
        if self.runs.len() >= MOST_RUNS {
            let merged = self.write_run(Merge::new(self.open_runs()?)?)?;
            for path in std::mem::replace(&mut self.runs, vec![merged]) {
                std::fs::remove_file(&path).map_err(LoadError::io("removing", &path))?;
            }
        }
        Ok(())
    }

    fn write_run(&mut self, mut spans: impl SpanSource) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.folder).map_err(LoadError::io("making", &self.folder))?;
        let path = self.folder.join(format!("{}.arrow", self.runs_made));
        self.runs_made += 1;
        let schema = self.maker.borrow().shape().dictionaries.clone();
        let mut writer = RunWriter::create(&path, &schema)?;
        while let Some(span) = spans.next_span()? {
            writer.push(span)?;
        }
        writer.finish()?;
        Ok(path)
    }
}

/// The bytes a batch's rows take; buffers shared with other batches count by their slice.
fn batch_bytes(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or_default())
        .sum()
}

/// Batches in memory, sorted by reference.
struct MemoryRun {
    batches: Vec<Rc<SpanBatch>>,
    order: std::vec::IntoIter<(u32, u32)>,
}

impl MemoryRun {
    fn new(batches: Vec<Rc<SpanBatch>>) -> Self {
        let mut order: Vec<(u32, u32)> = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            order.extend((0..batch.spans.len()).map(|span| (number as u32, span as u32)));
        }
        let key = |&(batch, span): &(u32, u32)| batches[batch as usize].keys.row(span as usize);
        // Stable: rows with one key keep the order they came in.
        order.sort_by(|left, right| key(left).cmp(&key(right)));
        Self {
            order: order.into_iter(),
            batches,
        }
    }
}

impl SpanSource for MemoryRun {
    fn next_span(&mut self) -> Result<Option<SpanRef>> {
        Ok(self
            .order
            .next()
            .map(|(batch, span)| SpanRef::new(self.batches[batch as usize].clone(), span as usize)))
    }
}

/// Writes a sorted run to disk in small batches.
struct RunWriter {
    path: PathBuf,
    table: SchemaRef,
    spilled: SchemaRef,
    writer: StreamWriter<BufWriter<File>>,
    /// Spans, the first row of each and how many.
    pending: Vec<(SpanRef, usize, usize)>,
    pending_rows: usize,
    rows_per_batch: usize,
}

impl RunWriter {
    fn create(path: &Path, table: &SchemaRef) -> Result<Self> {
        let mut fields: Vec<_> = table.fields().iter().map(on_disk).collect();
        fields.push(Arc::new(Field::new(
            RESOURCE_COLUMN,
            DataType::FixedSizeBinary(16),
            false,
        )));
        let spilled = Arc::new(Schema::new(fields));
        let file = File::create(path).map_err(LoadError::io("creating", path))?;
        let writer = StreamWriter::try_new(BufWriter::with_capacity(16 << 10, file), &spilled)
            .map_err(LoadError::arrow_file("writing", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            table: table.clone(),
            spilled,
            writer,
            pending: Vec::new(),
            pending_rows: 0,
            rows_per_batch: 256,
        })
    }

    fn push(&mut self, span: SpanRef) -> Result<()> {
        let rows = span.span().rows.len;
        let mut from = 0;
        while from < rows {
            let len = (rows - from).min(MOST_BATCH_ROWS - self.pending_rows);
            self.pending.push((span.clone(), from, len));
            self.pending_rows += len;
            from += len;
            if self.pending_rows >= self.rows_per_batch {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let pieces = self.pending.iter();
        let pieces = pieces.map(|(span, from, len)| span.piece(*from, *len));
        let batch = gather_batch(&self.table, &Ranges::of(pieces))?;
        let mut resources = Vec::with_capacity(batch.num_rows());
        for (span, _, len) in &self.pending {
            resources.extend(std::iter::repeat_n(span.span().rows.resource, *len));
        }
        let doing = || LoadError::arrow("spilling sorted rows");
        let columns = batch.columns().iter().map(narrow);
        let mut columns: Vec<ArrayRef> = columns
            .collect::<std::result::Result<_, _>>()
            .map_err(doing())?;
        columns.push(Arc::new(resource_column(resources.into_iter())?));
        let bytes = batch_bytes(&batch).max(1);
        let wanted = SPILLED_COLUMN_BYTES * columns.len();
        self.rows_per_batch = (wanted * batch.num_rows() / bytes).clamp(64, MOST_BATCH_ROWS);
        let batch = RecordBatch::try_new(self.spilled.clone(), columns).map_err(doing())?;
        self.writer
            .write(&batch)
            .map_err(LoadError::arrow_file("writing", &self.path))?;
        self.pending.clear();
        self.pending_rows = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        self.writer
            .finish()
            .map_err(LoadError::arrow_file("writing", &self.path))
    }
}

/// A column as it is on disk: texts of a batch have numbers of 16 bits.
fn on_disk(field: &FieldRef) -> FieldRef {
    match field.data_type() {
        DataType::Dictionary(_, text) => {
            let narrow = DataType::Dictionary(Box::new(DataType::UInt16), text.clone());
            Arc::new(field.as_ref().clone().with_data_type(narrow))
        }
        _ => field.clone(),
    }
}

fn narrow(column: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
    let Some(texts) = column.as_dictionary_opt::<UInt32Type>() else {
        return Ok(column.clone());
    };
    let numbers = texts.keys().unary(|number| number as u16);
    let narrow = DictionaryArray::<UInt16Type>::try_new(numbers, texts.values().clone())?;
    Ok(Arc::new(narrow))
}

fn widen(column: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
    let Some(texts) = column.as_dictionary_opt::<UInt16Type>() else {
        return Ok(column.clone());
    };
    let numbers = texts.keys().unary(u32::from);
    let wide = DictionaryArray::<UInt32Type>::try_new(numbers, texts.values().clone())?;
    Ok(Arc::new(wide))
}

/// A sorted run on disk.
struct SpilledRun {
    path: PathBuf,
    reader: StreamReader<BufReader<File>>,
    maker: Rc<RefCell<SpanMaker>>,
    batch: Option<Rc<SpanBatch>>,
    next: usize,
}

impl SpilledRun {
    fn open(path: &Path, maker: Rc<RefCell<SpanMaker>>) -> Result<Self> {
        let file = File::open(path).map_err(LoadError::io("opening", path))?;
        let reader = StreamReader::try_new(BufReader::new(file), None)
            .map_err(LoadError::arrow_file("reading", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            reader,
            maker,
            batch: None,
            next: 0,
        })
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
            let Some(batch) = self.reader.next() else {
                return Ok(None);
            };
            let mut batch = batch.map_err(LoadError::arrow_file("reading", &self.path))?;
            let resources = batch.remove_column(batch.num_columns() - 1);
            let mut owned: Vec<OwnedRows> = Vec::new();
            for (row, bytes) in resources.as_fixed_size_binary().iter().enumerate() {
                let resource = ResourceKey::from_bytes(bytes.unwrap_or_default());
                match owned.last_mut() {
                    Some(last) if last.resource == resource => last.len += 1,
                    _ => owned.push(OwnedRows {
                        start: row,
                        len: 1,
                        resource,
                    }),
                }
            }
            let schema = self.maker.borrow().shape().dictionaries.clone();
            let columns = batch.columns().iter().map(widen);
            let columns = columns.collect::<std::result::Result<_, _>>();
            let batch = columns
                .and_then(|columns| RecordBatch::try_new(schema, columns))
                .map_err(LoadError::arrow("reading spilled rows"))?;
            self.batch = Some(Rc::new(self.maker.borrow_mut().make(batch, &owned)?));
            self.next = 0;
        }
    }
}
