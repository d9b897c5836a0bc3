//! The HTML pages: login, consent, and the faults that are answered in HTML.

use crate::http::{Reply, Request, escape_html};
use crate::oauth::consent::Asked;
use crate::oauth::ledger::PersonIndex;
use crate::service::{Api, Service};

const STYLE: &str = include_str!("pages.css");
const PEOPLE_SHOWN: usize = 100;

/// A page that is not cached and not framed.
fn page(status: u16, title: &str, main: &str) -> Reply {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\
         <p class=\"banner\" role=\"note\"><strong>claimlake sandbox</strong> \
         synthetic people only. This is not Medicare.gov and not a CMS service.</p>\
         <main>{main}</main></body></html>\n"
    );
    Reply::text(status, html)
        .with("x-frame-options", "DENY")
        .with("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src *")
}

/// The login page; any synthetic person may be picked, no password is asked for.
pub(crate) fn login(service: &Service, relay: &str, problem: Option<&str>) -> Reply {
    let people = service.records.people();
    let options: String = (0..people.min(PEOPLE_SHOWN))
        .map(|person| {
            let (given, family) = service.records.name(person);
            let login = escape_html(&service.records.login(person));
            let name = escape_html(format!("{given} {family}").trim());
            format!("<option value=\"{login}\">{name}</option>")
        })
        .collect();
    let first = service
        .records
        .people()
        .checked_sub(1)
        .map(|_| service.records.login(0))
        .unwrap_or_default();
    let problem = problem.map_or(String::new(), |text| {
        format!(
            "<p class=\"problem\" role=\"alert\">{}</p>",
            escape_html(text)
        )
    });
    let main = format!(
        "<h1>Log in as a synthetic person</h1>{problem}\
         <p>There are {people} of them. Type a login or choose one from the list; \
         any password is accepted.</p>\
         <form method=\"post\" action=\"/sso/login\">\
         <input type=\"hidden\" name=\"relay\" value=\"{relay}\">\
         <label for=\"username\">Login</label>\
         <input id=\"username\" name=\"username\" list=\"people\" value=\"{first}\" \
         autocomplete=\"off\" required autofocus>\
         <datalist id=\"people\">{options}</datalist>\
         <label for=\"password\">Password <span class=\"hint\">(not checked)</span></label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"off\">\
         <button type=\"submit\" id=\"login\">Log in</button></form>",
        relay = escape_html(relay),
        first = escape_html(&first),
    );
    page(200, "Log in - claimlake sandbox", &main)
}

