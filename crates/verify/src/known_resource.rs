//! A resource of the lake's keys, as landing names it and as reports may name it.

use claimlake_loader::KnownResource;

use crate::landed::ResourceKey;

/// The resource's key; `None` if landing cannot have its API or type.
pub(crate) fn key_of(found: &KnownResource<'_>) -> Option<ResourceKey> {
    let api = found.source_api.parse().ok()?;
    let resource = found.resource_type.parse().ok()?;
    Some(ResourceKey::new(api, &resource, found.resource_id))
}

/// The place of a finding: the type of the resource, never its id.
pub(crate) fn place(found: &KnownResource<'_>, what: &str) -> String {
    format!("a {} ({}): {what}", found.resource_type, found.source_api)
}
