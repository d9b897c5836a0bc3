//! Synthetic NDJSON of any size, the same for the same settings on any machine: what the sandbox
//! would serve, without a server.

use std::io::{self, Write};

use claimlake_contract::{ApiVersion, ResourceType};

use crate::fhir::{render, render_others, render_prior_authorization};
use crate::population::history::{History, load_time};
use crate::population::{MOST_PATIENTS, Population, PopulationConfig, day};

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateConfig {
    /// The seed; patients and claims are those of a sandbox with the same seed and mean.
    pub seed: u64,
    /// Claims per patient, on average.
    pub eobs_mean: u32,
    /// How many patients to write; without it, as many as `bytes` asks for, or ten.
    pub patients: Option<usize>,
    /// Stop after the resource that reaches this size.
    pub bytes: Option<u64>,
    /// The API versions to write, in this order for each patient.
    pub versions: Vec<ApiVersion>,
    /// The resource types to write; all three where empty.
    pub resource_types: Vec<ResourceType>,
    /// How many weekly loads have happened: each adds claims, cancels and adjusts others.
    pub weeks: u32,
}

impl Default for GenerateConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            eobs_mean: 40,
            patients: None,
            bytes: None,
            versions: vec![ApiVersion::V2],
            resource_types: Vec::new(),
            weeks: 0,
        }
    }
}

/// What was generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generated {
    /// People begun.
    pub patients: u64,
    /// Lines written.
    pub resources: u64,
    /// Bytes written, line ends included.
    pub bytes: u64,
}

const PATIENTS_WITHOUT_LIMIT: usize = 10;

/// Writes one resource per line: for each beneficiary the Patient, the coverages, the claims in the
/// order of the server, prior authorizations last.
///
/// # Errors
///
/// What `out` could not write.
pub fn generate(config: &GenerateConfig, out: &mut impl Write) -> io::Result<Generated> {
    let unlimited = if config.bytes.is_some() {
        MOST_PATIENTS
    } else {
        PATIENTS_WITHOUT_LIMIT
    };
    let population = Population::new(PopulationConfig {
        seed: config.seed,
        patients: config.patients.unwrap_or(unlimited),
        eobs_mean: config.eobs_mean,
    });
    let mut line = LineWriter {
        out,
        generated: Generated::default(),
        limit: config.bytes,
    };
    for index in 0..population.patients() {
        if line.is_full() {
            break;
        }
        line.generated.patients += 1;
        write_patient(config, &population, index, &mut line)?;
    }
    line.out.flush()?;
    Ok(line.generated)
}

fn write_patient(
    config: &GenerateConfig,
    population: &Population,
    index: usize,
    line: &mut LineWriter<'_, impl Write>,
) -> io::Result<()> {
    let patient = population.patient(index);
    let now = day::instant(load_time(config.weeks));
    let wants = |resource_type: &str| {
        let types = &config.resource_types;
        types.is_empty() || types.iter().any(|wanted| wanted.as_str() == resource_type)
    };
    let history = if wants("ExplanationOfBenefit") {
        History::of(&patient, config.eobs_mean, config.weeks, &[])
    } else {
        History::default()
    };
    for version in &config.versions {
        if wants("Patient") || wants("Coverage") {
            for (kind, body) in render_others(*version, &patient) {
                if wants(kind.as_str()) {
                    line.write(&body.at(now))?;
                }
            }
        }
        let order = match version {
            ApiVersion::V2 => &history.v2,
            ApiVersion::V3 | ApiVersion::Carin => &history.v3,
        };
        let claims = order
            .iter()
            .filter_map(|position| history.claims.get(*position));
        for claim in claims {
            if line.is_full() {
                return Ok(());
            }
            line.write(&render(*version, &patient, claim).at(now))?;
        }
        if *version == ApiVersion::V3 {
            for authorization in &history.prior_authorizations {
                line.write(&render_prior_authorization(&patient, authorization).at(now))?;
            }
        }
    }
    Ok(())
}

struct LineWriter<'a, W: Write> {
    out: &'a mut W,
    generated: Generated,
    limit: Option<u64>,
}

