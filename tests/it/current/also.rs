//! What is current, in the tables for questions: the same as in `eob`, and rewritten as little.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::bodies::{body, said};
use super::lands;
use crate::command::Bench;
use crate::lake_rows::parquet_files;

/// The tables of `also` in the pipelines.
pub(super) const TABLES: [&str; 7] = [
    "claim",
    "claim_diagnosis",
    "claim_line",
    "claim_procedure",
    "claim_provider",
    "part_d_event",
    "prior_authorization_line",
];

/// The files of a table by their paths within it, each with its inode: one that is linked keeps it.
pub(super) fn inodes(lake: &Path, table: &str) -> BTreeMap<String, u64> {
    let folder = lake.join("current").join(table).canonicalize().unwrap();
    let files = parquet_files(&folder).into_iter();
    files
        .map(|file| {
            let name = file.strip_prefix(&folder).unwrap().display().to_string();
            (name, std::fs::metadata(file).unwrap().ino())
        })
        .collect()
}

/// The partitions of a table that have another file than before.
fn rewritten(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeSet<String> {
    let is_other = |(file, inode): &(&String, &u64)| before.get(*file) != Some(*inode);
    let partition = |(file, _): (&String, &u64)| {
        let folder = file.rsplit_once('/').unwrap().0;
        folder.replace("eob_type=", "").replace("service_year=", "")
    };
    after.iter().filter(is_other).map(partition).collect()
}

#[test]
fn a_claim_that_another_one_replaces_rewrites_the_partitions_of_both_and_no_others() {
    let bench = Bench::new();
    let lake = bench.path().join("d/lake");
    let land = |lines: &[&str]| {
        let bodies: Vec<_> = lines.iter().map(|line| body(0, line)).collect();
        lands(&bench, &["--data", "d"], &bodies);
    };
    let earlier = "from=2023-05-01 thru=2023-05-02";
    land(&[
        "v3 s at=1 system=SharedSystem final=FinalAction type=DME",
        "v3 o at=1 type=PDE code=1 system=DDPS from=2024-12-31 thru=2024-12-31",
        &format!("v3 x at=1 ccn=7 final=FinalAction type=DME {earlier}"),
        &format!("v3 y at=1 ccn=8 final=FinalAction type=CARRIER {earlier}"),
        &format!("v3 z at=1 ccn=9 type=PDE code=1 {earlier}"),
    ]);
    let tables = ["eob", "claim", "claim_line", "part_d_event"];
    let before = tables.map(|table| inodes(&lake, table));
    // The claim of the national history is of another type, the adjusted event of another year:
    // what they replace did not come again.
    land(&[
        "v3 n at=2 system=NationalClaimsHistory final=FinalAction",
        "v3 p at=2 type=PDE code=2 system=DDPS from=2024-12-31 thru=2025-01-01",
    ]);
    let claims = ["CARRIER/2024", "DME/2024"];
    let events = ["PDE/2024", "PDE/2025"];
    let both = [claims, events].concat();
    let expected: [&[&str]; 4] = [&both, &both, &claims, &events];
    for ((table, before), expected) in tables.into_iter().zip(&before).zip(expected) {
        let after = inodes(&lake, table);
        let rewritten = rewritten(before, &after);
        assert!(rewritten.iter().eq(expected), "{table}: {rewritten:?}");
        assert!(after.len() > expected.len(), "{table}: nothing could stay");
    }
    let mut claims = said(&lake, "claim");
    claims.sort();
    let current = claims.iter().map(|(key, current)| (key.as_str(), *current));
    assert_eq!(
        current.collect::<Vec<_>>(),
        [
            ("v3 0n", Some(true)),
            ("v3 0o", Some(false)),
            ("v3 0p", Some(true)),
            ("v3 0s", Some(false)),
            ("v3 0x", Some(true)),
            ("v3 0y", Some(true)),
            ("v3 0z", Some(true)),
        ]
    );
}
