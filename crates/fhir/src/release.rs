//! Which release of FHIR a body is written in, by its structure.
//!
//! R4 is what Blue Button's v2 and v3, BCDA v2 and today's payers send. Bodies of other releases have
//! the same facts under other names: read as R4 they would land with half of their columns null.
//! A body is of another release where at least two of its members exist only there, and more of them
//! than of what exists only in R4. One is enough in a claim in which nothing is of R4: R4 requires of
//! every claim what no release before has. Otherwise one member out of place, with whatever is in it,
//! is a mistake in an R4 body.

use claimlake_contract::ResourceType;
use memchr::memmem;

use claimlake_json::{value_end, walk_array, walk_object};

/// A release of FHIR that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherRelease {
    /// DSTU2, 1.0.2.
    Dstu2,
    /// STU3, 3.0.2: Blue Button v1, BCDA v1.
    Stu3,
    /// R5, 5.0.0.
    R5,
}

impl OtherRelease {
    /// The name, as people look it up.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dstu2 => "DSTU2",
            Self::Stu3 => "STU3 (R3)",
            Self::R5 => "R5",
        }
    }
}

/// A body that is not R4.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is FHIR {}, by {}; claimlake reads R4: get it as R4 (of Blue Button, v2 or v3 in place of v1)",
    .release.as_str(),
    .signs.join(", ")
)]
pub struct NotR4 {
    /// The release.
    pub release: OtherRelease,
    /// The first of the members that show it: names, never values.
    pub signs: Vec<&'static str>,
}

/// What a member must be to indicate a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    Object,
    Array,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Dstu2,
    Stu3,
    /// In R4 and later, and in no earlier release.
    R4,
    R5,
}

/// A member by its path (`item.service`), the shape it has, and the release it is a sign of.
type Sign = (&'static str, Shape, Of);

const CLAIM: &[Sign] = &[
    ("ruleset", Shape::Object, Of::Dstu2),
    ("originalRuleset", Shape::Object, Of::Dstu2),
    ("requestIdentifier", Shape::Object, Of::Dstu2),
    ("requestReference", Shape::Object, Of::Dstu2),
    ("responseIdentifier", Shape::Object, Of::Dstu2),
    ("responseReference", Shape::Object, Of::Dstu2),
    ("organizationIdentifier", Shape::Object, Of::Dstu2),
    ("organizationReference", Shape::Object, Of::Dstu2),
    ("insurance", Shape::Object, Of::Stu3),
    ("subType", Shape::Array, Of::Stu3),
    ("outcome", Shape::Object, Of::Stu3),
    ("information", Shape::Array, Of::Stu3),
    ("totalCost", Shape::Object, Of::Stu3),
    ("totalBenefit", Shape::Object, Of::Stu3),
    ("unallocDeductable", Shape::Object, Of::Stu3),
    ("hospitalization", Shape::Object, Of::Stu3),
    ("employmentImpacted", Shape::Object, Of::Stu3),
    ("organization", Shape::Object, Of::Stu3),
    ("item.service", Shape::Object, Of::Stu3),
    ("item.careTeamLinkId", Shape::Array, Of::Stu3),
    ("item.diagnosisLinkId", Shape::Array, Of::Stu3),
    ("item.procedureLinkId", Shape::Array, Of::Stu3),
    ("item.informationLinkId", Shape::Array, Of::Stu3),
    ("addItem.sequenceLinkId", Shape::Array, Of::Stu3),
    ("addItem.service", Shape::Object, Of::Stu3),
    ("use", Shape::Text, Of::R4),
    ("insurance", Shape::Array, Of::R4),
    ("subType", Shape::Object, Of::R4),
    ("outcome", Shape::Text, Of::R4),
    ("supportingInfo", Shape::Array, Of::R4),
    ("total", Shape::Array, Of::R4),
    ("item.productOrService", Shape::Any, Of::R4),
    ("item.careTeamSequence", Shape::Array, Of::R4),
    ("item.diagnosisSequence", Shape::Array, Of::R4),
    ("item.procedureSequence", Shape::Array, Of::R4),
    ("item.informationSequence", Shape::Array, Of::R4),
    ("traceNumber", Shape::Array, Of::R5),
    ("event", Shape::Array, Of::R5),
    ("encounter", Shape::Array, Of::R5),
    ("decision", Shape::Object, Of::R5),
    ("diagnosisRelatedGroup", Shape::Object, Of::R5),
    ("patientPaid", Shape::Object, Of::R5),
    ("careTeam.specialty", Shape::Object, Of::R5),
    ("item.traceNumber", Shape::Array, Of::R5),
    ("item.productOrServiceEnd", Shape::Object, Of::R5),
    ("item.reviewOutcome", Shape::Object, Of::R5),
    ("item.patientPaid", Shape::Object, Of::R5),
];

const COVERAGE: &[Sign] = &[
    ("issuer", Shape::Object, Of::Dstu2),
    ("bin", Shape::Any, Of::Dstu2),
    ("group", Shape::Text, Of::Dstu2),
    ("plan", Shape::Text, Of::Dstu2),
    ("subPlan", Shape::Text, Of::Dstu2),
    ("grouping", Shape::Object, Of::Stu3),
    ("grouping.group", Shape::Text, Of::Stu3),
    ("grouping.subGroup", Shape::Text, Of::Stu3),
    ("grouping.plan", Shape::Text, Of::Stu3),
    ("grouping.subPlan", Shape::Text, Of::Stu3),
    ("grouping.class", Shape::Text, Of::Stu3),
    ("sequence", Shape::Text, Of::Stu3),
    ("class", Shape::Array, Of::R4),
    ("costToBeneficiary", Shape::Array, Of::R4),
    ("subrogation", Shape::Any, Of::R4),
    ("kind", Shape::Text, Of::R5),
    ("insurer", Shape::Object, Of::R5),
    ("paymentBy", Shape::Array, Of::R5),
    ("insurancePlan", Shape::Object, Of::R5),
    ("class.value", Shape::Object, Of::R5),
];

const PATIENT: &[Sign] = &[
    ("careProvider", Shape::Array, Of::Dstu2),
    ("name.family", Shape::Array, Of::Dstu2),
    ("animal", Shape::Object, Of::Stu3),
    ("animal.species", Shape::Object, Of::Stu3),
];

/// How many signs of another release there must be, where something is of R4.
const ENOUGH: usize = 2;
/// The same of a claim or coverage in which nothing is of R4.
const ENOUGH_ALONE: usize = 1;
/// At most this many of them are named.
const NAMED: usize = 3;

/// Why a body is not R4; `None` if it is, or if nothing in it decides that.
#[must_use]
pub fn not_r4(resource: &ResourceType, text: &[u8]) -> Option<NotR4> {
    let signs = match resource.as_str() {
        "ExplanationOfBenefit" => CLAIM,
        "Coverage" => COVERAGE,
        "Patient" => PATIENT,
        _ => return None,
    };
    let mut seen = vec![false; signs.len()];
    look(text, signs, &mut seen);
    let of = |release: Of| -> Vec<&'static str> {
        let found = signs.iter().zip(&seen).filter(|(_, seen)| **seen);
        let found = found.filter(|((_, _, of), _)| *of == release);
        found.map(|((path, ..), _)| *path).collect()
    };
    let r4 = of(Of::R4).len();
    let (dstu2, stu3) = (of(Of::Dstu2), of(Of::Stu3));
    let (release, mut signs) = match dstu2.len() > stu3.len() {
        true => (OtherRelease::Dstu2, dstu2),
        false => (OtherRelease::Stu3, stu3),
    };
    let r5 = of(Of::R5);
    // R4 requires no element of a Patient by which the release could be recognized.
    let (count, enough) = match (resource.as_str(), r4) {
        ("Patient", _) => (signs.len(), ENOUGH),
        (_, 0) => (outermost(&signs), ENOUGH_ALONE),
        _ => (outermost(&signs), ENOUGH),
    };
    let release = if count >= enough && count > r4 {
        release
    } else if r5.len() >= ENOUGH {
        // What R4 has, R5 has too.
        signs = r5;
        OtherRelease::R5
    } else {
        return None;
    };
    signs.truncate(NAMED);
    Some(NotR4 { release, signs })
}

