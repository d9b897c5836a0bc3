//! Patients, runs and consents: what `status` prints, for readers of the report.

use super::ReportData;
use super::figures::{self, escaped, number, part, percent};
use crate::plural::{counted, grouped, seconds};

/// How many patients were read, and how completely: the denominator of all other figures.
pub(super) fn people(page: &mut String, data: &ReportData) {
    let Some(consents) = &data.status.consents else {
        return;
    };
    if consents.progress.is_empty() {
        return;
    }
    page.push_str("<h2>Whose claims these are</h2><p class=\"soft small\">The denominator of every count of patients: who was read to the end. A person who is not complete may have more claims than are here.</p><div class=\"scroll\"><table><tr><th>API<th>resource<th class=\"n\">patients<th class=\"n\">complete<th>&nbsp;<th>changes up to</tr>");
    for ((api, resource), progress) in &consents.progress {
        let people: u64 = progress.people.values().sum();
        let complete = progress.people.get("complete").copied().unwrap_or(0);
        let is_shown = data.masking.shows(people) && data.masking.shows_part(complete, people);
        let width = match is_shown {
            true => percent(i128::from(complete), i128::from(people)),
            false => "0".into(),
        };
        let until = progress.watermarks.map(|(_, greatest)| greatest);
        page.push_str(&format!(
            "<tr><td>{api}<td class=\"whole\">{}<td class=\"n\">{}<td class=\"n\">{}<td style=\"min-width:3rem\"><div class=\"share\" \
             style=\"margin-top:.6rem\"><i style=\"width:{width}%\"></i></div><td class=\"whole\">{}</tr>",
            escaped(resource.as_str()),
            number(data.masking, people),
            part(data.masking, complete, people),
            until.map_or("–".into(), |until| until.format("%Y-%m-%d").to_string()),
        ));
    }
    page.push_str("</table></div>\n");
}

/// Consents, runs, and the oldest PHI on disk.
pub(super) fn section(page: &mut String, data: &ReportData) {
    page.push_str("<h2>Operations</h2>");
    if let Some(consents) = &data.status.consents {
        let all: u64 = consents.by_state.values().sum();
        let states: Vec<String> = consents
            .by_state
            .iter()
            .map(|((api, state), count)| {
                let state = state.replace('_', " ");
                format!("{} {state} ({api})", part(data.masking, *count, all))
            })
            .collect();
        let soon = match consents.ending_soon {
            0 => String::new(),
            soon => format!("; {} end within 30 days", number(data.masking, soon)),
        };
        let states = match states.is_empty() {
            true => "none".into(),
            false => states.join(", "),
        };
        page.push_str(&format!("<p><b>Consents</b>: {states}{soon}.</p>"));
        if !consents.runs.is_empty() {
            page.push_str("<div class=\"scroll\"><table><tr><th>extract<th>ended<th class=\"n\">took<th class=\"n\">pages<th class=\"n\">pages/s<th class=\"n\">landed</tr>");
            for run in &consents.runs {
                let took = run.took.and_then(|took| took.to_std().ok());
                let or_dash = |figure: Option<String>| figure.unwrap_or_else(|| "–".into());
                page.push_str(&format!(
                    "<tr><td class=\"whole\">{}<td>{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}</tr>",
                    run.started_at.format("%Y-%m-%d %H:%M"),
                    run.state.words(run.exit),
                    or_dash(took.map(seconds)),
                    or_dash(run.pages.map(|pages| number(data.masking, pages))),
                    or_dash(run.pages_a_second().map(grouped)),
                    or_dash(run.landed.map(|landed| number(data.masking, landed))),
                ));
            }
            page.push_str("</table></div>");
        }
    }
    last_runs(page, data);
    let rejects = &data.status.rejects;
    if rejects.without_view > 0 {
        page.push_str(&format!(
            "<p>{} of types that no view reads.</p>",
            figures::counted(data.masking, rejects.without_view, "resource")
        ));
    }
    if data.status.staged_runs > 0 {
        page.push_str(&format!(
            "<p>{} not loaded yet: the lake is behind landing.</p>",
            counted(data.status.staged_runs, "staged run")
        ));
    }
    if !data.status.oldest.is_empty() {
        page.push_str("<h3>The oldest PHI on disk</h3><div class=\"scroll\"><table><tr><th>zone<th>since<th>where</tr>");
        for zone in &data.status.oldest {
            page.push_str(&format!(
                "<tr><td class=\"whole\">{}<td class=\"whole\">{}<td>{}</tr>",
                zone.zone,
                zone.since.format("%Y-%m-%d"),
                escaped(&zone.place)
            ));
        }
        page.push_str("</table></div>");
    }
    for why in &data.status.unreadable {
        page.push_str(&format!("<p class=\"wrong\">{}</p>", escaped(why)));
    }
}

/// The last run of every command but `extract`, with what it did and how fast.
fn last_runs(page: &mut String, data: &ReportData) {
    let runs = &data.status.last_runs;
    let mut runs = runs
        .iter()
        .filter(|run| run.command != "extract")
        .peekable();
    if runs.peek().is_none() {
        return;
    }
    page.push_str("<h3>The last run of each command</h3><div class=\"scroll\"><table><tr><th>command<th>began<th class=\"n\">took<th class=\"n\">resources<th class=\"n\">rows<th class=\"n\">per second</tr>");
    for run in runs {
        let figure = |name: &str| run.figure(name).filter(|figure| *figure > 0);
        let (resources, rows) = (figure("resources"), figure("rows"));
        let or_dash = |figure: Option<String>| figure.unwrap_or_else(|| "–".into());
        let is_idle = run.says("changed") == Some(false);
        let rate = resources
            .or(rows)
            .filter(|_| !is_idle)
            .and_then(|figure| run.rate(figure));
        let took = run.took.and_then(|took| took.to_std().ok()).map(seconds);
        let state = run.state.words(run.exit());
        let took = match (state.as_str(), took) {
            ("finished", Some(took)) => took,
            (state, Some(took)) => format!("{state} after {took}"),
            (state, None) => state.to_owned(),
        };
        page.push_str(&format!(
            "<tr><td class=\"whole\">{}<td class=\"whole\">{}<td class=\"n\">{took}<td class=\"n\">{}<td class=\"n\">{}<td class=\"n\">{}</tr>",
            run.command,
            run.started_at.format("%Y-%m-%d %H:%M"),
            or_dash(resources.map(|figure| number(data.masking, figure))),
            or_dash(rows.map(|figure| number(data.masking, figure))),
            or_dash(rate.map(grouped)),
        ));
    }
    page.push_str("</table></div>");
}
