//! All templates, compiled in and read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::template::{Rendered, Syntax, Template, TemplateError, Values};

type File = (&'static str, &'static str);

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

static FILES: [File; 39] = files![
    "discovery/metadata.json",
    "discovery/openid.json",
    "discovery/smart.json",
    "pages/authorization-error.html",
    "pages/consent.html",
    "pages/login.html",
    "pages/no-records.html",
    "pages/not-found.html",
    "pages/welcome.html",
    "v2/carrier.json",
    "v2/coverage-a.json",
    "v2/coverage-b.json",
    "v2/coverage-c.json",
    "v2/coverage-d.json",
    "v2/dme.json",
    "v2/hha.json",
    "v2/hospice.json",
    "v2/inpatient.json",
    "v2/outpatient.json",
    "v2/patient.json",
    "v2/pde.json",
    "v2/pde-old.json",
    "v2/snf.json",
    "v3/carrier.json",
    "v3/coverage-a.json",
    "v3/coverage-b.json",
    "v3/coverage-c.json",
    "v3/coverage-d.json",
    "v3/coverage-dual.json",
    "v3/coverage-shell.json",
    "v3/dme.json",
    "v3/hha.json",
    "v3/hospice.json",
    "v3/inpatient.json",
    "v3/outpatient.json",
    "v3/patient.json",
    "v3/pde.json",
    "v3/prior-authorization.json",
    "v3/snf.json",
];

/// What templates include: `{{> diagnoses}}` in `v2/carrier.json` is `v2/parts/diagnoses.json`.
static PARTS: [File; 13] = files![
    "pages/parts/bottom.html",
    "pages/parts/style.css",
    "pages/parts/top.html",
    "v2/parts/diagnoses.json",
    "v2/parts/drug-extension.json",
    "v3/parts/diagnoses.json",
    "v3/parts/drug-detail.json",
    "v3/parts/facility-team.json",
    "v3/parts/line-status.json",
    "v3/parts/patient-share.json",
    "v3/parts/procedures.json",
    "v3/parts/revenue-amounts.json",
    "v3/parts/service.json",
];

static TEMPLATES: LazyLock<Templates> = LazyLock::new(Templates::read);

#[derive(Default)]
struct Templates {
    by_name: HashMap<&'static str, Template>,
    errors: Vec<(&'static str, TemplateError)>,
}

/// A file's path without its extension.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

impl Templates {
    fn read() -> Self {
        let mut templates = Self::default();
        for (path, text) in FILES {
            let folder = path.split('/').next().unwrap_or_default();
            let part = |part: &str| {
                let wanted = format!("{folder}/parts/{part}");
                let found = PARTS.iter().find(|(path, _)| stem(path) == wanted);
                found.map(|(_, text)| *text)
            };
            let syntax = if path.ends_with(".html") {
                Syntax::Html
            } else {
                Syntax::Json
            };
            match Template::parse(text, syntax, &part) {
                Ok(template) => {
                    templates.by_name.insert(stem(path), template);
                }
                Err(error) => templates.errors.push((path, error)),
            }
        }
        templates
    }
}

/// Fills the template `name`, for instance `v2/carrier`. `capacity` is about how long it becomes.
pub(crate) fn render(name: &str, values: &Values<'_>, capacity: usize) -> Rendered {
    let Some(template) = TEMPLATES.by_name.get(name) else {
        tracing::error!(template = name, errors = ?TEMPLATES.errors, "no such template");
        return Rendered::default();
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
    rendered
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
