//! `claimlake plan`: what the pipeline's tables are made of, as JSON, for other programs that run the
//! same plan: the Python package, and through it Spark.

use claimlake_contract::ExitCode;
use serde_json::json;

use crate::command::transform::plan;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// Prints views, context columns and layouts, once they compile.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    let pipeline = invocation.pipeline()?;
    let compiled = plan::compile(pipeline, invocation.origin())?;
    let input = plan::checked_input(pipeline, invocation.origin())?;
    let printed = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pipeline": pipeline.name,
        "hash": compiled.hash(),
        "rules": claimlake_transformer::RULES_VERSION,
        "max_reject_share": pipeline.transform.max_reject_share,
        "plan": input,
    });
    match invocation.output().is_json() {
        true => invocation.output().add_to_summary("plan", printed),
        false => invocation.output().data(&format!("{printed}\n"))?,
    }
    Ok(ExitCode::Done)
}
