//! Landing what came from elsewhere: NDJSON, single resources and Bundles, plain or compressed.
//!
//! A run of `import` lands completely or not at all. Input is read twice: first for what references
//! may name, then to land. Memory is bounded by the largest resource and by the number of Patients,
//! Coverages and providers (a few hundred bytes each), not by the claims.

mod api_version;
mod documents;
mod input;
mod opened;
mod outcome;
mod read;
mod rejected;
mod resources;
mod target;
mod targets;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use claimlake_contract::{
    ApiVersion, LandingLayout, Progress, ReferenceRecord, Reject, RejectReason, ResourceType,
    RunId, Task,
};
use claimlake_fhir::{api_version_of, not_r4};

use crate::LandingError;
use crate::folder::create_private_dir;
use crate::import_marker::{ImportMarker, clear_abandoned};
use crate::references::resolve::{Resolver, SentLine};

use documents::{Documents, Piece, PieceKind};
pub use input::check_input;
use opened::{Opened, opened};
pub use outcome::{ImportOutcome, WithoutPatient};
pub use read::{BadInput, read_resources};
use rejected::{RejectedFile, RejectedText};
use resources::Found;
use target::Target;

/// Lands the resources of `inputs` (`-` is standard input) as the run `run`.
///
/// Without `api`, a resource's own CMS URLs decide, else the majority of its file.
///
/// # Errors
/// When an input cannot be opened, the API version cannot be determined, or the disk refuses; nothing
/// of the run has then landed.
pub fn import(
    inputs: &[PathBuf],
    api: Option<ApiVersion>,
    layout: &LandingLayout,
    run: &RunId,
    progress: &dyn Progress,
) -> Result<ImportOutcome, LandingError> {
    import_refusing(inputs, api, layout, run, progress, &|_, _, _, _| false)
}

/// Whether a resource must not land: its API version, type and text are given, and what its
/// references were resolved to.
pub type Refuse<'a> = &'a dyn Fn(ApiVersion, &ResourceType, &[u8], &[ReferenceRecord]) -> bool;

/// As [`import`], without the resources that `refuse` says no to; they are counted.
///
/// # Errors
/// As [`import`].
pub fn import_refusing(
    inputs: &[PathBuf],
    api: Option<ApiVersion>,
    layout: &LandingLayout,
    run: &RunId,
    progress: &dyn Progress,
    refuse: Refuse<'_>,
) -> Result<ImportOutcome, LandingError> {
    let (stdin, files): (Vec<&PathBuf>, Vec<_>) =
        inputs.iter().partition(|input| input::is_stdin(input));
    match (inputs.is_empty(), stdin.len()) {
        (true, _) => return Err(LandingError::NoInput),
        (false, 2..) => return Err(LandingError::StdinTwice),
        _ => {}
    }
    // Every input is opened before anything is written: a wrong name costs nothing.
    for path in files {
        check_input(path)?;
    }
    create_private_dir(layout.root())?;
    clear_abandoned(layout)?;
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
            // The first error is reported; what cannot be removed now, the next import removes.
            if let Err(second) = marker.abandon(layout) {
                tracing::warn!(error = %second, "an import that failed left files behind");
            }
            Err(error)
        }
    }
}

fn run_import(
    (inputs, api): (&[PathBuf], Option<ApiVersion>),
    layout: &LandingLayout,
    run: &RunId,
    (progress, task): (&dyn Progress, Task),
    refuse: Refuse<'_>,
) -> Result<ImportOutcome, LandingError> {
    let mut inputs = opened(inputs, layout, run)?;
    let targets = targets::look_for(&mut inputs, api)?;
    let mut import = Import {
        api,
        refuse,
        resolver: Resolver::new(targets, layout),
        target: Target::new(layout, run),
        rejected: RejectedFile::new(layout, run),
        outcome: ImportOutcome::new(run.clone()),
    };
    for input in &mut inputs {
        import.file(input, progress, task)?;
    }
    let mut outcome = import.outcome;
    outcome.by_type = import.target.seal()?;
    outcome.rejected_file = import.rejected.finish()?;
    Ok(outcome)
}

struct Import<'a> {
    api: Option<ApiVersion>,
    refuse: Refuse<'a>,
    resolver: Resolver<'a>,
    target: Target,
    rejected: RejectedFile,
    outcome: ImportOutcome,
}

impl Import<'_> {
    fn file(
        &mut self,
        opened: &mut Opened,
        progress: &dyn Progress,
        task: Task,
    ) -> Result<(), LandingError> {
        let name = opened.input.name.clone();
        let (source, is_compressed) = opened.input.open_with_compression()?;
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
            self.piece(opened, &documents, &piece)?;
            progress.advance(task, self.outcome.resources - before);
        }
        self.outcome.files += 1;
        self.outcome.bytes += documents.bytes_read();
        Ok(())
    }

    fn piece(
        &mut self,
        opened: &mut Opened,
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
                    full_url,
                } => {
                    if let Some(other) = not_r4(&resource_type, text) {
                        if let Some(api) = self.api.or_else(|| api_version_of(text)) {
                            self.target.open(api, &resource_type)?;
                        }
                        let (name, detail) = (&opened.input.name, other.to_string());
                        let reason = RejectReason::OtherFhirRelease;
                        self.reject(name, piece.line, reason, detail, text)?;
                        continue;
                    }
                    let api = match self.api.or_else(|| api_version_of(text)) {
                        Some(api) => api,
                        None => opened.majority()?.ok_or_else(|| LandingError::UnknownApi {
                            file: opened.input.name.clone(),
                        })?,
                    };
                    let line = SentLine {
                        api,
                        resource: &resource_type,
                        bundle: opened.bundle(piece.document),
                        full_url: full_url.as_deref(),
                        text,
                    };
                    self.land(line, &opened.input.name, piece.line)?;
                }
                Found::Reject {
                    text,
                    reason,
                    detail,
                } => self.reject(&opened.input.name, piece.line, reason, detail, text)?,
            }
        }
        Ok(())
    }

    fn land(&mut self, line: SentLine<'_>, file: &str, number: u64) -> Result<(), LandingError> {
        let found = self.resolver.line(line)?;
        if (self.refuse)(line.api, line.resource, line.text, &found.records) {
            self.outcome.forgotten += 1;
            return Ok(());
        }
        let is_resolved = |record: &ReferenceRecord| record.target().is_some();
        self.outcome.resolved += u64::from(found.records.iter().any(is_resolved));
        if let Some(why) = found.without_patient {
            self.outcome.count_without_patient(WithoutPatient {
                file: file.to_owned(),
                line: number,
                resource: line.resource.clone(),
                why,
            });
        }
        self.target
            .land(line.api, line.resource, line.text, found.records)?;
        self.outcome.resources += 1;
        Ok(())
    }

    fn damaged_input(
        &mut self,
        name: &str,
        line: u64,
        error: &std::io::Error,
    ) -> Result<(), LandingError> {
        let detail = format!("{}; what came before it has landed", input::damage(error));
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
            api: self.api,
            ..Reject::new(name, line, reason, detail)
        };
        self.rejected.write(&reject, RejectedText::new(text))?;
        self.outcome.count_reject(reject);
        Ok(())
    }
}
