//! Days on which something is wrong: each ends in a clear line and the right exit code, and nothing that was there is lost.

use std::{fs, path::PathBuf};

use covid_testing::{Output, PlaceDay, Sandbox, World};

use crate::run;

const WORLD: World = World { places: 12, days: 130 };

/// The day of the forecast, and the one a week later, on which something is wrong: day 127 of the world.
const BEFORE: &str = "2021-05-01";
const TODAY: &str = "2021-05-08";

/// A world of which the loop has forecast a week.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("world.csv", WORLD.csv(|_, _, place| Some(place)));
    let output = deliver(&sandbox, BEFORE);
    assert!(output.success(), "{output}");
    sandbox
}

fn deliver(sandbox: &Sandbox, as_of: &str) -> Output {
    run(sandbox, &["-q", "--source", "world.csv", "--as-of", as_of])
}

fn manifests(sandbox: &Sandbox, kind: &str) -> Vec<PathBuf> {
    let prefix = format!("store/world/{kind}/commits/");
    sandbox.files().iter().filter(|file| file.starts_with(&prefix)).map(|file| sandbox.path().join(file)).collect()
}

#[test]
fn a_good_day() {
    let sandbox = sandbox();
    let output = deliver(&sandbox, TODAY);
    assert!(output.success(), "{output}");
    assert!(output.stdout.contains("committed forecasts against what was published up to 2021-05-08"), "{output}");
    assert!(
        output.stdout.contains("2. retrain: rule stale: days since the champion was trained 7, at most 6 wanted"),
        "{output}"
    );
}

#[test]
fn the_last_day_of_the_source_is_empty() {
    let sandbox = sandbox();
    let silent = |_, day: usize, place: PlaceDay| {
        Some(if day == 127 { PlaceDay { counts: [None, None], ..place } } else { place })
    };
    sandbox.write("world.csv", WORLD.csv(silent));
    let output = deliver(&sandbox, TODAY);
    assert_eq!(output.code, Some(5), "{output}");
    let alert = "warning, empty (data) since 2021-05-08: days without anything new at the source 1, at most 0 is usual";
    assert!(output.stdout.contains(alert), "{output}");
    assert!(!output.stdout.contains("(model)"), "a fault of the data is not blamed on the model: {output}");
    assert!(output.stdout.contains("3. predict: 7 days after 2021-05-08"), "all steps are done: {output}");
    // The next day brings what was missing: the alert is over, and the forecasts of that day are scored.
    sandbox.write("world.csv", WORLD.csv(|_, _, place| Some(place)));
    let next = deliver(&sandbox, "2021-05-09");
    assert!(next.success(), "{next}");
    assert_eq!(manifests(&sandbox, "monitoring").len(), 2);
}

#[test]
fn predictions_have_no_counts_to_be_scored_by() {
    let sandbox = sandbox();
    // Day 120 is 2021-05-01.
    let silent = |_, day: usize, place: PlaceDay| {
        Some(if day > 120 { PlaceDay { counts: [None, None], ..place } } else { place })
    };
    sandbox.write("world.csv", WORLD.csv(silent));
    let output = deliver(&sandbox, TODAY);
    assert_eq!(output.code, Some(5), "{output}");
    assert!(output.stdout.contains("RMSLE -, no change - (0 locations)"), "{output}");
    assert!(output.stdout.contains("empty (data)"), "{output}");
}

#[test]
fn a_place_has_another_name() {
    let sandbox = sandbox();
    let renamed = |place: usize, _, day: PlaceDay| {
        Some(if place == 3 { PlaceDay { name: "New Dland".into(), ..day } } else { day })
    };
    sandbox.write("world.csv", WORLD.csv(renamed));
    let output = deliver(&sandbox, TODAY);
    assert_eq!(output.code, Some(5), "{output}");
    assert!(output.stdout.contains("warning, vanished (data) since 2021-05-08: places that were forecast"), "{output}");
    assert!(output.stdout.contains("renamed, as it seems: Dland to New Dland"), "{output}");
}

#[test]
fn a_run_without_a_manifest_does_not_exist() {
    let sandbox = sandbox();
    manifests(&sandbox, "predictions").iter().for_each(|file| fs::remove_file(file).unwrap());
    let output = deliver(&sandbox, TODAY);
    assert!(output.success(), "{output}");
    assert!(output.stdout.contains("back-dated forecast (none was due)"), "{output}");
}

#[test]
fn of_two_commits_for_one_date_the_later_one_counts() {
    let sandbox = sandbox();
    let again = run(&sandbox, &["-q", "--source", "world.csv", "--as-of", BEFORE, "--repair", "none"]);
    assert!(again.success(), "{again}");
    assert_eq!(manifests(&sandbox, "predictions").len(), 2);
    let output = deliver(&sandbox, TODAY);
    assert_eq!(output.stdout.matches("(as of 2021-05-01)").count(), 1, "{output}");
    let read =
        |file: &PathBuf| -> serde_json::Value { serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap() };
    let of_that_day = |manifest: &serde_json::Value| manifest["as_of"] == BEFORE;
    let all = manifests(&sandbox, "predictions");
    // The second commit of the same instant comes a millisecond later: 05.001Z after 05Z.
    let time =
        |manifest: &serde_json::Value| (manifest["created_at"].to_string().len(), manifest["created_at"].to_string());
    let later = all.iter().map(read).filter(of_that_day).max_by_key(time).unwrap();
    assert!(output.stdout.contains(&format!("scored: {}", later["run"].as_str().unwrap())), "{output}");
}

#[test]
fn the_champion_s_file_is_gone() {
    let sandbox = sandbox();
    let before = sandbox.files();
    let is_model = |file: &&String| file.ends_with("model/model.json");
    before.iter().filter(is_model).for_each(|file| fs::remove_file(sandbox.path().join(file)).unwrap());
    let output = deliver(&sandbox, TODAY);
    assert_eq!(output.code, Some(3), "{output}");
    assert!(output.stderr.contains("error: ") && output.stderr.contains("model/model.json"), "{output}");
    assert!(output.stderr.contains("hint: "), "{output}");
    let after = sandbox.files();
    assert!(before.iter().filter(|file| !is_model(file)).all(|file| after.contains(file)), "nothing else is lost");
}

#[test]
fn a_manifest_is_damaged() {
    let sandbox = sandbox();
    manifests(&sandbox, "predictions").iter().for_each(|file| fs::write(file, "{").unwrap());
    let output = deliver(&sandbox, TODAY);
    assert_eq!(output.code, Some(3), "{output}");
    assert!(output.stderr.contains("world/predictions/commits/as_of=2021-05-01/"), "{output}");
}

#[test]
#[cfg(unix)]
fn the_store_cannot_be_written() {
    let sandbox = sandbox();
    let before = sandbox.files();
    // No file may grow: as on a full disk, every write fails.
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_delivery");
    let args = ["-c", full, "sh", program, "-q", "--source", "world.csv", "--as-of", TODAY];
    let output = sandbox.run("/bin/sh", &args);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("error: ") && output.stderr.contains("./store/"), "{output}");
    let after = sandbox.files();
    assert!(before.iter().all(|file| after.contains(file)), "what was there is there: {after:?}");
    assert!(deliver(&sandbox, TODAY).success(), "and goes on when there is room");
}

#[test]
fn the_champion_of_another_dataset_is_none_of_ours() {
    let sandbox = sandbox();
    let output = run(&sandbox, &["--source", "world.csv", "--dataset", "other", "--as-of", TODAY]);
    assert!(output.success(), "{output}");
    assert!(output.stderr.contains("no champion of covid-predictor-other yet"), "{output}");
}
