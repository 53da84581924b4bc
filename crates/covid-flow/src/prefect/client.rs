//! Prefect's REST interface, as far as deployments and workers need it.

use covid_core::Timestamp;
use covid_http::{Call, Client, HttpError, HttpFault, HttpUrl};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{
    PrefectError, PrefectSettings, Proposal, RemoteFlowRun, RemoteState, Verdict,
    wire::{Named, Orchestrated, Polled, Refusal, RemoteWorker, WorkPool},
};
use crate::{Artifact, Content, LogLine, State, TaskRun, run::new_id};

/// The most that Prefect gives at once.
const PAGE: usize = 200;

/// The longest reason of a refusal that is shown, in signs.
const LONGEST_REASON: usize = 400;

/// Calls one Prefect server. Cheap to clone.
///
/// A call that fails in a way that may pass is made again, as the settings say. Each of them may be made twice: a change of
/// state, a new flow run and a new task run carry an id by which the server knows them again; a log line or an artifact has
/// none, and may come twice rather than never.
#[derive(Debug, Clone)]
pub struct Prefect {
    client: Client,
    base: HttpUrl,
    settings: PrefectSettings,
}

impl Prefect {
    /// A client of the server whose interface is at an address (`PREFECT_API_URL`: `http://host:4200/api`).
    ///
    /// # Errors
    /// For a setting that is out of its range, and where the machine has no cryptography.
    pub fn new(base: HttpUrl, settings: &PrefectSettings) -> Result<Self, PrefectError> {
        let settings = settings.clone().checked()?;
        let client = Client::new(settings.http())?;
        let client = match settings.credentials() {
            Some(credentials) => client.with_credentials(credentials),
            None => client,
        };
        Ok(Self { client, base, settings })
    }

    /// A client of the server that the settings name.
    ///
    /// # Errors
    /// [`PrefectError::NoServer`]; as [`Self::new`].
    pub fn of_settings(settings: &PrefectSettings) -> Result<Self, PrefectError> {
        let url = settings.api_url.as_deref().ok_or(PrefectError::NoServer)?;
        Self::new(url.parse()?, settings)
    }

    /// The same client, but each call is made once.
    pub(super) fn without_repeats(&self) -> Result<Self, PrefectError> {
        Self::new(self.base.clone(), &PrefectSettings { tries: 1, ..self.settings.clone() })
    }

    /// The server's address, without its secrets.
    pub fn url(&self) -> String {
        self.base.to_string()
    }

    /// The settings.
    pub fn settings(&self) -> &PrefectSettings {
        &self.settings
    }

    /// The flow of a name, made where it is missing: its id.
    pub(super) async fn upsert_flow(&self, name: &str) -> Result<String, PrefectError> {
        Ok(self.post::<Named>("flows/", &json!({ "name": name })).await?.id)
    }

    /// The id of a flow, if there is one of that name.
    pub(super) async fn find_flow(&self, name: &str) -> Result<Option<String>, PrefectError> {
        let found: Option<Named> = self.find(&format!("flows/name/{name}")).await?;
        Ok(found.map(|flow| flow.id))
    }

    /// The name of a flow.
    pub(super) async fn flow_name(&self, id: &str) -> Result<String, PrefectError> {
        Ok(self.get::<Named>(&format!("flows/{id}")).await?.name)
    }

    pub(super) async fn find_pool(&self, name: &str) -> Result<Option<WorkPool>, PrefectError> {
        self.find(&format!("work_pools/{name}")).await
    }

    pub(super) async fn create_pool(&self, document: &Value) -> Result<(), PrefectError> {
        self.post::<WorkPool>("work_pools/", document).await.map(drop)
    }

    pub(super) async fn change_pool(&self, name: &str, changes: &Value) -> Result<(), PrefectError> {
        self.patch(&format!("work_pools/{name}"), changes).await
    }

    pub(super) async fn find_deployment(&self, flow: &str, name: &str) -> Result<Option<Value>, PrefectError> {
        self.find(&format!("deployments/name/{flow}/{name}")).await
    }

    /// The name of a deployment, without that of its flow.
    pub(super) async fn deployment_name(&self, id: &str) -> Result<String, PrefectError> {
        Ok(self.get::<Named>(&format!("deployments/{id}")).await?.name)
    }

    /// Makes a deployment: its id.
    pub(super) async fn create_deployment(&self, document: &Value) -> Result<String, PrefectError> {
        Ok(self.post::<Named>("deployments/", document).await?.id)
    }

    pub(super) async fn change_deployment(&self, id: &str, changes: &Value) -> Result<(), PrefectError> {
        self.patch(&format!("deployments/{id}"), changes).await
    }

