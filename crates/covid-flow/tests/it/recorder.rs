//! An observer that remembers.

use std::sync::Mutex;

use async_trait::async_trait;
use covid_flow::{Event, Observer};

#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    /// What happened, a line each: the subject and its state, `log: ...` or `artifact KEY`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let said = |message: &str| if message.is_empty() { String::new() } else { format!(" ({message})") };
        let line = |event: Event| match event {
            Event::FlowState { run, state } => format!("{}: {}{}", run.flow, state.kind, said(&state.message)),
            Event::TaskState { task, state } => {
                format!("{}-{}: {}{}", task.task, task.index, state.kind, said(&state.message))
            }
            Event::Log(line) => format!("log: {}", line.message),
            Event::Artifact { artifact, .. } => format!("artifact {}", artifact.key),
        };
        self.events().into_iter().map(line).collect()
    }
}

#[async_trait]
impl Observer for Recorder {
    fn observe(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    async fn flush(&self) {}
}
