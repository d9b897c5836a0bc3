//! Why no complete answer came.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use claimlake_consent::{ServerName, Unreachable};

/// No complete answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transport {
    /// No connection: the request never left.
    NotConnected(Unreachable),
    /// Nothing came for so long; `received` bytes of the body had.
    TimedOut {
        after: Duration,
        received: Option<u64>,
    },
    /// The connection broke before the answer.
    Broken(Break),
    /// The connection broke, or the body was damaged, after this many bytes of the body.
    Cut { how: Break, received: u64 },
    /// The body is larger than any page.
    TooLarge { largest: u64 },
    /// The run is over.
    Over,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    Reset,
    Closed,
    NotHttp,
    NotDecompressed,
}

/// The time limits of a request, which the message about a timeout states.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) read: Duration,
    pub(crate) total: Duration,
}

impl Transport {
    /// Names the failure behind an error of the HTTP client. `received` is the number of bytes of
    /// the body so far; `None` if the headers had not come.
    pub(crate) fn of(
        error: &reqwest::Error,
        received: Option<u64>,
        server: &ServerName,
        limits: Limits,
    ) -> Self {
        if let Some(unreachable) = server.unreachable(error) {
            return Self::NotConnected(unreachable);
        }
        if error.is_timeout() {
            return Self::TimedOut {
                after: limits.read.min(limits.total),
                received,
            };
        }
        let how = how_it_broke(error);
        match received {
            Some(received) => Self::Cut { how, received },
            None => Self::Broken(how),
        }
    }
}

fn how_it_broke(error: &reqwest::Error) -> Break {
    for cause in causes(error) {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => return Break::Reset,
                ErrorKind::UnexpectedEof => return Break::Closed,
                _ => {}
            }
        }
        // hyper has no error types for these, only texts.
        let words = cause.to_string();
        if words.contains("before message completed") || words.contains("end of file before") {
            return Break::Closed;
        }
        if words.starts_with("invalid HTTP") {
            return Break::NotHttp;
        }
    }
    match error.is_decode() {
        true => Break::NotDecompressed,
        false => Break::Closed,
    }
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        // `source()` of an I/O error skips the error that it wraps.
        let wrapped = error.downcast_ref::<std::io::Error>();
        let wrapped = wrapped.and_then(|io| io.get_ref());
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
        Some(error)
    })
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(unreachable) => f.write_str(unreachable.words()),
            Self::TimedOut {
                after,
                received: None,
            } => write!(f, "no answer within {} s", after.as_secs_f32()),
            Self::TimedOut {
                after,
                received: Some(received),
            } => write!(
                f,
                "the body stopped after {}, and nothing more came within {} s",
                size(*received),
                after.as_secs_f32()
            ),
            Self::Broken(how) => write!(f, "{how} before the answer"),
            Self::Cut {
                how: Break::NotDecompressed,
                received,
            } => write!(
                f,
                "the body is damaged after {} (it cannot be decompressed)",
                size(*received)
            ),
            Self::Cut { how, received } => {
                write!(f, "{how}, the body was cut after {}", size(*received))
            }
            Self::TooLarge { largest } => {
                write!(f, "the answer is larger than {}", size(*largest))
            }
            Self::Over => f.write_str("the run is over"),
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "the connection was reset",
            Self::Closed => "the connection was closed",
            Self::NotHttp => "what came is no HTTP",
            Self::NotDecompressed => "the body is damaged",
        })
    }
}

/// `812 bytes`, `4.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let in_tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit / (unit / 10));
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", in_tenths(1_000)),
        _ => format!("{} MB", in_tenths(1_000_000)),
    }
}

#[cfg(test)]
mod tests;
