//! Prior authorizations of version 3: requests approved before a service, not claims.

use super::parts::{insurer, npi_identifier, open_contained};
use super::{CMS, STRUCTURE, SYSTEM};
use crate::fhir::body::Body;
use crate::fhir::json::{InstantStyle, Json};
use crate::fhir::vocabulary::{
    FACILITIES, HCPCS, HL7_CARE_TEAM_ROLE, HL7_CLAIM_TYPE, HL7_INFORMATION, MODIFIERS,
    PRACTITIONERS, STATES, npi,
};
use crate::population::claim::PriorAuthorization;
use crate::population::dice::Dice;
use crate::population::person::Person;

/// The id: a UUID, unlike a claim's.
pub(crate) fn prior_authorization_id(authorization: &PriorAuthorization) -> String {
    let mut dice = Dice::of(&[authorization.seed, 0x7575_6964]);
    let (high, low) = (dice.next(), dice.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// An ExplanationOfBenefit of a prior authorization.
pub(crate) fn prior_authorization(person: &Person, authorization: &PriorAuthorization) -> Body {
    let mut json = Json::with_capacity(16_000);
    let mut dice = Dice::of(&[authorization.seed, 0x7061]);
    let provider = dice.below(3_000);
    json.open();
    json.text("resourceType", "ExplanationOfBenefit");
    json.text("id", &prior_authorization_id(authorization));
    json.object("meta");
    json.instant("lastUpdated", authorization.updated, InstantStyle::Micros);
    json.text("source", "CWF");
    json.array("profile");
    json.element("http://hl7.org/fhir/us/davinci-pdex/StructureDefinition/pdex-priorauthorization");
    json.close_array();
    json.array("tag");
    json.open();
    json.text2("system", SYSTEM, "System-Type");
    json.text("code", "SharedSystem");
    json.text("display", "Shared System");
    json.close();
    json.close_array();
    json.close();
    json.array("contained");
    open_contained(
        &mut json,
        "Organization",
        "C4BB-Organization",
        "us-core-organization",
    );
    json.number_text("id", npi(provider), 10);
    json.array("identifier");
    json.open();
    npi_identifier(&mut json, provider);
    json.close();
    json.close_array();
    json.literal("active", "true");
    json.text("name", dice.pick(&FACILITIES));
    json.close();
    insurer(&mut json, "Centers for Medicare & Medicaid Services");
    json.close_array();
    json.array("identifier");
    json.open();
    json.text2("system", CMS, "identifiers/Unique-Tracking-Number");
    // These begin with a dash, and are no negative numbers.
    json.text(
        "value",
        &format!("-Z{:012X}", dice.next() & 0xffff_ffff_ffff),
    );
    json.close();
    json.open();
    json.text2("system", CMS, "identifiers/PA-ICN-DCN");
    json.number_text("value", dice.next() % 100_000_000_000_000, 14);
    json.close();
    json.close_array();
    json.text("status", "active");
    json.object("type");
    json.array("coding");
    json.coding(HL7_CLAIM_TYPE, "professional", "");
    json.open();
    json.text2("system", SYSTEM, "CLM-TYPE");
    json.text("code", "B");
    json.text("display", "Part B");
    json.close();
    json.close_array();
    json.close();
    json.text("use", "preauthorization");
    json.object("patient");
    json.id_text("reference", "Patient/", person.v3_id);
    json.close();
    json.day("created", authorization.from.plus(-10));
    json.object("insurer");
    json.text("reference", "#insurer-org");
    json.close();
    json.object("provider");
    json.number_text_after("reference", "#", npi(provider), 10);
    json.close();
    json.text("outcome", "complete");
    json.array("preAuthRefPeriod");
    json.open();
    json.day("start", authorization.from);
    json.day("end", authorization.until);
    json.close();
    json.close_array();
    team(&mut json, &mut dice);
    json.array("supportingInfo");
    json.open();
    json.number("sequence", 1);
    json.concept("category", HL7_INFORMATION, "info", "Information");
    json.concept(
        "code",
        "https://www.nubc.org/CodeSystem/TypeOfBill",
        "32X",
        "",
    );
    json.close();
    json.close_array();
    json.array("insurance");
    json.open();
    json.literal("focal", "true");
    json.object("coverage");
    json.text("display", "Part B");
    json.close();
    json.close();
    json.close_array();
    json.array("item");
    for sequence in 1..=dice.between(1, 3) {
        line(&mut json, &mut dice, authorization, sequence);
    }
    json.close_array();
    json.close();
    Body::new(json.into_bytes(), None)
}

fn team(json: &mut Json, dice: &mut Dice) {
    json.array("careTeam");
    let roles = [("referring", "Referring"), ("attending", "Attending")];
    for (sequence, (role, display)) in (1..).zip(roles) {
        json.open();
        json.number("sequence", sequence);
        json.object("provider");
        json.text("type", "Practitioner");
        json.object("identifier");
        npi_identifier(json, dice.below(3_000));
        json.close();
        let (family, given) = dice.pick(&PRACTITIONERS);
        json.text3("display", family, ", ", given);
        json.close();
        json.concept("role", HL7_CARE_TEAM_ROLE, role, display);
        json.close();
    }
    json.close_array();
}

fn line(json: &mut Json, dice: &mut Dice, authorization: &PriorAuthorization, sequence: u32) {
    let from = authorization.from;
    json.open();
    json.array("extension");
    for (name, day) in [
        ("PA-DT-ADDED", from.plus(-10)),
        ("PA-DT-UPDATED", from.plus(-9)),
        ("PA-REQ-REC-DT", from.plus(-10)),
        ("PA-REQ-SUB-DT", from.plus(-11)),
        ("PA-DECISION-DT", from.plus(-8)),
        ("PA-DECISION-EXP-DT", authorization.until),
        ("MR-COUNT-ST-DT", from),
        ("MR-COUNT-END-DT", authorization.until),
    ] {
        json.open();
        json.text2("url", STRUCTURE, name);
        json.day("valueDate", day);
        json.close();
    }
    json.open();
    json.text2("url", STRUCTURE, "PA-DECISION");
    json.object("valueCoding");
    json.text2("system", SYSTEM, "PA-DECISION");
    json.text("code", "A");
    json.close();
    json.close();
    json.open();
    json.text2("url", STRUCTURE, "SVC-RENDER-ST");
    json.object("valueCoding");
    json.text("system", "https://www.usps.com");
    json.text("code", dice.pick(&STATES));
    json.close();
    json.close();
    for (name, count) in [("SERVICE-CNTS", dice.between(1, 20)), ("MR-COUNT-IND", 17)] {
        json.open();
        json.text2("url", STRUCTURE, name);
        json.number("valueUnsignedInt", count);
        json.close();
    }
    if authorization.number == 0 {
        json.open();
        json.text2("url", STRUCTURE, "RRB-EXCL-IND");
        json.literal("valueBoolean", "true");
        json.close();
    }
    json.close_array();
    json.number("sequence", sequence);
    json.concept("productOrService", HCPCS, "G0299", "");
    json.array("modifier");
    json.concept_element(HCPCS, dice.pick(&MODIFIERS), "");
    json.close_array();
    json.close();
}
