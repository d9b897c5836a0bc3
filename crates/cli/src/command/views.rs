//! `claimlake views`: SQL that makes the views of the lake in DuckDB or Spark, for tables that were
//! copied, moved or published to another place.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use claimlake_contract::{ExitCode, LakeManifest};
use claimlake_loader::{ViewsBase, read_manifest, snapshots, views_sql};
use claimlake_publisher::{PublishedState, Target};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::invocation::{Invocation, quoted};
use crate::lake_options::options_of;
use crate::publish_record::PublishRecord;
use crate::publishing;
use crate::runtime;

const EXAMPLES: &str = "\
Examples:
  claimlake views > views.sql                        this lake's current snapshot, by its path
  claimlake views --base /mnt/copy/lake              a copy of the lake, or of one snapshot's folder
  claimlake views --base s3://bucket/medicare        published tables, by delta_scan
  claimlake views --base s3://bucket/medicare --tables parquet
                                                     the files of the newest published state
  claimlake views --base s3a://bucket/medicare --engine spark

The views are those of views.duckdb.sql and views.spark.sql in a snapshot. Delta tables are read by
their newest versions, which is not atomic across tables while a publish runs; --tables parquet names
the files of one state, and is made anew after each publish.";

/// Arguments of `views`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ViewsArguments {
    /// Where the tables are: a folder with a copy of the lake or of a snapshot, or the folder or URL
    /// that the lake was published to [default: the lake itself]
    #[arg(long, value_name = "DIR|URL")]
    base: Option<String>,

    /// Who reads the SQL
    #[arg(long, value_enum, default_value_t = Engine::Duckdb)]
    engine: Engine,

    /// How published tables are read [default: delta]
    #[arg(long, value_enum)]
    tables: Option<Tables>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Duckdb,
    Spark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tables {
    /// By their Delta logs (DuckDB's extension delta, Spark's delta package)
    Delta,
    /// By the names of their Parquet files
    Parquet,
}

/// Prints the SQL.
pub(crate) fn run(arguments: &ViewsArguments, invocation: &Invocation) -> Outcome {
    let options = options_of(invocation)?;
    let (manifest, base) = source(arguments, invocation)?;
    let sql = views_sql(&manifest, &base, &options);
    let sql = match arguments.engine {
        Engine::Duckdb => sql.duckdb,
        Engine::Spark => sql.spark,
    };
    let output = invocation.output();
    match output.is_json() {
        true => output.add_to_summary("sql", json!(sql)),
        false => output.data(&sql)?,
    }
    Ok(ExitCode::Done)
}

/// The snapshot whose tables are shown, and where they are.
fn source(
    arguments: &ViewsArguments,
    invocation: &Invocation,
) -> Outcome<(LakeManifest, ViewsBase)> {
    let Some(base) = &arguments.base else {
        return match arguments.tables {
            Some(Tables::Delta) => Err(Failure::usage(anyhow!(
                "the lake itself has no Delta log: name the place that it was published to with --base"
            ))),
            _ => snapshot_in(&invocation.lake()?.join("current")),
        };
    };
    let base = base.trim_end_matches('/');
    match local_folder(base) {
        None => published(base, base, arguments, invocation),
        Some(folder) => {
            let found = folder.canonicalize();
            let folder = found.map_err(|error| nothing_there(&folder, Some(error)))?;
            let current = folder.join("current");
            if folder.join("claimlake.json").is_file() {
                let path = folder.display().to_string();
                let url = Target::Folder(folder).to_string();
                published(&path, &url, arguments, invocation)
            } else if arguments.tables == Some(Tables::Delta) {
                Err(Failure::usage(anyhow!(
                    "nothing was published to {}: --tables parquet reads a copy of a snapshot there",
                    folder.display()
                )))
            } else if folder.join("manifest.json").is_file() {
                snapshot_in(&folder)
            } else if current.exists() {
                snapshot_in(&current)
            } else {
                Err(nothing_there(&folder, None))
            }
        }
    }
}

/// The folder that a base names; `None` if it is a URL of something else.
fn local_folder(base: &str) -> Option<PathBuf> {
    if let Ok(Target::Folder(folder)) = Target::parse(base) {
        return Some(folder);
    }
    (!base.contains("://")).then(|| PathBuf::from(base))
}

fn nothing_there(folder: &Path, error: Option<std::io::Error>) -> Failure {
    let said = error.map_or_else(
        || "has neither a snapshot nor a published lake".to_owned(),
        |error| format!("cannot be read ({error})"),
    );
    Failure::usage(anyhow!(
        "{} {said}: --base names a copy of the lake or of a snapshot's folder, or the place of a publish",
        folder.display()
    ))
}

/// The snapshot in a folder, by its real path.
fn snapshot_in(folder: &Path) -> Outcome<(LakeManifest, ViewsBase)> {
    if !folder.exists() {
        return Err(Failure::usage(anyhow!(
            "there is no lake at {} yet: `run` or `load` makes one",
            folder.display()
        )));
    }
    let folder = folder
        .canonicalize()
        .with_context(|| format!("reading {}", folder.display()))?;
    let manifest = read_manifest(&folder)?;
    let base = ViewsBase::Copy(folder.display().to_string());
    Ok((manifest, base))
}

/// Published tables; `base` is how the engine reads the place, `url` how publishing does.
fn published(
    base: &str,
    url: &str,
    arguments: &ViewsArguments,
    invocation: &Invocation,
) -> Outcome<(LakeManifest, ViewsBase)> {
    if arguments.tables != Some(Tables::Parquet) {
        Target::parse(url).map_err(publishing::failure)?;
        let (manifest, _) = snapshot_in(&invocation.lake()?.join("current"))?;
        return Ok((manifest, ViewsBase::Delta(base.to_owned())));
    }
    let state = newest_state(url, invocation)?;
    let manifest = manifest_of(&state, url, invocation)?;
    let base = base.to_owned();
    let paths = state.files;
    Ok((manifest, ViewsBase::Files { base, paths }))
}

fn newest_state(url: &str, invocation: &Invocation) -> Outcome<PublishedState> {
    let target = Target::parse(url).map_err(publishing::failure)?;
    let never = || {
        Failure::usage(anyhow!(
            "this lake was not published to {}: {}",
            quoted(url),
            invocation.next(&format!("publish {}", quoted(url)))
        ))
    };
    let data = invocation.existing_data()?;
    let record = PublishRecord::read(data.root())?.ok_or_else(never)?;
    let variable = |name: &str| std::env::var(name).ok();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let open = target.open(&variable, home.as_deref());
    let open = open.map_err(publishing::failure)?;
    let runtime = runtime::on_this_thread().context("preparing to read what was published")?;
    let state = runtime.block_on(open.newest_state(&record.lake));
    state.map_err(publishing::failure)?.ok_or_else(never)
}

/// The local snapshot that a published state shows.
fn manifest_of(
    state: &PublishedState,
    url: &str,
    invocation: &Invocation,
) -> Outcome<LakeManifest> {
    let kept = snapshots(&invocation.lake()?)?;
    let same = kept.iter().filter(|kept| kept.number == state.snapshot);
    let manifests = same.filter_map(|kept| read_manifest(&kept.folder).ok());
    let found = manifests.into_iter().find(|one| one.run == state.run);
    found.ok_or_else(|| {
        anyhow!(
            "what is published shows snapshot {}, which is not kept here: {}, then run this again",
            state.snapshot,
            invocation.next(&format!("publish {}", quoted(url)))
        )
        .into()
    })
}
