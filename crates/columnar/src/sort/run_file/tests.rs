//! Runs that come back, are damaged, or have long texts.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::group_key::GroupKey;
use crate::sort::batch_spans::BatchSpans;
use crate::sort::buffered::{plain_batch, with_dictionaries};
use crate::sort::gathered_columns::gather_batch;
use crate::sort::row_ranges::Ranges;
use crate::sort::spans::OwnedRows;
use crate::sort::table_shape::TableShape;

/// A run of 50 rows, of which one in ten has a text of 1,000 bytes and another a list of such
/// texts; all are one resource's.
fn long_run(limits: BlockLimits) -> Result<(RunFile, Run, Rc<RefCell<SpanMaker>>)> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in 0..50 {
        if row % 10 == 7 {
            lists.values().append_value(format!("{row:0500}"));
            lists.values().append_value(format!("{row:0500}"));
        }
        lists.append(row % 10 != 9);
    }
    let text = |row| if row % 10 == 3 { 1_000 } else { 2 };
    let texts = (0..50).map(|row| format!("{row:0width$}", width = text(row)));
    let columns: [(&str, ArrayRef); 3] = [
        ("number", Arc::new(Int64Array::from_iter_values(0..50))),
        ("text", Arc::new(StringArray::from_iter_values(texts))),
        ("list", Arc::new(lists.finish())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let shape = TableShape::new("table", &batch.schema(), Vec::new(), Vec::new());
    let batch = with_dictionaries(&batch, &shape.dictionaries).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut file = RunFile::with_limits(&folder.path().join("runs"), limits).unwrap();
    let (run, maker) = pushed(&mut file, batch, &shape)?;
    Ok((file, run, maker))
}

#[test]
fn blocks_with_long_texts_are_cut_and_keep_their_rows_in_order() {
    let expected: Vec<(i64, usize, usize)> = (0..50)
        .map(|row| {
            let text = if row % 10 == 3 { 1_000 } else { 2 };
            let list = if row % 10 == 7 { 1_000 } else { 0 };
            (row, text, list)
        })
        .collect();
    for (several, most_rows) in [(LARGEST_BLOCK, 50), (1_800, 10), (0, 1)] {
        let one = u32::MAX;
        let (_file, run, maker) = long_run(BlockLimits { several, one }).unwrap();
        let schema = maker.borrow().shape().dictionaries.clone();
        let mut spilled = SpilledRun::open(&run, maker.clone(), Rc::default()).unwrap();
        let mut found = Vec::new();
        while let Some(block) = spilled.next_batch().unwrap() {
            let block = Rc::new(block);
            assert!(block.batch.rows <= most_rows, "{several}");
            let spans = (0..block.spans.len()).map(|span| SpanRef::new(block.clone(), span));
            let spans = spans.collect::<Vec<_>>();
            let pieces = spans.iter();
            let pieces = pieces.map(|span| span.piece(0, span.span().rows.len));
            let rows = gather_batch(&schema, &Ranges::of(pieces)).unwrap();
            let rows = plain_batch(&rows).unwrap();
            let numbers = rows.column(0).as_primitive::<Int64Type>();
            let texts = rows.column(1).as_string::<i32>();
            let lists = rows.column(2).as_list::<i32>();
            for row in 0..rows.num_rows() {
                let (number, text) = (numbers.value(row), texts.value(row));
                assert_eq!(text.parse(), Ok(number));
                assert_eq!(lists.is_null(row), number % 10 == 9);
                let list = lists.value(row);
                let list = list.as_string::<i32>().iter().flatten();
                found.push((number, text.len(), list.map(str::len).sum()));
            }
        }
        assert_eq!(found, expected, "{several}");
    }
}

#[test]
fn a_row_larger_than_a_block_can_be_is_an_error() {
    let limits = |one| BlockLimits { several: 500, one };
    assert!(long_run(limits(2_000)).is_ok());
    let error = long_run(limits(900)).unwrap_err();
    assert!(matches!(error, ColumnarError::RowTooLarge), "{error}");
    assert_eq!(error.to_string(), "a row is larger than 4 GiB");
}

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
    let folder = tempfile::tempdir().unwrap();
    let mut file = RunFile::create(&folder.path().join("runs")).unwrap();
    let (run, maker) = pushed(&mut file, batch, &shape).unwrap();
    (folder, file, run, maker)
}

/// A batch as one run of a file; all rows are one resource's.
fn pushed(
    file: &mut RunFile,
    batch: RecordBatch,
    shape: &TableShape,
) -> Result<(Run, Rc<RefCell<SpanMaker>>)> {
    let all = OwnedRows {
        start: 0,
        len: batch.num_rows(),
        resource: GroupKey::default(),
    };
    let mut maker = SpanMaker::new(shape.clone()).unwrap();
    let spans = Rc::new(maker.make(batch, &[all]).unwrap());
    let spans = (0..spans.spans.len()).map(|span| SpanRef::new(spans.clone(), span));
    let spans = InOrder(spans.collect::<Vec<_>>().into_iter());
    let run = file.push(&shape.dictionaries, spans)?;
    Ok((run, Rc::new(RefCell::new(maker))))
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
