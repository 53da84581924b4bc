//! Input that is missing or damaged: one sentence, a hint, exit 3, nothing written, no panic.

use covid_testing::{Output, Sandbox, assert_run};

use crate::run;

const CASES: &str = "data/time_series_covid19_confirmed_global.csv";
const DEATHS: &str = "data/time_series_covid19_deaths_global.csv";

const GOOD: &str = "\
Province/State,Country/Region,Lat,Long,1/30/20,1/31/20,2/1/20
,Dataland,1.0,2.0,1,2,4
North,Modelonia,,,0,0,3
";

/// The files that there are, but for the record that a flow failed.
fn written(sandbox: &Sandbox) -> Vec<String> {
    sandbox.files().into_iter().filter(|file| !file.starts_with("store/flow.db")).collect()
}

/// Runs on a good file of deaths and this file of cases; nothing may be written.
fn on_cases(cases: &str) -> Output {
    let sandbox = Sandbox::new();
    sandbox.write(CASES, cases);
    sandbox.write(DEATHS, GOOD);
    let output = run(&sandbox, &["-q", "--source", "data"]);
    assert_eq!(written(&sandbox), [CASES, DEATHS], "{output}");
    output
}

#[test]
fn missing() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["-q", "--source", "./nowhere"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: there is no file or folder `./nowhere`
    hint: check the spelling, or give `sample` for simulated data
    "#);
    sandbox.write(CASES, GOOD);
    assert_run!(run(&sandbox, &["-q", "--source", "data"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `data` holds no file `time_series_covid19_deaths_global.csv`
    hint: put `time_series_covid19_deaths_global.csv` of the same day beside the other file
    "#);
}

#[test]
fn empty() {
    assert_run!(on_cases(""), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `data/time_series_covid19_confirmed_global.csv`: the file is empty
    hint: download the file again
    "#);
}

#[test]
fn truncated() {
    assert_run!(on_cases(&GOOD[..GOOD.len() - 5]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `data/time_series_covid19_confirmed_global.csv`: row 3 has 5 fields where the header has 7
    hint: the file may be cut off (download it again), or a name with a comma is not in quotation marks
    "#);
}

#[test]
fn text_in_a_count() {
    assert_run!(on_cases(&GOOD.replace("1,2,4", "1,two,4")), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `data/time_series_covid19_confirmed_global.csv`: row 2, column `1/31/20` holds `two`, which is not a number
    hint: write a count in digits alone, or leave the cell empty where it is missing
    "#);
}

#[test]
fn negative_count() {
    assert_run!(on_cases(&GOOD.replace("1,2,4", "1,-2,4")), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `data/time_series_covid19_confirmed_global.csv`: row 2, column `1/31/20` holds `-2`, a negative count
    hint: cumulative counts are 0 or more: correct the cell, or leave it empty
    "#);
}

#[test]
fn duplicate_locations() {
    assert_run!(on_cases(&GOOD.replace("North,Modelonia", ",Dataland")), @"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: `data/time_series_covid19_confirmed_global.csv`: rows 2 and 3 are both for location `Dataland`, with different counts
    hint: keep one of the two rows, or tell the places apart by province
    ");
}

#[test]
fn as_of_outside_the_data() {
    let sandbox = Sandbox::new();
    assert_run!(run(&sandbox, &["-q", "--as-of", "2019-12-31"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the as-of date 2019-12-31 is outside the data, which run from 2020-01-22 to 2021-06-04
    hint: give a date from 2020-01-22 to 2021-06-04 with --as-of
    "#);
    assert_run!(run(&sandbox, &["-q", "--as-of", "2021-06-05"]), @r#"
    exit: 2
    ----- stdout -----
    ----- stderr -----
    error: the as-of date 2021-06-05 is outside the data, which run from 2020-01-22 to 2021-06-04
    hint: give a date from 2020-01-22 to 2021-06-04 with --as-of
    "#);
    assert!(written(&sandbox).is_empty());
}

#[test]
fn too_short_a_history() {
    let sandbox = Sandbox::new();
    sandbox.write(CASES, GOOD);
    sandbox.write(DEATHS, GOOD);
    assert_run!(run(&sandbox, &["-q", "--source", "data"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: 3 days of data up to 2020-02-01 are too few: a comparison 7 days ahead needs 35
    hint: give a later --as-of, or a source with a longer history
    "#);
}

#[test]
fn damaged_store() {
    let sandbox = Sandbox::new();
    assert!(run(&sandbox, &["-q"]).success());
    let files = sandbox.files();
    let manifest = files.iter().find(|file| file.contains("/commits/")).unwrap();
    sandbox.write(manifest, "{");
    let output = run(&sandbox, &["runs", "-q"]);
    assert_eq!(output.code, Some(3), "{output}");
    assert!(output.stderr.contains("in the store is damaged: EOF while parsing"), "{output}");
    let database = files.iter().find(|file| file.ends_with("tracking.db")).unwrap();
    sandbox.write(database, "not a database, but long enough to look at");
    assert_run!(run(&sandbox, &["show", "--location", "World", "-q"]), @r#"
    exit: 3
    ----- stdout -----
    ----- stderr -----
    error: ./store/tracking.db cannot be read as a tracking database: file is not a database
    hint: check `--tracking embedded:PATH`, or move that file away to start anew
    "#);
}
