//! What is current, in tables of several rows a resource.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{CurrentRule, LoadOptions, LoadOutcome, Result, load};

use crate::basic::request;
use crate::current::rule;
use crate::lake_rows::{bytes, files, of, rows};
use crate::staged_runs::{Claim, Staging, stage};

const TABLES: [&str; 2] = ["eob", "eob_item"];

fn also_items() -> CurrentRule {
    CurrentRule {
        also: vec!["eob_item".to_owned()],
        ..rule()
    }
}

/// Stages claims as run `number`; what staging leaves may be changed before it is loaded.
fn try_load(
    data: &Path,
    number: u32,
    (claims, staging): (&[Claim], &Staging),
    rule: CurrentRule,
    change: impl FnOnce(&Path),
) -> Result<LoadOutcome> {
    let staged = stage(data, number, claims, staging);
    change(&staged);
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = LoadOptions {
        current: vec![rule],
        ..LoadOptions::default()
    };
    load(&request, &NoProgress)
}

fn load_with(
    data: &Path,
    number: u32,
    claims: &[Claim],
    full: bool,
    rule: CurrentRule,
) -> LoadOutcome {
    let staging = Staging {
        full,
        ..Staging::default()
    };
    try_load(data, number, (claims, &staging), rule, |_| {}).unwrap()
}

fn current_of(data: &Path, table: &str) -> Vec<String> {
    of(&rows(&data.join("lake"), table), &["eob_id", "is_current"])
}

/// The files of a table, each with its inode: one that is linked keeps it.
fn inodes(data: &Path, table: &str) -> BTreeMap<String, u64> {
    let lake = data.join("lake");
    let inode = |file: &Path| {
        let path = lake.join("current").join(table).join(file);
        std::fs::metadata(path).unwrap().ino()
    };
    let files = files(&lake, table).into_iter();
    files
        .map(|file| (file.display().to_string(), inode(&file)))
        .collect()
}

/// The partitions of a table in which a file is another one.
fn rewritten(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> Vec<String> {
    let is_other = |(file, inode): &(&String, &u64)| before.get(*file) != Some(*inode);
    let partition = |(file, _): (&String, &u64)| file.rsplit_once('/').unwrap().0.to_owned();
    let mut partitions: Vec<String> = after.iter().filter(is_other).map(partition).collect();
    partitions.dedup();
    partitions
}

fn version(id: &str, year: i32, updated: i64) -> Claim {
    Claim::new(id).with(|claim| {
        claim.year = Some(year);
        claim.group = Some("g1".to_owned());
        claim.last_updated = Some(updated);
    })
}

fn bystander(year: i32) -> Claim {
    Claim::new(&format!("other{year}")).with(|claim| claim.year = Some(year))
}

#[test]
fn a_claim_that_is_superseded_rewrites_the_partitions_it_touches_and_no_others_in_every_table() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let first = [
        version("a", 2022, 1),
        bystander(2022),
        bystander(2023),
        bystander(2024),
        bystander(2025),
    ];
    load_with(data, 1, &first, false, also_items());
    let before = TABLES.map(|table| inodes(data, table));
    assert_eq!(before.each_ref().map(BTreeMap::len), [4, 4]);
    // The claim that takes its place lies in another year.
    let outcome = load_with(data, 2, &[version("b", 2025, 2)], false, also_items());
    let touched = [
        "eob_type=CARRIER/service_year=2022",
        "eob_type=CARRIER/service_year=2025",
    ];
    for (table, before) in TABLES.into_iter().zip(&before) {
        let after = inodes(data, table);
        assert_eq!(rewritten(before, &after), touched, "{table}");
        assert_eq!(after.len(), 4, "{table}");
    }
    // Two of `eob`, two of `eob_item`; the run's own table is the fifth.
    let written = outcome.tables.iter().map(|table| table.files_written);
    assert_eq!(written.sum::<u64>(), 4);
    let mut items = current_of(data, "eob_item");
    assert_eq!(items.len(), 12);
    items.dedup();
    assert_eq!(items, current_of(data, "eob"));
    assert_eq!(items[..2], ["a false", "b true"]);

    // The whole history at once makes the same files.
    let at_once = tempfile::tempdir().unwrap();
    let all: Vec<Claim> = first.into_iter().chain([version("b", 2025, 2)]).collect();
    load_with(at_once.path(), 1, &all, false, also_items());
    let lakes = [data, at_once.path()].map(|data| bytes(&data.join("lake"), &TABLES));
    assert!(lakes[0] == lakes[1]);
}

