//! Coverage of version 3: what a patient was and is enrolled in, each for its time; for some Parts
//! an empty shell.

use crate::fhir::body::Body;
use crate::population::beneficiary::{Beneficiary, enrolled};
use crate::population::day::Day;
use crate::population::enrollment::{
    coverage_updated, dual_status, dual_until, has_part_a, has_part_b, plans,
};
use crate::template::{InstantStyle, Value, Values};

/// What version 3 serves of one coverage.
struct CoverageSpan {
    id: String,
    /// The name of the template: a Part, `dual` or `shell`.
    template: &'static str,
    from: Day,
    until: Option<Day>,
    contract: &'static str,
}

impl CoverageSpan {
    fn of(id: String, template: &'static str, from: Day, until: Option<Day>) -> Self {
        Self {
            id,
            template,
            from,
            until,
            contract: "",
        }
    }
}

/// The coverages of a patient, by id.
fn spans(patient: &Beneficiary) -> Vec<CoverageSpan> {
    let id = patient.v3_id;
    let from = enrolled(patient);
    let shell = |id| CoverageSpan::of(id, "shell", from, None);
    let mut spans = Vec::new();
    if patient.is_dual {
        spans.push(CoverageSpan::of(
            format!("dual-{id}"),
            "dual",
            from,
            dual_until(patient),
        ));
    } else if patient.is_one_in(47, 3) {
        spans.push(shell(format!("dual-{id}")));
    }
    for (part, has_part) in [("a", has_part_a(patient)), ("b", has_part_b(patient))] {
        let id = format!("part-{part}-{id}");
        spans.push(if has_part {
            CoverageSpan::of(id, part, from, None)
        } else {
            shell(id)
        });
    }
    for (part, letter) in [("c", 'c'), ("d", 'd')] {
        let plans = plans(patient, letter);
        if plans.is_empty() && patient.is_one_in(41, 3) {
            spans.push(shell(format!("part-{part}-{id}")));
        }
        for plan in plans {
            let id = format!("part-{part}-{id}-{}-003", plan.contract);
            spans.push(CoverageSpan {
                contract: plan.contract,
                ..CoverageSpan::of(id, part, plan.from, plan.until)
            });
        }
    }
    spans.sort_by(|one, other| one.id.cmp(&other.id));
    spans
}

/// The ids of a patient's coverages.
pub(crate) fn coverage_ids(patient: &Beneficiary) -> Vec<String> {
    spans(patient).into_iter().map(|span| span.id).collect()
}

/// A patient's coverages, in the order of their ids.
pub(crate) fn coverages(patient: &Beneficiary) -> Vec<Body> {
    let bodies = spans(patient)
        .into_iter()
        .map(|span| coverage(patient, span));
    bodies.collect()
}

fn coverage(patient: &Beneficiary, span: CoverageSpan) -> Body {
    let updated = Value::Instant(coverage_updated(patient, 20), InstantStyle::Micros);
    let (dual, _) = dual_status(patient);
    let has_full_benefits = matches!(dual, "02" | "04" | "08");
    let ended = [span.until, patient.death].into_iter().flatten().min();
    // A coverage without an end has no end date, or one in the far future.
    let never = match (span.template, patient.seed / 13 % 3) {
        ("c" | "d", _) | (_, 0) => None,
        (_, 1) => Some(Day::of(2099, 12, 31)),
        _ => Some(Day::of(9999, 12, 31)),
    };
    let mut values = Values::default();
    values.set("coverage_id", span.id);
    values.set("patient_id", patient.v3_id);
    values.set("last_updated", updated);
    values.set("mbi", patient.mbi.as_str());
    values.set("dual_status", dual);
    values.set("dual_type", if has_full_benefits { "F" } else { "P" });
    values.set(
        "status",
        if ended.is_some() {
            "cancelled"
        } else {
            "active"
        },
    );
    values.set("contract", span.contract);
    values.set("start", span.from);
    values.set("end", ended.or(never));
    Body::of(&format!("v3/coverage-{}", span.template), &values, 6_000)
}
