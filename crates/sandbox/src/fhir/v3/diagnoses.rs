//! Diagnoses and procedures of version 3.

use crate::fhir::claim_values::ClaimValues;
use crate::fhir::template::Values;
use crate::fhir::vocabulary::{
    C4BB_DIAGNOSIS_TYPE, DIAGNOSES, Diagnosis, EXTERNAL_CAUSES, HL7_DIAGNOSIS_TYPE, ICD9_CM,
    ICD10_CM, OLD_DIAGNOSES, PROCEDURES, SENSITIVE, is_before_icd10,
};

/// System and code.
type DiagnosisType = (&'static str, &'static str);

const ADMITTING: DiagnosisType = (HL7_DIAGNOSIS_TYPE, "admitting");
const PRINCIPAL: DiagnosisType = (HL7_DIAGNOSIS_TYPE, "principal");
const OTHER: DiagnosisType = (C4BB_DIAGNOSIS_TYPE, "other");
const SECONDARY: DiagnosisType = (C4BB_DIAGNOSIS_TYPE, "secondary");
const EXTERNAL_CAUSE: DiagnosisType = (C4BB_DIAGNOSIS_TYPE, "externalcauseofinjury");

/// Of facilities the admitting diagnosis comes first, then the others; the principal is the last
/// but for causes from outside, and is among the others as well.
pub(super) fn set_diagnoses(claim: &mut ClaimValues<'_>) {
    let is_institutional = claim.claim.kind.is_institutional();
    let count = claim.dice.between(1, if is_institutional { 8 } else { 4 });
    let mut principal = claim.dice.pick(&DIAGNOSES);
    if claim.claim.is_sensitive {
        principal = claim.dice.pick(&SENSITIVE);
    }
    let mut diagnoses = Vec::new();
    if is_institutional {
        let admitting = claim.dice.pick(&DIAGNOSES);
        diagnoses.push(diagnosis(claim, admitting, ADMITTING, false));
        diagnoses.push(diagnosis(claim, principal, OTHER, true));
        for _ in 1..count {
            let other = claim.dice.pick(&DIAGNOSES);
            diagnoses.push(diagnosis(claim, other, OTHER, true));
        }
        if claim.dice.chance(250) {
            let cause = claim.dice.pick(&EXTERNAL_CAUSES);
            diagnoses.push(diagnosis(claim, cause, EXTERNAL_CAUSE, true));
        }
        diagnoses.push(diagnosis(claim, principal, PRINCIPAL, false));
    } else {
        diagnoses.push(diagnosis(claim, principal, PRINCIPAL, false));
        for _ in 1..count {
            let other = claim.dice.pick(&DIAGNOSES);
            diagnoses.push(diagnosis(claim, other, SECONDARY, false));
        }
    }
    claim.values.set("diagnoses", diagnoses);
}

fn diagnosis<'a>(
    claim: &mut ClaimValues<'a>,
    diagnosis: Diagnosis,
    (type_system, code): DiagnosisType,
    shows_admission: bool,
) -> Values<'a> {
    let (system, diagnosis) = if is_before_icd10(claim.claim.through) {
        (ICD9_CM, claim.dice.pick(&OLD_DIAGNOSES))
    } else {
        (ICD10_CM, diagnosis)
    };
    let mut values = Values::default();
    values.set("diagnosis_system", system);
    // Now and then without the dot.
    let digits = if claim.dice.chance(50) {
        diagnosis.bare
    } else {
        diagnosis.dotted
    };
    values.set("diagnosis", digits);
    values.set("type_system", type_system);
    values.set("type", code);
    let present = shows_admission.then(|| claim.dice.pick(&["Y", "N", "U"]));
    values.set("present_on_admission", present);
    values
}

/// The procedures of a facility's claim, where it has any.
pub(super) fn set_procedures(claim: &mut ClaimValues<'_>) {
    let has_procedures = !claim.dice.chance(400);
    claim.values.set("has_procedures", has_procedures);
    if !has_procedures {
        return;
    }
    let count = claim.dice.between(1, 4);
    // The second is number eleven in some claims.
    let leap = if claim.claim.is_one_in(5) { 9 } else { 0 };
    let procedures: Vec<Values<'_>> = (1..=count)
        .map(|position| {
            let (code, _) = claim.dice.pick(&PROCEDURES);
            let is_first = position == 1;
            let mut values = Values::default();
            values.set("sequence", position + if is_first { 0 } else { leap });
            let role = if is_first {
                ("principal", "Principal")
            } else {
                ("other", "Other")
            };
            values.set_code("type", role);
            values.set("procedure", code);
            values
        })
        .collect();
    claim.values.set("procedures", procedures);
}