/// How many of the signs are not within another one: a member and what it contains count as one.
fn outermost(signs: &[&str]) -> usize {
    let is_within = |path: &&&str| {
        let parent = path.split_once('.').map(|(parent, _)| parent);
        parent.is_some_and(|parent| signs.contains(&parent))
    };
    signs.iter().filter(|path| !is_within(path)).count()
}

/// Like [`not_r4`], but for lines that have landed already, because earlier versions accepted every
/// release: it recognizes only claims of DSTU2 and STU3, so that an R4 claim with lines costs one
/// search and no walk.
#[must_use]
pub fn landed_not_r4(resource: &ResourceType, text: &[u8]) -> Option<NotR4> {
    let is_claim = *resource == ResourceType::explanation_of_benefit();
    if !is_claim || memmem::find(text, b"\"productOrService\"").is_some() {
        return None;
    }
    not_r4(resource, text).filter(|found| found.release != OtherRelease::R5)
}

/// Marks the signs that are in the body; what is not JSON has none.
fn look(text: &[u8], signs: &[Sign], seen: &mut [bool]) {
    let start = claimlake_json::skip_space(text, 0);
    walk_object(text, start, |key, value| {
        mark(text, signs, seen, ("", key), value);
        let is_parent = signs.iter().any(|(path, ..)| {
            path.split_once('.')
                .is_some_and(|(parent, _)| parent.as_bytes() == key)
        });
        if !is_parent {
            return value_end(text, value);
        }
        let parent = std::str::from_utf8(key).unwrap_or_default();
        let mut inside = |at: usize| {
            if text.get(at) != Some(&b'{') {
                return value_end(text, at);
            }
            walk_object(text, at, |key, value| {
                mark(text, signs, seen, (parent, key), value);
                value_end(text, value)
            })
        };
        match text.get(value) {
            Some(b'[') => walk_array(text, value, inside),
            _ => inside(value),
        }
    });
}

fn mark(
    text: &[u8],
    signs: &[Sign],
    seen: &mut [bool],
    (parent, key): (&str, &[u8]),
    value: usize,
) {
    for ((path, shape, _), seen) in signs.iter().zip(seen) {
        let (of, name) = path.split_once('.').unwrap_or(("", path));
        if of != parent || name.as_bytes() != key {
            continue;
        }
        *seen |= match text.get(value) {
            _ if *shape == Shape::Any => true,
            Some(b'{') => *shape == Shape::Object,
            Some(b'[') => *shape == Shape::Array,
            Some(b'"') => *shape == Shape::Text,
            _ => false,
        };
    }
}

#[cfg(test)]
mod tests;
