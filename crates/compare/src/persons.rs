//! Which patients of the two lakes are one person: by the same id in the same API version, by the ids of
//! one consent in both versions, by any identifier ever held, by ids that were merged. Never by names.
//!
//! Kept in memory: the ids of patients, about 200 bytes each.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use claimlake_contract::{ApiVersion, PatientId};

use crate::cell::Cell;
use crate::error::Result;
use crate::rules::{Consent, Identifier, Link, Rules};
use crate::side::{OpenSide, Which};

/// Two ids that the token endpoint gave for one consent.
#[derive(Debug, Clone)]
pub struct ConsentIds {
    /// The id in one API version.
    pub one: (ApiVersion, PatientId),
    /// The id in another.
    pub other: (ApiVersion, PatientId),
}

/// A person, by number.
pub(crate) type Person = u64;

/// What is known of a person.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Presence {
    pub(crate) left: bool,
    pub(crate) right: bool,
    /// The consent leaves claims out, in the left lake and in the right one.
    pub(crate) withheld: [bool; 2],
}

/// The persons of both lakes, numbered from 0 without a gap, in the order of their ids.
pub(crate) struct Persons {
    numbers: HashMap<String, Person>,
    pub(crate) presence: Vec<Presence>,
    /// Persons with several ids of one API version in a lake.
    pub(crate) with_several_ids: u64,
}

/// What two sources have in common; a forest of nodes.
#[derive(Default)]
struct Union {
    nodes: HashMap<String, usize>,
    parents: Vec<usize>,
}

impl Union {
    fn node(&mut self, name: String) -> usize {
        let next = self.parents.len();
        let node = *self.nodes.entry(name).or_insert(next);
        if node == next {
            self.parents.push(next);
        }
        node
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.parents[one.max(other)] = one.min(other);
    }
}

/// The name of a patient's id; identifiers of persons have names that no API version begins.
fn id_name(api: &str, patient: &str) -> String {
    format!("{api}\u{0}{patient}")
}

/// Collects ids, then numbers persons.
struct Collector {
    union: Union,
    /// Where each id was seen.
    seen: BTreeMap<String, Presence>,
}

impl Persons {
    /// Reads the ids of both lakes. `rules` name the tables; a lake may be without any of them but the
    /// table of claims.
    pub(crate) fn read(sides: [&OpenSide; 2], rules: &Rules, known: &[ConsentIds]) -> Result<Self> {
        let mut collector = Collector {
            union: Union::default(),
            seen: BTreeMap::new(),
        };
        for side in sides {
            let claims = rules.claims().map(|claims| &claims.name);
            let tables = rules.persons.tables.iter().chain(claims);
            for table in tables.chain(rules.other_claims.iter().map(|other| &other.table)) {
                collector.ids(side, table, rules)?;
            }
            for identifier in &rules.persons.identified_by {
                collector.identifiers(side, identifier, rules)?;
            }
            for link in &rules.persons.links {
                collector.links(side, link, rules)?;
            }
            if let Some(consent) = &rules.persons.consent {
                collector.withheld(side, consent, rules)?;
            }
        }
        for ConsentIds { one, other } in known {
            let name =
                |(api, patient): &(ApiVersion, PatientId)| id_name(api.as_str(), patient.expose());
            let (one, other) = (
                collector.union.node(name(one)),
                collector.union.node(name(other)),
            );
            collector.union.join(one, other);
        }
        Ok(collector.numbered())
    }

    /// The number of a patient's person; `None` if the id was not seen when the ids were read.
    pub(crate) fn of(&self, api: &str, patient: &str) -> Option<Person> {
        self.numbers.get(&id_name(api, patient)).copied()
    }

    /// API version, id and number of each patient, in the order of numbers and ids.
    pub(crate) fn ids(&self) -> Vec<(&str, &str, Person)> {
        let ids = self.numbers.iter();
        let mut ids: Vec<_> = ids
            .filter_map(|(name, person)| {
                let (api, patient) = name.split_once('\u{0}')?;
                Some((api, patient, *person))
            })
            .collect();
        ids.sort_unstable_by_key(|(api, patient, person)| (*person, *api, *patient));
        ids
    }

    pub(crate) fn presence(&self, person: Person) -> Presence {
        let place = usize::try_from(person).ok();
        let found = place.and_then(|place| self.presence.get(place));
        found.copied().unwrap_or_default()
    }
}

