//! All views of a pipeline as one plan.

use std::sync::Arc;

use claimlake_contract::{
    BloomColumns, LANDING_ORDER_COLUMN, ResourceType, STAGED_FORMAT, StagedTable, TableLayout, hex,
};
pub use claimlake_viewdef::Fault as PlanProblem;
use claimlake_viewdef::derive::{Derivation, Keep};
use claimlake_viewdef::engine::{ContextColumn, ContextSource, ResourcePlan};
pub use claimlake_viewdef::views::ViewText;
use claimlake_viewdef::views::{CompiledViews, ViewSet, compile_views};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The column that says which API a row's resource came from.
pub(crate) const SOURCE_API: &str = "source_api";

/// The context column with the patient of a resource.
pub(crate) const PATIENT_COLUMN: &str = "patient_id";

/// Grows when the same views make other rows of the same resources, or when another version of a
/// claim is current by the same rule: tables of an earlier version are then made again.
pub const RULES_VERSION: u32 = 4;

/// What happens to resources labelled 42 CFR Part 2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part2 {
    /// They are rows like all others.
    #[default]
    Keep,
    /// They stay in landing and make no rows.
    Drop,
}

/// The FHIRPath that is true for resources labelled 42 CFR Part 2.
pub const IS_PART2: &str = "meta.security.where(code = '42CFRPart2').exists()";

/// What a plan is made of; as JSON it goes to other processes that make the same plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanInput {
    /// The views; each needs a name, which names its table.
    pub views: Vec<ViewText>,
    /// `[context.<ResourceType>]`, in the order of the pipeline.
    pub context: Vec<(ResourceType, Vec<ContextColumn>)>,
    /// The layout of tables without one of their own. Its name is not looked at; columns that a
    /// table does not have are left out of its layout.
    pub layout: Option<TableLayout>,
    /// Layouts of single tables, by their names.
    pub layouts: Vec<TableLayout>,
    /// What is derived from the rows of a view, by the name of its table.
    pub derive: Vec<(String, Derivation)>,
    /// What happens to resources labelled 42 CFR Part 2.
    pub part2: Part2,
    /// Text that identifies everything else on which the tables depend, such as the loader's rule
    /// for current versions: if it changes, all of landing is read again.
    pub decided_by: String,
}

