//! Which patient was enrolled in which month, in which Part: the member months.

use std::collections::{BTreeMap, HashMap};

use super::counted::person;
use super::lake::Lake;
use super::month::Month;
use super::rows::{Rows, add_up};

/// A set of Parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parts(u32);

impl Parts {
    /// The set of some capital letters; others belong to no set.
    pub(super) fn of(letters: impl IntoIterator<Item = char>) -> Self {
        let letters = letters.into_iter().filter(char::is_ascii_uppercase);
        Self(letters.fold(0, |set, letter| {
            set | 1 << (u32::from(letter) - u32::from('A'))
        }))
    }

    /// Whether both have a Part.
    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The Parts of one patient by month, in order of the months.
type Months = Vec<(Month, Parts)>;

/// Enrolment by API version and patient. Months after a patient's death are in none.
#[derive(Debug, Default)]
pub(super) struct Members {
    apis: BTreeMap<String, HashMap<u64, Months>>,
}

impl Members {
    /// Reads enrolment, and the deaths that end it.
    pub(super) fn read(lake: &mut Lake<'_>) -> Self {
        let columns = lake.columns;
        let names = &columns.members;
        let Some(enrolment) = lake.table(&names.table) else {
            return Self::default();
        };
        let wanted = [
            columns.api.as_str(),
            &columns.patient,
            &names.month,
            &names.part,
            &names.enrolled,
        ];
        let add = |members: &mut Self, rows: &Rows<'_>| {
            let (apis, patients) = (rows.texts(&columns.api), rows.texts(&columns.patient));
            let (months, parts) = (rows.days(&names.month), rows.texts(&names.part));
            let enrolled = rows.flags(&names.enrolled);
            for row in 0..rows.len() {
                let (Some(month), Some(true)) = (months.month(row), enrolled.at(row)) else {
                    continue;
                };
                let of_api = members.apis.entry(apis.at(row).to_owned()).or_default();
                let of_patient = of_api.entry(person(patients.at(row))).or_default();
                of_patient.push((month, Parts::of(parts.at(row).chars())));
            }
        };
        let mut members = add_up(lake, enrolment, &wanted, add, Self::merge);
        members.tidy(&read_deaths(lake));
        members
    }

    /// The patients of one API version with their months.
    pub(super) fn of_api(&self, api: &str) -> impl Iterator<Item = (u64, &Months)> {
        let of_api = self.apis.get(api).into_iter().flatten();
        of_api.map(|(person, months)| (*person, months))
    }

    /// The Parts of a patient in a month.
    pub(super) fn parts(&self, api: &str, person: u64, month: Month) -> Parts {
        let months = self.apis.get(api).and_then(|of_api| of_api.get(&person));
        let found = months.and_then(|months| {
            let at = months
                .binary_search_by_key(&month, |(month, _)| *month)
                .ok()?;
            Some(months[at].1)
        });
        found.unwrap_or_default()
    }

    fn merge(&mut self, other: Self) {
        for (api, patients) in other.apis {
            let of_api = self.apis.entry(api).or_default();
            for (person, months) in patients {
                of_api.entry(person).or_default().extend(months);
            }
        }
    }

    /// One entry a month, in order; none after a death.
    fn tidy(&mut self, deaths: &Deaths) {
        for (api, patients) in &mut self.apis {
            let deaths = deaths.get(api);
            for (person, months) in patients {
                if let Some(death) = deaths.and_then(|deaths| deaths.get(person)) {
                    months.retain(|(month, _)| month <= death);
                }
                months.sort_by_key(|(month, _)| *month);
                months.dedup_by(|later, kept| {
                    let is_same = later.0 == kept.0;
                    if is_same {
                        kept.1.0 |= later.1.0;
                    }
                    is_same
                });
            }
        }
    }
}

/// The month of death by API version and patient.
type Deaths = BTreeMap<String, HashMap<u64, Month>>;

fn read_deaths(lake: &mut Lake<'_>) -> Deaths {
    let columns = lake.columns;
    let Some(table) = lake.table(&columns.members.deaths.table) else {
        return Deaths::default();
    };
    let day = &columns.members.deaths.day;
    let wanted = [columns.api.as_str(), &columns.patient, day];
    let add = |deaths: &mut Deaths, rows: &Rows<'_>| {
        let (apis, patients) = (rows.texts(&columns.api), rows.texts(&columns.patient));
        let days = rows.days(day);
        for row in 0..rows.len() {
            if let Some(month) = days.month(row) {
                let of_api = deaths.entry(apis.at(row).to_owned()).or_default();
                of_api.insert(person(patients.at(row)), month);
            }
        }
    };
    add_up(lake, table, &wanted, add, |all: &mut Deaths, found| {
        for (api, deaths) in found {
            all.entry(api).or_default().extend(deaths);
        }
    })
}
