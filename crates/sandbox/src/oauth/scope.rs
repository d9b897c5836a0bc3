//! Scopes: which exist, what they let through, how consent trims them.

use std::collections::BTreeSet;

const RESOURCES: [&str; 3] = ["Patient", "Coverage", "ExplanationOfBenefit"];

/// The access that a FHIR request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interaction {
    Search,
    Read,
}

/// The scopes an app has unless it is registered with fewer.
pub(crate) fn every_default() -> BTreeSet<String> {
    let mut scopes: BTreeSet<String> = ["openid", "profile", "launch/patient"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    for resource in RESOURCES {
        scopes.insert(format!("patient/{resource}.read"));
        scopes.insert(format!("patient/{resource}.rs"));
    }
    scopes
}

/// Splits a `scope` parameter.
pub(crate) fn parse(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Whether an app may ask for every scope; `.rs` allows `.r` and `.s` too.
pub(crate) fn all_allowed(asked: &BTreeSet<String>, allowed: &BTreeSet<String>) -> bool {
    asked.iter().all(|scope| {
        allowed.contains(scope)
            || scope
                .strip_suffix(".r")
                .or_else(|| scope.strip_suffix(".s"))
                .is_some_and(|base| allowed.contains(&format!("{base}.rs")))
    })
}

/// Whether a scope asks for the audit log, which the browser flow refuses before anything else.
pub(crate) fn asks_for_audit(asked: &BTreeSet<String>) -> bool {
    asked
        .iter()
        .any(|scope| scope.starts_with("patient/AuditEvent"))
}

/// Joins `.r` and `.s` of one resource into `.rs`.
pub(crate) fn joined(mut scopes: BTreeSet<String>) -> BTreeSet<String> {
    for resource in RESOURCES {
        let (read, search) = (
            format!("patient/{resource}.r"),
            format!("patient/{resource}.s"),
        );
        if scopes.contains(&read) && scopes.contains(&search) {
            scopes.remove(&read);
            scopes.remove(&search);
            scopes.insert(format!("patient/{resource}.rs"));
        }
    }
    scopes
}

/// The scopes that remain where no personal information is shared.
pub(crate) fn without_demographics(mut scopes: BTreeSet<String>) -> BTreeSet<String> {
    scopes.retain(|scope| scope != "profile" && !scope.starts_with("patient/Patient."));
    scopes
}

/// Whether a token with `scopes` may do `interaction` on `resource`.
pub(crate) fn permits(scopes: &BTreeSet<String>, resource: &str, interaction: Interaction) -> bool {
    let own_letter = match interaction {
        Interaction::Search => "s",
        Interaction::Read => "r",
    };
    ["read", "rs", own_letter]
        .iter()
        .any(|suffix| scopes.contains(&format!("patient/{resource}.{suffix}")))
}

/// The scopes as one text, in an order that means nothing (the real server's is that of a set).
pub(crate) fn shuffled_text(scopes: &BTreeSet<String>, turn: u64) -> String {
    let mut list: Vec<&str> = scopes.iter().map(String::as_str).collect();
    if !list.is_empty() {
        let middle = usize::try_from(turn).unwrap_or_default() % list.len();
        list.rotate_left(middle);
    }
    list.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Interaction, joined, parse, permits, without_demographics};

    #[test]
    fn a_letter_lets_through_its_own_interaction_only() {
        let read_only = parse("patient/Coverage.r");
        assert!(permits(&read_only, "Coverage", Interaction::Read));
        assert!(!permits(&read_only, "Coverage", Interaction::Search));
        for both in ["patient/Coverage.read", "patient/Coverage.rs"] {
            assert!(permits(&parse(both), "Coverage", Interaction::Search));
            assert!(permits(&parse(both), "Coverage", Interaction::Read));
        }
        assert!(!permits(&read_only, "Patient", Interaction::Read));
    }

    #[test]
    fn read_and_search_asked_for_apart_are_granted_together() {
        assert_eq!(
            joined(parse("patient/Patient.r patient/Patient.s openid")),
            parse("patient/Patient.rs openid")
        );
    }

    #[test]
    fn a_patient_who_withholds_demographics_keeps_openid_and_claims() {
        assert_eq!(
            without_demographics(parse(
                "openid profile patient/Patient.read patient/Coverage.read"
            )),
            parse("openid patient/Coverage.read")
        );
    }
}
