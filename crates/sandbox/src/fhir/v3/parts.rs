//! Contained resources, care team, diagnoses and procedures of version 3.

use super::{C4BB, US_CORE, Writer};
use crate::fhir::json::Json;
use crate::fhir::vocabulary::{
    C4BB_CARE_TEAM_ROLE, C4BB_DIAGNOSIS_TYPE, C4BB_PROCEDURE_TYPE, DIAGNOSES, Diagnosis,
    EXTERNAL_CAUSES, HL7_CARE_TEAM_ROLE, HL7_DIAGNOSIS_TYPE, HL7_IDENTIFIER_TYPE, ICD9_CM,
    ICD10_CM, ICD10_PCS, NPI, OLD_DIAGNOSES, PRACTITIONERS, PROCEDURES, SENSITIVE, SPECIALTIES,
    TAXONOMY, UCUM, is_before_icd10, npi,
};
use crate::population::claim::ClaimKind;

const CCN: &str = "http://terminology.hl7.org/NamingSystem/CCN";
const POA: &str =
    "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding";

/// Opens a contained resource with the two profiles of its type.
pub(super) fn open_contained(json: &mut Json, resource_type: &str, c4bb: &str, core: &str) {
    json.open();
    json.text("resourceType", resource_type);
    json.object("meta");
    json.array("profile");
    json.element4(C4BB, c4bb, "|2.2.0", "");
    json.element4(US_CORE, core, "|7.0.0", "");
    json.close_array();
    json.close();
}

/// An identifier of the type NPI.
pub(super) fn npi_identifier(json: &mut Json, provider: u32) {
    json.concept(
        "type",
        HL7_IDENTIFIER_TYPE,
        "NPI",
        "National provider identifier",
    );
    json.text("system", NPI);
    json.number_text("value", npi(provider), 10);
}

/// The contained organisation that pays.
pub(super) fn insurer(json: &mut Json, name: &str) {
    open_contained(
        json,
        "Organization",
        "C4BB-Organization",
        "us-core-organization",
    );
    json.text("id", "insurer-org");
    json.literal("active", "true");
    json.text("name", name);
    json.close();
}

