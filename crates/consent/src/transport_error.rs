//! Why a connection to a server failed (DNS, routing, proxy, TLS), as a text that names the host
//! and the setting to check, and never a path, a query or a secret. reqwest reports such errors as
//! nested causes of several libraries; they are analysed here.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};
use url::Url;

/// The proxy variables that reqwest reads, in its order; the first that is set is named in
/// messages.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A server as error messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName {
    host: String,
    /// The variable that names the proxy for this server; `None` without a proxy.
    proxy: Option<&'static str>,
}

/// Why there is no connection. No request was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    cause: Cause,
    words: String,
}

/// The causes that messages and retries distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The certificate's `notAfter` is in the past, by this machine's clock.
    Expired,
    /// Its `notBefore` is in the future; usually this machine's clock is wrong.
    NotYetValid,
    /// None of its subject alternative names is the host.
    WrongHost,
    /// No trusted root has signed it; usually a proxy inspects TLS.
    UnknownIssuer,
    /// The server presents a CA's own certificate.
    SelfSigned,
    /// A revocation list contains it.
    Revoked,
    /// It cannot be used for another reason.
    OtherCertificate,
    /// The port answers, but not with TLS.
    NotTls,
    /// There is no common protocol version or cipher, or a client certificate is required.
    TlsRefused,
    /// The connection ended during the handshake.
    TlsBroken,
    /// DNS says that the name does not exist.
    NameNotFound,
    /// DNS did not answer.
    NameLookupFailed,
    /// Nothing listens on the port.
    Refused,
    /// Host or network cannot be reached.
    NoRoute,
    /// No connection within the limit.
    TimedOut,
    /// The proxy requires credentials, or refused them.
    ProxyRefused,
    /// The proxy could not connect to the server.
    ProxyFailed,
    Other,
}

impl Cause {
    /// Whether every further attempt fails in the same way until a setting, a certificate or a
    /// clock is corrected.
    fn is_lasting(self) -> bool {
        !matches!(
            self,
            Self::TlsBroken
                | Self::NameNotFound
                | Self::NameLookupFailed
                | Self::Refused
                | Self::NoRoute
                | Self::TimedOut
                | Self::ProxyFailed
                | Self::Other
        )
    }

    fn words(self) -> &'static str {
        match self {
            Self::Expired => {
                "its TLS certificate has expired (see whether this machine's clock is right; else \
                 the server's owner must renew it)"
            }
            Self::NotYetValid => {
                "its TLS certificate is not valid yet (see whether this machine's clock is right)"
            }
            Self::WrongHost => {
                "its TLS certificate is for another host name (check source.base_url, and whether \
                 a proxy or captive portal answers instead)"
            }
            Self::UnknownIssuer => {
                "its TLS certificate is signed by nobody this machine trusts (where a proxy here \
                 inspects TLS, SSL_CERT_FILE must name a PEM file with the proxy's CA)"
            }
            Self::SelfSigned => {
                "its TLS certificate is self-signed and made for a CA, not for a server (check \
                 source.base_url; the server needs a certificate of its own)"
            }
            Self::Revoked => "its TLS certificate has been revoked (check source.base_url)",
            Self::OtherCertificate => {
                "its TLS certificate cannot be used (check source.base_url, and whether a proxy \
                 answers instead)"
            }
            Self::NotTls => {
                "it does not answer by TLS (check scheme and port of source.base_url, and whether \
                 a proxy answers instead)"
            }
            Self::TlsRefused => {
                "it refuses the TLS handshake: no protocol version or cipher in common, or it \
                 wants a client certificate (check source.base_url)"
            }
            Self::TlsBroken => "it closed the connection during the TLS handshake",
            Self::NameNotFound => {
                "its name was not found (DNS): check source.base_url and the network"
            }
            Self::NameLookupFailed => {
                "its name could not be looked up now (DNS): check the network"
            }
            Self::Refused => {
                "the connection was refused: nothing listens there (check source.base_url)"
            }
            Self::NoRoute => "there is no route to it: check the network",
            Self::TimedOut => "no connection in time: check the network and firewalls",
            Self::ProxyRefused => {
                "the proxy wants a user name and password, or refused them (check HTTPS_PROXY)"
            }
            Self::ProxyFailed => "the proxy made no connection to it (check HTTPS_PROXY)",
            Self::Other => "the connection failed",
        }
    }
}

