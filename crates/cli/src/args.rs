//! What the user typed: global flags and the commands. What follows from it is in `invocation`.

use clap::{Parser, Subcommand};

use crate::command;
use crate::global_arguments::GlobalArguments;

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
Try it, with synthetic patients and no network:
  claimlake run

The real service (see README.md for the app's registration):
  claimlake --pipeline blue_button authorize
  claimlake --pipeline blue_button run

Exit codes: 0 done · 1 failed · 2 usage or configuration · 3 done, but more records were rejected
than allowed · 4 done, but some grants need a new consent · 5 parked, the server asked to retry later";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a local Blue Button with synthetic patients
    #[cfg(feature = "sandbox")]
    Sandbox(command::sandbox::SandboxArguments),
    /// Ask a patient for consent
    Authorize(command::authorize::AuthorizeArguments),
    /// List, import, export and revoke stored consents
    Grants(command::grants::GrantsArguments),
    /// Check the set-up: key, vault, disk, clock, broker, server
    Doctor(command::doctor::DoctorArguments),
    /// Remove a patient from everywhere
    Forget(command::forget::ForgetArguments),
    /// Print a valid access token of a patient for another program
    Token(command::token::TokenArguments),
    /// Change the key that the consents are sealed with
    Vault(command::vault::VaultArguments),
    /// Show who accessed which consent or patient, or check that no line was changed or cut
    AccessLog(command::access_log::AccessLogArguments),
    /// Fetch all claims of all patients who consented
    Extract(command::extract::ExtractArguments),
    /// Land NDJSON, FHIR resources and Bundles from other sources
    Import(command::import::ImportArguments),
    /// Turn what landed into typed rows
    Transform(command::transform::TransformArguments),
    /// Publish staged rows as the next snapshot of the lake
    Load(command::load::LoadArguments),
    /// Show the lake's current snapshot as Delta tables in a folder or an object store
    Publish(command::publish::PublishArguments),
    /// Extract, transform and load
    Run(command::run::RunArguments),
    /// Show the state of everything, on one page
    Status,
    /// Write that and the totals of the lake as one HTML file
    Report(command::report::ReportArguments),
    /// List the lake's snapshots, or go back to one
    Snapshots(command::snapshots::SnapshotsArguments),
    /// Compare two lakes, such as those of v2 and v3: persons and claims paired, differences classed
    Compare(command::compare::CompareArguments),
    /// Make a copy of the tables without identifiers, by Safe Harbor or as a limited data set
    Deidentify(command::deidentify::DeidentifyArguments),
    /// Print SQL that makes the lake's views for a copy, a moved lake or a published one
    Views(command::views::ViewsArguments),
    /// List what changed for each claim, run by run
    Changes(command::changes::ChangesArguments),
    /// Recompute checksums, counts and invariants from landing to lake
    Verify(command::verify::VerifyArguments),
    /// Follow an id from the tables back to the raw line and the expressions
    Trace(command::trace::TraceArguments),
    /// Run one ViewDefinition over any FHIR input
    View(command::view::ViewArguments),
    /// Refresh tokens for other commands, which start it
    #[command(hide = true)]
    Broker,
    /// Print what the tables are made of, as JSON, for the Python package
    #[command(hide = true)]
    Plan,
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
            Self::Publish(_) => "publish",
            Self::Status => "status",
            Self::Report(_) => "report",
            Self::Snapshots(_) => "snapshots",
            Self::Compare(_) => "compare",
            Self::Deidentify(_) => "deidentify",
            Self::Views(_) => "views",
            Self::Changes(_) => "changes",
            Self::Trace(_) => "trace",
            Self::Verify(_) => "verify",
            Self::View(_) => "view",
            Self::Broker => "broker",
            Self::Plan => "plan",
            Self::Completions(_) => "completions",
        }
    }
}
