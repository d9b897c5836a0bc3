//! What the user typed: global flags and the commands. What follows from it is in `invocation`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{command, env};

/// Medicare claims, from the beneficiary's consent to tables you can query.
#[derive(Debug, Parser)]
#[command(name = "claimlake", version, about = ABOUT, after_help = AFTER_HELP, max_term_width = 100)]
#[command(
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ABOUT: &str = "Medicare claims, from the beneficiary's consent to tables you can query";

const AFTER_HELP: &str = "\
Try it, with synthetic people and no network:
  claimlake run

The real service (see README.md for the app's registration):
  claimlake --pipeline blue_button authorize
  claimlake --pipeline blue_button run

Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 done, but more records were rejected
than allowed · 4 done, but some grants need a person · 5 parked, the server said to come back later";

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalArguments {
    /// The pipeline: a file, or the built-in demo or blue_button
    #[arg(long, global = true, value_name = "FILE", env = env::PIPELINE, default_value = "demo", help_heading = "Everywhere")]
    pub(crate) pipeline: String,

    /// The data directory [default: data/<pipeline name>]
    #[arg(long, global = true, value_name = "DIR", env = env::DATA, help_heading = "Everywhere")]
    pub(crate) data: Option<PathBuf>,

    /// Write NDJSON events to stdout; the last is the summary
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,

    /// No progress and no summary; one line where the exit code is not 0
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,

    /// More of the log on stderr; twice for everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub(crate) verbose: u8,

    /// The form of all that goes to stderr; json: one object a line
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true,
        help_heading = "Everywhere"
    )]
    pub(crate) log_format: LogFormat,
}

/// The form of what goes to stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a local Blue Button with synthetic people
    #[cfg(feature = "sandbox")]
    Sandbox(command::sandbox::SandboxArguments),
    /// Ask one person for consent
    Authorize(command::authorize::AuthorizeArguments),
    /// List, import, export and revoke the consents at hand
    Grants(command::grants::GrantsArguments),
    /// Check the set-up: key, vault, disk, clock, broker, server
    Doctor(command::doctor::DoctorArguments),
    /// Remove one person from everywhere
    Forget(command::forget::ForgetArguments),
    /// Lend a valid access token of one person to another program
    Token(command::token::TokenArguments),
    /// Change the key that the consents are sealed with
    Vault(command::vault::VaultArguments),
    /// Show what was done to which consent, or check that nothing of it was touched
    AccessLog(command::access_log::AccessLogArguments),
    /// Fetch all claims of everyone who consented
    Extract(command::extract::ExtractArguments),
    /// Land NDJSON, FHIR resources and Bundles that came from elsewhere
    Import(command::import::ImportArguments),
    /// Turn what landed into typed rows
    Transform(command::transform::TransformArguments),
    /// Publish staged rows as the next snapshot of the lake
    Load(command::load::LoadArguments),
    /// Extract, transform and load
    Run(command::run::RunArguments),
    /// Tell where everything stands
    Status,
    /// Write all of that and what the lake holds as one HTML file
    Report(command::report::ReportArguments),
    /// List the lake's states, or go back to one
    Snapshots(command::snapshots::SnapshotsArguments),
    /// List what became of which claim, run by run
    Changes(command::changes::ChangesArguments),
    /// Recompute checksums, counts and invariants from landing to lake
    Verify,
    /// Follow an id from the tables back to the raw line and the expressions
    Trace(command::trace::TraceArguments),
    /// Run one ViewDefinition over any FHIR input
    View(command::view::ViewArguments),
    /// Refresh tokens for other commands, which start it
    #[command(hide = true)]
    Broker,
    /// Print a shell's completions
    Completions(command::completions::CompletionsArguments),
}

impl Command {
    /// The name in summaries.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => "sandbox",
            Self::Token(_) => "token",
            Self::Vault(_) => "vault",
            Self::AccessLog(_) => "access-log",
            Self::Extract(_) => "extract",
            Self::Doctor(_) => "doctor",
            Self::Forget(_) => "forget",
            Self::Authorize(_) => "authorize",
            Self::Grants(_) => "grants",
            Self::Import(_) => "import",
            Self::Transform(_) => "transform",
            Self::Run(_) => "run",
            Self::Load(_) => "load",
            Self::Status => "status",
            Self::Report(_) => "report",
            Self::Snapshots(_) => "snapshots",
            Self::Changes(_) => "changes",
            Self::Trace(_) => "trace",
            Self::Verify => "verify",
            Self::View(_) => "view",
            Self::Broker => "broker",
            Self::Completions(_) => "completions",
        }
    }
}
