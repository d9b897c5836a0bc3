//! The flags that every command takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::env;

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
