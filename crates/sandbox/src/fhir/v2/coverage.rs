//! Coverage of version 2: parts A to D, with an extension for every month of a year.

use crate::fhir::body::Body;
use crate::fhir::json::{InstantStyle, Json, VARIABLE};
use crate::population::dice::Dice;
use crate::population::enrollment::{
    Month, NO_MEDICARE, REFERENCE_YEAR, coverage_updated, dual_status, month, part_c_from,
};
use crate::population::person::{Person, enrolled};

/// The parts, in the order that ids sort in.
pub(crate) const PARTS: [char; 4] = ['a', 'b', 'c', 'd'];

/// A part of a person's Medicare. Version 2 serves all four to everybody; codes say who is
/// enrolled.
pub(crate) fn coverage(person: &Person, part: char) -> Body {
    let mut json = Json::with_capacity(40_000);
    let mut dice = Dice::of(&[person.seed, u64::from(part)]);
    let (upper, id) = match part {
        'a' => ("Part A", "part-a-"),
        'b' => ("Part B", "part-b-"),
        'c' => ("Part C", "part-c-"),
        _ => ("Part D", "part-d-"),
    };
    json.open();
    json.text("resourceType", "Coverage");
    json.id_text("id", id, person.v2_id);
    json.object("meta");
    let updated = coverage_updated(person, dice.below(90));
    json.instant("lastUpdated", updated, InstantStyle::Utc);
    json.array("profile");
    json.element("http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Coverage");
    json.close_array();
    json.close();
    json.array("extension");
    let months = Months { person, updated };
    match part {
        'a' => entitlement(&mut json, &months, true),
        'b' => entitlement(&mut json, &months, false),
        'c' => part_c(&mut json, &months),
        _ => part_d(&mut json, &months),
    }
    json.open();
    json.text2("url", VARIABLE, "rfrnc_yr");
    json.text("valueDate", &REFERENCE_YEAR.to_string());
    json.close();
    months.each(&mut json, "dual_", dual_status(person), NO_MEDICARE);
    json.close_array();
    // A part that ended.
    let is_over = person.death.is_some() && part != 'c';
    json.text("status", if is_over { "cancelled" } else { "active" });
    json.concept(
        "type",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "SUBSIDIZ",
        "",
    );
    json.text("subscriberId", &person.mbi);
    json.object("beneficiary");
    json.id_text("reference", "Patient/", person.v2_id);
    json.close();
    let system = "http://terminology.hl7.org/CodeSystem/subscriber-relationship";
    json.concept("relationship", system, "self", "Self");
    if part != 'c' {
        json.object("period");
        json.day("start", enrolled(person));
        if let Some(death) = person.death {
            json.day("end", death);
        }
        json.close();
    }
    json.array("payor");
    json.open();
    json.object("identifier");
    json.text("value", "Centers for Medicare and Medicaid Services");
    json.close();
    json.close();
    json.close_array();
    json.array("class");
    class(&mut json, "group", "Group", "Medicare");
    class(&mut json, "plan", "Plan", upper);
    json.close_array();
    if part == 'a' && person.index.is_multiple_of(10) {
        json.array("contract");
        json.open();
        json.text("reference", "Coverage/part-a-contract1");
        json.close();
        json.close_array();
    }
    json.close();
    Body::new(json.into_bytes(), None)
}

/// A person's months as far as a coverage knows them.
struct Months<'a> {
    person: &'a Person,
    /// When the coverage was last updated, in milliseconds since the epoch.
    updated: i64,
}

impl Months<'_> {
    /// A code for every month that is known: one for months of entitlement, one for others.
    fn each(&self, json: &mut Json, name: &str, entitled: (&str, &str), none: (&str, &str)) {
        for (number, is_entitled) in self.known() {
            let (code, display) = if is_entitled { entitled } else { none };
            monthly(json, name, number, code, display);
        }
    }

    /// The numbers of the months that are known, and whether the person was entitled then.
    fn known(&self) -> impl Iterator<Item = (u32, bool)> {
        (1..=12).filter_map(|number| match month(self.person, number, self.updated) {
            Month::Entitled => Some((number, true)),
            Month::NotEntitled => Some((number, false)),
            Month::Unknown => None,
        })
    }
}

