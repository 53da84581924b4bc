//! A small stand-in for a Prefect server, for answers that the real one gives seldom.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use covid_flow::prefect::POOL_TYPE;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A way to misbehave.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Does nothing, and answers with this status.
    Status(u16),
    /// Does what it is asked for, and closes the connection.
    Lost,
}

/// A call as it came.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct Model {
    /// Flow runs with their states.
    runs: BTreeMap<String, (Value, Vec<Value>)>,
    calls: Vec<Called>,
    /// By the end of a path, or a type of states.
    faults: VecDeque<(&'static str, Fault)>,
    /// States that somebody else's claim brings right before ours.
    intruders: Vec<Value>,
}

/// A server with one work pool, `pool`, and one flow, `work`.
pub(crate) struct PrefectServer {
    pub(crate) url: String,
    model: Arc<Mutex<Model>>,
    task: JoinHandle<()>,
}

impl Drop for PrefectServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PrefectServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let model = Arc::<Mutex<Model>>::default();
        let task = tokio::spawn(accept(listener, model.clone()));
        Self { url, model, task }
    }

    /// A flow run in a state. A poll brings it whatever its state is, as one that comes late does.
    pub(crate) fn put_run(&self, id: &str, kind: &str) {
        let run = json!({
            "id": id, "name": format!("run-{id}"), "flow_id": "f", "deployment_id": "d", "parameters": {},
            "expected_start_time": null, "infrastructure_pid": null,
        });
        self.model.lock().unwrap().runs.insert(id.into(), (run, vec![state(kind, &json!({}))]));
    }

    /// Notes a worker as that of a flow run.
    pub(crate) fn give_to(&self, id: &str, worker: &str) {
        self.model.lock().unwrap().runs.get_mut(id).unwrap().0["infrastructure_pid"] = worker.into();
    }

    /// Misbehaves once on a call whose path ends so, or that proposes a state of that type.
    pub(crate) fn fault(&self, path: &'static str, fault: Fault) {
        self.model.lock().unwrap().faults.push_back((path, fault));
    }

    /// Accepts somebody else's state right before the next claim.
    pub(crate) fn intrude(&self, kind: &str) {
        self.model.lock().unwrap().intruders.push(state(kind, &json!({})));
    }

    pub(crate) fn states(&self, id: &str) -> Vec<String> {
        let model = self.model.lock().unwrap();
        model.runs[id].1.iter().map(|state| state["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The calls of paths that end so.
    pub(crate) fn calls(&self, path: &str) -> Vec<Called> {
        let model = self.model.lock().unwrap();
        model.calls.iter().filter(|call| call.path.ends_with(path)).cloned().collect()
    }
}

fn state(kind: &str, details: &Value) -> Value {
    let name = kind[..1].to_owned() + &kind[1..].to_lowercase();
    let id = format!("{:016x}", rand::random::<u64>());
    json!({ "id": id, "type": kind, "name": name, "message": null, "state_details": details })
}

async fn accept(listener: TcpListener, model: Arc<Mutex<Model>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, model.clone()));
    }
}

async fn serve(stream: TcpStream, model: Arc<Mutex<Model>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let model = model.clone();
        async move {
            let text =
                |value: Option<&header::HeaderValue>| value.and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
            let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or("").to_owned());
            let (method, authorization) = (request.method().clone(), text(request.headers().get("authorization")));
            let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut model = model.lock().unwrap();
            model.calls.push(Called { path: path.clone(), authorization, body: body.clone() });
            let fault = model.fault(&path, &body);
            if let Some(Fault::Status(status)) = fault {
                return Ok(respond(status, &json!({ "exception_message": "Service Unavailable" })));
            }
            let answer = model.answer(method.as_str(), path.trim_start_matches("/api/"), &query, &body);
            match fault {
                Some(Fault::Lost) => Err(io::Error::other("lost")),
                _ => Ok(respond(answer.0, &answer.1)),
            }
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn respond(status: u16, document: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(document.to_string().into()));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    response
}

impl Model {
    fn fault(&mut self, path: &str, body: &Value) -> Option<Fault> {
        let place = self.faults.iter().position(|(end, _)| path.ends_with(end) || body["state"]["type"] == *end)?;
        self.faults.remove(place).map(|(_, fault)| fault)
    }

    fn answer(&mut self, method: &str, path: &str, query: &str, body: &Value) -> (u16, Value) {
        let parts: Vec<_> = path.split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["work_pools", "pool"]) => (200, json!({ "type": POOL_TYPE, "description": "" })),
            ("POST", ["work_pools", "pool", "get_scheduled_flow_runs"]) => {
                (200, self.runs.values().map(|(run, _)| json!({ "flow_run": run })).collect())
            }
            ("GET", ["flows", "f"]) => (200, json!({ "id": "f", "name": "work" })),
            ("GET", ["flow_run_states", ""]) => {
                let id = query.strip_prefix("flow_run_id=").unwrap();
                (200, json!(self.runs[id].1))
            }
            ("POST", ["flow_runs", "filter"]) => {
                let wanted =
                    |value: &Value, filter: &Value| filter["any_"].as_array().is_none_or(|any| any.contains(value));
                let filter = &body["flow_runs"];
                let found = self.runs.keys().map(|id| self.run(id)).filter(|run| {
                    wanted(&run["id"], &filter["id"]) && wanted(&run["state"]["type"], &filter["state"]["type"])
                });
                (200, found.collect())
            }
            ("GET", ["flow_runs", id]) => (200, self.run(id)),
            ("PATCH", ["flow_runs", id]) => {
                self.runs.get_mut(*id).unwrap().0["infrastructure_pid"] = body["infrastructure_pid"].clone();
                (204, Value::Null)
            }
            ("POST", ["flow_runs", id, "set_state"]) => (200, self.set_state(id, body)),
            _ => (200, json!([])),
        }
    }

    fn run(&self, id: &str) -> Value {
        let (mut run, states) = self.runs[id].clone();
        run["state"] = states.last().unwrap().clone();
        run
    }

    /// By the rules of the real server that matter here.
    fn set_state(&mut self, id: &str, body: &Value) -> Value {
        let (kind, details) = (body["state"]["type"].as_str().unwrap(), &body["state"]["state_details"]);
        let intruders = if kind == "PENDING" { std::mem::take(&mut self.intruders) } else { Vec::new() };
        let is_intruded = !intruders.is_empty();
        let states = &mut self.runs.get_mut(id).unwrap().1;
        states.extend(intruders);
        let last = states.last().unwrap().clone();
        if last["state_details"]["transition_id"] == details["transition_id"] {
            return json!({ "status": "REJECT", "state": last, "details": { "reason": "again" } });
        }
        let is_taken = ["PENDING", "RUNNING", "CANCELLING", "CANCELLED"].iter().any(|taken| last["type"] == *taken);
        if kind == "PENDING" && is_taken && !is_intruded {
            return json!({ "status": "ABORT", "state": null, "details": { "reason": "This run is in a PENDING state" } });
        }
        states.push(state(kind, details));
        json!({ "status": "ACCEPT", "state": states.last(), "details": { "type": "accept_details" } })
    }
}
