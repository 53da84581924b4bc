//! How every error of the project explains itself: what kind of fault it is, and what to do next.

use std::{error::Error, fmt};

/// Whose fault an error is. `covid-cli` maps each kind to one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Something nobody foresaw (exit 1).
    Unexpected,
    /// Arguments or settings that cannot be obeyed (exit 2).
    Usage,
    /// Input data that are missing or bad (exit 3).
    Data,
    /// A remote service that failed or refused (exit 4).
    Remote,
    /// The gate said no (exit 5).
    Refused,
}

/// An error that a person can act on. Its `Display` is one sentence that names the thing and the cause.
pub trait Explain: Error + Send + Sync + 'static {
    /// Whose fault it is.
    fn kind(&self) -> FaultKind;

    /// What to do next, in one line, if there is something to do.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Whether the same may well succeed a little later, with nobody doing anything about it.
    fn may_pass(&self) -> bool {
        self.kind() == FaultKind::Remote
    }
}

/// Any explained error, for the layers that only pass it on.
pub struct Fault(Box<dyn Explain>);

impl Fault {
    /// Whose fault it is.
    pub fn kind(&self) -> FaultKind {
        self.0.kind()
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    /// Whether the same may well succeed a little later.
    pub fn may_pass(&self) -> bool {
        self.0.may_pass()
    }
}

impl<E: Explain> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
