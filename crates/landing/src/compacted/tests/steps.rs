//! Every step fails once, and every step is the last one once.

use std::io::{Error, ErrorKind};

use claimlake_contract::{ApiVersion, PatientId, Person};

use super::super::compact::compact_in_steps;
use super::super::leftovers::remove_leftovers;
use super::super::steps::CompactStep;
use super::super::unpack::unpack;
use super::{MUCH, mixed, named, names};
use crate::listed::Place;
use crate::listed_runs;
use crate::manifest_file::{sum_of, sums};
use crate::test_zone::Zone;

/// How a compaction ends at its step of this number.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The disk refuses that step.
    Error,
    /// Nothing is done any more.
    Kill,
}

/// Ends at the step of this number; what was reported is noted.
fn ending(
    at: usize,
    end: End,
    seen: &mut Vec<CompactStep>,
) -> impl FnMut(CompactStep) -> std::io::Result<()> {
    move |step| {
        seen.push(step);
        let is_here = match end {
            End::Error => seen.len() == at + 1,
            End::Kill => seen.len() > at,
        };
        match is_here {
            true => Err(Error::from(ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }
}

/// Zones in which there is something to join: single runs, and single runs beside a folder of several.
fn zones() -> [Zone; 2] {
    let (first, second) = (mixed(), mixed());
    second.compact();
    for number in 1..=9 {
        second.night(200 + number);
    }
    [first, second]
}

fn number_of_steps(zone: &Zone) -> usize {
    let mut steps = 0;
    let mut count = |_| {
        steps += 1;
        Ok(())
    };
    compact_in_steps(&zone.layout, MUCH, &mut count).unwrap();
    steps
}

#[test]
fn a_compaction_that_ends_at_any_step_changes_nothing_and_the_next_one_is_whole() {
    let steps = zones().map(|zone| number_of_steps(&zone));
    assert!(steps[0] > 40 && steps[1] > 15, "{steps:?}");
    for end in [End::Error, End::Kill] {
        for (which, steps) in steps.into_iter().enumerate() {
            for at in 0..steps {
                let [first, second] = zones();
                let zone = if which == 0 { first } else { second };
                let before = zone.seen();
                let mut seen = Vec::new();
                let ended = compact_in_steps(&zone.layout, MUCH, &mut ending(at, end, &mut seen));
                assert!(ended.is_err(), "{end:?} at {at}");
                assert_eq!(zone.seen(), before, "{end:?} at {at}: {seen:?}");
                if matches!(end, End::Error) {
                    // Nothing is left that no manifest names but what readers may still have.
                    zone.has_no_unknown_files();
                }
                zone.is_tidy();
                assert_eq!(zone.seen(), before, "{end:?} at {at}: {seen:?}");
                zone.compact();
                zone.is_tidy();
                assert_eq!(zone.seen(), before);
                assert!(zone.folders().len() <= 6, "{}", zone.folders().len());
            }
        }
    }
}

#[test]
fn unpacking_that_ends_at_any_step_changes_nothing() {
    let steps = {
        let zone = mixed();
        zone.compact();
        let mut seen = Vec::new();
        let mut all = ending(usize::MAX, End::Kill, &mut seen);
        for compacted in listed_runs(&zone.layout).unwrap().compacted {
            unpack(&compacted, &mut all).unwrap();
        }
        drop(all);
        zone.is_tidy();
        assert_eq!(zone.folders().len(), 27);
        seen.len()
    };
    for at in 0..steps {
        let zone = mixed();
        let before = zone.seen();
        zone.compact();
        if at % 2 == 0 {
            remove_leftovers(&zone.layout).unwrap();
        }
        let mut seen = Vec::new();
        let mut stop = ending(at, End::Kill, &mut seen);
        let compacted = listed_runs(&zone.layout).unwrap().compacted;
        let ended = compacted.iter().try_for_each(|one| unpack(one, &mut stop));
        assert!(ended.is_err(), "at {at}");
        drop(stop);
        assert_eq!(zone.seen(), before, "at {at}: {seen:?}");
        zone.is_tidy();
        assert_eq!(zone.seen(), before, "at {at}: {seen:?}");
    }
}

#[test]
fn a_removal_leaves_nothing_of_the_person_in_any_file() {
    for after in 0..3 {
        let (zone, never_joined) = (mixed(), mixed());
        zone.compact();
        if after > 0 {
            remove_leftovers(&zone.layout).unwrap();
        }
        if after > 1 {
            for number in 1..=9 {
                zone.night(200 + number);
                never_joined.night(200 + number);
            }
            zone.compact();
        }
        let mut person = Person::default();
        person.ids.insert((ApiVersion::V2, PatientId::new("-1")));
        assert_eq!(zone.forget(&person), never_joined.forget(&person));
        assert_eq!(zone.seen(), never_joined.seen());
        let landed = crate::landed_of(&zone.layout, &person).unwrap();
        assert_eq!(landed, crate::LandedOfPerson::default());
        // Each folder has what the folder of a zone has that was never joined, and nothing else.
        let [one, other] = [&zone, &never_joined].map(Zone::files);
        assert_eq!(one, other);
        zone.compact();
        zone.is_tidy();
        assert_eq!(zone.seen(), never_joined.seen());
    }
}

impl Zone {
    /// The files of all run folders, relative to the zone.
    fn files(&self) -> Vec<String> {
        let folders = self.folders();
        let files = folders.iter().flat_map(|folder| {
            let below = folder.strip_prefix(self.layout.root()).unwrap();
            let names = names(folder).into_iter();
            names.map(|name| below.join(name).display().to_string())
        });
        files.collect()
    }

    fn has_no_unknown_files(&self) {
        let listed = listed_runs(&self.layout).unwrap();
        for compacted in &listed.compacted {
            let names = names(&compacted.folder);
            let mut unknown = names.iter().filter(|name| compacted.is_unknown(name));
            assert_eq!(unknown.next(), None);
        }
        let is_own = |run: &&crate::ListedRun| matches!(run.place, Place::Own(_));
        for run in listed.sealed.iter().filter(is_own) {
            let text = std::fs::read(run.folder.join("manifest.json")).unwrap();
            assert_eq!(names(&run.folder), named(&text));
            assert_eq!(sums(&run.folder), [sum_of(&text)]);
        }
    }
}
