//! Publishing to the places of a data directory: what `publish`, `load` and `forget` share.

mod comments;
mod place;
mod telling;
mod views;

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use claimlake_contract::ExitCode;
use claimlake_publisher::{Earlier, PublishOutcome, PublishRequest, TableComment};
use claimlake_vault::AccessAction;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::access;
use crate::failure::Outcome;
use crate::invocation::{Invocation, quoted};
use crate::publish_record::{LastPublish, PublishRecord, RecordedTarget, holding_forgotten};
use crate::runtime;
use crate::summary::StageSummary;
use crate::zone::{Zone, ZoneLock};

pub(crate) use place::{Place, failure};
pub(crate) use telling::{holds_forgotten, tell};

/// Publishes to one place after another.
pub(crate) struct Publisher<'i> {
    invocation: &'i Invocation,
    runtime: Runtime,
    record: PublishRecord,
    comments: BTreeMap<String, TableComment>,
    is_logged: bool,
    /// A load would remove the snapshot that is being sent, and a removal the rows of a patient.
    _lock: ZoneLock,
}

impl<'i> Publisher<'i> {
    /// # Errors
    /// Another process writes the lake, or the pipeline or the list of places cannot be read.
    pub(crate) fn begin(invocation: &'i Invocation) -> Outcome<Self> {
        let _lock = invocation.lock_zone(Zone::Staged)?;
        Ok(Self {
            invocation,
            runtime: runtime::on_this_thread().context("preparing to publish")?,
            record: PublishRecord::read_or_new(invocation.data()?.root())?,
            comments: comments::of_pipeline(invocation)?,
            is_logged: false,
            _lock,
        })
    }

    /// Publishes the lake's current snapshot. Where the place has rows of patients who were
    /// forgotten, all that came before goes.
    ///
    /// # Errors
    /// The place cannot be reached or used. What it showed before stays.
    pub(crate) fn publish(&mut self, place: &Place) -> Outcome<PublishOutcome> {
        let (invocation, url) = (self.invocation, &place.url);
        let root = invocation.data()?.root().to_path_buf();
        let recorded = self.record.target(url);
        let has_forgotten = recorded.is_some_and(RecordedTarget::has_forgotten);
        if has_forgotten && self.is_empty(place)? {
            return Err(self.nothing_there(url).into());
        }
        // Nothing is written where it cannot be published, and nothing is then to be removed there.
        let lake = invocation.lake()?;
        let checking = place.open.check(&lake, &self.record.lake);
        self.runtime.block_on(checking).map_err(failure)?;
        if recorded.is_none() {
            self.refuse_overlap(place)?;
        }
        self.record.add(url, invocation.clock().now());
        self.record.write(&root)?;
        if !self.is_logged {
            log_access(invocation)?;
            self.is_logged = true;
        }
        let load = &invocation.pipeline()?.load;
        let earlier = match has_forgotten {
            true => Earlier::Remove,
            false => Earlier::Keep {
                states: load.keep_snapshots,
                hours: load.keep_hours,
            },
        };
        let request = self.request(place, earlier)?;
        let progress = invocation.progress().as_ref();
        let publishing =
            claimlake_publisher::publish(&request, &place.open, invocation.clock(), progress);
        let outcome = self.runtime.block_on(publishing).map_err(failure)?;
        let last = LastPublish {
            at: invocation.clock().now(),
            sequence: outcome.sequence,
            snapshot: outcome.snapshot,
        };
        self.record.note(url, last, has_forgotten);
        self.record.write(&root)?;
        if has_forgotten {
            telling::tell_cleared(url, &outcome, invocation);
        }
        Ok(outcome)
    }

    /// Publishes to the places, whatever happens at the others, and says how it went; whether all
    /// went well.
    pub(crate) fn publish_all(&mut self, places: &[Place]) -> bool {
        let mut ended = Vec::new();
        for place in places {
            let summary = StageSummary::begin("publish");
            let (outcome, error) = match self.publish(place) {
                Ok(outcome) => {
                    tell(summary, &place.url, &outcome, self.invocation);
                    (json!(outcome), None)
                }
                Err(failure) => {
                    let words = format!("publish    {} failed: {failure}", quoted(&place.url));
                    self.invocation.output().warn(&words);
                    (json!(null), Some(failure.to_string()))
                }
            };
            ended.push(json!({"target": place.url, "outcome": outcome, "error": error}));
        }
        let all_well = ended.iter().all(|one| one["error"].is_null());
        if !ended.is_empty() {
            self.invocation
                .output()
                .add_to_summary("published", json!(ended));
        }
        all_well
    }

