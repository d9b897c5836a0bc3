//! Diagnoses of version 2.

use crate::fhir::claim_values::{ClaimValues, is_hospital_stay};
use crate::population::claim::ClaimKind;
use crate::template::Values;
use crate::vocabulary::{
    C4BB_DIAGNOSIS_TYPE, DIAGNOSES, Diagnosis, EXTERNAL_CAUSES, HL7_DIAGNOSIS_TYPE, OLD_DIAGNOSES,
    OLD_EXTERNAL_CAUSES, SENSITIVE, is_before_icd10,
};

/// System, code and display.
type DiagnosisType = (&'static str, &'static str, &'static str);

const ADMITTING: DiagnosisType = (HL7_DIAGNOSIS_TYPE, "admitting", "Admitting Diagnosis");
const PRINCIPAL: DiagnosisType = (HL7_DIAGNOSIS_TYPE, "principal", "Principal Diagnosis");
const OTHER: DiagnosisType = (C4BB_DIAGNOSIS_TYPE, "other", "Other");
const SECONDARY: DiagnosisType = (C4BB_DIAGNOSIS_TYPE, "secondary", "Secondary");
const EXTERNAL_CAUSE: DiagnosisType = (
    C4BB_DIAGNOSIS_TYPE,
    "externalcauseofinjury",
    "External Cause of Injury",
);
const REASON_FOR_VISIT: DiagnosisType = (
    C4BB_DIAGNOSIS_TYPE,
    "patientreasonforvisit",
    "Patient Reason for Visit",
);

/// Sets all diagnoses; gives how many there are.
pub(super) fn set_diagnoses(values: &mut ClaimValues<'_>) -> u32 {
    let kind = values.claim.kind;
    let is_institutional = kind.is_institutional();
    let is_stay = is_hospital_stay(kind);
    let count = values.random.between(1, if is_stay { 9 } else { 5 });
    let other = if is_institutional { OTHER } else { SECONDARY };
    let mut list = List {
        diagnoses: Vec::new(),
        sequence: 0,
    };
    if is_stay {
        let diagnosis = values.random.pick(&DIAGNOSES);
        list.push(values, diagnosis, ADMITTING, None);
    }
    for position in 0..count {
        let mut diagnosis = values.random.pick(&DIAGNOSES);
        if position == 0 && values.claim.is_sensitive {
            diagnosis = values.random.pick(&SENSITIVE);
        }
        // The source labels two diagnoses principal now and then.
        let is_principal = position == 0 || (position == 1 && values.claim.is_one_in(9));
        let role = if is_principal { PRINCIPAL } else { other };
        let indicator = is_stay.then(|| format!("clm_poa_ind_sw{}", position + 1));
        list.push(values, diagnosis, role, indicator);
    }
    // Old claims, which are few, all show how E-codes are written.
    let has_cause = values.random.chance(250) || is_before_icd10(values.claim.through);
    if is_institutional && has_cause {
        let diagnosis = values.random.pick(&EXTERNAL_CAUSES);
        let indicator = is_stay.then(|| "clm_e_poa_ind_sw1".to_owned());
        list.push(values, diagnosis, EXTERNAL_CAUSE, indicator);
    }
    if kind == ClaimKind::Outpatient && values.random.chance(300) {
        let diagnosis = values.random.pick(&DIAGNOSES);
        list.push(values, diagnosis, REASON_FOR_VISIT, None);
    }
    values
        .values
        .set("is_icd9", is_before_icd10(values.claim.through));
    values.values.set("diagnoses", list.diagnoses);
    list.sequence
}

struct List<'a> {
    diagnoses: Vec<Values<'a>>,
    sequence: u32,
}

impl<'a> List<'a> {
    /// Adds a diagnosis. `indicator` is the variable that says whether it was present on
    /// admission.
    fn push(
        &mut self,
        claim: &mut ClaimValues<'a>,
        diagnosis: Diagnosis,
        (system, code, display): DiagnosisType,
        indicator: Option<String>,
    ) {
        let present = indicator.as_ref().map_or(("", ""), |_| {
            claim.random.pick(&[
                ("Y", "Diagnosis was present at the time of admission (POA)"),
                ("N", "Diagnosis was not present at the time of admission"),
            ])
        });
        let diagnosis = if is_before_icd10(claim.claim.through) {
            let is_cause = code == EXTERNAL_CAUSE.1;
            claim.random.pick(if is_cause {
                &OLD_EXTERNAL_CAUSES
            } else {
                &OLD_DIAGNOSES
            })
        } else {
            diagnosis
        };
        self.sequence += 1;
        let mut values = Values::default();
        values.set("sequence", self.sequence);
        values.set("admission_indicator", indicator);
        values.set_code("present_on_admission", present);
        values.set_code("diagnosis", (diagnosis.bare, diagnosis.display));
        values.set("type_system", system);
        values.set_code("type", (code, display));
        let is_inpatient = claim.claim.kind == ClaimKind::Inpatient;
        let shows_group = code == "principal" && is_inpatient && claim.claim.is_one_in(6);
        values.set("shows_group", shows_group);
        self.diagnoses.push(values);
    }
}
