//! Who is meant by a name that was typed: the one resolver of all commands that take a person.
//!
//! Taken are patient ids (`v2:ID` and `v3:ID` name the API version), MBIs and other identifiers
//! (`system|value`), external ids and grant handles. A name of several people is never guessed at.

mod grants;
mod mbi;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use claimlake_contract::{ApiVersion, Identifier, PatientId, Person};
use claimlake_landing::{LandedPatients, PatientReached, PersonSearch, ReachedBy};
use claimlake_vault::Grant;
use serde_json::json;

pub(crate) use grants::{grant_named, grants_to_read};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;

/// What is accepted as a name, for errors.
pub(crate) const TAKEN: &str = "patient ids (v2:ID and v3:ID name the API version), MBIs, other \
                                identifiers as system|value, external ids and grant handles";

/// A person, and how each of their ids was found.
pub(crate) struct Who {
    pub(crate) person: Person,
    pub(crate) search: PersonSearch,
    pub(crate) grants: Vec<Grant>,
    /// The identifiers that claims and coverages name them by, where no Patient is here.
    pub(crate) by_claims: BTreeSet<Identifier>,
    /// Other patients whose grants have the same external id.
    pub(crate) same_external_id: BTreeSet<(ApiVersion, PatientId)>,
}

impl Who {
    /// The person with all names, found by the one that was typed; `all` are the vault's grants.
    pub(crate) fn among(
        wanted: &str,
        include_shared: bool,
        all: &[Grant],
        data: &DataDir,
    ) -> Outcome<Self> {
        let wanted = wanted.trim();
        let who = Self::typed(wanted, include_shared, all, data)?;
        match mbi::as_stored(wanted).filter(|_| who.is_nobody()) {
            Some(mbi) => Self::typed(&mbi, include_shared, all, data),
            None => Ok(who),
        }
    }

    /// The person; where the name is of several, these are listed and the name is refused.
    pub(crate) fn one_of_several(self, invocation: &Invocation) -> Outcome<Self> {
        if self.search.candidates.is_empty() {
            return Ok(self);
        }
        self.list_candidates("candidate", invocation)?;
        Err(Failure::usage(anyhow!(
            "that name is of {} who may be different people (listed on standard output): name one of \
             them, as v2:<id> or v3:<id>",
            counted(self.search.candidates.len() as u64, "patient")
        )))
    }

    fn typed(wanted: &str, include_shared: bool, all: &[Grant], data: &DataDir) -> Outcome<Self> {
        let asked: Vec<&Grant> = all.iter().filter(|grant| is_named(grant, wanted)).collect();
        let by_external = |grant: &&&Grant| grant.external_id.as_deref() == Some(wanted);
        let external: Vec<&Grant> = asked.iter().filter(by_external).copied().collect();
        if !include_shared && has_several(external.iter().copied()) {
            return Ok(Self::several(
                external.iter().filter_map(|grant| patient_of(grant)),
            ));
        }
        let patients = LandedPatients::read(&data.landing())?;
        let mut person = Person::default();
        person
            .ids
            .extend(asked.iter().filter_map(|grant| patient_of(grant)));
        // A grant whose patient the server has not named yet can only be found by its external id.
        if external.iter().any(|grant| grant.patient.is_none()) {
            person.external_ids.insert(wanted.to_owned());
        }
        if !include_shared && let Some(several) = different_people(&person, wanted, all, &patients)
        {
            return Ok(Self::several(several.into_iter()));
        }
        let mut who = Self::completed(person, Some(wanted), include_shared, all, &patients);
        if who.is_nobody() {
            who = Self::without_patient(wanted, include_shared, all, &patients, data)?;
        }
        Ok(who)
    }

