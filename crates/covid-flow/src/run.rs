//! Runs of flows and of their tasks, and what they leave for people.

use covid_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::FlowError;

/// A run of a flow: what is known before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRun {
    /// A UUID: of this machine's making, or Prefect's.
    pub id: String,
    /// A name for people: `predict-3f2a91c0`.
    pub name: String,
    /// The flow's name.
    pub flow: String,
    /// The parameters, as an object.
    pub parameters: Value,
    /// The schedule's name, if one asked for the run.
    pub schedule: Option<String>,
    /// When it was to begin, if a schedule asked for it.
    pub scheduled_at: Option<Timestamp>,
}

impl FlowRun {
    /// A run that is to begin at once.
    pub fn new(flow: &str, parameters: Value) -> Self {
        let id = new_id();
        let name = format!("{flow}-{}", &id[..8]);
        Self { id, name, flow: flow.to_owned(), parameters, schedule: None, scheduled_at: None }
    }
}

/// A run of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRun {
    /// A UUID.
    pub id: String,
    /// The flow run that it is part of.
    pub flow_run_id: String,
    /// The task's name.
    pub task: String,
    /// How many tasks of that name the flow run began before.
    pub index: u32,
}

impl TaskRun {
    pub(crate) fn new(flow_run_id: &str, task: &str, index: u32) -> Self {
        Self { id: new_id(), flow_run_id: flow_run_id.to_owned(), task: task.to_owned(), index }
    }
}

/// A result for people's eyes that stays with its flow run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Small letters, digits and dashes; a later artifact of the same key is a newer version of it.
    pub key: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// The content.
    pub content: Content,
}

/// What an artifact holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Text in Markdown.
    Markdown(String),
    /// Rows, each an object of columns.
    Table(Vec<Map<String, Value>>),
}

impl Artifact {
    /// An artifact.
    ///
    /// # Errors
    /// If the key has other signs than `a-z`, `0-9` and `-`, or none.
    pub fn new(key: &str, description: &str, content: Content) -> Result<Self, FlowError> {
        let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if key.is_empty() || !key.chars().all(is_fit) {
            let reason = "it must be of small letters, digits and dashes";
            return Err(FlowError::BadName { what: "key of an artifact", name: key.to_owned(), reason });
        }
        Ok(Self { key: key.to_owned(), description: description.to_owned(), content })
    }
}

/// Something that was logged during a flow run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The flow run.
    pub flow_run_id: String,
    /// The task run, if it was logged inside one.
    pub task_run_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The part of the program: `covid_data::fetch`.
    pub target: String,
    /// What was said, with its fields.
    pub message: String,
}

/// A new UUID (version 4).
pub(crate) fn new_id() -> String {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}
