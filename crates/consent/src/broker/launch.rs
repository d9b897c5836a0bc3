//! Starts the broker process. It receives its settings, which include secrets, through a pipe:
//! arguments and environment can be read by other processes of the same user, and end up in logs.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::lines::{json_line, read_line};
use super::patience::{BrokerPatience, Notices, SignsOfLife, Waiting};
use super::protocol::{Activity, BrokerSettings, Failure, Start};
use crate::ConsentError;

/// How the broker process is started, and how long it is waited for.
#[derive(Debug, Clone)]
pub struct BrokerLaunch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, none of them secret.
    pub arguments: Vec<String>,
    /// Time limits of the calls to it.
    pub patience: BrokerPatience,
}

/// The environment variables that the broker needs: certificates, proxies, and what system
/// libraries read. No other variable is passed on, in particular not those with the client secret
/// and the vault's key.
const PASSED_ON: [&str; 13] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
];
const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

impl BrokerLaunch {
    /// This very program with the hidden command `broker`.
    ///
    /// # Errors
    /// Where the system does not tell which program this is.
    pub fn this_program() -> Result<Self, ConsentError> {
        let program = std::env::current_exe().map_err(|error| ConsentError::Broker {
            reason: format!("finding the program to start the broker with: {error}"),
        })?;
        Ok(Self {
            program,
            arguments: vec!["broker".into()],
            patience: BrokerPatience::default(),
        })
    }

    /// Starts a broker and waits for its first message. From then on, it is independent of this
    /// process.
    pub(super) async fn start(
        &self,
        settings: &BrokerSettings,
        notices: &Notices,
    ) -> Result<Start, Failure> {
        let failed =
            |error: std::io::Error| Failure::broker(format!("starting the token broker: {error}"));
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(passed_on(std::env::vars_os(), settings))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(false)
            .spawn()
            .map_err(failed)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(Failure::broker("starting the token broker: no answer"));
        };
        let signs = SignsOfLife::default();
        let waiting = Waiting {
            patience: &self.patience,
            notices,
            signs: &signs,
            pid: child.id(),
            asked: "to start, or to wait for the one before it to end",
        };
        let answered = waiting.for_it(async {
            let text = json_line(settings).map_err(failed)?;
            // One that ends at once says why on its standard output.
            let _ = stdin.write_all(&text).await;
            drop(stdin);
            let mut lines = BufReader::new(stdout);
            let mut line = Zeroizing::new(String::new());
            while read_line(&mut lines, &mut line).await.map_err(failed)? {
                signs.line();
                match serde_json::from_str(&line) {
                    Ok(Start::Waiting { holder }) => signs.activity(Activity {
                        lock_holder: holder,
                        ..Activity::default()
                    }),
                    Err(_) => {}
                    Ok(start) => return Ok(start),
                }
            }
            Err(Failure::broker(
                "the token broker ended before it could serve",
            ))
        });
        answered.await?
    }
}

/// The environment for the broker: the variables that it needs, unless a value contains a secret.
/// Paths are made absolute, since it runs in the root folder.
fn passed_on(
    environment: impl Iterator<Item = (OsString, OsString)>,
    settings: &BrokerSettings,
) -> Vec<(OsString, OsString)> {
    let secrets = [&settings.client_secret, &settings.vault_key];
    environment
        .filter(|(name, value)| {
            let (Some(name), value) = (name.to_str(), value.to_string_lossy()) else {
                return false;
            };
            let is_needed = PASSED_ON.contains(&name)
                || PROXIES.iter().any(|proxy| proxy.eq_ignore_ascii_case(name));
            // Whatever a variable is called, it may be the one that client_secret_env names.
            let is_secret = secrets
                .iter()
                .any(|secret| !secret.is_empty() && value.contains(secret.expose()));
            is_needed && !is_secret
        })
        .map(|(name, value)| {
            let value = match name.to_str() {
                Some("SSL_CERT_FILE" | "TMPDIR") => absolute(&value),
                Some("SSL_CERT_DIR") => all_absolute(&value),
                _ => value,
            };
            (name, value)
        })
        .collect()
}

/// An absolute path; unchanged if it is empty or there is no current folder.
fn absolute(path: &OsStr) -> OsString {
    std::path::absolute(path).map_or_else(|_| path.to_owned(), PathBuf::into_os_string)
}

/// The same for a list of paths that are separated by colons.
fn all_absolute(paths: &OsStr) -> OsString {
    let parts = std::env::split_paths(paths).map(|path| absolute(path.as_os_str()));
    std::env::join_paths(parts).unwrap_or_else(|_| paths.to_owned())
}

#[cfg(test)]
mod tests {
    use claimlake_contract::Secret;
    use std::ffi::OsString;

    use super::passed_on;
    use crate::broker::protocol::BrokerSettings;

    fn settings() -> BrokerSettings {
        BrokerSettings {
            data_dir: "/data".into(),
            base_url: "https://api.example".into(),
            client_id: "app".into(),
            client_secret: Secret::new("the-secret"),
            vault_key: Secret::new("the-key"),
        }
    }

    #[test]
    fn a_broker_finds_the_certificates_that_are_named_from_the_folder_of_the_command() {
        let here = std::env::current_dir().unwrap();
        let at = |path: &str| here.join(path).to_str().unwrap().to_owned();
        for (name, value, given) in [
            ("SSL_CERT_FILE", "tls/ca.pem", at("tls/ca.pem")),
            ("SSL_CERT_FILE", "./ca.pem", at("ca.pem")),
            ("SSL_CERT_FILE", "/etc/ca.pem", "/etc/ca.pem".to_owned()),
            ("SSL_CERT_FILE", "", String::new()),
            ("SSL_CERT_DIR", "certs", at("certs")),
            (
                "SSL_CERT_DIR",
                "a:/b:c",
                format!("{}:/b:{}", at("a"), at("c")),
            ),
            ("SSL_CERT_DIR", "/a::/b", "/a::/b".to_owned()),
            ("TMPDIR", "tmp", at("tmp")),
            ("PATH", "bin:/usr/bin", "bin:/usr/bin".to_owned()),
        ] {
            let environment = [(name.into(), value.into())];
            let found = passed_on(environment.into_iter(), &settings());
            assert_eq!(found, [(name.into(), given.into())], "{name}={value}");
        }
    }

    #[test]
    fn a_broker_is_given_certificates_and_proxies_and_no_secret_whatever_it_is_called() {
        let settings = settings();
        let environment = [
            ("PATH", "/bin"),
            ("SSL_CERT_FILE", "/etc/ca.pem"),
            ("https_proxy", "http://proxy:3128"),
            ("No_Proxy", "localhost"),
            // Names as pipelines use them, and others that hold secrets.
            ("BLUE_BUTTON_CLIENT_SECRET", "the-secret"),
            ("CLAIMLAKE_VAULT_KEY", "the-key"),
            ("CLAIMLAKE_SOURCE_CLIENT_SECRET", "the-secret"),
            ("AWS_SECRET_ACCESS_KEY", "another"),
            ("SSH_AUTH_SOCK", "/tmp/agent"),
            // Whoever calls it so gets no broker that can find it, and no leak either.
            ("HOME", "the-secret"),
            ("TZ", "x:the-key"),
            ("LANG", "C"),
        ]
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let given: Vec<OsString> = passed_on(environment.into_iter(), &settings)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            given,
            ["PATH", "SSL_CERT_FILE", "https_proxy", "No_Proxy", "LANG"]
        );
    }
}
