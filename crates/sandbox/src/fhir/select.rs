//! Which claims a search finds.

use crate::population::claim::{Claim, FinalAction, Source};
use crate::population::day;
use crate::serve::records::Search;

const SYSTEM_TYPE: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/System-Type";
const FINAL_ACTION: &str = "https://bluebutton.cms.gov/fhir/CodeSystem/Final-Action";

/// Whether a v3 search finds the claim.
pub(super) fn finds_in_v3(search: &Search, claim: &Claim) -> bool {
    finds_by_type_and_dates(search, claim)
        && has_source(search, claim.source.as_str())
        && search
            .tags
            .iter()
            .all(|list| list.iter().any(|tag| has_tag(claim, tag)))
        && !(search.without_samhsa && claim.is_sensitive)
}

/// Whether a v3 search finds prior authorizations: only source and tag select them, other
/// parameters are ignored.
pub(super) fn finds_prior_authorizations(search: &Search) -> bool {
    let is_shared =
        |(system, code): &(String, String)| system == SYSTEM_TYPE && code == "SharedSystem";
    has_source(search, "CWF") && search.tags.iter().all(|list| list.iter().any(is_shared))
}

/// Whether a v2 search finds the claim: the filters that both versions have.
pub(super) fn finds_by_type_and_dates(search: &Search, claim: &Claim) -> bool {
    let has_type = search
        .types
        .as_ref()
        .is_none_or(|types| types.iter().any(|name| name == claim.kind.lower()));
    has_type
        && search.last_updated.contains(day::instant(claim.updated))
        && search.service_date.contains(claim.through.instant())
}

fn has_source(search: &Search, source: &str) -> bool {
    search
        .sources
        .iter()
        .all(|list| list.iter().any(|wanted| wanted == source))
}

fn has_tag(claim: &Claim, (system, code): &(String, String)) -> bool {
    match system.as_str() {
        SYSTEM_TYPE => code == claim.source.system_type(),
        FINAL_ACTION if claim.source != Source::Ddps => match claim.final_action {
            FinalAction::Final => code == "FinalAction",
            FinalAction::Superseded => code == "NotFinalAction",
        },
        _ => false,
    }
}
