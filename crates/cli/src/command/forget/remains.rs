//! Data of patients who were forgotten, which came back with a vault, a landing zone or a lake that
//! was restored from before the removal. Found by the tombstones, and removed again by `forget
//! --finish`.

use std::collections::BTreeSet;
use std::path::Path;

use claimlake_contract::{ApiVersion, PatientId, Person};
use claimlake_vault::{Tombstones, VAULT_FILE, Vault};

use super::interrupted;
use super::remove::Remover;
use super::who::Who;
use crate::access;
use crate::advice::FINISH_REMOVAL;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::counted;
use crate::who::api_and_id;
use crate::zone::Zone;

type People = BTreeSet<(ApiVersion, PatientId)>;

/// Patients who were forgotten and are here, by where.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    vault: People,
    landing: People,
    lake: People,
}

impl Remains {
    /// Looks everywhere; if any patient was forgotten, reads landing and the keys of all snapshots.
    pub(crate) fn find(vault: &Vault, data: &DataDir, lake: &Path) -> Outcome<Self> {
        let forgotten = vault.all_forgotten()?;
        if forgotten.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self {
            vault: in_vault(vault, &forgotten)?,
            landing: only(
                claimlake_landing::patients_landed(&data.landing())?,
                &forgotten,
            ),
            lake: only(claimlake_loader::patients_of_lake(lake, true)?, &forgotten),
        })
    }

    /// How many of them were found where, as texts without names.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        let places = [
            (&self.vault, "with a grant in the vault"),
            (&self.landing, "in landing"),
            (&self.lake, "in the lake"),
        ];
        let some = places.into_iter().filter(|(people, _)| !people.is_empty());
        some.map(|(people, place)| {
            let people = counted(people.len() as u64, "patient");
            format!("{people} {place}, forgotten before")
        })
    }

    fn into_people(self) -> People {
        let all = [self.vault, self.landing, self.lake];
        all.into_iter().flatten().collect()
    }
}

fn only(people: People, forgotten: &Tombstones) -> People {
    let is_forgotten = |(api, id): &(ApiVersion, PatientId)| forgotten.has_id(*api, id.expose());
    people.into_iter().filter(is_forgotten).collect()
}

fn in_vault(vault: &Vault, forgotten: &Tombstones) -> Outcome<People> {
    let grants = vault.grants()?.into_iter();
    let patients = grants.filter_map(|grant| Some((grant.api, grant.patient?)));
    Ok(only(patients.collect(), forgotten))
}

/// The patients with a typed id whom the lake names.
pub(super) fn in_lake_by_name(typed: &str, lake: &Path) -> Outcome<People> {
    let (api, id) = api_and_id(typed.trim());
    let mut people = claimlake_loader::patients_of_lake(lake, true)?;
    people.retain(|(of, known)| known.expose() == id && api.is_none_or(|api| api == *of));
    Ok(people)
}

/// Warns if the published snapshot has rows of forgotten patients.
pub(crate) fn warn_of_published(invocation: &Invocation) -> Outcome<()> {
    let data = invocation.data()?;
    if !access::has_vault(data.root()) {
        return Ok(());
    }
    let forgotten = access::open_vault(invocation)?.tombstones()?;
    if forgotten.is_empty() {
        return Ok(());
    }
    let people = claimlake_loader::patients_of_lake(&invocation.lake()?, false)?;
    let people = only(people, &forgotten).len() as u64;
    if people > 0 {
        invocation.output().warn(&format!(
            "warning: the lake holds {} who was forgotten: {} removes what is here of them",
            counted(people, "patient"),
            invocation.next(FINISH_REMOVAL)
        ));
    }
    Ok(())
}

/// Removes only patients whom a tombstone names; returns how many they were.
pub(super) fn remove(without_lake: bool, invocation: &Invocation) -> Outcome<u64> {
    let data = invocation.data()?;
    if !data.root().join(VAULT_FILE).is_file() || !access::has_vault(data.root()) {
        return Ok(0);
    }
    let vault = access::open_vault(invocation)?;
    let lake = invocation.lake()?;
    let forgotten = vault.all_forgotten()?;
    let mut left = Remains::find(&vault, &data, &lake)?.into_people();
    if left.is_empty() {
        return Ok(0);
    }
    let _landing = invocation.lock_zone_as_it_is(Zone::Landing)?;
    let _staged = invocation.lock_zone_as_it_is(Zone::Staged)?;
    interrupted::end_all_with(without_lake, invocation)?;
    let remover = Remover::new(invocation, &data, &vault)?.without_lake(without_lake);
    remover.seal_interrupted_runs()?;
    let mut removed = 0;
    while let Some(first) = left.pop_first() {
        let mut person = Person::default();
        person.ids.insert(first);
        let mut person = Who::complete(person, None, false, &vault, &data)?.person;
        // There is no confirmation here, so what was not forgotten by its own name stays.
        let has_id = |(api, id): &(ApiVersion, PatientId)| forgotten.has_id(*api, id.expose());
        person.ids.retain(has_id);
        person
            .identifiers
            .retain(|one| forgotten.has_identifier(one, &claimlake_fhir::PERSONAL_SYSTEMS));
        person.external_ids.clear();
        left.retain(|one| !person.ids.contains(one));
        remover.forget(&person)?;
        removed += 1;
    }
    invocation.output().say(&format!(
        "forget     {} who had been forgotten before and had come back: removed again",
        counted(removed, "patient")
    ));
    Ok(removed)
}