fn entitlement(json: &mut Json, months: &Months<'_>, is_part_a: bool) {
    let person = months.person;
    json.variable_extension("ms_cd", "10", "Aged without end-stage renal disease (ESRD)");
    if is_part_a {
        let age = "Old age and survivor's insurance (OASI)";
        json.variable_extension("orec", "0", age);
        json.variable_extension("crec", "0", age);
        json.variable_extension("esrd_ind", "N", "the beneficiary does not have ESRD");
    }
    let (code, display) = if person.death.is_some() {
        ("1", "Dead")
    } else {
        ("0", "Not Terminated")
    };
    json.variable_extension(
        if is_part_a { "a_trm_cd" } else { "b_trm_cd" },
        code,
        display,
    );
    let both = if person.is_dual {
        ("C", "Part A and Part B, state buy-in")
    } else {
        ("3", "Part A and Part B")
    };
    months.each(json, "buyin", both, ("0", "Not entitled"));
}

fn part_c(json: &mut Json, months: &Months<'_>) {
    let person = months.person;
    let (_, first_month, _) = part_c_from(person).date();
    let is_in = |number: u32, is_entitled: bool| {
        let starts_later = part_c_from(person) > enrolled(person)
            && i32::try_from(number).unwrap_or_default() < first_month;
        is_entitled && person.has_part_c && !starts_later
    };
    // Some plans leave bills to Medicare's own contractors.
    let (indicator, meaning) = if person.seed / 2 % 5 < 2 {
        ("1", "Processed by CMS")
    } else {
        ("C", "Lock-in: processed by the plan")
    };
    for (number, is_entitled) in months.known() {
        let contract = match (is_in(number, is_entitled), is_entitled) {
            (true, _) => "H1234",
            (false, true) => "N",
            (false, false) => "0",
        };
        monthly(json, "ptc_cntrct_id_", number, contract, "");
    }
    for (name, code) in [("ptc_pbp_id_", "003"), ("ptc_plan_type_cd_", "001")] {
        for (number, _) in months.known() {
            monthly(json, name, number, code, "");
        }
    }
    for (number, is_entitled) in months.known() {
        let (code, display) = if is_in(number, is_entitled) {
            (indicator, meaning)
        } else {
            ("0", "Not a member of an HMO")
        };
        monthly(json, "hmo_ind_", number, code, display);
    }
}

fn part_d(json: &mut Json, months: &Months<'_>) {
    json.variable_extension("ms_cd", "10", "Aged without end-stage renal disease (ESRD)");
    let entitled = if months.person.has_part_d {
        "S0001"
    } else {
        "N"
    };
    let contract = |is_entitled| if is_entitled { entitled } else { "0" };
    for (number, is_entitled) in months.known() {
        monthly(json, "ptdcntrct", number, contract(is_entitled), "");
    }
    // The same once more, with year and month in the url.
    for (number, is_entitled) in months.known() {
        let variable = format!("ptdcntrct{number:02}/{REFERENCE_YEAR}-{number}");
        json.variable_extension(&variable, contract(is_entitled), "");
    }
    for (name, code, display) in [
        ("ptdpbpid", "003", ""),
        ("sgmtid", "000", ""),
        (
            "cstshr",
            "09",
            "Beneficiary enrolled in Parts A and/or B, and Part D; no premium or cost sharing subsidy",
        ),
        ("rdsind", "N", "Not subsidized for the month"),
    ] {
        for (number, _) in months.known() {
            monthly(json, name, number, code, display);
        }
    }
}

fn monthly(json: &mut Json, name: &str, month: u32, code: &str, display: &str) {
    json.variable_extension(&format!("{name}{month:02}"), code, display);
}

fn class(json: &mut Json, code: &str, display: &str, value: &str) {
    json.open();
    let system = "http://terminology.hl7.org/CodeSystem/coverage-class";
    json.concept("type", system, code, display);
    json.text("value", value);
    json.close();
}
