//! Selects and their columns from JSON.
//!
//! SQL-on-FHIR, StructureDefinition-ViewDefinition: `select` with `column`, nested `select`, one of
//! `forEach`, `forEachOrNull` and `repeat`, and `unionAll`.

use serde_json::{Map, Value};

use super::column_type::column_type;
use super::reader::{Reader, below};
use super::view::{Column, Iteration, Select, Tag};

/// Deeper selects are refused.
const MAX_SELECT_DEPTH: usize = 32;

impl Reader {
    /// The selects under a key; those that cannot be read are faults.
    pub(super) fn selects(
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

    /// One select with everything in it.
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

    /// The elements of which the select makes rows.
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

    /// The paths of a `repeat`.
    fn repeat(&mut self, select: &Map<String, Value>, place: &str) -> Option<Iteration> {
        let errors_before = self.faults.len();
        let mut paths = Vec::new();
        for (position, path) in self.list(select, "repeat", place).iter().enumerate() {
            let place = format!("{place}.repeat[{position}]");
            match path {
                Value::String(source) => paths.extend(self.path(source.clone(), place)),
                other => self.wrong_type(&place, "a string", other),
            }
        }
        if paths.is_empty() && self.faults.len() == errors_before {
            self.error(&below(place, "repeat"), "at least one path is needed");
        }
        (self.faults.len() == errors_before).then_some(Iteration::Repeat(paths))
    }

    /// One column, its type decided.
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
            let own = uri
                .strip_prefix("http://hl7.org/fhir/StructureDefinition/")
                .or_else(|| uri.strip_prefix("http://hl7.org/fhirpath/System."));
            own.map(str::to_owned).unwrap_or(uri)
        });
        let collection = match object.get("collection") {
            None => false,
            Some(Value::Bool(collection)) => *collection,
            Some(other) => {
                self.wrong_type(&below(place, "collection"), "a boolean", other);
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

    /// The tags under `tag`, or under `tags` as some examples of the standard write it.
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