impl ServerName {
    /// The server at `base_url`, and the proxy for requests to it, according to the environment.
    #[must_use]
    pub fn of(base_url: &Url) -> Self {
        let host = base_url.host_str().unwrap_or("the server");
        let host = match base_url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let proxy = match crate::is_loopback(base_url) {
            true => None,
            false => PROXY_VARIABLES.into_iter().find(is_set),
        };
        Self { host, proxy }
    }

    /// The host, with the port unless it is the default one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Why a request could not be sent; `None` if there was a connection, so that the request may
    /// have been carried out.
    pub fn unreachable(&self, error: &reqwest::Error) -> Option<Unreachable> {
        (error.is_connect() || error.is_builder()).then(|| self.of_chain(error, error.is_timeout()))
    }

    /// Finds the cause in an error and its sources.
    fn of_chain(&self, error: &(dyn Error + 'static), is_timeout: bool) -> Unreachable {
        let cause = match cause(error) {
            Cause::Other if is_timeout => Cause::TimedOut,
            cause => cause,
        };
        let by_proxy = match self.proxy {
            Some(variable) => format!(" (through the proxy that {variable} names)"),
            None => String::new(),
        };
        let settings = match cause {
            Cause::UnknownIssuer => format!("; {}", crate::trust::settings()),
            _ => String::new(),
        };
        Unreachable {
            cause,
            words: format!(
                "connecting to {}{by_proxy}: {}{settings}",
                self.host,
                cause.words()
            ),
        }
    }
}

impl Unreachable {
    /// Host, cause and what to look at.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether every further try ends the same way until something is changed.
    pub fn is_lasting(&self) -> bool {
        self.cause.is_lasting()
    }
}

/// The error if no HTTP client can be created, usually because configured certificates cannot be
/// read.
pub(crate) fn no_client(error: reqwest::Error) -> String {
    let words = crate::chain(&error.without_url());
    format!(
        "making the HTTP client: {words} ({}; without them, the system's own certificates are read)",
        crate::trust::settings()
    )
}

/// Searches an error and its sources, from the outermost. A more specific cause replaces a general
/// one.
fn cause(error: &(dyn Error + 'static)) -> Cause {
    let mut next = Some(error);
    // What the outer layers say is kept until an inner one says something more exact.
    let mut found = Cause::Other;
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        let text = error.to_string();
        // The source of one that wraps another is what caused that one, which would be left out.
        let mut wrapped = None;
        if let Some(io) = error.downcast_ref::<io::Error>() {
            wrapped = io.get_ref();
            found = of_io(io, &text, found);
        } else if text == "dns error" {
            found = Cause::NameLookupFailed;
        } else if text.starts_with("tunnel error") {
            found = match text.contains("authorization") {
                true => Cause::ProxyRefused,
                false => Cause::ProxyFailed,
            };
        }
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    found
}

/// The cause that an I/O error shows; `outer` if it shows none.
fn of_io(error: &io::Error, text: &str, outer: Cause) -> Cause {
    const NOT_KNOWN: [&str; 4] = [
        "not known",
        "No address",
        "nodename nor servname",
        "No such host",
    ];
    if outer == Cause::NameLookupFailed || text.contains("failed to lookup address") {
        return match NOT_KNOWN.iter().any(|words| text.contains(words)) {
            true => Cause::NameNotFound,
            false => Cause::NameLookupFailed,
        };
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Cause::NoRoute,
        io::ErrorKind::TimedOut => Cause::TimedOut,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Cause::TlsBroken,
        _ => outer,
    }
}

/// The cause that an error of rustls shows.
fn of_tls(error: &rustls::Error) -> Cause {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(certificate) => of_certificate(certificate),
        Tls::InvalidMessage(_) | Tls::DecryptError | Tls::PeerMisbehaved(_) => Cause::NotTls,
        Tls::AlertReceived(alert) => match alert {
            AlertDescription::CloseNotify | AlertDescription::InternalError => Cause::TlsBroken,
            _ => Cause::TlsRefused,
        },
        Tls::PeerIncompatible(_) | Tls::NoApplicationProtocol => Cause::TlsRefused,
        Tls::NoCertificatesPresented | Tls::UnsupportedNameType => Cause::OtherCertificate,
        _ => Cause::Other,
    }
}

/// The cause that a rejected certificate shows.
fn of_certificate(error: &CertificateError) -> Cause {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Cause::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Cause::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Cause::WrongHost
        }
        CertificateError::UnknownIssuer => Cause::UnknownIssuer,
        CertificateError::Revoked => Cause::Revoked,
        // A certificate made to sign others, used as the server's own.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            Cause::SelfSigned
        }
        _ => Cause::OtherCertificate,
    }
}

#[cfg(test)]
mod tests;
