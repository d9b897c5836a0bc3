//! Whose rate a refusal is about: a server may limit all requests together, or each token alone.
//!
//! A grant that is refused waits for as long as the server says, always. Whom the limit is for, Blue
//! Button's headers say where they fit what was sent; a proxy has none. Then, where many of the newest answers are refusals of
//! several grants, all are limited together; where one grant is refused again and again and the
//! others are not, it alone is.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use claimlake_contract::GrantHandle;

use super::Throttled;
use super::learned_rate::Scope;
use super::rate_control::{DEFAULT_WAIT, RateControl};

/// So many of the newest answers are looked at, and so many of them refused are many.
const NEWEST: usize = 8;
const MANY: usize = 4;
/// Refusals of so many grants are not those of one.
const SEVERAL: usize = 3;
/// How long a refusal is remembered.
const REMEMBERED: Duration = Duration::from_secs(10);
/// A grant that sent nothing for so long does not count as active.
const ACTIVE: Duration = Duration::from_secs(2);
/// Grants that are finished are removed once there are so many.
const MANY_GRANTS: usize = 256;

#[derive(Debug)]
pub(super) struct Rates {
    all: RateControl,
    grants: HashMap<GrantHandle, GrantRate>,
    clean_at: usize,
    /// The newest answers: whether each was a refusal.
    answers: VecDeque<bool>,
    refusals: VecDeque<Refusal>,
}

#[derive(Debug)]
struct GrantRate {
    control: RateControl,
    /// Until when the server asked it to wait.
    gate: Duration,
}

#[derive(Debug)]
struct Refusal {
    at: Duration,
    grant: GrantHandle,
    /// Whether the request was sent before the grant knew of an earlier refusal.
    is_same: bool,
}

/// Whether a request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Now; it has taken its turn.
    Taken,
    /// No request may go before.
    AllWait(Duration),
    /// No request of this grant may go before.
    GrantWaits(Duration),
}

impl Rates {
    pub(super) fn new(max_rps: Option<f64>) -> Self {
        Self {
            all: RateControl::new(Scope::AllGrants, max_rps),
            grants: HashMap::new(),
            clean_at: MANY_GRANTS,
            answers: VecDeque::new(),
            refusals: VecDeque::new(),
        }
    }

    /// Requests per second that are allowed to all at the moment, where there is a limit.
    pub(super) fn rate(&self) -> Option<f64> {
        self.all.rate()
    }

    /// Whether all requests wait at the moment.
    pub(super) fn is_paused(&self, now: Duration) -> bool {
        self.all.is_paused(now)
    }

    /// Until when a grant has to wait, whatever the others do.
    pub(super) fn grant_waits(&mut self, grant: &GrantHandle, now: Duration) -> Option<Duration> {
        let own = self.grants.get_mut(grant)?;
        let gate = (own.gate > now).then_some(own.gate);
        gate.max(own.control.not_before(now))
    }

    /// Takes the turn of a request, if it may go now.
    pub(super) fn take_turn(&mut self, grant: &GrantHandle, now: Duration) -> Turn {
        if let Some(until) = self.grant_waits(grant, now) {
            return Turn::GrantWaits(until);
        }
        if let Some(until) = self.all.not_before(now) {
            return Turn::AllWait(until);
        }
        self.all.sent(now);
        self.own(grant, now).control.sent(now);
        Turn::Taken
    }

    pub(super) fn admitted(&mut self, grant: &GrantHandle, sent_at: Duration) {
        self.answered(false);
        self.all.admitted(sent_at);
        if let Some(own) = self.grants.get_mut(grant) {
            own.control.admitted(sent_at);
        }
    }

    /// The server refused a request sent then.
    pub(super) fn refused(
        &mut self,
        grant: &GrantHandle,
        sent_at: Duration,
        now: Duration,
        refusal: Throttled,
    ) {
        let wait = refusal.wait;
        let own = self.own(grant, now);
        // A token that sent three requests has not used a limit of 100,000 up.
        let sent = own.control.recently_admitted();
        let is_of_token = refusal.spent_limit.is_some_and(|limit| sent >= limit / 2);
        let is_same = sent_at < own.gate;
        own.gate = own.gate.max(now + wait.unwrap_or(DEFAULT_WAIT));
        if !is_of_token {
            self.answered(true);
            self.remember(grant, now, is_same);
        }
        let is_limited_alone = is_of_token || self.is_limited_alone(grant, now);
        let own = self.own(grant, now);
        if is_limited_alone {
            own.control.refused(sent_at, now, wait);
            // To the others this request does not count.
            self.all.note_refused(sent_at);
        } else {
            own.control.note_refused(sent_at);
            if self.all.is_learned() || self.are_all_limited(now) {
                self.all.refused(sent_at, now, wait);
            } else {
                self.all.note_refused(sent_at);
            }
        }
    }

    fn answered(&mut self, is_refused: bool) {
        self.answers.push_back(is_refused);
        if self.answers.len() > NEWEST {
            self.answers.pop_front();
        }
    }

    fn remember(&mut self, grant: &GrantHandle, now: Duration, is_same: bool) {
        let is_old = |oldest: &Refusal| oldest.at + REMEMBERED < now;
        while self.refusals.front().is_some_and(is_old) {
            self.refusals.pop_front();
        }
        self.refusals.push_back(Refusal {
            at: now,
            grant: grant.clone(),
            is_same,
        });
    }

    fn are_all_limited(&self, now: Duration) -> bool {
        let grants: HashSet<&GrantHandle> = self.refusals.iter().map(|one| &one.grant).collect();
        let active = self.active(now);
        let several = SEVERAL.min(active).max(2);
        let many = self.answers.iter().filter(|refused| **refused).count();
        grants.len() >= several && (many >= MANY || grants.len() * 2 > active)
    }

    /// Whether the grant is refused although it waited as it was told, and others are not.
    fn is_limited_alone(&self, grant: &GrantHandle, now: Duration) -> bool {
        let is_learned = |own: &GrantRate| own.control.is_learned();
        if self.grants.get(grant).is_some_and(is_learned) {
            return !self.are_all_limited(now);
        }
        if self.active(now) == 1 && !self.all.is_learned() {
            return true;
        }
        let separate = self.refusals.iter().filter(|one| !one.is_same);
        let (own, others): (Vec<_>, Vec<_>) = separate.partition(|one| one.grant == *grant);
        // What limits all strikes one grant several times now and then.
        let enough = match self.all.is_learned() {
            true => SEVERAL,
            false => 2,
        };
        own.len() >= enough && own.len() > 3 * others.len()
    }

    fn active(&self, now: Duration) -> usize {
        let is_active = |own: &&GrantRate| {
            let last = own.control.last_sent();
            last.is_some_and(|at| now.saturating_sub(at) < ACTIVE)
        };
        self.grants.values().filter(is_active).count()
    }

    fn own(&mut self, grant: &GrantHandle, now: Duration) -> &mut GrantRate {
        if self.grants.len() >= self.clean_at {
            self.grants.retain(|_, own| {
                let last = own.control.last_sent().unwrap_or_default();
                own.gate > now || now.saturating_sub(last) < REMEMBERED
            });
            self.clean_at = MANY_GRANTS.max(2 * self.grants.len());
        }
        self.grants
            .entry(grant.clone())
            .or_insert_with(|| GrantRate {
                control: RateControl::new(Scope::OneGrant, None),
                gate: Duration::ZERO,
            })
    }
}
