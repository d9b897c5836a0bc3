//! Whole ways through the raw zone: write, seal, list, read, damage, recover.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use claimlake_contract::{
    ApiVersion, Frame, LandingLayout, LandingManifest, LandingOrigin, ResourceType,
};

use crate::test_zone::{self, Zone, complete, lines_of, run};
use crate::{
    ChunkRead, KeptFrame, KeptPatient, LandingError, LandingWriter, PartStream, SealedPart,
    WriterOptions, WrittenFrame, landing_runs, mark_finished, mark_unfinished, read_chunks,
    seal_interrupted, sealed_runs, unfinished_runs,
};

fn writer(layout: &LandingLayout, noise: &str, part_bytes: u64) -> LandingWriter {
    let options = WriterOptions {
        part_bytes,
        ..WriterOptions::default()
    };
    test_zone::writer(layout, &ResourceType::coverage(), noise, options).unwrap()
}

fn append(writer: &mut LandingWriter, lines: &[&str]) -> WrittenFrame {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    writer
        .append_frame(text.as_bytes(), lines.len() as u64)
        .unwrap()
}

fn only_part(layout: &LandingLayout) -> SealedPart {
    let sealed = sealed_runs(layout).unwrap();
    assert_eq!(sealed.len(), 1);
    let mut parts = sealed[0].parts();
    let part = parts.next().unwrap();
    assert!(parts.next().is_none());
    part
}

fn lines(manifest: &LandingManifest, layout: &LandingLayout) -> Vec<String> {
    let sealed = sealed_runs(layout).unwrap();
    let sealed = sealed
        .iter()
        .find(|sealed| sealed.manifest == *manifest)
        .unwrap();
    let lines = sealed.parts().flat_map(|part| lines_of(part).1);
    lines.map(|(text, _)| text).collect()
}

