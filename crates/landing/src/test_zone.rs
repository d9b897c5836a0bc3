//! A raw zone in a folder of its own, for tests.

use std::path::PathBuf;

use claimlake_contract::{
    ApiVersion, GrantHandle, IdHash, LandingLayout, LandingOrigin, LandingPatient, NoProgress,
    PatientId, PatientState, Person, ReferenceRecord, ResourceType, RunId,
};

use crate::{
    ImportOutcome, LandingError, LandingWriter, SealedPart, WriterOptions, import, read_chunks,
    sealed_runs,
};

pub(crate) fn run(noise: &str) -> RunId {
    format!("20261123T164012.345Z-{noise}").parse().unwrap()
}

/// A writer of a run of claims or coverages.
pub(crate) fn writer(
    layout: &LandingLayout,
    resource: &ResourceType,
    noise: &str,
    options: WriterOptions,
) -> Result<LandingWriter, LandingError> {
    let (run, origin) = (run(noise), LandingOrigin::Extract);
    LandingWriter::create(layout, ApiVersion::V2, resource, &run, origin, options)
}

/// A patient of whom one page was read and everything is here.
pub(crate) fn complete(patient: &str, frames: Vec<(u32, u32)>) -> LandingPatient {
    LandingPatient {
        grant: GrantHandle::from_random([7; 8]),
        patient: PatientId::new(patient),
        total: None,
        pages: 1,
        resources: 1,
        last_updated: None,
        state: PatientState::Complete,
        frames,
        gone: Vec::new(),
    }
}

/// A part with its lines and their references.
pub(crate) type PartLines = (SealedPart, Vec<(String, Vec<ReferenceRecord>)>);

/// Of one patient: the lines that landed, and what was no longer found.
pub(crate) type Extracted<'e> = (&'e str, Vec<String>, Vec<IdHash>);

pub(crate) struct Zone {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) layout: LandingLayout,
}

impl Zone {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = LandingLayout::in_data(&folder.path().join("data"));
        Self { folder, layout }
    }

    /// A file outside the zone.
    pub(crate) fn input(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn import_inputs(
        &self,
        noise: &str,
        inputs: &[PathBuf],
        api: Option<ApiVersion>,
    ) -> Result<ImportOutcome, LandingError> {
        import(inputs, api, &self.layout, &run(noise), &NoProgress)
    }

    /// Imports lines of v2.
    pub(crate) fn import(&self, noise: &str, lines: &[String]) {
        self.import_of(ApiVersion::V2, noise, lines);
    }

    pub(crate) fn import_of(&self, api: ApiVersion, noise: &str, lines: &[String]) {
        let input = self.input("in.ndjson", lines.join("\n"));
        self.import_inputs(noise, &[input], Some(api)).unwrap();
    }

    /// Lands claims as an extraction does: one frame for each patient.
    pub(crate) fn extract(&self, noise: &str, patients: &[Extracted<'_>]) {
        let claims = ResourceType::explanation_of_benefit();
        let options = WriterOptions::default();
        let mut writer = writer(&self.layout, &claims, noise, options).unwrap();
        let mut landed = Vec::new();
        for (patient, lines, gone) in patients {
            let mut frames = Vec::new();
            if !lines.is_empty() {
                let text = lines.join("\n") + "\n";
                let frame = writer.append_frame(text.as_bytes(), lines.len() as u64);
                let frame = frame.unwrap();
                frames.push((frame.part, frame.index));
            }
            landed.push(LandingPatient {
                resources: lines.len() as u64,
                gone: gone.clone(),
                ..complete(patient, frames)
            });
        }
        writer.seal(landed).unwrap();
    }

    pub(crate) fn forget(&self, person: &Person) -> u64 {
        crate::forget(&self.layout, person, &mut |_| Ok(())).unwrap()
    }

    /// Everything that has landed, each part checked against its manifest.
    pub(crate) fn landed(&self) -> Vec<PartLines> {
        let runs = sealed_runs(&self.layout).unwrap();
        let parts = runs.iter().flat_map(|run| run.parts().collect::<Vec<_>>());
        parts.map(lines_of).collect()
    }

    /// All lines, by part.
    pub(crate) fn lines(&self) -> Vec<(String, Vec<String>)> {
        let texts = |lines: Vec<(String, _)>| lines.into_iter().map(|(text, _)| text).collect();
        let parts = self.landed().into_iter();
        parts
            .map(|(part, lines)| (part.relative, texts(lines)))
            .collect()
    }
}

/// The lines of a part, which must be as its manifest says.
pub(crate) fn lines_of(part: SealedPart) -> PartLines {
    assert_eq!(part.sha256_on_disk().unwrap(), part.part.sha256);
    let mut lines = Vec::new();
    for read in read_chunks(&part, 1) {
        assert_eq!(read.damaged, []);
        for chunk in &read.chunks {
            let of_chunk = chunk.lines().map(|(_, text, references)| {
                let text = String::from_utf8(text.to_vec()).unwrap();
                (text, references.to_vec())
            });
            lines.extend(of_chunk);
        }
    }
    assert_eq!(lines.len() as u64, part.part.lines);
    (part, lines)
}
