//! Amounts per member and month, each with the months that it was divided by.

use super::content::{Cell, MemberYear, MemberYears, PerMember};
use super::figures::{self, each_month, escaped};
use super::{Line, ReportData};
use crate::plural::{self, grouped};

/// Which parts of a table are shown.
pub(super) struct Shown {
    /// The months of each year.
    pub(super) months: Vec<bool>,
    /// What was paid in each year.
    pub(super) paid: Vec<bool>,
    /// Whether the total over all years is shown: not if it would disclose the amount outside of
    /// them.
    pub(super) total: bool,
    /// What was paid outside of them.
    outside: bool,
}

/// The section.
pub(super) fn section(page: &mut String, data: &ReportData) {
    let Some(content) = &data.content else {
        return;
    };
    if content.per_member.iter().all(|of| of.apis.is_empty()) {
        return;
    }
    page.push_str(
        "<h2>Per member and month</h2><p class=\"soft small\">What was paid for services that began in a month in \
         which the patient was a member, divided by all such months, of patients with and without claims. Months after \
         a death are left out; of months that no enrolment speaks of nothing is assumed.</p>",
    );
    for of in &content.per_member {
        for (api, years) in &of.apis {
            page.push_str(&format!(
                "<h3>{}{}</h3>",
                escaped(&of.columns.name),
                match content.claims.people.len() {
                    1 => String::new(),
                    _ => format!(" ({})", escaped(api)),
                }
            ));
            one(page, data, of, years);
        }
    }
}

fn one(page: &mut String, data: &ReportData, of: &PerMember, found: &MemberYears) {
    let members = escaped(&of.columns.members);
    if found.years.is_empty() {
        page.push_str(&format!(
            "<p>Not divided: no month is known in which a patient was {members}.</p>"
        ));
        return;
    }
    page.push_str(&format!(
        "<p class=\"soft small\">Members: patients {members}.</p><div class=\"scroll\"><table><tr><th>year\
         <th class=\"n\">members<th class=\"n\">member months<th class=\"n\">paid in these\
         <th class=\"n\">per member and month</tr>"
    ));
    let shown = shown(data, found);
    for (at, (year, of_year)) in found.years.iter().enumerate() {
        row(
            page,
            data,
            &year.to_string(),
            of_year,
            shown.months[at],
            shown.paid[at],
        );
    }
    if found.years.len() > 1 {
        let has_months = data.masking.shows_cell(&found.total.months);
        row(page, data, "all", &found.total, has_months, shown.total);
    }
    page.push_str("</table></div>\n");
    if found.outside.claims > 0 {
        let claims = match shown.outside {
            true => plural::counted(found.outside.claims, "current claim"),
            false => "Some current claims".into(),
        };
        let paid = figures::paid(data.masking, &found.outside);
        let paid = match shown.outside {
            true => format!(" ({paid})"),
            false => String::new(),
        };
        page.push_str(&format!(
            "<p class=\"soft small\">{claims}{paid} began outside of these months and are not in this table.</p>"
        ));
    }
}

/// A hidden part must not follow from those that are shown: what was paid in all years and outside of
/// them adds up to what is shown elsewhere.
pub(super) fn shown(data: &ReportData, found: &MemberYears) -> Shown {
    let months = found.years.values().map(|year| &year.months);
    let claims = found.years.values().map(|year| &year.claims);
    let mut paid = data.masking.money_of_sum(claims.chain([&found.outside]));
    let outside = paid.pop().unwrap_or(false);
    Shown {
        months: data.masking.shown_of_sum(months),
        paid,
        total: outside && data.masking.shows_cell(&found.total.claims),
        outside,
    }
}

fn row(
    page: &mut String,
    data: &ReportData,
    name: &str,
    of: &MemberYear,
    has_months: bool,
    has_paid: bool,
) {
    let hidden = || figures::HIDDEN.to_owned();
    let (members, months) = match has_months {
        true => (
            figures::number(data.masking, of.members),
            grouped(of.months.claims),
        ),
        false => (hidden(), hidden()),
    };
    let (paid, each) = match has_paid {
        true => (in_months(data, &of.claims), each(data, of, has_months)),
        false => (hidden(), hidden()),
    };
    page.push_str(&format!(
        "<tr><td>{name}<td class=\"n\">{members}<td class=\"n\">{months}<td class=\"n\">{paid}<td class=\"n\">{each}</tr>"
    ));
}

/// The amount paid: 0 if there is no claim, unknown if no claim states one.
fn in_months(data: &ReportData, claims: &Cell) -> String {
    if claims.claims == 0 {
        return "$0: no claims".into();
    }
    let paid = figures::paid(data.masking, claims);
    match figures::paid_of(data.masking, claims) {
        Some(of_some) => format!("{paid} ({of_some})"),
        None => paid,
    }
}

fn each(data: &ReportData, of: &MemberYear, has_months: bool) -> String {
    if !has_months {
        return figures::HIDDEN.into();
    }
    let cents = match of.claims.claims {
        0 => Some(0),
        _ => of.claims.paid_cents(),
    };
    match cents {
        None => figures::NOT_KNOWN.into(),
        Some(_) if !data.masking.shows_money(&of.claims) => figures::HIDDEN.into(),
        Some(cents) => each_month(cents, of.months.claims).unwrap_or(figures::NOT_KNOWN.into()),
    }
}

/// The same for the terminal, all years together.
pub(super) fn lines(data: &ReportData) -> Vec<Line> {
    let Some(content) = &data.content else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for of in &content.per_member {
        for (api, found) in &of.apis {
            let words = words(data, found);
            lines.push(format!("{}: {words} ({api})", of.columns.name));
        }
    }
    let labels = std::iter::once("PMPM").chain(std::iter::repeat(""));
    let lines = labels.zip(lines);
    lines.map(|(label, text)| Line { label, text }).collect()
}

fn words(data: &ReportData, found: &MemberYears) -> String {
    if found.years.is_empty() {
        return "not divided, no enrolment is known".into();
    }
    let shown = shown(data, found);
    let has_months = data.masking.shows_cell(&found.total.months);
    let months = match has_months {
        true => plural::counted(found.total.months.claims, "member month"),
        false => "months not shown".into(),
    };
    match shown.total {
        true => format!(
            "{} per member and month, {months}",
            each(data, &found.total, has_months)
        ),
        false => format!("{}, {months}", figures::HIDDEN),
    }
}
