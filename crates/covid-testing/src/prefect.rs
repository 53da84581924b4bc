//! A real Prefect server, asked through its own interface and its own command line.
#![allow(clippy::unwrap_used)] // The tests' own.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Sandbox, live_server};

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(240);

/// A Prefect server, and its command line.
#[derive(Debug)]
pub struct PrefectServer {
    /// The address of its interface.
    pub url: String,
    cli: PathBuf,
}

impl PrefectServer {
    /// The server of `COVID_TEST_PREFECT` with the program of `COVID_TEST_PREFECT_CLI`; else as [`live_server`].
    pub fn find() -> Option<Self> {
        let cli = PathBuf::from(live_server("COVID_TEST_PREFECT_CLI")?);
        Some(Self { url: live_server("COVID_TEST_PREFECT")?, cli })
    }

    /// A name that no other test uses.
    pub fn new_name(what: &str) -> String {
        let digits = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        format!("{what}-{digits:x}")
    }

    /// A sandbox whose programs know the server and a pool, look often, and have the machine's clock.
    pub fn known_in(&self, sandbox: Sandbox, pool: &str) -> Sandbox {
        let sandbox = sandbox.env("PREFECT_API_URL", &self.url).env("COVID_PREFECT_POOL", pool).env("COVID_NOW", "");
        sandbox
            .env("COVID_PREFECT_POLL_SECONDS", "0.5")
            .env("COVID_PREFECT_HEARTBEAT_SECONDS", "2")
            .env("COVID_PREFECT_ORPHAN_SECONDS", "4")
    }

    /// Runs Prefect's own program, and gives what it prints.
    ///
    /// # Panics
    /// If it does not succeed.
    pub fn cli(&self, sandbox: &Sandbox, args: &[&str]) -> String {
        let mut command = sandbox.command(self.cli.to_str().unwrap(), args);
        let output = command.env("PREFECT_API_URL", &self.url).env("PREFECT_HOME", sandbox.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "prefect {args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Reads a document; none if the server is away.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.call("GET", path, "")
    }

    /// Sends a document, and reads the answer; none if the server is away.
    pub fn post(&self, path: &str, document: &Value) -> Option<Value> {
        self.call("POST", path, &document.to_string())
    }

    /// What a filter finds: `flow_runs`, `logs`, `task_runs`, `artifacts`.
    pub fn filter(&self, what: &str, filter: &Value) -> Vec<Value> {
        let found = self.post(&format!("/{what}/filter"), filter);
        found.and_then(|found| found.as_array().cloned()).unwrap_or_default()
    }

    /// Makes a flow run of a deployment (`predict/sample`), which is to begin at once: its id.
    ///
    /// # Panics
    /// If there is no such deployment.
    pub fn trigger(&self, deployment: &str) -> String {
        // A server that is busy says so, and nothing was made then.
        let id_of = |document: Value| document["id"].as_str().map(str::to_owned);
        let found = wait_for(|| id_of(self.get(&format!("/deployments/name/{deployment}"))?));
        let id = found.unwrap_or_else(|| panic!("no deployment `{deployment}`"));
        let made = wait_for(|| id_of(self.post(&format!("/deployments/{id}/create_flow_run"), &json!({}))?));
        made.expect("a flow run")
    }

    /// Waits until a flow run is in a state of that type.
    ///
    /// # Panics
    /// If it is not for minutes.
    pub fn reaches(&self, run: &str, kind: &str) -> Value {
        let mut last = Value::Null;
        let reached = wait_for(|| {
            last = self.get(&format!("/flow_runs/{run}"))?;
            (last["state_type"] == kind).then(|| last.clone())
        });
        reached.unwrap_or_else(|| panic!("the flow run is not {kind}: {last:#}"))
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        let (host, prefix) = self.url.strip_prefix("http://")?.split_once('/')?;
        let mut stream = TcpStream::connect(host).ok()?;
        let length = body.len();
        write!(
            stream,
            "{method} /{prefix}{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }
}

/// Waits until something is there; none if it is not for minutes.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(found) = look() {
            return Some(found);
        }
        sleep(Duration::from_millis(100));
    }
    None
}

/// A Prefect server of a test's own, which it may stop and start again. It ends when it is dropped.
#[derive(Debug)]
pub struct OwnPrefect {
    /// The server.
    pub server: PrefectServer,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

impl OwnPrefect {
    /// A server that keeps its data in a folder; else as [`live_server`].
    ///
    /// # Panics
    /// If it does not answer for minutes.
    pub fn start(folder: &Path) -> Option<Self> {
        let cli = PathBuf::from(live_server("COVID_TEST_PREFECT_CLI")?);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = PrefectServer { url: format!("http://127.0.0.1:{port}/api"), cli };
        fs::create_dir_all(folder).unwrap();
        let mut own = Self { server, folder: folder.to_owned(), port, process: None };
        own.resume();
        Some(own)
    }

    /// Starts it (again).
    ///
    /// # Panics
    /// If it does not answer for minutes.
    pub fn resume(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = Command::new(&self.server.cli);
        command.args(["server", "start", "--host", "127.0.0.1", "--port", &self.port.to_string()]).env_clear();
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", &self.folder);
        command.env("PREFECT_HOME", &self.folder).env("PREFECT_SERVER_ANALYTICS_ENABLED", "false");
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn();
        self.process = Some(process.unwrap());
        assert!(wait_for(|| self.server.get("/health")).is_some(), "Prefect does not answer");
    }

    /// Stops it.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            signal(&process, "TERM");
            process.wait().unwrap();
        }
    }
}

impl Drop for OwnPrefect {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal to a process: `TERM`, `KILL`, `STOP`, `CONT`.
///
/// # Panics
/// If it cannot be sent.
pub fn signal(process: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status();
    assert!(sent.unwrap().success(), "SIG{name} to {}", process.id());
}
