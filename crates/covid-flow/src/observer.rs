//! What a runner sees of a flow run.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Artifact, FlowRun, LogLine, State, TaskRun};

/// Something that happened in a flow run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The flow run came to a state.
    FlowState {
        /// The run.
        run: FlowRun,
        /// The state.
        state: State,
    },
    /// A task run came to a state; the first one is `Pending`.
    TaskState {
        /// The run.
        task: TaskRun,
        /// The state.
        state: State,
    },
    /// A line was logged.
    Log(LogLine),
    /// An artifact was made.
    Artifact {
        /// The flow run.
        flow_run_id: String,
        /// The artifact.
        artifact: Artifact,
    },
}

/// Keeps or passes on what happens in flow runs: a flow knows no more than this of who runs it.
#[async_trait]
pub trait Observer: Send + Sync + 'static {
    /// Takes an event. It is called amid a flow's work, in the order of the events: it must return at once, and leave writing
    /// and sending to somebody else. What cannot be kept is the observer's to tell; the flow goes on.
    fn observe(&self, event: Event);

    /// Waits until all that was observed is kept, or given up.
    async fn flush(&self);
}

/// Several observers, each of which is told.
#[async_trait]
impl Observer for Vec<Arc<dyn Observer>> {
    fn observe(&self, event: Event) {
        self.iter().for_each(|observer| observer.observe(event.clone()));
    }

    async fn flush(&self) {
        for observer in self {
            observer.flush().await;
        }
    }
}
