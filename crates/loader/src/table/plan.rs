//! Decides how each table gets into the next snapshot: rebuilt, updated, or carried over.
//!
//! A table is rebuilt from the staged rows if all of landing is staged (`full`) and its view, rule,
//! layout or columns differ from the lake's, or if `--rebuild` asks for it. Otherwise it is
//! updated: old files stay, and rows of changed resources are replaced. The layout then remains the
//! lake's, since files of two layouts in one table could not be read.

use std::collections::BTreeMap;
use std::path::Path;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use claimlake_contract::{LakeManifest, LakeTable, ResourceType, StagedTable, TableLayout, hex};
use sha2::{Digest, Sha256};

use crate::current_rule::CurrentRule;
use crate::error::{LoadError, Result};
use crate::merge::columns::{self, Difference};
use crate::merge::decision::Take;
use crate::request::LoadOptions;
use crate::staged_run::StagedRun;
use crate::table::table_columns::{all_columns, schema_in_files};
use claimlake_columnar::hive_path;
use claimlake_columnar::sort::table_shape::TableShape;

/// How one table gets into the next snapshot.
#[derive(Debug)]
pub(crate) struct TablePlan {
    /// Columns, partition columns and sort order, as the sorter and the writer need them.
    pub(crate) shape: TableShape,
    pub(crate) layout: TableLayout,
    pub(crate) resource: Option<ResourceType>,
    /// The hash for the manifest: of the view and rule that made the oldest rows. Empty if the
    /// table was added later and lacks the rows of older resources, so that it differs from every
    /// view.
    pub(crate) view_hash: String,
    /// Which staged rows are needed.
    pub(crate) take: Take,
    /// The table in the previous snapshot; `None` if it is rebuilt.
    pub(crate) before: Option<LakeTable>,
    /// The rule whose column the table has.
    pub(crate) rule: Option<CurrentRule>,
    /// Whether the table has rows of another view than the staged one, or lacks rows of some
    /// resources, so that `transform --full` and `load` would change it.
    pub(crate) is_stale: bool,
}

impl TablePlan {
    /// The rule, if this table's own rows decide what is current. A rule can give its column to
    /// further tables of the same resource type, which take the decision over.
    pub(crate) fn deciding_rule(&self) -> Option<&CurrentRule> {
        self.rule
            .as_ref()
            .filter(|rule| rule.table == self.layout.name)
    }
}

/// The plans of all tables, by name, and the staged tables that cannot be created yet.
#[derive(Debug)]
pub(crate) struct Plans {
    pub(crate) tables: Vec<TablePlan>,
    /// Staged tables without any file, so that their columns are unknown.
    pub(crate) without_rows: Vec<String>,
}

/// From what the plans are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanInput<'a> {
    pub(crate) staged: &'a [StagedRun],
    /// The snapshot before: folder and manifest.
    pub(crate) before: Option<(&'a Path, &'a LakeManifest)>,
    pub(crate) options: &'a LoadOptions,
    /// Whether the staged runs contain all of landing.
    pub(crate) full: bool,
    /// Whether the previous snapshot has any resource that is not a tombstone. A new table then
    /// lacks the rows of these.
    pub(crate) has_resources: bool,
}

