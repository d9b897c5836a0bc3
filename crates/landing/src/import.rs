//! Landing what came from elsewhere: NDJSON, single resources and Bundles, plain or compressed.
//!
//! A run of `import` lands as a whole or not at all. Input is streamed; memory is bounded by
//! the largest resource, not by the file.

mod api_version;
mod documents;
mod input;
pub(crate) mod marker;
mod outcome;
mod read;
mod rejected;
mod resources;
mod target;

#[cfg(test)]
mod tests;

use std::path::Path;

use claimlake_contract::{
    ApiVersion, LandingLayout, Progress, Reject, RejectReason, ResourceType, RunId, Task,
};

use crate::LandingError;
use crate::fhir_release::not_r4;
use crate::folder::create_private_dir;

use documents::{Documents, Piece, PieceKind};
use input::Input;
use marker::ImportMarker;
pub use outcome::ImportOutcome;
pub use read::{BadInput, check_input, read_resources};
use rejected::{RejectedFile, RejectedText};
use resources::Found;
use target::Target;

/// Lands the resources of `inputs` (`-` is standard input) as the run `run`.
///
/// Without `api`, a resource's own CMS URLs decide, else the majority of its file.
///
/// # Errors
/// When an input cannot be opened, the API version cannot be told, or the disk refuses; nothing
/// of the run has then landed.
pub fn import(
    inputs: &[std::path::PathBuf],
    api: Option<ApiVersion>,
    layout: &LandingLayout,
    run: &RunId,
    progress: &dyn Progress,
) -> Result<ImportOutcome, LandingError> {
    import_refusing(inputs, api, layout, run, progress, &|_, _, _| false)
}

/// Whether a resource must not land: its API version, type and text are given.
pub type Refuse<'a> = &'a dyn Fn(ApiVersion, &ResourceType, &[u8]) -> bool;

/// As [`import`], without the resources that `refuse` says no to; they are counted.
///
/// # Errors
/// As [`import`].
pub fn import_refusing(
    inputs: &[std::path::PathBuf],
    api: Option<ApiVersion>,
    layout: &LandingLayout,
    run: &RunId,
    progress: &dyn Progress,
    refuse: Refuse<'_>,
) -> Result<ImportOutcome, LandingError> {
    let stdin_count = inputs
        .iter()
        .filter(|input| input.as_os_str() == "-")
        .count();
    match (inputs.is_empty(), stdin_count) {
        (true, _) => return Err(LandingError::NoInput),
        (false, 2..) => return Err(LandingError::StdinTwice),
        _ => {}
    }
    // Every input is opened before anything is written: a wrong name costs nothing.
    for path in inputs.iter().filter(|input| input.as_os_str() != "-") {
        input::check_readable(path)?;
    }
    create_private_dir(layout.root())?;
    marker::clear_abandoned(layout)?;
    let marker = ImportMarker::create(layout, run)?;
    let task = progress.begin("importing", "resources", None);
    let outcome = run_import((inputs, api), layout, run, (progress, task), refuse);
    progress.end(task);
    match outcome {
        Ok(outcome) => {
            marker.commit()?;
            Ok(outcome)
        }
        Err(error) => {
            // The first error is the one to tell; what cannot be removed now, the next import
            // removes.
            if let Err(second) = marker.abandon(layout) {
                tracing::warn!(error = %second, "an import that failed left files behind");
            }
            Err(error)
        }
    }
}

fn run_import(
    (inputs, api): (&[std::path::PathBuf], Option<ApiVersion>),
    layout: &LandingLayout,
    run: &RunId,
    (progress, task): (&dyn Progress, Task),
    refuse: Refuse<'_>,
) -> Result<ImportOutcome, LandingError> {
    let mut import = Import {
        api,
        refuse,
        target: Target::new(layout, run),
        rejected: RejectedFile::new(layout, run),
        outcome: ImportOutcome::new(run.clone()),
    };
    for path in inputs {
        import.file(path, layout, run, progress, task)?;
    }
    let mut outcome = import.outcome;
    outcome.by_type = import.target.seal()?;
    outcome.rejected_file = import.rejected.finish()?;
    Ok(outcome)
}

