//! Prior authorizations of version 3: requests approved before a service, not claims.

use crate::fhir::body::Body;
use crate::fhir::claim_values::{npi_of, set_member};
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::PriorAuthorization;
use crate::random::Random;
use crate::template::{InstantStyle, Value, Values};
use crate::vocabulary::{FACILITIES, MODIFIERS, STATES};

/// The id: a UUID, unlike a claim's.
pub(crate) fn prior_authorization_id(authorization: &PriorAuthorization) -> String {
    Random::of(&[authorization.seed, 0x7575_6964]).uuid()
}

/// An ExplanationOfBenefit of a prior authorization.
pub(crate) fn prior_authorization(
    patient: &Beneficiary,
    authorization: &PriorAuthorization,
) -> Body {
    let mut random = Random::of(&[authorization.seed, 0x7061]);
    let mut values = Values::default();
    values.set("authorization_id", prior_authorization_id(authorization));
    let updated = Value::Instant(authorization.updated, InstantStyle::Micros);
    values.set("last_updated", updated);
    values.set("patient_id", patient.v3_id);
    values.set("provider_npi", npi_of(random.below(3_000)));
    values.set("provider_name", random.pick(&FACILITIES));
    // These begin with a dash, and are no negative numbers.
    let tracking = format!("-Z{:012X}", random.next() & 0xffff_ffff_ffff);
    values.set("tracking_number", tracking);
    let document = Value::Padded(random.next() % 100_000_000_000_000, 14);
    values.set("document_number", document);
    for role in ["referring", "attending"] {
        set_member(&mut values, &mut random, role);
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
    let count = random.between(1, 3);
    let lines = Values::list(count, |sequence, values| {
        values.set("sequence", sequence);
        values.set("state", random.pick(&STATES));
        values.set("services", random.between(1, 20));
        values.set("modifier", random.pick(&MODIFIERS).0);
    });
    values.set("lines", lines);
    Body::of("v3/prior-authorization", &values, 16_000)
}
