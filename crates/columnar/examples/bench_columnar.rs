//! What this crate's encoders gain over the column writer of the `parquet` crate, with the same
//! batches and the same properties. Each measurement runs in a process of its own:
//!
//! ```sh
//! cargo run --release -p claimlake-columnar --example bench_columnar
//! ```

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program for developers"
)]

use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use claimlake_columnar::ParquetWriter;
use claimlake_columnar::encode::properties::{CHUNK_ROWS, properties};
use claimlake_columnar::sort::buffered::{BatchInterner, BufferedBatch, dictionary_schema};
use claimlake_columnar::sort::gathered_columns::gather_batch;
use claimlake_columnar::sort::row_ranges::{Piece, Ranges};
use claimlake_contract::BloomColumns;
use parquet::arrow::ArrowWriter;

/// Five windows; two row groups and a part of a third one.
const ROWS: usize = 5 * WINDOW * CHUNK_ROWS;
/// Batches whose rows take turns where rows come from a sort.
const WINDOW: usize = 8;
/// Rows of a batch that stay together.
const PIECE_ROWS: usize = 4;
const GROUP_ROWS: usize = 122_880;
/// The clock of CPU time moves with the ticks of the scheduler: many rounds even that out.
const ROUNDS: u64 = 10;

const COLUMNS: &[&str] = &[
    "claim_id", "code", "note", "money", "units", "date", "instant", "flag", "codes",
];
/// `own` and `crate` are given batches; the `sorted` ones interned rows in pieces, as after a sort,
/// which the crate's writer needs put together first.
const WRITERS: &[&str] = &["own", "own-spool", "crate", "own-sorted", "crate-sorted"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [columns, writer] = arguments.as_slice() {
        return measure(columns, writer);
    }
    println!("{ROWS} rows; CPU is the mean of {ROUNDS} rounds");
    println!(
        "{:<10} {:<12} {:>9} {:>10} {:>12}",
        "columns", "writer", "CPU ms", "peak KiB", "bytes"
    );
    let program = std::env::current_exe().unwrap();
    for columns in COLUMNS.iter().chain(&["all"]) {
        for writer in WRITERS {
            let child = Command::new(&program).args([columns, writer]).output();
            let child = child.unwrap();
            assert!(child.status.success(), "{columns} {writer} failed");
            print!("{}", String::from_utf8(child.stdout).unwrap());
        }
    }
}

/// Writes the columns with one writer and prints a line.
fn measure(columns: &str, writer: &str) {
    let source = Source::new(columns);
    let before = status_kib("VmRSS:");
    // "5" resets the peak, see proc(5).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let mut peak = 0;
    let mut bytes = 0;
    let start = cpu_ns();
    for round in 0..ROUNDS {
        bytes = write(&source, writer);
        if round == 0 {
            peak = status_kib("VmHWM:").saturating_sub(before);
        }
    }
    let cpu = (cpu_ns() - start) / ROUNDS;
    println!(
        "{columns:<10} {writer:<12} {:>9.1} {peak:>10} {bytes:>12}",
        cpu as f64 / 1e6
    );
}

/// The rows, as batches and interned.
struct Source {
    batches: Vec<RecordBatch>,
    buffered: Vec<BufferedBatch>,
}

impl Source {
    fn new(columns: &str) -> Self {
        let batches = batches(columns);
        let mut interner = BatchInterner::default();
        let buffered = batches.iter().map(|batch| interner.buffer(batch).unwrap());
        Self {
            buffered: buffered.collect(),
            batches,
        }
    }

    /// Chunks of rows, each from all batches of a window in turn.
    fn chunks(&self) -> impl Iterator<Item = Ranges<'_>> {
        let rows_of_each = CHUNK_ROWS / WINDOW;
        self.buffered.chunks(WINDOW).flat_map(move |window| {
            (0..WINDOW).map(move |chunk| {
                let first = chunk * rows_of_each;
                let starts = (first..first + rows_of_each).step_by(PIECE_ROWS);
                Ranges::of(starts.flat_map(|start| {
                    window.iter().enumerate().map(move |(number, batch)| Piece {
                        batch,
                        number: number as u64,
                        start,
                        len: PIECE_ROWS,
                    })
                }))
            })
        })
    }
}

