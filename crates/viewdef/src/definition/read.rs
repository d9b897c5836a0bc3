//! A ViewDefinition from JSON: shape, names, constants, expressions. What concerns several parts at
//! once is in `check`.
//!
//! All faults are collected, each with its place, so that an author mends a view in one go. Unknown
//! elements are refused instead of ignored: one that is misspelt would silently leave rows or columns
//! out.

use serde_json::{Map, Value};

use super::check;
use super::constant::{is_value_key, literal};
use super::reader::{Reader, below, is_allowed_anywhere};
use super::view::{Path, ViewDefinition};
use crate::error::{Error, ErrorKind};
use crate::fhirpath::Constants;

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
    /// # Ok::<(), claimlake_viewdef::Error>(())
    /// ```
    pub fn from_json(view: &Value) -> Result<Self, Error> {
        let mut reader = Reader {
            constants: Constants::new(),
            faults: Vec::new(),
        };
        let view = reader.view(view);
        let mut faults = reader.faults;
        if let Some(view) = view
            && faults.is_empty()
        {
            faults = check::check(&view);
            if faults.is_empty() {
                return Ok(view);
            }
        }
        Err(Error::of(ErrorKind::View, faults))
    }

    /// Reads and checks a view from its JSON text.
    ///
    /// # Errors
    ///
    /// As [`ViewDefinition::from_json`]; or the text is not JSON.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match serde_json::from_str(text) {
            Ok(view) => Self::from_json(&view),
            Err(error) => {
                let reason = format!("the view is not JSON: {error}");
                Err(Error::new(ErrorKind::View, "$", reason))
            }
        }
    }
}

impl Reader {
    /// The view; `None` if a required part is missing.
    fn view(&mut self, view: &Value) -> Option<ViewDefinition> {
        let object = self.object(view, "")?;
        self.refuse_unknown_elements(object);
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
        let errors_before = self.faults.len();
        let selects = self.selects(object, "select", "", 0);
        // Selects that could not be read have said why.
        if selects.is_empty() && self.faults.len() == errors_before {
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

    /// An element that is misspelt or in the wrong place would silently leave rows or columns
    /// out, or in.
    fn refuse_unknown_elements(&mut self, view: &Map<String, Value>) {
        for key in view.keys() {
            let reason = match key.as_str() {
                "column" | "forEach" | "forEachOrNull" | "repeat" | "unionAll" => {
                    "it belongs into an element of 'select'"
                }
                key if is_element(key) || is_allowed_anywhere(key) => continue,
                _ => "a ViewDefinition has no such element",
            };
            self.error(key, reason);
        }
    }

    /// Reads `constant`.
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
                } else if key != "name" && !is_allowed_anywhere(key) {
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

    /// Reads `where`.
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
}

/// The elements of a ViewDefinition, and of the canonical and metadata resources it is like.
fn is_element(key: &str) -> bool {
    const ELEMENTS: &[&str] = &[
        "resourceType",
        "resourceDefinition",
        "resource",
        "select",
        "where",
        "constant",
        "profile",
        "fhirVersion",
        "resourceVersion",
        "meta",
        "implicitRules",
        "language",
        "text",
        "contained",
        "url",
        "identifier",
        "version",
        "versionAlgorithmString",
        "versionAlgorithmCoding",
        "name",
        "title",
        "status",
        "experimental",
        "date",
        "publisher",
        "contact",
        "description",
        "useContext",
        "jurisdiction",
        "purpose",
        "copyright",
        "copyrightLabel",
        "approvalDate",
        "lastReviewDate",
        "effectivePeriod",
        "topic",
        "author",
        "editor",
        "reviewer",
        "endorser",
        "relatedArtifact",
    ];
    ELEMENTS.contains(&key)
}

/// The names that FHIRPath and the standard use themselves.
fn is_reserved(name: &str) -> bool {
    matches!(name, "rowIndex" | "resource" | "rootResource" | "context")
}
