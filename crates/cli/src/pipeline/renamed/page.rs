//! `docs/ccw.md`, made from `pipelines/ccw.toml`, whose names and columns are compared with CMS's
//! dictionary of the API and with the views.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{RenamedColumn, RenamedSchema};

fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn schema() -> RenamedSchema {
    let text = std::fs::read_to_string(checkout("pipelines/ccw.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

const HEAD: &str = "\
# CCW names

The schema `ccw` of a snapshot's `views.duckdb.sql` (Spark: `ccw_<table>`) shows the tables for questions under the names and codings of
the Chronic Conditions Warehouse (CCW). This page is generated from [pipelines/ccw.toml](../pipelines/ccw.toml); `[load] renamed_schemas`
names such files.

- As in the warehouse's files, the views of claims hold current claims only. All versions are in `main`, marked by `is_current`.
- The ids of v3 are `BENE_XREF_SK` and `CLM_UNIQ_ID`; `BENE_ID`, `CLM_ID` and `PDE_ID` are null in its rows, and the other way round.
- `CLM_LINE_NUM` and `LINE_NUM` are the source's own sequence, neither from 1 nor without gaps.
- A name of one kind of claim (`LINE_…` of CARRIER and DME, `REV_CNTR_…` of institutional claims) is null in the others.
- Diagnoses, procedures and months are rows, not numbered columns.
";

/// The text of a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn rows_of(column: &RenamedColumn) -> String {
    let only = column.only.iter().filter(|(name, _)| *name != "source_api");
    let only = only.map(|(name, values)| format!("`{name}` {}", values.join(", ")));
    only.collect::<Vec<_>>().join("; ")
}

fn page() -> String {
    let schema = schema();
    let mut page = HEAD.to_owned();
    for table in &schema.tables {
        page.push_str(&format!(
            "\n## {}.{}\n\n{}\n\n",
            schema.schema, table.name, table.about
        ));
        page.push_str("| name | from | API | only of |\n|---|---|---|---|\n");
        for (name, column) in table.columns().unwrap() {
            let value = column.column.as_ref().or(column.sql.as_ref()).unwrap();
            let api = column.only.get("source_api").unwrap_or(&column.api);
            let api = match api.is_empty() {
                true => "v2, v3".to_owned(),
                false => api.join(", "),
            };
            page.push_str(&format!(
                "| `{name}` | `{}` | {api} | {} |\n",
                cell(value),
                cell(&rows_of(&column))
            ));
        }
    }
    for (title, about, entries) in [
        (
            "Names of their own",
            "Names that the dictionary of the API does not have in this form.",
            &schema.names,
        ),
        (
            "What is not there",
            "Names that researchers look for, and where the facts are.",
            &schema.absent,
        ),
    ] {
        page.push_str(&format!(
            "\n## {title}\n\n{about}\n\n| name | |\n|---|---|\n"
        ));
        for (name, words) in entries {
            page.push_str(&format!("| `{name}` | {} |\n", cell(words)));
        }
    }
    page
}

#[test]
fn the_page_of_ccw_names_is_what_the_file_says() {
    let file = checkout("docs/ccw.md");
    if std::env::var_os("CLAIMLAKE_BLESS").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page(),
        "docs/ccw.md is not what pipelines/ccw.toml says; CLAIMLAKE_BLESS=1 with this test writes it anew"
    );
}

/// The names in the columns `ccw_variable` and `name` of the dictionary, by version of the API.
fn dictionary(text: &str) -> BTreeSet<(String, String)> {
    let mut names = BTreeSet::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let (api, variables) = (fields.next().unwrap(), fields.next().unwrap());
        let name = fields.nth(1).unwrap_or_default();
        for known in variables.split('|').chain([name]) {
            names.insert((api.to_owned(), known.to_owned()));
        }
    }
    names
}

#[test]
fn every_name_is_one_of_the_dictionary_or_explained() {
    let Some(shared) = std::env::var_os("CLAIMLAKE_SHARED") else {
        eprintln!("CLAIMLAKE_SHARED is not set: names are not compared with the dictionary");
        return;
    };
    let text = std::fs::read_to_string(Path::new(&shared).join("reference/ccw_dictionary.csv"));
    let known = dictionary(&text.unwrap());
    let schema = schema();
    let mut compared = 0;
    for table in &schema.tables {
        for (name, column) in table.columns().unwrap() {
            // The dictionary lists each member of a numbered series.
            let spellings = [name.to_owned(), format!("{name}1"), format!("{name}_01")];
            let of = |api: &str| {
                spellings
                    .iter()
                    .any(|name| known.contains(&(api.to_owned(), name.clone())))
            };
            let apis: Vec<&str> = ["v2", "v3"].into_iter().filter(|api| of(api)).collect();
            if apis.is_empty() {
                assert!(
                    schema.names.contains_key(name),
                    "{}.{name} is no name",
                    table.name
                );
                continue;
            }
            compared += 1;
            // The ids are those of one version by decision.
            if !column.only.contains_key("source_api") {
                let said = match column.api.is_empty() {
                    true => vec!["v2", "v3"],
                    false => column.api.iter().map(String::as_str).collect(),
                };
                assert_eq!(said, apis, "{}.{name}", table.name);
            }
        }
    }
    assert!(compared > 120, "{compared} names compared");
}
