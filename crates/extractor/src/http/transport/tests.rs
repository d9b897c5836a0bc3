use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Transport, size};
use crate::http::HttpTimeouts;
use crate::http::body::BodyLimits;
use crate::http::client::Client;

/// What a server does after it has read the request.
#[derive(Debug, Clone, Copy)]
enum Then {
    Send(&'static [u8]),
    /// And stays silent.
    SendAndWait(&'static [u8]),
    /// A gzip stream of so many zeros.
    SendZeros(usize),
    /// An error with a body without end.
    SendForEver,
}

async fn serve(then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let _ = stream.read(&mut request).await;
            match then {
                Then::Send(text) => {
                    let _ = stream.write_all(text).await;
                }
                Then::SendAndWait(text) => {
                    let _ = stream.write_all(text).await;
                    kept.push(stream);
                }
                Then::SendZeros(length) => {
                    let body = gzip_of_zeros(length);
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n"
                    );
                    let _ = stream.write_all(head.as_bytes()).await;
                    let _ = stream.write_all(&body).await;
                }
                Then::SendForEver => {
                    let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\n\r\n").await;
                    while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
                }
            }
        }
    });
    url
}

async fn get(url: &str, read: Duration) -> Result<usize, Transport> {
    let url = url.parse().unwrap();
    let timeouts = HttpTimeouts {
        read,
        ..HttpTimeouts::default()
    };
    let limits = BodyLimits {
        largest: 1 << 20,
        ..BodyLimits::DEFAULT
    };
    let client = Client::with_bodies(&url, timeouts, 1, limits).unwrap();
    let bearer = claimlake_contract::Secret::new("token");
    let answer = client.get(url, &bearer, &[]).await;
    answer.map(|answer| answer.body.len())
}

#[tokio::test]
async fn every_way_in_which_an_answer_does_not_come_has_words_of_its_own() {
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(200);
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    const CUT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789";
    const CLOSED: &str = "the connection was closed, the body was cut after 10 bytes";
    const NO_HTTP: &[u8] = b"220 mail.example ESMTP\r\n";
    const CUT_CHUNK: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n0123456789";
    const NO_GZIP: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789";
    let before = "the connection was closed before the answer";
    let damaged = "the body is damaged after 0 bytes (it cannot be decompressed)";
    let no_http = "what came is no HTTP before the answer";
    let silent = "the body stopped after 10 bytes, and nothing more came within 0.2 s";
    let silent_at_once = "the body stopped after 0 bytes, and nothing more came within 0.2 s";
    for (then, read, words) in [
        (Then::Send(b""), LONG, before),
        (Then::Send(CUT), LONG, CLOSED),
        (Then::Send(CUT_CHUNK), LONG, CLOSED),
        (Then::Send(NO_GZIP), LONG, damaged),
        (Then::Send(NO_HTTP), LONG, no_http),
        (Then::SendAndWait(b""), SHORT, "no answer within 0.2 s"),
        (Then::SendAndWait(CUT), SHORT, silent),
        (Then::SendAndWait(HEAD), SHORT, silent_at_once),
    ] {
        let url = serve(then).await;
        let found = get(&url, read).await.unwrap_err();
        assert_eq!(found.to_string(), words, "{then:?}");
    }
}

#[tokio::test]
async fn lengths_that_lie_and_bodies_without_end_are_bounded() {
    const LONG: Duration = Duration::from_secs(60);
    // A length of 9 exabytes, and nothing of it.
    const LIE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nx";
    let cut = get(&serve(Then::Send(LIE)).await, LONG).await.unwrap_err();
    assert!(matches!(cut, Transport::Cut { received: 1, .. }), "{cut:?}");

    // 16 MB of zeros in 16 kB of gzip, where 1 MB is the largest.
    let bomb = serve(Then::SendZeros(16 << 20)).await;
    let large = get(&bomb, LONG).await.unwrap_err();
    assert_eq!(large.to_string(), "the answer is larger than 1.0 MB");

    // The body of an error is read as far as it is looked at.
    let read = get(&serve(Then::SendForEver).await, LONG).await.unwrap();
    assert_eq!(read, 1 << 20);
}

fn gzip_of_zeros(length: usize) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; length]).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn sizes_read_as_words() {
    for (bytes, words) in [
        (0, "0 bytes"),
        (9_999, "9999 bytes"),
        (10_400, "10.4 kB"),
        (1_048_576, "1.0 MB"),
        (268_435_456, "268.4 MB"),
    ] {
        assert_eq!(size(bytes), words);
    }
}
