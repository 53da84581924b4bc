//! Flow runs in processes of their own.
//!
//! A worker and its child process share a pipe, the child's standard input: a byte asks the child to stop, and its end says
//! that the worker is gone, however it ended. So no signal has to be counted (a second SIGTERM ends a process at once), and no
//! child outlives its worker.

use std::{
    io::{self, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
};

use signal_hook::low_level;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, ChildStdin},
};
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::{
    Event, FlowError, FlowRun, Observer as _, State, StateKind,
    prefect::{PrefectObserver, StateType},
};

/// Makes the command that runs a flow run of this id, claimed by the worker of this name.
pub(super) type MakeCommand = Arc<dyn Fn(&str, &str) -> Command + Send + Sync>;

/// The exit code of a child whose worker is gone.
const LEFT_ALONE: i32 = 1;

/// A flow run in a process of its own, as its worker sees it.
pub(super) struct Isolated {
    pub(super) worker: Worker,
    pub(super) run: FlowRun,
    pub(super) cancel: CancellationToken,
    /// Tells of the run only if its process cannot.
    pub(super) observer: Arc<PrefectObserver>,
}

impl Isolated {
    /// Starts the process, and sees it to its end.
    pub(super) async fn run(self, command: Command) {
        self.tell_others(&self.state(StateKind::Running, ""));
        let ended = match start(command) {
            Ok(child) => self.attend(child).await,
            Err(cause) => format!("its process could not be started: {cause}"),
        };
        let state = self.settle(ended).await;
        self.tell_others(&state);
        self.worker.observers.flush().await;
        tracing::info!("the flow run `{}` ended as {}", self.run.name, state.kind);
    }

    /// Waits for the end of the process, and says how it came. It is asked to stop once the run is cancelled, and killed once
    /// the run is somebody else's.
    async fn attend(&self, mut child: Child) -> String {
        tracing::info!("the flow run `{}` has the process {}", self.run.name, child.id().unwrap_or_default());
        let mut lifeline = child.stdin.take();
        let mut is_asked = false;
        loop {
            tokio::select! {
                ended = child.wait() => return ended.map_or_else(|cause| cause.to_string(), how),
                () = self.observer.disowned().cancelled() => {
                    // It may have ended by itself meanwhile.
                    let _ = child.kill().await;
                    return "it was killed".to_owned();
                }
                () = self.cancel.cancelled(), if !is_asked => {
                    is_asked = true;
                    ask_to_stop(lifeline.as_mut()).await;
                }
            }
        }
    }

    /// The run's last state: what its process told, or what is told in its place now.
    async fn settle(&self, ended: String) -> State {
        let not_ours = || self.state(StateKind::Cancelled, "it is another worker's");
        if self.observer.disowned().is_cancelled() {
            return not_ours();
        }
        let now = match self.worker.prefect.flow_run(&self.run.id).await {
            Ok(now) => now,
            // If it has not ended, this worker finds that nobody works at it, as soon as the server is there.
            Err(error) => {
                tracing::warn!("how the flow run `{}` ended is not known ({ended}): {error}", self.run.name);
                return self.state(StateKind::Crashed, ended);
            }
        };
        if let Some(kind) = now.state.as_ref().and_then(|state| state.final_kind()) {
            return self.state(kind, "");
        }
        if now.worker.as_ref() != Some(&self.worker.name) {
            return not_ours();
        }
        tracing::warn!("the flow run `{}` did not come to its end: {ended}", self.run.name);
        // The server lets what is Cancelling become nothing but Cancelled.
        let is_cancelling = now.state_type() == Some(StateType::Cancelling);
        let state = self.state(if is_cancelling { StateKind::Cancelled } else { StateKind::Crashed }, ended);
        self.observer.observe(Event::FlowState { run: self.run.clone(), state: state.clone() });
        self.observer.flush().await;
        state
    }

    fn state(&self, kind: StateKind, message: impl Into<String>) -> State {
        State::new(kind, self.worker.clock.now(), message)
    }

    /// Tells whoever is told of runs in this process; Prefect is told by the run's own.
    fn tell_others(&self, state: &State) {
        self.worker.observers.observe(Event::FlowState { run: self.run.clone(), state: state.clone() });
    }
}

/// Starts the process of a flow run. Ctrl-C in a terminal does not reach it: its worker lets it end.
fn start(command: Command) -> io::Result<Child> {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::piped()).process_group(0).kill_on_drop(true).spawn()
}

/// A child that is not there to hear it has ended.
async fn ask_to_stop(lifeline: Option<&mut ChildStdin>) {
    if let Some(lifeline) = lifeline {
        let _ = lifeline.write_all(b"\n").await;
    }
}

/// How a process ended, for people.
fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned);
            format!("its process was ended by {name}")
        }
        (None, code) => format!("its process ended with exit code {}, without a word", code.unwrap_or_default()),
    }
}

/// Binds a child process to its worker: the token is cancelled when the worker asks for it, and the process ends at once when
/// the worker is gone, as the runs of a worker without isolation do.
pub(super) fn bind_to_worker(cancel: CancellationToken) -> Result<(), FlowError> {
    let listen = move || {
        let mut byte = [0];
        while io::stdin().read_exact(&mut byte).is_ok() {
            cancel.cancel();
        }
        tracing::error!("the worker is gone, and the flow run with it");
        low_level::exit(LEFT_ALONE);
    };
    let listener = thread::Builder::new().name("worker".into()).spawn(listen);
    listener.map(drop).map_err(|cause| FlowError::NoSignals { cause })
}
