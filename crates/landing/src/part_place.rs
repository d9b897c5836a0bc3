//! Where the bytes of a part lie, for a process that has not listed landing.

use std::path::Path;

use claimlake_contract::{ApiVersion, LandingPart, ResourceType, RunId};
use serde::{Deserialize, Serialize};

use crate::SealedPart;
use crate::slice::FileSlice;

/// The files of a part, relative to the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartPlace {
    lines: PlacedFile,
    references: Option<PlacedFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PlacedFile {
    file: String,
    piece: Option<(u64, u64)>,
}

impl PartPlace {
    /// The file that has the part, relative to the data directory.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.lines.file
    }
}

impl PlacedFile {
    /// `of_type` is the folder of the resource type, relative to the data directory.
    fn of(slice: &FileSlice, of_type: &str) -> Self {
        let name = |path: Option<&Path>| {
            let name = path.and_then(Path::file_name).unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let (run, file) = (name(slice.path.parent()), name(Some(&slice.path)));
        Self {
            file: format!("{of_type}/{run}/{file}"),
            piece: slice.bounds(),
        }
    }

    fn slice(&self, data: &Path) -> FileSlice {
        let path = data.join(&self.file);
        match self.piece {
            None => FileSlice::whole(path),
            Some((begins, length)) => FileSlice::piece(path, begins, length),
        }
    }
}

impl SealedPart {
    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> PartPlace {
        let folder = self
            .relative
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let of_type = folder.rsplit_once('/').map_or("", |(of_type, _)| of_type);
        PartPlace {
            lines: PlacedFile::of(&self.slice, of_type),
            references: self
                .references
                .as_ref()
                .map(|slice| PlacedFile::of(slice, of_type)),
        }
    }

    /// The part at a place below the data directory; `relative` is its name, as [`Self::relative`].
    #[must_use]
    pub fn at(
        (place, data): (&PartPlace, &Path),
        relative: String,
        (api, resource, run): (ApiVersion, ResourceType, RunId),
        part: LandingPart,
    ) -> Self {
        let slice = place.lines.slice(data);
        Self {
            path: slice.path.clone(),
            relative,
            api,
            resource,
            run,
            part,
            slice,
            references: place.references.as_ref().map(|placed| placed.slice(data)),
        }
    }
}
