//! `pipelines/README.md`, the dictionary of all columns, is what the views say.
//!
//! `CLAIMLAKE_UPDATE=1 cargo test -p claimlake-viewdef --test column_dictionary` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use std::fmt::Write as _;

use claimlake_viewdef::definition::{Column, Iteration, Select, ViewDefinition};
use support::{pipeline_views, pipelines};

const INTRODUCTION: &str = "\
# Pipelines and their tables

A pipeline is a file in this folder: `demo.toml` (synthetic patients; needs no key and no network),
`blue_button.toml` (the real service), `bench.toml` (for the benchmarks). A table is a file in `views/`: a
standard [SQL-on-FHIR v2 ViewDefinition](https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html).
To add a column, add it to the view; to add a table, add a view. Then run `claimlake transform --full` and
`claimlake load --rebuild`. `claimlake view VIEW.json INPUT` evaluates a single view.

This page is generated from the views. The tag `ansi/type` sets the type of a column. Without it, the type
follows from the FHIR type: booleans, integers and instants are typed, everything else is text as sent. Names
in the column *CCW* are the variables of CMS's Chronic Conditions Warehouse, from the tag `ccw/variable`.

Every table begins with columns that are equal in all rows of a resource: `source_api` (`v2`, `v3`, `carin`), then
those of the pipeline's `[context.<ResourceType>]`. For claims these are `eob_id`, `patient_id`,
`last_updated`, `service_date`, `is_part2_sensitive`, `eob_type` and `service_year`; the last two are the
partition columns, which are never null. If a view has a column of the same name, that column is omitted.
`is_current` is the last column of `eob` and of the tables that `[[current]] also` of the pipeline names
(`claim`, `claim_line`, …): whether this version of the claim counts, decided once per claim.

A context column is a FHIRPath expression, or `{ path = FHIRPath }`, `{ date_of = [FHIRPath, …] }` or
`{ year_of = [FHIRPath, …] }`. Within the braces, `default = value` applies if nothing is found.
`case = [{ when = FHIRPath, value = value }, …]` is evaluated first: the first condition that is true
applies. A partition column without a default then has `UNKNOWN`, 0, `0001-01-01` or `false`, depending on
its type.

Coded elements (a category, a role, a type, a product) follow one rule. `*_cms` columns contain only codes of
CMS's own systems, and so do columns that are named for a code set (`hcpcs_code`, `ndc_code`,
`taxonomy_code`, `specialty_code`, `eob_type`). `*_std` and other `*_code` columns contain the code of a
standard system, otherwise the first code of another system or without one. `*_system` beside them is the
system of that code, and null if the source names none. `*_display` is the display text of the coding,
otherwise the text of the concept. All codings are in the tables `*_coding`.

In the paths below, the path before `\u{203a}` selects the elements that make rows, and the path after it is
evaluated on each of them. `?` before a path means that there is one row even if it selects nothing.
";

#[test]
fn the_column_dictionary_is_up_to_date() {
    let path = pipelines().join("README.md");
    let expected = dictionary();
    if std::env::var_os("CLAIMLAKE_UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not what the views say; CLAIMLAKE_UPDATE=1 with this test writes it anew",
        path.display()
    );
}

fn dictionary() -> String {
    let views = pipeline_views();
    let mut text = String::from(INTRODUCTION);
    text.push_str("\n## Tables\n\n| table | resource type | content |\n|---|---|---|\n");
    for (name, view) in &views {
        let holds = view.description.as_deref().unwrap_or_default();
        writeln!(
            text,
            "| [{name}](#{name}) | {} | {} |",
            view.resource,
            cell(holds)
        )
        .unwrap();
    }
    for (name, view) in &views {
        write!(text, "\n## {name}\n\n").unwrap();
        text.push_str("| column | type | FHIRPath | meaning | CCW |\n|---|---|---|---|---|\n");
        for entry in entries(view) {
            let column = entry.column;
            let ccw = column.tags.iter().find(|tag| tag.name == "ccw/variable");
            writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                column.name,
                column.column_type,
                entry.paths(),
                cell(column.description.as_deref().unwrap_or_default()),
                ccw.map_or("", |tag| tag.value.as_str()),
            )
            .unwrap();
        }
    }
    text
}

/// A column with the paths it has in the branches of a union, once each.
struct Entry<'a> {
    column: &'a Column,
    paths: Vec<String>,
}

impl Entry<'_> {
    /// More paths than fit a table are counted.
    fn paths(&self) -> String {
        const SHOWN: usize = 3;
        let mut shown: Vec<String> = self
            .paths
            .iter()
            .take(SHOWN)
            .map(|path| format!("`{}`", cell(path)))
            .collect();
        if self.paths.len() > SHOWN {
            shown.push(format!("and {} more", self.paths.len() - SHOWN));
        }
        shown.join(", ")
    }
}

fn entries(view: &ViewDefinition) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for select in &view.selects {
        collect(select, "", &mut entries);
    }
    entries
}

fn collect<'a>(select: &'a Select, prefix: &str, entries: &mut Vec<Entry<'a>>) {
    let prefix = match &select.iteration {
        Iteration::Once => prefix.to_owned(),
        // A filler that iterates over the element itself says nothing.
        Iteration::ForEach(path) if path.source == "$this" => prefix.to_owned(),
        Iteration::ForEach(path) => format!("{prefix}{} \u{203a} ", path.source),
        Iteration::ForEachOrNull(path) => format!("{prefix}?{} \u{203a} ", path.source),
        Iteration::Repeat(paths) => {
            let sources: Vec<&str> = paths.iter().map(|path| path.source.as_str()).collect();
            format!("{prefix}repeat({}) \u{203a} ", sources.join(", "))
        }
    };
    for column in &select.columns {
        let path = format!("{prefix}{}", column.path.source);
        match entries
            .iter_mut()
            .find(|entry| entry.column.name == column.name)
        {
            Some(entry) if entry.paths.contains(&path) => {}
            Some(entry) => entry.paths.push(path),
            None => entries.push(Entry {
                column,
                paths: vec![path],
            }),
        }
    }
    for nested in select.selects.iter().chain(&select.union_all) {
        collect(nested, &prefix, entries);
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
