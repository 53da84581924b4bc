//! What is handed over: whole, checked, and of use where nothing else is.
#![cfg(unix)]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use covid_testing::{Output, Sandbox, assert_run};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::run;

pub(crate) const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
pub(crate) const PROGRAMS: [&str; 5] = ["delivery", "deployment", "eda", "exp-track-mod-reg", "monitoring"];

/// A sandbox in which `cargo` finds what it needs, as in the home of a developer.
pub(crate) fn workshop() -> Sandbox {
    let home = env::var("HOME").unwrap_or_default();
    let place = |name: &str, folder: &str| env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
    let sandbox = Sandbox::new().env("CARGO_HOME", &place("CARGO_HOME", ".cargo"));
    let sandbox = sandbox.env("RUSTUP_HOME", &place("RUSTUP_HOME", ".rustup"));
    match env::var("RUSTUP_TOOLCHAIN") {
        Ok(toolchain) => sandbox.env("RUSTUP_TOOLCHAIN", &toolchain),
        Err(_) => sandbox,
    }
}

fn package(sandbox: &Sandbox, more: &[&str]) -> Output {
    run(sandbox, &[&["package", "--out", "handed", "--workspace", CHECKOUT], more].concat())
}

/// The program under test alone in a folder, under its name; and whatever else is to lie there.
pub(crate) fn moved(sandbox: &Sandbox, beside: &[&str]) -> String {
    for name in beside.iter().filter(|name| **name != "delivery") {
        sandbox.write(&format!("built/{name}"), "#!/bin/sh\n");
    }
    fs::create_dir_all(sandbox.path().join("built")).unwrap();
    let (built, moved) = (env!("CARGO_BIN_EXE_delivery"), sandbox.path().join("built/delivery"));
    // It is large.
    fs::hard_link(built, &moved).or_else(|_| fs::copy(built, &moved).map(drop)).unwrap();
    moved.to_str().unwrap().to_owned()
}

#[test]
fn a_stranger_gets_it_running() {
    let workshop = workshop();
    let made = package(&workshop, &["--format", "json", "--cron", "20 12 * * *", "--timezone", "Europe/Berlin"]);
    assert!(made.success() && made.stderr.is_empty(), "{made}");
    let stranger = Sandbox::new();
    for entry in fs::read_dir(workshop.path().join("handed")).unwrap() {
        let entry = entry.unwrap();
        fs::rename(entry.path(), stranger.path().join(entry.file_name())).unwrap();
    }
    drop(workshop);

    assert_eq!(stranger.files(), files(&made), "what was said to be there is there");
    assert_sums(&stranger);
    assert_bill_of_materials(&stranger);
    assert_licences(&stranger);
    assert_deployments(&stranger);
    assert_eq!(
        stranger.read("config/default.toml"),
        fs::read_to_string(format!("{CHECKOUT}/config/default.toml")).unwrap()
    );

    for part in ["Is it whole?", "First run"] {
        let output = shell(&stranger, &commands_of(&stranger, part).join("\n"));
        assert!(output.success(), "{part}: {output}");
    }
    let again = shell(&stranger, "bin/deployment");
    assert!(again.success() && again.stdout.contains("already done: run "), "{again}");
    assert_every_command_is_understood(&stranger);
}

