//! Claims and money by kind, over time: a row of bars for each kind.

use std::collections::BTreeMap;

use super::content::mask::Masking;
use super::content::{Cell, ClaimsOfType, LakeContent, Month, Payments};

use super::ReportData;
use super::figures::{self, dollars, escaped, number, part, percent};
use crate::plural::{self, counted};

/// The most years named below the bars.
const MAX_YEARS: usize = 8;

/// Bars of one width: months or years, without a gap.
struct Axis {
    periods: Vec<Month>,
    is_yearly: bool,
}

/// All claims of one API version.
pub(super) fn total(content: &LakeContent, api: &str) -> Cell {
    let mut total = Cell::default();
    of_api(content, api).for_each(|(_, claims)| total.add(&claims.total));
    total
}

/// The claims that Medicare itself pays, without kinds whose payments are in another table.
pub(super) fn total_of_medicare(content: &LakeContent, api: &str) -> Cell {
    let mut total = Cell::default();
    of_api(content, api)
        .filter(|(kind, claims)| elsewhere(content, kind, claims).is_none())
        .for_each(|(_, claims)| total.add(&claims.total));
    total
}

/// The table that has the money of a kind whose claims state none.
fn elsewhere<'c>(
    content: &'c LakeContent,
    kind: &str,
    claims: &ClaimsOfType,
) -> Option<&'c Payments> {
    let mut payments = content.payments.iter();
    let payments = payments.find(|payments| payments.columns.kind == kind);
    payments.filter(|_| claims.total.with_payment == 0)
}

fn of_api<'c>(
    content: &'c LakeContent,
    api: &'c str,
) -> impl Iterator<Item = (&'c str, &'c ClaimsOfType)> {
    let kinds = content.claims.kinds.iter();
    kinds
        .filter(move |((one, _), _)| one == api)
        .map(|((_, kind), claims)| (kind.as_str(), claims))
}

/// The section.
pub(super) fn section(page: &mut String, data: &ReportData) {
    let Some(content) = &data.content else {
        return;
    };
    page.push_str("<h2>What Medicare paid, by kind of claim</h2>");
    if content.claims.kinds.is_empty() {
        page.push_str("<p class=\"soft\">There are no claims in this lake.</p>\n");
        return;
    }
    if content.not_current > 0 {
        page.push_str(&format!(
            "<p>Only current versions are added up; {} superseded or cancelled ones are left out.</p>",
            number(data.masking, content.not_current)
        ));
    }
    if content.left_out > 0 {
        page.push_str(&format!(
            "<p>Left out of all sums: {} {}.</p>",
            figures::counted(data.masking, content.left_out, "current claim"),
            escaped(&content.left_out_why)
        ));
    }
    for api in content.claims.people.keys() {
        if content.claims.people.len() > 1 {
            page.push_str(&format!("<h3>API {}</h3>", escaped(api)));
        }
        of_one_api(page, data, content, api);
    }
}