    /// A person without a Patient resource here: only claims and coverages name the patient, by an
    /// identifier or by the id.
    fn without_patient(
        wanted: &str,
        include_shared: bool,
        all: &[Grant],
        patients: &LandedPatients,
        data: &DataDir,
    ) -> Outcome<Self> {
        let named = claimlake_landing::named_by_claims(&data.landing(), wanted)?;
        let apis: BTreeSet<ApiVersion> = named.patients.iter().map(|(api, _)| *api).collect();
        if !include_shared && named.patients.len() > apis.len() {
            return Ok(Self::several(named.patients.into_iter()));
        }
        let person = Person {
            ids: named.patients.clone(),
            identifiers: named.identifiers.clone(),
            ..Person::default()
        };
        let mut who = Self::completed(person, None, include_shared, all, patients);
        let mut systems = named.identifiers.iter().map(Identifier::system);
        let system = systems.next().flatten().unwrap_or_default();
        for one in &mut who.search.reached {
            if named.patients.contains(&(one.api, one.id.clone())) {
                one.by = ReachedBy::Identifier(system.to_owned());
            }
        }
        who.by_claims = named.identifiers;
        if !who.is_nobody() {
            return Ok(who);
        }
        let (typed, id) = api_and_id(wanted);
        for api in ApiVersion::ALL {
            if typed.is_some_and(|typed| typed != api) {
                continue;
            }
            let mut alone = Person::default();
            alone.ids.insert((api, PatientId::new(id)));
            let landed = claimlake_landing::landed_of(&data.landing(), &alone)?;
            if !landed.lines.is_empty() || landed.rejected > 0 {
                let reached = alone.ids.iter().cloned().map(by_id);
                who.search.reached.extend(reached);
                who.person.ids.extend(alone.ids);
            }
        }
        Ok(who)
    }

    /// Adds every name that landing and vault know of the person.
    pub(crate) fn completed(
        mut person: Person,
        wanted: Option<&str>,
        include_shared: bool,
        all: &[Grant],
        patients: &LandedPatients,
    ) -> Self {
        let mut search = patients.find(wanted, include_shared, &mut person);
        if !search.candidates.is_empty() {
            return Self::several(search.candidates.into_iter().map(|one| (one.api, one.id)));
        }
        let shared = match include_shared {
            true => BTreeMap::new(),
            false => shared_external_ids(all),
        };
        loop {
            let before = person.names().count();
            for grant in of_person(all, &person) {
                let ids = grant.ids().map(|(api, id)| (api, id.clone()));
                person.ids.extend(ids);
                let external = grant.external_id.into_iter();
                person
                    .external_ids
                    .extend(external.filter(|id| !shared.contains_key(id)));
            }
            let again = patients.find(None, include_shared, &mut person);
            let is_new = |one: &PatientReached| {
                let mut known = search.reached.iter();
                !known.any(|known| (known.api, &known.id) == (one.api, &one.id))
            };
            let new: Vec<_> = again.reached.into_iter().filter(is_new).collect();
            search.reached.extend(new);
            search.shared = again.shared;
            if person.names().count() == before {
                break;
            }
        }
        let grants = of_person(all, &person);
        let own = grants.iter().filter_map(|grant| grant.external_id.as_ref());
        let others = own.filter_map(|id| shared.get(id)).flatten();
        let is_other = |key: &&(ApiVersion, PatientId)| !person.ids.contains(*key);
        Self {
            same_external_id: others.filter(is_other).cloned().collect(),
            grants,
            search,
            person,
            by_claims: BTreeSet::new(),
        }
    }

    /// Nobody: what was typed names several people.
    fn several(people: impl Iterator<Item = (ApiVersion, PatientId)>) -> Self {
        Self {
            person: Person::default(),
            search: PersonSearch {
                candidates: people.map(by_id).collect(),
                ..PersonSearch::default()
            },
            grants: Vec::new(),
            by_claims: BTreeSet::new(),
            same_external_id: BTreeSet::new(),
        }
    }

    /// Whether no patient was found.
    fn is_nobody(&self) -> bool {
        self.person.is_empty() && self.search.candidates.is_empty()
    }

    /// Lists the people that the name may mean on standard output: ids are no part of an error.
    pub(crate) fn list_candidates(&self, event: &str, invocation: &Invocation) -> Outcome<()> {
        let output = invocation.output();
        for one in &self.search.candidates {
            let (api, id) = (one.api, one.id.expose());
            match output.is_json() {
                true => output.event(&json!({"event": event, "api": api, "patient": id}))?,
                false => output.data(&format!("candidate  {api}:{id}\n"))?,
            }
        }
        Ok(())
    }
}

