//! Coverage of version 3: only what a person is enrolled in, as it stands now.

use super::{C4BB, STRUCTURE, SYSTEM, US_CORE};
use crate::fhir::body::Body;
use crate::fhir::json::{InstantStyle, Json};
use crate::fhir::vocabulary::HL7_IDENTIFIER_TYPE;
use crate::population::enrollment::{coverage_updated, dual_status, part_c_from};
use crate::population::person::{Person, enrolled};

/// The coverages of a person, by id.
pub(crate) fn coverage_ids(person: &Person) -> Vec<String> {
    let id = person.v3_id;
    let mut ids = Vec::new();
    if person.is_dual {
        ids.push(format!("dual-{id}"));
    }
    ids.push(format!("part-a-{id}"));
    ids.push(format!("part-b-{id}"));
    if person.has_part_c {
        ids.push(format!("part-c-{id}-H1234-003"));
    }
    if person.has_part_d {
        ids.push(format!("part-d-{id}-S0001-003"));
    }
    ids
}

/// What a coverage is: by the beginning of its id.
struct Plan {
    class: &'static str,
    code: &'static str,
    display: &'static str,
    payer: &'static str,
}

fn plan(id: &str) -> Plan {
    let medicare = "Centers for Medicare & Medicaid Services";
    let of = |class, code, display, payer| Plan {
        class,
        code,
        display,
        payer,
    };
    match id.as_bytes().get(5) {
        Some(b'a') => of("Part A", "121", "Medicare FFS", medicare),
        Some(b'b') => of("Part B", "121", "Medicare FFS", medicare),
        Some(b'c') => of(
            "Part C",
            "113",
            "Medicare Managed Care",
            "Example Advantage Plan",
        ),
        Some(b'd') => of(
            "Part D",
            "122",
            "Medicare Drug Benefit",
            "Example Saver Medicare Rx (PDP)",
        ),
        _ => of(
            "Dual Medicare/Medicaid",
            "14",
            "Dual Eligibility Medicare/Medicaid Organization",
            medicare,
        ),
    }
}

/// The coverage of one of the ids of `coverage_ids`.
pub(crate) fn coverage(person: &Person, id: &str) -> Body {
    let plan = plan(id);
    let is_drug_plan = plan.class == "Part D";
    let mut json = Json::with_capacity(6_000);
    json.open();
    json.text("resourceType", "Coverage");
    json.text("id", id);
    json.object("meta");
    json.instant(
        "lastUpdated",
        coverage_updated(person, 20),
        InstantStyle::Micros,
    );
    json.array("profile");
    json.element4(C4BB, "C4BB-Coverage", "|2.2.0", "");
    json.element4(US_CORE, "us-core-coverage", "|7.0.0", "");
    json.close_array();
    json.close();
    json.array("contained");
    payer(&mut json, plan.payer);
    json.close_array();
    json.array("extension");
    extensions(&mut json, plan.class, person);
    json.close_array();
    json.array("identifier");
    json.open();
    json.concept("type", HL7_IDENTIFIER_TYPE, "MB", "");
    if !is_drug_plan {
        json.text("system", "http://hl7.org/fhir/sid/us-mbi");
    }
    json.text("value", &person.mbi);
    if plan.class == "Part A" {
        json.object("assigner");
        json.text("reference", "Organization/cms-org");
        json.close();
    }
    json.close();
    json.close_array();
    json.text("status", "active");
    json.concept("type", "https://nahdo.org/sopt", plan.code, plan.display);
    if plan.class == "Part A" {
        json.object("subscriber");
        json.id_text("reference", "Patient/", person.v3_id);
        json.close();
    }
    json.text("subscriberId", &person.mbi);
    json.object("beneficiary");
    json.id_text("reference", "Patient/", person.v3_id);
    json.close();
    let system = "http://terminology.hl7.org/CodeSystem/subscriber-relationship";
    json.concept("relationship", system, "self", "Self");
    json.object("period");
    let start = if plan.class == "Part C" {
        part_c_from(person)
    } else {
        enrolled(person)
    };
    json.day("start", start);
    if plan.class == "Dual Medicare/Medicaid" {
        // An open end.
        json.text("end", "2099-12-31");
    } else if let Some(death) = person.death {
        json.day("end", death);
    }
    json.close();
    json.array("payor");
    json.open();
    json.text("reference", "#insurer-org");
    json.close();
    json.close_array();
    json.array("class");
    class(&mut json, "plan", plan.class);
    if is_drug_plan {
        class(&mut json, "rxid", &person.mbi);
        class(&mut json, "rxgroup", "354");
        class(&mut json, "rxpcn", "609279");
        class(&mut json, "rxbin", "289653");
    }
    json.close_array();
    json.close();
    Body::new(json.into_bytes(), None)
}