fn of_one_api(page: &mut String, data: &ReportData, content: &LakeContent, api: &str) {
    let kinds: Vec<(&str, &ClaimsOfType)> = of_api(content, api).collect();
    let all = total_of_medicare(content, api);
    let everybody = content
        .claims
        .people
        .get(api)
        .map_or(0, |people| people.len());
    let axis = axis(data, &kinds);
    let shown = data
        .masking
        .shown_of_sum(kinds.iter().map(|(_, claims)| &claims.total));
    let mut rows: Vec<_> = kinds.iter().zip(shown).collect();
    // The position of a hidden kind must not disclose its amount.
    rows.sort_by_key(|((_, claims), is_shown)| match is_shown {
        // Unknown values come last.
        true => (
            false,
            claims.total.paid_cents().is_none(),
            -claims.total.paid_cents().unwrap_or(0),
        ),
        false => (true, true, 0),
    });
    let period = if axis.is_yearly { "year" } else { "month" };
    page.push_str(&format!(
        "<p class=\"soft small\">By the {period} of the first day of service. Every row has a scale of its own: its \
         peak is at its right. The thin line is the kind's share of the money. Grey: few patients, not shown.{}</p>\
         <div class=\"kinds\">",
        about_elsewhere(content, &kinds)
    ));
    for ((kind, claims), is_shown) in rows {
        let people = claims.people.len() as u64;
        let sums =
            elsewhere(content, kind, claims).map_or(Vec::new(), |payments| payments.of_api(api));
        let (payer, claims) = sums
            .first()
            .map_or(("", *claims), |(name, sum)| (*name, *sum));
        page.push_str(&format!(
            "<div class=\"kind\"><div><b>{}</b><br>",
            escaped(if kind.is_empty() { "other" } else { kind })
        ));
        match is_shown {
            true => {
                let paid = figures::paid(data.masking, &claims.total);
                let of_some = figures::paid_of(data.masking, &claims.total);
                page.push_str(&format!(
                    "<span class=\"paid\">{paid}</span>{}<br><span class=\"soft small\">{} of {} {}{}</span>\
                     <div class=\"share\"><i style=\"width:{}%\"></i></div>",
                    match payer {
                        "" => String::new(),
                        payer => format!(" <span class=\"soft small\">{}</span>", escaped(payer)),
                    },
                    counted(claims.total.claims, "claim"),
                    part(data.masking, people, everybody as u64),
                    plural::unit(people, "patients"),
                    of_some.map(|of_some| format!("; {of_some}")).unwrap_or_default(),
                    match payer {
                        "" => share(data.masking, &claims.total, &all),
                        _ => "0".into(),
                    },
                ));
            }
            false => page.push_str(&format!(
                "<span class=\"soft small\">{}: too few patients</span>",
                figures::HIDDEN
            )),
        }
        page.push_str("</div><div class=\"plot\">");
        bars(page, data, claims, &axis);
        page.push_str("</div></div>");
    }
    axis_words(page, &axis);
    page.push_str("</div>\n");
}

/// A text that says who pays for the kinds of claims that Medicare does not pay itself.
fn about_elsewhere(content: &LakeContent, kinds: &[(&str, &ClaimsOfType)]) -> String {
    let mut words = String::new();
    for (kind, claims) in kinds {
        let Some(payments) = elsewhere(content, kind, claims) else {
            continue;
        };
        let columns = &payments.columns;
        let (kind, table, name) = (
            escaped(kind),
            escaped(&columns.table),
            escaped(&columns.name),
        );
        words += &match (payments.sums.is_empty(), columns.sums.first()) {
            (false, Some(first)) => format!(
                " {kind}: what was {}, as Medicare pays none of these claims itself; more under {name}.",
                escaped(&first.name)
            ),
            _ => format!(
                " {kind} claims state no payment, and this lake has no table <code>{table}</code>, which has what was paid."
            ),
        };
    }
    words
}

/// Months, or years where months would be mostly hidden.
fn axis(data: &ReportData, kinds: &[(&str, &ClaimsOfType)]) -> Axis {
    let is_yearly = kinds
        .iter()
        .filter(|(_, claims)| !data.masking.shows_most(&claims.months))
        .count()
        * 2
        > kinds.len();
    let months = || kinds.iter().flat_map(|(_, claims)| claims.months.keys());
    let mut periods = Vec::new();
    if let (Some(first), Some(last)) = (months().min(), months().max()) {
        let mut at = *first;
        if is_yearly {
            at.month = 1;
        }
        while at <= *last {
            periods.push(at);
            at = match (is_yearly, at.month) {
                (false, 1..12) => Month {
                    month: at.month + 1,
                    ..at
                },
                _ => Month {
                    year: at.year + 1,
                    month: 1,
                },
            };
        }
    }
    Axis { periods, is_yearly }
}

