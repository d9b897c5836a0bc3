//! `claimlake authorize`: one person's consent, in one step or in two.

use std::process::{Command, Stdio};

use anyhow::anyhow;
use claimlake_consent::{
    self, AuthorizeEvent, AuthorizeRequest, Authorized, BROWSER_PAGES, BrokerClient, BrokerLaunch,
    OneStep,
};
use claimlake_contract::{Clock as _, ExitCode, SystemClock};
use claimlake_vault::GrantChange;
use clap::Args;
use serde_json::json;

use crate::access;
use crate::command::forget::interrupted::end_first;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::output::Output;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button authorize
  claimlake --pipeline blue_button authorize --no-browser --external-id 4711
In two steps, for a browser elsewhere:
  claimlake --pipeline blue_button authorize --start
  claimlake --pipeline blue_button authorize --finish 'http://127.0.0.1:8484/callback?code=…&state=…'";

/// Arguments of `authorize`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuthorizeArguments {
    /// Print the URL instead of opening a browser
    #[arg(long)]
    no_browser: bool,

    /// Your own name of the person, kept with the grant
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    external_id: Option<String>,

    /// Take somebody back who was forgotten here: they consent anew
    #[arg(long, conflicts_with = "finish")]
    again: bool,

    /// Only print the URL; --finish does the rest
    #[arg(long, conflicts_with_all = ["finish", "no_browser"])]
    start: bool,

    /// Take the address that the browser was sent to
    #[arg(long, value_name = "CALLBACK_URL", conflicts_with_all = ["external_id", "no_browser"])]
    finish: Option<String>,
}

/// Asks for a consent and stores the grant.
pub(crate) fn run(arguments: &AuthorizeArguments, invocation: &Invocation) -> Outcome {
    let source = &invocation.pipeline()?.source;
    let app = access::app(source)?;
    let Some(redirect_uri) = &source.redirect_uri else {
        return Err(Failure::usage(anyhow!(
            "source.redirect_uri: missing, it is the callback URL registered with the app, letter for letter"
        )));
    };
    end_first(invocation)?;
    let vault = access::open_vault(invocation)?;
    vault
        .bind_source(&claimlake_extractor::SourceIdentity::blue_button(app.base_url()).to_string())
        .map_err(access::vault_failure)?;
    let output = invocation.output();
    let mut request = AuthorizeRequest::new(source.api, redirect_uri.clone());
    request.resources.clone_from(&source.resources);
    request.external_id.clone_from(&arguments.external_id);
    request.again = arguments.again;
    if arguments.start {
        let started = claimlake_consent::start(&app, &vault, &request, SystemClock.now())
            .map_err(access::oauth_failure)?;
        show_url(output, started.url.as_str())?;
        output.say(&format!(
            "open it in the person's browser; then {} and the address the browser is sent to",
            invocation.next("authorize --finish")
        ));
        return Ok(ExitCode::Done);
    }
    let runtime = crate::runtime::on_this_thread()?;
    let authorized = runtime.block_on(async {
        let broker = BrokerClient::connect(&app, &vault, BrokerLaunch::this_program()?).await?;
        match &arguments.finish {
            Some(callback) => claimlake_consent::finish(&vault, &broker, callback).await,
            None => {
                let tell = |event: AuthorizeEvent<'_>| {
                    show(&event, output, arguments.no_browser);
                };
                let one_step = OneStep::new(request);
                claimlake_consent::authorize(
                    &app,
                    &vault,
                    &broker,
                    &one_step,
                    SystemClock.now(),
                    tell,
                )
                .await
            }
        }
    });
    tell(&authorized.map_err(access::oauth_failure)?, invocation)?;
    Ok(ExitCode::Done)
}

/// The URL goes to stdout, for programs that read it from a pipe.
fn show_url(output: &Output, url: &str) -> std::io::Result<()> {
    match output.is_json() {
        true => output.event(&json!({"event": "authorize_url", "url": url})),
        false => output.data(&format!("{url}\n")),
    }
}

fn show(event: &AuthorizeEvent<'_>, output: &Output, no_browser: bool) {
    match event {
        AuthorizeEvent::Url { url, redirect_uri } => {
            let opened = !no_browser && open_browser(url.as_str());
            // If nobody reads stdout, the instructions on stderr are enough to continue.
            let _ = show_url(output, url.as_str());
            output.say(&format!(
                "{} and waiting at {redirect_uri}; Ctrl-C gives up",
                match opened {
                    true => "the browser is opened",
                    false => "open this address in a browser on this machine",
                }
            ));
        }
        AuthorizeEvent::StillWaiting => {
            let mut words = "nobody has come back yet; if the browser shows".to_owned();
            for (page, meaning) in BROWSER_PAGES {
                words.push_str(&format!("\n  {page}\n      {meaning}"));
            }
            output.say(&words);
        }
        AuthorizeEvent::PersonNotFound => {
            output.warn("the server has no data of that person; waiting for another log-in");
        }
        AuthorizeEvent::StrayCallback => {
            output.warn("a callback that answers another request was turned away");
        }
        AuthorizeEvent::EmptyCallback { error: None } => output.warn(
            "the callback address was opened without parameters: it carries no answer of the \
             consent page (opened by hand, or something cut them off); still waiting",
        ),
        AuthorizeEvent::EmptyCallback { error: Some(error) } => output.warn(&format!(
            "the callback address was opened with an error ({error}) and without a state: it \
             answers no request; still waiting"
        )),
        AuthorizeEvent::Finishing => output.warn(
            "the person has come back just before the end of the time; waiting for the consent to \
             be stored",
        ),
        _ => {}
    }
}

/// Opens the URL with `$BROWSER`, otherwise with the desktop's command for addresses; false if
/// there is neither.
fn open_browser(url: &str) -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let has_desktop = variable("DISPLAY").is_some() || variable("WAYLAND_DISPLAY").is_some();
    let program = match variable("BROWSER") {
        Some(browser) => browser,
        None if cfg!(target_os = "macos") => "open".into(),
        None if has_desktop => "xdg-open".into(),
        None => return false,
    };
    let child = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(mut child) => {
            // A browser may stay open for days, so another thread waits for its end.
            std::thread::spawn(move || child.wait());
            true
        }
        Err(_) => false,
    }
}

fn tell(authorized: &Authorized, invocation: &Invocation) -> std::io::Result<()> {
    let grant = &authorized.grant;
    let change = match authorized.change {
        GrantChange::Inserted => "stored",
        GrantChange::Renewed => "renewed",
        GrantChange::Unchanged => "as it was",
        GrantChange::OlderIgnored => "left alone, since a newer consent is here",
    };
    let ends = match grant.grant_expires_at {
        Some(end) => format!("until {}", end.format("%Y-%m-%d")),
        None => "without end".into(),
    };
    invocation.output().say(&format!(
        "grant {} is {change}, {ends}\n  next      {}",
        grant.handle,
        invocation.next("extract")
    ));
    invocation.output().last_event(&json!({
        "event": "authorized",
        "grant": grant.handle,
        "patient": grant.patient,
        "api": grant.api,
        "external_id": grant.external_id,
        "scopes": grant.scopes,
        "expires": grant.grant_expires_at,
        "change": authorized.change,
    }))
}
