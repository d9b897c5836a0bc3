//! Rows of the table of keys for resources that the server no longer has. Manifests name them by
//! hashes; their ids are looked up in what earlier runs landed of the same patients.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use claimlake_contract::{
    ApiVersion, IdHash, KEYS_TABLE, LandingOrigin, PatientId, ResourceType, RunId, key_columns,
    landing_order,
};
use claimlake_fhir::{id_hash, quoted_id};
use claimlake_landing::{Gone, SealedRun, lines_of_patient};

use crate::keys::{Key, KeyBuilder};
use crate::periods::KeptTables;
use crate::{Plan, TransformError};

/// Where the lines of a landing run begin in the staged run: the number of its first part.
pub(crate) type FirstParts = HashMap<(RunId, ApiVersion, ResourceType), u32>;

/// By type and patient: the ids to look for, and their landing order.
type Wanted = HashMap<(ApiVersion, ResourceType), HashMap<PatientId, HashMap<IdHash, u64>>>;

/// The rows, and how many there are. `landed` are all sealed runs, in landing order; `first_parts`
/// names those of them that are staged.
pub(crate) fn gone_keys(
    landed: &[SealedRun],
    first_parts: &FirstParts,
    plan: &Plan,
) -> Result<(Option<RecordBatch>, u64), TransformError> {
    let place = |run: &SealedRun| first_parts.get(&run.key()).copied();
    let gone = Gone::of(landed, |run| place(run).is_some());
    let mut keys = KeyBuilder::new();
    let mut count = 0;
    if gone.is_empty() {
        return Ok((None, count));
    }
    let mut wanted = wanted(landed, &gone, place);
    let mut failed = None;
    for run in landed {
        let manifest = &run.manifest;
        let (api, resource) = (manifest.api, &manifest.resource);
        if manifest.origin != LandingOrigin::Extract {
            continue;
        }
        let Some(patients) = wanted.get_mut(&run.of_type()) else {
            continue;
        };
        let planned = plan.resource(resource);
        let kept = planned
            .and_then(|planned| plan.resources.get(planned))
            .map(|planned| KeptTables::of(planned, api));
        for patient in &manifest.patients {
            let Some(ids) = patients.get_mut(&patient.patient) else {
                continue;
            };
            let _ = lines_of_patient(run, patient, |line| {
                if let Some(quoted) = quoted_id(line)
                    && let Ok(id) = serde_json::from_slice::<String>(quoted)
                    && let Some(order) = ids.remove(&id_hash(quoted))
                {
                    count += 1;
                    let key = Key {
                        order,
                        api,
                        resource: resource.as_str(),
                        id: &id,
                        last_updated: None,
                        content: key_columns::GONE,
                        patient: Some(patient.patient.expose()),
                    };
                    keys.push(key);
                    let ended = kept.as_ref().map(|kept| kept.end_periods(&mut keys, &key));
                    failed = failed.take().or(ended.and_then(Result::err));
                }
                match ids.is_empty() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            });
            if ids.is_empty() {
                patients.remove(&patient.patient);
            }
        }
    }
    let lost: usize = wanted
        .values()
        .flat_map(HashMap::values)
        .map(HashMap::len)
        .sum();
    if lost > 0 {
        tracing::info!(
            resources = lost,
            "resources that are no longer at the server are not in landing either"
        );
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let keys = keys.finish().map_err(TransformError::arrow(KEYS_TABLE))?;
    Ok((keys, count))
}

/// Each id at its place in landing: before all lines of the run that no longer found it, behind
/// those of the runs before.
fn wanted(landed: &[SealedRun], gone: &Gone, place: impl Fn(&SealedRun) -> Option<u32>) -> Wanted {
    let mut wanted = Wanted::new();
    for run in landed {
        let manifest = &run.manifest;
        let Some(first_part) = place(run) else {
            continue;
        };
        let of_type = run.of_type();
        for patient in &manifest.patients {
            for id in &patient.gone {
                if gone.since(manifest.api, &manifest.resource, *id) != Some(&manifest.run) {
                    continue;
                }
                let patients = wanted.entry(of_type.clone()).or_default();
                let ids = patients.entry(patient.patient.clone()).or_default();
                ids.insert(*id, landing_order(first_part, 0));
            }
        }
    }
    wanted
}
