use claimlake_contract::{
    ApiVersion, GrantHandle, IdHash, LandingLayout, LandingOrigin, LandingPatient, PatientId,
    PatientState, ResourceType, RunId,
};
use claimlake_fhir::id_hash;
use claimlake_landing::{LandingWriter, WriterOptions};

use super::LandedBefore;

/// A patient, what landed, and what was no longer found.
type Read<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn hash(id: &str) -> IdHash {
    id_hash(format!("\"{id}\"").as_bytes())
}

fn land(layout: &LandingLayout, number: u32, reads: &[Read<'_>]) {
    let claims = ResourceType::explanation_of_benefit();
    let run: RunId = format!("20261123T164012.345Z-{number:04x}")
        .parse()
        .unwrap();
    let (origin, options) = (LandingOrigin::Extract, WriterOptions::default());
    let mut writer =
        LandingWriter::create(layout, ApiVersion::V2, &claims, &run, origin, options).unwrap();
    let mut patients = Vec::new();
    for (patient, ids, gone) in reads {
        let text: String = ids
            .iter()
            .map(|id| format!("{{\"id\":\"{id}\"}}\n"))
            .collect();
        let frames = match ids.len() as u64 {
            0 => Vec::new(),
            lines => {
                let frame = writer.append_frame(text.as_bytes(), lines).unwrap();
                vec![(frame.part, frame.index)]
            }
        };
        patients.push(LandingPatient {
            grant: GrantHandle::from_random([1; 8]),
            patient: PatientId::new(*patient),
            total: None,
            pages: 1,
            resources: ids.len() as u64,
            last_updated: None,
            state: PatientState::Complete,
            frames,
            gone: gone.iter().map(|id| hash(id)).collect(),
        });
    }
    writer.seal(patients).unwrap();
}

/// Which of `x` and `y` are to land again for the second patient, and which of them landed for the
/// first and count.
fn found(runs: &[&[Read<'_>]]) -> (Vec<IdHash>, Vec<IdHash>) {
    let folder = tempfile::tempdir().unwrap();
    let layout = LandingLayout::in_data(&folder.path().join("data"));
    for (number, reads) in (1..).zip(runs) {
        land(&layout, number, reads);
    }
    let claims = ResourceType::explanation_of_benefit();
    let (first, second) = (PatientId::new("-1"), PatientId::new("-2"));
    let known = [hash("x").0, hash("y").0];
    let mut before = LandedBefore::default();
    let api = ApiVersion::V2;
    let mut moved = before
        .moved_here(&layout, api, (&claims, &second), known.iter())
        .unwrap();
    moved.sort_unstable();
    let landed = before.of_patient(&layout, api, &claims, &first).unwrap();
    (moved, landed.into_iter().map(|one| one.id).collect())
}

#[test]
fn what_another_patient_no_longer_had_after_it_came_here_is_to_land_again() {
    let first: &[Read<'_>] = &[("-1", &["x"], &[]), ("-2", &["y"], &[])];
    let came: &[Read<'_>] = &[("-2", &["x"], &[])];
    let lost: &[Read<'_>] = &[("-1", &[], &["x"])];
    let both: &[Read<'_>] = &[("-1", &[], &["x"]), ("-2", &["x"], &[])];
    let own: &[Read<'_>] = &[("-2", &[], &["y"])];
    let x = || vec![hash("x")];
    assert_eq!(found(&[first]), (vec![], x()));
    assert_eq!(found(&[first, came]), (vec![], x()));
    assert_eq!(found(&[first, came, lost]), (x(), vec![]));
    // It lands once more, not again and again.
    assert_eq!(found(&[first, came, lost, came]), (vec![], vec![]));
    assert_eq!(found(&[first, lost, came]), (vec![], vec![]));
    assert_eq!(found(&[first, both]), (vec![], vec![]));
    assert_eq!(found(&[first, own]), (vec![], x()));
}
