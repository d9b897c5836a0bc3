//! Patient of version 3.

use super::{C4BB, US_CORE};
use crate::fhir::body::Body;
use crate::fhir::json::{InstantStyle, Json};
use crate::fhir::vocabulary::HL7_IDENTIFIER_TYPE;
use crate::population::day::Day;
use crate::population::history::load_time;
use crate::population::person::{Person, Sex};

/// A person as version 3 tells of them.
pub(crate) fn patient(person: &Person) -> Body {
    let mut json = Json::with_capacity(3_000);
    json.open();
    json.text("resourceType", "Patient");
    json.id_text("id", "", person.v3_id);
    json.object("meta");
    json.instant(
        "lastUpdated",
        load_time(0) - 25 * 86_400_000,
        InstantStyle::Micros,
    );
    json.array("profile");
    json.element4(C4BB, "C4BB-Patient", "|2.2.0", "");
    json.element4(US_CORE, "us-core-patient", "|7.0.0", "");
    json.close_array();
    json.close();
    extensions(&mut json, person);
    json.array("identifier");
    let changed = person.former_mbi.as_ref().map(|(_, day)| *day);
    if let Some((former, day)) = &person.former_mbi {
        mbi(&mut json, former, Day::of(2017, 5, 11), Some(day.plus(-1)));
    }
    mbi(
        &mut json,
        &person.mbi,
        changed.unwrap_or(Day::of(2018, 4, 1)),
        None,
    );
    json.close_array();
    json.array("name");
    json.open();
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
    if let Some(death) = person.death {
        json.day("deceasedDateTime", death);
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
    json.array("communication");
    json.open();
    json.concept("language", "urn:ietf:bcp:47", "en", "");
    if person.index.is_multiple_of(2) {
        json.literal("preferred", "true");
    }
    json.close();
    json.close_array();
    if let Some(merged) = person.merged_v3_id {
        json.array("link");
        json.open();
        json.object("other");
        json.id_text("reference", "Patient/", merged);
        json.id_text("display", "", merged);
        json.close();
        json.text("type", "replaces");
        json.close();
        json.close_array();
    }
    json.close();
    Body::new(json.into_bytes(), None)
}

fn extensions(json: &mut Json, person: &Person) {
    json.array("extension");
    json.open();
    json.text2("url", US_CORE, "us-core-sex");
    let sex = match person.sex {
        Sex::Female => "248152002",
        Sex::Male => "248153007",
    };
    json.text("valueCode", sex);
    json.close();
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
    // Hispanic origin is an ethnicity, all else a race.
    let is_ethnicity = person.race.omb_code == "2135-2";
    json.text2(
        "url",
        US_CORE,
        if is_ethnicity {
            "us-core-ethnicity"
        } else {
            "us-core-race"
        },
    );
    json.close();
    json.close_array();
}

fn mbi(json: &mut Json, value: &str, start: Day, end: Option<Day>) {
    json.open();
    json.concept("type", HL7_IDENTIFIER_TYPE, "MB", "");
    json.text("system", "http://hl7.org/fhir/sid/us-mbi");
    json.text("value", value);
    json.object("period");
    json.day("start", start);
    if let Some(end) = end {
        json.day("end", end);
    }
    json.close();
    json.close();
}
