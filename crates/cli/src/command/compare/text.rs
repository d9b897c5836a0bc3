//! The counts as text, for a terminal of any width or a pipe.

use std::collections::BTreeMap;

use claimlake_compare::{Class, ColumnCounts, KindCounts, Which};

use super::Compared;
use crate::plural::grouped;
use crate::terminal_layout::TerminalLayout;

/// The columns of the table of claims.
const HEADER: [&str; 8] = [
    "type",
    "left",
    "right",
    "certain",
    "likely",
    "ambiguous",
    "only left",
    "only right",
];

type Row = [String; 8];

/// The whole page.
pub(super) fn page(compared: &Compared) -> String {
    let mut page = TerminalLayout::for_stdout();
    write(&mut page, compared);
    page.into_text()
}

fn write(page: &mut TerminalLayout, compared: &Compared) {
    let found = &compared.found;
    for (label, name, side) in [
        ("left", &compared.left, &found.left),
        ("right", &compared.right, &found.right),
    ] {
        page.label(label).say(&format!(
            "{name}, snapshot {} of {}",
            side.snapshot, side.published_at
        ));
    }
    let persons = found.persons;
    page.label("people").say(&format!(
        "{} in both, {} only left, {} only right",
        grouped(persons.both),
        grouped(persons.only_left),
        grouped(persons.only_right)
    ));
    claims(page, &found.kinds);
    reasons(page, "only left", &found.kinds, |kind| &kind.only_left);
    reasons(page, "only right", &found.kinds, |kind| &kind.only_right);
    differences(page, &found.columns);
    for (label, lake) in [("left has", "left"), ("right has", "right")] {
        let columns = found
            .columns_of_one
            .iter()
            .filter(|column| column.lake == lake);
        let names: Vec<String> = columns
            .map(|one| format!("{}.{}", one.table, one.column))
            .collect();
        if !names.is_empty() {
            page.label(label).say(&format!(
                "columns that are not compared: {}",
                names.join(", ")
            ));
        }
    }
}

/// A table of claim types, or where there is no room for it a paragraph for each.
fn claims(page: &mut TerminalLayout, kinds: &BTreeMap<String, KindCounts>) {
    let mut rows: Vec<Row> = kinds.iter().map(|(name, kind)| row(name, kind)).collect();
    if rows.len() > 1 {
        rows.push(total(kinds));
    }
    page.label("claims");
    if rows.is_empty() {
        page.say("none in either lake");
        return;
    }
    let widths: Vec<usize> = (0..HEADER.len())
        .map(|column| {
            let texts = rows.iter().map(|row| row[column].len());
            texts.fold(HEADER[column].len(), usize::max)
        })
        .collect();
    let fits = |gap: &usize| widths.iter().sum::<usize>() + gap * (widths.len() - 1) <= page.room();
    let Some(gap) = [2, 1].into_iter().find(fits) else {
        for [
            name,
            left,
            right,
            certain,
            likely,
            ambiguous,
            only_left,
            only_right,
        ] in rows
        {
            page.say(&name);
            page.say(&format!(
                "  {left} left, {right} right: {certain} certain, {likely} likely, {ambiguous} ambiguous, {only_left} \
                 only left, {only_right} only right"
            ));
        }
        return;
    };
    let mut line = |row: &[String]| {
        let mut text = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            text.push_str(&format!("{:gap$}{cell:>width$}", ""));
        }
        page.line(&text);
    };
    line(&HEADER.map(str::to_owned));
    for row in &rows {
        line(row);
    }
}

fn row(name: &str, kind: &KindCounts) -> Row {
    let ambiguous = match kind.ambiguous_left + kind.ambiguous_right {
        0 => "0".into(),
        _ => format!(
            "{}+{}",
            grouped(kind.ambiguous_left),
            grouped(kind.ambiguous_right)
        ),
    };
    [
        if name.is_empty() {
            "other".into()
        } else {
            name.into()
        },
        grouped(kind.left),
        grouped(kind.right),
        grouped(kind.certain),
        grouped(kind.likely),
        ambiguous,
        grouped(kind.only(Which::Left)),
        grouped(kind.only(Which::Right)),
    ]
}

fn total(kinds: &BTreeMap<String, KindCounts>) -> Row {
    let mut sum = KindCounts::default();
    for kind in kinds.values() {
        sum.left += kind.left;
        sum.right += kind.right;
        sum.certain += kind.certain;
        sum.likely += kind.likely;
        sum.ambiguous_left += kind.ambiguous_left;
        sum.ambiguous_right += kind.ambiguous_right;
        *sum.only_left.entry(String::new()).or_default() += kind.only(Which::Left);
        *sum.only_right.entry(String::new()).or_default() += kind.only(Which::Right);
    }
    row("all", &sum)
}

