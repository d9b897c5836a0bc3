//! Who paid what for kinds of claims that have a table of their own, by year.

use super::content::{Cell, ClaimsOfType, LakeContent, Payments};
use super::figures::{self, escaped};
use super::{Line, ReportData, claims};
use crate::plural::grouped;

/// One section for each such kind.
pub(super) fn section(page: &mut String, data: &ReportData) {
    let Some(content) = &data.content else {
        return;
    };
    for payments in &content.payments {
        let apis = content.claims.people.keys();
        let with_claims: Vec<_> = apis
            .map(|api| (api, payments.of_api(api)))
            .filter(|(_, sums)| !sums.is_empty())
            .collect();
        if with_claims.is_empty() {
            continue;
        }
        page.push_str(&format!(
            "<h2>{}: who paid what</h2><p class=\"soft small\">{} By the year of the first day of service. \
             What no claim states is not known, and not 0.</p>",
            escaped(&payments.columns.name),
            escaped(&payments.columns.note),
        ));
        for (api, sums) in with_claims {
            if content.claims.people.len() > 1 {
                page.push_str(&format!("<h3>API {}</h3>", escaped(api)));
            }
            table(page, data, &sums);
        }
    }
}

/// A table with a row for each year and a column for each amount.
fn table(page: &mut String, data: &ReportData, sums: &[(&str, &ClaimsOfType)]) {
    let names: Vec<String> = sums.iter().map(|(name, _)| escaped(name)).collect();
    page.push_str(&format!(
        "<div class=\"scroll\"><table><tr><th>year<th class=\"n\">claims<th class=\"n\">{}</tr>",
        names.join("<th class=\"n\">")
    ));
    // By amount, then by year: with the same years, as all amounts are of the same claims.
    let columns: Vec<Vec<(String, Cell)>> = sums.iter().map(|(_, sum)| by_year(sum)).collect();
    let Some(first) = columns.first() else {
        return;
    };
    let cells = |column: &[(String, Cell)]| -> Vec<Cell> {
        column.iter().map(|(_, cell)| cell.clone()).collect()
    };
    let is_shown = data.masking.shown_of_sum(&cells(first));
    let has_money: Vec<Vec<bool>> = columns
        .iter()
        .map(|column| data.masking.money_of_sum(&cells(column)))
        .collect();
    for (at, (year, cell)) in first.iter().enumerate() {
        let claims = match is_shown[at] {
            true => grouped(cell.claims),
            false => figures::HIDDEN.into(),
        };
        page.push_str(&format!("<tr><td>{year}<td class=\"n\">{claims}"));
        for (column, has_money) in columns.iter().zip(&has_money) {
            let paid = column
                .get(at)
                .map(|(_, cell)| paid(data, cell, has_money[at]));
            page.push_str(&format!("<td class=\"n\">{}", paid.unwrap_or_default()));
        }
        page.push_str("</tr>");
    }
    if first.len() > 1 {
        total(page, data, sums);
    }
    page.push_str("</table></div>\n");
}

fn total(page: &mut String, data: &ReportData, sums: &[(&str, &ClaimsOfType)]) {
    let Some((_, first)) = sums.first() else {
        return;
    };
    let is_shown = data.masking.shows_cell(&first.total);
    let claims = match is_shown {
        true => grouped(first.total.claims),
        false => figures::HIDDEN.into(),
    };
    page.push_str(&format!("<tr><th>all<td class=\"n\">{claims}"));
    for (_, sum) in sums {
        let paid = paid(data, &sum.total, is_shown);
        page.push_str(&format!("<td class=\"n\">{paid}"));
    }
    page.push_str("</tr>");
}

/// The cells of each year, in their order; claims without a date come last.
pub(super) fn by_year(sum: &ClaimsOfType) -> Vec<(String, Cell)> {
    let years = sum.years().into_iter();
    let mut years: Vec<(String, Cell)> = years
        .map(|(year, cell)| (year.year.to_string(), cell))
        .collect();
    if sum.undated.claims > 0 {
        years.push(("no date".into(), sum.undated.clone()));
    }
    years
}

/// Money that may be shown: what is stated, of how many claims where some state nothing.
fn paid(data: &ReportData, cell: &Cell, is_shown: bool) -> String {
    if cell.paid_cents().is_some() && !is_shown {
        return figures::HIDDEN.into();
    }
    let paid = figures::paid(data.masking, cell);
    match figures::paid_of(data.masking, cell).filter(|_| is_shown) {
        Some(of_some) => format!("{paid} ({of_some})"),
        None => paid,
    }
}

/// What was paid, for the terminal: by Medicare, then for each of these kinds.
pub(super) fn lines(data: &ReportData) -> Vec<Line> {
    let Some(content) = &data.content else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for api in content.claims.people.keys() {
        let of_medicare = claims::total_of_medicare(content, api);
        if of_medicare.claims > 0 {
            let paid = paid(data, &of_medicare, data.masking.shows_cell(&of_medicare));
            lines.push(format!("by Medicare: {paid} ({api})"));
        }
        let payments = content.payments.iter();
        lines.extend(payments.filter_map(|payments| of_payments(data, payments, api)));
    }
    lines.extend(left_out(data, content));
    let labels = std::iter::once("paid").chain(std::iter::repeat(""));
    let lines = labels.zip(lines);
    lines.map(|(label, text)| Line { label, text }).collect()
}

fn of_payments(data: &ReportData, payments: &Payments, api: &str) -> Option<String> {
    let sums = payments.of_api(api);
    let (_, first) = sums.first()?;
    let is_shown = data.masking.shows_cell(&first.total);
    let sums: Vec<String> = sums
        .iter()
        .map(|(name, sum)| format!("{name} {}", paid(data, &sum.total, is_shown)))
        .collect();
    Some(format!(
        "{}: {} ({api})",
        payments.columns.name,
        sums.join(", ")
    ))
}

fn left_out(data: &ReportData, content: &LakeContent) -> Option<String> {
    (content.left_out > 0).then(|| {
        let claims = figures::counted(data.masking, content.left_out, "current claim");
        format!("left out: {claims} {}", content.left_out_why)
    })
}