/// The error for a name that finds no patient here.
pub(crate) fn unknown(invocation: &Invocation) -> Failure {
    Failure::usage(anyhow!(
        "nobody with that id is here; taken are {TAKEN}, and who there is shows {}",
        invocation.next("grants list")
    ))
}

/// The patients that the name means by itself, where they are not all one person: such as the
/// external id of one that is an id of another.
fn different_people(
    person: &Person,
    wanted: &str,
    all: &[Grant],
    patients: &LandedPatients,
) -> Option<BTreeSet<(ApiVersion, PatientId)>> {
    let landed = Who::completed(Person::default(), Some(wanted), false, all, patients);
    let mut direct = person.ids.clone();
    // Only patients that this name itself finds in landing, not those that they lead to.
    let mut reached = landed.search.reached.into_iter();
    direct.extend(reached.next().map(|one| (one.api, one.id)));
    let first = direct.first()?.clone();
    let mut alone = Person::default();
    alone.ids.insert(first);
    let one = Who::completed(alone, None, false, all, patients);
    let is_one = direct.iter().all(|key| one.person.ids.contains(key));
    (!is_one).then_some(direct)
}

/// Whether a name is a grant's handle, or its patient's or external id.
fn is_named(grant: &Grant, wanted: &str) -> bool {
    grant.handle.as_str() == wanted
        || grant.external_id.as_deref() == Some(wanted)
        || is_patient(grant, wanted)
}

/// Whether a name is the id of the grant's patient.
fn is_patient(grant: &Grant, wanted: &str) -> bool {
    let (api, id) = api_and_id(wanted);
    grant.ids().any(|(of, patient)| {
        patient.expose() == wanted || (patient.expose() == id && api.is_none_or(|api| api == of))
    })
}

/// Splits `v2:ID`; without an API version, all of the text is the id.
pub(crate) fn api_and_id(typed: &str) -> (Option<ApiVersion>, &str) {
    match typed.split_once(':') {
        Some((api, id)) if let Ok(api) = api.parse::<ApiVersion>() => (Some(api), id),
        _ => (None, typed),
    }
}

/// The grants of a person.
fn of_person(all: &[Grant], person: &Person) -> Vec<Grant> {
    let is_theirs = |grant: &&Grant| {
        let by_id = grant.ids().any(|(api, id)| person.has_id(api, id.expose()));
        let external = grant.external_id.as_ref();
        by_id || external.is_some_and(|id| person.external_ids.contains(id))
    };
    all.iter().filter(is_theirs).cloned().collect()
}

fn by_id((api, id): (ApiVersion, PatientId)) -> PatientReached {
    let by = ReachedBy::Id;
    PatientReached { api, id, by }
}

fn patient_of(grant: &Grant) -> Option<(ApiVersion, PatientId)> {
    Some((grant.api, grant.patient.clone()?))
}

/// Whether grants are of several patients of one API version.
fn has_several<'a>(grants: impl Iterator<Item = &'a Grant>) -> bool {
    let patients: BTreeSet<_> = grants.filter_map(patient_of).collect();
    let apis: BTreeSet<ApiVersion> = patients.iter().map(|(api, _)| *api).collect();
    patients.len() > apis.len()
}

/// External ids that grants of several patients have, and these.
fn shared_external_ids(grants: &[Grant]) -> BTreeMap<String, BTreeSet<(ApiVersion, PatientId)>> {
    let mut held: BTreeMap<String, Vec<&Grant>> = BTreeMap::new();
    for grant in grants {
        if let Some(id) = &grant.external_id {
            held.entry(id.clone()).or_default().push(grant);
        }
    }
    held.retain(|_, grants| has_several(grants.iter().copied()));
    let patients = |grants: Vec<&Grant>| grants.into_iter().filter_map(patient_of).collect();
    held.into_iter()
        .map(|(id, grants)| (id, patients(grants)))
        .collect()
}