/// Plans every table of the staged runs and of the previous snapshot.
///
/// # Errors
///
/// [`LoadError::Schema`] if a table lost a column or changed a type; [`LoadError::Layout`] if it
/// cannot be partitioned as configured.
pub(crate) fn plan(input: &PlanInput<'_>) -> Result<Plans> {
    let mut plans = Plans {
        tables: Vec::new(),
        without_rows: Vec::new(),
    };
    let mut names: BTreeMap<&str, Option<(&StagedRun, &StagedTable)>> = BTreeMap::new();
    let lake_tables = input
        .before
        .map_or(&[][..], |(_, manifest)| &manifest.tables);
    for table in lake_tables.iter().filter(|table| table.resource.is_some()) {
        names.insert(&table.layout.name, None);
    }
    for run in input.staged {
        for table in run.tables() {
            let known = names.entry(&table.layout.name).or_default();
            // The columns of the latest run that has a file of the table; others do not show its
            // columns.
            if known.is_none() || !table.files.is_empty() {
                *known = Some((run, table));
            }
        }
    }
    for (name, staged) in names {
        let before = lake_tables.iter().find(|table| table.layout.name == name);
        match (staged, before) {
            (Some((run, table)), before) => match run.schema(table)? {
                Some(schema) => plans
                    .tables
                    .push(staged_plan(input, table, &schema, before)?),
                None => match before {
                    Some(before) => plans.tables.push(carried_plan(input, before)?),
                    None => plans.without_rows.push(name.to_owned()),
                },
            },
            // The view is no longer in the pipeline: a rebuild drops the table, any other load
            // keeps it as stale.
            (None, Some(_)) if input.options.rebuild => {}
            (None, Some(before)) => {
                let mut plan = carried_plan(input, before)?;
                plan.is_stale = true;
                plans.tables.push(plan);
            }
            (None, None) => {}
        }
    }
    check_resources(&plans.tables)?;
    Ok(plans)
}

/// Checks that every table that takes a decision over is of the same resource type as the table
/// that decides: a decision is about resources, and found by their keys.
///
/// # Errors
///
/// [`LoadError::Layout`], naming the table.
fn check_resources(plans: &[TablePlan]) -> Result<()> {
    for deciding in plans {
        let Some(rule) = deciding.deciding_rule() else {
            continue;
        };
        let is_other = |plan: &&TablePlan| {
            plan.rule
                .as_ref()
                .is_some_and(|own| own.table == rule.table)
                && plan.resource != deciding.resource
        };
        if let Some(other) = plans.iter().find(is_other) {
            return Err(LoadError::Layout {
                table: other.layout.name.clone(),
                reason: format!(
                    "[[current]] also names it, but it is of another resource type than '{}'",
                    rule.table
                ),
            });
        }
    }
    Ok(())
}

/// The plan of a table that a staged run has.
fn staged_plan(
    input: &PlanInput<'_>,
    staged: &StagedTable,
    staged_schema: &Schema,
    before: Option<&LakeTable>,
) -> Result<TablePlan> {
    let rule = rule_of(input.options, &staged.layout.name);
    let schema = columns::lake_schema(staged_schema, &added_columns(rule));
    let layout = fitting(&staged.layout, &schema)?;
    let view_hash = hash_with(&staged.view_hash, rule)?;
    let made_anew = |schema: SchemaRef, is_stale: bool| TablePlan {
        shape: shape(&layout, &schema),
        layout: layout.clone(),
        resource: Some(staged.resource.clone()),
        view_hash: if is_stale {
            String::new()
        } else {
            view_hash.clone()
        },
        take: Take::All,
        before: None,
        rule: rule.cloned(),
        is_stale,
    };
    let Some(before) = before else {
        // A new table in a lake with rows has those of the resources that are staged now only.
        let is_stale = input.has_resources && !input.full;
        return Ok(made_anew(schema, is_stale));
    };
    let is_same = before.view_hash == view_hash && before.layout == layout;
    let new_columns = all_columns(&layout, &schema);
    let lake_columns: Vec<_> = before
        .partition_columns
        .iter()
        .chain(&before.columns)
        .cloned()
        .collect();
    let difference = columns::difference(&lake_columns, &new_columns);
    if let Difference::Refused(words) = &difference
        && !(input.full && input.options.rebuild)
    {
        return Err(LoadError::Schema {
            table: staged.layout.name.clone(),
            difference: words.clone(),
        });
    }
    // A rebuild trusts no file of the snapshot before.
    let is_rebuilt = input.options.rebuild || !(is_same && difference == Difference::None);
    if input.full && is_rebuilt {
        return Ok(made_anew(schema, false));
    }
    // The layout stays the lake's: files of two layouts in one table cannot be read.
    Ok(TablePlan {
        shape: shape(&before.layout, &schema),
        layout: before.layout.clone(),
        resource: before.resource.clone(),
        view_hash: before.view_hash.clone(),
        take: Take::Differing,
        before: Some(before.clone()),
        rule: rule.cloned(),
        is_stale: !is_same,
    })
}

