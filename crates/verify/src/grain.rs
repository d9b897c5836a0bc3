//! How many rows a view must make of a resource, counted from the arrays of the raw JSON.
//!
//! This is deliberately not a view engine: it knows only member paths and `$this`, so that it can
//! be verified by reading. A view whose rows depend on more has no grain here.

use serde_json::Value;

use crate::raw::{Name, NodeId, Outline, Spot, Tree};

/// A rule that turns a resource into a number of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grain(Vec<Step>);

/// Selections side by side multiply; within `forEach` the rows add up over the elements.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Rows for each element at the path.
    Each {
        path: Vec<Name>,
        or_null: bool,
        inside: Vec<Step>,
    },
    /// Rows of all branches, one after the other.
    Union(Vec<Vec<Step>>),
}

impl Grain {
    /// The grain of a ViewDefinition (JSON); `outline` is extended by the arrays that decide it.
    /// `None` if the number of rows depends on more than arrays.
    pub(crate) fn of_view(view: &Value, outline: &mut Outline) -> Option<Self> {
        if view
            .get("where")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
        {
            return None;
        }
        Some(Self(steps(view.get("select")?, outline, Outline::ROOT)?))
    }

    /// Whether every resource makes exactly one row.
    pub(crate) fn is_one_row(&self) -> bool {
        self.0.is_empty()
    }

    /// Rows that the view makes of a resource.
    pub(crate) fn rows(&self, resource: &Tree) -> u64 {
        product(&self.0, resource, Some(Tree::ROOT))
    }
}

fn steps(select: &Value, outline: &mut Outline, at: Spot) -> Option<Vec<Step>> {
    let mut found = Vec::new();
    for entry in select.as_array()? {
        found.extend(step(entry, outline, at)?);
    }
    Some(found)
}

fn step(entry: &Value, outline: &mut Outline, at: Spot) -> Option<Vec<Step>> {
    if entry.get("repeat").is_some() {
        return None;
    }
    let each = match (entry.get("forEach"), entry.get("forEachOrNull")) {
        (Some(path), None) => Some((path.as_str()?, false)),
        (None, Some(path)) => Some((path.as_str()?, true)),
        _ => None,
    };
    let (below, path) = match each {
        Some((text, _)) => outline.want(at, &member_path(text)?),
        None => (at, Vec::new()),
    };
    let mut inside = match entry.get("select") {
        Some(nested) => steps(nested, outline, below)?,
        None => Vec::new(),
    };
    if let Some(union) = entry.get("unionAll") {
        let mut branches = Vec::new();
        for branch in union.as_array()? {
            branches.push(step(branch, outline, below)?);
        }
        inside.push(Step::Union(branches));
    }
    Some(match each {
        Some((_, or_null)) => vec![Step::Each {
            path,
            or_null,
            inside,
        }],
        None => inside,
    })
}

fn member_path(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for name in text.trim().split('.') {
        if name == "$this" {
            continue;
        }
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain {
            return None;
        }
        names.push(name.to_owned());
    }
    Some(names)
}

fn product(steps: &[Step], resource: &Tree, focus: Option<NodeId>) -> u64 {
    steps
        .iter()
        .map(|step| step.rows(resource, focus))
        .product()
}

impl Step {
    fn rows(&self, resource: &Tree, focus: Option<NodeId>) -> u64 {
        match self {
            Step::Union(branches) => branches
                .iter()
                .map(|branch| product(branch, resource, focus))
                .sum(),
            Step::Each {
                path,
                or_null,
                inside,
            } => {
                let (mut elements, mut rows) = (0_u64, 0);
                if let Some(focus) = focus {
                    resource.each(focus, path, &mut |element| {
                        elements += 1;
                        rows += product(inside, resource, Some(element));
                    });
                }
                match elements == 0 && *or_null {
                    true => product(inside, resource, None),
                    false => rows,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Grain;
    use crate::raw::{Outline, Tree};

    fn rows(select: serde_json::Value, resource: &serde_json::Value) -> Option<u64> {
        let mut outline = Outline::new();
        let grain = Grain::of_view(&json!({ "select": select }), &mut outline)?;
        let mut tree = Tree::default();
        tree.read(&outline, resource.to_string().as_bytes())?;
        Some(grain.rows(&tree))
    }

    #[test]
    fn rows_are_counted_from_the_arrays_alone() {
        let resource = json!({"item": [
            {"adjudication": [{}, {}], "note": [{}]},
            {"adjudication": [{}]},
            {},
        ]});
        assert_eq!(rows(json!([{"column": []}]), &resource), Some(1));
        assert_eq!(rows(json!([{"forEach": "item"}]), &resource), Some(3));
        assert_eq!(
            rows(json!([{"forEach": "item.adjudication"}]), &resource),
            Some(3)
        );
        let nested = json!([{"forEach": "item", "select": [{"forEach": "adjudication"}]}]);
        assert_eq!(rows(nested, &resource), Some(3));
        let or_null = json!([{"forEach": "item", "select": [{"forEachOrNull": "adjudication"}]}]);
        assert_eq!(rows(or_null, &resource), Some(4));
        let union = json!([{"unionAll": [{"forEach": "item"}, {"forEach": "item.note"}]}]);
        assert_eq!(rows(union, &resource), Some(4));
        assert_eq!(rows(json!([{"forEach": "missing"}]), &resource), Some(0));
    }

    #[test]
    fn a_view_whose_rows_depend_on_values_has_no_grain() {
        let resource = json!({});
        assert_eq!(
            rows(json!([{"forEach": "item.where(sequence = 1)"}]), &resource),
            None
        );
        assert_eq!(rows(json!([{"repeat": ["item"]}]), &resource), None);
        let filtered = json!({"select": [], "where": [{"path": "a.exists()"}]});
        assert!(Grain::of_view(&filtered, &mut Outline::new()).is_none());
    }
}
