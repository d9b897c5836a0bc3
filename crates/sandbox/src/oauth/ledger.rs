//! What the authorization server remembers: apps, approvals, codes, tokens, grants.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::thirteen_months_after;
use crate::noise::Noise;
use crate::oauth::app::{AccessType, App};

const CODE_SECONDS: i64 = 60;
const APPROVAL_SECONDS: i64 = 600;
const SESSION_SECONDS: i64 = 5400;

/// An app's place in the ledger.
pub(crate) type AppIndex = usize;
/// A person's place in the population.
pub(crate) type PersonIndex = usize;

/// A person who has logged in and not yet answered.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(crate) person: PersonIndex,
    expires: DateTime<Utc>,
}

/// A code that was handed out and not yet exchanged.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) app: AppIndex,
    pub(crate) person: PersonIndex,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) include_samhsa: bool,
    expires: DateTime<Utc>,
}

/// An access token.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) app: AppIndex,
    pub(crate) person: PersonIndex,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) include_samhsa: bool,
    pub(crate) expires: DateTime<Utc>,
}

/// A refresh token; kept after its use, since its second use is answered differently from that of
/// an unknown one.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) app: AppIndex,
    pub(crate) person: PersonIndex,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) include_samhsa: bool,
    pub(crate) access: String,
    pub(crate) retired: bool,
}

/// One person's consent to one app.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// When it ends; research studies have none.
    pub(crate) expires: Option<DateTime<Utc>>,
}

/// What the token endpoint hands out.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) person: PersonIndex,
    pub(crate) grant_expires: Option<DateTime<Utc>>,
    pub(crate) seconds: u32,
}

/// The memory of the authorization server.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) apps: Vec<App>,
    pub(crate) noise: Noise,
    pub(crate) token_seconds: u32,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) access: HashMap<String, Access>,
    pub(crate) refresh: HashMap<String, Refresh>,
    pub(crate) grants: HashMap<(AppIndex, PersonIndex), Grant>,
    approvals: HashMap<String, Approval>,
    sessions: HashMap<String, (PersonIndex, DateTime<Utc>)>,
    relays: HashMap<String, String>,
}