/// All views of a pipeline, checked and compiled.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) resources: Vec<PlannedResource>,
    pub(crate) hash: String,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedResource {
    pub(crate) resource: ResourceType,
    pub(crate) plan: Arc<ResourcePlan>,
    /// In the order of the plan's tables.
    pub(crate) tables: Vec<PlannedTable>,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedTable {
    pub(crate) layout: TableLayout,
    pub(crate) view_hash: String,
    /// Whether each resource makes exactly one row.
    pub(crate) has_one_row: bool,
    /// The column with the id of the resource.
    pub(crate) id_column: Option<String>,
    /// Which rows of older bodies stay.
    pub(crate) keep: Option<Keep>,
}

impl Plan {
    /// Checks and compiles the views and context columns of a pipeline.
    ///
    /// # Errors
    /// All that is wrong with them, at least one thing.
    pub fn compile(input: &PlanInput) -> Result<Self, Vec<PlanProblem>> {
        let set = ViewSet {
            views: &input.views,
            context: input
                .context
                .iter()
                .map(|(resource, columns)| (resource.as_str(), columns.as_slice()))
                .collect(),
            constants: &[SOURCE_API],
            order: Some(LANDING_ORDER_COLUMN),
            drop_where: (input.part2 == Part2::Drop).then_some(IS_PART2),
            derive: &input.derive,
        };
        let mut resources = Vec::new();
        let mut problems = Vec::new();
        for compiled in compile_views(&set).map_err(claimlake_viewdef::Error::into_faults)? {
            match planned_resource(compiled, input) {
                Ok(planned) => resources.push(planned),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let hash = pipeline_hash(&resources, input);
        Ok(Self { resources, hash })
    }

    /// The hash of everything that decides what is in the tables.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The tables that only the reference evaluator can make, about ten times slower than the engine,
    /// and the columns because of which.
    pub fn fallback_columns(&self) -> impl Iterator<Item = (&str, &[String])> {
        let tables = self
            .resources
            .iter()
            .flat_map(|planned| planned.plan.tables());
        let tables = tables.map(|table| (table.name(), table.fallback_columns()));
        tables.filter(|(_, columns)| !columns.is_empty())
    }

    /// The names of the tables, by resource type.
    pub fn tables(&self) -> impl Iterator<Item = (&ResourceType, &str)> {
        self.resources.iter().flat_map(|planned| {
            let tables = planned.tables.iter();
            tables.map(|table| (&planned.resource, table.layout.name.as_str()))
        })
    }

    /// The tables as a staged run names them, without files: for rows that another program staged.
    #[must_use]
    pub fn staged_tables(&self) -> Vec<StagedTable> {
        let planned = self.resources.iter().flat_map(|planned| {
            let tables = planned.tables.iter();
            tables.map(|table| StagedTable {
                layout: table.layout.clone(),
                resource: planned.resource.clone(),
                view_hash: table.view_hash.clone(),
                files: Vec::new(),
            })
        });
        planned.collect()
    }

    /// By table: whether each resource that has rows has exactly one in it, and the column with the
    /// id of the resource, if the context has one.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, bool, Option<&str>)> {
        let tables = self.resources.iter().flat_map(|planned| &planned.tables);
        tables.map(|table| {
            let id_column = table.id_column.as_deref();
            (table.layout.name.as_str(), table.has_one_row, id_column)
        })
    }

    pub(crate) fn resource(&self, resource: &ResourceType) -> Option<usize> {
        self.resources
            .iter()
            .position(|planned| planned.resource == *resource)
    }
}

fn planned_resource(
    compiled: CompiledViews<'_>,
    input: &PlanInput,
) -> Result<PlannedResource, PlanProblem> {
    let CompiledViews {
        resource,
        plan,
        views,
    } = compiled;
    let resource_type: ResourceType = resource.parse().map_err(|_| PlanProblem {
        place: format!("resource '{resource}'"),
        reason: "not the name of a FHIR resource type".into(),
    })?;
    let none = Vec::new();
    let context = input
        .context
        .iter()
        .find(|(of, _)| *of == resource_type)
        .map_or(&none, |(_, columns)| columns);
    let tables = plan
        .tables()
        .iter()
        .zip(views)
        .map(|(table, view)| {
            let schema = table.schema();
            let mut hash = Sha256::new();
            hash.update(format!("{STAGED_FORMAT} {RULES_VERSION}\n"));
            hash.update(canonical(&view.text));
            hash.update(format!("\n{context:?}\n{schema:?}\n"));
            let derivation = input.derive.iter().find(|(of, _)| of == table.name());
            if let Some((_, derivation)) = derivation {
                hash.update(format!("{derivation:?}\n"));
            }
            PlannedTable {
                layout: layout_of(table.name(), input, |column| {
                    schema.field_with_name(column).is_ok()
                }),
                view_hash: hex(&hash.finalize()),
                has_one_row: has_one_row(&view.text),
                id_column: id_column(context),
                keep: derivation.and_then(|(_, derivation)| derivation.keep.clone()),
            }
        })
        .collect();
    Ok(PlannedResource {
        resource: resource_type,
        // Text is numbered where it is made; what is staged says what it is by its name.
        plan: Arc::new(plan.with_dictionaries()),
        tables,
    })
}

/// Whether a view filters nothing and repeats nothing.
fn has_one_row(view: &str) -> bool {
    const REPEATS: [&str; 4] = ["forEach", "forEachOrNull", "unionAll", "repeat"];
    fn repeats(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Array(values) => values.iter().any(repeats),
            serde_json::Value::Object(members) => members
                .iter()
                .any(|(key, value)| REPEATS.contains(&key.as_str()) || repeats(value)),
            _ => false,
        }
    }
    let view = view.strip_prefix('\u{feff}').unwrap_or(view);
    let view: serde_json::Value = serde_json::from_str(view).unwrap_or_default();
    let filters = view.get("where").and_then(serde_json::Value::as_array);
    filters.is_none_or(Vec::is_empty) && view.get("select").is_some_and(|select| !repeats(select))
}

fn id_column(context: &[ContextColumn]) -> Option<String> {
    let is_id = |column: &&ContextColumn| matches!(&column.source, ContextSource::Path(path) if path.trim() == "getResourceKey()");
    context.iter().find(is_id).map(|column| column.name.clone())
}

fn layout_of(name: &str, input: &PlanInput, has: impl Fn(&str) -> bool) -> TableLayout {
    let own = input.layouts.iter().find(|layout| layout.name == name);
    let kept = |columns: &[String]| -> Vec<String> {
        columns
            .iter()
            .filter(|column| has(column))
            .cloned()
            .collect()
    };
    let empty = TableLayout::default();
    let layout = own.or(input.layout.as_ref()).unwrap_or(&empty);
    TableLayout {
        name: name.to_owned(),
        partition_by: kept(&layout.partition_by),
        sort_by: kept(&layout.sort_by),
        bloom: BloomColumns(kept(&layout.bloom.0)),
    }
}

/// The text without what does not matter: white space between values.
fn canonical(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str::<serde_json::Value>(text)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

fn pipeline_hash(resources: &[PlannedResource], input: &PlanInput) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{:?}\n{:?}\n", input.part2, input.decided_by));
    for table in resources.iter().flat_map(|planned| &planned.tables) {
        hash.update(format!("{:?} {}\n", table.layout, table.view_hash));
    }
    hex(&hash.finalize())
}