impl<W: Write> LineWriter<'_, W> {
    fn is_full(&self) -> bool {
        self.limit
            .is_some_and(|limit| self.generated.bytes >= limit)
    }

    fn write(&mut self, body: &[u8]) -> io::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.out.write_all(body)?;
        self.out.write_all(b"\n")?;
        self.generated.resources += 1;
        self.generated.bytes += u64::try_from(body.len()).unwrap_or_default() + 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::{ApiVersion, ResourceType, hex};
    use serde_json::Value;
    use sha2::{Digest, Sha256};

    use super::{GenerateConfig, Generated, generate};

    fn lines(config: &GenerateConfig) -> (Generated, Vec<u8>) {
        let mut out = Vec::new();
        (generate(config, &mut out).unwrap(), out)
    }

    fn parsed(out: &[u8]) -> Vec<Value> {
        out.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn the_same_settings_give_the_same_bytes_and_another_seed_others() {
        let config = GenerateConfig {
            patients: Some(3),
            ..GenerateConfig::default()
        };
        let (generated, out) = lines(&config);
        assert_eq!(lines(&config).1, out);
        assert_eq!(generated.patients, 3);
        assert_eq!(generated.bytes, u64::try_from(out.len()).unwrap());
        let resources = u64::try_from(parsed(&out).len()).unwrap();
        assert_eq!(generated.resources, resources);
        assert_ne!(lines(&GenerateConfig { seed: 2, ..config }).1, out);
    }

    #[test]
    fn bodies_of_a_seed_stay_the_same() {
        // Recordings and golden tables of other tests contain these bytes: whoever changes them on
        // purpose makes those anew and puts the new digests here.
        let (v2, v3) = (ApiVersion::V2, ApiVersion::V3);
        let expected = [
            (v2, 1, "Patient", "638a538708acfb8f"),
            (v2, 1, "Coverage", "0c2a874daccc3ce1"),
            (v2, 1, "ExplanationOfBenefit", "dbecc9ffdc0fa051"),
            (v2, 9, "Patient", "9dee0e2902a4eb16"),
            (v2, 9, "Coverage", "7d3362bcca79d0b7"),
            (v2, 9, "ExplanationOfBenefit", "2443ffc76261bae8"),
            (v3, 1, "Patient", "7f511f41f6932a9b"),
            (v3, 1, "Coverage", "ad80b039dcbe981c"),
            (v3, 1, "ExplanationOfBenefit", "a6f6128734cf8375"),
            (v3, 9, "Patient", "11d588b96606719b"),
            (v3, 9, "Coverage", "20357f2350c3d560"),
            (v3, 9, "ExplanationOfBenefit", "196b2a8e3f1a9987"),
        ];
        let found = expected.map(|(version, seed, resource_type, _)| {
            let config = GenerateConfig {
                seed,
                patients: Some(4),
                versions: vec![version],
                resource_types: vec![resource_type.parse().unwrap()],
                weeks: 1,
                ..GenerateConfig::default()
            };
            let found: [u8; 32] = Sha256::digest(lines(&config).1).into();
            (version, seed, resource_type, hex(&found[..8]))
        });
        let expected = expected.map(|(version, seed, resource_type, digest)| {
            (version, seed, resource_type, digest.to_owned())
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_size_is_reached_with_whole_lines_and_not_passed_by_more_than_one() {
        let bytes = 1_000_000;
        let config = GenerateConfig {
            bytes: Some(bytes),
            ..GenerateConfig::default()
        };
        let (generated, out) = lines(&config);
        assert!(generated.bytes >= bytes);
        let mut lines = out.trim_ascii_end().rsplit(|byte| *byte == b'\n');
        let last = u64::try_from(lines.next().unwrap().len()).unwrap();
        assert!(generated.bytes - last - 1 < bytes);
        assert!(parsed(&out).len() > 20);
    }

    #[test]
    fn versions_and_resource_types_are_those_asked_for() {
        let config = GenerateConfig {
            patients: Some(6),
            versions: vec![ApiVersion::V2, ApiVersion::V3],
            resource_types: vec![ResourceType::coverage()],
            ..GenerateConfig::default()
        };
        let resources = parsed(&lines(&config).1);
        let is_coverage = |resource: &Value| resource["resourceType"] == "Coverage";
        assert!(resources.iter().all(is_coverage));
        let is_v3 = |resource: &&Value| resource.get("contained").is_some();
        let v3 = resources.iter().filter(is_v3).count();
        assert_eq!(resources.len() - v3, 6 * 4);
        assert!(v3 >= 6 * 2);
    }

    #[test]
    fn weeks_bring_claims_and_replace_some() {
        let config = GenerateConfig {
            patients: Some(1),
            resource_types: vec![ResourceType::explanation_of_benefit()],
            ..GenerateConfig::default()
        };
        let before = parsed(&lines(&config).1);
        let after = parsed(&lines(&GenerateConfig { weeks: 2, ..config }).1);
        assert!(after.len() > before.len());
        let is_cancelled = |claim: &&Value| claim["status"] == "cancelled";
        let cancelled = |claims: &[Value]| claims.iter().filter(is_cancelled).count();
        assert!(cancelled(&after) > cancelled(&before));
    }
}