impl Writer<'_> {
    /// Whether the claim reports a blood test, and under which number of supportingInfo.
    pub(super) fn has_observation(&self) -> bool {
        self.claim.kind == ClaimKind::Carrier && self.claim.is_one_in(3)
    }

    pub(super) fn contained(&mut self) {
        self.json.array("contained");
        let payer = if self.claim.kind == ClaimKind::Pde {
            "Example Saver Medicare Rx (PDP)"
        } else {
            "Centers for Medicare & Medicaid Services"
        };
        insurer(&mut self.json, payer);
        if self.has_provider() {
            self.contained_provider();
        }
        if self.has_observation() {
            self.observation();
        }
        self.json.close_array();
    }

    fn contained_provider(&mut self) {
        let is_person = self.claim.kind == ClaimKind::Carrier && self.claim.is_one_in(2);
        if self.claim.kind == ClaimKind::Pde && self.claim.is_one_in(4) {
            // A pharmacy known by its tax number has no profile.
            self.json.open();
            self.json.text("resourceType", "Organization");
            self.json.number_text("id", npi(self.provider), 10);
            self.json.array("identifier");
            self.json.open();
            let system = "http://bluebutton.cms.gov/fhir/CodeSystem/PRVDR-ID-QLFYR-CD";
            self.json.concept("type", system, "11", "TIN");
            let system = "http://bluebutton.cms.gov/fhir/identifiers/GenericIdNum";
            self.json.text("system", system);
            self.json.number_text("value", npi(self.provider) / 10, 9);
            self.json.close();
            self.json.close_array();
        } else if is_person {
            let profile = ("C4BB-Practitioner", "us-core-practitioner");
            open_contained(&mut self.json, "Practitioner", profile.0, profile.1);
            self.provider_identifiers();
            let (family, given) = self.dice.pick(&PRACTITIONERS);
            self.json.array("name");
            self.json.open();
            self.json.text("family", family);
            self.json.array("given");
            self.json.element(given);
            self.json.close_array();
            self.json.close();
            self.json.close_array();
            self.json.close();
            return;
        } else {
            let profile = ("C4BB-Organization", "us-core-organization");
            open_contained(&mut self.json, "Organization", profile.0, profile.1);
            self.provider_identifiers();
        }
        self.json.literal("active", "true");
        let name = self.facility_name();
        self.json.text("name", name);
        if self.claim.kind.is_institutional() {
            self.json.array("address");
            self.json.open();
            self.json
                .number_text("postalCode", u64::from(self.person.zip), 5);
            self.json.close();
            self.json.close_array();
        }
        self.json.close();
    }

    fn provider_identifiers(&mut self) {
        self.json.number_text("id", npi(self.provider), 10);
        self.json.array("identifier");
        self.json.open();
        npi_identifier(&mut self.json, self.provider);
        self.json.close();
        self.json.open();
        self.json.text("system", CCN);
        // On carrier and DME claims what is here is no CCN: it is one digit short.
        let digits = if self.claim.kind.is_institutional() {
            6
        } else {
            5
        };
        self.json
            .number_text("value", u64::from(self.provider), digits);
        self.json.close();
        self.json.close_array();
    }

    fn observation(&mut self) {
        self.json.open();
        self.json.text("resourceType", "Observation");
        self.json.text("id", "line-observation-1");
        self.json.text("status", "final");
        let display = "Hemoglobin [Mass/volume] in Blood";
        self.json
            .concept("code", "http://loinc.org", "718-7", display);
        self.json.array("performer");
        self.json.open();
        self.json.object("identifier");
        self.json
            .text("system", "http://terminology.hl7.org/NamingSystem/CLIA");
        self.json
            .number_text_after("value", "11D", u64::from(self.provider), 7);
        self.json.close();
        self.json.close();
        self.json.close_array();
        let tenths = i64::from(self.dice.between(90, 170)) * 10;
        if self.claim.is_one_in(2) {
            self.json.object("valueQuantity");
            self.json.cents("value", tenths);
            self.json.text("unit", "g/dL");
            self.json.text("system", UCUM);
            self.json.text("code", "g/dL");
            self.json.close();
        } else {
            self.json
                .number_text("valueString", tenths.unsigned_abs() / 10, 1);
        }
        self.json.close();
    }

    pub(super) fn care_team(&mut self) {
        let roles: &[(&str, &str)] = match self.claim.kind {
            ClaimKind::Pde => &[("prescribing", "Prescribing provider")],
            ClaimKind::Carrier | ClaimKind::Dme => &[
                ("rendering", "Rendering provider"),
                ("referring", "Referring"),
            ],
            _ => &[
                ("attending", "Attending"),
                ("operating", "Operating"),
                ("otheroperating", "Other Operating"),
            ],
        };
        self.json.array("careTeam");
        let mut sequence = 0;
        for (position, (role, display)) in roles.iter().enumerate() {
            // The third member is number four: numbers have gaps.
            sequence += if position == 2 { 2 } else { 1 };
            let provider = self.dice.below(3_000);
            self.json.open();
            self.json.number("sequence", sequence);
            self.team_provider(provider);
            self.json.object("role");
            self.json.array("coding");
            self.json.coding(HL7_CARE_TEAM_ROLE, role, display);
            self.json.coding(C4BB_CARE_TEAM_ROLE, role, display);
            self.json.close_array();
            self.json.close();
            if *role == "rendering" || *role == "attending" {
                let (specialty, taxonomy, display) = self.dice.pick(&SPECIALTIES);
                self.json.object("qualification");
                self.json.array("coding");
                self.json.coding(TAXONOMY, taxonomy, "");
                self.cms_coding("CLM-PRVDR-SPCLTY-CD", specialty, display);
                self.json.close_array();
                self.json.close();
            }
            self.json.close();
        }
        self.json.close_array();
    }

    fn team_provider(&mut self, provider: u32) {
        let (family, given) = self.dice.pick(&PRACTITIONERS);
        self.json.object("provider");
        self.json.text("type", "Practitioner");
        self.json.object("identifier");
        npi_identifier(&mut self.json, provider);
        self.json.close();
        self.json.text3("display", family, ", ", given);
        self.json.close();
    }

    /// Admitting first, then the others; the principal is the last but for causes from outside,
    /// and stands among the others as well.
    pub(super) fn diagnoses(&mut self) {
        let is_institutional = self.claim.kind.is_institutional();
        let count = self.dice.between(1, if is_institutional { 8 } else { 4 });
        let mut principal = self.dice.pick(&DIAGNOSES);
        if self.claim.is_sensitive {
            principal = self.dice.pick(&SENSITIVE);
        }
        let mut sequence = 0;
        self.json.array("diagnosis");
        if !is_institutional {
            sequence += 1;
            self.diagnosis(
                sequence,
                principal,
                (HL7_DIAGNOSIS_TYPE, "principal"),
                false,
            );
            for _ in 1..count {
                sequence += 1;
                let diagnosis = self.dice.pick(&DIAGNOSES);
                self.diagnosis(
                    sequence,
                    diagnosis,
                    (C4BB_DIAGNOSIS_TYPE, "secondary"),
                    false,
                );
            }
            self.json.close_array();
            return;
        }
        sequence += 1;
        let admitting = self.dice.pick(&DIAGNOSES);
        self.diagnosis(
            sequence,
            admitting,
            (HL7_DIAGNOSIS_TYPE, "admitting"),
            false,
        );
        for position in 0..count {
            sequence += 1;
            let diagnosis = if position == 0 {
                principal
            } else {
                self.dice.pick(&DIAGNOSES)
            };
            self.diagnosis(sequence, diagnosis, (C4BB_DIAGNOSIS_TYPE, "other"), true);
        }
        if self.dice.chance(250) {
            sequence += 1;
            let cause = self.dice.pick(&EXTERNAL_CAUSES);
            let kind = (C4BB_DIAGNOSIS_TYPE, "externalcauseofinjury");
            self.diagnosis(sequence, cause, kind, true);
        }
        sequence += 1;
        self.diagnosis(
            sequence,
            principal,
            (HL7_DIAGNOSIS_TYPE, "principal"),
            false,
        );
        self.json.close_array();
    }

    fn diagnosis(
        &mut self,
        sequence: u32,
        diagnosis: Diagnosis,
        (kind, code): (&str, &str),
        has_admission: bool,
    ) {
        self.json.open();
        self.json.number("sequence", sequence);
        let (system, diagnosis) = if is_before_icd10(self.claim.through) {
            (ICD9_CM, self.dice.pick(&OLD_DIAGNOSES))
        } else {
            (ICD10_CM, diagnosis)
        };
        // Now and then without the dot.
        let digits = if self.dice.chance(50) {
            diagnosis.bare
        } else {
            diagnosis.dotted
        };
        self.json
            .concept("diagnosisCodeableConcept", system, digits, "");
        self.json.array("type");
        self.json.concept_element(kind, code, "");
        self.json.close_array();
        if has_admission {
            let present = self.dice.pick(&["Y", "N", "U"]);
            self.json.concept("onAdmission", POA, present, "");
        }
        self.json.close();
    }

    pub(super) fn procedures(&mut self) {
        if self.dice.chance(400) {
            return;
        }
        self.json.array("procedure");
        let count = self.dice.between(1, 4);
        for position in 1..=count {
            let (code, _) = self.dice.pick(&PROCEDURES);
            let (kind, display) = if position == 1 {
                ("principal", "Principal")
            } else {
                ("other", "Other")
            };
            self.json.open();
            // The second is number eleven in some claims.
            let leap = if self.claim.is_one_in(5) && position > 1 {
                9
            } else {
                0
            };
            self.json.number("sequence", position + leap);
            self.json.array("type");
            self.json
                .concept_element(C4BB_PROCEDURE_TYPE, kind, display);
            self.json.close_array();
            self.json.day("date", self.claim.from);
            self.json
                .concept("procedureCodeableConcept", ICD10_PCS, code, "");
            self.json.close();
        }
        self.json.close_array();
    }
}
