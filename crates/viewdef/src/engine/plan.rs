//! The plan of a resource type: its tables with their schemas, and everything that workers share.
//!
//! A plan is immutable and is shared by all workers (`Arc`). Each worker has its own copy of the shape,
//! which grows by keys that no view reads.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::compiler::{Compiler, Scope};
use super::context::{CheckedContext, ContextColumn};
use super::fast_view::{FastColumn, FastView};
use super::lookup::Shared;
use super::program::{Condition, Path};
use super::read_paths;
use super::shape::Shape;
use super::shape_builder::ShapeBuilder;
use crate::column::{arrow_type, dictionary_type};
use crate::definition::{ColumnType, ViewDefinition};
use crate::derive::Derivation;
use crate::error::{Error, ErrorKind};
use crate::fhirpath::{Constants, parse};

/// What a plan is compiled from.
///
/// The columns of every table come in this order: `constants`, `context`, the view's own columns without
/// those that a context column has the name of, `order`. So tables of one resource type join by their
/// first columns, and a view may say again what the pipeline already says.
#[derive(Debug, Clone)]
pub struct PlanInput<'p> {
    /// The resource type.
    pub resource: &'p str,
    /// Text columns that are the same for all resources a worker is given, such as `source_api`;
    /// they come first.
    pub constants: &'p [&'p str],
    /// The columns that come next in every table.
    pub context: &'p [ContextColumn],
    /// The tables: name and view.
    pub views: Vec<(String, ViewDefinition)>,
    /// A column of numbers that the caller gives to each resource; it comes last.
    pub order: Option<&'p str>,
    /// Resources for which this FHIRPath is true make no rows.
    pub drop_where: Option<&'p str>,
}

/// The compiled views of a resource type; see [the module](super) for an example.
#[derive(Debug, Clone)]
pub struct ResourcePlan {
    pub(super) resource: String,
    /// How many constant columns come first.
    pub(super) constants: usize,
    /// The context columns, in their order.
    pub(super) context: Vec<ContextPlan>,
    /// The tables, in the order of the views.
    pub(super) tables: Vec<TablePlan>,
    /// The keys that any program steps through.
    pub(super) shape: Shape,
    /// Whether a column with the caller's order comes last.
    pub(super) with_order: bool,
    /// Which resources make no rows.
    pub(super) drop_where: Option<Condition>,
    /// What programs refer to by position.
    pub(super) shared: Shared,
    /// `resourceType`, which must be the plan's.
    pub(super) resource_type: Path,
    /// `id`, without which a line is refused.
    pub(super) id: Path,
    /// `meta.lastUpdated`, which says which version is newer.
    pub(super) last_updated: Path,
}

/// A context column with its programs.
#[derive(Debug, Clone)]
pub(super) struct ContextPlan {
    /// Its expressions, which the fallback evaluates.
    pub(super) checked: CheckedContext,
    /// One for each alternative; `None` if only the reference evaluator can compute it.
    pub(super) programs: Vec<Option<FastColumn>>,
    /// One for each case; `None` if only the reference evaluator can evaluate it.
    pub(super) conditions: Vec<Option<Condition>>,
}

/// An error of the plan as a whole.
fn plan_error(place: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::Plan, place, reason)
}

/// A table of a plan: its view, its schema, and how its rows are made.
#[derive(Debug, Clone)]
pub struct TablePlan {
    pub(super) name: String,
    /// The view, for the reference evaluator.
    pub(super) view: ViewDefinition,
    /// Its programs; `None` if an expression has none.
    pub(super) fast: Option<FastView>,
    /// The columns without a program.
    pub(super) fallback_columns: Vec<String>,
    /// What the view makes: constants, context columns, own columns, order.
    pub(super) view_schema: SchemaRef,
    /// The same without derived columns.
    pub(super) schema: SchemaRef,
    /// What is derived of the view's rows, and the column of the order.
    pub(super) derivation: Option<(Derivation, String)>,
    /// The names of all columns of the view, also of those that a context column replaces.
    pub(super) column_names: Vec<String>,
    /// Their types, in the same order.
    pub(super) column_types: Vec<ColumnType>,
    /// The view's columns that no context column has the name of.
    pub(super) own_columns: Vec<usize>,
}

