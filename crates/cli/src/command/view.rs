//! `claimlake view`: one ViewDefinition over any FHIR input, without pipeline or data directory.

mod format;
mod input;
mod parquet_rows;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use claimlake_contract::ExitCode;
use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::oracle;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;

use format::RowWriter;

const EXAMPLES: &str = "\
Examples:
  claimlake view patient.json patients.ndjson
  claimlake view eob_item.json bundle.json --format csv --output items.csv
  claimlake view eob.json claims.ndjson.gz --format parquet --output eob.parquet
  zstdcat claims.ndjson.zst | claimlake view eob.json -";

/// How many rejects are told one by one.
const TOLD: u64 = 3;

/// Arguments of `view`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ViewArguments {
    /// A SQL-on-FHIR v2 ViewDefinition
    #[arg(value_name = "VIEW.json")]
    view: PathBuf,

    /// FHIR NDJSON (plain, gzip, zstd), resources or Bundles; - is standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// The form of the rows
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "ndjson|csv|parquet",
        hide_possible_values = true
    )]
    format: RowFormat,

    /// Where the rows go [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum RowFormat {
    /// One JSON object a row.
    #[default]
    Ndjson,
    /// Comma-separated values with a header, RFC 4180.
    Csv,
    /// One Parquet file, its columns typed as in a table of the lake.
    Parquet,
}

/// What a view made of its inputs.
#[derive(Debug, Default)]
struct Counts {
    resources: u64,
    rows: u64,
    rejected: u64,
    null_cells: u64,
}

/// Runs the view.
pub(crate) fn run(arguments: &ViewArguments, invocation: &Invocation) -> Outcome {
    let view = read_view(&arguments.view).map_err(Failure::usage)?;
    for path in arguments
        .inputs
        .iter()
        .filter(|path| path.as_os_str() != "-")
    {
        File::open(path)
            .with_context(|| format!("opening input {}", path.display()))
            .map_err(Failure::usage)?;
    }
    let counts = match &arguments.output {
        None => write_rows(BufWriter::new(io::stdout()), &view, arguments, invocation)?,
        Some(path) => to_file(path, &view, arguments, invocation)?,
    };
    let output = invocation.output();
    output.add_to_summary("resources", json!(counts.resources));
    output.add_to_summary("rows", json!(counts.rows));
    output.add_to_summary("rejected", json!(counts.rejected));
    output.add_to_summary("null_cells", json!(counts.null_cells));
    if counts.rejected + counts.null_cells > 0 || arguments.output.is_some() {
        output.say(&format!(
            "view       {} of {}, {} rejected, {} set to null",
            counted(counts.rows, "row"),
            counted(counts.resources, "resource"),
            counts.rejected,
            counted(counts.null_cells, "cell"),
        ));
    }
    Ok(match counts.rejected + counts.null_cells {
        0 => ExitCode::Done,
        _ => ExitCode::Rejected,
    })
}

fn read_view(path: &Path) -> anyhow::Result<ViewDefinition> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the view {}", path.display()))?;
    let json: Value = serde_json::from_str(&text)
        .with_context(|| format!("the view {} is not JSON", path.display()))?;
    ViewDefinition::from_json(&json).with_context(|| format!("view {}", path.display()))
}

/// The file appears when it is whole.
fn to_file(
    path: &Path,
    view: &ViewDefinition,
    arguments: &ViewArguments,
    invocation: &Invocation,
) -> Outcome<Counts> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let written = File::create(&unfinished)
        .with_context(|| format!("cannot write {}", unfinished.display()))
        .map_err(Failure::from)
        .and_then(|file| write_rows(BufWriter::new(file), view, arguments, invocation))
        .and_then(|counts| {
            fs::rename(&unfinished, path)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(counts)
        });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn write_rows(
    to: impl Write + Send,
    view: &ViewDefinition,
    arguments: &ViewArguments,
    invocation: &Invocation,
) -> Outcome<Counts> {
    let mut rows = RowWriter::new(to, arguments.format, view)?;
    let mut counts = Counts::default();
    for path in &arguments.inputs {
        input::for_each_resource(path, &mut |place, resource| {
            let evaluated = resource.and_then(|resource| {
                counts.resources += 1;
                oracle::evaluate(view, &resource).map_err(|problem| problem.to_string())
            });
            match evaluated {
                Ok(evaluation) => {
                    counts.null_cells += evaluation.problems.len() as u64;
                    for row in &evaluation.rows {
                        counts.rows += 1;
                        rows.write(row)?;
                    }
                }
                Err(reason) => {
                    counts.rejected += 1;
                    if counts.rejected <= TOLD {
                        invocation
                            .output()
                            .warn(&format!("rejected: {place}: {reason}"));
                    }
                }
            }
            Ok(())
        })?;
    }
    rows.finish()?;
    Ok(counts)
}
