//! The resources of an input: a line each, a whole document, or the entries of a Bundle.

use std::path::Path;

use claimlake_contract::RejectReason;
use claimlake_landing::{LandingError, LandingErrorKind, read_resources};
use claimlake_viewdef::json;
use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// Takes the place of a resource, as text, and the resource, or the reason why there is none.
pub(super) type Take<'a> = dyn FnMut(&str, Result<Value, String>) -> Outcome<()> + 'a;

/// Calls `take` for every resource of the input; `-` is standard input.
pub(super) fn for_each_resource(path: &Path, take: &mut Take<'_>) -> Outcome<()> {
    let read = read_resources(path, |line, resource| {
        let resource = resource
            .map_err(|bad| match bad.reason {
                RejectReason::NotJson => format!("not JSON: {bad}"),
                _ => bad.to_string(),
            })
            .and_then(|text| json::value(text).map_err(|fault| fault.to_string()));
        let place = format!("{} line {line}", path.display());
        take(&place, resource).map_err(Stop)
    });
    read.map_err(|Stop(failure)| failure)
}

/// Why reading ends early.
struct Stop(Failure);

impl From<LandingError> for Stop {
    fn from(error: LandingError) -> Self {
        Self(match error.kind() {
            LandingErrorKind::Usage => Failure::usage(error),
            _ => error.into(),
        })
    }
}
