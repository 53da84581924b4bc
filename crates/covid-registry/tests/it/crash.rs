//! A program that is killed at any write leaves a registry that opens, with no torn artifact and no half-registered version;
//! the same training, run again, ends as if nothing had happened.
//!
//! The program is this test binary, started again with a folder in `COVID_TEST_CRASH_FOLDER`, in which it does what two
//! trainings and a rollback do to a registry. It is killed in two ways:
//!
//! - by a limit on the size of its files, raised step by step: the system kills it in the middle of the write that would
//!   go beyond, so that SQLite's log and artifacts end torn, as on a full disk;
//! - by strace, where that is installed, at each call that changes a file or folder, before it is carried out. Memory that
//!   SQLite shares between programs is changed without calls; whoever opens the file next builds it anew.
//!
//! What the system has accepted survives a killed program. That it also survives a power cut is left to SQLite and `fsync`.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use bytes::Bytes;
use covid_core::sha256_hex;
use covid_registry::{
    CHALLENGER, CHAMPION, EmbeddedRegistry, ModelRegistry as _, ModelVersion, NewVersion, RegistryError, RunBatch,
    RunStatus, Tracker as _, conformance, list_all_runs,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const FOLDER: &str = "COVID_TEST_CRASH_FOLDER";
const MODEL: &str = "m";
const FILES: [&str; 2] = ["model/model.json", "model/MLmodel"];

/// Calls of the test harness's own are fewer: strace counts each thread's, and they must not be taken for the training's.
const HARNESS_WRITES: usize = 64;

/// What changes files and folders. `fsync` is not among them: it changes nothing that another program sees.
const CALLS: [&str; 14] = [
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
];

/// One thread does all the writing, so that its calls come in the same order each time.
fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.max_blocking_threads(1).thread_keep_alive(Duration::from_secs(600)).build().unwrap()
}

/// The program that is killed; as a test of its own it has nothing to do.
#[test]
fn the_program() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let busy = || (0..HARNESS_WRITES).for_each(|_| fs::write("/dev/null", "x").unwrap());
    runtime().block_on(async {
        tokio::task::spawn_blocking(busy).await.unwrap();
        let registry = open(&folder).await;
        train(&registry, "2021-03-01").await.unwrap();
        train(&registry, "2021-04-01").await.unwrap();
        registry.rollback(MODEL, 2, 9).await.unwrap();
        registry.set_alias(MODEL, CHALLENGER, 2).await.unwrap();
        // Closing writes, too: the log goes into the database.
        tokio::task::spawn_blocking(|| drop(registry)).await.unwrap();
    });
}

async fn open(folder: &Path) -> EmbeddedRegistry {
    EmbeddedRegistry::open(folder.join("tracking.db")).await.unwrap()
}

/// What a training does to a registry, in its order: candidates, a version that is not registered twice, a promotion.
async fn train(registry: &EmbeddedRegistry, as_of: &str) -> Result<(), RegistryError> {
    registry.get_or_create_experiment(MODEL).await?;
    let mut best = String::new();
    for recipe in ["persistence", "ensemble"] {
        best = registry.create_run(MODEL, recipe, 1, &[]).await?.run_id;
        let batch = RunBatch::new().param("recipe", recipe).param("as_of", as_of).metric("rmsle", 0.5, 0, 1);
        registry.log_batch(&best, &batch).await?;
        for file in FILES {
            registry.put_artifact(&best, file, content(recipe, as_of, file)).await?;
        }
        registry.finish_run(&best, RunStatus::Finished, 2).await?;
    }
    registry.get_or_create_registered_model(MODEL, "").await?;
    let digest = sha256_hex(&content("ensemble", as_of, FILES[0]));
    let tags = vec![("as_of".to_owned(), as_of.to_owned()), ("model_sha256".to_owned(), digest)];
    let registered = registry.list_versions(MODEL).await?.into_iter().find(|version| version.tags["as_of"] == as_of);
    let version = match registered {
        Some(version) => version,
        None => {
            let source = format!("runs:/{best}/model");
            let new = NewVersion { run_id: best, source, description: String::new(), tags, created_ms: 3 };
            registry.create_version(MODEL, &new).await?
        }
    };
    let champion = registry.get_version_by_alias(MODEL, CHAMPION).await?;
    if champion.as_ref().is_none_or(|champion| champion.tags["as_of"] < version.tags["as_of"]) {
        let expected = champion.map(|champion| champion.version);
        registry.promote(MODEL, version.version, expected, "newer", 4).await?;
    }
    Ok(())
}

/// A file of a run, its own, and larger than the new database: a limit on the size of files falls into it, too.
fn content(recipe: &str, as_of: &str, file: &str) -> Bytes {
    format!("{recipe} {as_of} {file}\n").repeat(3_000).into()
}

/// What must be so however the program ended, and what must be so after another start of it.
fn check(folder: &Path) {
    let runtime = runtime();
    runtime.block_on(async {
        let registry = open(folder).await;
        check_database(folder);
        check_runs(&registry).await;
        check_versions(&registry).await;
    });
    assert!(program(folder).status().unwrap().success(), "the training runs again");
    runtime.block_on(async {
        let registry = open(folder).await;
        check_runs(&registry).await;
        check_versions(&registry).await;
        let versions = registry.list_versions(MODEL).await.unwrap();
        let said: Vec<_> = versions.iter().map(|version| (version.version, version.tags["as_of"].as_str())).collect();
        assert_eq!(said, [(2, "2021-04-01"), (1, "2021-03-01")], "no version is missing, none there twice");
        conformance::assert_one_champion(&registry, MODEL, 1).await;
        assert!(versions[0].aliases.contains(CHALLENGER));
    });
}

