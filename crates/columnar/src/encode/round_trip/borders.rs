//! Row groups that end at and around the borders of samples and pages, with the limits of tables.

use super::cells::Cell;
use super::footer::checked;
use super::{Limits, batches, columns, plain_file};
use crate::sort::text_limit::MOST_TEXT;

fn limits(group_rows: usize, page_rows: usize) -> Limits {
    Limits {
        file_rows: 1 << 40,
        group_rows,
        page_rows,
        page_bytes: 1_000,
        dictionary_bytes: 9_000,
        most_text: MOST_TEXT,
    }
}

fn texts(rows: usize, kind: usize) -> Vec<Cell> {
    (0..rows)
        .map(|row| match kind {
            // Nobody within the sample.
            0 if row < 2_048 => Cell::Null,
            // Distinct within the sample, the same behind it.
            1 if row >= 2_048 => Cell::Text("same".into()),
            // One in the sample.
            2 if row < 2_048 && row != 7 => Cell::Null,
            3 if row % 3 > 0 => Cell::Null,
            4 => Cell::Null,
            5 => Cell::Text(format!("t{}", row % 70_000)),
            6 => Cell::Text(format!("t{}", row % 300)),
            _ => Cell::Text(format!("text {row}")),
        })
        .collect()
}

#[test]
fn groups_that_end_at_borders_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    for (group, page) in [(4_100, 4_096), (2_048, 2_048), (4_096, 2_000)] {
        let limits = limits(group, page);
        for rows in [2_047, 2_048, 2_049, 4_097] {
            let mut all = columns(rows, (rows * 31 + group) as u64);
            for kind in [0, 1, 2, 6, 7] {
                all[1] = texts(rows, kind);
                let mut names = Vec::new();
                for cuts in [vec![], vec![1, 2_047, 2_048, 2_049, 4_095, 4_096, 5_000]] {
                    number += 1;
                    let file = plain_file(
                        &folder.path().join(number.to_string()),
                        &batches(&all, &cuts, kind % 2 == 0),
                        &limits,
                    );
                    assert!(checked(&file, page) == all, "{group} {page} {rows} {kind}");
                    names.push(file.file_name().unwrap().to_owned());
                }
                assert_eq!(names[0], names[1], "{group} {page} {rows} {kind}");
            }
        }
    }
}
