//! The pipeline's views, context columns and layouts, as the transformer takes them.

use anyhow::{anyhow, bail};
use claimlake_contract::{BloomColumns, ResourceType, TableLayout};
use claimlake_transformer::{
    ContextCase, ContextColumn, ContextSource, Part2, Plan, PlanInput, ViewText,
};
use claimlake_viewdef::definition::ViewDefinition;
use toml::Value;

use super::current_rules;
use super::table_columns::PlannedTables;
use crate::failure::{Failure, Outcome};
use crate::pipeline::{self, Load, Pipeline, PipelineOrigin, TableOverride};

/// How many problems of views are reported at once.
const MAX_SHOWN: usize = 5;

/// The pipeline's views and context columns, once they compile.
pub(crate) fn checked_input(pipeline: &Pipeline, origin: &PipelineOrigin) -> Outcome<PlanInput> {
    compile(pipeline, origin)?;
    input(pipeline, origin).map_err(Failure::usage)
}

/// Compiles the pipeline's views; whatever is wrong with them is a configuration error.
pub(in crate::command) fn compile(pipeline: &Pipeline, origin: &PipelineOrigin) -> Outcome<Plan> {
    let input = input(pipeline, origin).map_err(Failure::usage)?;
    let plan = Plan::compile(&input).map_err(|problems| {
        let shown: Vec<String> = problems
            .iter()
            .take(MAX_SHOWN)
            .map(ToString::to_string)
            .collect();
        let more = match problems.len().saturating_sub(MAX_SHOWN) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Failure::usage(anyhow!(
            "pipeline {}: {}{more}",
            origin.display(),
            shown.join("; ")
        ))
    })?;
    let tables = tables(&input);
    check_layouts(pipeline, &tables)
        .and_then(|()| current_rules::check(&pipeline.current, &tables))
        .map_err(|error| Failure::usage(anyhow!("pipeline {}: {error}", origin.display())))?;
    Ok(plan)
}

fn tables(input: &PlanInput) -> PlannedTables {
    let mut tables = PlannedTables::new();
    for view in &input.views {
        let Ok(definition) = ViewDefinition::from_text(&view.text) else {
            continue;
        };
        let context = input
            .context
            .iter()
            .filter(|(resource, _)| resource.as_str() == definition.resource)
            .flat_map(|(_, columns)| columns.iter().map(|column| column.name.clone()));
        let own = definition.columns();
        let own = own.iter().map(|column| column.name.clone());
        let table = tables
            .entry(definition.name.clone().unwrap_or_default())
            .or_default();
        table
            .columns
            .extend(context.chain(own).chain(["source_api".to_owned()]));
        table.resource.clone_from(&definition.resource);
    }
    for (name, derivation) in &input.derive {
        if let Some(table) = tables.get_mut(name) {
            let added = derivation.added_columns().map(str::to_owned);
            table.columns.extend(added);
        }
    }
    tables
}

/// With -v: how many columns of which tables keep these from the fast engine.
pub(in crate::command) fn log_fallback(plan: &Plan) {
    let (mut tables, mut columns) = (0, 0);
    for (table, of_table) in plan.fallback_columns() {
        tables += 1;
        columns += of_table.len();
        tracing::info!(
            table,
            columns = of_table.len(),
            "only the slow evaluator can make this table"
        );
    }
    tracing::info!(tables, columns, "tables of the slow evaluator");
}

