//! Environment variables over keys of the file: `CLAIMLAKE_EXTRACT_MAX_RPS=5`.

use toml::Value;

use super::key_table::{self, SECTIONS};
use crate::env;

/// A variable that is set, and the key it is put over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Override {
    pub(super) variable: String,
    /// Such as `extract.max_rps`.
    pub(super) key: String,
    /// Which values the key accepts, as text.
    pub(super) expected: String,
}

/// The variable that is put over a key of a section.
pub(super) fn variable_of(section: &str, key: &str) -> String {
    format!("{}{section}_{key}", env::OVERRIDE_PREFIX).to_uppercase()
}

/// A message about a wrong value does not repeat it: it may be a secret in the wrong place.
fn expected(section: &str, key: &str) -> String {
    match key_table::find(section, key) {
        Some(known) => format!("{}, such as {}", known.kind, known.example),
        None => "another value".to_owned(),
    }
}

/// Overrides keys of the file by variables of the environment; returns which were replaced or
/// added.
pub(super) fn apply(
    pipeline: &mut toml::Table,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<Override> {
    let mut applied = Vec::new();
    for section in SECTIONS.iter().filter(|section| !section.name.is_empty()) {
        for key in &section.keys {
            let name = variable_of(section.name, key.name);
            // As an empty line of an environment file means it: not set.
            let Some(text) = variable(&name).filter(|text| !text.trim().is_empty()) else {
                continue;
            };
            let (section, key) = (section.name, key.name);
            let table = pipeline
                .entry(section)
                .or_insert_with(|| Value::Table(toml::Table::new()));
            if let Some(table) = table.as_table_mut() {
                let value = as_value(&text, table.get(key));
                table.insert(key.into(), value);
                applied.push(Override {
                    variable: name,
                    key: format!("{section}.{key}"),
                    expected: expected(section, key),
                });
            }
        }
    }
    applied
}

/// A number or a list if the text is one in TOML, otherwise the text itself.
fn as_value(text: &str, replaced: Option<&Value>) -> Value {
    if matches!(replaced, Some(Value::String(_))) {
        return Value::String(text.into());
    }
    text.parse::<Value>()
        .unwrap_or_else(|_| Value::String(text.into()))
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn a_variable_wins_over_the_file_and_keeps_its_kind() {
        let mut pipeline: toml::Table = "[source]\nbase_url = 'a'\n[extract]\nmax_rps = 1.0"
            .parse()
            .unwrap();
        apply(&mut pipeline, |name| match name {
            "CLAIMLAKE_SOURCE_BASE_URL" => Some("http://127.0.0.1:1".into()),
            "CLAIMLAKE_EXTRACT_MAX_RPS" => Some("5.5".into()),
            "CLAIMLAKE_LOAD_KEEP_SNAPSHOTS" => Some("7".into()),
            _ => None,
        });
        assert_eq!(
            pipeline["source"]["base_url"].as_str(),
            Some("http://127.0.0.1:1")
        );
        assert_eq!(pipeline["extract"]["max_rps"].as_float(), Some(5.5));
        assert_eq!(pipeline["load"]["keep_snapshots"].as_integer(), Some(7));
    }
}
