//! Filling a template with values.

use super::format::{self, CREATED_PLACE};
use super::parse::{Name, Operation, Template, When};
use super::value::{Key, Value, Values};

/// A filled template.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) bytes: Vec<u8>,
    /// The position at which the time of the request is inserted.
    pub(crate) created_at: Option<usize>,
    /// Placeholders without a value; they are left out.
    pub(crate) unknown: Vec<String>,
}

impl Template {
    /// Fills the template. `capacity` is about how long the body becomes.
    pub(crate) fn render(&self, values: &Values<'_>, capacity: usize) -> Rendered {
        let mut renderer = Renderer {
            rendered: Rendered {
                bytes: Vec::with_capacity(capacity),
                ..Rendered::default()
            },
            scopes: vec![values],
            counters: Vec::new(),
        };
        renderer.run(&self.operations);
        renderer.rendered
    }
}

struct Renderer<'v, 'a> {
    rendered: Rendered,
    /// The innermost last.
    scopes: Vec<&'v Values<'a>>,
    counters: Vec<(Key, i64)>,
}

impl<'v, 'a> Renderer<'v, 'a> {
    fn run(&mut self, operations: &[Operation]) {
        for operation in operations {
            match operation {
                Operation::Literal { bytes, closes } => {
                    let out = &mut self.rendered.bytes;
                    if *closes && out.last() == Some(&b',') {
                        out.pop();
                    }
                    out.extend_from_slice(bytes);
                }
                Operation::Value(name) => self.write(name),
                Operation::Escaped(name) => self.escaped(name),
                Operation::Member {
                    before,
                    name,
                    after,
                } => {
                    if !matches!(self.value(name), Some(Value::Absent)) {
                        self.rendered.bytes.extend_from_slice(before);
                        self.write(name);
                        self.rendered.bytes.extend_from_slice(after);
                    }
                }
                Operation::Counter(name) => {
                    let next = self.next(name.key);
                    format::number(&mut self.rendered.bytes, next);
                }
                Operation::Section {
                    name,
                    when,
                    operations,
                } => self.section(name, *when, operations),
            }
        }
    }

    fn section(&mut self, name: &Name, when: When, operations: &[Operation]) {
        match (self.value(name), when) {
            (Some(Value::Absent) | None, When::Absent) => self.run(operations),
            (Some(Value::List(elements)), When::Present) => {
                for element in elements {
                    self.scopes.push(element);
                    self.run(operations);
                    self.scopes.pop();
                }
            }
            (Some(Value::Absent) | None, When::Present) | (Some(_), When::Absent) => {}
            (Some(_), When::Present) => self.run(operations),
        }
    }

    fn next(&mut self, key: Key) -> i64 {
        if let Some((_, last)) = self.counters.iter_mut().find(|(known, _)| *known == key) {
            *last += 1;
            return *last;
        }
        self.counters.push((key, 1));
        1
    }

    fn value(&mut self, name: &Name) -> Option<&'v Value<'a>> {
        let found = self
            .scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name.key));
        if found.is_none() {
            self.rendered.unknown.push(name.text.to_string());
        }
        found
    }

    fn escaped(&mut self, name: &Name) {
        let start = self.rendered.bytes.len();
        self.write(name);
        for byte in self.rendered.bytes.split_off(start) {
            let text: &[u8] = match byte {
                b'&' => b"&amp;",
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                b'"' => b"&quot;",
                b'\'' => b"&#x27;",
                _ => &[byte],
            };
            self.rendered.bytes.extend_from_slice(text);
        }
    }

    fn write(&mut self, name: &Name) {
        let Some(value) = self.value(name) else {
            return;
        };
        let out = &mut self.rendered.bytes;
        match value {
            Value::Absent | Value::List(_) => {
                self.rendered.unknown.push(name.text.to_string());
            }
            Value::True => out.extend_from_slice(b"true"),
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Owned(text) => out.extend_from_slice(text.as_bytes()),
            Value::Number(number) => format::number(out, *number),
            Value::Padded(number, width) => format::padded(out, *number, *width),
            Value::Cents(cents) => format::decimal(out, *cents, 100, 2),
            Value::Thousandths(value) => format::decimal(out, i64::from(*value), 1_000, 3),
            Value::Day(day) => format::date(out, *day),
            Value::Instant(millis, style) => format::instant(out, *millis, *style),
            Value::RequestTime => {
                self.rendered.created_at = Some(out.len());
                out.extend_from_slice(CREATED_PLACE.as_bytes());
            }
        }
    }
}
