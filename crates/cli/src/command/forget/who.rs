//! What `forget` says of who is meant: all of their ids, how each was reached, and who is not taken.

use std::collections::BTreeSet;

use anyhow::anyhow;
use claimlake_contract::{ApiVersion, PatientId, Person};
use claimlake_landing::{LandedPatients, PatientReached, ReachedBy};
use claimlake_vault::Vault;
use serde_json::{Value, json};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;
pub(super) use crate::who::Who;

impl Who {
    /// The person with all names, found by the one that was typed.
    pub(super) fn named(
        wanted: &str,
        include_shared: bool,
        vault: &Vault,
        data: &DataDir,
    ) -> Outcome<Self> {
        Self::among(wanted, include_shared, &vault.grants()?, data)
    }

    /// Adds every name that landing and vault know of the person.
    pub(super) fn complete(
        person: Person,
        wanted: Option<&str>,
        include_shared: bool,
        vault: &Vault,
        data: &DataDir,
    ) -> Outcome<Self> {
        let patients = LandedPatients::read(&data.landing())?;
        let all = vault.grants()?;
        Ok(Self::completed(
            person,
            wanted,
            include_shared,
            &all,
            &patients,
        ))
    }

    /// Adds ids that were typed.
    pub(super) fn add_ids(&mut self, ids: BTreeSet<(ApiVersion, PatientId)>) {
        for (api, id) in &ids {
            let (api, id, by) = (*api, id.clone(), ReachedBy::Id);
            self.search.reached.push(PatientReached { api, id, by });
        }
        self.person.ids.extend(ids);
    }

    /// Lists the patients that the name names, where they are several people, and refuses.
    pub(super) fn refuse_several(&self, invocation: &Invocation) -> Outcome<()> {
        let candidates = &self.search.candidates;
        if candidates.is_empty() {
            return Ok(());
        }
        self.list_candidates("forget_candidate", invocation)?;
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

    /// How many other patients have a name in common with them.
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