impl TablePlan {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All its columns, with what is derived.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The columns that the engine has no program for. One is enough for the reference evaluator to
    /// make all rows of the table, which takes about ten times as long.
    #[must_use]
    pub fn fallback_columns(&self) -> &[String] {
        &self.fallback_columns
    }

    /// Whether only the reference evaluator can make its rows.
    #[must_use]
    pub fn needs_fallback(&self) -> bool {
        self.fast.is_none()
    }
}

impl ResourcePlan {
    /// Compiles the views of a resource type; views of other types are an error.
    ///
    /// # Errors
    /// When a context column is no FHIRPath, or two columns or tables have one name.
    pub fn compile(input: &PlanInput<'_>) -> Result<Self, Error> {
        let mut shape = ShapeBuilder::new();
        let root = read_paths::Nodes::from([0]);
        let mut checked = Vec::new();
        for column in input.context {
            let column = column.check().map_err(|reason| {
                plan_error(
                    format!("context.{}.{}", input.resource, column.name),
                    reason,
                )
            })?;
            for alternative in &column.alternatives {
                read_paths::record_column(&mut shape, &alternative.path.expression, &root);
            }
            for case in &column.cases {
                read_paths::record_condition(&mut shape, &case.when, &root);
            }
            checked.push(column);
        }
        let drop_where = match input.drop_where {
            None => None,
            Some(source) => Some(
                parse(source, &Constants::new())
                    .map_err(|error| plan_error("drop_where", error.to_string()))?,
            ),
        };
        if let Some(expression) = &drop_where {
            read_paths::record_condition(&mut shape, expression, &root);
        }
        for (name, view) in &input.views {
            if view.resource != input.resource {
                return Err(plan_error(
                    name,
                    format!("the view reads {}, not {}", view.resource, input.resource),
                ));
            }
            read_paths::record_view(&mut shape, view);
        }
        shape.step_any_choice(0, "resourceType");
        shape.step_any_choice(0, "id");
        let meta = shape.step_any_choice(0, "meta");
        shape.step_any_choice(meta, "lastUpdated");

        let mut compiler = Compiler {
            keys: &mut shape.keys,
            shared: Shared::default(),
            derived: 0,
        };
        let at_resource = Scope::of_resource(input.resource);
        let context: Vec<ContextPlan> = checked
            .into_iter()
            .map(|checked| ContextPlan {
                programs: checked
                    .alternatives
                    .iter()
                    .map(|column| FastColumn::compile(column, &mut compiler, at_resource, 0, ""))
                    .collect(),
                conditions: checked
                    .cases
                    .iter()
                    .map(|case| compiler.condition(&case.when, at_resource))
                    .collect(),
                checked,
            })
            .collect();
        let mut tables = Vec::new();
        for (name, view) in &input.views {
            if tables.iter().any(|table: &TablePlan| table.name == *name) {
                return Err(plan_error(name, "there are two views of this name"));
            }
            tables.push(table(name, view, input, &context, &mut compiler)?);
        }
        let drop_where = match &drop_where {
            None => None,
            Some(expression) => {
                Some(compiler.condition(expression, at_resource).ok_or_else(|| {
                    plan_error(
                        "drop_where",
                        "the expression is too complex for a condition",
                    )
                })?)
            }
        };
        let mut members =
            |names: &[&str]| Path::of_members(names.iter().map(|name| compiler.keys.element(name)));
        let (resource_type, id) = (members(&["resourceType"]), members(&["id"]));
        let last_updated = members(&["meta", "lastUpdated"]);
        Ok(Self {
            resource: input.resource.to_owned(),
            constants: input.constants.len(),
            context,
            tables,
            with_order: input.order.is_some(),
            drop_where,
            resource_type,
            id,
            last_updated,
            shared: compiler.shared,
            shape: shape.finish(),
        })
    }

    /// How many columns of all tables, and context columns, have no program of the engine; see
    /// [`TablePlan::fallback_columns`].
    #[must_use]
    pub fn fallback_columns(&self) -> usize {
        let has_none = |column: &&ContextPlan| {
            column.programs.iter().any(Option::is_none)
                || column.conditions.iter().any(Option::is_none)
        };
        let tables = self.tables.iter().map(|table| table.fallback_columns.len());
        tables.sum::<usize>() + self.context.iter().filter(has_none).count()
    }

