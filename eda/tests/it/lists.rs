//! The lists beside the report, which have a row for each value: what repair changed, what is odd, what was revised.

use std::fmt::Write as _;

use covid_testing::{Output, Sandbox, assert_run, real_data};
use insta::assert_snapshot;

use crate::run;

/// JHU's two files, of these dates and rows.
fn write_series(sandbox: &Sandbox, folder: &str, header: &str, cases: &str, deaths: &str) {
    for (name, rows) in [("confirmed", cases), ("deaths", deaths)] {
        let table = format!("Province/State,Country/Region,Lat,Long,{header}\n{rows}");
        sandbox.write(&format!("{folder}/time_series_covid19_{name}_global.csv"), table);
    }
}

const DAYS: &str = "3/1/20,3/2/20,3/3/20,3/4/20,3/5/20";
const CASES: &str = "Upper,Datastan,1,1,10,30,25,,20\n,Modelonia,2,2,1,2,3,4,5\n";
const DEATHS: &str = "Upper,Datastan,1,1,0,3,3,3,3\n,Modelonia,2,2,2,1,1,2,1\n";

/// A list of the stage's folder, of a run that is expected to do well.
fn list(sandbox: &Sandbox, output: &Output, name: &str) -> String {
    assert!(output.success(), "{output}");
    let page = output.stdout.lines().find_map(|line| line.strip_prefix("report: ")).unwrap();
    sandbox.read(&page.trim_start_matches("./").replace("report.html", name))
}

