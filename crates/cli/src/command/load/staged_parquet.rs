//! `load --staged-parquet`: what somebody else staged, such as the Spark job.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use claimlake_contract::RunId;
use claimlake_loader::{StagedParquet, seal_staged_parquet};

use super::LoadArguments;
use crate::command::transform::plan;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

/// Seals the folder as a staged run of the pipeline's tables.
pub(super) fn seal(
    folder: &Path,
    run: &RunId,
    arguments: &LoadArguments,
    invocation: &Invocation,
) -> Outcome<()> {
    if !folder.is_dir() {
        return Err(Failure::usage(anyhow!(
            "--staged-parquet: {} is no folder",
            folder.display()
        )));
    }
    let plan = plan::compile(invocation.pipeline()?, invocation.origin())?;
    seal_staged_parquet(&StagedParquet {
        folder: folder.to_path_buf(),
        run: run.clone(),
        pipeline_hash: plan.hash().to_owned(),
        rules: claimlake_transformer::RULES_VERSION,
        // Both ask for what only all of landing can answer.
        full: arguments.rebuild || arguments.drop_absent,
        tables: plan.staged_tables(),
    })
    .with_context(|| {
        format!(
            "sealing {} (--staged-parquet takes a folder for each table of the pipeline and one named _keys)",
            folder.display()
        )
    })?;
    Ok(())
}
