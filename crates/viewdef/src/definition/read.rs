//! A ViewDefinition from JSON: shape, names, constants, expressions. What concerns several parts
//! at once is in `check`.

use serde_json::{Map, Value};

use super::constant::{is_value_key, literal};
use super::{
    Column, Iteration, Path, Select, Tag, ViewDefinition, ViewError, ViewErrors, check, column_type,
};
use crate::fhirpath::{Constants, parse};

/// Deeper selects are refused.
const MAX_SELECT_DEPTH: usize = 32;

impl ViewDefinition {
    /// Reads and checks a view.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its place in the view and the reason.
    ///
    /// ```
    /// use claimlake_viewdef::definition::ViewDefinition;
    ///
    /// let view = serde_json::json!({
    ///     "resource": "Patient",
    ///     "select": [{"column": [{"name": "id", "path": "getResourceKey()", "type": "id"}]}],
    /// });
    /// assert_eq!(ViewDefinition::from_json(&view)?.columns().len(), 1);
    /// # Ok::<(), claimlake_viewdef::definition::ViewErrors>(())
    /// ```
    pub fn from_json(view: &Value) -> Result<Self, ViewErrors> {
        let mut reader = Reader {
            constants: Constants::new(),
            errors: Vec::new(),
        };
        let view = reader.view(view);
        match view {
            Some(view) if reader.errors.is_empty() => {
                let errors = check::check(&view);
                if errors.is_empty() {
                    Ok(view)
                } else {
                    Err(ViewErrors(errors))
                }
            }
            _ => Err(ViewErrors(reader.errors)),
        }
    }

    /// Reads and checks a view from its JSON text.
    ///
    /// # Errors
    ///
    /// As [`ViewDefinition::from_json`]; or the text is not JSON.
    pub fn from_text(text: &str) -> Result<Self, ViewErrors> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match serde_json::from_str(text) {
            Ok(view) => Self::from_json(&view),
            Err(error) => Err(ViewErrors(vec![ViewError {
                path_in_view: "$".into(),
                reason: format!("the view is not JSON: {error}"),
            }])),
        }
    }
}

struct Reader {
    constants: Constants,
    errors: Vec<ViewError>,
}