#[test]
fn each_count_that_repair_lowers_has_a_row() {
    let sandbox = Sandbox::new();
    write_series(&sandbox, "data", DAYS, CASES, DEATHS);
    let look = |args: &[&str]| run(&sandbox, &[&["--source", "data"], args].concat());
    let output = look(&[]);
    assert!(output.stdout.contains("repairs.csv (4 counts)"), "{output}");
    assert!(output.stderr.contains("repair: 4 counts in 2 series lowered"), "{output}");
    assert_snapshot!(list(&sandbox, &output, "repairs.csv"), @r#"
    location,Admin2,Province_State,Country_Region,target,date,published,repaired,rule
    "Upper, Datastan",,Upper,Datastan,ConfirmedCases,2020-03-02,30,20,monotone
    "Upper, Datastan",,Upper,Datastan,ConfirmedCases,2020-03-03,25,20,monotone
    Modelonia,,,Modelonia,Fatalities,2020-03-01,2,1,monotone
    Modelonia,,,Modelonia,Fatalities,2020-03-04,2,1,monotone
    "#);
    // The falls of the last days are not known yet, and a count that was missing is no fall.
    assert_snapshot!(list(&sandbox, &look(&["-q", "--as-of", "2020-03-04"]), "repairs.csv"), @r#"
    location,Admin2,Province_State,Country_Region,target,date,published,repaired,rule
    "Upper, Datastan",,Upper,Datastan,ConfirmedCases,2020-03-02,30,25,monotone
    Modelonia,,,Modelonia,Fatalities,2020-03-01,2,1,monotone
    "#);
    assert_snapshot!(list(&sandbox, &look(&["-q", "--repair", "none"]), "repairs.csv"), @"location,Admin2,Province_State,Country_Region,target,date,published,repaired,rule");
}

/// A long table of 40 days: places with something of their own each, and one of which there is nothing to tell. The last
/// row comes twice.
fn one_of_everything() -> String {
    let mut table = "location,date,ConfirmedCases,Fatalities\n".to_owned();
    let days = (0..40).map(|day| {
        (day, if day < 31 { format!("2020-03-{:02}", day + 1) } else { format!("2020-04-{:02}", day - 30) })
    });
    for (day, date) in days {
        let jump = if day < 35 { 0 } else { 700 };
        let fall = if day < 20 { 0 } else { 7 };
        let gap = if day % 10 == 5 { String::new() } else { (day * 3).to_string() };
        for (place, cases) in [
            ("Ordinary", (day * 10).to_string()),
            ("Jumping", (day * 10 + jump).to_string()),
            ("Falling", (day * 4 - fall).to_string()),
            ("Blank", gap),
            ("Halved", format!("{day}.5")),
            ("Negative", (day - 1).to_string()),
            ("Weekly", (day / 7 * 7).to_string()),
            ("Stopped", day.min(20).to_string()),
        ] {
            let deaths = if place == "Stopped" { 2 } else { day / 2 };
            // Writing to a string does not fail.
            let _ = writeln!(table, "{place},{date},{cases},{deaths}");
        }
    }
    table + "Stopped,2020-04-09,20,2\n"
}

#[test]
fn each_series_with_something_odd_has_a_row() {
    let sandbox = Sandbox::new();
    sandbox.write("counts.csv", one_of_everything());
    let output = run(&sandbox, &["--source", "counts.csv"]);
    assert_snapshot!(list(&sandbox, &output, "quality.csv"), @"
    location,Admin2,Province_State,Country_Region,target,missing,gaps,decreases,total_decrease,largest_decrease,largest_decrease_date,jumps,largest_jump,largest_jump_date,negative,non_integer,last_change,weekly_since
    Blank,,,,ConfirmedCases,4,4,0,0,,,0,,,0,0,2020-04-09,
    Falling,,,,ConfirmedCases,0,0,1,3,3,2020-03-21,0,,,0,0,2020-04-09,
    Halved,,,,ConfirmedCases,0,0,0,0,,,0,,,0,40,2020-04-09,
    Jumping,,,,ConfirmedCases,0,0,0,0,,,1,710,2020-04-05,0,0,2020-04-09,
    Negative,,,,ConfirmedCases,0,0,0,0,,,0,,,1,0,2020-04-09,
    Stopped,,,,ConfirmedCases,0,0,0,0,,,0,,,0,0,2020-03-21,
    Stopped,,,,Fatalities,0,0,0,0,,,0,,,0,0,,
    Weekly,,,,ConfirmedCases,0,0,0,0,,,0,,,0,0,2020-04-05,2020-03-08
    Weekly,,,,Fatalities,0,0,0,0,,,0,,,0,0,2020-04-08,
    ");
    assert_run!(output, @"
    exit: 0
    ----- stdout -----
    Location  Cases  New in 7 days  Deaths  New in 7 days  Weekly cases
    ───────────────────────────────────────────────────────────────────
    World     1,879            910     135             21   ▁▁▁▁█
    Jumping   1,090            770      19              3   ▁▁▁▁█
    Ordinary    390             70      19              3   ▁▁▁▁▁
    Falling     149             28      19              3   ▁▁▁▁▁
    Blank       117             21      19              3   ▁▁▁▁▁
    Halved       40              7      19              3   ▁▁▁▁▁
    Quality                        ConfirmedCases  Fatalities
    ─────────────────────────────────────────────────────────
    missing counts                              4           0
    counts that fall                            1           0
    series with a fall                          1           0
    largest fall          3 (Falling, 2020-03-21)           -
    jumps                                       1           0
    largest jump        710 (Jumping, 2020-04-05)           -
    series without any                          0           0
    below 0                                     1           0
    not whole numbers                          40           0
    places without news for 14 days: 1 - Stopped
    places that report weekly: 1 - Weekly
    rows that say again what another says: 1
    counts below 0 in the files: 1, the first in `counts.csv`, row 7, column `ConfirmedCases`
    report: ./store/counts/eda/as_of=2020-04-09/report.html
    beside it: repairs.csv (1 counts), quality.csv (9 series)
    ----- stderr -----
    long table (counts.csv; revised data): 8 locations x 40 days up to 2020-04-09; repair: 1 counts in 1 series lowered
    ");
}

#[test]
fn each_count_that_was_revised_has_a_row() {
    let sandbox = Sandbox::new();
    write_series(&sandbox, "old", DAYS, CASES, DEATHS);
    // A day later: a count raised, one lowered, one filled and one withdrawn; a place has come, and none has gone.
    write_series(
        &sandbox,
        "new",
        "3/2/20,3/3/20,3/4/20,3/5/20,3/6/20",
        "Upper,Datastan,1,1,30,25,22,18,19\n,Modelonia,2,2,2,,4,7,9\n,Quantilia,3,3,0,0,0,0,1\n",
        "Upper,Datastan,1,1,3,3,3,3,3\n,Modelonia,2,2,1,1,2,1,1\n,Quantilia,3,3,0,0,0,0,0\n",
    );
    let output = run(&sandbox, &["-q", "--source", "new", "--compare", "old"]);
    assert_snapshot!(list(&sandbox, &output, "revisions.csv"), @r#"
    location,Admin2,Province_State,Country_Region,target,date,old,new,change
    "Upper, Datastan",,Upper,Datastan,ConfirmedCases,2020-03-04,,22,
    "Upper, Datastan",,Upper,Datastan,ConfirmedCases,2020-03-05,20,18,-2
    Modelonia,,,Modelonia,ConfirmedCases,2020-03-03,3,,
    Modelonia,,,Modelonia,ConfirmedCases,2020-03-05,5,7,2
    "#);
    let there = list(&sandbox, &output, "revisions.csv");
    // The older of the two is the old one, whichever way they are given.
    let back = run(&sandbox, &["-q", "--source", "old", "--compare", "new", "--dataset", "back"]);
    assert_eq!(list(&sandbox, &back, "revisions.csv"), there);
    let (_, revisions) = output.stdout.split_once("revisions from ").unwrap();
    assert_snapshot!(revisions, @"
    old: 2 locations, 2020-03-01 to 2020-03-05
                to new: 3 locations, 2020-03-02 to 2020-03-06
    dates of both: 2020-03-02 to 2020-03-05 (4 days)
    dates added: 2020-03-06
    dates removed: 2020-03-01
    places that are new: 1 - Quantilia
    Revisions                                   ConfirmedCases  Fatalities
    ──────────────────────────────────────────────────────────────────────
    counts compared                                          8           8
    counts revised                                  4 (50.0 %)   0 (0.0 %)
    raised                                                   1           0
    lowered                                                  1           0
    missing before                                           1           0
    missing now                                              1           0
    half of them by at most                         2 (10.0 %)           -
    nine tenths by at most                          2 (40.0 %)           -
    largest                   -2 (Upper, Datastan, 2020-03-05)           -
    all places on 2020-03-05                          25 -> 25      4 -> 4
    Age of the day  ConfirmedCases  Fatalities
    ──────────────────────────────────────────
    latest day         2 (100.0 %)   0 (0.0 %)
    1 to 3 days         2 (33.3 %)   0 (0.0 %)
    report: ./store/jhu/eda/as_of=2020-03-06/report.html
    beside it: repairs.csv (4 counts), revisions.csv (4 counts), quality.csv (3 series)
    ");
}

/// Every figure was computed from the files outside the project, in Python.
#[test]
fn the_lists_of_real_data_are_as_counted_outside_the_project() {
    let Some(data) = real_data() else { return };
    let sandbox = Sandbox::new();
    let [jhu, vintage] = ["jhu", "vintages/2021-07-27"].map(|folder| data.join(folder).display().to_string());
    let output = run(&sandbox, &["-q", "--source", &jhu, "--compare", &vintage]);
    let (_, beside) = output.stdout.split_once("beside it: ").unwrap();
    assert_eq!(beside.trim(), "repairs.csv (3,799 counts), revisions.csv (19,897 counts), quality.csv (448 series)");
    for (name, row) in [
        ("repairs.csv", "France,,,France,ConfirmedCases,2021-05-19,5863138,5514022,monotone"),
        ("revisions.csv", "Slovakia,,,Slovakia,ConfirmedCases,2021-07-27,392406,776129,383723"),
        ("revisions.csv", "United Kingdom,,,United Kingdom,Fatalities,2021-07-26,129172,156104,26932"),
        (
            "quality.csv",
            "Spain,,,Spain,Fatalities,0,0,8,2182,1918,2020-05-25,1,1179,2020-06-19,0,0,2023-03-03,2023-01-13",
        ),
    ] {
        let list = list(&sandbox, &output, name);
        assert!(list.lines().any(|line| line == row), "{name} has no row {row}");
    }
}
