//! Synthetic beneficiaries and the claims of their lives: who they are and what was billed for
//! them, as a function of a seed. Knows claims and people, not how FHIR spells them.

pub(crate) mod claim;
pub(crate) mod day;
pub(crate) mod enrollment;
pub(crate) mod history;
pub(crate) mod money;
pub(crate) mod person;
pub(crate) mod processing;

use person::Person;

/// What decides a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PopulationConfig {
    /// The seed; the same one gives the same people on any machine.
    pub(crate) seed: u64,
    /// How many people there are.
    pub(crate) patients: usize,
    /// Claims per person, on average.
    pub(crate) eobs_mean: u32,
}

/// Everybody, made when asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Population {
    config: PopulationConfig,
}

/// Most people there can be: ids leave room for no more.
pub(crate) const MOST_PEOPLE: usize = 100_000;

impl Population {
    pub(crate) fn new(config: PopulationConfig) -> Self {
        let patients = config.patients.min(MOST_PEOPLE);
        Self {
            config: PopulationConfig { patients, ..config },
        }
    }

    pub(crate) fn config(&self) -> PopulationConfig {
        self.config
    }

    /// How many people there are.
    pub(crate) fn people(&self) -> usize {
        self.config.patients
    }

    /// The person of an index below `people()`.
    pub(crate) fn person(&self, index: usize) -> Person {
        Person::of(self.config.seed, index)
    }

    /// The person who logs in as `BBUser00042`.
    pub(crate) fn find_login(&self, login: &str) -> Option<usize> {
        self.known(login.strip_prefix("BBUser")?.parse().ok()?)
            .filter(|index| person::login(*index) == login)
    }

    /// The person of a v2 patient id.
    pub(crate) fn find_by_v2(&self, id: &str) -> Option<usize> {
        self.known(person::index_of_v2(id)?)
    }

    /// The person of a v3 patient id.
    pub(crate) fn find_by_v3(&self, id: &str) -> Option<usize> {
        self.known(person::index_of_v3(id)?)
    }

    fn known(&self, index: usize) -> Option<usize> {
        Some(index).filter(|index| *index < self.people())
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
        for index in 0..population.people() {
            let person = population.person(index);
            assert_eq!(population.find_login(&person.login), Some(index));
            assert_eq!(
                population.find_by_v2(&person.v2_id.to_string()),
                Some(index)
            );
            assert_eq!(
                population.find_by_v3(&person.v3_id.to_string()),
                Some(index)
            );
        }
        assert_eq!(population.find_login("BBUser00300"), None);
        assert_eq!(population.find_login("BBUser1"), None);
        assert_eq!(population.find_by_v2("-54690619"), None);
        assert_eq!(population.find_by_v3("-20140000000001"), None);
    }
}
