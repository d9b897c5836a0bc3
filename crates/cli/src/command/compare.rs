//! `claimlake compare`: two lakes side by side.

mod html;
pub(super) mod lakes;
mod text;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use claimlake_compare::{CompareError, CompareRequest, Comparison, ConsentIds, Side, compare};
use claimlake_contract::{ApiVersion, ExitCode};
use clap::Args;
use serde_json::json;

use self::lakes::NamedLake;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::pipeline::compare_rules;
use crate::plural::counted;
use crate::publish_record::overlaps;
use crate::summary::StageSummary;

const EXAMPLES: &str = "\
Examples:
  claimlake compare --left data/v2 --right data/v3
  claimlake compare --left data/both --left-api v2 --right data/both --right-api v3
  claimlake compare --left data/demo/lake/snapshots/3 --right data/demo
  claimlake compare --left data/v2 --right data/v3 --html compare.html --parquet compare

Exit code 0: nothing differs but ids, names of codes, forms, and what one lake says beyond the other;
3: money or claims differ. docs/moving-to-v3.md says how claims are paired and what the classes mean.
What --html and --parquet write is PHI.";

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArguments {
    /// A data directory, a lake, or one snapshot of a lake
    #[arg(long, value_name = "DATA")]
    left: PathBuf,

    /// The one to compare it with
    #[arg(long, value_name = "DATA")]
    right: PathBuf,

    /// Only rows of this API version of the left lake
    #[arg(long, value_name = "v2|v3|carin")]
    left_api: Option<ApiVersion>,

    /// Only rows of this API version of the right lake
    #[arg(long, value_name = "v2|v3|carin")]
    right_api: Option<ApiVersion>,

    /// Write the counts as a page, too
    #[arg(long, value_name = "FILE.html")]
    html: Option<PathBuf>,

    /// Write pairs, unpaired claims and every difference into a new folder, as Parquet
    #[arg(long, value_name = "DIR")]
    parquet: Option<PathBuf>,
}

/// What is shown: the counts, and which lakes they are of.
struct Compared {
    left: String,
    right: String,
    rules: claimlake_compare::Rules,
    found: Comparison,
}

/// Compares two lakes; exit 3 where money or claims differ.
pub(crate) fn run(arguments: &CompareArguments, invocation: &Invocation) -> Outcome {
    let mut summary = StageSummary::begin("compare");
    let left = NamedLake::find(&arguments.left, "--left")?;
    let right = NamedLake::find(&arguments.right, "--right")?;
    for output in arguments.parquet.iter().chain(&arguments.html) {
        refuse_inside(output, [&left, &right])?;
    }
    let rules = compare_rules()?;
    let spill = SpillFolder::make()?;
    let request = CompareRequest {
        left: Side {
            snapshot: left.snapshot.clone(),
            api: arguments.left_api,
        },
        right: Side {
            snapshot: right.snapshot.clone(),
            api: arguments.right_api,
        },
        consents: consents([&left, &right], invocation),
        rules: &rules,
        spill: spill.0.clone(),
        parquet: arguments.parquet.clone(),
    };
    let found = compare(&request).map_err(failure)?;
    let compared = Compared {
        left: named(&arguments.left, arguments.left_api),
        right: named(&arguments.right, arguments.right_api),
        rules,
        found,
    };
    if let Some(path) = &arguments.html {
        super::report::write_page(path, &html::page(&compared, invocation.clock().now()))
            .with_context(|| format!("writing {} (--html names another file)", path.display()))?;
        summary.line("page", format!("{} (PHI)", path.display()));
    }
    if let Some(folder) = &arguments.parquet {
        summary.line("rows", format!("{} (PHI)", folder.display()));
    }
    let output = invocation.output();
    if !output.is_json() {
        output.data(&text::page(&compared))?;
    }
    tell(&mut summary, &compared.found, invocation);
    Ok(match compared.found.differs() {
        true => ExitCode::Rejected,
        false => ExitCode::Done,
    })
}

/// The ids of one person in two API versions that the vaults beside the lakes hold. A vault that cannot be
/// read is no reason not to compare: identifiers pair most persons, too.
fn consents(lakes: [&NamedLake; 2], invocation: &Invocation) -> Vec<ConsentIds> {
    let mut found = Vec::new();
    let folders: std::collections::BTreeSet<_> =
        lakes.iter().filter_map(|lake| lake.data.as_ref()).collect();
    for data in folders {
        let grants =
            crate::access::vault_to_read(data, invocation).and_then(|vault| vault.grants());
        match grants {
            Ok(grants) => found.extend(grants.iter().filter_map(|grant| {
                let mut ids = grant.ids().map(|(api, id)| (api, id.clone()));
                let (one, other) = (ids.next()?, ids.next()?);
                Some(ConsentIds { one, other })
            })),
            Err(error) => invocation.output().warn(&format!(
                "warning: the vault of {} cannot be read, so persons are paired without the ids that \
                 their consents have in both versions: {error}",
                data.display()
            )),
        }
    }
    found
}

fn tell(summary: &mut StageSummary, found: &Comparison, invocation: &Invocation) {
    let kinds = found.kinds.values();
    let (mut pairs, mut unpaired) = (0, 0);
    for kind in kinds {
        pairs += kind.certain + kind.likely;
        unpaired += kind.left + kind.right - 2 * (kind.certain + kind.likely);
    }
    if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(found) {
        for (name, value) in fields {
            summary.field(&name, value);
        }
    }
    summary.field("differs", json!(found.differs()));
    summary.tell(
        invocation,
        &format!(
            "{} in both lakes, {} without a pair",
            counted(pairs, "claim"),
            counted(unpaired, "claim")
        ),
    );
    if found.differs() {
        let words = "money or claims differ";
        invocation.output().alarm(ExitCode::Rejected, words, "");
    }
}

fn named(path: &Path, api: Option<ApiVersion>) -> String {
    match api {
        Some(api) => format!("{} ({api})", path.display()),
        None => path.display().to_string(),
    }
}

/// Output inside a lake would become part of it, or be in the way of its next load.
fn refuse_inside(output: &Path, lakes: [&NamedLake; 2]) -> Outcome<()> {
    for lake in lakes {
        if overlaps(output, &lake.lake) {
            return Err(Failure::usage(anyhow!(
                "{} lies in the lake {}: write to another place",
                output.display(),
                lake.lake.display()
            )));
        }
    }
    Ok(())
}

fn failure(error: CompareError) -> Failure {
    match error.is_setting() {
        true => Failure::usage(error),
        false => error.into(),
    }
}

/// A private folder for rows that do not fit into memory, removed at the end. Files in it have no
/// names: a kill leaves an empty folder.
struct SpillFolder(PathBuf);

impl SpillFolder {
    fn make() -> Outcome<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
        let name = format!("claimlake-compare-{}", claimlake_contract::hex(&random));
        let folder = std::env::temp_dir().join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("making {} (TMPDIR names another place)", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "a folder for temporary files stays, empty");
        }
    }
}
