//! Describes which certificates this machine is configured to trust, for errors about an untrusted
//! one.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// The values of SSL_CERT_FILE and SSL_CERT_DIR, and what is wrong with them.
pub(crate) fn settings() -> String {
    words(|name| std::env::var_os(name))
}

/// Both variables, read through `variable`.
fn words(variable: impl Fn(&str) -> Option<OsString>) -> String {
    let file = match variable(FILE) {
        None => format!("{FILE} is not set"),
        Some(value) => format!("{FILE} is {}", named(&value, of_file(Path::new(&value)))),
    };
    let folders = match variable(FOLDERS) {
        None => format!("{FOLDERS} is not set"),
        Some(value) => {
            let all = std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty());
            let found = all.map(|path| of_folder(&path));
            let found = found.reduce(|one, other| match (one, other) {
                // The certificates that cannot be read are what needs attention.
                (Err(error), _) | (_, Err(error)) => Err(error),
                (Ok(one), Ok(other)) => Ok(one + other),
            });
            format!("{FOLDERS} is {}", named(&value, found.unwrap_or(Ok(0))))
        }
    };
    format!("{file}; {folders}")
}

/// A value, and how many certificates were found by it.
fn named(value: &OsStr, found: Result<usize, std::io::Error>) -> String {
    let value = value.to_string_lossy();
    match found {
        Err(error) => format!("'{value}', which cannot be read: {error}"),
        Ok(0) => format!("'{value}', which holds no certificate in PEM"),
        Ok(1) => format!("'{value}', which holds 1 certificate"),
        Ok(count) => format!("'{value}', which holds {count} certificates"),
    }
}

/// The number of certificates in a file.
fn of_file(path: &Path) -> Result<usize, std::io::Error> {
    match CertificateDer::pem_file_iter(path) {
        Ok(found) => {
            let mut certificates = 0;
            for certificate in found {
                match certificate {
                    Ok(_) => certificates += 1,
                    Err(PemError::Io(error)) => return Err(error),
                    Err(_) => {}
                }
            }
            Ok(certificates)
        }
        Err(PemError::Io(error)) => Err(error),
        Err(_) => Ok(0),
    }
}

/// The number of certificates in all files of a folder; files that cannot be read count as none.
fn of_folder(path: &Path) -> Result<usize, std::io::Error> {
    let files = std::fs::read_dir(path)?.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.is_file());
    Ok(files.map(|path| of_file(&path).unwrap_or(0)).sum())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::words;

    #[test]
    fn what_is_set_and_what_is_wrong_with_it_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tls");
        let ca = std::fs::read_to_string(fixtures.join("ca.pem")).unwrap();
        for name in ["one", "two"] {
            std::fs::create_dir(at(name)).unwrap();
        }
        std::fs::create_dir(at("none")).unwrap();
        std::fs::write(at("one/ca.pem"), &ca).unwrap();
        std::fs::write(at("two/all.pem"), format!("{ca}{ca}")).unwrap();
        std::fs::write(at("empty"), "").unwrap();
        std::fs::write(at("text"), "no PEM at all\n").unwrap();
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        std::fs::write(at("key.pem"), key).unwrap();
        let trusted = ca.replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
        std::fs::write(at("trusted.pem"), trusted).unwrap();
        let no = "which holds no certificate in PEM";
        for (file, folders, expected) in [
            (
                None,
                None,
                "SSL_CERT_FILE is not set; SSL_CERT_DIR is not set".to_owned(),
            ),
            (
                Some(at("gone")),
                None,
                format!("'{}', which cannot be read: ", at("gone")),
            ),
            // A folder, where a file is due.
            (
                Some(at("one")),
                None,
                format!("'{}', which cannot be read: ", at("one")),
            ),
            (
                Some(String::new()),
                None,
                "'', which cannot be read: ".to_owned(),
            ),
            (Some(at("empty")), None, format!("{}', {no}; ", at("empty"))),
            (Some(at("text")), None, format!("{}', {no}; ", at("text"))),
            (
                Some(at("key.pem")),
                None,
                format!("{}', {no}; ", at("key.pem")),
            ),
            (
                Some(at("trusted.pem")),
                None,
                format!("{}', {no}; ", at("trusted.pem")),
            ),
            (
                Some(at("one/ca.pem")),
                None,
                "ca.pem', which holds 1 certificate; ".to_owned(),
            ),
            (
                None,
                Some(at("gone")),
                format!("'{}', which cannot be read: ", at("gone")),
            ),
            (
                None,
                Some(at("none")),
                format!("SSL_CERT_DIR is '{}', {no}", at("none")),
            ),
            (
                None,
                Some(format!("{}:{}", at("one"), at("two"))),
                "holds 3 certificates".to_owned(),
            ),
            (
                None,
                Some(format!("{}:{}", at("one"), at("gone"))),
                "cannot be read: ".to_owned(),
            ),
        ] {
            let said = words(|name| {
                let value = if name == "SSL_CERT_FILE" {
                    &file
                } else {
                    &folders
                };
                value.clone().map(OsString::from)
            });
            assert!(said.contains(&expected), "{said}\n{expected}");
        }
    }
}
