//! Patient of version 2.

use crate::fhir::body::Body;
use crate::fhir::json::{InstantStyle, Json, VARIABLE};
use crate::fhir::vocabulary::HL7_IDENTIFIER_TYPE;
use crate::population::enrollment::{
    Month, NO_MEDICARE, REFERENCE_YEAR, coverage_updated, dual_status, month,
};
use crate::population::person::{Person, Sex};

const CURRENCY: &str = "https://bluebutton.cms.gov/resources/codesystem/identifier-currency";
const CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

/// When the patient was last updated, in milliseconds since the epoch.
fn updated(person: &Person) -> i64 {
    coverage_updated(person, 30)
}

/// A person as version 2 tells of them.
pub(crate) fn patient(person: &Person) -> Body {
    let mut json = Json::with_capacity(6_000);
    json.open();
    json.text("resourceType", "Patient");
    json.id_text("id", "", person.v2_id);
    json.object("meta");
    json.instant("lastUpdated", updated(person), InstantStyle::Utc);
    json.array("profile");
    json.element("http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-Patient");
    json.close_array();
    json.close();
    extensions(&mut json, person);
    identifiers(&mut json, person);
    if person.index.is_multiple_of(10) {
        json.literal("active", "true");
    }
    json.array("name");
    json.open();
    json.text("use", "usual");
    json.text("family", &person.family);
    json.array("given");
    json.element(&person.given);
    if let Some(middle) = person.middle {
        json.element(middle);
    }
    json.close_array();
    json.close();
    json.close_array();
    let gender = match person.sex {
        Sex::Female => "female",
        Sex::Male => "male",
    };
    json.text("gender", gender);
    json.day("birthDate", person.birth);
    match person.death {
        Some(death) => json.day("deceasedDateTime", death),
        None => json.literal("deceasedBoolean", "false"),
    }
    json.array("address");
    json.open();
    if person.index.is_multiple_of(10) {
        json.array("line");
        json.element("204 SOUTH ST");
        json.element("APT 7");
        json.close_array();
        json.text("city", person.city);
    }
    json.text("state", person.state);
    json.number_text("postalCode", u64::from(person.zip), 5);
    json.close();
    json.close_array();
    json.close();
    Body::new(json.into_bytes(), None)
}

fn extensions(json: &mut Json, person: &Person) {
    json.array("extension");
    json.open();
    json.array("extension");
    json.open();
    json.text("url", "ombCategory");
    json.object("valueCoding");
    let system = if person.race.omb_code == "UNK" {
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    } else {
        "urn:oid:2.16.840.1.113883.6.238"
    };
    json.text("system", system);
    json.text("code", person.race.omb_code);
    json.text("display", person.race.omb_display);
    json.close();
    json.close();
    json.open();
    json.text("url", "text");
    json.text("valueString", person.race.omb_display);
    json.close();
    json.close_array();
    json.text2("url", CORE, "us-core-race");
    json.close();
    json.open();
    json.text2("url", CORE, "us-core-sex");
    let sex = match person.sex {
        Sex::Female => "248152002",
        Sex::Male => "248153007",
    };
    json.text("valueCode", sex);
    json.close();
    json.variable_extension("race", person.race.code, person.race.display);
    json.open();
    json.text2("url", VARIABLE, "rfrnc_yr");
    json.text("valueDate", &REFERENCE_YEAR.to_string());
    json.close();
    for number in 1..=12 {
        let (code, display) = match month(person, number, updated(person)) {
            Month::Entitled => dual_status(person),
            Month::NotEntitled => NO_MEDICARE,
            Month::Unknown => continue,
        };
        json.variable_extension(&format!("dual_{number:02}"), code, display);
    }
    json.close_array();
}

fn identifiers(json: &mut Json, person: &Person) {
    json.array("identifier");
    json.open();
    json.concept("type", HL7_IDENTIFIER_TYPE, "MB", "Member Number");
    json.text2("system", VARIABLE, "bene_id");
    json.id_text("value", "", person.v2_id);
    json.close();
    mbi(json, &person.mbi, "current", "Current");
    if let Some((former, _)) = &person.former_mbi {
        mbi(json, former, "historic", "Historic");
    }
    json.close_array();
}

fn mbi(json: &mut Json, value: &str, currency: &str, display: &str) {
    json.open();
    json.object("type");
    json.array("coding");
    json.open();
    json.array("extension");
    json.open();
    json.text("url", CURRENCY);
    json.object("valueCoding");
    json.text("system", CURRENCY);
    json.text("code", currency);
    json.text("display", display);
    json.close();
    json.close();
    json.close_array();
    json.text("system", HL7_IDENTIFIER_TYPE);
    json.text("code", "MC");
    json.text("display", "Patient's Medicare number");
    json.close();
    json.close_array();
    json.close();
    json.text("system", "http://hl7.org/fhir/sid/us-mbi");
    json.text("value", value);
    if currency == "current" {
        json.object("period");
        json.text("start", "2020-07-30");
        json.close();
    }
    json.close();
}
