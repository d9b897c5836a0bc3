//! The result of `verify`: one line per check.

use std::borrow::Cow;

use claimlake_contract::LandingOrigin;
use serde::Serialize;

use crate::repair::{Repair, RepairStep};

/// How many places a check names before it only counts.
const PLACES_NAMED: usize = 10;

/// What a failed check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is damaged, missing or doubled: `verify` exits with 1.
    Hard,
    /// Worth a look; source data break these rules too.
    Warning,
}

/// One check and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The name in reports, such as `landing_checksums`.
    pub name: Cow<'static, str>,
    /// What was compared, as text.
    pub what: Cow<'static, str>,
    /// What a failure means.
    pub severity: Severity,
    /// Things looked at: parts, files, rows, resources.
    pub checked: u64,
    /// Things that are wrong.
    pub failed: u64,
    /// The first of them: places and types, never values.
    pub places: Vec<String>,
    /// What repairs them.
    pub repair: Repair,
}

impl Check {
    /// A check that has looked at nothing yet and fails hard.
    #[must_use]
    pub fn hard(name: impl Into<Cow<'static, str>>, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            what: what.into(),
            severity: Severity::Hard,
            checked: 0,
            failed: 0,
            places: Vec::new(),
            repair: Repair::default(),
        }
    }

    /// A check that has looked at nothing yet and only warns.
    #[must_use]
    pub fn warning(name: impl Into<Cow<'static, str>>, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::hard(name, what)
        }
    }

    /// The same check before anything was compared.
    #[must_use]
    pub(crate) fn clone_empty(&self) -> Self {
        Self {
            severity: self.severity,
            ..Self::hard(self.name.clone(), self.what.clone())
        }
    }

    /// Counts one thing that is as it should be.
    pub fn pass(&mut self) {
        self.checked += 1;
    }

    /// Counts one thing that is wrong, at `place`.
    pub fn fail(&mut self, place: impl FnOnce() -> String) {
        self.checked += 1;
        self.failed += 1;
        if self.places.len() < PLACES_NAMED {
            self.places.push(place());
        }
    }

    /// Counts one thing that is wrong, at `place`, and is repaired by `steps`.
    pub(crate) fn fail_with(
        &mut self,
        steps: impl IntoIterator<Item = RepairStep>,
        place: impl FnOnce() -> String,
    ) {
        self.fail(place);
        self.repair.add(steps);
    }

    /// Counts one comparison; unless `holds`, it is wrong at `place`.
    pub fn expect(&mut self, holds: bool, place: impl FnOnce() -> String) {
        if holds {
            self.pass();
        } else {
            self.fail(place);
        }
    }

    /// Adds what the same check found elsewhere.
    pub fn merge(&mut self, other: Check) {
        self.checked += other.checked;
        self.failed += other.failed;
        self.repair.merge(&other.repair);
        self.name_places(other.places);
    }

    /// Adds what repairs a failed check, unless it states that itself.
    pub(crate) fn fill_in_repair(&mut self) {
        if self.failed == 0 || self.severity == Severity::Warning || !self.repair.is_empty() {
            return;
        }
        match &*self.name {
            "extract_status" => self
                .repair
                .add(RepairStep::of_landing(LandingOrigin::Extract)),
            "staged_runs" | "loaded_runs" => {
                self.repair.add([RepairStep::Transform, RepairStep::Load]);
            }
            "lake_pin" => self.repair.add([RepairStep::LoadUnpin]),
            _ => self
                .repair
                .add([RepairStep::TransformFull, RepairStep::LoadRebuild]),
        }
    }

    /// Adds further places, up to the limit.
    pub(crate) fn name_places(&mut self, places: impl IntoIterator<Item = String>) {
        let room = PLACES_NAMED.saturating_sub(self.places.len());
        self.places.extend(places.into_iter().take(room));
    }
}

/// All checks of one `verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The snapshot that was verified; `None` if nothing is published yet.
    pub snapshot: Option<u64>,
    /// The checks, in the order in which data flow: landing, staged rows, lake.
    pub checks: Vec<Check>,
    /// Whether the lake is pinned to a snapshot: loads then wait for `--unpin`.
    pub is_pinned: bool,
    /// Runs whose files must be imported again, as places in landing.
    pub import_again: Vec<String>,
}

/// Checks that make rows anew by the present rules and compare them with the lake's.
const BY_THE_RULES: [&str; 4] = ["row_counts", "table_rows", "is_current", "absent"];

/// The check that no patient who was forgotten is here.
pub const FORGOTTEN: &str = "forgotten";

impl Report {
    /// The same report of a lake that the rules of another version of claimlake made: rows that differ
    /// from what the present rules make are no damage, and one warning says what the lake is.
    #[must_use]
    pub fn of_other_rules(mut self) -> Self {
        for check in &mut self.checks {
            if BY_THE_RULES.contains(&&*check.name) {
                check.severity = Severity::Warning;
            }
        }
        let mut rules = Check::warning(
            "rules_version",
            "the lake is by the rules of this version; if not, the next run makes it anew",
        );
        rules.fail(|| "all tables: made by the rules of another version of claimlake".into());
        self.checks.push(rules);
        self
    }

    /// What repairs all that is wrong.
    #[must_use]
    pub fn repair(&self) -> Repair {
        let mut repair = Repair::default();
        let hard = self
            .checks
            .iter()
            .filter(|check| check.severity == Severity::Hard);
        // The other findings are mostly about them: once they are removed, `verify` reports what
        // remains.
        let came_back = |check: &&Check| check.name == FORGOTTEN && check.failed > 0;
        if let Some(check) = hard.clone().find(came_back) {
            return check.repair.clone();
        }
        hard.for_each(|check| repair.merge(&check.repair));
        if self.is_pinned && repair.has(RepairStep::LoadRebuild) {
            repair.add([RepairStep::LoadUnpin]);
        }
        repair
    }

    /// Whether no hard check failed.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.hard_failures() == 0
    }

    /// How many findings the hard checks have.
    #[must_use]
    pub fn hard_failures(&self) -> u64 {
        self.failures(Severity::Hard)
    }

    /// How many findings the warnings have.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.failures(Severity::Warning)
    }

    fn failures(&self, severity: Severity) -> u64 {
        let checks = self
            .checks
            .iter()
            .filter(|check| check.severity == severity);
        checks.map(|check| check.failed).sum()
    }
}