#[test]
fn a_lake_of_before_gets_the_column_from_all_of_landing_and_the_deciding_table_stays() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let claims = [
        version("a", 2022, 1),
        version("b", 2025, 2),
        bystander(2022),
    ];
    load_with(data, 1, &claims, false, rule());
    assert_eq!(current_of(data, "eob_item")[0], "a -");
    let before = inodes(data, "eob");

    // Without all of landing, rows that were there have nulls and the table is called stale.
    let more = [version("c", 2025, 3)];
    let outcome = load_with(data, 2, &more, false, also_items());
    assert_eq!(outcome.stale_tables, ["eob_item"]);
    assert_eq!(
        current_of(data, "eob"),
        ["a false", "b false", "c true", "other2022 true"]
    );
    assert_eq!(current_of(data, "eob_item")[4..6], ["c true", "c true"]);

    let all: Vec<Claim> = claims.into_iter().chain(more).collect();
    let unchanged = inodes(data, "eob");
    assert!(before != unchanged);
    let outcome = load_with(data, 3, &all, true, also_items());
    assert!(outcome.changed && outcome.stale_tables.is_empty());
    assert_eq!((outcome.new, outcome.changed_resources), (0, 0));
    assert_eq!(inodes(data, "eob"), unchanged);
    let mut items = current_of(data, "eob_item");
    items.dedup();
    assert_eq!(items, current_of(data, "eob"));
    let at_once = tempfile::tempdir().unwrap();
    load_with(at_once.path(), 1, &all, false, also_items());
    let lakes = [data, at_once.path()].map(|data| bytes(&data.join("lake"), &TABLES));
    assert!(lakes[0] == lakes[1]);
    // Once more: nothing.
    assert!(!load_with(data, 4, &all, true, also_items()).changed);
}

#[test]
fn where_only_the_deciding_table_is_made_anew_rows_that_stay_follow_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let claims = [
        version("a", 2022, 1),
        version("b", 2025, 2),
        bystander(2023),
    ];
    load_with(data, 1, &claims, false, also_items());
    assert_eq!(
        current_of(data, "eob"),
        ["a false", "b true", "other2023 true"]
    );
    let before = inodes(data, "eob_item");
    // The view of `eob` has another column, and finds no group any more; nothing else changed.
    let wider = Staging {
        full: true,
        added_column: true,
        without_groups: true,
        ..Staging::default()
    };
    try_load(data, 2, (&claims, &wider), also_items(), |_| {}).unwrap();
    assert_eq!(
        current_of(data, "eob"),
        ["a true", "b true", "other2023 true"]
    );
    let mut items = current_of(data, "eob_item");
    items.dedup();
    assert_eq!(items, ["a true", "b true", "other2023 true"]);
    let touched = ["eob_type=CARRIER/service_year=2022"];
    assert_eq!(rewritten(&before, &inodes(data, "eob_item")), touched);
}

/// Changes what the manifest of a staged run says of its second table, `eob_item`.
fn edit_items(staged: &Path, edit: impl FnOnce(&mut Vec<serde_json::Value>)) {
    let path = staged.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(manifest["tables"].as_array_mut().unwrap());
    std::fs::write(path, manifest.to_string()).unwrap();
}

#[test]
fn a_table_of_another_resource_type_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let staging = Staging::default();
    let claims = [version("a", 2022, 1)];
    let refused = try_load(
        data.path(),
        1,
        (&claims, &staging),
        also_items(),
        |staged| {
            edit_items(staged, |tables| tables[1]["resource"] = "Coverage".into());
        },
    );
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.starts_with("table 'eob_item': [[current]] also names it, but it is of another"),
        "{refused}"
    );
}

#[test]
fn a_table_without_the_column_that_nothing_is_staged_for_stays_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_with(data, 1, &[version("a", 2022, 1)], false, rule());
    let before = bytes(&data.join("lake"), &["eob_item"]);
    let staging = Staging::default();
    let next = [version("b", 2025, 2)];
    try_load(data, 2, (&next, &staging), also_items(), |staged| {
        edit_items(staged, |tables| tables.truncate(1));
    })
    .unwrap();
    assert_eq!(current_of(data, "eob"), ["a false", "b true"]);
    assert_eq!(bytes(&data.join("lake"), &["eob_item"]), before);
}
