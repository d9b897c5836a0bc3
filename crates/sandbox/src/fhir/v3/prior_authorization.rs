//! Prior authorizations of version 3: requests approved before a service, not claims.

use crate::fhir::bodies;
use crate::fhir::body::Body;
use crate::fhir::claim_values::{npi_of, set_member};
use crate::fhir::template::{InstantStyle, Value, Values};
use crate::fhir::vocabulary::{FACILITIES, MODIFIERS, STATES};
use crate::population::claim::PriorAuthorization;
use crate::population::dice::Dice;
use crate::population::person::Person;

/// The id: a UUID, unlike a claim's.
pub(crate) fn prior_authorization_id(authorization: &PriorAuthorization) -> String {
    let mut dice = Dice::of(&[authorization.seed, 0x7575_6964]);
    let (high, low) = (dice.next(), dice.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// An ExplanationOfBenefit of a prior authorization.
pub(crate) fn prior_authorization(person: &Person, authorization: &PriorAuthorization) -> Body {
    let mut dice = Dice::of(&[authorization.seed, 0x7061]);
    let mut values = Values::default();
    values.set("authorization_id", prior_authorization_id(authorization));
    let updated = Value::Instant(authorization.updated, InstantStyle::Micros);
    values.set("last_updated", updated);
    values.set("patient_id", person.v3_id);
    values.set("provider_npi", npi_of(dice.below(3_000)));
    values.set("provider_name", dice.pick(&FACILITIES));
    // These begin with a dash, and are no negative numbers.
    let tracking = format!("-Z{:012X}", dice.next() & 0xffff_ffff_ffff);
    values.set("tracking_number", tracking);
    let document = Value::Padded(dice.next() % 100_000_000_000_000, 14);
    values.set("document_number", document);
    for role in ["referring", "attending"] {
        set_member(&mut values, &mut dice, role);
    }
    let from = authorization.from;
    for (name, days) in [
        ("from", 0),
        ("created", -10),
        ("added", -10),
        ("updated", -9),
        ("request_received", -10),
        ("request_submitted", -11),
        ("decided", -8),
    ] {
        values.set(name, from.plus(days));
    }
    values.set("until", authorization.until);
    values.set("is_excluded_railroad", authorization.number == 0);
    let lines: Vec<Values<'_>> = (1..=dice.between(1, 3))
        .map(|sequence| {
            let mut values = Values::default();
            values.set("sequence", sequence);
            values.set("state", dice.pick(&STATES));
            values.set("services", dice.between(1, 20));
            values.set("modifier", dice.pick(&MODIFIERS).0);
            values
        })
        .collect();
    values.set("lines", lines);
    bodies::body("v3/prior-authorization", &values, 16_000)
}
