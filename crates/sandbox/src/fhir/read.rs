//! One resource by its id.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use super::render::render_others;
use super::store::{FhirStore, v2_id, v3_id};
use super::{v2, v3};
use crate::population::beneficiary::Beneficiary;
use crate::population::claim::patient_and_number;
use crate::serve::records::{Kind, Records};

impl FhirStore {
    pub(super) fn read_claim(
        &self,
        space: ApiVersion,
        id: &str,
        now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)> {
        let number = match space {
            ApiVersion::V2 => id.split_once('-')?.1,
            ApiVersion::V3 | ApiVersion::Carin => id,
        };
        let (patient, number) = patient_and_number(number.parse().ok()?)?;
        if patient >= self.population.patients() {
            return None;
        }
        let known = self.patient_history(patient);
        let claim = known
            .history
            .claims
            .iter()
            .find(|claim| claim.number == number)?;
        let is_it = match space {
            ApiVersion::V2 => claim.is_in_v2() && v2_id(patient, claim) == id,
            ApiVersion::V3 | ApiVersion::Carin => v3_id(patient, claim) == id,
        };
        is_it.then(|| {
            (
                patient,
                self.claim_body(space, &known.patient, claim).at(now),
            )
        })
    }

    pub(super) fn coverage_ids(&self, space: ApiVersion, patient: &Beneficiary) -> Vec<String> {
        match space {
            ApiVersion::V2 => v2::PARTS
                .iter()
                .map(|part| format!("part-{part}-{}", patient.v2_id))
                .collect(),
            ApiVersion::V3 | ApiVersion::Carin => v3::coverage_ids(patient),
        }
    }

    pub(super) fn read_coverage(
        &self,
        space: ApiVersion,
        id: &str,
        now: DateTime<Utc>,
    ) -> Option<(usize, Bytes)> {
        // The patient's id is what follows the kind of coverage, up to a contract.
        let rest = id
            .strip_prefix("dual-")
            .or_else(|| id.strip_prefix("part-")?.get(2..))?;
        let digits = rest
            .trim_start_matches('-')
            .find(|byte: char| !byte.is_ascii_digit());
        let sign = rest.len() - rest.trim_start_matches('-').len();
        let patient_id = rest.get(..digits.map_or(rest.len(), |length| length + sign))?;
        let index = self.find_patient(patient_id, space)?;
        let patient = self.population.patient(index);
        let position = self
            .coverage_ids(space, &patient)
            .iter()
            .position(|known| known == id)?;
        let body = render_others(space, &patient)
            .into_iter()
            .filter(|(kind, _)| *kind == Kind::Coverage)
            .map(|(_, body)| body)
            .nth(position)?;
        Some((index, body.at(now)))
    }
}