/// The paths that `package --format json` names, sorted.
fn files(made: &Output) -> Vec<String> {
    let package: Value = serde_json::from_str(&made.stdout).unwrap();
    let files = package["files"].as_array().unwrap();
    let size: u64 = files.iter().map(|file| file["size"].as_u64().unwrap()).sum();
    assert_eq!(package["size"], size);
    assert_eq!(files.last().unwrap()["path"], "SHA256SUMS");
    let mut paths: Vec<String> = files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

fn assert_sums(stranger: &Sandbox) {
    let text = stranger.read("SHA256SUMS");
    let sums: Vec<(&str, &str)> = text.lines().map(|line| line.split_once("  ").unwrap()).collect();
    assert!(sums.is_sorted_by_key(|(_, path)| *path));
    for (sum, path) in &sums {
        let found = digest(&SHA256, &fs::read(stranger.path().join(path)).unwrap());
        let found: String = found.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(*sum, found, "{path}");
    }
    let mut named: Vec<&str> = sums.iter().map(|(_, path)| *path).chain(["SHA256SUMS"]).collect();
    named.sort_unstable();
    assert_eq!(named, stranger.files());
}

fn assert_bill_of_materials(stranger: &Sandbox) {
    let bom: Value = serde_json::from_str(&stranger.read("sbom.cdx.json")).unwrap();
    let components = bom["components"].as_array().unwrap();
    let names: BTreeSet<&str> = components.iter().map(|component| component["name"].as_str().unwrap()).collect();
    for name in ["polars", "tokio", "smartcore", "rusqlite", "covid-core"].iter().chain(&PROGRAMS) {
        assert!(names.contains(name), "{name}");
    }
    // For tests and benches, for fuzzing, for building, and of a feature that nobody turned on.
    for name in ["covid-testing", "insta", "criterion", "proptest", "cargo_metadata", "cc", "polars-sql"] {
        assert!(!names.contains(name), "{name}");
    }
    let references: BTreeSet<&str> =
        components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(references.len(), components.len(), "a reference is of one component");
    for component in components {
        let is_own = component["purl"].as_str().unwrap().starts_with("pkg:generic/");
        assert!(!component["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{component}");
        let sum = component["hashes"][0]["content"].as_str().unwrap_or_default();
        assert_eq!(sum.len(), if is_own { 0 } else { 64 }, "{component}");
    }
    for edge in bom["dependencies"].as_array().unwrap() {
        assert!(edge["dependsOn"].as_array().unwrap().iter().all(|used| references.contains(used.as_str().unwrap())));
    }
    let product = &bom["dependencies"][0];
    assert_eq!(product["ref"], bom["metadata"]["component"]["bom-ref"]);
    assert_eq!(product["dependsOn"].as_array().unwrap().len(), PROGRAMS.len());
}

fn assert_licences(stranger: &Sandbox) {
    let list = stranger.read("LICENSES.txt");
    let tokio = list.lines().find(|line| line.starts_with("tokio ")).unwrap();
    assert!(tokio.contains(" MIT ") && tokio.ends_with("https://github.com/tokio-rs/tokio"), "{tokio}");
    let texts = stranger.read("LICENSE-TEXTS.txt");
    assert!(texts.contains("\ntokio@") && texts.contains("Copyright (c) Tokio Contributors"));
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert_eq!(stranger.read(name), fs::read_to_string(Path::new(CHECKOUT).join(name)).unwrap());
    }
}

fn assert_deployments(stranger: &Sandbox) {
    let deployments = deployments(stranger.path());
    let names: Vec<&str> = deployments.keys().map(String::as_str).collect();
    assert_eq!(names, ["deliver", "monitor", "predict", "train-and-promote"]);
    for (flow, deployment) in &deployments {
        assert_eq!(deployment["flow"], *flow);
        assert_eq!(deployment["version"], env!("CARGO_PKG_VERSION"));
        assert!(deployment["parameter_schema"]["properties"]["horizon"].is_object(), "{deployment}");
        // No path of the machine that made it.
        let parameters = serde_json::json!({ "source": "sample", "repair": "monotone", "horizon": 7, "shards": 1 });
        assert_eq!(deployment["parameters"], parameters);
    }
    let text = stranger.read("deployments/deliver.yaml");
    insta::assert_snapshot!(text.split("parameters:").next().unwrap(), @r#"
    flow: deliver
    description: "The loop: monitors, retrains when a rule says so, promotes when the gate says so, and predicts."
    name: sample
    work_pool: covid
    version: "0.1.0"
    tags: []
    schedule:
      cron: 20 12 * * *
      timezone: Europe/Berlin
    "#);
    assert!(deployments["predict"]["schedule"].is_null(), "only the loop was to have one");
}

pub(crate) fn deployments(folder: &Path) -> BTreeMap<String, Value> {
    let files = fs::read_dir(folder.join("deployments")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let deployment = serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), deployment)
    };
    files.map(read).collect()
}

/// Runs lines of a shell until one fails.
pub(crate) fn shell(sandbox: &Sandbox, lines: &str) -> Output {
    sandbox.run("/bin/sh", &["-e", "-c", lines])
}

/// The lines to type below a heading of the package's README.
fn commands_of(stranger: &Sandbox, heading: &str) -> Vec<String> {
    let readme = stranger.read("README.md");
    let part = readme.split("\n## ").find(|part| part.starts_with(heading)).unwrap();
    let block = part.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(str::to_owned).collect()
}

/// No other command of the README or a deployment, which need a server or stay, has a word that its program does not know.
fn assert_every_command_is_understood(stranger: &Sandbox) {
    let readme = ["Every day", "Under Prefect", "Stores and trackers"].map(|part| commands_of(stranger, part)).concat();
    let deployments = deployments(stranger.path());
    let commands = deployments.values().map(|deployment| deployment["command"].as_str().unwrap().to_owned());
    let commands: Vec<String> = readme.into_iter().filter(|line| line.starts_with("bin/")).chain(commands).collect();
    assert!(commands.len() >= 10, "{commands:?}");
    let ask = |command: &str| shell(stranger, &format!("{command} --help"));
    assert_eq!(ask("bin/delivery deploy --nonsense").code, Some(2));
    for command in commands {
        let output = ask(&command);
        assert!(output.success() && output.stdout.contains("Usage: "), "{command}: {output}");
    }
}

