//! `claimlake publish`: the lake's current snapshot as Delta tables, in a folder or an object store.

use anyhow::anyhow;
use claimlake_contract::ExitCode;
use clap::Args;
use serde_json::json;

use crate::failure::Outcome;
use crate::invocation::{Invocation, quoted};
use crate::plural::counted;
use crate::publishing::{Place, Publisher, tell};
use crate::summary::StageSummary;

const EXAMPLES: &str = "\
Examples:
  claimlake publish file:///mnt/shared/medicare
  claimlake --pipeline blue_button publish s3://bucket/medicare
  AWS_ENDPOINT_URL=https://minio.example claimlake publish s3://bucket/medicare
  claimlake publish --removed s3://bucket/old    its content was removed: it is not listed any more

What is published is PHI: whoever may read the place can read the claims. docs/publish.md says how
other programs read it, and which credentials and settings of a store are used.";

/// Arguments of `publish`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PublishArguments {
    /// Where to: file:///path, s3://bucket/path or
    /// abfss://container@account.dfs.core.windows.net/path, of this lake alone
    #[arg(value_name = "URL")]
    target: String,

    /// Publish nothing: the content of that place was removed, so take it off the list of places that
    /// `forget` has to know. Refused while anything is there
    #[arg(long)]
    removed: bool,
}

/// Publishes the current snapshot.
pub(crate) fn run(arguments: &PublishArguments, invocation: &Invocation) -> Outcome {
    invocation.existing_data()?;
    let place = Place::parse(&arguments.target, invocation)?;
    let mut publisher = Publisher::begin(invocation)?;
    if arguments.removed {
        return end_of(&place, &mut publisher, invocation);
    }
    let summary = StageSummary::begin("publish");
    let outcome = publisher.publish(&place)?;
    tell(summary, &place.url, &outcome, invocation);
    let open = publisher.clear_others(&[]);
    if open.is_empty() {
        return Ok(ExitCode::Done);
    }
    let targets = counted(open.len() as u64, "other published target");
    invocation.output().warn(&format!(
        "publish    done here, and {targets} to clear, as above"
    ));
    Ok(ExitCode::Failed)
}

/// Takes a target off the list.
fn end_of(place: &Place, publisher: &mut Publisher<'_>, invocation: &Invocation) -> Outcome {
    let url = &place.url;
    if !publisher.is_empty(place)? {
        return Err(anyhow!(
            "{} is not empty: remove everything at that place first, then run this again",
            quoted(url)
        )
        .into());
    }
    let is_listed = publisher.drop_from_list(url)?;
    let output = invocation.output();
    output.say(&match is_listed {
        true => format!("publish    nothing is at {url}, and it is not listed any more"),
        false => format!("publish    {url} is not listed: nothing was published there from here"),
    });
    output.add_to_summary("publish", json!({"target": url, "changed": is_listed}));
    Ok(ExitCode::Done)
}
