//! Values that the patients of both API versions share.

use crate::population::person::{Person, Sex};
use crate::template::{Value, Values};

/// Name, sex, race, life and address of a person.
pub(super) fn of(person: &Person) -> Values<'_> {
    let mut values = Values::default();
    let (gender, sex) = match person.sex {
        Sex::Female => ("female", "248152002"),
        Sex::Male => ("male", "248153007"),
    };
    values.set("gender", gender);
    values.set("sex", sex);
    values.set("family", person.family.as_str());
    values.set("given", person.given.as_str());
    values.set("middle", person.middle);
    values.set("mbi", person.mbi.as_str());
    let former = person.former_mbi.as_ref().map(|(mbi, _)| mbi.as_str());
    values.set("former_mbi", former);
    values.set_code("race", person.race.medicare);
    values.set_code("race.omb", person.race.omb);
    let system = if person.race.omb.0 == "UNK" {
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    } else {
        "urn:oid:2.16.840.1.113883.6.238"
    };
    values.set("race.system", system);
    values.set("birth", person.birth);
    values.set("death", person.death);
    values.set("has_street", person.index.is_multiple_of(10));
    values.set("city", person.city);
    values.set("state", person.state);
    values.set("postal_code", Value::Padded(u64::from(person.zip), 5));
    values
}