    /// Removes patients who were forgotten from every place that still has them, but those that were
    /// tried already; the places that still have them then.
    pub(crate) fn clear_others(&mut self, tried: &[&str]) -> Vec<String> {
        let urls = |record: &PublishRecord| -> Vec<String> {
            record
                .with_forgotten()
                .map(|target| target.url.clone())
                .collect()
        };
        let mut cleared = Vec::new();
        for url in urls(&self.record) {
            if tried.contains(&url.as_str()) {
                continue;
            }
            let place = Place::parse(&url, self.invocation);
            match place.and_then(|place| self.publish(&place)) {
                Ok(_) => cleared.push(url),
                Err(failure) => self.invocation.output().warn(&format!(
                    "warning: {}; it was tried now: {failure}",
                    holds_forgotten(&url, self.invocation)
                )),
            }
        }
        let output = self.invocation.output();
        if !cleared.is_empty() {
            output.add_to_summary("published_targets_cleared", json!(cleared));
        }
        urls(&self.record)
    }

    pub(crate) fn is_empty(&self, place: &Place) -> Outcome<bool> {
        let is_empty = self.runtime.block_on(place.open.is_empty());
        is_empty.map_err(failure)
    }

    /// Takes a place off the list; false if it was not on it.
    pub(crate) fn drop_from_list(&mut self, url: &str) -> Outcome<bool> {
        if self.record.target(url).is_none() {
            return Ok(false);
        }
        self.record.drop(url);
        self.record.write(self.invocation.data()?.root())?;
        Ok(true)
    }

    /// A disk that is not mounted looks like a place that was emptied.
    fn nothing_there(&self, url: &str) -> anyhow::Error {
        let url = quoted(url);
        anyhow!(
            "{url} held rows of patients who were forgotten, and nothing is there now: make it \
             available (is its disk mounted?), or, where everything there was removed, earlier \
             versions that the store keeps included, say so by {}",
            self.invocation.next(&format!("publish --removed {url}"))
        )
    }

    /// What lies in another place would be removed or read as part of it.
    fn refuse_overlap(&self, place: &Place) -> Outcome<()> {
        for other in &self.record.targets {
            let Ok(target) = claimlake_publisher::Target::parse(&other.url) else {
                continue;
            };
            if place::overlap(&place.target, &target) {
                return Err(anyhow!(
                    "{} lies in {}, where the lake is published, or that in it: publish to a place \
                     of its own",
                    quoted(&place.url),
                    quoted(&other.url)
                )
                .into());
            }
        }
        Ok(())
    }

    fn request(&self, place: &Place, earlier: Earlier) -> Outcome<PublishRequest> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| anyhow!("no random bytes: {error}"))?;
        Ok(PublishRequest {
            lake: self.invocation.lake()?,
            lake_id: self.record.lake.clone(),
            publication: claimlake_contract::hex(&random),
            comments: self.comments.clone(),
            texts: views::texts(place, self.invocation)?,
            earlier,
        })
    }
}

/// Publishes a lake that was just loaded to the places of the pipeline, and tries again to remove
/// forgotten patients from places that have them.
pub(crate) fn after_load(places: &[Place], invocation: &Invocation) -> Outcome {
    let has_forgotten = !holding_forgotten(invocation.data()?.root())?.is_empty();
    let is_there = invocation.lake()?.join("current").exists();
    if !has_forgotten && (places.is_empty() || !is_there) {
        return Ok(ExitCode::Done);
    }
    let mut publisher = Publisher::begin(invocation)?;
    let all_well = publisher.publish_all(places);
    let tried: Vec<&str> = places.iter().map(|place| place.url.as_str()).collect();
    let open = publisher.clear_others(&tried);
    Ok(match all_well && open.is_empty() {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    })
}

/// Removes forgotten patients from every place that has them; the places that still have them then.
///
/// # Errors
/// The list of places cannot be read.
pub(crate) fn clear(invocation: &Invocation) -> Outcome<Vec<String>> {
    let open = holding_forgotten(invocation.data()?.root())?;
    if open.is_empty() {
        return Ok(open);
    }
    match Publisher::begin(invocation) {
        Ok(mut publisher) => Ok(publisher.clear_others(&[])),
        Err(failure) => {
            for url in &open {
                let words = holds_forgotten(url, invocation);
                let words = format!("warning: {words}; it was tried now: {failure}");
                invocation.output().warn(&words);
            }
            Ok(open)
        }
    }
}

/// Notes that the data of all patients go to another place.
fn log_access(invocation: &Invocation) -> Outcome<()> {
    if !access::has_vault(invocation.data()?.root()) {
        return Ok(());
    }
    let vault = access::open_vault(invocation)?;
    let grants = vault.grants()?;
    let grants: Vec<_> = grants.iter().collect();
    vault
        .access_log()
        .append("publish", AccessAction::Published, &grants)
        .map_err(access::vault_failure)
}
