//! `claimlake doctor`: is everything set up so that the nightly run needs no attention?

mod disk;
mod process_checks;
mod server;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use claimlake_contract::{Clock as _, ExitCode, SystemClock};
use claimlake_vault::Vault;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::access;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::lake_group;
use crate::plural::counted;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button doctor
  claimlake --pipeline blue_button doctor --live      asks the server, too; no token is used";

/// Clocks earlier than this are wrong: this program did not exist.
const EARLIEST: &str = "2026-08-01T00:00:00Z";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArguments {
    /// Ask the server what it says of itself, and compare with what is built in
    #[arg(long)]
    live: bool,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Ok,
    Warning,
    Broken,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    level: Level,
    what: String,
    /// What was found and, unless it is fine, what to do.
    words: String,
}

/// The checks done so far.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, level: Level, what: &str, words: impl Into<String>) {
        self.0.push(Check {
            level,
            what: what.into(),
            words: words.into(),
        });
    }

    fn count(&self, level: Level) -> u64 {
        self.0.iter().filter(|check| check.level == level).count() as u64
    }
}

/// Looks at everything. Without `--live` nothing leaves this machine.
pub(crate) fn run(arguments: &DoctorArguments, invocation: &Invocation) -> Outcome {
    let data = invocation.data()?;
    let mut checks = Checks::default();
    vault(&data, invocation, &mut checks);
    disk::check("data", data.root(), &mut checks);
    let lake = invocation.lake()?;
    if !lake.starts_with(data.root()) {
        disk::check("lake", &lake, &mut checks);
    }
    private(data.root(), &mut checks);
    lake_access(invocation, &mut checks);
    clock(&data, &mut checks);
    if data.root().is_dir() {
        process_checks::check(data.root(), &mut checks);
    }
    server::check(arguments.live, invocation, &mut checks)?;
    tell(&checks, invocation)?;
    Ok(match checks.count(Level::Broken) {
        0 => ExitCode::Done,
        _ => ExitCode::Failed,
    })
}

fn vault(data: &DataDir, invocation: &Invocation, checks: &mut Checks) {
    if !Vault::is_made(data.root()) {
        let words = "there is none yet: the first consent makes it, and its key";
        return checks.add(Level::Ok, "vault", words);
    }
    let vault = match access::open_vault_to_read(invocation) {
        Ok(vault) => vault,
        Err(failure) => return checks.add(Level::Broken, "vault", failure.to_string()),
    };
    let place = &vault.key_origin().place;
    // `key file '/home/…/vault.key'`
    let file = place.split('\'').nth(1).map(Path::new);
    let mode = file.and_then(|file| Some(file.metadata().ok()?.permissions().mode() & 0o777));
    match mode {
        Some(mode) if mode & 0o077 != 0 => checks.add(
            Level::Broken,
            "key",
            format!("{place} can be read by others (mode {mode:o}): chmod 600"),
        ),
        Some(mode) => checks.add(
            Level::Ok,
            "key",
            format!("{place}, mode {mode:o}{}", old_keys(&vault)),
        ),
        None => checks.add(Level::Ok, "key", place.clone()),
    }
    match vault.check().and_then(|()| vault.grants()) {
        Ok(grants) => {
            let words = format!(
                "format {}, whole, {}",
                claimlake_vault::VAULT_FORMAT,
                counted(grants.len() as u64, "grant")
            );
            checks.add(Level::Ok, "vault", words);
        }
        Err(error) => checks.add(Level::Broken, "vault", error.to_string()),
    }
    match vault.unfinished_forgets() {
        Ok(unfinished) if !unfinished.is_empty() => checks.add(
            Level::Broken,
            "forget",
            format!(
                "{} was interrupted: run forget again with any id of that patient",
                counted(unfinished.len() as u64, "removal")
            ),
        ),
        Ok(_) => {}
        Err(error) => checks.add(Level::Broken, "forget", error.to_string()),
    }
    match vault.access_log().verify() {
        Ok(check) => match check.problem {
            None => {
                let words = format!("{}, none changed", counted(check.lines, "line"));
                checks.add(Level::Ok, "access log", words);
            }
            Some(problem) => checks.add(Level::Broken, "access log", problem),
        },
        Err(error) => checks.add(Level::Broken, "access log", error.to_string()),
    }
}