#[test]
fn deployments_say_what_is_not_as_by_default() {
    let sandbox = workshop().env("COVID_PREDICTION_SHARDS", "3").env("COVID_DATASET", "our own");
    let program = moved(&sandbox, &PROGRAMS);
    let args = ["package", "--out", "handed", "--workspace", CHECKOUT, "--source", "jhu", "--store", "s3://bucket/a"];
    let more = ["--tracking", "http://tracker:5000", "--cron", "predict=30 6 * * 1-5", "--tag", "it's"];
    let output = sandbox.run(&program, &[&args[..], &more].concat());
    assert!(output.success(), "{output}");
    let deployments = deployments(&sandbox.path().join("handed"));
    insta::assert_snapshot!(deployments["predict"]["command"].as_str().unwrap(), @r"COVID_PREDICTION_SHARDS=3 bin/deployment deploy --source jhu --dataset 'our own' --store s3://bucket/a --tracking http://tracker:5000 --pool covid --name 'our own' --cron '30 6 * * 1-5' --timezone UTC --tag 'it'\''s'");
    let parameters = &deployments["predict"]["parameters"];
    assert_eq!((&parameters["store"], &parameters["shards"]), (&"s3://bucket/a".into(), &3.into()));
    assert_eq!(deployments["predict-shard"]["parameters"], serde_json::json!({}));
    assert!(deployments["predict-shard"]["schedule"].is_null());
    let mode = |file: &str| fs::metadata(sandbox.path().join(file)).unwrap().permissions().mode();
    assert_eq!(mode("handed/bin/delivery"), mode("built/delivery"));
    assert_eq!(mode("handed/bin/eda"), mode("built/eda"));
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("handed/mine.txt", "mine");
    assert_run!(package(&sandbox, &[]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: `<sandbox>/handed` is there already, and is not an empty folder
    hint: name a folder that is not there yet, or empty this one
    ");
    let file = run(&sandbox, &["package", "--out", "handed/mine.txt"]);
    assert_eq!(file.code, Some(2), "{file}");
    assert_eq!(sandbox.files(), ["handed/mine.txt"]);
}

#[test]
fn a_program_is_missing() {
    let sandbox = Sandbox::new();
    let program = moved(&sandbox, &["eda", "exp-track-mod-reg", "deployment"]);
    assert_run!(sandbox.run(&program, &["package", "--out", "handed"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the program `monitoring` is not beside this one in `<sandbox>/built`
    hint: build them all: cargo build --workspace
    ");
    assert!(!sandbox.path().join("handed").exists());
}

#[test]
fn what_the_programs_are_made_of_is_never_left_out() {
    let sandbox = Sandbox::new();
    let program = moved(&sandbox, &PROGRAMS);
    assert_run!(sandbox.run(&program, &["package", "--out", "handed"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: there is no checkout of the project at or above `<sandbox>/built/delivery` and `<sandbox>`, so nobody can tell what the programs are made of
    hint: run it in the checkout that the programs were built from, or name that: --workspace DIR
    ");
    let without_cargo = Sandbox::new().env("PATH", "/nowhere");
    assert_run!(package(&without_cargo, &[]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: cannot start `cargo`, which knows what the programs are made of: No such file or directory (os error 2)
    hint: install Rust, or put its `cargo` on the PATH
    ");
    sandbox.write("other/Cargo.lock", "version = 4\n");
    sandbox.write("other/delivery/Cargo.toml", "no manifest");
    let other = workshop()
        .run(&program, &["package", "--out", "handed", "--workspace", sandbox.path().join("other").to_str().unwrap()]);
    assert_eq!(other.code, Some(2), "{other}");
    assert!(other.stderr.starts_with("error: `cargo tree` failed in `"), "{other}");
    assert!(!sandbox.path().join("handed").exists() && without_cargo.files().is_empty());
}

#[test]
fn a_schedule_must_be_one() {
    let sandbox = Sandbox::new();
    assert_eq!(package(&sandbox, &["--cron", "daily at noon"]).code, Some(2));
    assert_eq!(package(&sandbox, &["--cron", "nonsense=20 12 * * *"]).code, Some(2));
    assert_run!(package(&sandbox, &["--cron", "20 12 * * *", "--cron", "deliver=20 13 * * *"]), @"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: --cron must be given once for a flow that runs by itself, not `deliver=20 13 * * *`
    hint: change --cron on the command line or in the settings
    ");
    assert!(sandbox.files().is_empty());
}

#[test]
fn a_full_disk_leaves_nothing() {
    let sandbox = workshop();
    // No file may grow beyond some megabytes: as on a full disk, a program cannot be copied.
    let full = "trap '' XFSZ; ulimit -f 10000; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_delivery");
    let args = ["-c", full, "sh", program, "package", "--out", "handed", "--workspace", CHECKOUT];
    let output = sandbox.run("/bin/sh", &args);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.starts_with("error: cannot copy `"), "{output}");
    assert!(fs::read_dir(sandbox.path()).unwrap().next().is_none(), "neither the folder nor what was to become it");
}

#[test]
fn a_kill_half_way_leaves_nothing_at_the_place() {
    let sandbox = workshop();
    let args = ["package", "--out", "handed", "--workspace", CHECKOUT];
    let mut child = sandbox.command(env!("CARGO_BIN_EXE_delivery"), &args).spawn().unwrap();
    let begun = || fs::read_dir(sandbox.path()).unwrap().any(|entry| entry.unwrap().path().join("bin").exists());
    let start = Instant::now();
    while !begun() {
        assert!(start.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none(), "it never began");
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(!sandbox.path().join("handed").exists());
}
