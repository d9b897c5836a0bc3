//! The header of version 3's claims: who billed, who treated, codes and money.

use crate::fhir::claim_values::{self, ClaimValues, control_number, npi_of};
use crate::fhir::npi::npi;
use crate::fhir::part_d;
use crate::population::claim::{ClaimKind, FinalAction, v3_claim_id};
use crate::template::{InstantStyle, Value};
use crate::vocabulary::{FACILITIES, PRACTITIONERS, SPECIALTIES};

/// Amounts of facilities that are shares of the payment, in percent.
const SHARES: [(&str, i64); 5] = [
    ("disproportionate_share", 1),
    ("capital_federal", 5),
    ("capital_education", 3),
    ("capital_total", 9),
    ("uncompensated_care", 1),
];

/// Sets the values of the header but for its diagnoses and money.
pub(super) fn set_header(claim: &mut ClaimValues<'_>) {
    let provider = claim.claim.provider;
    identity(claim);
    processing(claim);
    contained(claim, provider);
    team(claim);
    if claim.claim.kind == ClaimKind::Pde {
        prescription(claim);
    } else {
        medical(claim);
    }
}

fn identity(values: &mut ClaimValues<'_>) {
    let (patient, claim) = (values.patient, values.claim);
    let is_pde = claim.kind == ClaimKind::Pde;
    let values = &mut values.values;
    let id = v3_claim_id(patient.index, claim.number, claim.is_inserted);
    values.set("claim_id", id);
    let updated = Value::Instant(claim.updated, InstantStyle::Micros);
    values.set("last_updated", updated);
    values.set("source", claim.source.as_str());
    values.set("is_sensitive", claim.is_sensitive);
    values.set("system_type", claim.source.system_type());
    let final_action = match claim.final_action {
        FinalAction::Final => "FinalAction",
        FinalAction::Superseded => "NotFinalAction",
    };
    values.set("final_action", final_action);
    // A Part D event keeps the number of its original; elsewhere a version has its own, and names
    // the one before.
    let revision = if is_pde { 0 } else { claim.revision };
    let control = |revision| Value::Padded(control_number(claim.seed, revision), 14);
    values.set("control_number", control(revision));
    let prior = revision.checked_sub(1).map(control);
    values.set("prior_control_number", prior);
    let is_shared = claim.source.is_shared_system();
    values.set("is_in_shared_system", is_shared);
    values.set("shows_type_display", claim.is_one_in(3));
    let is_deleted = claim.final_action == FinalAction::Superseded;
    values.set("is_deleted", is_deleted);
    values.set("is_adjustment", !is_deleted && claim.revision > 0);
    values.set("is_original", !is_deleted && claim.revision == 0);
    values.set("patient_id", patient.v3_id);
    let is_partial = is_shared && claim.is_one_in(2);
    values.set("outcome", if is_partial { "partial" } else { "complete" });
    values.set("from", claim.from);
    values.set("through", claim.through);
    let after = 8 + i32::from(claim.revision) * 40;
    for (name, days) in [
        ("created", after),
        ("received", 4),
        ("payment_date", 5),
        ("processed", 9),
        ("weekly_processed", 14),
        ("loaded", 16),
        ("qualifying_stay_from", -20),
        ("qualifying_stay_through", -16),
    ] {
        values.set(name, claim.through.plus(days));
    }
}

fn processing(claim: &mut ClaimValues<'_>) {
    let processing = claim.processing;
    let values = &mut claim.values;
    let adjustment = match (claim.claim.final_action, claim.claim.revision) {
        (FinalAction::Superseded, _) => ("1", "VOID"),
        (FinalAction::Final, 1..) => ("2", "ADJUSTMENT"),
        (FinalAction::Final, 0) => ("0", "ORIGINAL"),
    };
    values.set_code("adjustment_type", adjustment);
    // Some paid claims have a code of two digits.
    let has_long_code = claim.claim.is_one_in(21) && !processing.is_denied;
    let denial = if has_long_code {
        ("00", "")
    } else {
        processing.payment_denial
    };
    values.set_code("payment_denial", denial);
    values.set_code("non_payment", processing.non_payment.unwrap_or_default());
    values.set_code("paid_by_plan", claim_values::paid_by_plan(&processing));
    // While the claim is being processed, it is unknown which bill of the stay it will be.
    let is_open = claim.claim.source.is_shared_system() && claim.claim.is_one_in(2);
    values.set(
        "bill_frequency",
        if is_open { "X" } else { processing.frequency.0 },
    );
    // Some sources write a leading 0, others do not.
    values.set("has_short_bill_type", claim.claim.is_one_in(6));
}

