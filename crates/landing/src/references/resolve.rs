//! From the references of a line to the resources they name.

use std::cell::OnceCell;

use claimlake_contract::{ApiVersion, LandingLayout, ReferenceRecord, ResourceType, Unresolved};
use claimlake_fhir::{
    ReferenceForm, ReferenceQuery, Subject, reference_form, resource_id, target_type,
};

use super::index::{Resolved, Target, TargetIndex};
use crate::LandingError;

/// A line that is about to land.
#[derive(Clone, Copy)]
pub(crate) struct SentLine<'l> {
    pub(crate) api: ApiVersion,
    pub(crate) resource: &'l ResourceType,
    /// The document of the input that it came in: a Bundle, mostly.
    pub(crate) bundle: u64,
    pub(crate) full_url: Option<&'l str>,
    pub(crate) text: &'l [u8],
}

/// The results of resolving the references of a line.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Records with `line` 0, to be filled in.
    pub(crate) records: Vec<ReferenceRecord>,
    /// Why the patient of a claim or coverage is unknown.
    pub(crate) without_patient: Option<Unresolved>,
}

/// Resolves references against the inputs of an import, then against landing.
pub(crate) struct Resolver<'l> {
    inputs: TargetIndex,
    layout: &'l LandingLayout,
    /// Read when the first reference needs it.
    landing: OnceCell<TargetIndex>,
}

impl<'l> Resolver<'l> {
    pub(crate) fn new(inputs: TargetIndex, layout: &'l LandingLayout) -> Self {
        Self {
            inputs,
            layout,
            landing: OnceCell::new(),
        }
    }

    fn landing(&self) -> Result<&TargetIndex, LandingError> {
        if self.landing.get().is_none() {
            let _ = self.landing.set(TargetIndex::of_landing(self.layout)?);
        }
        Ok(self.landing.get_or_init(TargetIndex::default))
    }

    /// Resolves the references of a line.
    ///
    /// # Errors
    /// When landing cannot be read.
    pub(crate) fn line(&self, line: SentLine<'_>) -> Result<Outcome, LandingError> {
        let mut outcome = Outcome::default();
        outcome.records.extend(own_url(line));
        let resource = line.resource.as_str();
        let subject = claimlake_fhir::subject_of(resource, line.text);
        match &subject {
            Some(subject) => self.subject(line, subject, &mut outcome)?,
            None => outcome.without_patient = Some(Unresolved::NoReference),
        }
        if !claimlake_fhir::has_patient(line.resource) {
            outcome.without_patient = None;
        }
        if claimlake_fhir::may_have_other_references(line.text) || self.inputs.has_renamed() {
            let known = subject.and_then(|subject| subject.reference);
            for text in claimlake_fhir::reference_texts(line.text) {
                if Some(&text) != known.as_ref()
                    && let Some(Ok(target)) = self.text(line, &text)?
                {
                    outcome.records.push(record(Some(text), target));
                }
            }
        }
        Ok(outcome)
    }

    fn subject(
        &self,
        line: SentLine<'_>,
        subject: &Subject,
        outcome: &mut Outcome,
    ) -> Result<(), LandingError> {
        let mut found = match &subject.reference {
            None => Some(Err(Unresolved::NotFound)),
            Some(text) => self.text(line, text)?,
        };
        if let Some(Ok(target)) = &found
            && target.resource != ResourceType::PATIENT
        {
            found = Some(Err(Unresolved::NotFound));
        }
        let Some(found) = found else {
            // The id is in the text; nothing is to be recorded.
            outcome.without_patient = self.missing(line, subject)?;
            return Ok(());
        };
        let by_identifier = match (&found, &subject.identifier) {
            (Err(Unresolved::NotFound | Unresolved::NoId), Some(identifier)) => self.fitting(
                line.api,
                ResourceType::PATIENT,
                &[ReferenceQuery::exactly(identifier)],
            )?,
            _ => found,
        };
        let mut resolved = match by_identifier {
            Ok(target) => record(subject.reference.clone(), target),
            Err(why) => {
                outcome.without_patient = Some(why);
                ReferenceRecord {
                    unresolved: Some(why),
                    ..empty(subject.reference.clone())
                }
            }
        };
        if resolved.reference.is_none() {
            resolved.identifier.clone_from(&subject.identifier);
        }
        outcome.records.push(resolved);
        Ok(())
    }

    /// Whether the Patient that a plain reference names is nowhere.
    fn missing(
        &self,
        line: SentLine<'_>,
        subject: &Subject,
    ) -> Result<Option<Unresolved>, LandingError> {
        let text = subject.reference.as_deref().unwrap_or_default();
        let ReferenceForm::Restful { resource, id, .. } = reference_form(text) else {
            return Ok(Some(Unresolved::NotFound));
        };
        if resource != ResourceType::PATIENT {
            return Ok(Some(Unresolved::NotFound));
        }
        let is_here = self.inputs.has(line.api, ResourceType::PATIENT, id)
            || self.landing()?.has(line.api, ResourceType::PATIENT, id);
        Ok((!is_here).then_some(Unresolved::NotHere))
    }

