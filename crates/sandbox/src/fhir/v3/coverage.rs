//! Coverage of version 3: only what a patient is enrolled in, as of now.

use crate::fhir::body::Body;
use crate::population::beneficiary::{Beneficiary, enrolled};
use crate::population::enrollment::{coverage_updated, dual_status, part_c_from};
use crate::template::{InstantStyle, Value, Values};

/// The coverages of a patient, by id.
pub(crate) fn coverage_ids(patient: &Beneficiary) -> Vec<String> {
    let id = patient.v3_id;
    let mut ids = Vec::new();
    if patient.is_dual {
        ids.push(format!("dual-{id}"));
    }
    ids.push(format!("part-a-{id}"));
    ids.push(format!("part-b-{id}"));
    if patient.has_part_c {
        ids.push(format!("part-c-{id}-H1234-003"));
    }
    if patient.has_part_d {
        ids.push(format!("part-d-{id}-S0001-003"));
    }
    ids
}

/// The coverage of one of the ids of `coverage_ids`.
pub(crate) fn coverage(patient: &Beneficiary, id: &str) -> Body {
    let part = id.strip_prefix("part-").and_then(|rest| rest.get(..1));
    let part = part.unwrap_or("dual");
    let updated = coverage_updated(patient, 20);
    let (dual, _) = dual_status(patient);
    let has_full_benefits = matches!(dual, "02" | "04" | "08");
    let start = if part == "c" {
        part_c_from(patient)
    } else {
        enrolled(patient)
    };
    let mut values = Values::default();
    values.set("coverage_id", id.to_owned());
    values.set("patient_id", patient.v3_id);
    let updated = Value::Instant(updated, InstantStyle::Micros);
    values.set("last_updated", updated);
    values.set("mbi", patient.mbi.as_str());
    values.set("dual_status", dual);
    values.set("dual_type", if has_full_benefits { "F" } else { "P" });
    values.set("start", start);
    values.set("death", patient.death);
    Body::of(&format!("v3/coverage-{part}"), &values, 6_000)
}
