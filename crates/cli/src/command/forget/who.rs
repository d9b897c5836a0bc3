//! Who is meant by what was typed: all of their ids, how each was reached, and who is not taken.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use claimlake_contract::{ApiVersion, Identifier, PatientId, Person};
use claimlake_landing::{LandedPatients, PatientReached, PersonSearch, ReachedBy};
use claimlake_vault::{Grant, Vault};
use serde_json::{Value, json};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;

/// A person, and how every id of theirs was reached.
pub(super) struct Who {
    pub(super) person: Person,
    pub(super) search: PersonSearch,
    grants: Vec<Grant>,
    /// The identifiers that claims and coverages name them by, where no Patient is here.
    by_claims: BTreeSet<Identifier>,
    /// Other patients whose grants have the same external id.
    same_external_id: BTreeSet<(ApiVersion, PatientId)>,
}

impl Who {
    /// The person under all names, from one that somebody typed.
    pub(super) fn named(
        wanted: &str,
        include_shared: bool,
        vault: &Vault,
        data: &DataDir,
    ) -> Outcome<Self> {
        let grants = vault.grants()?;
        let is_wanted = |grant: &&Grant| {
            grant.handle.as_str() == wanted
                || grant.external_id.as_deref() == Some(wanted)
                || grant.patient.as_ref().is_some_and(|patient| {
                    let typed = format!("{}:{}", grant.api, patient.expose());
                    patient.expose() == wanted || typed == wanted
                })
        };
        let asked: Vec<&Grant> = grants.iter().filter(is_wanted).collect();
        let by_external = |grant: &&&Grant| grant.external_id.as_deref() == Some(wanted);
        let external: Vec<&Grant> = asked.iter().filter(by_external).copied().collect();
        if !include_shared && has_several(external.iter().copied()) {
            return Ok(Self::several(
                external.iter().filter_map(|grant| patient_of(grant)),
            ));
        }
        let mut person = Person::default();
        person
            .ids
            .extend(asked.iter().filter_map(|grant| patient_of(grant)));
        let mut who = Self::complete(person, Some(wanted), include_shared, vault, data)?;
        if who.person.is_empty() && who.search.candidates.is_empty() {
            who = Self::without_patient(wanted, include_shared, vault, data)?;
        }
        Ok(who)
    }

