//! The states of flow runs and task runs, in Prefect's words, and which may follow which.

use std::fmt;

use covid_core::Timestamp;
use serde::{Deserialize, Serialize};

/// What a run is doing. Prefect calls this a state's name; several names have one type ([`StateKind::prefect_type`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StateKind {
    /// It is to run at a time that has not come, or that has just come.
    Scheduled,
    /// Its time has passed, and nobody has begun.
    Late,
    /// Somebody has claimed it.
    Pending,
    /// It is at work.
    Running,
    /// A try failed in a way that may pass: the next one waits.
    AwaitingRetry,
    /// It is at work again after a try that failed.
    Retrying,
    /// It is asked to stop, and has not stopped.
    Cancelling,
    /// It did what it was to do.
    Completed,
    /// It ended with an error.
    Failed,
    /// It panicked, or the process died around it.
    Crashed,
    /// It was stopped, or not begun at all.
    Cancelled,
}

impl StateKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Scheduled,
        Self::Late,
        Self::Pending,
        Self::Running,
        Self::AwaitingRetry,
        Self::Retrying,
        Self::Cancelling,
        Self::Completed,
        Self::Failed,
        Self::Crashed,
        Self::Cancelled,
    ];

    /// The name, as Prefect writes it: `AwaitingRetry`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Late => "Late",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::AwaitingRetry => "AwaitingRetry",
            Self::Retrying => "Retrying",
            Self::Cancelling => "Cancelling",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Crashed => "Crashed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The type of state that Prefect's API wants beside the name: `SCHEDULED` for `AwaitingRetry`.
    pub fn prefect_type(self) -> &'static str {
        match self {
            Self::Scheduled | Self::Late | Self::AwaitingRetry => "SCHEDULED",
            Self::Pending => "PENDING",
            Self::Running | Self::Retrying => "RUNNING",
            Self::Cancelling => "CANCELLING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Crashed => "CRASHED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The state of that name, in whatever case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Whether nothing comes after it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Crashed | Self::Cancelled)
    }

    /// Whether a run in this state may go over to that one.
    ///
    /// What ended never runs again, and what is asked to stop ends as cancelled (or crashed), whatever it did meanwhile.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Scheduled => matches!(next, Self::Late | Self::Pending | Self::Cancelled | Self::Crashed),
            Self::Late => matches!(next, Self::Pending | Self::Cancelled | Self::Crashed),
            Self::Pending => {
                matches!(next, Self::Scheduled | Self::Running | Self::Cancelling)
                    || (next.is_final() && !next.is_success())
            }
            Self::Running | Self::Retrying => matches!(next, Self::AwaitingRetry | Self::Cancelling) || next.is_final(),
            Self::AwaitingRetry => {
                matches!(next, Self::Retrying | Self::Cancelling | Self::Cancelled | Self::Crashed)
            }
            Self::Cancelling => matches!(next, Self::Cancelled | Self::Crashed),
            Self::Completed | Self::Failed | Self::Crashed | Self::Cancelled => false,
        }
    }

    fn is_success(self) -> bool {
        self == Self::Completed
    }
}

impl fmt::Display for StateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A state that a run came to: which, when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What the run is doing.
    pub kind: StateKind,
    /// When it came to it.
    pub at: Timestamp,
    /// Why, in a sentence; empty if there is nothing to say.
    pub message: String,
}

impl State {
    /// A state from an instant on.
    pub fn new(kind: StateKind, at: Timestamp, message: impl Into<String>) -> Self {
        Self { kind, at, message: message.into() }
    }
}

/// The state of one run, which changes only as it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifecycle(State);

impl Lifecycle {
    /// Begins with a state.
    pub fn new(first: State) -> Self {
        Self(first)
    }

    /// The state of now.
    pub fn state(&self) -> &State {
        &self.0
    }

    /// Goes over to another state.
    ///
    /// # Errors
    /// If it may not follow; nothing changes then.
    pub fn advance(&mut self, next: State) -> Result<&State, IllegalTransition> {
        if !self.0.kind.may_become(next.kind) {
            return Err(IllegalTransition { from: self.0.kind, to: next.kind });
        }
        self.0 = next;
        Ok(&self.0)
    }
}

/// A change of state that may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {from} cannot become {to}")]
pub struct IllegalTransition {
    /// The state that it has.
    pub from: StateKind,
    /// The state that it was to get.
    pub to: StateKind,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds() -> impl Strategy<Value = StateKind> {
        proptest::sample::select(&StateKind::ALL[..])
    }

    proptest! {
        #[test]
        fn whatever_is_tried_a_run_ends_once(tried in proptest::collection::vec(kinds(), 0..40)) {
            let at = Timestamp::UNIX_EPOCH;
            let mut run = Lifecycle::new(State::new(StateKind::Scheduled, at, ""));
            let mut path = vec![StateKind::Scheduled];
            for kind in tried {
                let before = run.clone();
                match run.advance(State::new(kind, at, "")) {
                    Ok(_) => path.push(kind),
                    Err(illegal) => {
                        prop_assert_eq!(illegal, IllegalTransition { from: before.state().kind, to: kind });
                        prop_assert_eq!(&run, &before);
                    }
                }
            }
            let (last, earlier) = path.split_last().unwrap();
            prop_assert!(earlier.iter().all(|kind| !kind.is_final()), "{:?}", path);
            let worked = path.iter().any(|kind| kind.prefect_type() == "RUNNING");
            prop_assert!(worked || *last != StateKind::Completed, "{:?} without work", path);
            let asked = path.iter().position(|kind| *kind == StateKind::Cancelling);
            prop_assert!(asked.is_none_or(|asked| path[asked + 1..].iter().all(|kind| kind.is_final())), "{:?}", path);
        }
    }

    #[test]
    fn every_state_can_be_left_unless_it_is_final() {
        for kind in StateKind::ALL {
            let next: Vec<_> = StateKind::ALL.into_iter().filter(|next| kind.may_become(*next)).collect();
            assert_eq!(next.is_empty(), kind.is_final(), "{kind}");
            assert_eq!(next.contains(&StateKind::Crashed), !kind.is_final(), "a process may die while a run is {kind}");
            assert_eq!(next.contains(&StateKind::Cancelled), !kind.is_final(), "{kind}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in StateKind::ALL {
            assert_eq!(StateKind::parse(&kind.to_string()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(StateKind::parse("awaitingretry"), Some(StateKind::AwaitingRetry));
        assert_eq!(StateKind::parse("Resting"), None);
    }
}
