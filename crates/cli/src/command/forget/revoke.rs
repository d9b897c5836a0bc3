//! The consent at the server, ended before anything is removed here.

use std::sync::Arc;

use anyhow::anyhow;
use claimlake_consent::grants;
use claimlake_contract::Person;
use claimlake_vault::{GrantState, Vault};

use crate::broker::with_broker;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::pipeline::SourceKind;

/// What happened to the consent.
pub(super) enum Revocation {
    /// There is none, or none any more.
    Nothing,
    /// The server has ended it.
    Done,
    /// Revocation was not requested.
    NotAsked,
    /// It did not.
    Failed(Failure),
}

impl Revocation {
    /// Revokes every grant of the person that is not revoked yet.
    pub(super) fn of(
        person: &Person,
        vault: &Arc<Vault>,
        invocation: &Invocation,
    ) -> Outcome<Self> {
        let mut grants = vault.grants_of(person)?;
        grants.retain(|grant| grant.state != GrantState::Revoked);
        // The embedded sandbox keeps no consent beyond its run.
        let embedded = invocation.pipeline()?.source.kind == SourceKind::Sandbox;
        if grants.is_empty() || embedded {
            return Ok(Self::Nothing);
        }
        let revoked = with_broker(vault, invocation, async |broker| {
            for grant in &grants {
                grants::revoke(vault, broker, &grant.handle).await?;
            }
            Ok(())
        });
        Ok(match revoked {
            Ok(()) => Self::Done,
            Err(failure) => Self::Failed(failure),
        })
    }

    /// Whether the removal may continue.
    pub(super) fn allow(&self, yes: bool) -> Outcome<()> {
        match self {
            Self::Failed(failure) if !yes => Err(Failure {
                exit: failure.exit,
                cause: anyhow!(
                    "the consent could not be revoked at the server ({failure}); nothing was \
                     removed; --offline goes on without"
                ),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Nothing | Self::Done)
    }

    pub(super) fn words(&self) -> String {
        match self {
            Self::Nothing => "there was none at the server to revoke".into(),
            Self::Done => "revoked, and the server refuses its token since".into(),
            Self::NotAsked => "not revoked at the server: the person can end it at Medicare.gov, \
                               else it ends by itself"
                .into(),
            Self::Failed(failure) => format!(
                "could not be revoked at the server ({failure}): the person can end it at \
                 Medicare.gov, else it ends by itself"
            ),
        }
    }
}
