//! The templates of all bodies, compiled in and read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::body::Body;
use super::template::{Template, TemplateError, Values};

type File = (&'static str, &'static str);

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name, ".json")))),*]
    };
}

static FILES: [File; 29] = files![
    "v2/carrier",
    "v2/coverage-a",
    "v2/coverage-b",
    "v2/coverage-c",
    "v2/coverage-d",
    "v2/dme",
    "v2/hha",
    "v2/hospice",
    "v2/inpatient",
    "v2/outpatient",
    "v2/patient",
    "v2/pde",
    "v2/pde-old",
    "v2/snf",
    "v3/carrier",
    "v3/coverage-a",
    "v3/coverage-b",
    "v3/coverage-c",
    "v3/coverage-d",
    "v3/coverage-dual",
    "v3/dme",
    "v3/hha",
    "v3/hospice",
    "v3/inpatient",
    "v3/outpatient",
    "v3/patient",
    "v3/pde",
    "v3/prior-authorization",
    "v3/snf",
];

/// What templates include: `{{> diagnoses}}` in `v2/carrier` is `v2/parts/diagnoses`.
static PARTS: [File; 7] = files![
    "v2/parts/diagnoses",
    "v2/parts/drug-extension",
    "v3/parts/diagnoses",
    "v3/parts/drug-detail",
    "v3/parts/line-status",
    "v3/parts/procedures",
    "v3/parts/service",
];

static TEMPLATES: LazyLock<Templates> = LazyLock::new(Templates::read);

#[derive(Default)]
struct Templates {
    by_name: HashMap<&'static str, Template>,
    errors: Vec<(&'static str, TemplateError)>,
}

impl Templates {
    fn read() -> Self {
        let mut templates = Self::default();
        for (name, text) in FILES {
            let version = name.split('/').next().unwrap_or_default();
            let part = |part: &str| {
                let path = format!("{version}/parts/{part}");
                let mut parts = PARTS.iter();
                parts.find(|(name, _)| *name == path).map(|(_, text)| *text)
            };
            match Template::parse(text, &part) {
                Ok(template) => {
                    templates.by_name.insert(name, template);
                }
                Err(error) => templates.errors.push((name, error)),
            }
        }
        templates
    }
}

/// The body of the template `name`, for instance `v2/carrier`. `capacity` is about how long it
/// becomes.
pub(super) fn body(name: &str, values: &Values<'_>, capacity: usize) -> Body {
    let Some(template) = TEMPLATES.by_name.get(name) else {
        tracing::error!(template = name, errors = ?TEMPLATES.errors, "no such template");
        return Body::new(Vec::new(), None);
    };
    let rendered = template.render(values, capacity);
    if !rendered.unknown.is_empty() {
        tracing::error!(template = name, names = ?rendered.unknown, "placeholders without a value");
    }
    #[cfg(test)]
    assert!(
        rendered.unknown.is_empty(),
        "{name}: {:?}",
        rendered.unknown
    );
    Body::new(rendered.bytes, rendered.created_at)
}

#[cfg(test)]
mod tests {
    use super::{FILES, TEMPLATES};

    #[test]
    fn every_template_can_be_read() {
        assert_eq!(TEMPLATES.errors, []);
        assert_eq!(TEMPLATES.by_name.len(), FILES.len());
    }
}