/// Layouts may only name tables and columns that there are.
fn check_layouts(pipeline: &Pipeline, tables: &PlannedTables) -> anyhow::Result<()> {
    for (table, own) in &pipeline.table {
        let Some(known) = tables.get(table).map(|table| &table.columns) else {
            bail!("[table.{table}] names a table that no view makes");
        };
        for (key, named) in [
            ("partition_by", &own.partition_by),
            ("sort_by", &own.sort_by),
            ("bloom", &own.bloom),
        ] {
            if let Some(twice) = named.as_deref().and_then(named_twice) {
                bail!("table.{table}.{key} names the column '{twice}' twice");
            }
            let mut named = named.iter().flatten();
            if let Some(unknown) = named.find(|column| !known.contains(*column)) {
                bail!("table.{table}.{key}: the table has no column '{unknown}'");
            }
        }
    }
    for (key, named) in [
        ("partition_by", &pipeline.load.partition_by),
        ("sort_by", &pipeline.load.sort_by),
    ] {
        if let Some(twice) = named_twice(named) {
            bail!("load.{key} names the column '{twice}' twice");
        }
        let is_anywhere = |column: &String| {
            let mut tables = tables.values();
            tables.any(|table| table.columns.contains(column))
        };
        // The defaults are columns of claims, and a pipeline may have no claims.
        let is_default =
            *named == Load::default().partition_by || *named == Load::default().sort_by;
        if let Some(unknown) = named.iter().find(|column| !is_anywhere(column))
            && !is_default
        {
            bail!("load.{key}: no table has a column '{unknown}'");
        }
    }
    Ok(())
}

/// The first column that a list names again: readers refuse a table with two of one name.
fn named_twice(columns: &[String]) -> Option<&String> {
    let before = |at: usize| columns.get(..at).unwrap_or_default();
    let mut numbered = columns.iter().enumerate();
    let found = numbered.find(|(at, column)| before(*at).contains(column));
    found.map(|(_, column)| column)
}

fn input(pipeline: &Pipeline, origin: &PipelineOrigin) -> anyhow::Result<PlanInput> {
    // The load needs them; what is wrong with one is said before the work, not after.
    pipeline.load.views(origin)?;
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
        derive: pipeline.derive.clone().into_iter().collect(),
        part2: match pipeline.transform.part2 {
            pipeline::Part2::Keep => Part2::Keep,
            pipeline::Part2::Drop => Part2::Drop,
        },
        decided_by: serde_json::to_string(&pipeline.current)?,
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
        let Some(source) = source_of(value) else {
            bail!(
                ".{name}: expected a FHIRPath, {{ date_of = [FHIRPath, …] }}, {{ year_of = [FHIRPath, …] }} \
                 or {{ path = FHIRPath }}; within braces also default = value and \
                 case = [{{ when = FHIRPath, value = value }}, …]"
            );
        };
        context.push(ContextColumn {
            name: name.clone(),
            source,
        });
    }
    Ok((resource_type, context))
}

/// The value of a context column; `None` if its keys or their types are wrong.
fn source_of(value: &Value) -> Option<ContextSource> {
    let table = match value {
        Value::String(path) => return Some(ContextSource::Path(path.clone())),
        Value::Table(table) => table,
        _ => return None,
    };
    let mut source = None;
    let mut cases = None;
    let mut default = None;
    for (key, value) in table {
        match key.as_str() {
            "case" => {
                cases = Some(
                    value
                        .as_array()?
                        .iter()
                        .map(case_of)
                        .collect::<Option<_>>()?,
                )
            }
            "default" => default = Some(fixed(value)?),
            _ if source.is_some() => return None,
            "path" => source = Some(ContextSource::Path(value.as_str()?.to_owned())),
            "date_of" => source = Some(ContextSource::DateOf(texts(value)?)),
            "year_of" => source = Some(ContextSource::YearOf(texts(value)?)),
            _ => return None,
        }
    }
    if cases.is_none() && default.is_none() {
        return source;
    }
    Some(ContextSource::Cases {
        cases: cases.unwrap_or_default(),
        source: Box::new(source?),
        default,
    })
}

fn case_of(value: &Value) -> Option<ContextCase> {
    let case = value.as_table()?;
    Some(ContextCase {
        when: case.get("when")?.as_str()?.to_owned(),
        value: fixed(case.get("value")?)?,
    })
}

/// A value as text; what it must be, the column's type says.
fn fixed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Datetime(day) => Some(day.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter();
    texts.map(|text| Some(text.as_str()?.to_owned())).collect()
}
