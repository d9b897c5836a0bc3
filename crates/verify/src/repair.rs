//! What repairs the findings of a check.

use std::collections::BTreeSet;

use claimlake_contract::LandingOrigin;
use serde::{Serialize, Serializer};

/// A command, in the order in which they are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepairStep {
    /// Reads everything again from the server; damaged parts of extractions are set aside first.
    ExtractFull,
    /// Lands again what was imported.
    ImportAgain,
    /// Stages again what is damaged or on no record.
    Transform,
    /// Stages all of landing again; damaged parts of imports are set aside first.
    TransformFull,
    /// Publishes what is staged.
    Load,
    /// Makes all tables anew, replaces damaged files of kept snapshots, and removes snapshots that
    /// cannot be repaired.
    LoadRebuild,
    /// Removes the pin of a lake that was rolled back.
    LoadUnpin,
    /// Ends removals of patients that were interrupted; possible once the lake is not damaged.
    FinishForget,
}

impl RepairStep {
    /// The command, without the flags that say which data directory.
    fn command(self) -> &'static str {
        match self {
            RepairStep::FinishForget => "forget --finish",
            RepairStep::ExtractFull => "extract --full",
            RepairStep::ImportAgain => "import FILE",
            RepairStep::Transform => "transform",
            RepairStep::TransformFull => "transform --full",
            RepairStep::Load => "load",
            RepairStep::LoadRebuild => "load --rebuild",
            RepairStep::LoadUnpin => "load --unpin",
        }
    }

    /// What replaces a damaged part of landing that came from `origin`.
    pub(crate) fn of_landing(origin: LandingOrigin) -> [RepairStep; 3] {
        let again = match origin {
            LandingOrigin::Extract => RepairStep::ExtractFull,
            LandingOrigin::Import => RepairStep::ImportAgain,
        };
        [again, RepairStep::TransformFull, RepairStep::LoadRebuild]
    }
}

/// The commands that repair something; empty where nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repair(BTreeSet<RepairStep>);

impl Repair {
    /// Adds further steps.
    pub fn add(&mut self, steps: impl IntoIterator<Item = RepairStep>) {
        self.0.extend(steps);
    }

    pub(crate) fn merge(&mut self, other: &Repair) {
        self.0.extend(&other.0);
    }

    /// Whether a step is among them.
    #[must_use]
    pub fn has(&self, step: RepairStep) -> bool {
        self.0.contains(&step)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The commands in their order, each once; a step that another one includes is left out.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let unpins = self.has(RepairStep::LoadUnpin);
        let rebuilds = self.has(RepairStep::LoadRebuild);
        let is_included = |step: RepairStep| match step {
            RepairStep::Transform => self.has(RepairStep::TransformFull),
            RepairStep::Load => rebuilds || unpins,
            RepairStep::LoadUnpin => rebuilds,
            _ => false,
        };
        let steps = self.0.iter().filter(|step| !is_included(**step));
        steps
            .map(|step| match step {
                RepairStep::LoadRebuild if unpins => "load --rebuild --unpin".to_owned(),
                step => step.command().to_owned(),
            })
            .collect()
    }
}

impl Serialize for Repair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.commands())
    }
}

#[cfg(test)]
mod tests {
    use super::{Repair, RepairStep};

    fn commands(steps: &[RepairStep]) -> Vec<String> {
        let mut repair = Repair::default();
        repair.add(steps.iter().copied());
        repair.commands()
    }

    #[test]
    fn commands_come_in_their_order_and_a_smaller_one_gives_way() {
        use RepairStep::{
            ExtractFull, ImportAgain, Load, LoadRebuild, LoadUnpin, Transform, TransformFull,
        };
        assert!(commands(&[]).is_empty());
        assert_eq!(commands(&[Load, Transform]), ["transform", "load"]);
        assert_eq!(
            commands(&[LoadRebuild, Load, TransformFull, Transform, ExtractFull]),
            ["extract --full", "transform --full", "load --rebuild"]
        );
        assert_eq!(commands(&[Load, LoadUnpin]), ["load --unpin"]);
        assert_eq!(
            commands(&[LoadUnpin, LoadRebuild, TransformFull, ImportAgain]),
            ["import FILE", "transform --full", "load --rebuild --unpin"]
        );
    }
}
