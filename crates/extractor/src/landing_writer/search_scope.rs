//! How much of a resource type a search requests: a narrower search proves nothing about the rest.

use std::collections::BTreeSet;

use claimlake_contract::ResourceType;
use claimlake_vault::FullRead;

/// What was requested, and what is remembered from earlier full reads.
#[derive(Debug, Clone)]
pub(crate) struct SearchScope {
    /// What the consent covers of this resource type, see [`SearchScope::scopes_of`].
    pub(crate) scopes: String,
    /// The requested sources of claims.
    pub(crate) sources: String,
    pub(crate) known: Option<FullRead>,
}

impl SearchScope {
    /// What a search finds with these scopes ([SMART App
    /// Launch](https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html)): the same with
    /// `.read`, `.rs` and `.s`, less with a query behind them.
    pub(crate) fn scopes_of<'s>(
        scopes: impl Iterator<Item = &'s str>,
        resource: &ResourceType,
    ) -> String {
        let mut parts = BTreeSet::new();
        for scope in scopes {
            let of = scope
                .strip_prefix("patient/")
                .and_then(|scope| scope.split_once('.'));
            if let Some((found, rights)) = of
                && (found == resource.as_str() || found == "*")
            {
                parts.insert(rights.split_once('?').map_or(ALL, |(_, query)| query));
            }
        }
        match parts.is_empty() || parts.contains(ALL) {
            // No scope for it is recorded: an imported grant may have come without scopes.
            true => ALL.to_owned(),
            false => Vec::from_iter(parts).join(" "),
        }
    }

    /// Whether everything that landed before can be found with it.
    pub(super) fn is_as_wide_as(&self, known: &FullRead) -> bool {
        let covers = |wide: &str, narrow: &str| {
            let mut parts = narrow.split([' ', ',']).filter(|part| !part.is_empty());
            wide == ALL || parts.all(|part| wide.split([' ', ',']).any(|other| other == part))
        };
        covers(&self.scopes, &known.scopes) && covers(&self.sources, &known.sources)
    }

    /// Claims of v3: a consent, or an app, may be without some kinds of them.
    pub(super) fn has_claim_kinds(&self) -> bool {
        !self.sources.is_empty()
    }
}

/// Every resource of the type.
const ALL: &str = "all";