fn payer(json: &mut Json, name: &str) {
    json.open();
    json.text("resourceType", "Organization");
    json.text("id", "insurer-org");
    json.object("meta");
    json.array("profile");
    json.element4(C4BB, "C4BB-Organization", "|2.2.0", "");
    json.close_array();
    json.close();
    json.literal("active", "true");
    json.text("name", name);
    json.array("contact");
    json.open();
    let system = "http://terminology.hl7.org/CodeSystem/contactentity-type";
    json.concept("purpose", system, "PATINF", "Patient");
    json.array("telecom");
    for number in ["1-800-633-4227", "TTY: 1-877-486-2048"] {
        json.open();
        json.text("system", "phone");
        json.text("value", number);
        json.close();
    }
    json.close_array();
    json.close();
    json.close_array();
    json.close();
}

fn extensions(json: &mut Json, class: &str, person: &Person) {
    let (dual, _) = dual_status(person);
    let dual_type = if matches!(dual, "02" | "04" | "08") {
        "F"
    } else {
        "P"
    };
    let codes: &[(&str, &str)] = match class {
        "Part A" | "Part B" => &[
            ("BENE-MDCR-STUS-CD", "10"),
            ("BENE-MDCR-ENTLMT-STUS-CD", "Y"),
            ("BENE-MDCR-ENTLMT-RSN-CD", "0"),
            ("BENE-ENRLMT-RSN-CD", "A"),
            ("BENE-ESRD-STUS-ID", "N"),
            ("BENE-DSBLD-STUS-ID", "N"),
            ("BENE-BUYIN-CD", "A"),
        ],
        "Dual Medicare/Medicaid" => &[
            ("BENE-DUAL-STUS-CD", dual),
            ("BENE-DUAL-TYPE-CD", dual_type),
            ("BENE-MDCR-ENTLMT-RSN-CD", "0"),
            ("MEDICAID-STATE-CD", "TX"),
        ],
        "Part D" => &[
            ("BENE-CVRG-TYPE-CD", "11"),
            ("BENE-ENRLMT-EMPLR-SBSDY-SW", "Y"),
            ("BENE-LIS-COPMT-LVL-CD", "4"),
        ],
        _ => &[
            ("BENE-CVRG-TYPE-CD", "3"),
            ("BENE-ENRLMT-EMPLR-SBSDY-SW", "N"),
        ],
    };
    for (name, code) in codes {
        json.open();
        json.text2("url", STRUCTURE, name);
        json.object("valueCoding");
        json.text2("system", SYSTEM, name);
        json.text("code", code);
        json.close();
        json.close();
    }
    match class {
        "Part C" | "Part D" => {
            let contract = if class == "Part D" { "S0001" } else { "H1234" };
            for (name, value) in [("BENE-CNTRCT-NUM", contract), ("BENE-PBP-NUM", "003")] {
                json.open();
                json.text2("url", STRUCTURE, name);
                json.text("valueString", value);
                json.close();
            }
            if class == "Part D" {
                json.open();
                json.text2("url", STRUCTURE, "BENE-LIS-PTD-PRM-PCT");
                json.cents("valueDecimal", 2_500);
                json.close();
            }
        }
        "Part A" => {
            json.open();
            let url = "http://hl7.org/fhir/us/insurance-card/StructureDefinition/C4DIC-AdditionalCardInformation-extension";
            json.text("url", url);
            json.object("valueAnnotation");
            json.text(
                "text",
                "You may be asked to show this card when you get health care services.",
            );
            json.close();
            json.close();
        }
        _ => {}
    }
}

fn class(json: &mut Json, code: &str, value: &str) {
    json.open();
    json.concept(
        "type",
        "http://terminology.hl7.org/CodeSystem/coverage-class",
        code,
        "",
    );
    json.text("value", value);
    json.close();
}
