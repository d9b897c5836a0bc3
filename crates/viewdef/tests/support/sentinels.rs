//! Bodies in which every scalar is a value of its own.

use serde_json::{Map, Value};

/// Replaces the scalars of a body one after another.
#[derive(Default)]
pub(crate) struct Sentinels {
    next: u32,
    made: Vec<(String, Value)>,
}

impl Sentinels {
    /// The body with other scalars, and each of them with its path without positions.
    /// `resourceType` stays.
    pub(crate) fn replace(body: &Value) -> (Value, Vec<(String, Value)>) {
        let (mut bodies, made) = Self::replace_all(std::slice::from_ref(body));
        (bodies.remove(0), made)
    }

    /// The same for several bodies that share no scalar afterwards.
    pub(crate) fn replace_all(bodies: &[Value]) -> (Vec<Value>, Vec<(String, Value)>) {
        let mut sentinels = Self::default();
        let replaced = bodies
            .iter()
            .map(|body| {
                let resource_type = body["resourceType"].as_str().unwrap_or_default();
                sentinels.value(body, resource_type)
            })
            .collect();
        (replaced, sentinels.made)
    }

    fn value(&mut self, value: &Value, path: &str) -> Value {
        match value {
            Value::Object(object) => {
                let replaced: Map<String, Value> = object
                    .iter()
                    .map(|(key, value)| {
                        let value = if key == "resourceType" {
                            value.clone()
                        } else {
                            self.value(value, &format!("{path}.{key}"))
                        };
                        (key.clone(), value)
                    })
                    .collect();
                Value::Object(replaced)
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.value(item, path)).collect())
            }
            scalar => {
                let sentinel = self.scalar(scalar);
                self.made.push((path.to_owned(), sentinel.clone()));
                sentinel
            }
        }
    }

    fn scalar(&mut self, scalar: &Value) -> Value {
        self.next += 1;
        let n = self.next;
        match scalar {
            Value::Number(number) if number.to_string().contains('.') => {
                number_of(&format!("{}.{:02}", 5000 + n, n % 90 + 10))
            }
            Value::Number(_) => Value::from(700_000 + n),
            Value::String(text) => Value::String(text_like(text, n)),
            other => other.clone(),
        }
    }
}

/// Booleans have too few values to be distinguished.
pub(crate) fn is_told_apart(value: &Value) -> bool {
    !value.is_boolean()
}

fn number_of(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn text_like(text: &str, n: u32) -> String {
    let is_date = text.len() >= 10
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
        && text[..4].bytes().all(|byte| byte.is_ascii_digit());
    if is_date {
        let date = format!(
            "{:04}-{:02}-{:02}",
            1000 + n / 300,
            n / 25 % 12 + 1,
            n % 25 + 1
        );
        return match text.get(10..) {
            Some("") | None => date,
            Some(time) => format!("{date}{time}"),
        };
    }
    format!("s-{n}")
}