struct Import<'a> {
    api: Option<ApiVersion>,
    refuse: Refuse<'a>,
    target: Target,
    rejected: RejectedFile,
    outcome: ImportOutcome,
}

impl Import<'_> {
    fn file(
        &mut self,
        path: &Path,
        layout: &LandingLayout,
        run: &RunId,
        progress: &dyn Progress,
        task: Task,
    ) -> Result<(), LandingError> {
        let input = match self.api.is_none() && input::is_stream(path) {
            true => Input::spooled(path, layout, run)?,
            false => Input::of(path),
        };
        let name = input.name.clone();
        let mut majority = None;
        let (source, is_compressed) = input.open_told()?;
        let mut documents = Documents::new(source);
        loop {
            let piece = match documents.next() {
                Ok(None) => break,
                Ok(Some(piece)) => piece,
                Err(error) if is_compressed => {
                    self.damaged_input(&name, documents.line(), &error)?;
                    break;
                }
                Err(error) => return Err(LandingError::io("reading", &name)(error)),
            };
            let before = self.outcome.resources;
            self.piece(&input, &mut majority, &documents, &piece)?;
            progress.advance(task, self.outcome.resources - before);
        }
        self.outcome.files += 1;
        self.outcome.bytes += documents.bytes_read();
        Ok(())
    }

    fn piece(
        &mut self,
        input: &Input,
        majority: &mut Option<ApiVersion>,
        documents: &Documents<impl std::io::Read>,
        piece: &Piece,
    ) -> Result<(), LandingError> {
        if matches!(piece.kind, PieceKind::Unreadable(_)) {
            self.outcome.unreadable_files += 1;
        }
        for found in resources::found_in(documents, piece) {
            match found {
                Found::Resource {
                    text,
                    resource_type,
                } => {
                    if let Some(other) = not_r4(&resource_type, text) {
                        let reason = RejectReason::OtherFhirRelease;
                        if let Some(api) = self.api.or_else(|| api_version::of_resource(text)) {
                            self.target.open(api, &resource_type)?;
                        }
                        self.reject(&input.name, piece.line, reason, other.to_string(), text)?;
                        continue;
                    }
                    let api = match self.api.or_else(|| api_version::of_resource(text)) {
                        Some(api) => api,
                        None => majority_of(input, majority)?,
                    };
                    if (self.refuse)(api, &resource_type, text) {
                        self.outcome.forgotten += 1;
                        continue;
                    }
                    self.target.land(api, &resource_type, text)?;
                    self.outcome.resources += 1;
                }
                Found::Reject {
                    text,
                    reason,
                    detail,
                } => self.reject(&input.name, piece.line, reason, detail, text)?,
            }
        }
        Ok(())
    }

    fn damaged_input(
        &mut self,
        name: &str,
        line: u64,
        error: &std::io::Error,
    ) -> Result<(), LandingError> {
        let detail = format!("{}; what came before it has landed", damage(error));
        self.reject(name, line, RejectReason::DamagedPart, detail, b"")
    }

    fn reject(
        &mut self,
        name: &str,
        line: u64,
        reason: RejectReason,
        detail: String,
        text: &[u8],
    ) -> Result<(), LandingError> {
        let reject = Reject {
            file: name.to_owned(),
            line,
            reason,
            detail,
            api: self.api,
            resource: None,
            table: None,
            column: None,
            path: None,
            expected: None,
            found: None,
        };
        self.rejected.write(&reject, RejectedText::new(text))?;
        self.outcome.count_reject(reject);
        Ok(())
    }
}

fn damage(error: &std::io::Error) -> String {
    format!("the compressed input is damaged or ends early from this line on ({error})")
}

fn majority_of(input: &Input, known: &mut Option<ApiVersion>) -> Result<ApiVersion, LandingError> {
    if let Some(api) = *known {
        return Ok(api);
    }
    let api = api_version::majority(input)?.ok_or_else(|| LandingError::UnknownApi {
        file: input.name.clone(),
    })?;
    *known = Some(api);
    Ok(api)
}
