//! What references were resolved to outside of the resource: an argument, so that nothing is looked up.
//!
//! A bundle may name a patient by `urn:uuid:…` or by an identifier. Whoever reads bundles knows what they
//! mean; views only see the id (SQL-on-FHIR, `getReferenceKey`).

use std::borrow::Cow;

/// A reference whose text does not say the id of what it names, and what it names.
///
/// `getReferenceKey()` gives the id where an element's `reference` is [`Self::reference`]; of an
/// element without one, where its `identifier` is: `?identifier=<system>|<value>` then, with the
/// value alone where it has no system.
///
/// ```
/// use claimlake_viewdef::definition::ViewDefinition;
/// use claimlake_viewdef::reference::evaluate_resolved;
/// use claimlake_viewdef::resolved_reference::ResolvedReference;
/// use serde_json::json;
///
/// let view = ViewDefinition::from_json(&json!({"resource": "Coverage", "select": [{"column": [
///     {"name": "patient", "path": "beneficiary.getReferenceKey(Patient)"}]}]}))?;
/// let coverage = json!({"resourceType": "Coverage", "beneficiary": {"reference": "urn:uuid:01"}});
/// let resolved = [ResolvedReference {
///     reference: "urn:uuid:01".into(),
///     resource: "Patient",
///     id: "p1",
/// }];
/// let rows = evaluate_resolved(&view, &coverage, &resolved).map(|evaluation| evaluation.rows);
/// assert_eq!(rows, Ok(vec![vec![json!("p1")]]));
/// # Ok::<(), claimlake_viewdef::Error>(())
/// ```
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

/// The id in a relative or absolute reference (`Patient/1`, also after a server's address and with
/// a version), if it refers to a resource of a wanted type.
pub(crate) fn id_in_reference<'t>(reference: &'t str, wanted: Option<&str>) -> Option<&'t str> {
    let path = reference.split(['?', '#']).next()?;
    let path = path
        .rsplit_once("/_history/")
        .map_or(path, |(path, _)| path);
    let (before, id) = path.rsplit_once('/')?;
    let found_type = before.rsplit('/').next()?;
    let is_type = found_type.starts_with(|first: char| first.is_ascii_uppercase())
        && found_type.chars().all(|c| c.is_ascii_alphanumeric());
    (is_type && is_wanted(wanted, found_type) && !id.is_empty()).then_some(id)
}
