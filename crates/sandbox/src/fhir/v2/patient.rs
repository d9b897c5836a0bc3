//! Patient of version 2.

use super::coverage::months;
use crate::fhir::body::Body;
use crate::fhir::person_values;
use crate::population::enrollment::{REFERENCE_YEAR, coverage_updated};
use crate::population::person::Person;
use crate::template::{InstantStyle, Value};

/// The Patient of a person.
pub(crate) fn patient(person: &Person) -> Body {
    let updated = coverage_updated(person, 30);
    let mut values = person_values::of(person);
    values.set("patient_id", person.v2_id);
    values.set("last_updated", Value::Instant(updated, InstantStyle::Utc));
    values.set("reference_year", i64::from(REFERENCE_YEAR));
    values.set("is_active", person.index.is_multiple_of(10));
    values.set("months", months(person, updated));
    Body::of("v2/patient", &values, 6_000)
}
