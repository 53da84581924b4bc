//! What can go wrong between this program and a Prefect server.

use covid_core::{Explain, FaultKind};
use covid_http::{HttpError, HttpFault};

use crate::FlowError;

/// Why a Prefect server did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum PrefectError {
    /// A parameter, a name or a setting that cannot be.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// No server is named.
    #[error("no Prefect server is named")]
    NoServer,
    /// User and password without a colon between them.
    #[error("the user and password for Prefect cannot be read: there is no `:` between them")]
    BadAuthString,
    /// The call failed.
    #[error(transparent)]
    Remote(#[from] HttpError),
    /// The server says why it refuses.
    #[error("{cause}: {reason}")]
    Refused {
        /// The call that failed.
        #[source]
        cause: Box<HttpError>,
        /// Prefect's reason.
        reason: String,
    },
    /// Something else than Prefect's interface answered.
    #[error("`{url}` does not answer as Prefect does: {reason}")]
    NotPrefect {
        /// The address, redacted.
        url: String,
        /// What was wrong with the answer.
        reason: String,
    },
    /// No such work pool.
    #[error("there is no work pool `{pool}` at `{url}`")]
    NoPool {
        /// The pool.
        pool: String,
        /// The server, redacted.
        url: String,
    },
    /// A work pool of another type: other workers serve it.
    #[error("the work pool `{pool}` is of the type `{found}`, not `{ours}`", ours = super::POOL_TYPE)]
    ForeignPool {
        /// The pool.
        pool: String,
        /// Its type.
        found: String,
    },
}

impl Explain for PrefectError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Flow(cause) => cause.kind(),
            Self::Remote(cause) => cause.kind(),
            Self::Refused { .. } | Self::NotPrefect { .. } => FaultKind::Remote,
            Self::NoServer | Self::BadAuthString | Self::NoPool { .. } | Self::ForeignPool { .. } => FaultKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Flow(cause) => return cause.hint(),
            Self::Remote(cause) => return cause.hint(),
            Self::Refused { cause, .. } => match cause.fault() {
                HttpFault::Status { code: 401 | 403, .. } => {
                    "check PREFECT_API_KEY or PREFECT_API_AUTH_STRING: the credentials, and that they allow this"
                }
                HttpFault::Status { code: 500..=599, .. } => "try again later",
                _ => "check what was asked for, and the server's log",
            },
            Self::NoServer => {
                "set PREFECT_API_URL to the address of its interface, such as http://127.0.0.1:4200/api; `serve` needs no server"
            }
            Self::BadAuthString => "write `user:password` in PREFECT_API_AUTH_STRING",
            Self::NotPrefect { .. } => "check PREFECT_API_URL: the address of the interface ends with `/api`",
            Self::NoPool { .. } => "make it with `deploy`, or check the pool's name",
            Self::ForeignPool { .. } => "choose another name for the pool",
        };
        Some(hint.to_owned())
    }

    fn may_pass(&self) -> bool {
        match self {
            Self::Remote(cause) => cause.may_pass(),
            Self::Refused { cause, .. } => cause.may_pass(),
            Self::Flow(_)
            | Self::NoServer
            | Self::BadAuthString
            | Self::NotPrefect { .. }
            | Self::NoPool { .. }
            | Self::ForeignPool { .. } => false,
        }
    }
}
