//! `[[current]]` of a pipeline: its errors, and advice about the deprecated rule.

use std::collections::BTreeSet;

use anyhow::bail;
use claimlake_loader::{Conditions, CurrentRule};

use super::table_columns::PlannedTables;

/// Rules may only name tables and columns that there are.
pub(super) fn check(rules: &[CurrentRule], tables: &PlannedTables) -> anyhow::Result<()> {
    check_tables(rules, tables)?;
    for rule in rules {
        let table = &rule.table;
        let Some(columns) = tables.get(table).map(|table| &table.columns) else {
            continue;
        };
        for (number, case) in (1..).zip(&rule.cases) {
            if let Some(problem) = case.problem() {
                bail!("current.case {number} of table '{table}': {problem}");
            }
            if let Some((key, column)) = case.columns().find(|(_, name)| !columns.contains(*name)) {
                bail!(
                    "current.case {number} of table '{table}': {key}: the table has no column '{column}'"
                );
            }
        }
    }
    Ok(())
}

/// Checks that each table of a rule exists, is named once, does not have the column yet, and has
/// the resource type of the first.
fn check_tables(rules: &[CurrentRule], tables: &PlannedTables) -> anyhow::Result<()> {
    let mut named = BTreeSet::new();
    for rule in rules {
        let resource = tables.get(&rule.table).map(|table| &table.resource);
        for (place, name) in rule.tables().enumerate() {
            let key = if place == 0 { "table" } else { "also" };
            let Some(table) = tables.get(name) else {
                bail!("current.{key}: no view makes a table '{name}'");
            };
            if !named.insert(name) {
                bail!("current.{key}: names the table '{name}' twice");
            }
            if table.columns.contains(&rule.column) {
                bail!(
                    "current.column: table '{name}' has a column '{}' already",
                    rule.column
                );
            }
            if Some(&table.resource) != resource {
                bail!(
                    "current.also: table '{name}' is of {}, '{}' of {}: what is current of one \
                     says nothing of the other",
                    table.resource,
                    rule.table,
                    resource.map_or("", String::as_str)
                );
            }
        }
    }
    Ok(())
}

/// What is said of cases of the former kind, and what to write in their place.
pub(in crate::command) fn warnings(rules: &[CurrentRule]) -> Vec<String> {
    let mut warnings = Vec::new();
    for rule in rules {
        for (number, case) in (1..).zip(&rule.cases) {
            if case.is_former() {
                let conditions = toml_of(&case.current_if);
                warnings.push(format!(
                    "current.case {number} of table '{}' asks that the newest version meet current_if: \
                     where a replaced version was updated last, no version of the claim is current. \
                     In place of current_if = {conditions} write stated_by = {conditions}, so that \
                     what the source states decides alone; see \"What is current\" in docs/FORMAT.md",
                    rule.table
                ));
            }
        }
    }
    warnings
}

