//! The pipeline's views, context columns and layouts, as the transformer takes them.

use anyhow::{anyhow, bail};
use claimlake_contract::{BloomColumns, ResourceType, TableLayout};
use claimlake_transformer::{ContextColumn, ContextSource, Part2, Plan, PlanInput, ViewText};
use toml::Value;

use crate::failure::{Failure, Outcome};
use crate::pipeline::{self, Load, Pipeline, PipelineOrigin, TableOverride};

/// How many problems of views are told at once.
const TOLD: usize = 5;

/// The pipeline's views and context columns, once they compile.
pub(in crate::command) fn checked_input(
    pipeline: &Pipeline,
    origin: &PipelineOrigin,
) -> Outcome<PlanInput> {
    compile(pipeline, origin)?;
    input(pipeline, origin).map_err(Failure::usage)
}

/// Compiles the pipeline's views; whatever is wrong with them is a configuration error.
pub(super) fn compile(pipeline: &Pipeline, origin: &PipelineOrigin) -> Outcome<Plan> {
    let input = input(pipeline, origin).map_err(Failure::usage)?;
    let plan = Plan::compile(&input).map_err(|problems| {
        let told: Vec<String> = problems
            .iter()
            .take(TOLD)
            .map(ToString::to_string)
            .collect();
        let more = match problems.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Failure::usage(anyhow!(
            "pipeline {}: {}{more}",
            origin.display(),
            told.join("; ")
        ))
    })?;
    for table in pipeline.table.keys() {
        if !plan.tables().any(|(_, name)| name == table) {
            return Err(Failure::usage(anyhow!(
                "pipeline {}: [table.{table}] names a table that no view makes",
                origin.display()
            )));
        }
    }
    Ok(plan)
}

fn input(pipeline: &Pipeline, origin: &PipelineOrigin) -> anyhow::Result<PlanInput> {
    let views = origin.views(&pipeline.transform.views)?;
    let views = views.into_iter().map(|view| ViewText {
        place: view.path,
        text: view.text,
    });
    let mut context = Vec::new();
    for (resource, columns) in &pipeline.context {
        context.push(context_of(resource, columns).map_err(|error| {
            anyhow!("pipeline {}: context.{resource}{error}", origin.display())
        })?);
    }
    Ok(PlanInput {
        views: views.collect(),
        context,
        layout: Some(layout("", &pipeline.load, &TableOverride::default())),
        layouts: pipeline
            .table
            .iter()
            .map(|(name, own)| layout(name, &pipeline.load, own))
            .collect(),
        part2: match pipeline.transform.part2 {
            pipeline::Part2::Keep => Part2::Keep,
            pipeline::Part2::Drop => Part2::Drop,
        },
    })
}

fn layout(name: &str, load: &Load, own: &TableOverride) -> TableLayout {
    let of = |own: &Option<Vec<String>>, all: &Vec<String>| own.as_ref().unwrap_or(all).clone();
    TableLayout {
        name: name.into(),
        partition_by: of(&own.partition_by, &load.partition_by),
        sort_by: of(&own.sort_by, &load.sort_by),
        bloom: BloomColumns(of(&own.bloom, &load.bloom)),
    }
}

fn context_of(
    resource: &str,
    columns: &Value,
) -> anyhow::Result<(ResourceType, Vec<ContextColumn>)> {
    let resource_type: ResourceType = resource.parse().map_err(|error| anyhow!(": {error}"))?;
    let Some(columns) = columns.as_table() else {
        bail!(": expected columns, name = FHIRPath");
    };
    let mut context = Vec::new();
    for (name, value) in columns {
        let source = match value {
            Value::String(path) => Some(ContextSource::Path(path.clone())),
            Value::Table(table) if table.len() == 1 => {
                let of = |key: &str| table.get(key).and_then(texts);
                let date = of("date_of").map(ContextSource::DateOf);
                date.or_else(|| of("year_of").map(ContextSource::YearOf))
            }
            _ => None,
        };
        let Some(source) = source else {
            bail!(
                ".{name}: expected a FHIRPath, {{ date_of = [FHIRPath, …] }} or {{ year_of = [FHIRPath, …] }}"
            );
        };
        context.push(ContextColumn {
            name: name.clone(),
            source,
        });
    }
    Ok((resource_type, context))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter();
    texts.map(|text| Some(text.as_str()?.to_owned())).collect()
}