/// `select[0]` and `column` give `select[0].column`; nothing and `select` give `select`.
fn below(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Keys every element of FHIR may have, and comments.
fn may_stand_anywhere(key: &str) -> bool {
    matches!(key, "id" | "extension" | "modifierExtension") || key.starts_with(['_', '$', '#'])
}

impl Reader {
    fn error(&mut self, place: &str, reason: impl Into<String>) {
        self.errors.push(ViewError {
            path_in_view: if place.is_empty() { "$" } else { place }.to_owned(),
            reason: reason.into(),
        });
    }

    fn object<'a>(&mut self, value: &'a Value, place: &str) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.error(
                place,
                format!("an object is expected, found {}", type_name(value)),
            );
        }
        object
    }

    fn text(&mut self, parent: &Map<String, Value>, key: &str, place: &str) -> Option<String> {
        match parent.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.error(
                    &below(place, key),
                    format!("a string is expected, found {}", type_name(other)),
                );
                None
            }
        }
    }

    fn required(&mut self, parent: &Map<String, Value>, key: &str, place: &str) -> Option<String> {
        if !parent.contains_key(key) {
            self.error(place, format!("'{key}' is missing"));
        }
        self.text(parent, key, place)
    }

    fn list<'a>(&mut self, parent: &'a Map<String, Value>, key: &str, place: &str) -> &'a [Value] {
        match parent.get(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.error(
                    &below(place, key),
                    format!("a list is expected, found {}", type_name(other)),
                );
                &[]
            }
        }
    }

    fn refuse_unknown(&mut self, object: &Map<String, Value>, known: &[&str], place: &str) {
        for key in object.keys() {
            if !known.contains(&key.as_str()) && !may_stand_anywhere(key) {
                self.error(
                    &below(place, key),
                    format!("unknown key, expected one of {}", known.join(", ")),
                );
            }
        }
    }

    fn name(&mut self, parent: &Map<String, Value>, place: &str) -> Option<String> {
        let name = self.required(parent, "name", place)?;
        self.check_name(name, place)
    }

    fn check_name(&mut self, name: String, place: &str) -> Option<String> {
        let is_sql_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_sql_name {
            self.error(
                &below(place, "name"),
                format!("'{name}' must begin with a letter and hold only letters, digits and '_'"),
            );
            return None;
        }
        Some(name)
    }

    fn view(&mut self, view: &Value) -> Option<ViewDefinition> {
        let object = self.object(view, "")?;
        if let Some(Value::String(kind)) = object.get("resourceType")
            && kind.rsplit('/').next() != Some("ViewDefinition")
        {
            self.error("resourceType", "this is no ViewDefinition");
        }
        if let Some(status) = self.text(object, "status", "")
            && !matches!(status.as_str(), "draft" | "active" | "retired" | "unknown")
        {
            self.error("status", "expected draft, active, retired or unknown");
        }
        let resource = self.required(object, "resource", "");
        if let Some(resource) = &resource {
            let starts_well = resource.starts_with(|first: char| first.is_ascii_uppercase());
            if !starts_well || !resource.chars().all(|c| c.is_ascii_alphanumeric()) {
                self.error("resource", "this is no FHIR resource type");
            }
        }
        let name = self.text(object, "name", "");
        let name = name.and_then(|name| self.check_name(name, ""));
        self.read_constants(object);
        let filters = self.filters(object);
        let selects = self.selects(object, "select", "", 0);
        if selects.is_empty() {
            self.error("select", "at least one select is needed");
        }
        Some(ViewDefinition {
            name,
            title: self.text(object, "title", ""),
            description: self.text(object, "description", ""),
            resource: resource?,
            filters,
            selects,
        })
    }

    fn read_constants(&mut self, view: &Map<String, Value>) {
        for (position, constant) in self.list(view, "constant", "").iter().enumerate() {
            let place = format!("constant[{position}]");
            let Some(object) = self.object(constant, &place) else {
                continue;
            };
            let name = self.name(object, &place);
            let mut values = Vec::new();
            for (key, value) in object {
                if is_value_key(key) {
                    values.push((key, value));
                } else if key.starts_with("value") {
                    self.error(&below(&place, key), "constants cannot have this type");
                } else if key != "name" && !may_stand_anywhere(key) {
                    self.error(&below(&place, key), "unknown key, expected name or a value");
                }
            }
            let &[(key, value)] = values.as_slice() else {
                self.error(&place, "exactly one value is needed, such as valueString");
                continue;
            };
            match (name, literal(key, value)) {
                (_, Err(reason)) => self.error(&below(&place, key), reason),
                (None, Ok(_)) => {}
                (Some(name), Ok(literal)) => {
                    if is_reserved(&name) {
                        self.error(
                            &below(&place, "name"),
                            format!("'%{name}' has a meaning of its own"),
                        );
                    } else if self.constants.insert(name.clone(), literal).is_some() {
                        self.error(
                            &below(&place, "name"),
                            format!("there are two constants '{name}'"),
                        );
                    }
                }
            }
        }
    }

    fn filters(&mut self, view: &Map<String, Value>) -> Vec<Path> {
        let mut filters = Vec::new();
        for (position, filter) in self.list(view, "where", "").iter().enumerate() {
            let place = format!("where[{position}]");
            let Some(object) = self.object(filter, &place) else {
                continue;
            };
            self.refuse_unknown(object, &["path", "description"], &place);
            filters.extend(self.required_path(object, "path", &place));
        }
        filters
    }

    fn required_path(
        &mut self,
        parent: &Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<Path> {
        let source = self.required(parent, key, place)?;
        self.path(source, below(place, key))
    }

    fn path(&mut self, source: String, place: String) -> Option<Path> {
        match parse(&source, &self.constants) {
            Ok(expression) => Some(Path {
                source,
                expression,
                place,
            }),
            Err(error) => {
                self.error(&place, error.to_string());
                None
            }
        }
    }

    fn selects(
        &mut self,
        parent: &Map<String, Value>,
        key: &str,
        place: &str,
        depth: usize,
    ) -> Vec<Select> {
        let list_place = below(place, key);
        if depth > MAX_SELECT_DEPTH {
            self.error(&list_place, "selects are nested too deeply");
            return Vec::new();
        }
        let mut selects = Vec::new();
        for (position, select) in self.list(parent, key, place).iter().enumerate() {
            selects.extend(self.select(select, format!("{list_place}[{position}]"), depth));
        }
        selects
    }

    fn select(&mut self, select: &Value, place: String, depth: usize) -> Option<Select> {
        const KEYS: &[&str] = &[
            "column",
            "select",
            "forEach",
            "forEachOrNull",
            "repeat",
            "unionAll",
        ];
        let object = self.object(select, &place)?;
        self.refuse_unknown(object, KEYS, &place);
        let iteration = self.iteration(object, &place);
        let mut columns = Vec::new();
        for (position, column) in self.list(object, "column", &place).iter().enumerate() {
            columns.extend(self.column(column, &format!("{place}.column[{position}]")));
        }
        let selects = self.selects(object, "select", &place, depth + 1);
        let union_all = self.selects(object, "unionAll", &place, depth + 1);
        Some(Select {
            iteration: iteration?,
            columns,
            selects,
            union_all,
            place,
        })
    }

    fn iteration(&mut self, select: &Map<String, Value>, place: &str) -> Option<Iteration> {
        let given: Vec<&str> = ["forEach", "forEachOrNull", "repeat"]
            .into_iter()
            .filter(|key| select.contains_key(*key))
            .collect();
        match given.as_slice() {
            [] => Some(Iteration::Once),
            ["forEach"] => self
                .required_path(select, "forEach", place)
                .map(Iteration::ForEach),
            ["forEachOrNull"] => self
                .required_path(select, "forEachOrNull", place)
                .map(Iteration::ForEachOrNull),
            ["repeat"] => self.repeat(select, place),
            several => {
                self.error(
                    place,
                    format!("only one of {} may be given", several.join(", ")),
                );
                None
            }
        }
    }

    fn repeat(&mut self, select: &Map<String, Value>, place: &str) -> Option<Iteration> {
        let errors_before = self.errors.len();
        let mut paths = Vec::new();
        for (position, path) in self.list(select, "repeat", place).iter().enumerate() {
            let place = format!("{place}.repeat[{position}]");
            match path {
                Value::String(source) => paths.extend(self.path(source.clone(), place)),
                other => self.error(
                    &place,
                    format!("a string is expected, found {}", type_name(other)),
                ),
            }
        }
        if paths.is_empty() && self.errors.len() == errors_before {
            self.error(&below(place, "repeat"), "at least one path is needed");
        }
        (self.errors.len() == errors_before).then_some(Iteration::Repeat(paths))
    }

    fn column(&mut self, column: &Value, place: &str) -> Option<Column> {
        const KEYS: &[&str] = &[
            "name",
            "path",
            "type",
            "collection",
            "description",
            "tag",
            "tags",
        ];
        let object = self.object(column, place)?;
        self.refuse_unknown(object, KEYS, place);
        let name = self.name(object, place);
        let path = self.required_path(object, "path", place);
        let fhir_type = self.text(object, "type", place).map(|uri| {
            let own = uri.strip_prefix("http://hl7.org/fhir/StructureDefinition/");
            own.map(str::to_owned).unwrap_or(uri)
        });
        let collection = match object.get("collection") {
            None => false,
            Some(Value::Bool(collection)) => *collection,
            Some(other) => {
                self.error(
                    &below(place, "collection"),
                    format!("a boolean is expected, found {}", type_name(other)),
                );
                false
            }
        };
        let mut tags = self.tags(object, "tag", place);
        tags.extend(self.tags(object, "tags", place));
        let ansi_type = tags
            .iter()
            .find(|tag| tag.name == "ansi/type")
            .map(|tag| tag.value.clone());
        let column_type = match column_type(ansi_type.as_deref(), fhir_type.as_deref(), collection)
        {
            Ok(column_type) => Some(column_type),
            Err(reason) => {
                self.error(&below(place, "tag"), reason);
                None
            }
        };
        let description = self.text(object, "description", place);
        Some(Column {
            name: name?,
            path: path?,
            fhir_type,
            column_type: column_type?,
            collection,
            description,
            tags,
        })
    }

    fn tags(&mut self, column: &Map<String, Value>, key: &str, place: &str) -> Vec<Tag> {
        let mut tags = Vec::new();
        for (position, tag) in self.list(column, key, place).iter().enumerate() {
            let place = format!("{place}.{key}[{position}]");
            let Some(object) = self.object(tag, &place) else {
                continue;
            };
            let name = self.required(object, "name", &place);
            let value = self.required(object, "value", &place);
            if let (Some(name), Some(value)) = (name, value) {
                tags.push(Tag { name, value });
            }
        }
        tags
    }
}

fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "rowIndex" | "resource" | "rootResource" | "context" | "ucum" | "sct" | "loinc"
    )
}
