//! One run without a person's lines: other parts beside the old ones, then the manifest, then the
//! old parts go. Frames without a line of theirs are copied as they are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use claimlake_contract::{
    ApiVersion, Frame, LandingPart, LandingPatient, Person, ReferenceRecord, hex, part_file_name,
};
use sha2::{Digest, Sha256};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use super::ForgetStep;
use super::own_resources::OwnResources;
use crate::folder::{create_private_file, sync_folder};
use crate::import::marker::remove_if_there;
use crate::recover::remove_unnamed_files;
use crate::references::{FrameRecords, LineReferences, ReferencesWriter};
use crate::{LandingError, SealedPart, SealedRun, manifest_file};

/// Where the lines of a part that is replaced go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedPart {
    /// The part, relative to the data directory.
    pub from: String,
    /// The part that replaces it.
    pub to: String,
    /// The lines that go, from 1.
    removed: BTreeSet<u64>,
}

impl MovedPart {
    /// The line's number in the new part; none where it goes.
    #[must_use]
    pub fn line(&self, line: u64) -> Option<u64> {
        if self.removed.contains(&line) {
            return None;
        }
        Some(line - self.removed.range(..line).count() as u64)
    }
}

/// Which lines of a run go.
#[derive(Clone, Copy)]
pub(super) enum Leaving<'a> {
    /// All that are the person's by what they say, and what was extracted for them.
    Person(&'a Person),
    /// Other bodies of the person's resources.
    OtherBodies(&'a Person, &'a OwnResources),
}

impl Leaving<'_> {
    fn takes(self, part: &SealedPart, line: &[u8], references: &[ReferenceRecord]) -> bool {
        let (api, resource) = (part.api, &part.resource);
        match self {
            Self::Person(person) => {
                claimlake_fhir::is_about(person, api, resource, line, references)
            }
            Self::OtherBodies(person, own) => own.has_body(person, api, resource, line, references),
        }
    }

    fn takes_patient(self, api: ApiVersion, patient: &LandingPatient) -> bool {
        match self {
            Self::Person(person) => person.has_id(api, patient.patient.expose()),
            Self::OtherBodies(..) => false,
        }
    }
}

/// What becomes of a frame.
enum FrameAction {
    /// It stays as it is.
    Copied,
    /// Some of its lines go.
    Rewritten,
    /// All of its lines go.
    Gone,
}

struct PlannedPart {
    index: usize,
    moved: MovedPart,
    actions: Vec<FrameAction>,
}

