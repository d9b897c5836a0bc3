use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use chrono::Utc;
use claimlake_contract::{ApiVersion, Secret, SystemClock};
use claimlake_vault::Vault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Refresher, Request, Response, Server};
use crate::App;
use crate::authorize::{AuthorizeRequest, start};
use crate::broker::RefreshPolicy;
use crate::endpoint::Endpoint;
use crate::testing::{new_grant, serve, vault};

const TOKENS: &str = r#"{"access_token":"a","expires_in":3600.0,"refresh_token":"r",
    "scope":"profile openid","patient":"-1","access_grant_expiration":""}"#;

/// Another process that writes to the vault for as long as it is not told to stop.
struct Writer {
    thread: std::thread::JoinHandle<bool>,
    stop: std::sync::mpsc::Sender<()>,
}

impl Writer {
    fn begin(data: PathBuf) -> Self {
        let (stop, stopped) = channel();
        let (begin, begun) = channel();
        let thread = std::thread::spawn(move || {
            let mut is_told = false;
            let hold = || {
                begin.send(()).unwrap();
                // Where its victim is who would tell it, that is an error and no dead end.
                is_told = stopped.recv_timeout(Duration::from_secs(10)).is_ok();
            };
            vault(&data).hold_write_lock(hold).unwrap();
            is_told
        });
        begun.recv().unwrap();
        Self { thread, stop }
    }
}

/// One round trip over a socket of this runtime.
async fn round_trip() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answered = async {
        let mut stream = listener.accept().await.unwrap().0;
        stream.write_all(b"answer").await.unwrap();
    };
    let asked = async {
        let mut text = String::new();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    assert_eq!(tokio::join!(answered, asked).1, "answer");
}

/// The answer to a request that has to wait for the vault, while sockets go on.
async fn answered(server: &Arc<Server>, vault: &Vault, request: Request) -> Response {
    let writer = Writer::begin(vault.data_dir().to_path_buf());
    let sockets = async {
        // The request waits for the vault by now.
        while server.refresher.activity().1.is_none() {
            tokio::task::yield_now().await;
        }
        round_trip().await;
        let _ = writer.stop.send(());
    };
    let (answer, ()) = tokio::join!(server.answer(request), sockets);
    assert!(
        writer.thread.join().unwrap(),
        "sockets waited for the vault"
    );
    match answer {
        Ok(answer) => answer,
        Err(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test]
async fn sockets_go_on_while_another_process_writes_to_the_vault() {
    let data = tempfile::tempdir().unwrap();
    let vault = Arc::new(vault(data.path()));
    let token_endpoint = [("/v2/o/token/", 200, TOKENS)];
    let app = App::new(&serve(&token_endpoint).await, "app", Secret::new("x")).unwrap();
    let asked = AuthorizeRequest::new(ApiVersion::V2, "http://127.0.0.1/callback");
    let started = start(&app, &vault, &asked, Utc::now()).unwrap();
    let endpoint = Endpoint::new(app).unwrap();
    let clock = Arc::new(SystemClock);
    let policy = RefreshPolicy::impatient();
    let refresher = Refresher::new(Arc::clone(&vault), endpoint, clock, policy);
    let server = Server::new(refresher, String::new());

    let code = Secret::new("code");
    let state = started.state;
    let exchanged = answered(&server, &vault, Request::Exchange { state, code }).await;
    assert!(matches!(exchanged, Response::Stored(_)));

    let grant = Box::new(new_grant(ApiVersion::V2, Some("-2"), "another"));
    let imported = answered(&server, &vault, Request::Import { grant }).await;
    assert!(matches!(imported, Response::Stored(_)));
    assert_eq!(vault.grants().unwrap().len(), 2);
}
