//! `claimlake sandbox generate`: synthetic NDJSON of any size.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use claimlake_contract::{ApiVersion, ExitCode, ResourceType};
use claimlake_sandbox::{GenerateConfig, Generated};
use clap::Args;
use serde_json::json;

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, size};

const EXAMPLES: &str = "\
Examples:
  claimlake sandbox generate --patients 10 --output people.ndjson
  claimlake sandbox generate --bytes 1000000000 --resource ExplanationOfBenefit | zstd > claims.ndjson.zst";

/// Arguments of `sandbox generate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GenerateArguments {
    /// How many people to write [default: as many as --bytes asks for, else 10]
    #[arg(long, value_name = "N")]
    patients: Option<usize>,

    /// Stop after the resource that reaches this size
    #[arg(long, value_name = "BYTES")]
    bytes: Option<u64>,

    /// How many claims a person has on average
    #[arg(long, value_name = "MEAN", default_value_t = GenerateConfig::default().eobs_mean)]
    eobs: u32,

    /// The seed: the same one gives the same bytes
    #[arg(long, value_name = "S", default_value_t = GenerateConfig::default().seed)]
    seed: u64,

    /// The API version whose shapes to write; may be given several times [default: v2]
    #[arg(long = "api", value_name = "v2|v3", value_parser = ApiVersion::of_server)]
    versions: Vec<ApiVersion>,

    /// The resource type to write; may be given several times [default: all three]
    #[arg(long = "resource", value_name = "TYPE")]
    resources: Vec<ResourceType>,

    /// How many weekly loads have happened: each adds, cancels and adjusts claims
    #[arg(long, value_name = "WEEKS", default_value_t = 0)]
    weeks: u32,

    /// Where to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes the claims.
pub(crate) fn run(arguments: GenerateArguments, invocation: &Invocation) -> Outcome {
    let defaults = GenerateConfig::default();
    let config = GenerateConfig {
        seed: arguments.seed,
        eobs_mean: arguments.eobs,
        patients: arguments.patients,
        bytes: arguments.bytes,
        versions: match arguments.versions.is_empty() {
            true => defaults.versions,
            false => arguments.versions,
        },
        resource_types: arguments.resources,
        weeks: arguments.weeks,
    };
    let generated = match &arguments.output {
        None => write(&config, io::stdout().lock())?,
        Some(path) => {
            let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
            write(&config, file)?
        }
    };
    let output = invocation.output();
    output.add_to_summary("patients", json!(generated.patients));
    output.add_to_summary("resources", json!(generated.resources));
    output.add_to_summary("bytes", json!(generated.bytes));
    output.say(&format!(
        "generated  {}, {} ({})",
        counted(generated.patients, "synthetic patient"),
        counted(generated.resources, "resource"),
        size(generated.bytes)
    ));
    Ok(ExitCode::Done)
}

fn write(config: &GenerateConfig, to: impl Write) -> Outcome<Generated> {
    let mut to = BufWriter::with_capacity(1 << 20, to);
    let generated = claimlake_sandbox::generate(config, &mut to)?;
    to.flush()?;
    Ok(generated)
}
