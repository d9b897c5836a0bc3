//! Coverage of version 2: parts A to D, with an extension for every month of a year.

use crate::fhir::body::Body;
use crate::fhir::json::{InstantStyle, Json, VARIABLE};
use crate::population::dice::Dice;
use crate::population::history::load_time;
use crate::population::person::{Person, enrolled};

/// The parts, in the order that ids sort in.
pub(crate) const PARTS: [char; 4] = ['a', 'b', 'c', 'd'];

/// The year that the monthly extensions speak of.
const REFERENCE_YEAR: i32 = 2026;

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
    json.instant(
        "lastUpdated",
        load_time(0) - i64::from(dice.below(90)) * 86_400_000,
        InstantStyle::Utc,
    );
    json.array("profile");
    json.element("http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Coverage");
    json.close_array();
    json.close();
    json.array("extension");
    match part {
        'a' => entitlement(&mut json, person, true),
        'b' => entitlement(&mut json, person, false),
        'c' => part_c(&mut json, person),
        _ => part_d(&mut json, person),
    }
    json.open();
    json.text2("url", VARIABLE, "rfrnc_yr");
    json.text("valueDate", "2026");
    json.close();
    for month in 1..=12 {
        let (code, display) = if person.is_dual {
            ("02", "Qualified Medicare Beneficiary (QMB)-plus")
        } else {
            ("NA", "Non-Medicaid")
        };
        monthly(&mut json, "dual_", month, code, display);
    }
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

fn entitlement(json: &mut Json, person: &Person, is_part_a: bool) {
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
    for month in 1..=12 {
        monthly(json, "buyin", month, "3", "Part A and Part B");
    }
}

fn part_c(json: &mut Json, person: &Person) {
    let (contract, indicator) = if person.has_part_c {
        ("H1234", "C")
    } else {
        ("0", "0")
    };
    for month in 1..=12 {
        monthly(json, "ptc_cntrct_id_", month, contract, "");
    }
    for month in 1..=12 {
        monthly(json, "ptc_pbp_id_", month, "003", "");
    }
    for month in 1..=12 {
        monthly(json, "ptc_plan_type_cd_", month, "001", "");
    }
    for month in 1..=12 {
        monthly(json, "hmo_ind_", month, indicator, "");
    }
}

fn part_d(json: &mut Json, person: &Person) {
    json.variable_extension("ms_cd", "10", "Aged without end-stage renal disease (ESRD)");
    let contract = if person.has_part_d { "S0001" } else { "0" };
    for month in 1..=12 {
        monthly(json, "ptdcntrct", month, contract, "");
    }
    // Other years have year and month in the url.
    for month in 1..=12 {
        let variable = format!("ptdcntrct{month:02}/{}-{month}", REFERENCE_YEAR - 1);
        json.variable_extension(&variable, contract, "");
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
        for month in 1..=12 {
            monthly(json, name, month, code, display);
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