/// The consent page.
pub(crate) fn consent(
    service: &Service,
    api: Api,
    asked: &Asked,
    person: PersonIndex,
    approval: &str,
    request: &Request,
) -> Reply {
    let (given, family) = service.records.name(person);
    let app_name = service.state().ledger.apps[asked.app].name.clone();
    let scopes: Vec<&str> = asked.scopes.iter().map(String::as_str).collect();
    let query = request.raw_query.as_deref().unwrap_or_default();
    let mut shared = String::from("<ul>");
    for (mark, text) in [
        (
            "ExplanationOfBenefit",
            "Claims: doctors, hospitals, prescriptions (Part A, B and D)",
        ),
        ("Coverage", "Your Medicare coverage"),
        (
            "patient/Patient",
            "Your name, birth date, address and other personal information",
        ),
    ] {
        if scopes.iter().any(|scope| scope.contains(mark)) {
            shared.push_str(&format!("<li>{text}</li>"));
        }
    }
    shared.push_str("</ul>");
    let asks_demographics = scopes
        .iter()
        .any(|scope| *scope == "profile" || scope.starts_with("patient/Patient"));
    let choice = if api.is_v3() {
        "<fieldset><legend>Optional</legend>\
         <input type=\"hidden\" name=\"share_samhsa_data\" value=\"False\">\
         <label class=\"check\"><input type=\"checkbox\" id=\"samhsa\" \
         name=\"share_samhsa_data\" value=\"True\"> \
         Also share substance use disorder treatment records (42 CFR Part 2)</label></fieldset>"
    } else if asks_demographics {
        "<fieldset><legend>Personal information</legend>\
         <input type=\"hidden\" name=\"share_demographic_scopes\" value=\"False\">\
         <label class=\"check\"><input type=\"checkbox\" id=\"demographics\" \
         name=\"share_demographic_scopes\" value=\"True\" checked> \
         Share my name, birth date, address and other personal information</label></fieldset>"
    } else {
        ""
    };
    let button = if api.is_v3() { "Share" } else { "Connect" };
    let main = format!(
        "<h1>Share Medicare data with {app}?</h1>\
         <p class=\"who\">You are logged in as <strong>{given} {family}</strong> \
         ({login}), a person who does not exist.</p>\
         <p><strong>{app}</strong> asks for:</p>{shared}\
         <form method=\"post\" action=\"/v{version}/o/authorize/{approval}/?{query}\">{choice}\
         <div class=\"actions\">\
         <button type=\"submit\" name=\"allow\" value=\"{button}\" id=\"approve\">{button}</button>\
         <button type=\"submit\" class=\"quiet\" id=\"deny\">Cancel</button></div></form>\
         <p class=\"hint\">After this page the browser goes back to {target}.</p>",
        app = escape_html(&app_name),
        given = escape_html(&given),
        family = escape_html(&family),
        login = escape_html(&service.records.login(person)),
        version = api.0,
        query = escape_html(query),
        target = escape_html(
            asked
                .redirect_uri
                .split(['?', '#'])
                .next()
                .unwrap_or_default()
        ),
    );
    page(200, "Share your data - claimlake sandbox", &main)
}

/// A fault of the app's request, shown in the browser, since the app cannot be trusted with it.
pub(crate) fn client_fault(status: u16, text: &str) -> Reply {
    let main = format!(
        "<h1>The app's request cannot be answered</h1><p class=\"problem\">{}</p>",
        escape_html(text)
    );
    page(status, "Authorization error - claimlake sandbox", &main)
}

/// A person whom Medicare.gov knows and the data backend does not. The real page tells the app by
/// a background request without `state`, always after a question mark.
pub(crate) fn beneficiary_not_found(redirect_uri: Option<&str>) -> Reply {
    let script = redirect_uri.map_or(String::new(), |uri| {
        let target = serde_json::json!(format!("{uri}?error=not_found"))
            .to_string()
            .replace('<', "\\u003c");
        format!("<script>fetch({target}, {{mode: \"no-cors\"}});</script>")
    });
    let main = format!(
        "<h1>No records found</h1><p class=\"problem\">There is no synthetic person with \
         this login, or no data for them.</p>{script}"
    );
    page(404, "Not found - claimlake sandbox", &main)
}

/// Any path that is no route.
pub(crate) fn not_found() -> Reply {
    page(
        404,
        "Not found - claimlake sandbox",
        "<h1>Not found</h1><p>There is nothing at this address.</p>",
    )
}

/// The front page.
pub(crate) fn welcome(origin: &str, client_id: &str, people: usize) -> Reply {
    let main = format!(
        "<h1>A local Blue Button 2.0</h1>\
         <p>It speaks version 2 and 3 of the API for {people} synthetic people.</p>\
         <ul><li>Base URL: <code>{origin}</code></li>\
         <li>Client id: <code>{client_id}</code></li>\
         <li>Redirect URIs: any http address of this machine</li>\
         <li>Client secrets and further apps: <a href=\"/_sandbox/apps\">/_sandbox/apps</a></li>\
         <li>What it noticed so far: <a href=\"/_sandbox/account\">/_sandbox/account</a></li>\
         <li>Faults: <a href=\"/_sandbox/faults\">/_sandbox/faults</a></li></ul>",
        origin = escape_html(origin),
    );
    page(200, "claimlake sandbox", &main)
}
