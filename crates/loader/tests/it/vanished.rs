//! Resources that the source no longer has stay in the lake, and `changes` tells of them once.

use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{IsVanished, LoadOutcome, changes, load};

use crate::basic::{many, request};
use crate::staged_runs::{Claim, Staging, run_id, stage};

fn load_without(data: &Path, number: u32, claims: &[Claim], gone: &'static [&str]) -> LoadOutcome {
    let staged = stage(data, number, claims, &Staging::default());
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.vanished = IsVanished::new(|resource| gone.contains(&resource.resource_id));
    load(&request, &NoProgress).unwrap()
}

fn told(data: &Path, number: u32) -> Vec<(String, String)> {
    let mut told: Vec<_> = changes(&data.join("lake"), None)
        .unwrap()
        .map(Result::unwrap)
        .filter(|change| change.run == run_id(number).as_str())
        .map(|change| (change.kind, change.resource_id))
        .collect();
    told.sort();
    told
}

#[test]
fn a_resource_that_vanished_is_told_once_and_its_rows_stay() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(6);
    let gone: &'static [&str] = vec![&*claims[0].id.clone().leak()].leak();
    let first = load_without(data.path(), 1, &claims[..4], &[]);
    let second = load_without(data.path(), 2, &claims[4..5], gone);
    assert_eq!(
        told(data.path(), 2),
        [
            ("new".to_owned(), claims[4].id.to_string()),
            ("vanished".to_owned(), claims[0].id.to_string()),
        ]
    );
    let rows = |outcome: &LoadOutcome| {
        let eob = outcome.tables.iter().find(|table| table.name == "eob");
        eob.unwrap().rows
    };
    assert_eq!((rows(&first), rows(&second)), (4, 5));
    load_without(data.path(), 3, &claims[5..], gone);
    assert_eq!(
        told(data.path(), 3),
        [("new".to_owned(), claims[5].id.to_string())]
    );
}
