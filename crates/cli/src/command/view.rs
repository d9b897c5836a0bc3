//! `claimlake view`: one ViewDefinition over any FHIR input, without pipeline or data directory.

mod destination;
mod format;
mod input;
mod parquet_rows;

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use claimlake_contract::{ExitCode, NoProgress};
use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::problem::{CellProblem, ProblemKind};
use claimlake_viewdef::reference;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plain_text::Printable;
use crate::plural::counted;
use crate::text_file;

use format::RowWriter;

const EXAMPLES: &str = "\
Examples:
  claimlake view patient.json patients.ndjson
  claimlake view eob_item.json bundle.json --format csv --output items.csv
  claimlake view eob.json claims.ndjson.gz --format parquet --output eob.parquet
  claimlake view patient.json patients.ndjson --format csv --spreadsheet-safe --output patients.csv
  zstdcat claims.ndjson.zst | claimlake view eob.json -

Exit codes: 0 done · 1 failed · 2 the view or the command line is wrong · 3 done, but resources were
rejected or cells set to null: the first of them are printed with their place";

/// How many rejects, and how many null cells, are printed one by one.
const MAX_SHOWN: u64 = 3;

/// Arguments of `view`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ViewArguments {
    /// A SQL-on-FHIR v2 ViewDefinition
    #[arg(value_name = "VIEW.json")]
    view: PathBuf,

    /// FHIR NDJSON, resources, lists or Bundles (plain, gzip, zstd); - is standard input
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

    /// With csv: text cells that begin with =, +, -, @, a tab or a line break get a ' before them, so
    /// that a spreadsheet does not take them for formulas; numbers stay as they are
    #[arg(long)]
    spreadsheet_safe: bool,

    /// Where the rows go; the file appears when it is whole [default: standard output]
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
    of_the_type: u64,
    rows: u64,
    rejected: u64,
    null_cells: u64,
}

/// Runs the view.
pub(crate) fn run(arguments: &ViewArguments, invocation: &Invocation) -> Outcome {
    if arguments.spreadsheet_safe && arguments.format != RowFormat::Csv {
        let no_csv = "--spreadsheet-safe is for spreadsheets: add --format csv, or leave it out";
        return Err(Failure::usage(anyhow::anyhow!(no_csv)));
    }
    let view = read_view(&arguments.view).map_err(Failure::usage)?;
    let stdin_count = arguments.inputs.iter().filter(|path| is_dash(path)).count();
    if stdin_count > 1 {
        let twice = anyhow::anyhow!("standard input (-) can be read only once");
        return Err(Failure::usage(twice));
    }
    for path in arguments.inputs.iter().filter(|path| !is_dash(path)) {
        claimlake_landing::check_input(path).map_err(Failure::usage)?;
    }
    let counts = match arguments.output.as_deref().filter(|path| !is_dash(path)) {
        None if invocation.output().is_json() && arguments.format != RowFormat::Ndjson => {
            let mixed =
                "--json writes events to standard output: name a file for the rows with --output";
            return Err(Failure::usage(anyhow::anyhow!(mixed)));
        }
        None if io::stdout().is_terminal() && arguments.format != RowFormat::Parquet => {
            let to = Printable(BufWriter::new(io::stdout()));
            write_rows(to, &view, arguments, invocation)?
        }
        None => write_rows(BufWriter::new(io::stdout()), &view, arguments, invocation)?,
        Some(path) => {
            let read = arguments.inputs.iter().chain([&arguments.view]);
            destination::refuse_what_is_read(path, read).map_err(Failure::usage)?;
            destination::write(path, |file| {
                write_rows(BufWriter::new(file), &view, arguments, invocation)
            })?
        }
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
    if counts.resources > 0 && counts.of_the_type == 0 {
        output.say(&format!(
            "view       none of {} is of the view's type, {}",
            counted(counts.resources, "resource"),
            view.resource
        ));
    }
    if counts.rejected + counts.null_cells == 0 {
        return Ok(ExitCode::Done);
    }
    let words = format!(
        "{} rejected, {} set to null",
        counted(counts.rejected, "resource"),
        counted(counts.null_cells, "cell"),
    );
    output.alarm(ExitCode::Rejected, words, "");
    Ok(ExitCode::Rejected)
}

fn read_view(path: &Path) -> anyhow::Result<ViewDefinition> {
    let text = text_file::read(path).with_context(|| {
        let path = path.display();
        format!(
            "cannot read the view {path} (the first argument is a file with one ViewDefinition)"
        )
    })?;
    ViewDefinition::from_text(&text).with_context(|| format!("view {}", path.display()))
}

fn write_rows(
    to: impl Write + Send,
    view: &ViewDefinition,
    arguments: &ViewArguments,
    invocation: &Invocation,
) -> Outcome<Counts> {
    let mut rows = match arguments.spreadsheet_safe {
        true => RowWriter::for_spreadsheets(to, view)?,
        false => RowWriter::new(to, arguments.format, view)?,
    };
    let mut counts = Counts::default();
    // On a terminal only: a filter in a pipe has nothing to say.
    let progress = match invocation.output().bars() {
        Some(_) if arguments.output.is_some() => Arc::clone(invocation.progress()),
        _ => Arc::new(NoProgress),
    };
    let task = progress.begin("reading", "resources", None);
    for path in &arguments.inputs {
        input::for_each_resource(path, &mut |place, resource| {
            let evaluated = resource.and_then(|resource| {
                counts.resources += 1;
                counts.of_the_type += u64::from(resource["resourceType"] == view.resource.as_str());
                progress.advance(task, 1);
                reference::evaluate(view, &resource).map_err(|problem| problem.to_string())
            });
            match evaluated {
                Ok(evaluation) => {
                    tell_null_cells(view, place, &evaluation.problems, &mut counts, invocation);
                    for row in &evaluation.rows {
                        counts.rows += 1;
                        rows.write(row)?;
                    }
                }
                Err(reason) => {
                    counts.rejected += 1;
                    if counts.rejected <= MAX_SHOWN {
                        invocation
                            .output()
                            .warn(&format!("rejected: {place}: {reason}"));
                    }
                }
            }
            Ok(())
        })?;
    }
    progress.end(task);
    rows.finish()?;
    Ok(counts)
}

fn tell_null_cells(
    view: &ViewDefinition,
    place: &str,
    problems: &[CellProblem],
    counts: &mut Counts,
    invocation: &Invocation,
) {
    let nulls = problems
        .iter()
        .filter(|problem| problem.mismatch.kind != ProblemKind::Rounded);
    for problem in nulls {
        counts.null_cells += 1;
        if counts.null_cells > MAX_SHOWN {
            continue;
        }
        let columns = view.columns();
        let name = columns
            .get(problem.column)
            .map_or("", |column| &column.name);
        let more = match problem.mismatch.kind {
            ProblemKind::NotOneValue => "; \"collection\": true keeps several",
            ProblemKind::TooManyDigits if problem.mismatch.found == "number" => {
                " with too many digits"
            }
            ProblemKind::BadDate => " that is no such date or time, or not a whole one",
            ProblemKind::WrongType
            | ProblemKind::TooLarge
            | ProblemKind::TooManyDigits
            | ProblemKind::Rounded => "",
        };
        invocation
            .output()
            .warn(&format!("null: {place}: column {name}: {problem}{more}"));
    }
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}
