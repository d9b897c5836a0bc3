//! Tests of what is said where the broker was not heard to the end.

use chrono::Utc;
use claimlake_contract::{ApiVersion, Secret};
use claimlake_vault::{GrantChange, Stored};

use super::{answers_nothing, or_stored_meanwhile, timed_out};
use crate::testing::{new_grant, vault};
use crate::{App, AuthorizeRequest, CallbackKind, ConsentError, read_callback, start};

fn broker() -> Result<Stored, ConsentError> {
    Err(ConsentError::Broker {
        reason: "the token broker (process 7) has given no sign of life".into(),
    })
}

#[test]
fn the_vault_decides_what_became_of_a_consent_and_not_the_silence() {
    let data = tempfile::tempdir().unwrap();
    let vault = vault(data.path());
    let app = App::new("http://127.0.0.1:8380", "app", Secret::new("x")).unwrap();
    let request = AuthorizeRequest::new(ApiVersion::V2, "http://127.0.0.1:9/cb");
    let started = start(&app, &vault, &request, Utc::now()).unwrap();
    let words = |outcome| {
        let error = or_stored_meanwhile(&vault, &started.state, outcome).unwrap_err();
        error.to_string()
    };
    // The broker has not taken it up: the code was never sent.
    assert!(words(broker()).contains("no consent was stored: begin again"));
    assert!(words(Err(timed_out())).contains("nobody came back"));
    // It has, and no more is known.
    vault.take_authorization(&started.state).unwrap().unwrap();
    let open = words(broker());
    assert!(open.contains("not stored yet and may still be"), "{open}");
    assert!(
        open.contains("process 7") && open.contains("grants list"),
        "{open}"
    );
    // It is stored; whatever was heard, it is no failure.
    let stored = vault
        .insert_or_renew(&new_grant(ApiVersion::V2, None, "r"))
        .unwrap();
    vault.note_finished(&started.state, &stored).unwrap();
    for outcome in [broker(), Err(timed_out())] {
        let found = or_stored_meanwhile(&vault, &started.state, outcome).unwrap();
        assert_eq!(
            (found.handle, found.change),
            (stored.handle.clone(), GrantChange::Inserted)
        );
    }
    // What the server said remains what it said.
    let refused = Err(ConsentError::Callback {
        reason: "the code".into(),
    });
    assert_eq!(words(refused), "the code");
}

#[test]
fn a_callback_url_that_answers_nothing_is_called_what_it_is() {
    for (query, expected) in [
        ("?", "has no parameters"),
        ("?x=1", "has no parameters"),
        ("?error=not_found", "no data of the person"),
        (
            "?error=access_denied",
            "an error (access_denied) and no request",
        ),
    ] {
        let kind: CallbackKind = read_callback(query).unwrap();
        let words = answers_nothing(&kind);
        assert!(words.contains(expected), "{query}: {words}");
        assert_eq!(
            words.contains("no data"),
            query.contains("not_found"),
            "{words}"
        );
    }
}
