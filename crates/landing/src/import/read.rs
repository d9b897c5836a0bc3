//! Reading resources as `import` does, without landing them.

use std::path::Path;

use claimlake_contract::RejectReason;

use super::documents::Documents;
use super::input::{Input, damage};
use super::resources::{Found, found_in};
use crate::LandingError;

/// What of an input could not be taken for a resource, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadInput {
    /// The reason as rejects have it.
    pub reason: RejectReason,
    /// The reason as text.
    pub detail: String,
}

/// Calls `take` with each resource of an input (`-` is standard input): the line that it, or the
/// document around it, begins on and its text, or why there is none.
///
/// # Errors
/// When the input cannot be opened or read; or what `take` returns.
pub fn read_resources<E: From<LandingError>>(
    path: &Path,
    mut take: impl FnMut(u64, Result<&[u8], BadInput>) -> Result<(), E>,
) -> Result<(), E> {
    let input = Input::of(path);
    let (source, is_compressed) = input.open_with_compression()?;
    let mut documents = Documents::new(source);
    loop {
        match documents.next() {
            Ok(None) => return Ok(()),
            Ok(Some(piece)) => {
                for found in found_in(&documents, &piece) {
                    take(
                        piece.line,
                        match found {
                            Found::Resource { text, .. } => Ok(text),
                            Found::Reject { reason, detail, .. } => {
                                Err(BadInput { reason, detail })
                            }
                        },
                    )?;
                }
            }
            Err(error) if is_compressed => {
                let damaged = BadInput {
                    reason: RejectReason::DamagedPart,
                    detail: format!("{}; what came before it was read", damage(&error)),
                };
                return take(documents.line(), Err(damaged));
            }
            Err(error) => return Err(LandingError::io("reading", &input.name)(error).into()),
        }
    }
}