    /// Makes a flow run of a deployment, which is to begin at once. Parameters that are not given are the deployment's.
    ///
    /// # Errors
    /// If there is no such deployment, the parameters do not fit its schema, or the call fails.
    pub async fn create_flow_run(
        &self,
        deployment_id: &str,
        parameters: &Map<String, Value>,
    ) -> Result<RemoteFlowRun, PrefectError> {
        let document = json!({ "parameters": parameters, "idempotency_key": new_id() });
        self.start_child(deployment_id, &document).await
    }

    /// The same for a flow run that is described in full: its name, its parent.
    pub(super) async fn start_child(&self, deployment_id: &str, run: &Value) -> Result<RemoteFlowRun, PrefectError> {
        self.post(&format!("deployments/{deployment_id}/create_flow_run"), run).await
    }

    /// A flow run as it is now.
    ///
    /// # Errors
    /// If there is none, or the call fails.
    pub async fn flow_run(&self, id: &str) -> Result<RemoteFlowRun, PrefectError> {
        self.get(&format!("flow_runs/{id}")).await
    }

    /// A flow run as it is now; none if a person deleted it.
    pub(super) async fn find_flow_run(&self, id: &str) -> Result<Option<RemoteFlowRun>, PrefectError> {
        self.find(&format!("flow_runs/{id}")).await
    }

