//! Rules in pipeline files: the former one, and what a user is to write in its place.

use super::also::inodes;
use super::bodies::{body, found, said};
use super::lands;
use crate::command::{Bench, repository};

/// The rule as pipelines had it.
const FORMER: &str = r#"
[[current]]
table = "eob"
column = "is_current"
[[current.case]]
when = { source_api = ["v2"] }
current_if = { status = ["active"] }
group_by = ["source_api", "patient_id", "eob_type", "claim_group_id"]
newest_by = ["last_updated"]
[[current.case]]
when = { source_api = ["v3"], final_action = ["FinalAction", "NotFinalAction"] }
current_if = { final_action = ["FinalAction"] }
group_by = ["source_api", "patient_id", "eob_type", "claim_control_number"]
newest_by = ["last_updated"]
[[current.case]]
when = { source_api = ["v3"] }
group_by = ["source_api", "patient_id", "claim_control_number"]
newest_by = ["last_updated", "eob_id"]
"#;

const FLAGS: [&str; 4] = ["--pipeline", "p.toml", "--data", "d"];

/// A pipeline of a user's own, with this rule.
fn pipeline(bench: &Bench, rule: &str) {
    let text = std::fs::read_to_string(repository().join("pipelines/demo.toml")).unwrap();
    let (own, _) = text
        .split_once("# Which version of a claim counts.")
        .unwrap();
    // What is derived, and the views in SQL, are of tables that it does not have.
    let (before, derived) = own.split_once("[derive.").unwrap();
    let (_, load) = derived.split_once("\n[load]\n").unwrap();
    let (load, _) = load.split_once("# Views that are SQL").unwrap();
    bench.write("p.toml", &format!("{before}\n[load]\n{load}{rule}"));
    let views = repository().join("pipelines/views");
    for name in ["eob.json", "eob_item.json"] {
        let view = std::fs::read_to_string(views.join(name)).unwrap();
        bench.write(&format!("views/{name}"), &view);
    }
}

fn current(bench: &Bench) -> Vec<String> {
    let found = found(&bench.path().join("d/lake"));
    let current = found
        .into_iter()
        .filter(|(_, current)| *current == Some(true));
    current.map(|(key, _)| key).collect()
}

#[test]
fn the_former_rule_is_warned_about_and_what_is_to_be_written_instead_mends_it() {
    let bench = Bench::new();
    pipeline(&bench, FORMER);
    let history = [
        "v2 a at=3 status=cancelled",
        "v2 b at=2",
        "v3 a at=3 final=NotFinalAction",
        "v3 b at=2 final=FinalAction",
    ];
    lands(&bench, &FLAGS, &history.map(|line| body(0, line)));
    // As the file says: the newest must meet current_if.
    assert!(current(&bench).is_empty());
    let loaded = bench.done(&[&FLAGS[..], &["load"]].concat());
    let mut mended = FORMER.to_owned();
    for (number, column, value) in [(1, "status", "active"), (2, "final_action", "FinalAction")] {
        let condition = format!("{{ {column} = [\"{value}\"] }}");
        assert!(
            loaded
                .stderr
                .contains(&format!("current.case {number} of table 'eob'"))
                && loaded.stderr.contains(&format!(
                    "In place of current_if = {condition} write stated_by = {condition}"
                )),
            "{}",
            loaded.stderr
        );
        mended = mended.replace(
            &format!("current_if = {condition}"),
            &format!("stated_by = {condition}"),
        );
    }
    pipeline(&bench, &mended);
    bench.done(&[&FLAGS[..], &["run", "--from", "transform"]].concat());
    assert_eq!(current(&bench), ["v2 0b", "v3 0b"]);
    let loaded = bench.done(&[&FLAGS[..], &["load"]].concat());
    assert!(!loaded.stderr.contains("current_if"), "{}", loaded.stderr);
    // The rule changed, no claim did.
    let changes = bench.done(&[&["--json"], &FLAGS[..], &["changes"]].concat());
    assert_eq!(changes.stdout.matches("\"kind\":\"new\"").count(), 4);
    for kind in ["cancelled", "superseded", "changed", "vanished"] {
        assert!(
            !changes.stdout.contains(&format!("\"kind\":\"{kind}\"")),
            "{kind}"
        );
    }
}

#[test]
fn a_rule_with_something_wrong_is_refused_by_the_name_of_its_key() {
    let bench = Bench::new();
    for (rule, said) in [
        (
            "[[current]]\ntable = 'eob'\ncolumn = 'is_current'\n[[current.case]]\nstated_by = { state = ['active'] }\n",
            "current.case 1 of table 'eob': stated_by: the table has no column 'state'",
        ),
        (
            "[[current]]\ntable = 'eob'\ncolumn = 'is_current'\n[[current.case]]\nstatedby = { status = ['active'] }\n",
            "unknown field `statedby`",
        ),
        (
            "[[current]]\ntable = 'eobs'\ncolumn = 'is_current'\n[[current.case]]\n",
            "current.table: no view makes a table 'eobs'",
        ),
        (
            "[[current]]\ntable = 'eob'\ncolumn = 'is_current'\nalso = ['eob_item', 'claim']\n[[current.case]]\n",
            "current.also: no view makes a table 'claim'",
        ),
    ] {
        pipeline(&bench, rule);
        let refused = bench.run(&[&FLAGS[..], &["transform"]].concat()).exits(2);
        refused.fails_with(said);
    }
}

#[test]
fn a_lake_from_before_gets_the_column_in_further_tables_and_its_other_files_stay() {
    const RULE: &str = r#"
[[current]]
table = "eob"
column = "is_current"
[[current.case]]
stated_by = { status = ["active"] }
group_by = ["source_api", "patient_id", "claim_group_id"]
newest_by = ["last_updated"]
"#;
    let bench = Bench::new();
    pipeline(&bench, RULE);
    let bodies = [
        "v2 a at=1 status=cancelled type=PDE ndc=00000000001",
        "v2 b at=2 type=PDE ndc=00000000001",
    ];
    lands(&bench, &FLAGS, &bodies.map(|line| body(0, line)));
    let lake = bench.path().join("d/lake");
    let eob = inodes(&lake, "eob");
    let items = inodes(&lake, "eob_item");

    let with_items = RULE.replace("[[current.case]]", "also = ['eob_item']\n[[current.case]]");
    pipeline(&bench, &with_items);
    // Until then verification warns of it.
    let verified = bench.done(&[&["--json"], &FLAGS[..], &["verify"]].concat());
    assert_eq!(
        verified.check("current_rule")["places"][0],
        "table 'eob_item' has files without 'is_current'"
    );
    bench.done(&[&FLAGS[..], &["run", "--from", "transform"]].concat());
    let mut said = said(&lake, "eob_item");
    said.sort();
    let expected = [("v2 0a", false), ("v2 0b", true)];
    let expected = expected.map(|(key, current)| (key.to_owned(), Some(current)));
    assert_eq!(said, expected);
    assert_eq!(inodes(&lake, "eob"), eob);
    assert!(inodes(&lake, "eob_item") != items);
    let verified = bench.done(&[&["--json"], &FLAGS[..], &["verify"]].concat());
    assert_eq!(verified.check("current_rule")["failed"], 0);
}