    /// The same plan with text columns of [`dictionary_type`]: each value is stored once a batch.
    /// Lists of texts stay as they are.
    #[must_use]
    pub fn with_dictionaries(mut self) -> Self {
        for table in &mut self.tables {
            table.schema = with_dictionaries(&table.schema);
            table.view_schema = with_dictionaries(&table.view_schema);
        }
        self
    }

    /// The same plan with something derived of the rows of a table, whose texts then are of
    /// [`dictionary_type`].
    ///
    /// # Errors
    /// When there is no such table or the plan has no order, or when a column that the derivation needs is
    /// missing or of another type.
    pub(crate) fn with_derivation(
        mut self,
        name: &str,
        derivation: &Derivation,
        order: Option<&str>,
    ) -> Result<Self, Error> {
        let place = format!("derive.{name}");
        let order = order.ok_or_else(|| plan_error(&place, "needs the order of resources"))?;
        let table = self.tables.iter_mut().find(|table| table.name == name);
        let table = table.ok_or_else(|| plan_error(&place, "there is no view of this name"))?;
        table.view_schema = with_dictionaries(&table.view_schema);
        table.schema = derivation
            .schema(&table.view_schema, order)
            .map_err(|error| plan_error(&place, error.to_string()))?;
        table.derivation = Some((derivation.clone(), order.to_owned()));
        Ok(self)
    }

    /// The resource type.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The tables, in the order of the input.
    #[must_use]
    pub fn tables(&self) -> &[TablePlan] {
        &self.tables
    }

    /// The position of a context column.
    #[must_use]
    pub fn context_position(&self, name: &str) -> Option<usize> {
        self.context
            .iter()
            .position(|column| column.checked.name == name)
    }

    /// Whether there is a context column of this name.
    #[must_use]
    pub fn has_context(&self, name: &str) -> bool {
        self.context_position(name).is_some()
    }

    /// The name of a context column.
    #[must_use]
    pub fn context_name(&self, position: usize) -> Option<&str> {
        self.context
            .get(position)
            .map(|column| column.checked.name.as_str())
    }
}

fn with_dictionaries(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let field = field.as_ref().clone();
        match field.data_type() {
            DataType::Utf8 => field.with_data_type(dictionary_type()),
            _ => field,
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// One table: constants, context columns, the view's own columns, the order.
fn table(
    name: &str,
    view: &ViewDefinition,
    input: &PlanInput<'_>,
    context: &[ContextPlan],
    compiler: &mut Compiler<'_>,
) -> Result<TablePlan, Error> {
    let columns = view.columns();
    let mut fields: Vec<Field> = input
        .constants
        .iter()
        .map(|name| Field::new(*name, DataType::Utf8, false))
        .collect();
    fields.extend(context.iter().map(|column| {
        let column = &column.checked;
        Field::new(&column.name, arrow_type(column.column_type), true)
    }));
    let mut own_columns = Vec::new();
    let context_columns: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    for (position, column) in columns.iter().enumerate() {
        if context_columns.contains(&column.name) {
            continue;
        }
        own_columns.push(position);
        fields.push(Field::new(
            &column.name,
            arrow_type(column.column_type),
            true,
        ));
    }
    if let Some(order) = input.order {
        fields.push(Field::new(order, DataType::UInt64, false));
    }
    let mut names = std::collections::BTreeSet::new();
    if let Some(twice) = fields
        .iter()
        .find(|field| !names.insert(field.name().clone()))
    {
        return Err(plan_error(
            name,
            format!("there are two columns '{}'", twice.name()),
        ));
    }
    let (fast, fallback_columns) = match FastView::compile(view, compiler) {
        Ok(fast) => (Some(fast), Vec::new()),
        Err(columns) => (None, columns),
    };
    let schema = Arc::new(Schema::new(fields));
    Ok(TablePlan {
        name: name.to_owned(),
        view: view.clone(),
        fast,
        fallback_columns,
        view_schema: Arc::clone(&schema),
        schema,
        derivation: None,
        column_names: columns.iter().map(|column| column.name.clone()).collect(),
        column_types: columns.iter().map(|column| column.column_type).collect(),
        own_columns,
    })
}
