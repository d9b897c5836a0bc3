//! Random nights in two zones, one of which is compacted: readers find the same.

use claimlake_contract::{
    ApiVersion, IdHash, PatientId, Person, ResourceType, splitmix64::SplitMix64,
};

use super::super::compact::compact_in_steps;
use super::super::leftovers::remove_leftovers;
use super::super::steps::CompactStep;
use super::{by_identifier, claim, patient};
use crate::test_zone::Zone;
use crate::{Gone, landed_of, patients_landed, sealed_runs};

const PATIENTS: u64 = 4;
const CLAIMS: u64 = 6;

fn name_of(patient: u64) -> String {
    format!("-{patient}")
}

fn id_of(patient: u64, claim: u64) -> String {
    format!("carrier-{patient}-{claim}")
}

fn person(patient: u64) -> Person {
    let mut person = Person::default();
    let id = PatientId::new(name_of(patient).as_str());
    person.ids.insert((ApiVersion::V2, id));
    person
}

/// Of some patients some claims; in some nights, some are gone.
fn extract(zones: &[&Zone; 2], noise: &str, random: &mut SplitMix64) {
    let mut read = Vec::new();
    for patient in 0..PATIENTS {
        if random.below(3) == 0 {
            continue;
        }
        let claims = random.below(4);
        let line = |_| {
            let id = id_of(patient, random.below(CLAIMS));
            claim(&id, &name_of(patient), &random.below(1 << 40).to_string())
        };
        let lines: Vec<String> = (0..claims).map(line).collect();
        let mut gone: Vec<IdHash> = Vec::new();
        if random.below(5) == 0 {
            let id = id_of(patient, random.below(CLAIMS));
            gone.push(claimlake_fhir::id_hash(format!("\"{id}\"").as_bytes()));
        }
        read.push((name_of(patient), lines, gone));
    }
    let read: Vec<_> = read
        .iter()
        .map(|(patient, lines, gone)| (patient.as_str(), lines.clone(), gone.clone()))
        .collect();
    zones.iter().for_each(|zone| zone.extract(noise, &read));
}

fn import(zones: &[&Zone; 2], noise: &str, random: &mut SplitMix64) {
    let who = random.below(PATIENTS);
    let mbi = format!("1S00E00AA{who:02}");
    let mut lines = vec![by_identifier(&id_of(9, random.below(CLAIMS)), &mbi)];
    if random.below(2) == 0 {
        lines.push(patient(&name_of(who), &mbi));
    }
    if random.below(4) == 0 {
        lines.push("{\"no\": \"resource\"".to_owned());
    }
    zones.iter().for_each(|zone| zone.import(noise, &lines));
}

/// At random, and sometimes only half.
fn compact(zone: &Zone, random: &mut SplitMix64) {
    let most = [900, 5_000, 1 << 30][random.below(3) as usize];
    let ends = match random.below(4) {
        0 => random.below(30),
        _ => u64::MAX,
    };
    let mut steps = 0;
    let mut end = |_: CompactStep| {
        steps += 1;
        match steps > ends {
            true => Err(std::io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    };
    let ended = compact_in_steps(&zone.layout, most, &mut end);
    assert!(ended.is_ok() || ends < u64::MAX);
}

fn same(zones: &[&Zone; 2], what: &str) {
    let [compacted, never] = zones.map(Zone::seen);
    assert_eq!(compacted, never, "{what}");
    let runs = zones.map(|zone| sealed_runs(&zone.layout).unwrap());
    let gone = runs.each_ref().map(|runs| Gone::of(runs, |_| true));
    let claims = ResourceType::explanation_of_benefit();
    let ids = (0..PATIENTS).flat_map(|one| (0..CLAIMS).map(move |claim| id_of(one, claim)));
    for id in ids {
        let id = claimlake_fhir::id_hash(format!("\"{id}\"").as_bytes());
        let since = gone.each_ref();
        let [one, other] = since.map(|gone| gone.since(ApiVersion::V2, &claims, id));
        assert_eq!(one, other, "{what}");
    }
    let [one, other] = zones.map(|zone| patients_landed(&zone.layout).unwrap());
    assert_eq!(one, other, "{what}");
    for patient in 0..PATIENTS {
        let [one, other] = zones.map(|zone| landed_of(&zone.layout, &person(patient)).unwrap());
        assert_eq!(one, other, "{what}");
    }
}

fn has_parts(zone: &Zone) -> bool {
    let runs = sealed_runs(&zone.layout).unwrap();
    runs.iter().any(|run| !run.manifest.parts.is_empty())
}

fn nights(seed: u64) {
    let (left, right) = (Zone::new(), Zone::new());
    let zones = [&left, &right];
    let mut random = SplitMix64::new(seed);
    for night in 1..=60_u32 {
        let noise = format!("{night:04x}");
        if random.below(3) > 0 {
            remove_leftovers(&left.layout).unwrap();
        }
        let what = format!("seed {seed}, night {night}");
        match random.below(20) {
            0 => {
                let person = person(random.below(PATIENTS));
                let [one, other] = zones.map(|zone| zone.forget(&person));
                assert_eq!(one, other, "{what}");
            }
            1 if has_parts(&right) => {
                let (part, byte) = (random.below(1_000), random.below(1_000));
                zones
                    .iter()
                    .for_each(|zone| zone.damage(part as usize, byte));
                let [one, other] = zones.map(Zone::repair);
                assert_eq!(one, other, "{what}");
            }
            2..=6 => import(&zones, &noise, &mut random),
            _ => extract(&zones, &noise, &mut random),
        }
        compact(&left, &mut random);
        if night % 6 == 0 {
            same(&zones, &what);
        }
    }
    same(&zones, &format!("seed {seed}, at the end"));
    left.is_tidy();
    assert!(left.folders().len() < right.folders().len());
}

#[test]
fn random_nights_are_read_the_same_whether_they_are_joined_or_not() {
    for seed in 1..=6 {
        nights(seed);
    }
}
