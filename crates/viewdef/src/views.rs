//! All views of a pipeline, checked and compiled by the resource type they read.
//!
//! [`compile_views`] is where texts become plans: it names every fault of every view at once, with the
//! file it is in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::ViewDefinition;
use crate::derive::Derivation;
use crate::engine::{ContextColumn, PlanInput, ResourcePlan};
use crate::error::{Error, ErrorKind, Fault};

/// A ViewDefinition as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ViewText {
    /// The file, for messages.
    pub place: String,
    /// The JSON text.
    pub text: String,
}

/// The views of any resource types, and what their tables have in common: see [`PlanInput`], whose fields
/// these become for each resource type.
#[derive(Debug, Clone, Default)]
pub struct ViewSet<'v> {
    /// The views; each needs a name, which names its table.
    pub views: &'v [ViewText],
    /// The context columns by resource type.
    pub context: Vec<(&'v str, &'v [ContextColumn])>,
    /// Text columns that are the same for all resources a worker is given; see [`PlanInput`].
    pub constants: &'v [&'v str],
    /// A column of numbers that the caller gives to each resource.
    pub order: Option<&'v str>,
    /// Resources for which this FHIRPath is true make no rows.
    pub drop_where: Option<&'v str>,
    /// What is derived of the rows of a view, by the name of its table; needs `order`.
    pub derive: &'v [(String, Derivation)],
}

/// The views of one resource type.
#[derive(Debug, Clone)]
pub struct CompiledViews<'v> {
    /// The resource type.
    pub resource: String,
    /// Their plan.
    pub plan: ResourcePlan,
    /// The views, in the order of the plan's tables.
    pub views: Vec<&'v ViewText>,
}

/// Checks and compiles views; resource types come in the order of their names, tables in that of the
/// views.
///
/// # Errors
/// All that is wrong with them, at least one thing; places begin with the view's file.
///
/// ```
/// use claimlake_viewdef::views::{ViewSet, ViewText, compile_views};
///
/// let views = [ViewText {
///     place: "patient.json".into(),
///     text: r#"{"name": "patient", "resource": "Patient", "select": [
///         {"column": [{"name": "id", "path": "getResourceKey()"}]}]}"#.into(),
/// }];
/// let set = ViewSet { views: &views, constants: &["source"], ..ViewSet::default() };
/// let compiled = compile_views(&set)?;
/// let table = &compiled[0].plan.tables()[0];
/// assert_eq!(table.name(), "patient");
/// assert_eq!(table.schema().fields().len(), 2);
/// # Ok::<(), claimlake_viewdef::Error>(())
/// ```
pub fn compile_views<'v>(set: &ViewSet<'v>) -> Result<Vec<CompiledViews<'v>>, Error> {
    let mut faults = Vec::new();
    let mut by_resource: BTreeMap<String, Named<'v>> = BTreeMap::new();
    let mut names = Vec::new();
    for view in set.views {
        match named_view(view) {
            Ok((name, _)) if names.contains(&name) => faults.push(Fault {
                place: view.place.clone(),
                reason: format!("there is already a view named '{name}'"),
            }),
            Ok((name, definition)) => {
                names.push(name.clone());
                let resource = definition.resource.clone();
                let of_type = by_resource.entry(resource).or_default();
                of_type.texts.push(view);
                of_type.views.push((name, definition));
            }
            Err(found) => faults.extend(found),
        }
    }
    let mut compiled = Vec::new();
    for (resource, named) in by_resource {
        let context = set.context.iter().find(|(of, _)| *of == resource);
        let columns = context.map_or(&[][..], |(_, columns)| *columns);
        let plan = compile(set, &resource, columns, named.views);
        match plan.and_then(|plan| with_derivations(set, plan)) {
            Ok(plan) => compiled.push(CompiledViews {
                resource,
                plan,
                views: named.texts,
            }),
            Err(error) => faults.extend(error.into_faults()),
        }
    }
    for (resource, columns) in &set.context {
        // Checked although no view needs them yet: an error is reported before it matters.
        if !compiled.iter().any(|views| views.resource == *resource)
            && let Err(error) = compile(set, resource, columns, Vec::new())
        {
            faults.extend(error.into_faults());
        }
    }
    for (name, _) in set.derive {
        if !names.contains(name) && faults.is_empty() {
            faults.push(Fault {
                place: format!("derive.{name}"),
                reason: "there is no view of this name".to_owned(),
            });
        }
    }
    match faults.is_empty() {
        true => Ok(compiled),
        false => Err(Error::of(ErrorKind::Plan, faults)),
    }
}

