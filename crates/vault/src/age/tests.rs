//! Tests of sealing to a public key.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use claimlake_contract::hex;

use super::{Recipient, derive, seal_to};

/// A public key made by `age-keygen` for this test; nobody has the other half.
const PUBLIC: &str = "age1jz6afwncpd7wgm075rrtjer8snlqp5e3ac450ekmwzp8jk6vz4wsst08m0";

#[test]
fn the_derived_key_is_that_of_rfc_5869() {
    // Test cases 1 and 3, with SHA-256: the first 32 of 42 bytes.
    let salt: Vec<u8> = (0..13).collect();
    let info: Vec<u8> = (0xf0..0xfa).collect();
    for (salt, info, expected) in [
        (
            &salt[..],
            &info[..],
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        (
            &[],
            &[],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
        ),
    ] {
        let derived = derive(&[0x0b; 22], salt, info).unwrap();
        assert_eq!(hex(&derived[..]), expected);
    }
}

#[test]
fn a_recipient_with_a_wrong_letter_is_refused() {
    assert!(PUBLIC.parse::<Recipient>().is_ok());
    let mut wrong = PUBLIC.to_owned();
    let last = wrong.pop().unwrap();
    wrong.push(if last == 'q' { 'p' } else { 'q' });
    for text in [wrong.as_str(), "age1", "", "ssh-ed25519 AAAA"] {
        assert!(text.parse::<Recipient>().is_err(), "{text}");
    }
}

#[test]
fn the_sealed_text_shows_nothing_and_is_another_each_time() {
    let recipient = PUBLIC.parse().unwrap();
    let sealed = seal_to(&recipient, b"refresh_token").unwrap();
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    assert!(!sealed.contains("refresh_token"));
    assert_ne!(sealed, seal_to(&recipient, b"refresh_token").unwrap());
}

#[test]
fn the_age_program_opens_what_was_sealed() {
    let keys = tempfile::tempdir().unwrap();
    let key_file = keys.path().join("key.txt");
    let made = Command::new("age-keygen").arg("-o").arg(&key_file).output();
    if made.is_err() {
        println!("SKIPPED: there is no age program here");
        return;
    }
    let text = std::fs::read_to_string(&key_file).unwrap();
    let public = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    let recipient: Recipient = public.unwrap().parse().unwrap();
    for length in [0, 1, 65_536, 65_537, 200_000] {
        let plain: Vec<u8> = (0..length).map(|at: usize| (at % 251) as u8).collect();
        let sealed = seal_to(&recipient, &plain).unwrap();
        assert!(open_with_age(&key_file, &sealed) == plain, "{length} bytes");
    }
}

fn open_with_age(key_file: &Path, sealed: &str) -> Vec<u8> {
    let mut age = Command::new("age")
        .args(["--decrypt", "--identity"])
        .arg(key_file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = age.stdin.take().unwrap();
    let text = sealed.to_owned();
    let feeding = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = age.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}
