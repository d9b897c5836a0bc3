//! How far columns are filled, what was rejected or not read, whether landing and lake agree.

use super::content::mask::Masking;
use super::content::{ColumnFill, TableFill};
use claimlake_verify::Severity;

use super::ReportData;
use super::figures::{counted, escaped, number, percent};
use crate::plural::grouped;

/// At most this many unread paths and kinds of rejects are shown.
const MAX_ROWS: usize = 60;

/// A strip a table, and every column below it.
pub(super) fn fill(page: &mut String, data: &ReportData) {
    let Some(content) = &data.content else {
        return;
    };
    page.push_str(
        "<h2>How far columns are filled</h2><p class=\"soft small\">A strip is a table, a field in it a column: the \
         fuller, the darker. Open a table for its columns. Columns that one API version or one kind of claim alone \
         has are empty elsewhere: that is no fault.</p>",
    );
    let (with_rows, without): (Vec<&TableFill>, Vec<&TableFill>) =
        content.tables.iter().partition(|table| table.rows > 0);
    for table in with_rows {
        one_table(page, data.masking, table);
    }
    if !without.is_empty() {
        let names: Vec<String> = without.iter().map(|table| escaped(&table.name)).collect();
        page.push_str(&format!(
            "<p class=\"soft\">Without rows: {}.</p>",
            names.join(", ")
        ));
    }
    if !content.unreadable.is_empty() {
        let files = content.unreadable.iter().map(|why| escaped(why));
        let files: Vec<String> = files.collect();
        page.push_str(&format!(
            "<p class=\"wrong\">Files that could not be read and are not counted: {}</p>",
            files.join("; ")
        ));
    }
}

fn one_table(page: &mut String, masking: Masking, table: &TableFill) {
    page.push_str(&format!(
        "<details><summary><b>{}</b><span class=\"n\">{}</span><span class=\"strip\">",
        escaped(&table.name),
        counted(masking, table.rows, "row")
    ));
    for column in &table.columns {
        let name = escaped(&column.name);
        match share(masking, column, table.rows) {
            Some(share) => page.push_str(&format!(
                "<i style=\"opacity:{}\" title=\"{name}\"></i>",
                opacity(column.filled.unwrap_or(0), table.rows, &share)
            )),
            None => page.push_str(&format!("<i class=\"h\" title=\"{name}\"></i>")),
        }
    }
    page.push_str("</span></summary><div class=\"cols\">");
    for column in &table.columns {
        let (figure, width) = match (share(masking, column, table.rows), column.filled) {
            (Some(share), _) => (format!("{share} %"), share),
            (None, None) => ("not reported".into(), "0".into()),
            (None, Some(_)) => ("masked".into(), "0".into()),
        };
        page.push_str(&format!(
            "<div class=\"col\"><span title=\"{}\">{}</span><span class=\"n\">{figure}</span>\
             <div class=\"share\"><i style=\"width:{width}%\"></i></div></div>",
            escaped(&column.data_type),
            escaped(&column.name),
        ));
    }
    page.push_str("</div></details>");
}

/// Filled rows of 100; `None` if that would disclose few.
fn share(masking: Masking, column: &ColumnFill, rows: u64) -> Option<String> {
    let filled = column.filled?;
    (masking.shows(rows) && masking.shows_part(filled, rows))
        .then(|| percent(i128::from(filled), i128::from(rows)))
}

fn opacity(filled: u64, rows: u64, share: &str) -> String {
    match filled {
        0 => "0".into(),
        _ if filled == rows => "1".into(),
        // It is not zero, so it is shown, however small it is.
        _ => format!("calc(.15 + .0075*{share})"),
    }
}

/// Rejects by what is wrong, and paths that no view reads.
pub(super) fn leftovers(page: &mut String, data: &ReportData) {
    let left = &data.leftovers;
    page.push_str("<h2>Rejected</h2>");
    if left.rejects.is_empty() {
        page.push_str("<p>Nothing was rejected: every resource made its rows, every value fitted its column.</p>");
    } else {
        page.push_str("<div class=\"scroll\"><table><tr><th>why<th>resource<th>null cell<th>expected<th class=\"n\">times</tr>");
        let mut kinds: Vec<_> = left.rejects.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (kind, count) in kinds.iter().take(MAX_ROWS) {
            page.push_str(&format!(
                "<tr><td>{}<td>{}<td>{}<td>{}<td class=\"n\">{}</tr>",
                escaped(&kind.reason.replace('_', " ")),
                escaped(&kind.resource),
                escaped(&kind.cell),
                escaped(&kind.types),
                number(data.masking, **count)
            ));
        }
        page.push_str("</table></div>");
        more(page, kinds.len());
    }
    page.push_str("<h2>Not read by any view</h2>");
    if left.unread.is_empty() {
        page.push_str("<p>Nothing: every JSON path of what landed goes into some column.</p>\n");
        return;
    }
    page.push_str("<p class=\"soft small\">The topmost path includes all below it. It stays in landing: a view that reads it, and <code>transform --full</code>, brings it into the tables.</p><div class=\"scroll\"><table><tr><th>API<th>resource<th>path<th class=\"n\">times</tr>");
    for ((api, resource, path), count) in left.unread.iter().take(MAX_ROWS) {
        page.push_str(&format!(
            "<tr><td>{}<td>{}<td>{}<td class=\"n\">{}</tr>",
            escaped(api),
            escaped(resource),
            escaped(path),
            number(data.masking, *count)
        ));
    }
    page.push_str("</table></div>");
    more(page, left.unread.len());
}

fn more(page: &mut String, all: usize) {
    if all > MAX_ROWS {
        let more = grouped((all - MAX_ROWS) as u64);
        page.push_str(&format!("<p class=\"soft\">and {more} more</p>"));
    }
}

/// What `verify` found.
pub(super) fn reconciliation(page: &mut String, data: &ReportData) {
    page.push_str("<h2>Do landing and lake agree?</h2>");
    let Some(checks) = &data.checks else {
        page.push_str("<p class=\"soft\">Not asked: <code>claimlake report --verify</code> recomputes checksums, counts, links and money, and reports here what it found.</p>\n");
        return;
    };
    page.push_str(match checks.holds() {
        true => "<p class=\"ok\"><b>Yes.</b></p>",
        false => "<p class=\"wrong\">No.</p>",
    });
    page.push_str("<div class=\"scroll\"><table><tr><th>outcome<th>compared<th class=\"n\">looked at<th class=\"n\">do not hold</tr>");
    for check in &checks.checks {
        let (class, outcome) = match (check.failed, check.severity) {
            (0, _) => ("ok", "holds"),
            (_, Severity::Hard) => ("wrong", "wrong"),
            (_, Severity::Warning) => ("warn", "warning"),
        };
        page.push_str(&format!(
            "<tr><td class=\"{class} whole\">{outcome}<td>{}<td class=\"n\">{}<td class=\"n\">{}</tr>",
            escaped(&check.what),
            number(data.masking, check.checked),
            number(data.masking, check.failed)
        ));
    }
    page.push_str("</table></div><p class=\"soft small\">Money invariants are warnings: the source itself breaks them at times.</p>\n");
}
