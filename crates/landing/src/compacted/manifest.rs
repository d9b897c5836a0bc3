//! `manifest.json` of a folder that has several runs.

use claimlake_contract::{
    ApiVersion, CHECKSUM_FILE, Frame, LandingOrigin, MANIFEST_FILE, ResourceType, RunId,
    part_file_name, references_file_name,
};
use serde::{Deserialize, Serialize};

use crate::part_name::part_number;

/// The format of such a manifest.
pub(crate) const COMPACTED_FORMAT: u32 = 2;

/// How the text of such a manifest begins, as it is written here.
pub(crate) const BEGINNING: &[u8] = br#"{"format":2,"api":""#;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompactedManifest {
    pub(crate) format: u32,
    pub(crate) api: ApiVersion,
    pub(crate) resource: ResourceType,
    /// All of its runs were received this way.
    pub(crate) origin: LandingOrigin,
    /// The number in the names of its files.
    pub(crate) number: u32,
    /// The parts of all runs; none where no run has lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<CompactedFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) references: Option<CompactedFile>,
    /// The manifests of the runs, a frame each.
    pub(crate) manifests: CompactedFile,
    /// In order.
    pub(crate) runs: Vec<CompactedRun>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompactedFile {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// One of the runs, and where it lies in the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompactedRun {
    pub(crate) run: RunId,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) references_offset: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) references_bytes: u64,
    pub(crate) manifest: Frame,
}

impl CompactedManifest {
    pub(crate) fn newest(&self) -> Option<&RunId> {
        self.runs.last().map(|run| &run.run)
    }

    pub(crate) fn part_name(&self) -> String {
        part_file_name(self.number)
    }

    pub(crate) fn references_name(&self) -> String {
        references_file_name(self.number)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &CompactedFile> {
        let optional = [&self.part, &self.references].into_iter().flatten();
        optional.chain([&self.manifests])
    }

    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.format != COMPACTED_FORMAT {
            return Err(format!("it has format {}", self.format));
        }
        let names = [
            (&self.part, self.part_name()),
            (&self.references, self.references_name()),
        ];
        let is_ours = |(file, name): &(&Option<CompactedFile>, String)| {
            file.as_ref().is_none_or(|file| file.file == *name)
        };
        let manifests = manifests_file_name(self.number);
        if !names.iter().all(is_ours) || self.manifests.file != manifests {
            return Err("the manifest names a file outside its folder".into());
        }
        let pairs = self.runs.iter().zip(self.runs.iter().skip(1));
        if !pairs.into_iter().all(|(one, next)| one.run < next.run) {
            return Err("the runs in the manifest are not in order".into());
        }
        Ok(())
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        [MANIFEST_FILE, CHECKSUM_FILE].contains(&name) || self.files().any(|file| file.file == name)
    }

    /// Whether a file is one that this manifest replaced: of the run before it was joined with
    /// others, or of fewer runs. Whoever listed it before may still read it.
    pub(crate) fn is_replaced(&self, name: &str) -> bool {
        file_number(name).is_some_and(|number| number < self.number)
    }
}

/// `manifests-00001.ndjson.zst`.
pub(crate) fn manifests_file_name(number: u32) -> String {
    format!("{MANIFESTS}{number:05}.ndjson.zst")
}

pub(crate) const MANIFESTS: &str = "manifests-";

/// The number in the name of a file of a run folder.
pub(crate) fn file_number(name: &str) -> Option<u32> {
    let as_part = ["references-", MANIFESTS]
        .into_iter()
        .find_map(|prefix| Some(format!("part-{}", name.strip_prefix(prefix)?)));
    part_number(as_part.as_deref().unwrap_or(name))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
