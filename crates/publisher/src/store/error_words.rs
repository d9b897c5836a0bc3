//! What a store's refusal means, and what to do about it. The body that a server sent is searched
//! for the codes that stores document, and never shown.

use std::error::Error as _;
use std::path::Path;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use crate::error::PublishError;

/// Codes in the answers of S3 and Azure, and what to do about them. The first that is found counts.
const CODES: &[(&[&str], &str)] = &[
    (
        &["NoSuchBucket", "ContainerNotFound"],
        "there is no such bucket or container: make it, or check the name in the URL and the endpoint",
    ),
    (
        &["RequestTimeTooSkewed", "RequestExpired"],
        "this machine's clock differs from the store's: set it, then publish again",
    ),
    (
        &[
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "AuthenticationFailed",
            "InvalidAuthenticationInfo",
        ],
        "the store does not accept the credentials: check the access key and its secret",
    ),
    (
        &["ExpiredToken", "InvalidToken", "TokenRefreshRequired"],
        "the credentials have expired: get new ones, then publish again",
    ),
    (
        &[
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraint",
            "without LOCATION",
        ],
        "the bucket is in another region: set AWS_REGION to it",
    ),
    (
        &[
            "QuotaExceeded",
            "InsufficientStorage",
            "EntityTooLarge",
            "507 ",
        ],
        "the store's quota is used up: free space there or raise it, then publish again",
    ),
    (
        &["SlowDown", "ServerBusy", "TooManyRequests", "503 ", "429 "],
        "the store asks for fewer requests, and went on asking: publish again later",
    ),
    (
        &[
            "AccessDenied",
            "AuthorizationFailure",
            "AuthorizationPermissionMismatch",
        ],
        "the credentials may not do this: they must be allowed to list, read, write and delete there",
    ),
    (
        &["NotImplemented", "501 "],
        "the store does not know conditional writes (If-None-Match), without which two publishers \
         could overwrite each other",
    ),
];

/// A refusal of the store as an error of this crate.
pub(crate) fn refused(operation: String, error: &Error) -> PublishError {
    PublishError::Store {
        operation,
        reason: reason(error),
    }
}

fn reason(error: &Error) -> String {
    let text = causes(error);
    if let Some((_, words)) = CODES
        .iter()
        .find(|(codes, _)| codes.iter().any(|code| text.contains(code)))
    {
        return (*words).to_owned();
    }
    if let Some(kind) = http_kind(error) {
        let words = match kind {
            HttpErrorKind::Connect => {
                "the store cannot be reached: check the endpoint and the network"
            }
            HttpErrorKind::Timeout => "the store did not answer in time: publish again later",
            _ => "the connection broke again and again: publish again later",
        };
        return words.to_owned();
    }
    if [
        "metadata",
        "169.254.169.254",
        "CredentialsProvider",
        "credential",
    ]
    .iter()
    .any(|word| text.contains(word))
    {
        return "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                AZURE_STORAGE_KEY, or what docs/publish.md lists for this store"
            .to_owned();
    }
    match error {
        Error::Unauthenticated { .. } => {
            "the store does not accept the credentials: check them".to_owned()
        }
        Error::PermissionDenied { .. } => {
            "the credentials may not do this: they must be allowed to \
             list, read, write and delete there"
                .to_owned()
        }
        Error::NotFound { .. } => {
            "there is nothing of that name: check bucket and endpoint".to_owned()
        }
        _ => match status(&text) {
            Some(status) => format!("the store answered {status}"),
            None => "the store's answer could not be used".to_owned(),
        },
    }
}

/// The texts of an error and of what caused it.
fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str("; ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Whether the connection ended before the answer was there.
pub(crate) fn is_cut(error: &Error) -> bool {
    http_kind(error).is_some_and(|kind| kind != HttpErrorKind::Connect)
}

fn http_kind(error: &Error) -> Option<HttpErrorKind> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(http) = cause.downcast_ref::<HttpError>() {
            return Some(http.kind());
        }
        next = cause.source();
    }
    None
}

/// The three digits after "status code: ".
fn status(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("status code: ")?;
    let digits = after.get(..3)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(digits)
}

/// A local file is not as its manifest says.
pub(crate) fn damaged(path: &Path) -> PublishError {
    PublishError::Damaged(format!(
        "{}: its checksum is not the manifest's, so it is not published; `verify` names every damaged \
         file, and `transform --full`, then `load --rebuild` make them anew",
        path.display()
    ))
}