/// As a pipeline file has it, on one line.
fn toml_of(conditions: &Conditions) -> String {
    let each = conditions.iter().map(|(column, values)| {
        let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        format!("{column} = [{}]", values.join(", "))
    });
    format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::table_columns::PlannedTable;
    use super::*;

    fn rule(case: &str) -> CurrentRule {
        toml::from_str(&format!(
            "table = 'eob'\ncolumn = 'is_current'\n[[case]]\n{case}"
        ))
        .unwrap()
    }

    fn tables() -> PlannedTables {
        let table = |name: &str, resource: &str, columns: &[&str]| {
            let planned = PlannedTable {
                resource: resource.to_owned(),
                columns: columns.iter().map(|&name| name.to_owned()).collect(),
            };
            (name.to_owned(), planned)
        };
        let claims = "ExplanationOfBenefit";
        PlannedTables::from([
            table(
                "eob",
                claims,
                &["status", "use", "patient_id", "last_updated"],
            ),
            table("eob_item", claims, &["sequence", "is_paid"]),
            table("patient", "Patient", &["patient_id"]),
        ])
    }

    #[test]
    fn further_tables_are_of_the_same_resource_type_and_named_once() {
        let also = |names: &[&str]| CurrentRule {
            also: names.iter().map(|&name| name.to_owned()).collect(),
            ..rule("newest_by = ['last_updated']")
        };
        check(&[also(&["eob_item"])], &tables()).unwrap();
        for (names, said) in [
            (
                &["eob_item", "claim"][..],
                "current.also: no view makes a table 'claim'",
            ),
            (
                &["patient"],
                "current.also: table 'patient' is of Patient, 'eob' of ExplanationOfBenefit: \
                 what is current of one says nothing of the other",
            ),
            (
                &["eob_item", "eob_item"],
                "current.also: names the table 'eob_item' twice",
            ),
            (&["eob"], "current.also: names the table 'eob' twice"),
        ] {
            let found = check(&[also(names)], &tables()).unwrap_err().to_string();
            assert_eq!(found, said);
        }
        let twice = [also(&["eob_item"]), also(&[])];
        let found = check(&twice, &tables()).unwrap_err().to_string();
        assert_eq!(found, "current.table: names the table 'eob' twice");
        let mut taken = also(&["eob_item"]);
        taken.column = "is_paid".to_owned();
        let found = check(&[taken], &tables()).unwrap_err().to_string();
        assert_eq!(
            found,
            "current.column: table 'eob_item' has a column 'is_paid' already"
        );
    }

    #[test]
    fn whatever_is_wrong_with_a_case_is_said_with_its_key() {
        for (case, said) in [
            (
                "stated_by = { state = ['active'] }",
                "stated_by: the table has no column 'state'",
            ),
            (
                "never_if = { kind = ['3'] }",
                "never_if: the table has no column 'kind'",
            ),
            (
                "group_by = ['patient']",
                "group_by: the table has no column 'patient'",
            ),
            ("split_by = ['use']", "split_by: needs group_by"),
            (
                "stated_by = { status = [] }",
                "stated_by.status: name at least one value",
            ),
            (
                "stated_by = { status = ['active'] }\ncurrent_if = { use = ['claim'] }",
                "current_if: cannot be beside stated_by; values that rule a row out are never_if",
            ),
            (
                "group_by = ['patient_id']\nfinal_if = { use = ['claim'] }",
                "preliminary_if and final_if: each needs the other",
            ),
            (
                "preliminary_if = { use = ['a'] }\nfinal_if = { use = ['b'] }",
                "preliminary_if: needs group_by, which says what belongs to one claim",
            ),
            (
                "newest_at_tie = { use = ['claim'] }",
                "newest_at_tie: needs newest_by",
            ),
        ] {
            let found = check(&[rule(case)], &tables()).unwrap_err().to_string();
            assert_eq!(found, format!("current.case 1 of table 'eob': {said}"));
        }
        assert!(
            toml::from_str::<CurrentRule>("table = 'eob'\ncolumn = 'c'\n[[case]]\nstatedby = {}")
                .is_err()
        );
        let mut other = rule("when = {}");
        other.table = "eobs".to_owned();
        let found = check(&[other.clone()], &tables()).unwrap_err().to_string();
        assert_eq!(found, "current.table: no view makes a table 'eobs'");
        other.table = "eob".to_owned();
        other.column = "status".to_owned();
        let found = check(&[other], &tables()).unwrap_err().to_string();
        assert_eq!(
            found,
            "current.column: table 'eob' has a column 'status' already"
        );
    }

    #[test]
    fn the_former_rule_is_warned_about_with_what_to_write_instead() {
        let former = "current_if = { status = ['active'] }\nnewest_by = ['last_updated']";
        let said = warnings(&[rule(former)]).pop().unwrap();
        assert!(
            said.contains(
                "In place of current_if = { status = [\"active\"] } write stated_by = { status = [\"active\"] }"
            ),
            "{said}"
        );
        for case in [
            "stated_by = { status = ['active'] }\nnewest_by = ['last_updated']",
            "current_if = { status = ['active'] }",
            "newest_by = ['last_updated']",
        ] {
            assert!(warnings(&[rule(case)]).is_empty(), "{case}");
            check(&[rule(case)], &tables()).unwrap();
        }
    }
}