    /// Somebody whose Patient is not here: claims and coverages alone say whose they are, by an
    /// identifier or by the id.
    fn without_patient(
        wanted: &str,
        include_shared: bool,
        vault: &Vault,
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
        let mut who = Self::complete(person, None, include_shared, vault, data)?;
        let mut systems = named.identifiers.iter().map(Identifier::system);
        let system = systems.next().flatten().unwrap_or_default();
        for one in &mut who.search.reached {
            if named.patients.contains(&(one.api, one.id.clone())) {
                one.by = ReachedBy::Identifier(system.to_owned());
            }
        }
        who.by_claims = named.identifiers;
        if !who.person.is_empty() || !who.search.candidates.is_empty() {
            return Ok(who);
        }
        for api in [ApiVersion::V2, ApiVersion::V3] {
            let mut alone = Person::default();
            let id = wanted.strip_prefix(&format!("{api}:")).unwrap_or(wanted);
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
    pub(super) fn complete(
        mut person: Person,
        wanted: Option<&str>,
        include_shared: bool,
        vault: &Vault,
        data: &DataDir,
    ) -> Outcome<Self> {
        let patients = LandedPatients::read(&data.landing())?;
        let mut search = patients.find(wanted, include_shared, &mut person);
        if !search.candidates.is_empty() {
            return Ok(Self::several(
                search.candidates.into_iter().map(|one| (one.api, one.id)),
            ));
        }
        let all = vault.grants()?;
        let shared = match include_shared {
            true => BTreeMap::new(),
            false => shared_external_ids(&all),
        };
        loop {
            let before = person.names().count();
            for grant in vault.grants_of(&person)? {
                person.ids.extend(patient_of(&grant));
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
        let grants = vault.grants_of(&person)?;
        let own = grants.iter().filter_map(|grant| grant.external_id.as_ref());
        let others = own.filter_map(|id| shared.get(id)).flatten();
        let is_other = |key: &&(ApiVersion, PatientId)| !person.ids.contains(*key);
        Ok(Self {
            same_external_id: others.filter(is_other).cloned().collect(),
            grants,
            search,
            person,
            by_claims: BTreeSet::new(),
        })
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

    /// Lists the patients that the name names, where they are several people, and refuses.
    pub(super) fn refuse_several(&self, invocation: &Invocation) -> Outcome<()> {
        let candidates = &self.search.candidates;
        if candidates.is_empty() {
            return Ok(());
        }
        for one in candidates {
            let event = json!({
                "event": "forget_candidate", "api": one.api, "patient": one.id.expose(),
            });
            let words = format!("candidate  {}:{}", one.api, one.id.expose());
            show(invocation, &event, &words)?;
        }
        Err(Failure::usage(anyhow!(
            "that name is of {} who may be different people (listed on standard output): name one \
             of them, as v2:<id> or v3:<id>, or add --include-shared to forget all of them; \
             nothing was removed",
            counted(candidates.len() as u64, "patient")
        )))
    }

    /// Lists the ids and grants that will be touched, and those that only share a name with them.
    pub(super) fn preview(&self, invocation: &Invocation) -> Outcome<()> {
        for one in &self.search.reached {
            let id = one.id.expose();
            let (by, system) = words_of(&one.by);
            let event = json!({
                "event": "forget_patient", "api": one.api, "patient": id, "by": by,
                "system": system,
            });
            let of = system.map_or(String::new(), |system| format!(" ({system})"));
            let by = by.replace('_', " ");
            show(
                invocation,
                &event,
                &format!("patient    {}:{id}, by {by}{of}", one.api),
            )?;
        }
        for identifier in &self.by_claims {
            let system = identifier.system();
            let event = json!({"event": "forget_identifier", "system": system});
            let of = system.map_or(String::new(), |system| format!(" ({system})"));
            let words = format!("claims     and coverages that name them by identifier{of}");
            show(invocation, &event, &words)?;
        }
        for grant in &self.grants {
            let patient = grant.patient.as_ref().map(PatientId::expose);
            let event = json!({
                "event": "forget_grant", "grant": grant.handle.as_str(), "api": grant.api,
                "patient": patient,
            });
            let of = patient.map_or(String::new(), |id| format!(" of {}:{id}", grant.api));
            show(
                invocation,
                &event,
                &format!("grant      {}{of}", grant.handle),
            )?;
        }
        for shared in &self.search.shared {
            self.share(&shared.system, shared.others.iter(), invocation)?;
        }
        if !self.same_external_id.is_empty() {
            self.share("external id", self.same_external_id.iter(), invocation)?;
        }
        let others = self.others();
        if others > 0 {
            invocation.output().warn(&format!(
                "warning: {} an identifier with them and may be other people: not touched \
                 (--include-shared forgets them, too)",
                match others {
                    1 => "1 other patient shares".to_owned(),
                    others => format!("{} share", counted(others, "other patient")),
                }
            ));
        }
        Ok(())
    }

    fn share<'a>(
        &self,
        name: &str,
        others: impl Iterator<Item = &'a (ApiVersion, PatientId)>,
        invocation: &Invocation,
    ) -> Outcome<()> {
        for (api, id) in others {
            let id = id.expose();
            let event = json!({
                "event": "forget_shared", "name": name, "api": api, "patient": id,
            });
            let words = format!("not        {api}:{id}, which has the same {name}");
            show(invocation, &event, &words)?;
        }
        Ok(())
    }

    /// How many other patients share a name with them.
    fn others(&self) -> u64 {
        let shared = self.search.shared.iter().flat_map(|shared| &shared.others);
        let all: BTreeSet<_> = shared.chain(&self.same_external_id).collect();
        all.len() as u64
    }

    pub(super) fn fields(&self) -> Value {
        json!({
            "patients": self.search.reached.len(),
            "shared_with_others": self.others(),
        })
    }
}

fn show(invocation: &Invocation, event: &Value, words: &str) -> Outcome<()> {
    let output = invocation.output();
    match output.is_json() {
        true => output.event(event)?,
        false => output.data(&format!("{words}\n"))?,
    }
    Ok(())
}

fn words_of(by: &ReachedBy) -> (&'static str, Option<&str>) {
    match by {
        ReachedBy::Id => ("id", None),
        ReachedBy::Identifier(system) => ("identifier", Some(system)),
        ReachedBy::Shared(system) => ("shared_identifier", Some(system)),
        ReachedBy::Link => ("link", None),
    }
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
