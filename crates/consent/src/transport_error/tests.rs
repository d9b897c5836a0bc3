//! Tests of what is said where no connection came about: by errors made here, and by servers.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use rustls::{AlertDescription, CertificateError, InvalidMessage};
use url::Url;

use super::{Cause, ServerName};
use crate::app::App;
use crate::endpoint::{Endpoint, Posted};
use crate::testing::{TLS_FAULTS, start};

/// An outer layer as HTTP clients put around an error.
#[derive(Debug)]
struct Layer(&'static str, Box<dyn Error + Send + Sync>);

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.1.as_ref())
    }
}

fn tls(error: rustls::Error) -> Layer {
    let io = io::Error::other(io::Error::new(ErrorKind::InvalidData, error));
    Layer("client error (Connect)", io.into())
}

fn certificate(error: CertificateError) -> Layer {
    tls(rustls::Error::InvalidCertificate(error))
}

fn tcp(kind: ErrorKind) -> Layer {
    let io = io::Error::new(kind, "secret=x");
    let layer = Layer("tcp connect error", io.into());
    Layer("client error (Connect)", Box::new(layer))
}

fn dns(text: &'static str) -> Layer {
    Layer("dns error", io::Error::other(text).into())
}

#[test]
fn every_cause_is_named_and_only_what_may_pass_by_itself_is_tried_again() {
    use CertificateError as Bad;
    let other = |text: &'static str| {
        let error: Box<dyn Error + Send + Sync> = text.into();
        Bad::Other(rustls::OtherError(error.into()))
    };
    for (error, words, is_lasting) in [
        (certificate(Bad::Expired), "certificate has expired", true),
        (certificate(Bad::NotValidYet), "is not valid yet", true),
        (
            certificate(Bad::NotValidForName),
            "for another host name",
            true,
        ),
        (certificate(Bad::UnknownIssuer), "; SSL_CERT_FILE is ", true),
        (certificate(Bad::UnknownIssuer), "; SSL_CERT_DIR is ", true),
        (certificate(Bad::Revoked), "has been revoked", true),
        (certificate(Bad::BadSignature), "cannot be used", true),
        (certificate(other("CaUsedAsEndEntity")), "self-signed", true),
        (certificate(other("secret=x")), "cannot be used", true),
        (
            tls(rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType,
            )),
            "does not answer by TLS",
            true,
        ),
        (
            tls(rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion,
            )),
            "no protocol version or cipher in common",
            true,
        ),
        (
            tls(rustls::Error::AlertReceived(
                AlertDescription::CertificateRequired,
            )),
            "client certificate",
            true,
        ),
        (
            tls(rustls::Error::AlertReceived(
                AlertDescription::InternalError,
            )),
            "during the TLS handshake",
            false,
        ),
        (
            tcp(ErrorKind::UnexpectedEof),
            "during the TLS handshake",
            false,
        ),
        (
            tcp(ErrorKind::ConnectionReset),
            "during the TLS handshake",
            false,
        ),
        (tcp(ErrorKind::ConnectionRefused), "was refused", false),
        (tcp(ErrorKind::NetworkUnreachable), "no route", false),
        (tcp(ErrorKind::HostUnreachable), "no route", false),
        (tcp(ErrorKind::TimedOut), "no connection in time", false),
        (tcp(ErrorKind::Other), "the connection failed", false),
        (
            dns("failed to lookup address information: Name or service not known"),
            "was not found (DNS)",
            false,
        ),
        (
            dns("failed to lookup address information: Temporary failure in name resolution"),
            "could not be looked up now (DNS)",
            false,
        ),
        (
            Layer("tunnel error: proxy authorization required", "x".into()),
            "user name and password",
            true,
        ),
        (
            Layer("tunnel error: unsuccessful", "x".into()),
            "the proxy made no connection",
            false,
        ),
    ] {
        let server =
            ServerName::of(&Url::parse("https://api.example:8443/x?token=secret").unwrap());
        let found = server.of_chain(&error, false);
        let text = found.words();
        assert!(text.contains(words), "{error:?}: {text}");
        assert!(text.starts_with("connecting to api.example:8443"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(found.is_lasting(), is_lasting, "{text}");
    }
}

#[test]
fn a_time_out_that_says_no_more_is_one() {
    let server = ServerName::of(&Url::parse("https://api.example").unwrap());
    let found = server.of_chain(&Layer("client error (Connect)", "x".into()), true);
    assert_eq!(found.cause, Cause::TimedOut);
}

#[tokio::test]
async fn what_servers_do_to_tls_is_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tls");
    for (meets, words, is_lasting) in TLS_FAULTS {
        let url = start(&folder, *meets);
        let secret = claimlake_contract::Secret::new("secret");
        let app = App::new(&url, "app", secret).unwrap();
        let posted = Endpoint::new(app)
            .unwrap()
            .post(format!("{url}/v2/o/token/").parse().unwrap(), &[])
            .await;
        let Posted::NotSent(unreachable) = posted else {
            panic!("{meets:?}: {posted:?}");
        };
        assert!(
            unreachable.words().contains(words),
            "{meets:?}: {}",
            unreachable.words()
        );
        assert_eq!(unreachable.is_lasting(), *is_lasting, "{meets:?}");
    }
}