/// The plan of a table for which no staged run has rows: old rows may go, none come.
fn carried_plan(input: &PlanInput<'_>, before: &LakeTable) -> Result<TablePlan> {
    let folder = input
        .before
        .map(|(folder, _)| folder)
        .unwrap_or(Path::new(""));
    let schema = schema_in_files(folder, before)?;
    // A table of an older build may lack the column: there is nothing to write it to.
    let has_column = |rule: &&CurrentRule| {
        rule.table == before.layout.name || schema.index_of(&rule.column).is_ok()
    };
    let rule = rule_of(input.options, &before.layout.name).filter(has_column);
    Ok(TablePlan {
        shape: shape(&before.layout, &schema),
        layout: before.layout.clone(),
        resource: before.resource.clone(),
        view_hash: before.view_hash.clone(),
        take: Take::Differing,
        before: Some(before.clone()),
        rule: rule.cloned(),
        is_stale: false,
    })
}

/// The rule for a table.
fn rule_of<'a>(options: &'a LoadOptions, table: &str) -> Option<&'a CurrentRule> {
    let mut rules = options.current.iter();
    rules.find(|rule| rule.tables().any(|name| name == table))
}

/// The column that a rule adds.
fn added_columns(rule: Option<&CurrentRule>) -> Vec<Field> {
    rule.map(|rule| Field::new(&rule.column, DataType::Boolean, true))
        .into_iter()
        .collect()
}

/// The hash of everything that decides a table's rows: its view and its rule.
fn hash_with(view_hash: &str, rule: Option<&CurrentRule>) -> Result<String> {
    let Some(rule) = rule else {
        return Ok(view_hash.to_owned());
    };
    let rule = serde_json::to_vec(&rule.decision())
        .map_err(|error| LoadError::Request(format!("the rule of what is current: {error}")))?;
    let mut hash = Sha256::new();
    hash.update(view_hash);
    hash.update(rule);
    Ok(hex(&hash.finalize()))
}

/// The layout without columns that the table lacks, since one configured layout serves many tables.
///
/// # Errors
///
/// A partition column has a type that cannot be a folder name, or no column would remain in the
/// files.
fn fitting(layout: &TableLayout, schema: &Schema) -> Result<TableLayout> {
    let has = |name: &String| schema.index_of(name).is_ok();
    let mut fitting = layout.clone();
    fitting.partition_by.retain(has);
    fitting.sort_by.retain(has);
    fitting.bloom.0.retain(has);
    for name in &fitting.partition_by {
        let is_fit = schema
            .field_with_name(name)
            .is_ok_and(|field| hive_path::can_partition(field.data_type()));
        if !is_fit {
            return Err(LoadError::Layout {
                table: layout.name.clone(),
                reason: format!(
                    "'{name}' cannot be a partition column; partition_by takes columns of text, \
                     whole numbers, dates and booleans"
                ),
            });
        }
    }
    if !fitting.partition_by.is_empty() && fitting.partition_by.len() == schema.fields().len() {
        return Err(LoadError::Layout {
            table: layout.name.clone(),
            reason: "every column is a partition column; leave one out of partition_by".to_owned(),
        });
    }
    Ok(fitting)
}

/// The layout with positions instead of names. Partition columns need not be sorted by: the files
/// of a partition have one value.
fn shape(layout: &TableLayout, schema: &SchemaRef) -> TableShape {
    let places = |names: &[String]| -> Vec<usize> {
        names
            .iter()
            .filter_map(|name| schema.index_of(name).ok())
            .collect()
    };
    let partition = places(&layout.partition_by);
    let mut sort = places(&layout.sort_by);
    sort.retain(|column| !partition.contains(column));
    TableShape::new(&layout.name, schema, partition, sort)
}