fn reasons(
    page: &mut TerminalLayout,
    label: &'static str,
    kinds: &BTreeMap<String, KindCounts>,
    of: impl Fn(&KindCounts) -> &BTreeMap<String, u64>,
) {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in kinds.values().flat_map(of) {
        *sums.entry(reason).or_default() += count;
    }
    if sums.is_empty() {
        return;
    }
    let words = sums
        .iter()
        .map(|(reason, count)| format!("{} {reason}", grouped(*count)));
    page.label(label).say(&words.collect::<Vec<_>>().join(", "));
}

/// Differences of paired claims: the weightiest kind first, all types of claims together.
fn differences(page: &mut TerminalLayout, columns: &[ColumnCounts]) {
    let mut sums: BTreeMap<(Class, String), (u64, u64)> = BTreeMap::new();
    for column in columns {
        let name = match &column.column {
            Some(name) => format!("{}.{name}", column.table),
            None => column.table.clone(),
        };
        for (class, count) in &column.classes {
            let sum = sums.entry((*class, name.clone())).or_default();
            sum.0 += count;
            sum.1 += column.compared;
        }
    }
    page.label("paired");
    if sums.is_empty() {
        page.say("paired claims do not differ");
        return;
    }
    for class in Class::ALL {
        let of_class = sums.iter().filter(|((one, _), _)| *one == class);
        let mut of_class: Vec<_> = of_class
            .map(|((_, name), counts)| (name, *counts))
            .collect();
        of_class.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
        if of_class.is_empty() {
            continue;
        }
        page.say(class.words());
        for (name, (count, compared)) in of_class {
            let of = match compared {
                0 => String::new(),
                _ => format!(" of {}", grouped(compared)),
            };
            page.pair(
                &format!("  {name}"),
                46,
                &format!("{:>9}{of}", grouped(count)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use claimlake_compare::{Class, ColumnCounts, Comparison, KindCounts};

    use super::*;
    use crate::pipeline::compare_rules;

    fn compared() -> Compared {
        let mut found = Comparison::default();
        found.left.snapshot = 4;
        found.left.published_at = "2026-11-23T16:40:12Z".into();
        found.persons.both = 29;
        found.persons.only_right = 1;
        let kind = KindCounts {
            left: 1_600,
            right: 1_642,
            certain: 1_580,
            likely: 12,
            ambiguous_left: 2,
            ambiguous_right: 3,
            only_left: BTreeMap::from([("unknown".into(), 6)]),
            only_right: BTreeMap::from([("Part 2".into(), 10), ("shared system".into(), 37)]),
        };
        found.kinds.insert("CARRIER".into(), kind);
        found.columns.push(ColumnCounts {
            kind: "CARRIER".into(),
            table: "claim_line".into(),
            column: Some("patient_responsibility_amount".into()),
            compared: 4_100,
            classes: BTreeMap::from([(Class::Money, 7), (Class::MoneyMissing, 1_203)]),
            cents: Some([100, 200]),
        });
        Compared {
            left: "data/v2".into(),
            right: "data/v3".into(),
            rules: compare_rules().unwrap(),
            found,
        }
    }

    fn of_width(width: usize) -> String {
        let mut page = TerminalLayout::of_width(width);
        write(&mut page, &compared());
        page.into_text()
    }

    #[test]
    fn a_wide_terminal_shows_a_table() {
        let text = of_width(100);
        assert!(
            text.contains(
                "type      left  right  certain  likely  ambiguous  only left  only right\n"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "CARRIER  1,600  1,642    1,580      12        2+3          6          47\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("only right 10 Part 2, 37 shared system\n"),
            "{text}"
        );
        assert!(
            text.contains("claim_line.patient_responsibility_amount"),
            "{text}"
        );
    }

    #[test]
    fn nothing_is_wider_than_forty_columns() {
        let text = of_width(40);
        let is_name = |line: &&str| line.trim() == "claim_line.patient_responsibility_amount";
        for line in text.lines().filter(|line| !is_name(line)) {
            assert!(line.chars().count() <= 40, "{line:?} in\n{text}");
        }
        let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("1,600 left, 1,642 right: 1,580 certain, 12 likely, 2+3 ambiguous, 6 only left, 47 only right"), "{text}");
    }
}
