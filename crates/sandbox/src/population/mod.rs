//! Synthetic beneficiaries and the claims of their lives: who they are and what was billed for
//! them, as a function of a seed. Knows claims and patients, not how FHIR spells them.

pub(crate) mod beneficiary;
pub(crate) mod claim;
pub(crate) mod day;
pub(crate) mod enrollment;
pub(crate) mod history;
pub(crate) mod money;
pub(crate) mod processing;
pub(crate) mod stay;

use beneficiary::Beneficiary;

/// The values that determine a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PopulationConfig {
    /// The seed; the same one gives the same patients on any machine.
    pub(crate) seed: u64,
    /// How many patients there are.
    pub(crate) patients: usize,
    /// Claims per patient, on average.
    pub(crate) eobs_mean: u32,
}

/// All patients; each is made when it is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    config: PopulationConfig,
}

/// The largest number of patients: there are no ids for more.
pub(crate) const MOST_PATIENTS: usize = 100_000;

impl Population {
    pub(crate) fn new(config: PopulationConfig) -> Self {
        let patients = config.patients.min(MOST_PATIENTS);
        Self {
            config: PopulationConfig { patients, ..config },
        }
    }

    pub(crate) fn config(&self) -> PopulationConfig {
        self.config
    }

    /// How many patients there are.
    pub(crate) fn patients(&self) -> usize {
        self.config.patients
    }

    /// The patient of an index below `patients()`.
    pub(crate) fn patient(&self, index: usize) -> Beneficiary {
        Beneficiary::of(self.config.seed, index)
    }

    /// The patient who logs in as `BBUser00042`.
    pub(crate) fn find_login(&self, login: &str) -> Option<usize> {
        self.known(login.strip_prefix("BBUser")?.parse().ok()?)
            .filter(|index| beneficiary::login(*index) == login)
    }

    /// The patient of a v2 patient id.
    pub(crate) fn find_by_v2(&self, id: &str) -> Option<usize> {
        self.known(beneficiary::index_of_v2(id)?)
    }

    /// The patient of a v3 patient id.
    pub(crate) fn find_by_v3(&self, id: &str) -> Option<usize> {
        self.known(beneficiary::index_of_v3(id)?)
    }

    fn known(&self, index: usize) -> Option<usize> {
        Some(index).filter(|index| *index < self.patients())
    }
}

#[cfg(test)]
mod tests {
    use super::{Population, PopulationConfig};

    #[test]
    fn everybody_is_found_by_login_and_by_both_ids() {
        let config = PopulationConfig {
            seed: 1,
            patients: 300,
            eobs_mean: 10,
        };
        let population = Population::new(config);
        for index in 0..population.patients() {
            let patient = population.patient(index);
            assert_eq!(population.find_login(&patient.login), Some(index));
            assert_eq!(
                population.find_by_v2(&patient.v2_id.to_string()),
                Some(index)
            );
            assert_eq!(
                population.find_by_v3(&patient.v3_id.to_string()),
                Some(index)
            );
        }
        assert_eq!(population.find_login("BBUser00300"), None);
        assert_eq!(population.find_login("BBUser1"), None);
        assert_eq!(population.find_by_v2("-54690619"), None);
        assert_eq!(population.find_by_v3("-20140000000001"), None);
    }
}
