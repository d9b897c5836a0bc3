//! The counts as a page. Small counts are not masked: the page is PHI.

use chrono::{DateTime, Utc};
use claimlake_compare::{ColumnCounts, KindCounts, Which};

use super::Compared;
use crate::command::report::{CSS, escaped};
use crate::plural::grouped;

/// The whole file.
pub(super) fn page(compared: &Compared, now: DateTime<Utc>) -> String {
    let found = &compared.found;
    let phi = "holds protected health information: small counts are not masked; keep it as you keep the lake";
    let mut page = format!(
        "<!doctype html><!-- This page {phi}. -->\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>claimlake: two lakes compared</title><style>{CSS}</style></head><body><main>\
         <p class=\"phi yes\">This page {phi}.</p>\n<h1>Two lakes compared</h1>\
         <p class=\"soft\">left: {left}, snapshot {left_snapshot} of {left_at}<br>right: {right}, snapshot \
         {right_snapshot} of {right_at}<br>generated {now}</p>\n",
        left = escaped(&compared.left),
        left_snapshot = found.left.snapshot,
        left_at = escaped(&found.left.published_at),
        right = escaped(&compared.right),
        right_snapshot = found.right.snapshot,
        right_at = escaped(&found.right.published_at),
        now = now.format("%Y-%m-%d %H:%M UTC"),
    );
    let verdict = match found.differs() {
        true => "<p class=\"wrong\">Money or claims differ.</p>",
        false => "<p class=\"ok\">Neither money nor claims differ.</p>",
    };
    page.push_str(verdict);
    page.push_str(&format!(
        "<p>People: {} in both lakes, {} only left, {} only right.</p>\n",
        grouped(found.persons.both),
        grouped(found.persons.only_left),
        grouped(found.persons.only_right)
    ));
    claims(&mut page, compared);
    reasons(&mut page, compared);
    differences(&mut page, compared);
    of_one(&mut page, compared);
    page.push_str("<footer>Made by claimlake. Nothing in this file is fetched from anywhere.</footer></main></body></html>\n");
    page
}

fn head(page: &mut String, title: &str, columns: &[(&str, bool)]) {
    page.push_str(&format!(
        "<h2>{title}</h2><div class=\"scroll\"><table><tr>"
    ));
    for (column, is_number) in columns {
        let class = if *is_number { " class=\"n\"" } else { "" };
        page.push_str(&format!("<th{class}>{column}</th>"));
    }
    page.push_str("</tr>\n");
}

fn cells(page: &mut String, texts: &[&str], numbers: &[String]) {
    page.push_str("<tr>");
    for text in texts {
        page.push_str(&format!("<td>{}</td>", escaped(text)));
    }
    for number in numbers {
        page.push_str(&format!("<td class=\"n\">{number}</td>"));
    }
    page.push_str("</tr>\n");
}

const END: &str = "</table></div>\n";

fn claims(page: &mut String, compared: &Compared) {
    let columns = [
        ("type", false),
        ("left", true),
        ("right", true),
        ("certain", true),
        ("likely", true),
        ("ambiguous left", true),
        ("ambiguous right", true),
        ("only left", true),
        ("only right", true),
    ];
    head(page, "Claims", &columns);
    for (name, kind) in &compared.found.kinds {
        let numbers = [
            kind.left,
            kind.right,
            kind.certain,
            kind.likely,
            kind.ambiguous_left,
            kind.ambiguous_right,
            kind.only(Which::Left),
            kind.only(Which::Right),
        ];
        cells(page, &[name], &numbers.map(grouped));
    }
    page.push_str(END);
}

fn reasons(page: &mut String, compared: &Compared) {
    head(
        page,
        "In one lake only",
        &[
            ("type", false),
            ("lake", false),
            ("reason", false),
            ("claims", true),
        ],
    );
    for (name, kind) in &compared.found.kinds {
        let KindCounts {
            only_left,
            only_right,
            ..
        } = kind;
        for (lake, reasons) in [("left", only_left), ("right", only_right)] {
            for (reason, count) in reasons {
                cells(page, &[name, lake, reason], &[grouped(*count)]);
            }
        }
    }
    page.push_str(END);
}

fn differences(page: &mut String, compared: &Compared) {
    let columns = [
        ("difference", false),
        ("type", false),
        ("column", false),
        ("meaning", false),
        ("differ", true),
        ("compared", true),
        ("sum left", true),
        ("sum right", true),
    ];
    head(page, "Paired claims", &columns);
    let mut rows: Vec<(claimlake_compare::Class, &ColumnCounts, u64)> = Vec::new();
    for column in &compared.found.columns {
        rows.extend(
            column
                .classes
                .iter()
                .map(|(class, count)| (*class, column, *count)),
        );
    }
    rows.sort_by_key(|(class, _, count)| (*class, std::cmp::Reverse(*count)));
    for (class, column, count) in rows {
        let name = match &column.column {
            Some(name) => format!("{}.{name}", column.table),
            None => column.table.clone(),
        };
        let meanings = &compared.rules.classes.meanings;
        let meaning = column.column.as_ref().and_then(|name| meanings.get(name));
        let sums = match (class, column.cents) {
            (claimlake_compare::Class::Money, Some(cents)) => {
                cents.map(crate::command::report::decimal)
            }
            _ => [String::new(), String::new()],
        };
        let compared = match column.column {
            Some(_) => grouped(column.compared),
            None => String::new(),
        };
        let [left, right] = sums;
        cells(
            page,
            &[
                class.words(),
                &column.kind,
                &name,
                meaning.map_or("", String::as_str),
            ],
            &[grouped(count), compared, left, right],
        );
    }
    page.push_str(END);
}

fn of_one(page: &mut String, compared: &Compared) {
    if compared.found.columns_of_one.is_empty() {
        return;
    }
    head(
        page,
        "Columns that only one lake has",
        &[("column", false), ("lake", false)],
    );
    for column in &compared.found.columns_of_one {
        let name = format!("{}.{}", column.table, column.column);
        cells(page, &[&name, column.lake], &[]);
    }
    page.push_str(END);
}

#[cfg(test)]
mod tests {
    use claimlake_compare::{Comparison, KindCounts};

    use super::*;
    use crate::pipeline::compare_rules;

    #[test]
    fn names_from_outside_are_escaped() {
        let mut found = Comparison::default();
        let name = "<script>alert(1)</script>";
        found.kinds.insert(name.into(), KindCounts::default());
        let compared = Compared {
            left: "a&b<i>".into(),
            right: "\"r\"".into(),
            rules: compare_rules().unwrap(),
            found,
        };
        let page = page(&compared, DateTime::UNIX_EPOCH);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("a&amp;b&lt;i&gt;"));
        assert!(page.contains("Neither money nor claims differ"));
    }
}
