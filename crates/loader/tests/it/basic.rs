//! The first load, the second one, and what a change does.

use std::path::{Path, PathBuf};

use claimlake_contract::NoProgress;
use claimlake_loader::{LoadOptions, LoadOutcome, LoadRequest, load};

use crate::lake_rows::{bytes, files, of, rows};
use crate::staged_runs::{Claim, Staging, run_id, stage};

const TABLES: [&str; 2] = ["eob", "eob_item"];

pub(crate) fn request(lake: &Path, number: u32, staged: &[PathBuf]) -> LoadRequest {
    LoadRequest {
        staged_runs: staged.to_vec(),
        lake: lake.to_path_buf(),
        run: run_id(number),
        options: LoadOptions::default(),
        run_tables: Vec::new(),
        published_at: format!("2026-01-01T00:00:{:02}Z", number % 60),
    }
}

pub(crate) fn load_claims(data: &Path, number: u32, claims: &[Claim]) -> LoadOutcome {
    let staged = stage(data, number, claims, &Staging::default());
    load(&request(&data.join("lake"), number, &[staged]), &NoProgress).unwrap()
}

pub(crate) fn many(count: usize) -> Vec<Claim> {
    (0..count)
        .map(|index| {
            Claim::new(&format!("carrier--{index}")).with(|claim| {
                claim.patient = format!("p{}", index % 7);
                claim.year = (index % 5 > 0).then_some(2020 + (index % 5) as i32);
                claim.eob_type = ["CARRIER", "PDE", "INPATIENT"].get(index % 4).copied();
                claim.day = 19_000 + (index * 37 % 900) as i32;
                claim.items = (index % 4) as i32;
                claim.cents = index as i64 * 101 - 500;
            })
        })
        .collect()
}

#[test]
fn every_staged_row_is_in_its_partition_and_columns_of_the_path_are_not_in_the_file() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(40);
    let outcome = load_claims(data.path(), 1, &claims);
    assert!(outcome.changed);
    assert_eq!((outcome.snapshot, outcome.new), (Some(1), 40));
    let lake = data.path().join("lake");
    let expected: Vec<String> = {
        let mut lines: Vec<String> = claims
            .iter()
            .map(|claim| {
                format!(
                    "{} {} {} {}",
                    claim.id,
                    claim.eob_type.unwrap_or("UNKNOWN"),
                    claim.year.unwrap_or(0),
                    claim.cents
                )
            })
            .collect();
        lines.sort();
        lines
    };
    let eob = rows(&lake, "eob");
    assert_eq!(
        of(&eob, &["eob_id", "eob_type", "service_year", "paid"]),
        expected
    );
    let items: usize = claims.iter().map(|claim| claim.items as usize).sum();
    assert_eq!(rows(&lake, "eob_item").len(), items);
    let file = lake.join("current/eob").join(&files(&lake, "eob")[0]);
    let schema = crate::lake_rows::read(&file)[0].schema();
    assert!(schema.index_of("service_year").is_err());
    assert!(schema.index_of("_landing_order").is_err());
    assert_eq!(
        schema
            .field_with_name("codes")
            .unwrap()
            .data_type()
            .to_string(),
        "List(Utf8, field: 'element')"
    );
}

#[test]
fn rows_are_sorted_and_the_rows_of_a_claim_keep_the_views_order() {
    let data = tempfile::tempdir().unwrap();
    load_claims(data.path(), 1, &many(60));
    let lake = data.path().join("lake");
    for file in files(&lake, "eob_item") {
        let folder = file.parent().unwrap().to_str().unwrap().to_owned();
        let of_file: Vec<_> = rows(&lake, "eob_item")
            .into_iter()
            .filter(|row| {
                folder
                    == format!(
                        "eob_type={}/service_year={}",
                        row["eob_type"], row["service_year"]
                    )
            })
            .collect();
        let keys: Vec<_> = of_file
            .iter()
            .map(|row| {
                let sequence: i64 = row["sequence"].parse().unwrap();
                (
                    row["patient_id"].clone(),
                    row["service_date"].parse::<i64>().unwrap(),
                    row["eob_id"].clone(),
                    -sequence,
                )
            })
            .collect();
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(keys, sorted, "{folder}");
    }
}

