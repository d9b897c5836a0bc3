//! Removes lines from one run: new parts beside the old ones, then the manifest, then the old parts
//! go. Frames that keep all of their lines are copied as they are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;

use claimlake_contract::{
    ApiVersion, LandingPart, LandingPatient, Person, ReferenceRecord, part_file_name,
};

use super::own_resources::OwnResources;
use super::step::{ForgetStep, MovedPart};
use crate::folder::sync_folder;
use crate::frame::{frame_text, read_raw};
use crate::part_name::part_number;
use crate::part_writer::{FrameReferences, PartWriter};
use crate::references::file::{FrameRecords, LineReferences};
use crate::unnamed_files::remove_unnamed_files;
use crate::{LandingError, SealedPart, SealedRun, manifest_file};

/// Which lines of a run are removed.
#[derive(Clone, Copy)]
pub(super) enum Leaving<'a> {
    /// Lines that name the person, and those that were extracted for them.
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

/// What happens to a frame.
enum FrameAction {
    /// All of its lines stay.
    Copied,
    /// Some of its lines are removed.
    Rewritten,
    /// All of its lines are removed.
    Gone,
}

struct PlannedPart {
    index: usize,
    moved: MovedPart,
    actions: Vec<FrameAction>,
}

/// Removes lines from a run; returns how many there were.
pub(super) fn rewrite(
    run: &SealedRun,
    leaving: Leaving<'_>,
    report: &mut dyn FnMut(ForgetStep<'_>) -> std::io::Result<()>,
) -> Result<u64, LandingError> {
    let folder = run.own_folder()?;
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
    reported(report(ForgetStep::Moving(&moves)))?;
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
    sync_folder(folder)?;
    reported(report(ForgetStep::PartsWritten(&manifest.run)))?;
    manifest_file::write(folder, &manifest)?;
    reported(report(ForgetStep::ManifestWritten(&manifest.run)))?;
    remove_unnamed_files(folder, &manifest)?;
    Ok(planned
        .iter()
        .map(|part| part.moved.removed.len() as u64)
        .sum())
}

/// The parts with lines to remove. The names of the new parts depend only on the manifest, so that
/// a removal that is repeated does the same.
fn plan(run: &SealedRun, leaving: Leaving<'_>) -> Vec<PlannedPart> {
    let numbers = run
        .manifest
        .parts
        .iter()
        .map(|part| part_number(&part.file));
    let highest = numbers.max().flatten().unwrap_or(0);
    let api = run.manifest.api;
    let patients = run.manifest.patients.iter();
    let owned: HashSet<(u32, u32)> = patients
        .filter(|patient| leaving.takes_patient(api, patient))
        .flat_map(|patient| patient.frames.iter().copied())
        .collect();
    let mut planned: Vec<PlannedPart> = Vec::new();
    for (index, part) in run.parts().enumerate() {
        let (actions, removed) = look_at(index, &part, leaving, &owned);
        let is_copied = |action: &FrameAction| matches!(action, FrameAction::Copied);
        if actions.iter().all(is_copied) {
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
        let Some(text) = frame_text(&part.slice, frame) else {
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
    let mut target = PartWriter::replace(path.clone())?;
    let records = FrameRecords::of(part);
    let compressing = || LandingError::io("compressing for", &path);
    let level = crate::WriterOptions::default().level;
    let mut compressor = crate::frame::compressor(level).map_err(compressing())?;
    let source = File::open(&part.path).map_err(LandingError::io("opening", &part.path))?;
    let mut bytes = Vec::new();
    for (index, (frame, action)) in part.part.frames.iter().zip(&planned.actions).enumerate() {
        match action {
            FrameAction::Gone => {}
            FrameAction::Copied => {
                read_raw(&source, part.slice.begins(), frame, &mut bytes)
                    .map_err(std::io::Error::other)
                    .map_err(LandingError::io("reading", &part.path))?;
                let references = match records.raw(index) {
                    Ok(Some((frame, bytes))) => FrameReferences::Packed(frame, bytes),
                    _ => FrameReferences::Records(&[]),
                };
                target.append(&bytes, frame.lines, frame.uncompressed, &references)?;
            }
            FrameAction::Rewritten => {
                let text = frame_text(&part.slice, frame).unwrap_or_default();
                let of_frame = frame_references(&records, index).unwrap_or_default();
                let (text, count, kept) = without(leaving, part, &text, &of_frame);
                let compressed = compressor.compress(&text).map_err(compressing())?;
                let references = FrameReferences::Records(&kept);
                target.append(&compressed, count, text.len() as u64, &references)?;
            }
        }
    }
    target.finish()
}

/// The lines of a frame that stay, how many they are, and their records with the new line numbers.
fn without(
    leaving: Leaving<'_>,
    part: &SealedPart,
    text: &[u8],
    references: &LineReferences,
) -> (Vec<u8>, u64, Vec<ReferenceRecord>) {
    let mut kept = Vec::with_capacity(text.len());
    let mut records = Vec::new();
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
    (kept, count, records)
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

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
