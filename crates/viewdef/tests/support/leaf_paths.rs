//! Bodies made from an inventory of leaf paths: each path of it is in one of them.

use serde_json::{Map, Value, json};

/// How many elements each list gets.
const LIST_LENGTH: usize = 2;

/// The bodies for an inventory (CSV with the columns resource, struct_path, json_types, example).
pub(crate) fn bodies(inventory: &str) -> Vec<Value> {
    let mut lines = inventory.lines();
    let header = fields(lines.next().unwrap());
    let column = |name: &str| header.iter().position(|field| field == name).unwrap();
    let (resource, path) = (column("resource"), column("struct_path"));
    let (types, example) = (column("json_types"), column("example"));
    let mut bodies: Vec<Value> = Vec::new();
    for line in lines {
        let row = fields(line);
        let value = example_of(&row[types], &row[example]);
        let steps: Vec<&str> = row[path].split('.').collect();
        let done = bodies.iter_mut().any(|body| {
            body["resourceType"] == row[resource].as_str() && {
                let mut changed = body.clone();
                let fits = insert(&mut changed, &steps, &value);
                if fits {
                    *body = changed;
                }
                fits
            }
        });
        if !done {
            let mut body = json!({"resourceType": row[resource], "id": "1"});
            assert!(insert(&mut body, &steps, &value), "{}", row[path]);
            bodies.push(body);
        }
    }
    bodies
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

fn example_of(types: &str, example: &str) -> Value {
    let kind = types.split(':').next().unwrap_or_default();
    match kind {
        "boolean" => Value::Bool(true),
        "integer" if !example.contains('.') => json!(1),
        "integer" | "decimal" => Value::Number("1.25".parse().unwrap()),
        "dateTime" => json!("2020-01-02T03:04:05.000Z"),
        "date" if example.len() == 10 => json!("2020-01-02"),
        _ => json!(example),
    }
}

/// Whether the value found a place: a path cannot be a scalar here and an object there.
fn insert(target: &mut Value, steps: &[&str], value: &Value) -> bool {
    let [step, rest @ ..] = steps else {
        return false;
    };
    let Value::Object(object) = target else {
        return false;
    };
    let place = |element: &mut Value| {
        if rest.is_empty() {
            *element = value.clone();
            true
        } else {
            insert(element, rest, value)
        }
    };
    let fresh = || match rest {
        [] => value.clone(),
        _ => Value::Object(Map::new()),
    };
    match step.strip_suffix("[]") {
        Some(name) => {
            let list = object
                .entry(name)
                .or_insert_with(|| Value::Array(vec![fresh(); LIST_LENGTH]));
            match list {
                Value::Array(items) => items.iter_mut().all(place),
                _ => false,
            }
        }
        None => {
            let element = object.entry(*step).or_insert_with(fresh);
            if rest.is_empty() && (element.is_object() || element.is_array()) {
                return false;
            }
            place(element)
        }
    }
}
