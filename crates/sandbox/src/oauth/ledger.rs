//! What the authorization server remembers: apps, approvals, codes, tokens, grants.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::thirteen_months_after;
use crate::oauth::app::{AccessType, App};
use crate::random::Random;

const CODE_SECONDS: i64 = 60;
const APPROVAL_SECONDS: i64 = 600;
const SESSION_SECONDS: i64 = 5400;

/// An app's place in the ledger.
pub(crate) type AppIndex = usize;
/// A patient's place in the population.
pub(crate) type PatientIndex = usize;
/// The key of a grant.
pub(crate) type Key = (AppIndex, PatientIndex);

/// Which app may read which patient's data, and which parts of it.
#[derive(Debug, Clone)]
pub(crate) struct Permission {
    pub(crate) app: AppIndex,
    pub(crate) patient: PatientIndex,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) include_samhsa: bool,
}

impl Permission {
    pub(crate) fn key(&self) -> Key {
        (self.app, self.patient)
    }
}

/// A login whose consent page has not been answered.
#[derive(Debug, Clone)]
struct Approval {
    patient: PatientIndex,
    expires: DateTime<Utc>,
}

/// A code that was handed out and not yet exchanged.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) permission: Permission,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    expires: DateTime<Utc>,
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) permission: Permission,
    pub(crate) expires: DateTime<Utc>,
}

/// A refresh token; kept after its use, since its second use is answered differently from that of
/// an unknown one.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) permission: Permission,
    pub(crate) access: String,
    pub(crate) retired: bool,
}

/// One patient's consent to one app.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// When it ends; `None` for research studies.
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// The tokens that the token endpoint issues.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) permission: Permission,
    pub(crate) grant_expires: Option<DateTime<Utc>>,
    pub(crate) seconds: u32,
}

/// The memory of the authorization server.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) apps: Vec<App>,
    pub(crate) random: Random,
    pub(crate) token_seconds: u32,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) access: HashMap<String, Access>,
    pub(crate) refresh: HashMap<String, Refresh>,
    pub(crate) grants: HashMap<Key, Grant>,
    approvals: HashMap<String, Approval>,
    sessions: HashMap<String, DateTime<Utc>>,
    relays: HashMap<String, String>,
}

impl Ledger {
    /// A ledger whose apps' credentials come from `seed` and whose tokens come from the system.
    pub(crate) fn new(seed: u64, token_seconds: u32) -> Self {
        let mut credentials = Random::seeded(seed ^ 0xc11e_27c0_de00);
        let apps = [
            ("Sandbox App", AccessType::ThirteenMonth),
            ("Sandbox One-Time App", AccessType::OneTime),
            ("Sandbox Research App", AccessType::ResearchStudy),
        ]
        .into_iter()
        .map(|(name, access)| App::new(name, access, &mut credentials))
        .collect();
        Self {
            apps,
            random: Random::from_system(),
            token_seconds,
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            grants: HashMap::new(),
            approvals: HashMap::new(),
            sessions: HashMap::new(),
            relays: HashMap::new(),
        }
    }

    pub(crate) fn app_by_id(&self, client_id: &str) -> Option<AppIndex> {
        self.apps.iter().position(|app| app.client_id == client_id)
    }

    /// Remembers the page that a login continues with.
    pub(crate) fn open_relay(&mut self, next: &str) -> String {
        let relay = self.random.digits(26);
        self.relays.insert(relay.clone(), next.to_owned());
        relay
    }

    /// The page that the login of `relay` continues with; it is returned once.
    pub(crate) fn close_relay(&mut self, relay: &str) -> Option<String> {
        self.relays.remove(relay)
    }

    /// After a login: the id of the consent page, and a browser session.
    pub(crate) fn open_approval(
        &mut self,
        patient: PatientIndex,
        now: DateTime<Utc>,
    ) -> (String, String) {
        let id = self.random.uuid();
        let session = self.random.alphanumeric(32);
        let expires = now + TimeDelta::seconds(APPROVAL_SECONDS);
        let session_ends = now + TimeDelta::seconds(SESSION_SECONDS);
        self.approvals
            .insert(id.clone(), Approval { patient, expires });
        self.sessions.insert(session.clone(), session_ends);
        (id, session)
    }

    /// The patient of a consent page, while it is valid.
    pub(crate) fn approval(&self, id: &str, now: DateTime<Utc>) -> Option<PatientIndex> {
        let approval = self.approvals.get(id)?;
        (now < approval.expires).then_some(approval.patient)
    }