fn bars(page: &mut String, data: &ReportData, claims: &ClaimsOfType, axis: &Axis) {
    let cells: BTreeMap<Month, Cell> = match axis.is_yearly {
        true => claims.years(),
        false => claims.months.clone(),
    };
    let shown = data
        .masking
        .shown_of_sum(cells.values().chain([&claims.undated]));
    let shown: BTreeMap<Month, bool> = cells.keys().copied().zip(shown).collect();
    let is_shown = |month: &Month| shown.get(month).copied().unwrap_or(true);
    let visible = cells.iter().filter(|(month, _)| is_shown(month));
    // Where claims carry no payment, they are counted instead.
    let is_paid = visible
        .clone()
        .any(|(_, cell)| money(data.masking, cell).is_some_and(|cents| cents != 0));
    let measure = |cell: &Cell| match is_paid {
        true => money(data.masking, cell).unwrap_or(0),
        false => i128::from(cell.claims),
    };
    let total_paid = claims.total.paid_cents();
    let peak = visible.map(|(_, cell)| measure(cell)).max().unwrap_or(0);
    if peak > 0 {
        let words = match is_paid {
            true => dollars(peak),
            false => {
                let claims = counted(u64::try_from(peak).unwrap_or(u64::MAX), "claim");
                match total_paid {
                    Some(_) => claims,
                    None => format!("{claims}; no payment is on them"),
                }
            }
        };
        page.push_str(&format!("<em>{words}</em>"));
    }
    let width = axis.periods.len() * 10;
    page.push_str(&format!(
        "<svg viewBox=\"0 0 {width} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"paid over time\">"
    ));
    for (at, period) in axis.periods.iter().enumerate() {
        let Some(cell) = cells.get(period) else {
            continue;
        };
        let name = match axis.is_yearly {
            true => period.year.to_string(),
            false => format!("{}-{:02}", period.year, period.month),
        };
        let x = at * 10 + 1;
        if is_shown(period) {
            let height = percent(measure(cell), peak);
            page.push_str(&format!(
                "<svg x=\"{x}\" y=\"0\" width=\"8\" height=\"100\" overflow=\"hidden\"><g transform=\"matrix(1 0 0 -1 0 100)\">\
                 <rect class=\"bar\" width=\"8\" height=\"{height}\"/></g><title>{name}: {}, {}</title></svg>",
                figures::paid(data.masking, cell),
                counted(cell.claims, "claim")
            ));
        } else {
            page.push_str(&format!(
                "<rect class=\"few\" x=\"{x}\" y=\"70\" width=\"8\" height=\"30\"><title>{name}: few patients</title></rect>"
            ));
        }
    }
    page.push_str("</svg>");
}

/// The money of a cell that is shown, where it is known and may be shown.
fn money(masking: Masking, cell: &Cell) -> Option<i128> {
    cell.paid_cents().filter(|_| masking.shows_money(cell))
}

/// A kind's share of the money, where both are known.
fn share(masking: Masking, kind: &Cell, all: &Cell) -> String {
    let both = money(masking, kind).zip(money(masking, all));
    both.map_or("0".into(), |(kind, all)| percent(kind, all))
}

/// Years below the last row.
fn axis_words(page: &mut String, axis: &Axis) {
    let starts: Vec<(usize, i32)> = axis
        .periods
        .iter()
        .enumerate()
        .filter(|(at, period)| *at == 0 || period.month == 1)
        .map(|(at, period)| (at, period.year))
        .collect();
    let step = starts.len().div_ceil(MAX_YEARS).max(1);
    page.push_str(
        "<div class=\"kind\" style=\"border:0;padding:0\"><div></div><div class=\"axis\">",
    );
    for (at, year) in starts.into_iter().step_by(step) {
        let middle = if axis.is_yearly { at * 2 + 1 } else { at * 2 };
        let left = percent(middle as i128, (axis.periods.len() * 2) as i128);
        page.push_str(&format!("<span style=\"left:{left}%\">{year}</span>"));
    }
    page.push_str("</div></div>");
}
