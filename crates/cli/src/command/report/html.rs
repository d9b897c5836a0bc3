//! The page as a whole: its beginning, and its sections in order.

use super::content::mask::Masking;

use super::figures::{escaped, number};
use super::style::CSS;
use super::{ReportData, claims, figures, operations, payments, per_member, quality};
use crate::plural::size;

/// The first line of the page, about PHI.
pub(super) fn phi_words(masking: Masking) -> &'static str {
    match masking {
        Masking::Masked => {
            "holds no protected health information: totals only, every count of 1 to 10 masked"
        }
        Masking::Unmasked => {
            "holds protected health information: small counts are not masked; keep it as you keep the lake"
        }
    }
}

/// The whole file.
pub(super) fn page(data: &ReportData) -> String {
    let phi = phi_words(data.masking);
    let class = match data.masking {
        Masking::Masked => "phi",
        Masking::Unmasked => "phi yes",
    };
    let snapshot = match &data.content {
        Some(content) => format!("snapshot {}", content.snapshot),
        None => "nothing is published yet".into(),
    };
    let mut page = format!(
        "<!doctype html><!-- This report {phi}. -->\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>claimlake: {pipeline}, {snapshot}</title><style>{CSS}</style></head><body>\
         <main>\
         <p class=\"{class}\">This report {phi}.</p>\n<h1>Claims of {pipeline}</h1><p class=\"soft\">{made}</p>\n",
        pipeline = escaped(&data.pipeline),
        made = made(data, &snapshot),
    );
    tiles(&mut page, data);
    claims::section(&mut page, data);
    payments::section(&mut page, data);
    per_member::section(&mut page, data);
    not_served(&mut page);
    operations::people(&mut page, data);
    quality::fill(&mut page, data);
    quality::leftovers(&mut page, data);
    quality::reconciliation(&mut page, data);
    operations::section(&mut page, data);
    page.push_str("<footer>Made by claimlake. Nothing in this file is fetched from anywhere.</footer></main></body></html>\n");
    page
}

fn made(data: &ReportData, snapshot: &str) -> String {
    let now = data.status.now.format("%Y-%m-%d %H:%M UTC");
    match &data.content {
        Some(content) => format!(
            "{snapshot}, published {}, generated {now}",
            escaped(&minute(&content.published_at))
        ),
        None => format!("{snapshot}; generated {now}"),
    }
}

/// To the minute, where the text is a time.
fn minute(text: &str) -> String {
    let time = chrono::DateTime::parse_from_rfc3339(text);
    time.map_or(text.into(), |time| {
        time.to_utc().format("%Y-%m-%d %H:%M UTC").to_string()
    })
}

fn tile(page: &mut String, figure: &str, what: &str) {
    page.push_str(&format!(
        "<div class=\"tile\"><b>{figure}</b><span>{}</span></div>",
        escaped(what)
    ));
}

fn tiles(page: &mut String, data: &ReportData) {
    let Some(content) = &data.content else {
        return;
    };
    let masking = data.masking;
    page.push_str("<div class=\"tiles\">");
    for (api, people) in &content.claims.people {
        let of = |what: &str| match content.claims.people.len() {
            1 => what.to_owned(),
            _ => format!("{what} ({api})"),
        };
        let total = claims::total(content, api);
        // How many have none must not follow from how many were read.
        let people = people.len() as u64;
        let read = data.status.people_read(api).max(people);
        tile(
            page,
            &figures::part(masking, people, read),
            &of("patients with claims"),
        );
        tile(page, &number(masking, total.claims), &of("current claims"));
        let total = claims::total_of_medicare(content, api);
        let paid = match masking.shows_cell(&total) {
            true => figures::paid(masking, &total),
            false => figures::HIDDEN.into(),
        };
        let of_some = figures::paid_of(masking, &total).filter(|_| masking.shows_cell(&total));
        let what = match of_some {
            Some(of_some) => format!("{} ({of_some})", of("paid by Medicare")),
            None => of("paid by Medicare"),
        };
        tile(page, &paid, &what);
        for payments in &content.payments {
            let sums = payments.of_api(api);
            let Some((name, sum)) = sums.first() else {
                continue;
            };
            let paid = match masking.shows_cell(&sum.total) {
                true => figures::paid(masking, &sum.total),
                false => figures::HIDDEN.into(),
            };
            tile(
                page,
                &paid,
                &of(&format!("{name} for {}", payments.columns.name)),
            );
        }
    }
    let rows: u64 = content.tables.iter().map(|table| table.rows).sum();
    let bytes: u64 = content.tables.iter().map(|table| table.bytes).sum();
    tile(
        page,
        &number(masking, rows),
        &format!("rows in {}, {}", super::tables(content), size(bytes)),
    );
    page.push_str("</div>\n");
}

/// Which conclusions must not be drawn from missing claims.
fn not_served(page: &mut String) {
    page.push_str(
        "<h2>What is not in here</h2><p>Before anyone is counted as a person without care:</p><ul>\
         <li><b>No Medicare Advantage (Part C) claims.</b> The API serves fee-for-service Part A and B, and Part D. A \
         person without claims here may be enrolled in Part C and well cared for.</li>\
         <li><b>Only patients who consented</b>, and only what they consented to: without demographic data the patient \
         table has no names, and claims about substance use (42 CFR Part 2) can be left out. v2 filters those silently; v3 labels them.</li>\
         <li><b>Not the newest weeks.</b> The server loads claims once a week, after they are processed; recent months are not complete.</li>\
         <li><b>Claims are bills, not charts</b>: diagnoses for payment, no results, no vital signs.</li>\
         <li><b>v2 and v3 are not added up.</b> A person, and a claim, has another id in each.</li></ul>\n",
    );
}
