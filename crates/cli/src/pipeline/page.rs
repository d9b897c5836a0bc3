//! `docs/pipeline.md`, made from the table of keys; a test holds the page to it, and
//! `CLAIMLAKE_BLESS=1` with that test writes it anew.

use super::key_table::{CASE, CONTEXT, CURRENT, Key, NONE, REQUIRED, SECTIONS, TABLE};
use super::overrides::variable_of;
use crate::env;

const HEAD: &str = "\
# The pipeline file

Every key of a pipeline file, and every variable. This page is generated from the table that claimlake uses to validate pipeline files
(`crates/cli/src/pipeline/key_table.txt`); edit that table, not this page. The built-in pipelines, [demo.toml](../pipelines/demo.toml)
and [blue_button.toml](../pipelines/blue_button.toml), are examples. The columns of their tables are in
[pipelines/README.md](../pipelines/README.md).

Flags override environment variables, which override the file. An unknown key is an error (exit 2) that names the most similar known
key. So is an unknown variable that begins with `CLAIMLAKE_SOURCE_`, `CLAIMLAKE_EXTRACT_`, `CLAIMLAKE_TRANSFORM_`, `CLAIMLAKE_LOAD_`
or `CLAIMLAKE_VAULT_`, unless the pipeline names it (`client_id_env`, `client_secret_env`); any other unknown `CLAIMLAKE_…` variable
causes a warning. An empty variable for a key counts as not set; an empty `CLAIMLAKE_PIPELINE` or `CLAIMLAKE_DATA` is an error. Write a
list as in the file: `[\"a\", \"b\"]`. Values of variables are never printed. In the column \"default\", `none` means that the key is
optional and `-` that it is required.
";

/// The page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for section in SECTIONS.iter() {
        let title = match section.name {
            "" => "Top level".to_owned(),
            name => format!("`[{name}]`"),
        };
        page.push_str(&format!("\n## {title}\n\n{}\n\n", section.about));
        rows(&mut page, &section.keys, |key| match section.name {
            "" => None,
            name => Some(variable_of(name, key.name)),
        });
        if section.name == "transform" {
            page.push_str(
                "\n## `[context.<ResourceType>]`\n\nThe columns that are first in every table of the \
                 resource type, in the order of the file: each is a FHIRPath, or a table with these \
                 keys.\n\n",
            );
            rows(&mut page, &CONTEXT, |_| None);
            page.push_str("\nA case of `case`:\n\n");
            rows(&mut page, &CASE, |_| None);
        }
    }
    page.push_str(
        "\n## `[[current]]`\n\nWhich version of a claim is current: decided once per resource, and \
         written to one table or several.\n\n",
    );
    rows(&mut page, &CURRENT, |_| None);
    page.push_str("\n## `[table.<name>]`\n\nWhat differs from `[load]` for one table.\n\n");
    rows(&mut page, &TABLE, |_| None);
    page.push_str("\n## Variables\n\nBesides those above:\n\n| variable | effect |\n|---|---|\n");
    for (name, effect) in env::ALL {
        page.push_str(&format!("| `{name}` | {effect} |\n"));
    }
    page
}

fn rows(page: &mut String, keys: &[Key], variable: impl Fn(&Key) -> Option<String>) {
    let has_variables = keys.iter().any(|key| variable(key).is_some());
    page.push_str(match has_variables {
        true => {
            "| key | holds | default | effect | example | variable |\n|---|---|---|---|---|---|\n"
        }
        false => "| key | holds | default | effect | example |\n|---|---|---|---|---|\n",
    });
    for key in keys {
        let default = match key.default {
            NONE | REQUIRED => key.default.to_owned(),
            words if words.contains('`') || words.starts_with("as ") => words.to_owned(),
            value => format!("`{value}`"),
        };
        let example = match key.example {
            "" => String::new(),
            value => format!("`{} = {value}`", key.name),
        };
        page.push_str(&format!(
            "| `{}` | {} | {default} | {} | {example} |",
            key.name, key.kind, key.effect
        ));
        if let Some(variable) = variable(key) {
            page.push_str(&format!(" `{variable}` |"));
        }
        page.push('\n');
    }
}

mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{CONTEXT, CURRENT, NONE, REQUIRED, SECTIONS, TABLE, page};
    use crate::pipeline::Pipeline;

    /// A file of the least keys, and one more.
    fn with(section: &str, line: &str) -> Result<Pipeline, toml::de::Error> {
        let mut file: toml::Table =
            toml::from_str("name = 'p'\n[source]\nkind = 'sandbox'\n[transform]\nviews = ['v']\n")?;
        let more: toml::Table = toml::from_str(line)?;
        let table = match section {
            "" => &mut file,
            name => file
                .entry(name)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()))
                .as_table_mut()
                .unwrap(),
        };
        table.extend(more);
        file.try_into()
    }

    #[test]
    fn the_page_is_what_the_table_of_keys_says() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipeline.md");
        if std::env::var_os("CLAIMLAKE_BLESS").is_some() {
            std::fs::write(&file, page()).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            written == page(),
            "docs/pipeline.md is not what the keys say; CLAIMLAKE_BLESS=1 with this test writes it anew"
        );
    }

    #[test]
    fn defaults_are_what_a_file_without_the_key_has_and_examples_are_something_else() {
        let without = format!("{:?}", with("", "").unwrap());
        let mut defaults = 0;
        for section in SECTIONS.iter() {
            for key in section.keys.iter().filter(|key| !key.example.is_empty()) {
                let place = format!("{}.{}", section.name, key.name);
                let set = |value: &str| {
                    let pipeline = with(section.name, &format!("{} = {value}", key.name));
                    format!(
                        "{:?}",
                        pipeline.unwrap_or_else(|error| panic!("{place}: {error}"))
                    )
                };
                let has_value =
                    ![NONE, REQUIRED].contains(&key.default) && !key.default.contains('`');
                if has_value {
                    assert_eq!(set(key.default), without, "{place}");
                    defaults += 1;
                }
                assert_ne!(set(key.example), without, "{place}");
            }
        }
        assert!(defaults >= 15, "{defaults} defaults");
    }

    #[test]
    fn every_field_of_the_file_is_in_the_table_and_the_other_way_round() {
        for section in SECTIONS.iter() {
            let refused = with(section.name, "no_such_key = 1").unwrap_err();
            let message = refused.message().to_owned();
            let (_, fields) = message.split_once("expected").unwrap();
            let fields: BTreeSet<&str> = fields.split('`').skip(1).step_by(2).collect();
            let keys: BTreeSet<&str> = section.keys.iter().map(|key| key.name).collect();
            assert_eq!(fields, keys, "[{}]: {message}", section.name);
        }
        for (section, line, keys) in [
            ("table", "[eob]\nno_such_key = 1", &TABLE),
            ("", "[[current]]\nno_such_key = 1", &CURRENT),
        ] {
            let refused = with(section, line).unwrap_err();
            let message = refused.message().to_owned();
            let (_, fields) = message.split_once("expected").unwrap();
            let fields: BTreeSet<&str> = fields.split('`').skip(1).step_by(2).collect();
            assert_eq!(fields, keys.iter().map(|key| key.name).collect());
        }
        assert_eq!(CONTEXT.len(), 5);
    }
}
