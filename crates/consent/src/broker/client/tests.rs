//! Tests of a client with brokers that do not behave: each call ends with an error that says what
//! was asked, of whom, and what to do.

use std::path::Path;
use std::time::Duration;

use claimlake_contract::{GrantHandle, Secret};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{BrokerClient, BrokerLaunch};
use crate::testing::vault;
use crate::token::{AccessToken, TokenSource};
use crate::{App, BrokerPatience, ConsentError};

/// What a broker does.
#[derive(Debug, Clone, Copy)]
enum Broker {
    /// Never takes a connection in, as a stopped process.
    Stopped,
    /// Says nothing to a client.
    Mute,
    /// Says this to a client, and nothing more.
    Welcomes(&'static str),
    /// Welcomes, and answers every request with this.
    Answers(&'static [u8]),
    /// Welcomes, and ends the connection at each request.
    Ends,
    /// Welcomes, and shows that it lives.
    Lives(&'static str),
}

const WELCOME: &str = "{\"welcome\":\"yes\",\"pid\":1}\n";

async fn serve(broker: Broker, stream: UnixStream) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let _hello = lines.next_line().await?;
    match broker {
        Broker::Stopped | Broker::Mute => return std::future::pending().await,
        Broker::Welcomes(line) => {
            write.write_all(line.as_bytes()).await?;
            return std::future::pending().await;
        }
        _ => write.write_all(WELCOME.as_bytes()).await?,
    }
    while lines.next_line().await?.is_some() {
        match broker {
            Broker::Answers(bytes) => write.write_all(bytes).await?,
            Broker::Ends => return Ok(()),
            Broker::Lives(line) => {
                for _ in 0..2_000 {
                    write.write_all(line.as_bytes()).await?;
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A data directory with that broker.
fn data_with(broker: Broker) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(data.path().join("broker.sock")).unwrap();
    tokio::spawn(async move {
        if matches!(broker, Broker::Stopped) {
            let _listener = listener;
            return std::future::pending().await;
        }
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(broker, stream));
        }
    });
    data
}

async fn connect(data: &Path, launch: BrokerLaunch) -> Result<BrokerClient, ConsentError> {
    let vault = vault(data);
    let app = App::new("http://127.0.0.1:1", "app", Secret::new("the-secret")).unwrap();
    BrokerClient::connect(&app, &vault, launch).await
}

fn launch(program: &str, arguments: &[&str]) -> BrokerLaunch {
    BrokerLaunch {
        program: program.into(),
        arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        patience: BrokerPatience::default(),
    }
}

/// What a client says that asks for a token.
async fn error_of(data: &Path, launch: BrokerLaunch) -> String {
    let client = match connect(data, launch).await {
        Ok(client) => client,
        Err(error @ (ConsentError::Broker { .. } | ConsentError::Unavailable { .. })) => {
            return error.to_string();
        }
        Err(other) => panic!("{other:?}"),
    };
    let grant: GrantHandle = "g0123456789abcdef".parse().unwrap();
    let error = client.access_token(&grant).await.unwrap_err();
    if matches!(error, ConsentError::Unavailable { .. }) {
        // Nobody waits for the same broker again as long.
        let before = tokio::time::Instant::now();
        let second = client.access_token(&grant).await.unwrap_err();
        assert_eq!(second.to_string(), error.to_string());
        assert!(before.elapsed() < Duration::from_secs(2));
    }
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_answer_as_it_should_is_named_and_given_up() {
    static LONG: [u8; 3 << 20] = [b'x'; 3 << 20];
    for (broker, words) in [
        (
            Broker::Stopped,
            "no sign of life for 60 seconds (asked for: a connection)",
        ),
        (
            Broker::Mute,
            "no sign of life for 60 seconds (asked for: a connection)",
        ),
        (
            Broker::Welcomes("{\"welcome\":"),
            "(asked for: a connection)",
        ),
        (
            Broker::Welcomes("220 mail.example ESMTP\n"),
            "is no token broker of claimlake",
        ),
        (
            Broker::Welcomes("{\"welcome\":\"other_source\"}\n"),
            "for another server, app or version of claimlake",
        ),
        (
            Broker::Welcomes(WELCOME),
            "no sign of life for 60 seconds (asked for: an access token)",
        ),
        (
            Broker::Answers(b"{\"reply\":{\"id\":1,"),
            "no sign of life for 60 seconds",
        ),
        (
            Broker::Answers(b"nonsense\n"),
            "sent a line that is no answer",
        ),
        (Broker::Answers(b"\xff\xfe\n"), "too long or was cut off"),
        (Broker::Answers(&LONG), "too long or was cut off"),
        (
            Broker::Ends,
            "ended in the middle of a request (an access token)",
        ),
        (
            Broker::Lives("{\"alive\":{\"posting_s\":3,\"on_disk_s\":null}}\n"),
            "has not answered in 900 seconds (asked for: an access token)",
        ),
        (
            Broker::Lives("{\"alive\":{\"posting_s\":null,\"on_disk_s\":3}}\n"),
            "waits for the disk of the data directory",
        ),
        // A reply to a request that nobody made is no answer to the one that waits.
        (
            Broker::Answers(
                b"{\"reply\":{\"id\":77,\"answer\":{\"Ok\":{\"response\":\"noted\"}}}}\n",
            ),
            "no sign of life for 60 seconds",
        ),
        (
            Broker::Answers(
                b"{\"reply\":{\"id\":1,\"answer\":{\"Ok\":{\"response\":\"noted\"}}}}\n",
            ),
            "something else than was asked",
        ),
    ] {
        let data = data_with(broker);
        let error = error_of(data.path(), launch("/bin/false", &[])).await;
        assert!(error.contains(words), "{broker:?}: {error}");
        assert!(!error.contains("the-secret"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_backlog_that_is_full_is_waited_for_and_given_up() {
    let data = data_with(Broker::Stopped);
    let mut queue = Vec::new();
    while let Ok(stream) = UnixStream::connect(data.path().join("broker.sock")).await {
        queue.push(stream);
    }
    let error = error_of(data.path(), launch("/bin/false", &[])).await;
    assert!(error.contains("no sign of life for 60 seconds"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_never_serves_is_given_up() {
    let failed =
        "echo '{\"broker\":\"failed\",\"failure\":{\"kind\":\"broker\",\"reason\":\"why\"}}'";
    for (program, arguments, words) in [
        (
            "/bin/sleep",
            &["600"][..],
            "no sign of life for 60 seconds (asked for: to start",
        ),
        ("/bin/true", &[], "ended before it could serve"),
        ("/nowhere/at/all", &[], "starting the token broker: "),
        ("/bin/echo", &["nonsense"], "ended before it could serve"),
        ("/bin/sh", &["-c", failed], "why"),
    ] {
        // A socket that nobody serves, and no socket.
        let (left, empty) = (data_with(Broker::Stopped), tempfile::tempdir().unwrap());
        let socket = left.path().join("broker.sock");
        std::fs::remove_file(&socket).unwrap();
        drop(UnixListener::bind(&socket).unwrap());
        for data in [&left, &empty] {
            let mut launch = launch(program, arguments);
            if program != "/bin/sleep" {
                // Time that only the test moves would be over before a program ends.
                launch.patience.silent = u32::MAX;
                launch.patience.total = u32::MAX;
            }
            let error = error_of(data.path(), launch).await;
            assert!(error.contains(words), "{program}: {error}");
        }
    }
}

/// A broker that lends one token, and answers no second request.
const ONE_TOKEN: &[u8] =
    b"{\"reply\":{\"id\":1,\"answer\":{\"Ok\":{\"response\":\"token\",\"secret\":\"t\",\
    \"expires_at\":\"2999-01-01T00:00:00Z\",\"generation\":3}}}}\n";

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_once_until_it_is_rejected() {
    let data = data_with(Broker::Answers(ONE_TOKEN));
    let client = connect(data.path(), launch("false", &[])).await.unwrap();
    let grant: GrantHandle = "g0123456789abcdef".parse().unwrap();
    let token = client.access_token(&grant).await.unwrap();
    for _ in 0..50 {
        let again = client.access_token(&grant).await.unwrap();
        assert_eq!(
            (again.secret.expose(), again.generation),
            (token.secret.expose(), 3)
        );
    }
    // Another request has brought a newer token since: the broker is not asked.
    let older = AccessToken {
        generation: 2,
        ..token.clone()
    };
    let newer = client.after_rejection(&grant, &older).await.unwrap();
    assert_eq!(newer.generation, 3);
    // The very token is rejected: the broker is asked, which this one does not answer.
    assert!(client.after_rejection(&grant, &token).await.is_err());
    assert!(client.access_token(&grant).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_grant_whose_consent_has_ended_is_asked_for_again() {
    let data = data_with(Broker::Answers(ONE_TOKEN));
    let client = connect(data.path(), launch("false", &[])).await.unwrap();
    let grant: GrantHandle = "g0123456789abcdef".parse().unwrap();
    let token = client.access_token(&grant).await.unwrap();
    let ended = client.consent_ended(&grant, &token, "revoked").await;
    assert!(ended.is_err(), "this broker notes nothing");
    assert!(client.access_token(&grant).await.is_err());
}
