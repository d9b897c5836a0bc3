//! The first look through the inputs: at what references may name.

use claimlake_contract::ApiVersion;
use claimlake_fhir::{api_version_of, target_type};

use super::documents::{Documents, PieceKind};
use super::opened::Opened;
use super::resources;
use crate::LandingError;
use crate::references::index::TargetIndex;

/// Everything in the inputs that references may name. What cannot be read is left out: it is
/// rejected when the input is landed.
pub(super) fn look_for(
    inputs: &mut [Opened],
    api: Option<ApiVersion>,
) -> Result<TargetIndex, LandingError> {
    let mut index = TargetIndex::default();
    for opened in inputs {
        let mut documents = Documents::new(opened.input.open()?);
        while let Ok(Some(piece)) = documents.next() {
            let bundle = opened.bundle(piece.document);
            let mut failed = None;
            let mut take = |full_url: Option<&str>, resource: &str, text: &[u8]| {
                let Some(resource) = target_type(resource) else {
                    return;
                };
                let api = match api.or_else(|| api_version_of(text)) {
                    Some(api) => Ok(Some(api)),
                    None => opened.majority(),
                };
                match api {
                    Ok(Some(api)) => index.add(api, resource, bundle, full_url, text),
                    // An error for resources that land; a rejected body needs no version.
                    Ok(None) => {}
                    Err(error) => failed = Some(error),
                }
            };
            let text = documents.text(&piece);
            match piece.kind {
                PieceKind::Document => resources::look_through(text, &mut take),
                PieceKind::BundleEntry => resources::look_through_entry(text, &mut take),
                PieceKind::TooLarge | PieceKind::NotAValue | PieceKind::Unreadable(_) => {}
            }
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }
    Ok(index)
}
