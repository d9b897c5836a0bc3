//! Loads staged runs and says what it took: `load_once LAKE STAGED_RUN…`.
//!
//! Environment: `LOAD_MEMORY_MB`, `LOAD_THREADS`, `LOAD_CHECK=0` (trust checksums), `LOAD_RUN`
//! (the number within the run's id), `LOAD_ROW_GROUP` (rows of a row group).

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for measuring"
)]

use std::path::PathBuf;
use std::time::Instant;

use claimlake_contract::NoProgress;
use claimlake_loader::{LoadOptions, LoadRequest, load};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let lake = PathBuf::from(arguments.next().unwrap());
    let staged_runs: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<usize>().unwrap())
    };
    let mut options = LoadOptions {
        threads: number("LOAD_THREADS").unwrap_or(0),
        check_staged: number("LOAD_CHECK") != Some(0),
        ..LoadOptions::default()
    };
    if let Some(megabytes) = number("LOAD_MEMORY_MB") {
        options.memory_bytes = megabytes << 20;
    }
    if let Some(rows) = number("LOAD_ROW_GROUP") {
        options.row_group_rows = rows;
    }
    let run = number("LOAD_RUN").unwrap_or(1);
    let begun = Instant::now();
    let outcome = load(
        &LoadRequest {
            staged_runs,
            lake,
            run: format!("20260101T000000.{run:03}Z-0000").parse().unwrap(),
            options,
            run_tables: Vec::new(),
            published_at: "2026-01-01T00:00:00Z".to_owned(),
        },
        &NoProgress,
    );
    match outcome {
        Ok(outcome) => println!(
            "changed {} snapshot {:?} new {} changed {} rows {} files {} written {} bytes {}",
            outcome.changed,
            outcome.snapshot,
            outcome.new,
            outcome.changed_resources,
            outcome.tables.iter().map(|table| table.rows).sum::<u64>(),
            outcome.tables.iter().map(|table| table.files).sum::<u64>(),
            outcome.files_written,
            outcome.tables.iter().map(|table| table.bytes).sum::<u64>(),
        ),
        Err(error) => {
            println!("failed: {error}");
            std::process::exit(1);
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: Vec<u64> = stat
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|text| text.parse().ok())
        .collect();
    println!(
        "wall {:.2} s, cpu {:.2} s, {peak}",
        begun.elapsed().as_secs_f64(),
        ticks.iter().sum::<u64>() as f64 / 100.0
    );
}
