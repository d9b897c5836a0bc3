//! Values that the patients of both API versions share.

use crate::population::beneficiary::{Beneficiary, Sex};
use crate::template::{Value, Values};

/// Name, sex, race, dates and address of a patient.
pub(super) fn of(patient: &Beneficiary) -> Values<'_> {
    let mut values = Values::default();
    let (gender, sex) = match patient.sex {
        Sex::Female => ("female", "248152002"),
        Sex::Male => ("male", "248153007"),
    };
    values.set("gender", gender);
    values.set("sex", sex);
    values.set("family", patient.family.as_str());
    values.set("given", patient.given.as_str());
    values.set("middle", patient.middle);
    values.set("mbi", patient.mbi.as_str());
    let former = patient.former_mbi.as_ref().map(|(mbi, _)| mbi.as_str());
    values.set("former_mbi", former);
    values.set_code("race", patient.race.medicare);
    values.set_code("race.omb", patient.race.omb);
    let system = if patient.race.omb.0 == "UNK" {
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    } else {
        "urn:oid:2.16.840.1.113883.6.238"
    };
    values.set("race.system", system);
    values.set("birth", patient.birth);
    values.set("death", patient.death);
    values.set("has_street", patient.index.is_multiple_of(10));
    values.set("city", patient.city);
    values.set("state", patient.state);
    values.set("postal_code", Value::Padded(u64::from(patient.zip), 5));
    values
}
