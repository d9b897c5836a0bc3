//! `authorize` from URL to stored grant, with a browser that is an HTTP client here.

use std::time::Duration;

use chrono::Utc;
use claimlake_consent::{
    App, AuthorizeEvent, AuthorizeRequest, BrokerClient, BrokerPatience, ConsentError, ErrorKind,
    OneStep, authorize, finish, start,
};
use claimlake_contract::ApiVersion;
use claimlake_sandbox::Sandbox;
use claimlake_vault::{GrantChange, GrantState, Vault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use url::Url;

use crate::world;

struct World {
    sandbox: Sandbox,
    vault: Vault,
    app: App,
    broker: BrokerClient,
    _data: tempfile::TempDir,
}

async fn world() -> World {
    let sandbox = world::sandbox(3).await;
    let data = tempfile::tempdir().unwrap();
    let vault = world::empty_vault(&data);
    // Time that is moved by hand is no reason to give the broker up.
    let patience = BrokerPatience {
        silent: u32::MAX,
        total: u32::MAX,
        ..BrokerPatience::default()
    };
    let broker = world::impatient_broker(&sandbox, &vault, patience).await;
    let broker = broker.unwrap();
    World {
        app: world::app(&sandbox),
        sandbox,
        vault,
        broker,
        _data: data,
    }
}

/// A browser's GET: the status, the `Location` and the body.
async fn get(url: &str) -> (u16, Option<String>, String) {
    let url = Url::parse(url).unwrap();
    let authority = url.authority().to_owned();
    get_as(&url, &authority).await
}

async fn get_as(url: &Url, host: &str) -> (u16, Option<String>, String) {
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location")
            .then(|| value.to_owned())
    });
    (status, location, body.to_owned())
}

/// Runs a one-step authorization with `browser` doing what a person would.
async fn one_step<F>(
    world: &World,
    browser: impl FnOnce(Url, String) -> F,
) -> Result<claimlake_consent::Authorized, ConsentError>
where
    F: Future<Output = ()>,
{
    let request = AuthorizeRequest::new(ApiVersion::V2, "http://127.0.0.1/callback");
    let one_step = OneStep {
        give_up_after: Duration::from_secs(300),
        ..OneStep::new(request)
    };
    let (urls, mut url) = mpsc::unbounded_channel();
    let running = authorize(
        &world.app,
        &world.vault,
        &world.broker,
        &one_step,
        Utc::now(),
        |event| {
            if let AuthorizeEvent::Url { url, .. } = event {
                urls.send(url.clone()).unwrap();
            }
        },
    );
    let person = async {
        let url = url.recv().await.unwrap();
        let back = url.query_pairs().find(|(name, _)| name == "redirect_uri");
        let back = back.unwrap().1.into_owned();
        browser(url, back).await;
    };
    tokio::join!(running, person).0
}

#[tokio::test]
async fn the_person_agrees_and_the_page_and_the_vault_say_so() {
    let world = world().await;
    let authorized = one_step(&world, |url, _| async move {
        let (_, location, _) = get(url.as_str()).await;
        let (status, _, page) = get(&location.unwrap()).await;
        assert_eq!(status, 200);
        assert!(page.contains("Your Medicare data is connected"), "{page}");
    })
    .await
    .unwrap();
    assert_eq!(authorized.change, GrantChange::Inserted);
    assert_eq!(authorized.grant.state, GrantState::Active);
    assert!(authorized.grant.patient.is_some());
    assert!(authorized.grant.grant_expires_at.is_some());
}

#[tokio::test]
async fn the_person_declines_and_nothing_is_stored() {
    let world = world().await;
    let error = one_step(&world, |mut url, _| async move {
        url.query_pairs_mut().append_pair("deny", "1");
        let (_, location, _) = get(url.as_str()).await;
        let (_, _, page) = get(&location.unwrap()).await;
        assert!(page.contains("Nothing is shared"), "{page}");
    })
    .await
    .unwrap_err();
    assert!(matches!(error, ConsentError::Declined { .. }), "{error}");
    assert!(world.vault.grants().unwrap().is_empty());
}

#[tokio::test]
async fn strays_are_turned_away_and_the_wait_goes_on() {
    let world = world().await;
    let authorized = one_step(&world, |url, back| async move {
        let (status, _, page) = get(&format!("{back}?error=not_found")).await;
        assert!(status == 200 && page.contains("found no data"), "{page}");
        // No parameters, or an error of no request: nobody said anything of the person.
        for query in ["", "?", "?x=1", "?error=access_denied"] {
            let (status, _, page) = get(&format!("{back}{query}")).await;
            assert_eq!(status, 400, "{query}");
            assert!(page.contains("cannot be used on its own"), "{page}");
            assert!(!page.contains("no data"), "{page}");
        }
        let foreign = format!("{back}?code=x&state=0123456789abcdef0123");
        assert!(get(&foreign).await.2.contains("earlier request"));
        assert_eq!(get(&format!("{back}?code=x")).await.0, 400);
        assert_eq!(get(&back.replace("/callback", "/favicon.ico")).await.0, 404);
        let rebound = Url::parse(&format!("{back}?error=access_denied&state=x")).unwrap();
        assert_eq!(get_as(&rebound, "evil.example").await.0, 404);
        let (_, location, _) = get(url.as_str()).await;
        get(&location.unwrap()).await;
    })
    .await;
    assert!(authorized.is_ok());
}