    /// What a text names: none where the text itself has type and id, or is none that this is
    /// about.
    fn text<'s>(
        &'s self,
        line: SentLine<'_>,
        text: &str,
    ) -> Result<Option<Resolved<'s>>, LandingError> {
        Ok(match reference_form(text) {
            ReferenceForm::Other => Some(Err(Unresolved::NotFound)),
            ReferenceForm::Urn(url) => Some(self.url(line, &url)?),
            ReferenceForm::Conditional(_, None) => Some(Err(Unresolved::NotFound)),
            ReferenceForm::Conditional(resource, Some(queries)) => {
                Some(self.fitting(line.api, resource, &queries)?)
            }
            ReferenceForm::Contained(id) => Some(self.contained(line, id)?),
            ReferenceForm::Restful { url, resource, id } => {
                let renamed = self.renamed(line, url);
                renamed
                    .filter(|target| (target.resource, target.id.as_str()) != (resource, id))
                    .map(Ok)
            }
        })
    }

    fn url(&self, line: SentLine<'_>, url: &str) -> Result<Resolved<'_>, LandingError> {
        Ok(match self.inputs.by_url(line.api, line.bundle, url) {
            Err(Unresolved::NotFound) => self.landing()?.by_url(line.api, line.bundle, url),
            found => found,
        })
    }

    /// The target of an address, if a Bundle gives the address to a resource with another id.
    fn renamed(&self, line: SentLine<'_>, url: &str) -> Option<&Target> {
        if !self.inputs.has_renamed() {
            return None;
        }
        let by_url = |url: &str| self.inputs.by_url(line.api, line.bundle, url).ok();
        if url.contains("://") {
            return by_url(url);
        }
        // Relative to the server of the entry that it is in.
        let own = line.full_url?;
        let own_end = own.rsplit_once('/')?.0.rsplit_once('/')?.0;
        by_url(&format!("{own_end}/{url}"))
    }

    /// The one resource, of the inputs and landing together, that the queries fit.
    fn fitting(
        &self,
        api: ApiVersion,
        resource: &str,
        queries: &[ReferenceQuery],
    ) -> Result<Resolved<'_>, LandingError> {
        let mut found = self.inputs.fitting(api, resource, queries);
        if target_type(resource).is_some() {
            found.extend(self.landing()?.fitting(api, resource, queries));
        }
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.dedup();
        Ok(match found.as_slice() {
            [] => Err(Unresolved::NotFound),
            [target] => Ok(*target),
            _ => Err(Unresolved::Ambiguous),
        })
    }

    /// The Patient that a contained one speaks of, by any of its identifiers.
    fn contained(&self, line: SentLine<'_>, id: &str) -> Result<Resolved<'_>, LandingError> {
        let mut answers: Vec<&Target> = Vec::new();
        for identifier in claimlake_fhir::contained_identifiers(line.text, id) {
            match self.fitting(
                line.api,
                ResourceType::PATIENT,
                &[ReferenceQuery::exactly(&identifier)],
            )? {
                Ok(target) if !answers.contains(&target) => answers.push(target),
                Err(Unresolved::Ambiguous) => return Ok(Err(Unresolved::Ambiguous)),
                _ => {}
            }
        }
        Ok(match answers.as_slice() {
            [] => Err(Unresolved::NotFound),
            [target] => Ok(*target),
            _ => Err(Unresolved::Ambiguous),
        })
    }
}

/// The `fullUrl` of a resource, by which others may name it, if it does not follow from the id.
fn own_url(line: SentLine<'_>) -> Option<ReferenceRecord> {
    let resource = target_type(line.resource.as_str())?;
    let url = line.full_url?;
    let id = resource_id(line.text)?;
    let says_it = claimlake_fhir::normalized_url(url)
        == claimlake_fhir::normalized_url(&format!("urn:uuid:{id}"))
        || url.ends_with(&format!("/{resource}/{id}"));
    (!says_it).then(|| ReferenceRecord {
        full_url: Some(url.to_owned()),
        ..empty(None)
    })
}

fn record(reference: Option<String>, target: &Target) -> ReferenceRecord {
    ReferenceRecord {
        resource_type: Some(target.resource.to_owned()),
        id: Some(target.id.clone()),
        ..empty(reference)
    }
}

fn empty(reference: Option<String>) -> ReferenceRecord {
    ReferenceRecord {
        reference,
        ..ReferenceRecord::default()
    }
}
