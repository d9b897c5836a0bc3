//! `load --staged-parquet`: rows that another program staged, such as the Spark job.

mod job;

use std::path::Path;

use anyhow::{Context as _, anyhow};
use claimlake_contract::RunId;
use claimlake_landing::landing_runs;
use claimlake_loader::{
    ComparedBodies, StagedBodies, StagedParquet, StagedProblems, TableShape, check_staged_parquet,
    seal_staged_parquet,
};
use claimlake_transformer::{Plan, landed_bodies};
use serde_json::json;

use super::LoadArguments;
use crate::command::transform::plan;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::{counted, grouped};

/// At most this many tables are named.
const MAX_SHOWN: usize = 5;

/// Seals the folder as a staged run of the pipeline's tables, and refuses it where it is incomplete
/// (unless that is insisted on) or contradicts itself or landing.
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
    let job = job::read(folder, &plan, invocation)?;
    let sealed = seal_staged_parquet(&StagedParquet {
        folder: folder.to_path_buf(),
        run: run.clone(),
        pipeline_hash: plan.hash().to_owned(),
        rules: claimlake_transformer::RULES_VERSION,
        // Both ask for what only all of landing can answer.
        full: arguments.rebuild || arguments.drop_absent,
        job,
        tables: plan.staged_tables(),
    })
    .with_context(|| {
        format!(
            "sealing {} (--staged-parquet takes a folder for each table of the pipeline and one named _keys)",
            folder.display()
        )
    })?;
    let (problems, bodies) = check_staged_parquet(folder, &shapes(&plan))?;
    let compared = with_landing(bodies, invocation)?;
    let output = invocation.output();
    let mut fields = json!(problems);
    fields["not_landed"] = json!(compared.map(|compared| compared.not_landed));
    fields["of_other_content"] = json!(compared.map(|compared| compared.of_other_content));
    fields["other_files"] = json!(sealed.other_files);
    output.add_to_summary("staged_parquet", fields);
    let wrong = contradictions(&problems, compared.unwrap_or_default());
    if !wrong.is_empty() {
        return Err(anyhow!(
            "{} cannot be published: {}; stage it again from this data directory's landing",
            folder.display(),
            wrong.join("; ")
        )
        .into());
    }
    let mut missing = missing(&problems);
    let others = &sealed.other_files;
    if !others.is_empty() {
        missing.push(format!(
            "{} missing or not as the job wrote it ({})",
            counted(others.len() as u64, "file"),
            shown(others)
        ));
    }
    match (missing.is_empty(), arguments.partial) {
        (true, _) => Ok(()),
        (false, true) => {
            output.warn(&format!(
                "warning: {} is published as it is, with --partial: {}",
                folder.display(),
                missing.join("; ")
            ));
            Ok(())
        }
        (false, false) => Err(anyhow!(
            "{} is incomplete: {}; stage it again, or insist with --partial",
            folder.display(),
            missing.join("; ")
        )
        .into()),
    }
}

fn shapes(plan: &Plan) -> Vec<TableShape> {
    let shapes = plan.shapes().map(|(table, has_one_row, id)| TableShape {
        table: table.to_owned(),
        has_one_row,
        id_column: id.map(str::to_owned),
    });
    shapes.collect()
}

/// Compares with what landed; none where nothing has landed here.
fn with_landing(
    mut bodies: StagedBodies,
    invocation: &Invocation,
) -> Outcome<Option<ComparedBodies>> {
    let runs = landing_runs(&invocation.data()?.landing())?.sealed;
    if runs.is_empty() {
        return Ok(None);
    }
    landed_bodies(&runs, |api, resource, id, content| {
        bodies.found(api.as_str(), resource.as_str(), id, content);
    });
    Ok(Some(bodies.compare()?))
}

fn missing(problems: &StagedProblems) -> Vec<String> {
    let mut missing = Vec::new();
    for (table, share) in &problems.without_row {
        missing.push(format!(
            "{} of {} have no row in {table}",
            grouped(share.count),
            counted(share.of, "resource")
        ));
    }
    let without = &problems.tables_without_files;
    if !without.is_empty() {
        missing.push(format!(
            "{} without any Parquet file ({}; a table without rows has a file without rows)",
            counted(without.len() as u64, "table"),
            shown(without)
        ));
    }
    missing
}

/// The first names, and how many more there are.
fn shown(names: &[String]) -> String {
    let named: Vec<&str> = names.iter().take(MAX_SHOWN).map(String::as_str).collect();
    let more = match names.len().saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}

fn contradictions(problems: &StagedProblems, compared: ComparedBodies) -> Vec<String> {
    let mut wrong = Vec::new();
    for (tables, what) in [
        (
            &problems.rows_of_none,
            "of no resource of _keys that has rows",
        ),
        (
            &problems.rows_of_another,
            "with another id than their key in _keys",
        ),
    ] {
        for (table, count) in tables {
            wrong.push(format!("{table} has {} {what}", counted(*count, "row")));
        }
    }
    for (table, count) in &problems.with_several_rows {
        let resources = counted(*count, "resource");
        wrong.push(format!("{table} has several rows of {resources}"));
    }
    for (count, what) in [
        (problems.same_order, "the same _landing_order as another"),
        (problems.same_hash, "the _content_hash of another resource"),
        (
            compared.of_other_content,
            "a _content_hash that no line of landing has",
        ),
        (compared.not_landed, "an id that has not landed here"),
    ] {
        if count > 0 {
            wrong.push(format!("{} of _keys with {what}", counted(count, "row")));
        }
    }
    wrong
}