impl Collector {
    fn each(
        side: &OpenSide,
        table: &str,
        columns: &[&str],
        mut take: impl FnMut(&[Cell<'_>]),
    ) -> Result<()> {
        if !side.has(table) {
            return Ok(());
        }
        let found = side.columns(table, Some(columns))?;
        side.read(table, &found, |batch: &RecordBatch| {
            let arrays: Vec<_> = columns
                .iter()
                .map(|name| batch.column_by_name(name))
                .collect();
            for row in 0..batch.num_rows() {
                let cells = arrays.iter().map(|array| match array {
                    Some(array) => Cell::of(array, row),
                    None => Cell::None,
                });
                take(&cells.collect::<Vec<_>>());
            }
            Ok(())
        })
    }

    fn see(&mut self, side: Which, api: &str, patient: &str) -> usize {
        let name = id_name(api, patient);
        let node = self.union.node(name.clone());
        let seen = self.seen.entry(name).or_default();
        match side {
            Which::Left => seen.left = true,
            Which::Right => seen.right = true,
        }
        node
    }

    fn ids(&mut self, side: &OpenSide, table: &str, rules: &Rules) -> Result<()> {
        let columns = [rules.columns.api.as_str(), &rules.columns.patient];
        Self::each(side, table, &columns, |cells| {
            if let [Cell::Text(api), Cell::Text(patient)] = cells {
                self.see(side.which, api, patient);
            }
        })
    }

    fn identifiers(&mut self, side: &OpenSide, from: &Identifier, rules: &Rules) -> Result<()> {
        let (api, patient) = (rules.columns.api.as_str(), &rules.columns.patient);
        let columns = [api, patient, &from.system, &from.value];
        Self::each(side, &from.table, &columns, |cells| {
            if let [
                Cell::Text(api),
                Cell::Text(patient),
                Cell::Text(system),
                Cell::Text(value),
            ] = cells
                && *system == from.value_of_system
                && !value.is_empty()
            {
                let node = self.see(side.which, api, patient);
                let name = format!("\u{0}{system}\u{0}{value}");
                let identifier = self.union.node(name);
                self.union.join(node, identifier);
            }
        })
    }

    fn links(&mut self, side: &OpenSide, from: &Link, rules: &Rules) -> Result<()> {
        let (api, patient) = (rules.columns.api.as_str(), &rules.columns.patient);
        let columns = [api, patient, &from.kind, &from.other];
        Self::each(side, &from.table, &columns, |cells| {
            if let [
                Cell::Text(api),
                Cell::Text(patient),
                Cell::Text(kind),
                Cell::Text(other),
            ] = cells
                && from.kinds.iter().any(|known| known == kind)
            {
                let node = self.see(side.which, api, patient);
                let other = self.union.node(id_name(api, other));
                self.union.join(node, other);
            }
        })
    }

    fn withheld(&mut self, side: &OpenSide, from: &Consent, rules: &Rules) -> Result<()> {
        let (api, patient) = (rules.columns.api.as_str(), &rules.columns.patient);
        let columns = [api, patient, &from.resource, &from.reason];
        Self::each(side, &from.table, &columns, |cells| {
            if let [
                Cell::Text(api),
                Cell::Text(patient),
                Cell::Text(resource),
                reason,
            ] = cells
                && *resource == from.value_of_resource
                && !reason.is_none()
            {
                self.see(side.which, api, patient);
                if let Some(seen) = self.seen.get_mut(&id_name(api, patient)) {
                    seen.withheld[side.which as usize] = true;
                }
            }
        })
    }

    /// Numbers persons in the order of their first ids.
    fn numbered(mut self) -> Persons {
        let mut by_root: HashMap<usize, Person> = HashMap::new();
        let mut persons = Persons {
            numbers: HashMap::new(),
            presence: Vec::new(),
            with_several_ids: 0,
        };
        let mut ids: BTreeMap<(Person, bool, String), u32> = BTreeMap::new();
        for (name, seen) in std::mem::take(&mut self.seen) {
            let node = self.union.node(name.clone());
            let root = self.union.root(node);
            let next = by_root.len() as Person;
            let person = *by_root.entry(root).or_insert(next);
            if person == next {
                persons.presence.push(Presence::default());
            }
            let api = name.split('\u{0}').next().unwrap_or_default().to_owned();
            for (is_there, is_left) in [(seen.left, true), (seen.right, false)] {
                if is_there {
                    *ids.entry((person, is_left, api.clone())).or_default() += 1;
                }
            }
            if let Some(presence) = persons.presence.last_mut().filter(|_| person == next) {
                *presence = seen;
            } else if let Some(known) = usize::try_from(person)
                .ok()
                .and_then(|place| persons.presence.get_mut(place))
            {
                known.left |= seen.left;
                known.right |= seen.right;
                known.withheld[0] |= seen.withheld[0];
                known.withheld[1] |= seen.withheld[1];
            }
            persons.numbers.insert(name, person);
        }
        let several = ids
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|((person, ..), _)| person);
        let several: std::collections::BTreeSet<&Person> = several.collect();
        persons.with_several_ids = several.len() as u64;
        persons
    }
}
