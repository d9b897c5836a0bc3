//! What references were resolved to outside of the resource: an argument, so that nothing is looked up.

use std::borrow::Cow;

/// A reference whose text does not say the id of what it names, and what it names.
///
/// `getReferenceKey()` gives the id where an element's `reference` is [`Self::reference`]; of an
/// element without one, where its `identifier` is: `?identifier=<system>|<value>` then, with the
/// value alone where it has no system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedReference<'r> {
    /// The reference as sent, such as `urn:uuid:…` or `Patient?identifier=…`.
    pub reference: Cow<'r, str>,
    /// The type of the resource that it names.
    pub resource: &'r str,
    /// Its id.
    pub id: &'r str,
}

/// Whether `getReferenceKey(wanted)` takes references to resources of a type.
pub(crate) fn is_wanted(wanted: Option<&str>, resource: &str) -> bool {
    wanted
        .is_none_or(|wanted| wanted == resource || matches!(wanted, "Resource" | "DomainResource"))
}
