//! What is stored of a patient, as counts: looked up before the question.

use std::path::Path;

use claimlake_contract::Person;
use claimlake_landing::LandedOfPerson;
use claimlake_loader::PersonInLake;
use claimlake_vault::Vault;
use serde_json::{Value, json};

use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped};
use crate::recordings;

/// What the data directory has of a person.
pub(super) struct Found {
    names: u64,
    grants: u64,
    landed: LandedOfPerson,
    lake: PersonInLake,
    staged_runs: u64,
    /// Recordings that are looked through, and the person's exchanges in them.
    recordings: u64,
    recorded: u64,
}

impl Found {
    pub(super) fn look(
        person: &Person,
        vault: &Vault,
        data: &DataDir,
        lake: &Path,
    ) -> Outcome<Self> {
        let landed = claimlake_landing::landed_of(&data.landing(), person)?;
        let recordings = recordings::known(vault)?;
        let mut recorded = 0;
        for recording in &recordings {
            recorded += claimlake_extractor::recorded_exchanges(recording, person)?;
        }
        Ok(Self {
            recordings: recordings.len() as u64,
            recorded,
            names: person.names().count() as u64,
            grants: vault.grants_of(person)?.len() as u64,
            lake: claimlake_loader::person_in_lake(lake, person, &landed.resources)?,
            landed,
            staged_runs: data.staged_runs()?.len() as u64,
        })
    }

    pub(super) fn damaged(&self) -> &[String] {
        &self.landed.damaged
    }

    /// No name is shown: only how much there is.
    pub(super) fn tell(&self, invocation: &Invocation) {
        let lines: u64 = self.landed.lines.values().sum();
        let by_type: Vec<String> = self
            .landed
            .lines
            .iter()
            .map(|((api, resource), count)| format!("{} {api} {resource}", grouped(*count)))
            .collect();
        let mut words = format!(
            "forget     one person, {}\n  vault     {}\n  landing   {}",
            counted(self.names, "id"),
            counted(self.grants, "grant"),
            counted(lines, "line")
        );
        if !by_type.is_empty() {
            words.push_str(&format!(" ({})", by_type.join(", ")));
        }
        if self.landed.rejected > 0 {
            let rejected = counted(self.landed.rejected, "rejected text");
            words.push_str(&format!("\n  rejected  {rejected}"));
        }
        if self.staged_runs > 0 {
            let runs = counted(self.staged_runs, "run");
            words.push_str(&format!(
                "\n  staged    {runs} of everybody, which the next transform makes again"
            ));
        }
        if self.recordings > 0 {
            words.push_str(&format!(
                "\n  recorded  {} in {}",
                counted(self.recorded, "exchange"),
                counted(self.recordings, "recording")
            ));
        }
        let rows: u64 = self.lake.rows.values().sum();
        words.push_str(&format!(
            "\n  lake      {} in {}, and {} as a whole",
            counted(rows, "row"),
            counted(self.lake.rows.len() as u64, "table"),
            counted(self.lake.other_snapshots.len() as u64, "other snapshot"),
        ));
        invocation.output().say(&words);
    }

    pub(super) fn fields(&self) -> Value {
        let lines: serde_json::Map<String, Value> = self
            .landed
            .lines
            .iter()
            .map(|((api, resource), count)| (format!("{api}/{resource}"), json!(count)))
            .collect();
        json!({
            "grants": self.grants,
            "landing": lines,
            "rejected": self.landed.rejected,
            "staged_runs": self.staged_runs,
            "recorded": self.recorded,
            "lake_rows": self.lake.rows,
            "lake_resources": self.lake.resources,
            "other_snapshots": self.lake.other_snapshots,
            "unreadable_frames": self.landed.unreadable_frames,
        })
    }
}
