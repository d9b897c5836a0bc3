//! Patient of version 3.

use crate::fhir::body::Body;
use crate::fhir::patient_values;
use crate::population::beneficiary::Beneficiary;
use crate::population::day::Day;
use crate::population::history::load_time;
use crate::template::{InstantStyle, Value};

/// The Patient of a patient.
pub(crate) fn patient(patient: &Beneficiary) -> Body {
    let mut values = patient_values::of(patient);
    values.set("patient_id", patient.v3_id);
    let updated = load_time(0) - 25 * 86_400_000;
    values.set(
        "last_updated",
        Value::Instant(updated, InstantStyle::Micros),
    );
    // Hispanic origin is an ethnicity, every other value a race.
    values.set("is_ethnicity", patient.race.omb.0 == "2135-2");
    let changed = patient.former_mbi.as_ref().map(|(_, day)| *day);
    values.set("mbi_start", changed.unwrap_or(Day::of(2018, 4, 1)));
    values.set("former_mbi_end", changed.map(|day| day.plus(-1)));
    values.set("prefers_english", patient.index.is_multiple_of(2));
    values.set("merged_id", patient.merged_v3_id);
    Body::of("v3/patient", &values, 3_000)
}