/// The views of one resource type.
#[derive(Debug, Default)]
struct Named<'v> {
    /// As they were read.
    texts: Vec<&'v ViewText>,
    views: Vec<(String, ViewDefinition)>,
}

/// A view whose name may be a table's.
fn named_view(view: &ViewText) -> Result<(String, ViewDefinition), Vec<Fault>> {
    let definition = ViewDefinition::from_text(&view.text).map_err(|error| {
        let mut faults = error.into_faults();
        for fault in &mut faults {
            fault.place = format!("{}: {}", view.place, fault.place);
        }
        faults
    })?;
    let problem = |reason: String| {
        vec![Fault {
            place: format!("{}: name", view.place),
            reason,
        }]
    };
    let Some(name) = definition.name.clone() else {
        return Err(problem(
            "a view of a pipeline needs a name, its table's".into(),
        ));
    };
    // It names a folder. Names that begin with an underscore are kept for what is not a table.
    let is_plain = name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_plain {
        return Err(problem(
            "the name of a table is a letter, then letters, digits and '_'".into(),
        ));
    }
    Ok((name, definition))
}

/// The plan of one resource type.
fn compile(
    set: &ViewSet<'_>,
    resource: &str,
    context: &[ContextColumn],
    views: Vec<(String, ViewDefinition)>,
) -> Result<ResourcePlan, Error> {
    ResourcePlan::compile(&PlanInput {
        resource,
        constants: set.constants,
        context,
        views,
        order: set.order,
        drop_where: set.drop_where,
    })
}

fn with_derivations(set: &ViewSet<'_>, plan: ResourcePlan) -> Result<ResourcePlan, Error> {
    let is_of_plan = |name: &str| plan.tables().iter().any(|table| table.name() == name);
    let of_plan: Vec<_> = set
        .derive
        .iter()
        .filter(|(name, _)| is_of_plan(name))
        .collect();
    of_plan
        .into_iter()
        .try_fold(plan, |plan, (name, derivation)| {
            plan.with_derivation(name, derivation, set.order)
        })
}

#[cfg(test)]
mod tests {
    use super::{ViewSet, ViewText, compile_views};
    use crate::engine::{ContextColumn, ContextSource};

    fn view(place: &str, name: &str, resource: &str, path: &str) -> ViewText {
        ViewText {
            place: place.into(),
            text: format!(
                r#"{{"name":"{name}","resource":"{resource}","select":[{{"column":[{{"name":"c","path":"{path}"}}]}}]}}"#
            ),
        }
    }

    #[test]
    fn views_are_grouped_by_what_they_read() {
        let views = [
            view("a.json", "a", "Patient", "id"),
            view("b.json", "b", "Coverage", "id"),
            view("c.json", "c", "Patient", "id"),
        ];
        let set = ViewSet {
            views: &views,
            ..ViewSet::default()
        };
        let found: Vec<_> = compile_views(&set)
            .unwrap()
            .into_iter()
            .map(|of_type| {
                let places = of_type.views.iter().map(|view| view.place.clone());
                let tables = of_type.plan.tables().iter();
                let names: Vec<_> = tables.map(|table| table.name().to_owned()).collect();
                (of_type.resource, places.collect::<Vec<_>>(), names)
            })
            .collect();
        let strings = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(
            found,
            [
                ("Coverage".to_owned(), strings(&["b.json"]), strings(&["b"])),
                (
                    "Patient".to_owned(),
                    strings(&["a.json", "c.json"]),
                    strings(&["a", "c"])
                ),
            ]
        );
    }

    #[test]
    fn all_errors_are_reported_at_once_also_of_context_that_no_view_needs() {
        let views = [
            view("a.json", "a", "Patient", "id"),
            view("b.json", "a", "Coverage", "id"),
            view("c.json", "_c", "Patient", "id"),
            view("d.json", "d", "Patient", "id.("),
        ];
        let context = [ContextColumn {
            name: "who".into(),
            source: ContextSource::Path("id.(".into()),
        }];
        let set = ViewSet {
            views: &views,
            context: vec![("Claim", &context)],
            ..ViewSet::default()
        };
        let places: Vec<String> = compile_views(&set)
            .unwrap_err()
            .into_faults()
            .into_iter()
            .map(|fault| fault.place)
            .collect();
        assert_eq!(
            places,
            [
                "b.json",
                "c.json: name",
                "d.json: select[0].column[0].path",
                "context.Claim.who"
            ]
        );
    }
}
