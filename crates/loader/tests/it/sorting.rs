//! Spilling, rolling, and that neither batches nor memory show in the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claimlake_contract::NoProgress;
use claimlake_loader::{LoadOptions, load, read_manifest};
use proptest::prelude::*;

use crate::basic::{many, request};
use crate::current::rule;
use crate::lake_rows::{bytes, rows};
use crate::staged_runs::{Claim, Staging, stage};

const TABLES: [&str; 2] = ["eob", "eob_item"];

fn person_in_lake(
    runs: &[(Vec<Claim>, usize)],
    options: &LoadOptions,
) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    for (number, (claims, rows_per_batch)) in runs.iter().enumerate() {
        let staging = Staging {
            rows_per_batch: *rows_per_batch,
            ..Staging::default()
        };
        let number = number as u32 + 1;
        let staged: PathBuf = stage(data.path(), number, claims, &staging);
        let mut request = request(&lake, number, &[staged]);
        request.options = options.clone();
        load(&request, &NoProgress).unwrap();
    }
    let bytes = bytes(&lake, &TABLES);
    (data, bytes)
}

#[test]
fn a_load_that_spills_every_batch_writes_the_same_files() {
    let claims = many(600);
    let in_memory = person_in_lake(&[(claims.clone(), 100)], &LoadOptions::default()).1;
    let spilling = LoadOptions {
        memory_bytes: 1,
        ..LoadOptions::default()
    };
    // More batches than runs are merged at once.
    let spilled = person_in_lake(&[(claims, 5)], &spilling).1;
    assert_eq!(in_memory, spilled);
}

#[test]
fn staged_streams_and_staged_files_make_the_same_lake() {
    let claims = many(200);
    let lake = |streams, rows_per_batch| {
        let data = tempfile::tempdir().unwrap();
        let staging = Staging {
            streams,
            rows_per_batch,
            ..Staging::default()
        };
        let staged = stage(data.path(), 1, &claims, &staging);
        let lake = data.path().join("lake");
        load(&request(&lake, 1, &[staged]), &NoProgress).unwrap();
        bytes(&lake, &TABLES)
    };
    let files = lake(false, 50);
    assert!(files.len() > 2);
    assert_eq!(files, lake(true, 50));
    assert_eq!(files, lake(true, 7));
}

#[test]
fn files_end_by_rows_and_keep_their_order() {
    let options = LoadOptions {
        target_file_rows: Some(7),
        row_group_rows: 3,
        ..LoadOptions::default()
    };
    let claims = many(300);
    let (data, in_one) = person_in_lake(&[(claims.clone(), 50)], &options);
    let manifest = read_manifest(&data.path().join("lake/current")).unwrap();
    let eob = manifest
        .tables
        .iter()
        .find(|table| table.layout.name == "eob")
        .unwrap();
    assert!(eob.files.iter().all(|file| file.rows <= 7));
    let partition = |path: &str| Path::new(path).parent().unwrap().to_path_buf();
    let last_of: Vec<bool> = (0..eob.files.len())
        .map(|index| {
            let next = eob.files.get(index + 1);
            next.is_none_or(|next| partition(&next.path) != partition(&eob.files[index].path))
        })
        .collect();
    for (file, is_last) in eob.files.iter().zip(last_of) {
        assert!(is_last || file.rows == 7, "{} {}", file.path, file.rows);
    }
    // Brought up to date in pieces, partitions of several files come out the same.
    let (first, second) = claims.split_at(120);
    let in_two = person_in_lake(&[(second.to_vec(), 9), (first.to_vec(), 50)], &options).1;
    assert_eq!(in_one, in_two);
}

#[test]
fn only_the_named_columns_have_bloom_filters_and_the_sort_is_in_the_footer() {
    let (data, _) = person_in_lake(&[(many(50), 10)], &LoadOptions::default());
    let lake = data.path().join("lake");
    for file in crate::lake_rows::files(&lake, "eob") {
        let opened = std::fs::File::open(lake.join("current/eob").join(file)).unwrap();
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(opened).unwrap();
        let group = reader.metadata().row_group(0);
        for column in group.columns() {
            let name = column.column_path().string();
            assert_eq!(
                column.bloom_filter_offset().is_some(),
                name == "eob_id",
                "{name}"
            );
            assert!(column.column_index_offset().is_some(), "{name}");
        }
        let sorted: Vec<String> = group
            .sorting_columns()
            .unwrap()
            .iter()
            .map(|sorting| {
                group
                    .column(sorting.column_idx as usize)
                    .column_path()
                    .string()
            })
            .collect();
        assert_eq!(sorted, ["patient_id", "service_date", "eob_id"]);
        assert_eq!(
            reader.metadata().file_metadata().created_by(),
            Some("claimlake")
        );
    }
}

fn claim() -> impl Strategy<Value = Claim> {
    let shape = (0..12u8, 0..3u8, 0..4u8, 0..3i32, 0..5i32, any::<bool>());
    shape.prop_map(|(id, patient, year, day, items, active)| {
        Claim::new(&format!("c{id}")).with(|claim| {
            claim.patient = format!("p{patient}");
            claim.year = (year > 0).then_some(2020 + i32::from(year));
            claim.day = day;
            claim.items = items;
            claim.status = if active { "active" } else { "cancelled" };
            claim.group = (id % 3 > 0).then(|| format!("g{}", id % 3));
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_lake_is_the_same_whatever_batches_the_bodies_come_in(
        claims in prop::collection::vec(claim(), 1..40),
        cuts in prop::collection::vec(0usize..40, 0..4),
        rows_per_batch in 1usize..20,
        seed in any::<u64>(),
    ) {
        // No two bodies of one id have the same time.
        let claims: Vec<Claim> = claims
            .into_iter()
            .enumerate()
            .map(|(index, claim)| claim.with(|claim| claim.last_updated = Some(index as i64)))
            .collect();
        let options = LoadOptions { current: vec![rule()], ..LoadOptions::default() };
        let at_once = person_in_lake(&[(claims.clone(), 7)], &options);
        let mut shuffled = claims;
        let mut state = seed | 1;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, (state >> 33) as usize % (index + 1));
        }
        let mut borders: Vec<usize> = cuts.into_iter().map(|cut| cut % shuffled.len()).collect();
        borders.extend([0, shuffled.len()]);
        borders.sort_unstable();
        let runs: Vec<_> = borders
            .windows(2)
            .map(|border| (shuffled[border[0]..border[1]].to_vec(), rows_per_batch))
            .collect();
        let in_pieces = person_in_lake(&runs, &options);
        prop_assert_eq!(
            rows(&at_once.0.path().join("lake"), "eob"),
            rows(&in_pieces.0.path().join("lake"), "eob")
        );
        prop_assert_eq!(at_once.1, in_pieces.1);
    }
}