    /// The states that a flow run had, in their order.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn flow_run_states(&self, id: &str) -> Result<Vec<RemoteState>, PrefectError> {
        let url = self.base.join("flow_run_states/").with_query("flow_run_id", id);
        self.answer(&Call::get(url)).await
    }

    /// The flow runs that a filter of Prefect's finds: `{"flow_runs": {"id": {"any_": [...]}}}`.
    ///
    /// # Errors
    /// If the call fails.
    pub async fn flow_runs(&self, filter: &Value) -> Result<Vec<RemoteFlowRun>, PrefectError> {
        self.all_pages("flow_runs/filter", filter).await
    }

    /// Proposes a state of a flow run. With `force`, the server takes it as it is, whatever its rules say.
    ///
    /// # Errors
    /// If there is no such run, or the call fails. What the server's rules decline is a [`Verdict`].
    pub async fn set_flow_run_state(&self, id: &str, to: &Proposal, force: bool) -> Result<Verdict, PrefectError> {
        let document = json!({ "state": to.document(), "force": force });
        let answer: Orchestrated = self.post(&format!("flow_runs/{id}/set_state"), &document).await?;
        Ok(answer.verdict(to).map_reason(|reason| self.redact(&reason)))
    }

    /// Says which worker runs a flow run; `None`: nobody does.
    pub(super) async fn set_worker(&self, id: &str, worker: Option<&str>) -> Result<(), PrefectError> {
        self.patch(&format!("flow_runs/{id}"), &json!({ "infrastructure_pid": worker })).await
    }

    /// Makes a task run under the id that it has here.
    pub(super) async fn create_task_run(&self, task: &TaskRun, state: &State) -> Result<(), PrefectError> {
        let document = json!({
            "id": task.id,
            "name": format!("{}-{}", task.task, task.index),
            "flow_run_id": task.flow_run_id,
            "task_key": task.task,
            // Another worker may have run the same task of the same flow run before.
            "dynamic_key": task.id,
            "state": Proposal::from(state).document(),
        });
        self.post::<Value>("task_runs/", &document).await.map(drop)
    }

    /// Sets the state of a task run. The engine knows which may follow which.
    pub(super) async fn set_task_run_state(&self, id: &str, state: &State) -> Result<(), PrefectError> {
        let document = json!({ "state": Proposal::from(state).document(), "force": true });
        self.post::<Value>(&format!("task_runs/{id}/set_state"), &document).await.map(drop)
    }

    /// Sends log lines.
    pub(super) async fn send_logs(&self, lines: &[LogLine]) -> Result<(), PrefectError> {
        let document: Vec<_> = lines.iter().map(log_document).collect();
        self.send(&Call::post(self.base.join("logs/")).json(&document.into())).await
    }

    pub(super) async fn create_artifact(&self, flow_run_id: &str, artifact: &Artifact) -> Result<(), PrefectError> {
        let (kind, data) = match &artifact.content {
            Content::Markdown(text) => ("markdown", json!(text)),
            // A table is a text, too: the JSON of its rows.
            Content::Table(rows) => ("table", json!(json!(rows).to_string())),
        };
        let document = json!({
            "key": artifact.key,
            "description": artifact.description,
            "type": kind,
            "data": data,
            "flow_run_id": flow_run_id,
        });
        self.post::<Value>("artifacts/", &document).await.map(drop)
    }

    /// Says that a worker lives.
    pub(super) async fn heartbeat(&self, pool: &str, worker: &str) -> Result<(), PrefectError> {
        let document = json!({ "name": worker, "heartbeat_interval_seconds": self.settings.heartbeat_seconds });
        let path = format!("work_pools/{pool}/workers/heartbeat");
        self.send(&Call::post(self.base.join(&path)).json(&document)).await
    }

    /// The names of the workers of a pool that live, as far as the server knows.
    pub(super) async fn living_workers(&self, pool: &str) -> Result<Vec<String>, PrefectError> {
        let found: Vec<RemoteWorker> = self.all_pages(&format!("work_pools/{pool}/workers/filter"), &json!({})).await?;
        let is_living = |worker: &RemoteWorker| worker.status == "ONLINE";
        Ok(found.into_iter().filter(is_living).map(|worker| worker.name).collect())
    }

    /// Forgets a worker.
    pub(super) async fn remove_worker(&self, pool: &str, worker: &str) -> Result<(), PrefectError> {
        self.send(&Call::delete(self.base.join(&format!("work_pools/{pool}/workers/{worker}")))).await
    }

    /// The flow runs of a pool whose time has come by an instant, the earliest first. (Without the instant, those that a
    /// schedule asks for in days to come would be among them.)
    pub(super) async fn due(&self, pool: &str, by: Timestamp) -> Result<Vec<RemoteFlowRun>, PrefectError> {
        let document = json!({ "scheduled_before": by, "limit": PAGE });
        let found: Vec<Polled> = self.post(&format!("work_pools/{pool}/get_scheduled_flow_runs"), &document).await?;
        Ok(found.into_iter().map(|polled| polled.flow_run).collect())
    }

    async fn all_pages<T: DeserializeOwned>(&self, path: &str, filter: &Value) -> Result<Vec<T>, PrefectError> {
        let mut found: Vec<T> = Vec::new();
        let mut document = filter.clone();
        document["limit"] = json!(PAGE);
        loop {
            document["offset"] = json!(found.len());
            let page: Vec<T> = self.post(path, &document).await?;
            let is_last = page.len() < PAGE;
            found.extend(page);
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PrefectError> {
        self.answer(&Call::get(self.base.join(path))).await
    }

    /// What is at an address, if there is something.
    async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, PrefectError> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            // Prefect's own 404, which has a reason, and not that of an address where no Prefect is.
            Err(PrefectError::Refused { cause, .. }) if status(&cause) == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, document: &Value) -> Result<T, PrefectError> {
        self.answer(&Call::post(self.base.join(path)).json(document)).await
    }

    async fn patch(&self, path: &str, document: &Value) -> Result<(), PrefectError> {
        self.send(&Call::patch(self.base.join(path)).json(document)).await
    }

    async fn send(&self, call: &Call) -> Result<(), PrefectError> {
        self.client.call(call).await.map(drop).map_err(|error| self.refusal(error))
    }

    async fn answer<T: DeserializeOwned>(&self, call: &Call) -> Result<T, PrefectError> {
        let body = self.client.call(call).await.map_err(|error| self.refusal(error))?;
        serde_json::from_slice(&body)
            .map_err(|error| PrefectError::NotPrefect { url: self.url(), reason: self.redact(&error.to_string()) })
    }

    /// What the server says, without what it was sent of secrets.
    fn redact(&self, text: &str) -> String {
        self.client.redact(&self.base, text)
    }

    fn refusal(&self, error: HttpError) -> PrefectError {
        let HttpFault::Status { code, said, .. } = error.fault() else {
            return error.into();
        };
        let said = said.json::<Refusal>().and_then(Refusal::reason);
        match said {
            // FastAPI's own word for an address that it does not know is no word of Prefect's.
            Some(detail) if detail != "Not Found" => {
                PrefectError::Refused { reason: reason(&detail), cause: Box::new(error) }
            }
            _ if matches!(code, 404 | 405) => PrefectError::NotPrefect { url: self.url(), reason: error.to_string() },
            _ => error.into(),
        }
    }
}

pub(super) fn status(error: &HttpError) -> Option<u16> {
    match error.fault() {
        HttpFault::Status { code, .. } => Some(*code),
        _ => None,
    }
}

/// A reason in one line.
fn reason(detail: &Value) -> String {
    let text = detail.as_str().map_or_else(|| detail.to_string(), str::to_owned);
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_REASON).collect()
}

fn log_document(line: &LogLine) -> Value {
    // As Python's `logging` counts.
    let level = match line.level.as_str() {
        "error" => 40,
        "warn" => 30,
        "info" => 20,
        _ => 10,
    };
    json!({
        "name": line.target,
        "level": level,
        "message": line.message,
        "timestamp": line.at,
        "flow_run_id": line.flow_run_id,
        "task_run_id": line.task_run_id,
    })
}