fn check_database(folder: &Path) {
    let connection = rusqlite::Connection::open(folder.join("tracking.db")).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let mut broken = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!broken.exists([]).unwrap(), "every row is of something that is there");
}

/// A batch is there whole or not at all, and so is a file; a finished run has all of its own.
async fn check_runs(registry: &EmbeddedRegistry) {
    for run in list_all_runs(registry, None).await.unwrap() {
        assert!([(0, 0), (2, 1)].contains(&(run.params.len(), run.metrics.len())), "{run:?}");
        let files = registry.list_artifacts(&run.info.run_id).await.unwrap();
        for file in &files {
            let read = registry.get_artifact(&run.info.run_id, &file.path).await.unwrap();
            assert_eq!(read, content(&run.info.name, &run.params["as_of"], &file.path), "{}", file.path);
        }
        let done = run.info.status == RunStatus::Finished;
        assert!(!done || (files.len() == FILES.len() && run.params.len() == 2), "{run:?} has {files:?}");
    }
}

/// A version is of a finished run and of the very file it was registered with; one is champion, by the trail and by name.
async fn check_versions(registry: &EmbeddedRegistry) {
    let versions = registry.list_versions(MODEL).await.unwrap();
    for version in &versions {
        let run = registry.get_run(&version.run_id).await.unwrap();
        assert_eq!(run.info.status, RunStatus::Finished);
        let file = registry.get_artifact(&version.run_id, FILES[0]).await.unwrap();
        assert_eq!(version.tags["model_sha256"], sha256_hex(&file));
    }
    match registry.promotions(MODEL).await.unwrap().last() {
        Some(event) => conformance::assert_one_champion(registry, MODEL, event.version).await,
        None => assert!(!versions.iter().any(ModelVersion::is_champion)),
    }
}

/// This test binary as the program.
fn program(folder: &Path) -> Command {
    started_by(&[], folder)
}

fn started_by(starter: &[&str], folder: &Path) -> Command {
    let exe = env::current_exe().unwrap();
    let mut line = starter.iter().map(Path::new).chain([exe.as_path()]);
    let mut command = Command::new(line.next().unwrap());
    command.args(line).args(["--exact", "crash::the_program", "--test-threads=1"]);
    command.env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A folder in memory where there is one: nothing here is meant to survive a power cut.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// Starts the program in a fresh folder, and looks over what it left if it was killed; says whether it was.
fn killed(starter: &[&str]) -> bool {
    let folder = folder();
    let ended = started_by(starter, folder.path()).status().unwrap();
    if by_signal(ended) {
        check(folder.path());
    } else {
        assert!(ended.success(), "{starter:?}: {ended}");
    }
    by_signal(ended)
}

/// strace and the shell say 128 and the signal where the program that they started was killed.
fn by_signal(ended: ExitStatus) -> bool {
    ended.signal().is_some() || ended.code().is_some_and(|code| code > 128)
}

#[test]
fn a_program_killed_in_the_middle_of_a_write_leaves_nothing_torn() {
    // Seven blocks of 512 bytes are less than a page of SQLite's log, and no part of one.
    let limit = |step: usize| format!("ulimit -c 0; ulimit -f {}; exec \"$@\"", 7 * step);
    let kills = (0..).take_while(|&step| killed(&["sh", "-c", &limit(step), "sh"])).count();
    assert!(kills > 20, "{kills} kills");
}

#[test]
fn a_program_killed_at_any_write_leaves_nothing_half_done() {
    if !strace_works() {
        println!("skipped: there is no strace that may watch a program");
        return;
    }
    let mut kills = 0;
    for call in CALLS {
        let first = if call == "write" { HARNESS_WRITES + 1 } else { 1 };
        kills += (first..).take_while(|nth| killed_by_strace(call, *nth)).count();
    }
    assert_eq!(kills, calls(), "every call is one at which it was killed");
    println!("killed at {kills} calls");
}

/// How many such calls an unharmed program makes, those of the harness left out.
fn calls() -> usize {
    let folder = folder();
    let log = folder.path().join("calls");
    let trace = format!("trace={}", CALLS.map(|call| format!("?{call}")).join(","));
    let starter = ["strace", "-f", "-qq", "-o", log.to_str().unwrap(), "-e", &trace];
    assert!(started_by(&starter, folder.path()).status().unwrap().success());
    let log = fs::read_to_string(log).unwrap();
    let calls = log.lines().filter_map(|line| line.split_once(' ')).filter(|(_, call)| !call.contains("resumed>"));
    let (writes, others): (Vec<_>, Vec<_>) = calls.partition(|(_, call)| call.trim_start().starts_with("write("));
    let of = |thread: &str| writes.iter().filter(|(by, _)| *by == thread).count();
    others.len() + writes.iter().map(|(by, _)| of(by)).max().unwrap() - HARNESS_WRITES
}

fn killed_by_strace(call: &str, nth: usize) -> bool {
    let inject = format!("inject=?{call}:signal=KILL:when={nth}");
    killed(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace=?{call}"), "-e", &inject])
}

fn strace_works() -> bool {
    let mut tried = Command::new("strace");
    tried.args(["-qq", "-o", "/dev/null", "-e", "inject=?write:signal=KILL:when=1", "echo"]);
    tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(by_signal)
}
