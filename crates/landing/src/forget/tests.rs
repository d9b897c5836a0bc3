//! Tests of taking a person out of the raw zone.

use claimlake_contract::{
    ApiVersion, GrantHandle, LandingLayout, LandingOrigin, LandingPatient, NoProgress, PatientId,
    PatientState, Person, ResourceType, RunId,
};

use super::{ForgetStep, find_person, forget, landed_of};
use crate::{LandingWriter, WriterOptions, import, import_refusing, sealed_runs};

fn run(noise: &str) -> RunId {
    format!("20261123T164012.345Z-{noise}").parse().unwrap()
}

fn claim(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"Patient/{patient}"}}}}"#
    )
}

fn person(id: &str) -> Person {
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new(id)));
    person
}

struct Zone {
    folder: tempfile::TempDir,
    layout: LandingLayout,
}

impl Zone {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = LandingLayout::in_data(&folder.path().join("data"));
        Self { folder, layout }
    }

    fn import(&self, noise: &str, lines: &[String]) {
        let input = self.folder.path().join("in.ndjson");
        std::fs::write(&input, lines.join("\n")).unwrap();
        let api = Some(ApiVersion::V2);
        import(&[input], api, &self.layout, &run(noise), &NoProgress).unwrap();
    }

    /// One frame a person, as an extraction lands them.
    fn extract(&self, noise: &str, people: &[(&str, &[String])]) {
        let eob = ResourceType::explanation_of_benefit();
        let mut writer = LandingWriter::create(
            &self.layout,
            ApiVersion::V2,
            &eob,
            &run(noise),
            LandingOrigin::Extract,
            WriterOptions::default(),
        )
        .unwrap();
        let mut patients = Vec::new();
        for (index, (patient, lines)) in people.iter().enumerate() {
            let text = lines.join("\n") + "\n";
            let frame = writer
                .append_frame(text.as_bytes(), lines.len() as u64)
                .unwrap();
            patients.push(LandingPatient {
                grant: GrantHandle::from_random([index as u8; 8]),
                patient: PatientId::new(*patient),
                total: None,
                pages: 1,
                resources: lines.len() as u64,
                last_updated: None,
                state: PatientState::Complete,
                frames: vec![(frame.part, frame.index)],
                gone: Vec::new(),
            });
        }
        writer.seal(patients).unwrap();
    }

    /// All lines, by part.
    fn lines(&self) -> Vec<(String, Vec<String>)> {
        let mut parts = Vec::new();
        for run in sealed_runs(&self.layout).unwrap() {
            for part in run.parts() {
                assert_eq!(part.sha256_on_disk().unwrap(), part.part.sha256);
                let mut lines = Vec::new();
                for read in crate::ChunkReader::new(&part, 1) {
                    assert_eq!(read.damaged, []);
                    for chunk in read.chunks {
                        let text = String::from_utf8(chunk.bytes).unwrap();
                        lines.extend(text.lines().map(str::to_owned));
                    }
                }
                assert_eq!(lines.len() as u64, part.part.lines);
                parts.push((part.relative, lines));
            }
        }
        parts
    }

    fn forget(&self, who: &Person) -> u64 {
        forget(&self.layout, who, &mut |_| Ok(())).unwrap()
    }
}

#[test]
fn a_part_keeps_the_others_lines_and_tells_where_they_went() {
    let zone = Zone::new();
    let (a, b, c) = (claim("1", "-1"), claim("2", "-2"), claim("3", "-3"));
    zone.import("0001", &[a.clone(), b, c.clone()]);
    let before = zone.lines();
    let mut moves = Vec::new();
    let mut tell = |step: ForgetStep<'_>| {
        if let ForgetStep::Moving(parts) = step {
            moves.extend(parts.to_vec());
        }
        Ok(())
    };
    let removed = forget(&zone.layout, &person("-2"), &mut tell).unwrap();
    assert_eq!(removed, 1);
    let after = zone.lines();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].1, [a, c]);
    assert_eq!((&moves[0].from, &moves[0].to), (&before[0].0, &after[0].0));
    let places: Vec<Option<u64>> = (1..=3).map(|line| moves[0].line(line)).collect();
    assert_eq!(places, [Some(1), None, Some(2)]);
    // The old part is gone, and a second removal has nothing to do.
    assert!(!zone.layout.root().join("..").join(&before[0].0).exists());
    assert_eq!(zone.forget(&person("-2")), 0);
    assert_eq!(zone.lines(), after);
}

