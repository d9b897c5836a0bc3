//! The inputs of an import, each of which can be read twice.

use std::path::PathBuf;

use claimlake_contract::{ApiVersion, LandingLayout, RunId};

use super::api_version;
use super::input::{self, Input};
use crate::LandingError;

/// An input, and what is found out about it once.
pub(super) struct Opened {
    pub(super) input: Input,
    /// Its position among the inputs.
    number: u64,
    /// The API version of most of its resources, once it is known; `None` if nothing says it.
    majority: Option<Option<ApiVersion>>,
}

impl Opened {
    /// The API version of a resource without CMS URLs, where other resources say it.
    pub(super) fn majority(&mut self) -> Result<Option<ApiVersion>, LandingError> {
        if let Some(api) = self.majority {
            return Ok(api);
        }
        let api = api_version::majority(&self.input)?;
        self.majority = Some(api);
        Ok(api)
    }

    /// A number that no other document of any input has.
    pub(super) fn bundle(&self, document: u64) -> u64 {
        (self.number + 1) << 40 | document
    }
}

/// The inputs, each of which can be read twice: references are resolved on the second reading.
pub(super) fn opened(
    inputs: &[PathBuf],
    layout: &LandingLayout,
    run: &RunId,
) -> Result<Vec<Opened>, LandingError> {
    let open = |(number, path): (usize, &PathBuf)| {
        let input = match input::is_stream(path) {
            true => Input::spooled(path, number, layout, run)?,
            false => Input::of(path),
        };
        Ok(Opened {
            input,
            number: number as u64,
            majority: None,
        })
    };
    inputs.iter().enumerate().map(open).collect()
}
