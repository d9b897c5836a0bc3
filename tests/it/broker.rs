//! What stops tokens and data on the way: TLS that is wrong, token endpoints that answer no OAuth.
//! Each is named, with what to do, and costs no consent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::command::{Bench, Ended, repository, wait_until};
use claimlake_consent::testing::{Meets, start};

fn certificates() -> PathBuf {
    repository().join("fixtures/tls")
}

/// A command of the pipeline for a real server, pointed at `url`.
fn command(bench: &Bench, url: &str, arguments: &[&str]) -> Command {
    let mut command = bench.command(&[&["--pipeline", "blue_button"], arguments].concat());
    command
        .env("CLAIMLAKE_DATA", "d")
        .env("BLUE_BUTTON_CLIENT_ID", "app")
        .env("BLUE_BUTTON_CLIENT_SECRET", "the-secret")
        .env("CLAIMLAKE_SOURCE_API", "v2")
        .env("CLAIMLAKE_SOURCE_BASE_URL", url)
        .env("CLAIMLAKE_SOURCE_REDIRECT_URI", "http://127.0.0.1:1/cb");
    command
}

/// Grants of so many patients, each with a refresh token, and with an access token where that is
/// wanted.
fn import(bench: &Bench, url: &str, patients: usize, with_access: bool) {
    let mut lines = String::new();
    for patient in 1..=patients {
        let access = match with_access {
            true => format!(
                ",\"access_token\":\"access-{patient}\",\"expires_at\":\"2999-01-01T00:00:00Z\""
            ),
            false => String::new(),
        };
        lines.push_str(&format!(
            "{{\"patient\":\"-{patient}\",\"api\":\"v2\",\"refresh_token\":\"refresh-{patient}\"{access}}}\n"
        ));
    }
    let file = bench.write("grants.ndjson", &lines);
    let import = ["grants", "import", file.to_str().unwrap()];
    Ended::of(&mut command(bench, url, &import)).exits(0);
}

fn says_no_secret(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        for secret in [
            "the-secret",
            "refresh-",
            "access-",
            "<html",
            "-1,",
            "patient=",
        ] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn wrong_tls_is_named_by_every_command_and_not_tried_again() {
    for (meets, trusted, words) in [
        (
            Meets::Certificate("expired"),
            true,
            "certificate has expired",
        ),
        (Meets::Certificate("future"), true, "is not valid yet"),
        (
            Meets::Certificate("other_host"),
            true,
            "for another host name",
        ),
        (
            Meets::Certificate("good"),
            false,
            "nobody this machine trusts",
        ),
        (
            Meets::Certificate("self_signed"),
            false,
            "nobody this machine trusts",
        ),
        (
            Meets::Certificate("self_signed_ca"),
            false,
            "is self-signed",
        ),
        (Meets::PlainHttp, false, "does not answer by TLS"),
    ] {
        let url = start(&certificates(), meets);
        let host = url.strip_prefix("https://").unwrap();
        let expected = format!("connecting to {host}: ");
        let try_it = |bench: &Bench, arguments: &[&str]| {
            let mut command = command(bench, &url, arguments);
            command.env_remove("SSL_CERT_DIR");
            if trusted {
                command.env("SSL_CERT_FILE", certificates().join("ca.pem"));
            }
            let ended = Ended::of(&mut command);
            assert!(ended.exit == 1, "{meets:?} {arguments:?}: {}", ended.stderr);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(
                said.contains(&expected) && said.contains(words),
                "{meets:?} {arguments:?}: {said}"
            );
            says_no_secret(&ended);
            said
        };
        // The token endpoint: once, for the first of three patients.
        let bench = Bench::new();
        import(&bench, &url, 3, false);
        let said = try_it(&bench, &["extract"]);
        assert!(said.contains("POST /v2/o/token/"), "{said}");
        assert!(said.contains("3 patients not read"), "{said}");
        // Data.
        let bench = Bench::new();
        import(&bench, &url, 3, true);
        let said = try_it(&bench, &["extract"]);
        assert!(said.contains("3 patients not read"), "{said}");
        // A consent whose code is to be exchanged.
        let started = Ended::of(&mut command(&bench, &url, &["authorize", "--start"]));
        let state = started.stdout.trim().split("state=").nth(1).unwrap();
        let state = state.split('&').next().unwrap();
        let callback = format!("http://127.0.0.1:1/cb?code=code&state={state}");
        try_it(&bench, &["authorize", "--finish", &callback]);
        try_it(&bench, &["doctor", "--live"]);
    }
}

#[test]
fn a_ca_that_ssl_cert_file_names_is_trusted_by_the_broker_too() {
    let url = start(&certificates(), Meets::Certificate("good"));
    let ca = std::fs::read_to_string(certificates().join("ca.pem")).unwrap();
    for (name, value) in [
        ("SSL_CERT_FILE", None),
        ("SSL_CERT_FILE", Some("tls/ca.pem")),
        ("SSL_CERT_DIR", Some("none:tls")),
    ] {
        let bench = Bench::new();
        bench.write("tls/ca.pem", &ca);
        import(&bench, &url, 1, false);
        let mut command = command(&bench, &url, &["extract"]);
        command
            .env_remove("SSL_CERT_FILE")
            .env_remove("SSL_CERT_DIR");
        match value {
            // As the person names it, from the folder of the command.
            Some(value) => command.env(name, value),
            None => command.env(name, certificates().join("ca.pem")),
        };
        let ended = Ended::of(&mut command);
        // The server has nothing but 404.
        assert_eq!(ended.exit, 1);
        ended.says("HTTP 404, ");
        assert!(!ended.stderr.contains("connecting to"), "{}", ended.stderr);
    }
}

#[test]
fn a_file_of_certificates_that_cannot_be_read_is_named() {
    let url = start(&certificates(), Meets::Certificate("good"));
    for (file, words) in [
        ("none.pem", "which cannot be read: "),
        ("text.pem", "which holds no certificate in PEM"),
    ] {
        let bench = Bench::new();
        bench.write("text.pem", "no certificate\n");
        import(&bench, &url, 1, false);
        for arguments in [&["extract"][..], &["doctor", "--live"]] {
            let mut command = command(&bench, &url, arguments);
            command
                .env("SSL_CERT_FILE", file)
                .env_remove("SSL_CERT_DIR");
            let ended = Ended::of(&mut command);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(said.contains("SSL_CERT_FILE is '"), "{arguments:?}: {said}");
            assert!(
                said.contains(file) && said.contains(words),
                "{arguments:?}: {said}"
            );
        }
    }
}

/// A server that answers every POST with a page, and counts them.
fn portal(status: u16, content_type: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&posts);
    let answer = move |mut stream: TcpStream| -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?);
        let (mut first, mut length) = (String::new(), 0);
        lines.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        lines.read_exact(&mut vec![0; length])?;
        if first.starts_with("POST") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        let page = "<html>please log in, refresh-1</html>";
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{page}",
            page.len()
        )
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away has what it needs.
            let _ = answer(stream);
        }
    });
    (url, posts)
}

