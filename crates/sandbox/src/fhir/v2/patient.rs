//! Patient of version 2.

use super::coverage::months;
use crate::fhir::body::Body;
use crate::fhir::patient_values;
use crate::population::beneficiary::Beneficiary;
use crate::population::enrollment::{REFERENCE_YEAR, coverage_updated};
use crate::template::{InstantStyle, Value};

/// The Patient of a patient.
pub(crate) fn patient(patient: &Beneficiary) -> Body {
    let updated = coverage_updated(patient, 30);
    let mut values = patient_values::of(patient);
    values.set("patient_id", patient.v2_id);
    values.set("last_updated", Value::Instant(updated, InstantStyle::Utc));
    values.set("reference_year", i64::from(REFERENCE_YEAR));
    values.set("is_active", patient.index.is_multiple_of(10));
    values.set("months", months(patient, updated));
    Body::of("v2/patient", &values, 6_000)
}
