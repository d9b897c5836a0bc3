//! `claimlake report`: the state of everything and what the lake holds, as one HTML file.

mod claims;
mod content;
mod fields;
mod figures;
mod html;
mod operations;
mod payments;
mod per_member;
mod quality;
mod style;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use claimlake_contract::ExitCode;
use claimlake_verify::Report;
use clap::Args;
use serde_json::json;

use self::content::mask::Masking;
use self::content::{LakeContent, Leftovers, content};
pub(super) use self::figures::{decimal, escaped};
pub(super) use self::style::CSS;
use super::verify;
use crate::data_dir::REPORT_FILE;
use crate::data_dir::{DataDir, read_staged_manifest, runs_of};
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::pipeline::Money;
use crate::plural::{counted, size};
use crate::status::Status;
use crate::summary::StageSummary;

const EXAMPLES: &str = "\
Examples:
  claimlake report                                   into the data directory
  claimlake report --output lake.html --verify       with landing and lake compared
  claimlake report --output - --unmasked             every number, to stdout: PHI";

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReportArguments {
    /// Where to write it [default: report.html in the data directory]; - is stdout
    #[arg(long, value_name = "FILE.html")]
    output: Option<PathBuf>,

    /// Show counts of 1 to 10, too: the report then holds PHI
    #[arg(long)]
    unmasked: bool,

    /// Compare landing and lake as `verify` does, and report what was found
    #[arg(long)]
    verify: bool,
}

/// Everything that the report shows.
struct ReportData {
    pipeline: String,
    masking: Masking,
    status: Status,
    content: Option<LakeContent>,
    leftovers: Leftovers,
    checks: Option<Report>,
}

/// A line of the summary on a terminal.
struct Line {
    label: &'static str,
    text: String,
}

/// Writes the report; exit 1 when it was to verify and found something wrong.
pub(crate) fn run(arguments: &ReportArguments, invocation: &Invocation) -> Outcome {
    let mut summary = StageSummary::begin("report");
    let data = invocation.data()?;
    // First what refuses a lake of another version.
    let money = Money::built_in()?;
    let content = content(&invocation.lake()?, &money.report)?;
    let report = ReportData {
        pipeline: invocation.pipeline()?.name.clone(),
        masking: match arguments.unmasked {
            true => Masking::Unmasked,
            false => Masking::Masked,
        },
        status: Status::of(invocation)?,
        content,
        leftovers: leftovers(&data)?,
        checks: match arguments.verify {
            true => Some(verify::checked(invocation)?),
            false => None,
        },
    };
    if !report.status.removals.is_empty() {
        invocation.output().warn(
            "warning: the removal of a patient has begun and not ended: what is counted here may \
             include them (see status)",
        );
    }
    let page = html::page(&report);
    if arguments.output.as_deref() == Some(Path::new("-")) {
        invocation.output().data(&page)?;
    } else {
        let path = match &arguments.output {
            Some(path) => path.clone(),
            None => {
                data.create()?;
                data.root().join(REPORT_FILE)
            }
        };
        write(&path, &page)?;
        summary.line("where", path.display().to_string());
        summary.field("file", json!(path));
    }
    for line in payments::lines(&report)
        .into_iter()
        .chain(per_member::lines(&report))
    {
        summary.line(line.label, line.text);
    }
    let holds = report.checks.as_ref().is_none_or(Report::holds);
    summary.line("PHI", html::phi_words(report.masking));
    if !holds {
        let words = "the report says what verify found wrong";
        let next = invocation.next("verify");
        invocation.output().alarm(ExitCode::Failed, words, next);
        summary.line("wrong", format!("see {}", invocation.next("verify")));
    }
    summary
        .field("holds_phi", report.masking == Masking::Unmasked)
        .field("snapshot", report.content.as_ref().map(|of| of.snapshot))
        .field("paid", fields::paid(&report))
        .field("per_member_month", fields::per_member_month(&report))
        .field("holds", report.checks.as_ref().map(Report::holds));
    let of = match &report.content {
        Some(content) => format!(
            "snapshot {}, {}, {}",
            content.snapshot,
            tables(content),
            size(page.len() as u64)
        ),
        None => "nothing is published yet".into(),
    };
    summary.tell(invocation, &of);
    Ok(match holds {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    })
}

/// The views' tables, as the other commands count them, and those about runs.
fn tables(content: &LakeContent) -> String {
    let all = content.tables.len() as u64;
    let of_views = content
        .tables
        .iter()
        .filter(|table| table.resource.is_some());
    let of_views = of_views.count() as u64;
    match all - of_views {
        0 => counted(of_views, "table"),
        about_runs => format!("{} and {about_runs} about runs", counted(of_views, "table")),
    }
}

fn write(path: &Path, page: &str) -> anyhow::Result<()> {
    write_page(path, page).with_context(|| {
        format!(
            "writing the report {} (--output names another file)",
            path.display()
        )
    })
}

/// Written to a file beside it, which is then renamed: a reader sees the whole old or the whole new
/// file. Only its owner can read it.
pub(super) fn write_page(path: &Path, page: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(page.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// What the tables of the current lake and of what is staged are without.
fn leftovers(data: &DataDir) -> Outcome<Leftovers> {
    let mut leftovers = Leftovers::default();
    let mut folders: Vec<PathBuf> = data.transformed_folders()?;
    folders.extend(data.staged_runs()?);
    folders.sort_by_key(|folder| runs_of(folder).map(|(first, _)| first));
    // A run over all of landing repeats everything before it.
    let is_full = |folder: &PathBuf| read_staged_manifest(folder).is_ok_and(|found| found.full);
    let since = folders.iter().rposition(is_full).unwrap_or(0);
    for folder in folders.iter().skip(since) {
        if let Some(lines) = opened(&folder.join("rejects.ndjson"))? {
            leftovers.add_rejects(lines)?;
        }
        let unread = folder.join("unread.json");
        if let Ok(text) = fs::read_to_string(&unread) {
            leftovers
                .add_unread(&text)
                .with_context(|| format!("reading {}", unread.display()))?;
        }
    }
    let rejected = data.landing().root().join("rejected");
    for path in crate::status::files_in(&rejected)? {
        if let Some(file) = opened(&path)? {
            let text = zstd::stream::read::Decoder::new(file)?;
            leftovers
                .add_rejects(BufReader::new(text))
                .with_context(|| format!("reading {}", path.display()))?;
        }
    }
    Ok(leftovers)
}

fn opened(path: &Path) -> anyhow::Result<Option<impl BufRead + use<>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}
