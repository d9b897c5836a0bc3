//! The scopes to request (RFC 6749, section 3.3): those that `resources` needs and no others, since
//! the server refuses a request with any scope that the app is not registered for.

use claimlake_contract::ResourceType;

use super::ConsentError;

/// Why a request for scopes may have been refused, and what to do.
pub(crate) const REFUSED: &str = "the server refuses the scopes: the app is not registered for all that \
    [source] resources asks for; take out what it may not have (an app without demographic data: \
    \"Patient\"), then authorize again";

/// What the API serves.
const SERVED: [&str; 3] = ["Patient", "Coverage", "ExplanationOfBenefit"];

/// The scopes for reading `resources`; the same for v2 and v3.
///
/// `profile` is requested only together with `Patient`: both need an app with demographic data.
/// `offline_access` is not requested: refresh tokens come without it, and it would be refused.
///
/// # Errors
///
/// `resources` is empty, or names a type that the API does not serve.
pub fn scopes_for(resources: &[ResourceType]) -> Result<Vec<String>, ConsentError> {
    let wrong = |reason: String| Err(ConsentError::Configuration { reason });
    if resources.is_empty() {
        return wrong("source.resources is empty: name at least one resource type".into());
    }
    if let Some(other) = resources
        .iter()
        .find(|resource| !SERVED.contains(&resource.as_str()))
    {
        return wrong(format!(
            "source.resources names {other}, but the API serves {}",
            SERVED.join(", ")
        ));
    }
    let mut scopes = vec!["openid".to_owned()];
    if resources.contains(&ResourceType::patient()) {
        scopes.push("profile".to_owned());
    }
    for served in SERVED {
        if resources.iter().any(|resource| resource.as_str() == served) {
            scopes.push(format!("patient/{served}.read"));
        }
    }
    Ok(scopes)
}

/// The error for refused scopes; it lists the resource types that were requested.
pub(crate) fn refused(scopes: &[String]) -> ConsentError {
    let resources: Vec<&str> = SERVED
        .into_iter()
        .filter(|served| {
            let prefix = format!("patient/{served}.");
            scopes.iter().any(|scope| scope.starts_with(&prefix))
        })
        .collect();
    ConsentError::Configuration {
        reason: format!("{REFUSED} (asked for: {})", resources.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::ResourceType;

    use super::{refused, scopes_for};

    fn of(resources: &[&str]) -> Result<Vec<String>, String> {
        let resources: Vec<ResourceType> = resources
            .iter()
            .map(|resource| resource.parse().unwrap())
            .collect();
        scopes_for(&resources).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_read_is_not_asked_for() {
        const CLAIMS: &str = "patient/ExplanationOfBenefit.read";
        const COVERAGE: &str = "patient/Coverage.read";
        const PATIENT: &str = "patient/Patient.read";
        for (resources, expected) in [
            (
                &["ExplanationOfBenefit", "Coverage", "Patient"][..],
                vec!["openid", "profile", PATIENT, COVERAGE, CLAIMS],
            ),
            (
                &["ExplanationOfBenefit", "Coverage"],
                vec!["openid", COVERAGE, CLAIMS],
            ),
            (&["ExplanationOfBenefit"], vec!["openid", CLAIMS]),
            (&["Coverage", "Coverage"], vec!["openid", COVERAGE]),
            (&["Patient"], vec!["openid", "profile", PATIENT]),
            (
                &["Patient", "ExplanationOfBenefit"],
                vec!["openid", "profile", PATIENT, CLAIMS],
            ),
        ] {
            assert_eq!(of(resources).unwrap(), expected, "{resources:?}");
        }
    }

    #[test]
    fn resources_that_the_api_does_not_serve_are_named() {
        assert!(of(&[]).unwrap_err().contains("source.resources is empty"));
        let error = of(&["Coverage", "Observation"]).unwrap_err();
        assert!(error.contains("Observation"), "{error}");
    }

    #[test]
    fn refused_scopes_name_what_was_asked_for_and_what_to_take_out() {
        let error = refused(&of(&["Patient", "Coverage"]).unwrap().to_vec()).to_string();
        assert!(
            error.contains("(asked for: Patient, Coverage)")
                && error.contains("[source] resources"),
            "{error}"
        );
    }
}