#[test]
fn the_frames_of_others_are_found_where_the_manifest_says() {
    let zone = Zone::new();
    let of = |patient: &str| vec![claim(&format!("a{patient}"), patient)];
    let (one, two, three) = (of("-1"), of("-2"), of("-3"));
    zone.extract("0001", &[("-1", &one), ("-2", &two), ("-3", &three)]);
    assert_eq!(
        landed_of(&zone.layout, &person("-1"))
            .unwrap()
            .resources
            .len(),
        1
    );
    assert_eq!(zone.forget(&person("-1")), 1);
    let manifest = sealed_runs(&zone.layout).unwrap().remove(0).manifest;
    let patients: Vec<(&str, &[(u32, u32)])> = manifest
        .patients
        .iter()
        .map(|patient| (patient.patient.expose(), patient.frames.as_slice()))
        .collect();
    assert_eq!(patients, [("-2", &[(0, 0)][..]), ("-3", &[(0, 1)][..])]);
    assert_eq!(zone.lines()[0].1, [two, three].concat());
    // The last ones leave a run that is whole, and empty.
    zone.forget(&person("-2"));
    zone.forget(&person("-3"));
    assert_eq!(zone.lines(), []);
    assert_eq!(sealed_runs(&zone.layout).unwrap().len(), 1);
}

#[test]
fn a_removal_that_stops_anywhere_comes_to_the_same_when_begun_again() {
    let lines: Vec<String> = (0..40)
        .map(|n| claim(&n.to_string(), ["-1", "-2"][n % 2]))
        .collect();
    let whole = Zone::new();
    whole.import("0001", &lines);
    whole.import("0002", &lines);
    whole.forget(&person("-1"));
    for stop_at in 0..7 {
        let zone = Zone::new();
        zone.import("0001", &lines);
        zone.import("0002", &lines);
        let mut step = 0;
        let stopped = forget(&zone.layout, &person("-1"), &mut |_| {
            step += 1;
            match step > stop_at {
                true => Err(std::io::Error::other("stopped")),
                false => Ok(()),
            }
        });
        assert!(stopped.is_err(), "{stop_at}");
        zone.forget(&person("-1"));
        assert_eq!(zone.lines(), whole.lines(), "{stop_at}");
        let folder = &sealed_runs(&zone.layout).unwrap()[0].folder;
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, 3, "part, manifest, checksum: {stop_at}");
    }
}

#[test]
fn rejected_texts_of_the_person_go_and_those_of_others_stay() {
    let zone = Zone::new();
    let broken = |id: &str| format!(r#"{{"id":"x","patient":{{"reference":"Patient/{id}"#);
    zone.import("0001", &[claim("1", "-1"), broken("-2"), broken("-3")]);
    assert_eq!(landed_of(&zone.layout, &person("-2")).unwrap().rejected, 1);
    zone.forget(&person("-2"));
    let file = zone.layout.rejected_file(&run("0001"));
    let text = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("Patient/-3") && !text.contains("Patient/-2"),
        "{text}"
    );
    zone.forget(&person("-3"));
    assert!(!file.exists());
}

#[test]
fn a_person_is_found_by_any_identifier_and_across_versions() {
    let zone = Zone::new();
    let patient = |id: &str, mbi: &str, link: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"http://hl7.org/fhir/sid/us-mbi","value":"{mbi}"}},{{"system":"http://plan.example","value":"plan"}}],"link":[{link}]}}"#
        )
    };
    let merged = r#"{"other":{"reference":"Patient/-12"},"type":"replaces"}"#;
    let lines = [
        patient("-1", "1S00E00AA32", ""),
        patient("-11", "1S00E00AA32", merged),
        patient("-2", "1S00E00AA45", ""),
    ];
    zone.import("0001", &lines);
    let find = |wanted: &str| {
        let mut found = Person::default();
        find_person(&zone.layout, Some(wanted), &mut found).unwrap();
        let ids: Vec<String> = found.ids_of(ApiVersion::V2).map(str::to_owned).collect();
        ids
    };
    assert_eq!(find("1S00E00AA32"), ["-1", "-11", "-12"]);
    assert_eq!(find("-1"), ["-1", "-11", "-12"]);
    // What two people share names nobody; it only finds those who have it.
    assert_eq!(find("-2"), ["-2"]);
    assert_eq!(find("nobody"), [""; 0]);
}

#[test]
fn an_import_passes_over_whom_it_must_refuse_and_counts_them() {
    let zone = Zone::new();
    let input = zone.folder.path().join("in.ndjson");
    std::fs::write(&input, [claim("1", "-1"), claim("2", "-2")].join("\n")).unwrap();
    let refused = person("-1");
    let outcome = import_refusing(
        &[input],
        Some(ApiVersion::V2),
        &zone.layout,
        &run("0001"),
        &NoProgress,
        &|api, resource, line| crate::is_about(&refused, api, resource, line),
    )
    .unwrap();
    assert_eq!(
        (outcome.forgotten, outcome.resources, outcome.rejected),
        (1, 1, 0)
    );
    assert_eq!(zone.lines()[0].1, [claim("2", "-2")]);
}
