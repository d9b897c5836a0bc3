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
    place_of((found.source_api, found.resource_type), what)
}

/// The same, from API and type.
pub(crate) fn place_of((api, resource_type): (&str, &str), what: &str) -> String {
    format!("a {resource_type} ({api}): {what}")
}

/// The APIs and types of resources, by number: there are few.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Vec<(String, String)>);

impl Kinds {
    /// The number of a resource's API and type.
    pub(crate) fn number(&mut self, found: &KnownResource<'_>) -> u32 {
        let is_it = |(api, resource_type): &(String, String)| {
            api == found.source_api && resource_type == found.resource_type
        };
        let position = self.0.iter().position(is_it).unwrap_or_else(|| {
            let (api, resource_type) = (found.source_api, found.resource_type);
            self.0.push((api.to_owned(), resource_type.to_owned()));
            self.0.len() - 1
        });
        u32::try_from(position).unwrap_or(u32::MAX)
    }

    /// API and type by their number.
    pub(crate) fn of(&self, number: u32) -> (&str, &str) {
        let known = self.0.get(number as usize);
        known.map_or(("", ""), |(api, resource_type)| (api, resource_type))
    }
}