fn write(source: &Source, writer: &str) -> u64 {
    let schema = source.batches[0].schema();
    let properties = properties(&schema, &[], &BloomColumns::default(), GROUP_ROWS).unwrap();
    let mut bytes = Count(0);
    let columns: Vec<usize> = (0..schema.fields().len()).collect();
    let folder = tempfile::tempdir().unwrap();
    if let "crate" | "crate-sorted" = writer {
        let schema = match writer {
            "crate" => schema,
            _ => dictionary_schema(&schema),
        };
        let mut file = ArrowWriter::try_new(&mut bytes, schema.clone(), Some(properties)).unwrap();
        if writer == "crate" {
            source
                .batches
                .iter()
                .for_each(|batch| file.write(batch).unwrap());
        } else {
            for chunk in source.chunks() {
                file.write(&gather_batch(&schema, &chunk).unwrap()).unwrap();
            }
        }
        file.close().unwrap();
        return bytes.0;
    }
    let mut file = ParquetWriter::new(&mut bytes, &schema, properties).unwrap();
    if writer != "own" {
        file.set_spool_folder(folder.path());
    }
    if matches!(writer, "own" | "own-spool") {
        source
            .batches
            .iter()
            .for_each(|batch| file.write(batch).unwrap());
    } else {
        for chunk in source.chunks() {
            file.append(&chunk, &columns).unwrap();
        }
    }
    file.finish().unwrap();
    bytes.0
}

/// Counts what is written to it.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// CPU time of this thread.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn status_kib(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn batches(columns: &str) -> Vec<RecordBatch> {
    let names = || {
        COLUMNS
            .iter()
            .filter(|name| columns == "all" || **name == columns)
    };
    (0..ROWS)
        .step_by(CHUNK_ROWS)
        .map(|first| {
            let rows = first..(first + CHUNK_ROWS).min(ROWS);
            let arrays = names().map(|name| (*name, array(name, rows.clone()), true));
            RecordBatch::try_from_iter_with_nullable(arrays).unwrap()
        })
        .collect()
}

/// A seeded number for a row and a purpose (SplitMix64).
fn random(row: usize, purpose: u64, end: u64) -> u64 {
    let mut bits = (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (purpose << 32);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) % end
}

/// A column as claim lines have it, in the order of claims with four lines each.
fn array(name: &str, rows: std::ops::Range<usize>) -> ArrayRef {
    let code = |row: usize, purpose| {
        // Few codes make up most lines.
        let most = [20, 300, 3_000][random(row, purpose + 50, 3) as usize];
        format!(
            "{}{:04}",
            ['E', 'J', 'Z'][row % 3],
            random(row, purpose, most)
        )
    };
    match name {
        "claim_id" => Arc::new(StringArray::from_iter_values(
            rows.map(|row| format!("carrier-{:011}", 7 * (row / 4))),
        )),
        "code" => Arc::new(
            rows.map(|row| (row % 11 > 0).then(|| code(row, 1)))
                .collect::<StringArray>(),
        ),
        "note" => Arc::new(StringArray::from_iter_values(
            rows.map(|row| format!("{:016x}", random(row, 2, u64::MAX))),
        )),
        "money" => {
            let amounts = rows.map(|row| {
                let most = [50_000, 500_000][row % 2];
                (row % 13 > 0).then(|| i128::from(random(row, 3, most)))
            });
            let amounts = amounts.collect::<Decimal128Array>();
            Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())
        }
        "units" => Arc::new(Int32Array::from_iter_values(
            rows.map(|row| random(row, 4, 12) as i32),
        )),
        "date" => Arc::new(Date32Array::from_iter_values(
            rows.map(|row| 17_000 + random(row / 4, 5, 2_500) as i32),
        )),
        "instant" => {
            let instants =
                rows.map(|row| 1_700_000_000_000_000 + random(row / 2_000, 6, 1 << 40) as i64);
            Arc::new(TimestampMicrosecondArray::from_iter_values(instants).with_timezone("UTC"))
        }
        "flag" => Arc::new(
            rows.map(|row| (row % 5 > 0).then(|| random(row, 7, 9) == 0))
                .collect::<BooleanArray>(),
        ),
        "codes" => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            for row in rows {
                for at in 0..random(row, 8, 4) {
                    lists.values().append_value(code(row, 9 + at));
                }
                lists.append(true);
            }
            Arc::new(lists.finish())
        }
        other => panic!("no column '{other}'"),
    }
}