/// Who billed, and the blood test of some carrier claims.
fn contained(values: &mut ClaimValues<'_>, provider: u32) {
    let claim = values.claim;
    let random = &mut values.random;
    let is_carrier = claim.kind == ClaimKind::Carrier;
    let has_observation = is_carrier && claim.is_one_in(3);
    // Some claims do not know who billed.
    let has_provider = !claim.is_one_in(17);
    let is_practitioner = is_carrier && claim.is_one_in(2);
    let zip = values.patient.zip;
    let values = &mut values.values;
    values.set("has_provider", has_provider);
    values.set("is_practitioner", is_practitioner);
    values.set("provider_npi", npi_of(provider));
    values.set("tax_number", Value::Padded(npi(provider) / 10, 9));
    values.set("has_tax_number", claim.is_one_in(4));
    // On other claims than a facility's it is no CCN: it is one digit short.
    let number = if claim.kind.is_institutional() {
        Value::Padded(u64::from(100_000 + provider), 6)
    } else {
        Value::Padded(u64::from(provider), 5)
    };
    values.set("provider_number", number);
    values.set("postal_code", Value::Padded(u64::from(zip), 5));
    if has_provider && is_practitioner {
        let (family, given) = random.pick(&PRACTITIONERS);
        values.set("provider_family", family);
        values.set("provider_given", given);
    } else if has_provider {
        values.set("provider_name", random.pick(&FACILITIES));
    }
    values.set("has_observation", has_observation);
    if has_observation {
        let tenths = i64::from(random.between(90, 170));
        values.set("laboratory", Value::Padded(u64::from(provider), 7));
        let text = (!claim.is_one_in(2)).then_some(tenths);
        values.set("observation_text", text);
        values.set("observation_value", Value::Cents(tenths * 10));
    }
}

fn team(claim: &mut ClaimValues<'_>) {
    let roles: &[&str] = match claim.claim.kind {
        ClaimKind::Pde => &["prescribing"],
        ClaimKind::Carrier | ClaimKind::Dme => &["rendering", "referring"],
        ClaimKind::Snf => &["attending", "operating", "otheroperating"],
        _ => &["attending", "operating", "otheroperating", "rendering"],
    };
    // The numbers of the care team have a gap if there is no second operating provider.
    let has_second = !claim.claim.is_one_in(3);
    claim.values.set("has_second_operator", has_second);
    let is_institutional = claim.claim.kind.is_institutional();
    claim.values.set(
        "has_rendering",
        roles.contains(&"rendering") && is_institutional,
    );
    for role in roles {
        claim_values::set_member(&mut claim.values, &mut claim.random, role);
        let has_specialty = claim.claim.kind != ClaimKind::Pde && roles.first() == Some(role);
        if has_specialty {
            let (specialty, taxonomy, display) = claim.random.pick(&SPECIALTIES);
            claim.values.set("specialty.taxonomy", taxonomy);
            claim.values.set_code("specialty", (specialty, display));
        }
    }
}

fn medical(claim: &mut ClaimValues<'_>) {
    claim.values.set("blood_pints", claim.random.below(4));
    // Without leading zeros; outpatient and hospice claims have one now and then.
    let is_stay = claim_values::is_hospital_stay(claim.claim.kind);
    let has_group = is_stay || claim.claim.is_one_in(2);
    let group = claim.stay.related_group.trim_start_matches('0');
    let group = if has_group { group } else { "" };
    claim.values.set("diagnosis_related_group", group);
    let (ending, display) = claim.stay.ending;
    let ending = Value::Padded(ending.parse().unwrap_or_default(), 2);
    claim.values.set("discharge_status.code", ending);
    claim.values.set("discharge_status.display", display);
    claim_values::set_stay(claim);
}

fn prescription(claim: &mut ClaimValues<'_>) {
    let dispensed = part_d::Dispensed::of(claim.claim);
    let values = &mut claim.values;
    values.set("refills", dispensed.refills);
    values.set("days", dispensed.days);
    values.set("quantity", Value::Thousandths(dispensed.days * 1_000));
    values.set("prescription_number", dispensed.prescription_number);
    values.set("drug", dispensed.drug.0);
}

/// Sets the money and the counts of the header.
pub(super) fn set_amounts(claim: &mut ClaimValues<'_>) {
    let (sum, processing) = (claim.bill.sum, claim.processing);
    let values = &mut claim.values;
    let kind = claim.claim.kind;
    if claim_values::is_hospital_stay(kind) || kind == ClaimKind::Hospice {
        for name in ["hospice_periods", "home_health_visits"] {
            values.set(name, claim.random.below(9));
        }
        let weight = i64::from(claim.random.between(50, 420));
        values.set("group_weight", Value::Cents(weight));
    }
    for (name, percent) in SHARES {
        values.set(name, Value::Cents(sum.paid * percent / 100));
    }
    claim_values::set_amounts(values, &sum, &processing);
    // Other facilities have the element too, where Part A deducts nothing.
    let is_stay = claim_values::is_hospital_stay(kind);
    let deductible = if is_stay { sum.deductible } else { 0 };
    values.set("inpatient_deductible", Value::Cents(deductible));
    if kind == ClaimKind::Pde {
        part_d::set_payers(claim);
    }
}
