//! `[[current]]` of a pipeline: what is wrong with it, and what is said of the former rule.

use anyhow::bail;
use claimlake_loader::{Conditions, CurrentRule};

use super::table_columns::TableColumns;

/// Rules may only name tables and columns that there are.
pub(super) fn check(rules: &[CurrentRule], tables: &TableColumns) -> anyhow::Result<()> {
    for rule in rules {
        let table = &rule.table;
        let Some(columns) = tables.get(table) else {
            bail!("current.table: no view makes a table '{table}'");
        };
        if columns.contains(&rule.column) {
            bail!(
                "current.column: table '{table}' has a column '{}' already",
                rule.column
            );
        }
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
    use super::*;

    fn rule(case: &str) -> CurrentRule {
        toml::from_str(&format!(
            "table = 'eob'\ncolumn = 'is_current'\n[[case]]\n{case}"
        ))
        .unwrap()
    }

    fn tables() -> TableColumns {
        let columns = ["status", "use", "patient_id", "last_updated"];
        let columns = columns.map(str::to_owned).into();
        TableColumns::from([("eob".to_owned(), columns)])
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
