//! Diagnoses and procedures of version 3.

use crate::fhir::claim_values::ClaimValues;
use crate::template::Values;
use crate::vocabulary::{
    C4BB_DIAGNOSIS_TYPE, DIAGNOSES, Diagnosis, EXTERNAL_CAUSES, HL7_DIAGNOSIS_TYPE, ICD9_CM,
    ICD10_CM, OLD_DIAGNOSES, OLD_EXTERNAL_CAUSES, PROCEDURES, SENSITIVE, is_before_icd10,
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
    let count = claim
        .random
        .between(1, if is_institutional { 8 } else { 4 });
    let mut principal = claim.random.pick(&DIAGNOSES);
    if claim.claim.is_sensitive {
        principal = claim.random.pick(&SENSITIVE);
    }
    let mut diagnoses = Vec::new();
    if is_institutional {
        let admitting = claim.random.pick(&DIAGNOSES);
        diagnoses.push(diagnosis(claim, admitting, ADMITTING, false));
        diagnoses.push(diagnosis(claim, principal, OTHER, true));
        for _ in 1..count {
            let other = claim.random.pick(&DIAGNOSES);
            diagnoses.push(diagnosis(claim, other, OTHER, true));
        }
        if claim.random.chance(250) || is_before_icd10(claim.claim.through) {
            let cause = claim.random.pick(&EXTERNAL_CAUSES);
            diagnoses.push(diagnosis(claim, cause, EXTERNAL_CAUSE, true));
        }
        diagnoses.push(diagnosis(claim, principal, PRINCIPAL, false));
    } else {
        diagnoses.push(diagnosis(claim, principal, PRINCIPAL, false));
        for _ in 1..count {
            let other = claim.random.pick(&DIAGNOSES);
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
    let is_cause = code == EXTERNAL_CAUSE.1;
    let (system, diagnosis) = if is_before_icd10(claim.claim.through) {
        let old = if is_cause {
            &OLD_EXTERNAL_CAUSES
        } else {
            &OLD_DIAGNOSES
        };
        (ICD9_CM, claim.random.pick(old))
    } else if is_cause && claim.claim.is_one_in(19) {
        // The source names the wrong revision now and then.
        (ICD9_CM, diagnosis)
    } else {
        (ICD10_CM, diagnosis)
    };
    let mut values = Values::default();
    values.set("diagnosis_system", system);
    // Now and then without the dot.
    let digits = if claim.random.chance(50) {
        diagnosis.bare
    } else {
        diagnosis.dotted
    };
    values.set("diagnosis", digits);
    values.set("type_system", type_system);
    values.set("type", code);
    let present = shows_admission.then(|| claim.random.pick(&["Y", "N", "U"]));
    values.set("present_on_admission", present);
    values
}

/// The procedures of a facility's claim, where it has any.
pub(super) fn set_procedures(claim: &mut ClaimValues<'_>) {
    let has_procedures = !claim.random.chance(400);
    claim.values.set("has_procedures", has_procedures);
    if !has_procedures {
        return;
    }
    let count = claim.random.between(1, 4);
    // The second is number eleven in some claims.
    let leap = if claim.claim.is_one_in(5) { 9 } else { 0 };
    let procedures = Values::list(count, |position, values| {
        let (code, _) = claim.random.pick(&PROCEDURES);
        let (sequence, role) = match position {
            1 => (1, ("principal", "Principal")),
            _ => (position + leap, ("other", "Other")),
        };
        values.set("sequence", sequence);
        values.set_code("type", role);
        values.set("procedure", code);
    });
    claim.values.set("procedures", procedures);
}
