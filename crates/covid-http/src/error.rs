//! What can go wrong with a request, said without its secrets.

use std::{io, time::Duration};

use covid_core::{Explain, FaultKind};

use crate::{HttpSettings, Said};

const NO_CONNECTION: &str = "no connection was made";

/// A request that failed: what was asked for, how often, and why not.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{url}`{}: {fault}", in_tries(*.tries))]
pub struct HttpError {
    /// What was to be done, as a verb: `download`.
    action: &'static str,
    /// The address, redacted.
    url: String,
    tries: u32,
    #[source]
    fault: HttpFault,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpFault {
    /// An address that is none.
    #[error("it is no address of the web ({reason})")]
    BadUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// No client could be made on this machine.
    #[error("no client can be made ({cause})")]
    NoClient {
        /// Why.
        cause: String,
    },
    /// The server was not reached.
    #[error("the server cannot be reached ({cause})")]
    Unreachable {
        /// Why: no such name, nobody listens, a certificate that is not trusted.
        cause: String,
    },
    /// Something took too long.
    #[error("{what} within {} s", limit.as_secs_f64())]
    Timeout {
        /// What did not happen.
        what: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// The server did not answer as HTTP wants it.
    #[error("the server's answer cannot be understood ({cause})")]
    Protocol {
        /// Why.
        cause: String,
    },
    /// The server says that it does not give what was asked for.
    #[error("the server answered {code}{}{}", named(*.code), later(*.retry_after))]
    Status {
        /// The code: 404, say.
        code: u16,
        /// How long the server asks to wait before the next try.
        retry_after: Option<Duration>,
        /// The answer's body where a call was made, at most 64 KiB; empty for a download.
        said: Said,
    },
    /// Sent from one place to the next without end, or from a safe one to an unsafe one.
    #[error("its redirection was not followed ({cause})")]
    Redirect {
        /// Why.
        cause: String,
    },
    /// The body ended too early.
    #[error("the answer was cut off after {received}{} bytes", of(*.expected))]
    CutOff {
        /// Bytes of the body that are there, those of earlier tries included.
        received: u64,
        /// Bytes that the server announced, if it did.
        expected: Option<u64>,
    },
    /// More bytes than the caller takes.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The most that the caller takes.
        limit: u64,
    },
    /// The server sent another part of the body than the missing one. The next try asks for the whole.
    #[error("the server sent another part than the one that was missing")]
    WrongPart,
    /// The receiver could not take the bytes.
    #[error("what was received cannot be kept ({0})")]
    Sink(io::Error),
}

fn in_tries(tries: u32) -> String {
    if tries > 1 { format!(" in {tries} tries") } else { String::new() }
}

/// The name of a status code, where it has one.
fn named(code: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    reason.map(|reason| format!(" {reason}")).unwrap_or_default()
}

fn later(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(" and asks to wait {} s", wait.as_secs())).unwrap_or_default()
}

fn of(expected: Option<u64>) -> String {
    expected.map(|bytes| format!(" of {bytes}")).unwrap_or_default()
}

impl HttpError {
    pub(crate) fn new(action: &'static str, url: String, tries: u32, fault: HttpFault) -> Self {
        Self { action, url, tries, fault }
    }

    /// Why it failed.
    pub fn fault(&self) -> &HttpFault {
        &self.fault
    }

    /// Whether the server may have done what it was asked for, although it did not say so.
    pub fn may_be_done(&self) -> bool {
        self.fault.is_passing() && !self.fault.is_surely_undone()
    }
}

impl HttpFault {
    /// What reqwest says, without the address: that is redacted, and named by [`HttpError`].
    pub(crate) fn of(error: reqwest::Error, settings: &HttpSettings) -> Self {
        let cause = root_cause(&error);
        if error.is_redirect() {
            return Self::Redirect { cause };
        }
        match (error.is_timeout(), error.is_connect()) {
            (true, true) => Self::Timeout { what: NO_CONNECTION, limit: settings.connect_timeout },
            (true, false) => Self::Timeout { what: "no further byte came", limit: settings.idle_timeout },
            (false, true) => Self::Unreachable { cause },
            (false, false) if error.is_builder() => Self::BadUrl { reason: cause },
            (false, false) => Self::Protocol { cause },
        }
    }

    /// Whether the next try may well succeed.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Protocol { .. } | Self::CutOff { .. } => true,
            Self::WrongPart => true,
            // 408 request time-out, 425 too early, 429 too many requests.
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500..=599),
            Self::BadUrl { .. } | Self::NoClient { .. } | Self::Redirect { .. } | Self::TooLarge { .. } => false,
            Self::Sink(_) => false,
        }
    }

    /// Whether the server did surely not begin what it was asked for: it was not reached, or said so (408 request
    /// time-out, 425 too early, 429 too many requests). 503 says less: MLflow answers it where a commit failed, too.
    pub(crate) fn is_surely_undone(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Timeout { what, .. } => *what == NO_CONNECTION,
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429),
            _ => false,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::BadUrl { .. } => "give an address such as `https://host/path`",
            Self::NoClient { .. } => "this is a fault of the machine or of the program: please report it",
            Self::Unreachable { cause } if cause.contains("certificate") => {
                "check the machine's clock, and that it has the certificates of the public authorities (Debian: the \
                 package ca-certificates)"
            }
            Self::Unreachable { .. } => "check the address and the network (behind a proxy: HTTPS_PROXY)",
            Self::Timeout { .. } => "check the network, try again later, or set a longer time-out",
            Self::Status { code, .. } => match code {
                401 | 403 | 407 => "check the credentials, and that they allow this",
                404 | 410 => "check the address",
                408 | 425 | 429 | 500..=599 => "try again later",
                _ => "check the address and the server's log",
            },
            Self::CutOff { .. } => "check the network, and try again",
            Self::Protocol { .. } => "check that an HTTP server listens at that address, and try again",
            Self::Redirect { .. } => "give the address that it leads to in the end",
            Self::TooLarge { .. } => "check that the address is the right one",
            Self::WrongPart => "try again",
            Self::Sink(_) => "check the disk and the permissions",
        }
    }
}

impl Explain for HttpError {
    fn kind(&self) -> FaultKind {
        match self.fault {
            HttpFault::BadUrl { .. } | HttpFault::Sink(_) => FaultKind::Usage,
            HttpFault::NoClient { .. } => FaultKind::Unexpected,
            _ => FaultKind::Remote,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(self.fault.hint().into())
    }

    fn may_pass(&self) -> bool {
        self.fault.is_passing()
    }
}

/// The last of the causes, which says what happened; those above it say only where.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    // An error without a cause is reqwest's own, whose text may hold the address.
    if std::ptr::addr_eq(cause, error) { "no cause is known".into() } else { cause.to_string() }
}
