//! What a plain `cargo test` leaves out. Each test that is skipped says so, but libtest keeps what a passing test prints to
//! itself: so it is said once more, in one line that it does not get hold of.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
    process::Command,
};

use covid_testing::chromium;

/// The servers of the live tests, by name and by the end of the variable that names one.
const SERVERS: [(&str, &str); 3] = [("S3", "S3"), ("MLflow", "MLFLOW"), ("Prefect", "PREFECT")];

/// A variable of the tests.
fn variable(name: &str) -> String {
    format!("COVID_TEST_{name}")
}

/// The line; none where nothing is skipped.
fn line(is_set: impl Fn(&str) -> bool, has_browser: bool) -> Option<String> {
    let servers: Vec<&str> = SERVERS.iter().filter(|(_, end)| !is_set(end)).map(|(name, _)| *name).collect();
    let against = match &servers[..] {
        [] => None,
        [one] => Some((*one).to_owned()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    };
    let skipped: Vec<String> = [
        against.map(|servers| format!("against {servers} (make services-up test-live)")),
        (!is_set("DATA")).then(|| "on real data (make test-data)".to_owned()),
        (!has_browser).then(|| "in a browser (Chromium)".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!skipped.is_empty()).then(|| format!("skipped: tests {}\n", skipped.join(", ")))
}

#[test]
fn what_is_skipped_is_told_in_one_line() {
    let is_set = |name: &str| env::var_os(variable(name)).is_some_and(|value| !value.is_empty());
    if let Some(line) = line(is_set, chromium().is_some()) {
        // At once, so that no other output comes between.
        io::stderr().write_all(line.as_bytes()).unwrap();
    }
}

/// What a run of the test above says on stderr, with these variables alone.
fn told(variables: &[&str]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "skipped::what_is_skipped_is_told_in_one_line"]);
    for name in SERVERS.iter().map(|(_, name)| *name).chain(["DATA", "CHROMIUM"]) {
        match variables.contains(&name) {
            true => command.env(variable(name), "x"),
            false => command.env_remove(variable(name)),
        };
    }
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_line_is_seen_without_any_flag_and_names_only_what_is_skipped() {
    assert_eq!(
        told(&["CHROMIUM"]),
        "skipped: tests against S3, MLflow and Prefect (make services-up test-live), on real data (make test-data)\n"
    );
    assert_eq!(
        told(&["CHROMIUM", "DATA", "MLFLOW", "PREFECT"]),
        "skipped: tests against S3 (make services-up test-live)\n"
    );
    assert_eq!(told(&["CHROMIUM", "S3", "MLFLOW", "PREFECT"]), "skipped: tests on real data (make test-data)\n");
    assert_eq!(told(&["CHROMIUM", "S3", "MLFLOW", "PREFECT", "DATA"]), "");
    let browser = if Path::new("/usr/bin/chromium").exists() { "" } else { "skipped: tests in a browser (Chromium)\n" };
    assert_eq!(told(&["S3", "MLFLOW", "PREFECT", "DATA"]), browser);
}
