//! Beginning and sealing the run's folders, one a resource type.

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingManifest, LandingOrigin, ResourceType, RunId,
};
use claimlake_landing::{KeptPatient, LandingError, LandingWriter, WriterOptions, mark_unfinished};

use super::error::WriterError;

/// Begins the folder of a resource type.
pub(crate) fn begin(
    layout: &LandingLayout,
    api: ApiVersion,
    resource: &ResourceType,
    run: &RunId,
) -> Result<LandingWriter, LandingError> {
    mark_unfinished(layout, run)?;
    LandingWriter::create(
        layout,
        api,
        resource,
        run,
        LandingOrigin::Extract,
        WriterOptions::default(),
    )
}

/// Side by side: sealing is waiting for the disk.
pub(super) fn seal_all(
    writers: Vec<(LandingWriter, Vec<KeptPatient>)>,
) -> Result<Vec<LandingManifest>, WriterError> {
    std::thread::scope(|scope| {
        let seal = |(writer, kept): (LandingWriter, Vec<KeptPatient>)| {
            let sealing = std::thread::Builder::new().name("sealing".into());
            sealing.spawn_scoped(scope, move || {
                let is_news = |patient: &KeptPatient| {
                    !patient.frames.is_empty() || patient.patient.lists_gone()
                };
                if !kept.iter().any(is_news) {
                    return writer.discard().map(|()| None);
                }
                writer.seal_keeping(kept).map(Some)
            })
        };
        let threads: Vec<_> = writers.into_iter().map(seal).collect();
        let mut manifests = Vec::new();
        for thread in threads {
            let thread = thread.map_err(|_| WriterError::Stopped)?;
            let sealed = thread.join().map_err(|_| WriterError::Stopped)??;
            manifests.extend(sealed);
        }
        Ok(manifests)
    })
}
