//! `grants import`: stores grants that an app's own consent screen obtained.

use std::io::BufRead;

use claimlake_contract::ApiVersion;
use claimlake_contract::text_form;
use claimlake_vault::{AccessAction, Forgotten, GrantChange, Vault};
use serde::Serialize;
use zeroize::Zeroizing;

use super::file::read_line;
use crate::{BrokerClient, ConsentError};

/// What an import did. Lines that cannot be read are listed; all others are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// New grants.
    pub inserted: u64,
    /// Grants whose tokens a newer consent replaced.
    pub renewed: u64,
    /// Grants whose refresh token the vault has, or once had; nothing was changed.
    pub unchanged: u64,
    /// Grants of which the vault has a newer consent; nothing was changed.
    pub older_ignored: u64,
    /// Grants of patients who were forgotten here; nothing was stored.
    pub forgotten: u64,
    /// Lines that could not be read.
    pub bad_lines: Vec<BadLine>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong; nothing of the line is shown.
    pub reason: String,
}

/// Stores the grants of a file line by line, through the broker. `default_api` is used for lines
/// that name no API version; `forgotten` decides about patients who were forgotten here.
///
/// # Errors
///
/// The input cannot be read or the vault cannot be written. Lines stored before remain;
/// importing the same file again does not change them.
pub async fn import(
    vault: &Vault,
    broker: &BrokerClient,
    mut input: impl BufRead,
    default_api: ApiVersion,
    forgotten: Forgotten,
) -> Result<ImportReport, ConsentError> {
    let mut report = ImportReport::default();
    let mut number = 0;
    let mut bytes = Zeroizing::new(Vec::new());
    loop {
        bytes.clear();
        let length =
            input
                .read_until(b'\n', &mut bytes)
                .map_err(|error| ConsentError::Configuration {
                    reason: format!("reading the grant file: {error}"),
                })?;
        if length == 0 {
            return Ok(report);
        }
        number += 1;
        if number == 1
            && let Some(what) = text_form::unreadable(&bytes)
        {
            report.bad_lines.push(BadLine {
                line: number,
                reason: format!("nothing of it was read: the input is {what}"),
            });
            return Ok(report);
        }
        let read = std::str::from_utf8(&bytes)
            .map_err(|_| text_form::not_utf8(&bytes).to_owned())
            .map(|text| text_form::without_mark(text).trim());
        let grant = match read {
            Ok("") => continue,
            Ok(text) => read_line(text, default_api),
            Err(reason) => Err(reason),
        };
        let grant = match grant {
            Ok(grant) => grant,
            Err(reason) => {
                report.bad_lines.push(BadLine {
                    line: number,
                    reason,
                });
                continue;
            }
        };
        if let Some(patient) = &grant.patient
            && vault.is_forgotten(grant.api, patient)?
        {
            match forgotten {
                Forgotten::Refused => {
                    report.forgotten += 1;
                    continue;
                }
                Forgotten::TakenBack => vault.consent_again(grant.api, patient)?,
            };
        }
        if let Some(owner) = vault.owner_of_token(&grant)? {
            report.bad_lines.push(BadLine {
                line: number,
                reason: format!("its refresh_token belongs to grant {owner}, another patient's"),
            });
            continue;
        }
        let stored = broker.import(&grant).await?;
        let count = match stored.change {
            GrantChange::Inserted => &mut report.inserted,
            GrantChange::Renewed => &mut report.renewed,
            GrantChange::Unchanged => &mut report.unchanged,
            GrantChange::OlderIgnored => &mut report.older_ignored,
        };
        *count += 1;
        if matches!(stored.change, GrantChange::Inserted | GrantChange::Renewed) {
            let grant = vault.grant(&stored.handle)?;
            vault
                .access_log()
                .append("grants import", AccessAction::Imported, &[&grant])?;
        }
    }
}