/// The part as a stream reads it, which must find what reading at random does.
fn streamed(part: &SealedPart, target_bytes: u64) -> Vec<ChunkRead> {
    let mut stream = PartStream::open(part, target_bytes);
    let reads: Vec<ChunkRead> = stream.by_ref().map(|chunk| chunk.decompress()).collect();
    let found = stream.end().unwrap();
    assert_eq!(found.sha256, part.sha256_on_disk().unwrap());
    assert_eq!(found.bytes, std::fs::metadata(&part.path).unwrap().len());
    let at_random: Vec<ChunkRead> = read_chunks(part, target_bytes).collect();
    assert_eq!(reads, at_random);
    reads
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_run_is_read_only_once_it_is_sealed_and_only_by_its_owner() {
    let zone = Zone::new();
    let mut writer = writer(&zone.layout, "0001", 1 << 20);
    append(&mut writer, &["a", "b"]);
    let runs = landing_runs(&zone.layout).unwrap();
    assert_eq!((runs.sealed.len(), runs.unsealed.len()), (0, 1));
    let manifest = writer.seal(Vec::new()).unwrap();
    let runs = landing_runs(&zone.layout).unwrap();
    assert_eq!((runs.sealed.len(), runs.unsealed.len()), (1, 0));
    assert_eq!(lines(&manifest, &zone.layout), ["a", "b"]);
    let run_folder = &runs.sealed[0].folder;
    assert_eq!(mode(run_folder), 0o700);
    assert_eq!(mode(&run_folder.join("part-00000.ndjson.zst")), 0o600);
    assert_eq!(mode(&run_folder.join("manifest.json")), 0o600);
}

#[test]
fn a_run_id_is_used_once() {
    let zone = Zone::new();
    let first = writer(&zone.layout, "0001", 1 << 20);
    let (resource, options) = (ResourceType::coverage(), WriterOptions::default());
    let second = test_zone::writer(&zone.layout, &resource, "0001", options);
    assert!(matches!(second, Err(LandingError::RunExists { .. })));
    drop(first);
}

#[test]
fn parts_roll_at_their_size_and_chunks_know_their_lines() {
    let zone = Zone::new();
    let mut writer = writer(&zone.layout, "0001", 60);
    for number in 0..6 {
        append(&mut writer, &[&format!("{number}a"), &format!("{number}b")]);
    }
    let manifest = writer.seal(Vec::new()).unwrap();
    assert!(manifest.parts.len() > 1);
    assert_eq!(lines(&manifest, &zone.layout).len(), 12);
    let sealed = sealed_runs(&zone.layout).unwrap();
    let part = sealed[0].parts().next().unwrap();
    let reads: Vec<ChunkRead> = read_chunks(&part, 1).collect();
    assert!(reads.len() > 1);
    assert_eq!(reads[1].chunks[0].first_line, 3);
    assert_eq!(streamed(&part, 1), reads);
    let whole: Vec<ChunkRead> = read_chunks(&part, 1 << 20).collect();
    assert_eq!(whole.len(), 1);
    assert_eq!(whole[0].chunks.len(), 1);
}

#[test]
fn runs_are_listed_by_run_then_api_then_resource() {
    let zone = Zone::new();
    for (noise, api, resource) in [
        ("0002", ApiVersion::V2, ResourceType::coverage()),
        ("0001", ApiVersion::V3, ResourceType::coverage()),
        ("0001", ApiVersion::V2, ResourceType::patient()),
        (
            "0001",
            ApiVersion::V2,
            ResourceType::explanation_of_benefit(),
        ),
    ] {
        let options = WriterOptions::default();
        let origin = LandingOrigin::Import;
        LandingWriter::create(&zone.layout, api, &resource, &run(noise), origin, options)
            .and_then(|writer| writer.seal(Vec::new()))
            .unwrap();
    }
    let order: Vec<String> = sealed_runs(&zone.layout)
        .unwrap()
        .iter()
        .map(|sealed| {
            let manifest = &sealed.manifest;
            let noise = manifest.run.as_str().split_once('-').unwrap().1;
            format!("{noise} {} {}", manifest.api, manifest.resource)
        })
        .collect();
    let expected = [
        "0001 v2 ExplanationOfBenefit",
        "0001 v2 Patient",
        "0001 v3 Coverage",
        "0002 v2 Coverage",
    ];
    assert_eq!(order, expected);
}

#[test]
fn a_damaged_frame_is_named_and_the_frames_around_it_are_read() {
    let zone = Zone::new();
    let mut writer = writer(&zone.layout, "0001", 1 << 20);
    append(&mut writer, &["a", "b"]);
    let hurt = append(&mut writer, &["c", "d", "e"]);
    append(&mut writer, &["f"]);
    writer.seal(Vec::new()).unwrap();
    let part = only_part(&zone.layout);
    let file = OpenOptions::new().write(true).open(&part.path).unwrap();
    file.write_all_at(&[0x55; 4], hurt.frame.offset + hurt.frame.length - 6)
        .unwrap();
    let reads: Vec<ChunkRead> = read_chunks(&part, 1 << 20).collect();
    assert_eq!(reads.len(), 1);
    let texts: Vec<(&[u8], u64)> = reads[0]
        .chunks
        .iter()
        .map(|chunk| (&chunk.bytes[..], chunk.first_line))
        .collect();
    assert_eq!(texts, [(&b"a\nb\n"[..], 1), (&b"f\n"[..], 6)]);
    assert_eq!(reads[0].damaged.len(), 1);
    let damaged = &reads[0].damaged[0];
    assert_eq!(
        (damaged.frame, damaged.first_line, damaged.lines),
        (1, 3, 3)
    );
    assert!(
        damaged
            .file
            .starts_with("landing/api=v2/resource=Coverage/run=")
    );
    assert_ne!(part.sha256_on_disk().unwrap(), part.part.sha256);
    assert_eq!(streamed(&part, 1 << 20), reads);
}

#[test]
fn a_part_cut_short_loses_only_the_frames_behind_the_cut() {
    let zone = Zone::new();
    let mut writer = writer(&zone.layout, "0001", 1 << 20);
    append(&mut writer, &["a"]);
    let cut = append(&mut writer, &["b"]);
    append(&mut writer, &["c"]);
    writer.seal(Vec::new()).unwrap();
    let part = only_part(&zone.layout);
    let file = OpenOptions::new().write(true).open(&part.path).unwrap();
    file.set_len(cut.frame.offset + 3).unwrap();
    let read = read_chunks(&part, 1 << 20).next().unwrap();
    assert_eq!(read.chunks.len(), 1);
    assert_eq!(read.chunks[0].bytes, b"a\n");
    let lost: Vec<u32> = read.damaged.iter().map(|damaged| damaged.frame).collect();
    assert_eq!(lost, [1, 2]);
    streamed(&part, 1);
    // A manifest that points elsewhere: what is between the frames is hashed, too.
    let mut elsewhere = part.clone();
    elsewhere.part.frames.remove(0);
    elsewhere.part.frames.push(elsewhere.part.frames[0]);
    streamed(&elsewhere, 1);
    std::fs::remove_file(&part.path).unwrap();
    let mut missing = PartStream::open(&part, 1);
    assert!(
        missing
            .by_ref()
            .all(|chunk| chunk.decompress().chunks.is_empty())
    );
    assert!(missing.end().is_err());
}

#[test]
fn a_manifest_that_is_no_manifest_is_named_and_the_other_runs_are_read() {
    let zone = Zone::new();
    writer(&zone.layout, "0001", 1 << 20)
        .seal(Vec::new())
        .unwrap();
    let hurt = writer(&zone.layout, "0002", 1 << 20);
    let path = hurt.folder().join("manifest.json");
    hurt.seal(Vec::new()).unwrap();
    std::fs::write(&path, b"{\"format\":1").unwrap();
    let runs = landing_runs(&zone.layout).unwrap();
    assert_eq!((runs.sealed.len(), runs.damaged.len()), (1, 1));
    assert_eq!(runs.damaged[0].path, path);
}

fn kept(frames: &[WrittenFrame]) -> KeptPatient {
    KeptPatient {
        patient: complete("-1", Vec::new()),
        frames: frames
            .iter()
            .map(|written| KeptFrame {
                part: written.part,
                frame: written.frame,
            })
            .collect(),
    }
}

#[test]
fn an_interrupted_run_is_sealed_with_its_checkpointed_frames_only() {
    let zone = Zone::new();
    let mut writer = writer(&zone.layout, "0001", 20);
    let frames: Vec<WrittenFrame> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .map(|line| append(&mut writer, &[line]))
        .collect();
    assert!(frames[5].part > 0);
    drop(writer);
    let unsealed = landing_runs(&zone.layout).unwrap().unsealed.remove(0);
    let first = kept(&[frames[0], frames[4]]);
    let second = kept(&[frames[2]]);
    let manifest = seal_interrupted(&unsealed, vec![first, second]).unwrap();
    assert_eq!(lines(&manifest, &zone.layout), ["a", "c", "e"]);
    for (patient, expected) in manifest
        .patients
        .iter()
        .zip([["a", "e"].as_slice(), &["c"]])
    {
        let found: Vec<String> = patient
            .frames
            .iter()
            .map(|(part, frame)| frame_text(&unsealed.folder, &manifest, *part, *frame))
            .collect();
        assert_eq!(found, expected);
    }
    // Nothing of the frames that were not kept is left on disk.
    let files = std::fs::read_dir(&unsealed.folder).unwrap().count();
    // The manifest and its checksum lie beside the parts.
    assert_eq!(files, manifest.parts.len() + 2);
}

fn frame_text(folder: &Path, manifest: &LandingManifest, part: u32, frame: u32) -> String {
    let part = &manifest.parts[part as usize];
    let Frame { offset, length, .. } = part.frames[frame as usize];
    let bytes = std::fs::read(folder.join(&part.file)).unwrap();
    let end = usize::try_from(offset + length).unwrap();
    let text = zstd::decode_all(&bytes[usize::try_from(offset).unwrap()..end]).unwrap();
    String::from_utf8(text).unwrap().trim_end().to_owned()
}

#[test]
fn a_checkpointed_frame_that_is_not_on_disk_is_an_error_and_the_run_stays_unsealed() {
    let zone = Zone::new();
    let mut writer = writer(&zone.layout, "0001", 1 << 20);
    let frame = append(&mut writer, &["a"]);
    let file = writer.folder().join("part-00000.ndjson.zst");
    drop(writer);
    let file = OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(2).unwrap();
    let unsealed = landing_runs(&zone.layout).unwrap().unsealed.remove(0);
    let outcome = seal_interrupted(&unsealed, vec![kept(&[frame])]);
    assert!(matches!(outcome, Err(LandingError::MissingFrame { .. })));
    assert_eq!(landing_runs(&zone.layout).unwrap().unsealed.len(), 1);
}

#[test]
fn a_marked_run_is_passed_over_until_it_is_finished_as_a_whole() {
    let zone = Zone::new();
    mark_unfinished(&zone.layout, &run("0001")).unwrap();
    let mut one = writer(&zone.layout, "0001", 1 << 20);
    append(&mut one, &["a"]);
    one.seal(Vec::new()).unwrap();
    let runs = landing_runs(&zone.layout).unwrap();
    assert_eq!((runs.sealed.len(), runs.unsealed.len()), (0, 1));
    assert!(runs.unsealed[0].has_manifest().unwrap());
    assert_eq!(unfinished_runs(&zone.layout).unwrap(), [run("0001")]);
    mark_finished(&zone.layout, &run("0001")).unwrap();
    assert_eq!(landing_runs(&zone.layout).unwrap().sealed.len(), 1);
}

#[test]
fn frames_of_patients_that_did_not_land_are_left_out_at_the_seal() {
    let zone = Zone::new();
    let mut all = writer(&zone.layout, "0001", 1 << 20);
    let frames = [append(&mut all, &["a"]), append(&mut all, &["b"])];
    let manifest = all.seal_keeping(vec![kept(&frames[1..])]).unwrap();
    assert_eq!(lines(&manifest, &zone.layout), ["b"]);
    assert_eq!(manifest.patients[0].frames, [(0, 0)]);
    let mut both = writer(&zone.layout, "0002", 1 << 20);
    let frames = [append(&mut both, &["c"]), append(&mut both, &["d"])];
    let manifest = both.seal_keeping(vec![kept(&frames)]).unwrap();
    assert_eq!(lines(&manifest, &zone.layout), ["c", "d"]);
    assert_eq!(manifest.patients[0].frames, [(0, 0), (0, 1)]);
}
