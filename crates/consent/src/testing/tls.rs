//! Servers whose TLS is right or wrong, for tests of this crate and of the command; each ends with
//! the process.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a client meets on the port.
#[derive(Debug, Clone, Copy)]
pub enum Meets {
    /// TLS with a certificate of `fixtures/tls`, and 404 to every request.
    Certificate(&'static str),
    /// Plain HTTP.
    PlainHttp,
    /// A connection that ends at once.
    Nothing,
}

/// What a client meets, what it says of that, and whether trying again is of no use.
pub const TLS_FAULTS: &[(Meets, &str, bool)] = &[
    // Validity is looked at before trust.
    (Meets::Certificate("expired"), "has expired", true),
    (Meets::Certificate("future"), "is not valid yet", true),
    (
        Meets::Certificate("good"),
        "nobody this machine trusts",
        true,
    ),
    (
        Meets::Certificate("self_signed"),
        "nobody this machine trusts",
        true,
    ),
    (Meets::Certificate("self_signed_ca"), "is self-signed", true),
    (Meets::PlainHttp, "does not answer by TLS", true),
    (Meets::Nothing, "during the TLS handshake", false),
];

/// Starts a server and gives its address; `folder` is `fixtures/tls`.
pub fn start(folder: &Path, meets: Meets) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = match meets {
        Meets::Certificate(name) => Some(config(folder, name)),
        _ => None,
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || {
                // A client that goes away is what these tests are about.
                let _ = serve(stream, meets, config);
            });
        }
    });
    format!("https://{address}")
}

fn config(folder: &Path, name: &str) -> Arc<ServerConfig> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
    let chain = vec![CertificateDer::from(read(&format!("{name}.der")))];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(read("key.der")));
    let builder = ServerConfig::builder().with_no_client_auth();
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}

fn serve(
    mut stream: TcpStream,
    meets: Meets,
    config: Option<Arc<ServerConfig>>,
) -> std::io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 404 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let mut request = [0; 4096];
    match (meets, config) {
        (Meets::Nothing, _) => stream.shutdown(Shutdown::Both),
        (_, Some(config)) => {
            let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
            let mut tls = StreamOwned::new(connection, stream);
            let _ = tls.read(&mut request)?;
            tls.write_all(ANSWER)?;
            tls.flush()
        }
        _ => {
            let _ = stream.read(&mut request)?;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        }
    }
}
