//! The sums of the page as fields of the summary, for `--json`: with the same masking, and exact.
//!
//! An amount is a text of dollars and cents. A number that is not shown on the page is null here, and
//! `is_shown` is then false; an amount that no claim states is null, too.

use serde_json::{Value, json};

use super::content::{Cell, ClaimsOfType, MemberYear, MemberYears};
use super::figures::{decimal, each_cents};
use super::{ReportData, claims, payments, per_member};

/// What was paid: by Medicare, then by the payers of each kind of claims that has a table of its own.
pub(super) fn paid(data: &ReportData) -> Value {
    let Some(content) = &data.content else {
        return json!([]);
    };
    let mut all = Vec::new();
    for api in content.claims.people.keys() {
        let total = claims::total_of_medicare(content, api);
        if total.claims > 0 {
            let is_shown = data.masking.shows_cell(&total);
            all.push(json!({
                "source_api": api, "kind": null, "name": "paid by Medicare",
                "total": sum(data, &total, is_shown),
            }));
        }
        for found in &content.payments {
            for (name, claims) in found.of_api(api) {
                all.push(json!({
                    "source_api": api, "kind": found.columns.name, "name": name,
                    "total": sum(data, &claims.total, data.masking.shows_cell(&claims.total)),
                    "years": by_year(data, claims),
                }));
            }
        }
    }
    Value::Array(all)
}

fn by_year(data: &ReportData, claims: &ClaimsOfType) -> Value {
    let years = payments::by_year(claims);
    let cells: Vec<Cell> = years.iter().map(|(_, cell)| cell.clone()).collect();
    let has_claims = data.masking.shown_of_sum(&cells);
    let has_money = data.masking.money_of_sum(&cells);
    let years = years.iter().zip(has_claims).zip(has_money);
    let years = years.map(|(((year, cell), has_claims), has_money)| {
        let mut found = sum(data, cell, has_claims);
        if !has_money {
            found["paid"] = Value::Null;
            found["is_shown"] = false.into();
        }
        found["year"] = year.parse::<i32>().ok().into();
        found
    });
    years.collect()
}

fn sum(data: &ReportData, cell: &Cell, is_shown: bool) -> Value {
    let has_part = is_shown && data.masking.shows_part(cell.with_payment, cell.claims);
    let has_money = is_shown && data.masking.shows_money(cell);
    json!({
        "claims": is_shown.then_some(cell.claims),
        "claims_with_payment": has_part.then_some(cell.with_payment),
        "paid": cell.paid_cents().filter(|_| has_money).map(decimal),
        "is_shown": has_money,
    })
}

/// Amounts per member and month, with the months that each is divided by.
pub(super) fn per_member_month(data: &ReportData) -> Value {
    let Some(content) = &data.content else {
        return json!([]);
    };
    let mut all = Vec::new();
    for of in &content.per_member {
        for (api, found) in &of.apis {
            all.push(json!({
                "source_api": api, "name": of.columns.name, "members": of.columns.members,
                "years": member_years(data, found),
                "total": match found.years.is_empty() {
                    true => Value::Null,
                    false => {
                        let has_months = data.masking.shows_cell(&found.total.months);
                        let has_paid = per_member::shown(data, found).total;
                        member_year(data, &found.total, has_months, has_paid)
                    }
                },
            }));
        }
    }
    Value::Array(all)
}

fn member_years(data: &ReportData, found: &MemberYears) -> Value {
    let shown = per_member::shown(data, found);
    let years = found.years.iter().zip(shown.months).zip(shown.paid);
    let years = years.map(|(((year, of_year), has_months), has_paid)| {
        let mut found = member_year(data, of_year, has_months, has_paid);
        found["year"] = (*year).into();
        found
    });
    years.collect()
}

fn member_year(data: &ReportData, of: &MemberYear, has_months: bool, has_paid: bool) -> Value {
    let has_money = has_paid && (of.claims.claims == 0 || data.masking.shows_money(&of.claims));
    // Without a claim nothing was paid; what no claim states is not known.
    let cents = match of.claims.claims {
        0 => Some(0),
        _ => of.claims.paid_cents(),
    };
    let cents = cents.filter(|_| has_money);
    let has_members = has_months && data.masking.shows(of.members);
    let each = cents.filter(|_| has_months);
    let each = each.and_then(|cents| each_cents(cents, of.months.claims));
    json!({
        "members": has_members.then_some(of.members),
        "member_months": has_months.then_some(of.months.claims),
        "paid": cents.map(decimal),
        "per_member_month": each.map(decimal),
        "is_shown": has_months && has_money,
    })
}
