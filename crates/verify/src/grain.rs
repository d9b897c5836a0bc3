//! How many rows a view must make of a resource, counted from the arrays of the raw JSON.
//!
//! This is deliberately no view engine: it knows member paths, `$this` and nothing else, so that it
//! can be believed on its own. A view whose rows depend on more than that has no grain here.

use serde_json::Value;

/// A rule that turns a resource into a number of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grain(Vec<Step>);

/// Selections side by side multiply; within `forEach` the rows add up over the elements.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Rows for each element at the path.
    Each {
        path: Vec<String>,
        or_null: bool,
        inside: Vec<Step>,
    },
    /// Rows of all branches, one after the other.
    Union(Vec<Vec<Step>>),
}

impl Grain {
    /// The grain of a ViewDefinition (JSON), or none where arrays alone do not decide its rows.
    #[must_use]
    pub fn of_view(view: &Value) -> Option<Self> {
        if view
            .get("where")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
        {
            return None;
        }
        Some(Self(steps(view.get("select")?)?))
    }

    /// Whether every resource makes exactly one row.
    #[must_use]
    pub fn is_one_row(&self) -> bool {
        self.0.is_empty()
    }

    /// Rows that the view makes of `resource`.
    #[must_use]
    pub fn rows(&self, resource: &Value) -> u64 {
        product(&self.0, resource)
    }
}

fn steps(select: &Value) -> Option<Vec<Step>> {
    let mut found = Vec::new();
    for entry in select.as_array()? {
        found.extend(step(entry)?);
    }
    Some(found)
}

fn step(entry: &Value) -> Option<Vec<Step>> {
    if entry.get("repeat").is_some() {
        return None;
    }
    let mut inside = match entry.get("select") {
        Some(nested) => steps(nested)?,
        None => Vec::new(),
    };
    if let Some(union) = entry.get("unionAll") {
        let branches: Option<Vec<_>> = union.as_array()?.iter().map(step).collect();
        inside.push(Step::Union(branches?));
    }
    let (text, or_null) = match (entry.get("forEach"), entry.get("forEachOrNull")) {
        (Some(path), None) => (path.as_str()?, false),
        (None, Some(path)) => (path.as_str()?, true),
        _ => return Some(inside),
    };
    Some(vec![Step::Each {
        path: member_path(text)?,
        or_null,
        inside,
    }])
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

fn product(steps: &[Step], focus: &Value) -> u64 {
    steps.iter().map(|step| step.rows(focus)).product()
}

impl Step {
    fn rows(&self, focus: &Value) -> u64 {
        match self {
            Step::Union(branches) => branches.iter().map(|branch| product(branch, focus)).sum(),
            Step::Each {
                path,
                or_null,
                inside,
            } => {
                let elements = elements_at(focus, path);
                if elements.is_empty() && *or_null {
                    return product(inside, &Value::Null);
                }
                elements
                    .into_iter()
                    .map(|element| product(inside, element))
                    .sum()
            }
        }
    }
}

/// The elements at a member path, arrays opened on the way (FHIRPath, section 5.1).
pub(crate) fn elements_at<'a, S: AsRef<str>>(focus: &'a Value, path: &[S]) -> Vec<&'a Value> {
    let mut current = open(focus);
    for name in path {
        current = current
            .into_iter()
            .filter_map(|value| value.get(name.as_ref()))
            .flat_map(open)
            .collect();
    }
    current
}

fn open(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Grain;

    fn rows(select: serde_json::Value, resource: &serde_json::Value) -> Option<u64> {
        Some(Grain::of_view(&json!({ "select": select }))?.rows(resource))
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
        assert!(
            Grain::of_view(&json!({"select": [], "where": [{"path": "a.exists()"}]})).is_none()
        );
    }
}