    pub(crate) fn knows_approval(&self, id: &str) -> bool {
        self.approvals.contains_key(id)
    }

    pub(crate) fn close_approval(&mut self, id: &str) {
        self.approvals.remove(id);
    }

    pub(crate) fn session_is_valid(&self, session: &str, now: DateTime<Utc>) -> bool {
        let expires = self.sessions.get(session);
        expires.is_some_and(|expires| now < *expires)
    }

    /// Consent: earlier tokens of the same app and patient die, the grant is renewed, a code is
    /// made.
    pub(crate) fn consent(
        &mut self,
        permission: Permission,
        redirect_uri: &str,
        challenge: &str,
        now: DateTime<Utc>,
    ) -> String {
        let key = permission.key();
        self.delete_tokens(key);
        let expires = match self.apps[permission.app].access {
            AccessType::ThirteenMonth => Some(thirteen_months_after(now)),
            AccessType::OneTime => Some(self.token_end(now)),
            AccessType::ResearchStudy => None,
        };
        self.grants.insert(key, Grant { expires });
        let text = self.random.alphanumeric(30);
        let code = Code {
            permission,
            redirect_uri: redirect_uri.to_owned(),
            challenge: challenge.to_owned(),
            expires: now + TimeDelta::seconds(CODE_SECONDS),
        };
        self.codes.insert(text.clone(), code);
        text
    }

    /// The code, while it is valid.
    pub(crate) fn code(&self, code: &str, now: DateTime<Utc>) -> Option<&Code> {
        self.codes.get(code).filter(|code| now < code.expires)
    }

    /// A new pair of tokens.
    pub(crate) fn issue(&mut self, permission: Permission, now: DateTime<Utc>) -> Issued {
        let access_token = self.random.alphanumeric(30);
        let refresh_token = self.random.alphanumeric(30);
        let expires = self.token_end(now);
        let access = Access {
            permission: permission.clone(),
            expires,
        };
        let refresh = Refresh {
            permission: permission.clone(),
            access: access_token.clone(),
            retired: false,
        };
        self.access.insert(access_token.clone(), access);
        self.refresh.insert(refresh_token.clone(), refresh);
        let grant_expires = match self.apps[permission.app].access {
            AccessType::OneTime => Some(expires),
            _ => self.grant_end(permission.key()),
        };
        Issued {
            access_token,
            refresh_token,
            permission,
            grant_expires,
            seconds: self.token_seconds,
        }
    }

    fn token_end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::seconds(self.token_seconds.into())
    }

    fn grant_end(&self, key: Key) -> Option<DateTime<Utc>> {
        self.grants.get(&key)?.expires
    }

    /// The old refresh token is retired, its access token dies at once.
    pub(crate) fn retire(&mut self, refresh_token: &str) {
        if let Some(refresh) = self.refresh.get_mut(refresh_token) {
            refresh.retired = true;
            self.access.remove(&refresh.access);
        }
    }

    /// Retires the refresh token that belongs to an access token.
    pub(crate) fn retire_pair_of(&mut self, access_token: &str) {
        self.access.remove(access_token);
        for refresh in self.refresh.values_mut() {
            refresh.retired |= refresh.access == access_token;
        }
    }

    /// Every token of an app and patient is forgotten.
    fn delete_tokens(&mut self, key: Key) {
        self.access
            .retain(|_, access| access.permission.key() != key);
        self.refresh
            .retain(|_, refresh| refresh.permission.key() != key);
    }

    /// The grant is removed together with its tokens.
    pub(crate) fn delete_grant(&mut self, key: Key) {
        self.delete_tokens(key);
        self.grants.remove(&key);
    }

    /// The grant is removed, its access tokens die; refresh tokens stay known, so that their use
    /// is answered with "User access cannot be found". Gives whether there was a grant.
    pub(crate) fn revoke_grant(&mut self, key: Key) -> bool {
        self.access
            .retain(|_, access| access.permission.key() != key);
        self.grants.remove(&key).is_some()
    }

    /// Whether a thirteen-month grant is over.
    pub(crate) fn grant_is_over(&self, key: Key, now: DateTime<Utc>) -> bool {
        self.apps[key.0].access == AccessType::ThirteenMonth
            && self.grant_end(key).is_some_and(|expires| expires <= now)
    }
}