/// The keys that `vault rekey` has kept.
fn old_keys(vault: &Vault) -> String {
    match vault.old_keys() {
        0 => String::new(),
        kept => format!(
            ", {} kept beside it (vault forget-old-keys)",
            counted(kept, "old key")
        ),
    }
}

fn private(root: &Path, checks: &mut Checks) {
    let Ok(metadata) = root.metadata() else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    let words = format!("{} has mode {mode:o}", root.display());
    match mode & 0o077 {
        0 => checks.add(Level::Ok, "privacy", words),
        _ => checks.add(
            Level::Broken,
            "privacy",
            format!("{words}, others can look into it: chmod 700"),
        ),
    }
}

/// Whether the group that the pipeline names can read the lake, and other users cannot.
fn lake_access(invocation: &Invocation, checks: &mut Checks) {
    let what = "lake: access";
    let found = lake_group::blocked(invocation).and_then(|blocked| {
        let doubtful = lake_group::unknown(invocation)?;
        Ok((blocked, doubtful.or(lake_group::left_open(invocation)?)))
    });
    match found {
        Err(failure) => checks.add(Level::Broken, what, failure.to_string()),
        Ok((Some(blocked), _)) => checks.add(Level::Broken, what, blocked),
        Ok((None, Some(doubtful))) => checks.add(Level::Warning, what, doubtful),
        Ok((None, None)) => {
            let group = invocation.pipeline().map(|it| it.load.group.as_deref());
            let words = match group.ok().flatten() {
                Some(group) => format!("the group '{group}' can reach it"),
                None => "its owner's alone".to_owned(),
            };
            checks.add(Level::Ok, what, words);
        }
    }
}

fn clock(data: &DataDir, checks: &mut Checks) {
    let now = SystemClock.now();
    let latest = data.next_run(&SystemClock).ok();
    let latest = latest.and_then(|run| run.started_at());
    let ahead = latest.map_or(0, |latest| (latest - now).num_seconds());
    let shown = now.format("%Y-%m-%dT%H:%M:%SZ");
    if EARLIEST
        .parse()
        .is_ok_and(|earliest: chrono::DateTime<chrono::Utc>| now < earliest)
    {
        let words = format!("it says {shown}, which is long gone: set it, and run NTP");
        checks.add(Level::Broken, "clock", words);
    } else if ahead > 60 {
        let words = format!(
            "it says {shown}, and the last run here began {ahead} seconds later: it was set back"
        );
        checks.add(Level::Warning, "clock", words);
    } else {
        checks.add(Level::Ok, "clock", format!("it says {shown}"));
    }
}

fn tell(checks: &Checks, invocation: &Invocation) -> Outcome<()> {
    let output = invocation.output();
    output.add_to_summary("checks", json!(checks.0));
    let width = checks.0.iter().map(|check| check.what.len()).max();
    let width = width.unwrap_or(0);
    let mut words = String::new();
    for check in &checks.0 {
        let level = check.level.as_str();
        words.push_str(&format!(
            "{level:<8} {:<width$}  {}\n",
            check.what, check.words
        ));
    }
    if !output.is_json() {
        output.data(&words)?;
    }
    let (broken, warnings) = (checks.count(Level::Broken), checks.count(Level::Warning));
    if broken > 0 {
        let broken_ones = checks.0.iter().filter(|one| one.level == Level::Broken);
        let reasons = broken_ones.map(|one| format!("{} ({})", one.what, one.words));
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        output.alarm(
            ExitCode::Failed,
            format!("{broken} broken: {reasons}"),
            invocation.next("doctor"),
        );
    }
    output.say(&match (broken, warnings) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => counted(warnings, "warning"),
        (broken, warnings) => format!("{broken} broken, {}", counted(warnings, "warning")),
    });
    Ok(())
}