impl Ledger {
    /// A ledger whose apps' credentials come from `seed` and whose tokens come from the system.
    pub(crate) fn new(seed: u64, token_seconds: u32) -> Self {
        let mut credentials = Noise::seeded(seed ^ 0xc11e_27c0_de00);
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
            noise: Noise::from_system(),
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

    /// Remembers where a login leads to.
    pub(crate) fn open_relay(&mut self, next: &str) -> String {
        let relay = self.noise.digits(26);
        self.relays.insert(relay.clone(), next.to_owned());
        relay
    }

    /// Where the login of `relay` leads to; asked for once.
    pub(crate) fn close_relay(&mut self, relay: &str) -> Option<String> {
        self.relays.remove(relay)
    }

    /// A person has logged in: the id of the consent page, and a browser session.
    pub(crate) fn open_approval(
        &mut self,
        person: PersonIndex,
        now: DateTime<Utc>,
    ) -> (String, String) {
        let id = self.noise.uuid();
        let session = self.noise.alphanumeric(32);
        let approval = Approval {
            person,
            expires: now + TimeDelta::seconds(APPROVAL_SECONDS),
        };
        self.approvals.insert(id.clone(), approval);
        let session_ends = now + TimeDelta::seconds(SESSION_SECONDS);
        self.sessions
            .insert(session.clone(), (person, session_ends));
        (id, session)
    }

    /// The person of a consent page, while it lives.
    pub(crate) fn approval(&self, id: &str, now: DateTime<Utc>) -> Option<PersonIndex> {
        let approval = self.approvals.get(id)?;
        (now < approval.expires).then_some(approval.person)
    }

    pub(crate) fn knows_approval(&self, id: &str) -> bool {
        self.approvals.contains_key(id)
    }

    pub(crate) fn close_approval(&mut self, id: &str) {
        self.approvals.remove(id);
    }

    pub(crate) fn session_lives(&self, session: &str, now: DateTime<Utc>) -> bool {
        self.sessions
            .get(session)
            .is_some_and(|(_, expires)| now < *expires)
    }

    /// Consent: earlier tokens of the same app and person die, the grant is renewed, a code is
    /// made.
    #[expect(
        clippy::too_many_arguments,
        reason = "a code is bound to exactly these"
    )]
    pub(crate) fn consent(
        &mut self,
        app: AppIndex,
        person: PersonIndex,
        scopes: BTreeSet<String>,
        redirect_uri: String,
        challenge: String,
        include_samhsa: bool,
        now: DateTime<Utc>,
    ) -> String {
        self.delete_tokens(app, person);
        let expires = match self.apps[app].access {
            AccessType::ThirteenMonth => Some(thirteen_months_after(now)),
            AccessType::OneTime => Some(now + TimeDelta::seconds(self.token_seconds.into())),
            AccessType::ResearchStudy => None,
        };
        self.grants.insert((app, person), Grant { expires });
        let code = self.noise.alphanumeric(30);
        let held = Code {
            app,
            person,
            scopes,
            redirect_uri,
            challenge,
            include_samhsa,
            expires: now + TimeDelta::seconds(CODE_SECONDS),
        };
        self.codes.insert(code.clone(), held);
        code
    }

    /// The code, while it lives.
    pub(crate) fn code(&self, code: &str, now: DateTime<Utc>) -> Option<&Code> {
        self.codes.get(code).filter(|held| now < held.expires)
    }

    /// A new pair of tokens.
    pub(crate) fn issue(
        &mut self,
        app: AppIndex,
        person: PersonIndex,
        scopes: BTreeSet<String>,
        include_samhsa: bool,
        now: DateTime<Utc>,
    ) -> Issued {
        let access_token = self.noise.alphanumeric(30);
        let refresh_token = self.noise.alphanumeric(30);
        let access = Access {
            app,
            person,
            scopes: scopes.clone(),
            include_samhsa,
            expires: now + TimeDelta::seconds(self.token_seconds.into()),
        };
        let refresh = Refresh {
            app,
            person,
            scopes: scopes.clone(),
            include_samhsa,
            access: access_token.clone(),
            retired: false,
        };
        self.access.insert(access_token.clone(), access);
        self.refresh.insert(refresh_token.clone(), refresh);
        let grant_expires = match self.apps[app].access {
            AccessType::OneTime => Some(now + TimeDelta::seconds(self.token_seconds.into())),
            _ => self
                .grants
                .get(&(app, person))
                .and_then(|grant| grant.expires),
        };
        Issued {
            access_token,
            refresh_token,
            scopes,
            person,
            grant_expires,
            seconds: self.token_seconds,
        }
    }

    /// The old refresh token is retired, its access token dies at once.
    pub(crate) fn retire(&mut self, refresh_token: &str) {
        if let Some(refresh) = self.refresh.get_mut(refresh_token) {
            refresh.retired = true;
            self.access.remove(&refresh.access);
        }
    }

    /// Every token of an app and person is forgotten.
    pub(crate) fn delete_tokens(&mut self, app: AppIndex, person: PersonIndex) {
        self.access
            .retain(|_, held| (held.app, held.person) != (app, person));
        self.refresh
            .retain(|_, held| (held.app, held.person) != (app, person));
    }

    /// Retires the refresh token that belongs to an access token.
    pub(crate) fn retire_pair_of(&mut self, access_token: &str) {
        self.access.remove(access_token);
        for refresh in self.refresh.values_mut() {
            if refresh.access == access_token {
                refresh.retired = true;
            }
        }
    }

    /// The grant is removed together with its tokens.
    pub(crate) fn delete_grant(&mut self, app: AppIndex, person: PersonIndex) -> bool {
        self.delete_tokens(app, person);
        self.grants.remove(&(app, person)).is_some()
    }

    /// The grant is removed, its access tokens die; refresh tokens stay known, so that their use
    /// is answered with "User access cannot be found".
    pub(crate) fn revoke_grant(&mut self, app: AppIndex, person: PersonIndex) -> bool {
        self.access
            .retain(|_, held| (held.app, held.person) != (app, person));
        self.grants.remove(&(app, person)).is_some()
    }

    /// Whether a thirteen-month grant is over.
    pub(crate) fn grant_is_over(
        &self,
        app: AppIndex,
        person: PersonIndex,
        now: DateTime<Utc>,
    ) -> bool {
        self.apps[app].access == AccessType::ThirteenMonth
            && self
                .grants
                .get(&(app, person))
                .and_then(|grant| grant.expires)
                .is_some_and(|expires| expires <= now)
    }
}
