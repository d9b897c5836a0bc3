//! Tests of the policy.

use super::{Policy, RowRules};
use crate::DeidentifyError;

const TEXT: &str = r#"
profile = "safe-harbor"
[patients]
api = "source_api"
patient = "patient_id"
table = "patient"
birth = "birth_date"
covered_year = "service_year"
[table.claim]
key = ["eob_id"]
[table.claim.columns]
patient_id = { id = "patient" }
eob_id = { id = "claim" }
from_date = "year"
"#;

fn checked(text: &str) -> Result<(), String> {
    let policy: Policy = toml::from_str(text).map_err(|error| error.to_string())?;
    policy
        .check()
        .map_err(|error: DeidentifyError| error.to_string())
}

#[test]
fn what_would_leave_rows_without_owner_or_key_is_refused_by_name() {
    checked(TEXT).unwrap();
    for (line, other, words) in [
        (
            "patient_id = { id = \"patient\" }",
            "",
            "column patient_id must be",
        ),
        (
            "patient_id = { id = \"patient\" }",
            "patient_id = \"keep\"",
            "column patient_id must be",
        ),
        ("eob_id = { id = \"claim\" }", "", "column eob_id is a key"),
        (
            "eob_id = { id = \"claim\" }",
            "eob_id = \"drop\"",
            "column eob_id is a key",
        ),
        ("key = [\"eob_id\"]", "key = []", "key is empty"),
        (
            "\"year\"",
            "\"shift\"",
            "shift is refused under safe-harbor",
        ),
        ("\"year\"", "\"yaer\"", "unknown variant"),
        (
            "key = [\"eob_id\"]",
            "key = [\"eob_id\"]\nkeys = 1",
            "unknown field",
        ),
        (
            "[table.claim]",
            "[table.\"../x\"]\nkey=[\"a\"]\ncolumns={}\n[table.claim]",
            "no name of a table",
        ),
        (
            "{ id = \"claim\" }",
            "{ id = \"A b\" }",
            "a kind is lower-case",
        ),
    ] {
        let text = TEXT.replacen(line, other, 1);
        let error = checked(&text).unwrap_err();
        assert!(error.contains(words), "{other}: {error}");
    }
    checked(
        &TEXT
            .replace("safe-harbor", "limited-data-set")
            .replace("\"year\"", "\"shift\""),
    )
    .unwrap();
}

#[test]
fn rows_stay_by_whole_values_or_beginnings() {
    let rules = RowRules {
        column: "url".into(),
        keep: vec!["a/buyin*".into(), "a/dual".into()],
    };
    for (value, keeps) in [
        (Some("a/buyin01"), true),
        (Some("a/dual"), true),
        (Some("a/dual_01"), false),
        (Some(""), false),
        (None, false),
    ] {
        assert_eq!(rules.keeps(value), keeps, "{value:?}");
    }
}
