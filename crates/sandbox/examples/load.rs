//! Asks a running sandbox for pages as fast as it answers: `load URL CLIENT_ID CLIENT_SECRET [PATIENTS] [CONNECTIONS] [SECONDS] [VERSION] [COUNT]`.
//! The sandbox must be started with automatic consent.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Failure = Box<dyn Error + Send + Sync>;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const REDIRECT: &str = "http://127.0.0.1:9/cb";

struct Connection {
    host: String,
    reader: BufReader<TcpStream>,
}

impl Connection {
    fn open(host: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            host: host.to_owned(),
            reader: BufReader::with_capacity(256 * 1024, stream),
        })
    }

    /// The head of the answer and its body.
    fn send(&mut self, request: &str) -> Result<(String, Vec<u8>), Failure> {
        self.reader.get_mut().write_all(request.as_bytes())?;
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err("the connection ended".into());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok((head, body))
    }

    fn token(&mut self, id: &str, secret: &str, login: &str) -> Result<String, Failure> {
        let host = &self.host;
        let request = format!(
            "GET /v3/o/authorize/?response_type=code&client_id={id}&redirect_uri={REDIRECT}&\
             state=0123456789abcdef&code_challenge={CHALLENGE}&code_challenge_method=S256&\
             scope=patient/ExplanationOfBenefit.rs&login={login} HTTP/1.1\r\nhost: {host}\r\n\r\n"
        );
        let (head, _) = self.send(&request)?;
        let code = head.split("code=").nth(1).ok_or("no code")?;
        let code: String = code.chars().take(30).collect();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&\
             code_verifier={VERIFIER}&client_id={id}&client_secret={secret}"
        );
        let request = format!(
            "POST /v2/o/token/ HTTP/1.1\r\nhost: {}\r\ncontent-type: \
             application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.host,
            form.len()
        );
        let (_, body) = self.send(&request)?;
        let body: serde_json::Value = serde_json::from_slice(&body)?;
        Ok(body["access_token"].as_str().ok_or("no token")?.to_owned())
    }
}

#[expect(clippy::print_stdout, reason = "an example says what it measured")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize| arguments.get(index).cloned().unwrap_or_default();
    let number = |index: usize, otherwise: usize| text(index).parse().unwrap_or(otherwise);
    let host = text(0).trim_start_matches("http://").to_owned();
    let (patients, connections) = (number(3, 20), number(4, 8));
    let seconds = u64::try_from(number(5, 5))?;
    let (version, count) = (number(6, 2), number(7, 50));
    let mut first = Connection::open(&host)?;
    let tokens = (0..patients)
        .map(|patient| first.token(&text(1), &text(2), &format!("BBUser{patient:05}")))
        .collect::<Result<Vec<_>, _>>()?;
    let (tokens, bytes, pages) = (
        Arc::new(tokens),
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
    );
    let began = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|worker| {
            let (host, tokens) = (host.clone(), Arc::clone(&tokens));
            let (bytes, pages) = (Arc::clone(&bytes), Arc::clone(&pages));
            std::thread::spawn(move || -> Result<(), Failure> {
                let mut connection = Connection::open(&host)?;
                let mut turn = worker;
                while began.elapsed() < Duration::from_secs(seconds) {
                    let token = &tokens[turn % tokens.len()];
                    turn += 1;
                    let request = format!(
                        "GET /v{version}/fhir/ExplanationOfBenefit?_count={count} HTTP/1.1\r\n\
                         host: {host}\r\nauthorization: Bearer {token}\r\n\r\n"
                    );
                    let (_, body) = connection.send(&request)?;
                    bytes.fetch_add(u64::try_from(body.len())?, Ordering::Relaxed);
                    pages.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.join().map_err(|_| "a worker failed")??;
    }
    let (megabytes, pages) = (
        bytes.load(Ordering::Relaxed) / 1_000_000,
        pages.load(Ordering::Relaxed),
    );
    println!(
        "{pages} pages, {megabytes} MB in {:.2} s: {} MB/s, {} pages/s",
        began.elapsed().as_secs_f64(),
        megabytes / seconds,
        pages / seconds
    );
    Ok(())
}