/// Takes lines of a person out of a run; answers how many went.
pub(super) fn rewrite(
    run: &SealedRun,
    leaving: Leaving<'_>,
    tell: &mut dyn FnMut(ForgetStep<'_>) -> std::io::Result<()>,
) -> Result<u64, LandingError> {
    let planned = plan(run, leaving);
    let api = run.manifest.api;
    let mut manifest = run.manifest.clone();
    manifest
        .patients
        .retain(|patient| !leaving.takes_patient(api, patient));
    if planned.is_empty() && manifest.patients.len() == run.manifest.patients.len() {
        return Ok(0);
    }
    let reported = |answer: std::io::Result<()>| {
        answer.map_err(LandingError::io("forgetting a person in", &run.folder))
    };
    let moves: Vec<MovedPart> = planned.iter().map(|part| part.moved.clone()).collect();
    reported(tell(ForgetStep::Moving(&moves)))?;
    let mut parts = Vec::new();
    // Old part and frame to new part and frame.
    let mut places: HashMap<(u32, u32), (u32, u32)> = HashMap::new();
    for (index, part) in run.parts().enumerate() {
        let new_index = number(parts.len());
        let mut new_frame = 0;
        let mut place = |frame: usize| {
            places.insert((number(index), number(frame)), (new_index, new_frame));
            new_frame += 1;
        };
        match planned.iter().find(|planned| planned.index == index) {
            None => {
                (0..part.part.frames.len()).for_each(place);
                parts.push(part.part.clone());
            }
            Some(planned) => {
                let kept = |action: &FrameAction| !matches!(action, FrameAction::Gone);
                for (frame, _) in planned.actions.iter().enumerate().filter(|(_, f)| kept(f)) {
                    place(frame);
                }
                if planned.actions.iter().any(kept) {
                    parts.push(write_part(&part, planned, leaving)?);
                }
            }
        }
    }
    for patient in &mut manifest.patients {
        let kept = patient.frames.iter().filter_map(|place| places.get(place));
        patient.frames = kept.copied().collect();
    }
    manifest.parts = parts;
    sync_folder(&run.folder)?;
    reported(tell(ForgetStep::PartsWritten(&manifest.run)))?;
    manifest_file::write(&run.folder, &manifest)?;
    reported(tell(ForgetStep::ManifestWritten(&manifest.run)))?;
    remove_unnamed_files(&run.folder, &manifest)?;
    Ok(planned
        .iter()
        .map(|part| part.moved.removed.len() as u64)
        .sum())
}

/// The parts that hold something of the person. The names of the new ones follow from the
/// manifest alone, so that a removal that is begun again comes to the same.
fn plan(run: &SealedRun, leaving: Leaving<'_>) -> Vec<PlannedPart> {
    let number_of = |part: &LandingPart| -> u32 {
        let digits = part.file.trim_start_matches("part-").split('.').next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let highest = run.manifest.parts.iter().map(number_of).max().unwrap_or(0);
    let api = run.manifest.api;
    let patients = run.manifest.patients.iter();
    let owned: HashSet<(u32, u32)> = patients
        .filter(|patient| leaving.takes_patient(api, patient))
        .flat_map(|patient| patient.frames.iter().copied())
        .collect();
    let mut planned: Vec<PlannedPart> = Vec::new();
    for (index, part) in run.parts().enumerate() {
        let (actions, removed) = look_at(index, &part, leaving, &owned);
        if actions
            .iter()
            .all(|action| matches!(action, FrameAction::Copied))
        {
            continue;
        }
        let name = part_file_name(highest + 1 + number(planned.len()));
        let folder = part
            .relative
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let to = format!("{folder}/{name}");
        let moved = MovedPart {
            from: part.relative.clone(),
            to,
            removed,
        };
        planned.push(PlannedPart {
            index,
            moved,
            actions,
        });
    }
    planned
}

fn look_at(
    part_index: usize,
    part: &SealedPart,
    leaving: Leaving<'_>,
    owned: &HashSet<(u32, u32)>,
) -> (Vec<FrameAction>, BTreeSet<u64>) {
    let mut removed = BTreeSet::new();
    let mut first_line = 1;
    let records = FrameRecords::of(part);
    let actions = part.part.frames.iter().enumerate().map(|(index, frame)| {
        let begins = first_line;
        first_line += frame.lines;
        if owned.contains(&(number(part_index), number(index))) {
            // Even where it cannot be read any more.
            removed.extend(begins..begins + frame.lines);
            return FrameAction::Gone;
        }
        let Some(text) = read_frame(part, frame) else {
            return FrameAction::Copied;
        };
        let before = removed.len();
        let Ok(references) = frame_references(&records, index) else {
            return FrameAction::Copied;
        };
        for (number, text) in (1..).zip(lines(&text)) {
            let of_line = references.of_line(number);
            if leaving.takes(part, text, of_line) {
                removed.insert(begins + number - 1);
            }
        }
        match (removed.len() - before) as u64 {
            0 => FrameAction::Copied,
            gone if gone == frame.lines => FrameAction::Gone,
            _ => FrameAction::Rewritten,
        }
    });
    let actions = actions.collect();
    (actions, removed)
}

fn write_part(
    part: &SealedPart,
    planned: &PlannedPart,
    leaving: Leaving<'_>,
) -> Result<LandingPart, LandingError> {
    let name = planned.moved.to.rsplit('/').next().unwrap_or_default();
    let path = part.path.with_file_name(name);
    let failed = |error| LandingError::io("writing", &path)(error);
    remove_if_there(&path)?;
    let mut target = create_private_file(&path)?;
    let mut written = LandingPart {
        file: name.to_owned(),
        lines: 0,
        bytes: 0,
        sha256: String::new(),
        frames: Vec::new(),
        references: None,
    };
    let records = FrameRecords::of(part);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut references: Option<ReferencesWriter> = None;
    let mut compressor = Compressor::new(crate::WriterOptions::default().level).map_err(failed)?;
    for parameter in [
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
    ] {
        compressor.set_parameter(parameter).map_err(failed)?;
    }
    let source = File::open(&part.path).map_err(LandingError::io("opening", &part.path))?;
    let mut hash = Sha256::new();
    for (index, (frame, action)) in part.part.frames.iter().zip(&planned.actions).enumerate() {
        let raw = match action {
            FrameAction::Copied => records.raw(index).ok().flatten(),
            FrameAction::Rewritten | FrameAction::Gone => None,
        };
        let mut kept_records = Vec::new();
        let (bytes, lines, uncompressed) = match action {
            FrameAction::Gone => continue,
            FrameAction::Copied => (
                raw_frame(&source, frame).map_err(LandingError::io("reading", &part.path))?,
                frame.lines,
                frame.uncompressed,
            ),
            FrameAction::Rewritten => {
                let text = read_frame(part, frame).unwrap_or_default();
                let of_frame = frame_references(&records, index).unwrap_or_default();
                let (text, count) = without(leaving, part, &text, &of_frame, &mut kept_records);
                let bytes = compressor.compress(&text).map_err(failed)?;
                (bytes, count, text.len() as u64)
            }
        };
        if references.is_none() && (raw.is_some() || !kept_records.is_empty()) {
            let before = written.frames.len();
            references = Some(ReferencesWriter::create(folder, &written.file, before)?);
        }
        match (&mut references, raw) {
            (None, _) => {}
            (Some(references), Some((frame, bytes))) => {
                references.append_raw(&bytes, frame.lines, frame.uncompressed)?;
            }
            (Some(references), None) => references.append(&kept_records)?,
        }
        target.write_all(&bytes).map_err(failed)?;
        hash.update(&bytes);
        written.frames.push(Frame {
            offset: written.bytes,
            length: bytes.len() as u64,
            lines,
            uncompressed,
        });
        written.bytes += bytes.len() as u64;
        written.lines += lines;
    }
    target.sync_all().map_err(failed)?;
    written.sha256 = hex(&hash.finalize());
    written.references = references.map(ReferencesWriter::finish).transpose()?;
    Ok(written)
}

/// The lines of a frame that stay, and how many; their records, which go where the
/// lines go.
fn without(
    leaving: Leaving<'_>,
    part: &SealedPart,
    text: &[u8],
    references: &LineReferences,
    records: &mut Vec<ReferenceRecord>,
) -> (Vec<u8>, u64) {
    let mut kept = Vec::with_capacity(text.len());
    let mut count = 0;
    for (number, line) in (1..).zip(lines(text)) {
        let of_line = references.of_line(number);
        if !leaving.takes(part, line, of_line) {
            kept.extend_from_slice(line);
            kept.push(b'\n');
            count += 1;
            let moved = of_line.iter().cloned();
            records.extend(moved.map(|record| ReferenceRecord {
                line: count,
                ..record
            }));
        }
    }
    (kept, count)
}

/// The records of a frame, whose lines count from the frame's first.
fn frame_references(records: &FrameRecords<'_>, index: usize) -> Result<LineReferences, String> {
    let mut references = LineReferences::default();
    references.extend(1, records.read(index)?);
    Ok(references)
}

/// Whole lines, without their newlines.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n')
}

fn raw_frame(file: &File, frame: &Frame) -> std::io::Result<Vec<u8>> {
    let length = usize::try_from(frame.length).map_err(std::io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, frame.offset)?;
    Ok(bytes)
}

/// The text of a frame; none where it is damaged.
fn read_frame(part: &SealedPart, frame: &Frame) -> Option<Vec<u8>> {
    let file = File::open(&part.path).ok()?;
    let bytes = raw_frame(&file, frame).ok()?;
    let size = usize::try_from(frame.uncompressed).ok()?;
    let text = Decompressor::new().ok()?.decompress(&bytes, size).ok()?;
    (memchr::memchr_iter(b'\n', &text).count() as u64 == frame.lines).then_some(text)
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
