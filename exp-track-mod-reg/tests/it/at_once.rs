//! Two programs at once on one embedded registry, and programs that are killed: the real binary, from outside.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Stdio},
    thread,
    time::Duration,
};

use covid_testing::{Sandbox, visits};
use rusqlite::Connection;
use serde_json::Value;

use crate::run;

type Program = (Child, BufReader<ChildStderr>);

fn start(sandbox: &Sandbox, args: &[&str]) -> Program {
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_exp-track-mod-reg"), args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    (child, stderr)
}

/// Waits until a program has said something.
fn until((child, mut stderr): Program, text: &str) -> Program {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "the program ended before it said `{text}`");
    }
    (child, stderr)
}

/// The exit code, and the rest of what it said.
fn end((mut child, mut stderr): Program) -> (Option<i32>, String) {
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

fn json(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let output = run(sandbox, &[args, &["-q", "--format", "json"]].concat());
    assert!(output.success(), "{output}");
    serde_json::from_str(&output.stdout).unwrap()
}

fn champions(versions: &[Value]) -> Vec<u64> {
    let champion = |version: &&Value| version["aliases"].as_array().unwrap().iter().any(|alias| alias == "champion");
    let production = |version: &&Value| version["model_stage"] == "Production";
    let numbers =
        |those: Vec<&Value>| those.iter().map(|version| version["version"].as_u64().unwrap()).collect::<Vec<_>>();
    let by_alias = numbers(versions.iter().filter(champion).collect());
    assert_eq!(by_alias, numbers(versions.iter().filter(production).collect()), "alias and model stage agree");
    by_alias
}

/// Lets two programs go at the same time, when they have announced what they will do: they wait for a lock till then.
fn race(sandbox: &Sandbox, programs: [&[&str]; 2], announced: &str) -> [(Option<i32>, String); 2] {
    let lock = Connection::open(sandbox.path().join("store/tracking.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let programs = programs.map(|args| start(sandbox, args)).map(|program| until(program, announced));
    thread::sleep(Duration::from_millis(50));
    lock.execute_batch("COMMIT").unwrap();
    programs.map(end)
}

#[test]
fn of_two_rollbacks_at_once_one_goes_back_and_the_other_is_told() {
    let sandbox = Sandbox::new();
    for as_of in ["2021-03-01", "2021-04-01", "2021-05-01"] {
        assert!(run(&sandbox, &["-q", "--as-of", as_of]).success());
    }
    assert_eq!(champions(&json(&sandbox, &["models"])), [3]);
    let mut ends = race(&sandbox, [&["rollback"], &["rollback"]], "version 3: model stage");
    ends.sort();
    let told = "error: `covid-predictor-sample` was not rolled back: version 3 was to go, and the champion is now version 2\n\
                hint: look at the champion of now with `exp-track-mod-reg models`, and roll back again if it is to go, \
                too\n";
    assert_eq!(ends, [(Some(0), String::new()), (Some(5), told.to_owned())]);
    assert_eq!(champions(&json(&sandbox, &["models"])), [2]);
}

#[test]
fn of_two_promotions_at_once_one_wins_and_the_other_is_told() {
    let sandbox = Sandbox::new();
    for as_of in ["2021-03-01", "2021-04-01", "2021-05-01"] {
        assert!(run(&sandbox, &["-q", "--as-of", as_of]).success());
    }
    for _ in 0..2 {
        assert!(run(&sandbox, &["rollback", "-q"]).success());
    }
    let events = json(&sandbox, &["models", "--trail"]).len();
    let ends = race(&sandbox, [&["promote", "2"], &["promote", "3"]], "version 1: model stage");
    let winner = if ends[0].0 == Some(0) { 0 } else { 1 };
    let (won, lost) = (2 + winner, 3 - winner);
    assert_eq!(ends[winner], (Some(0), String::new()));
    let told = format!(
        "error: version {lost} of `covid-predictor-sample` was not promoted: it was compared with version 1, and the \
         champion is now version {won}\nhint: compare the version with the champion of now, and promote it again if it is \
         better\n"
    );
    assert_eq!(ends[1 - winner], (Some(5), told));
    assert_eq!(champions(&json(&sandbox, &["models"])), [won as u64]);
    assert_eq!(json(&sandbox, &["models", "--trail"]).len(), events + 1);
}

/// Each has trained when the lock is let go that holds them.
#[test]
fn two_first_trainings_at_once_leave_one_champion() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["runs", "-q"]).success(), "creates the database");
    let lock = Connection::open(sandbox.path().join("store/tracking.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let programs = [(); 2].map(|()| start(&sandbox, &[])).map(|program| until(program, "simulated sample"));
    thread::sleep(Duration::from_secs(3));
    lock.execute_batch("COMMIT").unwrap();
    let ends = programs.map(end);
    assert!(ends.iter().any(|(code, _)| *code == Some(0)), "{ends:?}");
    for (code, said) in &ends {
        let told = said.contains("was not promoted: it was compared with no champion, and the champion is now version");
        assert!(*code == Some(0) || (*code == Some(5) && told), "{ends:?}");
    }
    let versions = json(&sandbox, &["models"]);
    assert_eq!(champions(&versions).len(), 1);
    assert!(json(&sandbox, &["runs"]).iter().all(|run| run["info"]["status"] == "FINISHED"));
    assert_eq!(json(&sandbox, &["models", "--trail"]).len(), 1);

    let next = run(&sandbox, &["-q"]);
    assert!(next.success() && next.stdout.contains("is already registered as version"), "{next}");
    assert!(next.stdout.contains("and is the champion: nothing to do"), "{next}");
    assert_eq!(json(&sandbox, &["models"]).len(), versions.len(), "nothing is registered again");
}

/// The system kills a program that writes beyond a limit on the size of a file. That SQLite and the artifacts survive it at
/// every write is tested in `covid-registry`; here the flow goes on after it.
#[cfg(unix)]
#[test]
fn a_training_that_was_killed_is_run_again_as_if_nothing_had_happened() {
    let unharmed = train(&Sandbox::new());
    let mut kills = 0;
    for blocks in (0..).map(|power| 1 << power) {
        let sandbox = Sandbox::new();
        sandbox.write("visits.csv", visits());
        let limit = format!("ulimit -c 0; ulimit -f {blocks}; exec \"$@\"");
        let program = ["-c", &limit, "sh", env!("CARGO_BIN_EXE_exp-track-mod-reg"), "-q"];
        let killed = sandbox.run("sh", &[&program[..], &VISITS].concat()).code.is_none();
        assert!(champions(&json(&sandbox, &[&["models"][..], &VISITS].concat())).len() <= 1);
        assert_eq!(train(&sandbox), unharmed, "after a limit of {blocks} blocks of 512 bytes");
        if !killed {
            break;
        }
        kills += 1;
    }
    assert!(kills > 5, "{kills} kills");
}

#[cfg(unix)]
const VISITS: [&str; 4] = ["--source", "visits.csv", "--cases-column", "visits"];

/// The candidates with their scores, and the versions.
#[cfg(unix)]
fn train(sandbox: &Sandbox) -> (Vec<Value>, Vec<Value>) {
    sandbox.write("visits.csv", visits());
    let output = run(sandbox, &[&["-q", "--format", "json"][..], &VISITS].concat());
    assert!(output.success(), "{output}");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let without_run = |mut candidate: Value| {
        candidate["run_id"].take();
        candidate
    };
    let versions = json(sandbox, &[&["models"][..], &VISITS].concat());
    assert_eq!(champions(&versions), [1]);
    let digest = |version: &Value| version["tags"]["model_sha256"].clone();
    let candidates = report["candidates"].as_array().unwrap().iter().cloned().map(without_run).collect();
    (candidates, versions.iter().map(digest).collect())
}
