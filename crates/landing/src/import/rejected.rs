//! `landing/rejected/run=<id>.ndjson.zst`: what could not be landed, kept with the reason.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use claimlake_contract::{LandingLayout, Reject, RunId};
use serde::Serialize;

use crate::LandingError;
use crate::folder::{create_private_dir, create_private_file, sync_folder};

/// Of a longer text only the beginning is kept here; the rest is in the input.
const KEPT_TEXT: usize = 1 << 20;

/// The rejected text as it was, or in hex if it is not UTF-8.
#[derive(Debug, Serialize)]
pub(super) struct RejectedText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_hex: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    text_is_cut: bool,
}

impl<'a> RejectedText<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut kept = &bytes[..bytes.len().min(KEPT_TEXT)];
        let text_is_cut = kept.len() < bytes.len();
        if text_is_cut {
            // A cut within a character is not bad text.
            while kept.last().is_some_and(|byte| !byte.is_ascii()) {
                kept = &kept[..kept.len() - 1];
            }
        }
        let text = std::str::from_utf8(kept).ok();
        Self {
            text,
            text_hex: text.is_none().then(|| claimlake_contract::hex(kept)),
            text_is_cut,
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    reject: &'a Reject,
    #[serde(flatten)]
    text: RejectedText<'a>,
}

pub(super) struct RejectedFile {
    path: PathBuf,
    open: Option<zstd::stream::write::Encoder<'static, File>>,
}

impl RejectedFile {
    pub(super) fn new(layout: &LandingLayout, run: &RunId) -> Self {
        Self {
            path: layout.rejected_file(run),
            open: None,
        }
    }

    pub(super) fn write(
        &mut self,
        reject: &Reject,
        text: RejectedText<'_>,
    ) -> Result<(), LandingError> {
        let manifest_error = |source| LandingError::Manifest {
            path: self.path.clone(),
            source,
        };
        let mut line = serde_json::to_vec(&Line { reject, text }).map_err(manifest_error)?;
        line.push(b'\n');
        if self.open.is_none() {
            if let Some(folder) = self.path.parent() {
                create_private_dir(folder)?;
            }
            let file = create_private_file(&self.path)?;
            let compressing = || LandingError::io("compressing for", &self.path);
            let mut encoder = zstd::stream::write::Encoder::new(file, 3).map_err(compressing())?;
            // No manifest has a hash of this file, so zstd's own checksum protects it.
            encoder.include_checksum(true).map_err(compressing())?;
            self.open = Some(encoder);
        }
        match self.open.as_mut() {
            Some(open) => open
                .write_all(&line)
                .map_err(LandingError::io("writing", &self.path)),
            None => Ok(()),
        }
    }

    /// Closes the file; its path, if anything was rejected.
    pub(super) fn finish(self) -> Result<Option<PathBuf>, LandingError> {
        let Some(open) = self.open else {
            return Ok(None);
        };
        open.finish()
            .and_then(|file| file.sync_all())
            .map_err(LandingError::io("writing", &self.path))?;
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        Ok(Some(self.path))
    }
}
