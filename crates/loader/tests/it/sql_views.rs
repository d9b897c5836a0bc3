//! Views that are SQL, and those of current rows: what is written for each engine.

use claimlake_contract::NoProgress;
use claimlake_loader::{CurrentCase, CurrentRule, LoadOptions, SqlView, load};

use crate::basic::request;
use crate::staged_runs::{Claim, Staging, stage};

/// Both files of the one snapshot of a lake that was loaded with these options.
fn views_of(change: impl FnOnce(&mut LoadOptions)) -> [String; 2] {
    let data = tempfile::tempdir().unwrap();
    let staged = stage(data.path(), 1, &[Claim::new("c1")], &Staging::default());
    let mut request = request(&data.path().join("lake"), 1, &[staged]);
    change(&mut request.options);
    load(&request, &NoProgress).unwrap();
    let folder = data.path().join("lake/snapshots/1");
    ["duckdb", "spark"]
        .map(|engine| std::fs::read_to_string(folder.join(format!("views.{engine}.sql"))).unwrap())
}

fn sql_view(name: &str, text: &str) -> SqlView {
    SqlView::parse(None, name, text, text).unwrap()
}

#[test]
fn a_sql_view_names_what_it_reads_as_the_engine_does_and_stands_where_its_table_stood() {
    let [duckdb, spark] = views_of(|options| {
        options.sql_views = vec![
            // Named first, made last.
            sql_view("busy", "SELECT eob_id FROM {eob_item (eob_id)} AS item"),
            sql_view(
                "eob_item",
                "SELECT eob_id\nFROM {eob_item (eob_id)} -- the table",
            ),
        ];
    });
    let own = "VIEW \"main\".\"eob_item\" AS SELECT eob_id FROM (SELECT \"eob_id\" FROM lossless.\"eob_item\");\n";
    let other = "VIEW \"main\".\"busy\" AS SELECT eob_id FROM (SELECT \"eob_id\" FROM main.\"eob_item\") AS item;\n";
    assert!(
        duckdb.find(own).unwrap() < duckdb.find(other).unwrap(),
        "{duckdb}"
    );
    assert!(!duckdb.contains("VIEW main.\"eob_item\" AS"), "{duckdb}");
    assert!(spark.contains("VIEW `lossless_eob_item` ("), "{spark}");
    let own = "VIEW `eob_item` AS SELECT eob_id FROM (SELECT `eob_id` FROM `lossless_eob_item`);\n";
    let other = "VIEW `busy` AS SELECT eob_id FROM (SELECT `eob_id` FROM `eob_item`) AS item;\n";
    assert!(
        spark.find(own).unwrap() < spark.find(other).unwrap(),
        "{spark}"
    );
}

#[test]
fn a_sql_view_whose_tables_or_columns_are_not_in_the_lake_is_left_out_and_named() {
    let [duckdb, spark] = views_of(|options| {
        options.sql_views = vec![
            sql_view("a", "SELECT 1 AS one FROM {nowhere (eob_id)} AS x"),
            sql_view("b", "SELECT 1 AS one FROM {eob (eob_id, no_such)} AS x"),
            sql_view("c", "SELECT 1 AS one FROM {a (one)} AS x"),
            sql_view("d", "SELECT 1 AS one FROM {current.eob (eob_id)} AS x"),
            sql_view("e", "SELECT 1 AS one FROM {f (one)} AS x"),
            sql_view("f", "SELECT 1 AS one FROM {e (one)} AS x"),
        ];
    });
    for text in [&duckdb, &spark] {
        for lacking in [
            "main.a needs a table 'nowhere'",
            "main.b needs a column 'no_such' of table 'eob'",
            "main.c needs a table 'a'",
            "main.d needs a rule that says which rows of 'eob' are current",
            "main.e needs views that read each other in a circle",
            "main.f needs views that read each other in a circle",
        ] {
            assert!(
                text.contains(&format!("-- Left out: {lacking}, which")),
                "{text}"
            );
        }
        assert!(!text.contains("one FROM"), "{text}");
    }
}

#[test]
fn current_rows_are_found_by_the_column_or_by_the_key_that_tables_share() {
    let rule = CurrentRule {
        table: "eob".to_owned(),
        column: "is_current".to_owned(),
        also: Vec::new(),
        cases: vec![CurrentCase::default()],
    };
    let keys = vec!["source_api".to_owned(), "eob_id".to_owned()];
    let [duckdb, spark] = views_of(|options| {
        options.current = vec![rule];
        options.resource_keys = [("ExplanationOfBenefit".to_owned(), keys)].into();
    });
    for expected in [
        "VIEW \"current\".\"eob\" AS SELECT * FROM lossless.\"eob\" WHERE \"is_current\";",
        "VIEW \"current\".\"eob_item\" AS SELECT one.* FROM lossless.\"eob_item\" AS one SEMI JOIN \
         (SELECT \"source_api\", \"eob_id\" FROM lossless.\"eob\" WHERE \"is_current\") AS resource \
         ON one.\"source_api\" = resource.\"source_api\" AND one.\"eob_id\" = resource.\"eob_id\";",
    ] {
        assert!(duckdb.contains(expected), "{duckdb}");
    }
    assert!(!duckdb.contains("\"current\".\"patient\""), "{duckdb}");
    let expected = "VIEW `current_eob_item` AS SELECT one.* FROM `eob_item` AS one LEFT SEMI JOIN";
    assert!(spark.contains(expected), "{spark}");
    assert!(!spark.contains("current_patient"), "{spark}");
}
