//! Coverage of version 3: only what a person is enrolled in, as of now.

use crate::fhir::body::Body;
use crate::population::enrollment::{coverage_updated, dual_status, part_c_from};
use crate::population::person::{Person, enrolled};
use crate::template::{InstantStyle, Value, Values};

/// The coverages of a person, by id.
pub(crate) fn coverage_ids(person: &Person) -> Vec<String> {
    let id = person.v3_id;
    let mut ids = Vec::new();
    if person.is_dual {
        ids.push(format!("dual-{id}"));
    }
    ids.push(format!("part-a-{id}"));
    ids.push(format!("part-b-{id}"));
    if person.has_part_c {
        ids.push(format!("part-c-{id}-H1234-003"));
    }
    if person.has_part_d {
        ids.push(format!("part-d-{id}-S0001-003"));
    }
    ids
}

/// The coverage of one of the ids of `coverage_ids`.
pub(crate) fn coverage(person: &Person, id: &str) -> Body {
    let part = id.strip_prefix("part-").and_then(|rest| rest.get(..1));
    let part = part.unwrap_or("dual");
    let updated = coverage_updated(person, 20);
    let (dual, _) = dual_status(person);
    let has_full_benefits = matches!(dual, "02" | "04" | "08");
    let start = if part == "c" {
        part_c_from(person)
    } else {
        enrolled(person)
    };
    let mut values = Values::default();
    values.set("coverage_id", id.to_owned());
    values.set("patient_id", person.v3_id);
    let updated = Value::Instant(updated, InstantStyle::Micros);
    values.set("last_updated", updated);
    values.set("mbi", person.mbi.as_str());
    values.set("dual_status", dual);
    values.set("dual_type", if has_full_benefits { "F" } else { "P" });
    values.set("start", start);
    values.set("death", person.death);
    Body::of(&format!("v3/coverage-{part}"), &values, 6_000)
}
