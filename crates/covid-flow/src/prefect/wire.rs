//! Prefect's documents, as far as they are looked at.

use std::fmt;

use covid_core::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{State, StateKind, run::new_id};

/// The type of a state: what Prefect's rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StateType {
    /// To run at some time.
    Scheduled,
    /// Claimed by a worker.
    Pending,
    /// At work.
    Running,
    /// Asked to stop.
    Cancelling,
    /// Done.
    Completed,
    /// Ended with an error.
    Failed,
    /// Ended with its process.
    Crashed,
    /// Stopped.
    Cancelled,
    /// One that this program does not set: a run that a person paused, say.
    #[serde(other)]
    Other,
}

impl StateType {
    /// Whether nothing comes after it, unless a person starts the run again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Crashed | Self::Cancelled)
    }

    /// Whether it is the type of states of this kind.
    fn is_of(self, kind: StateKind) -> bool {
        serde_json::from_value(json!(kind.prefect_type())).is_ok_and(|of: Self| of == self)
    }
}

/// A state that a run has at the server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RemoteState {
    /// A UUID, new with every change.
    pub id: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: StateType,
    /// The name, for people.
    pub name: String,
    /// Why.
    pub message: Option<String>,
    #[serde(default)]
    state_details: StateDetails,
}

impl RemoteState {
    /// The kind of a state after which nothing comes; none of one that is not final.
    pub(super) fn final_kind(&self) -> Option<StateKind> {
        StateKind::ALL.into_iter().find(|kind| kind.is_final() && self.kind.is_of(*kind))
    }

    /// Whether it is what this proposal became.
    pub fn came_of(&self, proposal: &Proposal) -> bool {
        self.state_details.transition_id.as_deref() == Some(&proposal.transition_id)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct StateDetails {
    transition_id: Option<String>,
}

/// A flow run at the server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RemoteFlowRun {
    /// A UUID.
    pub id: String,
    /// The name, for people.
    pub name: String,
    /// Its flow.
    pub flow_id: String,
    /// Its deployment; none for a run that somebody's script made.
    pub deployment_id: Option<String>,
    /// The parameters.
    pub parameters: Map<String, Value>,
    /// The state. A poll leaves it out.
    pub state: Option<RemoteState>,
    /// When it is to begin.
    pub expected_start_time: Option<Timestamp>,
    /// Whether a schedule asked for it.
    #[serde(default)]
    pub auto_scheduled: bool,
    /// The worker that runs it: what Prefect calls the process id of its infrastructure.
    #[serde(rename = "infrastructure_pid")]
    pub worker: Option<String>,
}

impl RemoteFlowRun {
    /// The type of its state.
    pub fn state_type(&self) -> Option<StateType> {
        self.state.as_ref().map(|state| state.kind)
    }
}

/// A state that a run is to go to.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    kind: StateKind,
    message: String,
    /// By which the server knows a proposal that is made twice, since the answer to the first one was lost.
    transition_id: String,
    scheduled_at: Option<Timestamp>,
}

impl Proposal {
    /// A proposal. A message is a sentence; none may be given.
    pub fn new(kind: StateKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), transition_id: new_id(), scheduled_at: None }
    }

    /// To run (again) at an instant.
    pub fn scheduled(at: Timestamp, message: impl Into<String>) -> Self {
        Self { scheduled_at: Some(at), ..Self::new(StateKind::Scheduled, message) }
    }

    pub(super) fn document(&self) -> Value {
        let mut details = json!({ "transition_id": self.transition_id });
        if let Some(at) = self.scheduled_at {
            details["scheduled_time"] = json!(at);
        }
        let message = Some(&self.message).filter(|message| !message.is_empty());
        json!({
            "type": self.kind.prefect_type(),
            "name": self.kind.name(),
            "message": message,
            "state_details": details,
        })
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl From<&State> for Proposal {
    fn from(state: &State) -> Self {
        Self::new(state.kind, state.message.as_str())
    }
}

/// What the server says to a proposal.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The run has the state.
    Accepted,
    /// It has not.
    Declined {
        /// Prefect's word: REJECT (it has another state now), WAIT (later), ABORT (the proposer is to leave it alone).
        status: String,
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// Whether the run has the state.
    pub fn is_accepted(&self) -> bool {
        *self == Self::Accepted
    }

    /// The same with its reason in other words.
    pub(super) fn map_reason(self, words: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Accepted => Self::Accepted,
            Self::Declined { status, reason } => Self::Declined { status, reason: words(reason) },
        }
    }
}

/// The answer to a proposal: the HTTP status says nothing of what became of it.
#[derive(Debug, Deserialize)]
pub(super) struct Orchestrated {
    status: String,
    state: Option<RemoteState>,
    #[serde(default)]
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
struct Details {
    reason: Option<String>,
}

impl Orchestrated {
    pub(super) fn verdict(self, proposal: &Proposal) -> Verdict {
        // The server rejects what it has accepted already, when the answer was lost and the call repeated.
        let is_repeated = self.status == "REJECT" && self.state.is_some_and(|state| state.came_of(proposal));
        if self.status == "ACCEPT" || is_repeated {
            return Verdict::Accepted;
        }
        Verdict::Declined { status: self.status, reason: self.details.reason.unwrap_or_default() }
    }
}

/// A flow run that a poll brings.
#[derive(Debug, Deserialize)]
pub(super) struct Polled {
    pub(super) flow_run: RemoteFlowRun,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkPool {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RemoteWorker {
    pub(super) name: String,
    pub(super) status: String,
}

/// What a server says of a call that it refuses.
#[derive(Deserialize)]
pub(super) struct Refusal {
    detail: Option<Value>,
    exception_detail: Option<Value>,
    exception_message: Option<Value>,
}

impl Refusal {
    /// The most telling of its words, a text or a list of what does not fit.
    pub(super) fn reason(self) -> Option<Value> {
        self.detail.or(self.exception_detail).or(self.exception_message)
    }
}
