//! Variables named `CLAIMLAKE_…` that claimlake does not know: a mistyped setting is not ignored.

use super::Pipeline;
use super::key_table::SECTIONS;
use super::keys::nearest;
use super::overrides::variable_of;
use crate::env;

/// What variables of these sections are for is known, so that another name is a mistake.
const STRICT: [&str; 5] = ["SOURCE_", "EXTRACT_", "TRANSFORM_", "LOAD_", "VAULT_"];

/// What is wrong with the names of variables; values are never shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Strangers {
    /// Why nothing is done; `None` if nothing is wrong.
    pub(crate) refused: Option<String>,
    /// Warnings about variables that may belong to another program.
    pub(crate) warnings: Vec<String>,
}

/// A variable, by its name, and whether its value is text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable<'v> {
    pub(crate) name: &'v str,
    pub(crate) is_text: bool,
}

/// Looks at all variables that are set.
pub(crate) fn strangers<'v>(
    pipeline: &Pipeline,
    variables: impl Iterator<Item = Variable<'v>>,
) -> Strangers {
    let settings = settings();
    let known: Vec<&str> = settings.iter().map(String::as_str).collect();
    let named = [
        pipeline.source.client_id_env.as_deref(),
        pipeline.source.client_secret_env.as_deref(),
    ];
    let mut names: Vec<Variable<'_>> = variables
        .filter(|variable| {
            variable
                .name
                .to_uppercase()
                .starts_with(env::OVERRIDE_PREFIX)
        })
        .filter(|variable| {
            !named.contains(&Some(variable.name)) && !env::is_for_tests(variable.name)
        })
        .collect();
    names.sort_unstable_by_key(|variable| variable.name);
    let mut found = Strangers::default();
    let mut refused = Vec::new();
    for Variable { name, is_text } in names {
        if known.contains(&name) {
            if !is_text {
                refused.push(format!("{name} is no text in UTF-8"));
            }
            continue;
        }
        let rest = name.strip_prefix(env::OVERRIDE_PREFIX).unwrap_or_default();
        let is_strict = STRICT.iter().any(|section| rest.starts_with(section));
        let hint = nearest(&name.to_uppercase(), &known);
        let hint = hint.filter(|near| is_strict || is_near(name, near));
        let hint = hint.map_or_else(String::new, |near| format!(", did you mean {near}?"));
        match is_strict {
            true => refused.push(format!("{name} is no setting{hint}")),
            false => found.warnings.push(format!(
                "the environment variable {name} is none that claimlake reads{hint}"
            )),
        }
    }
    if !refused.is_empty() {
        found.refused = Some(format!(
            "environment: {} (docs/pipeline.md lists all)",
            refused.join("; ")
        ));
    }
    found
}

/// Every variable that is read, whatever the pipeline.
fn settings() -> Vec<String> {
    let own = env::ALL.iter().map(|(name, _)| (*name).to_owned());
    let sections = SECTIONS.iter().filter(|section| !section.name.is_empty());
    let keys = sections.flat_map(|section| {
        let keys = section.keys.iter();
        keys.map(|key| variable_of(section.name, key.name))
    });
    own.chain(keys).collect()
}

/// A name with little in common is no help.
fn is_near(name: &str, known: &str) -> bool {
    let most = (known.len() - env::OVERRIDE_PREFIX.len()) / 3;
    super::keys::edits(&name.to_uppercase(), known) <= most.max(1)
}

#[cfg(test)]
mod tests;
