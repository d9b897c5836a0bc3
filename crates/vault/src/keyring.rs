//! The keyring of the desktop, through the tools that come with it: `secret-tool` (libsecret) on
//! Linux and `security` on macOS. A key goes in by standard input, never by an argument.

use std::io::Write;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::VaultError;
use crate::key_text::{key_text, parse_key};
use crate::seal::Key;

const SERVICE: &str = "claimlake";

/// Whether the key is looked up in the desktop's keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keyring {
    /// It is not.
    #[default]
    Off,
    /// It is; if there is no keyring, the key file is used.
    System,
}

/// The key in the keyring, or a new one put there; `None` if no keyring answers.
pub(crate) fn key(vault_id: &str, may_create: bool) -> Result<Option<(Key, bool)>, VaultError> {
    if let Some(text) = look_up(vault_id) {
        return Ok(Some((parse_key(&text, "the system keyring")?, false)));
    }
    if !may_create {
        return Ok(None);
    }
    let key = Key::random()?;
    Ok(store(vault_id, &key).then_some((key, true)))
}

/// Puts a key into the keyring, replacing an earlier one; returns whether it can be read back. A
/// keyring that does not return what it took is no place for the only copy of a key.
pub(crate) fn store(name: &str, key: &Key) -> bool {
    put(name, key) && look_up(name).is_some_and(|text| text.trim() == key_text(key).expose())
}

fn put(vault_id: &str, key: &Key) -> bool {
    let text = key_text(key);
    if cfg!(target_os = "macos") {
        let command = format!(
            "add-generic-password -U -s {SERVICE} -a {vault_id} -w {}\n",
            text.expose()
        );
        run(
            "security",
            &["-i"],
            Some(Zeroizing::new(command).as_bytes()),
        )
        .is_some()
    } else {
        run(
            "secret-tool",
            &[
                "store",
                "--label=claimlake vault key",
                "service",
                SERVICE,
                "vault",
                vault_id,
            ],
            Some(text.expose().as_bytes()),
        )
        .is_some()
    }
}

pub(crate) fn look_up(vault_id: &str) -> Option<Zeroizing<String>> {
    let text = if cfg!(target_os = "macos") {
        let arguments = ["find-generic-password", "-s", SERVICE, "-a", vault_id, "-w"];
        run("security", &arguments, None)
    } else {
        let arguments = ["lookup", "service", SERVICE, "vault", vault_id];
        run("secret-tool", &arguments, None)
    }?;
    (!text.trim().is_empty()).then_some(text)
}

/// Takes a key out of the keyring.
pub(crate) fn remove(vault_id: &str) -> bool {
    if cfg!(target_os = "macos") {
        let arguments = ["delete-generic-password", "-s", SERVICE, "-a", vault_id];
        run("security", &arguments, None).is_some()
    } else {
        let arguments = ["clear", "service", SERVICE, "vault", vault_id];
        run("secret-tool", &arguments, None).is_some()
    }
}

fn run(program: &str, arguments: &[&str], input: Option<&[u8]>) -> Option<Zeroizing<String>> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin.write_all(input).ok()?;
    }
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(Zeroizing::new(text))
}