#[tokio::test]
async fn a_port_in_use_is_said_before_anything_begins() {
    let world = world().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/callback", taken.local_addr().unwrap());
    let one_step = OneStep::new(AuthorizeRequest::new(ApiVersion::V2, address));
    let error = authorize(
        &world.app,
        &world.vault,
        &world.broker,
        &one_step,
        Utc::now(),
        |_| panic!("nothing may begin"),
    )
    .await
    .unwrap_err();
    assert!(
        error.kind() == ErrorKind::Configuration && error.to_string().contains("--start"),
        "{error}"
    );
}

#[tokio::test]
async fn nobody_comes_back_and_the_hint_comes_before_the_end() {
    let world = world().await;
    let one_step = OneStep {
        hint_after: Duration::ZERO,
        give_up_after: Duration::from_millis(300),
        request: AuthorizeRequest::new(ApiVersion::V2, "http://127.0.0.1/callback"),
    };
    let hints = std::sync::atomic::AtomicU32::new(0);
    let error = authorize(
        &world.app,
        &world.vault,
        &world.broker,
        &one_step,
        Utc::now(),
        |event| {
            if matches!(event, AuthorizeEvent::StillWaiting) {
                hints.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        },
    )
    .await
    .unwrap_err();
    assert!(matches!(error, ConsentError::TimedOut { .. }), "{error}");
    assert_eq!(hints.into_inner(), 1);
}

#[tokio::test]
async fn two_steps_store_a_grant_once_and_a_second_consent_renews_it() {
    let world = world().await;
    let mut request = AuthorizeRequest::new(ApiVersion::V3, "https://app.example/callback");
    request.redirect_uri = "http://localhost:1/elsewhere".into();
    request.external_id = Some("member 7".into());
    let consent = async || {
        let mut started = start(&world.app, &world.vault, &request, Utc::now()).unwrap();
        started
            .url
            .query_pairs_mut()
            .append_pair("login", "BBUser00001");
        get(started.url.as_str()).await.1.unwrap()
    };
    let callback = consent().await;
    let first = finish(&world.vault, &world.broker, &callback)
        .await
        .unwrap();
    assert_eq!(first.grant.external_id.as_deref(), Some("member 7"));
    assert_eq!(first.grant.api, ApiVersion::V3);
    let error = finish(&world.vault, &world.broker, &callback)
        .await
        .unwrap_err();
    assert!(matches!(&error, ConsentError::Callback { reason } if reason.contains("before")));

    let second = finish(&world.vault, &world.broker, &consent().await)
        .await
        .unwrap();
    assert_eq!(second.change, GrantChange::Renewed);
    assert_eq!(second.grant.handle, first.grant.handle);
    assert_eq!(world.sandbox.account().refresh_tokens_reused(), 0);
}

#[tokio::test]
async fn a_consent_that_is_stored_after_the_time_to_wait_is_no_failure() {
    let world = world().await;
    // The sandbox waits in real time.
    world
        .sandbox
        .set_faults(vec!["slow:ms=5000,only=token".parse().unwrap()]);
    let request = AuthorizeRequest::new(ApiVersion::V2, "http://127.0.0.1/callback");
    let one_step = OneStep {
        give_up_after: Duration::from_secs(900),
        ..OneStep::new(request)
    };
    let (urls, mut url) = mpsc::unbounded_channel();
    let finishing = std::cell::Cell::new(0);
    let running = authorize(
        &world.app,
        &world.vault,
        &world.broker,
        &one_step,
        Utc::now(),
        |event| match event {
            AuthorizeEvent::Url { url, .. } => urls.send(url.clone()).unwrap(),
            AuthorizeEvent::Finishing => finishing.set(finishing.get() + 1),
            _ => {}
        },
    );
    let person = async {
        let url = url.recv().await.unwrap();
        let (_, location, _) = get(url.as_str()).await;
        let callback = tokio::spawn(async move { get(&location.unwrap()).await });
        let is_posted = || world.sandbox.account().requests_to("POST /v2/o/token") > 0;
        world::until("the code is with the broker", is_posted).await;
        // The code is with the broker. From here on the time of authorize passes by itself: the
        // person's is over before the sandbox answers.
        tokio::time::pause();
        let (_, _, page) = callback.await.unwrap();
        assert!(page.contains("Your Medicare data is connected"), "{page}");
    };
    let (authorized, ()) = tokio::join!(running, person);
    assert_eq!(authorized.unwrap().change, GrantChange::Inserted);
    assert_eq!(finishing.get(), 1);
}