#[test]
fn the_same_claims_again_change_nothing_and_write_nothing() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(40);
    load_claims(data.path(), 1, &claims);
    let lake = data.path().join("lake");
    let before = bytes(&lake, &TABLES);
    let outcome = load_claims(data.path(), 2, &claims);
    assert!(!outcome.changed);
    assert_eq!((outcome.snapshot, outcome.unchanged), (Some(1), 40));
    assert_eq!(
        std::fs::read_dir(lake.join("snapshots")).unwrap().count(),
        1
    );
    assert_eq!(bytes(&lake, &TABLES), before);
}

#[test]
fn a_changed_claim_replaces_its_rows_in_every_table_also_when_its_partition_changes() {
    let data = tempfile::tempdir().unwrap();
    let mut claims = many(40);
    load_claims(data.path(), 1, &claims);
    let lake = data.path().join("lake");
    let before = bytes(&lake, &TABLES);
    let (from, to) = (claims[13].clone(), 2031);
    claims[13] = from.clone().with(|claim| {
        claim.last_updated = Some(2_000);
        claim.year = Some(to);
        claim.items = 5;
    });
    let outcome = load_claims(data.path(), 2, &claims[13..14]);
    assert_eq!(
        (outcome.snapshot, outcome.changed_resources, outcome.new),
        (Some(2), 1, 0)
    );
    let mine = |table: &str| -> Vec<_> {
        rows(&lake, table)
            .into_iter()
            .filter(|row| row["eob_id"] == from.id)
            .collect()
    };
    assert_eq!(
        of(&mine("eob"), &["service_year", "codes"]),
        ["2031 c0,c1,c2,c3,c4"]
    );
    assert_eq!(mine("eob_item").len(), 5);
    assert_eq!(rows(&lake, "eob").len(), 40);
    let after = bytes(&lake, &TABLES);
    let untouched = before.keys().filter(|path| {
        !path.contains(&format!(
            "eob_type={}/service_year={}",
            from.eob_type.unwrap(),
            from.year.unwrap()
        ))
    });
    for path in untouched {
        assert_eq!(after.get(path), before.get(path), "{path}");
    }
    // The lake is the one that a single load of all claims makes.
    let other = tempfile::tempdir().unwrap();
    load_claims(other.path(), 1, &claims);
    assert_eq!(bytes(&other.path().join("lake"), &TABLES), after);
}

#[test]
fn the_newest_body_wins_whatever_order_bodies_come_in() {
    let body = |updated: Option<i64>, cents: i64| {
        Claim::new("c1").with(|claim| {
            claim.last_updated = updated;
            claim.cents = cents;
        })
    };
    let paid = |runs: Vec<Vec<Claim>>| {
        let data = tempfile::tempdir().unwrap();
        for (number, claims) in runs.iter().enumerate() {
            load_claims(data.path(), number as u32 + 1, claims);
        }
        of(&rows(&data.path().join("lake"), "eob"), &["paid"])
    };
    let old = || body(Some(5), 100);
    let new = || body(Some(6), 200);
    assert_eq!(paid(vec![vec![old(), new()]]), ["200"]);
    assert_eq!(paid(vec![vec![new(), old()]]), ["200"]);
    assert_eq!(paid(vec![vec![new()], vec![old()]]), ["200"]);
    assert_eq!(paid(vec![vec![old()], vec![new()]]), ["200"]);
    // At a tie the last that landed wins; a body without a time is older than any with one.
    assert_eq!(paid(vec![vec![old(), body(Some(5), 300)]]), ["300"]);
    assert_eq!(paid(vec![vec![old()], vec![body(Some(5), 300)]]), ["300"]);
    assert_eq!(paid(vec![vec![old()], vec![body(None, 400)]]), ["100"]);
}

#[test]
fn a_table_without_rows_can_still_be_read() {
    let data = tempfile::tempdir().unwrap();
    let claims = [Claim::new("c1").with(|claim| claim.items = 0)];
    load_claims(data.path(), 1, &claims);
    let lake = data.path().join("lake");
    assert_eq!(files(&lake, "eob_item").len(), 1);
    assert_eq!(rows(&lake, "eob_item"), []);
    // Once there are rows, the empty file is gone.
    load_claims(data.path(), 2, &[Claim::new("c2")]);
    assert_eq!(files(&lake, "eob_item").len(), 1);
    assert_eq!(rows(&lake, "eob_item").len(), 2);
}