#[test]
fn a_portal_in_the_place_of_the_token_endpoint_gets_three_posts_and_is_named_in_one_line() {
    for (status, content_type, head) in [
        (200, "text/html; charset=utf-8", "HTTP 200, text/html"),
        (403, "text/html", "HTTP 403, text/html"),
        (502, "text/html", "HTTP 502, text/html"),
        (200, "refresh-1/x", "HTTP 200, another content type"),
    ] {
        let (url, posts) = portal(status, content_type);
        let bench = Bench::new();
        import(&bench, &url, 6, false);
        let ended = Ended::of(&mut command(&bench, &url, &["extract"])).exits(1);
        assert!(ended.stderr.contains("POST /v2/o/token/ at 127.0.0.1:"));
        ended.says(head);
        says_no_secret(&ended);
        assert_eq!(posts.load(Ordering::SeqCst), 3, "{}", ended.stderr);
        // Nobody's consent has ended.
        let listed = Ended::of(&mut command(&bench, &url, &["--json", "grants", "list"]));
        assert_eq!(
            listed.stdout.matches("\"active\"").count(),
            6,
            "{}",
            listed.stdout
        );
    }
}

#[test]
fn one_patient_s_refresh_token_is_posted_twice_and_not_again_by_the_runs_that_follow() {
    let (url, posts) = portal(200, "text/html");
    let bench = Bench::new();
    import(&bench, &url, 1, false);
    let first = Ended::of(&mut command(&bench, &url, &["extract"])).exits(1);
    first.says("HTTP 200, text/html");
    for _ in 0..4 {
        // The broker before has ended: what is known now is in the vault.
        let socket = bench.path().join("d/broker.sock");
        wait_until("the broker ends", || !socket.exists());
        let again = Ended::of(&mut command(&bench, &url, &["extract"])).exits(5);
        again.says("was posted 2 times");
        again.says("not posted again before");
        says_no_secret(&again);
    }
    assert_eq!(posts.load(Ordering::SeqCst), 2);
}
